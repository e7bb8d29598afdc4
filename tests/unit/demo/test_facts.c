/*
 * Every planted fact, counted on the events as they are emitted, at a tenth of the size.
 *
 * Source of the figures: the table of the demonstration organisation (src/demo/facts.c repeats it). Tolerances are what is left
 * of chance at this size.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/time.h"
#include "observer.h"

static const double scale = 0.1;
static struct observer seen;
static struct zone *zone;

static int64_t instant(const char *text) {
    int64_t ms = 0;
    assert_int_equal(time_parse(slice_of(text), NULL, &ms), 0);
    return ms;
}

#define assert_near(value, expected, tolerance)                                                    \
    near(#value, (value), (expected), (tolerance), __LINE__)
static void near(const char *what, double value, double expected, double tolerance, int line) {
    if (value >= expected - tolerance && value <= expected + tolerance)
        return;
    print_error("%s = %g, expected %g ± %g (line %d)\n", what, value, expected, tolerance, line);
    fail();
}

static void test_fact_1_release(void **state) {
    (void)state;
    assert_near(share_of(seen.paid_usual), 0.71, 0.015);
    assert_near(share_of(seen.paid_release), 0.52, 0.03);
    assert_near(share_of(seen.paid_mobile), 0.46, 0.03);
    assert_near(seen.paid_release.all / scale / 42, 24, 1.5); /* checkouts a day */
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    time_format(seen.dates.release_from_ms, from);
    time_format(seen.dates.release_to_ms, to);
    assert_string_equal(from, "2026-10-05T22:00:00.000Z"); /* 6 October in Madrid */
    assert_string_equal(to, "2026-11-16T23:00:00.000Z");   /* until the end of 16 November */
}

static void test_fact_2_first_invoice(void **state) {
    (void)state;
    assert_near(share_of(seen.excess_store), 0.37, 0.02);
    assert_near(share_of(seen.excess_web), 0.12, 0.02);
    assert_near(share_of(after_invoice(&seen, true, -1, true, 11)), 0.305, 0.02);
    assert_near(share_of(after_invoice(&seen, false, -1, true, 11)), 0.06, 0.01);
    assert_near(share_of(after_invoice(&seen, true, -1, false, 91)), 0.094, 0.012);
    assert_near(share_of(after_invoice(&seen, false, -1, false, 91)), 0.028, 0.005);
}

static void test_fact_3_explained_bill(void **state) {
    (void)state;
    struct share told = after_invoice(&seen, true, 1, true, 11),
                 untold = after_invoice(&seen, true, 0, true, 11);
    assert_true(told.all > 15);
    assert_near(share_of(told), 0.20, 0.05);
    assert_near(share_of(untold), 0.31, 0.02);
}

static void test_fact_4_installation(void **state) {
    (void)state;
    assert_near(share_of(seen.in_48h), 0.88, 0.01);
    assert_near(share_of(seen.rural_in_48h), 0.62, 0.02);
    assert_near(seen.rural_in_48h.all / scale, 1900, 150);
}

static void test_fact_5_provider(void **state) {
    (void)state;
    assert_near(nps_of(seen.own), 31, 5);
    assert_near(nps_of(seen.sur), 12, 4);
    assert_near(seen.own_s / seen.own_calls, 460, 12);
    assert_near(seen.sur_s / seen.sur_calls, 310, 8);
    assert_near(seen.sur_calls / (seen.sur_calls + seen.own_calls), 0.60, 0.015);
    /* of calls that have a next one; the last calls of a life are solved or the life ended */
    assert_true(share_of(seen.own_solved) > share_of(seen.sur_solved) + 0.05);
}

static void test_fact_6_saturdays(void **state) {
    (void)state;
    double below = 0;
    int minutes = 0;
    while (below + seen.waits[minutes] < 0.8 * seen.saturday_turns)
        below += seen.waits[minutes++];
    assert_near(minutes, 34, 1);
    assert_near(share_of(seen.estimate_15), 1, 0);
    assert_true(seen.saturday_turns > 500);
}

static void test_facts_7_8_9_shops(void **state) {
    (void)state;
    double before = share_of(seen.burgos[0]), after = share_of(seen.burgos[1]);
    assert_near(after - before, 0.06, 0.035);
    assert_near(share_of(seen.others[1]) - share_of(seen.others[0]), 0, 0.03);
    assert_near(share_of(seen.begged), 0.97, 0.02);
    assert_near(share_of(seen.at_close), 0.61, 0.05);
    assert_int_equal((int)seen.soria.n, 14);
    assert_near(nps_of(seen.soria), 71, 1);
}

