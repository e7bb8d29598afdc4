/*
 * See scores.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/scores.h"

#include <stdlib.h>

#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/chart.h"

static const struct score_period periods[SCORE_PERIODS] = {
    {"28d", "day", 28}, {"90d", "week", 91}, {"12m", "month", 365}, {"all", "month", 0}};
enum { PERIOD_STANDARD = 2, METRIC_BYTES = 100 };

const struct score_metric score_metrics[SCORE_METRICS] = {
    {"nps", false, 1}, {"csat", true, 1}, {"ces", true, 1}, {"rating", false, 2}};

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

json_t *score_question(const struct score_view *view, const char *kind, size_t metric,
                       int64_t from_ms, int64_t to_ms) {
    json_t *query =
        json_pack("{s:s, s:s}", "kind", kind, "metric", score_metric(view, metric)->name);
    if (from_ms)
        json_object_set_new(
            query, "range",
            json_pack("{s:o, s:o}", "from", instant(from_ms), "to", instant(to_ms)));
    if (view->flagged)
        json_object_set_new(query, "flagged", json_string("include"));
    if (view->weekday || view->hour >= 0) {
        json_t *when = json_object();
        if (view->weekday)
            json_object_set_new(when, "weekdays", json_integer(view->weekday));
        if (view->hour >= 0)
            json_object_set_new(when, "hours", json_integer(view->hour));
        json_object_set_new(query, "when", when);
    }
    if (view->segment)
        json_object_set_new(query, "segment", json_string(view->segment));
    if (view->unit)
        json_object_set_new(query, "unit", json_string(view->unit));
    return query;
}

json_t *score_question_chosen(const struct score_view *view, const char *kind, int64_t from_ms,
                              int64_t to_ms) {
    json_t *query = score_question(view, kind, view->metric, from_ms, to_ms);
    if (view->survey)
        json_object_set_new(query, "survey", json_string(view->survey));
    else if (!view->every_survey)
        json_object_set_new(query, "where",
                            json_pack("[{s:s, s:s}]", "property", "survey", "op", "absent"));
    return query;
}

void score_weigh(const struct score_view *view, json_t *query) {
    if (view->weigh && strcmp(view->margins, SCORE_OWN_WEIGHTS) == 0)
        json_object_set_new(query, "weighted", json_true());
    else if (view->weigh)
        json_object_set_new(query, "margins", json_string(view->margins));
}

json_t *score_ask(const struct score_view *view, json_t *query) {
    struct err ignored = {0};
    json_t *answer = NULL;
    return page_query(view->request, query, &answer, &ignored) < 0
               ? json_pack("{s:[], s:{}}", "data", "meta")
               : answer;
}

json_t *score_shown(const struct score_view *view, size_t metric, const json_t *value) {
    struct buf text;
    if (!json_is_number(value))
        return json_string("–");
    buf_init(&text, 256);
    const struct format *format = page_format(view->request);
    if (score_metric(view, metric)->share)
        format_percent(format, json_number_value(value), score_metric(view, metric)->digits, &text);
    else
        format_number(format, json_number_value(value), score_metric(view, metric)->digits, &text);
    json_t *json = json_stringn(text.p ? text.p : "", text.n);
    buf_release(&text);
    return json;
}

const char *score_address(const struct score_view *view, const char *page, size_t metric,
                          const char *survey, const char *period) {
    struct buf text;
    buf_init(&text, 2048);
    buf_add_format(&text, "%s?period=%s&metric=", page, period);
    url_encode(slice_of(score_metric(view, metric)->name), &text);
    if (survey) {
        buf_add_text(&text, "&survey=");
        url_encode(slice_of(survey), &text);
    }
    bool own = period == view->period->id &&
               view->from; /* instants go with the period that they stand for */
    const char *const choices[][2] = {
        {"segment", view->segment},    {"margins", view->margins},
        {"unit", view->unit},          {"from", own ? view->from : NULL},
        {"to", own ? view->to : NULL}, {"surveys", view->every_survey && !survey ? "all" : NULL}};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i][1]) {
            buf_add_format(&text, "&%s=", choices[i][0]);
            url_encode(slice_of(choices[i][1]), &text);
        }
    if (view->flagged)
        buf_add_text(&text, "&flagged=1");
    if (view->weekday)
        buf_add_format(&text, "&weekday=%d", view->weekday);
    if (view->hour >= 0)
        buf_add_format(&text, "&hour=%d", view->hour);
    const char *copied = arena_text(view->request->arena, buf_slice(&text));
    buf_release(&text);
    return copied;
}

