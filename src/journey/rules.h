/*
 * Rules: which customers a rule holds for.
 *
 * IN:  a rule (query/plan.h), interactions and current traits
 * OUT: a set of customers
 *
 * Every `did` of the rule is a matcher with a window; the operator counts, for each customer, the matching interactions
 * of each, then the tree decides. Windows that are equal are walked together, from the customer's last interaction
 * backwards, so that "in the last 30 days" reads 30 days.
 *
 * COST  With one window and up to LANES matchers by event, all counts are one word of 16-bit lanes and a row costs one
 * addition; the tree is asked only of customers with a count.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_RULES_H
#define SENDA_JOURNEY_RULES_H

#include "query/block.h"

struct rule_leaf {
    const struct rule *rule; /* RULE_DID */
    uint32_t window;         /* index of its window */
};

struct rule_window {
    int64_t from_ms, to_ms;
    uint64_t leaves; /* bits */
};

struct rule_trait {
    const struct rule *rule;  /* RULE_TRAIT */
    const uint32_t *by_owner; /* number of the current value, 0: none; NULL: of few, see members */
    const uint8_t *holds;     /* [values] whether the predicate holds for each number */
    struct owner_set members; /* of few: those it holds for */
};

/* A leaf that is decided before the rule runs (sequence, answered, in, value). */
struct rule_set {
    const struct rule *rule;
    struct owner_set members;
};

struct rule_spec {
    const struct rule *root;
    struct rule_leaf leaves[PLAN_MATCHERS];
    struct rule_window windows[PLAN_MATCHERS];
    struct rule_trait *traits;
    struct rule_set *sets;
    uint32_t n_leaves, n_windows, n_traits, n_sets;
    const uint64_t *lut; /* bit: leaf */
    uint64_t *
        packed; /* [65536] of few leaves: 1 in the lane of each that a code matches; NULL: not used */
    struct owner_set *members;
};

/* Collects leaves and windows; E_INVALID beyond PLAN_MATCHERS. traits[].rule and sets[].rule are
 * set, the caller fills the rest. */
must_use int rule_spec_init(struct rule_spec *spec, const struct rule *rule,
                            struct owner_set *members, struct arena *arena, struct err *err);
/* After lut is set: makes packed where the rule allows it. */
void rule_spec_pack(struct rule_spec *spec, struct arena *arena);
/* For a customer with these counts (one a leaf). */
bool rule_holds(const struct rule_spec *spec, const uint32_t *counts, uint32_t owner);

/* State of a thread is the struct itself: set spec. Writes members for every customer with a counted interaction; the
 * caller has filled in what holds for all others. */
struct rule_state {
    const struct rule_spec *spec;
    uint32_t counts[PLAN_MATCHERS];
};
extern const struct operator rule_operator;

#endif
