/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "promise/watch.h"

#include <pthread.h>
#include <stdlib.h>

#include "backend/breaks.h"
#include "base/clock.h"
#include "base/time.h"
#include "collect/derived.h"
#include "promise/promise.h"
#include "segment/follow.h"

enum { EVERY_MS = 1000, FEW_LEAST = 500, FEW_SHARE = 256, TOLD_PROPERTIES = 3 };

struct watched {
    int64_t id, since_ms;
    char *sentence;
    json_t *question;
    int64_t waits_ms, looked_us; /* looked: at everybody, when last */
    bool known;
};

struct watch {
    struct folder *folder;
    pthread_mutex_t turn;
    bool stale;
    struct watched *all; /* [n] */
    size_t n;
    struct follow follow;
};

static void watched_clear(struct watch *watch) {
    for (size_t i = 0; i < watch->n; i++) {
        json_decref(watch->all[i].question);
        free(watch->all[i].sentence);
    }
    free(watch->all);
    watch->all = NULL;
    watch->n = 0;
}

static void watch_free(void *value) {
    struct watch *watch = value;
    watched_clear(watch);
    follow_release(&watch->follow);
    pthread_mutex_destroy(&watch->turn);
    free(watch);
}

static int watch_make(struct folder *folder, void **value, struct err *err) {
    (void)err;
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        abort();
    watch->folder = folder;
    watch->stale = true;
    pthread_mutex_init(&watch->turn, NULL);
    follow_init(&watch->follow);
    *value = watch;
    return 0;
}

static int watch_of(struct folder *folder, struct watch **watch, struct err *err) {
    static const char key[] = "promise";
    void *value = NULL;
    int code = folder_keep(folder, key, watch_make, watch_free, &value, err);
    *watch = value;
    return code;
}

/* ---- reading ---- */

static char *copied(const char *text) {
    char *copy = strdup(text ? text : "");
    if (!copy)
        abort();
    return copy;
}

/* promise, document, changed_ms, since_ms of the watch or null. */
static void read_row(struct watch *watch, sqlite3_stmt *statement) {
    struct watched *watched = &watch->all[watch->n++];
    json_t *document = json_loads((const char *)sqlite3_column_text(statement, 1), 0, NULL);
    *watched = (struct watched){
        .id = sqlite3_column_int64(statement, 0),
        .since_ms = sqlite3_column_int64(statement,
                                         sqlite3_column_type(statement, 3) == SQLITE_NULL ? 2 : 3),
        .sentence = copied(json_string_value(json_object_get(document, "sentence"))),
        .question = promise_question(document)};
    json_decref(document);
}

static int load(struct watch *watch, struct err *err) {
    sqlite3 *db = store_reader_get(watch->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT v.promise, opened(v.document), v.changed_ms, w.since_ms FROM promise JOIN "
        "promise_version "
        "v ON v.promise = id AND v.version = (SELECT max(version) FROM promise_version WHERE "
        "promise = id) LEFT JOIN promise_watch w ON w.promise = id WHERE NOT removed ORDER BY id",
        err);
    int code = statement ? 1 : E_IO;
    watched_clear(watch);
    watch->all = calloc(PROMISES_MAX, sizeof *watch->all);
    if (!watch->all)
        abort();
    while (code == 1 && (code = store_step(statement, err)) == 1 && watch->n < PROMISES_MAX)
        read_row(watch, statement);
    sqlite3_reset(statement);
    store_reader_put(watch->folder->store, db);
    watch->follow.minds = (struct follow_minds){false, false};
    for (size_t i = 0; i < watch->n; i++) {
        follow_minds(&watch->follow.minds, watch->all[i].question);
        if (json_object_get(watch->all[i].question, "segment"))
            watch->follow.minds.by_name = true;
    }
    watch->stale = code < 0;
    return code < 0 ? code : 0;
}

/* ---- telling ---- */

struct found_break {
    const struct watched *watched;
    struct promise_break at;
};

struct found {
    struct found_break *all;
    size_t n, capacity;
    const struct watched *watched; /* being looked at */
};

static void note_break(void *context, const struct promise_break *broken) {
    struct found *found = context;
    if (found->n == found->capacity) {
        found->capacity = found->capacity ? 2 * found->capacity : 64;
        found->all = realloc(found->all, found->capacity * sizeof *found->all);
        if (!found->all)
            abort();
    }
    found->all[found->n++] = (struct found_break){found->watched, *broken};
}

