/*
 * Rounds: who is dirty, deciding them, telling who changed. See live.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "segment/live.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/logger.h"
#include "base/time.h"
#include "collect/derived.h"
#include "jobs/jobs.h"
#include "number/number.h"

enum {
    EVERY_MS = 100,     /* a round, where somebody is dirty */
    SAVE_US = 60000000, /* whole sets are written so often */
    FEW_LEAST = 500,
    FEW_SHARE = 256,     /* one of so many profiles: up to there they are decided one by one */
    OFTEN_US = 60000000, /* everybody, where there are more windows than time_line holds */
    PACE = 4             /* deciding everybody takes at most one part of so many of the time */
};

struct live_tuning live_tuning = {.again_us = 750000, .tell_us = 60000, .tell_most = DERIVED_MAX};

/* ---- opening ---- */

static void live_free(void *value) {
    struct live *live = value;
    struct err err = {0};
    beside_end(live);
    if (live->as_of_ms && live_save(live, true, clock_now_ms(), &err))
        log_warn("segment", "members were not kept at the end: %s", err.message);
    for (size_t m = 0; m < live->n; m++) {
        if (live->all[m].members)
            roaring_bitmap_free(live->all[m].members);
        if (live->all[m].initial)
            roaring_bitmap_free(live->all[m].initial);
    }
    for (size_t i = 0; i < LIVE_RECENT; i++)
        if (live->recent[i].owners)
            roaring_bitmap_free(live->recent[i].owners);
    follow_release(&live->follow);
    pthread_mutex_destroy(&live->turn);
    pthread_mutex_destroy(&live->lock);
    free(live->all);
    free(live);
}

static int live_make(struct folder *folder, void **value, struct err *err) {
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        abort();
    live->folder = folder;
    follow_init(&live->follow);
    pthread_mutex_init(&live->turn, NULL);
    pthread_mutex_init(&live->lock, NULL);
    int code = live_load(live, err);
    if (code)
        live_free(live);
    else
        *value = live;
    return code;
}

int live_of(struct folder *folder, struct live **live, struct err *err) {
    static const char key[] = "segment";
    void *value = NULL;
    int code = folder_keep(folder, key, live_make, live_free, &value, err);
    *live = value;
    return code;
}

/* ---- who is dirty ---- */

/* Other rules of touchpoints: interactions are others, though nobody did anything. */
static void note_touchpoints(struct live *live, const struct snapshot *snapshot) {
    struct arena arena;
    const struct part *const *parts;
    uint32_t version = 0;
    arena_init(&arena);
    size_t n =
        snapshot_parts(snapshot, PART_INTERACTIONS, TIME_MIN_MS, TIME_MAX_MS, &parts, &arena);
    for (size_t p = 0; p < n; p++)
        version = parts[p]->rules_version > version ? parts[p]->rules_version : version;
    arena_release(&arena);
    for (size_t m = 0; m < live->n && version > live->rules_version && live->rules_version; m++)
        live->all[m].stale = live->follow.everybody = true;
    live->rules_version = version > live->rules_version ? version : live->rules_version;
}

/* A new edition of estimates may move anybody. */
static int note_numbers(struct live *live, struct err *err) {
    struct numbers *numbers = NULL;
    int code = numbers_get(live->folder, &numbers, err);
    int64_t made_ms = code || !numbers ? 0 : numbers_made_ms(numbers);
    live->follow.everybody = live->follow.everybody || made_ms != live->numbers_ms;
    live->numbers_ms = made_ms;
    numbers_put(numbers);
    return code;
}

static uint64_t few(const struct snapshot *snapshot) {
    uint64_t few = snapshot_profiles(snapshot) / FEW_SHARE;
    return few > FEW_LEAST ? few : FEW_LEAST;
}

/* Dirty customers that were not decided within the last second, few of them. New set. */
static roaring_bitmap_t *choose(struct live *live, const struct snapshot *snapshot,
                                int64_t now_us) {
    uint32_t last;
    roaring_bitmap_t *chosen = roaring_bitmap_copy(live->follow.dirty);
    if (!chosen)
        abort();
    for (size_t i = 0; i < LIVE_RECENT; i++)
        if (live->recent[i].owners && now_us - live->recent[i].at_us < live_tuning.again_us)
            roaring_bitmap_andnot_inplace(chosen, live->recent[i].owners);
    if (roaring_bitmap_select(chosen, (uint32_t)few(snapshot), &last))
        roaring_bitmap_remove_range(chosen, last, (uint64_t)UINT32_MAX + 1);
    return chosen;
}

/* Taken over. */
static void remember(struct live *live, roaring_bitmap_t *decided, int64_t now_us) {
    size_t oldest = 0;
    for (size_t i = 1; i < LIVE_RECENT; i++)
        if (live->recent[i].at_us < live->recent[oldest].at_us)
            oldest = i;
    if (live->recent[oldest].owners)
        roaring_bitmap_free(live->recent[oldest].owners);
    live->recent[oldest] = (struct live_recent){now_us, decided};
}

/* ---- telling ---- */

