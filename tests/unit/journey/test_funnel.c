/*
 * Funnels on small histories: the 38 vectors that ClickHouse's own tests of windowFunnel use (shared/reference), with the
 * cases where our definition differs on purpose, and what the vectors do not cover.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journey/funnel.h"

enum { ROWS = 64 };

/* "0:A 30:B" with steps "A B C": masks by position in steps; a label may be several steps. */
static uint32_t read_history(const char *text, const char *steps, struct funnel_row *rows) {
    char copy[512], list[512], *rest = NULL;
    uint32_t n = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *label = strchr(word, ':') + 1, *inner = NULL;
        rows[n] = (struct funnel_row){.time_ms = strtoll(word, NULL, 10) * 1000};
        snprintf(list, sizeof list, "%s", steps);
        unsigned step = 0;
        for (char *name = strtok_r(list, " ", &inner); name;
             name = strtok_r(NULL, " ", &inner), step++)
            if (strcmp(name, label) == 0)
                rows[n].mask |= UINT64_C(1) << step;
        n++;
    }
    return n;
}

static uint32_t count_words(const char *text) {
    uint32_t n = 1;
    for (; *text; text++)
        n += *text == ' ';
    return n;
}

static struct funnel_attempt best(const char *history, const char *steps, int64_t window_s,
                                  enum funnel_order order, enum funnel_entry entry) {
    struct funnel_row rows[ROWS];
    uint32_t n = read_history(history, steps, rows);
    struct funnel_spec spec = {
        .steps = count_words(steps), .window_ms = window_s * 1000, .order = order, .entry = entry};
    struct funnel_attempt attempt;
    funnel_best(&spec, rows, n, &attempt);
    return attempt;
}

/* Where we differ, and why. */
static const struct {
    const char *name;
    uint32_t ours;
    const char *why;
} DIFFERENT[] = {
    {"ck_so_u3", 2, "strict allows nothing in between, a repeated step neither"},
    {"ck_so_u4", 2, "the same"},
    {"ck_dedup", 7, "no mode that ends a chain at a repeated step"},
    {"ck_27469", 4, "the same: b is met again on the way from c to d"},
    {"ck_inc1", 5, "equal instants are ordered by arrival"},
    {"ck_same3", 1, "one interaction fills one step"},
};

static uint32_t expected_of(const char *name, uint32_t theirs) {
    for (size_t i = 0; i < sizeof DIFFERENT / sizeof *DIFFERENT; i++)
        if (strcmp(DIFFERENT[i].name, name) == 0)
            return DIFFERENT[i].ours;
    return theirs;
}

static void clickhouse_vectors(void **state) {
    (void)state;
    FILE *file = fopen(SHARED_DIR "/reference/m08_windowfunnel_cases.csv", "r");
    if (!file) {
        print_message("shared/reference is absent: vectors skipped\n");
        skip();
    }
    char line[1024];
    int vectors = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        char *fields[7], *rest = line;
        int first = 0;
        if (line[0] == '"') { /* a quoted name */
            fields[first++] = line + 1;
            rest = strchr(line + 1, '"') + 2;
        }
        for (int i = first; i < 7; i++)
            fields[i] = strsep(&rest, ",");
        if (!fields[6])
            continue;
        bool strict = strstr(fields[4], "strict_order") != NULL;
        struct funnel_attempt attempt = best(fields[1], fields[2], strtoll(fields[3], NULL, 10),
                                             strict ? ORDER_STRICT : ORDER_ORDERED, ENTRY_ANY);
        uint32_t wanted = expected_of(fields[0], (uint32_t)strtoul(fields[5], NULL, 10));
        if (attempt.reached != wanted)
            fail_msg("%s: %u steps, not %u", fields[0], attempt.reached, wanted);
        vectors++;
    }
    fclose(file);
    assert_int_equal(vectors, 38);
}

static void entry_any_and_first(void **state) {
    (void)state;
    assert_int_equal(best("0:A 30:A 45:B 75:C", "A B C", 60, ORDER_ORDERED, ENTRY_FIRST).reached,
                     2);
    struct funnel_attempt attempt =
        best("0:A 30:A 45:B 75:C", "A B C", 60, ORDER_ORDERED, ENTRY_ANY);
    assert_int_equal(attempt.reached, 3);
    assert_int_equal(attempt.start, 1);
    assert_int_equal(attempt.time_ms[2], 75000);
}

static void window_is_inclusive_to_the_millisecond(void **state) {
    (void)state;
    struct funnel_row rows[2] = {{.time_ms = 1, .mask = 1}, {.time_ms = 1001, .mask = 2}};
    struct funnel_spec spec = {.steps = 2, .window_ms = 1000};
    struct funnel_attempt attempt;
    funnel_best(&spec, rows, 2, &attempt);
    assert_int_equal(attempt.reached, 2);
    rows[1].time_ms++;
    funnel_best(&spec, rows, 2, &attempt);
    assert_int_equal(attempt.reached, 1);
}

