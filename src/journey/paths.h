/*
 * Paths: what happens after a starting point, or before an end, as a tree of steps with counts.
 *
 * The root is, in each case, the first interaction that matches `start` (the last that matches `end`). A node is known by
 * its parent and its name; nodes live in one array, found through a hash table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_PATHS_H
#define SENDA_JOURNEY_PATHS_H

#include "journey/cases.h"

struct paths_node {
    uint32_t parent;         /* index; the root (0) is its own */
    uint32_t child, sibling; /* first child, next sibling; 0: none */
    uint16_t label;
    uint64_t cases;   /* that came here */
    uint64_t stopped; /* of them, with nothing further */
};

struct paths_spec {
    enum flow_case cases;
    const uint64_t *lut; /* bit 0: root */
    bool backward, collapse;
    uint32_t depth;
    const uint16_t
        *path; /* people: cases that begin with these labels after the root; NULL if not asked */
    uint32_t n_path;
    struct owner_set *behind;
};

struct paths_state;
struct paths_state *paths_new(const struct paths_spec *spec);
void paths_free(struct paths_state *state);
extern const struct operator paths_operator;
void paths_finish(struct paths_state *const *states, size_t n);
const struct paths_node *paths_nodes(const struct paths_state *state, size_t *n);

#endif
