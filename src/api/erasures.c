/*
 * /api/v1/customers/{id}/erase and /api/v1/erasures: a customer's right to be forgotten, with proof.
 *
 * Who is limited to units erases nobody: what is erased belongs to all of them. A small organisation's erasure is done
 * before the answer (200, with the report); a long one goes on (202) and is asked about by its number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "privacy/privacy.h"

enum { PAGE_MAX = 1000, PAGE_STANDARD = 50, WAIT_MS = 10000, LOOK_MS = 50 };

static json_t *erasure_json(struct request *request, const struct erasure *erasure) {
    char id[CUSTOMER_ID_BYTES];
    customer_id_format(erasure->customer, id);
    json_t *report = erasure->report[0] ? json_loads(erasure->report, 0, NULL) : NULL;
    bool done = strcmp(erasure->state, "done") == 0;
    json_t *failure = json_object_get(report, "failure");
    api_say(request, failure, "reason");
    json_t *json = json_pack(
        "{s:I, s:s, s:s, s:o, s:o, s:s, s:s, s:b, s:o, s:O?, s:O?}", "number",
        (json_int_t)erasure->number, "customer", id, "state", erasure->state, "asked",
        api_instant(erasure->asked_ms), "ended", api_instant(erasure->ended_ms), "by", erasure->who,
        "why", erasure->why, "suppressed", !erasure->allowed_ms, "allowed",
        api_instant(erasure->allowed_ms), "failure", failure, "report", done ? report : NULL);
    json_decref(report);
    return json;
}

/* How often it failed. */
static json_int_t tries_of(const struct erasure *erasure) {
    json_t *report = erasure->report[0] ? json_loads(erasure->report, 0, NULL) : NULL;
    json_int_t tries =
        json_integer_value(json_object_get(json_object_get(report, "failure"), "tries"));
    json_decref(report);
    return tries;
}

static int unlimited(const struct request *request, struct err *err) {
    return request->principal.units
               ? err_set(err, E_FORBIDDEN, "who is limited to units erases nobody")
               : 0;
}

static int find(struct request *request, uint32_t *owner, struct err *err) {
    return customers_find(app_folder(request->app)->customers, slice_of(request->params[0]), owner,
                          err);
}

/* ---- erasing ---- */

static int preview(struct request *request, uint32_t owner, struct response *response,
                   struct err *err) {
    struct erasure_preview found;
    char id[CUSTOMER_ID_BYTES];
    int code = privacy_preview(app_folder(request->app), owner, request->arena, &found, err);
    if (code)
        return code;
    customer_id_format(owner, id);
    json_t *json =
        json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I}", "preview", 1, "customer", id, "profiles",
                  (json_int_t)found.profiles, "identifiers", (json_int_t)found.identifiers,
                  "traits", (json_int_t)found.traits, "interactions",
                  (json_int_t)found.interactions, "answers", (json_int_t)found.answers);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* Waits a while until it is done or has failed once more than `tries` times; the erasure as it is then. */
static int await(struct request *request, uint64_t number, json_int_t tries,
                 struct erasure *erasure, struct err *err) {
    int code = 0;
    for (int waited_ms = 0; !code; waited_ms += LOOK_MS) {
        code = erasure_get(app_folder(request->app), number, request->arena, erasure, err);
        if (code || strcmp(erasure->state, "done") == 0 || tries_of(erasure) > tries ||
            waited_ms >= WAIT_MS || atomic_load(request->cancelled))
            break;
        usleep(LOOK_MS * 1000);
    }
    return code;
}

/* 202 while it is not done: also where it failed, as it is tried again. */
static int answer(struct request *request, const struct erasure *erasure,
                  struct response *response) {
    response_header(
        request, response, "Location",
        arena_format(request->arena, "/api/v1/erasures/%llu", (unsigned long long)erasure->number));
    json_t *json = erasure_json(request, erasure);
    response_json(response, strcmp(erasure->state, "done") == 0 ? 200 : 202, json);
    json_decref(json);
    return HANDLED;
}

/* Has the job look at it now, and waits a while. */
static int pursue(struct request *request, uint64_t number, json_int_t tries,
                  struct response *response, struct err *err) {
    struct erasure erasure;
    int code = jobs_request(app_jobs(request->app), job_erase.name, err);
    if (!code)
        code = await(request, number, tries, &erasure, err);
    return code ? code : answer(request, &erasure, response);
}

