/*
 * The audit of sign-ins and changes: append only, durable before the change is answered.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/clock.h"
#include "base/logger.h"
#include "http/account_internal.h"

static int insert_entry(void *context, sqlite3 *db, struct err *err) {
    const struct audit_entry *entry = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO audit(time_ms, who, address, what, about, detail)"
                      " VALUES(?, ?, ?, ?, ?, ?)",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, entry->time_ms);
    bind_text(statement, 2, entry->who);
    bind_text(statement, 3, entry->address);
    bind_text(statement, 4, entry->what);
    bind_text(statement, 5, entry->about);
    bind_text(statement, 6, entry->detail);
    return run_statement(statement, err);
}

void audit_write(struct accounts *accounts, const struct principal *by, const char *address,
                 const char *what, const char *about, const char *detail) {
    struct audit_entry entry = {.time_ms = clock_now_ms(),
                                .who = by ? by->name : NULL,
                                .address = address,
                                .what = what,
                                .about = about,
                                .detail = detail};
    struct err err = {0};
    if (store_write(accounts->folder->store, insert_entry, &entry, &err))
        log_error("http", "an entry of the audit was not written: %s", err.message);
}

int audit_list(struct accounts *accounts, uint64_t before, size_t limit, struct arena *arena,
               struct audit_entry **entries, size_t *n, struct err *err) {
    *entries = ARENA_ARRAY(arena, struct audit_entry, limit);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, time_ms, who, address, what, about, detail FROM audit WHERE ?1 = 0 OR id < ?1"
        " ORDER BY id DESC LIMIT ?2",
        err);
    int code = statement ? 1 : E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)before);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        (*entries)[(*n)++] =
            (struct audit_entry){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                 .time_ms = sqlite3_column_int64(statement, 1),
                                 .who = column_text(statement, 2, arena),
                                 .address = column_text(statement, 3, arena),
                                 .what = column_text(statement, 4, arena),
                                 .about = column_text(statement, 5, arena),
                                 .detail = column_text(statement, 6, arena)};
    store_reader_put(accounts->folder->store, db);
    return code;
}
