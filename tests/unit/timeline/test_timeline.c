/*
 * The timeline: whatever is appended, sealed, merged, regrouped, reopened, damaged and rebuilt, a snapshot holds exactly
 * the rows that were stored.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline_world.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/time.h"

enum { DAY = DAY_MS };

static struct fixture_shape spread(uint32_t customers, int64_t days_back) {
    return (struct fixture_shape){.customers = customers,
                                  .from_ms = world_now_ms - days_back * DAY,
                                  .to_ms = world_now_ms + DAY,
                                  .properties = 6,
                                  .distinct = 12,
                                  .traits = true};
}

static void empty(void **state) {
    (void)state;
    struct world *world = world_new();
    world_assert(world);
    world_maintain(world, true);
    world_assert(world);
    world_assert_verified(world);
    world_free(world);
}

static void what_was_stored_is_in_the_next_snapshot(void **state) {
    (void)state;
    struct world *world = world_new();
    uint64_t version = 0;
    for (int i = 0; i < 50; i++) {
        world_append_random(world, 1 + fixture_below(100), spread(50, 900));
        struct err err = {0};
        struct snapshot *a = NULL, *b = NULL;
        world_check(timeline_snapshot(world->timeline, &a, &err), &err);
        world_check(timeline_snapshot(world->timeline, &b, &err), &err);
        assert_ptr_equal(a, b); /* nothing changed between */
        assert_true(snapshot_version(a) > version);
        version = snapshot_version(a);
        snapshot_release(a);
        snapshot_release(b);
        world_assert(world);
    }
    world_free(world);
}

static void through_files_and_restarts(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 4; round++) {
        fixture_state = round;
        struct world *world = world_new();
        for (int i = 0; i < 12; i++) {
            world_append_random(world, 1 + fixture_below(6000),
                                spread(1 + fixture_below(400), 1500));
            if (fixture_below(2))
                world_maintain(world, fixture_below(2));
            if (fixture_below(3) == 0) {
                world_close(world);
                world_open(world);
            }
            world_assert(world);
        }
        world_maintain(world, true);
        world_assert(world);
        world_assert_verified(world);
        world_close(world);
        world_open(world);
        world_assert(world);
        world_free(world);
    }
}

static void seals_by_itself(void **state) {
    (void)state;
    struct world *world = world_new();
    for (int i = 0; i < 70; i++) {
        struct fixture_shape shape = spread(5000, 40);
        shape.properties = i % 7 ? 0 : 2;
        world_append_random(world, 5000, shape);
        world_maintain(world, false);
    }
    struct timeline_stats stats;
    timeline_stats(world->timeline, &stats);
    assert_int_equal(stats.rows, 350000);
    assert_true(stats.head_rows < LIMIT_HEAD_ROWS + 40000);
    assert_true(stats.parts > 0);
    assert_int_equal(world_files(world, ".part", NULL), stats.parts);
    world_assert(world);
    world_maintain(world, true);
    timeline_stats(world->timeline, &stats);
    assert_int_equal(stats.head_rows, 0);
    assert_true(stats.parts <= 2 * 3); /* two kinds, three ranges in 40 days */
    assert_int_equal(world_files(world, ".part", NULL), stats.parts);
    world_assert(world);
    world_assert_verified(world);
    world_free(world);
}

static void few_ranges_whatever_the_spread(void **state) {
    (void)state;
    struct world *world = world_new();
    struct fixture_shape shape = spread(300, 0);
    shape.from_ms = TIME_MIN_MS;
    shape.to_ms = TIME_MAX_MS;
    for (int i = 0; i < 20; i++)
        world_append_random(world, 1000, shape);
    world_assert(world);
    world_maintain(world, true);
    struct timeline_stats stats;
    timeline_stats(world->timeline, &stats);
    assert_true(stats.parts <= 2 * LIMIT_TIME_RANGES);
    world_assert(world);
    world_free(world);
}

static void ranges_follow_the_calendar(void **state) {
    (void)state;
    int64_t before = world_now_ms;
    struct world *world = world_new();
    for (int month = 0; month < 30; month++) {
        world_append_random(world, 700, spread(100, 800)); /* up to a day in the future */
        world_maintain(world, month % 2);
        struct err err = {0};
        struct snapshot *old = NULL;
        world_check(timeline_snapshot(world->timeline, &old, &err), &err);
        world_now_ms += 29 * INT64_C(86400000);
        world_maintain(world, false);
        world_assert(world);
        world_assert_kind(world, old, PART_INTERACTIONS); /* a snapshot keeps its ranges */
        snapshot_release(old);
        if (month % 7 == 3) {
            world_close(world);
            world_open(world);
            world_assert(world);
        }
    }
    world_assert_verified(world);
    world_free(world);
    world_now_ms = before;
}

