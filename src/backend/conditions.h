/*
 * What was going on at a centre at an instant: how many interactions of its unit match the plan's `start` within `window_ms` up
 * to then, or the sum or the mean of a property of them (measure, measure_property).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_CONDITIONS_H
#define SENDA_BACKEND_CONDITIONS_H

#include "backend/local.h"

struct measured {
    uint16_t unit;
    uint32_t sec;
    double number;
};

struct conditions {
    struct measured *all;
    size_t n, capacity;
    double *before; /* [n + 1] sums of the numbers before each */
};

/* All that was measured in the question's range and rights. Release in any case. Errors of scan_prepare and scan_run. */
must_use int conditions_measure(struct question *question, struct conditions *conditions,
                                struct err *err);
void conditions_release(struct conditions *conditions);
/* NAN: nothing is known. */
double condition_at(const struct conditions *conditions, const struct plan *plan, uint16_t unit,
                    uint32_t sec);

#endif
