/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/class_sizes.h"

#include <stdlib.h>

#include "backend/members.h"
#include "base/clock.h"
#include "base/time.h"

enum { EVERY_MS = 3600000 };

struct counted {
    const char *segmentation;
    const json_t *classes;
    const struct member_sets *sets;
    int64_t day_ms;
};

static int write_size(const struct counted *counted, const char *class, uint64_t size, sqlite3 *db,
                      struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT OR REPLACE INTO class_size SELECT id, ?2, ?3, ?4 FROM segmentation WHERE name = ?1",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, counted->segmentation, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, class, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, counted->day_ms);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)size);
    return store_run(statement, err);
}

static int write_sizes(void *context, sqlite3 *db, struct err *err) {
    const struct counted *counted = context;
    const json_t *class;
    size_t i;
    int code = 0;
    json_array_foreach((json_t *)(uintptr_t)counted->classes, i, class) if (!code) code =
        write_size(counted, json_string_value(json_object_get(class, "name")),
                   roaring_bitmap_get_cardinality(counted->sets->sets[i]), db, err);
    return code;
}

/* One segmentation. */
static int count_classes(struct folder *folder, const struct snapshot *snapshot,
                         const json_t *segmentation, int64_t now_ms, struct err *err) {
    struct arena arena;
    struct member_sets sets;
    json_t *classes = segmentation_classes(segmentation), *class;
    const char *name = json_string_value(json_object_get(segmentation, "name"));
    size_t n = json_array_size(classes), i;
    arena_init(&arena);
    const char **names = ARENA_ARRAY(&arena, const char *, n + 1);
    json_array_foreach(classes, i, class) names[i] =
        arena_format(&arena, "%s/%s", name, json_string_value(json_object_get(class, "name")));
    int code = members_find(folder, snapshot, now_ms, names, n, NULL, NULL, &sets, err);
    if (!code) {
        struct counted counted = {name, classes, &sets,
                                  zone_bucket_start_ms(folder->zone, BUCKET_DAY, now_ms)};
        code = store_write(folder->store, write_sizes, &counted, err);
        member_sets_free(&sets);
    }
    arena_release(&arena);
    json_decref(classes);
    return code;
}

int class_sizes_count(struct folder *folder, struct err *err) {
    struct snapshot *snapshot;
    json_t *list, *segmentation;
    size_t i;
    int code = segmentation_list(folder, &list, err);
    if (code)
        return code;
    code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (!code) {
        json_array_foreach(list, i, segmentation) if (!code) code =
            count_classes(folder, snapshot, segmentation, clock_now_ms(), err);
        snapshot_release(snapshot);
    }
    json_decref(list);
    return code;
}

/* ---- reading ---- */

static json_t *day_text(const struct folder *folder, int64_t midnight_ms) {
    int64_t s = midnight_ms / 1000;
    int year, month, day;
    time_civil_from_days((s + zone_offset_s(folder->zone, s)) / DAY_S, &year, &month, &day);
    return json_sprintf("%04d-%02d-%02d", year, month, day);
}

/* Rows of (day_ms, class, size), a day's together. */
static int read_days(const struct folder *folder, sqlite3_stmt *row, json_t *days,
                     struct err *err) {
    int64_t day_ms = -1;
    json_t *sizes = NULL;
    int code;
    while ((code = store_step(row, err)) == 1) {
        if (sqlite3_column_int64(row, 0) != day_ms) {
            day_ms = sqlite3_column_int64(row, 0);
            sizes = json_object();
            json_array_append_new(
                days, json_pack("{s:o, s:o}", "day", day_text(folder, day_ms), "sizes", sizes));
        }
        json_object_set_new(sizes, (const char *)sqlite3_column_text(row, 1),
                            json_integer(sqlite3_column_int64(row, 2)));
    }
    return code;
}

int class_sizes_history(struct folder *folder, const char *segmentation, int64_t from_ms,
                        int64_t to_ms, json_t **days, struct err *err) {
    json_t *known;
    int code = segmentation_find(folder, segmentation, &known, err);
    if (code)
        return code;
    json_decref(known);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *row = STORE_PREPARE(
        db,
        "SELECT day_ms, class, size FROM class_size WHERE segmentation = (SELECT id FROM "
        "segmentation WHERE name = ?) AND day_ms BETWEEN ? AND ? ORDER BY day_ms, class",
        err);
    *days = json_array();
    code = row ? 0 : E_IO;
    if (row) {
        sqlite3_bind_text(row, 1, segmentation, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, zone_bucket_start_ms(folder->zone, BUCKET_DAY, from_ms));
        sqlite3_bind_int64(row, 3, to_ms);
        code = read_days(folder, row, *days, err);
    }
    store_reader_put(folder->store, db);
    if (code)
        json_decref(*days);
    return code;
}

static int run_job(struct job_run *run, struct err *err) {
    return class_sizes_count(job_folder(run), err);
}

const struct job job_class_sizes = {.name = "segments.classes",
                                    .summary = "counts the classes of segmentations",
                                    .lane = JOB_LONG,
                                    .every_ms = EVERY_MS,
                                    .run = run_job};
