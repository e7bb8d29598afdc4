/*
 * Calendars: the instants at which a plan asks a sample of a segment, as relational surveys do each quarter.
 *
 *   every  "week", "month", "quarter", "year"
 *   day    of a week 1 (Monday) … 7; else of the month, 1 … 31: a shorter month has its last day
 *   month  of a quarter 1 … 3; of a year 1 … 12
 *   at     "10:00", local time of the organisation
 *   most   people of a round, drawn at random; absent: as the plan's `share` says
 *
 * An occurrence is numbered by its week or month since 1970, so that the last and the next one are found by stepping.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "base/time.h"
#include "invite/internal.h"

enum { WEEK_DAYS = 7, MONTHS = 12, MOST_MAX = 1000000, STANDARD_AT_S = 10 * 3600 };

static const char *const everies[] = {"week", "month", "quarter", "year"};

static int number_in(const json_t *json, const char *name, const char *pointer, int standard,
                     int most, int *number, struct err *err) {
    const json_t *value = json_object_get(json, name);
    *number = standard;
    if (!value || json_is_null(value))
        return 0;
    *number = json_is_integer(value) && json_integer_value(value) <= most
                  ? (int)json_integer_value(value)
                  : 0;
    return *number > 0 ? 0 : err_at(err, E_INVALID, pointer, "must be a number from 1 to %d", most);
}

int calendar_parse(const json_t *json, struct calendar *calendar, struct err *err) {
    static const char *const names[] = {"every", "day", "month", "at", "most"};
    const char *every = json_string_value(json_object_get(json, "every"));
    const json_t *at = json_object_get(json, "at");
    int i = 0;
    *calendar = (struct calendar){.at_s = STANDARD_AT_S};
    int code = json_is_object(json) ? plan_members(json, names, 5, "/calendar", err)
                                    : err_at(err, E_INVALID, "/calendar", "must be an object");
    while (i < 4 && !(every && strcmp(every, everies[i]) == 0))
        i++;
    if (!code && i == 4)
        code = err_at(err, E_INVALID, "/calendar/every", "every week, month, quarter or year");
    calendar->every = (enum calendar_every)i;
    if (!code)
        code = number_in(json, "day", "/calendar/day", 1, i == EVERY_WEEK ? WEEK_DAYS : 31,
                         &calendar->day, err);
    if (!code && json_object_get(json, "month") && i < EVERY_QUARTER)
        code = err_at(err, E_INVALID, "/calendar/month", "only of a quarter or year");
    if (!code)
        code = number_in(json, "month", "/calendar/month", 1, i == EVERY_QUARTER ? 3 : MONTHS,
                         &calendar->month, err);
    if (!code && at && !json_is_null(at) &&
        (!clock_parse(at, &calendar->at_s) || calendar->at_s >= DAY_S))
        code = err_at(err, E_INVALID, "/calendar/at", "must be a time as \"09:00\"");
    if (!code && json_object_get(json, "most"))
        code = number_in(json, "most", "/calendar/most", 0, MOST_MAX, &calendar->most, err);
    return code;
}

static int months_between(const struct calendar *calendar) {
    return calendar->every == EVERY_YEAR ? MONTHS : calendar->every == EVERY_QUARTER ? 3 : 1;
}

/* The occurrence of a number, in UTC ms. */
static int64_t occurrence(const struct calendar *calendar, const struct zone *zone, int64_t n) {
    int64_t day;
    if (calendar->every == EVERY_WEEK) {
        day = n * WEEK_DAYS - 3 + calendar->day - 1; /* 1969-12-29 was a Monday */
    } else {
        int64_t months = n * months_between(calendar) + (calendar->month - 1);
        int year = 1970 + (int)(months / MONTHS), month = (int)(months % MONTHS) + 1;
        int64_t first = time_days_from_civil(year, month, 1),
                next = time_days_from_civil(year + month / MONTHS, month % MONTHS + 1, 1);
        day = first + calendar->day - 1 < next ? first + calendar->day - 1 : next - 1;
    }
    return zone_to_utc_s(zone, day * DAY_S + calendar->at_s) * 1000;
}

/* A number whose occurrence is not before the instant. */
static int64_t number_beyond(const struct calendar *calendar, const struct zone *zone,
                             int64_t time_ms) {
    int64_t now_s = time_ms / 1000, day = (now_s + zone_offset_s(zone, now_s)) / DAY_S;
    int year, month, of_month;
    if (calendar->every == EVERY_WEEK)
        return (day + 3) / WEEK_DAYS + 1;
    time_civil_from_days(day, &year, &month, &of_month);
    return ((int64_t)(year - 1970) * MONTHS + month - 1) / months_between(calendar) + 1;
}

int64_t calendar_last(const struct calendar *calendar, const struct zone *zone, int64_t time_ms) {
    int64_t n = number_beyond(calendar, zone, time_ms), at_ms;
    while ((at_ms = occurrence(calendar, zone, n)) > time_ms && n > 0)
        n--;
    return at_ms;
}

int64_t calendar_next(const struct calendar *calendar, const struct zone *zone, int64_t time_ms) {
    int64_t n = number_beyond(calendar, zone, time_ms);
    while (n > 0 && occurrence(calendar, zone, n - 1) > time_ms)
        n--;
    while (occurrence(calendar, zone, n) <= time_ms)
        n++;
    return occurrence(calendar, zone, n);
}
