/*
 * Questions about what follows what: the directly-follows graph.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <stdlib.h>

#include "backend/local_cases.h"
#include "journey/flow.h"

static int find_flow_people(struct question *question, struct flow_spec *flow, struct err *err) {
    const struct people *people = &question->plan->people;
    flow->people = people;
    flow->behind = question_behind(question);
    int code = 0;
    if (people->node.p)
        code = level_find(question, people->node, "/people/node", &flow->node, err);
    if (!code && people->from.p)
        code = level_find(question, people->from, "/people/edge/0", &flow->from, err);
    if (!code && people->to.p)
        code = level_find(question, people->to, "/people/edge/1", &flow->to, err);
    return code;
}

struct named_node {
    struct slice name;
    struct flow_node node;
};

static int nodes_in_order(const void *a, const void *b) {
    const struct named_node *x = a, *y = b;
    if (x->node.count != y->node.count)
        return x->node.count > y->node.count ? -1 : 1;
    return slice_compare(x->name, y->name);
}

static void flow_node_rows(const struct question *question, const struct flow_state *state,
                           uint32_t names, json_t *by, json_t *rows) {
    struct flow_node *nodes = calloc(names, sizeof *nodes);
    struct named_node *named = calloc(names, sizeof *named);
    if (!nodes || !named)
        abort();
    flow_nodes(state, nodes);
    size_t n = 0;
    for (uint32_t code = 1; code < names; code++)
        if (nodes[code].count)
            named[n++] = (struct named_node){level_name(question, code), nodes[code]};
    qsort(named, n, sizeof *named, nodes_in_order);
    for (size_t i = 0; i < n && i < question_rows(question->plan); i++)
        json_array_append_new(rows, json_pack("{s:O*, s:o, s:I, s:I, s:I}", "by", by, "name",
                                              json_of_slice(named[i].name), "count",
                                              (json_int_t)named[i].node.count, "starts",
                                              (json_int_t)named[i].node.starts, "ends",
                                              (json_int_t)named[i].node.ends));
    free(nodes);
    free(named);
}

/* An edge and its place among the others: the most frequent first, then by name. */
struct placed_edge {
    uint64_t place; /* ~count, rank of from, rank of to */
    struct flow_edge edge;
};

