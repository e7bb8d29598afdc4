/*
 * /api/v1/questions: questions of Explore that somebody gave a name, for everybody in the organisation.
 *
 * A question is kept as its address (pages/explore.h), so that it is asked anew each time, with the rights of the one who
 * opens it. Who made it removes it, or somebody who manages. An asker limited to units sees one's own, those of people
 * limited to no other unit, and none that names another unit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/limits.h"
#include "http/router.h"

enum { QUESTIONS_MAX = 1000, NAME_MAX_BYTES = 120 };

struct saved {
    uint64_t id, user;
    const char *name, *address, *author;
    const char *units; /* of its author, a JSON list of names; "": not limited */
    int64_t created_ms;
};

/* Only a question of Explore: "/explore/funnel?s1=…", in characters that addresses have. */
static bool is_question(const char *address) {
    static const char *const KINDS[] = {"trend", "funnel", "flow", "variants", "retention"};
    if (strncmp(address, "/explore/", 9) != 0 || strlen(address) > LIMIT_URL_BYTES)
        return false;
    for (const char *c = address; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("\"<>\\", *c))
            return false;
    size_t n = strcspn(address + 9, "?");
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strlen(KINDS[i]) == n && strncmp(address + 9, KINDS[i], n) == 0)
            return true;
    return false;
}

static json_t *saved_json(const struct request *request, const struct saved *saved) {
    char id[24];
    const struct principal *who = &request->principal;
    bool own = who->user && who->user == saved->user;
    int kind_n = (int)strcspn(saved->address + 9, "?");
    snprintf(id, sizeof id, "%llu", (unsigned long long)saved->id);
    return json_pack("{s:s, s:s, s:s%, s:s, s:s, s:o, s:b}", "id", id, "name", saved->name, "kind",
                     saved->address + 9, (size_t)kind_n, "address", saved->address, "author",
                     saved->author, "created_at", api_instant(saved->created_ms), "can_remove",
                     own || (who->scopes & SCOPE_MANAGE));
}

static bool sees_unit(const struct request *request, struct slice name) {
    return principal_sees(&request->principal, dictionary_find(app_folder(request->app)->dictionary,
                                                               DICTIONARY_UNIT, name));
}

/* Every unit of the address is the asker's. */
static bool sees_address(const struct request *request, const char *address) {
    const char *at = strchr(address, '?');
    bool seen = true;
    while (at && seen) {
        at++;
        size_t n = strcspn(at, "&");
        struct slice value;
        if (n > 5 && strncmp(at, "unit=", 5) == 0)
            seen = url_decode((struct slice){at + 5, n - 5}, true, request->arena, &value) &&
                   sees_unit(request, value);
        at = strchr(at, '&');
    }
    return seen;
}

static bool may_list(const struct request *request, const struct saved *saved) {
    const struct principal *who = &request->principal;
    if (!who->units || (who->user && who->user == saved->user))
        return true;
    json_t *units = saved->units[0] ? json_loads(saved->units, 0, NULL) : NULL, *unit;
    size_t i;
    bool seen = true;
    json_array_foreach(units, i, unit) seen &=
        sees_unit(request, slice_of(json_string_value(unit)));
    json_decref(units);
    return seen && sees_address(request, saved->address);
}

