/*
 * /api/v1/value: how this organisation counts purchases and contracts, and what its customers are worth by that.
 *
 * What is estimated each night (value/value.h) is of the whole organisation: who sees some units only is refused it. GET
 * /api/v1/value with members of a question in the query string asks that question instead, within the asker's units.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/customer_read.h"
#include "backend/backend.h"
#include "base/time.h"
#include "query/sight.h"
#include "value/value.h"

enum { LIST_STANDARD = 50, LIST_MAX = 1000, CSV_ROWS = 1000000, CSV_MAX_BYTES = 256 << 20 };

/* ---- settings ---- */

static int get_settings(struct request *request, struct response *response, struct err *err) {
    json_t *settings = NULL;
    int code = value_settings_get(app_folder(request->app), &settings, err);
    if (code)
        return code;
    response_json(response, 200, settings);
    json_decref(settings);
    return HANDLED;
}

static int put_settings(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    json_t *body, *settings = NULL;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = value_settings_put(folder, &request->principal, body, err);
    json_decref(body);
    if (!code)
        code = value_settings_get(folder, &settings, err);
    if (code)
        return code;
    audit_act(request, "value.change", "", "");
    response_json(response, 200, settings);
    json_decref(settings);
    return HANDLED;
}

/* ---- the question, asked now ---- */

static const char *const question_members[] = {"purchase", "amount",   "unit",
                                               "months",   "discount", "dropout"};

/* extra: members that come before the settings; not taken over. */
static int ask(struct request *request, const json_t *settings, const json_t *extra,
               json_t **answer, struct err *err) {
    json_t *question = json_pack("{s:s, s:s}", "kind", "value", "model", "clv");
    struct query_control *control = ARENA_ARRAY(request->arena, struct query_control, 1);
    request_watch(request, &control->cancelled);
    for (size_t i = 0; i < sizeof question_members / sizeof *question_members; i++)
        json_object_set(question, question_members[i],
                        json_object_get(settings, question_members[i]));
    json_object_update(question, (json_t *)(uintptr_t)extra);
    int code = query_run(app_folder(request->app), BACKEND_LOCAL, question, &request->principal,
                         control, answer, err);
    json_decref(question);
    return code;
}

/* ?model=, ?until=, ?top= … of the query string as members of the question. *extra: new reference, empty where none is there. */
static int asked_members(struct request *request, json_t **extra, struct err *err) {
    enum { TOP_MAX = 1000 };
    static const char *const texts[] = {"model", "until", "holdout", "unit", "dropout"};
    int64_t top;
    int code = request_query_int(request, "top", 0, 0, TOP_MAX, &top, err);
    if (code)
        return code;
    *extra = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = request_query(request, texts[i]);
        if (value && *value)
            json_object_set_new(*extra, texts[i], json_string(value));
    }
    if (top)
        json_object_set_new(*extra, "top", json_integer(top));
    return 0;
}

/* Where nobody said how to check, what a fit on the first two thirds of the time says of the last. */
static int add_check(struct request *request, const json_t *settings, const json_t *answer,
                     struct err *err) {
    json_t *data = json_object_get(answer, "data"), *observed = json_object_get(data, "observed");
    const char *from = json_string_value(json_object_get(observed, "from")),
               *until = json_string_value(json_object_get(observed, "until"));
    int64_t from_ms, until_ms;
    if (!from || !until || json_object_get(data, "holdout") ||
        time_parse(slice_of(from), NULL, &from_ms) || time_parse(slice_of(until), NULL, &until_ms))
        return 0;
    int64_t days = (until_ms - from_ms) / DAY_MS / 3 * 2;
    char cut[TIME_TEXT_BYTES];
    time_format(from_ms + days * DAY_MS, cut);
    cut[sizeof "2026-01-01" - 1] = 0;
    if (days < 1)
        return 0;
    json_t *held = NULL, *extra = json_pack("{s:s, s:s}", "until", cut, "holdout", until);
    int code = ask(request, settings, extra, &held, err);
    if (!code) {
        json_t *holdout = json_object_get(json_object_get(held, "data"), "holdout");
        json_object_set(data, "holdout", holdout ? holdout : json_null());
    }
    json_decref(held);
    json_decref(extra);
    return code;
}

