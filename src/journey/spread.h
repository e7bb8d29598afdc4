/*
 * How lengths of time spread: count, mean, quantiles. Exact while a question holds at most 8 million of them, then
 * log-histograms of 64 bins an octave (a quantile is then off by at most 1 %, and the answer says so).
 *
 * Quantiles are type 7 (Hyndman and Fan 1996): at h = (n - 1) p, between the neighbours.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_SPREAD_H
#define SENDA_JOURNEY_SPREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPREAD_BINS = 64 + 64 * 38 };
#define SPREAD_EXACT INT64_C(8000000)

/* Shared by all spreads of one question and its threads. */
struct spread_budget {
    atomic_llong used; /* places reserved in exact spreads */
    atomic_bool approximate;
};

struct spread {
    uint64_t n;
    int64_t min, max;
    double sum;
    int64_t only;   /* the first one, before an array is worth it */
    int64_t *exact; /* [capacity], n used; NULL while n <= 1 or bins are in use */
    uint64_t capacity;
    uint32_t *bins; /* [SPREAD_BINS] once approximate */
};

/* value >= 0, milliseconds. */
void spread_add(struct spread *spread, int64_t value, struct spread_budget *budget);
/* Adds all of `from` and releases it. */
void spread_merge(struct spread *spread, struct spread *from, struct spread_budget *budget);
void spread_release(struct spread *spread);

/* p in [0, 1]; NaN when empty. Reorders the values. */
double spread_quantile(struct spread *spread, double p);
double spread_mean(const struct spread *spread);

/* The bin of a value and its middle, for other histograms of lengths of time. */
uint32_t spread_bin(int64_t value);
double spread_bin_middle(uint32_t bin);

#endif
