/*
 * Snapshots: a view, the overlay, and the tail sorted up to the row that was newest when the snapshot was asked for.
 *
 * The last snapshot is kept; it serves until something changes. One thread sorts at a time: who waited finds the work
 * done, unless rows came meanwhile.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "timeline/timeline_internal.h"

struct snapshot {
    atomic_uint refs;
    struct view *view;
    struct overlay_box *overlay;
    const struct dictionary *dictionary;
    uint64_t last_seq, version;
    uint32_t profiles;
    size_t n_tail;
    struct part_body *tail[CELLS]; /* the sorted tail */
    size_t n;
    struct part_body **parts; /* view and tail, by kind, range, min_seq; not retained again */
};

static const struct overlay NOBODY = {0};

static void overlay_release(struct overlay_box *box) {
    if (!box || atomic_fetch_sub(&box->refs, 1) != 1)
        return;
    free(box->overlay);
    free(box);
}

void timeline_publish_overlay(struct timeline *timeline, struct overlay *overlay) {
    struct overlay_box *box = calloc(1, sizeof *box);
    if (!box)
        abort();
    atomic_init(&box->refs, 1);
    box->overlay = overlay;
    pthread_mutex_lock(&timeline->lock);
    struct overlay_box *old = timeline->overlay;
    box->number = old ? old->number + 1 : 1;
    timeline->overlay = box;
    pthread_mutex_unlock(&timeline->lock);
    overlay_release(old);
}

void timeline_follow_overlay(struct timeline *timeline, struct overlay *(*take)(void *context),
                             void *context) {
    pthread_mutex_init(&timeline->following, NULL);
    timeline->take_context = context;
    timeline->take_overlay = take;
}

static void follow_overlay(struct timeline *timeline) {
    if (!timeline->take_overlay)
        return;
    pthread_mutex_lock(&timeline->following);
    struct overlay *overlay = timeline->take_overlay(timeline->take_context);
    if (overlay)
        timeline_publish_overlay(timeline, overlay);
    pthread_mutex_unlock(&timeline->following);
}

void snapshot_release(struct snapshot *snapshot) {
    if (!snapshot || atomic_fetch_sub(&snapshot->refs, 1) != 1)
        return;
    for (size_t i = 0; i < snapshot->n_tail; i++)
        part_release(snapshot->tail[i]);
    view_release(snapshot->view);
    overlay_release(snapshot->overlay);
    free(snapshot->parts);
    free(snapshot);
}

/* With the lock held: the kept snapshot if nothing changed since. */
static struct snapshot *cached_snapshot(struct timeline *timeline) {
    struct snapshot *cached = timeline->cached;
    if (!cached || cached->view != timeline->view || cached->overlay != timeline->overlay ||
        cached->last_seq < atomic_load_explicit(&timeline->last_seq, memory_order_acquire))
        return NULL;
    atomic_fetch_add(&cached->refs, 1);
    return cached;
}

static void raise(uint32_t *most, uint32_t value) { *most = value > *most ? value : *most; }

/* With the lock held: number and bounds of a new snapshot. */
static void settle(struct timeline *timeline, struct snapshot *snapshot) {
    const struct overlay *overlay = snapshot->overlay ? snapshot->overlay->overlay : NULL;
    uint64_t number = snapshot->overlay ? snapshot->overlay->number : 0;
    if (!timeline->version || timeline->version_seq != snapshot->last_seq ||
        timeline->version_epoch != snapshot->view->epoch || timeline->version_overlay != number) {
        timeline->version++;
        timeline->version_seq = snapshot->last_seq;
        timeline->version_epoch = snapshot->view->epoch;
        timeline->version_overlay = number;
    }
    snapshot->version = timeline->version;
    snapshot->profiles = atomic_load(&timeline->max_customer);
    for (size_t i = 0; overlay && i < overlay->n; i++) {
        raise(&snapshot->profiles, overlay->profile[i]);
        raise(&snapshot->profiles, overlay->owner[i]);
    }
}

/* Both lists are in order already: a merge. */
static void order_parts(struct snapshot *snapshot) {
    struct view *view = snapshot->view;
    struct view_change change = {.added = snapshot->tail, .n_added = snapshot->n_tail};
    for (size_t i = 0; i < snapshot->n_tail; i++)
        part_retain(snapshot->tail[i]);
    struct view *ordered = view_new(view, &change); /* sorts; only its list is wanted */
    snapshot->n = ordered->n;
    snapshot->parts = pointers_new(ordered->n);
    memcpy(snapshot->parts, ordered->parts, ordered->n * sizeof(void *));
    view_release(ordered);
}

