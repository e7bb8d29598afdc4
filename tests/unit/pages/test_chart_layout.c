/*
 * Properties of the drawings on random data: no text touches another, no line of a process map crosses a box or a label,
 * everything lies inside the drawing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"
#include "pages/chart_axis.h"
#include "pages/chart_map.h"
#include "pages/layout.h"

enum { ROUNDS = 300, MAX_TEXTS = 4000 };
#define NEAR 0.11 /* coordinates are printed in tenths */

static uint64_t state = 88172645463325252ULL;
static unsigned random_below(unsigned n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 11) % n;
}

static struct arena arena;
static struct chart chart_for(bool narrow) {
    return (struct chart){.language = "es",
                          .format = format_get("es", NULL, NULL),
                          .label = "x",
                          .id = "t",
                          .people = "/x?y=1",
                          .narrow = narrow,
                          .arena = &arena};
}

static const char *const WORDS[] = {"Alta",
                                    "Ver tarifas y comparar precios",
                                    "Pago",
                                    "Confirmación de la instalación en casa",
                                    "Llamada",
                                    "Ñandú",
                                    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
                                    "Visita"};

static json_t *random_flow(void) {
    size_t n = 1 + random_below(22), edges = random_below((unsigned)(n * 3 + 1));
    json_t *flow = json_pack("{s:[], s:[]}", "nodes", "edges"),
           *list = json_object_get(flow, "edges");
    char names[24][80];
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "%s %zu", WORDS[random_below(8)], i);
        json_array_append_new(json_object_get(flow, "nodes"),
                              json_pack("{s:s, s:i, s:i, s:i}", "name", names[i], "count",
                                        (int)random_below(100000) + 1, "starts",
                                        random_below(3) ? 0 : (int)random_below(5000), "ends",
                                        random_below(3) ? 0 : (int)random_below(5000)));
    }
    for (size_t e = 0; e < edges; e++) {
        size_t a = random_below((unsigned)n), b = random_below((unsigned)n);
        bool known = false;
        size_t i;
        json_t *row;
        json_array_foreach(list, i, row) known |=
            strcmp(json_string_value(json_object_get(row, "from")), names[a]) == 0 &&
            strcmp(json_string_value(json_object_get(row, "to")), names[b]) == 0;
        if (!known)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:i, s:i, s:i}", "from", names[a], "to",
                                            names[b], "count", (int)random_below(20000) + 1,
                                            "cases", 1, "median_s", (int)random_below(1000000)));
    }
    return flow;
}

struct place {
    double left, top, right, bottom;
};

static bool overlap(struct place a, struct place b) {
    return a.left < b.right - NEAR && b.left < a.right - NEAR && a.top < b.bottom - NEAR &&
           b.top < a.bottom - NEAR;
}

static struct place box_place(const struct map_box *box, bool with_loop) {
    return (struct place){box->x, box->y, box->x + box->width + (with_loop ? box->loop : 0),
                          box->y + box->height};
}

static struct place label_place(const struct map *map, const struct map_line *line) {
    const struct layout_node *place = &map->places[line->first + line->label_at];
    double top = map->row_top[place->layer];
    return (struct place){place->x - place->width / 2, top, place->x + place->width / 2, top + 18};
}

static void check_map(const struct map *map) {
    for (size_t i = 0; i < map->graph.n_nodes; i++) {
        struct place box = box_place(&map->boxes[i], true);
        assert_true(box.left >= -NEAR && box.right <= map->width + NEAR && box.top >= 0 &&
                    box.bottom <= map->height);
        for (size_t l = 0; l < map->boxes[i].n_lines; l++)
            assert_true(text_width(map->boxes[i].lines[l], SIZE_TEXT) <= map->boxes[i].width);
        for (size_t k = 0; k < i; k++)
            assert_false(overlap(box, box_place(&map->boxes[k], true)));
        for (size_t e = 0; e < map->graph.n_edges; e++)
            if (map->lines[e].n)
                assert_false(overlap(box, label_place(map, &map->lines[e])));
    }
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        const struct map_line *line = &map->lines[e];
        if (!line->n)
            continue;
        struct place label = label_place(map, line);
        assert_true(text_width(slice_of(line->label), SIZE_SMALL) <= label.right - label.left);
        assert_true(label.left >= -NEAR && label.right <= map->width + NEAR);
        for (size_t k = 0; k < e; k++)
            if (map->lines[k].n)
                assert_false(overlap(label, label_place(map, &map->lines[k])));
        /* inside a row a line runs upright at its place: it meets no box and no label of another there */
        for (size_t p = 0; p < line->n; p++) {
            const struct layout_node *place = &map->places[line->first + p];
            double top = map->row_top[place->layer], bottom = top + map->row_height[place->layer];
            struct place run = {place->x - line->width / 2, top, place->x + line->width / 2,
                                bottom};
            for (size_t i = 0; i < map->graph.n_nodes; i++)
                assert_false(overlap(run, box_place(&map->boxes[i], true)));
            for (size_t k = 0; k < map->graph.n_edges; k++)
                if (k != e && map->lines[k].n)
                    assert_false(overlap(run, label_place(map, &map->lines[k])));
        }
        const struct map_box *above =
            &map->boxes[map->graph.edges[e].back ? map->graph.edges[e].to
                                                 : map->graph.edges[e].from];
        assert_true(line->x_top >= above->x && line->x_top <= above->x + above->width);
    }
}

