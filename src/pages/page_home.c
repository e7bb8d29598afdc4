/*
 * Home: what to look at today, what arrives now, and the period in figures against the one before it.
 *
 * PERIOD  Whole days of the organisation's zone up to and including today; where the newest data is older than the period, the
 *         period ends with it, so that an imported history shows. It is compared with the equally long time before it,
 *         up to the same moment, so that half a day is not held against a whole one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "api/arrival.h"
#include "base/time.h"
#include "folder/folder.h"
#include "http/router.h"
#include "pages/chart.h"
#include "pages/home.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/regions.h"
#include "pages/words.h"

enum { TOUCHPOINTS_SHOWN = 12, NAMES_COMPARED = 200, ARRIVALS_SHOWN = 8 };

static const struct {
    const char *id, *every;
    int days;
} periods[] = {{"7d", "day", 7}, {"28d", "day", 28}, {"90d", "week", 91}, {"12m", "month", 365}};
enum { PERIOD_STANDARD = 1, PERIODS = sizeof periods / sizeof *periods };

json_t *home_range(int64_t from_ms, int64_t to_ms) {
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    time_format(from_ms, from);
    time_format(to_ms, to);
    return json_pack("{s:s, s:s}", "from", from, "to", to);
}

/* A trend query over [from, to); by may be NULL. */
static json_t *home_trend(int64_t from_ms, int64_t to_ms, const char *measure, const char *every,
                          const char *by, int limit) {
    json_t *query = json_pack("{s:s, s:b, s:o, s:s, s:s}", "kind", "trend", "system", 0, "range",
                              home_range(from_ms, to_ms), "measure", measure, "every", every);
    if (by)
        json_object_set_new(query, "by", json_string(by));
    if (by && limit)
        json_object_set_new(query, "limit", json_integer(limit));
    return query;
}

/* Sum of the values of a trend's answer. */
static double home_sum(const json_t *answer) {
    double sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "data"), i, row) sum +=
        json_number_value(json_object_get(row, "value"));
    return sum;
}

static int by_most(const void *a, const void *b) {
    double x = json_number_value(json_object_get(*(json_t *const *)a, "count"));
    double y = json_number_value(json_object_get(*(json_t *const *)b, "count"));
    return (x < y) - (x > y);
}

/* The `by` values of a trend's answer with their sums, most first: [{"by","count"}], without "(other)". */
static json_t *home_totals(const json_t *answer) {
    json_t *by_name = json_object(), *row, *total;
    size_t i;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const json_t *by = json_object_get(row, "by");
        const char *name = json_is_string(by) ? json_string_value(by) : "";
        if (strcmp(name, "(other)") == 0)
            continue;
        total = json_object_get(by_name, name);
        double sum = json_number_value(json_object_get(total, "count")) +
                     json_number_value(json_object_get(row, "value"));
        json_object_set_new(
            by_name, name,
            json_pack("{s:o, s:f}", "by", *name ? json_string(name) : json_null(), "count", sum));
    }
    size_t n = json_object_size(by_name);
    json_t **rows = calloc(n + 1, sizeof *rows), *list = json_array();
    if (!rows)
        abort();
    const char *key;
    i = 0;
    json_object_foreach(by_name, key, total) rows[i++] = total;
    qsort(rows, n, sizeof *rows, by_most);
    for (i = 0; i < n; i++)
        if (json_number_value(json_object_get(rows[i], "count")) > 0)
            json_array_append(list, rows[i]);
    free(rows);
    json_decref(by_name);
    return list;
}

/* Of one `by` value; JSON null: of the missing one. */
static double home_sum_of(const json_t *answer, const json_t *by) {
    double sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const json_t *mine = json_object_get(row, "by");
        if (json_is_string(by) ? json_equal(mine, by) : !mine || json_is_null(mine))
            sum += json_number_value(json_object_get(row, "value"));
    }
    return sum;
}

/* ---- the period ---- */

static json_t *ask(struct request *request, json_t *query) {
    struct err ignored = {0};
    json_t *answer = NULL;
    return page_query(request, query, &answer, &ignored) < 0 ? json_object() : answer;
}

