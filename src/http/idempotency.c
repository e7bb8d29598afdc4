/*
 * Idempotency-Key: a POST that was answered once gets the same answer again for a day, without running again. The key
 * counts per asker and path; the same key with another body is refused.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/account_internal.h"

enum { KEY_MAX = 200, KEPT_MAX_BYTES = 64 * 1024, KEPT_MS = 24 * 3600 * 1000 };

static void key_hash(struct request *request, unsigned char hash[HASH_BYTES]) {
    crypto_generichash_state state;
    uint64_t who[2] = {request->principal.user, request->principal.key};
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)who, sizeof who);
    crypto_generichash_update(&state, (const unsigned char *)request->target,
                              strlen(request->target) + 1);
    crypto_generichash_update(&state, (const unsigned char *)request->private->idempotency,
                              strlen(request->private->idempotency));
    crypto_generichash_final(&state, hash, HASH_BYTES);
}

static void body_hash(const struct request *request, unsigned char hash[HASH_BYTES]) {
    crypto_generichash(hash, HASH_BYTES, (const unsigned char *)request->body.p, request->body.n,
                       NULL, 0);
}

int idempotency_begin(struct request *request, struct response *response, bool *answered,
                      struct err *err) {
    const char *key = request_header(request, "Idempotency-Key");
    *answered = false;
    if (!key)
        return 0;
    if (!key[0] || strlen(key) > KEY_MAX)
        return err_set(err, E_INVALID, "an Idempotency-Key has 1 to %d characters", KEY_MAX);
    request->private->idempotency = key;
    unsigned char hash[HASH_BYTES], body[HASH_BYTES];
    key_hash(request, hash);
    body_hash(request, body);
    struct store *store = app_folder(request->app)->store;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT request_hash, status, type, body FROM "
                                            "idempotency WHERE key_hash = ? AND created_ms > ?",
                                            err);
    int code = E_IO;
    bool same = false;
    if (statement) {
        sqlite3_bind_blob(statement, 1, hash, HASH_BYTES, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statement, 2, request->received_ms - KEPT_MS);
        code = store_step(statement, err);
    }
    if (code == 1) {
        const void *kept = sqlite3_column_blob(statement, 0);
        same = sqlite3_column_bytes(statement, 0) == HASH_BYTES && kept &&
               memcmp(kept, body, HASH_BYTES) == 0;
        response->status = sqlite3_column_int(statement, 1);
        response->type = column_text(statement, 2, request->arena);
        buf_init(&response->body, KEPT_MAX_BYTES);
        if (same)
            buf_add(&response->body, sqlite3_column_blob(statement, 3),
                    (size_t)sqlite3_column_bytes(statement, 3));
        sqlite3_reset(statement);
    }
    store_reader_put(store, db);
    if (code != 1)
        return code;
    if (!same)
        return err_set(err, E_INVALID, "this Idempotency-Key was used for another request");
    response_header(request, response, "Idempotency-Replayed", "true");
    *answered = true;
    return 0;
}

struct keeping {
    struct store_job job;
    unsigned char key[HASH_BYTES], request[HASH_BYTES];
    int64_t now_ms;
    int status;
    char type[64];
    size_t n;
    char body[];
};

static int insert_answer(struct store_job *job, sqlite3 *db, struct err *err) {
    const struct keeping *keeping = (const struct keeping *)job;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM idempotency WHERE created_ms <= ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, keeping->now_ms - KEPT_MS);
    int code = run_statement(statement, err);
    statement = code ? NULL
                     : STORE_PREPARE(db,
                                     "INSERT OR IGNORE INTO idempotency(key_hash, request_hash, "
                                     "status, type, body, created_ms)"
                                     " VALUES(?, ?, ?, ?, ?, ?)",
                                     err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_blob(statement, 1, keeping->key, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, keeping->request, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int(statement, 3, keeping->status);
    bind_text(statement, 4, keeping->type);
    sqlite3_bind_blob(statement, 5, keeping->body, (int)keeping->n, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 6, keeping->now_ms);
    return run_statement(statement, err);
}

static void end_keeping(struct store_job *job, int code, const struct err *err) {
    (void)code, (void)err;
    free(job);
}

void idempotency_end(struct request *request, const struct response *response) {
    int status = response->status ? response->status : 200;
    if (response->stream || response->body.n > KEPT_MAX_BYTES || status >= 500)
        return;
    struct keeping *keeping = calloc(1, sizeof *keeping + response->body.n);
    if (!keeping)
        abort();
    key_hash(request, keeping->key);
    body_hash(request, keeping->request);
    keeping->now_ms = request->received_ms;
    keeping->status = status;
    snprintf(keeping->type, sizeof keeping->type, "%s",
             response->type ? response->type : "application/json");
    keeping->n = response->body.n;
    if (keeping->n)
        memcpy(keeping->body, response->body.p, keeping->n);
    keeping->job = (struct store_job){.run = insert_answer,
                                      .done = end_keeping,
                                      .alone = true,
                                      .bytes = sizeof *keeping + keeping->n};
    struct err err = {0};
    if (store_submit(app_folder(request->app)->store, &keeping->job, &err))
        free(keeping);
}
