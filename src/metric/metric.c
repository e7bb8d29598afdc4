/*
 * What is settled about scores: see metric.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "metric/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"
#include "query/score_rules.h"

static json_t *column_json(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    json_t *json = json_string(text ? text : "");
    return json ? json : json_string("");
}

static json_t *column_instant(sqlite3_stmt *statement, int column) {
    char text[TIME_TEXT_BYTES];
    time_format(sqlite3_column_int64(statement, column), text);
    return json_string(text);
}

/* Runs a prepared statement that gives no rows. */
static int finish(sqlite3_stmt *statement, struct err *err) {
    int code = statement ? store_step(statement, err) : E_IO;
    return code < 0 ? code : 0;
}

static int check_name(const char *name, struct err *err) {
    size_t n = strlen(name);
    return n && n <= LIMIT_NAME_BYTES
               ? 0
               : err_at(err, E_INVALID, "/name", "a name has 1 to %d bytes", LIMIT_NAME_BYTES);
}

/* ---- surveys ---- */

int metric_surveys(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT survey, relation FROM score_survey ORDER BY survey", err);
    int code = statement ? 0 : E_IO;
    *list = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_array_append_new(*list, json_pack("{s:o, s:o}", "survey", column_json(statement, 0),
                                               "relation", column_json(statement, 1)));
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

struct relation_put {
    const char *survey, *relation;
};

static int write_relation(void *context, sqlite3 *db, struct err *err) {
    const struct relation_put *put = context;
    sqlite3_stmt *statement =
        put->relation[0]
            ? STORE_PREPARE(db,
                            "INSERT INTO score_survey (survey, relation) VALUES (?, ?) ON CONFLICT "
                            "(survey) DO UPDATE SET relation = excluded.relation",
                            err)
            : STORE_PREPARE(db, "DELETE FROM score_survey WHERE survey = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, put->survey, -1, SQLITE_STATIC);
    if (put->relation[0])
        sqlite3_bind_text(statement, 2, put->relation, -1, SQLITE_STATIC);
    return finish(statement, err);
}

int metric_survey_put(struct folder *folder, const char *survey, const char *relation,
                      struct err *err) {
    int code = check_name(survey, err);
    if (!code && relation[0] && !survey_relation_of(slice_of(relation))) {
        err_at(err, E_INVALID, "/relation", "unknown relation \"%.40s\"", relation);
        return err_hint(err, "One of: relational, transactional, rivals.");
    }
    struct relation_put put = {survey, relation};
    return code ? code : store_write(folder->store, write_relation, &put, err);
}

/* ---- margins ---- */

int metric_margins(struct folder *folder, json_t **list, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT name, margins, opened(author), changed_ms FROM score_margins ORDER BY name",
        err);
    int code = statement ? 0 : E_IO;
    *list = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_t *margins = json_loads((const char *)sqlite3_column_text(statement, 1), 0, NULL);
        json_array_append_new(
            *list, json_pack("{s:o, s:o, s:o, s:o}", "name", column_json(statement, 0), "margins",
                             margins ? margins : json_array(), "author", column_json(statement, 2),
                             "changed_at", column_instant(statement, 3)));
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

int metric_margins_find(struct folder *folder, const char *name, json_t **margins,
                        struct err *err) {
    json_t *list, *row;
    size_t i;
    int code = metric_margins(folder, &list, err);
    *margins = NULL;
    json_array_foreach(list, i,
                       row) if (!code && strcmp(json_string_value(json_object_get(row, "name")),
                                                name) == 0) *margins = json_incref(row);
    json_decref(list);
    if (code)
        return code;
    return *margins ? 0 : err_set(err, E_NOT_FOUND, "no such margins");
}

/* Shares (0–1) add up to 1; counts of a population need not. Beyond COUNTS_FROM they can only be counts. */
static int check_sums(const json_t *margins, struct err *err) {
    static const double COUNTS_FROM = 1.5, TOLERANCE = 0.0011;
    json_t *margin, *share;
    const char *category;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)margins, i, margin) {
        double sum = 0;
        json_object_foreach(json_object_get(margin, "shares"), category, share) sum +=
            json_number_value(share);
        if (sum > COUNTS_FROM || fabs(sum - 1) <= TOLERANCE)
            continue;
        char pointer[48];
        snprintf(pointer, sizeof pointer, "/margins/%zu/shares", i);
        err_at(err, E_INVALID, pointer, "shares must add up to 1");
        return err_hint(err, "They add up to %.4g. Counts of the population are taken too.", sum);
    }
    return 0;
}

