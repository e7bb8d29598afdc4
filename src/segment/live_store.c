/*
 * Members in the records: whole sets, what changed since, sizes by day.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/logger.h"
#include "collect/derived.h"
#include "query/stored.h"
#include "segment/live.h"

enum { CHANGES_MAX = 20000 };

/* ---- reading ---- */

/* Whether a rule asks for what is told: then those who are told must be decided anew. */
static int load_minds(sqlite3 *db, struct follow_minds *minds, struct err *err) {
    struct stored_rules stored = {0};
    struct arena arena;
    arena_init(&arena);
    int code = stored_rules_load(db, &arena, &stored, err);
    *minds = (struct follow_minds){false, false};
    for (size_t i = 0; i < stored.n; i++) {
        json_t *rule = json_loadb(stored.rules[i].rule.p, stored.rules[i].rule.n, 0, NULL);
        follow_minds(minds, rule);
        json_decref(rule);
    }
    arena_release(&arena);
    return code;
}

static struct membership *membership_of(struct membership *all, size_t n, int64_t id) {
    for (size_t i = 0; i < n; i++)
        if (all[i].id == id)
            return &all[i];
    return NULL;
}

static int load_names(sqlite3 *db, struct membership *all, size_t *n, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT id, name FROM segment ORDER BY id", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1 && *n < SEGMENTS_MAX) {
        struct membership *membership = &all[(*n)++];
        *membership = (struct membership){.id = sqlite3_column_int64(statement, 0)};
        snprintf(membership->name, sizeof membership->name, "%s",
                 (const char *)sqlite3_column_text(statement, 1));
    }
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int load_sets(sqlite3 *db, struct membership *all, size_t n, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT segment, members FROM segment_set", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        struct membership *membership = membership_of(all, n, sqlite3_column_int64(statement, 0));
        const char *bytes = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);
        if (membership && bytes)
            membership->members = roaring_bitmap_portable_deserialize_safe(bytes, size);
        if (membership)
            membership->known = membership->members != NULL;
    }
    return code;
}

static int load_changes(sqlite3 *db, struct membership *all, size_t n, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT segment, customer, inside FROM segment_change", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        struct membership *membership = membership_of(all, n, sqlite3_column_int64(statement, 0));
        if (!membership || !membership->members)
            continue;
        uint32_t owner = (uint32_t)sqlite3_column_int64(statement, 1);
        if (sqlite3_column_int(statement, 2))
            roaring_bitmap_add(membership->members, owner);
        else
            roaring_bitmap_remove(membership->members, owner);
        membership->changes++;
    }
    return code;
}

static void memberships_free(struct membership *all, size_t n) {
    for (size_t i = 0; all && i < n; i++) {
        if (all[i].members)
            roaring_bitmap_free(all[i].members);
        if (all[i].initial)
            roaring_bitmap_free(all[i].initial);
    }
    free(all);
}

int live_load(struct live *live, struct err *err) {
    struct membership *all = calloc(SEGMENTS_MAX, sizeof *all);
    size_t n = 0;
    if (!all)
        abort();
    sqlite3 *db = store_reader_get(live->folder->store);
    struct follow_minds minds;
    int code = load_minds(db, &minds, err);
    if (!code)
        code = load_names(db, all, &n, err);
    if (!code && !live->all)
        code = load_sets(db, all, n, err);
    if (!code && !live->all)
        code = load_changes(db, all, n, err);
    if (!code && !live->all)
        code = initial_load(db, all, n, err);
    store_reader_put(live->folder->store, db);
    if (code) {
        memberships_free(all, n);
        return code;
    }
    live->follow.minds = minds;
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < n; i++) {
        struct membership *before = membership_of(live->all, live->n, all[i].id);
        if (before) {
            all[i] = *before;
            before->members = before->initial = NULL;
        }
    }
    struct membership *old = live->all;
    size_t n_old = live->n;
    live->all = all;
    live->n = n;
    pthread_mutex_unlock(&live->lock);
    memberships_free(old, n_old);
    return 0;
}

/* ---- writing ---- */

struct telling {
    struct live *live;
    const struct transition *transitions;
    size_t n;
    int64_t day_ms;
};

static int write_change(sqlite3 *db, int64_t segment, const struct transition *transition,
                        struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR REPLACE INTO segment_change VALUES (?, ?, ?)", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, segment);
    sqlite3_bind_int64(statement, 2, transition->owner);
    sqlite3_bind_int(statement, 3, transition->entered);
    return store_run(statement, err);
}

static int write_size(sqlite3 *db, int64_t segment, int64_t day_ms, uint64_t size, size_t entered,
                      size_t gone, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO segment_size VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (segment, day_ms) DO "
        "UPDATE SET size = ?3, entered = entered + ?4, gone = gone + ?5",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, segment);
    sqlite3_bind_int64(statement, 2, day_ms);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)size);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)entered);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)gone);
    return store_run(statement, err);
}

