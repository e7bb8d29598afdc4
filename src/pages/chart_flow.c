/*
 * Graph of a flow: see chart_flow.h.
 *
 * CYCLES  the nodes are put in a row by Eades' greedy heuristic on counts (sinks to the end, sources to the front, else the node that
 *         leaves most over what it receives); edges against the row are "back".
 * LAYERS  longest path over forward edges, then each node moves inside its freedom to where its heavier side pulls.
 *
 * SOURCE  P. Eades, X. Lin, W. F. Smyth (1993), "A fast and effective heuristic for the feedback arc set problem".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_flow.h"

#include <math.h>
#include <stdlib.h>

static int compare_nodes(const void *a, const void *b) {
    const struct flow_node *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return slice_compare(x->key, y->key);
}

static int compare_edges(const void *a, const void *b) {
    const struct flow_edge *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static void read_nodes(const struct chart *chart, const json_t *nodes, size_t max_nodes,
                       struct flow_graph *graph) {
    size_t n = json_array_size(nodes);
    graph->nodes = ARENA_ARRAY(chart->arena, struct flow_node, n + FLOW_FIRST);
    graph->nodes[FLOW_START].name = slice_of(chart_say(chart, "start"));
    graph->nodes[FLOW_END].name = slice_of(chart_say(chart, "end"));
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(nodes, i);
        struct slice key = json_slice(row, "name");
        graph->nodes[FLOW_FIRST + i] = (struct flow_node){.key = key,
                                                          .name = chart_name(chart, key),
                                                          .count = json_figure(row, "count"),
                                                          .starts = json_figure(row, "starts"),
                                                          .ends = json_figure(row, "ends")};
    }
    qsort(graph->nodes + FLOW_FIRST, n, sizeof *graph->nodes, compare_nodes);
    graph->n_nodes = (n < max_nodes ? n : max_nodes) + FLOW_FIRST;
}

static size_t node_named(const struct flow_graph *graph, struct slice name) {
    for (size_t i = FLOW_FIRST; i < graph->n_nodes; i++)
        if (slice_equal(graph->nodes[i].key, name))
            return i;
    return SIZE_MAX;
}

/* Real edges between kept nodes, most frequent first. */
static void read_edges(const struct chart *chart, const json_t *edges, struct flow_graph *graph) {
    size_t i, kept = 0;
    json_t *row;
    graph->edges = ARENA_ARRAY(chart->arena, struct flow_edge,
                               json_array_size(edges) + 2 * graph->n_nodes + 1);
    json_array_foreach(edges, i, row) {
        struct flow_edge edge = {node_named(graph, json_slice(row, "from")),
                                 node_named(graph, json_slice(row, "to")),
                                 json_figure(row, "count"),
                                 json_figure(row, "cases"),
                                 json_figure(row, "median_s"),
                                 false,
                                 false};
        if (edge.from != SIZE_MAX && edge.to != SIZE_MAX && edge.count > 0)
            graph->edges[kept++] = edge;
    }
    qsort(graph->edges, kept, sizeof *graph->edges, compare_edges);
    graph->hidden = json_array_size(edges) - kept;
    graph->n_edges = kept;
    graph->most = kept ? graph->edges[0].count : 1;
}

static void thin_edges(const struct chart *chart, size_t max_edges, struct flow_graph *graph) {
    bool *has_out = ARENA_ARRAY(chart->arena, bool, graph->n_nodes),
         *has_in = ARENA_ARRAY(chart->arena, bool, graph->n_nodes);
    size_t kept = 0;
    for (size_t i = 0; i < graph->n_edges; i++) {
        struct flow_edge edge = graph->edges[i];
        bool loop = edge.from == edge.to,
             needed = !loop && (!has_out[edge.from] || !has_in[edge.to]);
        if (i >= max_edges && !needed)
            continue;
        if (!loop)
            has_out[edge.from] = has_in[edge.to] = true;
        graph->edges[kept++] = edge;
    }
    graph->hidden += graph->n_edges - kept;
    graph->n_edges = kept;
}

