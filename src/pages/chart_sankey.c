/*
 * Sankey of a flow: bands as wide as the number of passages, from the start of the cases to their end.
 *
 * The nodes stand in the layers of the process map, from left to right (narrow form: from above to below). A band that skips
 * layers gets a place of its own in each, so that no band runs through a node. A passage backwards or onto itself
 * has no place in a picture that flows one way: it is told as "↺ n" beside the node's name and in its title. What ends
 * at a node fades out beside it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "pages/chart_flow.h"
#include "pages/layout.h"

enum { BAR = 14, WIDE_MAX_NODES = 18, NARROW_MAX_NODES = 9, LABEL_SPACE = 46 };

struct ribbon {
    size_t first, n; /* its places in the layers between */
    double thickness;
    double at_from, at_to; /* offset of its middle along the node's bar, from the bar's beginning */
};

struct sankey {
    struct flow_graph graph;
    struct layout_node *places; /* the nodes of the graph, then the places of the ribbons */
    struct layout_edge *steps;
    size_t n_places, n_steps;
    struct ribbon *ribbons;
    double *value; /* of a node: the larger of what comes and what goes on */
    double *back;  /* passages back and onto itself that leave a node */
    double scale;  /* units per passage */
    double across; /* extent across the flow */
    double pitch;  /* distance between layers */
    bool narrow;
};

static bool flows(const struct flow_edge *edge) {
    return !edge->back && edge->from != edge->to && edge->from != FLOW_START &&
           edge->to != FLOW_END;
}

static void weigh(const struct chart *chart, struct sankey *sankey) {
    size_t n = sankey->graph.n_nodes;
    double *in = ARENA_ARRAY(chart->arena, double, n), *out = ARENA_ARRAY(chart->arena, double, n);
    sankey->value = ARENA_ARRAY(chart->arena, double, n);
    sankey->back = ARENA_ARRAY(chart->arena, double, n);
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        if (flows(edge)) {
            out[edge->from] += edge->count;
            in[edge->to] += edge->count;
        } else if (!edge->virtual) {
            sankey->back[edge->from] += edge->count;
        }
    }
    for (size_t i = FLOW_FIRST; i < n; i++) {
        const struct flow_node *node = &sankey->graph.nodes[i];
        sankey->value[i] = fmax(in[i] + fmax(node->starts, 0), out[i] + fmax(node->ends, 0));
    }
}

/* A scale at which the fullest layer fills the room. */
static void set_scale(const struct chart *chart, struct sankey *sankey, double room) {
    double *sums = ARENA_ARRAY(chart->arena, double, sankey->graph.n_layers + 1), most = 1e-9;
    for (size_t i = FLOW_FIRST; i < sankey->graph.n_nodes; i++)
        sums[sankey->graph.nodes[i].layer] += sankey->value[i];
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        for (size_t l = sankey->graph.nodes[edge->from].layer + 1;
             flows(edge) && l < sankey->graph.nodes[edge->to].layer; l++)
            sums[l] += edge->count;
    }
    for (size_t l = 0; l <= sankey->graph.n_layers; l++)
        most = fmax(most, sums[l]);
    sankey->scale = room / most;
}

static double bar_length(const struct sankey *sankey, size_t node) {
    return fmax(sankey->value[node] * sankey->scale, 2);
}