/* Keeps those that were not told yet. */
static int leave_out_told(struct folder *folder, struct found *found, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    size_t kept = 0;
    int code = 0;
    for (size_t i = 0; i < found->n && code >= 0; i++) {
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "SELECT 1 FROM promise_told WHERE promise = ? AND seq = ?", err);
        code = statement ? 0 : E_IO;
        if (code)
            break;
        sqlite3_bind_int64(statement, 1, found->all[i].watched->id);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)found->all[i].at.seq);
        code = store_step(statement, err);
        sqlite3_reset(statement);
        if (code == 0)
            found->all[kept++] = found->all[i];
    }
    store_reader_put(folder->store, db);
    found->n = kept;
    return code < 0 ? code : 0;
}

static int by_time(const void *a, const void *b) {
    const struct promise_break *x = &((const struct found_break *)a)->at,
                               *y = &((const struct found_break *)b)->at;
    if (x->broken_ms != y->broken_ms)
        return x->broken_ms < y->broken_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

struct telling {
    const struct found_break *breaks;
    size_t n;
};

static int write_told(void *context, sqlite3 *db, struct err *err) {
    const struct telling *telling = context;
    int code = 0;
    for (size_t i = 0; i < telling->n && !code; i++) {
        sqlite3_stmt *statement = STORE_PREPARE(db, "INSERT INTO promise_told VALUES (?, ?)", err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, telling->breaks[i].watched->id);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)telling->breaks[i].at.seq);
        code = store_step(statement, err);
    }
    return code;
}

static struct value text_value(const char *text) {
    return (struct value){.type = VALUE_TEXT, .text = slice_of(text)};
}

struct told_texts {
    char id[24], made_at[TIME_TEXT_BYTES];
    struct event_property properties[TOLD_PROPERTIES];
};

static int tell_some(struct folder *folder, const struct found_break *breaks, size_t n,
                     struct err *err) {
    struct telling telling = {breaks, n};
    struct derived_event *events = calloc(n + 1, sizeof *events);
    struct told_texts *texts = calloc(n + 1, sizeof *texts);
    if (!events || !texts)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct promise_break *at = &breaks[i].at;
        struct told_texts *text = &texts[i];
        snprintf(text->id, sizeof text->id, "%lld", (long long)breaks[i].watched->id);
        time_format(at->made_ms, text->made_at);
        text->properties[0] = (struct event_property){SLICE_LITERAL("promise"),
                                                      text_value(breaks[i].watched->sentence)};
        text->properties[1] =
            (struct event_property){SLICE_LITERAL("promise_id"), text_value(text->id)};
        text->properties[2] =
            (struct event_property){SLICE_LITERAL("made_at"), text_value(text->made_at)};
        events[i] = (struct derived_event){.customer = at->profile,
                                           .time_ms = at->broken_ms,
                                           .unit = at->unit,
                                           .event = SLICE_LITERAL(PROMISE_BROKEN_EVENT),
                                           .properties = text->properties,
                                           .n_properties = TOLD_PROPERTIES};
    }
    int code = ingest_derive(folder->ingest, events, n, write_told, &telling, err);
    free(texts);
    free(events);
    return code;
}

static int tell(struct folder *folder, struct found *found, struct err *err) {
    int code = leave_out_told(folder, found, err);
    if (found->n)
        qsort(found->all, found->n, sizeof *found->all, by_time);
    for (size_t done = 0; done < found->n && !code; done += DERIVED_MAX) {
        size_t n = found->n - done < DERIVED_MAX ? found->n - done : DERIVED_MAX;
        code = tell_some(folder, found->all + done, n, err);
    }
    return code;
}

/* ---- rounds ---- */

/* only: these customers, NULL: everybody. A rule that no longer compiles (a segment was removed) tells nothing. */
static int look_at(struct watch *watch, struct watched *watched, const struct snapshot *snapshot,
                   const roaring_bitmap_t *only, int64_t now_ms, struct found *found,
                   struct err *err) {
    struct breaks_asked asked = {watched->question, watched->since_ms, now_ms, only};
    struct err refusal = {0};
    found->watched = watched;
    int code = breaks_find(watch->folder, snapshot, &asked, note_break, found, &watched->waits_ms,
                           &refusal);
    if (code && code != E_INVALID)
        *err = refusal;
    return code == E_INVALID ? 0 : code;
}

