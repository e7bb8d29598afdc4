/*
 * Scheduled work: lanes, days, what is kept of a run, asking and cancelling.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "../scratch.h"
#include "base/clock.h"
#include "base/logger.h"
#include "jobs/jobs.h"

static atomic_int quick_runs, daily_runs, long_state;
static atomic_int_least64_t now_ms;
static int64_t now(void) { return now_ms; }

static int run_quick(struct job_run *run, struct err *err) {
    (void)run;
    (void)err;
    quick_runs++;
    return 0;
}

static int run_daily(struct job_run *run, struct err *err) {
    (void)err;
    job_result(run, json_pack("{s:i}", "counted", ++daily_runs));
    return 0;
}

/* Runs until it is cancelled. */
static int run_long(struct job_run *run, struct err *err) {
    job_progress(run, 3, 4);
    long_state = 1;
    while (!job_cancelled(run))
        usleep(1000);
    return err_set(err, E_CANCELLED, "cancelled");
}

static int run_broken(struct job_run *run, struct err *err) {
    (void)run;
    return err_set(err, E_INVALID, "nothing to fit");
}

static const struct job quick = {"quick", "", JOB_QUICK, .every_ms = 10, .run = run_quick};
static const struct job daily = {"daily", "", JOB_DELIVERY, .daily_minute = 240, .run = run_daily};
static const struct job endless = {"endless", "", JOB_LONG, .daily_minute = 0, .run = run_long};
static const struct job broken = {"broken", "", JOB_QUICK, .daily_minute = 0, .run = run_broken};
static const struct job *const table[] = {&quick, &daily, &endless, &broken, NULL};
enum { QUICK, DAILY, ENDLESS, BROKEN };

/* 2026-03-10 12:00 in Lima (UTC-5). */
#define NOON_MS INT64_C(1773162000000)

struct world {
    char *scratch, *dir;
    struct folder *folder;
    struct jobs *jobs;
    struct arena arena;
};

static void world_open(struct world *world) {
    struct err err = {0};
    assert_int_equal(folder_open(&world->folder, world->dir, &err), 0);
    assert_int_equal(jobs_open(&world->jobs, world->folder, table, &err), 0);
}

static void world_close(struct world *world) {
    jobs_close(world->jobs);
    folder_close(world->folder);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    logger_set_level(LOGGER_ERROR + 1);
    quick_runs = daily_runs = long_state = 0;
    now_ms = NOON_MS;
    clock_inject(now);
    arena_init(&world->arena);
    world->scratch = scratch_make("jobs");
    assert_true(asprintf(&world->dir, "%s/d", world->scratch) > 0);
    struct folder_settings settings = {.timezone = "America/Lima"};
    assert_int_equal(folder_create(world->dir, &settings, &err), 0);
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    world_close(world);
    clock_inject(NULL);
    arena_release(&world->arena);
    scratch_remove(world->scratch);
    free(world->dir);
    free(world->scratch);
    free(world);
    return 0;
}

static struct job_state look(struct world *world, size_t index) {
    struct job_state state;
    jobs_state(world->jobs, index, &world->arena, &state);
    return state;
}

/* Waits until the condition holds, five seconds at most. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        for (int tries = 0; tries < 5000 && !(condition); tries++)                                 \
            usleep(1000);                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void start(struct world *world) {
    struct err err = {0};
    assert_int_equal(jobs_start(world->jobs, &err), 0);
}

/* A daily job that was never run waits for its hour; then it runs once a local day. */
static void test_daily(void **state) {
    struct world *world = *state;
    start(world);
    WAIT_FOR(quick_runs >= 3);
    assert_int_equal(daily_runs, 0);
    assert_int_equal(look(world, DAILY).next_ms, NOON_MS + 16 * 3600000);
    now_ms = NOON_MS + 16 * 3600000; /* 04:00 of the next day in Lima */
    WAIT_FOR(daily_runs == 1);
    int quick_before = quick_runs;
    WAIT_FOR(quick_runs >= quick_before + 3);
    assert_int_equal(daily_runs, 1);
    assert_string_equal(look(world, DAILY).result, "{\"counted\":1}");
}

/* What was missed while nobody served is done at the next start, and once; what came of it is still known. */
static void test_restart(void **state) {
    struct world *world = *state;
    start(world);
    world_close(world);
    now_ms = NOON_MS + INT64_C(3) * 86400000;
    world_open(world);
    start(world);
    WAIT_FOR(daily_runs == 1);
    WAIT_FOR(look(world, DAILY).ended_ms == NOON_MS + INT64_C(3) * 86400000);
    world_close(world);
    world_open(world);
    assert_string_equal(look(world, DAILY).result, "{\"counted\":1}");
    assert_int_equal(look(world, DAILY).code, 0);
    start(world);
    int before = quick_runs;
    WAIT_FOR(quick_runs >= before + 3);
    assert_int_equal(daily_runs, 1);
}

/* A long job holds up nobody else, shows how far it is, and ends when it is told. */
static void test_cancel(void **state) {
    struct world *world = *state;
    struct err err = {0};
    assert_int_equal(jobs_cancel(world->jobs, "endless", &err), E_CONFLICT);
    start(world);
    assert_int_equal(jobs_request(world->jobs, "endless", &err), 0);
    WAIT_FOR(long_state == 1);
    assert_int_equal(jobs_request(world->jobs, "endless", &err), 0); /* runs already */
    struct job_state running = look(world, ENDLESS);
    assert_true(running.running);
    assert_int_equal(running.done, 3);
    assert_int_equal(running.total, 4);
    int before = quick_runs;
    WAIT_FOR(quick_runs >= before + 3);
    assert_int_equal(jobs_cancel(world->jobs, "endless", &err), 0);
    WAIT_FOR(!look(world, ENDLESS).running);
    assert_int_equal(look(world, ENDLESS).code, E_CANCELLED);
    assert_false(look(world, ENDLESS).asked);
}

/* Stopping does not wait for what never ends by itself. */
static void test_stop(void **state) {
    struct world *world = *state;
    struct err err = {0};
    start(world);
    assert_int_equal(jobs_request(world->jobs, "endless", &err), 0);
    WAIT_FOR(long_state == 1);
    jobs_stop(world->jobs);
    assert_false(look(world, ENDLESS).running);
}

/* Where no server runs, asking runs it here and says what came of it. */
static void test_without_server(void **state) {
    struct world *world = *state;
    struct err err = {0};
    assert_int_equal(jobs_request(world->jobs, "daily", &err), 0);
    assert_int_equal(daily_runs, 1);
    assert_int_equal(jobs_request(world->jobs, "broken", &err), E_INVALID);
    assert_string_equal(look(world, BROKEN).message, "nothing to fit");
    world_close(world);
    world_open(world);
    assert_int_equal(look(world, BROKEN).code, E_INVALID);
    assert_string_equal(look(world, BROKEN).message, "nothing to fit");
    struct err unknown = {0};
    assert_int_equal(jobs_request(world->jobs, "none", &unknown), E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_daily, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_server, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
