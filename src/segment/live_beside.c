/*
 * Everybody decided beside the rounds: see live.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/derived.h"
#include "segment/live.h"

enum {
    PATIENCE_MS = 10 * 60 * 1000,
    TELL_US = 150000, /* so long a round what differs is told */
    NICE = 10         /* rounds go first */
};

/* ---- the thread ---- */

static void *decide_all(void *context) {
    struct live_beside *beside = context;
    const char *names[SEGMENTS_MAX];
    pthread_setname_np(pthread_self(), "senda-everybody");
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux of this thread and its own */
    for (size_t i = 0; i < beside->n; i++)
        names[i] = beside->of[i].name;
    beside->code = members_find(beside->folder, beside->snapshot, beside->now_ms, names, beside->n,
                                NULL, &beside->control, &beside->found, &beside->err);
    atomic_store(&beside->done, true);
    return NULL;
}

int beside_begin(struct live *live, int64_t now_ms, struct err *err) {
    struct live_beside *beside = calloc(1, sizeof *beside);
    if (!beside || !(beside->since = roaring_bitmap_create()))
        abort();
    beside->folder = live->folder;
    beside->now_ms = now_ms;
    beside->began_us = clock_monotonic_us();
    beside->control.limit_ms = PATIENCE_MS;
    for (size_t m = 0; m < live->n; m++) {
        struct membership *membership = &live->all[m];
        if (!membership->known)
            continue;
        struct beside_segment *segment = &beside->of[beside->n++];
        *segment =
            (struct beside_segment){membership->id, membership->filled, membership->stale, ""};
        memcpy(segment->name, membership->name, sizeof segment->name);
    }
    int code = timeline_snapshot(live->folder->timeline, &beside->snapshot, err);
    if (!code && pthread_create(&beside->thread, NULL, decide_all, beside)) {
        snapshot_release(beside->snapshot);
        code = err_set(err, E_INTERNAL, "no thread to decide everybody");
    }
    if (code) {
        roaring_bitmap_free(beside->since);
        free(beside);
        return code;
    }
    live->beside = beside;
    return 0;
}

static void join(struct live_beside *beside) {
    if (beside->joined)
        return;
    pthread_join(beside->thread, NULL);
    snapshot_release(beside->snapshot);
    beside->joined = true;
}

void beside_end(struct live *live) {
    struct live_beside *beside = live->beside;
    if (!beside)
        return;
    atomic_store(&beside->control.cancelled, true);
    join(beside);
    member_sets_free(&beside->found);
    roaring_bitmap_free(beside->since);
    free(beside);
    live->beside = NULL;
}

/* ---- what it found ---- */

/* The membership as it was when the thread began; NULL: it was removed, or filled anew. */
static struct membership *membership_of(struct live *live, const struct beside_segment *segment) {
    for (size_t m = 0; m < live->n; m++)
        if (live->all[m].id == segment->id)
            return live->all[m].known && live->all[m].filled == segment->filled ? &live->all[m]
                                                                                : NULL;
    return NULL;
}

/* Whom a round decided since, it knows better. */
static void keep_since(const struct live_beside *beside, const struct membership *membership,
                       roaring_bitmap_t *found) {
    roaring_bitmap_t *kept = roaring_bitmap_and(membership->members, beside->since);
    if (!kept)
        abort();
    roaring_bitmap_andnot_inplace(found, beside->since);
    roaring_bitmap_or_inplace(found, kept);
    roaring_bitmap_free(kept);
}

/* Of rules that mean something else now: nobody did anything. */
static int take_stale(struct live *live, int64_t now_ms, struct err *err) {
    struct live_beside *beside = live->beside;
    bool taken = false;
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < beside->n; i++) {
        struct membership *membership = membership_of(live, &beside->of[i]);
        if (!membership || !beside->of[i].stale)
            continue;
        keep_since(beside, membership, beside->found.sets[i]);
        roaring_bitmap_free(membership->members);
        membership->members = beside->found.sets[i];
        membership->unsaved = taken = true;
        membership->stale = false;
        membership->filled++;
        beside->found.sets[i] = NULL;
    }
    pthread_mutex_unlock(&live->lock);
    return taken ? live_save(live, false, now_ms, err) : 0;
}

/* Up to DERIVED_MAX of those who differ. */
static void find_differences(struct live *live, struct differences *differences) {
    struct live_beside *beside = live->beside;
    for (size_t i = 0; i < beside->n && differences->n < differences->most; i++) {
        struct membership *membership = membership_of(live, &beside->of[i]);
        if (!membership || !beside->found.sets[i])
            continue;
        keep_since(beside, membership, beside->found.sets[i]);
        differences_add(differences, membership, (uint32_t)(membership - live->all),
                        beside->found.sets[i], NULL);
    }
}

int beside_tell(struct live *live, const struct overlay *overlay, int64_t now_ms, struct err *err) {
    struct live_beside *beside = live->beside;
    struct differences differences = {.overlay = overlay, .most = DERIVED_MAX};
    int64_t until_us = clock_monotonic_us() + TELL_US;
    if (!atomic_load(&beside->done))
        return 0;
    join(beside);
    if (beside->code) {
        live->follow.everybody = true;
        int code = err_repeat(err, beside->code, beside->err.pointer, &beside->err);
        beside_end(live);
        return code;
    }
    int code = take_stale(live, now_ms, err);
    bool more = !code;
    while (more && !code) {
        differences.n = 0;
        find_differences(live, &differences);
        more = differences.n != 0;
        if (more)
            code = live_tell(live, differences.all, differences.n, now_ms, err);
        if (clock_monotonic_us() >= until_us)
            break;
    }
    free(differences.all);
    if (!more && !code)
        beside_end(live);
    return code;
}