static void maps_keep_clear(void **unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        struct chart chart = chart_for(round % 2);
        struct flow_view view = {.by_time = round % 3 == 0};
        struct map map;
        struct err err = {0};
        json_t *flow = random_flow();
        assert_int_equal(map_build(&chart, &view, flow, &map, &err), 0);
        for (size_t e = 0; e < map.graph.n_edges; e++) {
            const struct flow_edge *edge = &map.graph.edges[e];
            size_t from = map.graph.nodes[edge->from].layer, to = map.graph.nodes[edge->to].layer;
            assert_true(edge->from == edge->to || (edge->back ? from > to : from < to));
        }
        check_map(&map);
        json_decref(flow);
        arena_clear(&arena);
    }
}

/* The layout alone: order kept, distances kept, whatever the weights. */
static void layers_keep_distance(void **unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        struct layout_node nodes[60];
        struct layout_edge edges[200];
        size_t n = 2 + random_below(50), n_edges = 0, layers = 1 + random_below(8);
        double width;
        struct err err = {0};
        for (size_t i = 0; i < n; i++)
            nodes[i] = (struct layout_node){.layer = random_below((unsigned)layers),
                                            .width = 1 + random_below(200),
                                            .gap = random_below(30)};
        for (size_t k = 0; k < 150; k++) {
            size_t a = random_below((unsigned)n), b = random_below((unsigned)n);
            if (nodes[b].layer == nodes[a].layer + 1)
                edges[n_edges++] = (struct layout_edge){a, b, 1 + random_below(1000)};
        }
        assert_int_equal(layout_layers(&arena, nodes, n, edges, n_edges, &width, &err), 0);
        for (size_t a = 0; a < n; a++) {
            assert_true(nodes[a].x - nodes[a].width / 2 >= -1e-6 &&
                        nodes[a].x + nodes[a].width / 2 <= width + 1e-6);
            for (size_t b = 0; b < n; b++)
                if (nodes[a].layer == nodes[b].layer && nodes[a].rank < nodes[b].rank)
                    assert_true(nodes[a].x + nodes[a].width / 2 + nodes[a].gap <=
                                nodes[b].x - nodes[b].width / 2 + 1e-6);
        }
        arena_clear(&arena);
    }
}

/* ---- texts of a drawing, read back from the SVG ---- */

static double attribute(const char *tag, const char *name) {
    const char *at = strstr(tag, name);
    return at ? strtod(at + strlen(name), NULL) : 0;
}

static size_t read_texts(const struct buf *svg, struct place *places, const char **starts) {
    size_t n = 0;
    for (const char *at = svg->p; at && (at = strstr(at, "<text ")) && n < MAX_TEXTS; at++) {
        const char *open = strchr(at, '>'), *end = strstr(at, "</text>");
        char tag[300];
        snprintf(tag, sizeof tag, "%.*s", (int)(open - at), at);
        double x = attribute(tag, " x=\""), y = attribute(tag, " y=\"");
        double size = strstr(tag, "t-small") ? SIZE_SMALL : strstr(tag, "t-big") ? 17 : SIZE_TEXT;
        struct slice text = {open + 1, (size_t)(end - open - 1)};
        double width = text_width(text, size);
        double left = strstr(tag, "middle")    ? x - width / 2
                      : strstr(tag, "\"end\"") ? x - width
                                               : x;
        starts[n] = open + 1;
        places[n++] = (struct place){left, y - size * 0.72, left + width, y + size * 0.18};
    }
    return n;
}

