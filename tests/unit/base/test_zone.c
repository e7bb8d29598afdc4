/*
 * Zones: known offsets, gaps and overlaps of the clock, local buckets, years beyond the file.
 * Values: IANA time zone database, checked with CPython's zoneinfo.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "base/zone_rule.h"

static struct zone *zone_get(const char *name) {
    struct zone *zone = NULL;
    struct err err = {0};
    assert_int_equal(zone_open(&zone, name, &err), 0);
    return zone;
}

static int64_t instant(const char *text) {
    int64_t ms = 0;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

static void assert_instant(int64_t ms, const char *text) {
    char got[TIME_TEXT_BYTES], want[TIME_TEXT_BYTES];
    time_format(ms, got);
    time_format(instant(text), want);
    assert_string_equal(got, want);
}

static void test_offsets(void **state) {
    (void)state;
    static const struct {
        const char *zone, *utc;
        int32_t offset_s;
    } cases[] = {
        {"UTC", "2026-07-01T00:00:00Z", 0},
        {"Europe/Madrid", "2026-03-29T00:59:59Z", 3600},
        {"Europe/Madrid", "2026-03-29T01:00:00Z", 7200},
        {"Europe/Madrid", "2026-10-25T00:59:59Z", 7200},
        {"Europe/Madrid", "2026-10-25T01:00:00Z", 3600},
        {"Europe/Madrid", "2105-07-01T00:00:00Z", 7200},
        {"Europe/Madrid", "2999-01-01T00:00:00Z", 3600},
        {"Europe/Madrid", "2999-07-01T00:00:00Z", 7200},
        {"Europe/Madrid", "1890-01-01T00:00:00Z", -884},
        {"America/New_York", "2026-03-08T06:59:59Z", -18000},
        {"America/New_York", "2026-03-08T07:00:00Z", -14400},
        {"Asia/Kolkata", "2026-03-08T07:00:00Z", 19800},
        {"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 39600},
        {"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800},
        {"America/Sao_Paulo", "2030-01-01T00:00:00Z", -10800},
        {"Africa/Casablanca", "2026-03-01T12:00:00Z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *zone = zone_get(cases[i].zone);
        assert_int_equal(zone_offset_s(zone, instant(cases[i].utc) / 1000), cases[i].offset_s);
        zone_close(zone);
    }
}

static void test_local_to_utc(void **state) {
    (void)state;
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Europe/Madrid", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"}, /* skipped: 03:30 */
        {"Europe/Madrid", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, /* repeated: the first */
        {"Europe/Madrid", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
        {"America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"},
        {"America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"},
        {"Asia/Kolkata", "2026-11-01T01:30:00", "2026-10-31T20:00:00Z"},
        {"Pacific/Apia", "2011-12-30T12:00:00",
         "2011-12-30T22:00:00Z"}, /* the day that was skipped */
        {"Europe/Madrid", "2850-07-01T00:00:00", "2850-06-30T22:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *zone = zone_get(cases[i].zone);
        assert_instant(zone_to_utc_s(zone, instant(cases[i].local) / 1000) * 1000, cases[i].utc);
        zone_close(zone);
    }
}

static void test_bucket_starts(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        enum bucket every;
        const char *utc, *start;
    } cases[] = {
        {"Europe/Madrid", BUCKET_DAY, "2026-03-29T21:59:59.999Z", "2026-03-28T23:00:00Z"},
        {"Europe/Madrid", BUCKET_DAY, "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z"},
        {"Europe/Madrid", BUCKET_WEEK, "2026-11-21T12:00:00Z", "2026-11-15T23:00:00Z"},
        {"Europe/Madrid", BUCKET_WEEK, "2026-11-15T22:59:59Z", "2026-11-08T23:00:00Z"},
        {"Europe/Madrid", BUCKET_MONTH, "2026-04-15T12:00:00Z", "2026-03-31T22:00:00Z"},
        {"Europe/Madrid", BUCKET_MONTH, "2026-03-31T22:30:00Z", "2026-03-31T22:00:00Z"},
        {"Asia/Kolkata", BUCKET_HOUR, "2026-04-15T12:10:00Z", "2026-04-15T11:30:00Z"},
        {"Asia/Kolkata", BUCKET_DAY, "2026-04-15T18:29:59Z", "2026-04-14T18:30:00Z"},
        {"Australia/Lord_Howe", BUCKET_HOUR, "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z"},
        {"America/New_York", BUCKET_MONTH, "1970-01-01T00:00:00Z", "1969-12-01T05:00:00Z"},
        {"America/Santiago", BUCKET_DAY, "2026-09-06T12:00:00Z",
         "2026-09-06T04:00:00Z"}, /* no midnight */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct zone *zone = zone_get(cases[i].zone);
        assert_instant(zone_bucket_start_ms(zone, cases[i].every, instant(cases[i].utc)),
                       cases[i].start);
        zone_close(zone);
    }
}

