/*
 * What went on at a screen's centre when faces were unhappy: taps for each turn, hours of the week, single hours with the queue,
 * who was at work, the diary and what people wrote.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "http/router.h"
#include "pages/chart.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/scores.h"

static const struct period {
    const char *id;
    int days;
} periods[] = {{"28d", 28}, {"90d", 90}, {"12m", 365}};
enum { PERIODS = sizeof periods / sizeof *periods, PERIOD_STANDARD = 1 };

static const struct period *period_of(struct request *request) {
    const char *asked = request_query(request, "period");
    for (size_t i = 0; asked && i < PERIODS; i++)
        if (strcmp(periods[i].id, asked) == 0)
            return &periods[i];
    return &periods[PERIOD_STANDARD];
}

static const char *path_of(struct request *request, const char *prefix) {
    return page_path(request, prefix, request->params[0]);
}

static json_t *choices(struct request *request, const struct period *chosen) {
    json_t *list = json_array();
    for (size_t i = 0; i < PERIODS; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:b}", "period", periods[i].id, "href",
                                        json_sprintf("%s/moments?period=%s",
                                                     path_of(request, "/kiosks/"), periods[i].id),
                                        "current", &periods[i] == chosen));
    return list;
}

static json_t *draw(struct request *request, const json_t *rate) {
    const char *every = json_string_value(json_object_get(rate, "every"));
    struct chart chart = {.language = request->language,
                          .format = page_format(request),
                          .zone = app_folder(request->app)->zone,
                          .label = page_text(request, "moments.rate"),
                          .id = "rate",
                          .width = 1060,
                          .arena = request->arena};
    struct trend_view trend = {.shape = TREND_LINES,
                               .every = strcmp(every, "day") == 0    ? BUCKET_DAY
                                        : strcmp(every, "week") == 0 ? BUCKET_WEEK
                                                                     : BUCKET_MONTH,
                               .now_ms = request->received_ms,
                               .interval = true,
                               .share = true};
    struct buf out;
    buf_init(&out, TEMPLATE_MAX_BYTES);
    chart_trend_figure(&chart, &trend, json_object_get(rate, "rows"),
                       page_text(request, "home.numbers"), &out);
    json_t *svg = json_stringn(out.p ? out.p : "", out.n);
    buf_release(&out);
    return svg ? svg : json_string("");
}

/* Bands of a condition that have answers; none: nothing to show. */
static json_t *bands_of(const json_t *condition) {
    json_t *list = json_array(), *band;
    size_t i;
    json_array_foreach(json_object_get(condition, "bands"), i,
                       band) if (json_number_value(json_object_get(band, "n")) > 0) {
        json_object_set_new(band, "begin", json_copy(json_object_get(band, "from")));
        json_array_append(list, band);
    }
    return list;
}

/* Where the taps of a time are listed, or those of one hour of the week in it (hour -1: of all). New reference. */
static json_t *taps_href(const json_t *range, const char *unit, int weekday, int hour) {
    struct buf href;
    buf_init(&href, 4096);
    buf_add_text(&href, "/scores/answers?metric=csat&surveys=all&channel=kiosk&from=");
    url_encode(slice_of(json_string_value(json_object_get(range, "from"))), &href);
    buf_add_text(&href, "&to=");
    url_encode(slice_of(json_string_value(json_object_get(range, "to"))), &href);
    buf_add_text(&href, "&unit=");
    url_encode(slice_of(unit ? unit : ""), &href);
    if (hour >= 0)
        buf_add_format(&href, "&weekday=%d&hour=%d", weekday, hour);
    json_t *text = json_stringn(href.p, href.n);
    buf_release(&href);
    return text;
}

/* Where the taps of a single hour, and of an hour of the week, are listed. */
static void add_hrefs(struct request *request, json_t *view) {
    const char *unit = json_string_value(json_object_get(view, "unit"));
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(view, "moments"), i, row) json_object_set_new(
        row, "href",
        taps_href(json_object_get(json_object_get(row, "answers"), "range"), unit, -1, -1));
    json_array_foreach(json_object_get(view, "slots"), i, row) json_object_set_new(
        row, "href",
        taps_href(json_object_get(json_object_get(row, "answers"), "range"), unit,
                  (int)json_integer_value(json_object_get(row, "weekday")),
                  (int)json_integer_value(json_object_get(row, "hour"))));
    const char *const bands[][2] = {{"waits", "wait"}, {"loads", "load"}};
    for (size_t b = 0; b < sizeof bands / sizeof *bands; b++)
        json_array_foreach(json_object_get(view, bands[b][0]), i, row) {
            json_t *taps = taps_href(view, unit, -1, -1);
            json_object_set_new(row, "href",
                                json_sprintf("%s%s", json_string_value(taps),
                                             score_band(request, row, bands[b][1])));
            json_decref(taps);
        }
    int lower =
        (int)json_integer_value(json_object_get(json_object_get(view, "kiosk"), "faces")) / 2;
    json_array_foreach(json_object_get(view, "reasons"), i, row) {
        json_t *taps = taps_href(view, unit, -1, -1);
        const char *reason =
            page_path(request, "", json_string_value(json_object_get(row, "reason")));
        json_object_set_new(row, "href",
                            json_sprintf("%s&flagged=1&high=%d&by=property%%3Areason&of=%s",
                                         json_string_value(taps), lower, reason));
        json_decref(taps);
    }
    json_object_set_new(view, "shown", json_boolean(!request->principal.floor));
}

static int show(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "kiosk_moments",
                                     .section = "kiosks",
                                     .title = "moments.title",
                                     .style = "css/charts.css"};
    const struct period *period = period_of(request);
    json_t *kiosk = NULL, *view = NULL;
    int code = page_fetch(request, path_of(request, "/api/v1/kiosks/"), &kiosk, err);
    if (code >= 0)
        code = page_fetch(request,
                          arena_format(request->arena, "%s/moments?days=%d",
                                       path_of(request, "/api/v1/kiosks/"), period->days),
                          &view, err);
    if (code < 0) {
        json_decref(kiosk);
        return code;
    }
    const json_t *rate = json_object_get(view, "rate");
    bool turns = json_number_value(json_object_get(rate, "turns")) > 0;
    json_object_set_new(view, "any",
                        json_boolean(json_number_value(json_object_get(rate, "taps")) > 0));
    json_object_set_new(view, "turned", json_boolean(turns));
    if (turns && json_array_size(json_object_get(rate, "rows")))
        json_object_set_new(view, "chart", draw(request, rate));
    json_object_set_new(view, "waits", bands_of(json_object_get(view, "waiting")));
    json_object_set_new(view, "loads", bands_of(json_object_get(view, "load")));
    json_object_set(view, "kiosk", kiosk);
    add_hrefs(request, view);
    json_object_set_new(view, "periods", choices(request, period));
    json_decref(kiosk);
    return page_render(request, response, &page, view, err);
}

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/kiosks/{id}/moments",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = show},
};
const struct route_table page_kiosk_moment_routes = ROUTE_TABLE(routes);
