/*
 * Values over time: lines, areas or stacked areas, one series per `by` value.
 *
 * The names stand at the ends of their lines (moved apart where they would touch), in the narrow form in a legend
 * above. The bucket under way is dashed: it will still grow. The period before lies behind as a thin grey line. Each
 * bucket has a band over the full height that tells all its values and leads to its customers. Where a row bears "break" (another
 * scale or wording), the line is cut and a dashed one stands before it: what lies on both sides is not one series.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "pages/chart.h"
#include "pages/chart_axis.h"

enum { MAX_SERIES = 8, LINE_HEIGHT = 16 };

struct trend_series {
    struct slice name; /* absent: the only one */
    bool other;
    double *values;           /* one per bucket, NAN where there is none */
    double *low, *spread, *n; /* of intervals: lower end, height, answers; NULL without */
    double *base;             /* what lies below it when stacked */
    double total;
    double label_y;
};

struct trend {
    int64_t *starts;
    size_t buckets;
    struct trend_series series[MAX_SERIES];
    size_t n;
    bool named;
    double *previous;
    size_t n_previous;
    uint8_t *breaks; /* [buckets] the series begins anew here */
    struct value_axis axis;
    bool share;
    double left, right, top, bottom, width, height; /* of the plot inside the drawing */
    size_t under_way;                               /* buckets at the end that are not over */
};

static int compare_starts(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t bucket_of(const struct trend *trend, int64_t ms) {
    const int64_t *found =
        bsearch(&ms, trend->starts, trend->buckets, sizeof *trend->starts, compare_starts);
    return found ? (size_t)(found - trend->starts) : 0;
}

static void read_buckets(const struct chart *chart, const json_t *data, struct trend *trend) {
    size_t n = json_array_size(data), kept = 0;
    trend->starts = ARENA_ARRAY(chart->arena, int64_t, n + 1);
    for (size_t i = 0; i < n; i++)
        trend->starts[i] = json_instant_ms(json_array_get(data, i), "time");
    qsort(trend->starts, n, sizeof *trend->starts, compare_starts);
    for (size_t i = 0; i < n; i++)
        if (!kept || trend->starts[kept - 1] != trend->starts[i])
            trend->starts[kept++] = trend->starts[i];
    trend->buckets = kept;
    trend->breaks = ARENA_ARRAY(chart->arena, uint8_t, kept + 1);
}

/* Another scale or another wording; another version alone does not cut the line. */
static bool is_cut(const json_t *row) {
    const json_t *reasons = json_object_get(row, "break"), *reason;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)reasons, i, reason) {
        const char *text = json_string_value(reason);
        if (text && (strcmp(text, "scale") == 0 || strcmp(text, "wording") == 0))
            return true;
    }
    return false;
}

static struct trend_series *series_of(const struct chart *chart, struct trend *trend,
                                      struct slice name) {
    for (size_t i = 0; i < trend->n; i++)
        if (slice_equal(trend->series[i].name, name))
            return &trend->series[i];
    if (trend->n == MAX_SERIES)
        return NULL;
    struct trend_series *series = &trend->series[trend->n++];
    *series = (struct trend_series){.name = name};
    series->values = ARENA_ARRAY(chart->arena, double, trend->buckets);
    series->base = ARENA_ARRAY(chart->arena, double, trend->buckets);
    for (size_t i = 0; i < trend->buckets; i++)
        series->values[i] = (double)NAN;
    return series;
}

static void add_interval(const struct chart *chart, const struct trend *trend,
                         struct trend_series *series, const json_t *row, size_t bucket) {
    if (!series->low) {
        series->low = ARENA_ARRAY(chart->arena, double, trend->buckets);
        series->spread = ARENA_ARRAY(chart->arena, double, trend->buckets);
        series->n = ARENA_ARRAY(chart->arena, double, trend->buckets);
        for (size_t i = 0; i < trend->buckets; i++)
            series->low[i] = series->spread[i] = (double)NAN;
    }
    series->low[bucket] = json_figure(row, "low");
    series->spread[bucket] = json_figure(row, "high") - series->low[bucket];
    series->n[bucket] = json_figure(row, "n");
}

