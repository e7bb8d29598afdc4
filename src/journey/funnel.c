/*
 * The funnel as an operator over views: picks the rows that matter, finds each customer's attempt, counts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/funnel.h"

#include <math.h>
#include <stdlib.h>

struct funnel_state {
    const struct funnel_spec *spec;
    struct spread_budget *budget;
    uint64_t
        *depth; /* [groups][steps + 1] customers whose attempt reached exactly that many steps */
    struct spread *spreads;    /* [groups][steps] time from the previous step; [0] unused */
    uint32_t *came, *censored; /* [steps][SPREAD_BINS], NULL when there are groups */
    uint64_t immature;
    struct funnel_row *rows; /* scratch: the current customer's */
    uint32_t *picked;
    uint32_t capacity;
    uint8_t *step_of; /* [65536] fast path: step by key, 0: none */
    bool fast;
};

static void *cleared(size_t n, size_t size) {
    void *memory = calloc(n ? n : 1, size);
    if (!memory)
        abort();
    return memory;
}

bool funnel_is_single(const uint64_t *lut, uint32_t n, uint32_t steps) {
    uint64_t bits = (UINT64_C(1) << steps) - 1;
    for (uint32_t i = 0; i < n; i++)
        if ((lut[i] & bits) & ((lut[i] & bits) - 1))
            return false;
    return true;
}

static bool excludes(const struct funnel_spec *spec) {
    for (uint32_t k = 0; k <= spec->steps; k++)
        if (spec->exclude_at[k])
            return true;
    return false;
}

struct funnel_state *funnel_new(const struct funnel_spec *spec, struct spread_budget *budget) {
    struct funnel_state *state = cleared(1, sizeof *state);
    uint32_t groups = spec->grouping.n ? spec->grouping.n : 1;
    state->spec = spec;
    state->budget = budget;
    state->depth = cleared((size_t)groups * (spec->steps + 1), sizeof *state->depth);
    state->spreads = cleared((size_t)groups * spec->steps, sizeof *state->spreads);
    if (groups == 1) {
        state->came = cleared((size_t)spec->steps * SPREAD_BINS, sizeof *state->came);
        state->censored = cleared((size_t)spec->steps * SPREAD_BINS, sizeof *state->censored);
    }
    state->fast = spec->lut && spec->single && spec->order == ORDER_ORDERED &&
                  spec->entry == ENTRY_ANY && !excludes(spec);
    if (state->fast) {
        state->step_of = cleared(65536, 1);
        for (uint32_t key = 0; key < 65536; key++)
            if (spec->lut[key])
                state->step_of[key] = (uint8_t)(__builtin_ctzll(spec->lut[key]) + 1);
    }
    return state;
}

void funnel_free(struct funnel_state *state) {
    if (!state)
        return;
    uint32_t groups = state->spec->grouping.n ? state->spec->grouping.n : 1;
    for (size_t i = 0; i < (size_t)groups * state->spec->steps; i++)
        spread_release(&state->spreads[i]);
    free(state->depth);
    free(state->spreads);
    free(state->came);
    free(state->censored);
    free(state->rows);
    free(state->picked);
    free(state->step_of);
    free(state);
}

static void reserve(struct funnel_state *state, uint32_t n) {
    if (n <= state->capacity)
        return;
    state->capacity = n + n / 2 + 64;
    state->rows = realloc(state->rows, state->capacity * sizeof *state->rows);
    state->picked = realloc(state->picked, state->capacity * sizeof *state->picked);
    if (!state->rows || !state->picked)
        abort();
}

static void record_behind(const struct funnel_spec *spec, uint32_t owner, uint32_t reached,
                          uint32_t group) {
    const struct people *people = spec->people;
    bool in = people->lost ? reached == people->step : reached >= people->step;
    if (in && (!people->has_by || group == spec->people_group))
        owner_set_put(spec->behind, owner, true);
}

