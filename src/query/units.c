/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/units.h"

#include <stdlib.h>

#include "store/store.h"
#include "timeline/row.h"

static bool has_table(sqlite3 *db, struct err *err, int *code) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unit'", err);
    *code = statement ? store_step(statement, err) : E_IO;
    if (*code == 1)
        sqlite3_reset(statement);
    bool found = *code == 1;
    *code = *code < 0 ? *code : 0;
    return found;
}

static struct slice column_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    struct slice view = {text ? (const char *)text : "",
                         (size_t)sqlite3_column_bytes(statement, column)};
    return arena_copy(arena, view);
}

static struct slice *more(struct arena *arena, const struct slice *old, size_t n, size_t capacity) {
    struct slice *array = ARENA_ARRAY(arena, struct slice, capacity);
    if (old)
        memcpy(array, old, n * sizeof *array);
    return array;
}

int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena,
               struct units *units, struct err *err) {
    *units = (struct units){.dictionary = dictionary};
    int code = 0;
    if (!has_table(db, err, &code) || code)
        return code;
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT name, parent FROM unit", err);
    if (!statement)
        return E_IO;
    struct slice *name = NULL, *parent = NULL;
    size_t capacity = 0;
    while ((code = store_step(statement, err)) == 1) {
        if (units->n == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            name = more(arena, name, units->n, capacity);
            parent = more(arena, parent, units->n, capacity);
        }
        name[units->n] = column_text(statement, 0, arena);
        parent[units->n++] = column_text(statement, 1, arena);
    }
    units->name = name;
    units->parent = parent;
    return code;
}

bool units_know(const struct units *units, struct slice name) {
    for (size_t i = 0; i < units->n; i++)
        if (slice_equal(units->name[i], name))
            return true;
    return dictionary_find(units->dictionary, DICTIONARY_UNIT, name) != CODE_NONE;
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

size_t units_below(const struct units *units, struct slice name, struct arena *arena,
                   const uint16_t **codes) {
    struct slice *found = ARENA_ARRAY(arena, struct slice, units->n + 1);
    bool *taken = ARENA_ARRAY(arena, bool, units->n + 1);
    uint16_t *below = ARENA_ARRAY(arena, uint16_t, units->n + 1);
    size_t n = 1, n_codes = 0;
    found[0] = name;
    for (size_t i = 0; i < units->n; i++)
        taken[i] = slice_equal(units->name[i], name);
    for (size_t next = 0; next < n; next++) {
        for (size_t i = 0; i < units->n; i++)
            if (!taken[i] && slice_equal(units->parent[i], found[next])) {
                taken[i] = true;
                found[n++] = units->name[i];
            }
        uint16_t code = dictionary_find(units->dictionary, DICTIONARY_UNIT, found[next]);
        if (code != CODE_NONE)
            below[n_codes++] = code;
    }
    qsort(below, n_codes, sizeof *below, by_code);
    *codes = below;
    return n_codes;
}
