/*
 * Ratings by stars: see rating.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/rating.h"

#include <math.h>

static const double Z = 1.65; /* one sided, 95 % */

double rating_bayes(double n, double mean, double prior_n, double prior_mean) {
    if (!(n + prior_n > 0))
        return (double)NAN;
    return ((n > 0 ? n * mean : 0) + prior_n * prior_mean) / (n + prior_n);
}

double rating_lower_bound(const double counts[RATING_STARS]) {
    double n = RATING_STARS, sum = 0, squares = 0;
    for (int i = 0; i < RATING_STARS; i++) {
        double stars = i + 1, weight = counts[i] + 1;
        n += counts[i];
        sum += stars * weight;
        squares += stars * stars * weight;
    }
    double mean = sum / n, variance = squares / n - mean * mean;
    return mean - Z * sqrt(variance / (n + 1));
}
