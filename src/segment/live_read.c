/*
 * What others read of members: sets, one customer's segments, sizes by day.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "segment/live.h"

/* Where no server runs, nobody has decided anything yet; one that runs knows from before what it decides anew. */
static int ready(struct folder *folder, struct live **live, struct err *err) {
    int code = live_of(folder, live, err);
    if (code)
        return code;
    pthread_mutex_lock(&(*live)->lock);
    bool decided = (*live)->as_of_ms != 0 || atomic_load(&(*live)->kept);
    for (size_t m = 0; m < (*live)->n && decided; m++)
        decided = (*live)->all[m].members != NULL;
    pthread_mutex_unlock(&(*live)->lock);
    return decided ? 0 : segments_keep_current(folder, err);
}

/* Under the lock; NULL: no segment is called so. */
static const struct membership *find(const struct live *live, const char *name) {
    for (size_t m = 0; m < live->n; m++)
        if (strcmp(live->all[m].name, name) == 0)
            return &live->all[m];
    return NULL;
}

int segment_members(struct folder *folder, const char *name, roaring_bitmap_t **members,
                    struct err *err) {
    struct live *live;
    int code = ready(folder, &live, err);
    *members = NULL;
    if (code)
        return code;
    pthread_mutex_lock(&live->lock);
    const struct membership *membership = find(live, name);
    if (membership && membership->members)
        *members = roaring_bitmap_copy(membership->members);
    pthread_mutex_unlock(&live->lock);
    return *members ? 0 : err_set(err, E_NOT_FOUND, "no segment is called \"%.80s\"", name);
}

int segment_told(struct folder *folder, const char *name, uint64_t *told, uint64_t *of,
                 struct err *err) {
    struct live *live;
    int code = ready(folder, &live, err);
    *told = *of = 0;
    if (code)
        return code;
    pthread_mutex_lock(&live->lock);
    const struct membership *membership = find(live, name);
    if (membership && membership->initial) {
        *told = roaring_bitmap_rank(membership->initial, membership->told_to);
        *of = roaring_bitmap_get_cardinality(membership->initial);
    }
    pthread_mutex_unlock(&live->lock);
    return 0;
}

int segments_of_customer(struct folder *folder, uint32_t owner, json_t **segments,
                         struct err *err) {
    struct live *live;
    json_t *list, *segment;
    size_t i;
    int code = ready(folder, &live, err);
    if (!code)
        code = segment_list(folder, &list, err);
    if (code)
        return code;
    *segments = json_array();
    pthread_mutex_lock(&live->lock);
    json_array_foreach(list, i, segment) {
        json_t *name = json_object_get(segment, "name");
        const struct membership *membership = find(live, json_string_value(name));
        if (!membership || !membership->members ||
            !roaring_bitmap_contains(membership->members, owner))
            continue;
        json_t *row =
            json_pack("{s:O, s:O}", "name", name, "title", json_object_get(segment, "title"));
        json_t *colour = json_object_get(segment, "colour");
        json_object_set_new(row, "colour", colour ? json_incref(colour) : json_null());
        json_array_append_new(*segments, row);
    }
    pthread_mutex_unlock(&live->lock);
    json_decref(list);
    return 0;
}

int segments_state(struct folder *folder, struct segments_state *state, struct err *err) {
    struct live *live;
    int code = ready(folder, &live, err);
    if (code)
        return code;
    pthread_mutex_lock(&live->lock);
    int64_t waited_ms = live->dirty_since_ms ? clock_now_ms() - live->dirty_since_ms : 0;
    *state = (struct segments_state){.as_of_ms = live->as_of_ms,
                                     .lag_ms = waited_ms > 0 ? waited_ms : 0,
                                     .pending = live->pending};
    pthread_mutex_unlock(&live->lock);
    return 0;
}

/* ---- sizes by day ---- */

static json_t *day_json(const struct folder *folder, int64_t midnight_ms) {
    int64_t s = midnight_ms / 1000;
    int year, month, day;
    time_civil_from_days((s + zone_offset_s(folder->zone, s)) / DAY_S, &year, &month, &day);
    return json_sprintf("%04d-%02d-%02d", year, month, day);
}

int segment_history(struct folder *folder, const char *name, int64_t from_ms, int64_t to_ms,
                    json_t **days, struct err *err) {
    json_t *segment;
    int code = segment_find(folder, name, &segment, err);
    if (code)
        return code;
    json_decref(segment);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT day_ms, size, entered, gone FROM segment_size WHERE segment = (SELECT "
        "id FROM segment WHERE name = ?) AND day_ms BETWEEN ? AND ? ORDER BY day_ms",
        err);
    code = statement ? 1 : E_IO;
    if (statement) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, zone_bucket_start_ms(folder->zone, BUCKET_DAY, from_ms));
        sqlite3_bind_int64(statement, 3, to_ms);
    }
    *days = json_array();
    while (code == 1 && (code = store_step(statement, err)) == 1)
        json_array_append_new(*days,
                              json_pack("{s:o, s:I, s:I, s:I}", "day",
                                        day_json(folder, sqlite3_column_int64(statement, 0)),
                                        "size", (json_int_t)sqlite3_column_int64(statement, 1),
                                        "entered", (json_int_t)sqlite3_column_int64(statement, 2),
                                        "left", (json_int_t)sqlite3_column_int64(statement, 3)));
    store_reader_put(folder->store, db);
    if (code) {
        json_decref(*days);
        *days = NULL;
    }
    return code;
}
