/*
 * Process map: what follows what, drawn from above to below.
 *
 * Rows alternate: boxes, labels, boxes, … A transition is a chain through one place in each row between its ends, and
 * its label is such a place with a width, so that the layout keeps it clear of everything else. Lines
 * run upright inside a row and bend only between rows: a line never crosses a box or a label.
 * Transitions back upwards bear an arrow at their upper end; a box that follows itself has a loop at its right side.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_map.h"

#include <math.h>
#include <stdlib.h>

#include "pages/layout.h"

enum { LABEL_HEIGHT = 18, PILL_HEIGHT = 34, LOOP_ROOM = 30, MARGIN = 12, FIT_ROUNDS = 14 };

static const char *edge_label(const struct chart *chart, const struct flow_view *view,
                              const struct flow_edge *edge) {
    if (view->by_time && !edge->virtual && isfinite(edge->median_s))
        return chart_duration(chart, edge->median_s);
    return chart_compact(chart, edge->count);
}

static void measure_boxes(const struct chart *chart, const struct flow_view *view,
                          struct map *map) {
    double room = chart->narrow ? 92 : 150;
    map->boxes = ARENA_ARRAY(chart->arena, struct map_box, map->graph.n_nodes);
    for (size_t i = 0; i < map->graph.n_nodes; i++) {
        const struct flow_node *node = &map->graph.nodes[i];
        struct map_box *box = &map->boxes[i];
        bool pill = i < FLOW_FIRST;
        /* 1.06: box names are set in a heavier weight */
        box->n_lines = text_wrap(chart->arena, node->name, SIZE_TEXT * 1.06, room, 3, box->lines);
        double wide = text_width(slice_of(chart_compact(chart, node->count)), SIZE_SMALL);
        for (size_t l = 0; l < box->n_lines; l++)
            wide = fmax(wide, text_width(box->lines[l], SIZE_TEXT * 1.06));
        box->width = fmax(wide + 24, pill ? 64 : 84);
        box->height = pill ? PILL_HEIGHT : 16.0 * (double)box->n_lines + 28;
    }
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        const struct flow_edge *edge = &map->graph.edges[e];
        if (edge->from == edge->to)
            map->boxes[edge->from].loop =
                LOOP_ROOM + text_width(slice_of(edge_label(chart, view, edge)), SIZE_SMALL) + 10;
    }
}

static size_t upper(const struct flow_edge *edge) { return edge->back ? edge->to : edge->from; }
static size_t lower(const struct flow_edge *edge) { return edge->back ? edge->from : edge->to; }

/* Rows between the ends of an edge: 2 * layer of the upper end + 1 … 2 * layer of the lower end - 1. */
static size_t between(const struct map *map, const struct flow_edge *edge) {
    if (edge->from == edge->to)
        return 0;
    return 2 * (map->graph.nodes[lower(edge)].layer - map->graph.nodes[upper(edge)].layer) - 1;
}

