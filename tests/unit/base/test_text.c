/*
 * UTF-8, JSON output, hashes and maps.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv_out.h"
#include "base/json_out.h"
#include "base/map.h"
#include "base/utf8.h"

static void test_utf8_valid(void **state) {
    (void)state;
    static const char *const good[] = {"",          "abc",          "eñe €uro 𐍈",
                                       "12345678ñ", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "a\xc3",
                                      "\xc0\xaf",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "12345678\xff",
                                      "\xc3(",
                                      "\xe2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8_valid(slice_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(utf8_valid(slice_of(bad[i])));
}

static void test_utf8_round_trip(void **state) {
    (void)state;
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        char bytes[4];
        size_t n = utf8_put(bytes, code);
        const char *p = bytes;
        assert_true(utf8_next(&p, bytes + n) == code && p == bytes + n);
    }
}

static void test_utf8_fold(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_true(slice_is(utf8_fold(slice_of("ÁRBOL Straße"), &arena), "árbol strasse"));
    assert_true(
        slice_equal(utf8_fold(slice_of("A\xcc\x81"), &arena), utf8_fold(slice_of("Á"), &arena)));
    assert_true(slice_is(utf8_trim(slice_of("\xef\xbb\xbf \t Fecha\xc2\xa0\r\n")), "Fecha"));
    assert_int_equal(utf8_trim(slice_of("  ")).n, 0);
    assert_true(slice_is(utf8_cut(slice_of("añb"), 2), "a"));
    assert_true(slice_is(utf8_cut(slice_of("añb"), 3), "añ"));
    arena_release(&arena);
}

static void assert_number(double number, const char *text) {
    struct buf buf;
    buf_init(&buf, 100);
    json_add_number(&buf, number);
    assert_string_equal(buf.p, text);
    buf_release(&buf);
}

static void test_json_numbers(void **state) {
    (void)state;
    assert_number(0, "0");
    assert_number(-0.0, "0");
    assert_number(1, "1");
    assert_number(-12, "-12");
    assert_number(0.1, "0.1");
    assert_number(-1.25, "-1.25");
    assert_number(19.99, "19.99");
    assert_number(1e15, "1e+15");
    assert_number(1.0 / 3, "0.3333333333333333");
    assert_number(5e-324, "4.94065645841247e-324");
    assert_number(0.000001, "0.000001");
    assert_number((double)(1.0f / 0.0f), "null");
    srand(7);
    for (int i = 0; i < 200000; i++) {
        union {
            uint64_t bits;
            double number;
        } any;
        any.bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
        if (i % 2)
            any.number = (rand() % 2000000 - 1000000) / 1000.0;
        if (any.number != any.number || any.number - any.number != 0)
            continue;
        struct buf buf;
        buf_init(&buf, 100);
        json_add_number(&buf, any.number);
        assert_true(strtod(buf.p, NULL) == any.number);
        buf_release(&buf);
    }
}

static void test_json_text(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    json_add_text(&buf, slice_of("a\"b\\c\n\x01/ñ\xff"));
    json_add_text(&buf, (struct slice){NULL, 0});
    buf_add_char(&buf, '{');
    json_add_name(&buf, "a");
    json_add_int(&buf, INT64_MIN);
    json_add_name(&buf, "b");
    json_add_int(&buf, 105);
    assert_string_equal(
        buf.p, "\"a\\\"b\\\\c\\n\\u0001/ñ\xef\xbf\xbd\"null{\"a\":-9223372036854775808,\"b\":105");
    buf_release(&buf);
}

/* SipHash-2-4-128 of the empty input under the key 00..0f: its authors' first test vector, a3 81 7f 04 ba 25 a8 e6
 * 6d f6 72 14 c7 55 02 93. No parts means no input. */
static void test_siphash(void **state) {
    (void)state;
    struct hash_key key;
    for (unsigned i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (unsigned char)i;
    struct key128 hash = hash_keyed(&key, NULL, 0);
    assert_true(hash.a == UINT64_C(0xe6a825ba047f81a3));
    assert_true(hash.b == UINT64_C(0x930255c71472f66d));
    struct slice ab_c[] = {slice_of("ab"), slice_of("c")}, a_bc[] = {slice_of("a"), slice_of("bc")};
    struct key128 one = hash_keyed(&key, ab_c, 2), other = hash_keyed(&key, a_bc, 2);
    assert_true(one.a != other.a);
    struct slice absent = {NULL, 0}, empty = {"", 0};
    assert_true(hash_keyed(&key, &absent, 1).a != hash_keyed(&key, &empty, 1).a);
    char large[5000] = {0};
    struct slice long_part = {large, sizeof large};
    one = hash_keyed(&key, &long_part, 1);
    large[4999] = 1;
    other = hash_keyed(&key, &long_part, 1);
    assert_true(one.a != other.a);
}

static void test_csv_cells(void **state) {
    (void)state;
    static const struct {
        const char *text, *cell, *quoted;
    } cases[] = {
        {"", "", ""},
        {"plain", "plain", "plain"},
        {"a,b", "\"a,b\"", "\"a,b\""},
        {"say \"x\"\n", "\"say \"\"x\"\"\n\"", "\"say \"\"x\"\"\n\""},
        {"=HYPERLINK(1)", "\"'=HYPERLINK(1)\"", "=HYPERLINK(1)"},
        {"@x,y", "\"'@x,y\"", "\"@x,y\""},
        {"-12.5", "-12.5", "-12.5"},
        {"-1-1", "\"'-1-1\"", "-1-1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;
        buf_init(&out, 100);
        csv_add_text(&out, slice_of(cases[i].text));
        assert_true(slice_is(buf_slice(&out), cases[i].cell));
        buf_clear(&out);
        csv_add_quoted(&out, slice_of(cases[i].text));
        assert_true(slice_is(buf_slice(&out), cases[i].quoted));
        buf_release(&out);
    }
}

static void test_maps(void **state) {
    (void)state;
    struct text_map texts;
    struct key_map keys;
    text_map_init(&texts);
    key_map_init(&keys);
    assert_int_equal(text_map_get(&texts, slice_of("x")), MAP_NONE);
    for (uint32_t i = 0; i < 20000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i);
        text_map_put(&texts, slice_of(text), i);
        assert_int_equal(key_map_put(&keys, (struct key128){i % 64, i + 1}, i), MAP_NONE);
    }
    assert_int_equal(texts.n, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(text_map_get(&texts, slice_of(text)), i);
        assert_int_equal(key_map_get(&keys, (struct key128){i % 64, i + 1}), i);
    }
    text_map_put(&texts, slice_of("5"), 6);
    assert_int_equal(text_map_get(&texts, slice_of("5")), 6);
    assert_int_equal(text_map_get(&texts, slice_of("20000")), MAP_NONE);
    assert_int_equal(key_map_put(&keys, (struct key128){5, 6}, 9), 5);
    assert_int_equal(keys.n, 20000);
    key_map_clear(&keys);
    assert_int_equal(key_map_get(&keys, (struct key128){5, 6}), MAP_NONE);
    text_map_release(&texts);
    key_map_release(&keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_valid), cmocka_unit_test(test_utf8_round_trip),
        cmocka_unit_test(test_utf8_fold),  cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_text),  cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_maps),       cmocka_unit_test(test_csv_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
