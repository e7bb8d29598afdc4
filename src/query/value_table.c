/*
 * Interned property values and sets of customers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "query/block.h"

void owner_set_init(struct owner_set *set, uint32_t n, struct arena *arena) {
    set->n = n;
    set->bits = ARENA_ARRAY(arena, uint64_t, (size_t)n / 64 + 1);
}

uint64_t owner_set_count(const struct owner_set *set) {
    uint64_t count = 0;
    for (size_t i = 0; i <= set->n / 64; i++)
        count += (uint64_t)__builtin_popcountll(set->bits[i]);
    return count;
}

static void *grow(void *memory, size_t bytes) {
    void *more = realloc(memory, bytes);
    if (!more)
        abort();
    return more;
}

void value_table_init(struct value_table *table) {
    *table = (struct value_table){.n = 1, .capacity = 64, .n_slots = 128};
    arena_init(&table->arena);
    table->values = grow(NULL, table->capacity * sizeof *table->values);
    table->values[0] = (struct value){.type = VALUE_NULL};
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    if (!table->slots)
        abort();
}

void value_table_release(struct value_table *table) {
    free(table->values);
    free(table->slots);
    if (table->values)
        arena_release(&table->arena);
    *table = (struct value_table){0};
}

/* One form per value: whole numbers are integers. Returns false for what counts as none. */
static bool normal(const struct value *value, struct value *out) {
    *out = *value;
    if (value->type == VALUE_NUMBER && value->number == floor(value->number) &&
        fabs(value->number) <= 0x1p53) {
        out->type = VALUE_INT;
        out->integer = (int64_t)value->number;
    }
    return value->type >= VALUE_FALSE && value->type <= VALUE_TEXT;
}

static uint64_t hash_value(const struct value *value) {
    if (value->type == VALUE_TEXT)
        return hash_bytes(value->text.p, value->text.n);
    uint64_t payload =
        value->type == VALUE_INT || value->type == VALUE_NUMBER ? (uint64_t)value->integer : 0;
    return (payload + value->type) * UINT64_C(0x9E3779B97F4A7C15);
}

static bool equal(const struct value *a, const struct value *b) {
    if (a->type != b->type)
        return false;
    if (a->type == VALUE_TEXT)
        return slice_equal(a->text, b->text);
    return a->type < VALUE_INT || a->integer == b->integer;
}

/* Slot of the value, or the empty slot where it belongs. */
static uint32_t *slot_of(const struct value_table *table, const struct value *value) {
    uint32_t mask = table->n_slots - 1, at = (uint32_t)(hash_value(value) >> 20) & mask;
    while (table->slots[at] && !equal(&table->values[table->slots[at]], value))
        at = (at + 1) & mask;
    return &table->slots[at];
}

static void rehash(struct value_table *table) {
    free(table->slots);
    table->n_slots *= 2;
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    if (!table->slots)
        abort();
    for (uint32_t i = 1; i < table->n; i++)
        *slot_of(table, &table->values[i]) = i;
}

uint32_t value_table_find(const struct value_table *table, const struct value *value) {
    struct value key;
    return normal(value, &key) ? *slot_of(table, &key) : 0;
}

uint32_t value_table_add(struct value_table *table, const struct value *value) {
    struct value key;
    if (!normal(value, &key))
        return 0;
    uint32_t *slot = slot_of(table, &key);
    if (*slot)
        return *slot;
    if (table->n == table->capacity) {
        table->capacity *= 2;
        table->values = grow(table->values, table->capacity * sizeof *table->values);
    }
    if (key.type == VALUE_TEXT)
        key.text = arena_copy(&table->arena, key.text);
    table->values[table->n] = key;
    *slot = table->n++;
    uint32_t number = *slot;
    if (table->n * 2 > table->n_slots)
        rehash(table);
    return number;
}
