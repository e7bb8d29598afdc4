/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/units.h"

#include <stdlib.h>

#include "base/limits.h"
#include "store/store.h"
#include "timeline/row.h"

static bool has_table(sqlite3 *db, struct err *err, int *code) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unit_parent'", err);
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

/* The array with room for one more than n: itself, or a copy of twice the size. */
static void *with_room(struct arena *arena, void *array, size_t n, size_t size) {
    if (array && (n < 64 || (n & (n - 1))))
        return array;
    void *grown = arena_get(arena, (n < 64 ? 64 : 2 * n) * size);
    if (array)
        memcpy(grown, array, n * size);
    return grown;
}

static int load_names(sqlite3 *db, struct arena *arena, struct units *units, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT name, title FROM unit", err);
    struct slice *names = NULL, *titles = NULL;
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        names = with_room(arena, names, units->n, sizeof *names);
        titles = with_room(arena, titles, units->n, sizeof *titles);
        names[units->n] = column_text(statement, 0, arena);
        titles[units->n++] = column_text(statement, 1, arena);
    }
    units->name = names;
    units->title = titles;
    return code;
}

static int load_edges(sqlite3 *db, struct arena *arena, struct units *units, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT hierarchy, unit, parent FROM unit_parent ORDER BY hierarchy", err);
    struct unit_edge *edges = NULL;
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        edges = with_room(arena, edges, units->n_edges, sizeof *edges);
        edges[units->n_edges++] =
            (struct unit_edge){column_text(statement, 0, arena), column_text(statement, 1, arena),
                               column_text(statement, 2, arena)};
    }
    units->edges = edges;
    return code;
}

int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena,
               struct units *units, struct err *err) {
    *units = (struct units){.dictionary = dictionary};
    int code = 0;
    if (!has_table(db, err, &code) || code)
        return code;
    code = load_names(db, arena, units, err);
    return code ? code : load_edges(db, arena, units, err);
}

bool units_know(const struct units *units, struct slice name) {
    for (size_t i = 0; i < units->n; i++)
        if (slice_equal(units->name[i], name))
            return true;
    return dictionary_find(units->dictionary, DICTIONARY_UNIT, name) != CODE_NONE;
}

struct slice units_title(const struct units *units, struct slice name) {
    for (size_t i = 0; i < units->n; i++)
        if (slice_equal(units->name[i], name))
            return units->title[i];
    return (struct slice){"", 0};
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

struct below {
    uint16_t *codes;
    size_t n;
    bool *seen; /* [LIMIT_CODES + 1] */
};

static void take(const struct units *units, struct slice name, struct below *below) {
    uint16_t code = dictionary_find(units->dictionary, DICTIONARY_UNIT, name);
    if (code == CODE_NONE || below->seen[code])
        return;
    below->seen[code] = true;
    below->codes[below->n++] = code;
}

/* Everything below `name` by the edges of one hierarchy. */
static void descend(const struct units *units, const struct unit_edge *edges, size_t n,
                    struct slice name, struct arena *arena, struct below *below) {
    struct slice *found = ARENA_ARRAY(arena, struct slice, n + 1);
    bool *taken = ARENA_ARRAY(arena, bool, n + 1);
    size_t n_found = 1;
    found[0] = name;
    for (size_t next = 0; next < n_found; next++)
        for (size_t i = 0; i < n; i++)
            if (!taken[i] && slice_equal(edges[i].parent, found[next])) {
                taken[i] = true;
                found[n_found++] = edges[i].unit;
                take(units, edges[i].unit, below);
            }
}

size_t units_below(const struct units *units, struct slice name, struct arena *arena,
                   const uint16_t **codes) {
    struct below below = {ARENA_ARRAY(arena, uint16_t, units->n_edges + 1), 0,
                          ARENA_ARRAY(arena, bool, LIMIT_CODES + 1)};
    take(units, name, &below);
    for (size_t from = 0, to; from < units->n_edges; from = to) {
        to = from;
        while (to < units->n_edges &&
               slice_equal(units->edges[to].hierarchy, units->edges[from].hierarchy))
            to++;
        descend(units, units->edges + from, to - from, name, arena, &below);
    }
    qsort(below.codes, below.n, sizeof *below.codes, by_code);
    *codes = below.codes;
    return below.n;
}
