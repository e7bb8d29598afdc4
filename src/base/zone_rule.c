/*
 * POSIX time zone rules.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/zone_rule.h"

#include "base/time.h"

struct reader {
    const char *p, *end;
};

static bool take(struct reader *in, char c) {
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static bool take_number(struct reader *in, int max, int *number) {
    const char *from = in->p;
    *number = 0;
    while (in->p < in->end && *in->p >= '0' && *in->p <= '9' && *number <= max)
        *number = *number * 10 + (*in->p++ - '0');
    return in->p > from && *number <= max;
}

/* "<+03>" or three or more letters. */
static bool take_name(struct reader *in) {
    const char *from = in->p;
    if (take(in, '<')) {
        while (in->p < in->end && *in->p != '>')
            in->p++;
        return take(in, '>');
    }
    while (in->p < in->end && ((*in->p | 32) >= 'a' && (*in->p | 32) <= 'z'))
        in->p++;
    return in->p - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct reader *in, int32_t *seconds) {
    int hours, minutes = 0, rest = 0;
    bool negative = take(in, '-');
    if (!negative)
        (void)take(in, '+');
    if (!take_number(in, 167, &hours))
        return false;
    if (take(in, ':') && !take_number(in, 59, &minutes))
        return false;
    if (in->p < in->end && *in->p == ':' && in->p++ && !take_number(in, 59, &rest))
        return false;
    *seconds = hours * 3600 + minutes * 60 + rest;
    if (negative)
        *seconds = -*seconds;
    return true;
}

static bool take_day(struct reader *in, struct zone_day *day) {
    *day = (struct zone_day){.kind = '0', .time_s = 7200};
    if (take(in, 'M')) {
        day->kind = 'M';
        if (!take_number(in, 12, &day->month) || day->month < 1 || !take(in, '.') ||
            !take_number(in, 5, &day->week) || day->week < 1 || !take(in, '.') ||
            !take_number(in, 6, &day->day))
            return false;
    } else {
        if (take(in, 'J'))
            day->kind = 'J';
        if (!take_number(in, 365, &day->day) || (day->kind == 'J' && day->day < 1))
            return false;
    }
    return !take(in, '/') || take_time(in, &day->time_s);
}

bool zone_rule_parse(struct slice text, struct zone_rule *rule) {
    struct reader in = {text.p, text.p + text.n};
    *rule = (struct zone_rule){0};
    if (!take_name(&in) || !take_time(&in, &rule->standard_s))
        return false;
    rule->standard_s = -rule->standard_s; /* POSIX counts west of Greenwich */
    if (in.p == in.end)
        return true;
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!take_name(&in))
        return false;
    if (in.p < in.end && *in.p != ',') {
        if (!take_time(&in, &rule->summer_s))
            return false;
        rule->summer_s = -rule->summer_s;
    }
    return take(&in, ',') && take_day(&in, &rule->start) && take(&in, ',') &&
           take_day(&in, &rule->end) && in.p == in.end;
}

static bool leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/* Local seconds since 1970 of a rule's day and time. */
static int64_t day_s(const struct zone_day *day, int year) {
    int64_t days = time_days_from_civil(year, 1, 1);
    if (day->kind == 'J') {
        days += day->day - 1 + (leap(year) && day->day >= 60);
    } else if (day->kind == '0') {
        days += day->day;
    } else {
        int weeks = day->week - 1;
        int next_year = day->month == 12 ? year + 1 : year;
        int64_t first = time_days_from_civil(year, day->month, 1);
        int64_t next = time_days_from_civil(next_year, day->month % 12 + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + (day->day - weekday + 7) % 7 + (int64_t)weeks * 7;
        while (days >= next)
            days -= 7;
    }
    return days * DAY_S + day->time_s;
}

void zone_rule_year(const struct zone_rule *rule, int year, int64_t *start_s, int64_t *end_s) {
    *start_s = day_s(&rule->start, year) - rule->standard_s;
    *end_s = day_s(&rule->end, year) - rule->summer_s;
}
