/*
 * Needles: found in every form and in any case, alone where they must stand alone, and replaced.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on
#include "base/needles.h"

static bool stands(const char *needle, bool whole, const char *text) {
    struct needles needles;
    needles_init(&needles);
    needles_add_forms(&needles, slice_of(needle), whole);
    bool found = needles_in(&needles, slice_of(text));
    needles_release(&needles);
    return found;
}

static void finds_forms(void **state) {
    (void)state;
    static const char mail[] = "Ana.Peña@x.example";
    assert_true(stands(mail, true, "de ANA.PEña@X.example hoy"));
    assert_true(stands(mail, true, "?m=Ana.Pe%C3%B1a%40x.example&a"));
    assert_true(stands(mail, true, "?m=Ana.Pe%c3%b1a@x.example"));
    assert_true(stands(mail, true, "{\"m\":\"Ana.Pe\\u00f1a@x.example\"}"));
    assert_true(stands("dice \"hola\"", true, "{\"m\":\"dice \\\"hola\\\"\"}"));
    assert_true(stands("carmen-4711@x.example", true, "Basic Y2FybWVuLTQ3MTFAeC5leGFtcGxlOg=="));
    assert_true(stands("carmen-4711@x.example", true, "eHhjYXJtZW4tNDcxMUB4LmV4YW1wbGU6"));
    assert_false(stands(mail, true, "Ana.Pena@x.example"));
}

static void stands_alone(void **state) {
    (void)state;
    assert_true(stands("user-1", true, "a user-1, b"));
    assert_false(stands("user-1", true, "user-12"));
    assert_false(stands("user-1", true, "superuser-1"));
    assert_true(stands("user-1", false, "user-12"));
    assert_false(stands("ana", true, "ana")); /* too short to be looked for */
}

static void replaces(void **state) {
    (void)state;
    struct needles needles;
    struct buf out;
    needles_init(&needles);
    buf_init(&out, 1000);
    needles_add(&needles, SLICE_LITERAL("carmen"), true);
    needles_add(&needles, SLICE_LITERAL("4711"), true);
    assert_int_equal(
        needles_replace(&needles, SLICE_LITERAL("Carmen: 4711, 47110; carmen"), "[x]", &out), 3);
    assert_string_equal(out.p, "[x]: [x], 47110; [x]");
    buf_release(&out);
    needles_release(&needles);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_forms),
        cmocka_unit_test(stands_alone),
        cmocka_unit_test(replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
