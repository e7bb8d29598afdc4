/*
 * The audit of who came in, saw whom and changed what: append only.
 *
 * Changes are durable in the audit before they are answered. Reads are noted without waiting: they ride in the next commit.
 *
 * CHAIN  Each entry bears a keyed BLAKE2b hash of the entry before it and of itself, under a key that the vault holds: who edits
 * the records past the program, changing or taking an entry away, breaks it from there on. What it does not show is that the newest
 * entries are missing. Entries from before there was a chain have none.
 *
 * PRIVACY  No secret; of customers their number only, and of what people named or wrote in their own words its number, too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "http/account_internal.h"

struct note {
    struct store_job job;          /* first: the store gives it back */
    unsigned char key[HASH_BYTES]; /* its own: it may be written when the accounts are closed */
    struct audit_entry entry;
    struct arena arena;
};

static void add_text(crypto_generichash_state *state, const char *text) {
    crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

static void chain_of(const unsigned char *key, const unsigned char *before,
                     const struct audit_entry *entry, unsigned char chain[HASH_BYTES]) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, HASH_BYTES, HASH_BYTES);
    crypto_generichash_update(&state, before, HASH_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)&entry->time_ms,
                              sizeof entry->time_ms);
    add_text(&state, entry->who);
    add_text(&state, entry->address);
    add_text(&state, entry->what);
    add_text(&state, entry->about);
    add_text(&state, entry->detail);
    crypto_generichash_final(&state, chain, HASH_BYTES);
}

static int last_chain(sqlite3 *db, unsigned char chain[HASH_BYTES], struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT chain FROM audit ORDER BY id DESC LIMIT 1", err);
    int code = statement ? store_step(statement, err) : E_IO;
    memset(chain, 0, HASH_BYTES);
    if (code != 1)
        return code;
    const void *bytes = sqlite3_column_blob(statement, 0);
    if (bytes && sqlite3_column_bytes(statement, 0) == HASH_BYTES)
        memcpy(chain, bytes, HASH_BYTES);
    sqlite3_reset(statement);
    return 0;
}

static int insert_entry(const struct note *note, sqlite3 *db, struct err *err) {
    const struct audit_entry *entry = &note->entry;
    unsigned char before[HASH_BYTES], chain[HASH_BYTES];
    int code = last_chain(db, before, err);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(db,
                             "INSERT INTO audit(time_ms, who, who_key, address, what, about, "
                             "about_key, detail, chain) VALUES(?1, sealed(?2), hashed(?2), "
                             "sealed(?3), ?4, sealed(?5), hashed(?5), sealed(?6), ?7)",
                             err);
    if (!statement)
        return code ? code : E_IO;
    chain_of(note->key, before, entry, chain);
    sqlite3_bind_int64(statement, 1, entry->time_ms);
    bind_text(statement, 2, entry->who);
    bind_text(statement, 3, entry->address);
    bind_text(statement, 4, entry->what);
    bind_text(statement, 5, entry->about);
    bind_text(statement, 6, entry->detail);
    sqlite3_bind_blob(statement, 7, chain, HASH_BYTES, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

static int insert_now(void *context, sqlite3 *db, struct err *err) {
    return insert_entry(context, db, err);
}

void audit_write(struct accounts *accounts, const struct principal *by, const char *address,
                 const char *what, const char *about, const char *detail) {
    struct note note = {.entry = {.time_ms = clock_now_ms(),
                                  .who = by && by->name ? by->name : "",
                                  .address = address ? address : "",
                                  .what = what,
                                  .about = about ? about : "",
                                  .detail = detail ? detail : ""}};
    struct err err = {0};
    memcpy(note.key, accounts->audit_key, HASH_BYTES);
    if (store_write(accounts->folder->store, insert_now, &note, &err))
        log_error("http", "an entry of the audit was not written: %s", err.message);
    sodium_memzero(note.key, HASH_BYTES);
}

void audit_act(const struct request *request, const char *what, const char *about,
               const char *detail) {
    audit_write(app_accounts(request->app), &request->principal, request->peer, what, about,
                detail);
}

void audit_act_number(const struct request *request, const char *what, uint64_t number) {
    char about[24];
    snprintf(about, sizeof about, "%llu", (unsigned long long)number);
    audit_act(request, what, about, "");
}

static int insert_later(struct store_job *job, sqlite3 *db, struct err *err) {
    return insert_entry((struct note *)job, db, err);
}

static void noted(struct store_job *job, int code, const struct err *err) {
    struct note *note = (struct note *)job;
    if (code)
        log_error("http", "an entry of the audit was not written: %s", err->message);
    arena_release(&note->arena);
    sodium_memzero(note->key, HASH_BYTES);
    free(note);
}

void audit_note(const struct request *request, const char *what, const char *about,
                const char *detail) {
    struct accounts *accounts = app_accounts(request->app);
    const struct principal *by = &request->principal;
    struct note *note = calloc(1, sizeof *note);
    struct err err = {0};
    if (!note)
        abort();
    arena_init(&note->arena);
    note->job = (struct store_job){
        .run = insert_later, .done = noted, .bytes = sizeof *note + 1024, .alone = true};
    memcpy(note->key, accounts->audit_key, HASH_BYTES);
    note->entry = (struct audit_entry){
        .time_ms = request->received_ms,
        .who = arena_text(&note->arena, slice_of(by->name ? by->name : "")),
        .address = arena_text(&note->arena, slice_of(request->peer ? request->peer : "")),
        .what = what,
        .about = arena_text(&note->arena, slice_of(about)),
        .detail = arena_text(&note->arena, slice_of(detail))};
    if (!store_submit(accounts->folder->store, &note->job, &err))
        return;
    audit_act(request, what, about, detail); /* waits for room */
    arena_release(&note->arena);
    free(note);
}

/* ---- reading ---- */

static void bind_filter(sqlite3_stmt *statement, const struct audit_filter *filter, size_t limit) {
    bind_text(statement, 1, filter->who);
    bind_text(statement, 2, filter->what);
    bind_text(statement, 3, filter->about);
    sqlite3_bind_int64(statement, 4, filter->from_ms);
    sqlite3_bind_int64(statement, 5, filter->to_ms ? filter->to_ms : INT64_MAX);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)filter->before);
    sqlite3_bind_int64(statement, 7, (sqlite3_int64)filter->after);
    sqlite3_bind_int64(statement, 8, (sqlite3_int64)limit);
}

