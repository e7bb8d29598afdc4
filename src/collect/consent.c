/*
 * What people said, and what follows from it: see consent.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/consent.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "collect/consent_internal.h"
#include "timeline/timeline.h"

/* ---- reading ---- */

struct word { /* the newest of a customer about a purpose */
    bool said, granted;
    int64_t at_ms;
};

/* At or before an instant. */
static int newest_of(sqlite3 *db, uint32_t profile, const char *purpose, int64_t until_ms,
                     struct word *word, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT granted, at_ms FROM consent WHERE profile = ? AND purpose = ? AND at_ms <= ?"
        " ORDER BY at_ms DESC, id DESC LIMIT 1",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    sqlite3_bind_text(statement, 2, purpose, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, until_ms);
    int code = store_step(statement, err);
    if (code == 1 && (!word->said || sqlite3_column_int64(statement, 1) >= word->at_ms))
        *word = (struct word){true, sqlite3_column_int(statement, 0) != 0,
                              sqlite3_column_int64(statement, 1)};
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int newest(sqlite3 *db, const uint32_t *members, size_t n, const char *purpose,
                  int64_t until_ms, struct word *word, struct err *err) {
    int code = 0;
    *word = (struct word){0};
    for (size_t i = 0; !code && i < n; i++)
        code = newest_of(db, members[i], purpose, until_ms, word, err);
    return code;
}

static bool follows(const struct purpose *purpose, const struct word *word) {
    if (purpose->basis == BASIS_CONTRACT)
        return true;
    return word->said ? word->granted : purpose->basis == BASIS_INTEREST;
}

int consent_allows(struct consents *consents, const uint32_t *members, size_t n_members,
                   const char *name, bool *allowed, struct err *err) {
    struct purpose purpose;
    struct word word = {0};
    *allowed = false;
    if (!purpose_find(consents, slice_of(name), &purpose))
        return 0;
    sqlite3 *db = store_reader_get(consents->store);
    int code = db ? newest(db, members, n_members, purpose.name, INT64_MAX, &word, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(consents->store, db);
    if (!code)
        *allowed = follows(&purpose, &word);
    return code;
}

struct reading {
    struct arena *arena;
    struct consent *list;
    size_t n, capacity;
};

static const char *copy_column(sqlite3_stmt *row, int at, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(row, at);
    return arena_text(arena, slice_of(text ? text : ""));
}

static int read_rows(struct reading *reading, sqlite3_stmt *rows, uint32_t profile,
                     struct err *err) {
    if (!rows)
        return err->code;
    sqlite3_bind_int64(rows, 1, profile);
    int code;
    while ((code = store_step(rows, err)) == 1) {
        if (reading->n == reading->capacity) {
            size_t capacity = reading->capacity ? reading->capacity * 2 : 16;
            struct consent *larger = ARENA_ARRAY(reading->arena, struct consent, capacity);
            if (reading->n)
                memcpy(larger, reading->list, reading->n * sizeof *larger);
            reading->list = larger;
            reading->capacity = capacity;
        }
        reading->list[reading->n++] =
            (struct consent){.purpose = copy_column(rows, 0, reading->arena),
                             .granted = sqlite3_column_int(rows, 1) != 0,
                             .at_ms = sqlite3_column_int64(rows, 2),
                             .via = copy_column(rows, 3, reading->arena),
                             .who = copy_column(rows, 4, reading->arena),
                             .wording = (unsigned)sqlite3_column_int(rows, 5)};
    }
    return code;
}

static int newest_first(const void *a, const void *b) {
    const struct consent *x = a, *y = b;
    return (x->at_ms < y->at_ms) - (x->at_ms > y->at_ms);
}

int consents_history(struct store *store, const uint32_t *members, size_t n_members,
                     struct arena *arena, struct consent **list, size_t *n, struct err *err) {
    struct reading reading = {.arena = arena};
    sqlite3 *db = store_reader_get(store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    for (size_t i = 0; !code && i < n_members; i++)
        code =
            read_rows(&reading,
                      STORE_PREPARE(db,
                                    "SELECT purpose, granted, at_ms, via, opened(who), wording FROM"
                                    " consent WHERE profile = ? ORDER BY at_ms DESC, id DESC",
                                    err),
                      members[i], err);
    store_reader_put(store, db);
    if (reading.n && n_members > 1)
        qsort(reading.list, reading.n, sizeof *reading.list, newest_first);
    *list = reading.list;
    *n = reading.n;
    return code;
}

/* ---- writing ---- */

/* The newest word of the customer of a profile. */
static int newest_of_customer(const struct consent_writing *writing, uint32_t profile,
                              const char *purpose, int64_t until_ms, struct word *word,
                              struct err *err) {
    struct arena arena;
    uint32_t *members;
    arena_init(&arena);
    size_t n = customers_family(writing->customers, profile, &arena, &members);
    int code = newest(writing->db, members, n, purpose, until_ms, word, err);
    arena_release(&arena);
    return code;
}

static int insert(sqlite3 *db, uint32_t profile, const struct consent *consent, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO consent(profile, purpose, granted, at_ms, via, who, wording)"
                      " VALUES (?, ?, ?, ?, ?, sealed(?), ?)",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    sqlite3_bind_text(statement, 2, consent->purpose, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 3, consent->granted);
    sqlite3_bind_int64(statement, 4, consent->at_ms);
    sqlite3_bind_text(statement, 5, consent->via, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 6, consent->who, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 7, consent->wording);
    return store_step(statement, err);
}

/* The trait, as a row of the log. */
static int add_trait(const struct consent_writing *writing, uint32_t profile,
                     const struct consent *consent, uint16_t source, struct err *err) {
    char name[PURPOSE_NAME_BYTES + 16];
    struct buf properties;
    struct value value = {.type = consent->granted ? VALUE_TRUE : VALUE_FALSE};
    struct row row = {
        .time_ms = consent->at_ms, .customer = profile, .source = source, .type = ROW_TRAITS};
    int n = snprintf(name, sizeof name, "consent.%s", consent->purpose);
    err->code = 0;
    uint16_t code = dictionary_add(writing->dictionary, DICTIONARY_PROPERTY,
                                   (struct slice){name, (size_t)n}, writing->db, err);
    if (!code)
        return err->code ? err->code : err_set(err, E_REFUSED, "no room for another name");
    buf_init(&properties, 256);
    property_add(&properties, code, &value);
    row.properties = buf_slice(&properties);
    int failed =
        log_add(writing->log, &row, (struct slice){0}, (struct key128){0}, clock_now_ms(), err);
    buf_release(&properties);
    return failed;
}

int consent_write(const struct consent_writing *writing, uint32_t profile,
                  const struct consent *consent, uint16_t source, bool *written, struct err *err) {
    struct word word;
    int code = newest_of_customer(writing, profile, consent->purpose, consent->at_ms, &word, err);
    bool known = word.said && word.granted == consent->granted;
    if (written)
        *written = !code && !known;
    if (code || known)
        return code;
    code = insert(writing->db, profile, consent, err);
    return code ? code : add_trait(writing, profile, consent, source, err);
}

int consent_refuses(const struct consent_writing *writing, const struct event *event,
                    struct slice name, uint32_t profile, bool *refused, struct err *err) {
    struct purpose purpose;
    struct word word = {0};
    *refused = false;
    if (!name.n || !purpose_find(writing->consents, name, &purpose) ||
        purpose.basis == BASIS_CONTRACT)
        return 0;
    for (size_t i = 0; i < event->n_choices; i++)
        if (slice_equal_nocase(event->choices[i].purpose, slice_of(purpose.name)))
            word = (struct word){true, event->choices[i].granted, event->time_ms};
    int code = word.said || !profile
                   ? 0
                   : newest_of_customer(writing, profile, purpose.name, INT64_MAX, &word, err);
    *refused = !code && !follows(&purpose, &word);
    return code;
}

int consents_forget(sqlite3 *db, const uint32_t *members, size_t n, struct err *err) {
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM consent WHERE profile = ?", err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, members[i]);
        code = store_step(statement, err);
    }
    return code;
}