static void add_difference(struct differences *differences, uint32_t membership,
                           const roaring_bitmap_t *owners, bool entered) {
    roaring_uint32_iterator_t at;
    for (roaring_init_iterator(owners, &at); at.has_value && differences->n < differences->most;
         roaring_advance_uint32_iterator(&at)) {
        if (differences->n == differences->capacity) {
            differences->capacity = differences->capacity ? 2 * differences->capacity : 256;
            differences->all =
                realloc(differences->all, differences->capacity * sizeof *differences->all);
            if (!differences->all)
                abort();
        }
        uint32_t owner = at.current_value;
        bool silent = overlay_owner(differences->overlay, owner) != owner;
        differences->all[differences->n++] =
            (struct transition){membership, owner, entered, silent};
    }
}

void differences_add(struct differences *differences, const struct membership *membership,
                     uint32_t index, const roaring_bitmap_t *found, const roaring_bitmap_t *only) {
    roaring_bitmap_t *entered = roaring_bitmap_andnot(found, membership->members),
                     *left = only ? roaring_bitmap_and(membership->members, only)
                                  : roaring_bitmap_copy(membership->members);
    if (!entered || !left)
        abort();
    roaring_bitmap_andnot_inplace(left, found);
    add_difference(differences, index, entered, true);
    add_difference(differences, index, left, false);
    roaring_bitmap_free(entered);
    roaring_bitmap_free(left);
}

static int tell(struct live *live, const struct differences *differences, int64_t now_ms,
                struct err *err) {
    int code = 0;
    for (size_t done = 0; done < differences->n && !code; done += DERIVED_MAX) {
        size_t n = differences->n - done < DERIVED_MAX ? differences->n - done : DERIVED_MAX;
        code = live_tell(live, differences->all + done, n, now_ms, err);
    }
    return code;
}

/* ---- rounds ---- */

/* Of memberships that are known (or of those that are not): indexes and names. */
static size_t pick(const struct live *live, bool known, uint32_t index[SEGMENTS_MAX],
                   const char *names[SEGMENTS_MAX]) {
    size_t n = 0;
    for (uint32_t m = 0; m < live->n; m++)
        if (live->all[m].known == known) {
            index[n] = m;
            names[n++] = live->all[m].name;
        }
    return n;
}

/* Fills memberships that nobody knows yet; of new ones, who is in is told later. */
static int decide_unknown(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                          struct err *err) {
    uint32_t index[SEGMENTS_MAX];
    const char *names[SEGMENTS_MAX];
    struct member_sets found;
    size_t n = pick(live, false, index, names);
    if (!n)
        return 0;
    int code = members_find(live->folder, snapshot, now_ms, names, n, NULL, NULL, &found, err);
    if (code)
        return code;
    pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < n; i++) {
        struct membership *membership = &live->all[index[i]];
        if (!membership->members && !roaring_bitmap_is_empty(found.sets[i]))
            membership->initial = roaring_bitmap_copy(found.sets[i]);
        if (membership->members)
            roaring_bitmap_free(membership->members);
        membership->members = found.sets[i];
        membership->known = membership->unsaved = live->relearn = true;
        membership->stale = false;
        membership->filled++;
        found.sets[i] = NULL;
    }
    pthread_mutex_unlock(&live->lock);
    member_sets_free(&found);
    return live_save(live, false, now_ms, err);
}

static int decide_known(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                        const roaring_bitmap_t *only, struct err *err) {
    uint32_t index[SEGMENTS_MAX];
    const char *names[SEGMENTS_MAX];
    struct member_sets found;
    struct differences differences = {.overlay = snapshot_overlay(snapshot), .most = SIZE_MAX};
    size_t n = pick(live, true, index, names);
    int code = members_find(live->folder, snapshot, now_ms, names, n, only, NULL, &found, err);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        differences_add(&differences, &live->all[index[i]], index[i], found.sets[i], only);
    code = tell(live, &differences, now_ms, err);
    if (!code)
        code = time_line_extend(&live->follow.time_line, snapshot, found.lengths_ms,
                                found.n_lengths, now_ms, err);
    live->more_lengths = found.more_lengths;
    live->relearn = code != 0;
    member_sets_free(&found);
    free(differences.all);
    return code;
}

/* decided: of those who are dirty still, none is so for longer than a customer waits. */
static void note_state(struct live *live, bool decided, int64_t now_ms) {
    int64_t waits_ms = live_tuning.again_us / 1000;
    uint64_t pending = roaring_bitmap_get_cardinality(live->follow.dirty);
    pending += !pending && (live->follow.everybody || live->beside);
    pthread_mutex_lock(&live->lock);
    live->pending = pending;
    if (!pending)
        live->dirty_since_ms = 0;
    else if (decided || !live->dirty_since_ms)
        live->dirty_since_ms = now_ms;
    if (!pending)
        live->as_of_ms = now_ms;
    else if (decided && now_ms - waits_ms > live->as_of_ms)
        live->as_of_ms = now_ms - waits_ms;
    pthread_mutex_unlock(&live->lock);
}

