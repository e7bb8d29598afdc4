/*
 * Settings that only administrators open: people and their roles, API keys, the audit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/account.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"
#include "pages/text.h"

/* ---- people ---- */

/* Highest first; only an owner may give the first. */
static const char *const roles[] = {"owner",        "administrator", "analyst",
                                    "unit_manager", "agent",         "viewer"};
enum { ROLES = sizeof roles / sizeof *roles };

json_t *settings_roles(const struct request *request, const char *selected) {
    json_t *list = json_array();
    for (size_t i = request->principal.role >= ROLE_OWNER ? 0 : 1; i < ROLES; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "role", roles[i], "selected",
                                              selected && strcmp(selected, roles[i]) == 0));
    return list;
}

static int show_people_view(struct request *request, struct response *response, json_t *view,
                            struct err *err) {
    json_t *users;
    int code = settings_rows(request, "/api/v1/users", &users, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set_new(view, "users", users);
    json_object_set_new(view, "roles_all", settings_roles(request, NULL));
    return settings_render(request, response, "people", view, err);
}

static int show_people(struct request *request, struct response *response, struct err *err) {
    return show_people_view(request, response, json_object(), err);
}

static int show_refused_people(struct request *request, struct response *response, json_t *view,
                               struct err *err) {
    json_object_set_new(view, "form",
                        json_pack("{s:s, s:s}", "name", settings_form(request, "name"), "email",
                                  settings_form(request, "email")));
    return show_people_view(request, response, view, err);
}

/* The link of the invitation is shown in this answer and never again: no redirect. */
static int add_person(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *answer;
    json_t *body =
        json_pack("{s:s, s:s, s:s}", "name", settings_form(request, "name"), "email",
                  settings_form(request, "email"), "role", settings_form(request, "role"));
    int code = page_send(request, METHOD_POST, "/api/v1/users", body, &answer, &refusal);
    if (code < 0)
        return settings_done(request, response, "people", NULL, code, &refusal, show_refused_people,
                             err);
    return show_people_view(request, response, json_pack("{s:o}", "made", answer), err);
}

/* ---- keys ---- */

static const char *const key_scopes[] = {"query",  "import", "collect",
                                         "manage", "admin",  "metrics"};

static int show_keys_view(struct request *request, struct response *response, json_t *view,
                          struct err *err) {
    json_t *keys, *scopes = json_array();
    int code = settings_rows(request, "/api/v1/keys", &keys, err);
    if (code < 0) {
        json_decref(scopes);
        json_decref(view);
        return code;
    }
    for (size_t i = 0; i < sizeof key_scopes / sizeof *key_scopes; i++)
        json_array_append_new(scopes,
                              json_pack("{s:s, s:b}", "scope", key_scopes[i], "selected", i == 0));
    json_t *units;
    struct err ignored = {0};
    if (settings_rows(request, "/api/v1/units", &units, &ignored) >= 0)
        json_object_set_new(view, "offered", units);
    json_object_set_new(view, "keys", keys);
    json_object_set_new(view, "scopes_all", scopes);
    return settings_render(request, response, "keys", view, err);
}

static int show_keys(struct request *request, struct response *response, struct err *err) {
    return show_keys_view(request, response, json_object(), err);
}

/* The secret is shown in this answer and never again: no redirect. */
static int add_key(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *scopes = json_array(), *answer = NULL;
    for (size_t i = 0; i < sizeof key_scopes / sizeof *key_scopes; i++)
        if (request_form(request, arena_format(request->arena, "scope_%s", key_scopes[i])))
            json_array_append_new(scopes, json_string(key_scopes[i]));
    json_t *body = json_pack("{s:s, s:o, s:s}", "name", settings_form(request, "name"), "scopes",
                             scopes, "expires_at", settings_form(request, "expires"));
    const char *unit = settings_form(request, "unit");
    if (unit[0])
        json_object_set_new(body, "units", json_pack("[s]", unit));
    int code = page_send(request, METHOD_POST, "/api/v1/keys", body, &answer, &refusal);
    if (code < 0)
        return settings_done(request, response, "keys", NULL, code, &refusal, show_keys_view, err);
    json_t *view = json_pack("{s:O?}", "secret", json_object_get(answer, "secret"));
    json_decref(answer);
    return show_keys_view(request, response, view, err);
}

static int rotate_key(struct request *request, struct response *response, const char *id,
                      struct err *err) {
    struct err refusal = {0};
    json_t *answer;
    const char *target =
        arena_format(request->arena, "%s/rotate", page_path(request, "/api/v1/keys/", id));
    int code = page_send(request, METHOD_POST, target, json_object(), &answer, &refusal);
    if (code < 0)
        return settings_done(request, response, "keys", NULL, code, &refusal, show_keys_view, err);
    json_t *view = json_pack("{s:O?}", "secret", json_object_get(answer, "secret"));
    json_decref(answer);
    return show_keys_view(request, response, view, err);
}

static int change_keys(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove");
    if (request_form(request, "rotate"))
        return rotate_key(request, response, request_form(request, "rotate"), err);
    if (!remove)
        return add_key(request, response, err);
    struct err refusal = {0};
    int code = page_send(request, METHOD_DELETE, page_path(request, "/api/v1/keys/", remove), NULL,
                         NULL, &refusal);
    return settings_done(request, response, "keys", "removed", code, &refusal, show_keys_view, err);
}

/* ---- audit ---- */

/* The API's address for what the page's form asks; "" at a filter: all. */
static const char *audit_target(struct request *request, const char *prefix, const char *cursor) {
    static const char *const filters[] = {"who", "what", "about", "from", "to"};
    struct buf target;
    buf_init(&target, 16384);
    buf_add_format(&target, "%scursor=%s", prefix, cursor);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const char *value = request_query(request, filters[i]);
        if (!value || !value[0])
            continue;
        buf_add_format(&target, "&%s=", filters[i]);
        url_encode(slice_of(value), &target);
    }
    const char *text = arena_text(request->arena, buf_slice(&target));
    buf_release(&target);
    return text;
}