static void build_places(const struct chart *chart, struct sankey *sankey) {
    size_t n = sankey->graph.n_nodes, n_steps = 0;
    sankey->ribbons = ARENA_ARRAY(chart->arena, struct ribbon, sankey->graph.n_edges + 1);
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        size_t span = flows(edge) ? sankey->graph.nodes[edge->to].layer -
                                        sankey->graph.nodes[edge->from].layer
                                  : 0;
        sankey->ribbons[e] = (struct ribbon){.first = n,
                                             .n = span ? span - 1 : 0,
                                             .thickness = fmax(edge->count * sankey->scale, 0.8)};
        n += sankey->ribbons[e].n;
        n_steps += span;
    }
    sankey->n_places = n;
    sankey->n_steps = 0;
    sankey->places = ARENA_ARRAY(chart->arena, struct layout_node, n + 1);
    sankey->steps = ARENA_ARRAY(chart->arena, struct layout_edge, n_steps + 1);
    for (size_t i = 0; i < sankey->graph.n_nodes; i++) {
        double least = i < FLOW_FIRST ? 1 : sankey->narrow ? 84 : LABEL_SPACE;
        sankey->places[i] = (struct layout_node){.layer = sankey->graph.nodes[i].layer,
                                                 .width = fmax(bar_length(sankey, i), least),
                                                 .gap = sankey->narrow ? 8 : 12};
    }
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        const struct ribbon *ribbon = &sankey->ribbons[e];
        size_t before = edge->from;
        if (!flows(edge))
            continue;
        for (size_t k = 0; k < ribbon->n; k++) {
            size_t place = ribbon->first + k;
            sankey->places[place] =
                (struct layout_node){.layer = sankey->graph.nodes[edge->from].layer + 1 + k,
                                     .width = ribbon->thickness,
                                     .gap = 8};
            sankey->steps[sankey->n_steps++] = (struct layout_edge){before, place, edge->count + 1};
            before = place;
        }
        sankey->steps[sankey->n_steps++] = (struct layout_edge){before, edge->to, edge->count + 1};
    }
}

struct port {
    size_t edge;
    double toward;
};

static int compare_ports(const void *a, const void *b) {
    const struct port *x = a, *y = b;
    if (x->toward != y->toward)
        return x->toward < y->toward ? -1 : 1;
    return (x->edge > y->edge) - (x->edge < y->edge);
}

/* Stacks the ribbons along one side of a bar in the order of their other ends. */
static void set_ports(const struct chart *chart, struct sankey *sankey, size_t node,
                      bool entering) {
    struct port *ports = ARENA_ARRAY(chart->arena, struct port, sankey->graph.n_edges + 1);
    size_t n = 0;
    double at = 0;
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        const struct ribbon *ribbon = &sankey->ribbons[e];
        if (!flows(edge) || (entering ? edge->to : edge->from) != node)
            continue;
        size_t other = entering ? (ribbon->n ? ribbon->first + ribbon->n - 1 : edge->from)
                                : (ribbon->n ? ribbon->first : edge->to);
        ports[n++] = (struct port){e, sankey->places[other].x};
    }
    qsort(ports, n, sizeof *ports, compare_ports);
    for (size_t i = 0; i < n; i++) {
        struct ribbon *ribbon = &sankey->ribbons[ports[i].edge];
        *(entering ? &ribbon->at_to : &ribbon->at_from) = at + ribbon->thickness / 2;
        at += ribbon->thickness;
    }
}

/* Beginning of a node's bar across the flow. */
static double bar_start(const struct sankey *sankey, size_t node) {
    return sankey->places[node].x - bar_length(sankey, node) / 2;
}

static double layer_at(const struct sankey *sankey, size_t layer) {
    return 8 + ((double)layer - 1) * sankey->pitch + (sankey->narrow ? 34 : 0);
}

/* A point (along the flow, across it) in the drawing's own directions. */
static void point(const struct sankey *sankey, const char *command, double along, double across,
                  struct buf *out) {
    buf_add_format(out, "%s%s %s", command, XY(sankey->narrow ? across : along),
                   XY(sankey->narrow ? along : across));
}

static void bend(const struct sankey *sankey, double a, double across_a, double b, double across_b,
                 struct buf *out) {
    double middle = (a + b) / 2;
    point(sankey, "C", middle, across_a, out);
    point(sankey, " ", middle, across_b, out);
    point(sankey, " ", b, across_b, out);
}

