/*
 * Opening, closing and keeping customers: identifiers as they are stored, keys put again at start, redirects.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "customer/internal.h"
#include "customer/kinds.h"

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
                                            " (SELECT coalesce(max(number), 0) FROM attached),"
                                            " max((SELECT coalesce(max(number), 0) FROM redirect),"
                                            "  (SELECT coalesce(max(number), 0) FROM separated))",
                                            err);
    int code = statement ? store_step(statement, err) : err->code;
    if (code != 1)
        return code;
    customers->profiles = (uint32_t)sqlite3_column_int64(statement, 0);
    customers->attached = (uint32_t)sqlite3_column_int64(statement, 1);
    customers->merges = (uint64_t)sqlite3_column_int64(statement, 2);
    customers->attached_committed = customers->attached;
    atomic_store(&customers->attached_seen, customers->attached);
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

/* Where identifiers are put again: the keys themselves, or a file of them that is rebuilt. */
static int put_key(struct customers *customers, struct keys_mending *mending, struct key128 key,
                   uint32_t value, uint64_t position, struct err *err) {
    if (mending)
        return keys_mend_put(mending, key, value, err);
    keys_put(customers->keys, key, value, position);
    keys_commit(customers->keys);
    return 0;
}

static uint32_t get_key(struct customers *customers, struct keys_mending *mending,
                        struct key128 key) {
    return mending ? keys_mend_get(mending, key) : keys_get(customers->keys, key);
}

/* Puts the identifier of the statement's row (its columns kind and sealed) again. */
static int put_again(struct customers *customers, struct keys_mending *mending, sqlite3_stmt *row,
                     int kind_column, uint32_t value, uint64_t position, struct arena *arena,
                     struct err *err) {
    struct identity identity;
    if (sqlite3_column_int(row, kind_column) == KIND_ERASED)
        return 0;
    arena_clear(arena);
    int code = identity_unseal(customers, sqlite3_column_int(row, kind_column),
                               sqlite3_column_blob(row, kind_column + 1),
                               sqlite3_column_bytes(row, kind_column + 1), arena, &identity, err);
    if (code)
        return code;
    struct key128 key = customers_hash(customers, &identity);
    uint32_t before = get_key(customers, mending, key);
    code = put_key(customers, mending, key, value, position, err);
    if (code || identity.kind != IDENTITY_EXTERNAL)
        return code;
    struct key128 untyped = external_value_hash(customers, &identity);
    uint32_t known = get_key(customers, mending, untyped);
    return known == MAP_NONE || known == before
               ? put_key(customers, mending, untyped, value, position, err)
               : 0;
}

/* Puts the rows of both statements, those with the lower profile number first. */
static int put_merged(struct customers *customers, struct keys_mending *mending, sqlite3_stmt *born,
                      sqlite3_stmt *joined, uint64_t covered, struct err *err) {
    struct arena arena;
    uint32_t profiles = (uint32_t)(covered >> 32), attached = (uint32_t)covered;
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
        code = put_again(customers, mending, first ? joined : born, first ? 3 : 1, value,
                         (uint64_t)profiles << 32 | attached, &arena, err);
        if (!code)
            *(first ? &more_joined : &more_born) = store_step(first ? joined : born, err);
    }
    arena_release(&arena);
    if (code)
        return code;
    return more_born < 0 ? more_born : more_joined < 0 ? more_joined : 0;
}

/* Both tables after one position up to another, in the order in which they grew. */
static int put_range(struct customers *customers, struct keys_mending *mending, sqlite3 *db,
                     uint64_t after, uint64_t to, struct err *err) {
    sqlite3_stmt *born = STORE_PREPARE(
        db,
        "SELECT number, kind, sealed FROM profile WHERE number > ? AND number <= ? ORDER BY number",
        err);
    sqlite3_stmt *joined = STORE_PREPARE(db,
                                         "SELECT number, after, profile, kind, sealed FROM attached"
                                         " WHERE number > ? AND number <= ? ORDER BY number",
                                         err);
    if (!born || !joined)
        return err->code;
    sqlite3_bind_int64(born, 1, (uint32_t)(after >> 32));
    sqlite3_bind_int64(born, 2, (uint32_t)(to >> 32));
    sqlite3_bind_int64(joined, 1, (uint32_t)after);
    sqlite3_bind_int64(joined, 2, (uint32_t)to);
    int code = put_merged(customers, mending, born, joined, after, err);
    sqlite3_reset(born);
    sqlite3_reset(joined);
    return code;
}

static int replay(void *context, uint64_t after, uint64_t to, struct keys_mending *mending,
                  struct err *err) {
    struct customers *customers = context;
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? put_range(customers, mending, db, after, to, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(customers->store, db);
    return code;
}

int customers_mend(struct customers *customers, unsigned *mended, struct err *err) {
    return keys_mend(customers->keys, true, replay, customers, mended, err);
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
    key_map_init(&opened->dropped);
    key_map_init(&opened->refused);
    buf_init(&opened->plain, IDENTITY_MAX_BYTES);
    buf_init(&opened->sealed, IDENTITY_MAX_BYTES + VAULT_EXTRA_BYTES);
    unsigned mended = 0;
    sqlite3 *db = store_reader_get(store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    if (!code)
        code = keys_open(&opened->keys, store, dir, "identity", err);
    if (!code)
        code = count_rows(opened, db, err);
    if (!code)
        code = load_redirects(opened, db, err);
    if (!code)
        code = dropped_load(opened, db, err);
    full_init(&opened->full, opened->profiles);
    if (!code)
        code = kinds_load(opened, err);
    if (!code)
        full_refresh(opened);
    if (!code)
        code = keys_mend(opened->keys, false, replay, opened, &mended, err);
    if (!code)
        code = put_range(opened, NULL, db, keys_covered(opened->keys), UINT64_MAX, err);
    if (!code)
        code = forget_load(opened, db, err);
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
    key_map_release(&customers->dropped);
    kinds_release(customers);
    full_release(&customers->full);
    free(customers->dropping);
    key_map_release(&customers->refused);
    free(customers->refusing);
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

bool customers_pressed(const struct customers *customers) {
    return keys_known_hurt(customers->keys) || keys_pressed(customers->keys);
}

int customers_flush(struct customers *customers, size_t least, struct err *err) {
    return keys_flush(customers->keys, least, err);
}

static int mend_hurt(struct customers *customers, struct err *err) {
    unsigned mended = 0;
    return keys_hurt(customers->keys)
               ? keys_mend(customers->keys, false, replay, customers, &mended, err)
               : 0;
}

int customers_relieve(struct customers *customers, struct err *err) {
    int code = mend_hurt(customers, err);
    return code ? code : keys_flush(customers->keys, KEYS_FRESH_MAX, err);
}

int customers_maintain(struct customers *customers, bool force, struct err *err) {
    int code = mend_hurt(customers, err);
    return code ? code : keys_flush(customers->keys, force ? 1 : KEYS_FRESH_MAX, err);
}

int customers_merge(struct customers *customers, struct err *err) {
    return keys_merge(customers->keys, err);
}