static int compare_series(const void *a, const void *b) {
    const struct trend_series *x = a, *y = b;
    if (x->other != y->other)
        return x->other ? 1 : -1;
    return (x->total < y->total) - (x->total > y->total);
}

static void read_series(const struct chart *chart, const struct trend_view *view,
                        const json_t *data, struct trend *trend) {
    size_t i;
    json_t *row;
    json_array_foreach(data, i, row) {
        bool named = json_object_get(row, "by") != NULL;
        struct slice name = named ? json_by(chart, row, "by") : (struct slice){NULL, 0};
        struct trend_series *series = series_of(chart, trend, name);
        if (!series)
            continue;
        double value = json_figure(row, "value");
        trend->named |= named;
        series->other = slice_is(json_slice(row, "by"), "(other)");
        size_t bucket = bucket_of(trend, json_instant_ms(row, "time"));
        series->values[bucket] = value;
        trend->breaks[bucket] |= is_cut(row) && bucket > 0;
        if (view->interval)
            add_interval(chart, trend, series, row, bucket);
        series->total += isfinite(value) ? value : 0;
    }
    qsort(trend->series, trend->n, sizeof *trend->series, compare_series);
}

static void read_previous(const struct chart *chart, const json_t *previous, struct trend *trend) {
    size_t n = json_array_size(previous);
    trend->previous = ARENA_ARRAY(chart->arena, double, n + 1);
    int64_t last = -1;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(previous, i);
        int64_t at = json_instant_ms(row, "time");
        double value = json_figure(row, "value");
        if (at != last)
            trend->previous[trend->n_previous++] = value;
        else if (isfinite(value)) /* several series: their sum */
            trend->previous[trend->n_previous - 1] += value;
        last = at;
    }
    if (trend->n_previous > trend->buckets)
        trend->n_previous = trend->buckets;
}

/* Reads the answer and settles what the value axis covers. */
static void read_trend(const struct chart *chart, const struct trend_view *view, const json_t *data,
                       struct trend *trend) {
    double low = 0, high = 0;
    read_buckets(chart, data, trend);
    read_series(chart, view, data, trend);
    trend->share = view->share;
    if (view->previous && trend->n == 1)
        read_previous(chart, view->previous, trend);
    for (size_t b = 0; b < trend->buckets; b++) {
        double below = 0;
        for (size_t s = 0; s < trend->n; s++) {
            struct trend_series *series = &trend->series[s];
            double value = isfinite(series->values[b]) ? series->values[b] : 0;
            if (view->shape == TREND_STACKED)
                series->base[b] = below, below += value;
            low = fmin(low, value);
            high = fmax(high, fmax(value, below));
            if (series->low && isfinite(series->low[b])) {
                low = fmin(low, series->low[b]);
                high = fmax(high, series->low[b] + series->spread[b]);
            }
        }
        if (b < trend->n_previous && isfinite(trend->previous[b]))
            high = fmax(high, trend->previous[b]), low = fmin(low, trend->previous[b]);
        if (view->now_ms && chart->zone && trend->starts[b] <= view->now_ms &&
            zone_bucket_add_ms(chart->zone, view->every, trend->starts[b], 1) > view->now_ms)
            trend->under_way = trend->buckets - b;
    }
    trend->axis = axis_nice(low, high, chart->narrow ? 4 : 5, view->whole);
}

static double x_of(const struct trend *trend, size_t bucket) {
    if (trend->buckets < 2)
        return trend->left + trend->width / 2;
    return trend->left + trend->width * (double)bucket / (double)(trend->buckets - 1);
}

