/*
 * Settings: the organisation, the rules of touchpoints, and one's own profile.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/settings.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "folder/folder.h"
#include "http/account.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/regions.h"

/* ---- shared ---- */

static const struct {
    const char *name;
    unsigned scopes;
} tabs[] = {
    /* One a line, so that additions do not meet. */
    {"organisation", 0},
    {"touchpoints", 0},
    {"units", 0},
    {"identifiers", SCOPE_MANAGE},
    {"people", SCOPE_ADMIN},
    {"sso", SCOPE_ADMIN},
    {"outlets", SCOPE_ADMIN},
    {"webhooks", SCOPE_ADMIN},
    {"keys", SCOPE_ADMIN},
    {"audit", SCOPE_ADMIN},
    {"privacy", SCOPE_ADMIN},
    {"jobs", SCOPE_ADMIN},
    {"me", 0},
};

int settings_render(struct request *request, struct response *response, const char *tab,
                    json_t *view, struct err *err) {
    json_t *list = json_array();
    const char *within = json_string_value(json_object_get(view, "section_tab"));
    const char *shown = within ? within : tab;
    for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++)
        if ((request->principal.scopes & tabs[i].scopes) == tabs[i].scopes)
            json_array_append_new(list, json_pack("{s:s, s:b}", "tab", tabs[i].name, "current",
                                                  strcmp(shown, tabs[i].name) == 0));
    json_object_set_new(view, "tabs", list);
    const struct page page = {
        .template = arena_format(request->arena, "settings_%s", tab),
        .section = "settings",
        .title = arena_format(request->arena, "settings.tab.%s", tab),
    };
    return page_render(request, response, &page, view, err);
}

int settings_done(struct request *request, struct response *response, const char *tab,
                  const char *notice, int code, const struct err *refusal,
                  int (*show)(struct request *request, struct response *response, json_t *view,
                              struct err *err),
                  struct err *err) {
    if (code >= 0)
        return page_redirect(request, response, arena_format(request->arena, "/settings/%s", tab),
                             notice);
    if (code != E_INVALID && code != E_CONFLICT && code != E_REFUSED) {
        *err = *refusal;
        return code;
    }
    response->status = err_status(code);
    json_t *view = json_object();
    page_form_error(request, view, refusal);
    return show(request, response, view, err);
}