/* A score that is weighted by them can be asked. */
static int check_margins(struct folder *folder, const json_t *margins, struct err *err) {
    static const struct principal everybody = {.role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    if (!json_is_array(margins))
        return err_at(err, E_INVALID, "/margins", "must be a list of variables");
    json_t *query =
        json_pack("{s:s, s:s, s:O}", "kind", "score", "metric", "nps", "margins", margins);
    int code = query_check(folder, query, &everybody, err);
    json_decref(query);
    return code ? code : check_sums(margins, err);
}

struct margins_put {
    const char *name, *text, *author;
    int64_t now_ms;
    bool full;
};

static int write_margins(void *context, sqlite3 *db, struct err *err) {
    struct margins_put *put = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO score_margins (name, margins, author, changed_ms) SELECT ?1, ?2, sealed(?3), "
        "?4 "
        "WHERE (SELECT count(*) FROM score_margins WHERE name <> ?1) < ?5 ON CONFLICT (name) DO "
        "UPDATE SET margins = excluded.margins, author = excluded.author, changed_ms = "
        "excluded.changed_ms",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, put->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, put->text, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, put->author, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, put->now_ms);
    sqlite3_bind_int(statement, 5, MARGINS_MAX);
    int code = finish(statement, err);
    put->full = !code && sqlite3_changes(db) == 0;
    return code;
}

int metric_margins_put(struct folder *folder, const char *name, const json_t *margins,
                       const char *author, struct err *err) {
    int code = check_name(name, err);
    if (!code)
        code = check_margins(folder, margins, err);
    if (code)
        return code;
    char *text = json_dumps(margins, JSON_COMPACT);
    struct margins_put put = {name, text ? text : "[]", author, clock_now_ms(), false};
    code = store_write(folder->store, write_margins, &put, err);
    free(text);
    if (!code && put.full)
        code = err_set(err, E_REFUSED, "there are %d margins already", MARGINS_MAX);
    return code;
}

static int delete_margins(void *context, sqlite3 *db, struct err *err) {
    struct margins_put *put = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM score_margins WHERE name = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, put->name, -1, SQLITE_STATIC);
    int code = finish(statement, err);
    put->full = !code && sqlite3_changes(db) == 0;
    return code;
}

int metric_margins_remove(struct folder *folder, const char *name, struct err *err) {
    struct margins_put put = {.name = name};
    int code = store_write(folder->store, delete_margins, &put, err);
    return !code && put.full ? err_set(err, E_NOT_FOUND, "no such margins") : code;
}

/* ---- named staff ---- */

int metric_named_staff(struct folder *folder, bool *allowed, struct err *err) {
    struct arena arena;
    struct score_rules rules;
    arena_init(&arena);
    sqlite3 *db = store_reader_get(folder->store);
    int code = score_rules_load(db, &arena, &rules, err);
    store_reader_put(folder->store, db);
    *allowed = !code && rules.named_staff;
    arena_release(&arena);
    return code;
}

static int write_staff(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, SCORE_NAMED_STAFF, context, err);
}

int metric_named_staff_put(struct folder *folder, bool allowed, struct err *err) {
    char text[2] = {allowed ? '1' : '0', '\0'};
    return store_write(folder->store, write_staff, text, err);
}