/* Walking forward gives each start once; it is its own start, and walking back returns. */
static void test_buckets_walk(void **state) {
    (void)state;
    static const char *const zones[] = {"UTC",          "Europe/Madrid",       "America/New_York",
                                        "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"};
    static const enum bucket every[] = {BUCKET_HOUR, BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH};
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        struct zone *zone = zone_get(zones[z]);
        for (size_t e = 0; e < 4; e++) {
            int64_t start = zone_bucket_start_ms(zone, every[e], instant("2025-01-01T12:00:00Z"));
            int64_t first = start, n = every[e] == BUCKET_HOUR  ? 9000
                                       : every[e] == BUCKET_DAY ? 730
                                                                : 60;
            for (int64_t i = 0; i < n; i++) {
                int64_t next = zone_bucket_add_ms(zone, every[e], start, 1);
                assert_true(next > start);
                assert_int_equal(zone_bucket_start_ms(zone, every[e], next), next);
                assert_int_equal(zone_bucket_start_ms(zone, every[e], next - 1), start);
                assert_int_equal(zone_bucket_add_ms(zone, every[e], next, -1), start);
                start = next;
            }
            assert_int_equal(zone_bucket_add_ms(zone, every[e], first, (int)n), start);
        }
        zone_close(zone);
    }
}

static void test_months_add(void **state) {
    (void)state;
    struct zone *zone = zone_get("Europe/Madrid");
    int64_t start = zone_bucket_start_ms(zone, BUCKET_MONTH, instant("2026-01-15T00:00:00Z"));
    assert_instant(zone_bucket_add_ms(zone, BUCKET_MONTH, start, 14), "2027-02-28T23:00:00Z");
    assert_instant(zone_bucket_add_ms(zone, BUCKET_MONTH, start, -1), "2025-11-30T23:00:00Z");
    assert_instant(zone_bucket_add_ms(zone, BUCKET_MONTH, start, -13), "2024-11-30T23:00:00Z");
    zone_close(zone);
}

static void test_names(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",        "../../etc/passwd", "/etc/passwd", "Europe", "Europe//Madrid", "Europe/Madrid\n",
        "Nowhere", "posix/../UTC",     "zone.tab",    "."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct zone *zone = NULL;
        struct err err = {0};
        assert_int_equal(zone_open(&zone, bad[i], &err), E_INVALID);
        assert_null(zone);
        assert_non_null(strstr(err.message, "unknown time zone"));
    }
}

static void test_rules(void **state) {
    (void)state;
    struct zone_rule rule;
    int64_t start, end;
    assert_true(zone_rule_parse(slice_of("EST5EDT,M3.2.0,M11.1.0"), &rule));
    zone_rule_year(&rule, 2026, &start, &end);
    assert_instant(start * 1000, "2026-03-08T07:00:00Z");
    assert_instant(end * 1000, "2026-11-01T06:00:00Z");
    assert_true(
        zone_rule_parse(slice_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"), &rule)); /* America/Nuuk */
    zone_rule_year(&rule, 2026, &start, &end);
    assert_instant(start * 1000, "2026-03-29T01:00:00Z");
    assert_instant(end * 1000, "2026-10-25T01:00:00Z");
    assert_true(zone_rule_parse(slice_of("XXX3YYY,J60/0,300/24"), &rule));
    zone_rule_year(&rule, 2024, &start, &end);
    assert_instant(start * 1000, "2024-03-01T03:00:00Z");
    assert_instant(end * 1000, "2024-10-28T02:00:00Z");
    static const char *const bad[] = {"",
                                      "CE",
                                      "CET",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M1.1.1",
                                      "CET-1CEST,M3.5.0,M10.5.0/3x",
                                      "CET999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(zone_rule_parse(slice_of(bad[i]), &rule));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),       cmocka_unit_test(test_local_to_utc),
        cmocka_unit_test(test_bucket_starts), cmocka_unit_test(test_buckets_walk),
        cmocka_unit_test(test_months_add),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
