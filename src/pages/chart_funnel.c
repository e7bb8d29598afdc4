/*
 * Funnel: how many customers come as far as each step, where they are lost, how long it takes.
 *
 * A few steps stand as columns side by side (the way of reading is the way of the customer); more than fit, and phones,
 * have rows. The lost part of each step is a hatched rest over the bar and leads to the customers lost there; the
 * step that loses most is marked. With `by`, the values stand beside each other in each step.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "pages/chart.h"

enum { MAX_STEPS = 32, MAX_GROUPS = 6, LEAST_COLUMN = 118 };

struct funnel_cell {
    double customers, share, from_previous, median_s, p90_s;
    bool present;
};

struct funnel {
    size_t steps, groups;
    struct slice names[MAX_STEPS];
    struct slice by[MAX_GROUPS]; /* as a person reads it */
    const json_t *by_value[MAX_GROUPS];
    bool grouped;
    struct funnel_cell cells[MAX_STEPS][MAX_GROUPS];
    size_t worst; /* step that loses most of its previous one (1 …), 0: none */
};

static size_t group_of(const struct chart *chart, struct funnel *funnel, const json_t *row) {
    struct slice name = funnel->grouped ? json_by(chart, row, "by") : (struct slice){NULL, 0};
    size_t g = 0;
    while (g < funnel->groups && !slice_equal(funnel->by[g], name))
        g++;
    if (g == funnel->groups && g < MAX_GROUPS) {
        funnel->by[g] = name;
        funnel->by_value[g] = json_object_get(row, "by");
        funnel->groups++;
    }
    return g;
}

static void read_funnel(const struct chart *chart, const json_t *data, struct funnel *funnel) {
    size_t i;
    json_t *row;
    *funnel = (struct funnel){.grouped = json_object_get(json_array_get(data, 0), "by") != NULL};
    json_array_foreach(data, i, row) {
        size_t step = (size_t)json_integer_value(json_object_get(row, "step"));
        size_t g = group_of(chart, funnel, row);
        if (step < 1 || step > MAX_STEPS || g == MAX_GROUPS)
            continue;
        if (step > funnel->steps)
            funnel->steps = step;
        funnel->names[step - 1] = chart_name(chart, json_slice(row, "name"));
        funnel->cells[step - 1][g] =
            (struct funnel_cell){json_figure(row, "customers"),     json_figure(row, "share"),
                                 json_figure(row, "from_previous"), json_figure(row, "median_s"),
                                 json_figure(row, "p90_s"),         true};
    }
    double worst = 0;
    for (size_t s = 1; s < funnel->steps && !funnel->grouped; s++) {
        double lost = funnel->cells[s - 1][0].customers - funnel->cells[s][0].customers;
        if (lost > worst && funnel->steps > 2)
            worst = lost, funnel->worst = s;
    }
}

/* "&by=…" of a group for links, "" without. */
static const char *by_part(const struct chart *chart, const struct funnel *funnel, size_t g) {
    if (!funnel->grouped)
        return "";
    char *text = json_dumps(funnel->by_value[g], JSON_ENCODE_ANY | JSON_COMPACT);
    const char *part =
        arena_format(chart->arena, "&by_value=%s", svg_encode(chart->arena, slice_of(text)));
    free(text);
    return part;
}

static struct slice cell_title(const struct chart *chart, const struct funnel *funnel, size_t s,
                               size_t g) {
    const struct funnel_cell *cell = &funnel->cells[s][g];
    const char *by =
        funnel->grouped ? arena_format(chart->arena, "%.*s\n", SLICE_ARGS(funnel->by[g])) : "";
    const char *head =
        arena_format(chart->arena, "%s%zu. %.*s\n%s %s (%s)", by, s + 1,
                     SLICE_ARGS(funnel->names[s]), chart_number(chart, cell->customers, 0),
                     chart_say(chart, "customers"), chart_share(chart, cell->share, 1));
    if (s == 0)
        return slice_of(head);
    return slice_of(arena_format(chart->arena, "%s\n%s %s\n%s %s, %s %s", head,
                                 chart_share(chart, cell->from_previous, 1),
                                 chart_say(chart, "converted"), chart_say(chart, "median_short"),
                                 chart_duration(chart, cell->median_s), chart_say(chart, "p90"),
                                 chart_duration(chart, cell->p90_s)));
}

static double lost_at(const struct funnel *funnel, size_t s, size_t g) {
    return s ? funnel->cells[s - 1][g].customers - funnel->cells[s][g].customers : 0;
}

static struct slice lost_title(const struct chart *chart, const struct funnel *funnel, size_t s,
                               size_t g) {
    return slice_of(arena_format(
        chart->arena, "%s %s %s\n%.*s → %.*s", chart_number(chart, lost_at(funnel, s, g), 0),
        chart_say(chart, "customers"), chart_say(chart, "lost"),
        SLICE_ARGS(funnel->names[s ? s - 1 : 0]), SLICE_ARGS(funnel->names[s])));
}

