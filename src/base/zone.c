/*
 * Zones from TZif files.
 *
 * FORMAT  RFC 8536: a version 1 block (skipped), a version 2+ block with 64-bit transitions, a footer line with a
 * POSIX rule. Version 1 files without the second block are read as UTC offsets of 32 bit transitions.
 *
 * The rule is unrolled for 400 years beyond the last transition of the file: the Gregorian calendar repeats after
 * exactly 400 years (146,097 days, a whole number of weeks), so a later instant is looked up that much earlier.
 *
 * INVARIANTS
 *  1. starts[] ascends strictly; offsets[i] holds in [starts[i], starts[i + 1]); starts[0] = INT64_MIN.
 *  2. Neighbouring intervals differ in their offset (changes of name only are dropped).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "base/zone_rule.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"
enum { MAX_FILE_BYTES = 1 << 18, HEADER_BYTES = 44, CYCLE_YEARS = 400, NAME_BYTES = 64 };
#define CYCLE_S (INT64_C(146097) * DAY_S)
#define NEAR_S (INT64_C(30) * 3600) /* no offset is larger */

struct zone {
    char name[NAME_BYTES];
    size_t n, capacity;
    int64_t *starts;
    int32_t *offsets;
    int64_t cycle_from_s; /* instants from here on repeat with CYCLE_S; INT64_MAX: never */
};

/* Sizes of a TZif block, in the order of its header. */
struct block {
    uint32_t n_isut, n_isstd, n_leap, n_times, n_types, n_chars;
};

static uint32_t big32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big_time(const unsigned char *p, size_t width) {
    if (width == 4)
        return (int32_t)big32(p);
    return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

static void zone_add(struct zone *zone, int64_t start, int32_t offset) {
    if (zone->n && zone->offsets[zone->n - 1] == offset)
        return;
    if (zone->n && zone->starts[zone->n - 1] >= start)
        return;
    if (zone->n == zone->capacity) {
        zone->capacity = zone->capacity ? zone->capacity * 2 : 256;
        zone->starts = realloc(zone->starts, zone->capacity * sizeof *zone->starts);
        zone->offsets = realloc(zone->offsets, zone->capacity * sizeof *zone->offsets);
        if (!zone->starts || !zone->offsets)
            abort();
    }
    zone->starts[zone->n] = start;
    zone->offsets[zone->n++] = offset;
}

static bool read_header(const unsigned char *p, size_t left, struct block *block) {
    if (left < HEADER_BYTES || memcmp(p, "TZif", 4) != 0)
        return false;
    *block = (struct block){big32(p + 20), big32(p + 24), big32(p + 28),
                            big32(p + 32), big32(p + 36), big32(p + 40)};
    return block->n_times <= MAX_FILE_BYTES && block->n_types <= 256 && block->n_types > 0 &&
           block->n_chars <= 1024 && block->n_leap <= 1024 && block->n_isut <= 256 &&
           block->n_isstd <= 256;
}

static size_t block_bytes(const struct block *block, size_t width) {
    return block->n_times * (width + 1) + (size_t)block->n_types * 6 + block->n_chars +
           block->n_leap * (width + 4) + block->n_isstd + block->n_isut;
}

/* Last instant of the transitions, or INT64_MIN without any. */
static bool read_block(struct zone *zone, const unsigned char *p, const struct block *block,
                       size_t width, int64_t *last) {
    const unsigned char *types = p + block->n_times * width;
    const unsigned char *offsets = types + block->n_times;
    *last = INT64_MIN;
    zone_add(zone, INT64_MIN, (int32_t)big32(offsets));
    for (uint32_t i = 0; i < block->n_times; i++) {
        if (types[i] >= block->n_types)
            return false;
        *last = big_time(p + i * width, width);
        zone_add(zone, *last, (int32_t)big32(offsets + (size_t)types[i] * 6));
    }
    return true;
}

static void unroll(struct zone *zone, const struct zone_rule *rule, int64_t last) {
    if (!rule->has_summer) {
        zone_add(zone, last == INT64_MIN ? 0 : last + 1, rule->standard_s);
        return;
    }
    int year = 1970, month, day;
    if (last > 0)
        time_civil_from_days(last / DAY_S, &year, &month, &day);
    for (int y = year; y <= year + CYCLE_YEARS + 1; y++) {
        int64_t start, end;
        zone_rule_year(rule, y, &start, &end);
        for (int k = 0; k < 2; k++) {
            bool summer = (start < end) == (k == 0);
            int64_t at = summer ? start : end;
            if (at > last)
                zone_add(zone, at, summer ? rule->summer_s : rule->standard_s);
        }
    }
    zone->cycle_from_s = time_days_from_civil(year + CYCLE_YEARS + 1, 1, 1) * DAY_S;
}

static bool parse_file(struct zone *zone, const unsigned char *bytes, size_t n) {
    struct block block;
    if (!read_header(bytes, n, &block))
        return false;
    size_t width = 4, at = HEADER_BYTES;
    if (bytes[4] >= '2') {
        at += block_bytes(&block, 4);
        if (at >= n || !read_header(bytes + at, n - at, &block))
            return false;
        width = 8;
        at += HEADER_BYTES;
    }
    size_t size = block_bytes(&block, width);
    int64_t last;
    if (size > n - at || !read_block(zone, bytes + at, &block, width, &last))
        return false;
    at += size;
    if (width == 4 || at + 2 >= n || bytes[at] != '\n')
        return true;
    const unsigned char *end = memchr(bytes + at + 1, '\n', n - at - 1);
    struct zone_rule rule;
    if (end &&
        zone_rule_parse(
            (struct slice){(const char *)bytes + at + 1, (size_t)(end - bytes) - at - 1}, &rule))
        unroll(zone, &rule, last);
    return true;
}

static bool name_allowed(const char *name) {
    size_t n = strlen(name);
    if (n == 0 || n >= NAME_BYTES || name[0] == '/' || strstr(name, "//"))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '_' && c != '-' && c != '+')
            return false;
    }
    return true;
}

