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

/* The score of a cell: NPS in points, a share, or a mean. Weighted: with the effective number of answers (Kish). */
struct estimate score_estimate(enum score_kind kind, bool weighted, const struct score_cell *cell);
/* Kish's effective number: (Σw)² / Σw². */
double score_effective(const struct score_cell *cell);
/* Change from one cell to a later one, unweighted; all NAN where either is empty. */
struct difference score_change(enum score_kind kind, const struct score_cell *before,
                               const struct score_cell *after);
/* Adds n, value, low, high, too_few and what the kind adds (promoters, neutral, detractors; n_eff and unweighted). */
void score_row(json_t *row, enum score_kind kind, bool weighted, const struct score_cell *cell);

#endif