static double y_of(const struct trend *trend, double value) {
    return trend->bottom -
           (value - trend->axis.low) / (trend->axis.high - trend->axis.low) * trend->height;
}

/* A value of the axis. */
static const char *axis_text(const struct chart *chart, const struct trend *trend, double value) {
    return trend->share ? chart_share(chart, value, 0) : chart_compact(chart, value);
}

/* A value as a sentence tells it, with its interval and n where it has one. */
static const char *value_text(const struct chart *chart, const struct trend *trend,
                              const struct trend_series *series, size_t bucket) {
    double value = series->values[bucket];
    const char *text = trend->share ? chart_share(chart, value, 1) : chart_number(chart, value, 2);
    if (!series->low || !isfinite(series->low[bucket]))
        return text;
    double low = series->low[bucket], high = low + series->spread[bucket];
    return arena_format(chart->arena, "%s (%s – %s, n = %s)", text,
                        trend->share ? chart_share(chart, low, 1) : chart_number(chart, low, 1),
                        trend->share ? chart_share(chart, high, 1) : chart_number(chart, high, 1),
                        chart_number(chart, series->n[bucket], 0));
}

/* Spaces between the lines of the grid. */
static int grid_steps(const struct trend *trend) {
    return (int)floor((trend->axis.high - trend->axis.low) / trend->axis.step + 0.5);
}

static void draw_grid(const struct chart *chart, const struct trend_view *view,
                      const struct trend *trend, struct buf *out) {
    double step = trend->axis.step;
    for (int line = 0; line <= grid_steps(trend); line++) {
        double value = trend->axis.low + line * step;
        double shown = fabs(value) < step / 1e6 ? 0 : value, y = round(y_of(trend, shown)) + 0.5;
        svg_line(out, trend->left, y, trend->left + trend->width, y, shown == 0 ? "axis" : "grid");
        svg_text(out, trend->left - 8, y + 4, ANCHOR_END, "t-small muted",
                 slice_of(axis_text(chart, trend, shown)));
    }
    struct time_tick *ticks = ARENA_ARRAY(chart->arena, struct time_tick, trend->buckets + 1);
    size_t n = axis_time(chart, view->every, trend->starts, trend->buckets, trend->width, ticks);
    for (size_t i = 0; i < n; i++) {
        double half = text_width(slice_of(ticks[i].label), SIZE_SMALL) / 2,
               x = x_of(trend, ticks[i].at);
        svg_line(out, x, trend->bottom, x, trend->bottom + 4, "axis");
        x = fmin(fmax(x, half), trend->right - half);
        svg_text(out, x, trend->bottom + 18, ANCHOR_MIDDLE, "t-small muted",
                 slice_of(ticks[i].label));
    }
}

/* One polyline from bucket a to b (inclusive), broken at gaps; with `base` closed below as an area. */
static void draw_path(const struct trend *trend, const double *values, const double *base, size_t a,
                      size_t b, const char *class, struct buf *out) {
    size_t i = a;
    while (i <= b && i < trend->buckets) {
        if (!isfinite(values[i])) {
            i++;
            continue;
        }
        size_t from = i;
        while (i <= b && i < trend->buckets && isfinite(values[i]) &&
               (i == from || !trend->breaks[i]))
            i++;
        buf_add_format(out, "<path class=\"%s\" d=\"", class);
        for (size_t k = from; k < i; k++)
            buf_add_format(out, "%s%s %s", k == from ? "M" : "L", XY(x_of(trend, k)),
                           XY(y_of(trend, values[k] + (base ? base[k] : 0))));
        for (size_t k = i; base && k > from; k--)
            buf_add_format(out, "L%s %s", XY(x_of(trend, k - 1)), XY(y_of(trend, base[k - 1])));
        if (!base && i == from + 1) /* a single value is a dot */
            buf_add_text(out, "h0.1");
        buf_add_format(out, "%s\"/>\n", base ? "Z" : "");
    }
}

