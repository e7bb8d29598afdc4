/*
 * One person, for an administrator: name, role, language, units; the link for a password, the second factor, where they are signed
 * in; switched off or removed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/account.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

enum { UNITS_OFFERED = 2000 };

static const char *api_of(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/users/", request->params[0]), rest);
}

static bool holds(const json_t *list, const char *name) {
    size_t i;
    json_t *text;
    json_array_foreach(list, i, text) if (strcmp(json_string_value(text), name) == 0) return true;
    return false;
}

/* Every unit with whether it is the person's. */
static int add_units(struct request *request, const json_t *user, json_t *view, struct err *err) {
    json_t *units, *unit;
    const json_t *own = json_object_get(user, "units");
    int code = settings_rows(request, "/api/v1/units", &units, err);
    if (code < 0)
        return code;
    size_t i;
    json_array_foreach(units, i, unit) json_object_set_new(
        unit, "selected",
        json_boolean(holds(own, json_string_value(json_object_get(unit, "name")))));
    json_object_set_new(view, "limited", json_boolean(json_is_array(own)));
    json_object_set_new(view, "offered", units);
    return 0;
}

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *user = NULL, *sessions = NULL;
    int code = page_fetch(request, api_of(request, ""), &user, err);
    if (code >= 0)
        code = settings_rows(request, api_of(request, "/sessions"), &sessions, err);
    if (code >= 0)
        code = add_units(request, user, view, err);
    if (code < 0) {
        json_decref(user);
        json_decref(sessions);
        json_decref(view);
        return code;
    }
    const char *role = json_string_value(json_object_get(user, "role"));
    const char *own =
        arena_format(request->arena, "%llu", (unsigned long long)request->principal.user);
    bool above = strcmp(role, "owner") == 0 && request->principal.role < ROLE_OWNER;
    bool self = strcmp(own, request->params[0]) == 0;
    json_object_set_new(view, "roles", settings_roles(request, role));
    json_object_set_new(view, "above", json_boolean(above));
    json_object_set_new(view, "self", json_boolean(self));
    json_object_set_new(view, "sessions", sessions);
    json_object_set_new(view, "user", user);
    json_object_set_new(view, "section_tab", json_string("people"));
    return settings_render(request, response, "person", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

/* "unit:NAME" of each box that is checked; null for everything. */
static json_t *units_of_form(struct request *request) {
    json_t *units, *unit, *list = json_array();
    struct err ignored = {0};
    size_t i;
    if (strcmp(settings_form(request, "limited"), "1") != 0 ||
        settings_rows(request, "/api/v1/units", &units, &ignored) < 0) {
        json_decref(list);
        return json_null();
    }
    json_array_foreach(units, i, unit) {
        const char *name = json_string_value(json_object_get(unit, "name"));
        if (i < UNITS_OFFERED &&
            request_form(request, arena_format(request->arena, "unit:%s", name)))
            json_array_append_new(list, json_string(name));
    }
    json_decref(units);
    return list;
}

static int save(struct request *request, struct err *refusal) {
    json_t *body = json_pack("{s:s, s:s, s:o}", "name", settings_form(request, "name"), "language",
                             settings_form(request, "language"), "units", units_of_form(request));
    const char *role = request_form(request, "role");
    if (role)
        json_object_set_new(body, "role", json_string(role));
    return page_send(request, METHOD_PATCH, api_of(request, ""), body, NULL, refusal);
}

static int make_link(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *link;
    int code =
        page_send(request, METHOD_POST, api_of(request, "/link"), json_object(), &link, &refusal);
    if (code < 0) {
        *err = refusal;
        return code;
    }
    return show_view(request, response, json_pack("{s:o}", "link", link), err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *step = settings_form(request, "step");
    const char *here = page_path(request, "people/", request->params[0]);
    struct err refusal = {0};
    int code;
    if (strcmp(step, "link") == 0)
        return make_link(request, response, err);
    if (strcmp(step, "remove") == 0) {
        code = page_send(request, METHOD_DELETE, api_of(request, ""), NULL, NULL, &refusal);
        return settings_done(request, response, "people", "removed", code, &refusal, show_view,
                             err);
    }
    if (strcmp(step, "totp") == 0)
        code = page_send(request, METHOD_DELETE, api_of(request, "/totp"), NULL, NULL, &refusal);
    else if (strcmp(step, "sessions") == 0)
        code =
            page_send(request, METHOD_DELETE, api_of(request, "/sessions"), NULL, NULL, &refusal);
    else if (strcmp(step, "disable") == 0 || strcmp(step, "enable") == 0)
        code =
            page_send(request, METHOD_PATCH, api_of(request, ""),
                      json_pack("{s:b}", "disabled", strcmp(step, "disable") == 0), NULL, &refusal);
    else
        code = save(request, &refusal);
    return settings_done(request, response, here, "saved", code, &refusal, show_view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/people/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/settings/people/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .body_limit = 1 << 18,
     .handle = change},
};
const struct route_table page_person_routes = ROUTE_TABLE(routes);
