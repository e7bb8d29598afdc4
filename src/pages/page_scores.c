/*
 * Scores: what people answered, survey by survey; the chosen one over time, its distribution, by centre and by channel.
 *
 * A score stands with its n and margin. Centres and channels are listed by answers, never ranked by score: each says whether it
 * lies clearly above or below the whole (its interval holds the whole's value or not), or that it has too few answers.
 *
 * PERIOD  Whole days up to and including today; where the newest answer is older, the period ends with it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "stats/gsl.h"
#include "stats/interval.h"

enum { GROUPS_SHOWN = 20, SURVEYS_SHOWN = 100 };

static const struct period {
    const char *id, *every;
    int days;
} periods[] = {{"28d", "day", 28}, {"90d", "week", 91}, {"12m", "month", 365}, {"all", "month", 0}};
enum { PERIOD_STANDARD = 2, PERIODS = sizeof periods / sizeof *periods };

static const struct {
    const char *name;
    bool share;
    int digits;
} metrics[] = {{"nps", false, 1}, {"csat", true, 1}, {"ces", true, 1}, {"rating", false, 2}};
enum { METRICS = sizeof metrics / sizeof *metrics };

/* What is asked for, from the address. */
struct view {
    struct request *request;
    const struct period *period;
    int64_t from_ms, to_ms;
    size_t metric;
    const char *survey; /* NULL: answers that name none */
};

/* ---- questions ---- */

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

static json_t *question(size_t metric, int64_t from_ms, int64_t to_ms) {
    json_t *query = json_pack("{s:s, s:s}", "kind", "score", "metric", metrics[metric].name);
    if (from_ms)
        json_object_set_new(
            query, "range",
            json_pack("{s:o, s:o}", "from", instant(from_ms), "to", instant(to_ms)));
    return query;
}

/* Asks; an answer that cannot be had (nothing was collected yet) is none. */
static json_t *ask(const struct view *view, json_t *query) {
    struct err ignored = {0};
    json_t *answer = NULL;
    if (page_query(view->request, query, &answer, &ignored) < 0)
        return json_array();
    json_t *data = json_incref(json_object_get(answer, "data"));
    json_decref(answer);
    return data ? data : json_array();
}

/* The same of the chosen survey. */
static json_t *ask_chosen(const struct view *view, int64_t from_ms, int64_t to_ms, json_t *more) {
    json_t *query = question(view->metric, from_ms, to_ms);
    if (view->survey)
        json_object_set_new(query, "survey", json_string(view->survey));
    else
        json_object_set_new(query, "where",
                            json_pack("[{s:s, s:s}]", "property", "survey", "op", "absent"));
    json_object_update(query, more);
    json_decref(more);
    return ask(view, query);
}

/* ---- figures as people read them ---- */

static json_t *shown(const struct view *view, size_t metric, const json_t *value) {
    struct buf text;
    if (!json_is_number(value))
        return json_string("–");
    buf_init(&text, 256);
    const struct format *format = page_format(view->request);
    if (metrics[metric].share)
        format_percent(format, json_number_value(value), metrics[metric].digits, &text);
    else
        format_number(format, json_number_value(value), metrics[metric].digits, &text);
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    buf_release(&text);
    return json;
}

