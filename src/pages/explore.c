/*
 * The pages of Explore: one page per kind of question, its CSV and SVG.
 *
 * A first visit asks something at once: flow, trend, variants and retention have defaults, a funnel takes the most
 * travelled path as its steps. Where nobody chose a range and the last 90 days hold nothing (an imported log of years
 * ago), the question is asked of all times.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/explore.h"

#include <stdlib.h>

#include "backend/backend.h"
#include "base/limits.h"
#include "pages/pages.h"
#include "pages/text.h"

enum { SUGGESTED_STEPS = 4, VALUES_OFFERED = 30 };

void explore_open(struct request *request, enum explore_kind kind, struct question *question) {
    struct folder *folder = app_folder(request->app);
    question_read(question, kind, request->target, request->arena);
    question->zone = folder->zone;
    question->dictionary = folder->dictionary;
    question->now_ms = request->received_ms;
    question_take_words(question, request->language);
}

static bool has_interactions(const json_t *answer) {
    return json_integer_value(json_object_get(json_object_get(answer, "meta"), "interactions")) > 0;
}

/* Runs the question; with a range that nobody chose and nothing in it, of all times. */
int explore_ask(struct request *request, struct question *question, json_t **answer,
                struct err *err) {
    bool chosen = json_object_get(question->values, "range") != NULL;
    int code = page_query(request, question_query(question), answer, err);
    if (code == 0 && !chosen && !has_interactions(*answer)) {
        json_decref(*answer);
        *answer = NULL;
        question_set(question, "range", "all");
        code = page_query(request, question_query(question), answer, err);
    }
    if (code == 0)
        explore_order_weeks(question, *answer);
    return code;
}

/* ---- a funnel to begin with ---- */

static const json_t *most_starts(const json_t *nodes) {
    const json_t *best = NULL;
    size_t i;
    json_t *node;
    json_array_foreach(nodes, i, node) if (!best || json_figure(node, "starts") >
                                                        json_figure(best, "starts")) best = node;
    return best;
}

static bool among_steps(const struct question *question, size_t n, const char *name) {
    for (size_t i = 1; i <= n; i++)
        if (strcmp(question_row(question, ROWS_STEPS, i, ""), name) == 0)
            return true;
    return false;
}

/* The names that carry meaning out of the box: if the shop's events are there, they are the funnel. */
static bool suggest_purchase(struct request *request, struct question *question) {
    static const char *const STEPS[] = {"Product Viewed", "Product Added", "Checkout Started",
                                        "Payment Info Entered", "Order Completed"};
    size_t n = 0;
    if (dictionary_find(question->dictionary, DICTIONARY_EVENT, slice_of("Order Completed")) ==
        CODE_NONE)
        return false;
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
        if (dictionary_find(question->dictionary, DICTIONARY_EVENT, slice_of(STEPS[i])) !=
            CODE_NONE)
            question_set(question, arena_format(request->arena, "s%zu", ++n), STEPS[i]);
    question->rows[ROWS_STEPS] = n >= 3 ? n : 0;
    if (n > question->shown[ROWS_STEPS])
        question->shown[ROWS_STEPS] = n;
    return n >= 3;
}

/* Takes the most travelled path of the flow as the steps. */
static void suggest_steps(struct request *request, struct question *question) {
    struct question flow = *question;
    json_t *answer = NULL;
    if (suggest_purchase(request, question))
        return;
    flow.kind = EXPLORE_FLOW;
    if (explore_ask(request, &flow, &answer, NULL) < 0)
        return;
    const json_t *data = json_object_get(answer, "data"),
                 *first = most_starts(json_object_get(data, "nodes"));
    const char *name = json_string_value(json_object_get(first, "name"));
    for (size_t n = 1; name && n <= SUGGESTED_STEPS; n++) {
        const char *next = NULL;
        double most = 0;
        size_t i;
        json_t *edge;
        question_set(question, arena_format(request->arena, "s%zu", n), name);
        json_array_foreach(json_object_get(data, "edges"), i, edge) {
            const char *to = json_string_value(json_object_get(edge, "to"));
            if (slice_is(json_slice(edge, "from"), name) && to &&
                json_figure(edge, "count") > most && !among_steps(question, n, to))
                most = json_figure(edge, "count"), next = to;
        }
        name = next ? arena_format(request->arena, "%s", next) : NULL;
        question->rows[ROWS_STEPS] = n;
    }
    if (question->shown[ROWS_STEPS] < question->rows[ROWS_STEPS])
        question->shown[ROWS_STEPS] = question->rows[ROWS_STEPS];
    json_decref(answer);
}

