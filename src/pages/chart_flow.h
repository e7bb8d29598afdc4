/*
 * The directly-follows graph behind process map and Sankey: read from an answer, thinned, its cycles broken, layered.
 *
 * INVARIANTS after flow_read
 *  1. Node 0 is the start, node 1 the end; edges from and to them are the starts and ends of the others.
 *  2. An edge is forward (layer of from < layer of to), back (against the layers) or a loop (from = to).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_FLOW_H
#define SENDA_PAGES_CHART_FLOW_H

#include "pages/chart.h"

enum { FLOW_START, FLOW_END, FLOW_FIRST };

struct flow_node {
    struct slice key, name; /* as the answer has it; as people read it */
    double count, starts, ends;
    size_t layer; /* start 0, end the last */
};

struct flow_edge {
    size_t from, to;
    double count, cases, median_s;
    bool back;
    bool virtual; /* from the start or to the end */
};

struct flow_graph {
    struct flow_node *nodes;
    struct flow_edge *edges;
    size_t n_nodes, n_edges, n_layers;
    size_t hidden; /* edges of the answer that are left out */
    double most;   /* largest count of a real edge */
};

/* Keeps the max_edges most frequent edges, and of each node the most frequent way in and out; at most max_nodes nodes. */
void flow_read(const struct chart *chart, const json_t *data, size_t max_edges, size_t max_nodes,
               struct flow_graph *graph);

/* "from=A&to=B", "node=A" … for links. */
const char *flow_edge_query(const struct chart *chart, const struct flow_graph *graph,
                            const struct flow_edge *edge);
/* What an edge or node says when pointed at. */
struct slice flow_edge_title(const struct chart *chart, const struct flow_graph *graph,
                             const struct flow_edge *edge);
struct slice flow_node_title(const struct chart *chart, const struct flow_node *node);

#endif
