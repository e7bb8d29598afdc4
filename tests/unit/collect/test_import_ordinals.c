/*
 * Ordinals of equal rows, also when the table has moved to a file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/import_ordinals.h"

/* Never all zero. */
static struct key128 key_of(uint64_t i) {
    return (struct key128){i * UINT64_C(0x9e3779b97f4a7c15), i + 1};
}

static void test_counts(void **state) {
    (void)state;
    struct import_ordinals ordinals;
    const uint64_t rows = 6000000; /* 8 million slots and more: 64 MB, in a file */
    import_ordinals_init(&ordinals);
    for (uint64_t i = 0; i < rows; i++)
        assert_true(import_ordinals_next(&ordinals, key_of(i)) == 0);
    assert_true(ordinals.mapped);
    for (uint64_t nth = 1; nth < 4; nth++)
        for (uint64_t i = 0; i < rows; i += 60001)
            assert_true(import_ordinals_next(&ordinals, key_of(i)) == nth);
    assert_true(import_ordinals_next(&ordinals, key_of(1)) == 1);
    assert_true(import_ordinals_next(&ordinals, key_of(rows)) == 0);
    import_ordinals_release(&ordinals);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