static void check_texts(const struct buf *svg, const char *what) {
    static struct place places[MAX_TEXTS];
    static const char *starts[MAX_TEXTS];
    size_t n = read_texts(svg, places, starts);
    const char *box = strstr(svg->p, "viewBox=\"0 0 ");
    char *rest;
    double width = strtod(box + 13, &rest), height = strtod(rest, NULL);
    for (size_t a = 0; a < n; a++) {
        if (places[a].left < -1 || places[a].right > width + 1 || places[a].bottom > height + 1 ||
            places[a].top < -1.5)
            fail_msg("%s: \"%.30s\" leaves the drawing", what, starts[a]);
        for (size_t b = 0; b < a; b++)
            if (overlap(places[a], places[b]))
                fail_msg("%s: \"%.30s\" touches \"%.30s\"", what, starts[a], starts[b]);
    }
}

static json_t *random_trend(size_t buckets, size_t series) {
    json_t *rows = json_array();
    for (size_t b = 0; b < buckets; b++)
        for (size_t s = 0; s < series; s++) {
            int64_t ms = INT64_C(1750000000000) + (int64_t)b * DAY_MS;
            char text[32];
            time_format(ms, text);
            json_t *row = json_pack("{s:s, s:i}", "time", text, "value",
                                    (int)random_below(1 + random_below(1000000)));
            if (series > 1)
                json_object_set_new(row, "by", json_string(WORDS[s]));
            json_array_append_new(rows, row);
        }
    return rows;
}

