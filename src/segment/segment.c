/*
 * Stored segments: reading, checking and writing their documents.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/segment.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/time.h"
#include "segment/live.h"

enum { TITLE_MAX = 120, TEXT_MAX = 2000 };

/* ---- reading ---- */

static void put_instant(json_t *json, const char *name, int64_t ms) {
    char time[TIME_TEXT_BYTES];
    time_format(ms, time);
    json_object_set_new(json, name, json_string(time));
}

/* A row of (id, name, document, author, created_ms, changed_ms). */
static json_t *row_json(sqlite3_stmt *statement) {
    json_t *json = json_loads((const char *)sqlite3_column_text(statement, 2), 0, NULL);
    if (!json)
        json = json_object();
    json_object_set_new(json, "id",
                        json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)));
    json_object_set_new(json, "name", json_string((const char *)sqlite3_column_text(statement, 1)));
    json_object_set_new(json, "author",
                        json_string((const char *)sqlite3_column_text(statement, 3)));
    put_instant(json, "created_at", sqlite3_column_int64(statement, 4));
    put_instant(json, "changed_at", sqlite3_column_int64(statement, 5));
    return json;
}

int segment_list(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, name, opened(document), opened(author), created_ms, changed_ms FROM segment "
        "ORDER BY json_extract(opened(document), '$.title'), name",
        err);
    int code = statement ? 1 : E_IO;
    *list = json_array();
    while (code == 1 && (code = store_step(statement, err)) == 1)
        json_array_append_new(*list, row_json(statement));
    store_reader_put(folder->store, db);
    if (!code)
        return 0;
    json_decref(*list);
    *list = NULL;
    return code;
}

int segment_find(struct folder *folder, const char *name, json_t **segment, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT id, name, opened(document), opened(author), created_ms, changed_ms FROM segment "
        "WHERE name = ?",
        err);
    int code = E_IO;
    *segment = NULL;
    if (statement) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *segment = row_json(statement);
        sqlite3_reset(statement);
        code = 0;
    } else if (code == 0) {
        code = err_set(err, E_NOT_FOUND, "no segment is called \"%.80s\"", name);
    }
    store_reader_put(folder->store, db);
    return code;
}

/* ---- checking ---- */

static int check_rule(struct folder *folder, const char *name, const json_t *rule,
                      struct err *err) {
    struct err refusal = {0};
    if (!json_is_object(rule))
        return err_at(err, E_INVALID, "/rule", "must say who belongs to it");
    struct stored_change change = {name, rule};
    size_t refused;
    int code = query_check_stored(folder, &change, 1, &refused, &refusal);
    if (!code)
        return 0;
    char pointer[sizeof refusal.pointer + 8];
    snprintf(pointer, sizeof pointer, "%s%s", code == E_CONFLICT ? "" : "/rule", refusal.pointer);
    return err_repeat(err, code, pointer, &refusal);
}

static int check(struct folder *folder, const char *current, const json_t *document,
                 char name[SEGMENT_NAME_BYTES], struct err *err) {
    static const char *const members[] = {"name",        "title",       "rule",   "mission",
                                          "proposition", "description", "colour", "owner"};
    int code = document_only(document, members, sizeof members / sizeof *members, "", err);
    if (!code)
        code = document_text(document, "title", TITLE_MAX,
                             !current && !json_object_get(document, "name"), "", err);
    if (!code)
        code = document_text(document, "owner", TITLE_MAX, false, "", err);
    for (size_t i = 3; i < 6 && !code; i++)
        code = document_text(document, members[i], TEXT_MAX, false, "", err);
    if (!code)
        code = document_colour(document, "", err);
    if (!code && current && !json_object_get(document, "name"))
        snprintf(name, SEGMENT_NAME_BYTES, "%s", current);
    else if (!code)
        code = document_name(document, name, "", err);
    if (!code && current && strcmp(name, current) != 0)
        code = err_at(err, E_INVALID, "/name", "a segment keeps its name");
    return code ? code : check_rule(folder, name, json_object_get(document, "rule"), err);
}

/* ---- writing ---- */