/* Start of the day after the newest interaction; 0 if there is none. */
static int64_t end_of_data(struct request *request, const struct zone *zone) {
    json_t *answer =
        ask(request, json_pack("{s:s, s:s, s:b}", "kind", "trend", "every", "day", "system", 0));
    const json_t *rows = json_object_get(answer, "data");
    int64_t end_ms = 0, start_ms;
    for (size_t i = json_array_size(rows); i-- > 0 && !end_ms;) {
        const json_t *row = json_array_get(rows, i);
        const char *time = json_string_value(json_object_get(row, "time"));
        if (json_number_value(json_object_get(row, "value")) > 0 && time &&
            time_parse(slice_of(time), NULL, &start_ms) == 0)
            end_ms = zone_bucket_add_ms(zone, BUCKET_DAY, start_ms, 1);
    }
    json_decref(answer);
    return end_ms;
}

static bool find_period(struct request *request, struct home_period *period) {
    const struct zone *zone = app_folder(request->app)->zone;
    const char *asked = request_query(request, "period");
    size_t p = PERIOD_STANDARD;
    for (size_t i = 0; i < PERIODS; i++)
        if (asked && strcmp(asked, periods[i].id) == 0)
            p = i;
    int64_t end_ms = end_of_data(request, zone);
    if (!end_ms)
        return false;
    int64_t today_ms = zone_bucket_start_ms(zone, BUCKET_DAY, request->received_ms);
    int64_t tomorrow_ms = zone_bucket_add_ms(zone, BUCKET_DAY, today_ms, 1);
    *period = (struct home_period){.id = periods[p].id, .every = periods[p].every};
    period->to_ms = tomorrow_ms;
    period->until_ms = request->received_ms;
    period->from_ms = zone_bucket_add_ms(zone, BUCKET_DAY, tomorrow_ms, -periods[p].days);
    if (end_ms <= period->from_ms) {
        period->to_ms = period->until_ms = end_ms;
        period->from_ms = zone_bucket_add_ms(zone, BUCKET_DAY, end_ms, -periods[p].days);
    }
    period->length_ms = period->to_ms - period->from_ms;
    return true;
}

/* ---- figures ---- */

/* {"did": anything, "range"}. */
static json_t *was_there(int64_t from_ms, int64_t to_ms) {
    return json_pack("{s:{}, s:o}", "did", "range", home_range(from_ms, to_ms));
}

static double count_customers(struct request *request, json_t *rule) {
    json_t *answer =
        ask(request, json_pack("{s:s, s:o, s:i}", "kind", "customers", "of", rule, "limit", 1));
    const json_t *data = json_object_get(answer, "data");
    double count =
        json_number_value(json_object_get(json_is_object(data) ? data : answer, "count"));
    json_decref(answer);
    return count;
}

/* For who may not ask for customers: how many an aggregate rests on that leaves out what Senda derives, as those do; 0 where
 * they are too few to say. */
static double count_people(struct request *request, int64_t from_ms, int64_t to_ms) {
    json_t *answer = ask(request, json_pack("{s:s, s:i, s:o}", "kind", "variants", "top", 1,
                                            "range", home_range(from_ms, to_ms)));
    double count = json_number_value(json_object_get(json_object_get(answer, "meta"), "customers"));
    json_decref(answer);
    return count;
}

static double count_newcomers(struct request *request, int64_t from_ms, int64_t to_ms) {
    return count_customers(request, json_pack("{s:[o, {s:o}]}", "all", was_there(from_ms, to_ms),
                                              "not", was_there(TIME_MIN_MS, from_ms)));
}

static void add_figure(struct request *request, json_t *list, const char *name, double now,
                       double before, int digits, const char *href) {
    struct buf value, note;
    buf_init(&value, 128);
    buf_init(&note, 256);
    const struct format *format = page_format(request);
    format_number(format, now, digits, &value);
    buf_add_text(&note, page_text(request, "home.before"));
    buf_add_text(&note, " ");
    format_number(format, before, digits, &note);
    json_t *figure = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "value",
                               value.p ? value.p : "", "note", note.p ? note.p : "", "href", href);
    if (before > 0)
        json_object_set_new(figure, "change", json_real(now / before - 1));
    json_array_append_new(list, figure);
    buf_release(&value);
    buf_release(&note);
}

