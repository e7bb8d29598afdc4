/*
 * Numbers and instants as regions write them. Expected forms: CLDR, and what people there write by hand.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pages/format.h"
#include "pages/words.h"

static struct arena arena;

#define WRITTEN(call)                                                                              \
    __extension__({                                                                                \
        struct buf out;                                                                            \
        buf_init(&out, 4096);                                                                      \
        call;                                                                                      \
        char *text = arena_text(&arena, buf_slice(&out));                                          \
        buf_release(&out);                                                                         \
        text;                                                                                      \
    })

static void numbers_follow_the_region(void **state) {
    (void)state;
    const struct {
        const char *language, *region, *text;
    } cases[] = {{"es", "es-ES", "1.234.567,8"},
                 {"es", "es-MX", "1,234,567.8"},
                 {"es", "es-PE", "1,234,567.8"},
                 {"es", "es-AR", "1.234.567,8"},
                 {"en", "en-GB", "1,234,567.8"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format *format = format_get(cases[i].language, cases[i].region, NULL);
        const char *text = WRITTEN(format_number(format, 1234567.8, 1, &out));
        assert_string_equal(text, cases[i].text);
    }
    const struct format *spain = format_get("es", "es-ES", NULL);
    assert_string_equal(WRITTEN(format_number(spain, 3212, 0, &out)),
                        "3.212"); /* columns stay even */
    assert_string_equal(WRITTEN(format_number(spain, -0.0001, 1, &out)), "0");
    assert_string_equal(WRITTEN(format_number(spain, -9.3, 1, &out)), "\u22129,3");
    assert_string_equal(WRITTEN(format_compact(spain, 1234567, &out)), "1,2\u00a0M");
    assert_string_equal(WRITTEN(format_money(spain, 5620, "EUR", &out)), "56,20\u00a0€");
    assert_string_equal(WRITTEN(format_money(spain, 8700000, "EUR", &out)), "87.000\u00a0€");
}

static void durations_have_two_units(void **state) {
    (void)state;
    const struct format *format = format_get("es", "ES", NULL);
    const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0\u00a0s"},
                 {0.84, "0,8\u00a0s"},
                 {59.6, "1\u00a0min"},
                 {200, "3\u00a0min 20\u00a0s"},
                 {3600, "1\u00a0h"},
                 {187200, "2\u00a0d 4\u00a0h"},
                 {-75, "\u22121\u00a0min 15\u00a0s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(WRITTEN(format_duration(format, cases[i].seconds, &out)),
                            cases[i].text);
}

static void instants_are_told_in_the_zone(void **state) {
    (void)state;
    struct zone *madrid;
    struct err err = {0};
    assert_int_equal(zone_open(&madrid, "Europe/Madrid", &err), 0);
    const struct format *spain = format_get("es", "ES", madrid);
    int64_t ms = INT64_C(1795300000000); /* 2026-11-21T22:26:40Z */
    assert_string_equal(WRITTEN(format_instant(spain, ms, INSTANT_DAY, &out)),
                        "sábado, 21 de noviembre de 2026");
    assert_string_equal(WRITTEN(format_instant(spain, ms, INSTANT_DATETIME, &out)),
                        "21 nov 2026, 23:26");
    assert_string_equal(WRITTEN(format_ago(spain, ms - 3000, ms, &out)), "ahora");
    assert_string_equal(WRITTEN(format_ago(spain, ms - 86400000 * INT64_C(40), ms, &out)),
                        "13 oct 2026");
    const struct format *english = format_get("en", "en-US", madrid);
    assert_string_equal(WRITTEN(format_instant(english, ms, INSTANT_DATE, &out)), "Nov 21, 2026");
    zone_close(madrid);
}

static void events_become_words(void **state) {
    (void)state;
    const struct format *format = format_get("es", "ES", NULL);
    assert_string_equal(words_event(format, "Order Completed"), "Compra realizada");
    assert_string_equal(words_event(format, "Alta de línea"), "Alta de línea");
    assert_string_equal(words_property(format, "waitTime_of.day", &arena), "Wait time of day");
    json_t *properties = json_loads("{\"total\":56.2,\"currency\":\"EUR\",\"solved\":false,\"zz\":"
                                    "1,\"context.page.path\":\"/a\"}",
                                    0, NULL);
    json_t *main, *more;
    words_properties(format, properties, NULL, &arena, &main, &more);
    assert_int_equal(json_array_size(main), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(main, 0), "value")), "No");
    assert_string_equal(json_string_value(json_object_get(json_array_get(main, 1), "value")),
                        "56,20\u00a0€");
    assert_int_equal(json_array_size(more),
                     2); /* the path and zz; the currency stands beside the total */
    json_decref(properties);
    json_decref(main);
    json_decref(more);
    properties = json_loads("{\"piso\":3}", 0, NULL);
    words_properties(format, properties, NULL, &arena, &main, &more);
    assert_int_equal(json_array_size(main), 1);
    json_decref(properties);
    json_decref(main);
    json_decref(more);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_region),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(instants_are_told_in_the_zone),
        cmocka_unit_test(events_become_words),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