static void draw_ribbon(const struct chart *chart, const struct sankey *sankey, size_t e,
                        struct buf *out) {
    const struct flow_edge *edge = &sankey->graph.edges[e];
    const struct ribbon *ribbon = &sankey->ribbons[e];
    size_t layer = sankey->graph.nodes[edge->from].layer, n = 0;
    double *across = ARENA_ARRAY(chart->arena, double, ribbon->n + 2), half = ribbon->thickness / 2;
    across[n++] = bar_start(sankey, edge->from) + ribbon->at_from;
    for (size_t k = 0; k < ribbon->n; k++)
        across[n++] = sankey->places[ribbon->first + k].x;
    across[n++] = bar_start(sankey, edge->to) + ribbon->at_to;
    bool link = svg_link_open(chart, out, "%s", flow_edge_query(chart, &sankey->graph, edge));
    buf_add_format(out, "<g class=\"ribbon fill-%zu\">", (edge->from - FLOW_FIRST) % 8 + 1);
    svg_title(out, flow_edge_title(chart, &sankey->graph, edge));
    buf_add_text(out, "<path d=\"");
    for (size_t i = 0; i + 1 < n; i++) {
        double a = layer_at(sankey, layer + i) + BAR, b = layer_at(sankey, layer + i + 1);
        point(sankey, i ? "L" : "M", a, across[i] - half, out);
        bend(sankey, a, across[i] - half, b, across[i + 1] - half, out);
    }
    for (size_t i = n - 1; i > 0; i--) {
        double a = layer_at(sankey, layer + i - 1) + BAR, b = layer_at(sankey, layer + i);
        point(sankey, "L", b, across[i] + half, out);
        bend(sankey, b, across[i] + half, a, across[i - 1] + half, out);
    }
    buf_add_text(out, "Z\"/></g>");
    svg_link_close(out, link);
}

/* What ends here: a piece that fades out at the far side of the bar. */
static void draw_end(const struct chart *chart, const struct sankey *sankey, size_t i,
                     struct buf *out) {
    const struct flow_node *node = &sankey->graph.nodes[i];
    double length = node->ends * sankey->scale, end = bar_start(sankey, i) + bar_length(sankey, i);
    double along = layer_at(sankey, node->layer) + BAR;
    if (node->ends <= 0 || length < 1)
        return;
    bool link = svg_link_open(chart, out, "last=%s", svg_encode(chart->arena, node->key));
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out,
              slice_of(arena_format(chart->arena, "%.*s\n%s %s", SLICE_ARGS(node->name),
                                    chart_number(chart, node->ends, 0), chart_say(chart, "ends"))));
    buf_add_format(
        out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"url(#%s%s-end)\"/></g>",
        XY(sankey->narrow ? end - length : along), XY(sankey->narrow ? along : end - length),
        XY(sankey->narrow ? length : 26), XY(sankey->narrow ? 26 : length), chart->id,
        sankey->narrow ? "n" : "w");
    svg_link_close(out, link);
}

static void draw_label(const struct chart *chart, const struct sankey *sankey, size_t i,
                       struct buf *out) {
    const struct flow_node *node = &sankey->graph.nodes[i];
    double along = layer_at(sankey, node->layer), middle = sankey->places[i].x;
    const char *figure = chart_compact(chart, node->count);
    if (sankey->back[i] > 0)
        figure = arena_format(chart->arena, "%s  ↺\xc2\xa0%s", figure,
                              chart_compact(chart, sankey->back[i]));
    if (sankey->narrow) {
        double room = sankey->places[i].width + 2;
        svg_text(out, middle, along - 17, ANCHOR_MIDDLE, "t-small bold halo",
                 text_fit(chart->arena, node->name, SIZE_SMALL * 1.06, room));
        svg_text(out, middle, along - 5, ANCHOR_MIDDLE, "t-small muted halo",
                 text_fit(chart->arena, slice_of(figure), SIZE_SMALL, room));
        return;
    }
    struct slice lines[TEXT_LINES];
    double room = sankey->pitch - BAR - 14, x = along + BAR + 6;
    size_t n = text_wrap(chart->arena, node->name, SIZE_TEXT * 1.06, room, 2, lines);
    double y = middle - (double)(n - 1) * 7 - 2;
    for (size_t l = 0; l < n; l++, y += 14)
        svg_text(out, x, y, ANCHOR_START, "t bold halo", lines[l]);
    svg_text(out, x, y, ANCHOR_START, "t-small muted halo",
             text_fit(chart->arena, slice_of(figure), SIZE_SMALL, room));
}

