/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/flow.h"

#include <stdlib.h>
#include <string.h>

/* The hot part of an edge: count in the low, cases in the high half of one word, so that an event costs two reads and two
 * writes of one line. A thread's counts fit 32 bits: it sees at most 2^32 rows.
 *
 * A case comes from OUTSIDE and goes back there: starts are the edges from it, ends the edges to it. No label has this
 * code (interactions without one were filtered). */
struct cell {
    uint64_t count_cases;
    uint32_t last_case, spread;
};
enum { OUTSIDE = 0 };

static uint32_t cell_count(const struct cell *cell) { return (uint32_t)cell->count_cases; }

struct flow_state {
    const struct flow_spec *spec;
    struct spread_budget *budget;
    uint32_t shift;     /* dense: cell of (from, to) is from << shift | to */
    struct cell *cells; /* dense, or hash table of n_slots with keys */
    uint32_t *keys;     /* from << 16 | to, 0: empty; NULL: dense */
    uint32_t n_slots, n_used;
    uint32_t n_cases;
    uint64_t all_cases; /* of merged threads */
    struct spread *spreads;
    uint32_t n_spreads, spreads_capacity;
    struct spread lengths;
    struct case_adapter adapter;
};

static void *cleared(size_t n, size_t size) {
    void *memory = calloc(n ? n : 1, size);
    if (!memory)
        abort();
    return memory;
}

static void visit_case(void *context, const struct case_rows *rows);

struct flow_state *flow_new(const struct flow_spec *spec, struct spread_budget *budget) {
    struct flow_state *state = cleared(1, sizeof *state);
    state->spec = spec;
    state->budget = budget;
    if (spec->names <= FLOW_DENSE) {
        while ((UINT32_C(1) << state->shift) < spec->names)
            state->shift++;
        state->cells = cleared((size_t)spec->names << state->shift, sizeof *state->cells);
    } else {
        state->n_slots = 1 << 16;
        state->cells = cleared(state->n_slots, sizeof *state->cells);
        state->keys = cleared(state->n_slots, sizeof *state->keys);
    }
    state->adapter =
        (struct case_adapter){.kind = spec->cases, .visit = visit_case, .context = state};
    state->adapter.grouping = spec->pick ? spec->pick->grouping : NULL;
    return state;
}

void flow_free(struct flow_state *state) {
    if (!state)
        return;
    for (uint32_t i = 0; i < state->n_spreads; i++)
        spread_release(&state->spreads[i]);
    spread_release(&state->lengths);
    cases_release(&state->adapter);
    free(state->spreads);
    free(state->cells);
    free(state->keys);
    free(state);
}

static uint32_t slot_of(const struct flow_state *state, uint32_t key) {
    uint32_t mask = state->n_slots - 1, at = (key * UINT32_C(0x9E3779B1)) >> 8 & mask;
    while (state->keys[at] && state->keys[at] != key)
        at = (at + 1) & mask;
    return at;
}

static void rehash(struct flow_state *state) {
    struct cell *cells = state->cells;
    uint32_t *keys = state->keys, n = state->n_slots;
    state->n_slots *= 2;
    state->cells = cleared(state->n_slots, sizeof *state->cells);
    state->keys = cleared(state->n_slots, sizeof *state->keys);
    for (uint32_t i = 0; i < n; i++) {
        if (keys[i]) {
            uint32_t at = slot_of(state, keys[i]);
            state->keys[at] = keys[i];
            state->cells[at] = cells[i];
        }
    }
    free(cells);
    free(keys);
}

/* Never asked from OUTSIDE to OUTSIDE, so a key is never 0. */
static inline struct cell *cell_of(struct flow_state *state, uint32_t from, uint32_t to) {
    if (!state->keys)
        return &state->cells[(size_t)from << state->shift | to];
    uint32_t key = from << 16 | to, at = slot_of(state, key);
    if (!state->keys[at]) {
        if (state->n_used * 2 >= state->n_slots) {
            rehash(state);
            at = slot_of(state, key);
        }
        state->keys[at] = key;
        state->n_used++;
    }
    return &state->cells[at];
}

static inline void count(struct cell *cell, uint32_t stamp) {
    cell->count_cases += 1 + ((uint64_t)(cell->last_case != stamp) << 32);
    cell->last_case = stamp;
}

static struct spread *spread_of(struct flow_state *state, struct cell *cell) {
    if (!cell->spread) {
        if (state->n_spreads == state->spreads_capacity) {
            state->spreads_capacity = state->spreads_capacity ? state->spreads_capacity * 2 : 256;
            state->spreads =
                realloc(state->spreads, state->spreads_capacity * sizeof *state->spreads);
            if (!state->spreads)
                abort();
        }
        state->spreads[state->n_spreads++] = (struct spread){0};
        cell->spread = state->n_spreads;
    }
    return &state->spreads[cell->spread - 1];
}

static void put_behind(const struct flow_spec *spec, const struct case_rows *rows) {
    bool in = false;
    for (uint32_t i = 0; i < rows->n && !in; i++) {
        if (spec->node)
            in = rows->label[i] == spec->node && (!spec->people->starts || i == 0) &&
                 (!spec->people->ends || i + 1 == rows->n);
        else
            in = i > 0 && rows->label[i - 1] == spec->from && rows->label[i] == spec->to;
    }
    for (uint32_t i = 0; i < rows->n && in; i++)
        owner_set_put(spec->behind, rows->owner[i], true);
}

