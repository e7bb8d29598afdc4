/*
 * Open addressing with linear probing; doubles at a load of 0.7. Entries are never removed singly.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/map.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

struct text_map_slot {
    struct slice text;
    uint32_t hash, value; /* MAP_NONE: empty slot */
};

static void *get_zeroed(size_t n, size_t size) {
    void *memory = calloc(n, size);
    if (!memory)
        abort();
    return memory;
}

static bool overloaded(size_t n, size_t capacity) { return (n + 1) * 10 > capacity * 7; }

void text_map_init(struct text_map *map) {
    *map = (struct text_map){0};
    arena_init(&map->texts);
}

void text_map_release(struct text_map *map) {
    free(map->slots);
    arena_release(&map->texts);
    *map = (struct text_map){0};
}

static struct text_map_slot *text_slot(const struct text_map *map, struct slice text,
                                       uint32_t hash) {
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct text_map_slot *slot = &map->slots[i];
        if (slot->value == MAP_NONE || (slot->hash == hash && slice_equal(slot->text, text)))
            return slot;
    }
}

static void text_map_grow(struct text_map *map) {
    struct text_map_slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->capacity = old_capacity ? old_capacity * 2 : FIRST_CAPACITY;
    map->slots = get_zeroed(map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < map->capacity; i++)
        map->slots[i].value = MAP_NONE;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].value != MAP_NONE)
            *text_slot(map, old[i].text, old[i].hash) = old[i];
    free(old);
}

uint32_t text_map_get(const struct text_map *map, struct slice text) {
    if (!map->n)
        return MAP_NONE;
    return text_slot(map, text, (uint32_t)hash_bytes(text.p, text.n))->value;
}

void text_map_put(struct text_map *map, struct slice text, uint32_t value) {
    if (overloaded(map->n, map->capacity))
        text_map_grow(map);
    uint32_t hash = (uint32_t)hash_bytes(text.p, text.n);
    struct text_map_slot *slot = text_slot(map, text, hash);
    if (slot->value == MAP_NONE) {
        slot->text = (struct slice){arena_text(&map->texts, text), text.n};
        slot->hash = hash;
        map->n++;
    }
    slot->value = value;
}

void key_map_init(struct key_map *map) { *map = (struct key_map){0}; }

void key_map_release(struct key_map *map) {
    free(map->keys);
    free(map->values);
    *map = (struct key_map){0};
}

void key_map_clear(struct key_map *map) {
    if (map->n)
        memset(map->keys, 0, map->capacity * sizeof *map->keys);
    map->n = 0;
}

/* Keys are hashes already: their low bits are the place. */
static size_t key_slot(const struct key_map *map, struct key128 key) {
    size_t mask = map->capacity - 1;
    for (size_t i = key.a & mask;; i = (i + 1) & mask) {
        struct key128 there = map->keys[i];
        if ((there.a == key.a && there.b == key.b) || (!there.a && !there.b))
            return i;
    }
}

static void key_map_grow(struct key_map *map) {
    struct key_map old = *map;
    map->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
    map->keys = get_zeroed(map->capacity, sizeof *map->keys);
    map->values = get_zeroed(map->capacity, sizeof *map->values);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.keys[i].a || old.keys[i].b) {
            size_t slot = key_slot(map, old.keys[i]);
            map->keys[slot] = old.keys[i];
            map->values[slot] = old.values[i];
        }
    free(old.keys);
    free(old.values);
}

uint32_t key_map_get(const struct key_map *map, struct key128 key) {
    if (!map->n)
        return MAP_NONE;
    size_t slot = key_slot(map, key);
    return map->keys[slot].a || map->keys[slot].b ? map->values[slot] : MAP_NONE;
}

uint32_t key_map_put(struct key_map *map, struct key128 key, uint32_t value) {
    if (overloaded(map->n, map->capacity))
        key_map_grow(map);
    size_t slot = key_slot(map, key);
    if (map->keys[slot].a || map->keys[slot].b) {
        uint32_t before = map->values[slot];
        map->values[slot] = value;
        return before;
    }
    map->keys[slot] = key;
    map->values[slot] = value;
    map->n++;
    return MAP_NONE;
}
