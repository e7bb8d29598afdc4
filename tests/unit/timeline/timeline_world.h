/*
 * A data folder with records, log, dictionary and timeline, and a model of what was appended.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_TIMELINE_WORLD_H
#define SENDA_TESTS_TIMELINE_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "part_fixture.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/logger.h"
#include "timeline/timeline_internal.h"

struct world {
    char dir[64];
    struct store *store;
    struct dictionary *dictionary;
    struct log *log;
    struct timeline *timeline;
    struct row *rows; /* everything appended, by seq; properties in texts */
    size_t n, capacity;
    struct arena texts;
};

static int64_t world_now_ms = INT64_C(1795000000000); /* 2026-11-18 */
static inline int64_t world_clock(void) { return world_now_ms; }

static inline void world_commit(void *context) {
    struct world *world = context;
    size_t n = 0;
    const struct row *rows = log_committed(world->log, &n);
    if (world->timeline)
        timeline_append(world->timeline, rows, n);
}
static inline void world_rollback(void *context) { (void)context; }

static inline void world_check(int code, const struct err *err) {
    if (code < 0)
        print_error("error %d: %s\n", code, err->message);
    assert_true(code >= 0);
}

static inline void world_open(struct world *world) {
    struct err err = {0};
    clock_inject(world_clock);
    logger_set_level(LOGGER_ERROR);
    world->timeline = NULL;
    world_check(store_open(&world->store, world->dir, &err), &err);
    world_check(dictionary_open(&world->dictionary, store_writer_db(world->store), &err), &err);
    dictionary_follow(world->dictionary, world->store);
    world_check(log_open(&world->log, world->store, world->dir, &err), &err);
    store_add_hook(world->store, world_commit, world_rollback, world);
    struct timeline *timeline = NULL;
    world_check(timeline_open(&timeline, world->store, world->log, world->dictionary, NULL, NULL,
                              world->dir, &err),
                &err);
    world->timeline = timeline;
}

static inline void world_close(struct world *world) {
    timeline_close(world->timeline);
    world->timeline = NULL;
    store_close(world->store);
    log_close(world->log);
    dictionary_close(world->dictionary);
}

