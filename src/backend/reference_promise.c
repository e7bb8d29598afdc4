/*
 * The reference's promises: for each one, every later interaction is looked at.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/promise_row.h"
#include "backend/reference.h"

struct judged {
    int64_t bucket_ms;
    size_t place;
    enum promise_state state;
};

/* The same value of the key; a number is the same as integer or not. */
static bool same_key(const struct plan *plan, const struct reference_row *a,
                     const struct reference_row *b) {
    struct value left = reference_property(a->properties, plan->case_property),
                 right = reference_property(b->properties, plan->case_property);
    struct predicate equal = {.op = OP_EQ, .values = &left, .n_values = 1};
    return predicate_matches(&equal, &right);
}

static bool has_key(const struct plan *plan, const struct reference_row *row) {
    struct value value = reference_property(row->properties, plan->case_property);
    return value.type != VALUE_ABSENT && value.type != VALUE_NULL && value.type != VALUE_JSON;
}

static enum promise_state state_of(const struct plan *plan, const struct reference_case *one,
                                   size_t at) {
    const struct reference_row *row = one->rows[at];
    int64_t end_ms = plan->end_ms < plan->now_ms ? plan->end_ms : plan->now_ms,
            due_ms = row->time_ms + plan->window_ms;
    bool met = false;
    for (size_t i = at + 1; i < one->n; i++)
        if (one->rows[i]->time_ms <= due_ms && reference_matches(one->rows[i], &plan->back) &&
            (!plan->case_property || same_key(plan, row, one->rows[i])))
            met = true;
    if (plan->promise == PROMISE_ABSENT)
        return met ? PROMISE_BROKEN : due_ms < end_ms ? PROMISE_KEPT : PROMISE_PENDING;
    if (met)
        return PROMISE_KEPT;
    if (due_ms < end_ms)
        return PROMISE_BROKEN;
    return (double)(end_ms - row->time_ms) >= 0.75 * (double)plan->window_ms ? PROMISE_AT_RISK
                                                                             : PROMISE_PENDING;
}

/* Does the row make a promise, and what became of it? */
static bool judge(const struct plan *plan, const struct reference_case *one, size_t at,
                  enum promise_state *state) {
    const struct reference_row *row = one->rows[at];
    if (plan->promise == PROMISE_BOUND) {
        *state = reference_matches(row, &plan->back) ? PROMISE_KEPT : PROMISE_BROKEN;
        return reference_matches(row, &plan->of);
    }
    if (plan->promise != PROMISE_SCORE) {
        if (!reference_matches(row, &plan->of) || (plan->case_property && !has_key(plan, row)))
            return false;
        *state = state_of(plan, one, at);
        return true;
    }
    struct value points = reference_property(row->properties, plan->points_property);
    bool above = points.type == VALUE_INT ? points.integer > 0
                                          : points.type == VALUE_NUMBER && points.number > 0;
    *state = above ? PROMISE_KEPT : PROMISE_BROKEN;
    return true;
}

static void add_row(json_t *data, const struct plan *plan, const struct reference_groups *groups,
                    const size_t *rank, const struct judged *judged, size_t n, int64_t bucket_ms,
                    size_t place) {
    struct promise_cell cell = {0};
    json_t *row = json_object();
    for (size_t i = 0; i < n; i++) {
        if (judged[i].bucket_ms != bucket_ms || rank[judged[i].place] != place)
            continue;
        cell.n[judged[i].state]++;
        cell.n[PROMISE_PENDING] += judged[i].state == PROMISE_AT_RISK;
    }
    if (plan->has_every)
        json_object_set_new(row, "time", reference_time(bucket_ms));
    if (plan->by != BY_NONE)
        json_object_set_new(row, "by", reference_place_json(plan, groups, rank, place));
    promise_row(row, &cell);
    json_array_append_new(data, row);
}

json_t *reference_promise(const struct reference_world *world, const struct plan *plan,
                          const struct reference_view *view, struct arena *arena) {
    size_t n = 0, most = 1;
    for (size_t i = 0; i < view->n; i++)
        most += view->cases[i].n;
    struct judged *judged = arena_get(arena, sizeof *judged * most);
    struct reference_groups groups = {0};
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < view->n; i++)
        for (size_t j = 0; j < view->cases[i].n; j++) {
            const struct reference_row *row = view->cases[i].rows[j];
            struct judged *one = &judged[n];
            if (!judge(plan, &view->cases[i], j, &one->state))
                continue;
            struct value value = reference_by(world, plan, row);
            one->place = reference_group_add(&groups, arena, &value, 1);
            one->bucket_ms =
                plan->has_every ? zone_bucket_start_ms(plan->zone, plan->every, row->time_ms) : 0;
            first = one->bucket_ms < first ? one->bucket_ms : first;
            last = one->bucket_ms > last ? one->bucket_ms : last;
            n++;
        }
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t places = reference_rank(&groups, plan->limit, arena, rank);
    json_t *data = json_array();
    if (plan->by == BY_NONE)
        places = 1;
    if (!plan->has_every)
        first = last = 0;
    for (int64_t bucket = first; bucket <= last;
         bucket = plan->has_every ? zone_bucket_add_ms(plan->zone, plan->every, bucket, 1)
                                  : bucket + 1)
        for (size_t place = 0; place < places; place++)
            add_row(data, plan, &groups, rank, judged, n, bucket, place);
    return data;
}
