/*
 * Scores: what people answered, survey by survey; the chosen one over time, its distribution, by centre and by channel.
 *
 * A score stands with its n, margin and response rate. Centres and channels are listed by answers; each says whether it lies above
 * or below the others beyond chance, and an order is told only where the API allows one (meta.comparison). What was asked for
 * is left out, with a switch to see it. From each number a link leads to the answers and the customers behind it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "base/limits.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/pages.h"
#include "pages/people.h"
#include "pages/score_groups.h"
#include "pages/scores.h"
#include "stats/gsl.h"
#include "stats/interval.h"

enum { SURVEYS_SHOWN = 100 };

static json_t *data_of(const struct score_view *view, json_t *query) {
    json_t *answer = score_ask(view, query);
    json_t *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return data;
}

/* ---- the list of scores ---- */

static json_t *relations(struct request *request) {
    struct err ignored = {0};
    json_t *answer = NULL, *relations = json_object(), *row;
    size_t i;
    if (page_fetch(request, "/api/v1/scores/surveys", &answer, &ignored) < 0)
        return relations;
    json_array_foreach(json_object_get(answer, "data"), i, row)
        json_object_set(relations, json_string_value(json_object_get(row, "survey")),
                        json_object_get(row, "relation"));
    json_decref(answer);
    return relations;
}

struct score_list {
    json_t *rows, *titles;
    const json_t *settled;
    bool found; /* the one that the address names */
};

/* The surveys of one metric. */
static void list_metric(const struct score_view *view, size_t m, struct score_list *list) {
    json_t *query = score_question(view, "score", m, view->from_ms, view->to_ms), *row;
    size_t i;
    json_object_set_new(query, "by", json_pack("{s:s}", "property", "survey"));
    json_object_set_new(query, "limit", json_integer(SURVEYS_SHOWN));
    json_object_set_new(query, "response_rate", json_false());
    json_t *data = data_of(view, query);
    json_array_foreach(data, i, row) {
        const char *survey = json_string_value(json_object_get(row, "by"));
        bool chosen =
            view->chosen && m == view->metric &&
            (survey && view->survey ? strcmp(survey, view->survey) == 0 : !survey && !view->survey);
        list->found |= chosen;
        score_add_figures(view, m, row);
        json_object_set_new(row, "metric", json_string(score_metric(view, m)->name));
        json_t *title = survey ? json_object_get(list->titles, survey) : NULL;
        json_object_set(row, "title", title ? title : json_null()); /* not the page's */
        json_object_set_new(row, "current", json_boolean(chosen));
        if (survey && json_object_get(list->settled, survey))
            json_object_set(row, "relation", json_object_get(list->settled, survey));
        json_object_set_new(
            row, "href", json_string(score_address(view, "/scores", m, survey, view->period->id)));
        json_object_set_new(
            row, "answers",
            json_string(score_address(view, "/scores/answers", m, survey, view->period->id)));
        json_array_append(list->rows, row);
    }
    json_decref(data);
}

static json_t *list_scores(struct score_view *view, const json_t *settled, bool *found) {
    struct score_list list = {
        .rows = json_array(), .titles = score_survey_titles(view->request), .settled = settled};
    json_t *own = score_own_metrics(view), *name;
    size_t i;
    for (size_t m = 0; m < SCORE_METRICS; m++)
        list_metric(view, m, &list);
    json_array_foreach(own, i, name) {
        struct score_view one = *view;
        score_view_own(&one, json_string_value(name));
        one.chosen = view->chosen && view->own.name && strcmp(view->own.name, one.own.name) == 0;
        list_metric(&one, SCORE_OWN, &list);
    }
    *found = list.found;
    json_decref(own);
    json_decref(list.titles);
    return list.rows;
}

/* Without a choice: the score with most answers of the first metric that has any. */
static void choose_first(struct score_view *view, const json_t *list) {
    json_t *row = json_array_get(list, 0);
    const char *metric = json_string_value(json_object_get(row, "metric")),
               *survey = json_string_value(json_object_get(row, "by"));
    if (metric)
        score_view_own(view, arena_text(view->request->arena, slice_of(metric)));
    for (size_t m = 0; metric && m < SCORE_METRICS; m++)
        if (strcmp(score_metrics[m].name, metric) == 0)
            view->metric = m;
    view->survey = survey ? arena_text(view->request->arena, slice_of(survey)) : NULL;
    json_object_set_new(row, "current", json_true());
}

