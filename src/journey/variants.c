/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/variants.h"

#include <stdlib.h>

#include "base/hash.h"

struct variants_state {
    const struct variants_spec *spec;
    struct spread_budget *budget;
    struct arena arena; /* paths */
    struct variant *variants;
    uint32_t n, capacity;
    uint32_t *slots; /* index + 1 */
    uint32_t n_slots;
    uint64_t cases;
    struct spread lengths;
    struct case_adapter adapter;
};

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static void visit_case(void *context, const struct case_rows *rows);

struct variants_state *variants_new(const struct variants_spec *spec,
                                    struct spread_budget *budget) {
    struct variants_state *state = must(calloc(1, sizeof *state));
    state->spec = spec;
    state->budget = budget;
    arena_init(&state->arena);
    state->n_slots = 1024;
    state->slots = must(calloc(state->n_slots, sizeof *state->slots));
    state->adapter =
        (struct case_adapter){.kind = spec->cases, .visit = visit_case, .context = state};
    state->adapter.grouping = spec->pick ? spec->pick->grouping : NULL;
    return state;
}

void variants_free(struct variants_state *state) {
    if (!state)
        return;
    for (uint32_t i = 0; i < state->n; i++)
        spread_release(&state->variants[i].lengths);
    spread_release(&state->lengths);
    cases_release(&state->adapter);
    arena_release(&state->arena);
    free(state->variants);
    free(state->slots);
    free(state);
}

static bool same_path(const struct variant *variant, uint64_t hash, const uint16_t *path,
                      uint32_t n) {
    return variant->hash == hash && variant->n == n &&
           memcmp(variant->path, path, n * sizeof *path) == 0;
}

static uint32_t *slot_of(const struct variants_state *state, uint64_t hash, const uint16_t *path,
                         uint32_t n) {
    uint32_t mask = state->n_slots - 1, at = (uint32_t)(hash >> 32) & mask;
    while (state->slots[at] && !same_path(&state->variants[state->slots[at] - 1], hash, path, n))
        at = (at + 1) & mask;
    return &state->slots[at];
}

static void rehash(struct variants_state *state) {
    free(state->slots);
    state->n_slots *= 2;
    state->slots = must(calloc(state->n_slots, sizeof *state->slots));
    for (uint32_t i = 0; i < state->n; i++) {
        const struct variant *variant = &state->variants[i];
        *slot_of(state, variant->hash, variant->path, variant->n) = i + 1;
    }
}

static struct variant *variant_of(struct variants_state *state, uint64_t hash, const uint16_t *path,
                                  uint32_t n) {
    uint32_t *slot = slot_of(state, hash, path, n);
    if (*slot)
        return &state->variants[*slot - 1];
    if (state->n == state->capacity) {
        state->capacity = state->capacity ? state->capacity * 2 : 256;
        state->variants = must(realloc(state->variants, state->capacity * sizeof *state->variants));
    }
    uint16_t *copy = arena_get(&state->arena, n * sizeof *copy);
    memcpy(copy, path, n * sizeof *copy);
    state->variants[state->n] = (struct variant){.path = copy, .n = n, .hash = hash};
    *slot = ++state->n;
    struct variant *variant = &state->variants[state->n - 1];
    if (state->n * 2 > state->n_slots)
        rehash(state);
    return variant;
}

static void visit_case(void *context, const struct case_rows *rows) {
    struct variants_state *state = context;
    const struct variants_spec *spec = state->spec;
    if (!case_picked(spec->pick, rows))
        return;
    if (spec->behind) {
        if (rows->n == spec->n_path &&
            memcmp(rows->label, spec->path, rows->n * sizeof *rows->label) == 0)
            for (uint32_t i = 0; i < rows->n; i++)
                owner_set_put(spec->behind, rows->owner[i], true);
        return;
    }
    uint64_t hash = hash_bytes(rows->label, rows->n * sizeof *rows->label);
    struct variant *variant = variant_of(state, hash, rows->label, rows->n);
    int64_t length = rows->time_ms[rows->n - 1] - rows->time_ms[0];
    variant->cases++;
    spread_add(&variant->lengths, length, state->budget);
    spread_add(&state->lengths, length, state->budget);
    state->cases++;
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct variants_state *state = opaque;
    cases_customer(&state->adapter, owner, runs, n);
}

const struct operator variants_operator = {.customer = customer};

void variants_finish(struct variants_state *const *states, size_t n) {
    struct variants_state *into = states[0];
    if (into->spec->cases == CASE_PROPERTY) {
        struct case_adapter *adapters[16] = {0};
        for (size_t i = 0; i < n && i < 16; i++)
            adapters[i] = &states[i]->adapter;
        cases_finish(adapters, n, adapters[0]);
    }
    for (size_t s = 1; s < n; s++) {
        for (uint32_t i = 0; i < states[s]->n; i++) {
            struct variant *from = &states[s]->variants[i];
            struct variant *variant = variant_of(into, from->hash, from->path, from->n);
            variant->cases += from->cases;
            spread_merge(&variant->lengths, &from->lengths, into->budget);
        }
        into->cases += states[s]->cases;
        spread_merge(&into->lengths, &states[s]->lengths, into->budget);
    }
}

uint64_t variants_cases(const struct variants_state *state) { return state->cases; }

struct spread *variants_lengths(struct variants_state *state) {
    return &state->lengths;
}

static int by_name(const void *a, const void *b, void *names) {
    const struct slice *texts = names;
    return slice_compare(texts[*(const uint16_t *)a], texts[*(const uint16_t *)b]);
}

/* rank[code]: the place of its name in bytewise order, so that paths compare as numbers. */
static uint16_t *rank_names(const struct variants_spec *spec, struct arena *arena) {
    uint16_t *order = ARENA_ARRAY(arena, uint16_t, spec->n_names),
             *rank = ARENA_ARRAY(arena, uint16_t, spec->n_names);
    for (uint32_t i = 0; i < spec->n_names; i++)
        order[i] = (uint16_t)i;
    struct slice *names = ARENA_ARRAY(arena, struct slice, spec->n_names);
    memcpy(names, spec->names, spec->n_names * sizeof *names);
    qsort_r(order, spec->n_names, sizeof *order, by_name, names);
    for (uint32_t i = 0; i < spec->n_names; i++)
        rank[order[i]] = (uint16_t)i;
    return rank;
}

static int by_cases(const void *a, const void *b, void *opaque) {
    const struct variant *x = a, *y = b;
    const uint16_t *rank = opaque;
    if (x->cases != y->cases)
        return x->cases > y->cases ? -1 : 1;
    for (uint32_t i = 0; i < x->n && i < y->n; i++)
        if (x->path[i] != y->path[i])
            return (int)rank[x->path[i]] - (int)rank[y->path[i]];
    return (x->n > y->n) - (x->n < y->n);
}

struct variant *variants_sorted(struct variants_state *state, size_t *n) {
    uint16_t *rank = rank_names(state->spec, &state->arena);
    if (state->n)
        qsort_r(state->variants, state->n, sizeof *state->variants, by_cases, rank);
    *n = state->n;
    return state->variants;
}
