/*
 * One customer's attempts, by order. See funnel.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/funnel.h"

#define STEP_BITS(spec) ((spec)->steps == 64 ? UINT64_MAX : (UINT64_C(1) << (spec)->steps) - 1)

/* Keeps the better one; an earlier attempt wins a tie because attempts come in order of their start. Only what was
 * reached is copied: this runs once an attempt. */
static void keep(struct funnel_attempt *best, const struct funnel_attempt *attempt) {
    if (attempt->reached <= best->reached)
        return;
    best->reached = attempt->reached;
    best->start = attempt->start;
    for (uint32_t k = 0; k < attempt->reached; k++)
        best->time_ms[k] = attempt->time_ms[k];
}

/* First row > after with one of the bits, from a pointer that only moves forward; n if none. */
static uint32_t advance(const struct funnel_row *rows, uint32_t n, uint64_t bits, uint32_t after,
                        uint32_t *pointer) {
    uint32_t p = *pointer > after ? *pointer : after + 1;
    while (p < n && !(rows[p].mask & bits))
        p++;
    *pointer = p;
    return p;
}

static void best_ordered(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                         struct funnel_attempt *best) {
    uint32_t next[LIMIT_FUNNEL_STEPS + 1], barrier[LIMIT_FUNNEL_STEPS + 1];
    uint32_t possible = spec->steps; /* no later attempt can reach more */
    for (uint32_t k = 0; k < spec->steps; k++)
        next[k] = barrier[k] = 0;
    for (uint32_t s = 0; s < n && best->reached < possible; s++) {
        if (!(rows[s].mask & 1))
            continue;
        struct funnel_attempt attempt; /* times beyond reached stay unset */
        attempt.reached = 1;
        attempt.start = s;
        attempt.time_ms[0] = rows[s].time_ms;
        uint32_t at = s;
        for (uint32_t k = 1; k < spec->steps; k++) {
            uint32_t p = advance(rows, n, UINT64_C(1) << k, at, &next[k]);
            if (p == n) {
                possible = possible < k ? possible : k;
                break;
            }
            if (rows[p].time_ms - rows[s].time_ms > spec->window_ms)
                break;
            if (spec->exclude_at[k] && advance(rows, n, spec->exclude_at[k], at, &barrier[k]) < p)
                break;
            attempt.time_ms[k] = rows[p].time_ms;
            attempt.reached = k + 1;
            at = p;
        }
        keep(best, &attempt);
        if (spec->entry == ENTRY_FIRST)
            break;
    }
}

static void best_strict(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                        struct funnel_attempt *best) {
    for (uint32_t s = 0; s < n && best->reached < spec->steps; s++) {
        if (!(rows[s].mask & 1))
            continue;
        struct funnel_attempt attempt; /* times beyond reached stay unset */
        attempt.start = s;
        uint32_t k = 0;
        for (uint32_t p = s; k < spec->steps && p < n && rows[p].mask >> k & 1; p++, k++) {
            if (rows[p].time_ms - rows[s].time_ms > spec->window_ms)
                break;
            attempt.time_ms[k] = rows[p].time_ms;
        }
        attempt.reached = k;
        keep(best, &attempt);
        if (spec->entry == ENTRY_FIRST)
            break;
    }
}

/* A bipartite matching that grows by one interaction at a time. filler[k]: mask of the interaction that fills step k. */
struct matching {
    uint64_t filler[LIMIT_FUNNEL_STEPS];
    uint64_t filled; /* steps */
};

/* An augmenting path for an interaction of this mask; seen: steps already tried (each once: O(steps²)). */
static bool augment(struct matching *matching, uint64_t mask, uint64_t *seen) {
    for (uint64_t left = mask & ~*seen; left; left = mask & ~*seen) {
        uint64_t unfilled = left & ~matching->filled;
        unsigned k = (unsigned)__builtin_ctzll(unfilled ? unfilled : left);
        *seen |= UINT64_C(1) << k;
        if (!(matching->filled >> k & 1) || augment(matching, matching->filler[k], seen)) {
            matching->filler[k] = mask;
            matching->filled |= UINT64_C(1) << k;
            return true;
        }
    }
    return false;
}

static void attempt_any(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                        uint32_t s, struct funnel_attempt *attempt) {
    struct matching matching = {.filled = 0};
    uint64_t steps = STEP_BITS(spec);
    attempt->start = s;
    attempt->reached = 0;
    for (uint32_t p = s; p < n && attempt->reached < spec->steps; p++) {
        if (rows[p].time_ms - rows[s].time_ms > spec->window_ms)
            break;
        uint64_t seen = 0;
        if (augment(&matching, rows[p].mask & steps, &seen))
            attempt->time_ms[attempt->reached++] = rows[p].time_ms;
        else if (rows[p].mask & spec->exclude_at[attempt->reached])
            break;
    }
}

/* The start whose window holds the most distinct steps, by two ends that only move forward. For masks of one step
 * and no exclusions. */
static uint32_t richest_start(const struct funnel_spec *spec, const struct funnel_row *rows,
                              uint32_t n) {
    uint32_t held[LIMIT_FUNNEL_STEPS] = {0}, distinct = 0, best = 0, best_start = 0, end = 0;
    uint64_t steps = STEP_BITS(spec);
    for (uint32_t s = 0; s < n; s++) {
        for (; end < n && rows[end].time_ms - rows[s].time_ms <= spec->window_ms; end++)
            if (rows[end].mask & steps)
                distinct += held[__builtin_ctzll(rows[end].mask)]++ == 0;
        if (rows[s].mask & steps) {
            if (distinct > best) {
                best = distinct;
                best_start = s;
            }
            distinct -= --held[__builtin_ctzll(rows[s].mask)] == 0;
        }
    }
    return best_start;
}

static bool has_exclusions(const struct funnel_spec *spec) {
    for (uint32_t k = 0; k <= spec->steps; k++)
        if (spec->exclude_at[k])
            return true;
    return false;
}

static void best_any(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                     struct funnel_attempt *best) {
    struct funnel_attempt attempt;
    uint32_t from = 0;
    bool direct = spec->entry == ENTRY_ANY && spec->single && !has_exclusions(spec);
    if (direct)
        from = richest_start(spec, rows, n);
    for (uint32_t s = from; s < n && best->reached < spec->steps; s++) {
        if (!(rows[s].mask & STEP_BITS(spec)))
            continue;
        attempt_any(spec, rows, n, s, &attempt);
        keep(best, &attempt);
        if (direct || spec->entry == ENTRY_FIRST)
            break;
    }
}

void funnel_best(const struct funnel_spec *spec, const struct funnel_row *rows, uint32_t n,
                 struct funnel_attempt *attempt) {
    attempt->reached = 0;
    if (spec->order == ORDER_ORDERED)
        best_ordered(spec, rows, n, attempt);
    else if (spec->order == ORDER_STRICT)
        best_strict(spec, rows, n, attempt);
    else
        best_any(spec, rows, n, attempt);
}