static int write_sizes(const struct telling *telling, sqlite3 *db, struct err *err) {
    const struct live *live = telling->live;
    int code = 0;
    for (uint32_t m = 0; m < live->n && !code; m++) {
        size_t entered = 0, gone = 0, silent = 0;
        for (size_t i = 0; i < telling->n; i++) {
            const struct transition *transition = &telling->transitions[i];
            if (transition->membership != m)
                continue;
            entered += transition->entered && !transition->silent;
            gone += !transition->entered && !transition->silent;
            silent += transition->silent;
        }
        if (entered + gone + silent)
            code = write_size(db, live->all[m].id, telling->day_ms,
                              roaring_bitmap_get_cardinality(live->all[m].members) + entered -
                                  gone - silent,
                              entered, gone, err);
    }
    return code;
}

static int write_transitions(void *context, sqlite3 *db, struct err *err) {
    const struct telling *telling = context;
    int code = 0;
    for (size_t i = 0; i < telling->n && !code; i++) {
        const struct transition *transition = &telling->transitions[i];
        code = write_change(db, telling->live->all[transition->membership].id, transition, err);
    }
    return code ? code : write_sizes(telling, db, err);
}

int live_tell(struct live *live, const struct transition *transitions, size_t n, int64_t now_ms,
              struct err *err) {
    struct telling telling = {live, transitions, n,
                              zone_bucket_start_ms(live->folder->zone, BUCKET_DAY, now_ms)};
    struct derived_event *events = calloc(n + 1, sizeof *events);
    struct event_property *properties = calloc(n + 1, sizeof *properties);
    size_t told = 0;
    if (!events || !properties)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct transition *transition = &transitions[i];
        if (transition->silent)
            continue;
        properties[told] = (struct event_property){
            SLICE_LITERAL("segment"),
            {.type = VALUE_TEXT, .text = slice_of(live->all[transition->membership].name)}};
        events[told] =
            (struct derived_event){.customer = transition->owner,
                                   .time_ms = now_ms,
                                   .event = transition->entered ? SLICE_LITERAL(SEGMENT_ENTERED)
                                                                : SLICE_LITERAL(SEGMENT_LEFT),
                                   .properties = &properties[told],
                                   .n_properties = 1};
        told++;
    }
    int code = ingest_derive(live->folder->ingest, events, told, write_transitions, &telling, err);
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < n && !code; i++) {
        struct membership *membership = &live->all[transitions[i].membership];
        if (transitions[i].entered)
            roaring_bitmap_add(membership->members, transitions[i].owner);
        else
            roaring_bitmap_remove(membership->members, transitions[i].owner);
        membership->changes++;
    }
    pthread_mutex_unlock(&live->lock);
    free(properties);
    free(events);
    return code;
}

/* ---- whole sets ---- */

struct saving {
    struct live *live;
    bool all;
    int64_t day_ms;
};

static bool is_due(const struct membership *membership, bool all) {
    return membership->members && (membership->unsaved || membership->changes > CHANGES_MAX ||
                                   (all && membership->changes));
}

static int write_set(sqlite3 *db, const struct membership *membership, struct err *err) {
    size_t size = roaring_bitmap_portable_size_in_bytes(membership->members);
    char *bytes = malloc(size + 1);
    if (!bytes)
        abort();
    roaring_bitmap_portable_serialize(membership->members, bytes);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR REPLACE INTO segment_set VALUES (?, ?)", err);
    int code = statement ? 0 : E_IO;
    if (!code) {
        sqlite3_bind_int64(statement, 1, membership->id);
        sqlite3_bind_blob64(statement, 2, bytes, size, SQLITE_TRANSIENT);
        code = store_run(statement, err);
    }
    free(bytes);
    statement =
        code ? NULL : STORE_PREPARE(db, "DELETE FROM segment_change WHERE segment = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, membership->id);
    return store_run(statement, err);
}

static int write_sets(void *context, sqlite3 *db, struct err *err) {
    const struct saving *saving = context;
    const struct live *live = saving->live;
    int code = 0;
    for (size_t m = 0; m < live->n && !code; m++) {
        const struct membership *membership = &live->all[m];
        if (is_due(membership, saving->all))
            code = write_set(db, membership, err);
        if (!code && membership->unsaved && membership->initial)
            code = initial_write(db, membership, err);
        if (!code && membership->members)
            code = write_size(db, membership->id, saving->day_ms,
                              roaring_bitmap_get_cardinality(membership->members), 0, 0, err);
    }
    return code;
}

int live_save(struct live *live, bool all, int64_t now_ms, struct err *err) {
    struct saving saving = {live, all,
                            zone_bucket_start_ms(live->folder->zone, BUCKET_DAY, now_ms)};
    int code = live->n ? store_write(live->folder->store, write_sets, &saving, err) : 0;
    pthread_mutex_lock(&live->lock);
    for (size_t m = 0; m < live->n && !code; m++)
        if (is_due(&live->all[m], all)) {
            live->all[m].unsaved = false;
            live->all[m].changes = 0;
        }
    pthread_mutex_unlock(&live->lock);
    return code;
}