/* ---- the page ---- */

/* What is wrong in the reader's language, by what the pointer names last; else as the engine says it. */
static const char *problem_text(const struct request *request, const struct err *err) {
    const char *last = strrchr(err->pointer, '/');
    const char *text = last ? text_of_value(request->language, "explore.problem", last + 1) : NULL;
    if (err_status(err->code) == 503)
        text = text_of(request->language, "explore.problem_busy");
    return text ? text : err->message;
}

/* Puts the message at its control: rows have a member "error", the rest is found by name. */
static void place_error(const struct request *request, const struct question *question,
                        const struct err *err, json_t *view) {
    const char *control = question_control(question, err->pointer),
               *message = problem_text(request, err);
    const char *hint = message == err->message ? err->hint
                       : err->hint[0]
                           ? arena_format(request->arena, "%s %s", err->message, err->hint)
                           : err->message;
    json_object_set_new(
        view, "problem",
        json_pack("{s:s, s:s, s:s}", "message", message, "hint", hint, "control", control));
    static const char *const LISTS[] = {"steps", "filters", "rules", "exclusions"};
    for (size_t l = 0; l < sizeof LISTS / sizeof *LISTS; l++) {
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(view, LISTS[l]), i,
                           row) if (slice_is(json_slice(row, "name"), control))
            json_object_set_new(row, "error", json_string(message));
    }
    json_t *field = json_object_get(view, control);
    if (json_is_object(field))
        json_object_set_new(field, "error", json_string(message));
}

static void add_json(struct request *request, const struct question *question, json_t *view) {
    json_t *query = question_query(question);
    char *pretty = json_dumps(query, JSON_INDENT(2)), *compact = json_dumps(query, JSON_COMPACT);
    json_object_set_new(view, "json", json_string(pretty));
    json_object_set_new(view, "curl",
                        json_sprintf("curl %s/api/v1/query -H 'Authorization: Bearer API_KEY' -H "
                                     "'Content-Type: application/json' -d '%s'",
                                     request_base_url(request), compact));
    free(pretty);
    free(compact);
    json_decref(query);
}

static json_t *ask_previous(struct request *request, const struct question *question) {
    const char *from, *to;
    json_t *answer = NULL;
    if (question->kind != EXPLORE_TREND || !*question_get(question, "compare") ||
        *question_get(question, "by") || !question_previous_range(question, &from, &to))
        return NULL;
    json_t *query = question_query(question);
    json_object_set_new(query, "range", json_pack("{s:s, s:s}", "from", from, "to", to));
    return page_query(request, query, &answer, NULL) < 0 ? NULL : answer;
}

static int show_page(struct request *request, struct response *response, struct question *question,
                     struct err *err) {
    static const struct page page = {.template = "explore",
                                     .section = "explore",
                                     .title = "explore.title",
                                     .script = "js/explore.js",
                                     .style = "css/charts.css",
                                     .wide = true};
    json_t *view = json_object(), *answer = NULL, *previous = NULL;
    struct err refused = {0};
    bool incomplete = question->kind == EXPLORE_FUNNEL && question->rows[ROWS_STEPS] < 2;
    if (incomplete && !question->rows[ROWS_STEPS] && question->shown[ROWS_STEPS] == 2) {
        suggest_steps(request, question);
        incomplete = question->rows[ROWS_STEPS] < 2;
        json_object_set_new(view, "suggested", json_boolean(!incomplete));
    }
    int code = incomplete ? 0 : explore_ask(request, question, &answer, &refused);
    explore_form_view(request, question, view);
    add_json(request, question, view);
    if (incomplete) {
        json_object_set_new(view, "incomplete", json_true());
    } else if (code < 0) {
        place_error(request, question, &refused, view);
    } else {
        previous = ask_previous(request, question);
        explore_answer_view(request, question, answer, json_object_get(previous, "data"), view);
        json_object_set_new(view, "answered", json_true());
    }
    json_decref(answer);
    json_decref(previous);
    return page_render(request, response, &page, view, err);
}

/* Room for a file in the answer. */
void explore_open_file(struct response *response) {
    if (!response->body.max)
        buf_init(&response->body, LIMIT_BODY_BYTES);
}