static ssize_t read_file(const char *name, unsigned char *bytes) {
    char path[sizeof ZONE_FOLDER + NAME_BYTES];
    snprintf(path, sizeof path, ZONE_FOLDER "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct stat stat;
    ssize_t n = -1;
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_size <= MAX_FILE_BYTES)
        n = read(fd, bytes, MAX_FILE_BYTES);
    close(fd);
    return n;
}

int zone_open(struct zone **zone, const char *name, struct err *err) {
    if (!name_allowed(name))
        return err_set(err, E_INVALID, "unknown time zone");
    struct zone *opened = calloc(1, sizeof *opened);
    unsigned char *bytes = malloc(MAX_FILE_BYTES);
    if (!opened || !bytes)
        abort();
    snprintf(opened->name, sizeof opened->name, "%s", name);
    opened->cycle_from_s = INT64_MAX;
    ssize_t n = read_file(name, bytes);
    bool read = n > 0 && parse_file(opened, bytes, (size_t)n);
    if (!read && n < 0 && strcmp(name, "UTC") == 0) { /* a system without a zone database */
        zone_add(opened, INT64_MIN, 0);
        read = true;
    }
    free(bytes);
    if (!read) {
        zone_close(opened);
        return err_set(err, E_INVALID, "unknown time zone %s", name);
    }
    *zone = opened;
    return 0;
}

void zone_close(struct zone *zone) {
    if (!zone)
        return;
    free(zone->starts);
    free(zone->offsets);
    free(zone);
}

const char *zone_name(const struct zone *zone) { return zone ? zone->name : "UTC"; }

/* The interval that holds an instant. */
static size_t find(const struct zone *zone, int64_t utc_s) {
    size_t low = 0, n = zone->n;
    while (n > 1) {
        size_t half = n / 2;
        low += zone->starts[low + half] <= utc_s ? half : 0;
        n -= half;
    }
    return low;
}

