/*
 * Units: the hierarchies of centres. Every unit gets its code when it is made, so that a hierarchy works before the
 * first interaction.
 *
 * INVARIANTS
 *  1. A unit has at most one parent in each hierarchy (the key of unit_parent), and the parent is a unit.
 *  2. No unit stands above itself in a hierarchy. Several units are written together and checked when all of them are
 *     there, so that a file may name them in any order; if one does not fit, none is written.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "http/account_internal.h"
#include "query/units.h"

enum { UNITS_MAX = 20000, HIERARCHIES_MAX = 20, POINTER_BYTES = 160 };

struct unit_change {
    struct accounts *accounts;
    const struct unit *units;
    size_t n;
    bool many; /* pointers begin with the unit's place */
};

/* "/parents/territory", among several "/units/3/parents/territory". */
static const char *pointer_of(const struct unit_change *change, size_t i, const char *member,
                              char pointer[POINTER_BYTES]) {
    if (change->many)
        snprintf(pointer, POINTER_BYTES, "/units/%zu/%.120s", i, member);
    else
        snprintf(pointer, POINTER_BYTES, "/%.120s", member);
    return pointer;
}

static int refuse_parent(const struct unit_change *change, size_t i, const char *hierarchy,
                         const char *message, struct err *err) {
    char member[POINTER_BYTES], pointer[POINTER_BYTES];
    snprintf(member, sizeof member, "parents/%.100s", hierarchy);
    return err_at(err, E_INVALID, pointer_of(change, i, member, pointer), "%s", message);
}

static int write_one(const struct unit *unit, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO unit(name, title) SELECT ?1, CASE ?2 WHEN '' THEN ?1 ELSE ?2 END"
                      " WHERE (SELECT count(*) FROM unit) < ?3 OR EXISTS (SELECT 1 FROM unit WHERE "
                      "name = ?1) ON CONFLICT(name) DO UPDATE SET title = CASE ?2 WHEN '' THEN "
                      "title ELSE ?2 END",
                      err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, unit->name);
    bind_text(statement, 2, unit->title);
    sqlite3_bind_int(statement, 3, UNITS_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d units already", UNITS_MAX);
    return code;
}

static int check_known(const struct unit_change *change, size_t i, const struct unit_parent *parent,
                       sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM hierarchy WHERE name = ?", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, parent->hierarchy);
    int code = store_has_row(statement, err);
    if (code == 0)
        return refuse_parent(change, i, parent->hierarchy, ERR_WORDS("no such hierarchy"), err);
    statement = code < 0 || !parent->parent[0]
                    ? NULL
                    : STORE_PREPARE(db, "SELECT 1 FROM unit WHERE name = ?", err);
    if (!statement)
        return code < 0 ? code : 0;
    bind_text(statement, 1, parent->parent);
    code = store_has_row(statement, err);
    return code == 0 ? refuse_parent(change, i, parent->hierarchy, ERR_WORDS("no such unit"), err)
                     : (code < 0 ? code : 0);
}

static int write_parent(const char *unit, const struct unit_parent *parent, sqlite3 *db,
                        struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM unit_parent WHERE hierarchy = ? AND unit = ?", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, parent->hierarchy);
    bind_text(statement, 2, unit);
    int code = store_run(statement, err);
    if (code || !parent->parent[0])
        return code;
    statement =
        STORE_PREPARE(db, "INSERT INTO unit_parent(hierarchy, unit, parent) VALUES(?, ?, ?)", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, parent->hierarchy);
    bind_text(statement, 2, unit);
    bind_text(statement, 3, parent->parent);
    return store_run(statement, err);
}

/* Does the unit stand above itself now? */
static int check_cycle(const struct unit_change *change, size_t i, const char *hierarchy,
                       sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "WITH RECURSIVE above(name) AS (SELECT parent FROM unit_parent WHERE hierarchy = ?1 AND "
        "unit = ?2 UNION SELECT p.parent FROM unit_parent p JOIN above a ON p.hierarchy = ?1 AND "
        "p.unit = a.name) SELECT 1 FROM above WHERE name = ?2",
        err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, hierarchy);
    bind_text(statement, 2, change->units[i].name);
    int code = store_has_row(statement, err);
    return code == 1 ? refuse_parent(change, i, hierarchy,
                                     ERR_WORDS("a unit cannot be below itself"), err)
                     : code;
}

