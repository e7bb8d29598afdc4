/*
 * Retention: cohorts down, periods across; the darker a field, the more came back. A period that is not over yet is hatched,
 * not zero. Above the cohorts stands their mean, weighted by size, over the cohorts that have seen the period.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"

enum { SHADES = 10, CELL_HEIGHT = 30, MAX_COHORTS = 120 };

struct retention {
    size_t periods, cohorts;
    double name, size, cell; /* widths */
    double most;             /* largest share after period 0: the scale of the shades */
    double width;
    size_t shown; /* periods drawn */
};

static double returned(const json_t *row, size_t period) {
    const json_t *value = json_array_get(json_object_get(row, "returned"), period);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static const char *cohort_name(const struct chart *chart, enum bucket every, const json_t *row) {
    int64_t ms = json_instant_ms(row, "cohort");
    return every == BUCKET_WEEK ? chart_bucket(chart, BUCKET_DAY, ms, false)
                                : chart_bucket(chart, every, ms, false);
}

static void measure(const struct chart *chart, enum bucket every, const json_t *data,
                    struct retention *retention) {
    size_t i;
    json_t *row;
    *retention = (struct retention){.width = chart_width(chart)};
    retention->name = text_width(slice_of(chart_say(chart, "average")), SIZE_TEXT * 1.06);
    retention->size = text_width(slice_of(chart_say(chart, "size")), SIZE_SMALL);
    json_array_foreach(data, i, row) {
        size_t n = json_array_size(json_object_get(row, "returned"));
        retention->periods = n > retention->periods ? n : retention->periods;
        retention->name =
            fmax(retention->name, text_width(slice_of(cohort_name(chart, every, row)), SIZE_TEXT));
        retention->size = fmax(
            retention->size,
            text_width(slice_of(chart_number(chart, json_figure(row, "size"), 0)), SIZE_SMALL));
        for (size_t p = 1; p < n; p++) {
            double value = returned(row, p), size = json_figure(row, "size");
            if (isfinite(value) && size > 0)
                retention->most = fmax(retention->most, value / size);
        }
    }
    retention->cohorts = json_array_size(data) < MAX_COHORTS ? json_array_size(data) : MAX_COHORTS;
    retention->name += 14;
    retention->size += 16;
    double room = retention->width - retention->name - retention->size,
           least = chart->narrow ? 38 : 46;
    retention->shown = retention->periods;
    if ((double)retention->shown * least > room)
        retention->shown = (size_t)(room / least);
    retention->cell = fmin(room / (double)(retention->shown ? retention->shown : 1), 92);
}

static void draw_cell(const struct chart *chart, const struct retention *retention, double x,
                      double y, double value, double size, const char *title, struct buf *out) {
    double share = size > 0 ? value / size : (double)NAN, width = retention->cell - 2;
    svg_title(out, slice_of(title));
    if (!isfinite(value)) {
        buf_add_format(out,
                       "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\" rx=\"3\" "
                       "fill=\"url(#%s%s-null)\"/>",
                       XY(x), XY(y), XY(width), CELL_HEIGHT - 2, chart->id,
                       chart->narrow ? "n" : "w");
        return;
    }
    double scaled = retention->most > 0 ? share / retention->most : 0;
    int shade = isfinite(scaled) ? (int)fmin(fmax(floor(scaled * SHADES), 0), SHADES - 1) : 0;
    svg_rect(out, x, y, width, CELL_HEIGHT - 2, 3, arena_format(chart->arena, "heat-%d", shade));
    svg_text(out, x + width / 2, y + 18, ANCHOR_MIDDLE,
             arena_format(chart->arena, "t-small heat-text-%d", shade),
             slice_of(chart_share(chart, share, share < 0.0995 && width > 44 ? 1 : 0)));
}

static void draw_row(const struct chart *chart, enum bucket every,
                     const struct retention *retention, const json_t *row, double y,
                     struct buf *out) {
    double size = json_figure(row, "size");
    const char *name = cohort_name(chart, every, row),
               *full = chart_bucket(chart, every, json_instant_ms(row, "cohort"), true);
    svg_text(out, 0, y + 18, ANCHOR_START, "t", slice_of(name));
    svg_text(out, retention->name + retention->size - 12, y + 18, ANCHOR_END, "t-small muted",
             slice_of(chart_number(chart, size, 0)));
    for (size_t p = 0;
         p < retention->shown && p < json_array_size(json_object_get(row, "returned")); p++) {
        double value = returned(row, p);
        const char *cohort = svg_encode(chart->arena, json_slice(row, "cohort"));
        const char *title =
            isfinite(value)
                ? arena_format(chart->arena, "%s\n%s %zu: %s / %s (%s)", full,
                               chart_say(chart, "bucket"), p, chart_number(chart, value, 0),
                               chart_number(chart, size, 0),
                               chart_share(chart, size > 0 ? value / size : (double)NAN, 1))
                : arena_format(chart->arena, "%s\n%s %zu: %s", full, chart_say(chart, "bucket"), p,
                               chart_say(chart, "unobserved"));
        bool link = isfinite(value) && svg_link_open(chart, out, "cohort=%s&period=%zu", cohort, p);
        buf_add_text(out, "<g class=\"shape\">");
        draw_cell(chart, retention, retention->name + retention->size + (double)p * retention->cell,
                  y, value, size, title, out);
        buf_add_text(out, "</g>");
        svg_link_close(out, link);
    }
}

static void draw_average(const struct chart *chart, const struct retention *retention,
                         const json_t *data, double y, struct buf *out) {
    svg_text(out, 0, y + 18, ANCHOR_START, "t bold", slice_of(chart_say(chart, "average")));
    for (size_t p = 0; p < retention->shown; p++) {
        double back = 0, size = 0;
        size_t i;
        json_t *row;
        json_array_foreach(data, i, row) {
            double value = returned(row, p);
            if (isfinite(value))
                back += value, size += json_figure(row, "size");
        }
        buf_add_text(out, "<g class=\"shape\">");
        draw_cell(chart, retention, retention->name + retention->size + (double)p * retention->cell,
                  y, size > 0 ? back : (double)NAN, size,
                  arena_format(chart->arena, "%s, %s %zu\n%s / %s", chart_say(chart, "average"),
                               chart_say(chart, "bucket"), p, chart_number(chart, back, 0),
                               chart_number(chart, size, 0)),
                  out);
        buf_add_text(out, "</g>\n");
    }
}

void chart_retention(const struct chart *chart, enum bucket every, const json_t *data,
                     struct buf *out) {
    struct retention retention;
    if (!json_array_size(data))
        return;
    measure(chart, every, data, &retention);
    double left = retention.name + retention.size, y = 22;
    svg_open(chart, out, "retention", retention.width,
             y + 8 + CELL_HEIGHT * (double)(retention.cohorts + 1) +
                 (retention.shown < retention.periods ? 20 : 0));
    buf_add_format(
        out,
        "<defs><pattern id=\"%s%s-null\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" "
        "class=\"null-line\"/>"
        "</pattern></defs>\n",
        chart->id, chart->narrow ? "n" : "w");
    svg_text(out, left - 12, 12, ANCHOR_END, "t-small muted", slice_of(chart_say(chart, "size")));
    for (size_t p = 0; p < retention.shown; p++)
        svg_text(out, left + ((double)p + 0.5) * retention.cell - 1, 12, ANCHOR_MIDDLE,
                 "t-small muted", slice_of(chart_number(chart, (double)p, 0)));
    draw_average(chart, &retention, data, y, out);
    y += CELL_HEIGHT + 8;
    for (size_t i = 0; i < retention.cohorts; i++, y += CELL_HEIGHT)
        draw_row(chart, every, &retention, json_array_get(data, i), y, out);
    if (retention.shown < retention.periods)
        svg_text(out, retention.width, y + 14, ANCHOR_END, "t-small muted",
                 slice_of(arena_format(chart->arena, "+%zu", retention.periods - retention.shown)));
    svg_close(out);
}

void chart_retention_table(const struct chart *chart, enum bucket every, const json_t *data,
                           struct buf *out) {
    struct retention retention;
    measure(chart, every, data, &retention);
    const char **headings = ARENA_ARRAY(chart->arena, const char *, retention.periods + 2);
    headings[0] = chart_say(chart, "cohort");
    headings[1] = chart_say(chart, "size");
    for (size_t p = 0; p < retention.periods; p++)
        headings[p + 2] = chart_number(chart, (double)p, 0);
    chart_table_open(chart, out, headings, retention.periods + 2);
    for (size_t i = 0; i < retention.cohorts; i++) {
        const json_t *row = json_array_get(data, i);
        chart_table_cell(out, slice_of(cohort_name(chart, every, row)), false);
        chart_table_cell(out, slice_of(chart_number(chart, json_figure(row, "size"), 0)), true);
        for (size_t p = 0; p < retention.periods; p++)
            chart_table_cell(out, slice_of(chart_number(chart, returned(row, p), 0)), true);
        chart_table_row_end(out);
    }
    chart_table_close(out);
}