static int get_value(struct request *request, struct response *response, struct err *err) {
    json_t *settings = NULL, *answer = NULL, *extra = NULL;
    int code = asked_members(request, &extra, err);
    if (!code)
        code = value_settings_get(app_folder(request->app), &settings, err);
    if (!code)
        code = ask(request, settings, extra, &answer, err);
    if (!code && !json_object_size(extra))
        code = add_check(request, settings, answer, err);
    if (!code)
        response_json(response, 200, answer);
    json_decref(settings);
    json_decref(answer);
    json_decref(extra);
    return code;
}

/* ---- what the newest run says ---- */

static int whole_only(const struct request *request, struct err *err) {
    if (!request->principal.units)
        return 0;
    err_set(err, E_FORBIDDEN, "value is estimated for the whole organisation, not for some units");
    return err_hint(err, "Ask /api/v1/query with kind value for your units.");
}

/* {"run": state of the job, "made": …, NAME of the report …}; members NULL: the whole report under "report". */
static int answer_report(struct request *request, struct response *response,
                         const char *const *members, struct err *err) {
    json_t *report = NULL;
    int64_t made_ms = 0;
    int code = whole_only(request, err);
    if (!code)
        code = value_report(app_folder(request->app), &report, &made_ms, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:o, s:o}", "run", api_job(request, job_value.name), "made",
                             api_instant(made_ms));
    if (!members)
        json_object_set(json, "report", report ? report : json_null());
    for (size_t i = 0; members && members[i]; i++) {
        json_t *member = json_object_get(report, members[i]);
        json_object_set(json, members[i], member ? member : json_null());
    }
    response_json(response, 200, json);
    json_decref(json);
    json_decref(report);
    return HANDLED;
}

static int get_model(struct request *request, struct response *response, struct err *err) {
    return answer_report(request, response, NULL, err);
}

static int get_churn(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"business", "currency", "observed", "churn",
                                          "survival", "split",    NULL};
    return answer_report(request, response, members, err);
}

static int get_health(struct request *request, struct response *response, struct err *err) {
    json_t *report = NULL;
    int64_t made_ms = 0;
    int code = whole_only(request, err);
    if (!code)
        code = value_report(app_folder(request->app), &report, &made_ms, err);
    if (code)
        return code;
    const json_t *churn = json_object_get(report, "churn");
    json_t *bands = json_object_get(churn, "bands"), *check = json_object_get(churn, "check"),
           *refused = json_object_get(churn, "refused");
    json_t *json =
        json_pack("{s:o, s:o, s:O?, s:O?, s:O?}", "made", api_instant(made_ms), "from_model",
                  json_boolean(json_is_true(json_object_get(churn, "learnt"))), "refused", refused,
                  "bands", bands, "check", check);
    response_json(response, 200, json);
    json_decref(json);
    json_decref(report);
    return HANDLED;
}

static int get_survival(struct request *request, struct response *response, struct err *err) {
    json_t *json = NULL;
    const char *by = request_query(request, "by");
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    int code = whole_only(request, err);
    if (!code && by && *by)
        code = sight_check(&sight, slice_of(by), "/by", err);
    if (!code)
        code = value_survival(app_folder(request->app), by && *by ? by : NULL, &json, err);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int answer_run(struct request *request, struct response *response, const char *what) {
    audit_act(request, what, job_value.name, "");
    json_t *json = api_job(request, job_value.name);
    response_json(response, 202, json);
    json_decref(json);
    return HANDLED;
}

/* The run's own failure is its outcome, not this request's. */
static int post_run(struct request *request, struct response *response, struct err *err) {
    struct err outcome = {0};
    int code = jobs_request(app_jobs(request->app), job_value.name, &outcome);
    if (code == E_NOT_FOUND) {
        *err = outcome;
        return code;
    }
    return answer_run(request, response, "job.run");
}

static int post_cancel(struct request *request, struct response *response, struct err *err) {
    int code = jobs_cancel(app_jobs(request->app), job_value.name, err);
    return code ? code : answer_run(request, response, "job.cancel");
}

/* ---- lists ---- */

static int read_order(struct request *request, struct value_list *list, struct err *err) {
    const char *text = request_query(request, "order");
    list->order = NUMBER_CLV;
    list->falling = !text || !*text || *text == '-';
    if (!text || !*text)
        return 0;
    for (int k = 0; k < NUMBERS_ASKED; k++)
        if (strcmp(text + (*text == '-'), number_names[k]) == 0) {
            list->order = (enum number)k;
            return 0;
        }
    err_at(err, E_INVALID, "/order", "nothing of this name is estimated");
    return err_hint(err, "For example -clv, -churn, health or recency.");
}

static int add_names(struct request *request, json_t *rows, struct err *err) {
    size_t n = json_array_size(rows);
    uint32_t *owners = ARENA_ARRAY(request->arena, uint32_t, n + 1);
    struct slice *names = ARENA_ARRAY(request->arena, struct slice, n + 1),
                 *user_ids = ARENA_ARRAY(request->arena, struct slice, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_object_get(json_array_get(rows, i), "id"));
        owners[i] = (uint32_t)strtoul(id + 2, NULL, 10);
    }
    int code = customer_names(request, owners, n, names, err);
    if (!code)
        code = customer_user_ids(request, owners, n, user_ids, err);
    for (size_t i = 0; !code && i < n; i++) {
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "name",
                            names[i].n ? json_stringn(names[i].p, names[i].n) : json_null());
        json_object_set_new(row, "user_id",
                            user_ids[i].n ? json_stringn(user_ids[i].p, user_ids[i].n)
                                          : json_null());
    }
    return code;
}