/* The hatch of what is lost; a pattern cannot take its colour from a class of the user, so it is drawn here. */
static void draw_defs(const struct chart *chart, struct buf *out) {
    buf_add_format(
        out,
        "<defs><pattern id=\"%s%s-lost\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" class=\"hatch-ground\"/>"
        "<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"7\" class=\"hatch-line\"/></pattern></defs>\n",
        chart->id, chart->narrow ? "n" : "w");
}

/* Bar and rest of one cell in a box; the bar grows from the bottom (columns) or from the left (rows). */
static void draw_cell(const struct chart *chart, const struct funnel *funnel, size_t s, size_t g,
                      double x, double y, double width, double height, bool column,
                      struct buf *out) {
    const struct funnel_cell *cell = &funnel->cells[s][g];
    double share = isfinite(cell->share) ? fmin(fmax(cell->share, 0), 1) : 0;
    double before =
        s && isfinite(funnel->cells[s - 1][g].share) ? fmin(funnel->cells[s - 1][g].share, 1) : 1;
    double size = column ? height : width, full = share * size,
           rest = fmax(before - share, 0) * size;
    if (s && rest > 0.5) {
        bool link =
            svg_link_open(chart, out, "step=%zu&lost=1%s", s + 1, by_part(chart, funnel, g));
        buf_add_text(out, "<g class=\"shape\">");
        svg_title(out, lost_title(chart, funnel, s, g));
        buf_add_format(out,
                       "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" "
                       "fill=\"url(#%s%s-lost)\" rx=\"2\"/></g>",
                       XY(column ? x : x + full), XY(column ? y + height - full - rest : y),
                       XY(column ? width : rest), XY(column ? rest : height), chart->id,
                       chart->narrow ? "n" : "w");
        svg_link_close(out, link);
    }
    bool link = svg_link_open(chart, out, "step=%zu%s", s + 1, by_part(chart, funnel, g));
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out, cell_title(chart, funnel, s, g));
    const char *class = arena_format(chart->arena, "fill-%zu", g + 1);
    if (column)
        svg_rect(out, x, y + height - fmax(full, 1.5), width, fmax(full, 1.5), 3, class);
    else
        svg_rect(out, x, y, fmax(full, 1.5), height, 3, class);
    buf_add_text(out, "</g>");
    svg_link_close(out, link);
}

static double draw_legend(const struct chart *chart, const struct funnel *funnel, double width,
                          struct buf *out) {
    double x = 0, y = 12;
    for (size_t g = 0; funnel->grouped && g < funnel->groups; g++) {
        struct slice name = text_fit(chart->arena, funnel->by[g], SIZE_TEXT, width - 30);
        double room = text_width(name, SIZE_TEXT) + 32;
        if (x > 0 && x + room > width)
            x = 0, y += 20;
        if (out) {
            svg_rect(out, x, y - 10, 12, 12, 3, arena_format(chart->arena, "fill-%zu", g + 1));
            svg_text(out, x + 18, y, ANCHOR_START, "t", name);
        }
        x += room;
    }
    return funnel->grouped ? y + 20 : 0;
}

/* What stands between two columns: the conversion in a pill on the trapezium. */
static void draw_passage(const struct chart *chart, const struct funnel *funnel, size_t s, double x,
                         double width, double bottom, double height, struct buf *out) {
    double from = funnel->cells[s - 1][0].share, to = funnel->cells[s][0].share;
    if (!isfinite(from) || !isfinite(to))
        return;
    buf_add_format(out, "<path class=\"passage\" d=\"M%s %sL%s %sV%sH%sZ\"/>\n", XY(x),
                   XY(bottom - from * height), XY(x + width), XY(bottom - to * height), XY(bottom),
                   XY(x));
    const char *text = chart_share(chart, funnel->cells[s][0].from_previous, 1);
    double pill = text_width(slice_of(text), SIZE_TEXT) + 16, middle = x + width / 2;
    double y = bottom - fmax(fmin(from, to) * height / 2, 14);
    svg_rect(out, middle - pill / 2, y - 11, pill, 22, 11,
             s == funnel->worst ? "pill worst" : "pill");
    svg_text(out, middle, y + 4, ANCHOR_MIDDLE, "t", slice_of(text));
}

static size_t wrap_name(const struct chart *chart, const struct funnel *funnel, size_t s,
                        double width, struct slice lines[TEXT_LINES]) {
    const char *name = arena_format(chart->arena, "%zu. %.*s", s + 1, SLICE_ARGS(funnel->names[s]));
    return text_wrap(chart->arena, slice_of(name), SIZE_TEXT * 1.06, width, 3, lines);
}

