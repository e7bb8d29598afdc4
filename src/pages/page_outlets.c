/*
 * Settings, sending: the mail relay and the gateway; and the page of who wants no more surveys.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/app.h"
#include "invite/invite.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

#define API "/api/v1/outlets"

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *outlets;
    int code = page_fetch(request, API, &outlets, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    const char *base = json_string_value(json_object_get(outlets, "base_url"));
    if (!base || !base[0])
        json_object_set_new(outlets, "base_url", json_string(request_base_url(request)));
    json_object_set_new(view, "outlets", outlets);
    return settings_render(request, response, "outlets", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

static void put(struct request *request, json_t *object, const char *member, const char *name) {
    const char *text = settings_form(request, name);
    if (text[0])
        json_object_set_new(object, member, json_string(text));
}

static void put_number(struct request *request, json_t *object, const char *member,
                       const char *name) {
    const char *text = settings_form(request, name);
    if (text[0])
        json_object_set_new(object, member, json_integer(strtol(text, NULL, 10)));
}

static json_t *body_of(struct request *request) {
    json_t *body = json_object(), *mail = json_object(), *gateway = json_object();
    put(request, body, "base_url", "base_url");
    put_number(request, body, "quarantine_days", "quarantine_days");
    put(request, mail, "host", "host");
    put_number(request, mail, "port", "port");
    put(request, mail, "security", "security");
    put(request, mail, "user", "user");
    put(request, mail, "password", "password");
    put(request, mail, "from", "from");
    put(request, mail, "from_name", "from_name");
    put(request, mail, "reply_to", "reply_to");
    put(request, mail, "bounces", "bounces");
    put_number(request, mail, "per_minute", "per_minute");
    put(request, gateway, "url", "url");
    put(request, gateway, "secret", "secret");
    put_number(request, gateway, "per_minute", "gateway_per_minute");
    if (json_object_get(mail, "host"))
        json_object_set(body, "mail", mail);
    if (json_object_get(gateway, "url"))
        json_object_set(body, "gateway", gateway);
    json_decref(mail);
    json_decref(gateway);
    return body;
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *to = settings_form(request, "to");
    if (!to[0]) {
        int code = page_send(request, METHOD_PUT, API, body_of(request), NULL, &refusal);
        return settings_done(request, response, "outlets", "saved", code, &refusal, show_view, err);
    }
    json_t *body = json_pack("{s:s, s:s}", "channel", settings_form(request, "channel"), "to", to);
    int code = page_send(request, METHOD_POST, API "/try", body, NULL, &refusal);
    return settings_done(request, response, "outlets", "outlet_tried", code, &refusal, show_view,
                         err);
}

/* ---- no more surveys ---- */

static const struct page unsubscribe_page = {.template = "unsubscribe",
                                             .title = "unsubscribe.title"};

/* Opening the link changes nothing: programs that read mail open every link. */
static int ask(struct request *request, struct response *response, struct err *err) {
    uint64_t invitation;
    int code =
        invite_unsubscribe_find(app_folder(request->app), request->params[0], &invitation, err);
    return code ? code
                : page_render(request, response, &unsubscribe_page,
                              json_pack("{s:s}", "token", request->params[0]), err);
}

/* The button, or the mail program's own (RFC 8058). */
static int leave(struct request *request, struct response *response, struct err *err) {
    uint64_t invitation;
    struct folder *folder = app_folder(request->app);
    int code = invite_unsubscribe_find(folder, request->params[0], &invitation, err);
    if (!code)
        code = invite_unsubscribe(folder, invitation, err);
    return code ? code
                : page_render(request, response, &unsubscribe_page, json_pack("{s:b}", "done", 1),
                              err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/outlets",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/settings/outlets",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change},
    {.methods = METHOD_GET, .pattern = "/u/{token}", .access = ACCESS_PUBLIC, .handle = ask},
    {.methods = METHOD_POST, .pattern = "/u/{token}", .access = ACCESS_PUBLIC, .handle = leave},
};
const struct route_table page_outlet_routes = ROUTE_TABLE(routes);