/* Where no server runs, whoever asks waits. */
static int decide_everybody(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                            struct err *err) {
    for (size_t m = 0; m < live->n; m++)
        if (live->all[m].stale)
            live->all[m].known = false;
    int code = decide_unknown(live, snapshot, now_ms, err);
    if (!code)
        code = decide_known(live, snapshot, now_ms, NULL, err);
    if (code)
        return code;
    live->everybody_us = clock_monotonic_us();
    live->follow.everybody = false;
    roaring_bitmap_clear(live->follow.dirty);
    return 0;
}

/* The one who decided everybody beside is heard; another begins where there is need and it is time. */
static int look_beside(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                       struct err *err) {
    if (live->beside) {
        int64_t began_us = live->beside->began_us;
        int code = beside_tell(live, snapshot_overlay(snapshot), now_ms, err);
        if (!live->beside) {
            live->everybody_us = clock_monotonic_us();
            live->next_everybody_us = live->everybody_us + (live->everybody_us - began_us) * PACE;
        }
        return code;
    }
    if (!live->follow.everybody || clock_monotonic_us() < live->next_everybody_us)
        return 0;
    int code = beside_begin(live, now_ms, err);
    if (code)
        return code;
    live->follow.everybody = false;
    if (roaring_bitmap_get_cardinality(live->follow.dirty) > few(snapshot)) /* it decides them */
        roaring_bitmap_clear(live->follow.dirty);
    return 0;
}

static int decide_few(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                      struct err *err) {
    int64_t now_us = clock_monotonic_us();
    roaring_bitmap_t *chosen = choose(live, snapshot, now_us);
    int code = 0;
    if (live->relearn || !roaring_bitmap_is_empty(chosen)) {
        code = decide_known(live, snapshot, now_ms, chosen, err);
        if (!code) {
            roaring_bitmap_andnot_inplace(live->follow.dirty, chosen);
            if (live->beside)
                roaring_bitmap_or_inplace(live->beside->since, chosen);
            remember(live, chosen, now_us);
            return 0;
        }
    } else {
        code = time_line_extend(&live->follow.time_line, snapshot, NULL, 0, now_ms, err);
    }
    roaring_bitmap_free(chosen);
    return code;
}

static int decide(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                  struct err *err) {
    bool often = live->more_lengths && clock_monotonic_us() - live->everybody_us > OFTEN_US;
    int code = 0;
    if (often || roaring_bitmap_get_cardinality(live->follow.dirty) > few(snapshot))
        live->follow.everybody = true;
    if (live->follow.everybody && !atomic_load(&live->kept))
        return decide_everybody(live, snapshot, now_ms, err);
    if (atomic_load(&live->kept))
        code = look_beside(live, snapshot, now_ms, err);
    return code ? code : decide_few(live, snapshot, now_ms, err);
}

int live_round(struct live *live, struct err *err) {
    struct snapshot *snapshot;
    int64_t now_ms = clock_now_ms();
    int code = timeline_snapshot(live->folder->timeline, &snapshot, err);
    if (code)
        return code;
    if (!live->n) { /* nobody to keep */
        follow_skip(&live->follow, snapshot);
        note_state(live, true, now_ms);
        snapshot_release(snapshot);
        return 0;
    }
    code = note_numbers(live, err);
    if (!code)
        code = follow_look(&live->follow, live->folder, snapshot, now_ms, err);
    if (!code) {
        note_touchpoints(live, snapshot);
        note_state(live, false, now_ms);
        code = decide_unknown(live, snapshot, now_ms, err);
    }
    if (!code)
        code = decide(live, snapshot, now_ms, err);
    if (!code)
        code = initial_tell(live, snapshot, now_ms, err);
    note_state(live, !code && !live->follow.everybody && !live->beside, now_ms);
    snapshot_release(snapshot);
    int64_t now_us = clock_monotonic_us();
    if (!code && now_us - live->saved_us >= SAVE_US) {
        live->saved_us = now_us;
        code = live_save(live, true, now_ms, err);
    }
    return code;
}

int segments_keep_current(struct folder *folder, struct err *err) {
    struct live *live;
    int code = live_of(folder, &live, err);
    if (code)
        return code;
    pthread_mutex_lock(&live->turn);
    code = live_round(live, err);
    pthread_mutex_unlock(&live->turn);
    return code;
}

int segments_decide_again(struct folder *folder, uint32_t owner, struct err *err) {
    struct live *live;
    int code = live_of(folder, &live, err);
    if (code)
        return code;
    pthread_mutex_lock(&live->turn);
    if (owner)
        roaring_bitmap_add(live->follow.dirty, owner);
    else
        live->follow.everybody = true;
    pthread_mutex_unlock(&live->turn);
    return 0;
}

static int run_job(struct job_run *run, struct err *err) {
    struct live *live;
    int code = live_of(job_folder(run), &live, err);
    if (code)
        return code;
    atomic_store(&live->kept, true);
    return segments_keep_current(job_folder(run), err);
}

const struct job job_segments = {.name = "segments.current",
                                 .summary = "decides anew who is in which segment",
                                 .lane = JOB_QUICK,
                                 .every_ms = EVERY_MS,
                                 .run = run_job};
