/*
 * Errors in Spanish: by format, by pattern, words and names in their holes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "pages/message.h"
#include "pages/text_table.h"

static void by_format(void **state) {
    (void)state;
    struct err err = {0};
    err_at(&err, E_INVALID, "/currency", "the currency is a code of ISO 4217, as EUR");
    struct err english = err;
    message_translate("en", &english);
    assert_string_equal(english.message, "The currency is a code of three letters, as EUR.");
    message_translate("es", &err);
    assert_string_equal(err.message, "La moneda es un código de tres letras, como EUR.");
    assert_string_equal(err.pointer, "/currency");
    message_translate("es", &err); /* it is Spanish already */
    assert_string_equal(err.message, "La moneda es un código de tres letras, como EUR.");
}

/* A person's own word stays, whatever it is; the product's is translated. */
static void words_and_names(void **state) {
    (void)state;
    struct err err = {0};
    err_at(&err, E_INVALID, "/event", "unknown %s \"%.60s\"", ERR_WORDS("event"), "event");
    err_hint(&err, "Did you mean \"%s\"?", "Order Completed");
    message_translate("es", &err);
    assert_string_equal(err.message, "No se conoce «event» como evento.");
    assert_string_equal(err.hint, "¿Querías decir «Order Completed»?");
}

/* English as people write it: a sentence, unless it begins with a name. */
static void in_english(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"no such thing", "No such thing."},
                                           {"userId is needed", "userId is needed."},
                                           {"--data is missing", "--data is missing."},
                                           {"Is it so?", "Is it so?"},
                                           {"Not found", "Not found"},
                                           {"no such unit", "There is no such unit."},
                                           {"x", "X."}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        err_set(&err, E_INVALID, "%s", texts[i][0]);
        message_translate("en", &err);
        assert_string_equal(err.message, texts[i][1]);
        message_translate("en", &err);
        assert_string_equal(err.message, texts[i][1]);
    }
}

/* What was stored as a text. */
static void by_pattern(void **state) {
    (void)state;
    struct err stored = {0}, err = {0};
    err_set(&stored, E_INVALID, "%s is over %zu bytes", "text", (size_t)5000);
    err_set(&err, E_INVALID, "%s", stored.message);
    message_translate("es", &err);
    message_translate("es", &stored);
    assert_string_equal(err.message, stored.message);
    assert_non_null(strstr(err.message, "«text»"));
    assert_non_null(strstr(err.message, "5000"));
    err_set(&err, E_INVALID, "%s", "Somebody's own text: nobody knows it");
    message_translate("es", &err);
    assert_string_equal(err.message, "Somebody's own text: nobody knows it");
}

/* A message in a message. */
static void nested(void **state) {
    (void)state;
    struct err err = {0};
    err_set(&err, E_INVALID, "row %llu: %s", 7ULL, "the row has no time");
    message_translate("es", &err);
    assert_null(strstr(err.message, "the row"));
    assert_non_null(strstr(err.message, "7"));
}

/* Whatever is in the holes: valid UTF-8, within bounds. */
static void any_value(void **state) {
    (void)state;
    static const char *const values[] = {"", "%s%s%s%n", "%2$s", "ñandú ñandú", "日本語日本語"};
    srand(7);
    for (size_t i = 0; i < MESSAGES_COUNT; i++) {
        struct err err = {0};
        char text[sizeof err.message];
        size_t n = 0;
        for (const char *c = MESSAGES[i].format; *c && n < sizeof text - 200; c++)
            if (*c == '%' && c[1] == 's') {
                const char *value = values[(size_t)rand() % (sizeof values / sizeof *values)];
                memcpy(text + n, value, strlen(value));
                n += strlen(value);
                c++;
            } else {
                text[n++] = *c;
            }
        text[n] = 0;
        err_set(&err, E_INVALID, "%s", text);
        message_translate("es", &err);
        assert_true(utf8_valid(slice_of(err.message)));
        assert_true(err.message[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_format),       cmocka_unit_test(in_english),
        cmocka_unit_test(words_and_names), cmocka_unit_test(by_pattern),
        cmocka_unit_test(nested),          cmocka_unit_test(any_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
