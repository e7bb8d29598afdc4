/*
 * Settings, alerts: whom Senda tells what happens, by request or mail; one of them with the log of its deliveries.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"
#include "webhook/webhook.h"

#define API "/api/v1/webhooks"

/* [{"event", "checked"}]: all that there is to tell; checked: what `chosen` names, or what the form said. */
static json_t *event_choices(struct request *request, const json_t *chosen) {
    json_t *list = json_array();
    for (int i = 0; i < WEBHOOK_EVENTS_N; i++) {
        const char *word = webhook_event_word((enum webhook_event)i);
        const json_t *one;
        size_t k;
        bool checked = settings_form(request, word)[0] != 0;
        json_array_foreach((json_t *)(uintptr_t)chosen, k, one) checked |=
            strcmp(json_string_value(one), word) == 0;
        json_array_append_new(list, json_pack("{s:s, s:b}", "event", word, "checked", checked));
    }
    return list;
}

/* [{"name", "title", "chosen"}] of the units that the asker sees. */
static json_t *unit_choices(struct request *request, const char *chosen) {
    struct err ignored = {0};
    json_t *rows = NULL, *row;
    size_t i;
    if (settings_rows(request, "/api/v1/units", &rows, &ignored) < 0)
        return json_array();
    json_array_foreach(rows, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        json_object_set_new(row, "chosen",
                            json_boolean(chosen && name && strcmp(name, chosen) == 0));
    }
    return rows;
}

static json_t *body_of(struct request *request) {
    json_t *events = json_array();
    for (int i = 0; i < WEBHOOK_EVENTS_N; i++) {
        const char *word = webhook_event_word((enum webhook_event)i);
        if (settings_form(request, word)[0])
            json_array_append_new(events, json_string(word));
    }
    const char *target = settings_form(request, "target");
    bool mail = strchr(target, '@') && !strstr(target, "://") && strncmp(target, "mailto:", 7) != 0;
    const char *unit = settings_form(request, "unit");
    return json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", settings_form(request, "name"), "target",
                     json_sprintf("%s%s", mail ? "mailto:" : "", target), "events", events, "unit",
                     *unit ? json_string(unit) : json_null(), "enabled",
                     !settings_form(request, "known")[0] || settings_form(request, "enabled")[0]);
}

/* ---- the list ---- */

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *rows;
    int code = settings_rows(request, API, &rows, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set_new(view, "webhooks", rows);
    json_object_set_new(view, "choices", event_choices(request, NULL));
    json_object_set_new(view, "units", unit_choices(request, settings_form(request, "unit")));
    json_object_set_new(view, "form",
                        json_pack("{s:s, s:s}", "name", settings_form(request, "name"), "target",
                                  settings_form(request, "target")));
    return settings_render(request, response, "webhooks", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

/* ---- one ---- */

static const char *path_of(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s", page_path(request, API "/", request->params[0]),
                        rest);
}

static int show_webhook(struct request *request, struct response *response, json_t *view,
                        struct err *err) {
    json_t *webhook, *rows = NULL, *row;
    size_t i;
    int code = page_fetch(request, path_of(request, ""), &webhook, err);
    if (code >= 0)
        code = settings_rows(request, path_of(request, "/deliveries"), &rows, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(rows, i, row) {
        char *text = json_dumps(json_object_get(row, "body"), JSON_INDENT(2));
        json_object_set_new(row, "text", json_string(text ? text : ""));
        free(text);
    }
    const char *target = json_string_value(json_object_get(webhook, "target"));
    json_object_set_new(webhook, "mail", json_boolean(strncmp(target, "mailto:", 7) == 0));
    json_object_set_new(view, "choices",
                        event_choices(request, json_object_get(webhook, "events")));
    json_object_set_new(view, "units",
                        unit_choices(request, json_string_value(json_object_get(webhook, "unit"))));
    json_object_set(view, "title", json_object_get(webhook, "name"));
    json_object_set_new(view, "webhook", webhook);
    json_object_set_new(view, "deliveries", rows);
    json_object_set_new(view, "section_tab", json_string("webhooks"));
    return settings_render(request, response, "webhook", view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show_webhook(request, response, json_object(), err);
}

/* With the secret, this once. */
static int show_secret(struct request *request, struct response *response, json_t *made,
                       struct err *err) {
    const char *id = json_string_value(json_object_get(made, "id"));
    json_t *view = json_pack("{s:O}", "secret", json_object_get(made, "secret"));
    request->params[0] = arena_text(request->arena, slice_of(id));
    json_decref(made);
    response_header(request, response, "Cache-Control", "no-store");
    return show_webhook(request, response, view, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *made;
    int code = page_send(request, METHOD_POST, API, body_of(request), &made, &refusal);
    return code < 0 ? settings_done(request, response, "webhooks", "saved", code, &refusal,
                                    show_view, err)
                    : show_secret(request, response, made, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    const char *what = settings_form(request, "what"), *replay = settings_form(request, "replay");
    struct err refusal = {0};
    json_t *made;
    int code;
    if (strcmp(what, "secret") == 0) {
        code = page_send(request, METHOD_POST, path_of(request, "/secret"), NULL, &made, err);
        return code < 0 ? code : show_secret(request, response, made, err);
    }
    if (strcmp(what, "remove") == 0) {
        code = page_send(request, METHOD_DELETE, path_of(request, ""), NULL, NULL, err);
        return code < 0 ? code : page_redirect(request, response, "/settings/webhooks", "removed");
    }
    if (replay[0])
        code = page_send(request, METHOD_POST,
                         arena_format(request->arena, "%s/replay",
                                      page_path(request, path_of(request, "/deliveries/"), replay)),
                         NULL, NULL, &refusal);
    else if (strcmp(what, "test") == 0)
        code = page_send(request, METHOD_POST, path_of(request, "/test"), NULL, NULL, &refusal);
    else
        code =
            page_send(request, METHOD_PUT, path_of(request, ""), body_of(request), NULL, &refusal);
    return settings_done(
        request, response, arena_format(request->arena, "webhooks/%s", request->params[0]),
        replay[0] || what[0] ? "webhook_sent" : "saved", code, &refusal, show_webhook, err);
}

#define PAGE ACCESS_SESSION, SCOPE_ADMIN, .role = ROLE_ADMIN
static const struct route routes[] = {
    {METHOD_GET, "/settings/webhooks", PAGE, .handle = show},
    {METHOD_POST, "/settings/webhooks", PAGE, .handle = add},
    {METHOD_GET, "/settings/webhooks/{id}", PAGE, .handle = show_one},
    {METHOD_POST, "/settings/webhooks/{id}", PAGE, .handle = change},
};
const struct route_table page_webhook_routes = ROUTE_TABLE(routes);
