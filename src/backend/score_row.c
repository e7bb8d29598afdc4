/*
 * SOURCES  docs/metrics.md; stats/interval.h; effective number of weighted answers: L. Kish, Survey Sampling (1965) 11.7.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_row.h"

#include <math.h>

#include "backend/local.h"

double score_effective(const struct score_cell *cell) {
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

struct estimate score_estimate(enum score_kind kind, bool weighted, const struct score_cell *cell) {
    if (!weighted)
        return estimate_of(kind, (double)cell->n, cell->sum, cell->squares);
    double n = score_effective(cell), scale = n > 0 ? n / cell->weight : 0;
    return estimate_of(kind, n, cell->weighted * scale, cell->weighted2 * scale);
}

/* Standard error of a mean. */
static double mean_error(const struct score_cell *cell) {
    double n = (double)cell->n, mean = cell->sum / n;
    return n > 1 ? sqrt((cell->squares - n * mean * mean) / (n - 1) / n) : (double)NAN;
}

struct difference score_change(enum score_kind kind, const struct score_cell *before,
                               const struct score_cell *after) {
    double n1 = (double)before->n, n2 = (double)after->n;
    switch (kind) {
    case SCORE_SHARE: return share_difference(before->sum, n1, after->sum, n2, CONFIDENCE_95);
    case SCORE_NPS:
        return difference_of(100 * before->sum / n1,
                             nps_standard_error((before->squares + before->sum) / 2,
                                                (before->squares - before->sum) / 2, n1),
                             100 * after->sum / n2,
                             nps_standard_error((after->squares + after->sum) / 2,
                                                (after->squares - after->sum) / 2, n2),
                             CONFIDENCE_95);
    default:
        return difference_of(before->sum / n1, mean_error(before), after->sum / n2,
                             mean_error(after), CONFIDENCE_95);
    }
}

void score_row(json_t *row, enum score_kind kind, bool weighted, const struct score_cell *cell) {
    struct estimate estimate = score_estimate(kind, weighted, cell);
    json_object_set_new(row, "n", json_integer((json_int_t)cell->n));
    json_object_set_new(row, "value", json_of_number(estimate.value));
    json_object_set_new(row, "low", json_of_number(estimate.low));
    json_object_set_new(row, "high", json_of_number(estimate.high));
    json_object_set_new(row, "too_few", json_boolean(cell->n < SCORE_FEW));
    if (weighted) {
        json_object_set_new(row, "n_eff", json_of_number(score_effective(cell)));
        json_object_set_new(row, "unweighted",
                            json_of_number(score_estimate(kind, false, cell).value));
    }
    if (kind == SCORE_NPS) {
        double promoters = (cell->squares + cell->sum) / 2, detractors = promoters - cell->sum;
        json_object_set_new(row, "promoters", json_of_number(promoters));
        json_object_set_new(row, "neutral",
                            json_of_number((double)cell->n - promoters - detractors));
        json_object_set_new(row, "detractors", json_of_number(detractors));
    }
}
