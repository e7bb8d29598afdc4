/*
 * Shared by scan.c (chunks and threads), scan_walk.c (the customers of a chunk), scan_order.c (one customer's runs) and
 * scan_part.c (one part -> a view). Private to backend/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCAN_INTERNAL_H
#define SENDA_BACKEND_SCAN_INTERNAL_H

#include "backend/scan.h"

/* A matcher's conditions in one part. */
struct scan_matcher {
    struct expr_test *where;
    uint32_t n_where;
};

/* A part, prepared for the question. */
struct scan_part {
    const struct part *part;
    bool follows;                      /* begins after all parts before it end */
    bool time_cut;                     /* some rows may lie outside the range */
    bool some_system, some_unlabelled; /* rows that the question drops */
    bool
        as_it_lies; /* no condition beyond time, system and label: rows may be read where they lie */
    struct expr_test *where;
    uint32_t n_where;
    struct scan_matcher of;
    struct scan_matcher matchers[PLAN_MATCHERS];
    struct expr_values by, cases, extras[VIEW_EXTRAS];
    struct expr_number number, weight;
};

/* Tables that all parts share: is a code allowed. NULL: all are. */
struct scan_tables {
    uint8_t *channel, *unit, *of_event, *of_touchpoint, *of_channel, *of_unit, *named;
    uint64_t *event_mask,
        *touchpoint_mask; /* matchers that accept the code; NULL unless masks are computed */
    uint64_t *channel_mask, *unit_mask; /* NULL while no matcher minds them */
    uint64_t skip_system;               /* matchers that interactions of source 0 do not match */
};

/* Memory of one chunk: given back all at once and kept for the next one. */
struct scratch {
    char *p;
    size_t n, capacity;
    void **overflow; /* blocks that did not fit */
    size_t n_overflow;
    size_t missed; /* bytes that did not fit */
};
void *scratch_get(struct scratch *scratch, size_t bytes);
void scratch_reset(struct scratch *scratch);
void scratch_release(struct scratch *scratch);

/* What a thread has in hand. */
struct worker {
    struct scan *scan;
    const struct scan_tables *tables;
    const struct operator* operator;
    void *state;
    struct scratch scratch;
    uint64_t customers, interactions;
    uint64_t *
        seen; /* chunk-relative bits of customers with rows after the filters; only when rows are selected */
    uint32_t chunk_from;
    bool redirects; /* in this chunk */
    int code;
    struct err err;
};

/* Customers [from, to) of the part's list as a view; count: add to worker's interactions and seen. Returns whether any
 * row was left by the filters (before selection). */
bool scan_part_view(struct worker *worker, const struct scan_part *part, uint32_t from, uint32_t to,
                    bool count, struct view *view);

/* Runs of one profile follow each other where their views do; runs of several profiles may interleave anyhow. */
bool scan_in_order(const struct run *runs, size_t n, bool one_profile);
/* Brings the rows of runs into order: what is settled, then one merged run. Returns how many runs. */
uint32_t scan_merge_runs(struct worker *worker, uint32_t owner, const struct run *runs, size_t n,
                         struct run merged[2]);

/* The memory that a thread needs from chunk to chunk. worker must live as long. */
struct walk;
struct walk *scan_walk_new(struct worker *worker);
void scan_walk_free(struct walk *walk);
/* Hands the customers among profiles [from, to) to the operator. */
void scan_walk(struct walk *walk, uint32_t from, uint32_t to);

const struct scan_tables *scan_tables(struct scan *scan, struct arena *arena);
/* A part that was found damaged while it was read gave rows that cannot be trusted: E_CORRUPT. */
must_use int scan_check_parts(const struct scan *scan, struct err *err);

#endif