/* Only the attempt that counts gets here. */
static void record(struct funnel_state *state, uint32_t owner, const struct funnel_attempt *attempt,
                   uint32_t group) {
    const struct funnel_spec *spec = state->spec;
    uint32_t reached = attempt->reached;
    state->depth[(size_t)group * (spec->steps + 1) + reached]++;
    struct spread *spreads = &state->spreads[(size_t)group * spec->steps];
    for (uint32_t k = 1; k < reached; k++) {
        int64_t length = attempt->time_ms[k] - attempt->time_ms[k - 1];
        spread_add(&spreads[k], length, state->budget);
        if (state->came)
            state->came[k * SPREAD_BINS + spread_bin(length)]++;
    }
    int64_t watched_to = attempt->time_ms[0] + spec->window_ms;
    if (watched_to > spec->end_ms) {
        state->immature++;
        watched_to = spec->end_ms;
    }
    if (state->censored && reached < spec->steps)
        state->censored[reached * SPREAD_BINS +
                        spread_bin(watched_to - attempt->time_ms[reached - 1])]++;
    if (spec->behind)
        record_behind(spec, owner, reached, group);
}

uint32_t funnel_attempt_of(struct funnel_state *state, uint32_t owner, const struct run *runs,
                           size_t n_runs, struct funnel_attempt *attempt) {
    const struct funnel_spec *spec = state->spec;
    uint32_t n = 0;
    for (size_t r = 0; r < n_runs; r++) {
        const struct view *view = runs[r].view;
        reserve(state, n + runs[r].to - runs[r].from);
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint64_t mask = view_mask(view, spec->lut, row);
            state->rows[n].mask = mask;
            state->rows[n].time_ms = view_time_ms(view, row);
            state->rows[n].group = group_of(&spec->grouping, view, row, owner);
            n += mask != 0 || spec->order == ORDER_STRICT;
        }
    }
    funnel_best(spec, state->rows, n, attempt);
    return attempt->reached ? state->rows[attempt->start].group : 0;
}

/* Rows of a run that match a step, appended: compaction first, then time and mask of those only. */
static inline uint32_t pick(struct funnel_state *state, const struct run *run, uint32_t n,
                            uint64_t *steps) {
    const uint8_t *step_of = state->step_of;
    const uint16_t *key = run->view->key;
    const uint32_t to = run->to;
    uint32_t *picked = state->picked, from = n;
    for (uint32_t row = run->from; row < to; row++) {
        picked[n] = row;
        n += step_of[key[row]] != 0;
    }
    uint64_t seen = 0;
    for (uint32_t i = from; i < n; i++) {
        uint32_t row = picked[i];
        uint64_t mask = UINT64_C(1) << (step_of[key[row]] - 1);
        seen |= mask;
        state->rows[i].mask = mask;
        state->rows[i].time_ms = view_time_ms(run->view, row);
    }
    *steps |= seen;
    return n;
}

/* Which run holds the i-th picked row: a customer has few. */
static uint32_t group_at(struct funnel_state *state, uint32_t owner, const struct run *runs,
                         size_t n, const uint32_t *ends, uint32_t i) {
    size_t r = 0;
    while (r + 1 < n && i >= ends[r])
        r++;
    return group_of(&state->spec->grouping, runs[r].view, state->picked[i], owner);
}

enum { FAST_RUNS = 64 };

static inline void fast_customer(struct funnel_state *state, const struct customer_runs *customer) {
    uint32_t n = 0, ends[FAST_RUNS];
    uint64_t steps = 0;
    for (uint32_t r = 0; r < customer->n; r++) {
        const struct run *run = &customer->runs[r];
        reserve(state, n + run->to - run->from);
        ends[r] = n = pick(state, run, n, &steps);
    }
    if (!(steps & 1))
        return;
    struct funnel_attempt attempt;
    if (steps & 2) {
        funnel_best(state->spec, state->rows, n, &attempt);
    } else {
        attempt.reached = 1;
        attempt.start = 0;
        while (!(state->rows[attempt.start].mask & 1))
            attempt.start++;
        attempt.time_ms[0] = state->rows[attempt.start].time_ms;
    }
    uint32_t group =
        group_at(state, customer->owner, customer->runs, customer->n, ends, attempt.start);
    record(state, customer->owner, &attempt, group);
}

