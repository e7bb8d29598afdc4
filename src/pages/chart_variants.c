/*
 * Variants: the different ways that cases take, the most frequent first; each a row of chevrons with the share of the
 * cases as a bar before it. A step has the same colour in all rows; a run of the same step is one chevron "× n".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"

enum { MAX_ROWS = 200, MAX_STEPS = 60, CHEVRON_HEIGHT = 26, POINT = 8, COLOURS = 8 };

struct chevron {
    struct slice name;
    size_t times;
};

/* Colours in the order of first appearance; the ninth and later names share the neutral one. */
struct palette {
    struct slice names[COLOURS];
    size_t n;
};

static const char *colour_of(const struct chart *chart, struct palette *palette,
                             struct slice name) {
    for (size_t i = 0; i < palette->n; i++)
        if (slice_equal(palette->names[i], name))
            return arena_format(chart->arena, "chevron soft-%zu", i + 1);
    if (palette->n == COLOURS)
        return "chevron soft-other";
    palette->names[palette->n++] = name;
    return arena_format(chart->arena, "chevron soft-%zu", palette->n);
}

static size_t read_path(const json_t *path, struct chevron *chevrons, size_t *left_out) {
    size_t n = 0, i;
    json_t *step;
    *left_out = 0;
    json_array_foreach(path, i, step) {
        struct slice name = {json_string_value(step), json_string_length(step)};
        if (n && slice_equal(chevrons[n - 1].name, name))
            chevrons[n - 1].times++;
        else if (n == MAX_STEPS)
            (*left_out)++;
        else
            chevrons[n++] = (struct chevron){name, 1};
    }
    return n;
}

static const char *chevron_text(const struct chart *chart, const struct chevron *chevron) {
    struct slice name = chart_name(chart, chevron->name);
    if (chevron->times > 1)
        return arena_format(chart->arena, "%.*s × %zu", SLICE_ARGS(name), chevron->times);
    return arena_text(chart->arena, name);
}

static void draw_chevron(const struct chart *chart, struct palette *palette,
                         const struct chevron *chevron, double x, double y, double width,
                         struct buf *out) {
    const char *text = chevron_text(chart, chevron);
    buf_add_format(out, "<path class=\"%s\" d=\"M%s %sh%sl%d %dl-%d %dh-%sl%d -%dz\"><title>",
                   colour_of(chart, palette, chevron->name), XY(x), XY(y), XY(width - POINT - 2),
                   POINT, CHEVRON_HEIGHT / 2, POINT, CHEVRON_HEIGHT / 2, XY(width - POINT - 2),
                   POINT, CHEVRON_HEIGHT / 2);
    svg_escape(out, slice_of(text));
    buf_add_text(out, "</title></path>");
    svg_text(out, x + POINT + 5, y + 17, ANCHOR_START, "t-small",
             text_fit(chart->arena, slice_of(text), SIZE_SMALL, width - 2 * POINT - 8));
}

/* Chevrons from x to the right border, broken into lines; returns the y below them. `widest`: most of one chevron. */
static double draw_path(const struct chart *chart, struct palette *palette, const json_t *path,
                        double left, double y, double right, double widest, struct buf *out) {
    struct chevron chevrons[MAX_STEPS];
    size_t left_out, n = read_path(path, chevrons, &left_out);
    double x = left;
    for (size_t i = 0; i < n; i++) {
        const char *text = chevron_text(chart, &chevrons[i]);
        double width = fmin(text_width(slice_of(text), SIZE_SMALL) + 2 * POINT + 10, widest);
        if (x > left && x + width > right)
            x = left, y += CHEVRON_HEIGHT + 4;
        draw_chevron(chart, palette, &chevrons[i], x, y, width, out);
        x += width - 3;
    }
    if (left_out)
        svg_text(out, fmin(x + 8, right - 40), y + 17, ANCHOR_START, "t-small muted",
                 slice_of(arena_format(chart->arena, "+%zu", left_out)));
    return y + CHEVRON_HEIGHT;
}

/* One step alone takes no time: nothing is said of it. */
static double median_of(const json_t *row) {
    return json_array_size(json_object_get(row, "path")) > 1 ? json_figure(row, "median_s")
                                                             : (double)NAN;
}

enum { BAR_LEFT = 30, BAR_WIDTH = 80 };

static const char *figures_of(const struct chart *chart, const json_t *row) {
    return arena_format(chart->arena, "%s · %s", chart_share(chart, json_figure(row, "share"), 1),
                        chart_number(chart, json_figure(row, "cases"), 0));
}

/* Where the paths begin: behind bar and figures of the widest row; in the narrow form they have lines of their own. */
static double paths_left(const struct chart *chart, const json_t *variants) {
    double widest =
        text_width(slice_of(chart_say(chart, "share_of_cases")), SIZE_SMALL) - BAR_WIDTH - 8;
    size_t i;
    json_t *row;
    json_array_foreach(variants, i, row) widest =
        fmax(widest, text_width(slice_of(figures_of(chart, row)), SIZE_SMALL));
    return chart->narrow ? 0 : BAR_LEFT + BAR_WIDTH + 8 + widest + 16;
}