static int by_place(const void *a, const void *b) {
    const struct placed_edge *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static int codes_in_order(const void *a, const void *b, void *question) {
    return slice_compare(level_name(question, *(const uint16_t *)a),
                         level_name(question, *(const uint16_t *)b));
}

/* Names are compared once each, not in every comparison of two edges: rank[code] by name, of the codes in the edges. */
static uint16_t *name_ranks(struct question *question, const struct flow_edge *edges, size_t n,
                            uint32_t n_names) {
    uint16_t *rank = ARENA_ARRAY(question->arena, uint16_t, n_names);
    uint16_t *codes = ARENA_ARRAY(question->arena, uint16_t, n_names);
    uint32_t used = 0;
    for (size_t i = 0; i < n; i++)
        rank[edges[i].from_to >> 16] = rank[edges[i].from_to & 0xFFFF] = 1;
    for (uint32_t code = 0; code < n_names; code++)
        if (rank[code])
            codes[used++] = (uint16_t)code;
    qsort_r(codes, used, sizeof *codes, codes_in_order, question);
    for (uint32_t i = 0; i < used; i++)
        rank[codes[i]] = (uint16_t)i;
    return rank;
}

/* Edges in the order in which they are told. */
static struct placed_edge *placed_edges(struct question *question, const struct flow_state *state,
                                        uint32_t n_names, size_t *n) {
    struct flow_edge *edges = flow_edges(state, n);
    const uint16_t *rank = name_ranks(question, edges, *n, n_names);
    struct placed_edge *placed = calloc(*n + 1, sizeof *placed);
    if (!placed)
        abort();
    for (size_t i = 0; i < *n; i++) {
        uint32_t from = rank[edges[i].from_to >> 16], to = rank[edges[i].from_to & 0xFFFF];
        placed[i].place = (uint64_t)~edges[i].count << 32 | from << 16 | to;
        placed[i].edge = edges[i];
    }
    free(edges);
    qsort(placed, *n, sizeof *placed, by_place);
    return placed;
}

/* Names as JSON, made once for all edges. */
static json_t *name_json(const struct question *question, json_t **names, uint32_t code) {
    if (!names[code])
        names[code] = json_of_slice(level_name(question, code));
    return names[code];
}

static json_t *flow_edge_row(const struct question *question, json_t **names,
                             struct flow_state *state, const struct flow_edge *edge, json_t *by) {
    json_t *row = json_object();
    if (by)
        json_object_set_nocheck(row, "by", by);
    json_object_set_nocheck(row, "from", name_json(question, names, edge->from_to >> 16));
    json_object_set_nocheck(row, "to", name_json(question, names, edge->from_to & 0xFFFF));
    json_object_set_new_nocheck(row, "count", json_integer((json_int_t)edge->count));
    json_object_set_new_nocheck(row, "cases", json_integer((json_int_t)edge->cases));
    struct spread *spread = flow_spread(state, edge);
    if (spread) {
        json_object_set_new(row, "median_s", json_of_ms(spread_quantile(spread, 0.5)));
        json_object_set_new(row, "mean_s", json_of_ms(spread_mean(spread)));
        json_object_set_new(row, "p90_s", json_of_ms(spread_quantile(spread, 0.9)));
    }
    return row;
}

/* How many edges are hidden. */
static size_t flow_edge_rows(struct question *question, struct flow_state *state, uint32_t n_names,
                             json_t *by, json_t *rows) {
    size_t n, hidden = 0, shown = 0;
    struct placed_edge *edges = placed_edges(question, state, n_names, &n);
    json_t **names = ARENA_ARRAY(question->arena, json_t *, n_names);
    double least = question->plan->min_share * (double)flow_cases(state);
    for (size_t i = 0; i < n; i++) {
        if ((double)edges[i].edge.cases < least || shown >= question_rows(question->plan)) {
            hidden++;
        } else {
            json_array_append_new(rows, flow_edge_row(question, names, state, &edges[i].edge, by));
            shown++;
        }
    }
    for (uint32_t code = 0; code < n_names; code++)
        json_decref(names[code]);
    free(edges);
    return hidden;
}

/* by: NULL without; else the rows of one value are added to those before. */
static void flow_data(struct question *question, struct flow_state *state, uint32_t names,
                      json_t *by) {
    if (!question->data)
        question->data = json_pack("{s:[], s:[]}", "nodes", "edges");
    flow_node_rows(question, state, names, by, json_object_get(question->data, "nodes"));
    json_add_to(
        question->meta, "hidden",
        flow_edge_rows(question, state, names, by, json_object_get(question->data, "edges")));
    json_add_to(question->meta, "cases", flow_cases(state));
    json_t *length = json_object();
    if (flow_case_spread(state))
        json_set_lengths(length, flow_case_spread(state));
    if (!by && json_object_size(length))
        json_object_set(question->meta, "case_length", length);
    if (by) {
        json_object_set(length, "by", by);
        json_object_set_new(length, "cases", json_integer((json_int_t)flow_cases(state)));
        question_add_group(question, json_incref(length));
    }
    json_decref(length);
}

static int run_flow(struct question *question, void *context, json_t *by, struct err *err) {
    const struct flow_spec *flow = context;
    struct spread_budget budget = {0};
    struct flow_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = flow_new(flow, &budget);
    int code = scan_run(&question->scan, &flow_operator, (void *const *)states, err);
    if (!code)
        flow_finish(states, question->scan.threads);
    if (!code && flow->behind)
        code = question_list(question, flow->behind, question->plan->people_limit, err);
    else if (!code)
        flow_data(question, states[0], flow->names, by);
    question_note_approximate(question, &budget);
    for (uint32_t t = 0; t < question->scan.threads; t++)
        flow_free(states[t]);
    if (flow->durations && question->scan.threads > 1)
        malloc_trim(0); /* durations of many events take some hundred megabytes for a moment */
    return code;
}

int answer_flow(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    question_begin_cases(question);
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct case_pick pick = {0};
    struct flow_spec flow = {
        .durations = plan->durations,
        .cases = plan->cases,
        .names = (uint32_t)dictionary_count(question->dictionary, level_kind(plan)) + 1,
        .pick = question_picks_cases(plan) ? &pick : NULL};
    code = find_flow_people(question, &flow, err);
    if (!code)
        code = question_each_value(question, &pick, &flow, run_flow, err);
    if (!code && !question->data)
        question->data = json_pack("{s:[], s:[], s:[]}", "nodes", "edges", "groups");
    return code;
}
