/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/trend.h"

#include <math.h>
#include <stdlib.h>

struct trend_state *trend_new(const struct trend_spec *spec) {
    struct trend_state *state = calloc(1, sizeof *state);
    if (!state)
        abort();
    size_t cells = (size_t)spec->buckets.n * spec->columns;
    state->spec = spec;
    state->cells = calloc(cells ? cells : 1, sizeof *state->cells);
    if (spec->measure >= MEASURE_SUM)
        state->sums = calloc(cells ? cells : 1, sizeof *state->sums);
    if (!state->cells || (spec->measure >= MEASURE_SUM && !state->sums))
        abort();
    return state;
}

void trend_free(struct trend_state *state) {
    if (!state)
        return;
    free(state->cells);
    free(state->sums);
    free(state);
}

static inline uint32_t column_of(const struct trend_spec *spec, uint32_t group) {
    return spec->place ? spec->place[group] : group;
}

static inline void count(struct trend_cell *cell, uint32_t owner) {
    cell->count_customers += 1 + ((uint64_t)(cell->last != owner) << 32); /* owners are >= 1 */
    cell->last = owner;
}

static void put_behind(const struct trend_spec *spec, uint32_t bucket, uint32_t group,
                       uint32_t owner) {
    if ((spec->people_bucket == UINT32_MAX || bucket == spec->people_bucket) &&
        (!spec->people->has_by || group == spec->people_group))
        owner_set_put(spec->behind, owner, true);
}

static inline void walk(struct trend_state *state, const struct view *view, uint32_t from,
                        uint32_t to, uint32_t owner) {
    const struct trend_spec *spec = state->spec;
    for (uint32_t row = from; row < to; row++) {
        uint32_t bucket = bucket_of(&spec->buckets, view->sec[row]);
        uint32_t group = group_of(&spec->grouping, view, row, owner);
        size_t cell = (size_t)bucket * spec->columns + column_of(spec, group);
        count(&state->cells[cell], owner);
        if (state->sums && !isnan(view->number[row])) {
            state->sums[cell].n++;
            state->sums[cell].sum += (long double)view->number[row];
        }
        if (spec->behind)
            put_behind(spec, bucket, group, owner);
    }
}

/* Counts and customers by a column of codes, or by nothing: the loop without any choice inside. */
static inline void walk_codes(struct trend_state *state, const struct view *view,
                              const uint16_t *codes, uint32_t from, uint32_t to, uint32_t owner) {
    const struct bucket_table *buckets = &state->spec->buckets;
    const uint32_t columns = state->spec->columns, *sec = view->sec;
    const uint32_t *first = buckets->first, *bound = buckets->bound, base = buckets->base_s,
                   shift = buckets->shift;
    struct trend_cell *cells = state->cells;
    for (uint32_t row = from; row < to; row++) {
        uint32_t offset = sec[row] - base, bucket = first[offset >> shift];
        bucket += offset >= bound[bucket + 1];
        count(&cells[(size_t)bucket * columns + (codes ? codes[row] : 0)], owner);
    }
}

static inline bool counts_codes(const struct trend_state *state) {
    const struct trend_spec *spec = state->spec;
    bool codes = spec->grouping.kind == GROUP_CODE ||
                 (spec->grouping.kind == GROUP_NONE && spec->columns == 1);
    return codes && !state->sums && !spec->place && !spec->behind;
}

static void customers(void *opaque, const struct customer_runs *customers, size_t n) {
    struct trend_state *state = opaque;
    bool codes = counts_codes(state), none = state->spec->grouping.kind == GROUP_NONE;
    for (size_t c = 0; c < n; c++) {
        uint32_t owner = customers[c].owner;
        for (uint32_t r = 0; r < customers[c].n; r++) {
            const struct run *run = &customers[c].runs[r];
            const struct view *view = run->view;
            if (codes && none)
                walk_codes(state, view, NULL, run->from, run->to, owner);
            else if (codes)
                walk_codes(state, view, view->group_code, run->from, run->to, owner);
            else
                walk(state, view, run->from, run->to, owner);
        }
    }
}

const struct operator trend_operator = {.customers = customers};

void trend_merge(struct trend_state *into, const struct trend_state *from) {
    size_t cells = (size_t)into->spec->buckets.n * into->spec->columns;
    for (size_t i = 0; i < cells; i++) {
        into->cells[i].count_customers += from->cells[i].count_customers;
        if (into->sums) {
            into->sums[i].n += from->sums[i].n;
            into->sums[i].sum += from->sums[i].sum;
        }
    }
}
