/*
 * /api/v1/reviews/subjects: what is rated, with its figures; /links, /due and /settings of reviews.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/review_read.h"
#include "http/router.h"

enum { DUE_MAX = 500, URL_BYTES = 4096 };

/* ---- subjects ---- */

static int list(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct review_figures *figures;
    size_t n;
    const char *kind = request_query(request, "kind");
    int code = review_catch_up(folder, err);
    if (code >= 0)
        code = review_figures(folder, NULL, &request->principal, request->arena, &figures, &n, err);
    if (code < 0)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++)
        if (!kind || !kind[0] || strcmp(kind, subject_kind_name(figures[i].subject.kind)) == 0)
            json_array_append_new(rows, review_figures_json(&figures[i], NULL, false));
    response_list(response, rows, NULL);
    return HANDLED;
}

static int answer(struct request *request, struct response *response, const char *name, int status,
                  struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct review_figures *figures;
    uint64_t *refusals;
    size_t n;
    int code = review_figures(folder, name, &request->principal, request->arena, &figures, &n, err);
    if (!code)
        code = review_refusals(folder, name, request->arena, &refusals, err);
    if (code)
        return code;
    json_t *json = review_figures_json(figures, refusals, false);
    response_json(response, status, json);
    json_decref(json);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct review_subject subject;
    int code = review_catch_up(app_folder(request->app), err);
    if (code >= 0)
        code = review_subject_of(request, request->params[0], &subject, err);
    return code < 0 ? code : answer(request, response, subject.name, 200, err);
}

static int put(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"kind", "title", "url", "experience", NULL};
    struct review_subject subject, before = {.kind = SUBJECT_PRODUCT, .url = "", .experience = ""};
    struct err none = {0};
    const char *kind;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    bool is_new = subject_find(app_folder(request->app), request->params[0], request->arena,
                               &before, &none) != 0;
    subject = before;
    subject.name = request->params[0];
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "kind", subject_kind_name(before.kind), 32, &kind, err);
    if (!code)
        code = api_text(body, "title", is_new ? subject.name : before.title, REVIEW_TITLE_BYTES,
                        &subject.title, err);
    if (!code)
        code = api_text(body, "url", before.url, REVIEW_URL_BYTES, &subject.url, err);
    if (!code)
        code = api_text(body, "experience", before.experience, LIMIT_NAME_BYTES,
                        &subject.experience, err);
    if (!code) {
        subject.kind = subject_kind_of(kind);
        code = subject_put(app_folder(request->app), &subject, err);
    }
    if (!code)
        audit_act(request, "review.subject", subject.name, "");
    json_decref(body);
    return code ? code : answer(request, response, subject.name, is_new ? 201 : 200, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = subject_remove(app_folder(request->app), request->params[0], err);
    if (code)
        return code;
    audit_act(request, "review.subject.remove", request->params[0], "");
    response->status = 204;
    return HANDLED;
}

/* ---- links ---- */

static int make_link(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"subject", "customer", "months", "days", NULL};
    struct review_link link = {.invited_ms = request->received_ms};
    struct review_subject subject;
    struct err none = {0};
    const char *token;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "subject", NULL, REVIEW_SUBJECT_BYTES, &link.subject, err);
    if (!code)
        code = api_text(body, "customer", NULL, LIMIT_ID_BYTES, &link.customer, err);
    json_int_t months = json_integer_value(json_object_get(body, "months"));
    const json_t *asked = json_object_get(body, "days");
    json_int_t days = asked ? json_integer_value(asked) : REVIEW_LINK_DAYS;
    if (!code && months != 0 && months != 6 && months != 12)
        code = err_at(err, E_INVALID, "/months", "months must be 0, 6 or 12");
    if (!code && (days < 1 || days > 366))
        code = err_at(err, E_INVALID, "/days", "days is a number from 1 to 366");
    if (!code && (code = review_subject_of(request, link.subject, &subject, &none)) != 0)
        code = err_repeat(err, code == E_NOT_FOUND ? E_INVALID : code, "/subject", &none);
    link.months = (unsigned)months;
    link.expires_ms = link.invited_ms + days * DAY_MS;
    if (!code && (code = review_link_make(app_folder(request->app), &link, request->arena, &token,
                                          &none)) != 0)
        code = code == E_NOT_FOUND
                   ? err_at(err, E_INVALID, "/customer", "nobody has this identifier")
                   : err_repeat(err, code, "/customer", &none);
    if (!code) {
        struct buf url;
        buf_init(&url, URL_BYTES);
        buf_add_format(&url, "%s/w/review/", request_base_url(request));
        url_encode(slice_of(link.subject), &url);
        buf_add_format(&url, "?link=%s", token);
        json_t *json = json_pack("{s:s, s:o}", "url", buf_slice(&url).p, "expires_at",
                                 api_instant(link.expires_ms));
        response_json(response, 201, json);
        json_decref(json);
        buf_release(&url);
    }
    json_decref(body);
    return code;
}

/* ---- opinions to ask for again ---- */

