/*
 * Rows of one group come together wherever they stand in the file, in the order of their first rows, also when the table is large.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collect/import_gather.h"

enum { GROUPS = 50000, ROUNDS = 4 };

static struct key128 key_of(uint64_t i) {
    return (struct key128){i * UINT64_C(0x9e3779b97f4a7c15), i + 1};
}

static void put(struct import_gather *gather, uint64_t number, const char *text,
                const struct key128 *key) {
    struct err err = {0};
    struct slice cells[] = {slice_of(text), {"", 0}, SLICE_LITERAL("x")};
    bool dates[] = {false, true, false};
    struct table_row row = {
        .cells = cells, .dates = dates, .n = 3, .number = number, .raw = slice_of(text)};
    assert_int_equal(import_gather_put(gather, &row, key, &err), 0);
}

static void test_groups(void **state) {
    struct import_gather *gather;
    struct err err = {0};
    struct arena arena;
    struct table_row row;
    uint64_t number = 1;
    char text[32];
    (void)state;
    arena_init(&arena);
    assert_int_equal(import_gather_open(&gather, &err), 0);
    for (int round = 0; round < ROUNDS; round++)
        for (uint64_t g = 0; g < GROUPS; g++) {
            struct key128 key = key_of(g);
            snprintf(text, sizeof text, "%llu-%d", (unsigned long long)g, round);
            put(gather, ++number, text, &key);
        }
    put(gather, ++number, "alone", NULL);
    put(gather, ++number, "alone", NULL);
    assert_int_equal(import_gather_end(gather, &err), 0);
    for (uint64_t g = 0; g < GROUPS; g++) {
        assert_true(import_gather_next(gather, 100, &arena, &row));
        int n = 0;
        for (const struct table_row *at = &row; at; at = at->more, n++) {
            snprintf(text, sizeof text, "%llu-%d", (unsigned long long)g, n);
            assert_true(slice_is(at->cells[0], text) && !at->cells[1].n && at->dates[1]);
        }
        assert_int_equal(n, ROUNDS);
        assert_int_equal(row.number, g + 2);
        snprintf(text, sizeof text, "%llu-0\n%llu-1", (unsigned long long)g, (unsigned long long)g);
        assert_int_equal(memcmp(row.raw.p, text, strlen(text)), 0);
        arena_clear(&arena);
    }
    for (int i = 0; i < 2; i++)
        assert_true(import_gather_next(gather, 100, &arena, &row) && !row.more &&
                    slice_is(row.cells[0], "alone"));
    assert_false(import_gather_next(gather, 100, &arena, &row));
    import_gather_close(gather);
    arena_release(&arena);
}

/* What is beyond the bound of a group comes as another. */
static void test_bound(void **state) {
    struct import_gather *gather;
    struct err err = {0};
    struct arena arena;
    struct table_row row;
    struct key128 key = key_of(7);
    size_t sizes[3] = {0};
    (void)state;
    arena_init(&arena);
    assert_int_equal(import_gather_open(&gather, &err), 0);
    for (uint64_t i = 0; i < 5; i++)
        put(gather, i + 2, "a", &key);
    assert_int_equal(import_gather_end(gather, &err), 0);
    for (size_t g = 0; g < 3; g++) {
        assert_true(import_gather_next(gather, 2, &arena, &row));
        for (const struct table_row *at = &row; at; at = at->more)
            sizes[g]++;
    }
    assert_true(sizes[0] == 2 && sizes[1] == 2 && sizes[2] == 1);
    assert_false(import_gather_next(gather, 2, &arena, &row));
    import_gather_close(gather);
    assert_int_equal(import_gather_open(&gather, &err), 0);
    assert_int_equal(import_gather_end(gather, &err), 0);
    assert_false(import_gather_next(gather, 2, &arena, &row));
    import_gather_close(gather);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
