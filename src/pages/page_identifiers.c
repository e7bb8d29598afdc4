/*
 * Settings, identifiers: what each kind of identifier decides and how far, and values that dropped out by themselves.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "pages/page.h"
#include "pages/pages.h"
#include "pages/settings.h"

static const char *const forms[] = {"text", "email", "phone", "national_id"};

static json_t *forms_json(const char *selected) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "form", forms[i], "selected",
                                              selected && strcmp(selected, forms[i]) == 0));
    return list;
}

/* Texts as lines, for a field of a form. */
static const char *lines_of(struct request *request, const json_t *texts) {
    const char *lines = "";
    size_t i;
    json_t *text;
    json_array_foreach(texts, i, text) lines =
        arena_format(request->arena, "%s%s%s", lines, i ? "\n" : "", json_string_value(text));
    return lines;
}

static json_t *texts_of(struct request *request, const char *lines) {
    json_t *list = json_array();
    while (*lines) {
        size_t n = strcspn(lines, "\r\n");
        while (n && (*lines == ' ' || *lines == '\t'))
            lines++, n--;
        size_t end = n;
        while (end && (lines[end - 1] == ' ' || lines[end - 1] == '\t'))
            end--;
        if (end)
            json_array_append_new(
                list, json_string(arena_text(request->arena, (struct slice){lines, end})));
        lines += n;
        lines += strspn(lines, "\r\n");
    }
    return list;
}

static int by_priority(const void *a, const void *b) {
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t one = json_integer_value(json_object_get(x, "priority")),
               other = json_integer_value(json_object_get(y, "priority"));
    return (one > other) - (one < other);
}

/* In the order in which they decide. New reference. */
static json_t *in_order(struct request *request, const json_t *kinds) {
    size_t n = json_array_size(kinds), i;
    json_t **rows = ARENA_ARRAY(request->arena, json_t *, n + 1), *row, *list = json_array();
    json_array_foreach(kinds, i, row) rows[i] = row;
    if (n)
        qsort(rows, n, sizeof *rows, by_priority);
    for (i = 0; i < n; i++)
        json_array_append(list, rows[i]);
    return list;
}

static int show_view(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    json_t *kinds, *dropped = NULL, *full = NULL, *kind;
    size_t i;
    int code = settings_rows(request, "/api/v1/identifier-kinds", &kinds, err);
    if (code >= 0)
        code = page_fetch(request, "/api/v1/dropped-identifiers?limit=100", &dropped, err);
    if (code >= 0)
        code = page_fetch(request, "/api/v1/full-identifier-kinds?limit=100", &full, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_array_foreach(kinds, i, kind) {
        const char *name = json_string_value(json_object_get(kind, "name"));
        bool fixed = strcmp(name, "user_id") == 0 || strcmp(name, "anonymous_id") == 0 ||
                     strcmp(name, "other") == 0;
        json_object_set_new(kind, "fixed", json_boolean(fixed));
        json_object_set_new(kind, "is_user", json_boolean(strcmp(name, "user_id") == 0));
        json_object_set_new(kind, "own", json_boolean(fixed && strcmp(name, "other") != 0));
        json_object_set_new(kind, "removable",
                            json_boolean(!json_is_true(json_object_get(kind, "standard"))));
        json_object_set_new(kind, "forms",
                            forms_json(json_string_value(json_object_get(kind, "form"))));
        json_object_set_new(kind, "trait_lines",
                            json_string(lines_of(request, json_object_get(kind, "traits"))));
        json_object_set_new(kind, "blocked_lines",
                            json_string(lines_of(request, json_object_get(kind, "blocked"))));
    }
    json_object_set_new(view, "kinds", in_order(request, kinds));
    json_decref(kinds);
    json_object_set(view, "dropped", json_object_get(dropped, "data"));
    json_decref(dropped);
    json_object_set(view, "full", json_object_get(full, "data"));
    json_decref(full);
    return settings_render(request, response, "identifiers", view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_view(request, response, json_object(), err);
}

/* null where nobody wrote one. */
static json_t *limit_of(struct request *request, const char *name) {
    const char *text = settings_form(request, name);
    return *text ? json_integer((json_int_t)strtoll(text, NULL, 10)) : json_null();
}

static int put_kind(struct request *request, struct err *err) {
    const char *name = settings_form(request, "name");
    json_t *body = json_pack("{s:o, s:o, s:I, s:b, s:o}", "limit", limit_of(request, "limit"),
                             "max_values", limit_of(request, "max_values"), "priority",
                             (json_int_t)strtoll(settings_form(request, "priority"), NULL, 10),
                             "joins", request_form(request, "joins") != NULL, "blocked",
                             texts_of(request, settings_form(request, "blocked")));
    if (request_form(request, "form")) {
        json_object_set_new(body, "form", json_string(settings_form(request, "form")));
        json_object_set_new(body, "traits", texts_of(request, settings_form(request, "traits")));
    }
    if (!*name) {
        json_decref(body);
        return err_at(err, E_INVALID, "/name", "a kind needs a name");
    }
    return page_send(request, METHOD_PUT, page_path(request, "/api/v1/identifier-kinds/", name),
                     body, NULL, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *admit = request_form(request, "admit"), *reset = request_form(request, "reset");
    int code = admit   ? page_send(request, METHOD_DELETE,
                                   page_path(request, "/api/v1/dropped-identifiers/", admit), NULL,
                                   NULL, &refusal)
               : reset ? page_send(request, METHOD_DELETE,
                                   page_path(request, "/api/v1/identifier-kinds/", reset), NULL,
                                   NULL, &refusal)
                       : put_kind(request, &refusal);
    return settings_done(request, response, "identifiers", admit ? "admitted" : "saved", code,
                         &refusal, show_view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/settings/identifiers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/settings/identifiers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change},
};
const struct route_table page_identifier_routes = ROUTE_TABLE(routes);
