/*
 * The k-anonymity floor: who sees aggregates only (viewers, public pages) never sees a number about fewer than
 * principal.floor customers.
 *
 * Works on the finished answer, on the one way that every question takes (query_run), so that no route goes around it.
 *
 *  1. An answer about 1 … floor-1 customers altogether has no data.
 *  2. A cell about 1 … floor-1 customers loses its numbers and gets "suppressed": true. A group that has no cell above is
 *     left out with its name, which may itself tell who it is (by e-mail); so are nodes, edges, variants and branches.
 *  3. Where a row or a column of cells has lost one, or several that make up fewer customers than the floor together,
 *     the smallest of the others goes too, so that the lost one is not the difference to the total.
 *  4. What another number would tell goes with it: shares of a step that is hidden, averages over a hidden cohort, the other
 *     starts and ends of a graph, what stopped on a path. So does what would tell of few by its difference: a step of a funnel that
 *     lost few, a period in which all but few returned. The shortest and the longest case are somebody's, so they go, too.
 *  5. Scores and promises are counted by customers, not by answers; of a distribution the bars about few answers go, and of a
 *     promise how often it was kept and broken where one is few. The score of a group that is shown is shown, whatever it is.
 *  6. meta.suppressed says how many cells went.
 *
 * What it does not do: two questions whose filters differ by one person may differ by that person. Askers who aggregate
 * only have therefore no list of people, no single timeline, and no cases but customers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_FLOOR_H
#define SENDA_BACKEND_FLOOR_H

#include <jansson.h>

#include "query/plan.h"

/* Is this a question for somebody who sees aggregates only? E_FORBIDDEN. */
must_use int floor_permits(const struct plan *plan, struct err *err);
/* customers: of a trend, the answer to the same question that counts customers (not taken); else NULL. */
/* The same for plain counts that make up a total somebody may know: those to be hidden get true (rules 2 and 3). */
void floor_counts(unsigned floor, const uint64_t *counts, size_t n, bool *hidden);
void floor_apply(const struct plan *plan, unsigned floor, const json_t *customers, json_t *answer);

#endif
