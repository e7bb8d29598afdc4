/*
 * The reference's questions about order: funnel, flow, variants. Each walks one customer at a time, as docs/metrics.md
 * and query/plan.h say it in words.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/reference.h"
#include "base/limits.h"

/* ---- funnel ---- */

struct attempt {
    uint32_t reached; /* steps filled */
    int64_t times[LIMIT_FUNNEL_STEPS];
    const struct reference_row *start;
};

static bool excluded(const struct plan *plan, const struct reference_row *row, uint32_t reached) {
    for (uint32_t i = 0; i < plan->n_exclusions; i++) {
        const struct exclusion *exclusion = &plan->exclusions[i];
        if (exclusion->after_step <= reached && reached < exclusion->before_step &&
            reference_matches(row, &exclusion->matcher))
            return true;
    }
    return false;
}

/* ordered and strict: from rows[at], which matches step 1, as far as it goes. */
static struct attempt walk(const struct plan *plan, const struct reference_case *one, size_t at) {
    struct attempt attempt = {
        .reached = 1, .times = {one->rows[at]->time_ms}, .start = one->rows[at]};
    for (size_t i = at + 1; i < one->n && attempt.reached < plan->n_steps; i++) {
        const struct reference_row *row = one->rows[i];
        if (row->time_ms - attempt.times[0] > plan->window_ms)
            break;
        if (reference_matches(row, &plan->steps[attempt.reached]))
            attempt.times[attempt.reached++] = row->time_ms;
        else if (plan->order == ORDER_STRICT || excluded(plan, row, attempt.reached))
            break;
    }
    return attempt;
}

struct matching {
    const struct plan *plan;
    const struct reference_case *one;
    size_t from, to;                   /* interactions of the window so far: [from, to] */
    size_t filled[LIMIT_FUNNEL_STEPS]; /* interaction of each step, SIZE_MAX if none */
    bool tried[LIMIT_FUNNEL_STEPS];
};

/* Finds a step for interaction i, moving others where needed (augmenting path of a bipartite matching). */
static bool place(struct matching *matching, size_t i) {
    for (uint32_t step = 0; step < matching->plan->n_steps; step++) {
        if (matching->tried[step] ||
            !reference_matches(matching->one->rows[i], &matching->plan->steps[step]))
            continue;
        matching->tried[step] = true;
        if (matching->filled[step] == SIZE_MAX || place(matching, matching->filled[step])) {
            matching->filled[step] = i;
            return true;
        }
    }
    return false;
}

static bool matches_some_step(const struct plan *plan, const struct reference_row *row) {
    for (uint32_t step = 0; step < plan->n_steps; step++)
        if (reference_matches(row, &plan->steps[step]))
            return true;
    return false;
}

static struct attempt walk_any(const struct plan *plan, const struct reference_case *one,
                               size_t at) {
    struct attempt attempt = {.start = one->rows[at]};
    struct matching matching = {.plan = plan, .one = one, .from = at};
    for (uint32_t step = 0; step < LIMIT_FUNNEL_STEPS; step++)
        matching.filled[step] = SIZE_MAX;
    for (size_t i = at; i < one->n && attempt.reached < plan->n_steps; i++) {
        if (one->rows[i]->time_ms - attempt.start->time_ms > plan->window_ms)
            break;
        memset(matching.tried, 0, sizeof matching.tried);
        if (place(&matching, i))
            attempt.times[attempt.reached++] = one->rows[i]->time_ms;
        else if (attempt.reached && excluded(plan, one->rows[i], attempt.reached))
            break;
    }
    return attempt;
}

static struct attempt best_attempt(const struct plan *plan, const struct reference_case *one) {
    struct attempt best = {0};
    for (size_t at = 0; at < one->n; at++) {
        bool any = plan->order == ORDER_ANY;
        if (any ? !matches_some_step(plan, one->rows[at])
                : !reference_matches(one->rows[at], &plan->steps[0]))
            continue;
        struct attempt attempt = any ? walk_any(plan, one, at) : walk(plan, one, at);
        if (attempt.reached > best.reached)
            best = attempt;
        if (plan->entry == ENTRY_FIRST)
            break;
    }
    return best;
}

uint32_t reference_reached(const struct plan *funnel, const struct reference_case *one) {
    return best_attempt(funnel, one).reached;
}