/* ---- the chosen score ---- */

/* Bars of the distribution: width of each against the longest, share of all, and who they are. */
static json_t *bars(const struct score_view *view, const json_t *whole) {
    const json_t *distribution = json_object_get(whole, "distribution"), *row;
    double longest = 0, n = json_number_value(json_object_get(whole, "n"));
    json_t *list = json_array();
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)distribution, i, row) longest =
        fmax(longest, json_number_value(json_object_get(row, "n")));
    json_array_foreach((json_t *)(uintptr_t)distribution, i, row) {
        double count = json_number_value(json_object_get(row, "n"));
        char value[40];
        snprintf(value, sizeof value, "%.15g", json_number_value(json_object_get(row, "value")));
        json_array_append_new(
            list, json_pack("{s:O, s:f, s:f, s:f, s:s, s:s}", "value",
                            json_object_get(row, "value"), "n", count, "share",
                            n > 0 ? count / n : 0, "width", longest > 0 ? 100 * count / longest : 0,
                            "answers", score_with(view, "/scores/answers", "value", value),
                            "people", score_with(view, "/scores/people", "answer", value)));
    }
    return list;
}

/* What is stored under a name (segments, margins), for the choice. */
static json_t *stored(const struct score_view *view, const char *path, const char *chosen) {
    struct err ignored = {0};
    json_t *answer = NULL, *list = json_array(), *row;
    size_t i;
    if (page_fetch(view->request, path, &answer, &ignored) < 0)
        return list;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        json_t *title = json_object_get(row, "title");
        if (name)
            json_array_append_new(
                list, json_pack("{s:s, s:O, s:b}", "name", name, "title",
                                json_is_string(title) ? title : json_object_get(row, "name"),
                                "chosen", chosen && strcmp(chosen, name) == 0));
    }
    json_decref(answer);
    return list;
}

/* Standard error that an interval stands for. */
static double error_of(const json_t *row) {
    double low = json_number_value(json_object_get(row, "low")),
           high = json_number_value(json_object_get(row, "high"));
    return (high - low) / 2 / normal_quantile(0.5 + CONFIDENCE_95 / 2);
}

/* The answers between an instant and the begin of the period. */
static const char *earlier_answers(const struct score_view *view, int64_t from_ms) {
    struct score_view before = *view;
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    time_format(from_ms, from);
    time_format(view->from_ms, to);
    before.from = from;
    before.to = to;
    return score_address(&before, "/scores/answers", view->metric, view->survey, view->period->id);
}

/* Against the equally long time before: whether the difference is more than chance (two sided, 5 %). */
static json_t *change(const struct score_view *view, const json_t *whole, bool broken) {
    int64_t length = view->to_ms - view->from_ms;
    if (!view->from_ms || broken)
        return NULL;
    json_t *query = score_question_chosen(view, "score", view->from_ms - length, view->from_ms);
    json_object_set_new(query, "response_rate", json_false());
    score_weigh(view, query);
    json_t *before = data_of(view, query);
    const json_t *row = json_array_get(before, 0);
    json_t *made = NULL;
    if (json_is_number(json_object_get(row, "low")) &&
        json_is_number(json_object_get(whole, "low"))) {
        struct difference difference = difference_of(
            json_number_value(json_object_get(row, "value")), error_of(row),
            json_number_value(json_object_get(whole, "value")), error_of(whole), CONFIDENCE_95);
        made = json_pack("{s:o, s:O, s:b, s:s}", "before",
                         score_shown(view, view->metric, json_object_get(row, "value")), "n",
                         json_object_get(row, "n"), "real", difference.p < 1 - CONFIDENCE_95,
                         "answers", earlier_answers(view, view->from_ms - length));
    }
    json_decref(before);
    return made;
}

