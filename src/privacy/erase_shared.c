/*
 * Which texts of a person others have as well: they tell nothing about this one, and breakdowns need them.
 *
 * COST  A pass over the columns in which the person has texts, which ends early for what many have.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "privacy/internal.h"

enum { KEY_BYTES = 64 * 1024 };

static struct slice key_of(uint32_t code, struct slice text, struct buf *key) {
    buf_clear(key);
    buf_add(key, &code, sizeof code);
    buf_add_slice(key, text);
    return buf_slice(key);
}

void person_note_text(struct person *person, uint32_t code, struct slice text, struct buf *key) {
    struct slice name = key_of(code, text, key);
    if (text_map_get(&person->texts, name) != MAP_NONE)
        return;
    if (person->texts.n == person->shared_capacity) {
        person->shared_capacity = person->shared_capacity ? person->shared_capacity * 2 : 128;
        person->shared = realloc(person->shared, person->shared_capacity * sizeof *person->shared);
        if (!person->shared)
            abort();
    }
    person->shared[person->texts.n] = (struct shared_text){0};
    person->codes[(uint16_t)code] = true;
    text_map_put(&person->texts, name, (uint32_t)person->texts.n);
}

bool person_shares(const struct person *person, uint32_t code, struct slice text, struct buf *key) {
    uint32_t place = text_map_get(&person->texts, key_of(code, text, key));
    return place != MAP_NONE && person->shared[place].n == FEW;
}

struct counting {
    struct person *person;
    const struct overlay *overlay;
    const struct part *const *parts;
    size_t n_parts;
};

/* 1 when the text has enough now. */
static int add_owner(struct shared_text *text, uint32_t owner) {
    for (uint32_t i = 0; i < text->n; i++)
        if (text->owners[i] == owner)
            return 0;
    text->owners[text->n++] = owner;
    return text->n == FEW;
}

/* local[v]: place of the text that value v of the column is, or MAP_NONE; open: how many are not decided. */
static void count_column(struct counting *counting, const struct part *part,
                         const struct part_column *column, const uint32_t *local, size_t open) {
    struct person *person = counting->person;
    for (uint32_t k = 0; k < part->n_customers && open; k++) {
        uint32_t at = part_column_rank(column, part->start[k]);
        uint32_t end = part_column_rank(column, part->start[k + 1]);
        if (at == end || person_is_member(person, part->customer[k]))
            continue;
        uint32_t owner = overlay_owner(counting->overlay, part->customer[k]);
        for (; at < end && open; at++) {
            uint32_t v = column->code_bytes == 1 ? ((const uint8_t *)column->codes)[at]
                                                 : ((const uint16_t *)column->codes)[at];
            if (local[v] != MAP_NONE && person->shared[local[v]].n < FEW)
                open -= (size_t)add_owner(&person->shared[local[v]], owner);
        }
    }
}

/* Where the person's texts stand in a column's dictionary; how many are not decided. */
static size_t find_values(const struct counting *counting, const struct part_column *column,
                          uint32_t *local, struct buf *key) {
    const struct person *person = counting->person;
    size_t open = 0;
    for (uint32_t v = 0; v < column->n_values; v++) {
        local[v] = MAP_NONE;
        if (column->value_types[v] != VALUE_TEXT)
            continue;
        uint64_t t = column->payload[v];
        struct slice text = {column->text + column->text_start[t],
                             column->text_start[t + 1] - column->text_start[t]};
        local[v] = text_map_get(&person->texts, key_of(column->code, text, key));
        open += local[v] != MAP_NONE && person->shared[local[v]].n < FEW;
    }
    return open;
}

static int count_part(struct counting *counting, const struct part *part, struct buf *key,
                      struct err *err) {
    int code = part_touch(part, COLUMN_SEQ, NULL, 0, err);
    for (uint32_t c = 0; c < part->n_columns && !code; c++) {
        const struct part_column *column = &part->columns[c];
        if (!column->code_bytes ||
            !(column->code <= UINT16_MAX && counting->person->codes[column->code]))
            continue;
        code = part_touch(part, 0, &column->code, 1, err);
        if (code)
            break;
        uint32_t *local = calloc(column->n_values + 1, sizeof *local);
        if (!local)
            abort();
        size_t open = find_values(counting, column, local, key);
        if (open)
            count_column(counting, part, column, local, open);
        free(local);
    }
    return code;
}

static int count_parts(void *context, struct err *err) {
    struct counting *counting = context;
    struct buf key;
    int code = 0;
    buf_init(&key, KEY_BYTES);
    for (size_t p = 0; p < counting->n_parts && !code; p++)
        code = count_part(counting, counting->parts[p], &key, err);
    buf_release(&key);
    return code;
}

int person_count_others(struct person *person, const struct snapshot *snapshot,
                        const struct part *const *parts, size_t n_parts, struct err *err) {
    struct counting counting = {person, snapshot_overlay(snapshot), parts, n_parts};
    return person->texts.n ? part_guard(count_parts, &counting, err) : 0;
}