/* The words under a column; returns how far down they reach. */
static double draw_words(const struct chart *chart, const struct funnel *funnel, size_t s, double x,
                         double y, double width, size_t name_lines, struct buf *out) {
    const struct funnel_cell *cell = &funnel->cells[s][0];
    struct slice lines[TEXT_LINES];
    size_t n = wrap_name(chart, funnel, s, width, lines);
    for (size_t i = 0; i < n; i++)
        svg_text(out, x, y + 16 * (double)i, ANCHOR_START, "t bold", lines[i]);
    y += 16 * (double)name_lines;
    if (funnel->grouped)
        return y;
    y += 6;
    svg_text(out, x, y, ANCHOR_START, "t-big", slice_of(chart_number(chart, cell->customers, 0)));
    y += 17;
    svg_text(out, x, y, ANCHOR_START, "t-small muted",
             text_fit(chart->arena,
                      slice_of(s ? arena_format(chart->arena, "%s %s",
                                                chart_share(chart, cell->share, 1),
                                                chart_say(chart, "of_total"))
                                 : chart_say(chart, "customers")),
                      SIZE_SMALL, width));
    if (s == 0)
        return y + 16;
    y += 16;
    if (lost_at(funnel, s, 0) > 0) {
        const char *lost =
            arena_format(chart->arena, "−%s %s", chart_number(chart, lost_at(funnel, s, 0), 0),
                         chart_say(chart, "lost"));
        svg_text(out, x, y, ANCHOR_START, s == funnel->worst ? "t-small bad" : "t-small muted",
                 text_fit(chart->arena, slice_of(lost), SIZE_SMALL, width));
        y += 16;
    }
    if (isfinite(cell->median_s))
        svg_text(
            out, x, y, ANCHOR_START, "t-small muted",
            text_fit(chart->arena,
                     slice_of(arena_format(chart->arena, "%s %s", chart_say(chart, "median_short"),
                                           chart_duration(chart, cell->median_s))),
                     SIZE_SMALL, width));
    return y + 16;
}

static void draw_columns(const struct chart *chart, const struct funnel *funnel, struct buf *out) {
    double width = chart_width(chart), height = 220,
           top = draw_legend(chart, funnel, width, NULL) + 16, bottom = top + height;
    double column = width / (double)funnel->steps, bar = column * (funnel->grouped ? 0.82 : 0.56),
           down = 0;
    struct slice lines[TEXT_LINES];
    struct buf body;
    size_t name_lines = 1;
    buf_init(&body, out->max);
    for (size_t s = 0; s < funnel->steps; s++) {
        size_t n = wrap_name(chart, funnel, s, column - 14, lines);
        name_lines = n > name_lines ? n : name_lines;
    }
    draw_legend(chart, funnel, width, &body);
    svg_line(&body, 0, bottom + 0.5, width, bottom + 0.5, "axis");
    for (size_t s = 0; s < funnel->steps; s++) {
        double x = (double)s * column, part = bar / (double)funnel->groups;
        if (s && !funnel->grouped)
            draw_passage(chart, funnel, s, x - column + bar, column - bar, bottom, height, &body);
        for (size_t g = 0; g < funnel->groups; g++) {
            double gap = funnel->groups > 1 ? 3 : 0, left = x + (double)g * part;
            draw_cell(chart, funnel, s, g, left, top, part - gap, height, true, &body);
            const char *share = chart_share(chart, funnel->cells[s][g].share, part > 44 ? 1 : 0);
            double value = isfinite(funnel->cells[s][g].share) ? funnel->cells[s][g].share : 0;
            if (funnel->grouped && text_width(slice_of(share), SIZE_SMALL) <= part)
                svg_text(&body, left + (part - gap) / 2, bottom - value * height - 5, ANCHOR_MIDDLE,
                         "t-small halo", slice_of(share));
        }
        down = fmax(down,
                    draw_words(chart, funnel, s, x, bottom + 22, column - 14, name_lines, &body));
    }
    svg_open(chart, out, "funnel", width, down);
    draw_defs(chart, out);
    buf_add_slice(out, buf_slice(&body));
    svg_close(out);
    buf_release(&body);
}

/* The line under a row: conversion, loss, time. */
static const char *row_note(const struct chart *chart, const struct funnel *funnel, size_t s,
                            size_t g) {
    const struct funnel_cell *cell = &funnel->cells[s][g];
    const char *time =
        isfinite(cell->median_s)
            ? arena_format(chart->arena, " · %s %s", chart_say(chart, "median_short"),
                           chart_duration(chart, cell->median_s))
            : "";
    return arena_format(chart->arena, "↳ %s %s · −%s%s", chart_share(chart, cell->from_previous, 1),
                        chart_say(chart, "converted"),
                        chart_number(chart, lost_at(funnel, s, g), 0), time);
}

