/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/retention.h"

#include <stdlib.h>

#define NOT_BEGUN UINT32_MAX

static uint32_t groups_of(const struct retention_spec *spec) {
    return spec->grouping.n ? spec->grouping.n : 1;
}

struct retention_state *retention_new(const struct retention_spec *spec) {
    size_t cohorts = (size_t)groups_of(spec) * spec->buckets.n;
    if (cohorts * (spec->periods + 1) > LIMIT_RETENTION_CELLS)
        return NULL;
    struct retention_state *state = calloc(1, sizeof *state);
    if (!state)
        abort();
    state->spec = spec;
    state->size = calloc(cohorts, sizeof *state->size);
    state->returned = calloc(cohorts * spec->periods, sizeof *state->returned);
    if (!state->size || !state->returned)
        abort();
    return state;
}

void retention_free(struct retention_state *state) {
    if (!state)
        return;
    free(state->size);
    free(state->returned);
    free(state);
}

/* A customer on the way. */
struct course {
    uint32_t cohort, group, last; /* last counted period, NOT_BEGUN: none */
    int64_t start_ms;
    uint64_t *returned;
    bool asked; /* people: came back in the period asked for */
};

static inline void begin(struct retention_state *state, struct course *course,
                         const struct view *view, uint32_t row, uint32_t owner) {
    const struct retention_spec *spec = state->spec;
    course->cohort = bucket_of(&spec->buckets, view->sec[row]);
    course->group = group_of(&spec->grouping, view, row, owner);
    course->start_ms = view_time_ms(view, row);
    size_t at = (size_t)course->group * spec->buckets.n + course->cohort;
    state->size[at]++;
    course->returned = &state->returned[at * spec->periods];
}

static inline void came_back(const struct retention_spec *spec, struct course *course,
                             const struct view *view, uint32_t row) {
    uint32_t period;
    if (spec->measure == RETENTION_ROLLING)
        period = (uint32_t)((view_time_ms(view, row) - course->start_ms) / spec->length_ms);
    else
        period = bucket_of(&spec->buckets, view->sec[row]) - course->cohort;
    if (period == course->last)
        return;
    course->last = period;
    course->asked |= spec->people && period == spec->people->period;
    if (spec->measure != RETENTION_UNBOUNDED && period < spec->periods)
        course->returned[period]++;
}

/* What is asked for each row stays in registers: counting writes memory, and the compiler would read it all again. */
static inline void walk(struct retention_state *state, struct course *course, const struct run *run,
                        uint32_t owner) {
    const struct retention_spec *spec = state->spec;
    const struct view *view = run->view;
    const uint64_t *const mask = view->mask, *const lut = spec->lut;
    const uint16_t *const key = view->key;
    const bool all = spec->all;
    const uint32_t to = run->to;
    uint32_t row = run->from;
    if (course->cohort == NOT_BEGUN) {
        while (row < to && !all && !((mask ? mask[row] : lut[key[row]]) & 1))
            row++;
        if (row == to)
            return;
        begin(state, course, view, row, owner);
    }
    for (; row < to; row++)
        if (all || (mask ? mask[row] : lut[key[row]]) & 2)
            came_back(spec, course, view, row);
}

static void end(struct retention_state *state, const struct course *course, uint32_t owner) {
    const struct retention_spec *spec = state->spec;
    if (course->cohort == NOT_BEGUN)
        return;
    if (spec->measure == RETENTION_UNBOUNDED && course->last != NOT_BEGUN)
        course->returned[course->last < spec->periods ? course->last : spec->periods - 1]++;
    if (!spec->behind || course->cohort != spec->people_cohort ||
        (spec->people->has_by && course->group != spec->people_group))
        return;
    bool in = !spec->people->has_period || course->asked;
    if (spec->people->has_period && spec->measure == RETENTION_UNBOUNDED)
        in = course->last != NOT_BEGUN && course->last >= spec->people->period;
    if (in)
        owner_set_put(spec->behind, owner, true);
}

/* start and back match everything, by calendar: hop from bucket to bucket over the times. */
static inline void hop(struct retention_state *state, struct course *course, const struct run *run,
                       uint32_t owner) {
    const struct retention_spec *spec = state->spec;
    const struct bucket_table *buckets = &spec->buckets;
    const uint32_t *sec = run->view->sec, base = buckets->base_s;
    uint32_t row = run->from;
    if (course->cohort == NOT_BEGUN)
        begin(state, course, run->view, row, owner);
    uint32_t bound =
        course->last == NOT_BEGUN ? 0 : buckets->bound[course->cohort + course->last + 1];
    for (; row < run->to; row++) {
        if (sec[row] - base < bound)
            continue;
        uint32_t bucket = bucket_of(buckets, sec[row]);
        course->last = bucket - course->cohort;
        bound = buckets->bound[bucket + 1];
        if (course->last < spec->periods)
            course->returned[course->last]++;
    }
}

enum { WORD_BUCKETS = 64 };

/* The same with few buckets: a bit for each one that the customer was seen in, no branch on any time. */
static inline void mark(struct retention_state *state, const struct customer_runs *customer) {
    const struct retention_spec *spec = state->spec;
    const struct bucket_table buckets = spec->buckets;
    uint64_t seen = 0;
    for (uint32_t r = 0; r < customer->n; r++) {
        const struct run *run = &customer->runs[r];
        const uint32_t *sec = run->view->sec;
        for (uint32_t row = run->from; row < run->to; row++)
            seen |= UINT64_C(1) << bucket_of(&buckets, sec[row]);
    }
    struct course course;
    begin(state, &course, customer->runs[0].view, customer->runs[0].from, customer->owner);
    for (seen >>= course.cohort; seen; seen &= seen - 1) {
        uint32_t period = (uint32_t)__builtin_ctzll(seen);
        if (period < spec->periods)
            course.returned[period]++;
    }
}

static void customers(void *opaque, const struct customer_runs *customers, size_t n) {
    struct retention_state *state = opaque;
    const struct retention_spec *spec = state->spec;
    bool hops = spec->all && spec->measure == RETENTION_CALENDAR && !spec->behind;
    bool marks = hops && spec->buckets.n <= WORD_BUCKETS;
    for (size_t c = 0; c < n; c++) {
        const struct customer_runs *customer = &customers[c];
        struct course course = {.cohort = NOT_BEGUN, .last = NOT_BEGUN};
        if (marks) {
            mark(state, customer);
            continue;
        }
        for (uint32_t r = 0; r < customer->n; r++)
            if (hops)
                hop(state, &course, &customer->runs[r], customer->owner);
            else
                walk(state, &course, &customer->runs[r], customer->owner);
        if (!hops)
            end(state, &course, customer->owner);
    }
}

const struct operator retention_operator = {.customers = customers};

void retention_merge(struct retention_state *into, const struct retention_state *from) {
    size_t cohorts = (size_t)groups_of(into->spec) * into->spec->buckets.n;
    for (size_t i = 0; i < cohorts; i++)
        into->size[i] += from->size[i];
    for (size_t i = 0; i < cohorts * into->spec->periods; i++)
        into->returned[i] += from->returned[i];
}

void retention_finish(struct retention_state *state) {
    const struct retention_spec *spec = state->spec;
    size_t cohorts = (size_t)groups_of(spec) * spec->buckets.n;
    for (size_t i = 0; spec->measure == RETENTION_UNBOUNDED && i < cohorts; i++)
        for (uint32_t k = spec->periods - 1; k > 0; k--)
            state->returned[i * spec->periods + k - 1] += state->returned[i * spec->periods + k];
}