/* One that was begun and is not done is tried again. */
static int begin(struct request *request, uint32_t owner, const char *why,
                 struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    uint64_t number = 0;
    char id[CUSTOMER_ID_BYTES];
    const char *who = request->principal.name ? request->principal.name : "";
    struct erasure erasure = {.state = "done", .report = ""};
    customer_id_format(owner, id);
    int code = erasure_of(folder, owner, &number, err);
    if (!code && number)
        code = erasure_get(folder, number, request->arena, &erasure, err);
    if (!code && strcmp(erasure.state, "done") == 0)
        code = erasure_begin(folder, owner, who, why, &number, err);
    if (code)
        return code;
    audit_act(request, "customer.erase", id,
              arena_format(request->arena, "%llu", (unsigned long long)number));
    return pursue(request, number, tries_of(&erasure), response, err);
}

static int erase(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"why", "preview", NULL};
    const char *why = "";
    json_t *body = NULL;
    uint32_t owner = 0;
    int code = unlimited(request, err);
    if (!code && request->body.n)
        code = request_json(request, &body, err);
    if (!code && body)
        code = api_known(body, known, err);
    if (!code && body)
        code = api_text(body, "why", "", WHY_MAX_BYTES, &why, err);
    const json_t *flag = json_object_get(body, "preview");
    if (!code && flag && !json_is_boolean(flag))
        code = err_at(err, E_INVALID, "/preview", "must be true or false");
    if (!code)
        code = find(request, &owner, err);
    if (!code)
        code = json_is_true(flag) ? preview(request, owner, response, err)
                                  : begin(request, owner, why, response, err);
    json_decref(body);
    return code;
}

/* ---- reading ---- */

static int list(struct request *request, struct response *response, struct err *err) {
    int64_t limit, before;
    struct erasure *found;
    size_t n = 0;
    int code = request_query_int(request, "limit", PAGE_STANDARD, 1, PAGE_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, INT64_MAX, &before, err);
    if (!code)
        code = erasure_list(app_folder(request->app), (uint64_t)before, (size_t)limit,
                            request->arena, &found, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, erasure_json(request, &found[i]));
    response_list(response, rows,
                  n == (size_t)limit ? arena_format(request->arena, "%llu",
                                                    (unsigned long long)found[n - 1].number)
                                     : NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t number;
    struct erasure erasure;
    int code = api_number(request->params[0], &number, err);
    if (!code)
        code = erasure_get(app_folder(request->app), number, request->arena, &erasure, err);
    if (code)
        return code;
    if (request_query(request, "download"))
        response_header(request, response, "Content-Disposition",
                        arena_format(request->arena, "attachment; filename=\"erasure-%llu.json\"",
                                     (unsigned long long)number));
    json_t *json = erasure_json(request, &erasure);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int retry(struct request *request, struct response *response, struct err *err) {
    uint64_t number;
    struct erasure erasure;
    int code = unlimited(request, err);
    if (!code)
        code = api_number(request->params[0], &number, err);
    if (!code)
        code = erasure_get(app_folder(request->app), number, request->arena, &erasure, err);
    if (!code && strcmp(erasure.state, "done") == 0)
        code = err_set(err, E_CONFLICT, "this erasure is done");
    if (code)
        return code;
    audit_act(request, "customer.erase", "", request->params[0]);
    return pursue(request, number, tries_of(&erasure), response, err);
}

static int allow(struct request *request, struct response *response, struct err *err) {
    uint64_t number;
    int code = unlimited(request, err);
    if (!code)
        code = api_number(request->params[0], &number, err);
    if (!code)
        code = erasure_allow(app_folder(request->app), number, err);
    if (code)
        return code;
    audit_act(request, "suppression.lift", request->params[0], "");
    response->status = 204;
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_POST, "/api/v1/customers/{id}/erase", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = erase,
     .summary = "Erases a customer: counts and scores stay, who it was goes; {\"why\"}; "
                "\"preview\": true counts what would go and changes nothing"},
    {METHOD_DELETE, "/api/v1/customers/{id}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = erase, .summary = "The same as POST …/erase"},
    {METHOD_GET, "/api/v1/erasures", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN, .handle = list,
     .summary = "Who was erased, newest first, each with its report"},
    {METHOD_GET, "/api/v1/erasures/{number}", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = get,
     .summary = "One erasure and its proof, or why it failed and when it is tried again; "
                "?download=1 as a file"},
    {METHOD_POST, "/api/v1/erasures/{number}/retry", ACCESS_API, SCOPE_ADMIN, .role = ROLE_ADMIN,
     .handle = retry, .summary = "Tries one that failed again at once, not in half a minute"},
    {METHOD_DELETE, "/api/v1/erasures/{number}/suppression", ACCESS_API, SCOPE_ADMIN,
     .role = ROLE_ADMIN, .handle = allow,
     .summary = "Lets the erased person come back, as somebody new"},
};
const struct route_table api_erasure_routes = ROUTE_TABLE(routes);
