/*
 * The outbox: messages that wait, and the log of what became of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "webhook/internal.h"

enum { MESSAGE_RANDOM = 12, MESSAGE_BYTES = 4 + 2 * MESSAGE_RANDOM + 1 };

static const char *const states[] = {"waiting", "delivered", "failed"};

/* ---- adding ---- */

int outbox_add(sqlite3 *db, uint64_t webhook, const char *type, const json_t *data, int64_t now_ms,
               struct err *err) {
    unsigned char random[MESSAGE_RANDOM];
    char message[MESSAGE_BYTES] = "msg_";
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO webhook_delivery(webhook, message, type, body, state, attempts, due_ms, "
        "status, error, created_ms, ended_ms) SELECT id, ?1, ?2, sealed(?3), 0, 0, ?4, 0, '', ?4, "
        "0 FROM "
        "webhook w WHERE id = ?5 OR (?5 = 0 AND enabled AND EXISTS(SELECT 1 FROM "
        "json_each(w.events) WHERE value = ?2) AND (w.unit = '' OR w.unit IN (WITH RECURSIVE "
        "above(name) AS (SELECT ?6 UNION SELECT p.parent FROM unit_parent p JOIN above a ON "
        "p.unit = a.name) SELECT name FROM above)))",
        err);
    if (!statement)
        return E_IO;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(message + 4, sizeof message - 4, random, sizeof random);
    json_t *body = json_pack("{s:s, s:o, s:O}", "type", type, "timestamp", webhook_instant(now_ms),
                             "data", data);
    char *text = json_dumps(body, JSON_COMPACT);
    if (!text)
        abort();
    sqlite3_bind_text(statement, 1, message, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, type, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, now_ms);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)webhook);
    sqlite3_bind_text(statement, 6, json_string_value(json_object_get(data, "unit")), -1,
                      SQLITE_TRANSIENT);
    int code = store_run(statement, err);
    free(text);
    json_decref(body);
    return code;
}

int outbox_wants(struct folder *folder, const char *type, bool *wants, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT 1 FROM webhook w WHERE enabled AND EXISTS(SELECT 1 FROM json_each(w.events) WHERE "
        "value = ?1)",
        err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_text(statement, 1, type, -1, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    *wants = code == 1;
    if (code == 1)
        sqlite3_reset(statement);
    store_reader_put(folder->store, db);
    return code < 0 ? code : 0;
}

struct testing {
    uint64_t webhook;
    json_t *data;
};

static int write_test(void *context, sqlite3 *db, struct err *err) {
    const struct testing *testing = context;
    return outbox_add(db, testing->webhook, TEST_TYPE, testing->data, clock_now_ms(), err);
}

int webhook_test(struct folder *folder, uint64_t id, struct err *err) {
    json_t *webhook;
    int code = webhook_find(folder, id, &webhook, err);
    if (code)
        return code;
    struct testing testing = {id, json_pack("{s:s, s:O}", "organisation", folder->name, "webhook",
                                            json_object_get(webhook, "name"))};
    code = store_write(folder->store, write_test, &testing, err);
    json_decref(testing.data);
    json_decref(webhook);
    return code;
}

/* ---- the log ---- */

static json_t *row_json(sqlite3_stmt *statement) {
    int state = sqlite3_column_int(statement, 3);
    const char *error = (const char *)sqlite3_column_text(statement, 6);
    json_t *body = json_loads((const char *)sqlite3_column_text(statement, 10), 0, NULL);
    return json_pack(
        "{s:o, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)), "message",
        (const char *)sqlite3_column_text(statement, 1), "type",
        (const char *)sqlite3_column_text(statement, 2), "state",
        states[state >= 0 && state < 3 ? state : WEBHOOK_FAILED], "attempts",
        sqlite3_column_int(statement, 4), "status",
        sqlite3_column_int(statement, 5) ? json_integer(sqlite3_column_int(statement, 5))
                                         : json_null(),
        "error", error && error[0] ? json_string(error) : json_null(), "due_at",
        webhook_instant(state ? 0 : sqlite3_column_int64(statement, 7)), "created_at",
        webhook_instant(sqlite3_column_int64(statement, 8)), "ended_at",
        webhook_instant(sqlite3_column_int64(statement, 9)), "body", body ? body : json_null());
}

int webhook_deliveries(struct folder *folder, uint64_t webhook, uint64_t before, json_t **list,
                       struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, message, type, state, attempts, status, error, due_ms, created_ms, ended_ms, "
        "opened(body) FROM webhook_delivery WHERE webhook = ?1 AND (?2 = 0 OR id < ?2) ORDER BY id "
        "DESC "
        "LIMIT ?3",
        err);
    int code = statement ? 1 : E_IO;
    *list = json_array();
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)webhook);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)before);
        sqlite3_bind_int(statement, 3, WEBHOOK_PAGE);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        json_array_append_new(*list, row_json(statement));
    store_reader_put(folder->store, db);
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

struct replaying {
    uint64_t webhook, delivery;
    int changed;
};

static int write_replay(void *context, sqlite3 *db, struct err *err) {
    struct replaying *replaying = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE webhook_delivery SET state = 0, attempts = 0, due_ms = ?1, ended_ms = 0, error = "
        "'', status = 0 WHERE id = ?2 AND webhook = ?3",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, clock_now_ms());
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)replaying->delivery);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)replaying->webhook);
    int code = store_run(statement, err);
    replaying->changed = code ? 0 : sqlite3_changes(db);
    return code;
}

int webhook_replay(struct folder *folder, uint64_t webhook, uint64_t delivery, struct err *err) {
    struct replaying replaying = {webhook, delivery, 0};
    int code = store_write(folder->store, write_replay, &replaying, err);
    return code || replaying.changed ? code : err_set(err, E_NOT_FOUND, "no such delivery");
}
