/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/promise.h"

#include <math.h>
#include <stdlib.h>

static size_t cells_of(const struct promise_spec *spec) {
    return (size_t)spec->buckets.n * spec->columns;
}

static void *zeroed(size_t n, size_t size) {
    void *memory = calloc(n ? n : 1, size);
    if (!memory)
        abort();
    return memory;
}

struct promise_count *promise_new(const struct promise_spec *spec) {
    struct promise_count *state = zeroed(1, sizeof *state);
    state->spec = spec;
    state->cells = zeroed(cells_of(spec), sizeof *state->cells);
    state->next_ms = zeroed(spec->keys, sizeof *state->next_ms);
    state->next_owner = zeroed(spec->keys, sizeof *state->next_owner);
    return state;
}

void promise_free(struct promise_count *state) {
    if (!state)
        return;
    free(state->cells);
    free(state->next_ms);
    free(state->next_owner);
    free(state);
}

static void judge(const struct promise_spec *spec, struct promise_made *made) {
    made->due_ms = made->at_ms + spec->window_ms;
    bool met = made->met_ms <= made->due_ms, over = made->due_ms < spec->end_ms;
    if (met || over)
        made->state = met == (spec->kind == PROMISE_WITHIN) ? PROMISE_KEPT : PROMISE_BROKEN;
    else if (spec->kind == PROMISE_WITHIN &&
             4 * (spec->end_ms - made->at_ms) >= 3 * spec->window_ms)
        made->state = PROMISE_AT_RISK;
    else
        made->state = PROMISE_PENDING;
}

static bool is_asked(const struct promise_spec *spec, const struct promise_made *made,
                     uint32_t bucket) {
    const struct people *people = spec->people;
    bool state = !people->has_state || people->state == made->state ||
                 (people->state == PROMISE_PENDING && made->state == PROMISE_AT_RISK);
    return state && (spec->people_bucket == UINT32_MAX || bucket == spec->people_bucket) &&
           (!people->has_by || made->group == spec->people_group);
}

static void note(struct promise_count *state, const struct view *view, uint32_t row, uint32_t owner,
                 struct promise_made *made) {
    const struct promise_spec *spec = state->spec;
    uint32_t bucket = bucket_of(&spec->buckets, view->sec[row]);
    made->group = group_of(&spec->grouping, view, row, owner);
    struct promise_cell *cell = &state->cells[(size_t)bucket * spec->columns + made->group];
    cell->n[made->state]++;
    cell->n[PROMISE_PENDING] += made->state == PROMISE_AT_RISK;
    if (spec->behind && is_asked(spec, made, bucket))
        owner_set_put(spec->behind, owner, true);
    if (spec->tell)
        spec->tell(spec->context, made);
}

static void visit(struct promise_count *state, const struct view *view, uint32_t row,
                  uint32_t owner) {
    const struct promise_spec *spec = state->spec;
    uint64_t mask = view_mask(view, spec->lut, row);
    uint32_t key = spec->keyed ? view->case_value[row] : 0;
    if (!(mask & 3) || (spec->keyed && !key))
        return;
    int64_t at_ms = view_time_ms(view, row);
    if (mask & 1) {
        struct promise_made made = {.at_ms = at_ms, .met_ms = INT64_MAX};
        if (state->next_owner[key] == owner)
            made.met_ms = state->next_ms[key];
        judge(spec, &made);
        note(state, view, row, owner, &made);
    }
    if (mask & 2) {
        state->next_ms[key] = at_ms;
        state->next_owner[key] = owner;
    }
}

static void visit_answer(struct promise_count *state, const struct view *view, uint32_t row,
                         uint32_t owner) {
    double points = view->number[row];
    if (isnan(points))
        return;
    int64_t at_ms = view_time_ms(view, row);
    struct promise_made made = {.at_ms = at_ms,
                                .due_ms = at_ms,
                                .met_ms = at_ms,
                                .state = points > 0 ? PROMISE_KEPT : PROMISE_BROKEN};
    note(state, view, row, owner, &made);
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct promise_count *state = opaque;
    bool answers = state->spec->kind == PROMISE_SCORE;
    for (size_t r = n; r-- > 0;)
        for (uint32_t row = runs[r].to; row-- > runs[r].from;)
            if (answers)
                visit_answer(state, runs[r].view, row, owner);
            else
                visit(state, runs[r].view, row, owner);
}

const struct operator promise_operator = {.customer = customer};

void promise_merge(struct promise_count *into, const struct promise_count *from) {
    for (size_t i = 0; i < cells_of(into->spec); i++)
        for (int s = 0; s < PROMISE_STATES; s++)
            into->cells[i].n[s] += from->cells[i].n[s];
}
