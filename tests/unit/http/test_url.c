/*
 * Percent-encoding: what decodes, what is refused, and back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/router.h"

static void check(const char *text, bool plus, const char *wanted) {
    struct arena arena;
    struct slice decoded;
    arena_init(&arena);
    bool done = url_decode(slice_of(text), plus, &arena, &decoded);
    assert_int_equal(done, wanted != NULL);
    if (wanted)
        assert_string_equal(decoded.p, wanted);
    arena_release(&arena);
}

static void decodes(void **state) {
    (void)state;
    check("", false, "");
    check("/a/b", false, "/a/b");
    check("a%20b%2Fc", false, "a b/c");
    check("a+b", false, "a+b");
    check("a+b", true, "a b");
    check("caf%C3%A9", false, "café");
    check("%e2%82%ac", false, "€");
}

static void refuses(void **state) {
    (void)state;
    check("%", false, NULL);
    check("a%2", false, NULL);
    check("%zz", false, NULL);
    check("%00", false, NULL);
    check("a%0Ab", false, NULL);
    check("%7f", false, NULL);
    check("%ff", false, NULL);
    check("%c0%af", false, NULL);       /* overlong */
    check("%ed%a0%80", false, NULL);    /* surrogate */
    check("%f4%90%80%80", false, NULL); /* beyond U+10FFFF */
    check("%e2%82", false, NULL);
}

static void encodes(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    url_encode(slice_of("a b/ñ~-_."), &out);
    assert_string_equal(out.p, "a%20b%2F%C3%B1~-_.");
    check(out.p, false, "a b/ñ~-_.");
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes), cmocka_unit_test(refuses),
                                       cmocka_unit_test(encodes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