/* Nodes of the layout: the boxes, then the places of each edge. Fills map->lines[e].first. */
static void build_places(const struct chart *chart, const struct flow_view *view, struct map *map) {
    size_t n = map->graph.n_nodes, n_edges = 0;
    map->lines = ARENA_ARRAY(chart->arena, struct map_line, map->graph.n_edges + 1);
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        map->lines[e].first = n;
        map->lines[e].n = between(map, &map->graph.edges[e]);
        n += map->lines[e].n;
        n_edges += map->lines[e].n ? map->lines[e].n + 1 : 0;
    }
    map->n_places = n;
    map->places = ARENA_ARRAY(chart->arena, struct layout_node, n + 1);
    map->steps = ARENA_ARRAY(chart->arena, struct layout_edge, n_edges + 1);
    for (size_t i = 0; i < map->graph.n_nodes; i++)
        map->places[i] = (struct layout_node){.layer = 2 * map->graph.nodes[i].layer,
                                              .width = map->boxes[i].width + map->boxes[i].loop,
                                              .gap = 22};
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        const struct flow_edge *edge = &map->graph.edges[e];
        struct map_line *line = &map->lines[e];
        double share = map->graph.most > 0 ? fmin(edge->count / map->graph.most, 1) : 0;
        line->width = edge->virtual ? 1.5 : 1.2 + 7 * sqrt(share);
        line->label = edge_label(chart, view, edge);
        line->label_at = line->n / 2 / 2 * 2; /* the label row nearest to the middle */
        double heavy = 1 + 12 * share;
        for (size_t k = 0; k < line->n; k++) {
            bool label = k == line->label_at;
            size_t row = 2 * map->graph.nodes[upper(edge)].layer + 1 + k;
            double width = label ? text_width(slice_of(line->label), SIZE_SMALL) + 10 : line->width;
            map->places[line->first + k] =
                (struct layout_node){.layer = row, .width = width, .gap = 12};
            map->steps[map->n_steps++] = (struct layout_edge){k ? line->first + k - 1 : upper(edge),
                                                              line->first + k, heavy * (k ? 8 : 1)};
        }
        if (line->n)
            map->steps[map->n_steps++] =
                (struct layout_edge){line->first + line->n - 1, lower(edge), heavy};
    }
}

/* Heights of the rows and of the gaps between them: a gap is higher where lines travel far sideways. */
static void set_rows(const struct chart *chart, struct map *map) {
    size_t n_rows = 2 * map->graph.n_layers - 1;
    map->row_top = ARENA_ARRAY(chart->arena, double, n_rows + 1);
    map->row_height = ARENA_ARRAY(chart->arena, double, n_rows + 1);
    double *gap = ARENA_ARRAY(chart->arena, double, n_rows + 1), y = MARGIN;
    for (size_t r = 0; r < n_rows; r++)
        map->row_height[r] = r % 2 ? LABEL_HEIGHT : 0;
    for (size_t i = 0; i < map->graph.n_nodes; i++) {
        double *height = &map->row_height[2 * map->graph.nodes[i].layer];
        *height = fmax(*height, map->boxes[i].height);
    }
    for (size_t s = 0; s < map->n_steps; s++) {
        const struct layout_node *from = &map->places[map->steps[s].from],
                                 *to = &map->places[map->steps[s].to];
        gap[from->layer] = fmax(gap[from->layer], fmin(14 + fabs(from->x - to->x) * 0.14, 58));
    }
    for (size_t r = 0; r < n_rows; r++) {
        map->row_top[r] = y;
        y += map->row_height[r] + (r + 1 < n_rows ? fmax(gap[r], 16) : 0);
    }
    map->height = y + MARGIN;
    for (size_t i = 0; i < map->graph.n_nodes; i++) {
        struct map_box *box = &map->boxes[i];
        size_t row = 2 * map->graph.nodes[i].layer;
        box->x = map->places[i].x - map->places[i].width / 2;
        box->y = map->row_top[row] + (map->row_height[row] - box->height) / 2;
    }
}

struct port {
    size_t edge;
    double toward; /* x of the next place */
};

static int compare_ports(const void *a, const void *b) {
    const struct port *x = a, *y = b;
    if (x->toward != y->toward)
        return x->toward < y->toward ? -1 : 1;
    return (x->edge > y->edge) - (x->edge < y->edge);
}

/* Spreads the lines that touch one side of a box along it, in the order of where they go. */
static void set_ports(const struct chart *chart, struct map *map, size_t box, bool top) {
    struct port *ports = ARENA_ARRAY(chart->arena, struct port, map->graph.n_edges + 1);
    size_t n = 0;
    double room = 0;
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        const struct flow_edge *edge = &map->graph.edges[e];
        const struct map_line *line = &map->lines[e];
        if (!line->n || (top ? lower(edge) : upper(edge)) != box)
            continue;
        ports[n++] = (struct port){e, map->places[top ? line->first + line->n - 1 : line->first].x};
        room += line->width + 9;
    }
    qsort(ports, n, sizeof *ports, compare_ports);
    double usable = map->boxes[box].width - 20, squeeze = room > usable ? usable / room : 1;
    double middle = map->boxes[box].x + map->boxes[box].width / 2, x = middle - room * squeeze / 2;
    for (size_t i = 0; i < n; i++) {
        struct map_line *line = &map->lines[ports[i].edge];
        double half = (line->width + 9) * squeeze / 2;
        *(top ? &line->x_bottom : &line->x_top) = x + half;
        x += 2 * half;
    }
}

