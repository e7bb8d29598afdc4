/*
 * Formats walked: the text is printf's, every value is found again, nothing is cut within a character.
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

#include "base/err.h"
#include "base/utf8.h"

struct print {
    struct phrase phrase;
    char text[128];
};

__attribute__((format(printf, 3, 4))) static void print(struct print *to, size_t size,
                                                        const char *format, ...) {
    va_list args;
    va_start(args, format);
    phrase_print(&to->phrase, to->text, size, format, args);
    va_end(args);
}

static void holds_value(const struct print *printed, unsigned i, const char *value) {
    assert_true(i < printed->phrase.n);
    assert_int_equal(printed->phrase.values[i].n, strlen(value));
    assert_memory_equal(printed->text + printed->phrase.values[i].at, value, strlen(value));
}

/* Prints with both and compares. */
#define SAME(format, ...)                                                                          \
    do {                                                                                           \
        char expected[128];                                                                        \
        struct print printed;                                                                      \
        snprintf(expected, sizeof expected, format, __VA_ARGS__);                                  \
        print(&printed, sizeof printed.text, format, __VA_ARGS__);                                 \
        assert_string_equal(printed.text, expected);                                               \
    } while (0)

static void as_printf(void **state) {
    (void)state;
    SAME("%s", "a text");
    SAME("%.3s|%.9s|%.*s", "abcdef", "abc", 2, "xyz");
    SAME("%d %d %i", -5, 0, 7);
    SAME("%u %zu %lu %llu", 4000000000U, SIZE_MAX, 8UL, UINT64_C(18446744073709551615) + 0ULL);
    SAME("%ld %lld", -9L, INT64_MIN + 0LL);
    SAME("%g %.4g %.15g %g", 0.5, 1.0 / 3, 0.1, 1e300);
    SAME("%c%%%c 100 %%", 'x', 'y');
}

static void values_are_found(void **state) {
    (void)state;
    struct print printed;
    print(&printed, sizeof printed.text, "%s lies between %d and %zu, not at %g%%: %.*s", "«n»", -3,
          (size_t)12, 1.5, 3, "abcdef");
    assert_string_equal(printed.text, "«n» lies between -3 and 12, not at 1.5%: abc");
    assert_int_equal(printed.phrase.n, 5);
    holds_value(&printed, 0, "«n»");
    holds_value(&printed, 1, "-3");
    holds_value(&printed, 2, "12");
    holds_value(&printed, 3, "1.5");
    holds_value(&printed, 4, "abc");
}

static void nothing_is_said_of_null(void **state) {
    (void)state;
    struct print printed;
    const char *volatile nothing = NULL;
    print(&printed, sizeof printed.text, "<%s>", nothing);
    assert_string_equal(printed.text, "<>");
    holds_value(&printed, 0, "");
}

static void characters_stay_whole(void **state) {
    (void)state;
    for (size_t size = 1; size < 40; size++) {
        struct print printed;
        print(&printed, size, "año %s – %s ñ", "Peñíscola", "日本");
        struct slice text = slice_of(printed.text);
        assert_true(text.n < size);
        assert_true(utf8_valid(text));
        for (unsigned i = 0; i < printed.phrase.n; i++) {
            struct slice value = {printed.text + printed.phrase.values[i].at,
                                  printed.phrase.values[i].n};
            assert_true(value.p + value.n <= text.p + text.n);
            assert_true(utf8_valid(value));
        }
    }
    struct print printed;
    const char unended[4] = {'a', 'n', (char)0xc3, (char)0xb1}; /* no byte behind it is ours */
    print(&printed, sizeof printed.text, "%.4s|%.3s|%.*s", unended, unended, 2, unended);
    assert_string_equal(printed.text, "anñ|an|an");
}

static void more_values_than_are_kept(void **state) {
    (void)state;
    struct print printed;
    print(&printed, sizeof printed.text, "%d%d%d%d%d%d%d%d%d%d", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assert_string_equal(printed.text, "0123456789");
    assert_int_equal(printed.phrase.n, PHRASE_VALUES);
    holds_value(&printed, PHRASE_VALUES - 1, "7");
}

static void keys(void **state) {
    (void)state;
    char key[PHRASE_KEY_BYTES];
    assert_true(phrase_key("a %.60s of %zu%% in %lld, %.*s", key, sizeof key));
    assert_string_equal(key, "a %s of %s%% in %s, %s");
    assert_true(phrase_key("", key, sizeof key));
    assert_string_equal(key, "");
    assert_false(phrase_key("a long one", key, 5));
    assert_false(phrase_key("%q", key, sizeof key));
    assert_false(phrase_key("at the end %", key, sizeof key));
}

static void said_again(void **state) {
    (void)state;
    struct err inner = {0}, outer = {0};
    assert_int_equal(err_at(&inner, E_INVALID, "/of/all", "unknown \"%s\"", "x"), E_INVALID);
    err_hint(&inner, "Did you mean \"%s\"?", "y");
    assert_int_equal(err_repeat(&outer, E_CONFLICT, inner.pointer + 3, &inner), E_CONFLICT);
    assert_string_equal(outer.pointer, "/all");
    assert_string_equal(outer.message, "unknown \"x\"");
    assert_string_equal(outer.hint, "Did you mean \"y\"?");
    assert_int_equal(outer.message_phrase.n, 1);
    assert_int_equal(err_repeat(&outer, E_INVALID, outer.pointer + 1, &outer), E_INVALID);
    assert_string_equal(outer.pointer, "all");
    assert_int_equal(err_repeat(NULL, E_INVALID, "", &inner), E_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_printf),
        cmocka_unit_test(values_are_found),
        cmocka_unit_test(nothing_is_said_of_null),
        cmocka_unit_test(characters_stay_whole),
        cmocka_unit_test(more_values_than_are_kept),
        cmocka_unit_test(keys),
        cmocka_unit_test(said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
