/*
 * The simulated days and their rhythms: seasons, weekdays, holidays, opening hours, better and worse days.
 *
 * Moments are local wall clock seconds since day 0; the table of midnights turns them into instants, so a summer time
 * change costs one lookup (on the two days of a change, the hours after it are off by one: nobody would notice).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "demo/internal.h"

static int64_t zone_offset_ms(const struct zone *zone, int64_t utc_ms) {
    int64_t utc_s = utc_ms / 1000;
    return zone ? (int64_t)zone_offset_s(zone, utc_s) * 1000 : 0;
}

void calendar_init(struct calendar *calendar, const struct zone *zone, int64_t now_ms) {
    calendar->zone = zone;
    calendar->now_ms = now_ms;
    int64_t today = (now_ms + zone_offset_ms(zone, now_ms)) / DAY_MS;
    calendar->first_day = today - LAST_DAY;
    for (int day = 0; day <= N_DAYS; day++) {
        int64_t local_s = (calendar->first_day + day) * DAY_S;
        calendar->midnight_ms[day] = (zone ? zone_to_utc_s(zone, local_s) : local_s) * 1000;
    }
}

int calendar_weekday(const struct calendar *calendar, int day) {
    return (int)((calendar->first_day + day + 3) % 7); /* 1970-01-01 was a Thursday */
}

int calendar_month(const struct calendar *calendar, int day) {
    int year, month, dom;
    time_civil_from_days(calendar->first_day + day, &year, &month, &dom);
    return month;
}

int calendar_year(const struct calendar *calendar, int day) {
    int year, month, dom;
    time_civil_from_days(calendar->first_day + day, &year, &month, &dom);
    return year;
}

int calendar_latest(const struct calendar *calendar, int day, int month, int tail) {
    int year = calendar_year(calendar, LAST_DAY);
    int found;
    do
        found = (int)(time_days_from_civil(year--, month, day) - calendar->first_day);
    while (found + tail > LAST_DAY);
    return found;
}

void calendar_date(const struct calendar *calendar, int day, char text[11]) {
    int year, month, dom;
    time_civil_from_days(calendar->first_day + day, &year, &month, &dom);
    unsigned parts[] = {(unsigned)year, (unsigned)month, (unsigned)dom};
    for (int i = 3; i >= 0; i--, parts[0] /= 10)
        text[i] = (char)('0' + parts[0] % 10);
    text[4] = text[7] = '-';
    for (int i = 0; i < 2; i++) {
        text[5 + 3 * i] = (char)('0' + parts[1 + i] / 10);
        text[6 + 3 * i] = (char)('0' + parts[1 + i] % 10);
    }
    text[10] = 0;
}

