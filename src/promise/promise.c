/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "promise/promise.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"
#include "promise/watch.h"

enum { SENTENCE_MAX = 300, CUSTOMER_SHOWN = 20 };

/* ---- reading ---- */

/* A row of (promise, version, document, author, changed_ms). */
static json_t *row_json(sqlite3_stmt *statement) {
    char time[TIME_TEXT_BYTES];
    const char *text = (const char *)sqlite3_column_text(statement, 2);
    json_t *json = json_loads(text ? text : "{}", 0, NULL);
    if (!json)
        json = json_object();
    time_format(sqlite3_column_int64(statement, 4), time);
    json_object_set_new(json, "id",
                        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)));
    json_object_set_new(json, "version", json_integer(sqlite3_column_int64(statement, 1)));
    json_object_set_new(json, "author",
                        json_string((const char *)sqlite3_column_text(statement, 3)));
    json_object_set_new(json, "changed_at", json_string(time));
    return json;
}

static int read_rows(sqlite3_stmt *statement, json_t **list, struct err *err) {
    int code = statement ? 0 : E_IO;
    *list = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_array_append_new(*list, row_json(statement));
        code = 0;
    }
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

int promise_list(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT promise, max(version), opened(document), opened(author), changed_ms FROM "
        "promise_version "
        "JOIN promise ON promise.id = promise WHERE NOT removed GROUP BY promise ORDER BY promise",
        err);
    int code = read_rows(statement, list, err);
    store_reader_put(folder->store, db);
    return code;
}

int promise_versions(struct folder *folder, uint64_t id, json_t **versions, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT promise, version, opened(document), "
                                            "opened(author), changed_ms FROM promise_version "
                                            "WHERE promise = ? ORDER BY version DESC",
                                            err);
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    int code = read_rows(statement, versions, err);
    store_reader_put(folder->store, db);
    if (code || json_array_size(*versions))
        return code;
    json_decref(*versions);
    *versions = NULL;
    return err_set(err, E_NOT_FOUND, "no such promise");
}

int promise_find(struct folder *folder, uint64_t id, json_t **promise, struct err *err) {
    json_t *list, *row;
    size_t i;
    int code = promise_list(folder, &list, err);
    if (code)
        return code;
    *promise = NULL;
    json_array_foreach(list, i, row) if (strtoull(json_string_value(json_object_get(row, "id")),
                                                  NULL, 10) == id) *promise = json_incref(row);
    json_decref(list);
    return *promise ? 0 : err_set(err, E_NOT_FOUND, "no such promise");
}

/* ---- checking ---- */

static const char *const members[] = {"sentence", "rule",    "target", "owner",
                                      "split",    "segment", "since"};
static const char *const rule_members[] = {"of",     "then",     "window", "key",
                                           "absent", "answered", "bound"};