static json_t *funnel_rows(const struct plan *plan, const struct attempt *attempts,
                           const size_t *places, size_t n, size_t wanted, json_t *by,
                           json_t *rows) {
    double *gaps = calloc(n + 1, sizeof *gaps);
    if (!gaps)
        abort();
    json_int_t first = 0, previous = 0;
    for (uint32_t step = 0; step < plan->n_steps; step++) {
        json_int_t customers = 0;
        size_t n_gaps = 0;
        for (size_t i = 0; i < n; i++) {
            if (places[i] != wanted || attempts[i].reached <= step)
                continue;
            customers++;
            if (step)
                gaps[n_gaps++] =
                    (double)(attempts[i].times[step] - attempts[i].times[step - 1]) / 1000.0;
        }
        if (step == 0)
            first = previous = customers;
        json_t *row = json_pack("{s:i, s:o, s:I}", "step", (int)step + 1, "name",
                                reference_text(plan->steps[step].name), "customers", customers);
        json_object_set_new(row, "share",
                            first ? json_real((double)customers / (double)first) : json_null());
        json_object_set_new(row, "from_previous",
                            previous ? json_real((double)customers / (double)previous)
                                     : json_null());
        json_object_set_new(row, "median_s", reference_quantile(gaps, n_gaps, 0.5));
        json_object_set_new(row, "p90_s", reference_quantile(gaps, n_gaps, 0.9));
        if (by)
            json_object_set(row, "by", by);
        json_array_append_new(rows, row);
        previous = customers;
    }
    free(gaps);
    json_decref(by);
    return rows;
}

json_t *reference_funnel(const struct reference_world *world, const struct plan *plan,
                         const struct reference_view *view, struct arena *arena) {
    struct attempt *attempts = arena_get(arena, sizeof *attempts * (view->n + 1));
    size_t *places = arena_get(arena, sizeof *places * (view->n + 1)), n = 0;
    struct reference_groups groups = {0};
    for (size_t i = 0; i < view->n; i++) {
        struct attempt attempt = best_attempt(plan, &view->cases[i]);
        if (!attempt.reached)
            continue;
        struct value value = reference_by(world, plan, attempt.start);
        places[n] = reference_group_add(&groups, arena, &value, 1);
        attempts[n++] = attempt;
    }
    json_t *rows = json_array();
    if (plan->by == BY_NONE) {
        memset(places, 0, sizeof *places * n);
        return funnel_rows(plan, attempts, places, n, 0, NULL, rows);
    }
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t n_places = reference_rank(&groups, plan->limit, arena, rank);
    for (size_t i = 0; i < n; i++)
        places[i] = rank[places[i]];
    for (size_t place_at = 0; place_at < n_places; place_at++)
        funnel_rows(plan, attempts, places, n, place_at,
                    reference_place_json(plan, &groups, rank, place_at), rows);
    return rows;
}

/* ---- cases of flow and variants ---- */

struct walked_case {
    const struct reference_row **rows;
    size_t n;
    size_t place; /* of its value of `by`: the first interaction's; 0 without */
};
struct walked {
    struct walked_case *cases;
    size_t n, capacity;
};

static struct walked_case *case_add(struct walked *walked) {
    if (walked->n == walked->capacity) {
        walked->capacity = walked->capacity ? walked->capacity * 2 : 256;
        walked->cases = realloc(walked->cases, sizeof *walked->cases * walked->capacity);
        if (!walked->cases)
            abort();
    }
    walked->cases[walked->n] = (struct walked_case){0};
    return &walked->cases[walked->n++];
}

struct keyed_row {
    struct value key;
    const struct reference_row *row;
};

static int compare_values(const struct value *a, const struct value *b) {
    bool a_number = a->type == VALUE_INT || a->type == VALUE_NUMBER;
    bool b_number = b->type == VALUE_INT || b->type == VALUE_NUMBER;
    if (a_number != b_number || (!a_number && a->type != b->type))
        return (a_number ? VALUE_INT : a->type) - (b_number ? VALUE_INT : b->type);
    if (a_number) {
        double x = a->type == VALUE_INT ? (double)a->integer : a->number;
        double y = b->type == VALUE_INT ? (double)b->integer : b->number;
        return (x > y) - (x < y);
    }
    return a->type == VALUE_TEXT ? slice_compare(a->text, b->text) : 0;
}

static int by_key_then_time(const void *left, const void *right) {
    const struct keyed_row *a = left, *b = right;
    int order = compare_values(&a->key, &b->key);
    if (order)
        return order;
    if (a->row->time_ms != b->row->time_ms)
        return a->row->time_ms < b->row->time_ms ? -1 : 1;
    return (a->row->seq > b->row->seq) - (a->row->seq < b->row->seq);
}