/* Starts and ends: all of a node's that matter; a node without a way in or out gets its own, however rare. */
static void add_virtual(const struct chart *chart, size_t all_nodes, struct flow_graph *graph) {
    bool *has_in = ARENA_ARRAY(chart->arena, bool, graph->n_nodes),
         *has_out = ARENA_ARRAY(chart->arena, bool, graph->n_nodes);
    double starts = 0, ends = 0;
    size_t real = graph->n_edges;
    for (size_t i = 0; i < real; i++)
        if (graph->edges[i].from != graph->edges[i].to)
            has_out[graph->edges[i].from] = has_in[graph->edges[i].to] = true;
    for (size_t i = FLOW_FIRST; i < all_nodes; i++) { /* also of those that are not drawn */
        starts += graph->nodes[i].starts > 0 ? graph->nodes[i].starts : 0;
        ends += graph->nodes[i].ends > 0 ? graph->nodes[i].ends : 0;
    }
    for (size_t i = FLOW_FIRST; i < graph->n_nodes; i++) {
        const struct flow_node *node = &graph->nodes[i];
        if (node->starts > 0 && (node->starts >= starts * 0.02 || !has_in[i]))
            graph->edges[graph->n_edges++] = (struct flow_edge){
                FLOW_START, i, node->starts, node->starts, (double)NAN, false, true};
        if (node->ends > 0 && (node->ends >= ends * 0.02 || !has_out[i]))
            graph->edges[graph->n_edges++] =
                (struct flow_edge){i, FLOW_END, node->ends, node->ends, (double)NAN, false, true};
    }
    graph->nodes[FLOW_START].count = graph->nodes[FLOW_START].starts = starts;
    graph->nodes[FLOW_END].count = graph->nodes[FLOW_END].ends = ends;
}

/* In and out weights of a node among those not yet placed. */
static void balance(const struct flow_graph *graph, const bool *placed, size_t node, double *in,
                    double *out) {
    *in = *out = 0;
    for (size_t e = 0; e < graph->n_edges; e++) {
        const struct flow_edge *edge = &graph->edges[e];
        if (edge->from == edge->to)
            continue;
        if (edge->to == node && !placed[edge->from])
            *in += edge->count;
        if (edge->from == node && !placed[edge->to])
            *out += edge->count;
    }
}

static void break_cycles(const struct chart *chart, struct flow_graph *graph) {
    size_t n = graph->n_nodes, front = 0, back = n;
    size_t *place = ARENA_ARRAY(chart->arena, size_t, n);
    bool *placed = ARENA_ARRAY(chart->arena, bool, n);
    while (front < back) {
        size_t best = SIZE_MAX;
        double best_score = 0;
        bool sink = false, source = false;
        for (size_t i = 0; i < n && !sink; i++) {
            double in, out;
            if (placed[i])
                continue;
            balance(graph, placed, i, &in, &out);
            if (out == 0 && i != FLOW_START) {
                best = i, sink = true;
            } else if (in == 0 && !source) {
                best = i, source = true;
            } else if (!source && (best == SIZE_MAX || (out - in) / (out + in) > best_score)) {
                best = i, best_score = (out - in) / (out + in);
            }
        }
        placed[best] = true;
        place[best] = sink ? --back : front++;
    }
    for (size_t e = 0; e < graph->n_edges; e++)
        graph->edges[e].back = place[graph->edges[e].from] > place[graph->edges[e].to];
}

/* The edge as it lies in the layers: upper and lower end. */
static size_t upper(const struct flow_edge *edge) { return edge->back ? edge->to : edge->from; }
static size_t lower(const struct flow_edge *edge) { return edge->back ? edge->from : edge->to; }

static void tighten(struct flow_graph *graph, size_t node) {
    size_t low = 1, high = SIZE_MAX;
    double above = 0, below = 0;
    for (size_t e = 0; e < graph->n_edges; e++) {
        const struct flow_edge *edge = &graph->edges[e];
        if (edge->from == edge->to)
            continue;
        if (lower(edge) == node) {
            size_t layer = graph->nodes[upper(edge)].layer + 1;
            low = layer > low ? layer : low;
            above += edge->count;
        } else if (upper(edge) == node) {
            size_t layer = graph->nodes[lower(edge)].layer - 1;
            high = layer < high ? layer : high;
            below += edge->count;
        }
    }
    if (high != SIZE_MAX && high >= low)
        graph->nodes[node].layer = below > above ? high : low;
}

static void set_layers(struct flow_graph *graph) {
    bool moved = true;
    for (size_t round = 0; moved && round <= graph->n_nodes; round++) {
        moved = false;
        for (size_t e = 0; e < graph->n_edges; e++) {
            const struct flow_edge *edge = &graph->edges[e];
            if (edge->from == edge->to)
                continue;
            size_t least = graph->nodes[upper(edge)].layer + 1;
            if (graph->nodes[lower(edge)].layer < least) {
                graph->nodes[lower(edge)].layer = least;
                moved = true;
            }
        }
    }
    for (int round = 0; round < 4; round++)
        for (size_t i = FLOW_FIRST; i < graph->n_nodes; i++)
            tighten(graph, i);
    size_t last = 0;
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (i != FLOW_END && graph->nodes[i].layer > last)
            last = graph->nodes[i].layer;
    graph->nodes[FLOW_END].layer = last + 1;
    graph->n_layers = last + 2;
}

