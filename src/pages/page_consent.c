/*
 * /c/{token}: where a customer sees what their data are used for, and changes it. Nobody signs in; a signed link that expires
 * is enough, as often as wanted until then. Looking changes nothing, and it works without script.
 *
 * WORDING  The form says of each purpose which wording was shown. Who agrees, agrees to that: where there is another by now, nothing is
 * written and the new text is shown. Who no longer agrees is heard in any case; what was not shown stays as it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/consents.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "privacy/privacy.h"

static const struct page page = {.template = "consent", .title = "consent.title", .narrow = true};

static int who(struct request *request, uint32_t *profile, int64_t *expires_ms, struct err *err) {
    return consent_link_read(app_folder(request->app), request->params[0], request->received_ms,
                             profile, expires_ms, err);
}

static void in_language(const struct request *request, json_t *row, const char *member) {
    json_t *text = json_object_get(json_object_get(row, member), request->language);
    if (text)
        json_object_set(row, member, text);
}

static int render(struct request *request, struct response *response, uint32_t profile,
                  int64_t expires_ms, const char *done, struct err *err) {
    json_t *rows, *row;
    size_t i;
    int code = consents_read(request, profile, &rows, err);
    if (code)
        return code;
    json_array_foreach(rows, i, row) {
        const char *basis = json_string_value(json_object_get(row, "basis"));
        in_language(request, row, "title");
        in_language(request, row, "text");
        json_object_set_new(row, "fixed", json_boolean(basis && strcmp(basis, "contract") == 0));
        json_object_del(row, "history"); /* who of the organisation wrote what is not for here */
    }
    response_header(request, response, "X-Robots-Tag", "noindex");
    json_t *view = json_pack("{s:o, s:o, s:s}", "purposes", rows, "expires",
                             api_instant(expires_ms), "token", request->params[0]);
    if (done)
        json_object_set_new(view, done, json_true());
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    uint32_t profile;
    int64_t expires_ms;
    int code = who(request, &profile, &expires_ms, err);
    return code ? code : render(request, response, profile, expires_ms, NULL, err);
}

/* What somebody ticked of a purpose, where that differs from what holds. *stale: it was another text that they agreed to. */
static int save_one(struct request *request, uint32_t profile, const json_t *row, bool *stale,
                    struct err *err) {
    const char *purpose = json_string_value(json_object_get(row, "purpose")),
               *basis = json_string_value(json_object_get(row, "basis")),
               *seen = request_form(request, arena_format(request->arena, "seen:%s", purpose)),
               *now = arena_format(request->arena, "%lld",
                                   (long long)json_integer_value(json_object_get(row, "wording")));
    bool allowed = json_is_true(json_object_get(row, "allowed")), written;
    bool wanted = request_form(request, arena_format(request->arena, "use:%s", purpose)) != NULL;
    if (!seen || wanted == allowed || !basis || strcmp(basis, "contract") == 0)
        return 0;
    if (wanted && strcmp(seen, now) != 0) {
        *stale = true;
        return 0;
    }
    return consent_say(request, profile, purpose, wanted, request->received_ms, "link", "",
                       &written, err);
}

static int save(struct request *request, struct response *response, struct err *err) {
    uint32_t profile;
    int64_t expires_ms;
    bool stale = false;
    json_t *rows = NULL, *row;
    size_t i;
    int code = who(request, &profile, &expires_ms, err);
    if (!code)
        code = consents_read(request, profile, &rows, err);
    json_array_foreach(rows, i, row) if (!code) code = save_one(request, profile, row, &stale, err);
    json_decref(rows);
    return code ? code
                : render(request, response, profile, expires_ms, stale ? "stale" : "saved", err);
}

/* ---- for the people of the organisation ---- */

static int make_link(struct request *request, struct response *response, struct err *err) {
    static const struct page link_page = {.template = "consent_link",
                                          .section = "customers",
                                          .title = "consent.link",
                                          .narrow = true};
    const char *own = page_path(request, "/api/v1/customers/", request->params[0]);
    json_t *link, *customer;
    int code = page_send(request, METHOD_POST, arena_format(request->arena, "%s/consent-link", own),
                         NULL, &link, err);
    if (code < 0)
        return code;
    code = page_fetch(request, own, &customer, err);
    if (code < 0) {
        json_decref(link);
        return code;
    }
    return page_render(request, response, &link_page,
                       json_pack("{s:o, s:o}", "link", link, "customer", customer), err);
}

static int note(struct request *request, struct response *response, struct err *err) {
    const char *purpose = request_form(request, "purpose"),
               *granted = request_form(request, "granted");
    const char *own = page_path(request, "/api/v1/customers/", request->params[0]);
    int code =
        page_send(request, METHOD_PUT,
                  arena_format(request->arena, "%s%s", own,
                               page_path(request, "/consents/", purpose ? purpose : "")),
                  json_pack("{s:b}", "granted", granted && strcmp(granted, "1") == 0), NULL, err);
    return code < 0
               ? code
               : page_redirect(request, response,
                               page_path(request, "/customers/", request->params[0]), "consent");
}

static const struct route routes[] = {
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/consent-link",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = make_link},
    {.methods = METHOD_POST,
     .pattern = "/customers/{id}/consents",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = note},
    {.methods = METHOD_GET, .pattern = "/c/{token}", .access = ACCESS_PUBLIC, .handle = show},
    {.methods = METHOD_POST, .pattern = "/c/{token}", .access = ACCESS_PUBLIC, .handle = save},
};
const struct route_table page_consent_routes = ROUTE_TABLE(routes);
