/*
 * What the files of the home page share: the period, and what changed in it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_HOME_H
#define SENDA_PAGES_HOME_H

#include "http/http.h"

struct home_period {
    const char *id;    /* "7d" "28d" "90d" "12m" */
    const char *every; /* "day" "week" "month" */
    int64_t from_ms,
        to_ms; /* whole days of the organisation's zone, half-open; to_ms is after the newest data */
    int64_t until_ms;  /* what is observed of it: now, or to_ms where the data ended earlier */
    int64_t length_ms; /* the period before is [from - length, until - length) */
};

/* {"from","to"} of a query. */
json_t *home_range(int64_t from_ms, int64_t to_ms);

/* What deserves a look: [{"href","tone","icon","what","why"}], most telling first, at most 5. now and before: totals by
 * event of the period and the one before it; sources: the API's list, or NULL. */
json_t *home_findings(struct request *request, const struct home_period *period, const json_t *now,
                      const json_t *before, const json_t *sources);

#endif