static void in_words(struct request *request, json_t *entry, const char *member,
                     const char *prefix) {
    const char *value = json_string_value(json_object_get(entry, member));
    const char *words = value ? text_of_value(request->language, prefix, value) : NULL;
    if (words)
        json_object_set_new(entry, member, json_string(words));
}

/* Kinds of questions, of what is exported, and roles, as people call them. */
static void entry_in_words(struct request *request, json_t *entry) {
    const char *what = json_string_value(json_object_get(entry, "what"));
    if (what && (strcmp(what, "query.people") == 0 || strcmp(what, "export") == 0))
        in_words(request, entry, "about", "audit.about");
    in_words(request, entry, "detail",
             what && strncmp(what, "user.", 5) == 0 ? "role" : "audit.about");
}

/* What entries begin with, as people choose it. */
static json_t *audit_groups(struct request *request) {
    static const char *const names[] = {
        "session",   "totp",       "customer", "consent", "query",   "export",       "import",
        "user",      "key",        "unit",     "group",   "segment", "segmentation", "promise",
        "survey",    "invitation", "kiosk",    "review",  "source",  "webhook",      "property",
        "retention", "settings",   "job",      "backup"};
    const char *asked = request_query(request, "what");
    json_t *groups = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_array_append_new(groups, json_pack("{s:s, s:b}", "name", names[i], "chosen",
                                                asked && strcmp(asked, names[i]) == 0));
    return groups;
}

static int show_audit(struct request *request, struct response *response, struct err *err) {
    static const char *const fields[] = {"who", "what", "about", "from", "to"};
    const char *cursor = request_query(request, "cursor");
    json_t *answer;
    struct err refusal = {0};
    int code = page_fetch(
        request, audit_target(request, "/api/v1/audit?limit=50&", cursor && *cursor ? cursor : "0"),
        &answer, &refusal);
    if (code < 0 && code != E_INVALID) {
        *err = refusal;
        return code;
    }
    if (code < 0)
        answer = json_object();
    json_t *entry;
    size_t row;
    json_array_foreach(json_object_get(answer, "data"), row, entry) entry_in_words(request, entry);
    json_t *view = json_pack("{s:O?, s:o}", "entries", json_object_get(answer, "data"), "groups",
                             audit_groups(request));
    if (code < 0)
        page_form_error(request, view, &refusal);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (request_query(request, fields[i]))
            json_object_set_new(view, fields[i], json_string(request_query(request, fields[i])));
    const char *next = json_string_value(json_object_get(answer, "next"));
    if (next)
        json_object_set_new(view, "older",
                            json_string(audit_target(request, "/settings/audit?", next)));
    json_decref(answer);
    return settings_render(request, response, "audit", view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/people",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show_people},
    {.methods = METHOD_POST,
     .pattern = "/settings/people",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = add_person},
    {.methods = METHOD_GET,
     .pattern = "/settings/keys",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show_keys},
    {.methods = METHOD_POST,
     .pattern = "/settings/keys",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change_keys},
    {.methods = METHOD_GET,
     .pattern = "/settings/audit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show_audit},
};
const struct route_table page_people_routes = ROUTE_TABLE(routes);