json_t *score_period_choices(const struct score_view *view, const char *page) {
    json_t *list = json_array();
    for (size_t i = 0; i < SCORE_PERIODS; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b}", "period", periods[i].id, "href",
                            score_address(view, page, view->metric, view->survey, periods[i].id),
                            "current", &periods[i] == view->period));
    return list;
}

void score_view_own(struct score_view *view, const char *name) {
    view->own = (struct score_metric){name, false, 2};
    view->metric = SCORE_OWN;
}

/* An answer about no metric names those that there are. */
json_t *score_own_metrics(const struct score_view *view) {
    json_t *answer = score_ask(view, json_pack("{s:s, s:s, s:b}", "kind", "score", "metric", "?",
                                               "response_rate", 0)),
           *own = json_array(), *name;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(answer, "meta"), "metrics"), i, name) {
        bool usual = false;
        for (size_t m = 0; m < SCORE_METRICS; m++)
            usual |= strcmp(score_metrics[m].name, json_string_value(name)) == 0;
        if (!usual)
            json_array_append(own, name);
    }
    json_decref(answer);
    return own;
}

/* The usual metrics, and the one's own where there is one. */
static size_t metrics_of(const struct score_view *view) {
    return SCORE_METRICS + (view->own.name != NULL);
}

/* Did anybody answer since `from_ms`? */
static bool answered_since(const struct score_view *view, int64_t from_ms, int64_t to_ms) {
    json_int_t n = 0;
    for (size_t m = 0; m < metrics_of(view) && !n; m++) {
        json_t *query =
            json_pack("{s:s, s:s, s:s, s:b, s:{s:o, s:o}}", "kind", "score", "metric",
                      score_metric(view, m)->name, "flagged", "include", "response_rate", 0,
                      "range", "from", instant(from_ms), "to", instant(to_ms));
        json_t *answer = score_ask(view, query);
        n = json_integer_value(
            json_object_get(json_array_get(json_object_get(answer, "data"), 0), "n"));
        json_decref(answer);
    }
    return n > 0;
}

/* Begin of the month after the newest answer, 0: there is none. */
static int64_t end_of_answers(const struct score_view *view) {
    const struct zone *zone = app_folder(view->request->app)->zone;
    int64_t end_ms = 0, at_ms;
    for (size_t m = 0; m < metrics_of(view); m++) {
        json_t *query = json_pack("{s:s, s:s, s:s, s:s, s:b}", "kind", "score", "metric",
                                  score_metric(view, m)->name, "every", "month", "flagged",
                                  "include", "response_rate", 0);
        json_t *answer = score_ask(view, query);
        const json_t *data = json_object_get(answer, "data");
        const char *time = json_string_value(
            json_object_get(json_array_get(data, json_array_size(data) - 1), "time"));
        if (time && time_parse(slice_of(time), NULL, &at_ms) == 0) {
            int64_t month_end = zone_bucket_add_ms(zone, BUCKET_MONTH, at_ms, 1);
            end_ms = month_end > end_ms ? month_end : end_ms;
        }
        json_decref(answer);
    }
    return end_ms;
}

/* Where only scales of one's own were asked: the first of them. false: there is none. */
static bool choose_own(struct score_view *view) {
    json_t *names = score_own_metrics(view);
    const char *name = json_string_value(json_array_get(names, 0));
    if (name)
        score_view_own(view, arena_text(view->request->arena, slice_of(name)));
    json_decref(names);
    return name != NULL;
}

/* Where the period ends; false: nobody answered anything. This month is asked first: it is little to read. */
static bool find_end(struct score_view *view, int64_t tomorrow_ms) {
    const struct zone *zone = app_folder(view->request->app)->zone;
    int64_t month_ms = zone_bucket_start_ms(zone, BUCKET_MONTH, view->request->received_ms), end_ms;
    view->to_ms = tomorrow_ms;
    if (answered_since(view, month_ms, zone_bucket_add_ms(zone, BUCKET_MONTH, month_ms, 1)))
        return true;
    end_ms = end_of_answers(view);
    if (!end_ms && !view->own.name && choose_own(view))
        return find_end(view, tomorrow_ms);
    if (end_ms && end_ms < tomorrow_ms)
        view->to_ms = end_ms;
    return end_ms != 0;
}

