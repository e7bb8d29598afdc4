/*
 * Comparing several numbers honestly: many tests at once, a change against the change elsewhere, a straight line.
 *
 * SOURCES
 *   Y. Benjamini, Y. Hochberg, J. Roy. Statist. Soc. B 57 (1995) 289
 *   difference in differences: J. D. Angrist, J.-S. Pischke, Mostly Harmless Econometrics (2009) 5.2
 *   slope of a line and its error: any text of regression, e. g. D. C. Montgomery, E. A. Peck (1992) 2.3
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_COMPARE_H
#define SENDA_STATS_COMPARE_H

#include "stats/interval.h"

/* The false discovery rate at which a screen of several comparisons lets one pass; up to FEW_TESTS none is adjusted. */
#define DISCOVERY_RATE 0.10
enum { FEW_TESTS = 5 };

/* q[i]: p[i] adjusted for n tests. NAN stays NAN and is no test. */
void adjust_p(const double *p, double *q, size_t n);

/* What a change (after − before) was beyond that of others who had the same time but not the cause. */
struct difference difference_in_differences(struct difference change, struct difference others,
                                            double confidence);

/* Logarithm of a ratio of counts after ÷ before, as a difference: counts of events that come one by one. */
struct difference count_change(double before, double after, double confidence);

/* Sums of pairs (x, y) of which a line is to be found. */
struct line_sums {
    double n, x, y, xx, xy, yy;
};
void line_add(struct line_sums *sums, double x, double y);
/* Slope of y over x with its interval (Student's t, n − 2); value NAN below 3 pairs or where x does not vary. */
struct difference line_slope(const struct line_sums *sums, double confidence);

#endif
