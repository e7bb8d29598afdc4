/*
 * /api/v1/value: how this organisation counts purchases, what its customers are worth by that, and one customer's part.
 *
 * The settings are the members of a question of kind `value` (docs/metrics.md): purchase, amount, unit, months, discount,
 * dropout. GET asks the question of lifetime value with them; members of the query string come before them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "api/api.h"
#include "backend/backend.h"
#include "base/limits.h"

enum { SETTING_MAX = 4096 };
static const char SETTING[] = "value";

static const char *const members[] = {"purchase", "amount",  "unit", "months",
                                      "discount", "dropout", NULL};

static json_t *standard(void) {
    return json_pack("{s:{s:s}, s:s, s:s, s:i, s:f, s:s}", "purchase", "event", "Order Completed",
                     "amount", "total", "unit", "week", "months", 12, "discount", 0.01, "dropout",
                     "mbgnbd");
}

/* New reference: what is set, else the standard. */
static int read_settings(struct request *request, json_t **settings, struct err *err) {
    struct store *store = app_folder(request->app)->store;
    char text[SETTING_MAX];
    struct err none = {0};
    sqlite3 *db = store_reader_get(store);
    int code = db ? store_setting_get(db, SETTING, text, sizeof text, &none) : E_IO;
    store_reader_put(store, db);
    if (code && code != E_NOT_FOUND)
        return err_set(err, code, "the settings could not be read");
    *settings = code ? NULL : json_loads(text, 0, NULL);
    if (!*settings)
        *settings = standard();
    return 0;
}

static int get_settings(struct request *request, struct response *response, struct err *err) {
    json_t *settings = NULL;
    int code = read_settings(request, &settings, err);
    if (code)
        return code;
    response_json(response, 200, settings);
    json_decref(settings);
    return HANDLED;
}

static int write_setting(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, SETTING, context, err);
}

/* Asks the question of lifetime value. extra: members that come before the settings; not taken over. */
static int ask(struct request *request, const json_t *settings, const json_t *extra,
               json_t **answer, struct err *err) {
    json_t *question = json_pack("{s:s, s:s}", "kind", "value", "model", "clv");
    struct query_control *control = ARENA_ARRAY(request->arena, struct query_control, 1);
    request_watch(request, &control->cancelled);
    json_object_update(question, (json_t *)(uintptr_t)settings);
    json_object_update(question, (json_t *)(uintptr_t)extra);
    int code = query_run(app_folder(request->app), BACKEND_LOCAL, question, &request->principal,
                         control, answer, err);
    json_decref(question);
    return code;
}

/* What is set must be a question that can be asked. */
static int put_settings(struct request *request, struct response *response, struct err *err) {
    json_t *body, *answer = NULL;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, members, err);
    if (!code) {
        json_t *whole = standard();
        json_object_update(whole, body);
        json_decref(body);
        body = whole;
        code = ask(request, body, NULL, &answer, err);
    }
    char *text = code ? NULL : json_dumps(body, JSON_COMPACT);
    if (text && strlen(text) >= SETTING_MAX)
        code = err_set(err, E_TOO_LARGE, "these settings are too long");
    if (text && !code)
        code = store_write(app_folder(request->app)->store, write_setting, text, err);
    if (text && !code) {
        audit_write(app_accounts(request->app), &request->principal, request->peer, "value.change",
                    "", "");
        response_json(response, 200, body);
    }
    free(text);
    json_decref(answer);
    json_decref(body);
    return code;
}

/* ?model=, ?until=, ?top= … of the query string as members of the question. New reference. */
static json_t *asked_members(struct request *request) {
    static const char *const texts[] = {"model", "until", "holdout", "unit", "dropout"};
    json_t *extra = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = request_query(request, texts[i]);
        if (value && *value)
            json_object_set_new(extra, texts[i], json_string(value));
    }
    const char *top = request_query(request, "top");
    if (top && *top)
        json_object_set_new(extra, "top", json_integer(strtoll(top, NULL, 10)));
    return extra;
}

static int get_value(struct request *request, struct response *response, struct err *err) {
    json_t *settings = NULL, *answer = NULL, *extra = asked_members(request);
    int code = read_settings(request, &settings, err);
    if (!code) {
        code = ask(request, settings, extra, &answer, err);
        json_decref(settings);
    }
    if (!code)
        response_json(response, 200, answer);
    json_decref(answer);
    json_decref(extra);
    return code;
}

/* Scores of one customer from the question of RFM, added to what lifetime value says. */
static int add_scores(struct request *request, const json_t *settings, json_t *extra,
                      json_t *customer, struct err *err) {
    json_t *answer = NULL;
    json_object_set_new(extra, "model", json_string("rfm"));
    int code = ask(request, settings, extra, &answer, err);
    if (!code)
        json_object_set(
            customer, "rfm",
            json_object_get(json_object_get(json_object_get(answer, "data"), "customer"), "rfm"));
    json_decref(answer);
    return code;
}

static int get_customer(struct request *request, struct response *response, struct err *err) {
    json_t *settings = NULL, *answer = NULL, *extra = asked_members(request), *customer = NULL;
    json_object_set_new(extra, "customer", json_string(request->params[0]));
    int code = read_settings(request, &settings, err);
    if (!code)
        code = ask(request, settings, extra, &answer, err);
    if (code == E_INVALID && strcmp(err->pointer, "/customer") == 0) {
        *err = (struct err){0};
        code = err_set(err, E_NOT_FOUND, "no such customer");
    }
    if (!code) {
        customer = json_object_get(json_object_get(answer, "data"), "customer");
        if (json_is_object(customer))
            code = add_scores(request, settings, extra, customer, err);
        else if (request->principal.units)
            code = err_set(err, E_NOT_FOUND, "no such customer");
    }
    if (!code)
        response_json(response, 200, answer);
    json_decref(settings);
    json_decref(answer);
    json_decref(extra);
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/value", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get_value,
     .summary = "What customers are worth: model, parameters, warnings, held-out check "
                "(?holdout=), who is worth most (?top=)"},
    {METHOD_GET, "/api/v1/value/settings", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = get_settings,
     .summary = "Which interactions are purchases, and how value is counted"},
    {METHOD_PUT, "/api/v1/value/settings", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = put_settings, .summary = "Changes how value is counted"},
    {METHOD_GET, "/api/v1/customers/{id}/value", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_customer,
     .summary = "One customer's purchases, scores, probability alive and lifetime value"},
};
const struct route_table api_value_routes = ROUTE_TABLE(routes);