static void cases_by_property(const struct plan *plan, const struct reference_view *view,
                              struct arena *arena, struct walked *walked) {
    size_t total = 0, n = 0;
    for (size_t i = 0; i < view->n; i++)
        total += view->cases[i].n;
    struct keyed_row *keyed = arena_get(arena, sizeof *keyed * (total + 1));
    for (size_t i = 0; i < view->n; i++)
        for (size_t j = 0; j < view->cases[i].n; j++) {
            const struct reference_row *row = view->cases[i].rows[j];
            struct value key = reference_property(row->properties, plan->case_property);
            if (key.type > VALUE_NULL && key.type != VALUE_JSON)
                keyed[n++] = (struct keyed_row){key, row};
        }
    qsort(keyed, n, sizeof *keyed, by_key_then_time);
    for (size_t i = 0, end; i < n; i = end) {
        struct walked_case *one = case_add(walked);
        one->rows = arena_get(arena, sizeof *one->rows * n);
        for (end = i; end < n && compare_values(&keyed[i].key, &keyed[end].key) == 0; end++)
            one->rows[one->n++] = keyed[end].row;
    }
}

static void walked_cases(const struct plan *plan, const struct reference_view *view,
                         struct arena *arena, struct walked *walked) {
    if (plan->cases == CASE_PROPERTY) {
        cases_by_property(plan, view, arena, walked);
        return;
    }
    for (size_t i = 0; i < view->n; i++) {
        const struct reference_case *one = &view->cases[i];
        struct walked_case *current = NULL;
        const struct reference_row **copy = arena_get(arena, sizeof *copy * one->n);
        for (size_t j = 0; j < one->n; j++) {
            copy[j] = one->rows[j];
            bool gap = j && one->rows[j]->time_ms - one->rows[j - 1]->time_ms > SESSION_GAP_MS;
            if (!current || (plan->cases == CASE_SESSION && gap)) {
                current = case_add(walked);
                current->rows = copy + j;
            }
            current->n++;
        }
    }
}

/* Values of `by` in their order. */
struct values {
    struct reference_groups groups;
    size_t *rank, n; /* places; 1 without `by` */
};

static void place_cases(const struct reference_world *world, const struct plan *plan,
                        struct arena *arena, struct walked *walked, struct values *values) {
    *values = (struct values){.n = 1};
    if (plan->by == BY_NONE)
        return;
    for (size_t i = 0; i < walked->n; i++) {
        struct value value = reference_by(world, plan, walked->cases[i].rows[0]);
        walked->cases[i].place = reference_group_add(&values->groups, arena, &value, 1);
    }
    values->rank = arena_get(arena, sizeof *values->rank * (values->groups.n + 1));
    values->n = reference_rank(&values->groups, plan->limit, arena, values->rank);
    for (size_t i = 0; i < walked->n; i++)
        walked->cases[i].place = values->rank[walked->cases[i].place];
}

/* The cases of one value. */
static struct walked cases_at(const struct walked *all, size_t place, struct arena *arena) {
    struct walked some = {.cases = arena_get(arena, sizeof *some.cases * (all->n + 1))};
    for (size_t i = 0; i < all->n; i++)
        if (all->cases[i].place == place)
            some.cases[some.n++] = all->cases[i];
    return some;
}

/* Rows of one value bear it; they are added to those before. */
static void add_rows(json_t *data, const char *member, json_t *rows, json_t *by) {
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        if (by)
            json_object_set(row, "by", by);
        json_array_append(json_object_get(data, member), row);
    }
    json_decref(rows);
}

static json_t *by_of(const struct plan *plan, const struct values *values, size_t place) {
    return plan->by == BY_NONE ? NULL
                               : reference_place_json(plan, &values->groups, values->rank, place);
}

static struct slice node_name(const struct reference_world *world, const struct plan *plan,
                              const struct reference_row *row) {
    switch (plan->level) {
    case LEVEL_TOUCHPOINT:
        return dictionary_name(world->dictionary, DICTIONARY_TOUCHPOINT, row->touchpoint);
    case LEVEL_CHANNEL: return dictionary_name(world->dictionary, DICTIONARY_CHANNEL, row->channel);
    case LEVEL_EVENT:
    default: return dictionary_name(world->dictionary, DICTIONARY_EVENT, row->event);
    }
}

/* ---- flow ---- */

