/*
 * Questions of value: histories of purchases from the timeline, then the models. See journey/purchases.h, journey/worth.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "backend/value_data.h"
#include "base/time.h"

enum { DAYS_MAX = 60000 };

static int by_owner(const void *left, const void *right) {
    const struct purchase_history *a = left, *b = right;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

int question_purchases(struct question *question, int64_t to_ms, struct purchase_history **rows,
                       size_t *n, struct err *err) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    struct purchases_state states[SCAN_THREADS] = {0};
    void *pointers[SCAN_THREADS];
    struct purchases_spec days = {.amounts = plan->measure_property != 0};
    spec->of = &plan->of;
    spec->number_property = plan->measure_property;
    spec->filter.to_ms = to_ms < plan->filter.to_ms ? to_ms : plan->filter.to_ms;
    int code = question_prepare(question, err);
    const struct scan *scan = &question->scan;
    bool any = !code && scan->min_ms <= scan->max_ms;
    if (any) {
        code = bucket_table_init(&days.days, plan->zone, BUCKET_DAY, scan->min_ms, scan->max_ms + 1,
                                 DAYS_MAX, question->arena, err);
        days.first_day = local_day(plan->zone, scan->min_ms);
    }
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        states[t].spec = &days;
        pointers[t] = &states[t];
    }
    if (!code && any)
        code = scan_run(&question->scan, &purchases_operator, pointers, err);
    for (uint32_t t = 1; t < SCAN_THREADS; t++) {
        for (size_t i = 0; i < states[t].n && !code; i++)
            purchases_add(&states[0].rows, &states[0].n, &states[0].capacity, &states[t].rows[i]);
        free(states[t].rows);
    }
    if (states[0].n)
        qsort(states[0].rows, states[0].n, sizeof *states[0].rows, by_owner);
    *rows = states[0].rows;
    *n = states[0].n;
    return code;
}

static int find_owner(struct question *question, uint32_t *owner, struct err *err) {
    *owner = 0;
    if (!question->plan->value_customer.n)
        return 0;
    int code =
        customers_find(question->folder->customers, question->plan->value_customer, owner, err);
    if (code == E_NOT_FOUND)
        return err_at(err, E_INVALID, "/customer", "nobody is known by this id");
    return code;
}

int answer_value(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct purchase_history *rows = NULL, *later = NULL;
    struct value_input input = {.plan = plan};
    int code = find_owner(question, &input.customer, err);
    if (!code && plan->has_holdout)
        code = question_purchases(question, TIME_MAX_MS, &later, &input.n_later, err);
    if (!code)
        code = question_purchases(question, plan->has_until ? plan->until_ms : TIME_MAX_MS, &rows,
                                  &input.worth.n, err);
    if (!code) {
        input.later = later;
        input.worth.rows = rows;
        input.worth.unit_days = plan->unit_days;
        input.worth.until_day = value_until_day(plan, rows, input.worth.n);
        input.holdout_day = plan->has_holdout ? local_day(plan->zone, plan->holdout_ms - 1) : 0;
        const struct query_control *control = question->patience.control;
        code = value_data(&input, control ? &control->cancelled : NULL, &question->data, err);
    }
    free(rows);
    free(later);
    return code;
}