static void test_facts_10_11_13_15_16(void **state) {
    (void)state;
    assert_near(share_of(seen.gamer_ideas), 0.19, 0.02);
    assert_near(share_of(seen.senior_voice), 0.03, 0.015);
    assert_near(seen.esim / scale, 412, 6);
    assert_near(seen.roaming / scale, 260, 6);
    assert_near(share_of(seen.prescribed), 0.096, 0.012);
    assert_near(share_of(seen.chat_5), 0.62, 0.02);
    assert_near(share_of(seen.chat_7), 0.70, 0.025);
    assert_near(seen.tablet / scale, 640, 10);
}

static void test_fact_12_notice(void **state) {
    (void)state;
    struct share warned = cut_calls(&seen, true), unwarned = cut_calls(&seen, false);
    assert_near(warned.all / scale, 3100, 30);
    assert_near(unwarned.all / scale, 1800, 30);
    assert_near(share_of(warned), 0.09, 0.015);
    assert_near(share_of(unwarned), 0.34, 0.02);
    assert_near(nps_of(seen.cut[1]), -4, 6); /* n is about 80 and 45 here */
    assert_near(nps_of(seen.cut[0]), -19, 8);
}

static void test_fact_14_month_13(void **state) {
    (void)state;
    assert_near(share_of(seen.dear), 0.27, 0.01);
    double around = 0;
    for (int month = 8; month <= 18; month++)
        if (month != 13)
            around += seen.lost_in_month[month] / 10;
    assert_near(seen.lost_in_month[13] / around, 4.2, 0.8);
}

static void test_volumes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double n;
    } channels[] = {{"web", 1300000},
                    {"app", 540000},
                    {"kiosk", 60300},
                    {"field", 71000},
                    {"review", 4100}},
      names[] = {{"Call Ended", 178000},
                 {"Chat Ended", 96000},
                 {"Complaint Filed", 3900},
                 {"Idea Submitted", 1150}};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        assert_near(counted(&seen.channels, channels[i].name) / scale, channels[i].n,
                    channels[i].n * 0.02);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_near(counted(&seen.names, names[i].name) / scale, names[i].n, names[i].n * 0.01);
    double turns = counted(&seen.names, "Queue Served") + counted(&seen.names, "Queue Left");
    assert_near(turns / scale, 194400, 2000);
    assert_near((double)seen.signups / scale, 27600, 400);
    assert_near((double)seen.losses / scale, 23000, 800);
    assert_near((double)seen.events / scale, 3050000, 150000);
}

static void test_time_and_carmen(void **state) {
    (void)state;
    assert_true(seen.newest_ms < seen.now_ms);
    assert_true(seen.newest_ms > seen.now_ms - DAY_MS);
    assert_true(seen.oldest_ms >= seen.dates.first_ms);
    assert_true(seen.oldest_ms < seen.dates.first_ms + DAY_MS);
    assert_non_null(seen.carmen.p);
    assert_int_equal(seen.carmen_events, 19); /* after her first traits; two contacts before */
}

static int generate(void **state) {
    (void)state;
    struct err err = {0};
    if (zone_open(&zone, "Europe/Madrid", &err))
        return -1;
    struct demo_options options = {
        .scale = scale, .now_ms = instant("2026-11-21T22:00:00Z"), .zone = zone};
    observer_init(&seen, &options);
    struct demo_sink sink = {.emit = observer_emit, .context = &seen, .batch = 1};
    int64_t begin = clock_monotonic_us();
    int code = demo_generate(&options, &sink, &err);
    double seconds = (double)(clock_monotonic_us() - begin) / 1e6;
    print_message("%.0f events in %.2f s with the observer: %.0f a second\n", (double)seen.events,
                  seconds, (double)seen.events / seconds);
    return code;
}

static int release(void **state) {
    (void)state;
    observer_release(&seen);
    zone_close(zone);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fact_1_release),
                                       cmocka_unit_test(test_fact_2_first_invoice),
                                       cmocka_unit_test(test_fact_3_explained_bill),
                                       cmocka_unit_test(test_fact_4_installation),
                                       cmocka_unit_test(test_fact_5_provider),
                                       cmocka_unit_test(test_fact_6_saturdays),
                                       cmocka_unit_test(test_facts_7_8_9_shops),
                                       cmocka_unit_test(test_facts_10_11_13_15_16),
                                       cmocka_unit_test(test_fact_12_notice),
                                       cmocka_unit_test(test_fact_14_month_13),
                                       cmocka_unit_test(test_volumes),
                                       cmocka_unit_test(test_time_and_carmen)};
    return cmocka_run_group_tests(tests, generate, release);
}
