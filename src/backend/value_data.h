/*
 * The answer of a question of value, from histories of purchases. Shared by the backends, which make the histories apart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_VALUE_DATA_H
#define SENDA_BACKEND_VALUE_DATA_H

#include <jansson.h>

#include "journey/worth.h"
#include "query/plan.h"

/* rows: purchases up to the day `until`, by owner; later: of all days (the same where there is no holdout), by owner.
 * until_day: last day observed. customer: owner that is asked for besides, 0: none. *data: new reference. E_CANCELLED. */
struct value_input {
    const struct plan *plan;
    struct worth_input worth;
    const struct purchase_history *later;
    size_t n_later;
    int32_t holdout_day;
    uint32_t customer;
};
must_use int value_data(const struct value_input *input, const atomic_bool *cancelled,
                        json_t **data, struct err *err);

/* Last day observed: until, else the day before range.to, else that of the last purchase. */
int32_t value_until_day(const struct plan *plan, const struct purchase_history *rows, size_t n);
/* Number of the local day that holds an instant, days since 1970. */
int32_t local_day(const struct zone *zone, int64_t ms);

#endif
