/*
 * Notes on customers: see notes.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/notes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "customer/internal.h"

/* ---- reading ---- */

/* Columns number, profile, author, sealed, created_ms, changed_ms. */
static int read_note(struct customers *customers, sqlite3_stmt *row, struct arena *arena,
                     struct note *note, struct err *err) {
    struct buf plain;
    struct slice sealed = {sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3)};
    *note = (struct note){
        .number = (uint64_t)sqlite3_column_int64(row, 0),
        .profile = (uint32_t)sqlite3_column_int64(row, 1),
        .author = arena_text(arena, slice_of((const char *)sqlite3_column_text(row, 2))),
        .created_ms = sqlite3_column_int64(row, 4),
        .changed_ms = sqlite3_column_int64(row, 5)};
    buf_init(&plain, NOTE_MAX_BYTES + 1);
    int code = vault_unseal(customers->vault, sealed, &plain, err);
    note->text = code ? "" : arena_text(arena, buf_slice(&plain));
    buf_release(&plain);
    return code;
}

static int newest_first(const void *a, const void *b) {
    const struct note *x = a, *y = b;
    return (x->number < y->number) - (x->number > y->number);
}

struct listing {
    struct customers *customers;
    struct arena *arena;
    struct note *notes; /* [2 * most] */
    size_t n, most;
    uint64_t before;
};

/* The newest of one profile, among those found so far. */
static int list_profile(struct listing *listing, uint32_t profile, sqlite3 *db, struct err *err) {
    sqlite3_stmt *row = STORE_PREPARE(
        db,
        "SELECT number, profile, opened(author), sealed, created_ms, changed_ms FROM note"
        " WHERE profile = ? AND number < ? ORDER BY number DESC LIMIT ?",
        err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, profile);
    sqlite3_bind_int64(row, 2, (int64_t)listing->before);
    sqlite3_bind_int64(row, 3, (int64_t)listing->most);
    int code = 0;
    while (!code && (code = store_step(row, err)) == 1)
        code =
            read_note(listing->customers, row, listing->arena, &listing->notes[listing->n++], err);
    sqlite3_reset(row);
    if (listing->n)
        qsort(listing->notes, listing->n, sizeof *listing->notes, newest_first);
    if (listing->n > listing->most)
        listing->n = listing->most;
    return code;
}

int notes_list(struct customers *customers, uint32_t owner, uint64_t before, struct arena *arena,
               struct note **notes, size_t *n, struct err *err) {
    struct listing listing = {.customers = customers, .arena = arena, .most = *n};
    uint32_t *members;
    size_t n_members = customers_members(customers, owner, MEMBERS_MAX, arena, &members);
    listing.before = before && before < INT64_MAX ? before : INT64_MAX;
    listing.notes = ARENA_ARRAY(arena, struct note, listing.most * 2 + 1);
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    for (size_t i = 0; !code && i < n_members; i++)
        code = list_profile(&listing, members[i], db, err);
    store_reader_put(customers->store, db);
    *notes = listing.notes;
    *n = code ? 0 : listing.n;
    return code;
}

int notes_find(struct customers *customers, uint32_t owner, uint64_t number, struct arena *arena,
               struct note *note, struct err *err) {
    uint32_t found;
    char id[CUSTOMER_ID_BYTES];
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(
        db,
        "SELECT number, profile, opened(author), sealed, created_ms, changed_ms FROM note"
        " WHERE number = ?",
        err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_int64(row, 1, (int64_t)number);
        code = store_step(row, err);
    }
    bool there = code == 1;
    if (there)
        code = read_note(customers, row, arena, note, err);
    if (row)
        sqlite3_reset(row);
    store_reader_put(customers->store, db);
    if (there && !code) {
        customer_id_format(note->profile, id);
        code = customers_find(customers, slice_of(id), &found, err);
        there = !code && found == owner;
    }
    return code || there ? code : err_set(err, E_NOT_FOUND, "no such note");
}

/* ---- writing ---- */

struct writing {
    struct customers *customers;
    uint64_t number;
    uint32_t profile;
    const char *author, *text;
};

static int write_note(void *context, sqlite3 *db, struct err *err) {
    struct writing *writing = context;
    struct customers *customers = writing->customers;
    buf_clear(&customers->sealed);
    vault_seal(customers->vault, slice_of(writing->text), &customers->sealed);
    sqlite3_stmt *statement =
        writing->number
            ? STORE_PREPARE(db, "UPDATE note SET sealed = ?1, changed_ms = ?2 WHERE number = ?3",
                            err)
            : STORE_PREPARE(db,
                            "INSERT INTO note(sealed, created_ms, profile, author, changed_ms)"
                            " VALUES(?1, ?2, ?3, sealed(?4), 0)",
                            err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, customers->sealed.p, (int)customers->sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, clock_now_ms());
    if (writing->number) {
        sqlite3_bind_int64(statement, 3, (int64_t)writing->number);
        return store_step(statement, err);
    }
    sqlite3_bind_int64(statement, 3, writing->profile);
    sqlite3_bind_text(statement, 4, writing->author, -1, SQLITE_STATIC);
    return store_step(statement, err);
}

static int add_note(void *context, sqlite3 *db, struct err *err) {
    struct writing *writing = context;
    struct writing copy = *writing;
    copy.number = 0;
    int code = write_note(&copy, db, err);
    if (!code)
        writing->number = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

int notes_add(struct customers *customers, uint32_t owner, const char *author, const char *text,
              uint64_t *number, struct err *err) {
    struct writing writing = {
        .customers = customers, .profile = owner, .author = author, .text = text};
    int code = store_write(customers->store, add_note, &writing, err);
    *number = writing.number;
    return code;
}

int notes_change(struct customers *customers, uint64_t number, const char *text, struct err *err) {
    struct writing writing = {.customers = customers, .number = number, .text = text};
    return store_write(customers->store, write_note, &writing, err);
}

static int remove_note(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM note WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)writing->number);
    return store_step(statement, err);
}

int notes_remove(struct customers *customers, uint64_t number, struct err *err) {
    struct writing writing = {.number = number};
    return store_write(customers->store, remove_note, &writing, err);
}