/* How much earlier the same calendar is found in the table. */
static int64_t cycles(const struct zone *zone, int64_t utc_s) {
    if (utc_s < zone->cycle_from_s)
        return 0;
    return ((utc_s - zone->cycle_from_s) / CYCLE_S + 1) * CYCLE_S;
}

int32_t zone_offset_s(const struct zone *zone, int64_t utc_s) {
    if (!zone)
        return 0;
    return zone->offsets[find(zone, utc_s - cycles(zone, utc_s))];
}

int64_t zone_to_utc_s(const struct zone *zone, int64_t local_s) {
    if (!zone)
        return local_s;
    int64_t shift = cycles(zone, local_s);
    int64_t local = local_s - shift;
    for (size_t i = find(zone, local - NEAR_S);; i++) {
        int64_t utc = local - zone->offsets[i];
        bool last = i + 1 == zone->n;
        if (last || utc < zone->starts[i + 1])
            return utc + shift;
        if (local - zone->offsets[i + 1] < zone->starts[i + 1])
            return utc + shift; /* skipped: the offset before the gap moves it forward */
    }
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t to_utc_ms(const struct zone *zone, int64_t days) {
    return zone_to_utc_s(zone, days * DAY_S) * 1000;
}

/* An hour begins on the local full hour, or at a change of the clock inside it. */
static int64_t hour_start_s(const struct zone *zone, int64_t utc_s) {
    int64_t local = utc_s + zone_offset_s(zone, utc_s);
    int64_t start = utc_s - (local - floor_div(local, 3600) * 3600);
    if (!zone)
        return start;
    int64_t shift = cycles(zone, utc_s), change = zone->starts[find(zone, utc_s - shift)];
    return change != INT64_MIN && change + shift > start ? change + shift : start;
}

static int64_t next_hour_s(const struct zone *zone, int64_t start_s) {
    int64_t local = start_s + zone_offset_s(zone, start_s);
    int64_t full = start_s + 3600 - (local - floor_div(local, 3600) * 3600);
    int64_t other = hour_start_s(zone, full - 1);
    return other > start_s ? other : hour_start_s(zone, full);
}

static int64_t first_day_of(enum bucket every, int64_t days) {
    int year, month, day;
    switch (every) {
    case BUCKET_WEEK: return floor_div(days + 3, 7) * 7 - 3;
    case BUCKET_MONTH: time_civil_from_days(days, &year, &month, &day); return days - day + 1;
    default: return days;
    }
}

int64_t zone_bucket_start_ms(const struct zone *zone, enum bucket every, int64_t utc_ms) {
    int64_t utc_s = floor_div(utc_ms, 1000);
    if (every == BUCKET_HOUR)
        return hour_start_s(zone, utc_s) * 1000;
    int64_t days = floor_div(utc_s + zone_offset_s(zone, utc_s), DAY_S);
    return to_utc_ms(zone, first_day_of(every, days));
}

int64_t zone_bucket_add_ms(const struct zone *zone, enum bucket every, int64_t start_ms, int n) {
    int64_t start_s = floor_div(start_ms, 1000);
    if (every == BUCKET_HOUR) {
        for (; n > 0; n--)
            start_s = next_hour_s(zone, start_s);
        for (; n < 0; n++)
            start_s = hour_start_s(zone, start_s - 1);
        return start_s * 1000;
    }
    int64_t days = floor_div(start_s + zone_offset_s(zone, start_s), DAY_S);
    if (every == BUCKET_MONTH) {
        int year, month, day;
        time_civil_from_days(days, &year, &month, &day);
        int64_t months = (int64_t)year * 12 + month - 1 + n;
        int64_t first = floor_div(months, 12);
        days = time_days_from_civil((int)first, (int)(months - first * 12) + 1, 1);
    } else {
        days += (int64_t)n * (every == BUCKET_WEEK ? 7 : 1);
    }
    return to_utc_ms(zone, days);
}
