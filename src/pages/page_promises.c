/*
 * Brand promises: the list with what is kept of each, one with its trend, its matrix and the customers behind a break.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/router.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

static const char *path_of(struct request *request, const char *rest) {
    struct buf path;
    buf_init(&path, 2048);
    buf_add_text(&path, "/api/v1/promises/");
    url_encode(slice_of(request->params[0]), &path);
    buf_add_text(&path, rest);
    const char *copied = arena_text(request->arena, buf_slice(&path));
    buf_release(&path);
    return copied;
}

/* "good" where even the low end reaches the target, "bad" where the high end misses it. */
static const char *tone(const json_t *row, double target) {
    const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
    if (json_is_number(low) && json_number_value(low) >= target)
        return "good";
    return json_is_number(high) && json_number_value(high) < target ? "bad" : "";
}

static double target_of(const json_t *promise) {
    const json_t *target = json_object_get(promise, "target");
    return json_is_number(target) ? json_number_value(target) : 0.9;
}

static json_t *fetch_data(struct request *request, const char *target) {
    struct err ignored = {0};
    json_t *answer = NULL;
    if (page_fetch(request, target, &answer, &ignored) < 0)
        return json_array();
    json_t *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return data ? data : json_array();
}

static void add_tones(json_t *rows, double target) {
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        json_object_set_new(row, "tone", json_string(tone(row, target)));
        add_tones(json_object_get(row, "units"), target);
    }
}

static json_t *event_names(const struct request *request) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_EVENT); code++) {
        struct slice name = dictionary_name(names, DICTIONARY_EVENT, (uint16_t)code);
        json_array_append_new(list, json_stringn(name.p, name.n));
    }
    return list;
}

static int show_list(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    static const struct page page = {
        .template = "promises", .section = "promises", .title = "nav.promises"};
    json_t *promises = fetch_data(request, "/api/v1/promises"), *promise;
    size_t i;
    json_array_foreach(promises, i, promise) {
        json_t *data =
            fetch_data(request, arena_format(request->arena, "/api/v1/promises/%s/results",
                                             json_string_value(json_object_get(promise, "id"))));
        json_t *row = json_array_get(data, 0);
        add_tones(data, target_of(promise));
        if (row)
            json_object_set(promise, "result", row);
        json_object_set_new(promise, "target", json_real(target_of(promise)));
        json_decref(data);
    }
    json_object_set_new(view, "promises", promises);
    json_object_set_new(view, "events", event_names(request));
    return page_render(request, response, &page, view, err);
}

static int show(struct request *request, struct response *response, struct err *err) {
    return show_list(request, response, json_object(), err);
}

/* ---- the form ---- */

static void put_text(json_t *document, const char *name, const char *text) {
    if (text[0])
        json_object_set_new(document, name, json_string(text));
}

static json_t *document_of(struct request *request) {
    const char *kind = field(request, "kind"), *target = field(request, "target");
    json_t *document = json_object(), *rule = json_object();
    put_text(document, "sentence", field(request, "sentence"));
    put_text(document, "owner", field(request, "owner"));
    put_text(document, "split", field(request, "split"));
    if (target[0])
        json_object_set_new(document, "target", json_real(strtod(target, NULL) / 100));
    if (strcmp(kind, "score") == 0) {
        json_t *answered = json_pack("{s:s}", "metric", "csat");
        put_text(answered, "touchpoint", field(request, "touchpoint"));
        json_object_set_new(rule, "answered", answered);
    } else {
        json_object_set_new(rule, "of", json_pack("{s:s}", "event", field(request, "of")));
        json_object_set_new(rule, "then", json_pack("{s:s}", "event", field(request, "then")));
        put_text(rule, "key", field(request, "key"));
        json_object_set_new(
            rule, "window",
            json_sprintf("%.12s%.1s", field(request, "window"), field(request, "unit")));
        if (strcmp(kind, "absent") == 0)
            json_object_set_new(rule, "absent", json_true());
    }
    json_object_set_new(document, "rule", rule);
    return document;
}

static int add(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    int code =
        page_send(request, METHOD_POST, "/api/v1/promises", document_of(request), NULL, &refusal);
    if (code >= 0)
        return page_redirect(request, response, "/promises", "saved");
    if (code != E_INVALID && code != E_REFUSED) {
        *err = refusal;
        return code;
    }
    static const char *const names[] = {"sentence", "owner", "split",  "target",    "of",
                                        "then",     "key",   "window", "touchpoint"};
    json_t *view = json_object(), *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(form, names[i], json_string(field(request, names[i])));
    json_object_set_new(view, "form", form);
    page_form_error(request, view, &refusal);
    response->status = 422;
    return show_list(request, response, view, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = page_send(request, METHOD_DELETE, path_of(request, ""), NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, "/promises", "removed");
}

/* ---- one promise ---- */

static json_t *draw(struct request *request, const json_t *data) {
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "promises.trend"),
                          .id = "promise",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {.shape = TREND_LINES,
                               .every = BUCKET_MONTH,
                               .now_ms = request->received_ms,
                               .interval = true,
                               .share = true};
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    if (json_array_size(data))
        chart_trend_figure(&chart, &trend, data, page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

static int show_one(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "promise", .section = "promises", .style = "css/charts.css"};
    json_t *view;
    int code = page_fetch(request, path_of(request, ""), &view, err);
    if (code < 0)
        return code;
    double target = target_of(view);
    json_t *whole = fetch_data(request, path_of(request, "/results")),
           *months = fetch_data(request, path_of(request, "/results?every=month")),
           *units = fetch_data(request, path_of(request, "/results?by=unit")),
           *matrix = fetch_data(request, path_of(request, "/matrix"));
    add_tones(whole, target);
    add_tones(units, target);
    add_tones(matrix, target);
    json_object_set(view, "title", json_object_get(view, "sentence"));
    json_object_set_new(view, "target", json_real(target));
    if (json_array_size(whole))
        json_object_set(view, "result", json_array_get(whole, 0));
    json_object_set_new(view, "chart", draw(request, months));
    json_object_set_new(view, "units", units);
    json_object_set_new(view, "matrix", matrix);
    json_decref(whole);
    json_decref(months);
    return page_render(request, response, &page, view, err);
}

static int show_customers(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "promise_customers", .section = "promises", .title = "promises.customers"};
    const char *mark = strchr(request->target, '?');
    json_t *answer, *view;
    int code = page_fetch(
        request, path_of(request, arena_format(request->arena, "/customers%s", mark ? mark : "")),
        &answer, err);
    if (code < 0)
        return code;
    view = json_copy(json_object_get(answer, "data"));
    const char *next = json_string_value(json_object_get(json_object_get(answer, "meta"), "next"));
    const char *old = strstr(request->target, "cursor=");
    if (next)
        json_object_set_new(
            view, "next",
            json_sprintf("%.*s%scursor=%s",
                         old ? (int)(old - request->target) : (int)strlen(request->target),
                         request->target,
                         old    ? ""
                         : mark ? "&"
                                : "?",
                         next));
    json_object_set_new(view, "promise", json_string(request->params[0]));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/promises",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/promises",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = add},
    {.methods = METHOD_GET,
     .pattern = "/promises/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show_one},
    {.methods = METHOD_POST,
     .pattern = "/promises/{id}/remove",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = drop},
    {.methods = METHOD_GET,
     .pattern = "/promises/{id}/customers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = show_customers},
};
const struct route_table page_promise_routes = ROUTE_TABLE(routes);
