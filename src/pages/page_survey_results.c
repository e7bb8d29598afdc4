/*
 * A survey's results while answers arrive: how many answered, each question's figures with their margin, the chosen score
 * over time, what people wrote; from every number to the answers and customers behind it.
 *
 * Live: the script listens to the stream and asks for this page again when an answer arrived.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/people.h"
#include "pages/qr.h"

enum { WORDS_SHOWN = 20, ANSWERS_SHOWN = 50 };

static const struct period {
    const char *id, *every;
    int days;
} periods[] = {{"7d", "day", 7}, {"28d", "day", 28}, {"90d", "week", 91}, {"all", "month", 0}};
enum { PERIODS = sizeof periods / sizeof *periods };

struct view {
    struct request *request;
    const char *id;
    const struct period *period;
    int64_t from_ms;     /* 0: all */
    const char *filters; /* "&channel=web&version=2" for the API, encoded */
};

static const char *const filter_names[] = {"version", "channel", "language", "unit", "touchpoint"};
enum { FILTERS = sizeof filter_names / sizeof *filter_names };

static void read_view(struct view *view, struct request *request) {
    const char *period = request_query(request, "period");
    struct buf filters;
    *view = (struct view){
        .request = request, .id = request->params[0], .period = &periods[PERIODS - 1]};
    for (size_t i = 0; period && i < PERIODS; i++)
        if (strcmp(periods[i].id, period) == 0)
            view->period = &periods[i];
    if (view->period->days)
        view->from_ms = request->received_ms - (int64_t)view->period->days * 86400000;
    buf_init(&filters, 4096);
    for (size_t i = 0; i < FILTERS; i++) {
        const char *value = request_query(request, filter_names[i]);
        if (!value || !*value)
            continue;
        buf_add_format(&filters, "&%s=", filter_names[i]);
        url_encode(slice_of(value), &filters);
    }
    view->filters = arena_text(request->arena, buf_slice(&filters));
    buf_release(&filters);
}

/* "/api/v1/surveys/ID/WHAT?from=…&channel=…" */
static const char *target(const struct view *view, const char *what, const char *more) {
    char from[TIME_TEXT_BYTES + 8] = "";
    if (view->from_ms) {
        memcpy(from, "&from=", 6);
        time_format(view->from_ms, from + 6);
    }
    return arena_format(view->request->arena, "%s/%s?%s%s%s",
                        page_path(view->request, "/api/v1/surveys/", view->id), what, more, from,
                        view->filters);
}

/* ---- figures as people read them ---- */

static json_t *shown(const struct view *view, const char *kind, const json_t *value) {
    struct buf text;
    if (!json_is_number(value))
        return json_string("–");
    buf_init(&text, 256);
    const struct format *format = page_format(view->request);
    if (strcmp(kind, "share") == 0)
        format_percent(format, json_number_value(value), 1, &text);
    else
        format_number(format, json_number_value(value), strcmp(kind, "nps") == 0 ? 1 : 2, &text);
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    buf_release(&text);
    return json;
}

static void show_score(const struct view *view, json_t *score) {
    static const char *const names[] = {"value", "low", "high"};
    const char *kind = json_string_value(json_object_get(score, "kind"));
    for (size_t i = 0; kind && i < 3; i++)
        json_object_set_new(score, arena_format(view->request->arena, "%s_text", names[i]),
                            shown(view, kind, json_object_get(score, names[i])));
    if (kind && strcmp(kind, "nps") == 0)
        json_object_set_new(score, "nps", json_true());
}

static void show_bars(const struct view *view, json_t *question) {
    json_t *rows = json_object_get(question, "distribution"), *row;
    double longest = 0;
    size_t i;
    json_array_foreach(rows, i, row) longest =
        fmax(longest, json_number_value(json_object_get(row, "n")));
    json_array_foreach(rows, i, row) {
        json_t *value = json_object_get(row, "value");
        const char *text = json_string_value(json_object_get(row, "text"));
        const char *word = json_string_value(value);
        json_object_set_new(
            row, "width",
            json_real(longest > 0 ? 100 * json_number_value(json_object_get(row, "n")) / longest
                                  : 0));
        if (text || word)
            json_object_set_new(
                row, "label",
                json_string(text ? text
                                 : page_text(view->request, strcmp(word, "true") == 0 ? "survey.yes"
                                                            : strcmp(word, "false") == 0
                                                                ? "survey.no"
                                                                : word)));
        struct buf encoded;
        buf_init(&encoded, 1024);
        if (word)
            url_encode(slice_of(word), &encoded);
        else
            buf_add_format(&encoded, "%.15g", json_number_value(value));
        json_object_set_new(
            row, "href",
            json_string(arena_format(view->request->arena,
                                     "%s/answers?question=%s&value=%.*s%s&period=%s",
                                     page_path(view->request, "/surveys/", view->id),
                                     json_string_value(json_object_get(question, "id")),
                                     (int)encoded.n, encoded.p, view->filters, view->period->id)));
        buf_release(&encoded);
    }
}

