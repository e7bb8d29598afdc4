/*
 * How many are still there after so long: a staircase a group, with the interval of a single one as a band.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"
#include "pages/chart_axis.h"

enum { CURVES = 8, HEIGHT = 260, LINE_HEIGHT = 16, TABLE_ROWS = 12 };
#define MONTH_DAYS 30.4375

struct stairs {
    double left, top, width, height, longest; /* days */
    struct value_axis months;
};

static double x_of(const struct stairs *s, double day) {
    return s->left + day / MONTH_DAYS / s->months.high * s->width;
}

static double y_of(const struct stairs *s, double share) {
    return s->top + s->height * (1 - share);
}

static const json_t *points_of(const json_t *curve) { return json_object_get(curve, "points"); }

static void measure(const struct chart *chart, const json_t *data, struct stairs *s) {
    size_t i;
    json_t *curve;
    *s = (struct stairs){.left = text_width(SLICE_LITERAL("100 %"), SIZE_SMALL) + 10,
                         .height = HEIGHT};
    json_array_foreach(data, i, curve) {
        const json_t *points = points_of(curve);
        s->longest = fmax(s->longest,
                          json_figure(json_array_get(points, json_array_size(points) - 1), "day"));
    }
    s->months = axis_nice(0, fmax(s->longest / MONTH_DAYS, 1), chart->narrow ? 4 : 8, true);
    s->top = 10 + (json_array_size(data) > 1 ? LINE_HEIGHT * (double)json_array_size(data) : 0);
    s->width = chart_width(chart) - s->left - 16;
}

static void draw_ground(const struct chart *chart, const struct stairs *s, struct buf *out) {
    enum { LINES = 4 };
    int steps = (int)floor(s->months.high / s->months.step + 0.5);
    for (int i = 0; i <= LINES; i++) {
        double share = (double)i / LINES, y = round(y_of(s, share)) + 0.5;
        svg_line(out, s->left, y, s->left + s->width, y, i ? "grid" : "axis");
        svg_text(out, s->left - 8, y + 4, ANCHOR_END, "t-small muted",
                 slice_of(chart_share(chart, share, 0)));
    }
    for (int i = 0; i <= steps; i++) {
        double month = i * s->months.step, x = x_of(s, month * MONTH_DAYS);
        svg_line(out, x, s->top + s->height, x, s->top + s->height + 4, "axis");
        svg_text(out, x, s->top + s->height + 18, ANCHOR_MIDDLE, "t-small muted",
                 slice_of(chart_number(chart, month, 0)));
    }
    svg_text(out, s->left + s->width, s->top + s->height + 36, ANCHOR_END, "t-small muted",
             slice_of(chart_say(chart, "months")));
}

static void draw_band(const struct stairs *s, const json_t *points, struct buf *out) {
    size_t n = json_array_size(points), i;
    bool begun = false;
    buf_add_text(out, "<path class=\"area interval fill-1\" d=\"");
    for (i = 0; i < n; i++) {
        const json_t *point = json_array_get(points, i);
        double high = json_figure(point, "high");
        if (!isfinite(high))
            continue;
        buf_add_format(out, "%s%s %s", begun ? "L" : "M", XY(x_of(s, json_figure(point, "day"))),
                       XY(y_of(s, high)));
        begun = true;
    }
    while (i-- > 0) {
        const json_t *point = json_array_get(points, i);
        double low = json_figure(point, "low");
        if (isfinite(low))
            buf_add_format(out, "%s%s %s", begun ? "L" : "M",
                           XY(x_of(s, json_figure(point, "day"))), XY(y_of(s, low)));
    }
    buf_add_text(out, begun ? "Z\"/>\n" : "\"/>\n");
}

static void draw_curve(const struct stairs *s, const json_t *points, size_t place,
                       struct buf *out) {
    size_t i;
    json_t *point;
    buf_add_format(out, "<path class=\"line stroke-%zu\" d=\"", place + 1);
    json_array_foreach((json_t *)(uintptr_t)points, i, point) {
        double x = x_of(s, json_figure(point, "day")), y = y_of(s, json_figure(point, "share"));
        if (i)
            buf_add_format(out, "H%sV%s", XY(x), XY(y));
        else
            buf_add_format(out, "M%s %s", XY(x), XY(y));
    }
    buf_add_text(out, "\"/>\n");
}

static void draw_names(const struct chart *chart, const json_t *data, struct buf *out) {
    size_t i;
    json_t *curve;
    double y = 14;
    json_array_foreach((json_t *)(uintptr_t)data, i, curve) {
        buf_add_format(out, "<circle cx=\"6\" cy=\"%s\" r=\"4\" class=\"fill-%zu\"/>", XY(y - 4),
                       i + 1);
        svg_text(out, 16, y, ANCHOR_START, "t",
                 text_fit(chart->arena, json_by(chart, curve, "group"), SIZE_TEXT,
                          chart_width(chart) - 20));
        y += LINE_HEIGHT;
        if (i + 1 == CURVES)
            break;
    }
}

void chart_survival(const struct chart *chart, const json_t *data, struct buf *out) {
    struct stairs s;
    size_t n = json_array_size(data);
    if (!n || !json_array_size(points_of(json_array_get(data, 0))))
        return;
    measure(chart, data, &s);
    svg_open(chart, out, "survival", chart_width(chart), s.top + s.height + 42);
    draw_ground(chart, &s, out);
    if (n == 1)
        draw_band(&s, points_of(json_array_get(data, 0)), out);
    for (size_t i = 0; i < n && i < CURVES; i++)
        draw_curve(&s, points_of(json_array_get(data, i)), i, out);
    if (n > 1)
        draw_names(chart, data, out);
    svg_close(out);
}

/* The share at the last point not after a day; NAN beyond the curve. */
static double share_at(const json_t *points, double day) {
    double share = (double)NAN;
    size_t i, n = json_array_size(points);
    json_t *point;
    if (!n || json_figure(json_array_get(points, n - 1), "day") < day)
        return share;
    json_array_foreach((json_t *)(uintptr_t)points, i, point) if (json_figure(point, "day") <= day)
        share = json_figure(point, "share");
    return share;
}

void chart_survival_table(const struct chart *chart, const json_t *data, struct buf *out) {
    const char *headings[CURVES + 1] = {chart_say(chart, "months")};
    struct stairs s;
    size_t n = json_array_size(data) < CURVES ? json_array_size(data) : CURVES;
    measure(chart, data, &s);
    for (size_t i = 0; i < n; i++)
        headings[i + 1] =
            n > 1 ? arena_text(chart->arena, json_by(chart, json_array_get(data, i), "group"))
                  : chart_say(chart, "still_there");
    chart_table_open(chart, out, headings, n + 1);
    for (int row = 0; row <= TABLE_ROWS; row++) {
        double month = floor(s.longest / MONTH_DAYS * row / TABLE_ROWS);
        chart_table_cell(out, slice_of(chart_number(chart, month, 0)), false);
        for (size_t i = 0; i < n; i++)
            chart_table_cell(
                out,
                slice_of(chart_share(
                    chart, share_at(points_of(json_array_get(data, i)), month * MONTH_DAYS), 1)),
                true);
        chart_table_row_end(out);
    }
    chart_table_close(out);
}
