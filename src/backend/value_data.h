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

/* The part after the fit. rfm: of the plan's model only. New reference. */
json_t *value_fitted(const struct value_input *input, const struct worth *worth,
                     const struct rfm *rfm);

/* Last day observed: until, else the day before range.to, else that of the last purchase. */
int32_t value_until_day(const struct plan *plan, const struct purchase_history *rows, size_t n);
/* Number of the local day that holds an instant, days since 1970. */
int32_t local_day(const struct zone *zone, int64_t ms);

/* "2026-01-31" of the number of a day. New reference. */
json_t *json_of_day(int32_t day);
/* One customer's numbers; rfm NULL: without scores. New reference. */
json_t *value_row_json(const struct value_input *input, const struct worth *worth,
                       const struct rfm *rfm, size_t row);
/* Probability alive, as it may be shown: NAN of one-time buyers under BG/NBD. */
double value_alive(const struct worth *worth, const struct buyer *buyer);

struct question;
/* Purchases before an instant, by owner; free() them. The question's spec has been begun with the plan's filters. */
must_use int question_purchases(struct question *question, int64_t to_ms,
                                struct purchase_history **rows, size_t *n, struct err *err);

/* value_ranks.c, both models fitted. */
double value_of_row(const struct value_input *input, const struct worth *worth, size_t row);
/* Of all rows, and expected[row] purchases over the plan's months (may be NULL); the dear part is worked out once for equal
 * purchases and ages. values: NAN where the spend is not known. */
void value_of_rows(const struct value_input *input, const struct worth *worth, double *values,
                   double *expected);
/* Adds total, distribution and, where the plan asks for some, most_valuable and at_risk. */
void value_add_ranks(const struct value_input *input, const struct worth *worth, json_t *data);

#endif
