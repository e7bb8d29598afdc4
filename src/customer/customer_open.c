/*
 * Opening, closing and keeping customers: identifiers as they are stored, keys put again at start, redirects.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "customer/internal.h"

enum { IDENTITY_MAX_BYTES = 64 * 1024 };

struct slice identity_seal(struct customers *customers, const struct identity *identity) {
    buf_clear(&customers->plain);
    buf_clear(&customers->sealed);
    if (identity->kind == IDENTITY_EXTERNAL) {
        size_t n = identity->external_type.n < 255 ? identity->external_type.n : 255;
        buf_add_char(&customers->plain, (char)(unsigned char)n);
        buf_add(&customers->plain, identity->external_type.p, n);
    }
    buf_add_slice(&customers->plain, identity->value);
    vault_seal(customers->vault, buf_slice(&customers->plain), &customers->sealed);
    return buf_slice(&customers->sealed);
}

int identity_unseal(const struct customers *customers, int kind, const void *sealed, int n,
                    struct arena *arena, struct identity *identity, struct err *err) {
    struct buf plain;
    buf_init(&plain, IDENTITY_MAX_BYTES);
    struct slice bytes = {sealed, n < 0 ? 0 : (size_t)n};
    int code = vault_unseal(customers->vault, bytes, &plain, err);
    struct slice text = code ? (struct slice){"", 0} : arena_copy(arena, buf_slice(&plain));
    buf_release(&plain);
    *identity = (struct identity){.kind = (enum identity_kind)kind, .value = text};
    if (code || kind != IDENTITY_EXTERNAL)
        return code;
    size_t type = text.n ? (unsigned char)text.p[0] : 0;
    if (text.n < 1 + type)
        return err_set(err, E_CORRUPT, "an identifier is damaged");
    identity->external_type = (struct slice){text.p + 1, type};
    identity->value = (struct slice){text.p + 1 + type, text.n - 1 - type};
    return 0;
}

/* ---- opening ---- */

static int count_rows(struct customers *customers, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT (SELECT coalesce(max(number), 0) FROM profile),"
                                            " (SELECT coalesce(max(number), 0) FROM attached)",
                                            err);
    int code = statement ? store_step(statement, err) : err->code;
    if (code != 1)
        return code;
    customers->profiles = (uint32_t)sqlite3_column_int64(statement, 0);
    customers->attached = (uint32_t)sqlite3_column_int64(statement, 1);
    customers->attached_committed = customers->attached;
    atomic_store(&customers->committed, customers->profiles);
    sqlite3_reset(statement);
    return 0;
}

static int load_redirects(struct customers *customers, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT profile, target FROM redirect", err);
    if (!statement)
        return err->code;
    int code;
    while ((code = store_step(statement, err)) == 1)
        redirects_add(&customers->redirects, (uint32_t)sqlite3_column_int64(statement, 0),
                      (uint32_t)sqlite3_column_int64(statement, 1));
    return code;
}

/* Puts the identifier of the statement's row (its columns kind and sealed) again. */
static int put_again(struct customers *customers, sqlite3_stmt *row, int kind_column,
                     uint32_t value, uint64_t position, struct arena *arena, struct err *err) {
    struct identity identity;
    arena_clear(arena);
    int code = identity_unseal(customers, sqlite3_column_int(row, kind_column),
                               sqlite3_column_blob(row, kind_column + 1),
                               sqlite3_column_bytes(row, kind_column + 1), arena, &identity, err);
    if (code)
        return code;
    keys_put(customers->keys, customers_hash(customers, &identity), value, position);
    if (identity.kind == IDENTITY_EXTERNAL) {
        struct key128 untyped = external_value_hash(customers, &identity);
        if (keys_get(customers->keys, untyped) == MAP_NONE)
            keys_put(customers->keys, untyped, value, position);
    }
    return 0;
}

/* Puts the rows of both statements, those with the lower profile number first. */
static int put_merged(struct customers *customers, sqlite3_stmt *born, sqlite3_stmt *joined,
                      uint32_t profiles, uint32_t attached, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    int more_born = store_step(born, err), more_joined = store_step(joined, err), code = 0;
    while (!code && (more_born == 1 || more_joined == 1)) {
        bool first = more_joined == 1 && (more_born != 1 || sqlite3_column_int64(joined, 1) <
                                                                sqlite3_column_int64(born, 0));
        if (first)
            attached = (uint32_t)sqlite3_column_int64(joined, 0);
        else
            profiles = (uint32_t)sqlite3_column_int64(born, 0);
        uint32_t value = first ? (uint32_t)sqlite3_column_int64(joined, 2) | ATTACHED : profiles;
        code = put_again(customers, first ? joined : born, first ? 3 : 1, value,
                         (uint64_t)profiles << 32 | attached, &arena, err);
        keys_commit(customers->keys);
        if (!code)
            *(first ? &more_joined : &more_born) = store_step(first ? joined : born, err);
    }
    arena_release(&arena);
    if (code)
        return code;
    return more_born < 0 ? more_born : more_joined < 0 ? more_joined : 0;
}