void flow_read(const struct chart *chart, const json_t *data, size_t max_edges, size_t max_nodes,
               struct flow_graph *graph) {
    *graph = (struct flow_graph){0};
    read_nodes(chart, json_object_get(data, "nodes"), max_nodes, graph);
    read_edges(chart, json_object_get(data, "edges"), graph);
    thin_edges(chart, max_edges, graph);
    add_virtual(chart, json_array_size(json_object_get(data, "nodes")) + FLOW_FIRST, graph);
    break_cycles(chart, graph);
    for (size_t i = FLOW_FIRST; i < graph->n_nodes; i++)
        graph->nodes[i].layer = 1;
    set_layers(graph);
}

const char *flow_edge_query(const struct chart *chart, const struct flow_graph *graph,
                            const struct flow_edge *edge) {
    if (edge->from == FLOW_START)
        return arena_format(chart->arena, "first=%s",
                            svg_encode(chart->arena, graph->nodes[edge->to].key));
    if (edge->to == FLOW_END)
        return arena_format(chart->arena, "last=%s",
                            svg_encode(chart->arena, graph->nodes[edge->from].key));
    return arena_format(chart->arena, "edge_from=%s&edge_to=%s",
                        svg_encode(chart->arena, graph->nodes[edge->from].key),
                        svg_encode(chart->arena, graph->nodes[edge->to].key));
}

struct slice flow_edge_title(const struct chart *chart, const struct flow_graph *graph,
                             const struct flow_edge *edge) {
    const char *head =
        arena_format(chart->arena, "%.*s → %.*s\n%s", SLICE_ARGS(graph->nodes[edge->from].name),
                     SLICE_ARGS(graph->nodes[edge->to].name), chart_number(chart, edge->count, 0));
    if (edge->virtual)
        return slice_of(arena_format(chart->arena, "%s %s", head, chart_say(chart, "cases")));
    const char *time = isfinite(edge->median_s)
                           ? arena_format(chart->arena, "\n%s %s", chart_say(chart, "median_short"),
                                          chart_duration(chart, edge->median_s))
                           : "";
    const char *cases = isfinite(edge->cases) ? arena_format(chart->arena, " (%s %s)",
                                                             chart_number(chart, edge->cases, 0),
                                                             chart_say(chart, "cases"))
                                              : "";
    return slice_of(
        arena_format(chart->arena, "%s %s%s%s", head, chart_say(chart, "transition"), cases, time));
}

struct slice flow_node_title(const struct chart *chart, const struct flow_node *node) {
    bool own = node->key.n && !slice_equal(node->key, node->name);
    const char *key = own ? arena_format(chart->arena, " (%.*s)", SLICE_ARGS(node->key)) : "";
    return slice_of(arena_format(chart->arena, "%.*s%s\n%s %s\n%s %s · %s %s",
                                 SLICE_ARGS(node->name), key, chart_number(chart, node->count, 0),
                                 chart_say(chart, "interactions"),
                                 chart_number(chart, node->starts, 0), chart_say(chart, "starts"),
                                 chart_number(chart, node->ends, 0), chart_say(chart, "ends")));
}

void chart_flow_table(const struct chart *chart, const json_t *data, struct buf *out) {
    const char *headings[] = {chart_say(chart, "edge_from"), chart_say(chart, "edge_to"),
                              chart_say(chart, "count"), chart_say(chart, "cases_title"),
                              chart_say(chart, "median")};
    size_t i;
    json_t *row;
    chart_table_open(chart, out, headings, 5);
    json_array_foreach(json_object_get(data, "edges"), i, row) {
        if (i == 500)
            break;
        chart_table_cell(out, chart_name(chart, json_slice(row, "from")), false);
        chart_table_cell(out, chart_name(chart, json_slice(row, "to")), false);
        chart_table_cell(out, slice_of(chart_number(chart, json_figure(row, "count"), 0)), true);
        chart_table_cell(out, slice_of(chart_number(chart, json_figure(row, "cases"), 0)), true);
        chart_table_cell(out, slice_of(chart_duration(chart, json_figure(row, "median_s"))), true);
        chart_table_row_end(out);
    }
    chart_table_close(out);
}
