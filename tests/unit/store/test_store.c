/*
 * The writer: group commit, jobs that fail alone, bounds, hooks, schema steps, a full disk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "../scratch.h"
#include "base/limits.h"
#include "store/store.h"

struct world {
    char *dir;
    struct store *store;
    int commits, rollbacks;
};

static void on_commit(void *context) { ((struct world *)context)->commits++; }
static void on_rollback(void *context) { ((struct world *)context)->rollbacks++; }

static void world_open(struct world *world) {
    struct err err = {0};
    assert_int_equal(store_open(&world->store, world->dir, &err), 0);
    store_add_hook(world->store, on_commit, on_rollback, world);
}

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    world->dir = scratch_make("store");
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    store_close(world->store);
    scratch_remove(world->dir);
    free(world->dir);
    free(world);
    return 0;
}

static int put(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, context, "1", err);
}

static int put_and_fail(void *context, sqlite3 *db, struct err *err) {
    int code = store_setting_put(db, context, "1", err);
    return code ? code : err_set(err, E_CONFLICT, "no");
}

static int get(struct world *world, const char *name) {
    char value[16];
    sqlite3 *db = store_reader_get(world->store);
    int code = store_setting_get(db, name, value, sizeof value, NULL);
    store_reader_put(world->store, db);
    return code;
}

static void test_write_survives_reopening(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char name[] = "a";
    assert_int_equal(store_write(world->store, put, name, &err), 0);
    assert_int_equal(world->commits, 1);
    store_close(world->store);
    world_open(world);
    assert_int_equal(get(world, "a"), 0);
    assert_int_equal(get(world, "b"), E_NOT_FOUND);
}

static void test_failed_job_leaves_nothing(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char name[] = "a";
    assert_int_equal(store_write(world->store, put_and_fail, name, &err), E_CONFLICT);
    assert_string_equal(err.message, "no");
    assert_int_equal(get(world, "a"), E_NOT_FOUND);
    assert_int_equal(world->rollbacks, 1);
}

/* Jobs of one transaction, held together by a first one that waits until all are queued. */
struct group_job {
    struct store_job job;
    struct world *world;
    char name[32];
    bool fails;
    int code, runs;
    atomic_bool finished;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int gate_run(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    (void)db;
    (void)err;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return 0;
}

static void *gate_write(void *context) {
    struct err err = {0};
    return (void *)(intptr_t)store_write(context, gate_run, NULL, &err);
}

static int group_run(struct store_job *job, sqlite3 *db, struct err *err) {
    struct group_job *own = (struct group_job *)job;
    own->runs++;
    int code = store_setting_put(db, own->name, "1", err);
    if (!code && own->fails)
        code = err_set(err, E_CONFLICT, "this one fails");
    return code;
}

static void group_done(struct store_job *job, int code, const struct err *err) {
    struct group_job *own = (struct group_job *)job;
    assert_true(code == 0 || err->code == code);
    own->code = code;
    atomic_store(&own->finished, true);
}

static void run_group(struct world *world, struct group_job *jobs, size_t n) {
    struct err err = {0};
    pthread_t thread;
    pthread_mutex_lock(&gate);
    pthread_create(&thread, NULL, gate_write, world->store);
    usleep(50000);
    for (size_t i = 0; i < n; i++) {
        jobs[i].job.run = group_run;
        jobs[i].job.done = group_done;
        snprintf(jobs[i].name, sizeof jobs[i].name, "job %zu", i);
        assert_int_equal(store_submit(world->store, &jobs[i].job, &err), 0);
    }
    pthread_mutex_unlock(&gate);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < n; i++)
        while (!atomic_load(&jobs[i].finished))
            usleep(1000);
}

static void test_only_the_failing_record_job_fails(void **state) {
    struct world *world = *state;
    struct group_job jobs[4] = {0};
    for (int i = 0; i < 4; i++)
        jobs[i].job.alone = i < 3; /* the last one is an ingest job */
    jobs[1].fails = true;
    run_group(world, jobs, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(jobs[i].code, i == 1 ? E_CONFLICT : 0);
        assert_int_equal(get(world, jobs[i].name), i == 1 ? E_NOT_FOUND : 0);
    }
    assert_int_equal(jobs[0].runs, 2);
    assert_int_equal(world->commits, 2); /* the gate, and all others together */
}

