/*
 * When plans by calendar run and when messages may be sent, in the organisation's zone.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "invite/internal.h"

static int64_t at(const char *text) {
    int64_t ms;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

static void check(const char *json, const char *zone_name, const char *now, const char *last,
                  const char *next) {
    struct calendar calendar;
    struct zone *zone;
    struct err err = {0};
    char text[TIME_TEXT_BYTES];
    json_t *document = json_loads(json, 0, NULL);
    assert_int_equal(zone_open(&zone, zone_name, &err), 0);
    assert_int_equal(calendar_parse(document, &calendar, &err), 0);
    time_format(calendar_last(&calendar, zone, at(now)), text);
    assert_string_equal(text, last);
    time_format(calendar_next(&calendar, zone, at(now)), text);
    assert_string_equal(text, next);
    zone_close(zone);
    json_decref(document);
}

static void test_occurrences(void **state) {
    (void)state;
    check("{\"every\":\"quarter\",\"day\":15,\"month\":2,\"at\":\"10:00\"}", "Europe/Madrid",
          "2026-05-15T07:59:59Z", "2026-02-15T09:00:00.000Z", "2026-05-15T08:00:00.000Z");
    check("{\"every\":\"quarter\",\"day\":15,\"month\":2,\"at\":\"10:00\"}", "Europe/Madrid",
          "2026-05-15T08:00:00Z", "2026-05-15T08:00:00.000Z", "2026-08-15T08:00:00.000Z");
    check("{\"every\":\"month\",\"day\":31}", "UTC", "2026-02-10T00:00:00Z",
          "2026-01-31T10:00:00.000Z", "2026-02-28T10:00:00.000Z");
    check("{\"every\":\"week\",\"day\":7,\"at\":\"09:30\"}", "UTC", "2026-11-28T03:00:00Z",
          "2026-11-22T09:30:00.000Z", "2026-11-29T09:30:00.000Z");
    check("{\"every\":\"week\",\"day\":1,\"at\":\"00:00\"}", "America/Lima", "2026-11-30T04:59:59Z",
          "2026-11-23T05:00:00.000Z", "2026-11-30T05:00:00.000Z");
    check("{\"every\":\"year\",\"day\":29,\"month\":2,\"at\":\"23:59\"}", "UTC",
          "2027-03-01T00:00:00Z", "2027-02-28T23:59:00.000Z", "2028-02-29T23:59:00.000Z");
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"[]", "/calendar"},
        {"{\"every\":\"day\"}", "/calendar/every"},
        {"{\"every\":\"week\",\"day\":8}", "/calendar/day"},
        {"{\"every\":\"month\",\"day\":0}", "/calendar/day"},
        {"{\"every\":\"month\",\"month\":1}", "/calendar/month"},
        {"{\"every\":\"quarter\",\"month\":4}", "/calendar/month"},
        {"{\"every\":\"week\",\"at\":\"24:00\"}", "/calendar/at"},
        {"{\"every\":\"week\",\"most\":0}", "/calendar/most"},
        {"{\"every\":\"week\",\"colour\":1}", "/calendar/colour"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct calendar calendar;
        struct err err = {0};
        json_t *json = json_loads(wrong[i][0], 0, NULL);
        assert_int_equal(calendar_parse(json, &calendar, &err), E_INVALID);
        assert_string_equal(err.pointer, wrong[i][1]);
        json_decref(json);
    }
}

static void opens(const char *now, const char *open) {
    const struct hours weekdays = {
        .limited = true, .days = 0x3e, .from_s = 9 * 3600, .to_s = 20 * 3600};
    struct zone *zone;
    struct err err = {0};
    char text[TIME_TEXT_BYTES];
    assert_int_equal(zone_open(&zone, "Europe/Madrid", &err), 0);
    time_format(hours_next(&weekdays, zone, at(now)), text);
    assert_string_equal(text, open);
    zone_close(zone);
}

/* Monday to Friday, nine to eight, also where the clock was changed on the way: 29 March and 25 October 2026. */
static void test_hours(void **state) {
    (void)state;
    opens("2026-03-27T18:59:59Z", "2026-03-27T18:59:59.000Z");
    opens("2026-03-27T19:00:00Z", "2026-03-30T07:00:00.000Z");
    opens("2026-03-30T06:59:00Z", "2026-03-30T07:00:00.000Z");
    opens("2026-03-30T17:59:00Z", "2026-03-30T17:59:00.000Z");
    opens("2026-10-23T18:00:00Z", "2026-10-26T08:00:00.000Z");
    opens("2026-10-26T07:30:00Z", "2026-10-26T08:00:00.000Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hours),
                                       cmocka_unit_test(test_occurrences),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
