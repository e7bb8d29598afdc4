/*
 * The scan: what remains of the timeline after the filters, customer by customer, fed to an operator.
 *
 * Profiles are cut into chunks of about scan_tuning.chunk_rows rows; threads take chunks from a counter. In a chunk, each part
 * becomes a view: its own arrays where the question needs nothing else (nothing is copied), or columns made of the rows
 * that the filters left (compaction without branches, conditions decided per value of a dictionary). Then the
 * customers of the chunk are walked over all views together. Parts of different ranges of time follow each other, so a
 * customer's runs are mostly in order already; runs that interleave (late events, merged customers) are merged for
 * that customer alone.
 *
 * INVARIANTS
 *  1. A customer (owner) is handed to exactly one thread, once, with all rows of all its profiles.
 *  2. Chunks begin at multiples of 64 profiles: threads write whole words of owner sets.
 *  3. Between chunks the asker's patience is checked: E_TIMEOUT, E_CANCELLED.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCAN_H
#define SENDA_BACKEND_SCAN_H

#include "backend/backend.h"
#include "backend/expr.h"
#include "timeline/timeline.h"

enum { SCAN_THREADS = 2 };

/* How work is cut. Tests make both small, so that short histories meet several chunks and threads. */
struct scan_tuning {
    uint32_t chunk_rows; /* about so many in a chunk */
    uint32_t small_rows; /* up to so many, one thread does it */
};
extern struct scan_tuning scan_tuning;

/* How long the asker waits. */
struct patience {
    struct query_control *control; /* may be NULL */
    int64_t deadline_us;           /* clock_monotonic_us */
};
/* 0, E_TIMEOUT or E_CANCELLED. */
must_use int patience_check(const struct patience *patience, struct err *err);

/* What a question wants to see. Zero: everything, times and masks only. */
struct scan_spec {
    enum part_kind kind;      /* interactions, or answers */
    struct filter filter;     /* range, where, channels, units */
    const struct matcher *of; /* removes like a filter; NULL: none */
    bool drop_system;         /* interactions of source 0, but those of the named events */
    const uint16_t *named;
    uint32_t n_named;
    bool label; /* wanted; interactions without one are removed */
    enum flow_level level;
    const struct matcher *matchers[PLAN_MATCHERS]; /* bit m of masks */
    uint32_t n_matchers;
    bool select;     /* rows that match none need not be handed over (they are counted) */
    bool compact;    /* with select: they never are, so the operator does not look at masks */
    enum by_kind by; /* channel, unit, touchpoint, event, property: a column of groups */
    uint32_t by_property, case_property, number_property, weight_property; /* 0: not wanted */
    struct value_table *by_values, *case_values; /* filled by scan_prepare */
    bool case_numbers; /* values of case_property that are no numbers are none */
    uint32_t extra_properties[VIEW_EXTRAS], n_extras;
    struct value_table *extra_values; /* [n_extras] filled by scan_prepare */
    bool every_column;                /* the caller reads other columns of the parts by itself */
    bool origins;                     /* the operator asks for view_seq and view_profile */
    bool unordered;                  /* the operator does not mind the order of a customer's runs */
    const struct owner_set *members; /* only these customers; NULL: all */
    bool
        few; /* members are few, or there is one (scan_one): each is looked up by itself, and tables of values hold only what
                 was met, so they grow during the scan */
};

struct scan_part;
struct scan {
    const struct scan_spec *spec;
    const struct snapshot *snapshot;
    const struct overlay *overlay;
    const struct patience *patience;
    struct scan_part *parts;
    size_t n_parts;
    uint32_t profiles, chunk, threads;
    uint64_t rows;          /* of all parts, before filters */
    int64_t min_ms, max_ms; /* of the rows within the range, at most; min > max: none */
    uint64_t *lut;       /* [65536] masks by the code of key_column, or NULL: views carry masks */
    unsigned key_column; /* COLUMN_EVENT or COLUMN_TOUCHPOINT */
    uint64_t customers, interactions; /* after filters; set by scan_run */
};

/* Picks and checks parts, prepares conditions. arena must live as long as the scan. */
must_use int scan_prepare(struct scan *scan, const struct scan_spec *spec,
                          const struct snapshot *snapshot, const struct patience *patience,
                          struct arena *arena, struct err *err);
/* Keeps the choice of parts but hands over all their rows: the operator minds the time itself. */
void scan_ignore_range(struct scan *scan);
/* states: one for each of scan->threads. */
must_use int scan_run(struct scan *scan, const struct operator* operator, void * const * states,
                      struct err *err);
/* One customer only (an owner), with the same filters. */
must_use int scan_one(struct scan *scan, uint32_t owner, const struct operator* operator,
                      void * state, struct err *err);

/* Puts every customer with a row into an owner_set, the state of all threads. */
extern const struct operator scan_seen_operator;

/* Numbers of the current value of a trait, by owner: [profiles + 1]. */
must_use int scan_traits(const struct snapshot *snapshot, uint32_t trait, struct value_table *table,
                         struct arena *arena, uint32_t **by_owner, struct err *err);
/* Those of a few owners whose current value the predicate holds for: at the price of their own rows, and no table of everybody. */
must_use int scan_traits_few(const struct snapshot *snapshot, const struct predicate *predicate,
                             const struct owner_set *few, struct arena *arena,
                             struct owner_set *holds, struct err *err);

#endif
