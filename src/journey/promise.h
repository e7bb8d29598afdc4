/*
 * Promises: what became of each, by bucket of time and group. Semantics: query/plan.h, 9.
 *
 * A customer is walked from the last interaction backwards: then the next one that keeps (or breaks) is known at each
 * promise, for each value of the key, in one array. So a customer costs one step a row, however long the window is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_PROMISE_H
#define SENDA_JOURNEY_PROMISE_H

#include "query/block.h"

/* One promise of one customer. */
struct promise_made {
    int64_t at_ms, due_ms,
        met_ms; /* met: when `then` came, also late; INT64_MAX: not yet. due: of answers and bounds at_ms */
    enum promise_state state;
    uint32_t group;
    uint64_t
        seq; /* of the interaction that made it, and its profile; 0 where scan_spec.origins does not ask */
    uint32_t profile;
};

struct promise_spec {
    enum promise_kind kind;
    const uint64_t
        *lut; /* masks of rows: bit 0 makes a promise, bit 1 keeps or breaks it (bound: its own) */
    bool origins; /* promises are told with seq and profile */
    int64_t window_ms, end_ms;
    bool keyed;
    struct bucket_table buckets; /* one that holds everything, where nobody asked for time */
    struct grouping grouping;
    uint32_t columns;
    const struct people *people;
    uint32_t people_bucket, people_group;                         /* UINT32_MAX bucket: all */
    struct owner_set *behind;                                     /* or NULL */
    void (*tell)(void *context, const struct promise_made *made); /* newest first; or NULL */
    void *context;
};

/* By state; at risk are counted among the pending too. */
struct promise_cell {
    uint64_t n[PROMISE_STATES];
    uint64_t customers; /* of cells put together: of the largest, at least */
    uint32_t last;      /* owner that was counted last, and 1 */
};

/* When what keeps (or breaks) comes next, if this is the customer. */
struct promise_next {
    int64_t ms;
    uint32_t owner;
};

struct promise_count {
    const struct promise_spec *spec;
    struct promise_cell *cells; /* [buckets][columns] */
    struct promise_next *next;  /* [keys] by the number of the key's value, 0 without a key */
    uint32_t keys;
};

struct promise_count *promise_new(const struct promise_spec *spec);
void promise_free(struct promise_count *state);
extern const struct operator promise_operator;
void promise_merge(struct promise_count *into, const struct promise_count *from);

#endif