static double draw_row(const struct chart *chart, const struct funnel *funnel, size_t s, double y,
                       double width, struct buf *out) {
    const struct funnel_cell *cell = &funnel->cells[s][0];
    const char *figures = funnel->grouped ? ""
                                          : arena_format(chart->arena, "%s · %s",
                                                         chart_number(chart, cell->customers, 0),
                                                         chart_share(chart, cell->share, 1));
    const char *name = arena_format(chart->arena, "%zu. %.*s", s + 1, SLICE_ARGS(funnel->names[s]));
    double taken = text_width(slice_of(figures), SIZE_TEXT) * 1.06;
    svg_text(out, 0, y + 12, ANCHOR_START, "t bold",
             text_fit(chart->arena, slice_of(name), SIZE_TEXT * 1.05, width - taken - 12));
    svg_text(out, width, y + 12, ANCHOR_END, "t", slice_of(figures));
    y += 19;
    for (size_t g = 0; g < funnel->groups; g++) {
        double height = funnel->grouped ? 14 : 22, room = funnel->grouped ? 96 : 0;
        svg_rect(out, 0, y, width - room, height, 3, "track");
        draw_cell(chart, funnel, s, g, 0, y, width - room, height, false, out);
        if (funnel->grouped)
            svg_text(out, width, y + 11, ANCHOR_END, "t-small",
                     slice_of(arena_format(chart->arena, "%s · %s",
                                           chart_number(chart, funnel->cells[s][g].customers, 0),
                                           chart_share(chart, funnel->cells[s][g].share, 1))));
        y += height + 3;
    }
    if (s && !funnel->grouped) {
        struct slice note =
            text_fit(chart->arena, slice_of(row_note(chart, funnel, s, 0)), SIZE_SMALL, width);
        svg_text(out, 0, y + 11, ANCHOR_START, s == funnel->worst ? "t-small bad" : "t-small muted",
                 note);
        y += 15;
    }
    return y + 12;
}

static void draw_rows(const struct chart *chart, const struct funnel *funnel, struct buf *out) {
    double width = chart_width(chart);
    struct buf body;
    buf_init(&body, out->max);
    double y = draw_legend(chart, funnel, width, &body);
    for (size_t s = 0; s < funnel->steps; s++)
        y = draw_row(chart, funnel, s, y, width, &body);
    svg_open(chart, out, "funnel", width, y);
    draw_defs(chart, out);
    buf_add_slice(out, buf_slice(&body));
    svg_close(out);
    buf_release(&body);
}

void chart_funnel(const struct chart *chart, const json_t *data, struct buf *out) {
    struct funnel *funnel = arena_get(chart->arena, sizeof *funnel);
    read_funnel(chart, data, funnel);
    if (!funnel->steps)
        return;
    if (chart->narrow || (double)funnel->steps * LEAST_COLUMN > chart_width(chart))
        draw_rows(chart, funnel, out);
    else
        draw_columns(chart, funnel, out);
}

void chart_funnel_table(const struct chart *chart, const json_t *data, struct buf *out) {
    struct funnel *funnel = arena_get(chart->arena, sizeof *funnel);
    read_funnel(chart, data, funnel);
    const char *headings[] = {
        chart_say(chart, "value"), chart_say(chart, "step"),           chart_say(chart, "size"),
        chart_say(chart, "share"), chart_say(chart, "previous_share"), chart_say(chart, "median"),
        chart_say(chart, "p90")};
    chart_table_open(chart, out, headings + !funnel->grouped, 7 - (size_t)!funnel->grouped);
    for (size_t g = 0; g < funnel->groups; g++) {
        for (size_t s = 0; s < funnel->steps; s++) {
            const struct funnel_cell *cell = &funnel->cells[s][g];
            if (funnel->grouped)
                chart_table_cell(out, funnel->by[g], false);
            chart_table_cell(out,
                             slice_of(arena_format(chart->arena, "%zu. %.*s", s + 1,
                                                   SLICE_ARGS(funnel->names[s]))),
                             false);
            chart_table_cell(out, slice_of(chart_number(chart, cell->customers, 0)), true);
            chart_table_cell(out, slice_of(chart_share(chart, cell->share, 1)), true);
            chart_table_cell(out, slice_of(s ? chart_share(chart, cell->from_previous, 1) : "–"),
                             true);
            chart_table_cell(out, slice_of(chart_duration(chart, cell->median_s)), true);
            chart_table_cell(out, slice_of(chart_duration(chart, cell->p90_s)), true);
            chart_table_row_end(out);
        }
    }
    chart_table_close(out);
}
