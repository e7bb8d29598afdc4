/*
 * What is rated: all subjects with their averages, and one with its distribution, refusals and the code for web pages.
 *
 * Order is by the Bayesian average; where intervals overlap nobody is called better (the page says so).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/review_view.h"
#include "voice/review.h"

enum { SHOWN = 200, DUE_SHOWN = 20 };

static const char *field(struct request *request, const char *name) {
    const char *value = request_form(request, name);
    return value ? value : "";
}

static json_t *kind_choices(const char *chosen) {
    json_t *list = json_array();
    for (int kind = 0; kind < SUBJECT_KINDS; kind++) {
        const char *name = subject_kind_name((enum subject_kind)kind);
        json_array_append_new(list, json_pack("{s:s, s:b}", "kind", name, "current",
                                              chosen && strcmp(chosen, name) == 0));
    }
    return list;
}

/* ---- all ---- */

/* Whom to ask again, for who may. */
static void add_due(struct request *request, json_t *view) {
    struct err ignored = {0};
    json_t *answer;
    if (!(request->principal.scopes & SCOPE_MANAGE) ||
        page_fetch(request, "/api/v1/reviews/due", &answer, &ignored) < 0)
        return;
    json_t *rows = json_object_get(answer, "data");
    json_object_set_new(view, "due_n", json_integer((json_int_t)json_array_size(rows)));
    while (json_array_size(rows) > DUE_SHOWN)
        json_array_remove(rows, json_array_size(rows) - 1);
    json_object_set(view, "due", rows);
    json_decref(answer);
}

static int set_due(struct request *request, struct response *response, struct err *err) {
    const char *target = arena_format(
        request->arena, "%s%s", page_path(request, "/api/v1/reviews/due/", request->params[0]),
        page_path(request, "/", request->params[1]));
    int code = page_send(request, METHOD_PATCH, target,
                         json_pack("{s:s}", "state", field(request, "state")), NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/reviews/subjects#again", "saved");
}

static int show_all_view(struct request *request, struct response *response, json_t *view,
                         struct err *err) {
    static const struct page page = {
        .template = "reviews_subjects", .section = "reviews", .title = "nav.reviews"};
    json_t *answer, *settings, *row;
    size_t i;
    int code = page_fetch(request, "/api/v1/reviews/subjects", &answer, err);
    if (code >= 0 && (code = page_fetch(request, "/api/v1/reviews/settings", &settings, err)) < 0)
        json_decref(answer);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_t *rows = json_object_get(answer, "data");
    while (json_array_size(rows) > SHOWN)
        json_array_remove(rows, json_array_size(rows) - 1);
    json_array_foreach(rows, i, row) review_figures_view(request, row);
    json_object_set(view, "rows", rows);
    const char *mode = json_string_value(json_object_get(settings, "moderation"));
    json_object_set_new(view, "all_wait", json_boolean(mode && strcmp(mode, "all") == 0));
    json_object_set_new(view, "kinds", kind_choices(field(request, "kind")));
    json_object_set_new(view, "form",
                        json_pack("{s:s, s:s, s:s}", "name", field(request, "name"), "title",
                                  field(request, "title"), "url", field(request, "url")));
    add_due(request, view);
    review_tabs(request, view, "subjects");
    json_decref(answer);
    json_decref(settings);
    return page_render(request, response, &page, view, err);
}

static int show_all(struct request *request, struct response *response, struct err *err) {
    return show_all_view(request, response, json_object(), err);
}

static int put(struct request *request, const char *name, struct err *err) {
    if (!name[0])
        return err_at(err, E_INVALID, "/name", "name is missing");
    return page_send(request, METHOD_PUT, page_path(request, "/api/v1/reviews/subjects/", name),
                     json_pack("{s:s, s:s, s:s, s:s}", "kind", field(request, "kind"), "title",
                               field(request, "title"), "url", field(request, "url"), "experience",
                               field(request, "experience")),
                     NULL, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *name = field(request, "name");
    int code = put(request, name, &refusal);
    if (code >= 0)
        return page_redirect(request, response, page_path(request, "/reviews/subjects/", name),
                             "saved");
    if (code != E_INVALID && code != E_CONFLICT) {
        *err = refusal;
        return code;
    }
    json_t *view = json_object();
    page_form_error(request, view, &refusal);
    response->status = 422;
    return show_all_view(request, response, view, err);
}

static int change_settings(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_PATCH, "/api/v1/reviews/settings",
                         json_pack("{s:s}", "moderation", field(request, "moderation")), NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/reviews/subjects", "saved");
}

/* ---- one ---- */

static int show_one_view(struct request *request, struct response *response, json_t *view,
                         struct err *err) {
    static const struct page page = {.template = "reviews_subject", .section = "reviews"};
    json_t *subject;
    const char *name = request->params[0];
    int code =
        page_fetch(request, page_path(request, "/api/v1/reviews/subjects/", name), &subject, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    const char *base = request_base_url(request);
    const char *path = page_path(request, "", name);
    review_figures_view(request, subject);
    json_object_set(view, "title", json_object_get(subject, "title"));
    json_object_set_new(view, "kinds",
                        kind_choices(json_string_value(json_object_get(subject, "kind"))));
    json_object_set_new(view, "base", json_string(base));
    json_object_set_new(view, "path", json_string(path));
    json_object_set_new(view, "removable",
                        json_boolean(json_number_value(json_object_get(subject, "n")) == 0 &&
                                     json_number_value(json_object_get(subject, "refused")) == 0 &&
                                     json_number_value(json_object_get(subject, "held")) == 0 &&
                                     json_number_value(json_object_get(subject, "external")) == 0));
    json_object_set_new(view, "subject", subject);
    return page_render(request, response, &page, view, err);
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    return show_one_view(request, response, json_object(), err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    const char *name = request->params[0];
    bool remove = field(request, "remove")[0] != 0;
    int code = remove ? page_send(request, METHOD_DELETE,
                                  page_path(request, "/api/v1/reviews/subjects/", name), NULL, NULL,
                                  &refusal)
                      : put(request, name, &refusal);
    if (code >= 0)
        return page_redirect(request, response,
                             remove ? "/reviews/subjects"
                                    : page_path(request, "/reviews/subjects/", name),
                             remove ? "removed" : "saved");
    if (code != E_INVALID && code != E_CONFLICT) {
        *err = refusal;
        return code;
    }
    json_t *view = json_object();
    page_form_error(request, view, &refusal);
    response->status = 422;
    return show_one_view(request, response, view, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/reviews/subjects", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = show_all},
    {METHOD_POST, "/reviews/subjects", ACCESS_SESSION, SCOPE_MANAGE, .handle = add},
    {METHOD_POST, "/reviews/due/{review}/{months}", ACCESS_SESSION, SCOPE_MANAGE,
     .handle = set_due},
    {METHOD_POST, "/reviews/settings", ACCESS_SESSION, SCOPE_MANAGE, .handle = change_settings},
    {METHOD_GET, "/reviews/subjects/{name}", ACCESS_SESSION, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = show_one},
    {METHOD_POST, "/reviews/subjects/{name}", ACCESS_SESSION, SCOPE_MANAGE, .handle = change},
};
const struct route_table page_review_subject_routes = ROUTE_TABLE(routes);