static double draw_row(const struct chart *chart, struct palette *palette, const json_t *row,
                       size_t rank, double most, double y, double left, struct buf *out) {
    double share = json_figure(row, "share"), cases = json_figure(row, "cases"),
           median = median_of(row);
    double width = chart_width(chart), bar = BAR_WIDTH;
    const char *figures = figures_of(chart, row);
    bool link = svg_link_open(chart, out, "variant=%zu", rank);
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out, slice_of(arena_format(
                       chart->arena, "%zu. %s %s (%s)\n%s %s", rank, chart_number(chart, cases, 0),
                       chart_say(chart, "cases"), chart_share(chart, share, 1),
                       chart_say(chart, "median_short"), chart_duration(chart, median))));
    svg_text(out, 22, y + 17, ANCHOR_END, "t-small muted",
             slice_of(chart_number(chart, (double)rank, 0)));
    svg_rect(out, BAR_LEFT, y + 5, bar, 16, 3, "track");
    svg_rect(out, BAR_LEFT, y + 5, fmax(bar * share / most, 1.5), 16, 3, "fill-1");
    svg_text(out, BAR_LEFT + bar + 8, y + 17, ANCHOR_START, "t-small", slice_of(figures));
    if (chart->narrow) {
        const char *time = isfinite(median) ? chart_duration(chart, median) : "";
        svg_text(out, width, y + 17, ANCHOR_END, "t-small muted", slice_of(time));
    }
    buf_add_text(out, "</g>");
    svg_link_close(out, link);
    if (chart->narrow)
        return draw_path(chart, palette, json_object_get(row, "path"), left, y + 28, width, 150,
                         out) +
               16;
    if (isfinite(median))
        svg_text(out, width, y + 17, ANCHOR_END, "t-small muted",
                 slice_of(chart_duration(chart, median)));
    return draw_path(chart, palette, json_object_get(row, "path"), left, y, width - 84, 190, out) +
           12;
}

void chart_variants(const struct chart *chart, const json_t *data, struct buf *out) {
    const json_t *variants = json_object_get(data, "variants");
    double width = chart_width(chart), y = chart->narrow ? 0 : 22, most = 1e-9, left;
    struct palette palette = {.n = 0};
    struct buf body;
    size_t i;
    json_t *row;
    if (!json_array_size(variants))
        return;
    buf_init(&body, out->max);
    left = paths_left(chart, variants);
    json_array_foreach(variants, i, row) most = fmax(most, json_figure(row, "share"));
    json_array_foreach(variants, i, row) {
        if (i == MAX_ROWS)
            break;
        y = draw_row(chart, &palette, row, i + 1, most, y, left, &body);
    }
    svg_open(chart, out, "variants", width, y);
    if (!chart->narrow) {
        svg_text(out, BAR_LEFT, 10, ANCHOR_START, "t-small muted",
                 slice_of(chart_say(chart, "share_of_cases")));
        svg_text(out, left, 10, ANCHOR_START, "t-small muted", slice_of(chart_say(chart, "path")));
        svg_text(out, width, 10, ANCHOR_END, "t-small muted", slice_of(chart_say(chart, "median")));
    }
    buf_add_slice(out, buf_slice(&body));
    svg_close(out);
    buf_release(&body);
}

void chart_variants_table(const struct chart *chart, const json_t *data, struct buf *out) {
    const char *headings[] = {"", chart_say(chart, "path"), chart_say(chart, "cases_title"),
                              chart_say(chart, "share"), chart_say(chart, "median")};
    size_t i, k;
    json_t *row, *step;
    headings[0] = "#";
    chart_table_open(chart, out, headings, 5);
    json_array_foreach(json_object_get(data, "variants"), i, row) {
        if (i == MAX_ROWS)
            break;
        struct buf path;
        buf_init(&path, 16384);
        json_array_foreach(json_object_get(row, "path"), k, step) {
            struct slice name = {json_string_value(step), json_string_length(step)};
            name = chart_name(chart, name);
            buf_add_format(&path, "%s%.*s", k ? " → " : "", SLICE_ARGS(name));
        }
        chart_table_cell(out, slice_of(chart_number(chart, (double)(i + 1), 0)), true);
        chart_table_cell(out, buf_slice(&path), false);
        chart_table_cell(out, slice_of(chart_number(chart, json_figure(row, "cases"), 0)), true);
        chart_table_cell(out, slice_of(chart_share(chart, json_figure(row, "share"), 1)), true);
        chart_table_cell(out, slice_of(chart_duration(chart, median_of(row))), true);
        chart_table_row_end(out);
        buf_release(&path);
    }
    chart_table_close(out);
}
