/*
 * Views: which parts there are. A change makes a new view; snapshots keep the one they began with.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "timeline/timeline_internal.h"

uint32_t range_of(const struct boundaries *boundaries, int64_t time_ms) {
    uint32_t range = 0;
    while (range < boundaries->n && time_ms >= boundaries->ms[range])
        range++;
    return range;
}

int64_t range_from(const struct boundaries *boundaries, uint32_t range) {
    return range ? boundaries->ms[range - 1] : INT64_MIN;
}

int64_t range_to(const struct boundaries *boundaries, uint32_t range) {
    return range < boundaries->n ? boundaries->ms[range] : INT64_MAX;
}

uint32_t part_cell(const struct view *view, const struct part_body *part) {
    return cell_of(part->part.kind, range_of(&view->boundaries, part->part.min_ms));
}

bool part_is_damaged(const struct part_body *part) {
    return !part->image || atomic_load(&part->damaged) || atomic_load(&part->image->damaged);
}

struct catalogue_part catalogue_part_of(const struct part_body *part) {
    return (struct catalogue_part){.number = part->number,
                                   .rules_version = part->part.rules_version,
                                   .kind = part->part.kind,
                                   .rows = part->part.n_rows,
                                   .bytes = part->image ? part->image->bytes : 0,
                                   .min_ms = part->part.min_ms,
                                   .max_ms = part->part.max_ms,
                                   .min_seq = part->part.min_seq,
                                   .max_seq = part->part.max_seq};
}

static int compare_parts(const void *a, const void *b) {
    const struct part *x = &(*(struct part_body *const *)a)->part;
    const struct part *y = &(*(struct part_body *const *)b)->part;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->range_from_ms != y->range_from_ms)
        return x->range_from_ms < y->range_from_ms ? -1 : 1;
    return (x->min_seq > y->min_seq) - (x->min_seq < y->min_seq);
}

static bool is_among(struct part_body *part, struct part_body *const *parts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (parts[i] == part)
            return true;
    return false;
}

struct view *view_new(const struct view *base, const struct view_change *change) {
    struct view *view = calloc(1, sizeof *view);
    size_t room = (base ? base->n : 0) + change->n_added;
    if (!view)
        abort();
    view->parts = pointers_new(room);
    atomic_init(&view->refs, 1);
    if (base) {
        view->boundaries = base->boundaries;
        view->rules = base->rules;
        view->covered = base->covered;
        view->last_seq = base->last_seq;
        view->epoch = base->epoch + change->new_content;
        for (size_t i = 0; i < base->n; i++)
            if (!is_among(base->parts[i], change->removed, change->n_removed)) {
                part_retain(base->parts[i]);
                view->parts[view->n++] = base->parts[i];
            }
    }
    for (size_t i = 0; i < change->n_added; i++)
        view->parts[view->n++] = change->added[i];
    if (view->n)
        qsort(view->parts, view->n, sizeof(void *), compare_parts);
    if (change->boundaries)
        view->boundaries = *change->boundaries;
    if (change->rules)
        view->rules = change->rules;
    touchpoint_rules_retain(view->rules);
    view->covered = change->covered ? change->covered : view->covered;
    view->last_seq = change->last_seq ? change->last_seq : view->last_seq;
    return view;
}

void view_retain(struct view *view) { atomic_fetch_add(&view->refs, 1); }

void view_release(struct view *view) {
    if (!view || atomic_fetch_sub(&view->refs, 1) != 1)
        return;
    for (size_t i = 0; i < view->n; i++)
        part_release(view->parts[i]);
    touchpoint_rules_release(view->rules);
    free(view->parts);
    free(view);
}

struct view *timeline_view(struct timeline *timeline) {
    pthread_mutex_lock(&timeline->lock);
    struct view *view = timeline->view;
    view_retain(view);
    pthread_mutex_unlock(&timeline->lock);
    return view;
}

/* With the lock held: takes tails out of the list whose rows are all in parts. */
static struct tail *tails_unlink(struct timeline *timeline, uint64_t last_seq) {
    struct tail *unlinked = NULL;
    while (timeline->oldest->next) { /* the newest stays: the writer holds it */
        struct tail *tail = timeline->oldest;
        uint32_t count = atomic_load(&tail->count);
        if (count && tail->rows[count - 1].seq > last_seq)
            break;
        timeline->oldest = tail->next;
        tail->next = unlinked;
        unlinked = tail;
    }
    return unlinked;
}

void timeline_install(struct timeline *timeline, const struct view_change *change) {
    struct view *old = timeline->view, *view = view_new(old, change);
    pthread_mutex_lock(&timeline->lock);
    timeline->view = view;
    atomic_store(&timeline->sealed_seq, view->covered);
    struct tail *done = tails_unlink(timeline, view->last_seq);
    struct snapshot *cached = timeline->cached;
    timeline->cached = NULL;
    pthread_mutex_unlock(&timeline->lock);
    snapshot_release(cached);
    view_release(old);
    while (done) {
        struct tail *next = done->next;
        tail_release(done);
        done = next;
    }
}
