/*
 * Ratings by stars: means that few ratings do not carry away, for ordering what was rated.
 *
 * The plain mean is what is shown, always with its n and its distribution; order is by a figure that minds how many spoke. For
 * yes-or-no votes (helpful or not) that figure is the low end of Wilson's interval: share_estimate in stats/interval.h.
 *
 * SOURCES
 *   Bayesian average: (v·R + m·C) / (v + m), as IMDb publishes it for its list of films.
 *   Lower bound of stars: E. Miller, "Ranking items with star ratings" (2014): a Dirichlet prior of one rating for each
 *   star, the mean of its posterior less z of its standard deviations.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_RATING_H
#define SENDA_STATS_RATING_H

enum { RATING_STARS = 5 };

/* What a mean of n ratings is worth beside a belief that weighs like prior_n ratings with the mean prior_mean. NAN when
 * neither weighs anything. */
double rating_bayes(double n, double mean, double prior_n, double prior_mean);

/* Lower bound of the mean of ratings; counts[0] is of one star. Never NAN: 2.05 without any rating. */
double rating_lower_bound(const double counts[RATING_STARS]);

#endif