/* How many nodes and edges to try first. */
static void first_sizes(const struct chart *chart, const struct flow_view *view, size_t *nodes,
                        size_t *edges) {
    *nodes = view->max_nodes ? view->max_nodes : chart->narrow ? 12 : 28;
    if (view->max_edges)
        *edges = view->max_edges;
    else if (view->max_nodes)
        *edges = view->max_nodes * 4;
    else
        *edges = chart->narrow ? 28 : 64;
}

/* Far too wide: large steps; the nodes go after the edges, for each keeps a way in and out. */
static void shrink_sizes(const struct map *map, double room, int round, size_t *nodes,
                         size_t *edges) {
    double shrink = fmax(fmin(room / map->width * 1.1, 0.85), 0.5);
    size_t drawn = map->graph.n_nodes - FLOW_FIRST, lines = map->graph.n_edges;
    *edges = (size_t)((double)(*edges > lines ? lines : *edges) * shrink);
    *edges = *edges > 6 ? *edges : 6;
    if (round % 2 || *edges == 6)
        *nodes = (size_t)((double)(*nodes > drawn ? drawn : *nodes) * fmax(shrink, 0.8));
    *nodes = *nodes > 5 ? *nodes : 5;
}

int map_build(const struct chart *chart, const struct flow_view *view, const json_t *data,
              struct map *map, struct err *err) {
    size_t nodes, edges;
    first_sizes(chart, view, &nodes, &edges);
    for (int round = 0; round < FIT_ROUNDS; round++) {
        *map = (struct map){0};
        flow_read(chart, data, edges, nodes, &map->graph);
        measure_boxes(chart, view, map);
        build_places(chart, view, map);
        int result = layout_layers(chart->arena, map->places, map->n_places, map->steps,
                                   map->n_steps, &map->width, err);
        if (result)
            return result;
        double room = chart->narrow ? 350 : chart_width(chart) * 1.04;
        if (view->max_nodes || map->width <= room || (edges <= 6 && nodes <= 5))
            break;
        shrink_sizes(map, room, round, &nodes, &edges);
    }
    for (size_t i = 0; i < map->n_places; i++)
        map->places[i].x += MARGIN;
    map->width += 2 * MARGIN;
    set_rows(chart, map);
    for (size_t i = 0; i < map->graph.n_nodes; i++) {
        set_ports(chart, map, i, true);
        set_ports(chart, map, i, false);
    }
    return 0;
}

/* One of six classes: the rank of a median time among the others' (colour), or the frequency on a root scale. */
static int edge_shade(const struct flow_view *view, const struct map *map,
                      const struct flow_edge *edge) {
    if (!view->by_time)
        return (int)fmin(5, floor(6 * sqrt(edge->count / fmax(map->graph.most, 1))));
    size_t below = 0, all = 0;
    for (size_t e = 0; e < map->graph.n_edges; e++) {
        const struct flow_edge *other = &map->graph.edges[e];
        if (other->virtual || !isfinite(other->median_s))
            continue;
        below += other->median_s < edge->median_s;
        all++;
    }
    return all ? (int)fmin(5, floor(6.0 * (double)below / (double)all)) : 0;
}

static const char *edge_class(const struct chart *chart, const struct flow_view *view,
                              const struct map *map, const struct flow_edge *edge) {
    if (edge->virtual)
        return "flow-ends";
    if (view->by_time && !isfinite(edge->median_s))
        return "flow-none";
    return arena_format(chart->arena, view->by_time ? "time-%d" : "freq-%d",
                        edge_shade(view, map, edge));
}

