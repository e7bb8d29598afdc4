/*
 * Variants: the distinct sequences that cases follow, how many cases each, how long they last.
 *
 * A sequence is looked up by its 64-bit hash and then compared; each distinct one is kept once.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_VARIANTS_H
#define SENDA_JOURNEY_VARIANTS_H

#include "journey/cases.h"
#include "journey/spread.h"

struct variant {
    const uint16_t *path; /* [n] codes */
    uint32_t n;
    uint64_t cases, hash;
    struct spread lengths; /* of its cases, first to last interaction */
};

struct variants_spec {
    enum flow_case cases;
    const struct slice *names;    /* by code; for the order of equal counts */
    const struct case_pick *pick; /* only these cases; NULL: all */
    uint32_t n_names;
    const uint16_t *path; /* people: only cases of this path; NULL if not asked */
    uint32_t n_path;
    struct owner_set *behind;
};

struct variants_state;
struct variants_state *variants_new(const struct variants_spec *spec, struct spread_budget *budget);
void variants_free(struct variants_state *state);
extern const struct operator variants_operator;
/* After the scan: the result is in states[0]. */
void variants_finish(struct variants_state *const *states, size_t n);

uint64_t variants_cases(const struct variants_state *state);
struct spread *variants_lengths(struct variants_state *state); /* of all cases */
/* All of them, by cases descending, then by the names of their paths bytewise. Valid until variants_free. */
struct variant *variants_sorted(struct variants_state *state, size_t *n);

#endif