/* Where the trend breaks: [{"time","reasons":[…]}]. */
static json_t *breaks(const json_t *rows, bool *cut) {
    json_t *list = json_array(), *row, *reason;
    size_t i, r;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        json_t *reasons = json_array();
        json_array_foreach(json_object_get(row, "break"), r, reason) {
            *cut |= strcmp(json_string_value(reason), "version") != 0;
            json_array_append_new(reasons, json_pack("{s:O}", "reason", reason));
        }
        if (json_array_size(reasons))
            json_array_append_new(
                list,
                json_pack("{s:O, s:O}", "time", json_object_get(row, "time"), "reasons", reasons));
        json_decref(reasons);
    }
    return list;
}

/* What was asked for: how much, why, and the switch. */
static void add_flagged(const struct score_view *view, json_t *row) {
    const char *name;
    json_t *n, *reasons = json_array();
    struct score_view other = *view;
    other.flagged = !view->flagged;
    json_object_foreach(json_object_get(row, "flagged_reasons"), name, n) json_array_append_new(
        reasons,
        json_pack("{s:s, s:O, s:o}", "reason", name, "n", n, "answers",
                  json_sprintf("%s&only=1", score_with(view, "/scores/answers", "reason", name))));
    json_object_set_new(row, "reasons", reasons);
    json_object_set_new(row, "switch",
                        json_string(score_address(&other, "/scores", view->metric, view->survey,
                                                  view->period->id)));
    json_object_set_new(
        row, "flagged_answers",
        json_sprintf("%s&only=1", score_address(view, "/scores/answers", view->metric, view->survey,
                                                view->period->id)));
}

/* Relational NPS beside that of rivals, as the panel rates them. */
static void add_rivals(const struct score_view *view, json_t *row, const json_t *settled) {
    const char *relation =
        view->survey ? json_string_value(json_object_get(settled, view->survey)) : NULL;
    if (view->metric != 0 || !relation || strcmp(relation, "relational") != 0)
        return;
    json_t *query = score_question(view, "score", 0, view->from_ms, view->to_ms), *rival;
    size_t i;
    json_object_set_new(query, "relation", json_string("rivals"));
    json_object_set_new(query, "by", json_pack("{s:s}", "property", "brand"));
    json_t *rivals = data_of(view, query);
    json_array_foreach(rivals, i, rival) {
        const char *brand = json_string_value(json_object_get(rival, "by"));
        score_add_figures(view, 0, rival);
        if (brand)
            json_object_set_new(rival, "rival_answers",
                                json_sprintf("%s&by=property%%3Abrand&relation=rivals",
                                             score_with(view, "/scores/answers", "of", brand)));
    }
    json_object_set_new(row, "rivals", rivals);
}

/* Faces beside how long people waited, where both are known. */
static void add_waiting(const struct score_view *view, json_t *row) {
    const struct dictionary *names = app_folder(view->request->app)->dictionary;
    if (view->survey || !score_metric(view, view->metric)->share ||
        !dictionary_find(names, DICTIONARY_EVENT, SLICE_LITERAL("Queue Served")) ||
        !dictionary_find(names, DICTIONARY_PROPERTY, SLICE_LITERAL("wait_min")))
        return;
    json_t *query = score_question_chosen(view, "conditions", view->from_ms, view->to_ms), *band;
    size_t i;
    json_object_set_new(query, "of", json_pack("{s:s}", "event", "Queue Served"));
    json_object_set_new(query, "measure", json_pack("{s:s}", "mean", "wait_min"));
    json_object_set_new(query, "window", json_string("30m"));
    json_object_set_new(query, "bands", json_pack("[i, i, i, i, i]", 0, 5, 10, 20, 34));
    json_t *data = data_of(view, query);
    json_array_foreach(json_object_get(data, "bands"), i, band) {
        score_add_figures(view, view->metric, band);
        json_object_set_new(band, "answers",
                            json_sprintf("%s%s",
                                         score_address(view, "/scores/answers", view->metric,
                                                       view->survey, view->period->id),
                                         score_band(view->request, band, "wait")));
    }
    const json_t *slope = json_object_get(json_object_get(data, "slope"), "value");
    if (json_is_number(slope) && json_number_value(json_object_get(data, "n")) > 0) {
        json_object_set_new(data, "slope_10",
                            json_real(1000 * json_number_value(slope))); /* points, 10 minutes */
        json_object_set(row, "waiting", data);
    }
    json_decref(data);
}

