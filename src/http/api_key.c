/*
 * API keys: "sk_" and 256 random bits, kept as a hash, shown once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/account_internal.h"

enum { KEYS_MAX = 1000, KEY_NAME_MAX = 120, HOUR_MS = 3600 * 1000 };

struct key_change {
    struct api_key key;
    unsigned char hash[HASH_BYTES];
    const char *units;
    int changed;
};

static int insert_key(void *context, sqlite3 *db, struct err *err) {
    struct key_change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO api_key(name, secret_hash, hint, scopes, units, created_ms, "
        "used_ms, expires_ms)"
        " SELECT sealed(?), ?, ?, ?, ?, ?, 0, ? WHERE (SELECT count(*) FROM api_key) < ?",
        err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, change->key.name);
    sqlite3_bind_blob(statement, 2, change->hash, HASH_BYTES, SQLITE_TRANSIENT);
    bind_text(statement, 3, change->key.hint);
    sqlite3_bind_int64(statement, 4, change->key.scopes);
    bind_text(statement, 5, change->units);
    sqlite3_bind_int64(statement, 6, change->key.created_ms);
    sqlite3_bind_int64(statement, 7, change->key.expires_ms);
    sqlite3_bind_int(statement, 8, KEYS_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d API keys already", KEYS_MAX);
    change->key.id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

int api_key_add(struct accounts *accounts, const struct principal *by, struct api_key *key,
                char secret[TOKEN_TEXT_BYTES], struct err *err) {
    if (!key->name || !key->name[0] || strlen(key->name) > KEY_NAME_MAX)
        return err_at(err, E_INVALID, "/name", "a name of at most %d bytes is needed",
                      KEY_NAME_MAX);
    if (!key->scopes)
        return err_at(err, E_INVALID, "/scopes", "an API key needs at least one scope");
    unsigned own = by->user || by->key ? by->scopes : ~0U;
    if (key->scopes & ~(own | SCOPE_COLLECT | SCOPE_METRICS))
        return err_at(err, E_FORBIDDEN, "/scopes", "a key cannot do more than who makes it");
    struct arena arena;
    struct key_change change = {.key = *key};
    arena_init(&arena);
    token_make("sk_", secret);
    token_hash(secret, change.hash);
    change.key.hint = arena_text(&arena, slice_of(secret + strlen(secret) - 4));
    change.key.created_ms = clock_now_ms();
    change.units = units_to_text(key->units, key->n_units, &arena);
    int code = store_write(accounts->folder->store, insert_key, &change, err);
    key->id = change.key.id;
    key->created_ms = change.key.created_ms;
    arena_release(&arena);
    if (!code)
        audit_write(accounts, by, "", "key.add", key->name, "");
    return code;
}

int api_key_list(struct accounts *accounts, struct arena *arena, struct api_key **keys, size_t *n,
                 struct err *err) {
    *keys = ARENA_ARRAY(arena, struct api_key, KEYS_MAX);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT id, opened(name), hint, scopes, units, created_ms, "
                      "used_ms, expires_ms FROM api_key ORDER BY id",
                      err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        if (*n == KEYS_MAX)
            continue;
        struct api_key *key = &(*keys)[(*n)++];
        *key = (struct api_key){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                .name = column_text(statement, 1, arena),
                                .hint = column_text(statement, 2, arena),
                                .scopes = (unsigned)sqlite3_column_int64(statement, 3),
                                .created_ms = sqlite3_column_int64(statement, 5),
                                .used_ms = sqlite3_column_int64(statement, 6),
                                .expires_ms = sqlite3_column_int64(statement, 7)};
        units_from_text(column_text(statement, 4, arena), arena, &key->units, &key->n_units);
    }
    store_reader_put(accounts->folder->store, db);
    return code;
}

static int delete_key(void *context, sqlite3 *db, struct err *err) {
    struct key_change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM api_key WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->key.id);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int api_key_remove(struct accounts *accounts, const struct principal *by, uint64_t id,
                   struct err *err) {
    struct key_change change = {.key = {.id = id}};
    int code = store_write(accounts->folder->store, delete_key, &change, err);
    if (!code && !change.changed)
        return err_set(err, E_NOT_FOUND, "no such API key");
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)id);
    if (!code)
        audit_write(accounts, by, "", "key.remove", number, "");
    return code;
}

static int renew_key(void *context, sqlite3 *db, struct err *err) {
    struct key_change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE api_key SET secret_hash = ?, hint = ?, used_ms = 0 WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, change->hash, HASH_BYTES, SQLITE_TRANSIENT);
    bind_text(statement, 2, change->key.hint);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)change->key.id);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int api_key_rotate(struct accounts *accounts, const struct principal *by, uint64_t id,
                   char secret[TOKEN_TEXT_BYTES], struct err *err) {
    struct key_change change = {.key = {.id = id}};
    char number[24];
    token_make("sk_", secret);
    token_hash(secret, change.hash);
    change.key.hint = secret + strlen(secret) - 4;
    int code = store_write(accounts->folder->store, renew_key, &change, err);
    if (!code && !change.changed)
        return err_set(err, E_NOT_FOUND, "no such API key");
    snprintf(number, sizeof number, "%llu", (unsigned long long)id);
    if (!code)
        audit_write(accounts, by, "", "key.rotate", number, "");
    return code;
}

static int touch_key(void *context, sqlite3 *db, struct err *err) {
    const struct api_key *key = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "UPDATE api_key SET used_ms = ? WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, key->used_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)key->id);
    return store_run(statement, err);
}

int api_key_identify(struct request *request, const char *secret, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct api_key key = {0};
    unsigned char hash[HASH_BYTES];
    const char *units_text = "";
    token_hash(secret, hash);
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT id, opened(name), scopes, units, used_ms, "
                                            "expires_ms FROM api_key WHERE secret_hash = ?",
                                            err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_blob(statement, 1, hash, HASH_BYTES, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    if (code == 1) {
        key = (struct api_key){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                               .name = column_text(statement, 1, request->arena),
                               .scopes = (unsigned)sqlite3_column_int64(statement, 2),
                               .used_ms = sqlite3_column_int64(statement, 4),
                               .expires_ms = sqlite3_column_int64(statement, 5)};
        units_text = column_text(statement, 3, request->arena);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    if (code < 0)
        return code;
    if (!key.id || (key.expires_ms && key.expires_ms <= request->received_ms))
        return err_set(err, E_UNAUTHORIZED, "unknown or expired API key");
    request->private->auth = AUTH_KEY;
    request->principal = (struct principal){.key = key.id, .name = key.name, .scopes = key.scopes};
    units_from_text(units_text, request->arena, &key.units, &key.n_units);
    code = key.units ? unit_codes(accounts, key.units, key.n_units, request->arena,
                                  &request->principal.units, &request->principal.n_units, err)
                     : 0;
    if (key.units)
        request->principal.scopes = scopes_within_units(request->principal.scopes);
    if (!code && request->received_ms - key.used_ms > HOUR_MS) {
        key.used_ms = request->received_ms;
        struct err ignored = {0};
        (void)!store_write(accounts->folder->store, touch_key, &key, &ignored);
    }
    return code;
}