static json_t *figures(struct request *request, const struct home_period *period, double now,
                       double before) {
    int64_t from_ms = period->from_ms, until_ms = period->until_ms, back_ms = period->length_ms;
    bool floor = request->principal.floor;
    double customers = floor ? count_people(request, from_ms, until_ms)
                             : count_customers(request, was_there(from_ms, until_ms));
    double customers_before =
        floor ? count_people(request, from_ms - back_ms, until_ms - back_ms)
              : count_customers(request, was_there(from_ms - back_ms, until_ms - back_ms));
    json_t *list = json_array();
    if (customers > 0 || !floor)
        add_figure(request, list, "customers", customers, customers_before, 0,
                   floor ? "/explore/trend" : "/customers");
    add_figure(request, list, "interactions", now, before, 0, "/explore/trend");
    if (customers > 0 || !floor)
        add_figure(request, list, "per_customer", customers > 0 ? now / customers : 0,
                   customers_before > 0 ? before / customers_before : 0, 2, "/explore/variants");
    if (floor)
        return list;
    add_figure(request, list, "newcomers", count_newcomers(request, from_ms, until_ms),
               count_newcomers(request, from_ms - back_ms, until_ms - back_ms), 0,
               "/explore/retention");
    return list;
}

/* ---- tables ---- */

static void set_change(json_t *row, double now, double before) {
    if (before > 0)
        json_object_set_new(row, "change", json_real(now / before - 1));
}

static const char *link_to(struct request *request, const char *prefix, const char *name) {
    struct buf out;
    buf_init(&out, 4096);
    buf_add_text(&out, prefix);
    url_encode(slice_of(name), &out);
    const char *href = arena_text(request->arena, buf_slice(&out));
    buf_release(&out);
    return href;
}

