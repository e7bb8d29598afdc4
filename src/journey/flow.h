/*
 * The directly-follows graph: how often one thing follows another, in how many cases, after how long.
 *
 * Edges live in a dense matrix up to FLOW_DENSE names (counts, cases and the stamp of the last case side by side: one
 * cache line serves an event), beyond that in a hash table. The count of a node is what enters it and what starts there.
 *
 * SOURCE  W. van der Aalst, Process Mining, 2nd edition, 2016 (directly-follows graphs); identical to pm4py 2.7.11 on the logs of the tests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_FLOW_H
#define SENDA_JOURNEY_FLOW_H

#include "journey/cases.h"
#include "journey/spread.h"

enum { FLOW_DENSE = 512 };

struct flow_edge {
    uint32_t from_to; /* from << 16 | to */
    uint32_t cases;
    uint32_t count;
    uint32_t spread; /* index + 1 of its spread, 0: none */
};

struct flow_spec {
    uint32_t names; /* labels are below this */
    bool durations;
    enum flow_case cases;
    const struct people *people;
    const struct case_pick *pick; /* only these cases; NULL: all */
    uint16_t node, from, to;      /* codes asked for by people; 0: not asked */
    struct owner_set *behind;
};

struct flow_node {
    uint64_t count, starts, ends;
};

struct flow_state;
struct flow_state *flow_new(const struct flow_spec *spec, struct spread_budget *budget);
void flow_free(struct flow_state *state);
extern const struct operator flow_operator;
/* Case by property: after the scan, with all threads' states; the result is in states[0]. */
void flow_finish(struct flow_state *const *states, size_t n);

uint64_t flow_cases(const struct flow_state *state);
/* Of all names below spec.names. */
void flow_nodes(const struct flow_state *state, struct flow_node *nodes);
/* Edges with count > 0, in no order; free() the array. */
struct flow_edge *flow_edges(const struct flow_state *state, size_t *n);
/* NULL when durations were not wanted. */
struct spread *flow_spread(struct flow_state *state, const struct flow_edge *edge);
/* Of all cases, first to last interaction; NULL when durations were not wanted. */
struct spread *flow_case_spread(struct flow_state *state);

#endif