/* The score itself; weighted to the margins that were chosen, where its answers can be: else view->weigh falls. */
static json_t *whole_score(struct score_view *view) {
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms);
    score_weigh(view, query);
    json_t *data = data_of(view, query);
    if (view->weigh && !json_array_size(data)) {
        view->weigh = false;
        json_decref(data);
        data = data_of(view, score_question_chosen(view, "score", view->from_ms, view->to_ms));
    }
    json_t *row = json_incref(json_array_get(data, 0));
    json_decref(data);
    if (row && view->margins)
        json_object_set_new(row, view->weigh ? "weighted" : "not_weighted", json_true());
    if (row)
        json_object_set_new(
            row, "own_weights",
            json_boolean(view->margins && strcmp(view->margins, SCORE_OWN_WEIGHTS) == 0));
    return row;
}

static json_t *local_date(const struct score_view *view, int64_t ms) {
    const struct zone *zone = app_folder(view->request->app)->zone;
    int year, month, day;
    int64_t local_s = ms / 1000 + zone_offset_s(zone, ms / 1000);
    time_civil_from_days(local_s / DAY_S, &year, &month, &day);
    return json_sprintf("%04d-%02d-%02d", year, month, day);
}

/* Who was asked and who answered, in Explore; NULL: invitations are none of what was asked with. New reference. */
static json_t *asked_link(const struct score_view *view) {
    const struct dictionary *names = app_folder(view->request->app)->dictionary;
    if (!view->survey || !dictionary_find(names, DICTIONARY_EVENT, SLICE_LITERAL("Survey Invited")))
        return NULL;
    json_t *from = local_date(view, view->from_ms), *to = local_date(view, view->to_ms - 1);
    json_t *link = json_sprintf(
        "/explore/funnel?range=%s&from=%s&to=%s&s1=Survey%%20Invited&s2=Survey%%20Responded"
        "&f1p=survey&f1o=%%3D&f1v=%s",
        view->from_ms ? "custom" : "all", json_string_value(from), json_string_value(to),
        page_path(view->request, "", view->survey));
    json_decref(from);
    json_decref(to);
    return link;
}

/* Where the counts of the card lead. */
static void add_answer_links(const struct score_view *view, json_t *row) {
    static const char *const groups[] = {"promoters", "neutral", "detractors"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        json_object_set_new(row, arena_format(view->request->arena, "%s_answers", groups[i]),
                            json_string(score_with(view, "/scores/answers", "group", groups[i])));
    json_t *asked = asked_link(view);
    json_object_set_new(row, "asked_link", asked ? asked : json_null());
    json_object_set_new(row, "outside_answers",
                        json_string(score_with(view, "/scores/answers", "outside", "1")));
    json_object_set_new(row, "answers",
                        json_string(score_address(view, "/scores/answers", view->metric,
                                                  view->survey, view->period->id)));
}

static json_t *chosen(struct score_view *view, const json_t *settled) {
    bool people = !view->request->principal.floor, cut = false;
    json_t *row = whole_score(view);
    if (!json_is_object(row))
        return NULL;
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms);
    json_object_set_new(query, "every", json_string(view->period->every));
    json_object_set_new(query, "response_rate", json_false());
    score_weigh(view, query);
    json_t *over_time = data_of(view, query);
    score_add_figures(view, view->metric, row);
    json_object_set_new(row, "metric", json_string(score_metric(view, view->metric)->name));
    json_object_set_new(row, "survey", view->survey ? json_string(view->survey) : json_null());
    json_t *named = score_survey_titles(view->request);
    if (view->survey && json_object_get(named, view->survey))
        json_object_set(row, "survey_title", json_object_get(named, view->survey));
    json_decref(named);
    json_object_set_new(row, "relation",
                        view->survey && json_object_get(settled, view->survey)
                            ? json_incref(json_object_get(settled, view->survey))
                            : json_null());
    json_object_set_new(row, "nps", json_boolean(view->metric == 0));
    json_object_set_new(row, "see_people", json_boolean(people));
    json_object_set_new(row, "bars", bars(view, row));
    json_object_set_new(row, "breaks", breaks(over_time, &cut));
    json_object_set_new(row, "chart", score_draw(view, over_time, "score", people));
    score_groups_add(view, row);
    add_flagged(view, row);
    add_rivals(view, row, settled);
    add_waiting(view, row);
    json_t *changed = change(view, row, cut);
    if (changed)
        json_object_set_new(row, "change", changed);
    add_answer_links(view, row);
    json_object_set_new(row, "csv",
                        json_string(score_address(view, "/scores.csv", view->metric, view->survey,
                                                  view->period->id)));
    json_decref(over_time);
    return row;
}

