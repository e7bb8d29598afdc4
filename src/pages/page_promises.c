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
#include "pages/people.h"
#include "pages/words.h"

enum { PROPERTIES_OFFERED = 500 };

static const char *field(struct request *request, const char *name) {
    const char *text = request_form(request, name);
    return text ? text : "";
}

static const char *path_of(struct request *request, const char *rest) {
    return arena_format(request->arena, "%s%s",
                        page_path(request, "/api/v1/promises/", request->params[0]), rest);
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

/* Names that the form offers: events, properties of interactions, segments. */
static void add_choices(struct request *request, json_t *view) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    const json_t *chosen = json_object_get(json_object_get(view, "form"), "segment");
    json_t *properties = json_array(), *segments = fetch_data(request, "/api/v1/segments"),
           *segment;
    size_t i;
    uint32_t n = (uint32_t)dictionary_count(names, DICTIONARY_PROPERTY);
    for (uint32_t code = 1; code <= n && code <= PROPERTIES_OFFERED; code++) {
        struct slice name = dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)code);
        json_array_append_new(properties, json_stringn(name.p, name.n));
    }
    json_array_foreach(segments, i,
                       segment) if (json_equal(json_object_get(segment, "name"), chosen))
        json_object_set_new(segment, "chosen", json_true());
    json_object_set_new(view, "events", page_event_names(request));
    json_object_set_new(view, "properties", properties);
    json_object_set_new(view, "segments", segments);
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
    add_choices(request, view);
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

static const struct {
    const char *name, *op;
} bounds[] = {{"at_most", "<="}, {"at_least", ">="}, {"equal", "="}};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

static const char *bound_op(const char *name) {
    for (size_t i = 0; i < BOUNDS; i++)
        if (strcmp(bounds[i].name, name) == 0)
            return bounds[i].op;
    return name;
}

/* NULL: the form has no word for it. */
static const char *bound_name(const char *op) {
    for (size_t i = 0; i < BOUNDS; i++)
        if (op && strcmp(bounds[i].op, op) == 0)
            return bounds[i].name;
    return NULL;
}

