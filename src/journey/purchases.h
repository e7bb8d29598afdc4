/*
 * Purchases of customers as models of value take them: one a local calendar day, amounts of the day summed.
 *
 * With amounts, a day on which what was paid is no more than what was given back is no purchase; a day on which nothing
 * was paid nor given back (a free article) is one. An interaction without an amount adds nothing to its day.
 *
 * SOURCE  methods of Fader, Hardie, Lee 2005: x, t_x and T are counted in days from the first purchase.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_PURCHASES_H
#define SENDA_JOURNEY_PURCHASES_H

#include "query/block.h"

/* A customer with at least one purchase. Days are numbers since 1970 in the organisation's zone. */
struct purchase_history {
    uint32_t owner, days; /* purchase days */
    int32_t first_day, last_day;
    double spend, repeat_spend; /* of all days, of all but the first; 0 without amounts */
};

struct purchases_spec {
    struct bucket_table days;
    int32_t first_day; /* of bucket 0 */
    bool amounts;
};

struct purchases_state {
    const struct purchases_spec *spec;
    struct purchase_history *rows; /* in the order of scanning; free() */
    size_t n, capacity;
};
extern const struct operator purchases_operator;

/* Adds a customer's history to an array that grows; used by whoever makes histories. */
void purchases_add(struct purchase_history **rows, size_t *n, size_t *capacity,
                   const struct purchase_history *row);
/* One more day of a history, if it counts: the sum of its amounts, and of their absolute values (0 without amounts). */
void purchase_day(struct purchase_history *history, int32_t day, double sum, double moved);

#endif