void explore_as_file(struct request *request, struct response *response, const char *type,
                     const char *name) {
    response->type = type;
    response_header(request, response, "Content-Disposition",
                    arena_format(request->arena, "attachment; filename=\"senda-%s\"", name));
}

static int send_csv(struct request *request, struct response *response, struct question *question,
                    struct err *err) {
    json_t *answer = NULL;
    int code = explore_ask(request, question, &answer, err);
    if (code < 0)
        return code;
    explore_open_file(response);
    query_answer_csv(answer, &response->body);
    json_decref(answer);
    explore_as_file(request, response, "text/csv; charset=utf-8",
                    arena_format(request->arena, "%s.csv", explore_kind_name(question->kind)));
    return HANDLED;
}

static int send_svg(struct request *request, struct response *response, struct question *question,
                    struct err *err) {
    json_t *answer = NULL, *previous;
    struct buf drawing;
    int code = explore_ask(request, question, &answer, err);
    if (code < 0)
        return code;
    buf_init(&drawing, LIMIT_BODY_BYTES / 16);
    previous = ask_previous(request, question);
    if (explore_is_grouped(question))
        explore_draw_groups(request, question, answer, &drawing);
    else
        explore_draw(request, question, answer, json_object_get(previous, "data"),
                     &(struct explore_drawing){0}, &drawing);
    explore_open_file(response);
    code = explore_svg(buf_slice(&drawing), request->arena, &response->body, err);
    buf_release(&drawing);
    json_decref(previous);
    json_decref(answer);
    if (code < 0)
        return code;
    explore_as_file(request, response, "image/svg+xml; charset=utf-8",
                    arena_format(request->arena, "%s.svg", explore_kind_name(question->kind)));
    return HANDLED;
}

static int get_kind(struct request *request, struct response *response, struct err *err) {
    struct question question;
    const char *dot = strchr(request->params[0], '.'), *operation = request_query(request, "do");
    size_t n = dot ? (size_t)(dot - request->params[0]) : strlen(request->params[0]);
    enum explore_kind kind =
        explore_kind_of(arena_format(request->arena, "%.*s", (int)n, request->params[0]));
    int code;
    if (kind == EXPLORE_KINDS || (dot && strcmp(dot, ".csv") != 0 && strcmp(dot, ".svg") != 0))
        return err_set(err, E_NOT_FOUND, "there is no such question");
    explore_open(request, kind, &question);
    if (operation && *operation) {
        question_do(&question, operation);
        response_redirect(request, response, question_address(&question, kind, ""));
        code = HANDLED;
    } else if (dot) {
        code = strcmp(dot, ".csv") == 0 ? send_csv(request, response, &question, err)
                                        : send_svg(request, response, &question, err);
    } else {
        code = show_page(request, response, &question, err);
    }
    question_release(&question);
    return code;
}

static int get_start(struct request *request, struct response *response, struct err *err) {
    (void)err;
    response_redirect(request, response, "/explore/flow");
    return HANDLED;
}

/* ---- values of a property, for suggestions ---- */

static int get_values(struct request *request, struct response *response, struct err *err) {
    const char *property = request_query(request, "property");
    json_t *answer = NULL, *values = json_array(), *row;
    size_t i;
    (void)err;
    if (property && *property) {
        json_t *query = json_pack("{s:s, s:s, s:{s:s}, s:i}", "kind", "trend", "every", "month",
                                  "by", "property", property, "limit", VALUES_OFFERED);
        if (page_query(request, query, &answer, NULL) < 0)
            answer = NULL;
    }
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const json_t *value = json_object_get(row, "by");
        char *text = json_is_string(value) ? NULL
                     : value && !json_is_null(value)
                         ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))
                         : NULL;
        const char *shown = json_is_string(value) ? json_string_value(value) : text;
        bool known = !shown || strcmp(shown, "(other)") == 0;
        for (size_t k = 0; !known && k < json_array_size(values); k++)
            known = strcmp(json_string_value(json_array_get(values, k)), shown) == 0;
        if (!known)
            json_array_append_new(values, json_string(shown));
        free(text);
    }
    json_decref(answer);
    json_t *body = json_pack("{s:o}", "values", values);
    response_json(response, 200, body);
    json_decref(body);
    return HANDLED;
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/explore",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = get_start},
    {.methods = METHOD_GET,
     .pattern = "/explore/{kind}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = get_kind},
    {.methods = METHOD_GET,
     .pattern = "/explore/{kind}/values",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = get_values},
};
const struct route_table page_explore_routes = ROUTE_TABLE(routes);