static int write_units(void *context, sqlite3 *db, struct err *err) {
    const struct unit_change *change = context;
    struct dictionary *dictionary = change->accounts->folder->dictionary;
    int code = 0;
    for (size_t i = 0; i < change->n && !code; i++)
        code = write_one(&change->units[i], db, err);
    for (size_t i = 0; i < change->n; i++)
        for (size_t k = 0; k < change->units[i].n_parents && !code; k++) {
            code = check_known(change, i, &change->units[i].parents[k], db, err);
            if (!code)
                code = write_parent(change->units[i].name, &change->units[i].parents[k], db, err);
        }
    for (size_t i = 0; i < change->n; i++)
        for (size_t k = 0; k < change->units[i].n_parents && !code; k++)
            code = check_cycle(change, i, change->units[i].parents[k].hierarchy, db, err);
    for (size_t i = 0; i < change->n && !code; i++)
        if (dictionary_add(dictionary, DICTIONARY_UNIT, slice_of(change->units[i].name), db, err) ==
            CODE_NONE)
            code = err_set(err, E_REFUSED, "there is no room for another unit");
    return code;
}

static int check_texts(const struct unit_change *change, size_t i, struct err *err) {
    const struct unit *unit = &change->units[i];
    char pointer[POINTER_BYTES];
    if (!unit->name || !unit->name[0] || strlen(unit->name) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, pointer_of(change, i, "name", pointer),
                      "a name of at most %d bytes is needed", LIMIT_NAME_BYTES);
    if (unit->title && strlen(unit->title) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, pointer_of(change, i, "title", pointer), "at most %d bytes",
                      LIMIT_NAME_BYTES);
    return 0;
}

static int put(struct unit_change *change, const struct principal *by, struct err *err) {
    int code = 0;
    for (size_t i = 0; i < change->n && !code; i++)
        code = check_texts(change, i, err);
    if (!code)
        code = store_write(change->accounts->folder->store, write_units, change, err);
    char count[24];
    snprintf(count, sizeof count, "%zu", change->n);
    if (!code && change->many)
        audit_write(change->accounts, by, "", "unit.import", count, "");
    else if (!code)
        audit_write(change->accounts, by, "", "unit.put", change->units[0].name, "");
    return code;
}

int unit_put(struct accounts *accounts, const struct principal *by, const struct unit *unit,
             struct err *err) {
    struct unit_change change = {accounts, unit, 1, false};
    return put(&change, by, err);
}

int unit_put_all(struct accounts *accounts, const struct principal *by, const struct unit *units,
                 size_t n, struct err *err) {
    struct unit_change change = {accounts, units, n, true};
    return put(&change, by, err);
}

struct unit_removal {
    const char *name;
    int removed;
};

/* A statement about the name alone. */
static int run_named(sqlite3_stmt *statement, const char *name, struct err *err) {
    if (!statement)
        return E_IO;
    bind_text(statement, 1, name);
    return store_run(statement, err);
}

/* 1: the statement about the name has a row. */
static int has_named(sqlite3_stmt *statement, const char *name, struct err *err) {
    if (!statement)
        return E_IO;
    bind_text(statement, 1, name);
    return store_has_row(statement, err);
}

static int delete_unit(void *context, sqlite3 *db, struct err *err) {
    struct unit_removal *removal = context;
    const char *name = removal->name;
    int code =
        has_named(STORE_PREPARE(db, "SELECT 1 FROM unit_parent WHERE parent = ?", err), name, err);
    if (code == 1)
        return err_set(err, E_REFUSED, "there are units below it");
    if (!code)
        code =
            run_named(STORE_PREPARE(db, "DELETE FROM unit_parent WHERE unit = ?", err), name, err);
    if (!code)
        code = run_named(STORE_PREPARE(db, "DELETE FROM unit WHERE name = ?", err), name, err);
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

/* ---- reading ---- */

static int count_rows(sqlite3 *db, size_t *n, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT count(*) FROM unit", err);
    int code = statement ? store_step(statement, err) : E_IO;
    if (code != 1)
        return code ? code : E_INTERNAL;
    *n = (size_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return 0;
}

/* The parents of each unit; units and parents both come by name. */
static int read_parents(sqlite3 *db, struct arena *arena, struct unit *units, size_t n,
                        struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT p.unit, p.hierarchy, p.parent FROM unit_parent p JOIN hierarchy h ON h.name = "
        "p.hierarchy ORDER BY p.unit, h.position, h.name",
        err);
    struct unit_parent *parents = NULL;
    size_t at = 0;
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        const char *unit = (const char *)sqlite3_column_text(statement, 0);
        while (at < n && strcmp(units[at].name, unit) < 0)
            at++;
        if (at == n || strcmp(units[at].name, unit) != 0 || units[at].n_parents == HIERARCHIES_MAX)
            continue;
        if (!units[at].n_parents)
            units[at].parents = parents = ARENA_ARRAY(arena, struct unit_parent, HIERARCHIES_MAX);
        parents[units[at].n_parents++] = (struct unit_parent){column_text(statement, 1, arena),
                                                              column_text(statement, 2, arena)};
    }
    return code;
}

