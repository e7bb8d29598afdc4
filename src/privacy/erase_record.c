/*
 * The table of erasures.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "collect/mask.h"
#include "privacy/internal.h"

enum { SOUGHT_MAX_BYTES = 4 << 20 };

static const char *text_at(sqlite3_stmt *row, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return arena_text(arena, slice_of(text ? text : ""));
}

/* ---- what is looked for, sealed ---- */

static void seal_sought(const struct person *person, struct buf *sealed) {
    json_t *list = json_array();
    for (size_t i = 0; i < person->n_sought; i++) {
        json_t *pair = json_pack("[i, o]", (int)person->sought[i].kind,
                                 json_stringn(person->sought[i].text.p, person->sought[i].text.n));
        if (pair)
            json_array_append_new(list, pair);
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        abort();
    vault_seal(person->folder->vault, slice_of(text), sealed);
    free(text);
}

static int unseal_sought(struct person *person, struct slice sealed, struct err *err) {
    struct buf plain;
    if (!sealed.n)
        return 0;
    buf_init(&plain, SOUGHT_MAX_BYTES);
    int code = vault_unseal(person->folder->vault, sealed, &plain, err);
    json_t *list = code ? NULL : json_loadb(plain.p, plain.n, 0, NULL), *pair;
    size_t i;
    json_array_foreach(list, i, pair) {
        json_t *text = json_array_get(pair, 1);
        const char *p = json_string_value(text);
        if (p)
            person_seek(person, (struct slice){p, json_string_length(text)},
                        (enum sought_kind)json_integer_value(json_array_get(pair, 0)));
    }
    json_decref(list);
    buf_release(&plain);
    return code;
}

static json_t *members_json(const struct person *person) {
    json_t *list = json_array();
    for (size_t i = 0; i < person->n_members; i++)
        json_array_append_new(list, json_integer(person->members[i]));
    return list;
}

/* ---- beginning ---- */

struct beginning {
    struct person *person;
    const char *who, *why, *members;
    struct buf *sealed;
    uint64_t number;
};

static int insert(const struct beginning *beginning, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO erasure(customer, members, state, who, why, asked_ms, ended_ms,"
                      " allowed_ms, sought, report) VALUES (?, ?, 'waiting', sealed(?), sealed(?), "
                      "?, 0, 0, ?, '')",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, beginning->person->owner);
    sqlite3_bind_text(statement, 2, beginning->members, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, beginning->who, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, beginning->why, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, clock_now_ms());
    sqlite3_bind_blob64(statement, 6, beginning->sealed->p, beginning->sealed->n, SQLITE_STATIC);
    return store_step(statement, err);
}

static int number_of(sqlite3 *db, uint32_t owner, uint64_t *number, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT coalesce(max(number), 0) FROM erasure WHERE customer = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, owner);
    int code = store_step(statement, err);
    if (code == 1)
        *number = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int begin(void *context, sqlite3 *db, struct err *err) {
    struct beginning *beginning = context;
    struct person *person = beginning->person;
    uint64_t before = 0;
    int code = number_of(db, person->owner, &before, err);
    if (!code && before) {
        err_set(err, E_CONFLICT, "this customer was erased already, or is about to be");
        err_hint(err, "See erasure %llu.", (unsigned long long)before);
        return E_CONFLICT;
    }
    if (!code)
        code = insert(beginning, db, err);
    beginning->number = (uint64_t)sqlite3_last_insert_rowid(db);
    if (!code && !dictionary_add(person->folder->dictionary, DICTIONARY_PROPERTY,
                                 SLICE_LITERAL("context.touchpoint"), db, err))
        code = err->code ? err->code : err_set(err, E_INTERNAL, "no code for a name");
    return code ? code
                : customers_suppress(person->folder->customers, beginning->number, person->hashes,
                                     person->n_hashes, db, err);
}

int erasure_begin(struct folder *folder, uint32_t owner, const char *who, const char *why,
                  uint64_t *number, struct err *err) {
    struct arena arena;
    struct person *person = malloc(sizeof *person);
    struct buf sealed;
    if (!person)
        abort();
    arena_init(&arena);
    buf_init(&sealed, SOUGHT_MAX_BYTES);
    person_init(person, folder, owner, &arena);
    int code = person_gather(person, err);
    if (!code) {
        json_t *members = members_json(person);
        char *text = json_dumps(members, JSON_COMPACT);
        seal_sought(person, &sealed);
        struct beginning beginning = {.person = person,
                                      .who = who,
                                      .why = mask_text(why, &arena),
                                      .members = text,
                                      .sealed = &sealed};
        code = store_write(folder->store, begin, &beginning, err);
        *number = beginning.number;
        free(text);
        json_decref(members);
    }
    person_release(person);
    buf_release(&sealed);
    arena_release(&arena);
    free(person);
    return code;
}

/* ---- suppression ---- */

struct allowing {
    struct folder *folder;
    uint64_t number;
};

static int allow(void *context, sqlite3 *db, struct err *err) {
    const struct allowing *allowing = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE erasure SET allowed_ms = ? WHERE number = ? AND state = 'done'"
                      " AND allowed_ms = 0",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, clock_now_ms());
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)allowing->number);
    int code = store_step(statement, err);
    if (!code && !sqlite3_changes(db))
        code = err_set(err, E_CONFLICT, "this erasure suppresses nobody");
    return code ? code : customers_allow(allowing->folder->customers, allowing->number, db, err);
}

