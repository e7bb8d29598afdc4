/*
 * Questions about whole cases: flow, variants, paths.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "journey/flow.h"
#include "journey/paths.h"
#include "journey/variants.h"

static enum dictionary_kind level_kind(const struct plan *plan) {
    return plan->level == LEVEL_EVENT        ? DICTIONARY_EVENT
           : plan->level == LEVEL_TOUCHPOINT ? DICTIONARY_TOUCHPOINT
                                             : DICTIONARY_CHANNEL;
}

static struct slice level_name(const struct question *question, uint32_t code) {
    return dictionary_name(question->dictionary, level_kind(question->plan), (uint16_t)code);
}

/* Every name of the level by code; [0] is empty. */
static uint32_t level_names(const struct question *question, const struct slice **names) {
    uint32_t n = (uint32_t)dictionary_count(question->dictionary, level_kind(question->plan)) + 1;
    struct slice *all = ARENA_ARRAY(question->arena, struct slice, n);
    for (uint32_t code = 1; code < n; code++)
        all[code] = level_name(question, code);
    *names = all;
    return n;
}

static int find_name(const struct question *question, struct slice name, const char *pointer,
                     uint16_t *code, struct err *err) {
    *code = dictionary_find(question->dictionary, level_kind(question->plan), name);
    return *code ? 0
                 : err_at(err, E_INVALID, pointer, "unknown name \"%.*s\"",
                          name.n > 100 ? 100 : (int)name.n, name.p);
}

static int find_path(const struct question *question, uint16_t **path, struct err *err) {
    const struct people *people = &question->plan->people;
    int code = 0;
    *path = ARENA_ARRAY(question->arena, uint16_t, people->n_path);
    for (uint32_t i = 0; i < people->n_path && !code; i++)
        code = find_name(question, people->path[i], "/people/path", &(*path)[i], err);
    return code;
}

/* What the three have in common. */
static void begin_cases(struct question *question) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    spec->label = true;
    spec->level = plan->level;
    if (!matcher_takes_all(&plan->of))
        spec->of = &plan->of;
    if (plan->cases == CASE_PROPERTY) {
        spec->case_property = plan->case_property;
        spec->unordered = true;
    }
}

/* ---- by ---- */

enum { VALUES_MAX = 100 }; /* each is a run of its own */

static uint32_t most_rows(const struct plan *plan) {
    return plan->by == BY_NONE ? plan->limit : PLAN_NO_LIMIT;
}

/* The values of `by`, by the number of their cases; each a run of its own. */
static int rank_cases(struct question *question, struct ranking *ranking, struct err *err) {
    struct case_counter counters[SCAN_THREADS];
    void *states[SCAN_THREADS];
    uint32_t n = question->grouping.n, threads = question->scan.threads;
    uint64_t *counts = ARENA_ARRAY(question->arena, uint64_t, (size_t)n * threads);
    for (uint32_t t = 0; t < threads; t++) {
        case_counter_init(&counters[t], question->plan->cases, &question->grouping,
                          counts + (size_t)t * n);
        states[t] = &counters[t];
    }
    int code = scan_run(&question->scan, &case_counter_operator, states, err);
    if (!code)
        case_counter_finish(counters, threads);
    for (uint32_t t = 0; t < threads; t++)
        cases_release(&counters[t].adapter);
    for (size_t i = n; i < (size_t)n * threads; i++)
        counts[i % n] += counts[i];
    if (code)
        return code;
    question_rank(question, counts, ranking);
    if (ranking_rows(ranking) > VALUES_MAX) {
        err_at(err, E_INVALID, "/by", "there are more than %d values", VALUES_MAX);
        return err_hint(err, "Say with \"limit\" how many to tell apart; the others become one.");
    }
    return 0;
}

/* One run for each value, or one for all; run() adds to the answer, by: new reference or NULL. */
static int each_value(struct question *question, struct case_pick *pick, void *context,
                      int (*run)(struct question *question, void *context, json_t *by,
                                 struct err *err),
                      struct err *err) {
    const struct plan *plan = question->plan;
    struct ranking ranking = {0};
    pick->grouping = &question->grouping;
    pick->wanted = question->people_group;
    if (plan->by == BY_NONE || plan->people.wanted)
        return run(question, context, NULL, err);
    int code = rank_cases(question, &ranking, err);
    pick->place = ranking.place;
    for (uint32_t place = 0; !code && place < ranking_rows(&ranking); place++) {
        pick->wanted = place;
        json_t *by = question_by_json(question, &ranking, place);
        code = run(question, context, by, err);
        json_decref(by);
    }
    return code;
}

/* Cases are picked by their value, of all or of those behind a number. */
static bool picks(const struct plan *plan) {
    return plan->by != BY_NONE && (!plan->people.wanted || plan->people.has_by);
}

/* ---- flow ---- */

