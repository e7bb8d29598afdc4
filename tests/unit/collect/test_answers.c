/*
 * Answers taken out of interactions: which carry them, what each counts for, what is refused.
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

#include "base/limits.h"
#include "collect/answers.h"

static struct arena arena;
static struct answer *answers;
static size_t n;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

/* Reads a track event with these properties (JSON) and takes its answers. */
static enum refusal take(const char *name, const char *properties) {
    struct event *event = ARENA_ARRAY(&arena, struct event, 1);
    char message[EVENT_MESSAGE_BYTES] = "";
    const char *why = "";
    char *json = arena_format(
        &arena, "{\"type\":\"track\",\"userId\":\"u\",\"event\":\"%s\",\"properties\":%s}", name,
        properties);
    if (event_parse(slice_of(json), -1, INT64_MIN, 0, &arena, event, message))
        fail_msg("%s", message);
    return answers_of(event, &arena, &answers, &n, &why);
}

static void test_carriers(void **state) {
    (void)state;
    assert_int_equal(take("Order Completed", "{\"value\":9,\"metric\":\"nps\"}"), REFUSAL_NONE);
    assert_int_equal(n, 0);
    assert_int_equal(take("Survey Responded", "{\"survey\":\"s\"}"), REFUSAL_NONE);
    assert_int_equal(n, 0);
    assert_int_equal(take("Kiosk Tapped", "{\"value\":3,\"scale_max\":3}"), REFUSAL_NONE);
    assert_int_equal(n, 1);
    assert_true(slice_is(answers[0].metric, "csat"));
    assert_true(answers[0].has_points && answers[0].points == 1);
    assert_int_equal(take("Product Reviewed", "{\"rating\":4}"), REFUSAL_NONE);
    assert_int_equal(n, 1);
    assert_true(slice_is(answers[0].metric, "rating") && answers[0].points == 4);
}

