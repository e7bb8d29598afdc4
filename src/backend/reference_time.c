/*
 * The reference's questions about time and membership: trend, retention, customers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/reference.h"

/* ---- trend ---- */

struct counted {
    const struct reference_row *row;
    int64_t bucket_ms;
    size_t place;
};

static json_t *measured(const struct plan *plan, const struct counted *counted, size_t n,
                        int64_t bucket_ms, size_t place) {
    json_int_t rows = 0, customers = 0, values = 0;
    double sum = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        if (counted[i].bucket_ms != bucket_ms || counted[i].place != place)
            continue;
        const struct reference_row *row = counted[i].row;
        rows++;
        customers += row->owner != last; /* rows are sorted by owner */
        last = row->owner;
        if (plan->measure != MEASURE_SUM && plan->measure != MEASURE_MEAN)
            continue;
        struct value value = reference_property(row->properties, plan->measure_property);
        if (value.type != VALUE_INT && value.type != VALUE_NUMBER)
            continue;
        values++;
        sum += value.type == VALUE_INT ? (double)value.integer : value.number;
    }
    switch (plan->measure) {
    case MEASURE_CUSTOMERS: return json_integer(customers);
    case MEASURE_SUM: return json_real(sum);
    case MEASURE_MEAN: return values ? json_real(sum / (double)values) : json_null();
    case MEASURE_COUNT:
    default: return json_integer(rows);
    }
}

/* The interactions that count, with their buckets and groups; widens [*first, *last] to their instants. */
static size_t count_rows(const struct reference_world *world, const struct plan *plan,
                         const struct reference_view *view, struct reference_groups *groups,
                         struct arena *arena, struct counted *counted, int64_t *first,
                         int64_t *last) {
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++)
        for (size_t j = 0; j < view->cases[i].n; j++) {
            const struct reference_row *row = view->cases[i].rows[j];
            if (!reference_matches(row, &plan->of))
                continue;
            struct value value = reference_by(world, plan, row);
            counted[n++] =
                (struct counted){row, zone_bucket_start_ms(plan->zone, plan->every, row->time_ms),
                                 reference_group_add(groups, arena, &value, 1)};
            *first = row->time_ms < *first ? row->time_ms : *first;
            *last = row->time_ms > *last ? row->time_ms : *last;
        }
    return n;
}

json_t *reference_trend(const struct reference_world *world, const struct plan *plan,
                        const struct reference_view *view, struct arena *arena) {
    struct counted *counted = arena_get(arena, sizeof *counted * (world->n_rows + 1));
    struct reference_groups groups = {0};
    int64_t first = INT64_MAX, last = INT64_MIN;
    size_t n = count_rows(world, plan, view, &groups, arena, counted, &first, &last);
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t places = reference_rank(&groups, plan->limit, arena, rank);
    for (size_t i = 0; i < n; i++)
        counted[i].place = plan->by == BY_NONE ? 0 : rank[counted[i].place];
    if (plan->by == BY_NONE)
        places = 1;
    if (plan->filter.has_from)
        first = plan->filter.from_ms;
    if (plan->filter.has_to)
        last = plan->filter.to_ms - 1;
    json_t *data = json_array();
    if (first > last)
        return data;
    for (int64_t bucket = zone_bucket_start_ms(plan->zone, plan->every, first); bucket <= last;
         bucket = zone_bucket_add_ms(plan->zone, plan->every, bucket, 1))
        for (size_t place = 0; place < places; place++) {
            json_t *row = json_pack("{s:o}", "time", reference_time(bucket));
            if (plan->by != BY_NONE)
                json_object_set_new(row, "by", reference_place_json(plan, &groups, rank, place));
            json_object_set_new(row, "value", measured(plan, counted, n, bucket, place));
            json_array_append_new(data, row);
        }
    return data;
}

/* ---- retention ---- */

struct member {
    int64_t cohort_ms;
    size_t place;
    bool *returned; /* [periods] */
};

static int64_t rolling_ms(enum bucket every) {
    return (int64_t)DAY_MS * (every == BUCKET_DAY ? 1 : every == BUCKET_WEEK ? 7 : 30);
}

/* In which period after the start an interaction lies. */
static int64_t period_of(const struct plan *plan, int64_t start_ms, int64_t cohort_ms,
                         int64_t time_ms) {
    if (plan->retention == RETENTION_ROLLING)
        return (time_ms - start_ms) / rolling_ms(plan->every);
    int64_t period = 0;
    int64_t bucket = zone_bucket_start_ms(plan->zone, plan->every, time_ms);
    for (int64_t at = cohort_ms; at < bucket;
         at = zone_bucket_add_ms(plan->zone, plan->every, at, 1))
        period++;
    return period;
}

