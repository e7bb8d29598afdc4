/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/paths.h"

#include <stdlib.h>

struct paths_state {
    const struct paths_spec *spec;
    struct paths_node *nodes;
    uint32_t n, capacity;
    uint32_t *slots; /* node index, 0: empty (the root is never looked up) */
    uint32_t n_slots;
    struct case_adapter adapter;
};

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static void visit_case(void *context, const struct case_rows *rows);

struct paths_state *paths_new(const struct paths_spec *spec) {
    struct paths_state *state = must(calloc(1, sizeof *state));
    state->spec = spec;
    state->capacity = 256;
    state->nodes = must(calloc(state->capacity, sizeof *state->nodes));
    state->n = 1;
    state->n_slots = 1024;
    state->slots = must(calloc(state->n_slots, sizeof *state->slots));
    state->adapter = (struct case_adapter){.kind = spec->cases,
                                           .visit = visit_case,
                                           .context = state,
                                           .masks = true,
                                           .lut = spec->lut};
    return state;
}

void paths_free(struct paths_state *state) {
    if (!state)
        return;
    cases_release(&state->adapter);
    free(state->nodes);
    free(state->slots);
    free(state);
}

static uint32_t *slot_of(const struct paths_state *state, uint32_t parent, uint16_t label) {
    uint32_t mask = state->n_slots - 1;
    uint64_t key = ((uint64_t)parent << 16 | label) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t at = (uint32_t)(key >> 32) & mask;
    while (state->slots[at] && (state->nodes[state->slots[at]].parent != parent ||
                                state->nodes[state->slots[at]].label != label))
        at = (at + 1) & mask;
    return &state->slots[at];
}

static uint32_t node_of(struct paths_state *state, uint32_t parent, uint16_t label) {
    uint32_t *slot = slot_of(state, parent, label);
    if (*slot)
        return *slot;
    if (state->n == state->capacity) {
        state->capacity *= 2;
        state->nodes = must(realloc(state->nodes, state->capacity * sizeof *state->nodes));
    }
    uint32_t node = state->n++;
    state->nodes[node] = (struct paths_node){
        .parent = parent, .label = label, .sibling = state->nodes[parent].child};
    state->nodes[parent].child = node;
    *slot = node;
    if (state->n * 2 > state->n_slots) {
        free(state->slots);
        state->n_slots *= 2;
        state->slots = must(calloc(state->n_slots, sizeof *state->slots));
        for (uint32_t i = 1; i < state->n; i++)
            *slot_of(state, state->nodes[i].parent, state->nodes[i].label) = i;
    }
    return node;
}

/* Row of the root, or rows->n. */
static uint32_t find_root(const struct paths_spec *spec, const struct case_rows *rows) {
    for (uint32_t i = 0; i < rows->n; i++) {
        uint32_t row = spec->backward ? rows->n - 1 - i : i;
        if (rows->mask[row] & 1)
            return row;
    }
    return rows->n;
}

/* The row after (before) this one, skipping repetitions when they collapse; rows->n if none. */
static uint32_t next_row(const struct paths_spec *spec, const struct case_rows *rows,
                         uint32_t row) {
    uint16_t label = rows->label[row];
    do {
        if (spec->backward ? row == 0 : row + 1 == rows->n)
            return rows->n;
        row = spec->backward ? row - 1 : row + 1;
    } while (spec->collapse && rows->label[row] == label);
    return row;
}

static void put_behind(const struct paths_spec *spec, const struct case_rows *rows, uint32_t row) {
    for (uint32_t i = 0; i < spec->n_path; i++) {
        row = next_row(spec, rows, row);
        if (row == rows->n || rows->label[row] != spec->path[i])
            return;
    }
    for (uint32_t i = 0; i < rows->n; i++)
        owner_set_put(spec->behind, rows->owner[i], true);
}

static void visit_case(void *context, const struct case_rows *rows) {
    struct paths_state *state = context;
    const struct paths_spec *spec = state->spec;
    uint32_t row = find_root(spec, rows), node = 0;
    if (row == rows->n)
        return;
    if (spec->behind) {
        put_behind(spec, rows, row);
        return;
    }
    state->nodes[0].cases++;
    for (uint32_t depth = 0; depth < spec->depth; depth++) {
        row = next_row(spec, rows, row);
        if (row == rows->n) {
            state->nodes[node].stopped++;
            return;
        }
        node = node_of(state, node, rows->label[row]);
        state->nodes[node].cases++;
    }
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct paths_state *state = opaque;
    cases_customer(&state->adapter, owner, runs, n);
}

const struct operator paths_operator = {.customer = customer};

static void merge(struct paths_state *into, const struct paths_state *from) {
    uint32_t *place = must(calloc(from->n, sizeof *place));
    for (uint32_t i = 0; i < from->n; i++) { /* parents come before their children */
        const struct paths_node *node = &from->nodes[i];
        place[i] = i ? node_of(into, place[node->parent], node->label) : 0;
        into->nodes[place[i]].cases += node->cases;
        into->nodes[place[i]].stopped += node->stopped;
    }
    free(place);
}

void paths_finish(struct paths_state *const *states, size_t n) {
    if (states[0]->spec->cases == CASE_PROPERTY) {
        struct case_adapter *adapters[16] = {0};
        for (size_t i = 0; i < n && i < 16; i++)
            adapters[i] = &states[i]->adapter;
        cases_finish(adapters, n, adapters[0]);
    }
    for (size_t i = 1; i < n; i++)
        merge(states[0], states[i]);
}

const struct paths_node *paths_nodes(const struct paths_state *state, size_t *n) {
    *n = state->n;
    return state->nodes;
}