/* Dots where there are few; a value without neighbours is always one, with its interval as a line: it has no path to stand on. */
static void draw_dots(const struct trend *trend, const struct trend_series *series,
                      const double *top, const char *color, struct buf *out) {
    enum { FEW = 40 };
    for (size_t i = 0; i < trend->buckets; i++) {
        bool alone =
            (i == 0 || !isfinite(top[i - 1])) && (i + 1 == trend->buckets || !isfinite(top[i + 1]));
        if (!isfinite(top[i]) || (!alone && trend->buckets > FEW))
            continue;
        double x = x_of(trend, i);
        if (alone && series->low && isfinite(series->low[i])) {
            buf_add_format(out, "<path class=\"interval-line stroke-%s\" d=\"M%s %s", color, XY(x),
                           XY(y_of(trend, series->low[i])));
            buf_add_format(out, "L%s %s\"/>", XY(x),
                           XY(y_of(trend, series->low[i] + series->spread[i])));
        }
        buf_add_format(out, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"dot fill-%s\"/>", XY(x),
                       XY(y_of(trend, top[i])), alone || i + 1 == trend->buckets ? "4" : "2.5",
                       color);
    }
}

static void draw_series(const struct chart *chart, const struct trend_view *view,
                        const struct trend *trend, size_t index, struct buf *out) {
    const struct trend_series *series = &trend->series[index];
    const char *color = series->other ? "other" : arena_format(chart->arena, "%zu", index + 1);
    size_t last = trend->buckets - 1,
           whole = trend->under_way ? trend->buckets - trend->under_way : trend->buckets;
    double *top = series->values;
    if (series->low)
        draw_path(trend, series->spread, series->low, 0, last,
                  arena_format(chart->arena, "area interval fill-%s", color), out);
    if (view->shape != TREND_LINES) {
        draw_path(trend, series->values, series->base, 0, last,
                  arena_format(chart->arena, "area fill-%s%s", color,
                               view->shape == TREND_STACKED ? " stacked" : ""),
                  out);
        top = ARENA_ARRAY(chart->arena, double, trend->buckets);
        for (size_t i = 0; i < trend->buckets; i++)
            top[i] = series->values[i] + series->base[i];
    }
    if (whole)
        draw_path(trend, top, NULL, 0, whole - 1,
                  arena_format(chart->arena, "line stroke-%s", color), out);
    if (trend->under_way)
        draw_path(trend, top, NULL, whole ? whole - 1 : 0, last,
                  arena_format(chart->arena, "line dashed stroke-%s", color), out);
    if (view->shape != TREND_STACKED)
        draw_dots(trend, series, top, color, out);
}

/* The dashed lines between what may not be compared. */
static void draw_breaks(const struct chart *chart, const struct trend *trend, struct buf *out) {
    for (size_t b = 1; b < trend->buckets; b++) {
        if (!trend->breaks[b])
            continue;
        double x = (x_of(trend, b - 1) + x_of(trend, b)) / 2;
        struct slice name = slice_of(chart_say(chart, "break"));
        bool left = x + text_width(name, SIZE_SMALL) + 6 > trend->left + trend->width;
        svg_line(out, x, trend->top, x, trend->bottom, "break-line");
        svg_text(out, left ? x - 5 : x + 5, trend->top + 10, left ? ANCHOR_END : ANCHOR_START,
                 "t-small muted", name);
    }
}