struct node {
    struct slice name;
    json_int_t count, starts, ends;
};
struct edge {
    struct slice from, to;
    json_int_t count, cases;
    size_t last_case;
    double *durations;
    size_t capacity;
};
struct graph {
    struct node *nodes;
    size_t n_nodes;
    struct edge *edges;
    size_t n_edges;
};

static struct node *node_of(struct graph *graph, struct slice name) {
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (slice_equal(graph->nodes[i].name, name))
            return &graph->nodes[i];
    graph->nodes = realloc(graph->nodes, sizeof *graph->nodes * (graph->n_nodes + 1));
    if (!graph->nodes)
        abort();
    graph->nodes[graph->n_nodes] = (struct node){.name = name};
    return &graph->nodes[graph->n_nodes++];
}

static struct edge *edge_of(struct graph *graph, struct slice from, struct slice to) {
    for (size_t i = 0; i < graph->n_edges; i++)
        if (slice_equal(graph->edges[i].from, from) && slice_equal(graph->edges[i].to, to))
            return &graph->edges[i];
    graph->edges = realloc(graph->edges, sizeof *graph->edges * (graph->n_edges + 1));
    if (!graph->edges)
        abort();
    graph->edges[graph->n_edges] = (struct edge){.from = from, .to = to, .last_case = SIZE_MAX};
    return &graph->edges[graph->n_edges++];
}

static void edge_count(struct edge *edge, size_t which, double duration_s) {
    if ((size_t)edge->count == edge->capacity) {
        edge->capacity = edge->capacity ? edge->capacity * 2 : 16;
        edge->durations = realloc(edge->durations, sizeof(double) * edge->capacity);
        if (!edge->durations)
            abort();
    }
    edge->durations[edge->count++] = duration_s;
    edge->cases += edge->last_case != which;
    edge->last_case = which;
}

static int nodes_in_order(const void *left, const void *right) {
    const struct node *a = left, *b = right;
    return a->count != b->count ? (a->count < b->count) - (a->count > b->count)
                                : slice_compare(a->name, b->name);
}

static int edges_in_order(const void *left, const void *right) {
    const struct edge *a = left, *b = right;
    if (a->count != b->count)
        return (a->count < b->count) - (a->count > b->count);
    int order = slice_compare(a->from, b->from);
    return order ? order : slice_compare(a->to, b->to);
}

static json_t *edge_json(struct edge *edge, bool durations) {
    json_t *json = json_pack("{s:o, s:o, s:I, s:I}", "from", reference_text(edge->from), "to",
                             reference_text(edge->to), "count", edge->count, "cases", edge->cases);
    if (!durations)
        return json;
    double sum = 0;
    for (json_int_t i = 0; i < edge->count; i++)
        sum += edge->durations[i];
    json_object_set_new(json, "median_s",
                        reference_quantile(edge->durations, (size_t)edge->count, 0.5));
    json_object_set_new(json, "mean_s", json_real(sum / (double)edge->count));
    json_object_set_new(json, "p90_s",
                        reference_quantile(edge->durations, (size_t)edge->count, 0.9));
    return json;
}

static void flow_of(const struct reference_world *world, const struct plan *plan,
                    const struct walked *walked, json_t *by, json_t *data) {
    struct graph graph = {0};
    for (size_t i = 0; i < walked->n; i++) {
        const struct walked_case *one = &walked->cases[i];
        for (size_t j = 0; j < one->n; j++) {
            struct slice name = node_name(world, plan, one->rows[j]);
            struct node *node = node_of(&graph, name);
            node->count++;
            node->starts += j == 0;
            node->ends += j + 1 == one->n;
            if (j)
                edge_count(edge_of(&graph, node_name(world, plan, one->rows[j - 1]), name), i,
                           (double)(one->rows[j]->time_ms - one->rows[j - 1]->time_ms) / 1000.0);
        }
    }
    json_t *nodes = json_array(), *edges = json_array();
    if (graph.n_nodes)
        qsort(graph.nodes, graph.n_nodes, sizeof *graph.nodes, nodes_in_order);
    if (graph.n_edges)
        qsort(graph.edges, graph.n_edges, sizeof *graph.edges, edges_in_order);
    for (size_t i = 0; i < graph.n_nodes; i++)
        json_array_append_new(nodes, json_pack("{s:o, s:I, s:I, s:I}", "name",
                                               reference_text(graph.nodes[i].name), "count",
                                               graph.nodes[i].count, "starts",
                                               graph.nodes[i].starts, "ends", graph.nodes[i].ends));
    for (size_t i = 0; i < graph.n_edges; i++) {
        if ((double)graph.edges[i].cases >= plan->min_share * (double)walked->n)
            json_array_append_new(edges, edge_json(&graph.edges[i], plan->durations));
        free(graph.edges[i].durations);
    }
    free(graph.nodes);
    free(graph.edges);
    add_rows(data, "nodes", nodes, by);
    add_rows(data, "edges", edges, by);
}