static void add_figures(const struct view *view, size_t metric, json_t *row) {
    static const char *const names[] = {"value", "low", "high", "unweighted"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(row, arena_format(view->request->arena, "%s_text", names[i]),
                            shown(view, metric, json_object_get(row, names[i])));
}

static const char *address(const struct view *view, size_t metric, const char *survey,
                           const char *period) {
    struct buf text;
    buf_init(&text, 2048);
    buf_add_format(&text, "/scores?period=%s&metric=%s", period, metrics[metric].name);
    if (survey) {
        buf_add_text(&text, "&survey=");
        url_encode(slice_of(survey), &text);
    }
    const char *copied = arena_text(view->request->arena, buf_slice(&text));
    buf_release(&text);
    return copied;
}

/* ---- the list of scores ---- */

static json_t *list_scores(struct view *view, bool *found) {
    json_t *list = json_array(), *row;
    size_t i;
    for (size_t m = 0; m < METRICS; m++) {
        json_t *query = question(m, view->from_ms, view->to_ms);
        json_object_set_new(query, "by", json_pack("{s:s}", "property", "survey"));
        json_object_set_new(query, "limit", json_integer(SURVEYS_SHOWN));
        json_t *data = ask(view, query);
        json_array_foreach(data, i, row) {
            const char *survey = json_string_value(json_object_get(row, "by"));
            bool chosen =
                m == view->metric && (survey && view->survey ? strcmp(survey, view->survey) == 0
                                                             : !survey && !view->survey);
            *found |= chosen;
            add_figures(view, m, row);
            json_object_set_new(row, "metric", json_string(metrics[m].name));
            json_object_set_new(row, "current", json_boolean(chosen));
            json_object_set_new(row, "href",
                                json_string(address(view, m, survey, view->period->id)));
            json_array_append(list, row);
        }
        json_decref(data);
    }
    return list;
}

/* Without a choice: the score with most answers of the first metric that has any. */
static void choose_first(struct view *view, const json_t *list) {
    const json_t *row = json_array_get(list, 0);
    const char *metric = json_string_value(json_object_get(row, "metric")),
               *survey = json_string_value(json_object_get(row, "by"));
    for (size_t m = 0; metric && m < METRICS; m++)
        if (strcmp(metrics[m].name, metric) == 0)
            view->metric = m;
    view->survey = survey ? arena_text(view->request->arena, slice_of(survey)) : NULL;
    json_object_set_new((json_t *)(uintptr_t)row, "current", json_true());
}

/* ---- the chosen score ---- */

static enum bucket bucket_of(const char *every) {
    return strcmp(every, "week") == 0    ? BUCKET_WEEK
           : strcmp(every, "month") == 0 ? BUCKET_MONTH
                                         : BUCKET_DAY;
}

static json_t *draw(const struct view *view, const json_t *data) {
    struct request *request = view->request;
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "scores.over_time"),
                          .id = "score",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {.shape = TREND_LINES,
                               .every = bucket_of(view->period->every),
                               .now_ms = request->received_ms,
                               .interval = true,
                               .share = metrics[view->metric].share};
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    chart_trend_figure(&chart, &trend, data, page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

/* Bars of the distribution: width of each against the longest, share of all. */
static json_t *bars(const json_t *whole) {
    const json_t *distribution = json_object_get(whole, "distribution"), *row;
    double longest = 0, n = json_number_value(json_object_get(whole, "n"));
    json_t *list = json_array();
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)distribution, i, row) longest =
        fmax(longest, json_number_value(json_object_get(row, "n")));
    json_array_foreach((json_t *)(uintptr_t)distribution, i, row) {
        double count = json_number_value(json_object_get(row, "n"));
        json_array_append_new(list, json_pack("{s:O, s:f, s:f, s:f}", "value",
                                              json_object_get(row, "value"), "n", count, "share",
                                              n > 0 ? count / n : 0, "width",
                                              longest > 0 ? 100 * count / longest : 0));
    }
    return list;
}

/* Against the whole: "above", "below" where the interval leaves it out, else "like"; "few". */
static const char *standing(const json_t *row, double whole) {
    if (json_is_true(json_object_get(row, "too_few")))
        return "few";
    const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
    if (json_is_number(low) && json_number_value(low) > whole)
        return "above";
    return json_is_number(high) && json_number_value(high) < whole ? "below" : "like";
}

static json_t *groups(const struct view *view, const char *by, double whole) {
    json_t *rows = ask_chosen(view, view->from_ms, view->to_ms,
                              json_pack("{s:s, s:i}", "by", by, "limit", GROUPS_SHOWN));
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        const char *stands = standing(row, whole);
        add_figures(view, view->metric, row);
        json_object_set_new(row, "standing", json_string(stands));
        json_object_set(row, "channel", json_object_get(row, "by"));
        json_object_set_new(row, "tone",
                            json_string(strcmp(stands, "above") == 0   ? "good"
                                        : strcmp(stands, "below") == 0 ? "bad"
                                                                       : ""));
        json_object_set_new(row, "other",
                            json_boolean(strcmp(json_string_value(json_object_get(row, "by"))
                                                    ? json_string_value(json_object_get(row, "by"))
                                                    : "",
                                                "(other)") == 0));
    }
    return rows;
}

/* Standard error that an interval stands for. */
static double error_of(const json_t *row) {
    double low = json_number_value(json_object_get(row, "low")),
           high = json_number_value(json_object_get(row, "high"));
    return (high - low) / 2 / normal_quantile(0.5 + CONFIDENCE_95 / 2);
}

/* Against the equally long time before: whether the difference is more than chance (two sided, 5 %). */
static json_t *change(const struct view *view, const json_t *whole) {
    int64_t length = view->to_ms - view->from_ms;
    if (!view->from_ms)
        return NULL;
    json_t *before = ask_chosen(view, view->from_ms - length, view->from_ms, json_object());
    const json_t *row = json_array_get(before, 0);
    json_t *made = NULL;
    if (json_is_number(json_object_get(row, "low")) &&
        json_is_number(json_object_get(whole, "low"))) {
        struct difference difference = difference_of(
            json_number_value(json_object_get(row, "value")), error_of(row),
            json_number_value(json_object_get(whole, "value")), error_of(whole), CONFIDENCE_95);
        made = json_pack("{s:o, s:O, s:b}", "before",
                         shown(view, view->metric, json_object_get(row, "value")), "n",
                         json_object_get(row, "n"), "real", difference.p < 1 - CONFIDENCE_95);
    }
    json_decref(before);
    return made;
}

