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

static uint16_t column_code(sqlite3_stmt *statement, int column, const struct dictionary *dictionary) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    if (!text)
        return CODE_NONE;
    struct slice name = {(const char *)text, (size_t)sqlite3_column_bytes(statement, column)};
    return dictionary_find(dictionary, DICTIONARY_UNIT, name);
}

int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena, struct units *units,
               struct err *err) {
    *units = (struct units){0};
    int code = 0;
    if (!has_table(db, err, &code) || code)
        return code;
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT name, parent FROM unit", err);
    if (!statement)
        return E_IO;
    size_t capacity = dictionary_count(dictionary, DICTIONARY_UNIT);
    uint16_t *unit = ARENA_ARRAY(arena, uint16_t, capacity), *parent = ARENA_ARRAY(arena, uint16_t, capacity);
    while ((code = store_step(statement, err)) == 1) {
        uint16_t child = column_code(statement, 0, dictionary);
        if (child == CODE_NONE || units->n == capacity)
            continue;
        unit[units->n] = child;
        parent[units->n++] = column_code(statement, 1, dictionary);
    }
    units->unit = unit;
    units->parent = parent;
    return code;
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

size_t units_below(const struct units *units, uint16_t unit, struct arena *arena, const uint16_t **codes) {
    size_t capacity = units ? units->n + 1 : 1, n = 1;
    uint16_t *found = ARENA_ARRAY(arena, uint16_t, capacity);
    found[0] = unit;
    for (size_t next = 0; units && next < n; next++) {
        for (size_t i = 0; i < units->n; i++) {
            bool known = units->parent[i] != found[next];
            for (size_t k = 0; k < n && !known; k++)
                known = found[k] == units->unit[i];
            if (!known && n < capacity)
                found[n++] = units->unit[i];
        }
    }
    qsort(found, n, sizeof *found, by_code);
    *codes = found;
    return n;
}
