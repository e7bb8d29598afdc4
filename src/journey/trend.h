/*
 * Trends: a measure of interactions by bucket of time and by group.
 *
 * Customers come one after the other, so counting distinct ones needs the last customer of each cell only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_TREND_H
#define SENDA_JOURNEY_TREND_H

#include "query/block.h"

struct trend_spec {
    enum measure measure;
    struct bucket_table buckets;
    struct grouping grouping;
    const uint32_t *place; /* [grouping.n] column of each group, NULL: the same */
    uint32_t columns;      /* of the table */
    const struct people *people;
    uint32_t people_bucket, people_group; /* UINT32_MAX bucket: all */
    struct owner_set *behind;
};

/* Count in the low, distinct customers in the high half. */
struct trend_cell {
    uint64_t count_customers;
    uint32_t last;
};
static inline uint32_t trend_count(const struct trend_cell *cell) {
    return (uint32_t)cell->count_customers;
}
static inline uint32_t trend_customers(const struct trend_cell *cell) {
    return (uint32_t)(cell->count_customers >> 32);
}

struct trend_sum {
    uint64_t n;
    long double sum;
};

struct trend_state {
    const struct trend_spec *spec;
    struct trend_cell *cells; /* [buckets][columns] */
    struct trend_sum *sums;   /* the same shape; for sum and mean only */
};

struct trend_state *trend_new(const struct trend_spec *spec);
void trend_free(struct trend_state *state);
extern const struct operator trend_operator;
void trend_merge(struct trend_state *into, const struct trend_state *from);

#endif
