/*
 * Values over their kind's limit: see dropped.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/dropped.h"

#include <stdlib.h>

#include "base/clock.h"
#include "customer/internal.h"
#include "customer/kinds.h"

bool identity_dropped(struct customers *customers, struct key128 key) {
    if (!atomic_load_explicit(&customers->n_dropped, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&customers->lock);
    uint32_t there = key_map_get(&customers->dropped, key);
    pthread_mutex_unlock(&customers->lock);
    return there != MAP_NONE && there != 0;
}

/* 0: admitted again, or the transaction that dropped it was rolled back. */
static void mark(struct customers *customers, struct key128 key, bool dropped) {
    pthread_mutex_lock(&customers->lock);
    uint32_t before = key_map_put(&customers->dropped, key, dropped);
    bool was = before != MAP_NONE && before != 0;
    if (dropped && !was)
        atomic_fetch_add(&customers->n_dropped, 1);
    else if (!dropped && was)
        atomic_fetch_sub(&customers->n_dropped, 1);
    pthread_mutex_unlock(&customers->lock);
    customers->full.turn++; /* it counts no more, or again */
}

static struct key128 key_at(sqlite3_stmt *row, int column) {
    struct key128 key = {0, 0};
    if (sqlite3_column_bytes(row, column) == (int)sizeof key)
        memcpy(&key, sqlite3_column_blob(row, column), sizeof key);
    return key;
}

int dropped_load(struct customers *customers, sqlite3 *db, struct err *err) {
    sqlite3_stmt *row = STORE_PREPARE(db, "SELECT hash FROM dropped_identifier", err);
    if (!row)
        return err->code;
    int code;
    while ((code = store_step(row, err)) == 1)
        mark(customers, key_at(row, 0), true);
    return code;
}

/* ---- the writer's ---- */

void dropped_rollback(struct customers *customers) {
    while (customers->n_dropping)
        mark(customers, customers->dropping[--customers->n_dropping], false);
}

static int add_pair(struct key128 key, uint32_t profile, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR IGNORE INTO shared_identifier(hash, profile) VALUES(?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, profile);
    return store_step(statement, err);
}

/* Whether those that it was seen with are more than `limit` customers by now. */
static int count_customers(struct customers *customers, struct key128 key, unsigned limit,
                           unsigned *n, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT profile FROM shared_identifier WHERE hash = ?", err);
    if (!statement)
        return err->code;
    uint32_t *owners = malloc((limit + 1) * sizeof *owners);
    if (!owners)
        abort();
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_STATIC);
    int code = 0;
    *n = 0;
    while (*n <= limit && (code = store_step(statement, err)) == 1) {
        uint32_t owner =
            redirects_root(&customers->redirects, (uint32_t)sqlite3_column_int64(statement, 0));
        unsigned i = 0;
        while (i < *n && owners[i] != owner)
            i++;
        owners[i] = owner;
        *n += i == *n;
    }
    sqlite3_reset(statement);
    free(owners);
    return code < 0 ? code : 0;
}

static int record(struct customers *customers, const struct identity *identity, struct key128 key,
                  unsigned n, sqlite3 *db, struct err *err) {
    struct slice sealed = identity_seal(customers, identity);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT OR IGNORE INTO dropped_identifier(hash, kind, sealed, customers,"
                      " dropped_ms) VALUES(?, ?, ?, ?, ?)",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, (int)identity->kind);
    sqlite3_bind_blob(statement, 3, sealed.p, (int)sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, n);
    sqlite3_bind_int64(statement, 5, clock_now_ms());
    return store_step(statement, err);
}

int identity_shared(struct customers *customers, const struct identity *identity, struct key128 key,
                    uint32_t one, uint32_t other, bool *dropped, sqlite3 *db, struct err *err) {
    unsigned limit = kind_of(kinds_of(customers), identity)->limit, n = 0;
    *dropped = false;
    if (!limit)
        return 0;
    int code = add_pair(key, one, db, err);
    if (!code)
        code = add_pair(key, other, db, err);
    if (!code)
        code = count_customers(customers, key, limit, &n, db, err);
    if (code || n <= limit)
        return code;
    code = record(customers, identity, key, n, db, err);
    if (code)
        return code;
    if (customers->n_dropping == customers->dropping_capacity) {
        customers->dropping_capacity = customers->dropping_capacity * 2 + 16;
        customers->dropping =
            realloc(customers->dropping, customers->dropping_capacity * sizeof(struct key128));
        if (!customers->dropping)
            abort();
    }
    customers->dropping[customers->n_dropping++] = key;
    mark(customers, key, true);
    *dropped = true;
    return 0;
}

