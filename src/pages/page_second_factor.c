/*
 * One's own second factor: get one (password, QR code, a code of it, recovery codes), new recovery codes, end it.
 *
 * What is shown once, secret and recovery codes, stands in the answer to a form and in no address.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/account.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/qr.h"
#include "pages/settings.h"

#define API "/api/v1/me/totp"
enum { QR_BYTES = 256 * 1024 };

static int show(struct request *request, struct response *response, json_t *view, struct err *err) {
    json_t *state, *me;
    int code = page_fetch(request, API, &state, err);
    if (code >= 0)
        json_object_set_new(view, "factor", state);
    if (code >= 0)
        code = page_fetch(request, "/api/v1/me", &me, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set_new(view, "me", me);
    json_object_set_new(view, "section_tab", json_string("me"));
    return settings_render(request, response, "second_factor", view, err);
}

static int show_page(struct request *request, struct response *response, struct err *err) {
    return show(request, response, json_object(), err);
}

static void add_qr(struct request *request, json_t *view, const char *uri) {
    struct buf svg;
    buf_init(&svg, QR_BYTES);
    qr_svg(uri, page_text(request, "factor.qr"), &svg);
    json_object_set_new(view, "qr", json_stringn(svg.p ? svg.p : "", svg.n));
    buf_release(&svg);
}

/* The secret and its code, in view["begun"]. */
static void add_begun(struct request *request, json_t *view, const char *secret, const char *uri,
                      const char *pending) {
    json_t *begun = json_pack("{s:s, s:s, s:s}", "secret", secret, "uri", uri, "pending", pending);
    add_qr(request, begun, uri);
    json_object_set_new(view, "begun", begun);
}

static int refuse(struct request *request, struct response *response, json_t *view, int code,
                  const struct err *refusal, struct err *err) {
    if (code != E_INVALID && code != E_REFUSED) {
        json_decref(view);
        *err = *refusal;
        return code;
    }
    response->status = err_status(code);
    page_form_error(request, view, refusal);
    return show(request, response, view, err);
}

static json_t *password_of(struct request *request) {
    return json_pack("{s:s}", "password", settings_form(request, "password"));
}

static int begin(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *view = json_object(), *begun;
    int code = page_send(request, METHOD_POST, API, password_of(request), &begun, &refusal);
    if (code < 0)
        return refuse(request, response, view, code, &refusal, err);
    add_begun(request, view, json_string_value(json_object_get(begun, "secret")),
              json_string_value(json_object_get(begun, "uri")),
              json_string_value(json_object_get(begun, "pending")));
    json_decref(begun);
    return show(request, response, view, err);
}

static int show_codes(struct request *request, struct response *response, json_t *answer,
                      struct err *err) {
    json_t *view = json_pack("{s:O}", "codes", json_object_get(answer, "recovery_codes"));
    json_decref(answer);
    return show(request, response, view, err);
}

static int confirm(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *answer;
    const char *pending = settings_form(request, "pending");
    json_t *body =
        json_pack("{s:s, s:s}", "pending", pending, "code", settings_form(request, "code"));
    int code = page_send(request, METHOD_PUT, API, body, &answer, &refusal);
    if (code >= 0)
        return show_codes(request, response, answer, err);
    json_t *view = json_object();
    if (strcmp(refusal.pointer, "/code") == 0) /* the same QR code again */
        add_begun(request, view, settings_form(request, "secret"), settings_form(request, "uri"),
                  pending);
    return refuse(request, response, view, code, &refusal, err);
}

static int renew(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *answer;
    int code =
        page_send(request, METHOD_POST, API "/codes", password_of(request), &answer, &refusal);
    return code < 0 ? refuse(request, response, json_object(), code, &refusal, err)
                    : show_codes(request, response, answer, err);
}

static int end(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_send(request, METHOD_DELETE, API, password_of(request), NULL, &refusal);
    return code < 0 ? refuse(request, response, json_object(), code, &refusal, err)
                    : page_redirect(request, response, "/settings/me/second-factor", "saved");
}

static int change(struct request *request, struct response *response, struct err *err) {
    static const struct {
        const char *name;
        int (*run)(struct request *, struct response *, struct err *);
    } steps[] = {{"begin", begin}, {"confirm", confirm}, {"renew", renew}, {"end", end}};
    const char *step = settings_form(request, "step");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].name, step) == 0)
            return steps[i].run(request, response, err);
    return show_page(request, response, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/me/second-factor",
     .access = ACCESS_SESSION,
     .unenrolled = true,
     .handle = show_page},
    {.methods = METHOD_POST,
     .pattern = "/settings/me/second-factor",
     .access = ACCESS_SESSION,
     .unenrolled = true,
     .handle = change},
};
const struct route_table page_second_factor_routes = ROUTE_TABLE(routes);