static void draw_bar(const struct chart *chart, const struct sankey *sankey, size_t i,
                     struct buf *out) {
    const struct flow_node *node = &sankey->graph.nodes[i];
    double along = layer_at(sankey, node->layer), start = bar_start(sankey, i),
           length = bar_length(sankey, i);
    struct buf title;
    buf_init(&title, 4096);
    buf_add_slice(&title, flow_node_title(chart, node));
    for (size_t e = 0; e < sankey->graph.n_edges; e++) {
        const struct flow_edge *edge = &sankey->graph.edges[e];
        if (edge->from != i || flows(edge) || edge->virtual)
            continue;
        buf_add_format(&title, "\n↺ %s %.*s: %s", chart_say(chart, edge->to == i ? "same" : "back"),
                       edge->to == i ? 0 : (int)sankey->graph.nodes[edge->to].name.n,
                       sankey->graph.nodes[edge->to].name.p, chart_number(chart, edge->count, 0));
    }
    bool link = svg_link_open(chart, out, "node=%s", svg_encode(chart->arena, node->key));
    buf_add_text(out, "<g class=\"shape\">");
    svg_title(out, buf_slice(&title));
    svg_rect(out, sankey->narrow ? start : along, sankey->narrow ? along : start,
             sankey->narrow ? length : BAR, sankey->narrow ? BAR : length, 3,
             arena_format(chart->arena, "fill-%zu", (i - FLOW_FIRST) % 8 + 1));
    buf_add_text(out, "</g>");
    svg_link_close(out, link);
    buf_release(&title);
}

static int build(const struct chart *chart, const struct flow_view *view, const json_t *data,
                 struct sankey *sankey) {
    size_t edges = view->max_edges   ? view->max_edges
                   : view->max_nodes ? view->max_nodes * 4
                   : chart->narrow   ? 24
                                     : 60;
    double room = chart->narrow ? 230 : 330;
    sankey->narrow = chart->narrow;
    for (int round = 0; round < 8; round++) {
        flow_read(chart, data, edges,
                  view->max_nodes ? view->max_nodes
                  : chart->narrow ? NARROW_MAX_NODES
                                  : WIDE_MAX_NODES,
                  &sankey->graph);
        weigh(chart, sankey);
        set_scale(chart, sankey, room);
        build_places(chart, sankey);
        if (layout_layers(chart->arena, sankey->places, sankey->n_places, sankey->steps,
                          sankey->n_steps, &sankey->across, NULL))
            return -1;
        if (view->max_nodes || sankey->across <= (chart->narrow ? 400 : 620) || edges <= 6)
            break;
        edges = edges * 3 / 4;
        room *= 0.9;
    }
    for (size_t i = FLOW_FIRST; i < sankey->graph.n_nodes; i++) {
        set_ports(chart, sankey, i, true);
        set_ports(chart, sankey, i, false);
    }
    size_t layers = sankey->graph.n_layers - 2; /* without start and end */
    sankey->pitch =
        chart->narrow
            ? 92
            : fmin(fmax((chart_width(chart) - 8) / (double)(layers ? layers : 1), 112), 260);
    return 0;
}

void chart_sankey(const struct chart *chart, const struct flow_view *view, const json_t *data,
                  struct buf *out) {
    struct sankey sankey = {0};
    if (!json_array_size(json_object_get(data, "nodes")) || build(chart, view, data, &sankey))
        return;
    size_t layers = sankey.graph.n_layers - 2;
    double along = 16 + (double)layers * sankey.pitch, across = sankey.across + 28;
    double width = sankey.narrow ? fmax(across, 360) : fmax(along, 480),
           height = sankey.narrow ? along : across;
    double shift = sankey.narrow ? (width - sankey.across) / 2 : 14;
    for (size_t i = 0; i < sankey.n_places; i++)
        sankey.places[i].x += shift;
    svg_open(chart, out, "sankey", width, height);
    buf_add_format(
        out,
        "<defs><linearGradient id=\"%s%s-end\" x1=\"0\" y1=\"0\" x2=\"%d\" y2=\"%d\"><stop "
        "offset=\"0\" "
        "class=\"end-near\"/><stop offset=\"1\" class=\"end-far\"/></linearGradient></defs>\n",
        chart->id, sankey.narrow ? "n" : "w", !sankey.narrow, sankey.narrow);
    for (size_t e = 0; e < sankey.graph.n_edges; e++)
        if (flows(&sankey.graph.edges[e]))
            draw_ribbon(chart, &sankey, e, out);
    for (size_t i = FLOW_FIRST; i < sankey.graph.n_nodes; i++) {
        draw_end(chart, &sankey, i, out);
        draw_bar(chart, &sankey, i, out);
    }
    for (size_t i = FLOW_FIRST; i < sankey.graph.n_nodes; i++)
        draw_label(chart, &sankey, i, out);
    svg_close(out);
}
