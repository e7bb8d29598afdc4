/*
 * Cases: the sequences that flow, variants and paths read. A case is a customer, a session of a customer (a gap of more
 * than SESSION_GAP_MS ends it), or all interactions that bear the same value of a property, whoever they belong to.
 *
 * With a `by`, a case belongs to the value of its first interaction: cases are counted by value first, then each value that is
 * shown is a run of its own over the cases that case_picked lets through.
 *
 * The adapter is itself an operator: it copies a customer's rows out of the views and hands over case by case. Cases by
 * property are gathered first (rows without it are left out; runs may come in any order, straight from the parts) and
 * handed over by cases_finish, in order of the value's number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_CASES_H
#define SENDA_JOURNEY_CASES_H

#include "query/block.h"

struct case_rows {
    uint32_t n;             /* >= 1 */
    const uint16_t *label;  /* codes of the level */
    const int64_t *time_ms; /* never falling */
    const uint64_t *mask;   /* NULL when nobody asked */
    const uint32_t *owner;  /* of each row */
    uint32_t group;         /* of the first row, where there is a grouping */
};

struct gathered_row {
    uint32_t value; /* number of the property's value */
    uint32_t owner;
    int64_t time_ms;
    uint64_t seq, mask;
    uint32_t group;
    uint16_t label;
};

struct case_adapter {
    enum flow_case kind;
    const uint64_t *lut;             /* masks by key, or NULL */
    bool masks;                      /* wanted */
    const struct grouping *grouping; /* NULL: none */
    void (*visit)(void *context, const struct case_rows *rows);
    void *context;
    uint16_t *label; /* scratch */
    int64_t *time_ms;
    uint64_t *mask;
    uint32_t *owner, *group;
    uint32_t capacity;
    struct gathered_row *gathered;
    size_t n_gathered, gathered_capacity;
};

/* A customer's runs, for use inside an operator's customer(). */
void cases_customer(struct case_adapter *adapter, uint32_t owner, const struct run *runs, size_t n);
/* By property only: visits every case of the gathered rows of all threads; empties them. */
void cases_finish(struct case_adapter *const *adapters, size_t n, struct case_adapter *visitor);
void cases_release(struct case_adapter *adapter);

/* Which cases a run is about. */
struct case_pick {
    const struct grouping *grouping;
    const uint32_t *place; /* [grouping->n] columns of groups; NULL: groups themselves */
    uint32_t wanted;       /* column or group */
};
static inline bool case_picked(const struct case_pick *pick, const struct case_rows *rows) {
    return !pick || (pick->place ? pick->place[rows->group] : rows->group) == pick->wanted;
}

/* Counts cases by group, as an operator. counts: [grouping->n], the caller's. */
struct case_counter {
    struct case_adapter adapter;
    uint64_t *counts;
};
extern const struct operator case_counter_operator;
void case_counter_init(struct case_counter *counter, enum flow_case kind,
                       const struct grouping *grouping, uint64_t *counts);
/* After the scan: the cases by property of all threads are counted in counters[0]. */
void case_counter_finish(struct case_counter *counters, size_t n);

#endif