/* Each value of a scale, and what it counts for. */
static void test_points(void **state) {
    (void)state;
    static const struct {
        const char *metric;
        int scale_max;      /* 0: not said */
        const char *points; /* from 0 on: - 0 + for -1 0 1; x: none */
    } cases[] = {
        {"nps", 0, "-------00++x"}, {"csat", 0, "x000++x"},   {"csat", 3, "x00+x"},
        {"csat", 4, "x00++x"},      {"csat", 7, "x0000+++x"}, {"csat", 10, "x00000+++++x"},
        {"ces", 0, "x0000+++x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int value = 0; cases[i].points[value]; value++) {
            char scale[64] = "";
            if (cases[i].scale_max)
                snprintf(scale, sizeof scale, ",\"scale_max\":%d", cases[i].scale_max);
            assert_int_equal(
                take("Survey Responded", arena_format(&arena, "{\"metric\":\"%s\",\"score\":%d%s}",
                                                      cases[i].metric, value, scale)),
                REFUSAL_NONE);
            assert_int_equal(n, 1);
            char got = !answers[0].has_points  ? 'x'
                       : answers[0].points < 0 ? '-'
                       : answers[0].points > 0 ? '+'
                                               : '0';
            if (got != cases[i].points[value])
                fail_msg("%s of %d: %d counts %c", cases[i].metric, cases[i].scale_max, value, got);
        }
}

static void test_lists(void **state) {
    (void)state;
    assert_int_equal(
        take("Survey Responded",
             "{\"survey\":\"s\",\"answers\":["
             "{\"question\":\"recommend\",\"metric\":\"nps\",\"value\":9},"
             "{\"question\":\"why\",\"value\":\"porque sí\"},"
             "{\"question\":\"used\",\"metric\":\"choice\",\"value\":[\"web\",\"shop\"]},"
             "{\"question\":\"clean\",\"metric\":\"csat\",\"scale\":[1,7],\"value\":6,"
             "\"touchpoint\":\"hall\"},"
             "{\"question\":\"none\",\"value\":null},{\"question\":\"empty\",\"value\":\"\"}]}"),
        REFUSAL_NONE);
    assert_int_equal(n, 5);
    assert_true(slice_is(answers[0].question, "recommend") && answers[0].points == 1);
    assert_true(slice_is(answers[1].metric, "text") && !answers[1].has_points);
    assert_true(slice_is(answers[3].question, "used") && slice_is(answers[3].value.text, "shop"));
    assert_true(answers[4].scale_max == 7 && answers[4].points == 1);
    assert_true(slice_is(answers[4].touchpoint, "hall"));
}

/* A comment beside a score is an answer of its own. */
static void test_comments(void **state) {
    (void)state;
    assert_int_equal(
        take("Survey Responded", "{\"metric\":\"nps\",\"score\":9,\"comment\":\"Muy rápidos\"}"),
        REFUSAL_NONE);
    assert_int_equal(n, 2);
    assert_true(answers[0].words && answers[1].words && !answers[0].flag);
    assert_true(slice_is(answers[1].metric, "text") && slice_is(answers[1].question, "comment"));
    assert_int_equal(take("Survey Responded", "{\"metric\":\"nps\",\"score\":9}"), REFUSAL_NONE);
    assert_true(n == 1 && !answers[0].words);
    assert_int_equal(take("Product Reviewed", "{\"review_body\":\"Se rompió\"}"), REFUSAL_NONE);
    assert_true(n == 1 && slice_is(answers[0].value.text, "Se rompió"));
}

/* Scores that were asked for say so themselves: in words, by who invited, by the device. */
static void test_flags(void **state) {
    (void)state;
    static const struct {
        const char *properties, *flag;
    } cases[] = {
        {"\"comment\":\"Me pidieron un 10 y aquí está\"", "asked_words"},
        {"\"comment\":\"ME HAN PEDIDO QUE LES VALORE BIEN\"", "asked_words"},
        {"\"comment\":\"La chica dijo que pusiera la máxima nota\"", "asked_words"},
        {"\"comment\":\"They asked me to give five stars\"", "asked_words"},
        {"\"comment\":\"Em van demanar que posés un deu\"", "asked_words"},
        {"\"comment\":\"10 como me dijeron\"", "asked_words"},
        {"\"comment\":\"Pongo 10 porque me lo pidió el chaval\"", "asked_words"},
        {"\"comment\":\"Me dijeron que vendrían a las 10 y no vino nadie\"", NULL},
        {"\"comment\":\"Me pidieron 10 euros\"", NULL},
        {"\"comment\":\"Me pidieron el DNI dos veces\"", NULL},
        {"\"comment\":\"You asked me to score it\"", NULL},
        {"\"comment\":\"Un 10 para Marta\"", NULL},
        {"\"comment\":\"Pedí una cita y me atendieron enseguida, sin esperas ni nada raro: un 10\"",
         NULL},
        {"\"invited_by\":\"staff\"", "picked_by_staff"},
        {"\"invited_by\":\"system\"", NULL},
        {"\"misuse\":\"many_taps\"", "misuse"},
        {"\"misuse\":\"\"", NULL},
        {"\"misuse\":false", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        take("Survey Responded",
             arena_format(&arena, "{\"metric\":\"nps\",\"score\":10,%s}", cases[i].properties));
        const char *flag = answers[0].flag;
        if ((flag == NULL) != (cases[i].flag == NULL) || (flag && strcmp(flag, cases[i].flag) != 0))
            fail_msg("%s is flagged %s", cases[i].properties, flag ? flag : "not at all");
    }
    take("Survey Responded", "{\"answers\":[{\"metric\":\"nps\",\"value\":10},"
                             "{\"question\":\"why\",\"value\":\"me pidieron un diez\"}]}");
    assert_string_equal(answers[0].flag, "asked_words");
}

static void test_refused(void **state) {
    (void)state;
    assert_int_equal(take("Survey Responded", "{\"answers\":{\"a\":1}}"), REFUSAL_BAD_FIELD);
    assert_int_equal(n, 0);
    assert_int_equal(take("Survey Responded", "{\"answers\":[1,2]}"), REFUSAL_BAD_FIELD);
    char *many = ARENA_ARRAY(&arena, char, 32 * (LIMIT_ANSWERS + 2) + 32), *p = many;
    p += snprintf(p, 32, "{\"answers\":[");
    for (int i = 0; i <= LIMIT_ANSWERS; i++)
        p += snprintf(p, 32, "%s{\"value\":%d}", i ? "," : "", i);
    snprintf(p, 32, "]}");
    assert_int_equal(take("Survey Responded", many), REFUSAL_BAD_FIELD);
    assert_int_equal(n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_carriers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_points, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_comments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
