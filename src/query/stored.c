/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/stored.h"

#include "store/store.h"

static struct slice column_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    struct slice view = {text ? (const char *)text : "",
                         (size_t)sqlite3_column_bytes(statement, column)};
    return arena_copy(arena, view);
}

static int count_rules(sqlite3 *db, size_t *n, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT count(*) FROM segment_rule", err);
    int code = statement ? store_step(statement, err) : E_IO;
    *n = code == 1 ? (size_t)sqlite3_column_int64(statement, 0) : 0;
    if (code == 1)
        sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

int stored_rules_load(sqlite3 *db, struct arena *arena, struct stored_rules *stored,
                      struct err *err) {
    size_t n;
    int code = count_rules(db, &n, err);
    *stored = (struct stored_rules){.rules = ARENA_ARRAY(arena, struct stored_rule, n)};
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(
                   db, "SELECT name, opened(rule) FROM segment_rule ORDER BY name LIMIT ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)n);
    while ((code = store_step(statement, err)) == 1)
        stored->rules[stored->n++] = (struct stored_rule){column_text(statement, 0, arena),
                                                          column_text(statement, 1, arena)};
    return code;
}

const struct stored_rule *stored_rules_find(const struct stored_rules *stored, struct slice name) {
    for (size_t i = 0; stored && i < stored->n; i++)
        if (slice_equal(stored->rules[i].name, name))
            return &stored->rules[i];
    return NULL;
}
