/*
 * One row of a promise's answer, from how many were kept, broken and are pending. Shared by the backends, which count
 * apart; the interval is Wilson's (stats/interval.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_PROMISE_ROW_H
#define SENDA_BACKEND_PROMISE_ROW_H

#include <jansson.h>

#include "journey/promise.h"

/* Adds n (kept and broken), kept, broken, pending, at_risk, value (share kept), low, high, too_few. */
void promise_row(json_t *row, const struct promise_cell *cell);
/* "kept", "broken", "pending", "at_risk" */
const char *promise_state_text(enum promise_state state);

#endif