/* A whole number of the address within its bounds, else `otherwise`. */
static int read_number(struct request *request, const char *name, int low, int high,
                       int otherwise) {
    const char *text = request_query(request, name);
    char *end = NULL;
    long number = text && *text ? strtol(text, &end, 10) : otherwise;
    return end && (*end || number < low || number > high) ? otherwise : (int)number;
}

static void read_instants(struct score_view *view) {
    const char *from = request_query(view->request, "from"),
               *to = request_query(view->request, "to"),
               *surveys = request_query(view->request, "surveys");
    int64_t from_ms, to_ms;
    view->every_survey = !view->survey && surveys && strcmp(surveys, "all") == 0;
    if (!from || !to || time_parse(slice_of(from), NULL, &from_ms) ||
        time_parse(slice_of(to), NULL, &to_ms) || from_ms >= to_ms || from_ms <= 0)
        return;
    view->from = from;
    view->to = to;
    view->from_ms = from_ms;
    view->to_ms = to_ms;
}

bool score_view_read(struct score_view *view, struct request *request) {
    const struct zone *zone = app_folder(request->app)->zone;
    const char *asked = request_query(request, "period"),
               *metric = request_query(request, "metric"),
               *survey = request_query(request, "survey"),
               *flagged = request_query(request, "flagged"),
               *segment = request_query(request, "segment"),
               *margins = request_query(request, "margins"), *unit = request_query(request, "unit");
    *view = (struct score_view){.request = request,
                                .period = &periods[PERIOD_STANDARD],
                                .survey = survey && *survey ? survey : NULL,
                                .segment = segment && *segment ? segment : NULL,
                                .margins = margins && *margins ? margins : NULL,
                                .unit = unit && *unit ? unit : NULL,
                                .weigh = margins && *margins,
                                .weekday = read_number(request, "weekday", 1, 7, 0),
                                .hour = read_number(request, "hour", 0, 23, -1),
                                .flagged = flagged && *flagged == '1'};
    for (size_t i = 0; i < SCORE_PERIODS; i++)
        if (asked && strcmp(asked, periods[i].id) == 0)
            view->period = &periods[i];
    for (size_t m = 0; metric && m < SCORE_METRICS; m++)
        if (strcmp(score_metrics[m].name, metric) == 0) {
            view->metric = m;
            view->chosen = true;
        }
    if (metric && *metric && !view->chosen && strlen(metric) <= METRIC_BYTES) {
        score_view_own(view, metric);
        view->chosen = true;
    }
    int64_t today_ms = zone_bucket_start_ms(zone, BUCKET_DAY, request->received_ms);
    bool any = find_end(view, zone_bucket_add_ms(zone, BUCKET_DAY, today_ms, 1));
    view->from_ms = view->period->days
                        ? zone_bucket_add_ms(zone, BUCKET_DAY, view->to_ms, -view->period->days)
                        : 0;
    read_instants(view);
    return any;
}

json_t *score_survey_titles(struct request *request) {
    struct err ignored = {0};
    json_t *answer = NULL, *titles = json_object(), *row;
    size_t i;
    if (page_fetch(request, "/api/v1/surveys", &answer, &ignored) < 0)
        return titles;
    json_array_foreach(json_object_get(answer, "data"), i, row) json_object_set(
        titles, json_string_value(json_object_get(row, "id")), json_object_get(row, "title"));
    json_decref(answer);
    return titles;
}

