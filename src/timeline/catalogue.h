/*
 * The timeline's tables in the records: which part files count, how far they reach, the ranges of time, the rules.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_CATALOGUE_H
#define SENDA_TIMELINE_CATALOGUE_H

#include "base/limits.h"
#include "store/store.h"
#include "timeline/timeline.h"

/* One listed part. */
struct catalogue_part {
    uint32_t number, rules_version;
    enum part_kind kind;
    uint32_t rows;
    uint64_t bytes;
    int64_t min_ms, max_ms;
    uint64_t min_seq, max_seq;
};

/* First instants of all ranges but the oldest, ascending. */
struct boundaries {
    uint32_t n;
    int64_t ms[LIMIT_TIME_RANGES - 1];
};

struct catalogue {
    bool exists; /* there is a row of state */
    uint64_t covered;
    uint32_t rules_version;
    struct boundaries boundaries;
    size_t n_parts;
    struct catalogue_part *parts; /* by number; in the arena */
    size_t n_rules;
    struct touchpoint_rule *rules; /* in the arena */
};

must_use int catalogue_read(struct store *store, struct catalogue *catalogue, struct arena *arena,
                            struct err *err);

/* What one transaction changes. Not from the writer thread. */
struct catalogue_change {
    const uint32_t *removed;
    size_t n_removed;
    const struct catalogue_part *added;
    size_t n_added;
    uint64_t covered;
    struct boundaries boundaries;
    uint32_t rules_version;
    const struct touchpoint_rule
        *rules; /* the new set, if new_rules: all listed parts follow rules_version then */
    size_t n_rules;
    bool new_rules;
};
must_use int catalogue_write(struct store *store, const struct catalogue_change *change,
                             struct err *err);

/* Adds the names of the rules' touchpoints to the dictionary. E_TOO_LARGE when it is full. */
must_use int catalogue_add_names(struct store *store, struct dictionary *dictionary,
                                 const struct touchpoint_rule *rules, size_t n, struct err *err);

#endif
