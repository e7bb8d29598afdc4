/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/promise_row.h"

#include <math.h>

#include "backend/score_row.h"

static const char *const texts[PROMISE_STATES] = {"kept", "broken", "pending", "at_risk"};

const char *promise_state_text(enum promise_state state) { return texts[state]; }

static json_t *number(double value) { return isnan(value) ? json_null() : json_real(value); }

void promise_row(json_t *row, const struct promise_cell *cell) {
    uint64_t n = cell->n[PROMISE_KEPT] + cell->n[PROMISE_BROKEN];
    struct estimate share = share_estimate((double)cell->n[PROMISE_KEPT], (double)n, CONFIDENCE_95);
    json_object_set_new(row, "n", json_integer((json_int_t)n));
    for (int state = 0; state < PROMISE_STATES; state++)
        json_object_set_new(row, texts[state], json_integer((json_int_t)cell->n[state]));
    json_object_set_new(row, "value", number(share.value));
    json_object_set_new(row, "low", number(share.low));
    json_object_set_new(row, "high", number(share.high));
    json_object_set_new(row, "too_few", json_boolean(n < SCORE_FEW));
}
