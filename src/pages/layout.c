/*
 * The one file that knows igraph: see layout.h.
 *
 * Two passes. ORDER: igraph_layout_sugiyama with the layers given; of its result only the order inside each layer is used, and a few
 * sweeps of neighbour exchanges on top of it remove crossings that its barycentre leaves. PLACE: layers are swept
 * down and up; the wish of a node is the weighted mean of its neighbours, and the nearest positions that keep order and
 * distance are a weighted isotonic regression (pool adjacent violators), exact and linear. The last sweeps weigh a
 * neighbour the more the straighter it lies (reweighting towards least absolute distances), so that lines have few
 * bends instead of many small ones; then chains of pass-through places are put upright where there is room.
 *
 * THREADS  igraph's error handler and generator are global: calls are serialised by a lock; the generator is seeded.
 *
 * SOURCE  K. Sugiyama, S. Tagawa, M. Toda (1981); isotonic regression: R. Barlow and others (1972), ch. 1.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/layout.h"

#include <igraph/igraph.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    ORDER_SWEEPS = 12,
    LOOSE_SWEEPS = 16,
    EVEN_SWEEPS = 24,
    TIGHT_SWEEPS = 40,
    STRAIGHTEN_ROUNDS = 3,
    SUGIYAMA_ROUNDS = 100
};

struct graph {
    struct layout_node *nodes;
    const struct layout_edge *edges;
    size_t n_nodes, n_edges, n_layers;
    size_t **layers; /* node numbers of a layer in their order */
    size_t *layer_n;
    size_t **up, **down; /* edge numbers that enter and leave a node */
    size_t *up_n, *down_n;
};

static pthread_mutex_t igraph_lock = PTHREAD_MUTEX_INITIALIZER;

/* Column 0 of igraph's matrix into nodes[].x. */
static int igraph_order(const struct graph *graph) {
    igraph_t drawn;
    igraph_matrix_t places;
    igraph_vector_int_t ends, layers;
    int failed = 1;
    igraph_vector_int_init(&ends, 0);
    igraph_vector_int_init(&layers, 0);
    igraph_matrix_init(&places, 0, 0);
    for (size_t e = 0; e < graph->n_edges; e++) {
        igraph_vector_int_push_back(&ends, (igraph_integer_t)graph->edges[e].from);
        igraph_vector_int_push_back(&ends, (igraph_integer_t)graph->edges[e].to);
    }
    for (size_t i = 0; i < graph->n_nodes; i++)
        igraph_vector_int_push_back(&layers, (igraph_integer_t)graph->nodes[i].layer);
    if (igraph_create(&drawn, &ends, (igraph_integer_t)graph->n_nodes, IGRAPH_DIRECTED) ==
        IGRAPH_SUCCESS) {
        failed = igraph_layout_sugiyama(&drawn, &places, NULL, NULL, &layers, 1, 1, SUGIYAMA_ROUNDS,
                                        NULL) != IGRAPH_SUCCESS;
        for (size_t i = 0; !failed && i < graph->n_nodes; i++)
            graph->nodes[i].x = MATRIX(places, (igraph_integer_t)i, 0);
        igraph_destroy(&drawn);
    }
    igraph_matrix_destroy(&places);
    igraph_vector_int_destroy(&layers);
    igraph_vector_int_destroy(&ends);
    return failed;
}

static int run_igraph(const struct graph *graph) {
    pthread_mutex_lock(&igraph_lock);
    igraph_error_handler_t *handler = igraph_set_error_handler(igraph_error_handler_ignore);
    igraph_rng_seed(igraph_rng_default(), 1);
    int failed = igraph_order(graph);
    igraph_set_error_handler(handler);
    pthread_mutex_unlock(&igraph_lock);
    return failed;
}

static size_t **lists_of(struct arena *arena, const struct graph *graph, bool entering,
                         size_t *counts) {
    size_t **lists = ARENA_ARRAY(arena, size_t *, graph->n_nodes + 1);
    for (size_t e = 0; e < graph->n_edges; e++)
        counts[entering ? graph->edges[e].to : graph->edges[e].from]++;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        lists[i] = ARENA_ARRAY(arena, size_t, counts[i] + 1);
        counts[i] = 0;
    }
    for (size_t e = 0; e < graph->n_edges; e++) {
        size_t node = entering ? graph->edges[e].to : graph->edges[e].from;
        lists[node][counts[node]++] = e;
    }
    return lists;
}

static void read_graph(struct arena *arena, struct graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].layer + 1 > graph->n_layers)
            graph->n_layers = graph->nodes[i].layer + 1;
    graph->layers = ARENA_ARRAY(arena, size_t *, graph->n_layers + 1);
    graph->layer_n = ARENA_ARRAY(arena, size_t, graph->n_layers + 1);
    for (size_t i = 0; i < graph->n_nodes; i++)
        graph->layer_n[graph->nodes[i].layer]++;
    for (size_t l = 0; l < graph->n_layers; l++) {
        graph->layers[l] = ARENA_ARRAY(arena, size_t, graph->layer_n[l] + 1);
        graph->layer_n[l] = 0;
    }
    graph->up_n = ARENA_ARRAY(arena, size_t, graph->n_nodes + 1);
    graph->down_n = ARENA_ARRAY(arena, size_t, graph->n_nodes + 1);
    graph->up = lists_of(arena, graph, true, graph->up_n);
    graph->down = lists_of(arena, graph, false, graph->down_n);
}

