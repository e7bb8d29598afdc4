/*
 * Intervals of the numbers that answers give: shares (CSAT, CES, promises kept), the Net Promoter Score, means; and
 * tests of a change between two of them.
 *
 * Score intervals (Wilson, Tango) are used, not Wald's: with few answers, or when all say the same, Wald's has no width or
 * leaves the scale. n = 0 has no value: what is returned then is NAN, and an answer shows null.
 *
 * SOURCES
 *   E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927) 209; R. G. Newcombe, Stat. Med. 17 (1998) 857, 873 (methods 3, 10)
 *   T. Tango, Stat. Med. 17 (1998) 891: score interval of the difference of paired proportions. With b promoters and
 *   c detractors among n, the NPS is that difference.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_INTERVAL_H
#define SENDA_STATS_INTERVAL_H

#include <stddef.h>

#define CONFIDENCE_95 0.95

/* value within [low, high]; all NAN without data. */
struct estimate {
    double value, low, high;
};

/* Share k of n, 0 <= k <= n; counts may be effective ones of weighted answers, so they are real. Wilson. */
struct estimate share_estimate(double k, double n, double confidence);

/* Net Promoter Score in points -100 … 100. Tango. */
struct estimate nps_estimate(double promoters, double detractors, double n, double confidence);

/* Mean of n values with their sum and sum of squared deviations from the mean; Student's t. One value, or values that
 * are all the same: no interval (low and high NAN). */
struct estimate mean_estimate(double n, double mean, double squares, double confidence);

/* Difference of two independent numbers, second - first, with their standard errors. */
struct difference {
    double value, low, high, z, p; /* p two sided; NAN where it cannot be said */
};
struct difference difference_of(double first, double first_se, double second, double second_se,
                                double confidence);
/* Standard error of the NPS of an interval's counts, in points; NAN for n = 0. */
double nps_standard_error(double promoters, double detractors, double n);
/* Two shares: pooled z for the test, Newcombe's hybrid score interval for the difference second - first. */
struct difference share_difference(double k1, double n1, double k2, double n2, double confidence);

#endif
