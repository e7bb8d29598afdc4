/*
 * See conditions.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/conditions.h"

#include <math.h>
#include <stdlib.h>

enum { MEASURED_MOST = 20000000 };

static void measure(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct conditions *conditions = opaque;
    (void)owner;
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            double number = view->number ? view->number[row] : 1;
            if (!view->group_code[row] || isnan(number) || conditions->n == MEASURED_MOST)
                continue;
            if (conditions->n == conditions->capacity) {
                conditions->capacity = conditions->capacity ? 2 * conditions->capacity : 4096;
                conditions->all =
                    realloc(conditions->all, conditions->capacity * sizeof *conditions->all);
                if (!conditions->all)
                    abort();
            }
            conditions->all[conditions->n++] =
                (struct measured){view->group_code[row], view->sec[row], number};
        }
    }
}
static const struct operator measure_operator = {.customer = measure};

static int by_unit(const void *a, const void *b) {
    const struct measured *x = a, *y = b;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return (x->sec > y->sec) - (x->sec < y->sec);
}

static void order(struct conditions *conditions) {
    if (conditions->n)
        qsort(conditions->all, conditions->n, sizeof *conditions->all, by_unit);
    conditions->before = calloc(conditions->n + 1, sizeof *conditions->before);
    if (!conditions->before)
        abort();
    for (size_t i = 0; i < conditions->n; i++)
        conditions->before[i + 1] = conditions->before[i] + conditions->all[i].number;
}

/* How many are of a smaller unit, or of this one and not after `sec`. */
static size_t rank_of(const struct conditions *conditions, uint16_t unit, int64_t sec) {
    size_t low = 0, high = conditions->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct measured *at = &conditions->all[middle];
        if (at->unit < unit || (at->unit == unit && at->sec <= sec))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double condition_at(const struct conditions *conditions, const struct plan *plan, uint16_t unit,
                    uint32_t sec) {
    size_t end = rank_of(conditions, unit, sec),
           begin = rank_of(conditions, unit, (int64_t)sec - plan->window_ms / 1000);
    double n = (double)(end - begin), sum = conditions->before[end] - conditions->before[begin];
    if (n < 1)
        return (double)NAN;
    return plan->measure == MEASURE_COUNT ? n : plan->measure == MEASURE_MEAN ? sum / n : sum;
}

int conditions_measure(struct question *question, struct conditions *result, struct err *err) {
    const struct plan *plan = question->plan;
    struct conditions conditions[SCAN_THREADS] = {0};
    void *states[SCAN_THREADS] = {&conditions[0], &conditions[1]};
    struct filter filter = plan->filter;
    struct scan scan;
    filter.n_where = 0;
    filter.some_channels = false;
    filter.from_ms = filter.has_from ? filter.from_ms - plan->window_ms : filter.from_ms;
    struct scan_spec spec = {.filter = filter,
                             .of = &plan->start,
                             .by = BY_UNIT,
                             .unordered = true,
                             .number_property =
                                 plan->measure == MEASURE_COUNT ? 0 : plan->measure_property};
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code)
        code = scan_run(&scan, &measure_operator, states, err);
    *result = conditions[0];
    result->all =
        realloc(result->all, (conditions[0].n + conditions[1].n + 1) * sizeof *result->all);
    if (!result->all)
        abort();
    if (conditions[1].n)
        memcpy(result->all + conditions[0].n, conditions[1].all,
               conditions[1].n * sizeof *result->all);
    result->n = conditions[0].n + conditions[1].n;
    free(conditions[1].all);
    order(result);
    return code;
}

void conditions_release(struct conditions *conditions) {
    free(conditions->all);
    free(conditions->before);
}