static int due(struct request *request, struct response *response, struct err *err) {
    struct review_due *list = ARENA_ARRAY(request->arena, struct review_due, DUE_MAX);
    size_t n;
    char id[CUSTOMER_ID_BYTES];
    int code = review_due_list(app_folder(request->app), request->arena, list, DUE_MAX, &n, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        customer_id_format(list[i].customer, id);
        json_array_append_new(
            rows, json_pack("{s:o, s:i, s:o, s:s, s:s}", "review",
                            json_sprintf("%llu", (unsigned long long)list[i].review), "months",
                            (int)list[i].months, "due_at", api_instant(list[i].due_ms), "customer",
                            id, "subject", list[i].subject));
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int set_due(struct request *request, struct response *response, struct err *err) {
    const char *state = NULL;
    uint64_t id, months;
    json_t *body;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = api_number(request->params[1], &months, err);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_text(body, "state", NULL, 16, &state, err);
    bool asked = !code && strcmp(state, "asked") == 0, left = !code && strcmp(state, "left") == 0,
         again = !code && strcmp(state, "due") == 0;
    json_decref(body);
    if (!code && !asked && !left && !again)
        code = err_at(err, E_INVALID, "/state", "state is asked, left or due");
    if (!code)
        code = review_due_set(app_folder(request->app), id, (unsigned)months,
                              asked  ? REVIEW_ASKED
                              : left ? REVIEW_LEFT
                                     : REVIEW_DUE,
                              err);
    if (!code)
        response->status = 204;
    return code;
}

/* ---- settings ---- */

static int read_settings(struct request *request, json_t **json, struct err *err) {
    struct folder *folder = app_folder(request->app);
    char mode[32] = "";
    struct err none = {0};
    sqlite3 *db = store_reader_get(folder->store);
    int code = store_setting_get(db, REVIEW_MODERATION_SETTING, mode, sizeof mode, &none);
    store_reader_put(folder->store, db);
    if (code && code != E_NOT_FOUND)
        return err_set(err, code, "the settings could not be read");
    json_t *reasons = json_array();
    for (size_t i = 0; review_reasons()[i]; i++)
        json_array_append_new(reasons, json_string(review_reasons()[i]));
    *json =
        json_pack("{s:s, s:o}", "moderation", !code && mode[0] ? mode : "all", "reasons", reasons);
    return 0;
}

static int get_settings(struct request *request, struct response *response, struct err *err) {
    json_t *json;
    int code = read_settings(request, &json, err);
    if (code)
        return code;
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

static int write_mode(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, REVIEW_MODERATION_SETTING, context, err);
}

static int change_settings(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"moderation", "reasons", NULL};
    const char *mode = NULL;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, known, err);
    if (!code)
        code = api_text(body, "moderation", NULL, 16, &mode, err);
    bool all = !code && strcmp(mode, "all") == 0;
    if (!code && !all && strcmp(mode, "suspicious") != 0)
        code = err_at(err, E_INVALID, "/moderation", "moderation is all or suspicious");
    if (!code)
        code = store_write(app_folder(request->app)->store, write_mode,
                           arena_text(request->arena, slice_of(mode)), err);
    if (!code)
        audit_act(request, "review.settings", all ? "all" : "suspicious", "");
    json_decref(body);
    return code ? code : get_settings(request, response, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/reviews/subjects", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = list,
     .summary = "What is rated with its figures, best first by the Bayesian average"},
    {METHOD_GET, "/api/v1/reviews/subjects/{name}", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get, .summary = "One subject: average, interval, distribution, refusals by reason"},
    {METHOD_PUT, "/api/v1/reviews/subjects/{name}", ACCESS_API, SCOPE_MANAGE, .handle = put,
     .summary = "Makes or changes a subject: {\"kind\",\"title\",\"url\",\"experience\"}"},
    {METHOD_DELETE, "/api/v1/reviews/subjects/{name}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a subject without reviews"},
    {METHOD_POST, "/api/v1/reviews/links", ACCESS_API, SCOPE_MANAGE, .handle = make_link,
     .summary = "A link, good once, by which this customer writes a review: "
                "{\"subject\",\"customer\",\"months\",\"days\"}"},
    {METHOD_GET, "/api/v1/reviews/due", ACCESS_API, SCOPE_MANAGE, .handle = due,
     .summary = "Whom to ask again after 6 and 12 months of use"},
    {METHOD_PATCH, "/api/v1/reviews/due/{review}/{months}", ACCESS_API, SCOPE_MANAGE,
     .handle = set_due,
     .summary = "What became of it: {\"state\": \"asked\", \"left\" or \"due\"}"},
    {METHOD_GET, "/api/v1/reviews/settings", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = get_settings, .summary = "How reviews are published, reasons to refuse one"},
    {METHOD_PATCH, "/api/v1/reviews/settings", ACCESS_API, SCOPE_MANAGE, .handle = change_settings,
     .summary = "Changes it: {\"moderation\": \"all\" or \"suspicious\"}"},
};
const struct route_table api_review_subject_routes = ROUTE_TABLE(routes);