/* The weights that answers brought with them, for the choice; null: none did. */
static json_t *own_weights(const struct score_view *view) {
    const struct dictionary *names = app_folder(view->request->app)->dictionary;
    if (!dictionary_find(names, DICTIONARY_PROPERTY, SLICE_LITERAL("weight")))
        return json_null();
    return json_pack("{s:s, s:b}", "name", SCORE_OWN_WEIGHTS, "current",
                     view->margins && strcmp(view->margins, SCORE_OWN_WEIGHTS) == 0);
}

/* ---- the page ---- */

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "scores",
                                     .section = "scores",
                                     .title = "nav.scores",
                                     .style = "css/charts.css"};
    struct score_view view;
    bool found = false;
    json_t *root = json_object();
    if (score_view_read(&view, request)) {
        json_t *settled = relations(request);
        json_t *list = list_scores(&view, settled, &found);
        if (!found && json_array_size(list))
            choose_first(&view, list);
        json_object_set_new(root, "has_data", json_true());
        json_t *one = json_array_size(list) ? chosen(&view, settled) : NULL;
        if (one)
            json_object_set_new(root, "chosen", one);
        json_object_set_new(root, "scores", list);
        json_object_set_new(root, "see_people", json_boolean(!request->principal.floor));
        json_object_set_new(root, "periods", score_period_choices(&view, "/scores"));
        json_object_set_new(root, "segments", stored(&view, "/api/v1/segments", view.segment));
        json_object_set_new(root, "all_margins",
                            stored(&view, "/api/v1/scores/margins", view.margins));
        json_object_set_new(root, "own_weights", own_weights(&view));
        json_object_set_new(root, "all_units", page_units(request, view.unit));
        json_object_set_new(root, "weights",
                            json_boolean(json_array_size(json_object_get(root, "all_margins")) ||
                                         json_is_object(json_object_get(root, "own_weights"))));
        json_object_set_new(root, "choices",
                            json_boolean(json_array_size(json_object_get(root, "segments")) +
                                         json_array_size(json_object_get(root, "all_units")) +
                                         json_array_size(json_object_get(root, "all_margins")) +
                                         json_is_object(json_object_get(root, "own_weights"))));
        json_decref(settled);
    }
    score_view_tell(&view, root, "scores");
    return page_render(request, response, &page, root, err);
}

/* What a survey is about. */
static int settle(struct request *request, struct response *response, struct err *err) {
    const char *survey = request_form(request, "survey"),
               *relation = request_form(request, "relation"), *back = request_form(request, "back");
    const char *target =
        page_path(request, "/api/v1/scores/surveys/", survey && *survey ? survey : "-");
    int code = relation && *relation
                   ? page_send(request, METHOD_PUT, target,
                               json_pack("{s:s}", "relation", relation), NULL, err)
                   : page_send(request, METHOD_DELETE, target, NULL, NULL, err);
    return code < 0 ? code : page_redirect(request, response, page_safe_target(back), "saved");
}

/* ---- files and people ---- */

static void send_file(struct request *request, struct response *response, const char *name) {
    response->type = "text/csv; charset=utf-8";
    response_header(request, response, "Content-Disposition",
                    arena_format(request->arena, "attachment; filename=\"%s\"", name));
    if (!response->body.max)
        buf_init(&response->body, LIMIT_BODY_BYTES);
}

/* ?view=time (standard), unit, channel. */
static int send_scores(struct request *request, struct response *response, struct err *err) {
    struct score_view view;
    const char *by = request_query(request, "view");
    score_view_read(&view, request);
    json_t *query = score_question_chosen(&view, "score", view.from_ms, view.to_ms), *answer = NULL;
    if (by && (strcmp(by, "unit") == 0 || strcmp(by, "channel") == 0))
        json_object_set_new(query, "by", json_string(by));
    else
        json_object_set_new(query, "every", json_string(view.period->every));
    score_weigh(&view, query);
    int code = page_query(request, query, &answer, err);
    if (code < 0)
        return code;
    send_file(request, response, "senda-scores.csv");
    query_answer_csv(answer, &response->body);
    json_decref(answer);
    return HANDLED;
}