static void visit_case(void *context, const struct case_rows *rows) {
    struct flow_state *state = context;
    if (!case_picked(state->spec->pick, rows))
        return;
    uint32_t stamp = ++state->n_cases;
    count(cell_of(state, OUTSIDE, rows->label[0]), stamp);
    count(cell_of(state, rows->label[rows->n - 1], OUTSIDE), stamp);
    for (uint32_t i = 1; i < rows->n; i++) {
        struct cell *cell = cell_of(state, rows->label[i - 1], rows->label[i]);
        count(cell, stamp);
        if (state->spec->durations)
            spread_add(spread_of(state, cell), rows->time_ms[i] - rows->time_ms[i - 1],
                       state->budget);
    }
    if (state->spec->durations)
        spread_add(&state->lengths, rows->time_ms[rows->n - 1] - rows->time_ms[0], state->budget);
    if (state->spec->behind)
        put_behind(state->spec, rows);
}

static bool plain(const struct flow_state *state) {
    return !state->keys && !state->spec->durations && state->spec->cases == CASE_CUSTOMER &&
           !state->spec->behind && !state->spec->pick;
}

/* Counts only, a case a customer: straight over the column. */
static void plain_customers(struct flow_state *state, const struct customer_runs *customers,
                            size_t n) {
    struct cell *const cells = state->cells;
    const uint32_t shift = state->shift;
    uint32_t stamp = state->n_cases;
    for (size_t c = 0; c < n; c++) {
        const struct run *run = customers[c].runs, *end = run + customers[c].n;
        struct cell *from = cells + ((size_t)OUTSIDE << shift);
        stamp++;
        for (; run < end; run++) {
            const uint16_t *label = run->view->label, *last = label + run->to;
            for (label += run->from; label < last; label++) {
                struct cell *cell = from + *label;
                from = cells + ((size_t)*label << shift);
                count(cell, stamp);
            }
        }
        count(from + OUTSIDE, stamp);
    }
    state->n_cases = stamp;
}

static void customers(void *opaque, const struct customer_runs *customers, size_t n) {
    struct flow_state *state = opaque;
    if (plain(state)) {
        plain_customers(state, customers, n);
        return;
    }
    for (size_t c = 0; c < n; c++)
        cases_customer(&state->adapter, customers[c].owner, customers[c].runs, customers[c].n);
}

const struct operator flow_operator = {.customers = customers};

static void merge_cell(struct flow_state *into, struct flow_state *from, uint32_t a, uint32_t b,
                       const struct cell *cell) {
    struct cell *target = cell_of(into, a, b);
    target->count_cases += cell->count_cases;
    if (cell->spread)
        spread_merge(spread_of(into, target), &from->spreads[cell->spread - 1], into->budget);
}

static size_t n_cells(const struct flow_state *state) {
    return state->keys ? state->n_slots : (size_t)state->spec->names << state->shift;
}

/* from << 16 | to of a used cell. */
static uint32_t cell_key(const struct flow_state *state, size_t i) {
    uint32_t mask = (UINT32_C(1) << state->shift) - 1;
    return state->keys ? state->keys[i]
                       : (uint32_t)(i >> state->shift) << 16 | ((uint32_t)i & mask);
}

static void merge(struct flow_state *into, struct flow_state *from) {
    into->all_cases += from->n_cases;
    spread_merge(&into->lengths, &from->lengths, into->budget);
    for (size_t i = 0; i < n_cells(from); i++) {
        uint32_t key = cell_key(from, i);
        if (cell_count(&from->cells[i]))
            merge_cell(into, from, key >> 16, key & 0xFFFF, &from->cells[i]);
    }
}

void flow_finish(struct flow_state *const *states, size_t n) {
    if (states[0]->spec->cases == CASE_PROPERTY) {
        struct case_adapter *adapters[16] = {0};
        for (size_t i = 0; i < n && i < 16; i++)
            adapters[i] = &states[i]->adapter;
        cases_finish(adapters, n, adapters[0]);
    }
    for (size_t i = 1; i < n; i++)
        merge(states[0], states[i]);
}

uint64_t flow_cases(const struct flow_state *state) { return state->all_cases + state->n_cases; }

struct flow_edge *flow_edges(const struct flow_state *state, size_t *n_edges) {
    size_t used = 0;
    for (size_t i = 0; i < n_cells(state); i++)
        used += cell_count(&state->cells[i]) != 0;
    struct flow_edge *edges = cleared(used, sizeof *edges);
    *n_edges = 0;
    for (size_t i = 0; i < n_cells(state); i++) {
        const struct cell *cell = &state->cells[i];
        uint32_t key = cell_key(state, i);
        if (cell_count(cell) && key >> 16 != OUTSIDE && (key & 0xFFFF) != OUTSIDE)
            edges[(*n_edges)++] = (struct flow_edge){key, (uint32_t)(cell->count_cases >> 32),
                                                     cell_count(cell), cell->spread};
    }
    return edges;
}

void flow_nodes(const struct flow_state *state, struct flow_node *nodes) {
    memset(nodes, 0, state->spec->names * sizeof *nodes);
    for (size_t i = 0; i < n_cells(state); i++) {
        uint32_t count = cell_count(&state->cells[i]), key = cell_key(state, i);
        if (!count)
            continue;
        nodes[key & 0xFFFF].count += count;
        if (key >> 16 == OUTSIDE)
            nodes[key & 0xFFFF].starts += count;
        if ((key & 0xFFFF) == OUTSIDE)
            nodes[key >> 16].ends += count;
    }
}

struct spread *flow_spread(struct flow_state *state, const struct flow_edge *edge) {
    return edge->spread ? &state->spreads[edge->spread - 1] : NULL;
}

struct spread *flow_case_spread(struct flow_state *state) {
    return state->spec->durations ? &state->lengths : NULL;
}
