/*
 * Instants from and to text.
 *
 * SOURCE  Days from civil dates and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (the
 * arithmetic of the shifted year that begins in March), written anew.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_MS (INT64_C(20) * 366 * DAY_MS)
#define SERIAL_OF_1970 25569 /* days from 1899-12-30 */

/* The parts of an instant as they were written. */
struct written {
    int year, month, day, hour, minute, second, ms;
    bool has_offset;
    int32_t offset_s;
};

struct reader {
    const unsigned char *p, *end;
};

int64_t time_days_from_civil(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void time_civil_from_days(int64_t days, int *year, int *month, int *day) {
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month) {
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* A leap second (60) is the first instant of the next minute. */
static int to_utc(const struct written *in, const struct zone *zone, int64_t *utc_ms) {
    if (in->year < 1 || in->month < 1 || in->month > 12 || in->day < 1 ||
        in->day > days_in_month(in->year, in->month) || in->hour > 23 || in->minute > 59 ||
        in->second > 60)
        return E_INVALID;
    int64_t s = time_days_from_civil(in->year, in->month, in->day) * DAY_S;
    s += (int64_t)in->hour * 3600 + (int64_t)in->minute * 60 + in->second;
    s = in->has_offset ? s - in->offset_s : zone ? zone_to_utc_s(zone, s) : s;
    *utc_ms = s * 1000 + in->ms;
    return 0;
}

static bool digit(const struct reader *in) {
    return in->p < in->end && *in->p >= '0' && *in->p <= '9';
}

/* Between least and most digits. */
static bool take_digits(struct reader *in, int least, int most, int *number) {
    int n = 0;
    *number = 0;
    for (; n < most && digit(in); n++)
        *number = *number * 10 + (*in->p++ - '0');
    return n >= least;
}

static bool take(struct reader *in, char c) {
    if (in->p == in->end || *in->p != (unsigned char)c)
        return false;
    in->p++;
    return true;
}

/* Digits after the point, cut to milliseconds. */
static bool take_fraction(struct reader *in, int *ms) {
    int n = 0;
    *ms = 0;
    for (; digit(in); n++, in->p++)
        if (n < 3)
            *ms = *ms * 10 + (*in->p - '0');
    for (int i = n; i < 3; i++)
        *ms *= 10;
    return n > 0;
}

/* Z, UTC, GMT, +01:00, +0100, +01 */
static bool take_offset(struct reader *in, struct written *out) {
    int hours, minutes = 0;
    out->has_offset = true;
    out->offset_s = 0;
    if (take(in, 'Z') || take(in, 'z'))
        return true;
    if (in->end - in->p >= 3 && (memcmp(in->p, "UTC", 3) == 0 || memcmp(in->p, "GMT", 3) == 0)) {
        in->p += 3;
        return true;
    }
    bool west = take(in, '-');
    if (!west && !take(in, '+'))
        return false;
    if (!take_digits(in, 2, 2, &hours))
        return false;
    bool colon = take(in, ':');
    if ((colon || digit(in)) && !take_digits(in, 2, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    out->offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

static bool take_clock(struct reader *in, struct written *out) {
    if (!take_digits(in, 2, 2, &out->hour) || !take(in, ':') ||
        !take_digits(in, 2, 2, &out->minute))
        return false;
    if (take(in, ':')) {
        if (!take_digits(in, 2, 2, &out->second))
            return false;
        if ((take(in, '.') || take(in, ',')) && !take_fraction(in, &out->ms))
            return false;
    }
    (void)take(in, ' ');
    return in->p == in->end || take_offset(in, out);
}

int time_parse(struct slice text, const struct zone *zone, int64_t *utc_ms) {
    const unsigned char *p = (const unsigned char *)(text.p ? text.p : "");
    struct reader in = {p, p + text.n};
    struct written out = {0};
    if (!take_digits(&in, 4, 4, &out.year) || !take(&in, '-') ||
        !take_digits(&in, 2, 2, &out.month) || !take(&in, '-') || !take_digits(&in, 2, 2, &out.day))
        return E_MALFORMED;
    if (in.p < in.end) {
        if (!take(&in, 'T') && !take(&in, 't') && !take(&in, ' '))
            return E_MALFORMED;
        if (!take_clock(&in, &out) || in.p != in.end)
            return E_MALFORMED;
    }
    return to_utc(&out, zone, utc_ms);
}

/* Seconds (unit_ms 1000) or milliseconds (1) since 1970, with a sign and a fraction. */
static int parse_unix(struct reader in, int64_t unit_ms, int64_t *utc_ms) {
    bool negative = take(&in, '-');
    int64_t whole = 0;
    int ms = 0, digits = 0;
    for (; digit(&in) && digits < 16; digits++)
        whole = whole * 10 + (*in.p++ - '0');
    if (!digits)
        return E_MALFORMED;
    if ((take(&in, '.') || take(&in, ',')) && !take_fraction(&in, &ms))
        return E_MALFORMED;
    if (in.p != in.end)
        return E_MALFORMED;
    if (whole > INT64_MAX / 2000)
        return E_INVALID;
    *utc_ms = whole * unit_ms + (unit_ms == 1000 ? ms : 0);
    if (negative)
        *utc_ms = -*utc_ms;
    return 0;
}

/* Days since 1899-12-30 on the clock of the zone, as a spreadsheet stores an instant; to the millisecond. */
static int parse_serial(struct reader in, const struct zone *zone, int64_t *utc_ms) {
    char text[32];
    size_t n = (size_t)(in.end - in.p);
    if (!n || n >= sizeof text || !digit(&in))
        return E_MALFORMED;
    for (size_t i = 0; i <= n; i++)
        text[i] = i == n ? 0 : in.p[i] == ',' ? '.' : (char)in.p[i];
    if (strspn(text, "0123456789.") != n)
        return E_MALFORMED;
    char *end;
    double days = strtod(text, &end);
    if (*end || days >= 2958466) /* the year 10000 */
        return E_MALFORMED;
    int64_t ms =
        (int64_t)((days - SERIAL_OF_1970) * (double)DAY_MS + (days < SERIAL_OF_1970 ? -0.5 : 0.5));
    int64_t s = ms / 1000 - (ms % 1000 < 0);
    *utc_ms = (zone ? zone_to_utc_s(zone, s) : s) * 1000 + (ms - s * 1000);
    return 0;
}

/* English and Spanish month names by their first three letters. */
static bool take_month(struct reader *in, int *month) {
    static const char names[][4] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
                                    "sep", "oct", "nov", "dec", "ene", "",    "",    "abr",
                                    "",    "",    "",    "ago", "",    "",    "",    "dic"};
    if (in->end - in->p < 3)
        return false;
    char start[4] = {(char)(in->p[0] | 32), (char)(in->p[1] | 32), (char)(in->p[2] | 32), 0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], start) == 0) {
            *month = (int)(i % 12) + 1;
            while (in->p < in->end && ((*in->p | 32) >= 'a' && (*in->p | 32) <= 'z'))
                in->p++;
            (void)take(in, '.');
            return true;
        }
    return false;
}

static bool take_half(struct reader *in, bool *afternoon) {
    while (take(in, ' '))
        ;
    if (in->p == in->end)
        return false;
    char c = (char)(*in->p++ | 32);
    *afternoon = c == 'p';
    (void)take(in, '.');
    while (take(in, ' '))
        ;
    if (!take(in, 'm') && !take(in, 'M'))
        return false;
    (void)take(in, '.');
    return c == 'a' || c == 'p';
}

static void skip_letters(struct reader *in) {
    while (in->p < in->end && ((*in->p | 32) >= 'a' || *in->p >= 0x80))
        in->p++;
}

/* What %I and %p said, applied at the end. */
struct half_day {
    bool twelve, said, afternoon;
};

static bool take_field(struct reader *in, char field, struct written *out, struct half_day *half) {
    switch (field) {
    case 'Y': return take_digits(in, 4, 4, &out->year);
    case 'y':
        if (!take_digits(in, 2, 2, &out->year))
            return false;
        out->year += out->year < 69 ? 2000 : 1900; /* POSIX */
        return true;
    case 'm': return take_digits(in, 1, 2, &out->month);
    case 'd':
    case 'e': return take_digits(in, 1, 2, &out->day);
    case 'I':
        half->twelve = true;
        return take_digits(in, 1, 2, &out->hour) && out->hour >= 1 && out->hour <= 12;
    case 'H': return take_digits(in, 1, 2, &out->hour);
    case 'M': return take_digits(in, 1, 2, &out->minute);
    case 'S': return take_digits(in, 1, 2, &out->second);
    case 'f': return take_fraction(in, &out->ms);
    case 'b':
    case 'B':
    case 'h': return take_month(in, &out->month);
    case 'p': half->said = true; return take_half(in, &half->afternoon);
    case 'a':
    case 'A': skip_letters(in); return true;
    case 'z':
    case 'Z': return take_offset(in, out);
    case 'F':
        return take_digits(in, 4, 4, &out->year) && take(in, '-') &&
               take_digits(in, 1, 2, &out->month) && take(in, '-') &&
               take_digits(in, 1, 2, &out->day);
    case 'T':
        return take_digits(in, 1, 2, &out->hour) && take(in, ':') &&
               take_digits(in, 2, 2, &out->minute) && take(in, ':') &&
               take_digits(in, 2, 2, &out->second);
    case 'R':
        return take_digits(in, 1, 2, &out->hour) && take(in, ':') &&
               take_digits(in, 2, 2, &out->minute);
    case '%': return take(in, '%');
    default: return false;
    }
}

static bool take_format(struct reader *in, const char *format, struct written *out) {
    struct half_day half = {0};
    for (const char *f = format; *f; f++) {
        if (*f == '%' && f[1]) {
            if (!take_field(in, *++f, out, &half))
                return false;
        } else if (*f == ' ') {
            while (take(in, ' '))
                ;
        } else if (!take(in, *f)) {
            return false;
        }
    }
    if (half.twelve && half.said)
        out->hour = out->hour % 12 + (half.afternoon ? 12 : 0);
    return in->p == in->end;
}

int time_parse_format(struct slice text, const char *format, const struct zone *zone,
                      int64_t *utc_ms) {
    const unsigned char *p = (const unsigned char *)text.p;
    struct reader in = {p, p + text.n};
    if (strcmp(format, "rfc3339") == 0)
        return time_parse(text, zone, utc_ms);
    if (strcmp(format, "unix") == 0)
        return parse_unix(in, 1000, utc_ms);
    if (strcmp(format, "unix_ms") == 0)
        return parse_unix(in, 1, utc_ms);
    if (strcmp(format, "excel") == 0)
        return parse_serial(in, zone, utc_ms);
    struct written out = {.month = 1, .day = 1};
    if (!take_format(&in, format, &out))
        return E_MALFORMED;
    return to_utc(&out, zone, utc_ms);
}

static char *put_digits(char *to, int n, int64_t number) {
    for (int i = n - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + n;
}

void time_format(int64_t utc_ms, char text[TIME_TEXT_BYTES]) {
    int64_t days = utc_ms / DAY_MS - (utc_ms % DAY_MS < 0), ms = utc_ms - days * DAY_MS;
    int year, month, day;
    time_civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        snprintf(text, TIME_TEXT_BYTES, "%s",
                 year < 0 ? "0000-01-01T00:00:00.000Z" : "9999-12-31T23:59:59.999Z");
        return;
    }
    char *p = put_digits(text, 4, year);
    *p++ = '-';
    p = put_digits(p, 2, month);
    *p++ = '-';
    p = put_digits(p, 2, day);
    *p++ = 'T';
    p = put_digits(p, 2, ms / 3600000);
    *p++ = ':';
    p = put_digits(p, 2, ms / 60000 % 60);
    *p++ = ':';
    p = put_digits(p, 2, ms / 1000 % 60);
    *p++ = '.';
    p = put_digits(p, 3, ms % 1000);
    *p++ = 'Z';
    *p = 0;
}

int time_parse_duration(struct slice text, int64_t *ms) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {
        {'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', DAY_MS}, {'w', INT64_C(7) * DAY_MS}};
    const unsigned char *p = (const unsigned char *)text.p;
    struct reader in = {p, p + text.n};
    int number;
    if (!take_digits(&in, 1, 9, &number) || in.end - in.p != 1)
        return E_INVALID;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == (char)*in.p) {
            int64_t value = number * units[i].ms;
            if (value > DURATION_MAX_MS)
                return E_INVALID;
            *ms = value;
            return 0;
        }
    return E_INVALID;
}