/* Names at the right ends, in the order of their heights, pushed apart by the height of a line. */
static void draw_names(const struct chart *chart, struct trend *trend, struct buf *out) {
    struct trend_series *order[MAX_SERIES];
    size_t n = 0;
    for (size_t s = 0; s < trend->n; s++) {
        struct trend_series *series = &trend->series[s];
        size_t last = trend->buckets;
        while (last && !isfinite(series->values[last - 1]))
            last--;
        double value = last ? series->values[last - 1] : 0,
               base = last ? series->base[last - 1] : 0;
        series->label_y = y_of(trend, base > 0 ? base + value / 2 : value);
        size_t at = n++;
        for (; at && order[at - 1]->label_y > series->label_y; at--)
            order[at] = order[at - 1];
        order[at] = series;
    }
    for (size_t i = 0; i < n; i++)
        order[i]->label_y =
            fmax(order[i]->label_y, i ? order[i - 1]->label_y + LINE_HEIGHT : trend->top + 4);
    for (size_t i = n; i-- > 0;)
        order[i]->label_y = fmin(order[i]->label_y,
                                 i + 1 < n ? order[i + 1]->label_y - LINE_HEIGHT : trend->bottom);
    for (size_t s = 0; s < trend->n; s++) {
        const struct trend_series *series = &trend->series[s];
        double x = trend->left + trend->width + 12;
        buf_add_format(out, "<circle cx=\"%s\" cy=\"%s\" r=\"4\" class=\"fill-%s\"/>", XY(x),
                       XY(series->label_y),
                       series->other ? "other" : arena_format(chart->arena, "%zu", s + 1));
        svg_text(out, x + 9, series->label_y + 4, ANCHOR_START, "t",
                 text_fit(chart->arena, series->name, SIZE_TEXT, trend->right - x - 9));
    }
}

/* A line of names above the plot, broken where it is full; returns its height. */
static double draw_legend(const struct chart *chart, const struct trend *trend, double width,
                          struct buf *out) {
    double x = 0, y = 12;
    for (size_t s = 0; s < trend->n; s++) {
        struct slice name = text_fit(chart->arena, trend->series[s].name, SIZE_TEXT, width - 30);
        double room = text_width(name, SIZE_TEXT) + 30;
        if (x > 0 && x + room > width)
            x = 0, y += 20;
        if (out) {
            buf_add_format(out, "<circle cx=\"%s\" cy=\"%s\" r=\"4\" class=\"fill-%s\"/>",
                           XY(x + 6), XY(y - 4),
                           trend->series[s].other ? "other"
                                                  : arena_format(chart->arena, "%zu", s + 1));
            svg_text(out, x + 15, y, ANCHOR_START, "t", name);
        }
        x += room;
    }
    return y + 12;
}

/* The band of a bucket: its title tells the values, its link leads to the customers. */
static void draw_bands(const struct chart *chart, const struct trend_view *view,
                       const struct trend *trend, struct buf *out) {
    double room = trend->buckets > 1 ? trend->width / (double)(trend->buckets - 1) : trend->width;
    if (trend->buckets > 400)
        return;
    for (size_t b = 0; b < trend->buckets; b++) {
        char instant[TIME_TEXT_BYTES];
        struct buf title;
        buf_init(&title, 4096);
        buf_add_text(&title, chart_bucket(chart, view->every, trend->starts[b], true));
        if (trend->under_way && b >= trend->buckets - trend->under_way)
            buf_add_format(&title, " (%s)", chart_say(chart, "incomplete"));
        for (size_t s = 0; s < trend->n; s++)
            buf_add_format(&title, "\n%.*s%s%s", SLICE_ARGS(trend->series[s].name),
                           trend->named ? ": " : "",
                           value_text(chart, trend, &trend->series[s], b));
        if (b < trend->n_previous)
            buf_add_format(&title, "\n%s: %s", chart_say(chart, "previous"),
                           chart_number(chart, trend->previous[b], 2));
        if (trend->breaks[b])
            buf_add_format(&title, "\n%s", chart_say(chart, "break"));
        time_format(trend->starts[b], instant);
        bool link =
            svg_link_open(chart, out, "bucket=%s", svg_encode(chart->arena, slice_of(instant)));
        buf_add_text(out, "<g class=\"band\">");
        svg_title(out, buf_slice(&title));
        double x = fmax(x_of(trend, b) - room / 2, trend->left),
               end = fmin(x_of(trend, b) + room / 2, trend->left + trend->width);
        svg_rect(out, x, trend->top, end - x, trend->height, 0, "band-hit");
        svg_line(out, x_of(trend, b), trend->top, x_of(trend, b), trend->bottom, "band-line");
        buf_add_text(out, "</g>");
        svg_link_close(out, link);
        buf_release(&title);
    }
}

