/*
 * What operators see: rows of customers as columns, in customer's order, filtered already. The hot path of the product
 * is a loop over these arrays.
 *
 * A view is a piece of one part, either the part's own arrays (nothing copied: row numbers are the part's) or columns
 * made for the question (rows that the filters left, masks, groups, numbers). A run is a customer's rows inside a
 * view; a customer is one run or several, in order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_BLOCK_H
#define SENDA_QUERY_BLOCK_H

#include "base/arena.h"
#include "base/zone.h"
#include "query/plan.h"
#include "timeline/part.h"

enum { VIEW_EXTRAS = 12 };

/* Columns nobody asked for are NULL. */
struct view {
    uint32_t n;                       /* customers */
    const uint32_t *customer, *start; /* [n] ascending, [n + 1] */
    const uint32_t *sec;
    const uint16_t *ms;
    const uint16_t *label;      /* codes of the question's level */
    const uint16_t *key;        /* mask of a row is lut[key[row]], unless: */
    const uint64_t *mask;       /* bit m: the row matches matcher m */
    const uint16_t *group_code; /* by a column of codes */
    const uint32_t *group;      /* by a property: number in the table of values, 0: none */
    const uint32_t *case_value; /* the case's property: number in its table of values, 0: none */
    const double *number;       /* the measured property, NaN: none */
    const double *weight;       /* what a row counts for, NaN: 1 */
    const uint32_t *extra[VIEW_EXTRAS]; /* further properties, like case_value */
    const uint64_t
        *seq; /* of a view merged of several, where origins are asked for; else NULL: … */
    const uint32_t *profile; /* … see view_seq and view_profile */
    const struct part *part; /* where the rows come from … */
    const uint32_t *row;     /* … and their rows there; NULL: the same numbers */
    bool follows;            /* every row is later than all rows of the views before it */
};

struct run {
    const struct view *view;
    uint32_t from, to; /* rows of the view, half-open, from < to */
};

/* The row of the part. */
static inline uint32_t view_row(const struct view *view, uint32_t row) {
    return view->row ? view->row[row] : row;
}

static inline uint64_t view_seq(const struct view *view, uint32_t row) {
    return view->seq ? view->seq[row] : view->part->seq_base + view->part->seq[view_row(view, row)];
}

/* Whose row it was when it came: a view of a customer's other profile holds that profile alone. */
static inline uint32_t view_profile(const struct view *view, uint32_t row, uint32_t owner) {
    return view->profile ? view->profile[row] : view->n == 1 ? view->customer[0] : owner;
}

static inline int64_t view_time_ms(const struct view *view, uint32_t row) {
    return (int64_t)view->sec[row] * 1000 + view->ms[row];
}

static inline uint64_t view_mask(const struct view *view, const uint64_t *lut, uint32_t row) {
    return view->mask ? view->mask[row] : lut[view->key[row]];
}

/* A customer with all rows. */
struct customer_runs {
    uint32_t owner, n;      /* n >= 1 */
    const struct run *runs; /* [n] in order */
};

/* An operator: a pure function over views. Each thread has a state of its own; a customer comes once. One of the two:
 * customers() takes many at a time, for loops that a call for each customer would slow down. */
struct operator{
    void (*customers)(void *state, const struct customer_runs *customers, size_t n);
    void (*customer)(void *state, uint32_t owner, const struct run *runs, size_t n);
};

/* Local buckets of a stretch of time as a table: instant -> number without a search. Boundaries are whole seconds. */
struct bucket_table {
    uint32_t n;              /* buckets */
    uint32_t base_s;         /* begin of bucket 0, clipped to 0 */
    uint32_t limit_s;        /* seconds - base_s below this have a bucket */
    unsigned shift;          /* a block of 1 << shift seconds holds at most one boundary */
    const uint32_t *first;   /* bucket at the begin of each block */
    const uint32_t *bound;   /* [n + 1] begin of each bucket, seconds since base_s; the last: end */
    const int64_t *begin_ms; /* [n + 1] the same in UTC ms, unclipped */
};

/* Buckets that cover [from_ms, to_ms). E_INVALID when there are more than max. */
must_use int bucket_table_init(struct bucket_table *table, const struct zone *zone,
                               enum bucket every, int64_t from_ms, int64_t to_ms, uint32_t max,
                               struct arena *arena, struct err *err);

/* sec must lie in the stretch. Branch-free. */
static inline uint32_t bucket_of(const struct bucket_table *table, uint32_t sec) {
    uint32_t offset = sec - table->base_s, bucket = table->first[offset >> table->shift];
    return bucket + (offset >= table->bound[bucket + 1]);
}

/* The `by` of a question as a small number per row or customer. */
enum group_kind { GROUP_NONE, GROUP_CODE, GROUP_VALUE, GROUP_OWNER, GROUP_WEEK };

struct grouping {
    enum group_kind kind;
    uint32_t n;               /* groups: numbers are below this */
    const uint32_t *by_owner; /* GROUP_OWNER: [profiles + 1] */
    struct bucket_table weeks;
};

static inline uint32_t group_of(const struct grouping *grouping, const struct view *view,
                                uint32_t row, uint32_t owner) {
    switch (grouping->kind) {
    case GROUP_CODE: return view->group_code[row];
    case GROUP_VALUE: return view->group[row];
    case GROUP_OWNER: return grouping->by_owner[owner];
    case GROUP_WEEK: return bucket_of(&grouping->weeks, view->sec[row]);
    default: return 0;
    }
}

/* A set of customers, one bit each; threads own whole words. */
struct owner_set {
    uint32_t n; /* numbers are below this */
    uint64_t *bits;
};
void owner_set_init(struct owner_set *set, uint32_t n, struct arena *arena);
static inline bool owner_set_has(const struct owner_set *set, uint32_t owner) {
    return set->bits[owner >> 6] >> (owner & 63) & 1;
}
static inline void owner_set_put(struct owner_set *set, uint32_t owner, bool in) {
    uint64_t bit = UINT64_C(1) << (owner & 63);
    set->bits[owner >> 6] = in ? set->bits[owner >> 6] | bit : set->bits[owner >> 6] & ~bit;
}
uint64_t owner_set_count(const struct owner_set *set);

/* Distinct property values as small numbers, from 1; 0 stands for none (absent, null, nested). 5 and 5.0 are one. */
struct value_table {
    struct value *values; /* [n], values[0] is VALUE_NULL */
    uint32_t n, capacity;
    uint32_t *slots;
    uint32_t n_slots;
    struct arena arena; /* texts */
};
void value_table_init(struct value_table *table);
void value_table_release(struct value_table *table);
uint32_t value_table_add(struct value_table *table, const struct value *value);
/* 0 if it is not there. */
uint32_t value_table_find(const struct value_table *table, const struct value *value);

#endif
