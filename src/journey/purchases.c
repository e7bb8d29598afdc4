/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/purchases.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

void purchases_add(struct purchase_history **rows, size_t *n, size_t *capacity,
                   const struct purchase_history *row) {
    if (*n == *capacity) {
        *capacity = *capacity ? *capacity * 2 : FIRST_CAPACITY;
        *rows = realloc(*rows, *capacity * sizeof **rows);
        if (!*rows)
            abort();
    }
    (*rows)[(*n)++] = *row;
}

void purchase_day(struct purchase_history *history, int32_t day, double sum, double moved) {
    if (moved > 0 && !(sum > 1e-9 * moved)) /* beyond what rounding leaves of a full return */
        return;
    if (history->days++)
        history->repeat_spend += sum;
    else
        history->first_day = day;
    history->spend += sum;
    history->last_day = day;
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct purchases_state *state = opaque;
    const struct purchases_spec *spec = state->spec;
    struct purchase_history history = {.owner = owner};
    int32_t day = INT32_MIN;
    double sum = 0, moved = 0;
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            int32_t at = spec->first_day + (int32_t)bucket_of(&spec->days, view->sec[row]);
            if (at != day && day != INT32_MIN)
                purchase_day(&history, day, sum, moved);
            if (at != day)
                sum = moved = 0;
            day = at;
            if (spec->amounts && !isnan(view->number[row])) {
                sum += view->number[row];
                moved += fabs(view->number[row]);
            }
        }
    }
    if (day != INT32_MIN)
        purchase_day(&history, day, sum, moved);
    if (history.days)
        purchases_add(&state->rows, &state->n, &state->capacity, &history);
}

const struct operator purchases_operator = {.customer = customer};