/* As read_entry takes them. */
#define AUDIT_COLUMNS                                                                              \
    "SELECT id, time_ms, opened(who), opened(address), what, opened(about), opened(detail)"
#define AUDIT_SELECT                                                                               \
    AUDIT_COLUMNS " FROM audit WHERE (?1 = '' OR who_key = hashed(?1))"                            \
                  " AND (?2 = '' OR what = ?2 OR substr(what, 1, length(?2) + 1) = ?2 || '.') "    \
                  "AND (?3 = '' OR "                                                               \
                  "about_key = hashed(?3)) AND time_ms >= ?4 AND time_ms < ?5 AND (?6 = 0 OR id "  \
                  "< ?6) AND id > ?7 "

static struct audit_entry read_entry(sqlite3_stmt *row, struct arena *arena) {
    return (struct audit_entry){.id = (uint64_t)sqlite3_column_int64(row, 0),
                                .time_ms = sqlite3_column_int64(row, 1),
                                .who = column_text(row, 2, arena),
                                .address = column_text(row, 3, arena),
                                .what = column_text(row, 4, arena),
                                .about = column_text(row, 5, arena),
                                .detail = column_text(row, 6, arena)};
}

int audit_about(struct accounts *accounts, const char *about, size_t limit, struct arena *arena,
                struct audit_entry **entries, size_t *n, struct err *err) {
    *entries = ARENA_ARRAY(arena, struct audit_entry, limit + 1);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(db,
                           AUDIT_COLUMNS " FROM audit WHERE about_key = hashed(?1) AND about_key "
                                         "<> '' ORDER BY id DESC LIMIT ?2",
                           err)
           : NULL;
    int code = statement ? 1 : E_IO;
    if (statement) {
        bind_text(statement, 1, about);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        (*entries)[(*n)++] = read_entry(statement, arena);
    store_reader_put(accounts->folder->store, db);
    return code;
}

int audit_list(struct accounts *accounts, const struct audit_filter *filter, size_t limit,
               struct arena *arena, struct audit_entry **entries, size_t *n, struct err *err) {
    *entries = ARENA_ARRAY(arena, struct audit_entry, limit);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        filter->oldest_first ? STORE_PREPARE(db, AUDIT_SELECT "ORDER BY id LIMIT ?8", err)
                             : STORE_PREPARE(db, AUDIT_SELECT "ORDER BY id DESC LIMIT ?8", err);
    int code = statement ? 1 : E_IO;
    if (statement)
        bind_filter(statement, filter, limit);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        (*entries)[(*n)++] = read_entry(statement, arena);
    store_reader_put(accounts->folder->store, db);
    return code;
}

/* Does the chain go on with this row? before becomes its own. */
static bool goes_on(const struct accounts *accounts, sqlite3_stmt *row,
                    unsigned char before[HASH_BYTES], struct arena *arena) {
    struct audit_entry entry = {.time_ms = sqlite3_column_int64(row, 1),
                                .who = column_text(row, 2, arena),
                                .address = column_text(row, 3, arena),
                                .what = column_text(row, 4, arena),
                                .about = column_text(row, 5, arena),
                                .detail = column_text(row, 6, arena)};
    unsigned char chain[HASH_BYTES];
    chain_of(accounts->audit_key, before, &entry, chain);
    bool same = sqlite3_column_bytes(row, 7) == HASH_BYTES &&
                memcmp(sqlite3_column_blob(row, 7), chain, HASH_BYTES) == 0;
    memcpy(before, chain, HASH_BYTES);
    return same;
}

int audit_check(struct accounts *accounts, uint64_t *entries, uint64_t *broken, struct err *err) {
    unsigned char before[HASH_BYTES] = {0};
    struct arena arena;
    arena_init(&arena);
    *entries = *broken = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        AUDIT_COLUMNS ", chain FROM audit "
                      "WHERE id > coalesce((SELECT max(id) FROM audit WHERE chain IS NULL), 0) "
                      "ORDER BY id",
        err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        ++*entries;
        if (!*broken && !goes_on(accounts, statement, before, &arena))
            *broken = (uint64_t)sqlite3_column_int64(statement, 0);
        arena_clear(&arena);
    }
    store_reader_put(accounts->folder->store, db);
    arena_release(&arena);
    return code;
}