static struct member member_of(const struct plan *plan, const struct reference_case *one,
                               size_t start, struct arena *arena) {
    struct member member = {.returned = ARENA_ARRAY(arena, bool, plan->periods + 1)};
    int64_t start_ms = one->rows[start]->time_ms;
    member.cohort_ms = zone_bucket_start_ms(plan->zone, plan->every, start_ms);
    for (size_t i = start; i < one->n; i++) {
        if (!reference_matches(one->rows[i], &plan->back))
            continue;
        int64_t period = period_of(plan, start_ms, member.cohort_ms, one->rows[i]->time_ms);
        for (int64_t k = 0; k < plan->periods; k++)
            if (k == period || (plan->retention == RETENTION_UNBOUNDED && k < period))
                member.returned[k] = true;
    }
    return member;
}

static json_t *cohort_json(const struct plan *plan, const struct member *members, size_t n,
                           int64_t cohort_ms, size_t place, json_t *by) {
    json_int_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += members[i].cohort_ms == cohort_ms && members[i].place == place;
    json_t *returned = json_array();
    for (uint32_t k = 0; k < plan->periods; k++) {
        json_int_t back = 0;
        for (size_t i = 0; i < n; i++)
            back += members[i].cohort_ms == cohort_ms && members[i].place == place &&
                    members[i].returned[k];
        bool observed =
            zone_bucket_add_ms(plan->zone, plan->every, cohort_ms, (int)k + 1) <= plan->end_ms;
        json_array_append_new(returned, observed ? json_integer(back) : json_null());
    }
    json_t *row = json_pack("{s:o, s:I, s:o}", "cohort", reference_time(cohort_ms), "size", size,
                            "returned", returned);
    if (by)
        json_object_set_new(row, "by", by);
    if (size)
        return row;
    json_decref(row);
    return NULL;
}

json_t *reference_retention(const struct reference_world *world, const struct plan *plan,
                            const struct reference_view *view, struct arena *arena) {
    struct member *members = arena_get(arena, sizeof *members * (view->n + 1));
    struct reference_groups groups = {0};
    size_t n = 0;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < view->n; i++) {
        const struct reference_case *one = &view->cases[i];
        size_t start = 0;
        while (start < one->n && !reference_matches(one->rows[start], &plan->start))
            start++;
        if (start == one->n)
            continue;
        struct member member = member_of(plan, one, start, arena);
        struct value value = reference_by(world, plan, one->rows[start]);
        member.place = reference_group_add(&groups, arena, &value, 1);
        members[n++] = member;
        first = member.cohort_ms < first ? member.cohort_ms : first;
        last = member.cohort_ms > last ? member.cohort_ms : last;
    }
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t places = reference_rank(&groups, plan->limit, arena, rank);
    for (size_t i = 0; i < n; i++)
        members[i].place = plan->by == BY_NONE ? 0 : rank[members[i].place];
    json_t *data = json_array();
    for (size_t place = 0; place < (plan->by == BY_NONE ? 1 : places); place++)
        for (int64_t cohort = first; n && cohort <= last;
             cohort = zone_bucket_add_ms(plan->zone, plan->every, cohort, 1)) {
            json_t *by =
                plan->by == BY_NONE ? NULL : reference_place_json(plan, &groups, rank, place);
            json_t *row = cohort_json(plan, members, n, cohort, place, by);
            if (row)
                json_array_append_new(data, row);
        }
    return data;
}

/* ---- customers ---- */

static bool seen_in_scope(const struct reference_world *world, const struct plan *plan,
                          uint32_t owner) {
    for (size_t i = 0; i < world->n_rows; i++)
        if (world->rows[i].owner == owner)
            for (uint32_t u = 0; u < plan->n_scope; u++)
                if (world->rows[i].unit == plan->scope[u])
                    return true;
    return !plan->scoped;
}

json_t *reference_customers(const struct reference_world *world, const struct plan *plan,
                            struct arena *arena) {
    (void)arena;
    json_t *customers = json_array();
    json_int_t count = 0;
    for (size_t i = 0; i < world->n_owners; i++) {
        uint32_t owner = world->owners[i];
        if ((plan->rule && !reference_rule(world, plan, plan->rule, owner)) ||
            (plan->segment && !reference_rule(world, plan, plan->segment, owner)) ||
            !seen_in_scope(world, plan, owner))
            continue;
        count++;
        char id[CUSTOMER_ID_BYTES];
        customer_id_format(owner, id);
        if (json_array_size(customers) < plan->limit)
            json_array_append_new(customers, json_pack("{s:s}", "id", id));
    }
    return json_pack("{s:I, s:o}", "count", count, "customers", customers);
}