static void test_failing_ingest_job_fails_all(void **state) {
    struct world *world = *state;
    struct group_job jobs[3] = {0};
    jobs[1].fails = true;
    run_group(world, jobs, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].code, E_CONFLICT);
        assert_int_equal(get(world, jobs[i].name), E_NOT_FOUND);
    }
}

static void test_queue_is_bounded_in_bytes(void **state) {
    struct world *world = *state;
    struct group_job jobs[3] = {0};
    struct err err = {0};
    pthread_t thread;
    pthread_mutex_lock(&gate);
    pthread_create(&thread, NULL, gate_write, world->store);
    usleep(50000);
    for (int i = 0; i < 3; i++) {
        jobs[i].job.run = group_run;
        jobs[i].job.done = group_done;
        jobs[i].job.bytes = LIMIT_WRITER_QUEUE_BYTES / 2 - 2048;
    }
    assert_int_equal(store_submit(world->store, &jobs[0].job, &err), 0);
    assert_int_equal(store_submit(world->store, &jobs[1].job, &err), 0);
    assert_int_equal(store_submit(world->store, &jobs[2].job, &err), E_BUSY);
    pthread_mutex_unlock(&gate);
    pthread_join(thread, NULL);
    while (!atomic_load(&jobs[0].finished) || !atomic_load(&jobs[1].finished))
        usleep(1000);
    struct store_stats stats;
    for (int i = 0; i < 1000; i++) {
        store_stats(world->store, &stats);
        if (!stats.queue_bytes)
            break;
        usleep(1000);
    }
    assert_int_equal(stats.queue_bytes, 0);
}

static int put_many(void *context, sqlite3 *db, struct err *err) {
    char *value = calloc(1, 4 * 1024 * 1024 + 1);
    memset(value, 'x', 4 * 1024 * 1024);
    int code = store_setting_put(db, context, value, err);
    free(value);
    return code;
}

static void test_full_disk_is_refused_and_recovers(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char big[] = "big", small[] = "small";
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1024 * 1024;
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(store_write(world->store, put_many, big, &err), E_NOSPACE);
    assert_int_equal(get(world, "big"), E_NOT_FOUND);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(store_write(world->store, put_many, big, &err), 0);
    assert_int_equal(store_write(world->store, put, small, &err), 0);
    assert_int_equal(get(world, "small"), 0);
    assert_int_equal(store_verify(world->store, &err), 0);
}

static void test_newer_schema_is_refused(void **state) {
    struct world *world = *state;
    struct err err = {0};
    store_close(world->store);
    char *path;
    assert_true(asprintf(&path, "%s/senda.db", world->dir) > 0);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO schema_step VALUES ('store', 999, 0)", NULL, NULL, NULL),
        SQLITE_OK);
    for (int i = 2; i < 999; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO schema_step VALUES ('store', %d, 0)", i);
        sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    sqlite3_close(db);
    struct store *store = NULL;
    assert_int_equal(store_open(&store, world->dir, &err), E_REFUSED);
    assert_null(store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "DELETE FROM schema_step WHERE module = 'store' AND step > 1", NULL, NULL,
                 NULL);
    sqlite3_close(db);
    free(path);
    world_open(world);
}

static void test_missing_step_is_applied_after_a_copy(void **state) {
    struct world *world = *state;
    store_close(world->store);
    char *path;
    assert_true(asprintf(&path, "%s/senda.db", world->dir) > 0);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE job; DELETE FROM schema_step WHERE module = 'jobs'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    free(path);
    world_open(world);
    sqlite3 *reader = store_reader_get(world->store);
    assert_int_equal(sqlite3_exec(reader, "SELECT * FROM job", NULL, NULL, NULL), SQLITE_OK);
    store_reader_put(world->store, reader);
    char command[4200];
    snprintf(command, sizeof command, "test -f %s/senda.db.before-*", world->dir);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_survives_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_job_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_the_failing_record_job_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_ingest_job_fails_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded_in_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_is_refused_and_recovers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_schema_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_step_is_applied_after_a_copy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
