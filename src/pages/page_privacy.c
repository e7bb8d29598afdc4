/*
 * Settings, privacy: what data are used for, how long what is kept, what each property is, and who was erased, with the proof.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"
#include "pages/words.h"

static const char *const KINDS[] = {"texts", "refusals", "imports", "copies"};
enum { KINDS_N = sizeof KINDS / sizeof *KINDS };

enum { EMPTY_RULES = 2, RULES_MOST = 40 };

/* How long what is kept: a row a kind, and rules of interactions with some empty ones. view["asked"]: what somebody filled in. */
static int put_retention(struct request *request, json_t *view, struct err *err) {
    json_t *retention = json_incref(json_object_get(view, "asked")), *rows = json_array(), *rule,
           *rules = json_array();
    size_t i;
    int code = retention ? 0 : page_fetch(request, "/api/v1/retention", &retention, err);
    for (i = 0; code >= 0 && i < KINDS_N; i++) {
        json_t *days =
            json_object_get(retention, arena_format(request->arena, "%s_days", KINDS[i]));
        json_array_append_new(rows, json_pack("{s:s, s:O}", "kind", KINDS[i], "days", days));
    }
    json_array_foreach(json_object_get(retention, "interaction_rules"), i, rule) {
        json_object_set_new(rule, "i", json_integer((json_int_t)i));
        json_array_append(rules, rule);
    }
    for (size_t n = json_array_size(rules), end = n + EMPTY_RULES; n < end && n < RULES_MOST; n++)
        json_array_append_new(rules, json_pack("{s:I}", "i", (json_int_t)n));
    json_object_set(view, "interactions_days", json_object_get(retention, "interactions_days"));
    json_object_set_new(view, "rules", rules);
    if (code >= 0)
        json_decref(retention);
    json_object_set_new(view, "retention", rows);
    return code;
}

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *erasures, *row;
    size_t i;
    int code = settings_rows(request, "/api/v1/erasures?limit=100", &erasures, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(erasures, i, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        json_object_set_new(row, "failed", json_boolean(state && strcmp(state, "failed") == 0));
        json_object_set_new(row, "done", json_boolean(state && strcmp(state, "done") == 0));
    }
    json_object_set_new(view, "erasures", erasures);
    json_t *purposes;
    code = settings_rows(request, "/api/v1/purposes", &purposes, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(purposes, i, row) {
        json_object_set(row, "title",
                        json_object_get(json_object_get(row, "title"), request->language));
        json_object_set(row, "text",
                        json_object_get(json_object_get(row, "text"), request->language));
    }
    json_object_set_new(view, "purposes", purposes);
    code = put_retention(request, view, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    return settings_render(request, response, "privacy", view, err);
}

/* One purpose, changed or new (?purpose=…, ?purpose= for a new one). */
/* What was typed, so that a refusal loses nothing. */
static json_t *typed_purpose(struct request *request) {
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "name",
                     settings_form(request, "name"), "basis", settings_form(request, "basis"),
                     "title", "es", settings_form(request, "title_es"), "en",
                     settings_form(request, "title_en"), "text", "es",
                     settings_form(request, "text_es"), "en", settings_form(request, "text_en"));
}

static int show_purpose(struct request *request, struct response *response, json_t *view,
                        struct err *err) {
    bool typed = request->method == METHOD_POST;
    const char *wanted = typed ? settings_form(request, "name") : request_query(request, "name");
    json_t *purposes, *row, *found = NULL, *shown;
    size_t i;
    int code = settings_rows(request, "/api/v1/purposes", &purposes, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(purposes, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (wanted && name && strcmp(wanted, name) == 0)
            found = row;
    }
    static const char *const bases[] = {"consent", "interest", "contract"};
    shown = found && !typed ? json_incref(found) : typed_purpose(request);
    const char *basis = json_string_value(json_object_get(shown, "basis"));
    json_t *choices = json_array();
    for (i = 0; i < sizeof bases / sizeof *bases; i++)
        json_array_append_new(choices, json_pack("{s:s, s:b}", "basis", bases[i], "selected",
                                                 basis && strcmp(basis, bases[i]) == 0));
    json_object_set_new(view, "bases", choices);
    json_object_set_new(view, "purpose", shown);
    json_object_set_new(view, "existing", json_boolean(found != NULL));
    json_object_set_new(view, "section_tab", json_string("privacy"));
    json_decref(purposes);
    return settings_render(request, response, "purpose", view, err);
}

static int purpose(struct request *request, struct response *response, struct err *err) {
    return show_purpose(request, response, json_object(), err);
}

static int change_purpose(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *path = page_path(request, "/api/v1/purposes/", settings_form(request, "name"));
    bool remove = strcmp(settings_form(request, "step"), "remove") == 0;
    json_t *body = remove ? NULL
                          : json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "basis",
                                      settings_form(request, "basis"), "title", "es",
                                      settings_form(request, "title_es"), "en",
                                      settings_form(request, "title_en"), "text", "es",
                                      settings_form(request, "text_es"), "en",
                                      settings_form(request, "text_en"));
    int code = page_send(request, remove ? METHOD_DELETE : METHOD_PUT, path, body, NULL, &refusal);
    return settings_done(request, response, "privacy", remove ? "removed" : "saved", code, &refusal,
                         show_purpose, err);
}

static json_t *days_of(const char *text) {
    return text[0] ? json_integer(strtoll(text, NULL, 10)) : json_null();
}

/* The rules that were filled in; a row without conditions is none. */
static json_t *rules_of(struct request *request) {
    static const char *const names[] = {"event", "channel", "source"};
    json_t *rules = json_array();
    for (int i = 0; i < RULES_MOST; i++) {
        json_t *rule = json_object();
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const char *text =
                settings_form(request, arena_format(request->arena, "rule_%s_%d", names[k], i));
            if (text[0])
                json_object_set_new(rule, names[k], json_string(text));
        }
        const char *days = settings_form(request, arena_format(request->arena, "rule_days_%d", i));
        if (json_object_size(rule) || days[0]) {
            json_object_set_new(rule, "days", days_of(days));
            json_array_append_new(rules, rule);
        } else {
            json_decref(rule);
        }
    }
    return rules;
}

