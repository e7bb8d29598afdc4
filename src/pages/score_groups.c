/*
 * See score_groups.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/score_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "http/router.h"
#include "pages/chart.h"

enum { GROUPS_SHOWN = 20, COUNTRIES_SHOWN = 8, SEGMENTATIONS_SHOWN = 20 };

/* What the second table splits by: one of these, or ?split_kind=property&split_name=…. */
static const char *const splits[] = {"channel", "touchpoint", "version"};
static const char *const kinds[] = {"property", "trait"};
enum { SPLITS = sizeof splits / sizeof *splits, KINDS = sizeof kinds / sizeof *kinds };

static const char *split_of(const struct score_view *view) {
    struct request *request = view->request;
    const char *asked = request_query(request, "split"),
               *kind = request_query(request, "split_kind"),
               *name = request_query(request, "split_name");
    for (size_t i = 0; kind && name && *name && i < KINDS; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return arena_format(request->arena, "%s:%s", kind, name);
    if (asked && strncmp(asked, "segmentation:", 13) == 0)
        return asked;
    for (size_t i = 0; asked && i < SPLITS; i++)
        if (strcmp(asked, splits[i]) == 0)
            return splits[i];
    return splits[0];
}

static json_t *choice(const struct score_view *view, const char *split, const char *title) {
    return json_pack("{s:s, s:s?, s:o, s:b}", "split", split, "name", title, "href",
                     json_sprintf("%s#score-groups", score_with(view, "/scores", "split", split)),
                     "current", strcmp(split_of(view), split) == 0);
}

static json_t *split_choices(const struct score_view *view) {
    json_t *list = json_array(), *answer = NULL, *row;
    struct err ignored = {0};
    size_t i;
    for (i = 0; i < SPLITS; i++)
        json_array_append_new(list, choice(view, splits[i], NULL));
    if (page_fetch(view->request, "/api/v1/segmentations", &answer, &ignored) < 0)
        return list;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name")),
                   *title = json_string_value(json_object_get(row, "title"));
        if (name && i < SEGMENTATIONS_SHOWN)
            json_array_append_new(
                list, choice(view, arena_format(view->request->arena, "segmentation:%s", name),
                             title && *title ? title : name));
    }
    json_decref(answer);
    return list;
}

/* The form for a property or trait, as it is filled in. */
static void add_form(const struct score_view *view, json_t *chosen) {
    const char *kind = request_query(view->request, "split_kind"),
               *name = request_query(view->request, "split_name");
    json_t *list = json_array();
    for (size_t i = 0; i < KINDS; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "kind", kinds[i], "current",
                                              kind && strcmp(kind, kinds[i]) == 0));
    json_object_set_new(chosen, "split_kinds", list);
    json_object_set_new(chosen, "split_name", json_string(name ? name : ""));
}

/* ---- rows ---- */

/* The value of a group as its address says it; plain: it is no text. */
static const char *group_text(const struct score_view *view, const json_t *by, bool *plain) {
    *plain = json_is_number(by) || json_is_boolean(by);
    if (json_is_string(by))
        return json_string_value(by);
    return json_is_integer(by)
               ? arena_format(view->request->arena, "%lld", (long long)json_integer_value(by))
           : json_is_real(by)    ? arena_format(view->request->arena, "%.15g", json_real_value(by))
           : json_is_boolean(by) ? (json_is_true(by) ? "true" : "false")
                                 : NULL;
}

static const char *encoded(const struct score_view *view, const char *text) {
    return page_path(view->request, "", text);
}

static void add_links(const struct score_view *view, json_t *row, const char *by, const char *group,
                      bool plain) {
    struct score_view at = *view; /* a centre alone, also where the view is of those above it */
    bool unit = strcmp(by, "unit") == 0;
    at.unit = unit ? group : view->unit;
    if (unit)
        json_object_set_new(row, "answers",
                            json_string(score_address(&at, "/scores/answers", at.metric, at.survey,
                                                      at.period->id)));
    bool classes = strncmp(by, "segmentation:", 13) == 0; /* people are in one, answers are not */
    const char *name = encoded(view, strcmp(by, "version") == 0 ? "property:version" : by),
               *suffix = plain ? "&plain=1" : "";
    if (!unit && !classes)
        json_object_set_new(row, "answers_link",
                            json_sprintf("%s&by=%s%s",
                                         score_with(view, "/scores/answers", "of", group), name,
                                         suffix));
    json_object_set_new(row, "people",
                        json_sprintf("%s&by=%s%s",
                                     score_with(view, "/scores/people", "group", group), name,
                                     suffix));
}