json_t *reference_flow(const struct reference_world *world, const struct plan *plan,
                       const struct reference_view *view, struct arena *arena) {
    struct walked walked = {0};
    struct values values;
    walked_cases(plan, view, arena, &walked);
    place_cases(world, plan, arena, &walked, &values);
    json_t *data = json_pack("{s:[], s:[]}", "nodes", "edges");
    for (size_t place = 0; place < values.n; place++) {
        struct walked some = cases_at(&walked, place, arena);
        json_t *by = by_of(plan, &values, place);
        flow_of(world, plan, &some, by, data);
        json_decref(by);
    }
    free(walked.cases);
    return data;
}

/* ---- variants ---- */

struct variant {
    const struct walked_case *first;
    json_int_t cases;
    double *durations;
};

static int compare_paths(const struct reference_world *world, const struct plan *plan,
                         const struct walked_case *a, const struct walked_case *b) {
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int order =
            slice_compare(node_name(world, plan, a->rows[i]), node_name(world, plan, b->rows[i]));
        if (order)
            return order;
    }
    return (a->n > b->n) - (a->n < b->n);
}

static bool variant_before(const struct reference_world *world, const struct plan *plan,
                           const struct variant *a, const struct variant *b) {
    return a->cases != b->cases ? a->cases > b->cases
                                : compare_paths(world, plan, a->first, b->first) < 0;
}

static json_t *variant_json(const struct reference_world *world, const struct plan *plan,
                            struct variant *variant, size_t total) {
    json_t *path = json_array();
    for (size_t i = 0; i < variant->first->n; i++)
        json_array_append_new(path,
                              reference_text(node_name(world, plan, variant->first->rows[i])));
    return json_pack("{s:o, s:I, s:f, s:o}", "path", path, "cases", variant->cases, "share",
                     (double)variant->cases / (double)total, "median_s",
                     reference_quantile(variant->durations, (size_t)variant->cases, 0.5));
}

/* Adds the variants of one value; how many there are. */
static size_t variants_of(const struct reference_world *world, const struct plan *plan,
                          const struct walked *walked, struct arena *arena, json_t *by,
                          json_t *data) {
    struct variant *variants = arena_get(arena, sizeof *variants * (walked->n + 1));
    size_t n = 0;
    for (size_t i = 0; i < walked->n; i++) {
        const struct walked_case *one = &walked->cases[i];
        size_t at = 0;
        while (at < n && compare_paths(world, plan, variants[at].first, one) != 0)
            at++;
        if (at == n)
            variants[n++] = (struct variant){one, 0, arena_get(arena, sizeof(double) * walked->n)};
        variants[at].durations[variants[at].cases++] =
            (double)(one->rows[one->n - 1]->time_ms - one->rows[0]->time_ms) / 1000.0;
    }
    json_t *list = json_array();
    for (size_t place_at = 0; place_at < n && place_at < plan->top; place_at++) {
        size_t best = place_at;
        for (size_t i = place_at + 1; i < n; i++)
            if (variant_before(world, plan, &variants[i], &variants[best]))
                best = i;
        struct variant chosen = variants[best];
        variants[best] = variants[place_at];
        variants[place_at] = chosen;
        json_array_append_new(list, variant_json(world, plan, &chosen, walked->n));
    }
    add_rows(data, "variants", list, by);
    return n;
}

json_t *reference_variants(const struct reference_world *world, const struct plan *plan,
                           const struct reference_view *view, struct arena *arena) {
    struct walked walked = {0};
    struct values values;
    size_t total = 0;
    walked_cases(plan, view, arena, &walked);
    place_cases(world, plan, arena, &walked, &values);
    json_t *data = json_pack("{s:[]}", "variants");
    for (size_t place = 0; place < values.n; place++) {
        struct walked some = cases_at(&walked, place, arena);
        json_t *by = by_of(plan, &values, place);
        total += variants_of(world, plan, &some, arena, by, data);
        json_decref(by);
    }
    json_object_set_new(data, "total", json_integer((json_int_t)total));
    free(walked.cases);
    return data;
}
