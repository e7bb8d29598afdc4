/*
 * What was foretold beside what happened: one dot a group, with its interval, against the diagonal on which both are equal. A dot
 * above it: it happened more often than foretold.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"
#include "pages/chart_axis.h"

enum { HEIGHT = 300, GAP = 10, TICK_LINE = 26 };

struct agreement {
    struct value_axis axis; /* the same for both */
    double left, top, width, height;
    bool share;
};

static double x_of(const struct agreement *a, double value) {
    return a->left + (value - a->axis.low) / (a->axis.high - a->axis.low) * a->width;
}

static double y_of(const struct agreement *a, double value) {
    return a->top + a->height - (value - a->axis.low) / (a->axis.high - a->axis.low) * a->height;
}

/* Spaces between the lines of the grid. */
static int steps_of(const struct agreement *a) {
    return (int)floor((a->axis.high - a->axis.low) / a->axis.step + 0.5);
}

static const char *shown(const struct chart *chart, const struct agreement *a, double value,
                         int digits) {
    return a->share ? chart_share(chart, value, digits) : chart_number(chart, value, digits + 1);
}

static void measure(const struct chart *chart, bool share, const json_t *data,
                    struct agreement *a) {
    double high = 0, ticks = 0;
    size_t i;
    json_t *row;
    json_array_foreach(data, i, row) {
        double most = json_figure(row, "high");
        high = fmax(high, json_figure(row, "predicted"));
        high = fmax(high, json_figure(row, "observed"));
        if (isfinite(most))
            high = fmax(high, most);
    }
    a->share = share;
    a->axis = axis_nice(0, high > 0 ? high : 1, chart->narrow ? 4 : 5, false);
    for (int line = 0; line <= steps_of(a); line++)
        ticks =
            fmax(ticks, text_width(slice_of(shown(chart, a, a->axis.low + line * a->axis.step, 0)),
                                   SIZE_SMALL));
    a->left = ticks + GAP;
    a->top = 22;
    a->height = HEIGHT;
    a->width = chart_width(chart) - a->left - ticks / 2 - GAP;
    if (!chart->narrow)
        a->width = fmin(a->width, 1.6 * HEIGHT);
}

static void draw_ground(const struct chart *chart, const struct agreement *a, struct buf *out) {
    double right = a->left + a->width, bottom = a->top + a->height;
    for (int i = 0; i <= steps_of(a); i++) {
        double value = a->axis.low + i * a->axis.step, y = round(y_of(a, value)) + 0.5;
        svg_line(out, a->left, y, right, y, i ? "grid" : "axis");
        svg_text(out, a->left - 8, y + 4, ANCHOR_END, "t-small muted",
                 slice_of(shown(chart, a, value, 0)));
        svg_text(out, x_of(a, value), bottom + 18, ANCHOR_MIDDLE, "t-small muted",
                 slice_of(shown(chart, a, value, 0)));
    }
    svg_line(out, a->left, bottom, right, a->top, "even");
    svg_text(out, a->left, 11, ANCHOR_START, "t-small muted",
             slice_of(chart_say(chart, "observed")));
    svg_text(out, right, bottom + 18 + TICK_LINE - 8, ANCHOR_END, "t-small muted",
             slice_of(chart_say(chart, "predicted")));
}

static void draw_dot(const struct chart *chart, const struct agreement *a, const json_t *row,
                     double most, struct buf *out) {
    double predicted = json_figure(row, "predicted"), observed = json_figure(row, "observed"),
           low = json_figure(row, "low"), high = json_figure(row, "high"),
           n = json_figure(row, "customers");
    double x = x_of(a, predicted), radius = 4 + (most > 0 ? 5 * sqrt(n / most) : 0);
    struct slice name = json_slice(row, "name");
    if (!isfinite(predicted) || !isfinite(observed))
        return;
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out,
              slice_of(arena_format(chart->arena, "%.*s%s%s %s · %s %s · n = %s", SLICE_ARGS(name),
                                    name.n ? ": " : "", chart_say(chart, "predicted"),
                                    shown(chart, a, predicted, 1), chart_say(chart, "observed"),
                                    shown(chart, a, observed, 1), chart_number(chart, n, 0))));
    if (isfinite(low) && isfinite(high))
        svg_line(out, x, y_of(a, low), x, y_of(a, high), "whisker stroke-1");
    buf_add_format(out, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"dot fill-1\"/></g>\n", XY(x),
                   XY(y_of(a, observed)), XY(radius));
}

void chart_agreement(const struct chart *chart, bool share, const json_t *data, struct buf *out) {
    struct agreement a;
    double most = 0;
    size_t i;
    json_t *row;
    if (!json_array_size(data))
        return;
    measure(chart, share, data, &a);
    json_array_foreach(data, i, row) most = fmax(most, json_figure(row, "customers"));
    svg_open(chart, out, "agreement", chart_width(chart), a.top + a.height + 18 + TICK_LINE);
    draw_ground(chart, &a, out);
    json_array_foreach(data, i, row) draw_dot(chart, &a, row, most, out);
    svg_close(out);
}

void chart_agreement_table(const struct chart *chart, bool share, const json_t *data,
                           struct buf *out) {
    const char *headings[] = {chart_say(chart, "group"), chart_say(chart, "people"),
                              chart_say(chart, "predicted"), chart_say(chart, "observed")};
    struct agreement a = {.share = share};
    size_t i;
    json_t *row;
    chart_table_open(chart, out, headings, 4);
    json_array_foreach(data, i, row) {
        struct slice name = json_slice(row, "name");
        chart_table_cell(out, name.n ? name : slice_of(chart_number(chart, (double)i + 1, 0)),
                         false);
        chart_table_cell(out, slice_of(chart_number(chart, json_figure(row, "customers"), 0)),
                         true);
        chart_table_cell(out, slice_of(shown(chart, &a, json_figure(row, "predicted"), 1)), true);
        chart_table_cell(out, slice_of(shown(chart, &a, json_figure(row, "observed"), 1)), true);
        chart_table_row_end(out);
    }
    chart_table_close(out);
}
