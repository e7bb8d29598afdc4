/*
 * In-memory hash tables: text -> u32 (dictionaries) and key128 -> u32 (fresh keys). Open addressing,
 * power of two, load <= 0.7. Not thread safe.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_MAP_H
#define SENDA_BASE_MAP_H

#include "base/arena.h"
#include "base/hash.h"

#define MAP_NONE UINT32_MAX /* "not there"; never a value */

struct text_map {
    struct text_map_slot *slots;
    size_t n, capacity;
    struct arena texts; /* copies of the keys */
};
void text_map_init(struct text_map *map);
void text_map_release(struct text_map *map);
/* MAP_NONE where it is not there. */
uint32_t text_map_get(const struct text_map *map, struct slice text);
/* Adds or overwrites; the text is copied. */
void text_map_put(struct text_map *map, struct slice text, uint32_t value);

struct key_map {
    struct key128 *keys; /* {0,0} is an empty slot */
    uint32_t *values;
    size_t n, capacity;
};
void key_map_init(struct key_map *map);
void key_map_release(struct key_map *map);
void key_map_clear(struct key_map *map);                            /* keeps the memory */
uint32_t key_map_get(const struct key_map *map, struct key128 key); /* or MAP_NONE */
/* Adds or overwrites. Returns the value that was there before, or MAP_NONE. */
uint32_t key_map_put(struct key_map *map, struct key128 key, uint32_t value);

#endif