const char *settings_form(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

int settings_rows(struct request *request, const char *target, json_t **rows, struct err *err) {
    json_t *answer;
    int code = page_fetch(request, target, &answer, err);
    if (code < 0)
        return code;
    *rows = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return 0;
}

/* ---- the organisation ---- */

static int show_organisation_view(struct request *request, struct response *response, json_t *view,
                                  struct err *err) {
    json_t *settings;
    int code = page_fetch(request, "/api/v1/settings", &settings, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    const char *region = json_string_value(json_object_get(settings, "region"));
    json_object_set_new(view, "regions", regions_json(region && *region ? region : "es-ES"));
    json_object_set_new(view, "timezones",
                        timezones_json(json_string_value(json_object_get(settings, "timezone"))));
    static const char *const least[] = {"viewer",  "agent",         "unit_manager",
                                        "analyst", "administrator", "owner"};
    const char *totp = json_string_value(json_object_get(settings, "totp_required"));
    json_t *choices = json_array();
    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        json_array_append_new(choices, json_pack("{s:s, s:b}", "role", least[i], "selected",
                                                 totp && strcmp(totp, least[i]) == 0));
    json_object_set_new(view, "totp_roles", choices);
    json_object_set_new(view, "settings", settings);
    json_object_set_new(view, "example_number", json_real(12345.6));
    json_object_set_new(view, "example_share", json_real(0.315));
    json_object_set_new(view, "example_time", json_integer((json_int_t)request->received_ms));
    return settings_render(request, response, "organisation", view, err);
}

static int show_organisation(struct request *request, struct response *response, struct err *err) {
    return show_organisation_view(request, response, json_object(), err);
}

static int change_organisation(struct request *request, struct response *response,
                               struct err *err) {
    struct err refusal = {0};
    json_t *body = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "name", settings_form(request, "name"), "region",
        settings_form(request, "region"), "language", settings_form(request, "language"),
        "timezone", settings_form(request, "timezone"), "currency",
        settings_form(request, "currency"), "floor",
        (json_int_t)strtol(settings_form(request, "floor"), NULL, 10), "totp_required",
        settings_form(request, "totp_required"));
    int code = page_send(request, METHOD_PATCH, "/api/v1/settings", body, NULL, &refusal);
    return settings_done(request, response, "organisation", "saved", code, &refusal,
                         show_organisation_view, err);
}

/* ---- touchpoints ---- */

enum { RULES_MAX = 300, EVENTS_OFFERED = 300, RULES_PREVIEWED = 60 };
static const char *const rule_fields[] = {"event",    "path",  "channel",
                                          "property", "value", "touchpoint"};
enum { RULE_FIELDS = sizeof rule_fields / sizeof *rule_fields };

/* How many interactions each touchpoint has now, by name. */
static json_t *touchpoint_counts(struct request *request) {
    json_t *answer = NULL, *counts = json_object(), *row;
    struct err ignored = {0};
    json_t *query =
        json_pack("{s:s, s:s, s:s}", "kind", "trend", "by", "touchpoint", "every", "month");
    if (page_query(request, query, &answer, &ignored) < 0)
        return counts;
    size_t i;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        if (!name)
            continue;
        double sum = json_number_value(json_object_get(counts, name)) +
                     json_number_value(json_object_get(row, "value"));
        json_object_set_new(counts, name, json_real(sum));
    }
    json_decref(answer);
    return counts;
}

static json_t *events_json(const struct request *request) {
    const struct dictionary *dictionary = app_folder(request->app)->dictionary;
    uint16_t n = dictionary_count(dictionary, DICTIONARY_EVENT);
    json_t *list = json_array();
    for (uint16_t code = 1; code <= n && code <= EVENTS_OFFERED; code++) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_EVENT, code);
        json_t *text = name.n ? json_stringn(name.p, name.n) : NULL;
        if (text)
            json_array_append_new(list, text);
    }
    return list;
}

static int show_rules(struct request *request, struct response *response, json_t *rules,
                      json_t *view, struct err *err) {
    json_t *counts = touchpoint_counts(request), *rule;
    size_t i;
    json_array_foreach(rules, i, rule) {
        const char *name = json_string_value(json_object_get(rule, "touchpoint"));
        json_object_set_new(rule, "index", json_integer((json_int_t)i));
        json_object_set_new(rule, "position", json_integer((json_int_t)i + 1));
        json_object_set_new(
            rule, "channels",
            channels_json(request, json_string_value(json_object_get(rule, "channel"))));
        if (name && *name)
            json_object_set(rule, "count", json_object_get(counts, name));
    }
    json_decref(counts);
    json_object_set_new(view, "rules", rules);
    json_object_set_new(view, "events", events_json(request));
    return settings_render(request, response, "touchpoints", view, err);
}

static int show_touchpoints(struct request *request, struct response *response, struct err *err) {
    json_t *answer;
    int code = page_fetch(request, "/api/v1/touchpoints", &answer, err);
    if (code < 0)
        return code;
    json_t *rules = json_incref(json_object_get(answer, "rules"));
    json_decref(answer);
    return show_rules(request, response, rules, json_object(), err);
}

/* The rules as the form has them, without the empty ones at the end and without rule `without` (-1: none). */
static json_t *rules_of_form(struct request *request, int without) {
    json_t *rules = json_array();
    for (int i = 0; i < RULES_MAX; i++) {
        json_t *rule = json_object();
        bool present = false;
        for (int k = 0; k < RULE_FIELDS; k++) {
            const char *value =
                request_form(request, arena_format(request->arena, "%s_%d", rule_fields[k], i));
            present |= value != NULL;
            if (value && *value)
                json_object_set_new(rule, rule_fields[k], json_string(value));
        }
        if (!present) {
            json_decref(rule);
            break;
        }
        if (i == without)
            json_decref(rule);
        else
            json_array_append_new(rules, rule);
    }
    return rules;
}