static json_t *random_funnel(void) {
    size_t steps = 2 + random_below(14), groups = random_below(2) ? 1 : 2 + random_below(4);
    json_t *rows = json_array();
    for (size_t g = 0; g < groups; g++) {
        int first = 1 + (int)random_below(1000000), left = first;
        for (size_t s = 0; s < steps; s++) {
            int before = left;
            left = s ? (int)random_below((unsigned)left + 1) : left;
            json_t *row =
                json_pack("{s:i, s:s, s:i, s:f}", "step", (int)s + 1, "name",
                          WORDS[random_below(8)], "customers", left, "share", (double)left / first);
            json_object_set_new(row, "from_previous",
                                before ? json_real((double)left / before) : json_null());
            json_object_set_new(row, "median_s", json_real(random_below(10000000)));
            if (groups > 1)
                json_object_set_new(row, "by", json_string(WORDS[g]));
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

static json_t *random_variants(void) {
    json_t *rows = json_array();
    for (size_t i = 0, n = 1 + random_below(12); i < n; i++) {
        json_t *path = json_array();
        for (size_t k = 0, m = 1 + random_below(30); k < m; k++)
            json_array_append_new(path, json_string(WORDS[random_below(8)]));
        json_array_append_new(rows, json_pack("{s:o, s:i, s:f, s:i}", "path", path, "cases",
                                              (int)random_below(1000000) + 1, "share",
                                              random_below(1000) / 1000.0, "median_s",
                                              (int)random_below(9000000)));
    }
    return json_pack("{s:i, s:o}", "total", 3, "variants", rows);
}

static json_t *random_retention(void) {
    json_t *rows = json_array();
    size_t cohorts = 1 + random_below(30), periods = 1 + random_below(40);
    for (size_t c = 0; c < cohorts; c++) {
        char text[32];
        int size = (int)random_below(1000000);
        json_t *returned = json_array();
        time_format(INT64_C(1700000000000) + (int64_t)c * 7 * DAY_MS, text);
        for (size_t p = 0; p < periods; p++)
            json_array_append_new(returned, p + c > periods
                                                ? json_null()
                                                : json_integer(random_below((unsigned)size + 1)));
        json_array_append_new(
            rows, json_pack("{s:s, s:i, s:o}", "cohort", text, "size", size, "returned", returned));
    }
    return rows;
}

static void texts_keep_clear(void **unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        struct chart chart = chart_for(round % 2);
        struct trend_view trend = {
            .shape = (enum trend_shape)(round % 3), .every = BUCKET_DAY, .whole = true};
        struct flow_view flow = {.by_time = round % 3 == 0};
        json_t *data[] = {random_trend(1 + random_below(200), 1 + random_below(7)), random_funnel(),
                          random_variants(), random_retention(), random_flow()};
        struct buf out;
        chart.width = round % 4 < 2 ? 760 : 0;
        buf_init(&out, 16 << 20);
        for (size_t kind = 0; kind < 6; kind++) {
            static const char *const KINDS[] = {"trend",     "funnel", "variants",
                                                "retention", "map",    "sankey"};
            buf_clear(&out);
            if (kind == 0)
                chart_trend(&chart, &trend, data[0], &out);
            else if (kind == 1)
                chart_funnel(&chart, data[1], &out);
            else if (kind == 2)
                chart_variants(&chart, data[2], &out);
            else if (kind == 3)
                chart_retention(&chart, BUCKET_WEEK, data[3], &out);
            else if (kind == 4)
                chart_map(&chart, &flow, data[4], &out);
            else
                chart_sankey(&chart, &flow, data[4], &out);
            assert_false(out.full);
            assert_true(out.n > 0);
            check_texts(&out,
                        arena_format(&arena, "%s%s", KINDS[kind], chart.narrow ? " narrow" : ""));
        }
        for (size_t i = 0; i < 5; i++)
            json_decref(data[i]);
        buf_release(&out);
        arena_clear(&arena);
    }
}

/* Two years: the months that begin on a Monday are no rule. */
static void ticks_of_months_are_quarters(void **unused) {
    (void)unused;
    struct chart chart = chart_for(false);
    int64_t starts[25];
    struct time_tick ticks[26];
    for (int i = 0; i < 25; i++)
        starts[i] = time_days_from_civil(2024 + (10 + i) / 12, 1 + (10 + i) % 12, 1) * DAY_MS;
    size_t found = axis_time(&chart, BUCKET_MONTH, starts, 25, 1000, ticks);
    assert_int_equal(found, 8);
    for (size_t i = 0; i < found; i++)
        assert_int_equal(ticks[i].at, 2 + 3 * i); /* January 2025, April … */
    arena_clear(&arena);
}

static void ticks_are_round_and_apart(void **unused) {
    (void)unused;
    struct value_axis axis = axis_nice(0, 4711, 5, true);
    assert_true(axis.low <= 0 && axis.high >= 4711 && axis.step == 1000);
    axis = axis_nice(0, 3, 5, true);
    assert_true(axis.step == 1);
    axis = axis_nice(0, 0, 5, true);
    assert_true(axis.high > axis.low);
    for (int round = 0; round < ROUNDS; round++) {
        struct chart chart = chart_for(false);
        size_t n = 1 + random_below(400);
        int64_t *starts = ARENA_ARRAY(&arena, int64_t, n);
        struct time_tick *ticks = ARENA_ARRAY(&arena, struct time_tick, n + 1);
        enum bucket every = (enum bucket)random_below(4);
        int64_t lengths[] = {3600000, DAY_MS, 7 * (int64_t)DAY_MS, 30 * (int64_t)DAY_MS};
        for (size_t i = 0; i < n; i++)
            starts[i] = INT64_C(1735689600000) + (int64_t)i * lengths[every];
        double width = 200 + random_below(900), room = n > 1 ? width / (double)(n - 1) : width,
               end = -1e9;
        size_t found = axis_time(&chart, every, starts, n, width, ticks);
        assert_true(found >= 1);
        for (size_t i = 0; i < found; i++) {
            double half = text_width(slice_of(ticks[i].label), SIZE_SMALL) / 2,
                   x = (double)ticks[i].at * room;
            assert_true(x - half >= end);
            end = x + half;
        }
        arena_clear(&arena);
    }
}

static void text_is_cut_to_its_room(void **unused) {
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        struct slice text = slice_of(WORDS[random_below(8)]), lines[TEXT_LINES];
        double width = 20 + random_below(300);
        assert_true(text_width(text_fit(&arena, text, SIZE_TEXT, width), SIZE_TEXT) <= width);
        size_t n = text_wrap(&arena, text, SIZE_TEXT, width, 3, lines);
        assert_true(n >= 1 && n <= 3);
        for (size_t i = 0; i < n; i++)
            assert_true(text_width(lines[i], SIZE_TEXT) <= width);
    }
    arena_clear(&arena);
}

static int set_up(void **unused) {
    (void)unused;
    arena_init(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_keep_distance),    cmocka_unit_test(maps_keep_clear),
        cmocka_unit_test(texts_keep_clear),        cmocka_unit_test(ticks_are_round_and_apart),
        cmocka_unit_test(text_is_cut_to_its_room), cmocka_unit_test(ticks_of_months_are_quarters),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
