/*
 * The POSIX rule at the end of a TZif file, as "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX.1-2017, 8.3 TZ; RFC 8536, 3.3).
 * Private to zone.c and its test.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_ZONE_RULE_H
#define SENDA_BASE_ZONE_RULE_H

#include <stdint.h>

#include "base/slice.h"

struct zone_day {
    char kind; /* 'M' month.week.weekday, 'J' day 1..365 without leap day, '0' day 0..365 */
    int month, week, day;
    int32_t time_s; /* local time of the change, -167 h .. 167 h */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* east of UTC */
    bool has_summer;
    struct zone_day start, end; /* of summer time */
};

/* False if the text is no such rule. */
bool zone_rule_parse(struct slice text, struct zone_rule *rule);
/* UTC seconds at which summer time begins and ends in a year. */
void zone_rule_year(const struct zone_rule *rule, int year, int64_t *start_s, int64_t *end_s);

#endif
