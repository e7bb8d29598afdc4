/*
 * /api/v1/promises: brand promises, what became of them, and the customers behind.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/api.h"
#include "backend/backend.h"
#include "base/limits.h"
#include "promise/promise.h"

enum { MATRIX_ROWS = 12, MATRIX_UNITS = 12 };

static int find(struct request *request, uint64_t *id, json_t **promise, struct err *err) {
    int code = api_number(request->params[0], id, err);
    return code ? code : promise_find(app_folder(request->app), *id, promise, err);
}

/* What the rule names and nothing that was collected bears yet. A rule that is none any more says nothing here. */
static int put_warnings(struct request *request, json_t *promise, struct err *err) {
    json_t *warnings = NULL, *query = promise_question(promise), *warning;
    struct err refusal = {0};
    size_t i;
    int code =
        query_warnings(app_folder(request->app), query, &request->principal, &warnings, &refusal);
    json_decref(query);
    if (code && code != E_INVALID)
        return *err = refusal, code;
    json_array_foreach(warnings, i, warning) {
        const char *pointer = json_string_value(json_object_get(warning, "pointer"));
        if (strncmp(pointer, "/segment", 8) != 0)
            json_object_set_new(warning, "pointer", json_sprintf("/rule%s", pointer));
    }
    json_object_set_new(promise, "warnings", warnings ? warnings : json_array());
    return 0;
}

static int answer(struct request *request, struct response *response, uint64_t id, int status,
                  struct err *err) {
    json_t *promise;
    int code = promise_find(app_folder(request->app), id, &promise, err);
    if (code)
        return code;
    code = put_warnings(request, promise, err);
    if (!code)
        response_json(response, status, promise);
    json_decref(promise);
    return code ? code : HANDLED;
}