int erasure_allow(struct folder *folder, uint64_t number, struct err *err) {
    struct allowing allowing = {folder, number};
    struct erasure erasure;
    struct arena arena;
    arena_init(&arena);
    int code = erasure_get(folder, number, &arena, &erasure, err);
    arena_release(&arena);
    return code ? code : store_write(folder->store, allow, &allowing, err);
}

/* ---- reading ---- */

static struct erasure read_row(sqlite3_stmt *row, struct arena *arena) {
    return (struct erasure){
        .number = (uint64_t)sqlite3_column_int64(row, 0),
        .customer = (uint32_t)sqlite3_column_int64(row, 1),
        .state = text_at(row, 2, arena),
        .who = text_at(row, 3, arena),
        .why = text_at(row, 4, arena),
        .asked_ms = sqlite3_column_int64(row, 5),
        .ended_ms = sqlite3_column_int64(row, 6),
        .allowed_ms = sqlite3_column_int64(row, 7),
        .report = text_at(row, 8, arena),
    };
}

#define ERASURE_SELECT                                                                             \
    "SELECT number, customer, state, opened(who), opened(why), asked_ms, ended_ms, allowed_ms, "   \
    "report "                                                                                      \
    "FROM "                                                                                        \
    "erasure "

int erasure_list(struct folder *folder, uint64_t before, size_t limit, struct arena *arena,
                 struct erasure **erasures, size_t *n, struct err *err) {
    *erasures = ARENA_ARRAY(arena, struct erasure, limit + 1);
    *n = 0;
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(
                 db, ERASURE_SELECT "WHERE ?1 = 0 OR number < ?1 ORDER BY number DESC LIMIT ?2",
                 err)
           : NULL;
    int code = statement ? 1 : err_set(err, E_IO, "the records could not be read");
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)before);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        (*erasures)[(*n)++] = read_row(statement, arena);
    store_reader_put(folder->store, db);
    return code;
}

int erasure_get(struct folder *folder, uint64_t number, struct arena *arena,
                struct erasure *erasure, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = db ? STORE_PREPARE(db, ERASURE_SELECT "WHERE number = ?", err) : NULL;
    int code = statement ? 0 : err_set(err, E_IO, "the records could not be read");
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
        code = store_step(statement, err);
    }
    if (code == 1)
        *erasure = read_row(statement, arena);
    else if (!code)
        code = err_set(err, E_NOT_FOUND, "no such erasure");
    store_reader_put(folder->store, db);
    return code < 0 ? code : 0;
}

int erasure_of(struct folder *folder, uint32_t owner, uint64_t *number, struct err *err) {
    *number = 0;
    sqlite3 *db = store_reader_get(folder->store);
    int code = db ? number_of(db, owner, number, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(folder->store, db);
    return code;
}

/* ---- for the run ---- */

int erasure_next(struct folder *folder, uint64_t after, struct arena *arena,
                 struct erasure *erasure, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(
                 db, ERASURE_SELECT "WHERE state <> 'done' AND number > ? ORDER BY number LIMIT 1",
                 err)
           : NULL;
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    int code = statement ? store_step(statement, err)
                         : err_set(err, E_IO, "the records could not be read");
    if (code == 1)
        *erasure = read_row(statement, arena);
    store_reader_put(folder->store, db);
    return code;
}

/* What was written when it began joins what is found now: part of it may be gone already. */
int erasure_recall(struct person *person, uint64_t number, struct err *err) {
    sqlite3 *db = store_reader_get(person->folder->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(db, "SELECT members, sought FROM erasure WHERE number = ?", err) : NULL;
    int code = statement ? 0 : err_set(err, E_IO, "the records could not be read");
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
        code = store_step(statement, err);
    }
    if (code == 1) {
        const void *sealed = sqlite3_column_blob(statement, 1);
        code = unseal_sought(
            person, (struct slice){sealed, sealed ? (size_t)sqlite3_column_bytes(statement, 1) : 0},
            err);
        json_t *list =
            json_loads((const char *)sqlite3_column_text(statement, 0), JSON_DECODE_ANY, NULL);
        json_t *member;
        size_t i;
        json_array_foreach(list, i, member)
            person_add_member(person, (uint32_t)json_integer_value(member));
        json_decref(list);
        sqlite3_reset(statement);
    }
    store_reader_put(person->folder->store, db);
    return code < 0 ? code : 0;
}

int erasure_put(uint64_t number, const char *state, const char *report, bool forget, sqlite3 *db,
                struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE erasure SET state = ?2, report = ?3, ended_ms = ?4,"
                      " sought = CASE WHEN ?5 THEN x'' ELSE sought END WHERE number = ?1",
                      err);
    if (!statement)
        return err->code;
    bool ended = strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    sqlite3_bind_text(statement, 2, state, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, report, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, ended ? clock_now_ms() : 0);
    sqlite3_bind_int(statement, 5, forget);
    return store_step(statement, err);
}