static int snapshot_new(struct timeline *timeline, struct snapshot **out, struct err *err) {
    struct tail_pieces pieces;
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        abort();
    atomic_init(&snapshot->refs, 1);
    snapshot->dictionary = timeline->dictionary;
    pthread_mutex_lock(&timeline->lock);
    struct snapshot *cached = cached_snapshot(timeline);
    if (cached) {
        pthread_mutex_unlock(&timeline->lock);
        free(snapshot);
        *out = cached;
        return 0;
    }
    snapshot->view = timeline->view;
    view_retain(snapshot->view);
    snapshot->overlay = timeline->overlay;
    if (snapshot->overlay)
        atomic_fetch_add(&snapshot->overlay->refs, 1);
    tail_pieces_take(timeline, SIZE_MAX, &pieces);
    snapshot->last_seq = pieces.last_seq;
    settle(timeline, snapshot);
    pthread_mutex_unlock(&timeline->lock);

    int made = tail_build(timeline, snapshot->view, &pieces, snapshot->tail, err);
    tail_pieces_release(&pieces);
    if (made < 0) {
        snapshot_release(snapshot);
        return made;
    }
    snapshot->n_tail = (size_t)made;
    order_parts(snapshot);
    atomic_fetch_add(&snapshot->refs, 1); /* the kept one */
    pthread_mutex_lock(&timeline->lock);
    struct snapshot *old = timeline->cached;
    timeline->cached = snapshot;
    pthread_mutex_unlock(&timeline->lock);
    snapshot_release(old);
    *out = snapshot;
    return 0;
}

int timeline_snapshot(struct timeline *timeline, struct snapshot **snapshot, struct err *err) {
    follow_overlay(timeline);
    pthread_mutex_lock(&timeline->lock);
    struct snapshot *cached = cached_snapshot(timeline);
    pthread_mutex_unlock(&timeline->lock);
    if (cached) {
        *snapshot = cached;
        return 0;
    }
    pthread_mutex_lock(&timeline->sorting);
    int code = snapshot_new(timeline, snapshot, err);
    pthread_mutex_unlock(&timeline->sorting);
    return code;
}

size_t snapshot_parts(const struct snapshot *snapshot, enum part_kind kind, int64_t from_ms,
                      int64_t to_ms, const struct part *const **parts, struct arena *arena) {
    const struct part **found = ARENA_ARRAY(arena, const struct part *, snapshot->n);
    size_t n = 0;
    for (size_t i = 0; i < snapshot->n; i++) {
        const struct part *part = &snapshot->parts[i]->part;
        if (part->kind == kind && part->n_rows && part->min_ms < to_ms && part->max_ms >= from_ms)
            found[n++] = part;
    }
    *parts = found;
    return n;
}

const struct overlay *snapshot_overlay(const struct snapshot *snapshot) {
    return snapshot->overlay && snapshot->overlay->overlay ? snapshot->overlay->overlay : &NOBODY;
}

const struct dictionary *snapshot_dictionary(const struct snapshot *snapshot) {
    return snapshot->dictionary;
}

uint32_t snapshot_profiles(const struct snapshot *snapshot) { return snapshot->profiles; }

uint64_t snapshot_last_seq(const struct snapshot *snapshot) { return snapshot->last_seq; }

uint64_t snapshot_version(const struct snapshot *snapshot) { return snapshot->version; }

static int compare_seq(const void *key, const void *row) {
    uint64_t x = *(const uint64_t *)key, y = ((const struct row *)row)->seq;
    return (x > y) - (x < y);
}

int snapshot_touchpoints(const struct snapshot *snapshot, const struct row *rows, size_t n,
                         uint16_t *codes, struct err *err) {
    struct part *part = NULL;
    if (!n)
        return 0;
    int code = part_build(&part, PART_INTERACTIONS, rows, n, err);
    if (code)
        return code;
    uint16_t *of_part = calloc(part->n_rows + 1, sizeof *of_part);
    if (!of_part)
        abort();
    code = touchpoint_apply(snapshot->view->rules, snapshot->dictionary, part, of_part, err);
    for (uint32_t i = 0; !code && i < part->n_rows; i++) {
        uint64_t seq = part->seq_base + part->seq[i];
        const struct row *row = bsearch(&seq, rows, n, sizeof *rows, compare_seq);
        if (row)
            codes[row - rows] = of_part[i];
    }
    free(of_part);
    part_free(part);
    return code;
}