/* Layers in the order of x (ties: number). */
static void take_order(struct graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        size_t layer = graph->nodes[i].layer, at = graph->layer_n[layer]++,
               *row = graph->layers[layer];
        for (; at && graph->nodes[row[at - 1]].x > graph->nodes[i].x + 1e-9; at--)
            row[at] = row[at - 1];
        row[at] = i;
    }
    for (size_t l = 0; l < graph->n_layers; l++)
        for (size_t k = 0; k < graph->layer_n[l]; k++)
            graph->nodes[graph->layers[l][k]].rank = k;
}

/* Weighted crossings between the edges of two neighbours in a layer if a stands left of b. */
static double crossings(const struct graph *graph, size_t a, size_t b) {
    double sum = 0;
    for (int side = 0; side < 2; side++) {
        size_t *const *lists = side ? graph->down : graph->up,
                      *counts = side ? graph->down_n : graph->up_n;
        for (size_t i = 0; i < counts[a]; i++) {
            for (size_t k = 0; k < counts[b]; k++) {
                const struct layout_edge *x = &graph->edges[lists[a][i]],
                                         *y = &graph->edges[lists[b][k]];
                size_t xe = side ? x->to : x->from, ye = side ? y->to : y->from;
                if (graph->nodes[xe].rank > graph->nodes[ye].rank)
                    sum += sqrt(fmin(x->weight, y->weight));
            }
        }
    }
    return sum;
}

static void exchange_neighbours(struct graph *graph) {
    bool better = true;
    for (int sweep = 0; better && sweep < ORDER_SWEEPS; sweep++) {
        better = false;
        for (size_t l = 0; l < graph->n_layers; l++) {
            size_t *row = graph->layers[l];
            for (size_t k = 0; k + 1 < graph->layer_n[l]; k++) {
                if (crossings(graph, row[k], row[k + 1]) <=
                    crossings(graph, row[k + 1], row[k]) + 1e-9)
                    continue;
                size_t first = row[k];
                row[k] = row[k + 1];
                row[k + 1] = first;
                graph->nodes[row[k]].rank = k;
                graph->nodes[row[k + 1]].rank = k + 1;
                better = true;
            }
        }
    }
}

/* Weight of a line of length dx: constant when `near` is 0 (squares), else towards absolute distances. */
static double pull(const struct layout_edge *edge, double dx, double near) {
    return near > 0 ? edge->weight * 20 / fmax(fabs(dx), near) : edge->weight;
}

/* Where the neighbours above (side 0), below (1) or both (2) want a node, and how strongly. */
static double wish(const struct graph *graph, size_t node, int side, double near, double *weight) {
    double sum = 0, all = 0, x = graph->nodes[node].x;
    for (size_t i = 0; side != 1 && i < graph->up_n[node]; i++) {
        const struct layout_edge *edge = &graph->edges[graph->up[node][i]];
        double w = pull(edge, graph->nodes[edge->from].x - x, near);
        sum += w * graph->nodes[edge->from].x;
        all += w;
    }
    for (size_t i = 0; side != 0 && i < graph->down_n[node]; i++) {
        const struct layout_edge *edge = &graph->edges[graph->down[node][i]];
        double w = pull(edge, graph->nodes[edge->to].x - x, near);
        sum += w * graph->nodes[edge->to].x;
        all += w;
    }
    *weight = all > 0 ? all : 1e-3;
    return all > 0 ? sum / all : x;
}

struct block { /* of pooled nodes: they share one offset */
    double sum, weight;
    size_t n;
};

/* Nearest positions to the wishes that keep order and distance in one layer. */
static void place_layer(const struct graph *graph, size_t layer, int side, double near,
                        struct block *blocks) {
    size_t n = graph->layer_n[layer], *row = graph->layers[layer], n_blocks = 0;
    double offset = 0;
    for (size_t k = 0; k < n; k++) {
        const struct layout_node *node = &graph->nodes[row[k]];
        double weight, x = wish(graph, row[k], side, near, &weight);
        if (k) {
            const struct layout_node *left = &graph->nodes[row[k - 1]];
            offset += left->width / 2 + left->gap + node->width / 2;
        }
        blocks[n_blocks++] = (struct block){(x - offset) * weight, weight, 1};
        while (n_blocks > 1 && blocks[n_blocks - 2].sum / blocks[n_blocks - 2].weight >
                                   blocks[n_blocks - 1].sum / blocks[n_blocks - 1].weight) {
            blocks[n_blocks - 2].sum += blocks[n_blocks - 1].sum;
            blocks[n_blocks - 2].weight += blocks[n_blocks - 1].weight;
            blocks[n_blocks - 2].n += blocks[n_blocks - 1].n;
            n_blocks--;
        }
    }
    offset = 0;
    for (size_t b = 0, k = 0; b < n_blocks; b++) {
        for (size_t i = 0; i < blocks[b].n; i++, k++) {
            struct layout_node *node = &graph->nodes[row[k]];
            if (k) {
                const struct layout_node *left = &graph->nodes[row[k - 1]];
                offset += left->width / 2 + left->gap + node->width / 2;
            }
            node->x = blocks[b].sum / blocks[b].weight + offset;
        }
    }
}