/* The line from its upper end downwards: upright inside rows, bent between them. */
static void draw_route(const struct map *map, const struct flow_edge *edge,
                       const struct map_line *line, double head, struct buf *out) {
    const struct map_box *from = &map->boxes[upper(edge)], *to = &map->boxes[lower(edge)];
    double x = line->x_top, y = from->y + from->height + (edge->back ? head : 0);
    const struct layout_node *place = &map->places[line->first];
    double reach = place->width / 2 - 3, tip = to->y - (edge->back ? 0 : head);
    if (line->n == 1 && fabs(x - place->x) < reach && fabs(line->x_bottom - place->x) < reach) {
        /* both ends lie below and above the label: one bend, hidden behind it */
        double middle = (y + tip) / 2;
        buf_add_format(out, "M%s %sC%s %s %s %s %s %s", XY(x), XY(y), XY(x), XY(middle),
                       XY(line->x_bottom), XY(middle), XY(line->x_bottom), XY(tip));
        return;
    }
    size_t row = 2 * map->graph.nodes[upper(edge)].layer;
    buf_add_format(out, "M%s %s", XY(x), XY(y));
    double bend = map->row_top[row] + map->row_height[row];
    if (bend > y + 0.5)
        buf_add_format(out, "V%s", XY(bend));
    bend = fmax(bend, y);
    for (size_t k = 0; k <= line->n; k++) {
        bool last = k == line->n;
        double next_x = last ? line->x_bottom : map->places[line->first + k].x,
               next_y = map->row_top[row + 1 + k];
        if (last)
            next_y = fmin(next_y, to->y - (edge->back ? 0 : head));
        double middle = (bend + next_y) / 2;
        if (fabs(next_x - x) < 0.05)
            buf_add_format(out, "V%s", XY(next_y));
        else
            buf_add_format(out, "C%s %s %s %s %s %s", XY(x), XY(middle), XY(next_x), XY(middle),
                           XY(next_x), XY(next_y));
        x = next_x;
        bend = last ? to->y - (edge->back ? 0 : head) : next_y + map->row_height[row + 1 + k];
        if (bend > next_y + 0.05)
            buf_add_format(out, "V%s", XY(bend));
    }
}

static void draw_line(const struct chart *chart, const struct flow_view *view,
                      const struct map *map, size_t e, struct buf *out) {
    const struct flow_edge *edge = &map->graph.edges[e];
    const struct map_line *line = &map->lines[e];
    const char *class = edge_class(chart, view, map, edge);
    double head = 5 + line->width * 0.7, half = 3.2 + line->width * 0.6;
    bool link = svg_link_open(chart, out, "%s", flow_edge_query(chart, &map->graph, edge));
    buf_add_format(out, "<g class=\"edge %s\">", class);
    svg_title(out, flow_edge_title(chart, &map->graph, edge));
    if (edge->from == edge->to) {
        const struct map_box *box = &map->boxes[edge->from];
        double right = box->x + box->width, middle = box->y + box->height / 2,
               reach = right + LOOP_ROOM - 8;
        buf_add_format(
            out, "<path class=\"flow-line\" stroke-width=\"%s\" d=\"M%s %sC%s %s %s %s %s %s\"/>",
            XY(fmin(line->width, 4)), XY(right), XY(middle - 11), XY(reach), XY(middle - 17),
            XY(reach), XY(middle + 17), XY(right + 7), XY(middle + 10));
        buf_add_format(out, "<path class=\"flow-head\" d=\"M%s %sl8 -4.5l0.5 8z\"/>",
                       XY(right + 0.5), XY(middle + 10));
        svg_text(out, right + LOOP_ROOM - 10, middle + 4, ANCHOR_START, "t-small",
                 slice_of(line->label));
    } else {
        const struct map_box *to = &map->boxes[edge->back ? upper(edge) : lower(edge)];
        double tip = edge->back ? to->y + to->height : to->y,
               x = edge->back ? line->x_top : line->x_bottom;
        buf_add_format(out, "<path class=\"flow-line\" stroke-width=\"%s\" d=\"", XY(line->width));
        draw_route(map, edge, line, head - 1, out);
        buf_add_format(out, "\"/><path class=\"flow-head\" d=\"M%s %sL%s %sH%sZ\"/>", XY(x),
                       XY(tip), XY(x - half), XY(edge->back ? tip + head : tip - head),
                       XY(x + half));
        const struct layout_node *place = &map->places[line->first + line->label_at];
        double top = map->row_top[place->layer];
        svg_rect(out, place->x - place->width / 2, top, place->width, LABEL_HEIGHT, 9, "flow-pill");
        svg_text(out, place->x, top + 13, ANCHOR_MIDDLE, "t-small", slice_of(line->label));
    }
    buf_add_text(out, "</g>");
    svg_link_close(out, link);
}

