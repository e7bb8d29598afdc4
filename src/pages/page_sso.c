/*
 * Single sign-on: the way to the provider and back, and its settings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/app.h"
#include "http/sso.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

#define API "/api/v1/single-sign-on"
enum { DOMAINS_BYTES = 16384 };

/* ---- signing in ---- */

static int begin(struct request *request, struct response *response, struct err *err) {
    const char *next = request_query(request, "next"), *location;
    struct err refusal = {0};
    int code = sso_begin(request, response, page_safe_target(next), &location, &refusal);
    if (code == E_REFUSED || code == E_RATE)
        return page_sign_in(request, response, page_safe_target(next), &refusal, err);
    if (code < 0) {
        *err = refusal;
        return code;
    }
    response_redirect(request, response, location);
    return HANDLED;
}

static int come_back(struct request *request, struct response *response, struct err *err) {
    const char *next, *pending;
    struct err refusal = {0};
    int code = sso_return(request, response, &next, &pending, &refusal);
    next = page_safe_target(next);
    response_header(request, response, "Referrer-Policy", "no-referrer");
    if (pending)
        return page_sign_in_second(request, response, pending, next, err);
    if (code >= 0)
        return page_redirect(request, response, next, NULL);
    if (code != E_UNAUTHORIZED && code != E_FORBIDDEN && code != E_REFUSED && code != E_RATE) {
        *err = refusal;
        return code;
    }
    return page_sign_in(request, response, next, &refusal, err);
}

/* ---- settings ---- */

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    static const char *const roles[] = {"viewer", "agent", "unit_manager", "analyst"};
    struct err none = {0};
    json_t *settings = NULL;
    int code = page_fetch(request, API, &settings, &none);
    if (code < 0 && code != E_NOT_FOUND) {
        json_decref(view);
        *err = none;
        return code;
    }
    const char *role = json_string_value(json_object_get(settings, "role"));
    json_t *choices = json_array(), *domain;
    struct buf domains;
    size_t i;
    buf_init(&domains, DOMAINS_BYTES);
    json_array_foreach(json_object_get(settings, "domains"), i, domain)
        buf_add_format(&domains, "%s%s", i ? ", " : "", json_string_value(domain));
    for (i = 0; i < sizeof roles / sizeof *roles; i++)
        json_array_append_new(choices, json_pack("{s:s, s:b}", "role", roles[i], "selected",
                                                 role && strcmp(role, roles[i]) == 0));
    json_object_set_new(view, "roles", choices);
    json_object_set_new(view, "return_url", json_string(sso_return_url(request)));
    json_object_set_new(view, "domains", json_stringn(domains.p ? domains.p : "", domains.n));
    if (settings)
        json_object_set_new(view, "sso", settings);
    buf_release(&domains);
    return settings_render(request, response, "sso", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

static json_t *domains_of(const char *text) {
    json_t *list = json_array();
    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        size_t n = strcspn(text, ", ");
        json_t *one = json_stringn(text, n);
        if (one)
            json_array_append_new(list, one);
        text += n;
    }
    return list;
}

static json_t *body_of(struct request *request) {
    const char *secret = settings_form(request, "client_secret"),
               *role = settings_form(request, "role"), *domains = settings_form(request, "domains");
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:b}", "issuer", settings_form(request, "issuer"), "client_id",
                  settings_form(request, "client_id"), "label", settings_form(request, "label"),
                  "trust_email", strcmp(settings_form(request, "trust_email"), "1") == 0);
    if (*secret)
        json_object_set_new(body, "client_secret", json_string(secret));
    if (*role)
        json_object_set_new(body, "role", json_string(role));
    if (*domains)
        json_object_set_new(body, "domains", domains_of(domains));
    return body;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *what = settings_form(request, "what");
    if (strcmp(what, "remove") == 0) {
        int code = page_send(request, METHOD_DELETE, API, NULL, NULL, &refusal);
        return settings_done(request, response, "sso", "removed", code, &refusal, show_view, err);
    }
    if (strcmp(what, "check") == 0) {
        int code = page_send(request, METHOD_POST, API "/check", NULL, NULL, &refusal);
        return settings_done(request, response, "sso", "sso_checked", code, &refusal, show_view,
                             err);
    }
    int code = page_send(request, METHOD_PUT, API, body_of(request), NULL, &refusal);
    return settings_done(request, response, "sso", "saved", code, &refusal, show_view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET, .pattern = "/sign-in/sso", .access = ACCESS_PUBLIC, .handle = begin},
    {.methods = METHOD_GET,
     .pattern = "/sign-in/return",
     .access = ACCESS_PUBLIC,
     .handle = come_back},
    {.methods = METHOD_GET,
     .pattern = "/settings/sso",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/settings/sso",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change},
};
const struct route_table page_sso_routes = ROUTE_TABLE(routes);
