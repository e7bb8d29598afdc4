/*
 * When a tap happened, whatever the clock of its screen says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kiosk/taking.h"

static const int64_t NOW_MS = 1700000000000, DAY_MS_64 = 86400000;

/* A batch that has just come from a screen that was made ten days ago. */
static struct taking batch(void) {
    return (struct taking){.received_ms = NOW_MS, .signer.created_ms = NOW_MS - 10 * DAY_MS_64};
}

static void a_clock_that_is_wrong_alike_is_set_right(void **state) {
    (void)state;
    struct taking taking = batch();
    struct tap tap = {.at_ms = NOW_MS + DAY_MS_64 - 5000};
    taking.skew_ms = -DAY_MS_64;
    assert_true(tap_date(&taking, &tap, 0));
    assert_true(tap.time_ms == NOW_MS - 5000);
}

static void the_count_since_the_start_is_believed_first(void **state) {
    (void)state;
    struct taking taking = batch();
    struct tap tap = {.at_ms = 0, .mono_ms = 1000, .has_mono = true, .same_boot = true};
    taking.mono_ms = 61000;
    assert_true(tap_date(&taking, &tap, 0));
    assert_true(tap.time_ms == NOW_MS - 60000);
    tap.at_ms = NOW_MS - 7000;
    tap.same_boot = false; /* it counts from another start */
    assert_true(tap_date(&taking, &tap, 0));
    assert_true(tap.time_ms == NOW_MS - 7000);
}

static void nothing_happens_after_it_came(void **state) {
    (void)state;
    struct taking taking = batch();
    struct tap soon = {.at_ms = NOW_MS + 2000}, later = {.at_ms = NOW_MS + 2001};
    assert_true(tap_date(&taking, &soon, 0)); /* clocks are no better */
    assert_true(soon.time_ms == NOW_MS);
    assert_false(tap_date(&taking, &later, 0));
    assert_true(later.time_ms == NOW_MS);
}

static void nothing_happens_before_there_was_a_screen(void **state) {
    (void)state;
    struct taking taking = batch();
    int64_t made_ms = taking.signer.created_ms;
    struct tap first = {.at_ms = made_ms - DAY_MS_64}, before = {.at_ms = made_ms - DAY_MS_64 - 1};
    assert_true(tap_date(&taking, &first, 0));
    assert_false(tap_date(&taking, &before, 0));
    assert_true(before.time_ms == made_ms);
    before.at_ms = 0;
    assert_false(tap_date(&taking, &before, NOW_MS - 3000)); /* where the one before it stands */
    assert_true(before.time_ms == NOW_MS - 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_wrong_alike_is_set_right),
        cmocka_unit_test(the_count_since_the_start_is_believed_first),
        cmocka_unit_test(nothing_happens_after_it_came),
        cmocka_unit_test(nothing_happens_before_there_was_a_screen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