static json_t *chosen(const struct view *view) {
    json_t *whole = ask_chosen(view, view->from_ms, view->to_ms, json_object());
    json_t *row = json_incref(json_array_get(whole, 0));
    json_decref(whole);
    if (!json_is_object(row))
        return NULL;
    double value = json_number_value(json_object_get(row, "value"));
    json_t *over_time = ask_chosen(view, view->from_ms, view->to_ms,
                                   json_pack("{s:s}", "every", view->period->every));
    add_figures(view, view->metric, row);
    json_object_set_new(row, "metric", json_string(metrics[view->metric].name));
    json_object_set_new(row, "survey", view->survey ? json_string(view->survey) : json_null());
    json_object_set_new(row, "nps", json_boolean(view->metric == 0));
    json_object_set_new(row, "bars", bars(row));
    json_object_set_new(row, "chart", draw(view, over_time));
    json_object_set_new(row, "units", groups(view, "unit", value));
    json_object_set_new(row, "channels", groups(view, "channel", value));
    json_t *changed = change(view, row);
    if (changed)
        json_object_set_new(row, "change", changed);
    json_decref(over_time);
    return row;
}

/* ---- the page ---- */

/* Begin of the day after the newest answer, 0: there is none. */
static int64_t end_of_answers(const struct view *view) {
    const struct zone *zone = app_folder(view->request->app)->zone;
    int64_t end_ms = 0, at_ms;
    for (size_t m = 0; m < METRICS; m++) {
        json_t *query = question(m, 0, 0);
        json_object_set_new(query, "every", json_string("month"));
        json_t *data = ask(view, query);
        const char *time = json_string_value(
            json_object_get(json_array_get(data, json_array_size(data) - 1), "time"));
        if (time && time_parse(slice_of(time), NULL, &at_ms) == 0) {
            int64_t month_end = zone_bucket_add_ms(zone, BUCKET_MONTH, at_ms, 1);
            end_ms = month_end > end_ms ? month_end : end_ms;
        }
        json_decref(data);
    }
    return end_ms;
}

static bool find_period(struct view *view) {
    const struct zone *zone = app_folder(view->request->app)->zone;
    const char *asked = request_query(view->request, "period");
    view->period = &periods[PERIOD_STANDARD];
    for (size_t i = 0; i < PERIODS; i++)
        if (asked && strcmp(asked, periods[i].id) == 0)
            view->period = &periods[i];
    int64_t end_ms = end_of_answers(view);
    int64_t today_ms = zone_bucket_start_ms(zone, BUCKET_DAY, view->request->received_ms);
    int64_t tomorrow_ms = zone_bucket_add_ms(zone, BUCKET_DAY, today_ms, 1);
    view->to_ms = end_ms && end_ms < tomorrow_ms ? end_ms : tomorrow_ms;
    view->from_ms = view->period->days
                        ? zone_bucket_add_ms(zone, BUCKET_DAY, view->to_ms, -view->period->days)
                        : 0;
    return end_ms != 0;
}

static json_t *period_choices(const struct view *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < PERIODS; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "period", periods[i].id, "href",
                                        address(view, view->metric, view->survey, periods[i].id),
                                        "current", &periods[i] == view->period));
    return list;
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "scores",
                                     .section = "scores",
                                     .title = "nav.scores",
                                     .style = "css/charts.css"};
    struct view view = {.request = request, .survey = request_query(request, "survey")};
    const char *metric = request_query(request, "metric");
    bool found = false;
    for (size_t m = 0; metric && m < METRICS; m++)
        if (strcmp(metrics[m].name, metric) == 0)
            view.metric = m;
    json_t *root = json_object();
    if (find_period(&view)) {
        json_t *list = list_scores(&view, &found);
        if (!found && json_array_size(list))
            choose_first(&view, list);
        json_object_set_new(root, "has_data", json_true());
        json_t *one = json_array_size(list) ? chosen(&view) : NULL;
        if (one)
            json_object_set_new(root, "chosen", one);
        json_object_set_new(root, "scores", list);
        json_object_set_new(root, "periods", period_choices(&view));
    }
    return page_render(request, response, &page, root, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/scores",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
};
const struct route_table page_score_routes = ROUTE_TABLE(routes);
