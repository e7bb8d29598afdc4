/*
 * A customer's erasure: what goes and what stays, said before; the request; the proof afterwards.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

static const char *api_path(struct request *request, const char *tail) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/customers/", request->params[0]), tail);
}

/* Asks before it does: numbers of what is there, and a sentence to tick. */
static int ask(struct request *request, struct response *response, const struct err *refusal,
               struct err *err) {
    static const struct page page = {.template = "customer_erase",
                                     .section = "customers",
                                     .title = "erase.title",
                                     .narrow = true};
    json_t *customer, *preview;
    const char *why = request_form(request, "why");
    int code = page_fetch(request, api_path(request, ""), &customer, err);
    if (code < 0)
        return code;
    code = page_send(request, METHOD_POST, api_path(request, "/erase"),
                     json_pack("{s:b}", "preview", 1), &preview, err);
    if (code < 0) {
        json_decref(customer);
        return code;
    }
    json_t *view = json_pack("{s:o, s:o, s:s}", "customer", customer, "preview", preview, "why",
                             why ? why : "");
    if (refusal) {
        response->status = err_status(refusal->code);
        page_form_error(request, view, refusal);
    }
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return ask(request, response, NULL, err);
}

static int erase(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *erasure = NULL;
    const char *why = request_form(request, "why");
    if (!request_form(request, "sure")) {
        err_at(&refusal, E_INVALID, "/sure", "say that you mean it");
        return ask(request, response, &refusal, err);
    }
    int code = page_send(request, METHOD_POST, api_path(request, "/erase"),
                         json_pack("{s:s}", "why", why ? why : ""), &erasure, &refusal);
    if (code < 0)
        return ask(request, response, &refusal, err);
    json_int_t number = json_integer_value(json_object_get(erasure, "number"));
    json_decref(erasure);
    return page_redirect(
        request, response,
        arena_format(request->arena, "/settings/privacy/erasures/%lld", (long long)number), NULL);
}

/* ---- the proof ---- */

static int show_proof(struct request *request, struct response *response, json_t *view,
                      struct err *err) {
    json_t *erasure;
    int code = page_fetch(request, page_path(request, "/api/v1/erasures/", request->params[0]),
                          &erasure, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    const char *state = json_string_value(json_object_get(erasure, "state"));
    bool done = state && strcmp(state, "done") == 0;
    json_object_set_new(erasure, "done", json_boolean(done));
    json_object_set_new(erasure, "failed",
                        json_boolean(json_is_object(json_object_get(erasure, "failure"))));
    json_object_set_new(view, "erasure", erasure);
    json_object_set_new(view, "section_tab", json_string("privacy"));
    return settings_render(request, response, "erasure", view, err);
}

static int proof(struct request *request, struct response *response, struct err *err) {
    return show_proof(request, response, json_object(), err);
}

static int allow(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *path = page_path(request, "/api/v1/erasures/", request->params[0]);
    if (request_form(request, "retry")) {
        int tried = page_send(request, METHOD_POST, arena_format(request->arena, "%s/retry", path),
                              NULL, NULL, &refusal);
        return settings_done(
            request, response,
            arena_format(request->arena, "privacy/erasures/%s", request->params[0]), "retried",
            tried, &refusal, show_proof, err);
    }
    int code =
        page_send(request, METHOD_DELETE, arena_format(request->arena, "%s/suppression", path),
                  NULL, NULL, &refusal);
    return settings_done(request, response,
                         arena_format(request->arena, "privacy/erasures/%s", request->params[0]),
                         "allowed", code, &refusal, show_proof, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/customers/{id}/erase",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/erase",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = erase},
    {.methods = METHOD_GET,
     .pattern = "/settings/privacy/erasures/{number}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = proof},
    {.methods = METHOD_POST,
     .pattern = "/settings/privacy/erasures/{number}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = allow},
};
const struct route_table page_erase_routes = ROUTE_TABLE(routes);
