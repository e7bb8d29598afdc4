/*
 * How good are probabilities that somebody foretold? Do they rank (AUC, lift), are they right on average and at each level
 * (Brier, calibration)?
 *
 * SOURCES  AUC with ties one half and its variance: E. DeLong and others, Biometrics 44 (1988) 837, by midranks (X. Sun, W. Xu, IEEE
 * Signal Proc. Lett. 21 (2014) 1389); G. W. Brier (1950); D. Hosmer, S. Lemeshow (1980); calibration slope: D. R. Cox (1958).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_ACCURACY_H
#define SENDA_STATS_ACCURACY_H

#include <stddef.h>
#include <stdint.h>

#include "stats/interval.h"

/* y[n]: 0 or 1, what happened; score[n]: the higher, the more likely. NAN where one kind is missing. */
struct estimate auc_estimate(const double *score, const uint8_t *y, size_t n, double confidence);
/* Two scores of the same people: is one better? value: first - second. */
struct difference auc_difference(const double *first, const double *second, const uint8_t *y,
                                 size_t n, double confidence);

/* Rate among the top ⌈fraction n⌉ over the rate of all; among equals at the cut, what is expected of a random order. */
double lift_at(const double *score, const uint8_t *y, size_t n, double fraction);

enum { CALIBRATION_GROUPS = 10 };
struct calibration_group {
    size_t n;
    double predicted;         /* mean */
    struct estimate observed; /* share, Wilson 95 % */
};
struct calibration {
    double brier, log_loss;
    double slope, intercept;       /* of log odds; 1 and 0 are right. NAN: not to be said */
    double gap;                    /* expected calibration error: mean distance of the groups */
    double hosmer_lemeshow, df, p; /* chi square of the groups */
    size_t groups;                 /* by tenths of p (type 7 quantiles); equal ones stay together */
    struct calibration_group group[CALIBRATION_GROUPS];
};
/* p[n]: probabilities. */
void calibration_make(struct calibration *calibration, const double *p, const uint8_t *y, size_t n);

#endif