static bool is_text(const json_t *question) {
    const char *metric = json_string_value(json_object_get(question, "metric"));
    return metric && strcmp(metric, "text") == 0;
}

/* Adds what templates need to each question; the first with a score is the one drawn over time. */
static const char *show_questions(const struct view *view, json_t *results) {
    json_t *question;
    const char *chosen = NULL;
    size_t i;
    json_array_foreach(json_object_get(results, "questions"), i, question) {
        json_t *score = json_object_get(question, "score");
        show_bars(view, question);
        json_object_set_new(question, "is_text", json_boolean(is_text(question)));
        json_object_set_new(
            question, "has_bars",
            json_boolean(json_array_size(json_object_get(question, "distribution"))));
        if (!score)
            continue;
        show_score(view, score);
        if (json_object_get(question, "gap"))
            json_object_set_new(question, "gap_text",
                                shown(view, "mean", json_object_get(question, "gap")));
        if (!chosen)
            chosen = json_string_value(json_object_get(question, "id"));
    }
    return chosen;
}

/* ---- over time ---- */

static const json_t *question_of(const json_t *results, const char *id) {
    json_t *question;
    size_t i;
    json_array_foreach(json_object_get(results, "questions"), i,
                       question) if (strcmp(json_string_value(json_object_get(question, "id")),
                                            id) == 0) return question;
    return NULL;
}

/* The page's filters as members of a question. */
static void add_filters(struct request *request, json_t *query) {
    json_t *where = json_array();
    for (size_t i = 0; i < FILTERS; i++) {
        const char *name = filter_names[i], *value = request_query(request, name);
        if (!value || !*value)
            continue;
        bool version = strcmp(name, "version") == 0;
        if (strcmp(name, "channel") == 0 || strcmp(name, "unit") == 0)
            json_object_set_new(query, name, json_string(value));
        else if (version || strcmp(name, "language") == 0)
            json_array_append_new(
                where,
                json_pack("{s:s, s:s, s:o}", "property", name, "op", "=", "value",
                          version ? json_integer(strtoll(value, NULL, 10)) : json_string(value)));
    }
    if (json_array_size(where))
        json_object_set(query, "where", where);
    json_decref(where);
}

static json_t *draw(const struct view *view, const json_t *results, const char *id) {
    struct request *request = view->request;
    const json_t *question = id ? question_of(results, id) : NULL;
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    json_t *answer = NULL;
    struct err ignored = {0};
    struct buf out;
    if (!question)
        return NULL;
    json_t *query = json_pack("{s:s, s:O, s:s, s:s, s:s}", "kind", "score", "metric",
                              json_object_get(question, "metric"), "survey", view->id, "question",
                              id, "every", view->period->every);
    if (view->from_ms) {
        time_format(view->from_ms, from);
        time_format(request->received_ms, to);
        json_object_set_new(query, "range", json_pack("{s:s, s:s}", "from", from, "to", to));
    }
    add_filters(request, query);
    if (page_query(request, query, &answer, &ignored) < 0)
        return NULL;
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "scores.over_time"),
                          .id = "score",
                          .width = 1060,
                          .arena = request->arena};
    const char *every = view->period->every;
    struct trend_view trend = {
        .shape = TREND_LINES,
        .every = strcmp(every, "week") == 0    ? BUCKET_WEEK
                 : strcmp(every, "month") == 0 ? BUCKET_MONTH
                                               : BUCKET_DAY,
        .now_ms = request->received_ms,
        .interval = true,
        .share =
            strcmp(json_string_value(json_object_get(json_object_get(question, "score"), "kind")),
                   "share") == 0};
    buf_init(&out, TEMPLATE_MAX_BYTES);
    chart_trend_figure(&chart, &trend, json_object_get(answer, "data"),
                       page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    json_decref(answer);
    return svg;
}

/* ---- the page ---- */

static json_t *periods_json(const struct view *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < PERIODS; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b}", "period", periods[i].id, "href",
                            arena_format(view->request->arena, "%s?period=%s%s",
                                         page_path(view->request, "/surveys/", view->id),
                                         periods[i].id, view->filters),
                            "current", &periods[i] == view->period));
    return list;
}

/* Choices of a filter: the names that the counts have. */
static json_t *choices_json(const struct view *view, const json_t *counts, const char *filter) {
    const char *name, *said = request_query(view->request, filter);
    json_t *list = json_array(), *n;
    json_object_foreach((json_t *)(uintptr_t)counts, name, n)
        json_array_append_new(list, json_pack("{s:s, s:O, s:b}", "value", name, "n", n, "current",
                                              said && strcmp(said, name) == 0));
    return list;
}

