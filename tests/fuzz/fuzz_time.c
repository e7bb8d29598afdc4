/* module: base
 *
 * Fuzz target: instants as text, formats of dates, durations, rules and names of zones. The first byte chooses.
 *
 * INVARIANTS checked: an instant that was read is written and read back as itself, in every zone the local time of an instant
 * leads back to an instant of the same wall clock, a bucket holds the instant that it was asked for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/zone.h"
#include "base/zone_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool holds) {
    if (!holds)
        abort();
}

static void check_instant(int64_t utc_ms) {
    char text[TIME_TEXT_BYTES];
    int64_t again;
    if (utc_ms < TIME_MIN_MS || utc_ms >= TIME_MAX_MS)
        return;
    time_format(utc_ms, text);
    must(time_parse(slice_of(text), NULL, &again) == 0 && again == utc_ms);
}

static void check_zone(const struct zone *zone, int64_t utc_ms) {
    int64_t utc_s = utc_ms / 1000;
    int32_t offset = zone_offset_s(zone, utc_s);
    must(offset >= -26 * 3600 && offset <= 26 * 3600);
    int64_t local = utc_s + offset, back = zone_to_utc_s(zone, local);
    must(back + zone_offset_s(zone, back) == local && back <= utc_s);
    for (int every = BUCKET_HOUR; every <= BUCKET_MONTH; every++) {
        int64_t start = zone_bucket_start_ms(zone, (enum bucket)every, utc_ms);
        int64_t next = zone_bucket_add_ms(zone, (enum bucket)every, start, 1);
        must(start <= utc_ms && utc_ms < next);
    }
}

/* An instant made of the first bytes, in a zone named by the rest. */
static void named_zone(const char *text, size_t n) {
    char name[64];
    uint32_t utc_s = 0;
    struct zone *zone = NULL;
    struct err err = {0};
    if (n < 4 || n - 4 >= sizeof name)
        return;
    memcpy(&utc_s, text, 4);
    memcpy(name, text + 4, n - 4);
    name[n - 4] = 0;
    if (zone_open(&zone, name, &err)) {
        must(err.code && err.message[0]);
        return;
    }
    must(!strstr(name, ".."));
    if (utc_s < UINT32_MAX - 400 * DAY_S)
        check_zone(zone, (int64_t)utc_s * 1000 + 123);
    zone_close(zone);
}

/* A format, a line's end, a text. */
static void by_format(struct slice text) {
    char format[128];
    int64_t utc_ms;
    const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
    size_t length = end ? (size_t)(end - text.p) : 0;
    if (!end || length >= sizeof format)
        return;
    memcpy(format, text.p, length);
    format[length] = 0;
    struct slice value = {end + 1, text.n - length - 1};
    if (time_parse_format(value, format, NULL, &utc_ms) == 0)
        check_instant(utc_ms);
}

static void rule(struct slice text) {
    struct zone_rule zone_rule;
    int64_t start, end;
    if (!zone_rule_parse(text, &zone_rule) || !zone_rule.has_summer)
        return;
    for (int year = 1970; year < 2110; year += 7)
        zone_rule_year(&zone_rule, year, &start, &end);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    /* A copy of its own size, so that a byte too far is seen. */
    size_t length = n ? n - 1 : 0;
    char *copy = malloc(length ? length : 1);
    if (!copy)
        abort();
    if (length)
        memcpy(copy, bytes + 1, length);
    struct slice text = {copy, length};
    int64_t ms;
    switch (n ? (bytes[0] + 2) % 5 : 0) { /* as a digit */
    case 0:
        if (time_parse(text, NULL, &ms) == 0)
            check_instant(ms);
        break;
    case 1: by_format(text); break;
    case 2:
        must(time_parse_duration(text, &ms) || (ms >= 0 && ms <= INT64_C(7305) * DAY_MS));
        break;
    case 3: rule(text); break;
    default: named_zone(copy, length);
    }
    free(copy);
    return 0;
}
