/*
 * The reference's value: histories of purchases by one plain loop; the models are value_data.c's for both backends, and have
 * their own tests against published values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/reference.h"
#include "backend/value_data.h"

/* The purchases of one customer before an instant; days are found by comparing dates. */
static struct purchase_history history_of(const struct plan *plan, const struct reference_case *one,
                                          int64_t to_ms) {
    struct purchase_history history = {.owner = one->owner};
    for (size_t i = 0, next; i < one->n; i = next) {
        int32_t day = local_day(plan->zone, one->rows[i]->time_ms);
        double sum = 0, moved = 0;
        bool any = false;
        for (next = i; next < one->n && local_day(plan->zone, one->rows[next]->time_ms) == day;
             next++) {
            const struct reference_row *row = one->rows[next];
            if (row->time_ms >= to_ms || !reference_matches(row, &plan->of))
                continue;
            struct value value = {.type = VALUE_ABSENT};
            if (plan->measure_property)
                value = reference_property(row->properties, plan->measure_property);
            double amount = value.type == VALUE_INT      ? (double)value.integer
                            : value.type == VALUE_NUMBER ? value.number
                                                         : 0;
            any = true;
            sum += amount;
            moved += fabs(amount);
        }
        if (any)
            purchase_day(&history, day, sum, moved);
    }
    return history;
}

static struct purchase_history *histories(const struct plan *plan,
                                          const struct reference_view *view, int64_t to_ms,
                                          struct arena *arena, size_t *n) {
    struct purchase_history *rows = arena_get(arena, sizeof *rows * (view->n + 1));
    *n = 0;
    for (size_t i = 0; i < view->n; i++) {
        struct purchase_history history = history_of(plan, &view->cases[i], to_ms);
        if (history.days)
            rows[(*n)++] = history;
    }
    return rows;
}

json_t *reference_value(const struct reference_world *world, const struct plan *plan,
                        const struct reference_view *view, struct arena *arena) {
    struct value_input input = {.plan = plan};
    struct err err = {0};
    json_t *data = NULL;
    (void)world;
    input.later = histories(plan, view, INT64_MAX, arena, &input.n_later);
    input.worth.rows =
        histories(plan, view, plan->has_until ? plan->until_ms : INT64_MAX, arena, &input.worth.n);
    input.worth.unit_days = plan->unit_days;
    input.worth.until_day = value_until_day(plan, input.worth.rows, input.worth.n);
    input.holdout_day = plan->has_holdout ? local_day(plan->zone, plan->holdout_ms - 1) : 0;
    return value_data(&input, NULL, &data, &err) ? NULL : data;
}