static bool has_masks(const struct customer_runs *customer) {
    bool masks = false;
    for (uint32_t r = 0; r < customer->n; r++)
        masks |= customer->runs[r].view->mask != NULL;
    return masks;
}

static void customers(void *opaque, const struct customer_runs *customers, size_t n) {
    struct funnel_state *state = opaque;
    for (size_t c = 0; c < n; c++) {
        const struct customer_runs *customer = &customers[c];
        if (state->fast && customer->n <= FAST_RUNS && !has_masks(customer)) {
            fast_customer(state, customer);
            continue;
        }
        struct funnel_attempt attempt;
        uint32_t group =
            funnel_attempt_of(state, customer->owner, customer->runs, customer->n, &attempt);
        if (attempt.reached)
            record(state, customer->owner, &attempt, group);
    }
}

const struct operator funnel_operator = {.customers = customers};

void funnel_merge(struct funnel_state *into, struct funnel_state *from) {
    uint32_t steps = into->spec->steps,
             groups = into->spec->grouping.n ? into->spec->grouping.n : 1;
    for (size_t i = 0; i < (size_t)groups * (steps + 1); i++)
        into->depth[i] += from->depth[i];
    for (size_t i = 0; i < (size_t)groups * steps; i++)
        spread_merge(&into->spreads[i], &from->spreads[i], into->budget);
    for (size_t i = 0; into->came && i < (size_t)steps * SPREAD_BINS; i++) {
        into->came[i] += from->came[i];
        into->censored[i] += from->censored[i];
    }
    into->immature += from->immature;
}

void funnel_fold(struct funnel_state *state, uint32_t into, uint32_t from) {
    uint32_t steps = state->spec->steps;
    for (uint32_t k = 0; k <= steps; k++)
        state->depth[(size_t)into * (steps + 1) + k] +=
            state->depth[(size_t)from * (steps + 1) + k];
    for (uint32_t k = 0; k < steps; k++)
        spread_merge(&state->spreads[(size_t)into * steps + k],
                     &state->spreads[(size_t)from * steps + k], state->budget);
}

uint64_t funnel_count(const struct funnel_state *state, uint32_t group, uint32_t step) {
    uint64_t count = 0;
    for (uint32_t k = step; k <= state->spec->steps; k++)
        count += state->depth[(size_t)group * (state->spec->steps + 1) + k];
    return count;
}

struct spread *funnel_spread(struct funnel_state *state, uint32_t group, uint32_t step) {
    return &state->spreads[(size_t)group * state->spec->steps + step - 1];
}

uint64_t funnel_immature(const struct funnel_state *state) { return state->immature; }

double funnel_km_median(const struct funnel_state *state, uint32_t step) {
    if (!state->came || step < 2)
        return (double)NAN;
    const uint32_t *came = &state->came[(size_t)(step - 1) * SPREAD_BINS];
    const uint32_t *censored = &state->censored[(size_t)(step - 1) * SPREAD_BINS];
    uint64_t at_risk = 0;
    for (uint32_t bin = 0; bin < SPREAD_BINS; bin++)
        at_risk += (uint64_t)came[bin] + censored[bin];
    double waiting = 1;
    for (uint32_t bin = 0; bin < SPREAD_BINS && at_risk; bin++) {
        waiting *= 1 - (double)came[bin] / (double)at_risk;
        if (waiting <= 0.5)
            return spread_bin_middle(bin);
        at_risk -= (uint64_t)came[bin] + censored[bin];
    }
    return (double)NAN;
}
