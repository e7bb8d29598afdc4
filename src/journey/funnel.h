/*
 * Funnels: how far customers come along a list of steps, and how long each step takes.
 *
 * THE ATTEMPT (ordered, entry any). From each interaction s that matches step 1, greedily: p1 = s, p(k+1) = the first
 * interaction after p(k) that matches step k+1, within the window from s, no exclusion before it. Greedy positions never
 * fall when s moves on, so one pointer a step walks the customer once: O(n · steps) for all attempts together.
 * With one step an interaction and no exclusions, interactions that match nothing are left out first, without a branch
 * (fast path), and only customers with an interaction of step 2 are walked.
 *
 * Any order: an attempt opens at every interaction that matches some step; reached = the largest number of steps that
 * distinct interactions of its window can fill (augmenting paths of a bipartite matching, one per new interaction).
 *
 * SOURCE  docs/metrics.md, Funnel; tests against ClickHouse's windowFunnel vectors where the definitions agree.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_FUNNEL_H
#define SENDA_JOURNEY_FUNNEL_H

#include "base/limits.h"
#include "journey/spread.h"
#include "query/block.h"

/* Rows of one customer that the funnel looks at, in order. */
struct funnel_row {
    int64_t time_ms;
    uint64_t mask; /* bits 0 … steps-1: steps; from bit `steps` on: exclusions */
    uint32_t group;
};

struct funnel_attempt {
    uint32_t reached;                    /* steps; 0: no attempt */
    uint32_t start;                      /* row of step 1 */
    int64_t time_ms[LIMIT_FUNNEL_STEPS]; /* of each reached step */
};

struct funnel_spec {
    uint32_t steps;
    int64_t window_ms, end_ms;
    enum funnel_order order;
    enum funnel_entry entry;
    uint64_t exclude_at[LIMIT_FUNNEL_STEPS + 1]; /* exclusion bits active with k steps reached */
    bool single; /* no mask has two step bits: the fast paths apply */
    struct grouping grouping;
    const uint64_t *lut; /* masks by key, where views have no mask */
    const struct people *people;
    uint32_t people_group;
    struct owner_set *behind; /* the customers behind a number, or NULL */
};

/* The attempt that counts. scratch: for any order. */
void funnel_best(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                 struct funnel_attempt *attempt);

struct funnel_state; /* of one thread */
struct funnel_state *funnel_new(const struct funnel_spec *spec, struct spread_budget *budget);
void funnel_free(struct funnel_state *state);
extern const struct operator funnel_operator;
void funnel_merge(struct funnel_state *into, struct funnel_state *from);

/* One customer's attempt, without counting it; returns the group at its start. */
uint32_t funnel_attempt_of(struct funnel_state *state, uint32_t owner, const struct run *runs,
                           size_t n, struct funnel_attempt *attempt);

/* What came out, by group. */
uint64_t funnel_count(const struct funnel_state *state, uint32_t group,
                      uint32_t step); /* reached step (1 …) */
struct spread *funnel_spread(struct funnel_state *state, uint32_t group,
                             uint32_t step); /* from the previous step */
uint64_t funnel_immature(const struct funnel_state *state);
/* Kaplan-Meier median of the time from the previous step, in ms, over all groups: those who did not come count as
 * censored when their window or the observation ended. NaN when fewer than half come. */
double funnel_km_median(const struct funnel_state *state, uint32_t step);
/* Moves group `from` into group `into`. */
void funnel_fold(struct funnel_state *state, uint32_t into, uint32_t from);
/* Decides `single` from the masks that can occur; false when in doubt. */
bool funnel_is_single(const uint64_t *lut, uint32_t n, uint32_t steps);

#endif