int unit_list(struct accounts *accounts, struct arena *arena, struct unit **units, size_t *n,
              struct err *err) {
    size_t capacity = 0;
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    int code = count_rows(db, &capacity, err);
    *units = ARENA_ARRAY(arena, struct unit, capacity + 1);
    sqlite3_stmt *statement =
        code ? NULL : STORE_PREPARE(db, "SELECT name, title FROM unit ORDER BY name", err);
    if (!code)
        code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (*n < capacity)
            (*units)[(*n)++] = (struct unit){.name = column_text(statement, 0, arena),
                                             .title = column_text(statement, 1, arena)};
    if (!code)
        code = read_parents(db, arena, *units, *n, err);
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

/* ---- hierarchies ---- */

static int write_hierarchy(void *context, sqlite3 *db, struct err *err) {
    const struct hierarchy *hierarchy = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO hierarchy(name, title, position) SELECT ?1, ?2, (SELECT "
                      "coalesce(max(position), 0) + 1 FROM hierarchy) WHERE (SELECT count(*) FROM "
                      "hierarchy) < ?3 OR EXISTS (SELECT 1 FROM hierarchy WHERE name = ?1)"
                      " ON CONFLICT(name) DO UPDATE SET title = ?2",
                      err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, hierarchy->name);
    bind_text(statement, 2, hierarchy->title);
    sqlite3_bind_int(statement, 3, HIERARCHIES_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d hierarchies already", HIERARCHIES_MAX);
    return code;
}

/* Names stand in JSON pointers, in columns of files and in addresses: plain. */
int hierarchy_put(struct accounts *accounts, const struct principal *by,
                  const struct hierarchy *hierarchy, struct err *err) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const char *name = hierarchy->name;
    size_t n = strlen(name);
    bool reserved = strcmp(name, "name") == 0 || strcmp(name, "title") == 0;
    if (!n || n > 32 || strspn(name, letters) != n || reserved)
        return err_at(err, E_INVALID, "/name",
                      "a name of small letters, digits and _ is needed, at most 32");
    if (strlen(hierarchy->title) > LIMIT_NAME_BYTES)
        return err_at(err, E_INVALID, "/title", "at most %d bytes", LIMIT_NAME_BYTES);
    struct hierarchy copy = *hierarchy;
    int code = store_write(accounts->folder->store, write_hierarchy, &copy, err);
    if (!code)
        audit_write(accounts, by, "", "hierarchy.put", name, "");
    return code;
}

static int delete_hierarchy(void *context, sqlite3 *db, struct err *err) {
    struct unit_removal *removal = context;
    const char *name = removal->name;
    int code = has_named(STORE_PREPARE(db, "SELECT 1 FROM unit_parent WHERE hierarchy = ?", err),
                         name, err);
    if (code == 1)
        return err_set(err, E_REFUSED, "units are ordered by it");
    if (!code)
        code = run_named(STORE_PREPARE(db, "DELETE FROM hierarchy WHERE name = ?", err), name, err);
    removal->removed = sqlite3_changes(db);
    return code;
}

int hierarchy_remove(struct accounts *accounts, const struct principal *by, const char *name,
                     struct err *err) {
    struct unit_removal removal = {.name = name};
    int code = store_write(accounts->folder->store, delete_hierarchy, &removal, err);
    if (!code && !removal.removed)
        return err_set(err, E_NOT_FOUND, "no such hierarchy");
    if (!code)
        audit_write(accounts, by, "", "hierarchy.remove", name, "");
    return code;
}

int hierarchy_list(struct accounts *accounts, struct arena *arena, struct hierarchy **hierarchies,
                   size_t *n, struct err *err) {
    *hierarchies = ARENA_ARRAY(arena, struct hierarchy, HIERARCHIES_MAX);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT name, title FROM hierarchy ORDER BY position, name", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (*n < HIERARCHIES_MAX)
            (*hierarchies)[(*n)++] = (struct hierarchy){column_text(statement, 0, arena),
                                                        column_text(statement, 1, arena)};
    store_reader_put(accounts->folder->store, db);
    return code;
}
