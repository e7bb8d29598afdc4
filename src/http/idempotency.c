/*
 * Idempotency-Key: a POST that was answered once gets the same answer again for a day, without running again. The key
 * counts per asker with the rights of the moment and address, so that what was answered before somebody's rights were
 * cut is not answered again; the same key with another body is refused.
 *
 * STATES of a key  taken (status 0, before the handler runs; a second request meanwhile is a conflict) → answered, or
 * given back where the handler fails by our fault. A key that was taken when the process ended is given back after
 * TAKEN_MS.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/logger.h"
#include "http/account_internal.h"

enum {
    KEY_MAX = 200,
    KEPT_MAX_BYTES = 64 * 1024,
    KEPT_MS = 24 * 3600 * 1000,
    TAKEN_MS = 10 * 60 * 1000
};

struct keeping {
    unsigned char key[HASH_BYTES], request[HASH_BYTES];
    int64_t now_ms;
    int status; /* 0: taken */
    const char *type;
    struct slice body;
    bool found, same;
};

static void hash_request(struct request *request, struct keeping *keeping) {
    crypto_generichash_state state;
    const char *key = request->private->idempotency;
    uint64_t who[2] = {request->principal.user, request->principal.key};
    const struct principal *principal = &request->principal;
    uint64_t rights[4] = {principal->role, principal->scopes, principal->units != NULL,
                          principal->n_units};
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)rights, sizeof rights);
    if (principal->units)
        crypto_generichash_update(&state, (const unsigned char *)principal->units,
                                  principal->n_units * sizeof *principal->units);
    crypto_generichash_update(&state, (const unsigned char *)who, sizeof who);
    crypto_generichash_update(&state, (const unsigned char *)request->target,
                              strlen(request->target) + 1);
    crypto_generichash_update(&state, (const unsigned char *)key, strlen(key));
    crypto_generichash_final(&state, keeping->key, HASH_BYTES);
    crypto_generichash(keeping->request, HASH_BYTES, (const unsigned char *)request->body.p,
                       request->body.n, NULL, 0);
    keeping->now_ms = request->received_ms;
}

static int forget_old(const struct keeping *keeping, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "DELETE FROM idempotency WHERE created_ms <= ?1 OR (status = 0 AND created_ms <= ?2)",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, keeping->now_ms - KEPT_MS);
    sqlite3_bind_int64(statement, 2, keeping->now_ms - TAKEN_MS);
    return store_run(statement, err);
}

/* Takes the key; *found if somebody has it. */
static int take_key(void *context, sqlite3 *db, struct err *err) {
    struct keeping *keeping = context;
    int code = forget_old(keeping, db, err);
    sqlite3_stmt *statement =
        code ? NULL
             : STORE_PREPARE(db,
                             "INSERT OR IGNORE INTO idempotency(key_hash, request_hash, status, "
                             "type, body, created_ms) VALUES(?, ?, 0, '', x'', ?)",
                             err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_blob(statement, 1, keeping->key, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, keeping->request, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, keeping->now_ms);
    code = store_run(statement, err);
    keeping->found = !sqlite3_changes(db);
    return code;
}

static int put_answer(void *context, sqlite3 *db, struct err *err) {
    struct keeping *keeping = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE idempotency SET status = ?2, type = ?3, body = sealed(?4) WHERE key_hash = ?1",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, keeping->key, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 2, keeping->status);
    bind_text(statement, 3, keeping->type);
    sqlite3_bind_blob(statement, 4, keeping->body.p, (int)keeping->body.n, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

static int give_back(void *context, sqlite3 *db, struct err *err) {
    struct keeping *keeping = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM idempotency WHERE key_hash = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, keeping->key, HASH_BYTES, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

/* The answer that the key has, into the response; keeping->status 0: none yet. */
static int read_answer(struct request *request, struct keeping *keeping, struct response *response,
                       struct err *err) {
    struct store *store = app_folder(request->app)->store;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT request_hash, status, type, opened(body) FROM idempotency WHERE key_hash = ?",
        err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_blob(statement, 1, keeping->key, HASH_BYTES, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    if (code == 1) {
        const void *kept = sqlite3_column_blob(statement, 0);
        keeping->same = sqlite3_column_bytes(statement, 0) == HASH_BYTES && kept &&
                        memcmp(kept, keeping->request, HASH_BYTES) == 0;
        keeping->status = sqlite3_column_int(statement, 1);
        response->type = column_text(statement, 2, request->arena);
        buf_init(&response->body, KEPT_MAX_BYTES);
        buf_add(&response->body, sqlite3_column_blob(statement, 3),
                (size_t)sqlite3_column_bytes(statement, 3));
        sqlite3_reset(statement);
    }
    store_reader_put(store, db);
    return code < 0 ? code : 0;
}

int idempotency_begin(struct request *request, struct response *response, bool *answered,
                      struct err *err) {
    const char *key = request_header(request, "Idempotency-Key");
    struct keeping keeping = {0};
    *answered = false;
    if (!key)
        return 0;
    if (!key[0] || strlen(key) > KEY_MAX)
        return err_set(err, E_INVALID, "an Idempotency-Key has 1 to %d characters", KEY_MAX);
    request->private->idempotency = key;
    hash_request(request, &keeping);
    int code = store_write(app_folder(request->app)->store, take_key, &keeping, err);
    if (code || !keeping.found)
        return code;
    request->private->idempotency = NULL; /* it is another request's */
    code = read_answer(request, &keeping, response, err);
    if (code)
        return code;
    if (!keeping.same || !keeping.status)
        buf_release(&response->body);
    if (!keeping.same)
        return err_set(err, E_INVALID, "this Idempotency-Key was used for another request");
    if (!keeping.status)
        return err_set(err, E_CONFLICT, "a request with this Idempotency-Key is under way");
    response->status = keeping.status;
    response_header(request, response, "Idempotency-Replayed", "true");
    *answered = true;
    return 0;
}

void idempotency_end(struct request *request, const struct response *response, bool failed) {
    struct keeping keeping = {.status = response->status ? response->status : 200};
    struct store *store = app_folder(request->app)->store;
    struct err err = {0};
    hash_request(request, &keeping);
    keeping.type = response->type ? response->type : "application/json";
    keeping.body = buf_slice(&response->body);
    bool keeps = !failed && !response->stream && response->body.n <= KEPT_MAX_BYTES;
    if (store_write(store, keeps ? put_answer : give_back, &keeping, &err))
        log_warn("http", "an answer to an Idempotency-Key was not kept: %s", err.message);
}