/* Names of the asker's units as a JSON list. */
static const char *own_units(const struct request *request) {
    const struct principal *who = &request->principal;
    if (!who->units)
        return "";
    json_t *list = json_array();
    for (size_t i = 0; i < who->n_units; i++) {
        struct slice name =
            dictionary_name(app_folder(request->app)->dictionary, DICTIONARY_UNIT, who->units[i]);
        json_array_append_new(list, json_stringn(name.p, name.n));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    const char *copy = arena_text(request->arena, slice_of(text ? text : "[]"));
    free(text);
    json_decref(list);
    return copy;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct store *store = app_folder(request->app)->store;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT id, user, opened(name), opened(address), "
                                            "opened(author), units, created_ms FROM question"
                                            " ORDER BY id DESC",
                                            err);
    int code = statement ? 0 : E_IO;
    json_t *rows = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        struct saved saved = {(uint64_t)sqlite3_column_int64(statement, 0),
                              (uint64_t)sqlite3_column_int64(statement, 1),
                              (const char *)sqlite3_column_text(statement, 2),
                              (const char *)sqlite3_column_text(statement, 3),
                              (const char *)sqlite3_column_text(statement, 4),
                              (const char *)sqlite3_column_text(statement, 5),
                              sqlite3_column_int64(statement, 6)};
        if (may_list(request, &saved))
            json_array_append_new(rows, saved_json(request, &saved));
        code = 0;
    }
    store_reader_put(store, db);
    if (code < 0) {
        json_decref(rows);
        return code;
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int insert(void *context, sqlite3 *db, struct err *err) {
    struct saved *saved = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO question(name, address, user, author, "
                      "created_ms, units) SELECT sealed(?1), sealed(?2), ?3, sealed(?4), "
                      "?5, ?7"
                      " WHERE (SELECT count(*) FROM question) < ?6",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, saved->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, saved->address, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)saved->user);
    sqlite3_bind_text(statement, 4, saved->author, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 5, saved->created_ms);
    sqlite3_bind_int(statement, 6, QUESTIONS_MAX);
    sqlite3_bind_text(statement, 7, saved->units, -1, SQLITE_TRANSIENT);
    int code = store_run(statement, err);
    if (!code && !sqlite3_changes(db))
        return err_set(err, E_REFUSED, "there are %d questions already: remove some",
                       QUESTIONS_MAX);
    saved->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct saved saved = {.user = request->principal.user,
                          .author = request->principal.name ? request->principal.name : "",
                          .units = own_units(request),
                          .created_ms = request->received_ms};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "name", NULL, NAME_MAX_BYTES, &saved.name, err);
    if (!code)
        code = api_text(body, "address", NULL, LIMIT_URL_BYTES, &saved.address, err);
    if (!code && !is_question(saved.address))
        code = err_at(err, E_INVALID, "/address",
                      "must be the address of a question: "
                      "/explore/funnel?s1=…");
    if (!code)
        code = store_write(app_folder(request->app)->store, insert, &saved, err);
    if (!code) {
        json_t *json = saved_json(request, &saved);
        audit_act_number(request, "question.add", saved.id);
        response_json(response, 201, json);
        json_decref(json);
    }
    json_decref(body);
    return code;
}

struct removal {
    uint64_t id, user; /* user 0: anybody's */
    int removed;
};

static int delete (void *context, sqlite3 *db, struct err *err) {
    struct removal *removal = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM question WHERE id = ?1 AND (?2 = 0 OR user = ?2)", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)removal->id);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)removal->user);
    int code = store_run(statement, err);
    removal->removed = sqlite3_changes(db);
    return code;
}

static int drop(struct request *request, struct response *response, struct err *err) {
    const struct principal *who = &request->principal;
    bool manages = (who->scopes & SCOPE_MANAGE) != 0;
    struct removal removal = {.user = manages ? 0 : who->user};
    int code = api_number(request->params[0], &removal.id, err);
    if (!code && !manages && !who->user)
        code = err_set(err, E_FORBIDDEN, "only a person removes their questions");
    if (!code)
        code = store_write(app_folder(request->app)->store, delete, &removal, err);
    if (!code && !removal.removed)
        code = err_set(err, E_NOT_FOUND, "no such question of yours");
    if (!code)
        audit_act(request, "question.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/questions", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Questions of Explore that have a name, newest first"},
    {METHOD_POST, "/api/v1/questions", ACCESS_API, SCOPE_QUERY, .handle = add,
     .summary = "Names a question: {\"name\",\"address\"}; the address is that of its page"},
    {METHOD_DELETE, "/api/v1/questions/{id}", ACCESS_API, SCOPE_QUERY, .handle = drop,
     .summary = "Forgets a question: one's own, or any with the right to manage"},
};
const struct route_table api_question_routes = ROUTE_TABLE(routes);
