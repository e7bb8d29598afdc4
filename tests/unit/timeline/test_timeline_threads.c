/*
 * Snapshots under concurrent appends, maintenance and changes of rules: what was acknowledged before a snapshot was asked
 * for is in it, each row once. Built with the thread sanitizer this is also the proof of the locking.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline_world.h"

#include <pthread.h>

#include "base/time.h"

enum { ROWS = 120000, BATCH = 400, READERS = 2 };

struct scene {
    struct world *world;
    atomic_uint_least64_t acknowledged;
    atomic_bool finished;
    atomic_uint snapshots;
};

static void *write_rows(void *context) {
    struct scene *scene = context;
    struct fixture fixture = fixture_new(ROWS, (struct fixture_shape){
                                                   .customers = 500,
                                                   .from_ms = world_now_ms - INT64_C(100) * DAY_MS,
                                                   .to_ms = world_now_ms,
                                                   .properties = 4,
                                                   .distinct = 30,
                                                   .traits = true,
                                               });
    for (uint32_t at = 0; at < ROWS; at += BATCH) {
        world_append(scene->world, fixture.rows + at, BATCH);
        atomic_store(&scene->acknowledged, at + BATCH);
    }
    fixture_release(&fixture);
    atomic_store(&scene->finished, true);
    return NULL;
}

/* Every seq from 1 to the snapshot's last is there once. */
static void check_snapshot(const struct snapshot *snapshot) {
    uint64_t last = snapshot_last_seq(snapshot), rows = 0, sum = 0;
    struct arena arena;
    arena_init(&arena);
    for (int kind = 0; kind < 2; kind++) {
        const struct part *const *parts;
        size_t n =
            snapshot_parts(snapshot, (enum part_kind)kind, INT64_MIN, INT64_MAX, &parts, &arena);
        for (size_t p = 0; p < n; p++) {
            struct err err = {0};
            world_check(part_touch(parts[p], COLUMN_ALL, NULL, 0, &err), &err);
            rows += parts[p]->n_rows;
            for (uint32_t i = 0; i < parts[p]->n_rows; i++)
                sum += parts[p]->seq_base + parts[p]->seq[i];
        }
    }
    arena_release(&arena);
    assert_int_equal(rows, last);
    assert_int_equal(sum, last * (last + 1) / 2);
}

static void *read_snapshots(void *context) {
    struct scene *scene = context;
    uint64_t version = 0;
    do {
        uint64_t acknowledged = atomic_load(&scene->acknowledged);
        struct snapshot *snapshot = NULL;
        struct err err = {0};
        world_check(timeline_snapshot(scene->world->timeline, &snapshot, &err), &err);
        assert_true(snapshot_last_seq(snapshot) >= acknowledged);
        assert_true(snapshot_version(snapshot) >= version);
        version = snapshot_version(snapshot);
        check_snapshot(snapshot);
        snapshot_release(snapshot);
        atomic_fetch_add(&scene->snapshots, 1);
    } while (!atomic_load(&scene->finished));
    return NULL;
}

static void *maintain(void *context) {
    struct scene *scene = context;
    for (uint32_t round = 0; !atomic_load(&scene->finished); round++) {
        struct err err = {0};
        world_check(timeline_maintain(scene->world->timeline, round % 10 == 9, &err), &err);
        usleep(2000);
    }
    return NULL;
}

static void *change_rules(void *context) {
    struct scene *scene = context;
    const struct touchpoint_rule rules[] = {{.touchpoint = "shop", .event = "buy"},
                                            {.touchpoint = "web", .channel = "web"}};
    for (uint32_t round = 0; !atomic_load(&scene->finished); round++) {
        struct err err = {0};
        world_check(timeline_set_rules(scene->world->timeline, rules, 1 + round % 2, &err), &err);
        usleep(30000);
    }
    return NULL;
}

static void everything_at_once(void **state) {
    (void)state;
    struct world *world = world_new();
    struct scene scene = {.world = world};
    pthread_t threads[READERS + 3];
    pthread_create(&threads[0], NULL, write_rows, &scene);
    pthread_create(&threads[1], NULL, maintain, &scene);
    pthread_create(&threads[2], NULL, change_rules, &scene);
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[3 + i], NULL, read_snapshots, &scene);
    for (int i = 0; i < READERS + 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&scene.snapshots) > 10);
    world_assert(world);
    world_assert_verified(world);
    world_close(world);
    world_open(world);
    world_assert(world);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