static int find_flow_people(struct question *question, struct flow_spec *flow, struct err *err) {
    const struct people *people = &question->plan->people;
    flow->people = people;
    flow->behind = question_behind(question);
    int code = 0;
    if (people->node.p)
        code = find_name(question, people->node, "/people/node", &flow->node, err);
    if (!code && people->from.p)
        code = find_name(question, people->from, "/people/edge/0", &flow->from, err);
    if (!code && people->to.p)
        code = find_name(question, people->to, "/people/edge/1", &flow->to, err);
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
    for (size_t i = 0; i < n && i < most_rows(question->plan); i++)
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
        if ((double)edges[i].edge.cases < least || shown >= most_rows(question->plan)) {
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

static void set_lengths(json_t *json, struct spread *lengths) {
    json_object_set_new(json, "cases", json_integer((json_int_t)lengths->n));
    json_object_set_new(json, "median_s", json_of_ms(spread_quantile(lengths, 0.5)));
    json_object_set_new(json, "mean_s", json_of_ms(spread_mean(lengths)));
    json_object_set_new(json, "p90_s", json_of_ms(spread_quantile(lengths, 0.9)));
    json_object_set_new(json, "min_s", lengths->n ? json_of_ms((double)lengths->min) : json_null());
    json_object_set_new(json, "max_s", lengths->n ? json_of_ms((double)lengths->max) : json_null());
}

static void add_to(json_t *object, const char *member, size_t n) {
    json_int_t before = json_integer_value(json_object_get(object, member));
    json_object_set_new(object, member, json_integer(before + (json_int_t)n));
}

/* by: NULL without; else the rows of one value are added to those before. */
static void flow_data(struct question *question, struct flow_state *state, uint32_t names,
                      json_t *by) {
    if (!question->data)
        question->data = json_pack("{s:[], s:[]}", "nodes", "edges");
    flow_node_rows(question, state, names, by, json_object_get(question->data, "nodes"));
    add_to(question->meta, "hidden",
           flow_edge_rows(question, state, names, by, json_object_get(question->data, "edges")));
    add_to(question->meta, "cases", flow_cases(state));
    json_t *length = json_object();
    if (flow_case_spread(state))
        set_lengths(length, flow_case_spread(state));
    if (!by && json_object_size(length))
        json_object_set(question->meta, "case_length", length);
    if (by) {
        json_object_set(length, "by", by);
        json_object_set_new(length, "cases", json_integer((json_int_t)flow_cases(state)));
        if (!json_object_get(question->data, "groups"))
            json_object_set_new(question->data, "groups", json_array());
        json_array_append(json_object_get(question->data, "groups"), length);
    }
    json_decref(length);
}

static void note_approximate(struct question *question, struct spread_budget *budget) {
    if (atomic_load(&budget->approximate))
        json_object_set_new(question->meta, "approximate", json_true());
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
    note_approximate(question, &budget);
    for (uint32_t t = 0; t < question->scan.threads; t++)
        flow_free(states[t]);
    if (flow->durations && question->scan.threads > 1)
        malloc_trim(0); /* durations of many events take some hundred megabytes for a moment */
    return code;
}

int answer_flow(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    begin_cases(question);
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct case_pick pick = {0};
    struct flow_spec flow = {
        .durations = plan->durations,
        .cases = plan->cases,
        .names = (uint32_t)dictionary_count(question->dictionary, level_kind(plan)) + 1,
        .pick = picks(plan) ? &pick : NULL};
    code = find_flow_people(question, &flow, err);
    if (!code)
        code = each_value(question, &pick, &flow, run_flow, err);
    if (!code && !question->data)
        question->data = json_pack("{s:[], s:[], s:[]}", "nodes", "edges", "groups");
    return code;
}

/* ---- variants ---- */

static json_t *names_of(const struct question *question, const uint16_t *path, uint32_t n) {
    json_t *names = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(names, json_of_slice(level_name(question, path[i])));
    return names;
}

/* by: NULL without; else the rows of one value are added to those before. */
static void variants_data(struct question *question, struct variants_state *state, json_t *by) {
    const struct plan *plan = question->plan;
    size_t n;
    struct variant *variants = variants_sorted(state, &n);
    if (!question->data)
        question->data = json_pack("{s:i, s:[]}", "total", 0, "variants");
    json_t *rows = json_object_get(question->data, "variants");
    for (size_t i = 0; i < n && i < plan->top; i++) {
        struct variant *variant = &variants[i];
        json_t *row = json_object();
        if (by)
            json_object_set(row, "by", by);
        json_object_set_new(row, "path", names_of(question, variant->path, variant->n));
        json_object_set_new(row, "cases", json_integer((json_int_t)variant->cases));
        json_object_set_new(row, "share", json_of_share(variant->cases, variants_cases(state)));
        json_object_set_new(row, "median_s", json_of_ms(spread_quantile(&variant->lengths, 0.5)));
        json_array_append_new(rows, row);
    }
    add_to(question->data, "total", n);
    json_t *group = by ? json_pack("{s:O, s:I}", "by", by, "total", (json_int_t)n) : question->data;
    set_lengths(group, variants_lengths(state));
    if (!by)
        return;
    if (!json_object_get(question->data, "groups"))
        json_object_set_new(question->data, "groups", json_array());
    json_array_append_new(json_object_get(question->data, "groups"), group);
}

static int run_variants(struct question *question, void *context, json_t *by, struct err *err) {
    const struct variants_spec *spec = context;
    struct spread_budget budget = {0};
    struct variants_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = variants_new(spec, &budget);
    int code = scan_run(&question->scan, &variants_operator, (void *const *)states, err);
    if (!code)
        variants_finish(states, question->scan.threads);
    if (!code && spec->behind)
        code = question_list(question, spec->behind, question->plan->people_limit, err);
    else if (!code)
        variants_data(question, states[0], by);
    note_approximate(question, &budget);
    for (uint32_t t = 0; t < question->scan.threads; t++)
        variants_free(states[t]);
    return code;
}

int answer_variants(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    begin_cases(question);
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct case_pick pick = {0};
    struct variants_spec spec = {.cases = plan->cases, .pick = picks(plan) ? &pick : NULL};
    spec.n_names = level_names(question, &spec.names);
    uint16_t *path = NULL;
    if (plan->people.wanted) {
        code = find_path(question, &path, err);
        spec.path = path;
        spec.n_path = plan->people.n_path;
        spec.behind = question_behind(question);
    }
    if (!code)
        code = each_value(question, &pick, &spec, run_variants, err);
    if (!code && !question->data)
        question->data = json_pack("{s:i, s:[], s:[]}", "total", 0, "variants", "groups");
    return code;
}

/* ---- paths ---- */

struct named_branch {
    struct slice name;
    uint64_t cases;
    uint32_t node;
};

static int branches_in_order(const void *a, const void *b) {
    const struct named_branch *x = a, *y = b;
    if (x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    return slice_compare(x->name, y->name);
}

/* {"name","count","share","stopped","children":[…]}; share is of the root. Depth is bounded by the plan. */
static json_t *path_tree(const struct question *question, const struct paths_node *nodes,
                         uint32_t at, json_t *name) {
    const struct paths_node *node = &nodes[at];
    size_t n = 0;
    for (uint32_t child = node->child; child; child = nodes[child].sibling)
        n++;
    struct named_branch *branches = calloc(n + 1, sizeof *branches);
    if (!branches)
        abort();
    n = 0;
    for (uint32_t child = node->child; child; child = nodes[child].sibling)
        branches[n++] = (struct named_branch){level_name(question, nodes[child].label),
                                              nodes[child].cases, child};
    qsort(branches, n, sizeof *branches, branches_in_order);
    json_t *children = json_array();
    uint64_t other = 0;
    for (size_t i = 0; i < n; i++) {
        if (i < question->plan->limit)
            json_array_append_new(children, path_tree(question, nodes, branches[i].node,
                                                      json_of_slice(branches[i].name)));
        else
            other += branches[i].cases;
    }
    if (other)
        json_array_append_new(children,
                              json_pack("{s:s, s:I, s:o, s:[]}", "name", "(other)", "count",
                                        (json_int_t)other, "share",
                                        json_of_share(other, nodes[0].cases), "children"));
    free(branches);
    return json_pack("{s:o, s:I, s:o, s:I, s:o}", "name", name, "count", (json_int_t)node->cases,
                     "share", json_of_share(node->cases, nodes[0].cases), "stopped",
                     (json_int_t)node->stopped, "children", children);
}

int answer_paths(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    begin_cases(question);
    question->spec.matchers[0] = &plan->root;
    question->spec.n_matchers = 1;
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct paths_spec spec = {.cases = plan->cases,
                              .lut = question->scan.lut,
                              .backward = plan->backward,
                              .collapse = plan->collapse,
                              .depth = plan->depth};
    uint16_t *path = NULL;
    if (plan->people.wanted) {
        code = find_path(question, &path, err);
        spec.path = path;
        spec.n_path = plan->people.n_path;
        spec.behind = question_behind(question);
    }
    if (code)
        return code;
    struct paths_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = paths_new(&spec);
    code = scan_run(&question->scan, &paths_operator, (void *const *)states, err);
    if (!code)
        paths_finish(states, question->scan.threads);
    size_t n;
    if (!code && spec.behind)
        code = question_list(question, spec.behind, plan->people_limit, err);
    else if (!code)
        question->data =
            path_tree(question, paths_nodes(states[0], &n), 0, json_of_slice(plan->root.name));
    for (uint32_t t = 0; t < question->scan.threads; t++)
        paths_free(states[t]);
    return code;
}