void score_view_tell(const struct score_view *view, json_t *root, const char *current) {
    static const struct {
        const char *name, *page;
    } tabs[] = {{"scores", "/scores"},
                {"answers", "/scores/answers"},
                {"diary", "/diary"},
                {"settings", "/scores/settings"}};
    const struct principal *principal = &view->request->principal;
    bool settles = (principal->scopes & SCOPE_MANAGE) && principal->role >= ROLE_ANALYST;
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++) {
        if ((i == 1 && principal->floor) || (i == 3 && !settles))
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "tab", tabs[i].name, "href",
                                        i >= 2 ? tabs[i].page
                                               : score_address(view, tabs[i].page, view->metric,
                                                               view->survey, view->period->id),
                                        "current", strcmp(tabs[i].name, current) == 0));
    }
    json_object_set_new(root, "tabs", list);
    json_object_set_new(root, "period", json_string(view->period->id));
    json_object_set_new(root, "metric", json_string(score_metric(view, view->metric)->name));
    json_object_set_new(root, "survey", view->survey ? json_string(view->survey) : json_null());
    json_object_set_new(root, "every_survey", json_boolean(view->every_survey));
    json_object_set_new(root, "from", view->from ? json_string(view->from) : json_null());
    json_object_set_new(root, "to", view->to ? json_string(view->to) : json_null());
    json_object_set_new(root, "weekday", view->weekday ? json_integer(view->weekday) : json_null());
    json_object_set_new(root, "hour",
                        view->hour >= 0 ? json_sprintf("%02d:00", view->hour) : json_null());
    json_object_set_new(root, "hour_number", json_integer(view->hour));
    json_object_set_new(root, "some_hours", json_boolean(view->weekday || view->hour >= 0));
    if (view->survey) {
        json_t *titles = score_survey_titles(view->request),
               *title = json_object_get(titles, view->survey);
        json_object_set_new(root, "survey_title",
                            title ? json_incref(title) : json_string(view->survey));
        json_decref(titles);
    }
    json_object_set_new(root, "segment", view->segment ? json_string(view->segment) : json_null());
    json_object_set_new(root, "unit", view->unit ? json_string(view->unit) : json_null());
    json_object_set_new(root, "margins", view->margins ? json_string(view->margins) : json_null());
    json_object_set_new(root, "with_flagged", json_boolean(view->flagged));
}

void score_add_figures(const struct score_view *view, size_t metric, json_t *row) {
    static const char *const names[] = {"value", "low", "high", "unweighted"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_set_new(row, arena_format(view->request->arena, "%s_text", names[i]),
                            score_shown(view, metric, json_object_get(row, names[i])));
    if (!json_is_number(json_object_get(row, "response_rate")))
        json_object_set_new(row, "no_rate", json_true());
}

static enum bucket bucket_of(const char *every) {
    return strcmp(every, "week") == 0    ? BUCKET_WEEK
           : strcmp(every, "month") == 0 ? BUCKET_MONTH
                                         : BUCKET_DAY;
}

json_t *score_draw(const struct score_view *view, const json_t *data, const char *id, bool people) {
    struct request *request = view->request;
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "scores.over_time"),
                          .id = id,
                          .width = 1060,
                          .people = people ? score_address(view, "/scores/people", view->metric,
                                                           view->survey, view->period->id)
                                           : NULL,
                          .arena = request->arena};
    struct trend_view trend = {.shape = TREND_LINES,
                               .every = bucket_of(view->period->every),
                               .now_ms = request->received_ms,
                               .interval = true,
                               .share = score_metric(view, view->metric)->share};
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    chart_trend_figure(&chart, &trend, data, page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

const char *score_with(const struct score_view *view, const char *page, const char *name,
                       const char *value) {
    struct buf text;
    buf_init(&text, 4096);
    buf_add_text(&text, score_address(view, page, view->metric, view->survey, view->period->id));
    buf_add_format(&text, "&%s=", name);
    url_encode(slice_of(value), &text);
    const char *copied = arena_text(view->request->arena, buf_slice(&text));
    buf_release(&text);
    return copied;
}

const char *score_band(struct request *request, const json_t *band, const char *condition) {
    const json_t *to = json_object_get(band, "to");
    const char *from = arena_format(request->arena, "&%s_from=%.15g", condition,
                                    json_number_value(json_object_get(band, "from")));
    return json_is_number(to) ? arena_format(request->arena, "%s&%s_to=%.15g", from, condition,
                                             json_number_value(to))
                              : from;
}

json_t *score_by_json(const char *by) {
    static const char *const kinds[] = {"property", "trait", "segmentation"};
    const char *colon = strchr(by, ':');
    for (size_t i = 0; colon && i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == (size_t)(colon - by) &&
            strncmp(kinds[i], by, strlen(kinds[i])) == 0)
            return json_pack("{s:s}", kinds[i], colon + 1);
    return json_string(by);
}