static void draw_box(const struct chart *chart, const struct map *map, size_t i, double most,
                     struct buf *out) {
    const struct flow_node *node = &map->graph.nodes[i];
    const struct map_box *box = &map->boxes[i];
    bool pill = i < FLOW_FIRST;
    double middle = box->x + box->width / 2;
    if (pill && node->count <= 0)
        return;
    bool link = !pill && svg_link_open(chart, out, "node=%s", svg_encode(chart->arena, node->key));
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out, pill ? slice_of(arena_format(chart->arena, "%.*s: %s %s", SLICE_ARGS(node->name),
                                                chart_number(chart, node->count, 0),
                                                chart_say(chart, "cases")))
                        : flow_node_title(chart, node));
    int shade = (int)fmin(4, floor(5 * sqrt(node->count / fmax(most, 1))));
    svg_rect(out, box->x, box->y, box->width, box->height, pill ? PILL_HEIGHT / 2.0 : 8,
             pill ? "box-end" : arena_format(chart->arena, "box box-%d", shade));
    double y = box->y + (pill ? 15 : 20);
    const char *ink = pill ? "" : shade >= 3 ? " on-dark" : "";
    for (size_t l = 0; l < box->n_lines && (!pill || l < 1); l++, y += 16)
        svg_text(out, middle, y, ANCHOR_MIDDLE,
                 arena_format(chart->arena, "%s%s", pill ? "t-small bold" : "t bold", ink),
                 box->lines[l]);
    svg_text(out, middle, pill ? box->y + 27 : y, ANCHOR_MIDDLE,
             arena_format(chart->arena, "t-small%s", pill ? " muted" : ink),
             slice_of(chart_compact(chart, node->count)));
    buf_add_text(out, "</g>");
    svg_link_close(out, link);
}

void chart_map(const struct chart *chart, const struct flow_view *view, const json_t *data,
               struct buf *out) {
    struct map map;
    double most = 0;
    if (!json_array_size(json_object_get(data, "nodes")) ||
        map_build(chart, view, data, &map, NULL))
        return;
    for (size_t i = FLOW_FIRST; i < map.graph.n_nodes; i++)
        most = fmax(most, map.graph.nodes[i].count);
    double note = map.graph.hidden ? 26 : 0, width = fmax(map.width, chart->narrow ? 360 : 420);
    double shift = (width - map.width) / 2;
    svg_open(chart, out, "map", width, map.height + note);
    buf_add_format(out, "<g transform=\"translate(%s 0)\">\n", XY(shift));
    for (size_t e = map.graph.n_edges; e-- > 0;)
        draw_line(chart, view, &map, e, out);
    for (size_t i = 0; i < map.graph.n_nodes; i++)
        draw_box(chart, &map, i, most, out);
    buf_add_text(out, "</g>\n");
    if (map.graph.hidden)
        svg_text(out, width / 2, map.height + 12, ANCHOR_MIDDLE, "t-small muted",
                 text_fit(chart->arena,
                          slice_of(arena_format(chart->arena, "%s %s",
                                                chart_number(chart, (double)map.graph.hidden, 0),
                                                chart_say(chart, "hidden"))),
                          SIZE_SMALL, width));
    svg_close(out);
}