static int change_touchpoints(struct request *request, struct response *response, struct err *err) {
    const char *remove = request_form(request, "remove");
    json_t *rules = rules_of_form(request, remove ? atoi(remove) : -1);
    if (request_form(request, "add") ||
        remove) { /* nothing is stored yet: the form comes back changed */
        if (!remove)
            json_array_append_new(rules, json_object());
        return show_rules(request, response, rules, json_object(), err);
    }
    for (size_t i = json_array_size(rules); i-- > 0;)
        if (json_object_size(json_array_get(rules, i)) == 0)
            json_array_remove(rules, i);
    struct err refusal = {0};
    json_t *body = json_pack("{s:O}", "rules", rules);
    int code = page_send(request, METHOD_PUT, "/api/v1/touchpoints", body, NULL, &refusal);
    if (code == E_INVALID) {
        json_t *view = json_object();
        response->status = 422;
        page_form_error(request, view, &refusal);
        return show_rules(request, response, rules, view, err);
    }
    json_decref(rules);
    if (code < 0)
        *err = refusal;
    return code < 0 ? code : page_redirect(request, response, "/settings/touchpoints", "rules");
}

/* How many interactions fit each rule of the form by itself: what the editor shows while somebody writes. A page's path is
 * compared here, over the distinct paths of the interactions that fit the rest. */
static double count_matching(const json_t *answer, const char *glob) {
    double sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *path = json_string_value(json_object_get(row, "by"));
        if (!glob || (path && fnmatch(glob, path, 0) == 0))
            sum += json_number_value(json_object_get(row, "value"));
    }
    return sum;
}

static double count_rule(struct request *request, const json_t *rule) {
    static const char *const paths[] = {"context.page.path", "path"};
    const char *glob = json_string_value(json_object_get(rule, "path"));
    const char *event = json_string_value(json_object_get(rule, "event"));
    const char *channel = json_string_value(json_object_get(rule, "channel"));
    const char *property = json_string_value(json_object_get(rule, "property"));
    const char *value = json_string_value(json_object_get(rule, "value"));
    bool has_glob = glob && *glob;
    double sum = 0;
    for (int i = 0; i < (has_glob ? 2 : 1); i++) {
        json_t *query = json_pack("{s:s, s:s}", "kind", "trend", "every", "month"),
               *where = json_array();
        if (event && *event)
            json_object_set_new(query, "of", json_pack("{s:s}", "event", event));
        if (channel && *channel)
            json_object_set_new(query, "channel", json_pack("[s]", channel));
        if (property && *property)
            json_array_append_new(where, json_pack("{s:s, s:s, s:s}", "property", property, "op",
                                                   "=", "value", value ? value : ""));
        if (i == 1)
            json_array_append_new(where,
                                  json_pack("{s:s, s:s}", "property", paths[0], "op", "absent"));
        if (has_glob)
            json_object_set_new(query, "by", json_pack("{s:s}", "property", paths[i]));
        json_object_set_new(query, "where", where);
        json_t *answer = NULL;
        struct err ignored = {0};
        if (page_query(request, query, &answer, &ignored) >= 0)
            sum += count_matching(answer, has_glob ? glob : NULL);
        json_decref(answer);
    }
    return sum;
}