static void add_group(const struct score_view *view, json_t *row, const char *by) {
    const char *stands = json_string_value(json_object_get(row, "standing"));
    bool plain;
    const char *group = group_text(view, json_object_get(row, "by"), &plain);
    bool other = group && strcmp(group, "(other)") == 0;
    score_add_figures(view, view->metric, row);
    json_object_set(row, "channel", json_object_get(row, "by"));
    json_object_set_new(row, "tone",
                        json_string(!stands                        ? ""
                                    : strcmp(stands, "above") == 0 ? "good"
                                    : strcmp(stands, "below") == 0 ? "bad"
                                                                   : ""));
    json_object_set_new(row, "other", json_boolean(other));
    if (group && !other)
        add_links(view, row, by, group, plain);
}

static json_t *by_json(const char *by) {
    return strcmp(by, "version") == 0 ? json_pack("{s:s}", "property", by) : score_by_json(by);
}

static int by_rank(const void *left, const void *right) {
    const json_t *a = json_object_get(*(json_t *const *)left, "rank"),
                 *b = json_object_get(*(json_t *const *)right, "rank");
    if (json_is_integer(a) != json_is_integer(b))
        return json_is_integer(a) ? -1 : 1;
    return (json_integer_value(a) > json_integer_value(b)) -
           (json_integer_value(a) < json_integer_value(b));
}

/* Where an order may be told, it is the one shown; those without a rank come last. */
static void put_in_order(json_t *rows) {
    size_t n = json_array_size(rows), i;
    json_t **sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        abort();
    for (i = 0; i < n; i++)
        sorted[i] = json_incref(json_array_get(rows, i));
    qsort(sorted, n, sizeof *sorted, by_rank);
    json_array_clear(rows);
    for (i = 0; i < n; i++)
        json_array_append_new(rows, sorted[i]);
    free(sorted);
}

/* Rows by something, with what may be said of their order: returns the reason why there is none, or "allowed". */
static const char *add_groups(const struct score_view *view, json_t *chosen, const char *name,
                              const char *by) {
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms), *row;
    size_t i;
    json_object_set_new(query, "by", by_json(by));
    json_object_set_new(query, "limit", json_integer(GROUPS_SHOWN));
    score_weigh(view, query);
    if (strcmp(by, "unit") == 0)
        json_object_set_new(query, "response_rate", json_false());
    struct err refusal = {0};
    json_t *answer = NULL;
    if (page_query(view->request, query, &answer, &refusal) < 0) {
        json_object_set_new(chosen, arena_format(view->request->arena, "%s_refused", name),
                            json_string(page_message(view->request, &refusal)));
        answer = json_pack("{s:[], s:{}}", "data", "meta");
    }
    json_t *rows = json_object_get(answer, "data");
    json_array_foreach(rows, i, row) add_group(view, row, by);
    const json_t *ranking =
        json_object_get(json_object_get(json_object_get(answer, "meta"), "comparison"), "ranking");
    const char *reason = json_string_value(json_object_get(ranking, "reason"));
    const char *told = json_is_true(json_object_get(ranking, "allowed")) ? "allowed"
                       : reason && strcmp(reason, "too_few") != 0
                           ? arena_text(view->request->arena, slice_of(reason))
                       : json_array_size(rows) == 1 ? "alone"
                                                    : "too_few";
    if (strcmp(told, "allowed") == 0)
        put_in_order(rows);
    json_object_set(chosen, name, rows);
    json_object_set_new(chosen, arena_format(view->request->arena, "%s_ranking", name),
                        json_string(told));
    json_decref(answer);
    return told;
}

