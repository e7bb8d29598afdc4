/*
 * Which taps are no opinion, judged one after the other.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kiosk/misuse.h"

static const int64_t BEGIN_MS = 1700000000000;

static const char *mark(struct misuse_memory *memory, int64_t after_ms, int64_t touches) {
    const char *reason = misuse_of(memory, BEGIN_MS + after_ms, touches);
    return reason ? reason : "";
}

static void customers_one_after_the_other_count(void **state) {
    (void)state;
    struct misuse_memory memory = {0};
    for (int64_t i = 0; i < 50; i++)
        assert_string_equal(mark(&memory, 6000 * i, 0), "");
}

static void a_hand_that_hits_twice_counts_once(void **state) {
    (void)state;
    struct misuse_memory memory = {0};
    assert_string_equal(mark(&memory, 0, 0), "");
    assert_string_equal(mark(&memory, 999, 0), "same_second");
    assert_string_equal(mark(&memory, 2000, 0), "");
}

static void a_family_of_four_counts_the_fifth_tap_does_not(void **state) {
    (void)state;
    struct misuse_memory memory = {0};
    for (int64_t i = 0; i < 4; i++)
        assert_string_equal(mark(&memory, 5000 * i, 0), "");
    assert_string_equal(mark(&memory, 20000, 0), "hammering");
    assert_string_equal(mark(&memory, 45000, 0), "");
}

static void touches_on_the_thanks_are_hammering(void **state) {
    (void)state;
    struct misuse_memory memory = {0};
    assert_string_equal(mark(&memory, 0, MISUSE_TOUCHES - 1), "");
    assert_string_equal(mark(&memory, 60000, MISUSE_TOUCHES), "hammering");
}

static void a_clock_that_goes_back_is_no_reason(void **state) {
    (void)state;
    struct misuse_memory memory = {0};
    assert_string_equal(mark(&memory, 0, 0), "");
    assert_string_equal(mark(&memory, -3600000, 0), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_one_after_the_other_count),
        cmocka_unit_test(a_hand_that_hits_twice_counts_once),
        cmocka_unit_test(a_family_of_four_counts_the_fifth_tap_does_not),
        cmocka_unit_test(touches_on_the_thanks_are_hammering),
        cmocka_unit_test(a_clock_that_goes_back_is_no_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