/* Everything, without the filters: so that a filter can be changed for another. */
static json_t *all_counts(const struct view *view) {
    struct view all = *view;
    struct err ignored = {0};
    json_t *results = NULL;
    all.filters = "";
    return page_fetch(view->request, target(&all, "results", ""), &results, &ignored) < 0 ? NULL
                                                                                          : results;
}

static void add_words(const struct view *view, json_t *page) {
    struct request *request = view->request;
    const char *contains = request_query(request, "words");
    struct err ignored = {0};
    struct buf more;
    json_t *words = NULL;
    buf_init(&more, 4096);
    buf_add_format(&more, "kind=text&limit=%d", WORDS_SHOWN);
    if (contains && *contains) {
        buf_add_text(&more, "&contains=");
        url_encode(slice_of(contains), &more);
        json_object_set_new(page, "said", json_string(contains));
    }
    if (page_fetch(request, target(view, "answers", arena_text(request->arena, buf_slice(&more))),
                   &words, &ignored) == 0) {
        json_object_set(page, "words", json_object_get(words, "data"));
        json_object_set(page, "words_total", json_object_get(words, "total"));
        json_object_set_new(page, "sees_words", json_true());
        json_decref(words);
    }
    buf_release(&more);
}

/* Channels, then touchpoints, as rows of one table. */
static json_t *rates_json(const json_t *results) {
    static const char *const groups[] = {"by_channel", "by_touchpoint"};
    json_t *rows = json_array(), *row;
    size_t i;
    for (size_t g = 0; g < 2; g++)
        json_array_foreach(json_object_get(results, groups[g]), i, row) {
            json_object_set_new(row, "is_channel", json_boolean(g == 0));
            json_array_append(rows, row);
        }
    return rows;
}

/* The address as a code to print or to point a phone at. */
static void add_share(const struct view *view, json_t *page) {
    const char *address =
        json_string_value(json_object_get(json_object_get(page, "survey"), "address"));
    struct buf svg;
    buf_init(&svg, TEMPLATE_MAX_BYTES);
    qr_svg(address, page_text(view->request, "surveys.qr"), &svg);
    json_object_set_new(page, "qr", json_stringn(svg.p ? svg.p : "", svg.n));
    buf_release(&svg);
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "survey_results",
                                     .section = "surveys",
                                     .script = "js/survey_results.js",
                                     .style = "css/charts.css"};
    struct view view;
    json_t *survey = NULL, *results = NULL;
    read_view(&view, request);
    int code = page_fetch(request, page_path(request, "/api/v1/surveys/", view.id), &survey, err);
    if (code < 0)
        return code;
    json_t *all = NULL, *shown_page = json_pack("{s:O, s:O}", "survey", survey, "title",
                                                json_object_get(survey, "title"));
    json_object_del(survey, "definition");
    bool published = json_integer_value(json_object_get(survey, "version")) > 0;
    json_decref(survey);
    if (!published) {
        json_decref(shown_page);
        return page_redirect(
            request, response,
            arena_format(request->arena, "%s/edit", page_path(request, "/surveys/", view.id)),
            NULL);
    }
    code = page_fetch(request, target(&view, "results", ""), &results, err);
    if (code < 0) {
        json_decref(shown_page);
        return code;
    }
    const char *chosen = show_questions(&view, results);
    json_t *chart = draw(&view, results, chosen);
    if (chart) {
        json_object_set_new(shown_page, "chart", chart);
        json_object_set(shown_page, "charted",
                        json_object_get(question_of(results, chosen), "text"));
    }
    all = all_counts(&view);
    json_object_set_new(shown_page, "versions",
                        choices_json(&view, json_object_get(all, "versions"), "version"));
    json_object_set_new(shown_page, "channels",
                        choices_json(&view, json_object_get(all, "channels"), "channel"));
    json_object_set_new(shown_page, "languages",
                        choices_json(&view, json_object_get(all, "languages"), "language"));
    json_object_set_new(shown_page, "units", page_units(request, request_query(request, "unit")));
    json_int_t n = json_integer_value(json_object_get(all, "responses")) +
                   json_integer_value(json_object_get(all, "partial"));
    json_object_set_new(shown_page, "any", json_boolean(n > 0 || *view.filters));
    json_object_set_new(shown_page, "can_export",
                        json_boolean(request->principal.role >= ROLE_UNIT_MANAGER));
    add_share(&view, shown_page);
    json_object_set_new(shown_page, "periods", periods_json(&view));
    json_object_set_new(shown_page, "period", json_string(view.period->id));
    json_object_set_new(shown_page, "path", json_string(page_path(request, "/surveys/", view.id)));
    json_object_set_new(shown_page, "rates", rates_json(results));
    json_object_set_new(shown_page, "results", results);
    add_words(&view, shown_page);
    json_decref(all);
    return page_render(request, response, &page, shown_page, err);
}