/* ---- lists ---- */

int customers_dropped(struct customers *customers, uint64_t before, struct arena *arena,
                      struct dropped_identifier **list, size_t *n, struct err *err) {
    size_t most = *n, found = 0;
    *list = ARENA_ARRAY(arena, struct dropped_identifier, most + 1);
    *n = 0;
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row =
        STORE_PREPARE(db,
                      "SELECT number, kind, sealed, customers, dropped_ms FROM dropped_identifier"
                      " WHERE ?1 = 0 OR number < ?1 ORDER BY number DESC LIMIT ?2",
                      err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_int64(row, 1, (int64_t)before);
        sqlite3_bind_int64(row, 2, (int64_t)most);
    }
    while (!code && (code = store_step(row, err)) == 1) {
        struct dropped_identifier *dropped = &(*list)[found++];
        *dropped = (struct dropped_identifier){.number = (uint64_t)sqlite3_column_int64(row, 0),
                                               .customers = (unsigned)sqlite3_column_int(row, 3),
                                               .dropped_ms = sqlite3_column_int64(row, 4)};
        code = identity_unseal(customers, sqlite3_column_int(row, 1), sqlite3_column_blob(row, 2),
                               sqlite3_column_bytes(row, 2), arena, &dropped->identity, err);
    }
    if (row)
        sqlite3_reset(row);
    store_reader_put(customers->store, db);
    *n = code ? 0 : found;
    return code;
}

/* Owners of one identifier, each two of them. */
static void take_each_two(const uint32_t *owners, unsigned n,
                          void (*take)(void *context, uint32_t one, uint32_t other),
                          void *context) {
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = i + 1; k < n; k++)
            if (owners[i] != owners[k])
                take(context, owners[i], owners[k]);
}

int customers_shared(struct customers *customers, unsigned most,
                     void (*take)(void *context, uint32_t one, uint32_t other), void *context,
                     struct err *err) {
    uint32_t *owners = malloc((most + 1) * sizeof *owners);
    struct key128 last = {0, 0};
    unsigned n = 0;
    if (!owners)
        abort();
    sqlite3 *db = store_reader_get(customers->store);
    sqlite3_stmt *row =
        db ? STORE_PREPARE(db,
                           "SELECT hash, profile FROM shared_identifier WHERE hash NOT IN"
                           " (SELECT hash FROM dropped_identifier) ORDER BY hash",
                           err)
           : NULL;
    int code = row ? 0 : err_set(err, E_IO, "the records could not be read");
    while (row && (code = store_step(row, err)) == 1) {
        struct key128 key = key_at(row, 0);
        if (key.a != last.a || key.b != last.b) {
            take_each_two(owners, n <= most ? n : 0, take, context);
            n = 0;
            last = key;
        }
        pthread_mutex_lock(&customers->lock);
        uint32_t owner =
            redirects_root(&customers->redirects, (uint32_t)sqlite3_column_int64(row, 1));
        pthread_mutex_unlock(&customers->lock);
        if (n <= most)
            owners[n++] = owner;
    }
    if (!code)
        take_each_two(owners, n <= most ? n : 0, take, context);
    store_reader_put(customers->store, db);
    free(owners);
    return code;
}

struct admitting {
    struct customers *customers;
    uint64_t number;
    struct key128 key;
};

int dropped_forget(struct customers *customers, struct key128 key, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM dropped_identifier WHERE hash = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code)
        return code;
    statement = STORE_PREPARE(db, "DELETE FROM shared_identifier WHERE hash = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_STATIC);
    code = store_step(statement, err);
    if (!code)
        mark(customers, key, false);
    return code;
}

static int admit(void *context, sqlite3 *db, struct err *err) {
    struct admitting *admitting = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT hash FROM dropped_identifier WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)admitting->number);
    int code = store_step(statement, err);
    if (code == 1)
        admitting->key = key_at(statement, 0);
    sqlite3_reset(statement);
    if (code != 1)
        return code ? code : err_set(err, E_NOT_FOUND, "no such identifier has dropped out");
    return dropped_forget(admitting->customers, admitting->key, db, err);
}

int customers_admit(struct customers *customers, uint64_t number, struct err *err) {
    struct admitting admitting = {.customers = customers, .number = number};
    return store_write(customers->store, admit, &admitting, err);
}
