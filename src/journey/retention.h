/*
 * Retention: of the customers who began in a period, how many came back in the periods after.
 *
 * A customer's cohort is the bucket of their first interaction that matches `start`. Returns are interactions from that
 * one on (itself included) that match `back`.
 *   calendar   bucket(return) - bucket(start)
 *   rolling    floor((return - start) / length), length 86,400 s, 7 d or 30 d
 *   unbounded  counts in every period up to that of the last return
 * Periods never fall along a customer's order, so one comparison with the last counted period suffices.
 *
 * SOURCE  docs/metrics.md, Retention
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_RETENTION_H
#define SENDA_JOURNEY_RETENTION_H

#include "query/block.h"

struct retention_spec {
    enum retention_measure measure;
    struct bucket_table buckets; /* over all rows */
    int64_t length_ms;           /* rolling */
    uint32_t periods;
    bool all;            /* start and back match everything */
    const uint64_t *lut; /* bit 0: start, bit 1: back */
    struct grouping grouping;
    const struct people *people;
    uint32_t people_cohort, people_group;
    struct owner_set *behind;
};

struct retention_state {
    const struct retention_spec *spec;
    uint64_t *size;     /* [groups][buckets] */
    uint64_t *returned; /* [groups][buckets][periods] */
};

/* NULL when the table would not fit (LIMIT_RETENTION_CELLS). */
enum { LIMIT_RETENTION_CELLS = 8000000 };
struct retention_state *retention_new(const struct retention_spec *spec);
void retention_free(struct retention_state *state);
extern const struct operator retention_operator;
void retention_merge(struct retention_state *into, const struct retention_state *from);
/* After merging: turns the last periods of `unbounded` into counts of every period before. */
void retention_finish(struct retention_state *state);

#endif