static int only(const json_t *object, const char *const *names, size_t n, const char *below,
                struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        char pointer[120];
        size_t i = 0;
        while (i < n && strcmp(names[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "%s/%.60s", below, name);
        if (i == n)
            return err_at(err, E_INVALID, pointer, "unknown member \"%.64s\"", name);
    }
    return 0;
}

static int check_text(const json_t *document, const char *name, bool needed, struct err *err) {
    const json_t *text = json_object_get(document, name);
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (!needed && (!text || json_is_null(text)))
        return 0;
    if (!json_is_string(text) || json_string_length(text) > SENTENCE_MAX ||
        (needed && !json_string_length(text)))
        return err_at(err, E_INVALID, pointer, "must be a text of at most %d bytes", SENTENCE_MAX);
    return 0;
}

static bool is_said(const json_t *value) {
    return value && !json_is_null(value) && !(json_is_string(value) && !json_string_length(value));
}

json_t *promise_question(const json_t *promise) {
    json_t *query = json_pack("{s:s}", "kind", "promise");
    const json_t *segment = json_object_get(promise, "segment");
    json_object_update(query, json_object_get(promise, "rule"));
    if (is_said(segment))
        json_object_set(query, "segment", (json_t *)(uintptr_t)segment);
    return query;
}

/* The question compiles, and with the split as its `by`. */
static int check_question(struct folder *folder, const struct principal *principal,
                          const json_t *document, struct err *err) {
    struct err refusal = {0};
    const json_t *split = json_object_get(document, "split");
    json_t *query = promise_question(document);
    int code = query_check(folder, query, principal, &refusal);
    if (!code && is_said(split)) {
        json_object_set_new(query, "by", json_pack("{s:O}", "trait", split));
        code = query_check(folder, query, principal, &refusal);
    }
    json_decref(query);
    if (!code)
        return 0;
    char pointer[sizeof refusal.pointer + 8];
    bool outside = strncmp(refusal.pointer, "/segment", 8) == 0;
    snprintf(pointer, sizeof pointer, "%s%s", outside ? "" : "/rule", refusal.pointer);
    return err_repeat(err, code, strncmp(refusal.pointer, "/by", 3) == 0 ? "/split" : pointer,
                      &refusal);
}

/* *since_ms stays as it is where the document names none. */
static int read_since(struct folder *folder, const json_t *document, int64_t *since_ms,
                      struct err *err) {
    const json_t *since = json_object_get(document, "since");
    if (!is_said(since))
        return 0;
    if (!json_is_string(since) ||
        time_parse((struct slice){json_string_value(since), json_string_length(since)},
                   folder->zone, since_ms))
        return err_at(err, E_INVALID, "/since", "must be a date or an instant");
    return 0;
}

int promise_check(struct folder *folder, const struct principal *principal, const json_t *document,
                  struct err *err) {
    if (!json_is_object(document))
        return err_at(err, E_MALFORMED, "", "a promise is a JSON object");
    const json_t *target = json_object_get(document, "target"),
                 *rule = json_object_get(document, "rule");
    int code = only(document, members, sizeof members / sizeof *members, "", err);
    if (!code)
        code = check_text(document, "sentence", true, err);
    if (!code)
        code = check_text(document, "owner", false, err);
    if (!code)
        code = check_text(document, "split", false, err);
    int64_t since_ms = 0;
    if (!code)
        code = read_since(folder, document, &since_ms, err);
    if (!code && target &&
        !(json_is_number(target) && json_number_value(target) > 0 &&
          json_number_value(target) <= 1))
        code = err_at(err, E_INVALID, "/target", "must be a share above 0 and up to 1");
    if (!code && !json_is_object(rule))
        code = err_at(err, E_INVALID, "/rule", "must say what is measured");
    if (!code)
        code = only(rule, rule_members, sizeof rule_members / sizeof *rule_members, "/rule", err);
    return code ? code : check_question(folder, principal, document, err);
}

/* ---- writing ---- */

struct putting {
    uint64_t id;
    const char *document, *question, *author;
    int64_t now_ms, since_ms; /* since: 0 where the document names none */
    int changed;
};

static int make(struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO promise(removed) SELECT 0 WHERE (SELECT count(*) FROM promise WHERE NOT "
        "removed) < ?",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int(statement, 1, PROMISES_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d promises already: remove some", PROMISES_MAX);
    putting->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

/* Another question begins to be watched now, the same goes on. */
static int write_watch(const struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "INSERT INTO promise_watch VALUES (?1, sealed(?2), "
                                            "CASE WHEN ?3 THEN ?3 ELSE ?4 END) ON CONFLICT "
                                            "(promise) DO UPDATE SET since_ms = CASE WHEN ?3 THEN "
                                            "?3 WHEN opened(question) <> ?2 THEN ?4 ELSE "
                                            "since_ms END, question = sealed(?2)",
                                            err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)putting->id);
    sqlite3_bind_text(statement, 2, putting->question, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, putting->since_ms);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    return store_run(statement, err);
}

static int write_version(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    int code = putting->id ? 0 : make(putting, db, err);
    sqlite3_stmt *statement =
        code
            ? NULL
            : STORE_PREPARE(db,
                            "INSERT INTO promise_version SELECT id, (SELECT coalesce(max(version), "
                            "0) + 1 FROM promise_version WHERE promise = ?1), sealed(?2), "
                            "sealed(?3), ?4 FROM "
                            "promise WHERE id = ?1 AND NOT removed",
                            err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)putting->id);
    sqlite3_bind_text(statement, 2, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code || !putting->changed ? code : write_watch(putting, db, err);
}

static char *text_of(const json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        abort();
    return text;
}

int promise_put(struct folder *folder, uint64_t *id, const json_t *document, const char *author,
                struct err *err) {
    int64_t since_ms = 0;
    int code = read_since(folder, document, &since_ms, err);
    if (code)
        return code;
    json_t *measured = promise_question(document);
    char *text = text_of(document), *question = text_of(measured);
    struct putting putting = {.id = *id,
                              .document = text,
                              .question = question,
                              .author = author ? author : "",
                              .now_ms = clock_now_ms(),
                              .since_ms = since_ms};
    json_decref(measured);
    code = store_write(folder->store, write_version, &putting, err);
    free(text);
    free(question);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no such promise");
    if (code)
        return code;
    *id = putting.id;
    return promises_changed(folder, err);
}

static int write_removal(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE promise SET removed = 1 WHERE id = ? AND NOT removed", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)putting->id);
    int code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code;
}

int promise_remove(struct folder *folder, uint64_t id, struct err *err) {
    struct putting putting = {.id = id};
    int code = store_write(folder->store, write_removal, &putting, err);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no such promise");
    return code ? code : promises_changed(folder, err);
}

/* ---- one customer ---- */

static void add_open(json_t *list, const json_t *promise, const json_t *data) {
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)data, i, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (strcmp(state, "broken") != 0 && strcmp(state, "at_risk") != 0)
            continue;
        json_object_set(row, "id", json_object_get(promise, "id"));
        json_object_set(row, "sentence", json_object_get(promise, "sentence"));
        json_object_set(row, "owner", json_object_get(promise, "owner"));
        json_array_append(list, row);
    }
}

int promise_of_customer(struct folder *folder, const struct principal *principal,
                        const char *customer, json_t **list, struct err *err) {
    json_t *promises, *promise;
    size_t i;
    int code = promise_list(folder, &promises, err);
    if (code)
        return code;
    *list = json_array();
    json_array_foreach(promises, i, promise) {
        json_t *query = promise_question(promise), *answer = NULL;
        struct err refusal = {0};
        json_object_set_new(query, "customer", json_string(customer));
        json_object_set_new(query, "limit", json_integer(CUSTOMER_SHOWN));
        code = query_run(folder, BACKEND_LOCAL, query, principal, NULL, &answer, &refusal);
        json_decref(query);
        if (!code)
            add_open(*list, promise, json_object_get(answer, "data"));
        json_decref(answer);
        if (code && code != E_INVALID) { /* a rule that no longer compiles tells nothing */
            *err = refusal;
            break;
        }
        code = 0;
    }
    json_decref(promises);
    if (code) {
        json_decref(*list);
        *list = NULL;
    }
    return code;
}
