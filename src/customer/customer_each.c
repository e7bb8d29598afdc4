/*
 * All identifiers, a page at a time, for those who keep something of them in memory: see customer.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/internal.h"

enum { PAGE_ROWS = 5000 };

struct walking {
    struct customers *customers;
    void (*take)(void *context, uint32_t profile, const struct identity *identity);
    void *context;
    struct arena *arena;
};

bool customers_cursor_behind(const struct customers *customers,
                             const struct customers_cursor *cursor) {
    return cursor->profiles < customers_count(customers) ||
           cursor->attached < atomic_load(&customers->attached_seen);
}

/* Rows of (number, profile, kind, sealed) with number in (*at, *at + PAGE_ROWS] and up to `last`. */
static int walk_page(struct walking *walking, sqlite3_stmt *statement, bool attached, uint32_t *at,
                     uint32_t last, struct err *err) {
    if (!statement)
        return err->code;
    uint32_t to = last - *at > PAGE_ROWS ? *at + PAGE_ROWS : last;
    sqlite3_bind_int64(statement, 1, *at);
    sqlite3_bind_int64(statement, 2, to);
    int code, failed = 0;
    while (!failed && (code = store_step(statement, err)) == 1) {
        struct identity identity;
        if (sqlite3_column_int(statement, 2) == KIND_ERASED)
            continue;
        arena_clear(walking->arena);
        failed = identity_unseal(
            walking->customers, sqlite3_column_int(statement, 2), sqlite3_column_blob(statement, 3),
            sqlite3_column_bytes(statement, 3), walking->arena, &identity, err);
        if (!failed && (!attached || identity_leads(walking->customers, &identity,
                                                    (uint32_t)sqlite3_column_int64(statement, 1))))
            walking->take(walking->context, (uint32_t)sqlite3_column_int64(statement, 1),
                          &identity);
    }
    sqlite3_reset(statement);
    if (!failed && !code)
        *at = to;
    return failed ? failed : code;
}

static int walk_next(struct walking *walking, struct customers_cursor *cursor, uint32_t profiles,
                     uint32_t attached, struct err *err) {
    sqlite3 *db = store_reader_get(walking->customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    int code = cursor->profiles < profiles
                   ? walk_page(walking,
                               STORE_PREPARE(db,
                                             "SELECT number, number, kind, sealed FROM profile"
                                             " WHERE number > ? AND number <= ? ORDER BY number",
                                             err),
                               false, &cursor->profiles, profiles, err)
                   : walk_page(walking,
                               STORE_PREPARE(db,
                                             "SELECT number, profile, kind, sealed FROM attached"
                                             " WHERE number > ? AND number <= ? ORDER BY number",
                                             err),
                               true, &cursor->attached, attached, err);
    store_reader_put(walking->customers->store, db);
    return code;
}

int customers_each(struct customers *customers, struct customers_cursor *cursor,
                   void (*take)(void *context, uint32_t profile, const struct identity *identity),
                   void *context, const atomic_bool *cancelled, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    struct walking walking = {customers, take, context, &arena};
    uint32_t attached = atomic_load(&customers->attached_seen),
             profiles = customers_count(customers);
    int code = 0;
    while (!code && (cursor->profiles < profiles || cursor->attached < attached))
        code = cancelled && atomic_load(cancelled)
                   ? err_set(err, E_CANCELLED, "reading was cancelled")
                   : walk_next(&walking, cursor, profiles, attached, err);
    arena_release(&arena);
    return code;
}
