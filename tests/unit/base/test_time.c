/*
 * Instants from and to text; durations.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/time.h"

static void test_parse(void **state) {
    (void)state;
    static const struct {
        const char *text, *utc;
    } cases[] = {
        {"2026-11-21T20:31:26.165Z", "2026-11-21T20:31:26.165Z"},
        {"2026-11-21t20:31:26z", "2026-11-21T20:31:26.000Z"},
        {"2026-11-21 20:31:26", "2026-11-21T20:31:26.000Z"},
        {"2026-11-21 20:31:26.999999999 UTC", "2026-11-21T20:31:26.999Z"}, /* cut, not rounded */
        {"2026-11-21T20:31", "2026-11-21T20:31:00.000Z"},
        {"2026-11-21", "2026-11-21T00:00:00.000Z"},
        {"2011-10-01T00:38:44.546+02:00", "2011-09-30T22:38:44.546Z"},
        {"2011-10-01T00:38:44.5-0330", "2011-10-01T04:08:44.500Z"},
        {"2011-10-01T00:38:44,05+02", "2011-09-30T22:38:44.050Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = 0;
        char text[TIME_TEXT_BYTES];
        assert_int_equal(time_parse(slice_of(cases[i].text), NULL, &ms), 0);
        time_format(ms, text);
        assert_string_equal(text, cases[i].utc);
    }
}

static void test_parse_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", E_MALFORMED},
        {"2026", E_MALFORMED},
        {"2026-1-1", E_MALFORMED},
        {"21.11.2026", E_MALFORMED},
        {"2026-11-21T", E_MALFORMED},
        {"2026-11-21T20", E_MALFORMED},
        {"2026-11-21T20:31:26.Z", E_MALFORMED},
        {"2026-11-21T20:31:26Zx", E_MALFORMED},
        {"2026-11-21T20:31:26+2", E_MALFORMED},
        {"2026-11-21T20:31:26+24:00", E_MALFORMED},
        {" 2026-11-21T20:31:26Z", E_MALFORMED},
        {"0000-01-01T00:00:00Z", E_INVALID},
        {"2026-02-29T00:00:00Z", E_INVALID},
        {"2026-13-01", E_INVALID},
        {"2026-00-01", E_INVALID},
        {"2026-04-31", E_INVALID},
        {"2026-11-21T24:00:00Z", E_INVALID},
        {"2026-11-21T20:60:00Z", E_INVALID},
        {"2026-11-21T20:31:61Z", E_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -7;
        assert_int_equal(time_parse(slice_of(cases[i].text), NULL, &ms), cases[i].code);
        assert_int_equal(time_parse((struct slice){NULL, 0}, NULL, &ms), E_MALFORMED);
        assert_int_equal(ms, -7);
    }
}

static void test_local(void **state) {
    (void)state;
    struct zone *zone = NULL;
    int64_t ms;
    char text[TIME_TEXT_BYTES];
    assert_int_equal(zone_open(&zone, "Europe/Madrid", NULL), 0);
    assert_int_equal(time_parse(slice_of("2026-07-01T12:00:00"), zone, &ms), 0);
    time_format(ms, text);
    assert_string_equal(text, "2026-07-01T10:00:00.000Z");
    assert_int_equal(time_parse(slice_of("2026-07-01T12:00:00Z"), zone, &ms), 0);
    time_format(ms, text);
    assert_string_equal(text, "2026-07-01T12:00:00.000Z");
    zone_close(zone);
}