/* The customers behind a number: ?answer=9, ?by=unit&group=…, ?bucket=…. */
static int fetch_people(struct request *request, const struct score_view *view, json_t **answer,
                        struct err *err) {
    const char *value = request_query(request, "answer"), *by = request_query(request, "by"),
               *group = request_query(request, "group"), *bucket = request_query(request, "bucket"),
               *cursor = request_query(request, "cursor");
    json_t *query = score_question_chosen(view, "score", view->from_ms, view->to_ms),
           *people = json_object();
    if (value)
        json_object_set_new(people, "answer", json_real(strtod(value, NULL)));
    if (by && group) {
        const char *plain = request_query(request, "plain"); /* a number or truth value */
        json_t *value_of_group = plain ? json_loads(group, JSON_DECODE_ANY, NULL) : NULL;
        json_object_set_new(query, "by", score_by_json(by));
        json_object_set_new(people, "by", value_of_group ? value_of_group : json_string(group));
    }
    if (bucket) {
        json_object_set_new(query, "every", json_string(view->period->every));
        json_object_set_new(people, "time", json_string(bucket));
    }
    if (cursor)
        json_object_set_new(query, "cursor", json_string(cursor));
    if (!by)
        json_object_set_new(query, "limit", json_integer(100));
    json_object_set_new(query, "people", people);
    return page_query(request, query, answer, err);
}

static int show_people(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "score_people", .section = "scores", .title = "scores.people"};
    struct score_view view;
    json_t *answer = NULL;
    score_view_read(&view, request);
    int code = fetch_people(request, &view, &answer, err);
    if (code < 0)
        return code;
    const char *mark = strchr(request->target, '?'), *old = strstr(request->target, "&cursor=");
    const char *next = json_string_value(json_object_get(json_object_get(answer, "meta"), "next"));
    json_t *root = json_copy(json_object_get(answer, "data"));
    people_name(request, json_object_get(root, "customers"));
    size_t own = old ? (size_t)(old - request->target) : strlen(request->target);
    if (next)
        json_object_set_new(root, "next",
                            json_sprintf("%.*s&cursor=%s", (int)own, request->target, next));
    json_object_set_new(root, "csv", json_sprintf("/scores/people.csv%s", mark ? mark : ""));
    json_object_set_new(
        root, "back",
        json_string(score_address(&view, "/scores", view.metric, view.survey, view.period->id)));
    score_view_tell(&view, root, "scores");
    json_decref(answer);
    return page_render(request, response, &page, root, err);
}

static int send_people(struct request *request, struct response *response, struct err *err) {
    struct score_view view;
    json_t *answer = NULL;
    score_view_read(&view, request);
    int code = fetch_people(request, &view, &answer, err);
    if (code < 0)
        return code;
    send_file(request, response, "senda-customers.csv");
    people_csv(json_object_get(json_object_get(answer, "data"), "customers"), &response->body);
    json_decref(answer);
    return HANDLED;
}

#define SESSION_GET(path, handler)                                                                 \
    {                                                                                              \
        .methods = METHOD_GET, .pattern = path, .access = ACCESS_SESSION, .scopes = SCOPE_QUERY,   \
        .handle = handler                                                                          \
    }
#define SESSION_GET_PEOPLE(path, handler)                                                          \
    {                                                                                              \
        .methods = METHOD_GET, .pattern = path, .access = ACCESS_SESSION, .scopes = SCOPE_QUERY,   \
        .role = ROLE_AGENT, .handle = handler                                                      \
    }

static const struct route routes[] = {
    SESSION_GET("/scores", show),
    SESSION_GET("/scores.csv", send_scores),
    SESSION_GET_PEOPLE("/scores/people", show_people),
    SESSION_GET_PEOPLE("/scores/people.csv", send_people),
    {.methods = METHOD_POST,
     .pattern = "/scores/survey",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .role = ROLE_ANALYST,
     .handle = settle},
};
const struct route_table page_score_routes = ROUTE_TABLE(routes);