static int send_csv(struct response *response, json_t *rows, struct err *err) {
    json_t *answer = json_pack("{s:s, s:O}", "kind", "value", "data", rows);
    response->type = "text/csv; charset=utf-8";
    buf_init(&response->body, CSV_MAX_BYTES);
    query_answer_csv(answer, &response->body);
    json_decref(answer);
    return response->body.full ? err_set(err, E_TOO_LARGE, "the list is too large for CSV") : 0;
}

/* Whoever sees some units only gets their customers listed. */
static int limit_to_visible(struct request *request, struct value_list *list, struct err *err) {
    struct reader *reader;
    list->visible = NULL;
    if (!request->principal.units)
        return 0;
    int code = reader_open(&reader, request, request->arena, err);
    if (code)
        return code;
    code = reader_visible(reader, &list->visible, err);
    list->visible_last = reader_profiles(reader);
    reader_close(reader);
    return code;
}

static int get_list(struct request *request, struct response *response, struct err *err) {
    int64_t limit, cursor;
    uint64_t total;
    struct value_list list;
    json_t *rows = NULL;
    char next[24];
    const char *format = request_query(request, "format");
    bool csv = request_accepts(request, "text/csv") || (format && strcmp(format, "csv") == 0);
    int code = limit_to_visible(request, &list, err);
    if (!code)
        code = request_query_int(request, "limit", csv ? CSV_ROWS : LIST_STANDARD, 1,
                                 csv ? CSV_ROWS : LIST_MAX, &limit, err);
    if (!code)
        code = request_query_int(request, "cursor", 0, 0, UINT32_MAX, &cursor, err);
    if (!code)
        code = read_order(request, &list, err);
    if (code)
        return code;
    list.skip = (uint32_t)cursor;
    list.limit = (uint32_t)limit;
    code = value_list(app_folder(request->app), &list, &rows, &total, err);
    if (!code)
        code = add_names(request, rows, err);
    if (!code)
        audit_note(request, "customer.list", "value",
                   arena_format(request->arena, "%zu", json_array_size(rows)));
    if (!code && csv) {
        response_header(request, response, "Content-Disposition",
                        "attachment; filename=\"customers-value.csv\"");
        code = send_csv(response, rows, err);
    }
    snprintf(next, sizeof next, "%llu", (unsigned long long)cursor + (unsigned long long)limit);
    bool more = (uint64_t)(cursor + limit) < total;
    if (!code && !csv)
        response_list(response, json_incref(rows), more ? next : NULL);
    json_decref(rows);
    return code;
}

/* ---- one customer ---- */

/* Purchases as the asker may see them, and the run's numbers. NULL: there was no run. */
static int stored_customer(struct request *request, uint32_t owner, json_t **customer,
                           int64_t *made_ms, struct err *err) {
    struct folder *folder = app_folder(request->app);
    json_t *report, *numbers = NULL, *purchases = NULL;
    int code = value_report(folder, &report, made_ms, err);
    if (code || !report)
        return code;
    json_decref(report);
    code = value_of_purchases(folder, &request->principal, owner, &purchases, err);
    if (!code)
        code = value_of_owner(folder, owner, &numbers, err);
    if (!code) {
        *customer = purchases ? json_incref(purchases) : json_object();
        json_object_update_missing(*customer, numbers);
    }
    json_decref(purchases);
    json_decref(numbers);
    return code;
}