static void earliest_of_equal_attempts_counts(void **state) {
    (void)state;
    struct funnel_attempt attempt =
        best("0:A 1:B 10:A 11:B", "A B C", 100, ORDER_ORDERED, ENTRY_ANY);
    assert_int_equal(attempt.reached, 2);
    assert_int_equal(attempt.start, 0);
    assert_int_equal(attempt.time_ms[1], 1000);
}

static void strict_forbids_what_lies_between(void **state) {
    (void)state;
    assert_int_equal(best("0:A 1:X 2:B", "A B", 100, ORDER_STRICT, ENTRY_ANY).reached, 1);
    assert_int_equal(best("0:A 1:X 2:A 3:B", "A B", 100, ORDER_STRICT, ENTRY_ANY).reached, 2);
    assert_int_equal(best("0:A 1:X 2:A 3:B", "A B", 100, ORDER_STRICT, ENTRY_FIRST).reached, 1);
}

static void any_order_counts_distinct_steps_in_one_window(void **state) {
    (void)state;
    assert_int_equal(best("0:C 1:A 2:B", "A B C", 10, ORDER_ANY, ENTRY_ANY).reached, 3);
    assert_int_equal(best("0:C 20:A 21:B", "A B C", 10, ORDER_ANY, ENTRY_ANY).reached, 2);
    assert_int_equal(best("0:A 1:A 2:A", "A B C", 10, ORDER_ANY, ENTRY_ANY).reached, 1);
    /* One interaction fills one step; here the first must give way (augmenting path): x matches both, y only step 1. */
    struct funnel_row rows[2] = {{.time_ms = 0, .mask = 3}, {.time_ms = 1, .mask = 1}};
    struct funnel_spec spec = {.steps = 2, .window_ms = 10, .order = ORDER_ANY};
    struct funnel_attempt attempt;
    funnel_best(&spec, rows, 2, &attempt);
    assert_int_equal(attempt.reached, 2);
    funnel_best(&spec, rows, 1, &attempt);
    assert_int_equal(attempt.reached, 1);
}

static void any_order_takes_the_richest_window(void **state) {
    (void)state;
    struct funnel_row rows[ROWS];
    uint32_t n = read_history("0:A 1:B 50:C 51:A 52:B 53:C", "A B C", rows);
    struct funnel_spec spec = {.steps = 3, .window_ms = 10000, .order = ORDER_ANY, .single = true};
    struct funnel_attempt attempt;
    funnel_best(&spec, rows, n, &attempt);
    assert_int_equal(attempt.reached, 3);
    assert_int_equal(attempt.start, 2);
}

static void exclusion_ends_the_attempt(void **state) {
    (void)state;
    struct funnel_row rows[ROWS];
    uint32_t n = read_history("0:A 1:B 2:X 3:C 10:A 11:B 12:C", "A B C X", rows); /* X: bit 3 */
    struct funnel_spec spec = {.steps = 3, .window_ms = 100000};
    struct funnel_attempt attempt;
    spec.exclude_at[2] = 8;
    funnel_best(&spec, rows, n, &attempt);
    assert_int_equal(attempt.reached, 3);
    assert_int_equal(attempt.start, 4);
    funnel_best(&spec, rows, 4, &attempt);
    assert_int_equal(attempt.reached, 2);
    spec.exclude_at[2] = 0;
    spec.exclude_at[1] = 8; /* only between steps 1 and 2, where it does not occur */
    funnel_best(&spec, rows, 4, &attempt);
    assert_int_equal(attempt.reached, 3);
}

static void long_histories_take_linear_time(void **state) {
    (void)state;
    enum { LONG = 400000 };
    struct funnel_row *rows = calloc(LONG, sizeof *rows);
    assert_non_null(rows);
    for (uint32_t i = 0; i < LONG; i++)
        rows[i] = (struct funnel_row){.time_ms = i, .mask = i == LONG - 1 ? 4 : 1 + (i & 1)};
    struct funnel_spec spec = {.steps = 4, .window_ms = 1000};
    struct funnel_attempt attempt;
    funnel_best(&spec, rows, LONG, &attempt); /* quadratic: minutes */
    assert_int_equal(attempt.reached, 3);
    assert_true(attempt.start >= LONG - 1003);
    free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clickhouse_vectors),
        cmocka_unit_test(entry_any_and_first),
        cmocka_unit_test(window_is_inclusive_to_the_millisecond),
        cmocka_unit_test(earliest_of_equal_attempts_counts),
        cmocka_unit_test(strict_forbids_what_lies_between),
        cmocka_unit_test(any_order_counts_distinct_steps_in_one_window),
        cmocka_unit_test(any_order_takes_the_richest_window),
        cmocka_unit_test(exclusion_ends_the_attempt),
        cmocka_unit_test(long_histories_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
