/*
 * Customers who may be one person: the list, likeliest first, and two beside each other for a decision.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/customers.h"
#include "pages/page.h"
#include "pages/pages.h"

static const char JOB[] = "customer.duplicates";

static bool is_busy(const json_t *job) {
    const char *state = json_string_value(json_object_get(job, "state"));
    return state && (strcmp(state, "running") == 0 || strcmp(state, "asked") == 0);
}

/* What the search did last, for who may see the jobs. */
static void add_job(struct request *request, json_t *view) {
    json_t *answer, *job;
    struct err none = {0};
    size_t i;
    if (page_fetch(request, "/api/v1/jobs", &answer, &none) < 0)
        return;
    json_array_foreach(json_object_get(answer, "data"), i, job) {
        const char *name = json_string_value(json_object_get(job, "name"));
        if (!name || strcmp(name, JOB) != 0)
            continue;
        json_object_set_new(job, "busy", json_boolean(is_busy(job)));
        json_object_set(view, "job", job);
    }
    json_decref(answer);
}

static int show_list(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "duplicates", .section = "customers", .title = "duplicates.title"};
    const char *cursor = request_query(request, "cursor"), *state = request_query(request, "state");
    bool rejected = state && strcmp(state, "rejected") == 0;
    const char *names[] = {"limit", "state", "cursor"};
    const char *values[] = {"25", rejected ? "rejected" : "open", cursor};
    json_t *answer;
    int code =
        page_fetch(request, customers_address(request, "/api/v1/merge-proposals", names, values, 3),
                   &answer, err);
    if (code < 0)
        return code;
    json_t *view =
        json_pack("{s:O, s:b}", "proposals", json_object_get(answer, "data"), "rejected", rejected);
    const char *next = json_string_value(json_object_get(answer, "next"));
    const char *next_names[] = {"state", "cursor"},
               *next_values[] = {rejected ? "rejected" : NULL, next};
    if (next)
        json_object_set_new(view, "next",
                            json_string(customers_address(request, "/customers/duplicates",
                                                          next_names, next_values, 2)));
    json_decref(answer);
    add_job(request, view);
    return page_render(request, response, &page, view, err);
}

static int search_now(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_POST,
                         arena_format(request->arena, "/api/v1/jobs/%s/run", JOB), NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/customers/duplicates", "job_asked");
}

/* ---- one ---- */

static const char *api_path(struct request *request, const char *tail) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/merge-proposals/", request->params[0]), tail);
}

static int show_with(struct request *request, struct response *response, const struct err *refusal,
                     struct err *err) {
    static const struct page page = {
        .template = "duplicate", .section = "customers", .title = "duplicates.compare"};
    json_t *proposal;
    int code = page_fetch(request, api_path(request, ""), &proposal, err);
    if (code < 0)
        return code;
    customers_put_differing(request, proposal);
    const char *state = json_string_value(json_object_get(proposal, "state"));
    json_object_set_new(proposal, "open", json_boolean(state && strcmp(state, "open") == 0));
    json_t *view = json_pack("{s:o}", "proposal", proposal);
    if (refusal)
        page_form_error(request, view, refusal);
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_with(request, response, NULL, err);
}

static int decide(struct request *request, struct response *response, struct err *err) {
    const char *into = request_form(request, "into"), *why = request_form(request, "why");
    bool reject = request_form(request, "reject") != NULL;
    json_t *answer = NULL;
    struct err refusal = {0};
    int code = page_send(request, METHOD_POST, api_path(request, reject ? "/reject" : "/merge"),
                         json_pack("{s:s, s:s}", "into", into ? into : "", "why", why ? why : ""),
                         &answer, &refusal);
    const char *id = json_string_value(json_object_get(answer, "id"));
    const char *place =
        !reject && id ? page_path(request, "/customers/", id) : "/customers/duplicates";
    json_decref(answer);
    if (code < 0) {
        response->status = err_status(code);
        return show_with(request, response, &refusal, err);
    }
    return page_redirect(request, response, place, reject ? "not_duplicate" : "merged");
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers/duplicates",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show_list},
    {.methods = METHOD_POST,
     .pattern = "/customers/duplicates",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = search_now},
    {.methods = METHOD_GET,
     .pattern = "/customers/duplicates/{number}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/customers/duplicates/{number}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = decide},
};
const struct route_table page_duplicate_routes = ROUTE_TABLE(routes);