static void boundaries_are_at_most_seven_and_recent(void **state) {
    (void)state;
    for (int64_t day = 0; day < 365 * 8; day++) {
        struct boundaries b;
        int64_t now = INT64_C(1767225600000) + day * DAY;
        boundaries_at(now, &b);
        assert_int_equal(b.n, LIMIT_TIME_RANGES - 1);
        for (uint32_t i = 1; i < b.n; i++)
            assert_true(b.ms[i] > b.ms[i - 1]);
        int64_t newest = b.ms[b.n - 1];
        assert_true(newest <= now && now - newest < 31 * (int64_t)DAY);
        assert_true(newest - b.ms[b.n - 2] <= 31 * (int64_t)DAY); /* the last month */
        assert_true(now - b.ms[0] > 900 * (int64_t)DAY);
    }
}

static void flip(const char *path, uint64_t at) {
    int fd = open(path, O_RDWR);
    struct stat status;
    char byte;
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    off_t place = (off_t)(at % (uint64_t)status.st_size);
    assert_int_equal(pread(fd, &byte, 1, place), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, place), 1);
    close(fd);
}

/* Every byte of every kind of file, sampled: found at open or at touch, rebuilt, never served wrong. */
static void flipped_files_are_found_and_rebuilt(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 3000, spread(200, 700));
    world_maintain(world, true);
    uint32_t refused = 0;
    for (int i = 0; i < 60; i++) {
        char path[600];
        size_t n = world_files(world, i % 3 ? ".part" : ".touch", path);
        assert_true(n > 0);
        world_close(world);
        flip(path, fixture_random());
        world_open(world);
        struct err err = {0};
        struct snapshot *snapshot = NULL;
        struct arena arena;
        arena_init(&arena);
        world_check(timeline_snapshot(world->timeline, &snapshot, &err), &err);
        for (int kind = 0; kind < 2; kind++) {
            const struct part *const *parts;
            n = snapshot_parts(snapshot, (enum part_kind)kind, INT64_MIN, INT64_MAX, &parts,
                               &arena);
            for (size_t p = 0; p < n; p++) {
                const uint32_t codes[] = {1, 2, 3, 4, 5, 6};
                int code = part_touch(parts[p], COLUMN_ALL, codes, 6, &err);
                assert_true(code == 0 || code == E_CORRUPT);
                refused += code != 0;
            }
        }
        snapshot_release(snapshot);
        arena_release(&arena);
        world_maintain(world, false);
        world_assert(world);
    }
    assert_true(refused > 5); /* the others hit a head: found at opening */
    world_close(world); /* the last flip may have hit a head, which opening mends and tells of */
    world_open(world);
    world_assert_verified(world);
    world_free(world);
}

/* Whoever verifies first is told what opening mended; then all is well. */
static void assert_told(const struct world *world) {
    struct err err = {0};
    struct buf findings;
    buf_init(&findings, 1 << 20);
    world_check(timeline_verify(world->timeline, false, &findings, &err), &err);
    buf_add(&findings, "", 1);
    assert_non_null(strstr(findings.p, "rebuilt from the log while opening"));
    buf_release(&findings);
    world_assert_verified(world);
}

static void missing_and_short_files_are_rebuilt_at_open(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 3000, spread(200, 700));
    world_maintain(world, true);
    for (int i = 0; i < 30; i++) {
        char path[600];
        world_files(world, i % 2 ? ".part" : ".touch", path);
        world_close(world);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        if (i % 5 == 0)
            unlink(path);
        else
            assert_int_equal(truncate(path, (off_t)fixture_below((uint32_t)status.st_size)), 0);
        world_open(world);
        world_assert(world);
    }
    assert_told(world);
    world_close(world);
    char path[600]; /* all at once, as after restoring a backup */
    while (world_files(world, ".part", path))
        unlink(path);
    world_open(world);
    world_assert(world);
    assert_told(world);
    world_free(world);
}

static int read_everything(void *context, struct err *err) {
    (void)err;
    const struct part *part = context;
    volatile uint64_t sum = 0;
    for (uint32_t i = 0; i < part->n_rows; i++)
        sum += part->sec[i] + part->event[i];
    return 0;
}

static void a_file_cut_under_a_running_query(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 20000,
                        (struct fixture_shape){
                            .customers = 50, .from_ms = world_now_ms - DAY, .to_ms = world_now_ms});
    world_maintain(world, true);
    struct err err = {0};
    struct snapshot *snapshot = NULL;
    struct arena arena;
    arena_init(&arena);
    world_check(timeline_snapshot(world->timeline, &snapshot, &err), &err);
    const struct part *const *parts;
    assert_int_equal(
        snapshot_parts(snapshot, PART_INTERACTIONS, INT64_MIN, INT64_MAX, &parts, &arena), 1);
    assert_int_equal(part_touch(parts[0], COLUMN_ALL, NULL, 0, &err), 0);
    char path[600];
    world_files(world, ".part", path);
    assert_int_equal(truncate(path, 8192), 0);
    guard_install();
    const void *part = parts[0];
    void *plain;
    memcpy(&plain, &part, sizeof plain);
    assert_int_equal(part_guard(read_everything, plain, &err), E_CORRUPT);
    assert_int_equal(part_touch(parts[0], COLUMN_EVENT, NULL, 0, &err), E_CORRUPT);
    assert_int_equal(read_everything(plain, &err), 0); /* without a guard: zeros, no signal */
    snapshot_release(snapshot);
    arena_release(&arena);
    world_maintain(world, false);
    world_assert(world);
    world_free(world);
}

