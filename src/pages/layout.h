/*
 * Places for the nodes of a layered drawing (Sugiyama). igraph gives the order in each layer with few crossings; the
 * coordinates are ours, because labels have widths: they are exact minimisers, layer by layer, of the weighted squared
 * distance to the neighbours under the condition that nothing overlaps.
 *
 * INVARIANTS
 *  1. Every edge goes from one layer to the next (the caller puts nodes without a shape on long edges).
 *  2. In one layer, x of a node + half its width + gap <= x of the next one - half its width.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_LAYOUT_H
#define SENDA_PAGES_LAYOUT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct layout_node {
    size_t layer;
    double width;
    double gap;  /* to the right neighbour */
    double x;    /* out: middle; the smallest left border is 0 */
    size_t rank; /* out: place in its layer */
};
struct layout_edge {
    size_t from, to; /* layer of to = layer of from + 1 */
    double weight;   /* > 0: how much it wants to be straight */
};

/* Places all nodes; *width is what they take. Deterministic. Errors: E_INTERNAL when igraph fails. */
must_use int layout_layers(struct arena *arena, struct layout_node *nodes, size_t n_nodes,
                           const struct layout_edge *edges, size_t n_edges, double *width,
                           struct err *err);

#endif