/* A number where it is one, also with the comma of Spanish; else the text. */
static json_t *typed_value(struct request *request, const char *text) {
    char *number = arena_format(request->arena, "%s", text), *end = NULL;
    char *comma = strchr(number, ',');
    if (comma)
        *comma = '.';
    double value = strtod(number, &end);
    if (!*number || *end)
        return json_string(text);
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *rule_of(struct request *request) {
    const char *kind = field(request, "kind");
    if (strcmp(kind, "score") == 0) {
        json_t *answered = json_pack("{s:s}", "metric", "csat");
        put_text(answered, "touchpoint", field(request, "touchpoint"));
        return json_pack("{s:o}", "answered", answered);
    }
    json_t *rule = json_pack("{s:{s:s}}", "of", "event", field(request, "of"));
    if (strcmp(kind, "bound") == 0) {
        json_object_set_new(rule, "bound",
                            json_pack("{s:s, s:s, s:o}", "property", field(request, "property"),
                                      "op", bound_op(field(request, "op")), "value",
                                      typed_value(request, field(request, "bound"))));
        return rule;
    }
    json_object_set_new(rule, "then", json_pack("{s:s}", "event", field(request, "then")));
    put_text(rule, "key", field(request, "key"));
    json_object_set_new(
        rule, "window",
        json_sprintf("%.12s%.1s", field(request, "window"), field(request, "unit")));
    if (strcmp(kind, "absent") == 0)
        json_object_set_new(rule, "absent", json_true());
    return rule;
}

static json_t *document_of(struct request *request) {
    const char *target = field(request, "target"), *segment = field(request, "segment");
    json_t *document = json_pack("{s:o}", "rule", rule_of(request));
    put_text(document, "sentence", field(request, "sentence"));
    put_text(document, "owner", field(request, "owner"));
    put_text(document, "split", field(request, "split"));
    put_text(document, "since", field(request, "since"));
    if (segment[0])
        json_object_set_new(document, "segment", json_pack("{s:s}", "in", segment));
    if (target[0])
        json_object_set_new(document, "target", json_real(strtod(target, NULL) / 100));
    return document;
}

/* What was typed, back into the form. */
static json_t *form_typed(struct request *request) {
    static const char *const names[] = {
        "sentence", "owner", "split", "target",   "kind",       "of",    "then",  "key",
        "window",   "unit",  "op",    "property", "touchpoint", "bound", "since", "segment"};
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(form, names[i], json_string(field(request, names[i])));
    return form;
}

/* An event alone: the only matcher that the form can show. */
static const char *plain_event(const json_t *matcher) {
    const json_t *event = json_object_get(matcher, "event");
    return json_object_size(matcher) == 1 && json_is_string(event) ? json_string_value(event)
                                                                   : NULL;
}

static bool form_of_bound(const json_t *bound, json_t *form) {
    const json_t *value = json_object_get(bound, "value"), *op = json_object_get(bound, "op");
    const char *name = bound_name(op ? json_string_value(op) : "=");
    if (!name || !(json_is_number(value) || json_is_string(value)))
        return false;
    json_object_set(form, "property", json_object_get(bound, "property"));
    json_object_set_new(form, "op", json_string(name));
    json_object_set_new(form, "bound",
                        json_is_string(value) ? json_incref((json_t *)(uintptr_t)value)
                                              : json_sprintf("%.15g", json_number_value(value)));
    return true;
}

/* The rule as fields of the form; false where it says more than they can. */
static bool form_of_rule(const json_t *rule, json_t *form) {
    const json_t *answered = json_object_get(rule, "answered"),
                 *metric = json_object_get(answered, "metric"),
                 *place = json_object_get(answered, "touchpoint");
    if (answered) {
        json_object_set_new(form, "kind", json_string("score"));
        json_object_set(form, "touchpoint", (json_t *)(uintptr_t)place);
        return json_is_string(metric) && strcmp(json_string_value(metric), "csat") == 0 &&
               json_object_size(answered) == (place ? 2u : 1u);
    }
    const json_t *bound = json_object_get(rule, "bound");
    const char *of = plain_event(json_object_get(rule, "of"));
    if (bound) {
        json_object_set_new(form, "kind", json_string("bound"));
        json_object_set_new(form, "of", json_string(of ? of : ""));
        return of && form_of_bound(bound, form);
    }
    const char *then = plain_event(json_object_get(rule, "then")),
               *window = json_string_value(json_object_get(rule, "window"));
    size_t digits = window ? strspn(window, "0123456789") : 0;
    if (!of || !then || !digits || !strchr("mhd", window[digits]) || window[digits + 1])
        return false;
    json_object_set_new(
        form, "kind",
        json_string(json_is_true(json_object_get(rule, "absent")) ? "absent" : "within"));
    json_object_set_new(form, "of", json_string(of));
    json_object_set_new(form, "then", json_string(then));
    json_object_set_new(form, "window", json_stringn(window, digits));
    json_object_set_new(form, "unit", json_string(window + digits));
    json_object_set(form, "key", json_object_get(rule, "key"));
    return true;
}

static json_t *form_of(const json_t *promise) {
    static const char *const names[] = {"sentence", "owner", "split", "since"};
    const json_t *segment = json_object_get(promise, "segment"),
                 *in = json_object_get(segment, "in");
    json_t *form = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set(form, names[i], json_object_get(promise, names[i]));
    if (in)
        json_object_set(form, "segment", (json_t *)(uintptr_t)in);
    else if (segment)
        json_object_set_new(form, "segment_rule", json_true());
    json_object_set_new(form, "target", json_sprintf("%.4g", target_of(promise) * 100));
    if (!form_of_rule(json_object_get(promise, "rule"), form))
        json_object_set_new(form, "fixed", json_true());
    return form;
}

/* A refused form is shown again; false where the error is another matter. */
static bool form_again(struct request *request, struct response *response, json_t *view,
                       const struct err *refusal) {
    if (refusal->code != E_INVALID && refusal->code != E_REFUSED)
        return false;
    json_object_set_new(view, "form", form_typed(request));
    page_form_error(request, view, refusal);
    response->status = 422;
    return true;
}

static int add(struct request *request, struct response *response, struct err *err) {
    json_t *view = json_object();
    struct err refusal = {0};
    int code =
        page_send(request, METHOD_POST, "/api/v1/promises", document_of(request), NULL, &refusal);
    if (code >= 0) {
        json_decref(view);
        return page_redirect(request, response, "/promises", "saved");
    }
    if (form_again(request, response, view, &refusal))
        return show_list(request, response, view, err);
    json_decref(view);
    *err = refusal;
    return code;
}

static int show_edit(struct request *request, struct response *response, json_t *view,
                     struct err *err) {
    static const struct page page = {
        .template = "promise_edit", .section = "promises", .title = "promises.edit"};
    json_t *promise;
    int code = page_fetch(request, path_of(request, ""), &promise, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    if (!json_object_get(view, "form"))
        json_object_set_new(view, "form", form_of(promise));
    json_object_set(view, "id", json_object_get(promise, "id"));
    json_object_set(view, "sentence", json_object_get(promise, "sentence"));
    add_choices(request, view);
    json_decref(promise);
    return page_render(request, response, &page, view, err);
}

static int edit(struct request *request, struct response *response, struct err *err) {
    return show_edit(request, response, json_object(), err);
}

/* The stored document with what the form says; a rule beyond the form stays as it is. */
static int change(struct request *request, struct response *response, struct err *err) {
    json_t *promise, *document, *view = json_object();
    struct err refusal = {0};
    int code = page_fetch(request, path_of(request, ""), &promise, &refusal);
    if (code >= 0) {
        document = document_of(request);
        if (strcmp(field(request, "segment"), "(rule)") == 0)
            json_object_set(document, "segment", json_object_get(promise, "segment"));
        if (strcmp(field(request, "kind"), "fixed") == 0)
            json_object_set(document, "rule", json_object_get(promise, "rule"));
        json_decref(promise);
        code = page_send(request, METHOD_PUT, path_of(request, ""), document, NULL, &refusal);
    }
    if (code < 0 && form_again(request, response, view, &refusal))
        return show_edit(request, response, view, err);
    json_decref(view);
    *err = refusal;
    return code < 0 ? code
                    : page_redirect(request, response,
                                    page_path(request, "/promises/", request->params[0]), "saved");
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

/* Of the stored segment that it is made to; null: everybody, or a rule of its own. */
static json_t *segment_title(struct request *request, const json_t *promise) {
    const json_t *in = json_object_get(json_object_get(promise, "segment"), "in");
    struct err ignored = {0};
    json_t *segment = NULL;
    if (!json_is_string(in) ||
        page_fetch(request, page_path(request, "/api/v1/segments/", json_string_value(in)),
                   &segment, &ignored) < 0)
        return json_null();
    json_t *title = json_incref(json_object_get(segment, "title"));
    json_decref(segment);
    return title;
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
    json_t *form = form_of(view);
    const char *property = json_string_value(json_object_get(form, "property"));
    if (property)
        json_object_set_new(
            form, "property_name",
            json_string(words_property(page_format(request), property, request->arena)));
    json_object_set_new(view, "form", form);
    json_object_set_new(view, "for", segment_title(request, view));
    json_object_set_new(view, "chart", draw(request, months));
    json_object_set_new(view, "units", units);
    json_object_set_new(view, "matrix", matrix);
    json_decref(whole);
    json_decref(months);
    return page_render(request, response, &page, view, err);
}

/* The people behind a number, as the address says whom. */
static int fetch_customers(struct request *request, json_t **answer, struct err *err) {
    const char *mark = strchr(request->target, '?');
    return page_fetch(
        request, path_of(request, arena_format(request->arena, "/customers%s", mark ? mark : "")),
        answer, err);
}

static int show_customers(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "promise_customers", .section = "promises", .title = "promises.customers"};
    const char *mark = strchr(request->target, '?'), *old = strstr(request->target, "cursor=");
    json_t *answer, *view;
    int code = fetch_customers(request, &answer, err);
    if (code < 0)
        return code;
    view = json_copy(json_object_get(answer, "data"));
    people_name(request, json_object_get(view, "customers"));
    const char *next = json_string_value(json_object_get(json_object_get(answer, "meta"), "next"));
    size_t own = old ? (size_t)(old - request->target) : strlen(request->target);
    if (next)
        json_object_set_new(view, "next",
                            json_sprintf("%.*s%scursor=%s", (int)own, request->target,
                                         old    ? ""
                                         : mark ? "&"
                                                : "?",
                                         next));
    json_object_set_new(view, "csv",
                        json_sprintf("%s/customers.csv%s",
                                     page_path(request, "/promises/", request->params[0]),
                                     mark ? mark : ""));
    json_object_set_new(view, "promise", json_string(request->params[0]));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static int send_customers(struct request *request, struct response *response, struct err *err) {
    json_t *answer;
    int code = fetch_customers(request, &answer, err);
    if (code < 0)
        return code;
    if (!response->body.max)
        buf_init(&response->body, LIMIT_BODY_BYTES);
    people_csv(json_object_get(json_object_get(answer, "data"), "customers"), &response->body);
    json_decref(answer);
    response->type = "text/csv; charset=utf-8";
    response_header(request, response, "Content-Disposition",
                    "attachment; filename=\"senda-customers.csv\"");
    return HANDLED;
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
    {.methods = METHOD_GET,
     .pattern = "/promises/{id}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = edit},
    {.methods = METHOD_POST,
     .pattern = "/promises/{id}/edit",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = change},
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
    {.methods = METHOD_GET,
     .pattern = "/promises/{id}/customers.csv",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = send_customers},
};
const struct route_table page_promise_routes = ROUTE_TABLE(routes);
