/*
 * Where the ticks of an axis stand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_AXIS_H
#define SENDA_PAGES_CHART_AXIS_H

#include "pages/chart_format.h"

struct value_axis {
    double low, high, step; /* low and high are multiples of step */
};
/* Covers [low, high] with about `about` steps of 1, 2 or 5 times a power of ten (Heckbert's nice numbers). whole: no
 * step below 1. */
struct value_axis axis_nice(double low, double high, int about, bool whole);

struct time_tick {
    size_t at; /* index of the bucket */
    const char *label;
};
/* Chooses among the n buckets (their starts, ascending) those that bear a label: month starts, Mondays, days, round
 * hours, as many as fit `width` without touching; in the order of time. ticks has room for n. */
size_t axis_time(const struct chart *chart, enum bucket every, const int64_t *starts_ms, size_t n,
                 double width, struct time_tick *ticks);

#endif
