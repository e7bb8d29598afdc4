/*
 * Which profile belongs to which: a forest in memory. An edge leads from a profile to the one it was merged into; the
 * root owns the whole tree. Edges are kept as they came (no path is shortened), so that taking one back is exact.
 *
 * COST  24 bytes a redirected profile at a load of 2/3; root and target take a probe a step.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_REDIRECTS_H
#define SENDA_CUSTOMER_REDIRECTS_H

#include <stddef.h>
#include <stdint.h>

#include "timeline/overlay.h"

struct redirects {
    struct redirect_edge *edges; /* by profile */
    struct redirect_head *heads; /* by target: its first child */
    size_t n, capacity, n_heads, heads_capacity;
};
void redirects_init(struct redirects *redirects);
void redirects_release(struct redirects *redirects);

/* Where a profile leads, 0: nowhere. */
uint32_t redirects_target(const struct redirects *redirects, uint32_t profile);
uint32_t redirects_root(const struct redirects *redirects, uint32_t profile);
/* profile must lead nowhere yet and not be the root of target. */
void redirects_add(struct redirects *redirects, uint32_t profile, uint32_t target);
void redirects_remove(struct redirects *redirects, uint32_t profile);
/* The profile's own children: the first, and the next one of a child; 0: none. */
uint32_t redirects_child(const struct redirects *redirects, uint32_t profile);
uint32_t redirects_sibling(const struct redirects *redirects, uint32_t child);
/* One block, for free(). */
struct overlay *redirects_overlay(const struct redirects *redirects, uint64_t version);

#endif