int rule_write(sqlite3 *db, const char *name, const char *rule, struct err *err) {
    sqlite3_stmt *statement =
        rule ? STORE_PREPARE(db, "INSERT OR REPLACE INTO segment_rule VALUES (?, sealed(?))", err)
             : STORE_PREPARE(db, "DELETE FROM segment_rule WHERE name = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    if (rule)
        sqlite3_bind_text(statement, 2, rule, -1, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

struct putting {
    const char *name, *document, *rule, *author;
    int64_t now_ms;
    bool fresh;
    int changed;
};

static int insert(const struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO segment(name, document, author, created_ms, changed_ms) SELECT "
                      "?1, sealed(?2), "
                      "sealed(?3), ?4, ?4 WHERE (SELECT count(*) FROM segment) < ?5",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    sqlite3_bind_int(statement, 5, SEGMENTS_MAX);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        code = err_set(err, E_REFUSED, "there are %d segments already: remove some", SEGMENTS_MAX);
    return code;
}

static int update(const struct putting *putting, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "UPDATE segment SET document = sealed(?2), author = "
                                            "sealed(?3), changed_ms = ?4 WHERE name = ?1",
                                            err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, putting->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, putting->document, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, putting->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, putting->now_ms);
    return store_run(statement, err);
}

static int name_taken(sqlite3 *db, const char *name, bool *taken, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM segment WHERE name = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    int code = store_step(statement, err);
    *taken = code == 1;
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int write_segment(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    bool taken = false;
    int code = name_taken(db, putting->name, &taken, err);
    if (!code && putting->fresh && taken)
        code =
            err_at(err, E_CONFLICT, "/name", "another segment is called \"%.80s\"", putting->name);
    if (!code && !putting->fresh && !taken)
        code = err_set(err, E_NOT_FOUND, "no segment is called \"%.80s\"", putting->name);
    if (!code)
        code = putting->fresh ? insert(putting, db, err) : update(putting, db, err);
    return code ? code : rule_write(db, putting->name, putting->rule, err);
}

int segment_put(struct folder *folder, const char *current, const json_t *document,
                const char *author, char name[SEGMENT_NAME_BYTES], struct err *err) {
    int code = check(folder, current, document, name, err);
    if (code)
        return code;
    json_t *kept = json_copy((json_t *)(uintptr_t)document);
    json_object_del(kept, "name");
    const json_t *title = json_object_get(kept, "title");
    if (!json_is_string(title) || !json_string_length(title))
        json_object_set_new(kept, "title", json_string(name));
    char *text = json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS),
         *rule = json_dumps(json_object_get(document, "rule"), JSON_COMPACT);
    if (!text || !rule)
        abort();
    struct putting putting = {.name = name,
                              .document = text,
                              .rule = rule,
                              .author = author ? author : "",
                              .now_ms = clock_now_ms(),
                              .fresh = !current};
    code = store_write(folder->store, write_segment, &putting, err);
    json_decref(kept);
    free(text);
    free(rule);
    return code ? code : live_changed(folder, name, err);
}

/* What was kept of its members and its size. */
static int forget_members(sqlite3 *db, const char *name, struct err *err) {
    for (int table = 0; table < 4; table++) {
        sqlite3_stmt *statement =
            table == 0   ? STORE_PREPARE(db,
                                         "DELETE FROM segment_set WHERE segment = (SELECT id FROM "
                                           "segment WHERE name = ?)",
                                         err)
            : table == 3 ? STORE_PREPARE(db,
                                         "DELETE FROM segment_initial WHERE segment = (SELECT id "
                                         "FROM segment WHERE name = ?)",
                                         err)
            : table == 1 ? STORE_PREPARE(db,
                                         "DELETE FROM segment_change WHERE segment = (SELECT id "
                                         "FROM segment WHERE name = ?)",
                                         err)
                         : STORE_PREPARE(db,
                                         "DELETE FROM segment_size WHERE segment = (SELECT id FROM "
                                         "segment WHERE name = ?)",
                                         err);
        if (!statement)
            return E_IO;
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
        int code = store_run(statement, err);
        if (code)
            return code;
    }
    return 0;
}

static int write_removal(void *context, sqlite3 *db, struct err *err) {
    struct putting *putting = context;
    int code = forget_members(db, putting->name, err);
    sqlite3_stmt *statement =
        code ? NULL : STORE_PREPARE(db, "DELETE FROM segment WHERE name = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_text(statement, 1, putting->name, -1, SQLITE_TRANSIENT);
    code = store_run(statement, err);
    putting->changed = sqlite3_changes(db);
    return code || !putting->changed ? code : rule_write(db, putting->name, NULL, err);
}

int segment_remove(struct folder *folder, const char *name, struct err *err) {
    struct putting putting = {.name = name};
    json_t *segment;
    int code = segment_find(folder, name, &segment, err);
    json_decref(segment);
    struct stored_change change = {name, NULL};
    size_t refused;
    if (!code)
        code = query_check_stored(folder, &change, 1, &refused, err);
    if (!code)
        code = store_write(folder->store, write_removal, &putting, err);
    if (!code && !putting.changed)
        code = err_set(err, E_NOT_FOUND, "no segment is called \"%.80s\"", name);
    return code ? code : live_changed(folder, name, err);
}
