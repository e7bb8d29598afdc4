/*
 * SOURCES  docs/metrics.md; stats/interval.h; effective number of weighted answers: L. Kish, Survey Sampling (1965) 11.7.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_row.h"

#include <math.h>

#include "backend/local.h"

/* Kish's effective number: (Σw)² / Σw². */
static double score_effective(const struct score_cell *cell) {
    return cell->weight2 > 0 ? cell->weight * cell->weight / cell->weight2 : 0;
}

/* n answers with the sum of points and of their squares; of weighted answers the effective ones. */
static struct estimate estimate_of(enum score_kind kind, double n, double sum, double squares) {
    double mean = n > 0 ? sum / n : (double)NAN, spread = squares - n * mean * mean;
    switch (kind) {
    case SCORE_NPS: return nps_estimate((squares + sum) / 2, (squares - sum) / 2, n, CONFIDENCE_95);
    case SCORE_SHARE: return share_estimate(sum, n, CONFIDENCE_95);
    default: /* what rounding leaves of equal values is no spread */
        return mean_estimate(n, mean, spread > 1e-12 * squares ? spread : 0, CONFIDENCE_95);
    }
}

struct score_sums score_sums(const struct score_cell *cell, bool weighted) {
    if (!weighted)
        return (struct score_sums){(double)cell->n, cell->sum, cell->squares};
    double n = score_effective(cell), scale = n > 0 ? n / cell->weight : 0;
    return (struct score_sums){n, cell->weighted * scale, cell->weighted2 * scale};
}

struct estimate score_estimate(enum score_kind kind, struct score_sums sums) {
    return estimate_of(kind, sums.n, sums.sum, sums.squares);
}

/* Standard error of a mean. */
static double mean_error(struct score_sums sums) {
    double mean = sums.sum / sums.n;
    return sums.n > 1 ? sqrt((sums.squares - sums.n * mean * mean) / (sums.n - 1) / sums.n)
                      : (double)NAN;
}

static double nps_error(struct score_sums sums) {
    return nps_standard_error((sums.squares + sums.sum) / 2, (sums.squares - sums.sum) / 2, sums.n);
}

struct difference score_change(enum score_kind kind, struct score_sums before,
                               struct score_sums after) {
    switch (kind) {
    case SCORE_SHARE:
        return share_difference(before.sum, before.n, after.sum, after.n, CONFIDENCE_95);
    case SCORE_NPS:
        return difference_of(100 * before.sum / before.n, nps_error(before),
                             100 * after.sum / after.n, nps_error(after), CONFIDENCE_95);
    default:
        return difference_of(before.sum / before.n, mean_error(before), after.sum / after.n,
                             mean_error(after), CONFIDENCE_95);
    }
}

json_t *score_difference_json(struct difference difference) {
    return json_pack("{s:o, s:o, s:o, s:o}", "value", json_of_number(difference.value), "low",
                     json_of_number(difference.low), "high", json_of_number(difference.high), "p",
                     json_of_number(difference.p));
}

/* Linearised, the weights held fixed. */
static double weighted_error(enum score_kind kind, const struct score_cell *cell) {
    double n = (double)cell->n, mean = cell->weighted / cell->weight;
    double squares =
        cell->square_squares - 2 * mean * cell->square_points + mean * mean * cell->weight2;
    if (!(squares > 1e-12 * cell->square_squares)) /* what rounding leaves of equal values */
        squares = 0;
    return n > 1 && cell->weight > 0
               ? (kind == SCORE_NPS ? 100 : 1) * sqrt(n / (n - 1) * squares) / cell->weight
               : (double)NAN;
}

static void add_weighted(json_t *row, enum score_kind kind, const struct score_cell *cell) {
    struct estimate plain = score_estimate(kind, score_sums(cell, false));
    json_object_set_new(row, "n_eff", json_of_number(score_effective(cell)));
    json_object_set_new(row, "standard_error", json_of_number(weighted_error(kind, cell)));
    json_object_set_new(row, "unweighted", json_of_number(plain.value));
    json_object_set_new(row, "unweighted_low", json_of_number(plain.low));
    json_object_set_new(row, "unweighted_high", json_of_number(plain.high));
}

static void add_flagged(json_t *row, const struct score_cell *cell) {
    json_int_t all = 0;
    json_t *reasons = json_object();
    for (int reason = 1; reason < ASKED_REASONS; reason++) {
        all += cell->flagged[reason];
        if (cell->flagged[reason])
            json_object_set_new(reasons, asked_text((enum asked)reason),
                                json_integer(cell->flagged[reason]));
    }
    json_object_set_new(row, "flagged", json_integer(all));
    if (all)
        json_object_set(row, "flagged_reasons", reasons);
    json_decref(reasons);
}

void score_row(json_t *row, enum score_kind kind, bool weighted, const struct score_cell *cell) {
    struct estimate estimate = score_estimate(kind, score_sums(cell, weighted));
    json_object_set_new(row, "n", json_integer((json_int_t)cell->n));
    json_object_set_new(row, "value", json_of_number(estimate.value));
    json_object_set_new(row, "low", json_of_number(estimate.low));
    json_object_set_new(row, "high", json_of_number(estimate.high));
    json_object_set_new(row, "too_few", json_boolean(cell->n < SCORE_FEW));
    if (weighted)
        add_weighted(row, kind, cell);
    if (kind == SCORE_NPS) {
        double promoters = (cell->squares + cell->sum) / 2, detractors = promoters - cell->sum;
        json_object_set_new(row, "promoters", json_of_number(promoters));
        json_object_set_new(row, "neutral",
                            json_of_number((double)cell->n - promoters - detractors));
        json_object_set_new(row, "detractors", json_of_number(detractors));
    }
    add_flagged(row, cell);
    json_object_set_new(row, "outside", json_integer((json_int_t)cell->outside));
}