static int preview_touchpoints(struct request *request, struct response *response,
                               struct err *err) {
    json_t *body, *rule, *counts = json_array();
    int code = request_json(request, &body, err);
    if (code < 0) {
        json_decref(counts);
        return code;
    }
    size_t i;
    json_array_foreach(json_object_get(body, "rules"), i, rule) {
        static const char *const conditions[] = {"event", "path", "channel", "property"};
        bool empty = true;
        for (size_t k = 0; k < 4; k++)
            empty &= json_string_length(json_object_get(rule, conditions[k])) == 0;
        if (i < RULES_PREVIEWED)
            json_array_append_new(counts,
                                  empty ? json_null() : json_real(count_rule(request, rule)));
    }
    json_t *answer = json_pack("{s:o}", "counts", counts);
    response_json(response, 200, answer);
    json_decref(answer);
    json_decref(body);
    return HANDLED;
}

/* ---- oneself ---- */

static int show_me_view(struct request *request, struct response *response, json_t *view,
                        struct err *err) {
    json_t *me;
    int code = page_fetch(request, "/api/v1/me", &me, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set_new(view, "me", me);
    json_t *sessions;
    struct err ignored = {0};
    if (settings_rows(request, "/api/v1/sessions", &sessions, &ignored) >= 0)
        json_object_set_new(view, "sessions", sessions);
    return settings_render(request, response, "me", view, err);
}

static int show_me(struct request *request, struct response *response, struct err *err) {
    return show_me_view(request, response, json_object(), err);
}

static int change_me(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *body = json_pack("{s:s, s:s}", "name", settings_form(request, "name"), "language",
                             settings_form(request, "language"));
    int code = page_send(request, METHOD_PATCH, "/api/v1/me", body, NULL, &refusal);
    return settings_done(request, response, "me", "saved", code, &refusal, show_me_view, err);
}

static int change_password(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *body = json_pack("{s:s, s:s}", "current", settings_form(request, "current"), "password",
                             settings_form(request, "password"));
    int code = page_send(request, METHOD_PATCH, "/api/v1/me", body, NULL, &refusal);
    return settings_done(request, response, "me", "password", code, &refusal, show_me_view, err);
}

static int end_session(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    if (request_form(request, "others")) {
        int ended = page_send(request, METHOD_DELETE, "/api/v1/sessions", NULL, NULL, &refusal);
        return settings_done(request, response, "me", "saved", ended, &refusal, show_me_view, err);
    }
    const char *target = page_path(request, "/api/v1/sessions/", settings_form(request, "revoke"));
    int code = page_send(request, METHOD_DELETE, target, NULL, NULL, &refusal);
    return settings_done(request, response, "me", "saved", code, &refusal, show_me_view, err);
}

static int show_first(struct request *request, struct response *response, struct err *err) {
    (void)err;
    return page_redirect(request, response, "/settings/organisation", NULL);
}

static const struct route routes[] = {
    {.methods = METHOD_GET, .pattern = "/settings", .access = ACCESS_SESSION, .handle = show_first},
    {.methods = METHOD_GET,
     .pattern = "/settings/organisation",
     .access = ACCESS_SESSION,
     .handle = show_organisation},
    {.methods = METHOD_POST,
     .pattern = "/settings/organisation",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .handle = change_organisation},
    {.methods = METHOD_GET,
     .pattern = "/settings/touchpoints",
     .access = ACCESS_SESSION,
     .handle = show_touchpoints},
    {.methods = METHOD_POST,
     .pattern = "/settings/touchpoints",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .body_limit = 1 << 20,
     .handle = change_touchpoints},
    {.methods = METHOD_POST,
     .pattern = "/settings/touchpoints/preview",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .body_limit = 1 << 20,
     .handle = preview_touchpoints},
    {.methods = METHOD_GET, .pattern = "/settings/me", .access = ACCESS_SESSION, .handle = show_me},
    {.methods = METHOD_POST,
     .pattern = "/settings/me",
     .access = ACCESS_SESSION,
     .handle = change_me},
    {.methods = METHOD_POST,
     .pattern = "/settings/me/password",
     .access = ACCESS_SESSION,
     .handle = change_password},
    {.methods = METHOD_POST,
     .pattern = "/settings/me/sessions",
     .access = ACCESS_SESSION,
     .handle = end_session},
};
const struct route_table page_settings_routes = ROUTE_TABLE(routes);