/* What is asked for of the answers, encoded: "&question=…&value=…". */
static const char *asked_for(struct request *request) {
    static const char *const passed[] = {"question", "value", "contains", "kind"};
    struct buf text;
    buf_init(&text, LIMIT_URL_BYTES);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        const char *value = request_query(request, passed[i]);
        if (!value)
            continue;
        buf_add_format(&text, "&%s=", passed[i]);
        url_encode(slice_of(value), &text);
    }
    const char *copy = arena_text(request->arena, buf_slice(&text));
    buf_release(&text);
    return copy;
}

static void set_next(const struct view *view, const char *asked, const json_t *list, json_t *page) {
    const char *next = json_string_value(json_object_get(list, "next"));
    if (next)
        json_object_set_new(
            page, "next",
            json_string(arena_format(view->request->arena, "%s/answers?period=%s%s%s&cursor=%s",
                                     page_path(view->request, "/surveys/", view->id),
                                     view->period->id, view->filters, asked, next)));
}

/* A question of the draft as the reader's language says it, or as the first one does; NULL: it is no longer there. */
static const json_t *words_of(const struct request *request, const json_t *survey, const char *id) {
    const json_t *pages = json_object_get(json_object_get(survey, "definition"), "pages"), *page;
    size_t i, k;
    json_array_foreach((json_t *)(uintptr_t)pages, i, page) {
        const json_t *questions = json_object_get(page, "questions"), *question;
        json_array_foreach((json_t *)(uintptr_t)questions, k, question) {
            const char *is = json_string_value(json_object_get(question, "id"));
            json_t *text = json_object_get(question, "text");
            if (!is || !id || strcmp(is, id) != 0)
                continue;
            const json_t *own = json_object_get(text, request->language);
            return !json_is_object(text) ? text
                   : own                 ? own
                                         : json_object_iter_value(json_object_iter(text));
        }
    }
    return NULL;
}

/* Names of the customers and what the questions ask. */
static void tell_answers(struct request *request, const json_t *survey, json_t *rows) {
    json_t *row, *people = json_array();
    size_t i;
    json_array_foreach(rows, i, row)
        json_array_append_new(people, json_pack("{s:O}", "id", json_object_get(row, "customer")));
    people_name(request, people);
    json_array_foreach(rows, i, row) {
        const json_t *text =
            words_of(request, survey, json_string_value(json_object_get(row, "question")));
        json_object_set(row, "name", json_object_get(json_array_get(people, i), "name"));
        json_object_set(row, "question_text", (json_t *)(uintptr_t)text);
    }
    json_decref(people);
}

/* The answers behind a number. */
static int answers(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "survey_answers", .section = "surveys", .title = "surveys.answers"};
    struct view view;
    json_t *survey = NULL, *list = NULL;
    read_view(&view, request);
    const char *asked = asked_for(request), *cursor = request_query(request, "cursor");
    const char *question = request_query(request, "question"),
               *value = request_query(request, "value");
    int code = page_fetch(request, page_path(request, "/api/v1/surveys/", view.id), &survey, err);
    if (code < 0)
        return code;
    const char *more =
        arena_format(request->arena, "limit=%d%s%s%s", ANSWERS_SHOWN, asked,
                     cursor ? "&cursor=" : "", cursor ? page_path(request, "", cursor) : "");
    code = page_fetch(request, target(&view, "answers", more), &list, err);
    if (code < 0) {
        json_decref(survey);
        return code;
    }
    const char *words = json_string_value(words_of(request, survey, question));
    tell_answers(request, survey, json_object_get(list, "data"));
    json_t *shown_page = json_pack(
        "{s:O, s:O, s:O, s:s, s:s, s:s}", "survey_title", json_object_get(survey, "title"), "rows",
        json_object_get(list, "data"), "total", json_object_get(list, "total"), "path",
        page_path(request, "/surveys/", view.id), "question",
        words      ? words
        : question ? question
                   : "",
        "value", value ? value : "");
    set_next(&view, asked, list, shown_page);
    json_decref(survey);
    json_decref(list);
    return page_render(request, response, &page, shown_page, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/surveys/{id}",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
    {.methods = METHOD_GET,
     .pattern = "/surveys/{id}/answers",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .role = ROLE_AGENT,
     .handle = answers},
};
const struct route_table page_survey_result_routes = ROUTE_TABLE(routes);
