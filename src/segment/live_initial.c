/*
 * Who is in a segment from the beginning, told bit by bit: see live.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "collect/derived.h"
#include "segment/live.h"

enum {
    TOLD_LEAST = 250,
    TOLD_SHARE = 512 /* one of so many profiles a round: half of what is decided one by one */
};

/* ---- records ---- */

int initial_load(sqlite3 *db, struct membership *all, size_t n, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT segment, members, told_to FROM segment_initial", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const char *bytes = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        for (size_t i = 0; i < n && bytes; i++)
            if (all[i].id == id && !all[i].initial) {
                all[i].initial = roaring_bitmap_portable_deserialize_safe(bytes, size);
                all[i].told_to = (uint32_t)sqlite3_column_int64(statement, 2);
            }
    }
    return code;
}

int initial_write(sqlite3 *db, const struct membership *membership, struct err *err) {
    size_t size = roaring_bitmap_portable_size_in_bytes(membership->initial);
    char *bytes = malloc(size + 1);
    if (!bytes)
        abort();
    roaring_bitmap_portable_serialize(membership->initial, bytes);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR REPLACE INTO segment_initial VALUES (?, ?, ?)", err);
    int code = statement ? 0 : E_IO;
    if (!code) {
        sqlite3_bind_int64(statement, 1, membership->id);
        sqlite3_bind_blob64(statement, 2, bytes, size, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statement, 3, membership->told_to);
        code = store_run(statement, err);
    }
    free(bytes);
    return code;
}

/* ---- telling ---- */

struct batch {
    int64_t id;
    uint32_t told_to;
    bool last;
    size_t n;
    struct derived_event events[DERIVED_MAX];
};

static int write_progress(void *context, sqlite3 *db, struct err *err) {
    const struct batch *batch = context;
    sqlite3_stmt *statement =
        batch->last
            ? STORE_PREPARE(db, "DELETE FROM segment_initial WHERE segment = ?1", err)
            : STORE_PREPARE(db, "UPDATE segment_initial SET told_to = ?2 WHERE segment = ?1", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, batch->id);
    if (!batch->last)
        sqlite3_bind_int64(statement, 2, batch->told_to);
    return store_run(statement, err);
}

/* The next ones who are still in, and customers of their own. */
static void choose(const struct membership *membership, const struct overlay *overlay, size_t most,
                   const struct event_property properties[2], int64_t now_ms, struct batch *batch) {
    roaring_uint32_iterator_t at;
    size_t looked_at = 0;
    roaring_init_iterator(membership->initial, &at);
    bool more = roaring_move_uint32_iterator_equalorlarger(&at, membership->told_to + 1);
    *batch = (struct batch){.id = membership->id, .told_to = membership->told_to};
    for (; more && looked_at < most; more = roaring_advance_uint32_iterator(&at), looked_at++) {
        uint32_t owner = at.current_value;
        batch->told_to = owner;
        if (overlay_owner(overlay, owner) == owner &&
            roaring_bitmap_contains(membership->members, owner))
            batch->events[batch->n++] =
                (struct derived_event){.customer = owner,
                                       .time_ms = now_ms,
                                       .event = SLICE_LITERAL(SEGMENT_ENTERED),
                                       .properties = properties,
                                       .n_properties = 2};
    }
    batch->last = !more;
}

static struct membership *next_to_tell(struct live *live) {
    for (size_t m = 0; m < live->n; m++)
        if (live->all[m].initial && live->all[m].members)
            return &live->all[m];
    return NULL;
}

static int tell_some(struct live *live, const struct snapshot *snapshot,
                     struct membership *membership, size_t most, struct batch *batch,
                     int64_t now_ms, struct err *err) {
    const struct event_property properties[2] = {
        {SLICE_LITERAL("segment"), {.type = VALUE_TEXT, .text = slice_of(membership->name)}},
        {SLICE_LITERAL("initial"), {.type = VALUE_TRUE}}};
    choose(membership, snapshot_overlay(snapshot), most, properties, now_ms, batch);
    int code =
        ingest_derive(live->folder->ingest, batch->events, batch->n, write_progress, batch, err);
    if (code)
        return code;
    pthread_mutex_lock(&live->lock);
    membership->told_to = batch->told_to;
    if (batch->last) {
        roaring_bitmap_free(membership->initial);
        membership->initial = NULL;
    }
    pthread_mutex_unlock(&live->lock);
    return 0;
}

/* How many at once: as many as the store takes, or, where each of them is decided anew for it, a share. */
static size_t most_at_once(const struct live *live, const struct snapshot *snapshot) {
    size_t most = snapshot_profiles(snapshot) / TOLD_SHARE;
    if (live->follow.unminded || most > live_tuning.tell_most)
        return live_tuning.tell_most;
    return most < TOLD_LEAST ? TOLD_LEAST : most;
}

int initial_tell(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                 struct err *err) {
    bool unminded = live->follow.unminded,
         busy = live->follow.everybody ||
                roaring_bitmap_get_cardinality(live->follow.dirty) > TOLD_LEAST;
    int64_t until_us = clock_monotonic_us() + (busy ? 0 : live_tuning.tell_us);
    struct membership *membership = busy && !unminded ? NULL : next_to_tell(live);
    if (!membership)
        return 0;
    size_t most = most_at_once(live, snapshot);
    struct batch *batch = malloc(sizeof *batch);
    if (!batch)
        abort();
    int code = 0;
    do
        code = tell_some(live, snapshot, membership, most, batch, now_ms, err);
    while (!code && unminded && (membership = next_to_tell(live)) &&
           clock_monotonic_us() < until_us);
    free(batch);
    return code;
}
