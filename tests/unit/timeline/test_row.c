/*
 * Properties: what is encoded is decoded, and bytes that make no sense end the run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "timeline/row.h"

static void assert_same(const struct value *a, const struct value *b) {
    assert_int_equal(a->type, b->type);
    if (a->type == VALUE_INT)
        assert_true(a->integer == b->integer);
    if (a->type == VALUE_NUMBER)
        assert_memory_equal(&a->number, &b->number, sizeof a->number);
    if (a->type == VALUE_TEXT || a->type == VALUE_JSON)
        assert_true(slice_equal(a->text, b->text));
}

static void test_every_type_comes_back(void **state) {
    (void)state;
    const struct value values[] = {
        {.type = VALUE_NULL},
        {.type = VALUE_FALSE},
        {.type = VALUE_TRUE},
        {.type = VALUE_INT, .integer = 0},
        {.type = VALUE_INT, .integer = -1},
        {.type = VALUE_INT, .integer = INT64_MAX},
        {.type = VALUE_INT, .integer = INT64_MIN},
        {.type = VALUE_NUMBER, .number = -0.0},
        {.type = VALUE_NUMBER, .number = 1e300},
        {.type = VALUE_TEXT, .text = SLICE_LITERAL("")},
        {.type = VALUE_TEXT, .text = SLICE_LITERAL("caf\xc3\xa9")},
        {.type = VALUE_JSON, .text = SLICE_LITERAL("{\"a\":[1,2]}")},
    };
    const uint32_t codes[] = {1, 127, 128, 16384, 65535};
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        property_add(&buf, codes[i % 5], &values[i]);
    struct row row = {.properties = buf_slice(&buf)};
    struct property_cursor cursor = property_cursor(&row);
    uint32_t code;
    struct value value;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(property_next(&cursor, &code, &value));
        assert_int_equal(code, codes[i % 5]);
        assert_same(&value, &values[i]);
    }
    assert_false(property_next(&cursor, &code, &value));
    assert_non_null(cursor.p);
    buf_release(&buf);
}

static void test_cut_bytes_end_the_run(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    struct value text = {.type = VALUE_TEXT, .text = SLICE_LITERAL("0123456789")};
    property_add(&buf, 300, &text);
    for (size_t n = 1; n < buf.n; n++) {
        char *cut = malloc(n); /* its own block: an overrun is found by the sanitizer */
        memcpy(cut, buf.p, n);
        struct row row = {.properties = {cut, n}};
        struct property_cursor cursor = property_cursor(&row);
        uint32_t code;
        struct value value;
        assert_false(property_next(&cursor, &code, &value));
        assert_null(cursor.p);
        free(cut);
    }
    buf_release(&buf);
}

static void test_random_bytes_never_overrun(void **state) {
    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)rand() % 40;
        char *bytes = malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)rand();
        struct row row = {.properties = {bytes, n}};
        struct property_cursor cursor = property_cursor(&row);
        uint32_t code;
        struct value value;
        size_t texts = 0;
        while (property_next(&cursor, &code, &value))
            if (value.type == VALUE_TEXT || value.type == VALUE_JSON) {
                texts += value.text.n;
                assert_true(value.text.p + value.text.n <= bytes + n);
            }
        assert_true(texts <= n);
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_comes_back),
        cmocka_unit_test(test_cut_bytes_end_the_run),
        cmocka_unit_test(test_random_bytes_never_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