static inline struct world *world_new(void) {
    struct world *world = calloc(1, sizeof *world);
    snprintf(world->dir, sizeof world->dir, "/tmp/senda-timeline-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    arena_init(&world->texts);
    world_open(world);
    return world;
}

static inline void world_remove(const char *path) {
    DIR *dir = opendir(path);
    if (dir) {
        for (struct dirent *entry; (entry = readdir(dir));) {
            char inner[600];
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            world_remove(inner);
        }
        closedir(dir);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static inline void world_free(struct world *world) {
    if (world->timeline)
        world_close(world);
    world_remove(world->dir);
    arena_release(&world->texts);
    free(world->rows);
    free(world);
    clock_inject(NULL);
}

struct world_batch {
    struct world *world;
    struct row *rows;
    size_t n;
};

static inline int world_write(void *context, sqlite3 *db, struct err *err) {
    struct world_batch *batch = context;
    static const char *const events[] = {"buy", "view", "click", "call", "visit",
                                         "pay", "open", "ask",   "leave"};
    static const char *const channels[] = {"web", "app", "shop"};
    static const char *const properties[] = {
        "context.touchpoint", "context.page.path", "path", "amount", "plan", "step"};
    for (int i = 0; i < 9; i++)
        dictionary_add(batch->world->dictionary, DICTIONARY_EVENT, slice_of(events[i]), db, err);
    for (int i = 0; i < 3; i++)
        dictionary_add(batch->world->dictionary, DICTIONARY_CHANNEL, slice_of(channels[i]), db,
                       err);
    for (int i = 0; i < 6; i++)
        dictionary_add(batch->world->dictionary, DICTIONARY_PROPERTY, slice_of(properties[i]), db,
                       err);
    dictionary_add(batch->world->dictionary, DICTIONARY_TOUCHPOINT,
                   SLICE_LITERAL("value-3-and-a-longer-tail"), db, err);
    for (size_t i = 0; i < batch->n; i++) {
        int code = log_add(batch->world->log, &batch->rows[i], (struct slice){0},
                           (struct key128){0, 0}, batch->rows[i].time_ms, err);
        if (code)
            return code;
    }
    return 0;
}

/* Stores rows in one transaction and remembers them. */
static inline void world_append(struct world *world, struct row *rows, size_t n) {
    struct world_batch batch = {world, rows, n};
    struct err err = {0};
    world_check(store_write(world->store, world_write, &batch, &err), &err);
    while (world->n + n > world->capacity) {
        world->capacity = world->capacity ? world->capacity * 2 : 1024;
        world->rows = realloc(world->rows, world->capacity * sizeof *world->rows);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].seq, world->n + 1);
        world->rows[world->n] = rows[i];
        world->rows[world->n++].properties = arena_copy(&world->texts, rows[i].properties);
    }
}

static inline void world_append_random(struct world *world, uint32_t n,
                                       struct fixture_shape shape) {
    struct fixture fixture = fixture_new(n, shape);
    world_append(world, fixture.rows, n);
    fixture_release(&fixture);
}

/* The parts of one kind hold exactly the model's rows of that kind, each in its range, in order. */
static inline void world_assert_kind(const struct world *world, const struct snapshot *snapshot,
                                     enum part_kind kind) {
    struct arena arena;
    arena_init(&arena);
    const struct part *const *parts;
    size_t n = snapshot_parts(snapshot, kind, INT64_MIN, INT64_MAX, &parts, &arena), total = 0,
           wanted = 0;
    bool *seen = calloc(world->n + 1, 1);
    for (size_t p = 0; p < n; p++) {
        const struct part *part = parts[p];
        struct err err = {0};
        uint32_t codes[8], n_codes = 0;
        for (uint32_t i = 0; i < part->n_columns; i++)
            codes[n_codes++] = part->columns[i].code;
        world_check(part_touch(part, COLUMN_ALL, codes, n_codes, &err), &err);
        if (p) {
            assert_true(part->range_from_ms == parts[p - 1]->range_from_ms ||
                        part->range_from_ms >= parts[p - 1]->range_to_ms);
            assert_true(part->range_from_ms != parts[p - 1]->range_from_ms ||
                        part->range_to_ms == parts[p - 1]->range_to_ms);
        }
        for (uint32_t c = 0; c < part->n_customers; c++)
            for (uint32_t i = part->start[c]; i < part->start[c + 1]; i++) {
                uint64_t seq = part->seq_base + part->seq[i];
                assert_in_range(seq, 1, world->n);
                const struct row *row = &world->rows[seq - 1];
                assert_false(seen[seq]);
                seen[seq] = true;
                assert_int_equal(part->customer[c], row->customer);
                assert_true(row->time_ms >= part->range_from_ms &&
                            row->time_ms < part->range_to_ms);
                fixture_assert_row(part, i, row);
                if (i > part->start[c]) {
                    const struct row *before = &world->rows[part->seq_base + part->seq[i - 1] - 1];
                    assert_true(before->time_ms < row->time_ms ||
                                (before->time_ms == row->time_ms && before->seq < seq));
                }
                total++;
            }
    }
    for (size_t i = 0; i < world->n; i++)
        wanted += row_is_interaction(world->rows[i].type) == (kind == PART_INTERACTIONS);
    assert_int_equal(total, wanted);
    free(seen);
    arena_release(&arena);
}

static inline void world_assert(const struct world *world) {
    struct err err = {0};
    struct snapshot *snapshot = NULL;
    world_check(timeline_snapshot(world->timeline, &snapshot, &err), &err);
    assert_int_equal(snapshot_last_seq(snapshot), world->n);
    world_assert_kind(world, snapshot, PART_INTERACTIONS);
    world_assert_kind(world, snapshot, PART_TRAITS);
    snapshot_release(snapshot);
}

static inline void world_assert_verified(const struct world *world) {
    struct err err = {0};
    struct buf findings;
    buf_init(&findings, 1 << 20);
    world_check(timeline_verify(world->timeline, false, &findings, &err), &err);
    if (findings.n)
        print_error("%.*s", SLICE_ARGS(buf_slice(&findings)));
    assert_int_equal(findings.n, 0);
    buf_release(&findings);
}

static inline void world_maintain(struct world *world, bool force) {
    struct err err = {0};
    world_check(timeline_maintain(world->timeline, force, &err), &err);
}

/* Files in parts/ whose names end so. */
static inline size_t world_files(const struct world *world, const char *ending, char last[600]) {
    char path[100];
    snprintf(path, sizeof path, "%s/parts", world->dir);
    DIR *dir = opendir(path);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length < strlen(ending) || strcmp(entry->d_name + length - strlen(ending), ending) != 0)
            continue;
        n++;
        if (last)
            snprintf(last, 600, "%s/%s", path, entry->d_name);
    }
    closedir(dir);
    return n;
}

#endif