static void files_that_are_not_listed_are_removed(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 1000, spread(200, 10));
    world_maintain(world, true);
    size_t parts = world_files(world, ".part", NULL), touches = world_files(world, ".touch", NULL);
    world_close(world);
    const char *left[] = {"00000777.part", "00000777.00000001.touch", "00000001.00000999.touch"};
    char path[200];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/parts/%s", world->dir, left[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    snprintf(path, sizeof path, "%s/parts/notes.txt", world->dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    world_open(world);
    assert_int_equal(world_files(world, ".part", NULL), parts);
    assert_int_equal(world_files(world, ".touch", NULL), touches);
    assert_int_equal(world_files(world, "notes.txt", NULL), 1); /* not ours */
    world_assert(world);
    world_free(world);
}

static void verify_finds_what_checksums_cannot(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 2000, spread(100, 10));
    world_maintain(world, true);
    char path[600];
    world_files(world, ".part", path);
    unsigned number;
    assert_int_equal(sscanf(strrchr(path, '/') + 1, "%8u.part", &number), 1);
    world_close(world);
    int folder = open(path, O_RDONLY), fd = folder; /* a wrong event under right checksums */
    struct stat status;
    fstat(fd, &status);
    char *bytes = malloc((size_t)status.st_size);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    struct part_image image = {.base = bytes, .bytes = (uint64_t)status.st_size, .registered = -1};
    struct err err = {0};
    world_check(image_bind(&image, &err), &err);
    uint16_t *event = image_array(&image, ARRAY_SEC); /* traits have no events: a time then */
    event[0] ^= 1;
    image_finish(&image);
    fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    free(image.columns);
    free(bytes);
    world_open(world);
    struct buf findings;
    buf_init(&findings, 1 << 20);
    world_check(timeline_verify(world->timeline, true, &findings, &err), &err);
    assert_true(findings.n > 0);
    buf_release(&findings);
    world_assert(world);
    world_assert_verified(world);
    world_free(world);
}

static void reindex_builds_the_same_again(void **state) {
    (void)state;
    struct world *world = world_new();
    world_append_random(world, 8000, spread(300, 1000));
    world_maintain(world, false);
    struct err err = {0};
    world_check(timeline_reindex(world->timeline, NULL, NULL, &err), &err);
    world_assert(world);
    world_append_random(world, 100, spread(300, 1000));
    world_assert(world);
    world_assert_verified(world);
    world_free(world);
}

static void a_full_disk_refuses_and_recovers(void **state) {
    (void)state;
    struct world *world = world_new();
    for (int i = 0; i < 24; i++) { /* not enough to be sealed by itself */
        struct fixture_shape shape = spread(3000, 5);
        shape.properties = 0;
        world_append_random(world, 10000, shape);
    }
    char path[100];
    struct stat status;
    snprintf(path, sizeof path, "%s/senda.db-wal", world->dir);
    off_t most = stat(path, &status) == 0 ? status.st_size : 0;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)most / 2 + 100000; /* what a part of all rows exceeds */
    if (limit.rlim_cur > 2000000)
        limit.rlim_cur = 2000000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct err err = {0};
    assert_int_equal(timeline_maintain(world->timeline, true, &err), E_NOSPACE);
    world_assert(world); /* from memory */
    assert_int_equal(world_files(world, ".part", NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    world_maintain(world, true);
    world_assert(world);
    world_assert_verified(world);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(what_was_stored_is_in_the_next_snapshot),
        cmocka_unit_test(through_files_and_restarts),
        cmocka_unit_test(seals_by_itself),
        cmocka_unit_test(few_ranges_whatever_the_spread),
        cmocka_unit_test(ranges_follow_the_calendar),
        cmocka_unit_test(boundaries_are_at_most_seven_and_recent),
        cmocka_unit_test(flipped_files_are_found_and_rebuilt),
        cmocka_unit_test(missing_and_short_files_are_rebuilt_at_open),
        cmocka_unit_test(a_file_cut_under_a_running_query),
        cmocka_unit_test(files_that_are_not_listed_are_removed),
        cmocka_unit_test(verify_finds_what_checksums_cannot),
        cmocka_unit_test(reindex_builds_the_same_again),
        cmocka_unit_test(a_full_disk_refuses_and_recovers),
    };
    cmocka_set_test_filter(getenv("ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
