/*
 * Retention on a small fixture (shared/reference/m09_retention*): eight customers, four weeks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "journey/retention.h"

#define MONDAY_S 1767571200u /* 2026-01-05 */
enum { USERS = 8, EVENTS = 20 };

static const struct {
    uint32_t user, day;
} HISTORY[EVENTS] = {{1, 0}, {1, 1},  {1, 7},  {1, 14}, {2, 0},  {2, 2}, {2, 8},
                     {3, 0}, {4, 7},  {4, 8},  {4, 14}, {4, 21}, {5, 7}, {5, 21},
                     {6, 8}, {6, 15}, {7, 14}, {8, 14}, {8, 21}, {8, 22}};

static const uint64_t CALENDAR[3][4] = {{3, 2, 1, 0}, {3, 2, 2, 0}, {2, 1, 0, 0}};
static const uint64_t UNBOUNDED[3][4] = {{3, 2, 1, 0}, {3, 3, 2, 0}, {2, 1, 0, 0}};

static struct retention_state *run(struct retention_spec *spec, bool masks) {
    uint32_t customer[USERS], start[USERS + 1], sec[EVENTS], n = 0;
    uint16_t ms[EVENTS] = {0};
    uint64_t mask[EVENTS];
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (i == 0 || HISTORY[i].user != HISTORY[i - 1].user) {
            customer[n] = HISTORY[i].user;
            start[n++] = i;
        }
        sec[i] = MONDAY_S + HISTORY[i].day * 86400;
        mask[i] = 3;
    }
    start[n] = EVENTS;
    struct view view = {.n = n,
                        .customer = customer,
                        .start = start,
                        .sec = sec,
                        .ms = ms,
                        .mask = masks ? mask : NULL};
    spec->all = !masks;
    spec->periods = 4;
    spec->length_ms = 7 * (int64_t)DAY_MS;
    struct retention_state *state = retention_new(spec);
    assert_non_null(state);
    struct customer_runs customers[USERS];
    struct run runs[USERS];
    for (uint32_t k = 0; k < n; k++) {
        runs[k] = (struct run){&view, start[k], start[k + 1]};
        customers[k] = (struct customer_runs){customer[k], 1, &runs[k]};
    }
    retention_operator.customers(state, customers, n);
    retention_finish(state);
    return state;
}

static void check(enum retention_measure measure, bool masks, const uint64_t expected[3][4]) {
    struct arena arena;
    struct zone *zone;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(zone_open(&zone, "UTC", &err), 0);
    struct retention_spec spec = {.measure = measure};
    assert_int_equal(bucket_table_init(&spec.buckets, zone, BUCKET_WEEK, (int64_t)MONDAY_S * 1000,
                                       (int64_t)(MONDAY_S + 28 * 86400u) * 1000, 100, &arena, &err),
                     0);
    assert_int_equal(spec.buckets.n, 4);
    struct retention_state *state = run(&spec, masks);
    static const uint64_t sizes[4] = {3, 3, 2, 0};
    for (uint32_t cohort = 0; cohort < 4; cohort++)
        assert_int_equal(state->size[cohort], sizes[cohort]);
    for (uint32_t cohort = 0; cohort < 3; cohort++)
        for (uint32_t k = 0; k < 4 - cohort; k++)
            assert_int_equal(state->returned[cohort * 4 + k], expected[cohort][k]);
    retention_free(state);
    zone_close(zone);
    arena_release(&arena);
}

static void calendar(void **state) {
    (void)state;
    check(RETENTION_CALENDAR, true, CALENDAR);
    check(RETENTION_CALENDAR, false, CALENDAR); /* the loop for matchers of everything */
}

static void rolling(void **state) {
    (void)state;
    check(RETENTION_ROLLING, true,
          CALENDAR); /* the fixture's rolling column equals its calendar one */
}

static void unbounded(void **state) {
    (void)state;
    check(RETENTION_UNBOUNDED, true, UNBOUNDED);
    check(RETENTION_UNBOUNDED, false, UNBOUNDED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(calendar), cmocka_unit_test(rolling),
                                       cmocka_unit_test(unbounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
