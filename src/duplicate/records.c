/*
 * Proposals in the records: see duplicate.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "duplicate/internal.h"

static const char *const reason_names[] = {
#define X(reason, name) name,
    DUPLICATE_REASONS(X)
#undef X
};

const char *duplicate_reason_name(enum duplicate_reason reason) { return reason_names[reason]; }

static const char *text_at(sqlite3_stmt *row, int column, struct arena *arena) {
    return arena_text(arena, slice_of((const char *)sqlite3_column_text(row, column)));
}

#define DUPLICATE_COLUMNS                                                                          \
    "number, one, other, score, reasons, state, opened(decided_by), found_ms, decided_ms"

static struct duplicate read_row(sqlite3_stmt *row, struct arena *arena) {
    return (struct duplicate){.number = (uint64_t)sqlite3_column_int64(row, 0),
                              .one = (uint32_t)sqlite3_column_int64(row, 1),
                              .other = (uint32_t)sqlite3_column_int64(row, 2),
                              .score = (unsigned)sqlite3_column_int(row, 3),
                              .reasons = (unsigned)sqlite3_column_int(row, 4),
                              .state = text_at(row, 5, arena),
                              .decided_by = text_at(row, 6, arena),
                              .found_ms = sqlite3_column_int64(row, 7),
                              .decided_ms = sqlite3_column_int64(row, 8)};
}

static int read_all(sqlite3_stmt *row, size_t most, struct arena *arena, struct duplicate *list,
                    size_t *n, struct err *err) {
    int code = 0;
    *n = 0;
    while (*n < most && (code = store_step(row, err)) == 1)
        list[(*n)++] = read_row(row, arena);
    sqlite3_reset(row);
    return code < 0 ? code : 0;
}

int duplicate_list(struct folder *folder, const char *state, size_t skip, struct arena *arena,
                   struct duplicate **list, size_t *n, struct err *err) {
    size_t most = *n;
    *list = ARENA_ARRAY(arena, struct duplicate, most + 1);
    sqlite3 *db = store_reader_get(folder->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT " DUPLICATE_COLUMNS " FROM duplicate WHERE state = ?"
                                      " ORDER BY score DESC, number LIMIT ? OFFSET ?",
                                      err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_text(row, 1, state, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, (int64_t)most);
        sqlite3_bind_int64(row, 3, (int64_t)skip);
        code = read_all(row, most, arena, *list, n, err);
    }
    store_reader_put(folder->store, db);
    return code;
}

int duplicate_find(struct folder *folder, uint64_t number, struct arena *arena,
                   struct duplicate *duplicate, struct err *err) {
    size_t n = 0;
    sqlite3 *db = store_reader_get(folder->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row =
        STORE_PREPARE(db, "SELECT " DUPLICATE_COLUMNS " FROM duplicate WHERE number = ?", err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_int64(row, 1, (int64_t)number);
        code = read_all(row, 1, arena, duplicate, &n, err);
    }
    store_reader_put(folder->store, db);
    return code || n ? code : err_set(err, E_NOT_FOUND, "no such proposal");
}

int duplicate_of(struct folder *folder, uint32_t owner, struct arena *arena,
                 struct duplicate **list, size_t *n, struct err *err) {
    enum { MOST = 10 };
    *list = ARENA_ARRAY(arena, struct duplicate, MOST);
    *n = 0;
    sqlite3 *db = store_reader_get(folder->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(
        db,
        "SELECT " DUPLICATE_COLUMNS " FROM (SELECT * FROM duplicate WHERE one = ?1 UNION"
        " SELECT * FROM duplicate WHERE other = ?1) WHERE state = 'open' ORDER BY score DESC",
        err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_int64(row, 1, owner);
        code = read_all(row, MOST, arena, *list, n, err);
    }
    store_reader_put(folder->store, db);
    return code;
}

/* ---- deciding ---- */

struct deciding {
    uint64_t number;
    const char *state, *who;
};

static int decide(void *context, sqlite3 *db, struct err *err) {
    const struct deciding *deciding = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE duplicate SET state = ?, decided_by = sealed(?), decided_ms = ?"
                      " WHERE number = ? AND state = 'open'",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, deciding->state, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, deciding->who, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, clock_now_ms());
    sqlite3_bind_int64(statement, 4, (int64_t)deciding->number);
    int code = store_step(statement, err);
    return code || sqlite3_changes(db) ? code
                                       : err_set(err, E_CONFLICT, "this proposal is decided");
}

int duplicate_decide(struct folder *folder, uint64_t number, const char *state, const char *who,
                     struct err *err) {
    struct deciding deciding = {number, state, who};
    return store_write(folder->store, decide, &deciding, err);
}

/* ---- what a search found ---- */

struct keeping {
    const struct pairs *pairs;
    uint64_t added;
};

static int put_pair(const struct pair *pair, int64_t now_ms, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO duplicate(one, other, score, reasons, state, found_ms,"
                      " decided_ms, decided_by) VALUES(?1, ?2, ?3, ?4, 'open', ?5, 0, '')"
                      " ON CONFLICT(one, other) DO UPDATE SET score = ?3, reasons = ?4,"
                      " state = 'open' WHERE state IN ('open', 'passed', 'merged')",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, pair->one);
    sqlite3_bind_int64(statement, 2, pair->other);
    sqlite3_bind_int64(statement, 3, pair->score);
    sqlite3_bind_int64(statement, 4, pair->reasons);
    sqlite3_bind_int64(statement, 5, now_ms);
    return store_step(statement, err);
}

static int run_plain(sqlite3_stmt *statement, struct err *err) {
    return statement ? store_step(statement, err) : err->code;
}

static int keep(void *context, sqlite3 *db, struct err *err) {
    struct keeping *keeping = context;
    int64_t now_ms = clock_now_ms();
    int code = run_plain(
        STORE_PREPARE(db, "UPDATE duplicate SET state = 'passed' WHERE state = 'open'", err), err);
    for (size_t i = 0; !code && i < keeping->pairs->n; i++)
        code = put_pair(&keeping->pairs->list[i], now_ms, db, err);
    if (!code)
        code =
            run_plain(STORE_PREPARE(db, "DELETE FROM duplicate WHERE state = 'passed'", err), err);
    sqlite3_stmt *row =
        code ? NULL : STORE_PREPARE(db, "SELECT count(*) FROM duplicate WHERE found_ms = ?", err);
    if (!row)
        return code ? code : err->code;
    sqlite3_bind_int64(row, 1, now_ms);
    code = store_step(row, err);
    keeping->added = code == 1 ? (uint64_t)sqlite3_column_int64(row, 0) : 0;
    sqlite3_reset(row);
    return code < 0 ? code : 0;
}

int duplicates_keep(struct folder *folder, const struct pairs *pairs, uint64_t *added,
                    struct err *err) {
    struct keeping keeping = {.pairs = pairs};
    int code = store_write(folder->store, keep, &keeping, err);
    *added = keeping.added;
    return code;
}