/* Room in which a node may move without touching its neighbours. */
static void room_of(const struct graph *graph, size_t node, double *low, double *high) {
    const struct layout_node *self = &graph->nodes[node];
    const size_t *row = graph->layers[self->layer];
    *low = -1e9;
    *high = 1e9;
    if (self->rank > 0) {
        const struct layout_node *left = &graph->nodes[row[self->rank - 1]];
        *low = left->x + left->width / 2 + left->gap + self->width / 2;
    }
    if (self->rank + 1 < graph->layer_n[self->layer]) {
        const struct layout_node *right = &graph->nodes[row[self->rank + 1]];
        *high = right->x - right->width / 2 - self->gap - self->width / 2;
    }
}

static bool passes_through(const struct graph *graph, size_t node) {
    return graph->up_n[node] == 1 && graph->down_n[node] == 1;
}

/* Puts the runs of a chain that begins at `first` upright: each as long as a common x exists. */
static void straighten_chain(const struct graph *graph, size_t first) {
    size_t node = first;
    while (passes_through(graph, node)) {
        double low = -1e9, high = 1e9, sum = 0;
        size_t n = 0, end = node;
        while (passes_through(graph, end)) {
            double a, b;
            room_of(graph, end, &a, &b);
            if (fmax(low, a) > fmin(high, b))
                break;
            low = fmax(low, a);
            high = fmin(high, b);
            sum += graph->nodes[end].x;
            n++;
            end = graph->edges[graph->down[end][0]].to;
        }
        if (!n)
            return;
        const struct layout_node *after = &graph->nodes[end],
                                 *before = &graph->nodes[graph->edges[graph->up[node][0]].from];
        double mean = sum / (double)n, x = fmin(fmax(mean, low), high);
        if (before->x >= low && before->x <= high && fabs(before->x - mean) < 24)
            x = before->x;
        else if (after->x >= low && after->x <= high && fabs(after->x - mean) < 24)
            x = after->x;
        for (; n; n--, node = graph->edges[graph->down[node][0]].to)
            graph->nodes[node].x = x;
    }
}

static void straighten(const struct graph *graph) {
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (passes_through(graph, i) && !passes_through(graph, graph->edges[graph->up[i][0]].from))
            straighten_chain(graph, i);
}

static void place(struct arena *arena, const struct graph *graph) {
    struct block *blocks = ARENA_ARRAY(arena, struct block, graph->n_nodes + 1);
    for (size_t l = 0; l < graph->n_layers; l++) {
        double x = 0;
        for (size_t k = 0; k < graph->layer_n[l]; k++) {
            struct layout_node *node = &graph->nodes[graph->layers[l][k]];
            node->x = x + node->width / 2;
            x += node->width + node->gap;
        }
        for (size_t k = 0; k < graph->layer_n[l]; k++)
            graph->nodes[graph->layers[l][k]].x -= x / 2;
    }
    for (int sweep = 0; sweep < LOOSE_SWEEPS + EVEN_SWEEPS + TIGHT_SWEEPS; sweep++) {
        bool loose = sweep < LOOSE_SWEEPS;
        int tight = sweep - LOOSE_SWEEPS - EVEN_SWEEPS;
        double near = tight < 0 ? 0 : fmax(40.0 - tight, 4);
        for (size_t l = 0; l < graph->n_layers; l++)
            place_layer(graph, l, loose && l ? 0 : 2, near, blocks);
        for (size_t l = graph->n_layers; l-- > 0;)
            place_layer(graph, l, loose && l + 1 < graph->n_layers ? 1 : 2, near, blocks);
    }
    for (int round = 0; round < STRAIGHTEN_ROUNDS; round++)
        straighten(graph);
}

int layout_layers(struct arena *arena, struct layout_node *nodes, size_t n_nodes,
                  const struct layout_edge *edges, size_t n_edges, double *width, struct err *err) {
    struct graph graph = {.nodes = nodes, .edges = edges, .n_nodes = n_nodes, .n_edges = n_edges};
    double low = 0, high = 0;
    *width = 0;
    if (!n_nodes)
        return 0;
    if (run_igraph(&graph))
        return err_set(err, E_INTERNAL, "the drawing of the process map failed");
    read_graph(arena, &graph);
    take_order(&graph);
    exchange_neighbours(&graph);
    place(arena, &graph);
    for (size_t i = 0; i < n_nodes; i++) {
        low = i ? fmin(low, nodes[i].x - nodes[i].width / 2) : nodes[i].x - nodes[i].width / 2;
        high = i ? fmax(high, nodes[i].x + nodes[i].width / 2) : nodes[i].x + nodes[i].width / 2;
    }
    for (size_t i = 0; i < n_nodes; i++)
        nodes[i].x -= low;
    *width = high - low;
    return 0;
}