/* ---- countries, each by itself ---- */

/* Columns of the distribution, 0 to 10. */
static json_t *columns(const struct score_view *view, const json_t *row) {
    enum { ANSWERS = 11, WIDTH = 20, HEIGHT = 48 };
    double counts[ANSWERS] = {0}, most = 0;
    json_t *bar;
    size_t i;
    struct buf svg, words;
    buf_init(&svg, 8192);
    buf_init(&words, 1024);
    json_array_foreach(json_object_get(row, "distribution"), i, bar) {
        double value = json_number_value(json_object_get(bar, "value")),
               n = json_number_value(json_object_get(bar, "n"));
        if (value < 0 || value >= ANSWERS)
            continue;
        counts[(int)value] += n;
        most = fmax(most, counts[(int)value]);
        buf_add_format(&words, "%s%g: %.0f", words.n ? ", " : "", value, n);
    }
    buf_add_format(&svg,
                   "<svg class=\"columns\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s. "
                   "%.*s\">",
                   ANSWERS * WIDTH, HEIGHT + 14, page_text(view->request, "scores.distribution"),
                   (int)words.n, words.p ? words.p : "");
    for (int v = 0; v < ANSWERS; v++) {
        double height = most > 0 ? HEIGHT * counts[v] / most : 0;
        buf_add_format(&svg,
                       "<rect class=\"meter-value\" x=\"%d\" y=\"%.1f\" width=\"%d\" "
                       "height=\"%.1f\"/><text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d</text>",
                       v * WIDTH + 2, HEIGHT - height, WIDTH - 4, height, v * WIDTH + WIDTH / 2,
                       HEIGHT + 12, v);
    }
    buf_add_text(&svg, "</svg>");
    json_t *text = json_stringn(svg.p, svg.n);
    buf_release(&svg);
    buf_release(&words);
    return text;
}

/* The rows of one group out of all by time. */
static json_t *trend_of(const json_t *rows, const json_t *by) {
    json_t *own = json_array(), *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)rows, i,
                       row) if (json_equal(json_object_get(row, "by"), by)) {
        json_t *copy = json_copy(row);
        json_object_del(copy, "by");
        json_array_append_new(own, copy);
    }
    return own;
}

/* Scales are used differently from country to country, so nothing is put in an order: each has its distribution and trend. */
static void add_countries(const struct score_view *view, json_t *chosen, const char *by) {
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms), *row;
    json_t *list = json_array();
    size_t i;
    json_object_set_new(query, "by", by_json(by));
    json_object_set_new(query, "limit", json_integer(COUNTRIES_SHOWN + 1)); /* and those without */
    json_object_set_new(query, "every", json_string(view->period->every));
    json_object_set_new(query, "response_rate", json_false());
    score_weigh(view, query);
    json_t *answer = score_ask(view, query);
    json_array_foreach(json_object_get(chosen, "groups"), i, row) {
        const json_t *name = json_object_get(row, "by");
        if (json_is_null(name) || json_is_true(json_object_get(row, "other")) ||
            json_array_size(list) == COUNTRIES_SHOWN)
            continue;
        json_t *trend = trend_of(json_object_get(answer, "data"), name);
        json_t *country = json_copy(row);
        json_object_set_new(country, "columns", columns(view, row));
        json_object_set_new(country, "chart",
                            json_array_size(trend) > 1
                                ? score_draw(view, trend,
                                             arena_format(view->request->arena, "country-%zu", i),
                                             false)
                                : json_null());
        json_array_append_new(list, country);
        json_decref(trend);
    }
    json_object_set_new(chosen, "countries", list);
    json_decref(answer);
}

void score_groups_add(const struct score_view *view, json_t *chosen) {
    const char *split = split_of(view);
    add_groups(view, chosen, "units", "unit");
    if (strcmp(add_groups(view, chosen, "groups", split), "countries") == 0)
        add_countries(view, chosen, split);
    json_object_set_new(chosen, "by_channel", json_boolean(strcmp(split, "channel") == 0));
    json_object_set_new(chosen, "splits", split_choices(view));
    add_form(view, chosen);
}