static void test_parse_format(void **state) {
    (void)state;
    static const struct {
        const char *text, *format, *utc;
    } cases[] = {
        {"21.11.2026 20:31", "%d.%m.%Y %H:%M", "2026-11-21T20:31:00.000Z"},
        {"1/2/2026", "%d/%m/%Y", "2026-02-01T00:00:00.000Z"},
        {"1/2/26", "%m/%d/%y", "2026-01-02T00:00:00.000Z"},
        {"02/28/99 12:05:09 AM", "%m/%d/%y %I:%M:%S %p", "1999-02-28T00:05:09.000Z"},
        {"02/28/99 12:05:09 p. m.", "%m/%d/%y %I:%M:%S %p", "1999-02-28T12:05:09.000Z"},
        {"3 dic. 2025 7:05", "%d %b %Y %H:%M", "2025-12-03T07:05:00.000Z"},
        {"Mon, 21 September 2026 07:05:01 +0200", "%a, %d %B %Y %T %z", "2026-09-21T05:05:01.000Z"},
        {"20261121203126.5", "%Y%m%d%H%M%S.%f", "2026-11-21T20:31:26.500Z"},
        {"1510000000", "unix", "2017-11-06T20:26:40.000Z"},
        {"1510000000.1259", "unix", "2017-11-06T20:26:40.125Z"},
        {"1510000000125", "unix_ms", "2017-11-06T20:26:40.125Z"},
        {"-1", "unix_ms", "1969-12-31T23:59:59.999Z"},
        {"2026-11-21", "rfc3339", "2026-11-21T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = 0;
        char text[TIME_TEXT_BYTES];
        assert_int_equal(time_parse_format(slice_of(cases[i].text), cases[i].format, NULL, &ms), 0);
        time_format(ms, text);
        assert_string_equal(text, cases[i].utc);
    }
    int64_t ms;
    assert_int_equal(time_parse_format(slice_of("31/04/2026"), "%d/%m/%Y", NULL, &ms), E_INVALID);
    assert_int_equal(time_parse_format(slice_of("1/2/2026x"), "%d/%m/%Y", NULL, &ms), E_MALFORMED);
    assert_int_equal(time_parse_format(slice_of("1/2"), "%d/%m/%Y", NULL, &ms), E_MALFORMED);
    assert_int_equal(time_parse_format(slice_of("13:00 PM"), "%I:%M %p", NULL, &ms), E_MALFORMED);
    assert_int_equal(time_parse_format(slice_of("12e5"), "unix", NULL, &ms), E_MALFORMED);
    assert_int_equal(time_parse_format(slice_of("9999999999999999"), "unix", NULL, &ms), E_INVALID);
}

static void test_civil_round_trip(void **state) {
    (void)state;
    for (int64_t days = -719162; days < 2932897; days += 37) { /* 0001-01-01 .. 9999-12-31 */
        int year, month, day;
        time_civil_from_days(days, &year, &month, &day);
        assert_true(year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
                    day <= 31);
        assert_int_equal(time_days_from_civil(year, month, day), days);
    }
    assert_int_equal(time_days_from_civil(2000, 2, 29), 11016);
}

static void test_duration(void **state) {
    (void)state;
    int64_t ms;
    assert_int_equal(time_parse_duration(slice_of("7d"), &ms), 0);
    assert_int_equal(ms, INT64_C(604800000));
    assert_int_equal(time_parse_duration(slice_of("45s"), &ms), 0);
    assert_int_equal(ms, 45000);
    assert_int_equal(time_parse_duration(slice_of("90m"), &ms), 0);
    assert_int_equal(ms, 5400000);
    assert_int_equal(time_parse_duration(slice_of("2w"), &ms), 0);
    assert_int_equal(ms, INT64_C(1209600000));
    static const char *const bad[] = {"",   "7",    "d",   "7 d",      "-7d",
                                      "7y", "1.5d", "7dd", "9999999d", "99999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(time_parse_duration(slice_of(bad[i]), &ms), E_INVALID);
}

static int64_t fixed(void) { return 42; }

static void test_clock(void **state) {
    (void)state;
    clock_inject(fixed);
    assert_int_equal(clock_now_ms(), 42);
    clock_inject(NULL);
    assert_true(clock_now_ms() > INT64_C(1700000000000));
    int64_t before = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_parse_format),
        cmocka_unit_test(test_civil_round_trip),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