/* The unknown one that was looked at longest ago; NULL: all are known. */
static struct watched *next_unknown(struct watch *watch) {
    struct watched *next = NULL;
    for (size_t i = 0; i < watch->n; i++)
        if (!watch->all[i].known && (!next || watch->all[i].looked_us < next->looked_us))
            next = &watch->all[i];
    return next;
}

static int look_at_all(struct watch *watch, const struct snapshot *snapshot, int64_t now_ms,
                       struct found *found, struct err *err) {
    struct watched *unknown = next_unknown(watch);
    int code = 0;
    if (!roaring_bitmap_is_empty(watch->follow.dirty))
        for (size_t i = 0; i < watch->n && !code; i++)
            if (watch->all[i].known)
                code = look_at(watch, &watch->all[i], snapshot, watch->follow.dirty, now_ms, found,
                               err);
    if (code || !unknown)
        return code;
    code = look_at(watch, unknown, snapshot, NULL, now_ms, found, err);
    unknown->known = !code;
    unknown->looked_us = clock_monotonic_us();
    return code;
}

/* Deadlines to come, of the promises that break by time. */
static int extend(struct watch *watch, const struct snapshot *snapshot, int64_t now_ms,
                  struct err *err) {
    int64_t lengths_ms[MEMBER_LENGTHS];
    size_t n = 0;
    for (size_t i = 0; i < watch->n; i++) {
        size_t at = 0;
        while (at < n && lengths_ms[at] != watch->all[i].waits_ms)
            at++;
        if (at == n && watch->all[i].waits_ms && n < MEMBER_LENGTHS)
            lengths_ms[n++] = watch->all[i].waits_ms;
    }
    return time_line_extend(&watch->follow.time_line, snapshot, lengths_ms, n, now_ms, err);
}

static bool are_many(const struct watch *watch, const struct snapshot *snapshot) {
    uint64_t few = snapshot_profiles(snapshot) / FEW_SHARE;
    return roaring_bitmap_get_cardinality(watch->follow.dirty) >
           (few > FEW_LEAST ? few : FEW_LEAST);
}

static int look(struct watch *watch, const struct snapshot *snapshot, struct err *err) {
    struct follow *follow = &watch->follow;
    struct found found = {0};
    int64_t now_ms = clock_now_ms();
    int code = follow_look(follow, watch->folder, snapshot, now_ms, err);
    if (!code && (follow->everybody || are_many(watch, snapshot))) {
        for (size_t i = 0; i < watch->n; i++)
            watch->all[i].known = false;
        follow_skip(follow, snapshot);
    }
    if (!code)
        code = look_at_all(watch, snapshot, now_ms, &found, err);
    if (!code)
        code = tell(watch->folder, &found, err);
    if (!code)
        code = extend(watch, snapshot, now_ms, err);
    if (code) /* whom it was about is not remembered */
        follow->everybody = true;
    else
        roaring_bitmap_clear(follow->dirty);
    free(found.all);
    return code;
}

static int run_round(struct watch *watch, struct err *err) {
    struct snapshot *snapshot;
    int code = watch->stale ? load(watch, err) : 0;
    if (!code)
        code = timeline_snapshot(watch->folder->timeline, &snapshot, err);
    if (code)
        return code;
    if (watch->n)
        code = look(watch, snapshot, err);
    else
        follow_skip(&watch->follow, snapshot);
    snapshot_release(snapshot);
    return code;
}

int promises_watch(struct folder *folder, struct err *err) {
    struct watch *watch;
    int code = watch_of(folder, &watch, err);
    if (code)
        return code;
    pthread_mutex_lock(&watch->turn);
    code = run_round(watch, err);
    pthread_mutex_unlock(&watch->turn);
    return code;
}

int promises_changed(struct folder *folder, struct err *err) {
    struct watch *watch;
    int code = watch_of(folder, &watch, err);
    if (code)
        return code;
    pthread_mutex_lock(&watch->turn);
    watch->stale = true;
    pthread_mutex_unlock(&watch->turn);
    return 0;
}

static int run_job(struct job_run *run, struct err *err) {
    return promises_watch(job_folder(run), err);
}

const struct job job_promises = {.name = "promises.current",
                                 .summary = "tells the promises that were broken",
                                 .lane = JOB_QUICK,
                                 .every_ms = EVERY_MS,
                                 .run = run_job};
