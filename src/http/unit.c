/*
 * Units: the hierarchy of centres. Every unit gets its code when it is made, so that a hierarchy works before the
 * first interaction.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "http/account_internal.h"
#include "query/units.h"

enum { UNITS_MAX = 20000 };

struct unit_change {
    struct accounts *accounts;
    const struct unit *unit;
};

/* Does `name` stand above `parent` already? Then parent cannot become its parent. */
static int check_cycle(sqlite3 *db, const struct unit *unit, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "WITH RECURSIVE above(name) AS (SELECT ?1 UNION SELECT "
                                            "u.parent FROM unit u JOIN above a ON u.name = a.name)"
                                            " SELECT (SELECT count(*) FROM above WHERE name = ?2), "
                                            "(SELECT count(*) FROM unit WHERE name = ?1)",
                                            err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, unit->parent);
    bind_text(statement, 2, unit->name);
    int code = store_step(statement, err);
    if (code != 1)
        return code ? code : E_INTERNAL;
    int below = sqlite3_column_int(statement, 0), known = sqlite3_column_int(statement, 1);
    sqlite3_reset(statement);
    if (!known)
        return err_at(err, E_INVALID, "/parent", "no such unit");
    return below ? err_at(err, E_INVALID, "/parent", "a unit cannot be below itself") : 0;
}

static int write_unit(void *context, sqlite3 *db, struct err *err) {
    struct unit_change *change = context;
    const struct unit *unit = change->unit;
    int code = unit->parent[0] ? check_cycle(db, unit, err) : 0;
    if (code)
        return code;
    if (dictionary_add(change->accounts->folder->dictionary, DICTIONARY_UNIT, slice_of(unit->name),
                       db, err) == CODE_NONE)
        return err_set(err, E_REFUSED, "there is no room for another unit");
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO unit(name, title, parent) SELECT ?1, ?2, ?3 WHERE (SELECT "
                      "count(*) FROM unit) < ?4"
                      " ON CONFLICT(name) DO UPDATE SET title = ?2, parent = ?3",
                      err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, unit->name);
    bind_text(statement, 2, unit->title);
    bind_text(statement, 3, unit->parent);
    sqlite3_bind_int(statement, 4, UNITS_MAX);
    return run_statement(statement, err);
}

int unit_put(struct accounts *accounts, const struct principal *by, const struct unit *unit,
             struct err *err) {
    if (!unit->name || !unit->name[0] || strlen(unit->name) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/name", "a name of at most %d bytes is needed",
                      LIMIT_NAME_BYTES);
    struct unit full = *unit;
    if (!full.title || !full.title[0])
        full.title = full.name;
    if (!full.parent)
        full.parent = "";
    if (strlen(full.title) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/title", "at most %d bytes", LIMIT_NAME_BYTES);
    struct unit_change change = {accounts, &full};
    int code = store_write(accounts->folder->store, write_unit, &change, err);
    if (!code)
        audit_write(accounts, by, "", "unit.put", full.name, full.parent);
    return code;
}

struct unit_removal {
    const char *name;
    int removed;
};

static int delete_unit(void *context, sqlite3 *db, struct err *err) {
    struct unit_removal *removal = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM unit WHERE parent = ?", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, removal->name);
    int code = store_step(statement, err);
    if (code == 1) {
        sqlite3_reset(statement);
        return err_set(err, E_REFUSED, "there are units below it");
    }
    statement = code ? NULL : STORE_PREPARE(db, "DELETE FROM unit WHERE name = ?", err);
    if (!statement)
        return code ? code : E_IO;
    bind_text(statement, 1, removal->name);
    code = run_statement(statement, err);
    removal->removed = sqlite3_changes(db);
    return code;
}

int unit_remove(struct accounts *accounts, const struct principal *by, const char *name,
                struct err *err) {
    struct unit_removal removal = {.name = name};
    int code = store_write(accounts->folder->store, delete_unit, &removal, err);
    if (!code && !removal.removed)
        return err_set(err, E_NOT_FOUND, "no such unit");
    if (!code)
        audit_write(accounts, by, "", "unit.remove", name, "");
    return code;
}

int unit_list(struct accounts *accounts, struct arena *arena, struct unit **units, size_t *n,
              struct err *err) {
    size_t capacity = 0;
    *units = NULL;
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT name, title, parent FROM unit ORDER BY name", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        if (*n == capacity) {
            struct unit *grown = ARENA_ARRAY(arena, struct unit, capacity ? 2 * capacity : 64);
            if (*n)
                memcpy(grown, *units, *n * sizeof *grown);
            *units = grown;
            capacity = capacity ? 2 * capacity : 64;
        }
        (*units)[(*n)++] =
            (struct unit){column_text(statement, 0, arena), column_text(statement, 1, arena),
                          column_text(statement, 2, arena)};
    }
    store_reader_put(accounts->folder->store, db);
    return code;
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

int unit_codes(struct accounts *accounts, const char **names, size_t n_names, struct arena *arena,
               const uint16_t **codes, size_t *n, struct err *err) {
    const struct dictionary *dictionary = accounts->folder->dictionary;
    struct units units;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    int code = units_load(db, dictionary, arena, &units, err);
    store_reader_put(accounts->folder->store, db);
    if (code)
        return code;
    bool *seen = ARENA_ARRAY(arena, bool, LIMIT_CODES + 1);
    uint16_t *all =
        ARENA_ARRAY(arena, uint16_t, (size_t)dictionary_count(dictionary, DICTIONARY_UNIT) + 1);
    *n = 0;
    for (size_t i = 0; i < n_names; i++) {
        const uint16_t *below;
        size_t k = units_below(&units, slice_of(names[i]), arena, &below);
        for (size_t j = 0; j < k; j++)
            if (!seen[below[j]]) {
                seen[below[j]] = true;
                all[(*n)++] = below[j];
            }
    }
    qsort(all, *n, sizeof *all, by_code);
    *codes = all; /* never NULL: a limit to units without a code sees nothing */
    return 0;
}
