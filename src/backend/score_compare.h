/*
 * Comparing the rows of a score: each against all others together, with what may be concluded and what may not.
 *
 * A row is ranked only where no interval of two neighbours overlaps; rows with too few answers never are, countries by NPS never
 * (people of different countries use the scale differently). More than five comparisons at once are adjusted (Benjamini and
 * Hochberg, 10 %).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_COMPARE_H
#define SENDA_BACKEND_SCORE_COMPARE_H

#include "backend/score_row.h"

struct score_compared {
    json_t *row; /* borrowed */
    struct score_sums sums;
    uint64_t n;
    bool apart; /* "(other)", null: part of the whole, not compared */
};

/* Adds to each row "difference" {"value","low","high","p","q"} from all others, "standing" (above, below, like, too_few, or
 * null) and "rank". New reference: {"against","tests","adjusted","ranking":{"allowed","reason"}}. */
json_t *score_compare(struct score_compared *rows, size_t n, enum score_kind kind, bool unranked);

#endif
