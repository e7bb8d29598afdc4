/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/promise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    return state;
}

void promise_free(struct promise_count *state) {
    if (!state)
        return;
    free(state->cells);
    free(state->next);
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
    cell->customers += cell->last != owner + 1;
    cell->last = owner + 1;
    cell->n[PROMISE_PENDING] += made->state == PROMISE_AT_RISK;
    if (spec->behind && is_asked(spec, made, bucket))
        owner_set_put(spec->behind, owner, true);
    if (spec->origins) {
        made->seq = view_seq(view, row);
        made->profile = view_profile(view, row, owner);
    }
    if (spec->tell)
        spec->tell(spec->context, made);
}

/* What is kept or broken in the instant in which it is made. */
static void note_at_once(struct promise_count *state, const struct view *view, uint32_t row,
                         uint32_t owner, bool kept) {
    int64_t at_ms = view_time_ms(view, row);
    struct promise_made made = {.at_ms = at_ms,
                                .due_ms = at_ms,
                                .met_ms = at_ms,
                                .state = kept ? PROMISE_KEPT : PROMISE_BROKEN};
    note(state, view, row, owner, &made);
}

static void visit_bound(struct promise_count *state, const struct view *view, uint32_t row,
                        uint32_t owner) {
    uint64_t mask = view_mask(view, state->spec->lut, row);
    if (mask & 1)
        note_at_once(state, view, row, owner, mask & 2);
}

static struct promise_next *next_of(struct promise_count *state, uint32_t key) {
    if (key >= state->keys) {
        uint32_t keys = state->keys ? state->keys : 64;
        while (keys <= key)
            keys *= 2;
        state->next = realloc(state->next, keys * sizeof *state->next);
        if (!state->next)
            abort();
        memset(state->next + state->keys, 0, (keys - state->keys) * sizeof *state->next);
        state->keys = keys;
    }
    return &state->next[key];
}

static void visit(struct promise_count *state, const struct view *view, uint32_t row,
                  uint32_t owner) {
    const struct promise_spec *spec = state->spec;
    uint64_t mask = view_mask(view, spec->lut, row);
    uint32_t key = spec->keyed ? view->case_value[row] : 0;
    if (!(mask & 3) || (spec->keyed && !key))
        return;
    struct promise_next *next = next_of(state, key);
    int64_t at_ms = view_time_ms(view, row);
    if (mask & 1) {
        struct promise_made made = {.at_ms = at_ms, .met_ms = INT64_MAX};
        if (next->owner == owner)
            made.met_ms = next->ms;
        judge(spec, &made);
        note(state, view, row, owner, &made);
    }
    if (mask & 2)
        *next = (struct promise_next){at_ms, owner};
}

static void visit_answer(struct promise_count *state, const struct view *view, uint32_t row,
                         uint32_t owner) {
    double points = view->number[row];
    if (!isnan(points))
        note_at_once(state, view, row, owner, points > 0);
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct promise_count *state = opaque;
    enum promise_kind kind = state->spec->kind;
    for (size_t r = n; r-- > 0;)
        for (uint32_t row = runs[r].to; row-- > runs[r].from;)
            if (kind == PROMISE_SCORE)
                visit_answer(state, runs[r].view, row, owner);
            else if (kind == PROMISE_BOUND)
                visit_bound(state, runs[r].view, row, owner);
            else
                visit(state, runs[r].view, row, owner);
}

const struct operator promise_operator = {.customer = customer};

void promise_merge(struct promise_count *into, const struct promise_count *from) {
    for (size_t i = 0; i < cells_of(into->spec); i++) {
        for (int s = 0; s < PROMISE_STATES; s++)
            into->cells[i].n[s] += from->cells[i].n[s];
        into->cells[i].customers += from->cells[i].customers;
    }
}