static int list(struct request *request, struct response *response, struct err *err) {
    const char *segment = request_query(request, "segment");
    json_t *rows;
    int code = promise_list(app_folder(request->app), &rows, err);
    if (code)
        return code;
    for (size_t i = json_array_size(rows); segment && i-- > 0;) {
        const json_t *in =
            json_object_get(json_object_get(json_array_get(rows, i), "segment"), "in");
        if (!json_is_string(in) || strcmp(json_string_value(in), segment) != 0)
            json_array_remove(rows, i);
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    return code ? code : answer(request, response, id, 200, err);
}

static int keep(struct request *request, struct response *response, uint64_t id, struct err *err) {
    struct folder *folder = app_folder(request->app);
    int status = id ? 200 : 201;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = promise_check(folder, &request->principal, body, err);
    if (!code)
        code = promise_put(folder, &id, body, request->principal.name, err);
    if (!code) {
        audit_act_number(request, "promise.put", id);
        code = answer(request, response, id, status, err);
    }
    json_decref(body);
    return code;
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, 0, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *now = NULL;
    int code = find(request, &id, &now, err);
    if (!code)
        code = api_if_match(request, now, err);
    json_decref(now);
    return code ? code : keep(request, response, id, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = promise_remove(app_folder(request->app), id, err);
    if (!code)
        audit_act(request, "promise.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static int versions(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *rows;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = promise_versions(app_folder(request->app), id, &rows, err);
    if (code)
        return code;
    response_list(response, rows, NULL);
    return HANDLED;
}

/* ---- what became of it ---- */

/* The query string's every, by ("unit" or "split"), from and to. */
static void add_members(struct request *request, const json_t *promise, json_t *query) {
    const char *every = request_query(request, "every"), *by = request_query(request, "by"),
               *from = request_query(request, "from"), *to = request_query(request, "to");
    json_t *range = json_object();
    if (every)
        json_object_set_new(query, "every", json_string(every));
    if (by && strcmp(by, "split") == 0 && json_object_get(promise, "split"))
        json_object_set_new(query, "by",
                            json_pack("{s:O}", "trait", json_object_get(promise, "split")));
    else if (by)
        json_object_set_new(query, "by", json_string(by));
    if (from)
        json_object_set_new(range, "from", json_string(from));
    if (to)
        json_object_set_new(range, "to", json_string(to));
    if (json_object_size(range))
        json_object_set(query, "range", range);
    json_decref(range);
}

static int ask(struct request *request, json_t *query, json_t **result, struct err *err) {
    int code = query_run(app_folder(request->app), BACKEND_LOCAL, query, &request->principal, NULL,
                         result, err);
    json_decref(query);
    return code;
}

static int results(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *promise = NULL, *result = NULL;
    int code = find(request, &id, &promise, err);
    if (code)
        return code;
    json_t *query = promise_question(promise);
    add_members(request, promise, query);
    json_decref(promise);
    code = ask(request, query, &result, err);
    if (code)
        return code;
    response_json(response, 200, result);
    json_decref(result);
    return HANDLED;
}

enum { PEOPLE_MAX = 10000 };

/* The first of the list; the last one of them is where the next page goes on. */
static void cut_people(json_t *result, size_t limit) {
    json_t *list = json_object_get(json_object_get(result, "data"), "customers");
    size_t n = json_array_size(list);
    if (n <= limit)
        return;
    while (n > limit)
        json_array_remove(list, --n);
    json_object_set(json_object_get(result, "meta"), "next",
                    json_object_get(json_array_get(list, n - 1), "id"));
}

static int customers(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"state", "time", "by"};
    uint64_t id;
    int64_t limit = PEOPLE_MAX;
    json_t *promise = NULL, *result = NULL, *people = json_object();
    const char *group = request_query(request, "group"), *cursor = request_query(request, "cursor");
    int code = request_query_int(request, "limit", PEOPLE_MAX, 1, PEOPLE_MAX, &limit, err);
    if (!code)
        code = find(request, &id, &promise, err);
    if (code) {
        json_decref(people);
        return code;
    }
    json_t *query = promise_question(promise);
    add_members(request, promise, query);
    for (size_t i = 0; i < 2; i++)
        if (request_query(request, members[i]))
            json_object_set_new(people, members[i],
                                json_string(request_query(request, members[i])));
    if (group)
        json_object_set_new(people, "by", json_string(group));
    if (json_object_get(people, "time") && !json_object_get(query, "every"))
        json_object_set_new(query, "every", json_string("month"));
    if (cursor)
        json_object_set_new(query, "cursor", json_string(cursor));
    json_object_set_new(query, "people", people);
    json_decref(promise);
    code = ask(request, query, &result, err);
    if (code)
        return code;
    cut_people(result, (size_t)limit);
    audit_note(request, "query.people", request->params[0], "promise");
    response_json(response, 200, result);
    json_decref(result);
    return HANDLED;
}

/* One row of the matrix: the question of those whose trait has this value, by unit. */
static int matrix_row(struct request *request, const json_t *promise, const json_t *value,
                      json_t *row, struct err *err) {
    json_t *query = promise_question(promise), *result = NULL;
    json_t *rule = json_pack("{s:O, s:s, s:O}", "trait", json_object_get(promise, "split"), "op",
                             "=", "value", value);
    json_t *segment = json_object_get(query, "segment");
    json_object_set_new(query, "segment",
                        segment ? json_pack("{s:[O, o]}", "all", segment, rule) : rule);
    json_object_set_new(query, "by", json_string("unit"));
    json_object_set_new(query, "limit", json_integer(MATRIX_UNITS));
    int code = ask(request, query, &result, err);
    if (!code)
        json_object_set(row, "units", json_object_get(result, "data"));
    json_decref(result);
    return code;
}

static int matrix(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *promise = NULL, *result = NULL, *row;
    size_t i;
    int code = find(request, &id, &promise, err);
    if (code)
        return code;
    const json_t *split = json_object_get(promise, "split");
    if (!json_is_string(split) || !json_string_length(split)) {
        json_decref(promise);
        return err_set(err, E_INVALID, "this promise names no trait to split by");
    }
    json_t *query = promise_question(promise);
    json_object_set_new(query, "by", json_pack("{s:O}", "trait", split));
    json_object_set_new(query, "limit", json_integer(MATRIX_ROWS));
    code = ask(request, query, &result, err);
    json_array_foreach(code ? NULL : json_object_get(result, "data"), i, row) {
        const json_t *value = json_object_get(row, "by");
        bool other = json_is_string(value) && strcmp(json_string_value(value), "(other)") == 0;
        if (!code && !json_is_null(value) && !other)
            code = matrix_row(request, promise, value, row, err);
    }
    json_decref(promise);
    if (!code)
        response_json(response, 200, result);
    json_decref(result);
    return code ? code : HANDLED;
}

static int of_customer(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    char id[CUSTOMER_ID_BYTES];
    uint32_t owner;
    json_t *rows;
    int code = customers_find(folder->customers, slice_of(request->params[0]), &owner, err);
    if (code == E_NOT_FOUND && request->principal.units) { /* as of one whom they may not see */
        response_list(response, json_array(), NULL);
        return HANDLED;
    }
    if (code)
        return code;
    customer_id_format(owner, id);
    code = promise_of_customer(folder, &request->principal, id, &rows, err);
    if (code)
        return code;
    audit_note(request, "customer.read", id, "promises");
    response_list(response, rows, NULL);
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/promises", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Brand promises: sentence, rule, target, owner (?segment= that they are made to)"},
    {METHOD_POST, "/api/v1/promises", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .summary = "Makes a promise: "
                "{\"sentence\",\"rule\",\"target\",\"owner\",\"split\",\"segment\",\"since\"}"},
    {METHOD_GET, "/api/v1/promises/{id}", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "One promise"},
    {METHOD_PUT, "/api/v1/promises/{id}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .summary = "The next version of a promise"},
    {METHOD_DELETE, "/api/v1/promises/{id}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Ends a promise; its versions stay"},
    {METHOD_GET, "/api/v1/promises/{id}/versions", ACCESS_API, SCOPE_QUERY, .handle = versions,
     .summary = "Every version of a promise, the newest first"},
    {METHOD_GET, "/api/v1/promises/{id}/results", ACCESS_API, SCOPE_QUERY, .handle = results,
     .summary = "Kept, broken, pending, at risk (?every=, ?by=unit, ?by=split, ?from=, ?to=)"},
    {METHOD_GET, "/api/v1/promises/{id}/matrix", ACCESS_API, SCOPE_QUERY, .handle = matrix,
     .summary = "By the values of its trait, each by unit"},
    {METHOD_GET, "/api/v1/promises/{id}/customers", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = customers,
     .summary =
         "The customers behind a number (?state=broken, ?time=, ?by=&group=, ?limit=&cursor=)"},
    {METHOD_GET, "/api/v1/customers/{id}/promises", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = of_customer, .summary = "What this customer was promised and is broken or at risk"},
};
const struct route_table api_promise_routes = ROUTE_TABLE(routes);