static json_t *busiest(struct request *request, const json_t *totals, const json_t *before,
                       const char *prefix) {
    json_t *list = json_array(), *row;
    double most = json_number_value(json_object_get(json_array_get(totals, 0), "count"));
    size_t i;
    json_array_foreach(totals, i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        if (!name || json_array_size(list) == TOUCHPOINTS_SHOWN)
            continue;
        double count = json_number_value(json_object_get(row, "count"));
        json_t *entry =
            json_pack("{s:s, s:f, s:i, s:s}", "name", name, "count", count, "width",
                      (int)ceil(100 * count / most), "href", link_to(request, prefix, name));
        set_change(entry, count, home_sum_of(before, json_object_get(row, "by")));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *channel_rows(const json_t *now, const json_t *before) {
    json_t *totals = home_totals(now), *list = json_array(), *row;
    size_t i;
    json_array_foreach(totals, i, row) {
        double count = json_number_value(json_object_get(row, "count"));
        json_t *entry =
            json_pack("{s:O, s:f}", "channel", json_object_get(row, "by"), "count", count);
        set_change(entry, count, home_sum_of(before, json_object_get(row, "by")));
        json_array_append_new(list, entry);
    }
    json_decref(totals);
    return list;
}

/* Touchpoints where rules name most contacts, else events. */
static void add_busiest(struct request *request, const struct home_period *period, json_t *view,
                        const json_t *events, const json_t *events_before) {
    json_t *now = ask(request, home_trend(period->from_ms, period->to_ms, "count", period->every,
                                          "touchpoint", NAMES_COMPARED));
    json_t *totals = home_totals(now);
    double named = home_sum(now) - home_sum_of(now, NULL);
    bool use_touchpoints = named > 0.3 * home_sum(now);
    if (use_touchpoints) {
        json_t *before = ask(request, home_trend(period->from_ms - period->length_ms,
                                                 period->until_ms - period->length_ms, "count",
                                                 period->every, "touchpoint", NAMES_COMPARED));
        json_object_set_new(view, "touchpoints",
                            busiest(request, totals, before, "/explore/trend?of=%40"));
        json_decref(before);
    } else {
        json_t *event_totals = home_totals(events);
        json_object_set_new(view, "touchpoints",
                            busiest(request, event_totals, events_before, "/explore/trend?of="));
        json_decref(event_totals);
    }
    json_object_set_new(view, "by_event", json_boolean(!use_touchpoints));
    json_decref(now);
    json_decref(totals);
}

/* ---- the chart ---- */

static enum bucket bucket_of(const char *every) {
    return strcmp(every, "week") == 0    ? BUCKET_WEEK
           : strcmp(every, "month") == 0 ? BUCKET_MONTH
                                         : BUCKET_DAY;
}

static json_t *draw(struct request *request, const struct home_period *period, const json_t *answer,
                    const char *label) {
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = label,
                          .id = "over-time",
                          .by_texts = "channel",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {.shape = TREND_STACKED,
                               .every = bucket_of(period->every),
                               .now_ms = period->until_ms,
                               .whole = true};
    const json_t *data = json_object_get(answer, "data");
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    chart_trend_figure(&chart, &trend, data, page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

static json_t *choices(const char *member, const char *const *ids, size_t n, const char *current) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:b}", member, ids[i], "current", strcmp(ids[i], current) == 0));
    return list;
}

/* ---- the page ---- */

static void add_live(struct request *request, json_t *view) {
    struct err ignored = {0};
    json_t *arrivals = NULL;
    if (!request->principal.floor &&
        arrivals_json(request, -1, ARRIVALS_SHOWN, 0, &arrivals, NULL, &ignored) >= 0) {
        json_object_set_new(view, "arrivals", arrivals);
        json_object_set_new(
            view, "names", words_names(page_format(request), app_folder(request->app)->dictionary));
    }
}

static void add_period(const struct home_period *period, const char *measure, json_t *view) {
    static const char *const measures[] = {"count", "customers"};
    const char *ids[PERIODS];
    for (size_t i = 0; i < PERIODS; i++)
        ids[i] = periods[i].id;
    json_object_set_new(view, "has_data", json_true());
    json_object_set_new(view, "period",
                        json_pack("{s:s, s:I, s:I, s:b}", "id", period->id, "from",
                                  (json_int_t)period->from_ms, "last",
                                  (json_int_t)(period->to_ms - 1), "old",
                                  period->until_ms == period->to_ms));
    json_object_set_new(view, "periods", choices("period", ids, PERIODS, period->id));
    json_object_set_new(view, "measures", choices("measure", measures, 2, measure));
    json_object_set_new(view, "measure", json_string(measure));
    json_object_set_new(view, "every", json_string(period->every));
}

static void add_numbers(struct request *request, const struct home_period *period,
                        const char *measure, json_t *view) {
    int64_t from_ms = period->from_ms, to_ms = period->to_ms, back_ms = period->length_ms;
    json_t *by_channel =
        ask(request, home_trend(from_ms, to_ms, "count", period->every, "channel", 0));
    json_t *before = ask(request, home_trend(from_ms - back_ms, period->until_ms - back_ms, "count",
                                             period->every, "channel", 0));
    json_t *events =
        ask(request, home_trend(from_ms, to_ms, "count", period->every, "event", NAMES_COMPARED));
    json_t *events_before =
        ask(request, home_trend(from_ms - back_ms, period->until_ms - back_ms, "count",
                                period->every, "event", NAMES_COMPARED));
    json_t *totals = home_totals(events), *totals_before = home_totals(events_before);
    json_object_set_new(view, "total", json_real(home_sum(by_channel)));
    json_object_set_new(view, "figures",
                        figures(request, period, home_sum(by_channel), home_sum(before)));
    json_object_set_new(view, "channels", channel_rows(by_channel, before));
    add_busiest(request, period, view, events, events_before);
    struct err ignored = {0};
    json_t *sources = NULL;
    bool manages = (request->principal.scopes & SCOPE_MANAGE) != 0;
    if (manages && page_fetch(request, "/api/v1/sources", &sources, &ignored) < 0)
        sources = NULL;
    json_object_set_new(view, "findings",
                        home_findings(request, period, totals, totals_before, sources));
    bool people = strcmp(measure, "customers") == 0;
    json_t *drawn =
        people ? ask(request, home_trend(from_ms, to_ms, measure, period->every, "channel", 0))
               : json_incref(by_channel);
    json_object_set_new(
        view, "chart",
        draw(request, period, drawn,
             page_text(request, people ? "home.chart.customers" : "home.chart.count")));
    json_decref(drawn);
    json_decref(sources);
    json_decref(totals);
    json_decref(totals_before);
    json_decref(events);
    json_decref(events_before);
    json_decref(by_channel);
    json_decref(before);
}

static int show_home(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {
        .template = "home", .section = "home", .title = "nav.home", .style = "css/charts.css"};
    struct home_period period;
    json_t *view = json_object();
    if (find_period(request, &period)) {
        const char *asked = request_query(request, "measure");
        const char *measure = asked && strcmp(asked, "customers") == 0 ? "customers" : "count";
        add_period(&period, measure, view);
        add_numbers(request, &period, measure, view);
        add_live(request, view);
    }
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET, .pattern = "/", .access = ACCESS_SESSION, .handle = show_home},
};
const struct route_table page_home_routes = ROUTE_TABLE(routes);
