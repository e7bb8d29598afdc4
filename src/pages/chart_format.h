/*
 * Numbers, shares, durations and instants as charts write them, in the reader's language; the results live in
 * the chart's arena. NAN gives an en dash.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CHART_FORMAT_H
#define SENDA_PAGES_CHART_FORMAT_H

#include "pages/chart_svg.h"

const char *chart_number(const struct chart *chart, double value,
                         int max_decimals);                                     /* 4.812  12,5 */
const char *chart_compact(const struct chart *chart, double value);             /* 12.500  1,2 M */
const char *chart_share(const struct chart *chart, double share, int decimals); /* 25,0 % */
const char *chart_duration(const struct chart *chart, double seconds);          /* 2 h 5 min */
/* The name of a bucket: "14:00", "3 nov", "nov 2026"; full: "martes, 3 nov 2026". */
const char *chart_bucket(const struct chart *chart, enum bucket every, int64_t ms, bool full);
/* The text "chart.KEY" in the reader's language. */
const char *chart_say(const struct chart *chart, const char *key);

#endif