/* Relative weight of January … December. */
static const double seasons[RHYTHMS][12] = {
    [RHYTHM_WEB] = {1.06, .98, .97, .95, .94, .92, .88, .78, 1.16, 1.12, 1.20, 1.04},
    [RHYTHM_APP] = {1.0, 1.0, 1.0, .98, .98, .98, 1.04, 1.06, 1.0, .98, .98, 1.0},
    [RHYTHM_PHONE] = {1.10, 1.04, 1.0, .98, .96, .95, .92, .84, 1.10, 1.06, 1.04, 1.0},
    [RHYTHM_STORE] = {1.06, .96, .97, .96, .97, .96, .94, .72, 1.14, 1.08, 1.08, 1.16},
    [RHYTHM_FIELD] = {1.14, 1.10, 1.02, .96, .92, .92, .94, .86, 1.04, 1.04, 1.04, 1.02},
    [RHYTHM_CHAT] = {1.04, 1.0, 1.0, .98, .97, .96, .96, .92, 1.08, 1.04, 1.04, 1.0},
    [RHYTHM_OFFICE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
};

/* Monday … Sunday. */
static const double weeks[RHYTHMS][7] = {
    [RHYTHM_WEB] = {1.12, 1.08, 1.05, 1.02, .94, .84, .95},
    [RHYTHM_APP] = {1.05, 1.0, .99, .99, 1.02, .97, .98},
    [RHYTHM_PHONE] = {1.45, 1.24, 1.15, 1.10, 1.02, .62, .42},
    [RHYTHM_STORE] = {1.22, 1.12, 1.10, 1.10, 1.20, 1.26, 0},
    [RHYTHM_FIELD] = {1.34, 1.28, 1.26, 1.24, 1.22, .66, 0},
    [RHYTHM_CHAT] = {1.22, 1.14, 1.10, 1.08, 1.02, .76, .68},
    [RHYTHM_OFFICE] = {1.4, 1.4, 1.4, 1.4, 1.4, 0, 0},
};

/* Day and month of the holidays of the whole country that fall on a date. */
static const uint8_t holidays[][2] = {{1, 1},  {6, 1},  {1, 5},  {15, 8}, {12, 10},
                                      {1, 11}, {6, 12}, {8, 12}, {25, 12}};
static const double on_holidays[RHYTHMS] = {
    [RHYTHM_WEB] = 0.82, [RHYTHM_APP] = 0.95, [RHYTHM_PHONE] = 0.35, [RHYTHM_CHAT] = 0.55};

/* How far use has come at the end against the beginning of the two years. */
static const double growth[RHYTHMS] = {
    [RHYTHM_APP] = 0.35, [RHYTHM_CHAT] = 0.6, [RHYTHM_WEB] = -0.05};

/* Weather, football, a cable in the next street: the same each time for a day and rhythm. */
static double chance_of_day(const struct calendar *calendar, enum rhythm rhythm, int day) {
    static const double spread[RHYTHMS] = {.055, .05, .075, .08, .08, .09, .04};
    struct stream stream =
        stream_of((uint64_t)(calendar->first_day + day), 0x646179u + (uint64_t)rhythm);
    double factor = 1 + spread[rhythm] * stream_normal(&stream);
    return factor < 0.6 ? 0.6 : factor;
}

double rhythm_day(const struct calendar *calendar, enum rhythm rhythm, int day) {
    int year, month, dom;
    time_civil_from_days(calendar->first_day + day, &year, &month, &dom);
    double weight = seasons[rhythm][month - 1] * weeks[rhythm][calendar_weekday(calendar, day)];
    for (size_t i = 0; i < sizeof holidays / sizeof *holidays; i++)
        if (dom == holidays[i][0] && month == holidays[i][1])
            weight *= on_holidays[rhythm];
    weight *= 1 + growth[rhythm] * (day - LAST_DAY / 2.0) / LAST_DAY;
    return weight * chance_of_day(calendar, rhythm, day);
}

/* Weight of each hour of the day. */
static const uint8_t hours[RHYTHMS][24] = {
    [RHYTHM_WEB] = {3, 1, 1, 0, 0, 1, 2, 4, 6, 8, 10, 10, 9, 8, 7, 7, 9, 10, 11, 12, 13, 14, 11, 6},
    [RHYTHM_APP] = {3, 2, 1, 1, 1, 2, 5, 9, 9, 8, 8, 8, 9, 9, 10, 9, 8, 8, 9, 10, 10, 10, 9, 6},
    [RHYTHM_PHONE] = {0, 0, 0, 0, 0, 0, 0, 0, 3, 10, 14, 14, 12, 9, 6, 6, 9, 11, 11, 9, 6, 2, 0, 0},
    [RHYTHM_STORE] = {0,  0,  0, 0, 0, 0,  0,  0,  0, 0, 12, 15,
                      16, 11, 0, 0, 0, 13, 17, 16, 0, 0, 0,  0},
    [RHYTHM_FIELD] = {0, 0, 0, 0, 0, 0, 0, 0, 6, 14, 15, 14, 12, 8, 3, 6, 11, 10, 7, 3, 0, 0, 0, 0},
    [RHYTHM_CHAT] = {0, 0, 0, 0, 0, 0, 0, 0, 2, 8, 11, 11, 10, 8, 7, 7, 9, 10, 10, 10, 9, 6, 0, 0},
    [RHYTHM_OFFICE] = {0,  0,  0, 0, 0, 0, 0, 3, 12, 14, 14, 14,
                       12, 10, 4, 6, 8, 6, 3, 0, 0,  0,  0,  0},
};
static const uint8_t saturday_shop[24] = {[10] = 18, [11] = 30, [12] = 30, [13] = 14};

uint32_t rhythm_second(enum rhythm rhythm, bool saturday, struct stream *stream) {
    const uint8_t *weights = rhythm == RHYTHM_STORE && saturday ? saturday_shop : hours[rhythm];
    uint32_t total = 0;
    for (int hour = 0; hour < 24; hour++)
        total += weights[hour];
    uint32_t u = stream_below(stream, total), hour = 0;
    while (u >= weights[hour])
        u -= weights[hour++];
    return hour * 3600 + stream_below(stream, 3600);
}