void chart_trend(const struct chart *chart, const struct trend_view *view, const json_t *data,
                 struct buf *out) {
    struct trend trend = {0};
    double width = chart_width(chart), names = 0, ticks = 0;
    read_trend(chart, view, data, &trend);
    if (!trend.buckets)
        return;
    for (int line = 0; line <= grid_steps(&trend); line++) {
        double value = trend.axis.low + line * trend.axis.step;
        ticks = fmax(ticks, text_width(slice_of(axis_text(chart, &trend, value)), SIZE_SMALL));
    }
    for (size_t s = 0; trend.named && !chart->narrow && s < trend.n; s++)
        names = fmax(names, fmin(text_width(trend.series[s].name, SIZE_TEXT) + 24, 200));
    trend.left = ticks + 10;
    trend.right = width;
    trend.top = trend.named && chart->narrow ? draw_legend(chart, &trend, width, NULL) : 10;
    trend.height = chart->narrow ? 220 : 280;
    trend.bottom = trend.top + trend.height;
    trend.width = width - trend.left - fmax(names, 8);
    svg_open(chart, out, "trend", width, trend.bottom + 26);
    draw_grid(chart, view, &trend, out);
    if (trend.n_previous)
        draw_path(&trend, trend.previous, NULL, 0, trend.n_previous - 1, "line previous", out);
    for (size_t s = trend.n; s-- > 0;)
        draw_series(chart, view, &trend, s, out);
    draw_breaks(chart, &trend, out);
    if (trend.named && chart->narrow)
        draw_legend(chart, &trend, width, out);
    else if (trend.named)
        draw_names(chart, &trend, out);
    draw_bands(chart, view, &trend, out);
    svg_close(out);
}

void chart_trend_table(const struct chart *chart, const struct trend_view *view, const json_t *data,
                       struct buf *out) {
    struct trend trend = {0};
    const char *headings[MAX_SERIES + 1] = {chart_say(chart, "bucket")};
    read_trend(chart, view, data, &trend);
    for (size_t s = 0; s < trend.n; s++)
        headings[s + 1] = trend.named ? arena_text(chart->arena, trend.series[s].name)
                                      : chart_say(chart, "value");
    chart_table_open(chart, out, headings, trend.n + 1);
    for (size_t b = 0; b < trend.buckets && b < 2000; b++) {
        const char *bucket = chart_bucket(chart, view->every, trend.starts[b], true);
        chart_table_cell(out,
                         slice_of(trend.breaks[b] ? arena_format(chart->arena, "%s · %s", bucket,
                                                                 chart_say(chart, "break"))
                                                  : bucket),
                         false);
        for (size_t s = 0; s < trend.n; s++)
            chart_table_cell(out, slice_of(value_text(chart, &trend, &trend.series[s], b)), true);
        chart_table_row_end(out);
    }
    chart_table_close(out);
}

void chart_trend_figure(const struct chart *chart, const struct trend_view *view,
                        const json_t *data, const char *summary, struct buf *out) {
    struct chart narrow = *chart;
    narrow.narrow = true;
    narrow.id = arena_format(chart->arena, "%s-n", chart->id);
    buf_add_text(out, "<figure class=\"chart-figure\">");
    chart_trend(chart, view, data, out);
    chart_trend(&narrow, view, data, out);
    buf_add_format(out, "<details class=\"chart-numbers\"><summary>%s</summary>", summary);
    chart_trend_table(&narrow, view, data, out);
    buf_add_text(out, "</details></figure>");
}