static json_t *rfm_of(const json_t *customer) {
    if (!json_is_number(json_object_get(customer, "rfm_r")))
        return json_null();
    return json_pack("{s:O, s:O, s:O}", "r", json_object_get(customer, "rfm_r"), "f",
                     json_object_get(customer, "rfm_f"), "m", json_object_get(customer, "rfm_m"));
}

/* Before the first run, and where a question is asked: the models are fitted now. */
static int ask_customer(struct request *request, json_t *extra, struct response *response,
                        struct err *err) {
    json_t *settings = NULL, *answer = NULL, *scored = NULL;
    json_object_set_new(extra, "customer", json_string(request->params[0]));
    int code = value_settings_get(app_folder(request->app), &settings, err);
    if (!code)
        code = ask(request, settings, extra, &answer, err);
    json_object_set_new(extra, "model", json_string("rfm"));
    if (!code)
        code = ask(request, settings, extra, &scored, err);
    if (!code) {
        json_t *customer = json_object_get(json_object_get(answer, "data"), "customer");
        if (json_is_object(customer))
            json_object_set(
                customer, "rfm",
                json_object_get(json_object_get(json_object_get(scored, "data"), "customer"),
                                "rfm"));
        response_json(response, 200, answer);
    }
    json_decref(settings);
    json_decref(answer);
    json_decref(scored);
    return code;
}

static int get_customer(struct request *request, struct response *response, struct err *err) {
    json_t *extra = NULL, *customer = NULL;
    uint32_t owner;
    int64_t made_ms = 0;
    int code = customer_find_visible(request, request->params[0], &owner, err);
    if (!code)
        code = asked_members(request, &extra, err);
    if (!code && !json_object_size(extra))
        code = stored_customer(request, owner, &customer, &made_ms, err);
    if (!code && !customer) {
        code = ask_customer(request, extra, response, err);
    } else if (!code) {
        json_object_set_new(customer, "rfm", rfm_of(customer));
        json_t *answer = json_pack("{s:s, s:{s:O}, s:{s:o}}", "kind", "value", "data", "customer",
                                   customer, "meta", "as_of", api_instant(made_ms));
        response_json(response, 200, answer);
        json_decref(answer);
    }
    json_decref(customer);
    json_decref(extra);
    return code;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/value", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get_value,
     .summary = "What customers are worth, asked now within the asker's units: model, parameters, "
                "warnings, held-out check, who is worth most (?top=)"},
    {METHOD_GET, "/api/v1/value/settings", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = get_settings,
     .summary = "Which interactions are purchases or contracts, and how value is counted"},
    {METHOD_PUT, "/api/v1/value/settings", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = put_settings, .summary = "Changes how value is counted"},
    {METHOD_GET, "/api/v1/value/model", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_model,
     .summary = "The newest run: what it rests on, its check, tenths, cohorts, potential"},
    {METHOD_POST, "/api/v1/value/run", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = post_run, .summary = "Estimates value, health and leaving anew, soon"},
    {METHOD_POST, "/api/v1/value/cancel", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = post_cancel, .summary = "Ends a run; the estimates of the one before stay"},
    {METHOD_GET, "/api/v1/value/customers", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_list,
     .summary = "Customers by an estimate: ?order=-clv (or -churn, health, recency …); as CSV too"},
    {METHOD_GET, "/api/v1/customers/{id}/value", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_customer,
     .summary = "One customer's purchases, scores, lifetime value, health and why, from the newest "
                "run"},
    {METHOD_GET, "/api/v1/churn", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT, .handle = get_churn,
     .summary = "Who leaves: signs, check on held-out time (AUC, lift, calibration), curve"},
    {METHOD_GET, "/api/v1/churn/survival", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_survival,
     .summary = "How long customers last, by the values of a trait (?by=): curves, medians, "
                "log-rank, hazard ratios"},
    {METHOD_GET, "/api/v1/health", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_health, .summary = "Customers by health, and what that rests on"},
};
const struct route_table api_value_routes = ROUTE_TABLE(routes);