static int show_asked(struct request *request, struct response *response, json_t *asked,
                      json_t *preview, struct err *err) {
    json_t *view = json_object();
    json_object_set_new(view, "asked", asked);
    json_object_set_new(view, "preview", preview);
    return show_view(request, response, view, err);
}

/* Saves, or (step preview) says what would go if it were so. */
static int change_retention(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *body = json_object(), *preview = NULL;
    bool looks = strcmp(settings_form(request, "step"), "preview") == 0;
    for (size_t i = 0; i < KINDS_N; i++) {
        const char *name = arena_format(request->arena, "%s_days", KINDS[i]);
        json_object_set_new(body, name, days_of(settings_form(request, name)));
    }
    json_object_set_new(body, "interactions_days",
                        days_of(settings_form(request, "interactions_days")));
    json_object_set_new(body, "interaction_rules", rules_of(request));
    json_t *asked = looks ? json_deep_copy(body) : NULL;
    int code = looks ? page_send(request, METHOD_POST, "/api/v1/retention/preview", body, &preview,
                                 &refusal)
                     : page_send(request, METHOD_PUT, "/api/v1/retention", body, NULL, &refusal);
    if (looks && code >= 0)
        return show_asked(request, response, asked, preview, err);
    json_decref(asked);
    return settings_done(request, response, "privacy", "saved", code, &refusal, show_view, err);
}

/* ---- the registry ---- */

static int show_properties(struct request *request, struct response *response, json_t *view,
                           struct err *err) {
    static const char *const choices[] = {"automatic", "open", "personal", "sensitive"};
    json_t *rows, *row;
    size_t i;
    int code = settings_rows(request, "/api/v1/properties", &rows, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(rows, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *said = json_is_true(json_object_get(row, "declared"))
                               ? json_string_value(json_object_get(row, "sensitivity"))
                               : "automatic";
        json_t *list = json_array();
        for (size_t k = 0; k < sizeof choices / sizeof *choices; k++)
            json_array_append_new(list, json_pack("{s:s, s:b}", "choice", choices[k], "selected",
                                                  said && strcmp(said, choices[k]) == 0));
        json_object_set_new(row, "choices", list);
        json_object_set_new(
            row, "words",
            json_string(words_property(page_format(request), name ? name : "", request->arena)));
    }
    json_object_set_new(view, "properties", rows);
    json_object_set_new(view, "section_tab", json_string("privacy"));
    return settings_render(request, response, "properties", view, err);
}

static int properties(struct request *request, struct response *response, struct err *err) {
    return show_properties(request, response, json_object(), err);
}

static int change_property(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code = page_send(request, METHOD_PUT,
                         page_path(request, "/api/v1/properties/", settings_form(request, "name")),
                         json_pack("{s:s, s:s, s:s}", "purpose", settings_form(request, "purpose"),
                                   "sensitivity", settings_form(request, "sensitivity"), "note",
                                   settings_form(request, "note")),
                         NULL, &refusal);
    return settings_done(request, response, "privacy/properties", "saved", code, &refusal,
                         show_properties, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/privacy",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = show},
    {.methods = METHOD_GET,
     .pattern = "/settings/privacy/purpose",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = purpose},
    {.methods = METHOD_POST,
     .pattern = "/settings/privacy/purpose",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change_purpose},
    {.methods = METHOD_POST,
     .pattern = "/settings/privacy/retention",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change_retention},
    {.methods = METHOD_GET,
     .pattern = "/settings/privacy/properties",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = properties},
    {.methods = METHOD_POST,
     .pattern = "/settings/privacy/properties",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_ADMIN,
     .role = ROLE_ADMIN,
     .handle = change_property},
};
const struct route_table page_privacy_routes = ROUTE_TABLE(routes);