/* Both tables from where the files end, in the order in which they grew. */
static int put_newer(struct customers *customers, sqlite3 *db, struct err *err) {
    uint64_t covered = keys_covered(customers->keys);
    sqlite3_stmt *born = STORE_PREPARE(
        db, "SELECT number, kind, sealed FROM profile WHERE number > ? ORDER BY number", err);
    sqlite3_stmt *joined = STORE_PREPARE(db,
                                         "SELECT number, after, profile, kind, sealed FROM attached"
                                         " WHERE number > ? ORDER BY number",
                                         err);
    if (!born || !joined)
        return err->code;
    uint32_t profiles = (uint32_t)(covered >> 32), attached = (uint32_t)covered;
    sqlite3_bind_int64(born, 1, profiles);
    sqlite3_bind_int64(joined, 1, attached);
    int code = put_merged(customers, born, joined, profiles, attached, err);
    sqlite3_reset(born);
    sqlite3_reset(joined);
    return code;
}

int customers_open(struct customers **customers, struct store *store, struct vault *vault,
                   const char *dir, struct err *err) {
    struct customers *opened = calloc(1, sizeof *opened);
    if (!opened)
        abort();
    opened->store = store;
    opened->vault = vault;
    opened->found = calloc(MEMOS, sizeof *opened->found);
    opened->joined = calloc(MEMOS, sizeof *opened->joined);
    if (!opened->found || !opened->joined)
        abort();
    atomic_init(&opened->version, 1);
    pthread_mutex_init(&opened->lock, NULL);
    redirects_init(&opened->redirects);
    buf_init(&opened->plain, IDENTITY_MAX_BYTES);
    buf_init(&opened->sealed, IDENTITY_MAX_BYTES + VAULT_EXTRA_BYTES);
    sqlite3 *db = store_reader_get(store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    if (!code)
        code = keys_open(&opened->keys, store, dir, "identity", err);
    if (!code)
        code = count_rows(opened, db, err);
    if (!code)
        code = load_redirects(opened, db, err);
    if (!code)
        code = put_newer(opened, db, err);
    store_reader_put(store, db);
    if (code) {
        customers_close(opened);
        return code;
    }
    store_add_hook(store, customers_commit, customers_rollback, opened);
    *customers = opened;
    return 0;
}

void customers_close(struct customers *customers) {
    if (!customers)
        return;
    keys_close(customers->keys);
    redirects_release(&customers->redirects);
    buf_release(&customers->plain);
    buf_release(&customers->sealed);
    pthread_mutex_destroy(&customers->lock);
    free(customers->found);
    free(customers->joined);
    free(customers->undo);
    free(customers);
}

uint32_t customers_count(const struct customers *customers) {
    return atomic_load(&customers->committed);
}

struct overlay *customers_load_overlay(struct customers *customers) {
    pthread_mutex_lock(&customers->lock);
    customers->taken = atomic_load(&customers->version);
    struct overlay *overlay = redirects_overlay(&customers->redirects, customers->taken);
    pthread_mutex_unlock(&customers->lock);
    return overlay;
}

struct overlay *customers_take_overlay(struct customers *customers) {
    struct overlay *overlay = NULL;
    pthread_mutex_lock(&customers->lock);
    uint64_t version = atomic_load(&customers->version);
    if (version != customers->taken) {
        customers->taken = version;
        overlay = redirects_overlay(&customers->redirects, version);
    }
    pthread_mutex_unlock(&customers->lock);
    return overlay;
}

bool customers_pressed(const struct customers *customers) { return keys_pressed(customers->keys); }

int customers_flush(struct customers *customers, size_t least, struct err *err) {
    return keys_flush(customers->keys, least, err);
}

int customers_maintain(struct customers *customers, bool force, struct err *err) {
    return keys_flush(customers->keys, force ? 1 : KEYS_FRESH_MAX, err);
}

int customers_merge(struct customers *customers, struct err *err) {
    return keys_merge(customers->keys, err);
}
