/*
 * Batches that wait for room: slowed down while the index is behind, sent home when the wait was in vain or the folder
 * closes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "../scratch.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/logger.h"
#include "folder/folder.h"

enum { FILL = 300, BEHIND = 200, NOT_YET = -1000 };

struct world {
    char *scratch, *dir;
    struct folder *folder;
    uint64_t behind_rows;
};

/* One event on its way. */
struct sent {
    struct event event;
    struct event_result result;
    struct ingest_batch batch;
    char id[32];
    atomic_int code;
};

static int setup(void **state) {
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    logger_set_level(LOGGER_ERROR + 1);
    world->scratch = scratch_make("waiting");
    assert_true(asprintf(&world->dir, "%s/d", world->scratch) > 0);
    struct folder_settings settings = {
        .name = "Vereda", .timezone = "America/Lima", .language = "en"};
    assert_int_equal(folder_create(world->dir, &settings, &err), 0);
    assert_int_equal(folder_open(&world->folder, world->dir, &err), 0);
    world->behind_rows = timeline_tuning.behind_rows;
    timeline_tuning.behind_rows = BEHIND;
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    folder_close(world->folder);
    timeline_tuning.behind_rows = world->behind_rows;
    scratch_remove(world->scratch);
    free(world->dir);
    free(world->scratch);
    free(world);
    return 0;
}

static void done(struct ingest_batch *batch, int code, const struct err *err) {
    struct sent *sent = batch->context;
    if (code)
        assert_true(err->message[0]);
    atomic_store(&sent->code, code);
}

static void send(struct world *world, struct sent *sent, unsigned number) {
    struct err err = {0};
    *sent = (struct sent){.code = NOT_YET};
    snprintf(sent->id, sizeof sent->id, "id %u", number);
    sent->event = (struct event){.name = slice_of("Visit"),
                                 .user_id = slice_of(sent->id),
                                 .message_id = slice_of(sent->id),
                                 .has_time = true,
                                 .time_ms = 1000 + number,
                                 .raw = slice_of(sent->id)};
    sent->batch = (struct ingest_batch){.source = {.number = 1, .channel = SLICE_LITERAL("web")},
                                        .events = &sent->event,
                                        .n = 1,
                                        .bytes = 200,
                                        .received_ms = clock_now_ms(),
                                        .results = &sent->result,
                                        .done = done,
                                        .context = sent};
    assert_int_equal(ingest_collect(world->folder->ingest, &sent->batch, &err), 0);
}

static int answer_of(struct sent *sent) {
    while (atomic_load(&sent->code) == NOT_YET)
        usleep(1000);
    return atomic_load(&sent->code);
}

/* Puts the index behind; nobody maintains the folder. */
static void fill(struct world *world, unsigned from) {
    static struct sent many[FILL];
    for (unsigned i = 0; i < FILL && !timeline_is_behind(world->folder->timeline); i++) {
        send(world, &many[i], from + i);
        assert_int_equal(answer_of(&many[i]), 0);
    }
    assert_true(timeline_is_behind(world->folder->timeline));
}

static void test_waits_until_there_is_room(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct sent first, second;
    fill(world, 0);
    uint64_t filled = log_last(world->folder->log);
    send(world, &first, FILL);
    send(world, &second, FILL + 1);
    usleep(50000);
    assert_int_equal(atomic_load(&first.code), NOT_YET);
    assert_int_equal(atomic_load(&second.code), NOT_YET);
    assert_int_equal(log_last(world->folder->log), filled);
    assert_true(folder_maintain(world->folder, true, &err) >= 0);
    assert_int_equal(answer_of(&first), 0);
    assert_int_equal(answer_of(&second), 0);
    assert_int_equal(first.batch.accepted + second.batch.accepted, 2);
    assert_int_equal(log_last(world->folder->log), filled + 2);
}

static void test_waits_not_for_ever(void **state) {
    struct world *world = *state;
    struct sent sent;
    fill(world, 0);
    uint64_t filled = log_last(world->folder->log);
    int64_t begun_us = clock_monotonic_us();
    send(world, &sent, FILL);
    assert_int_equal(answer_of(&sent), E_BUSY);
    assert_true(clock_monotonic_us() - begun_us >= INT64_C(1000) * LIMIT_COLLECT_WAIT_MS);
    assert_int_equal(log_last(world->folder->log), filled);
}

static void test_closing_sends_home(void **state) {
    struct world *world = *state;
    struct sent sent;
    fill(world, 0);
    send(world, &sent, FILL);
    folder_close(world->folder);
    world->folder = NULL;
    assert_int_equal(atomic_load(&sent.code), E_BUSY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits_until_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_not_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closing_sends_home, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
