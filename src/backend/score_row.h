/*
 * One row of a score's answer, from what its answers add up to: value, interval, change. Shared by the backends, which
 * count apart; the formulas are stats/interval.h's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_ROW_H
#define SENDA_BACKEND_SCORE_ROW_H

#include <jansson.h>

#include "journey/score.h"
#include "stats/interval.h"

/* Fewer answers than this are "too_few": shown with their interval, never ranked. */
enum { SCORE_FEW = 30 };

/* Answers that add up: of weighted ones the effective number (Kish), scaled to it. */
struct score_sums {
    double n, sum, squares;
};
struct score_sums score_sums(const struct score_cell *cell, bool weighted);
/* NPS in points, a share, or a mean. */
struct estimate score_estimate(enum score_kind kind, struct score_sums sums);
/* Change from one to a later one; all NAN where either is empty. */
struct difference score_change(enum score_kind kind, struct score_sums before,
                               struct score_sums after);
json_t *score_difference_json(struct difference difference); /* {"value","low","high","p"} */
/* Adds n, value, low, high, too_few, flagged and what the kind adds (promoters, neutral, detractors; n_eff, standard_error
 * and the unweighted number with its interval). */
void score_row(json_t *row, enum score_kind kind, bool weighted, const struct score_cell *cell);

#endif
