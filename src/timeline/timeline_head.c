/*
 * The head: what is newer than the newest file. Rows are appended to a tail (an array that only grows; a full one is
 * followed by another), turned into sorted runs in memory by the maintenance, and sealed to files once there are enough.
 *
 * Runs are merged in memory while a run is not much larger than what is added to it, so that a cell has few. When nobody
 * appends, fewer rows are enough to seal: questions then meet files alone.
 *
 * THREADS  The writer appends without a lock: it fills a row, then publishes the count. Readers take the lock to find the
 *          tails and read rows below the count they saw.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "timeline/part_merge.h"
#include "timeline/timeline_internal.h"

enum {
    TEXT_BYTES = LIMIT_HEAD_BYTES / 8, /* of properties in one tail */
    RUN_ROWS = LIMIT_TAIL_ROWS / 4,    /* so many rows of the tail are worth a run */
    RUN_TAILS = 8,                     /* tails that one run is made of at most */
    RUNS_A_CELL = 3,                   /* more are merged whatever their sizes */
    IDLE_ROWS = LIMIT_HEAD_ROWS / 8,   /* sealed when nobody appends */
    RELIEVE_US = 5000
};

struct timeline_tuning timeline_tuning = {.behind_rows = 4 * (uint64_t)LIMIT_HEAD_ROWS};

struct tail *tail_new(void) {
    struct tail *tail = pages_new(sizeof *tail + TEXT_BYTES);
    if (!tail)
        abort();
    atomic_init(&tail->refs, 1);
    atomic_init(&tail->count, 0);
    return tail;
}

void tail_release(struct tail *tail) {
    if (tail && atomic_fetch_sub(&tail->refs, 1) == 1)
        munmap(tail, sizeof *tail + TEXT_BYTES);
}

static struct tail *tail_follow(struct timeline *timeline) {
    struct tail *tail = tail_new();
    pthread_mutex_lock(&timeline->lock);
    timeline->newest->next = tail;
    timeline->newest = tail;
    pthread_mutex_unlock(&timeline->lock);
    return tail;
}

void timeline_append(struct timeline *timeline, const struct row *rows, size_t n) {
    struct tail *tail = timeline->newest;
    uint32_t count = atomic_load_explicit(&tail->count, memory_order_relaxed);
    uint32_t most = atomic_load_explicit(&timeline->max_customer, memory_order_relaxed);
    for (size_t i = 0; i < n; i++) {
        if (count == LIMIT_TAIL_ROWS || tail->bytes + rows[i].properties.n > TEXT_BYTES) {
            atomic_store_explicit(&tail->count, count, memory_order_release);
            tail = tail_follow(timeline);
            count = 0;
        }
        struct row *row = &tail->rows[count++];
        *row = rows[i];
        if (row->properties.n) {
            char *copy = tail->texts + tail->bytes;
            memcpy(copy, rows[i].properties.p, row->properties.n);
            row->properties.p = copy;
            tail->bytes += row->properties.n;
        }
        most = row->customer > most ? row->customer : most;
    }
    if (!n)
        return;
    atomic_store_explicit(&timeline->max_customer, most, memory_order_relaxed);
    atomic_store_explicit(&tail->count, count, memory_order_release);
    atomic_store_explicit(&timeline->last_seq, rows[n - 1].seq, memory_order_release);
    atomic_store_explicit(&timeline->appended_us, clock_monotonic_us(), memory_order_relaxed);
}

/* First row of a tail with a seq above. */
static uint32_t tail_first_above(const struct tail *tail, uint32_t count, uint64_t seq) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tail->rows[middle].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void tail_pieces_take(struct timeline *timeline, size_t most, struct tail_pieces *pieces) {
    size_t n = 0;
    for (struct tail *tail = timeline->oldest; tail; tail = tail->next)
        n++;
    *pieces = (struct tail_pieces){.pieces = calloc(n + 1, sizeof *pieces->pieces),
                                   .last_seq = timeline->view->last_seq};
    if (!pieces->pieces)
        abort();
    for (struct tail *tail = timeline->oldest; tail && pieces->n < most; tail = tail->next) {
        uint32_t count = atomic_load_explicit(&tail->count, memory_order_acquire);
        uint32_t from = tail_first_above(tail, count, timeline->view->last_seq);
        if (from == count)
            continue;
        atomic_fetch_add(&tail->refs, 1);
        pieces->pieces[pieces->n++] = (struct tail_piece){tail, from, count};
        pieces->last_seq = tail->rows[count - 1].seq;
    }
}

void tail_pieces_release(struct tail_pieces *pieces) {
    for (size_t i = 0; i < pieces->n; i++)
        tail_release(pieces->pieces[i].tail);
    free(pieces->pieces);
}

static uint32_t row_cell(const struct view *view, const struct row *row) {
    return cell_of(part_kind_of(row->type), range_of(&view->boundaries, row->time_ms));
}

static int build_cell(struct timeline *timeline, const struct view *view, uint32_t cell,
                      const struct row *const *rows, size_t n, struct part_body **part,
                      struct err *err) {
    uint32_t range = cell % LIMIT_TIME_RANGES;
    int code = part_build_range(part, (enum part_kind)(cell / LIMIT_TIME_RANGES),
                                range_from(&view->boundaries, range),
                                range_to(&view->boundaries, range), rows, n, err);
    if (!code)
        code = part_give_touchpoints(timeline, view->rules, *part, err);
    return code;
}

int rows_build(struct timeline *timeline, const struct view *view, const struct row *const *rows,
               size_t n, struct part_body *parts[CELLS], struct err *err) {
    size_t count[CELLS] = {0}, at[CELLS], before = 0;
    for (size_t i = 0; i < n; i++)
        count[row_cell(view, rows[i])]++;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
        at[cell] = before;
        before += count[cell];
    }
    const struct row **sorted = pointers_new(n);
    for (size_t i = 0; i < n; i++)
        sorted[at[row_cell(view, rows[i])]++] = rows[i];
    int made = 0, code = 0;
    for (uint32_t cell = 0; cell < CELLS && !code; cell++) {
        if (!count[cell])
            continue;
        struct part_body *part = NULL;
        code = build_cell(timeline, view, cell, sorted + at[cell] - count[cell], count[cell], &part,
                          err);
        if (part)
            parts[made++] = part;
    }
    free(sorted);
    while (code && made)
        part_release(parts[--made]);
    return code ? code : made;
}

int tail_build(struct timeline *timeline, const struct view *view, const struct tail_pieces *pieces,
               struct part_body *parts[CELLS], struct err *err) {
    size_t total = 0, n = 0;
    for (size_t i = 0; i < pieces->n; i++)
        total += pieces->pieces[i].to - pieces->pieces[i].from;
    const struct row **rows = pointers_new(total);
    for (size_t i = 0; i < pieces->n; i++) {
        const struct tail_piece *piece = &pieces->pieces[i];
        for (uint32_t r = piece->from; r < piece->to; r++)
            rows[n++] = &piece->tail->rows[r];
    }
    int made = rows_build(timeline, view, rows, n, parts, err);
    free(rows);
    return made;
}

uint64_t head_rows(struct timeline *timeline, uint64_t *bytes) {
    uint64_t rows = 0;
    *bytes = 0;
    pthread_mutex_lock(&timeline->lock);
    const struct view *view = timeline->view;
    for (size_t i = 0; i < view->n; i++)
        if (!part_is_file(view->parts[i])) {
            rows += view->parts[i]->part.n_rows;
            *bytes += view->parts[i]->image->bytes;
        }
    for (const struct tail *tail = timeline->oldest; tail; tail = tail->next) {
        uint32_t count = atomic_load_explicit(&tail->count, memory_order_acquire);
        rows += count - tail_first_above(tail, count, view->last_seq);
    }
    pthread_mutex_unlock(&timeline->lock);
    return rows;
}

/* The runs of one cell in a view, smallest first; returns how many. */
static size_t runs_of(const struct view *view, uint32_t cell,
                      struct part_body *runs[MERGE_SOURCES]) {
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++) {
        struct part_body *part = view->parts[i];
        if (part_is_file(part) || part_cell(view, part) != cell || n == MERGE_SOURCES - 1)
            continue;
        size_t place = n++;
        for (; place && runs[place - 1]->part.n_rows > part->part.n_rows; place--)
            runs[place] = runs[place - 1];
        runs[place] = part;
    }
    return n;
}

/* Replaces a new run by its merge with the older runs that are not much larger. These are added to removed. */
static int absorb_runs(const struct view *view, struct part_body **run, struct part_body **removed,
                       size_t *n_removed, struct err *err) {
    struct part_body *runs[MERGE_SOURCES];
    size_t n = runs_of(view, part_cell(view, *run), runs), take = 0;
    uint64_t rows = (*run)->part.n_rows;
    while (take < n && (runs[take]->part.n_rows <= 2 * rows || n - take >= RUNS_A_CELL))
        rows += runs[take++]->part.n_rows;
    if (!take)
        return 0;
    struct part_body *merged = NULL;
    runs[take] = *run;
    int code = merge_in_memory(&merged, (*run)->part.kind, (*run)->part.range_from_ms,
                               (*run)->part.range_to_ms, false, runs, take + 1, err);
    if (code)
        return code;
    part_release(*run);
    *run = merged;
    for (size_t i = 0; i < take; i++)
        removed[(*n_removed)++] = runs[i];
    return 0;
}

/* Turns up to RUN_TAILS tails into runs. */
static int make_runs(struct timeline *timeline, struct err *err) {
    struct tail_pieces pieces;
    struct part_body *added[CELLS];
    struct view *view = timeline_view(timeline);
    pthread_mutex_lock(&timeline->lock);
    tail_pieces_take(timeline, RUN_TAILS, &pieces);
    pthread_mutex_unlock(&timeline->lock);
    int made = tail_build(timeline, view, &pieces, added, err), code = made < 0 ? made : 0;
    struct part_body **removed = pointers_new(view->n);
    size_t n_removed = 0;
    for (int i = 0; i < made && !code; i++)
        code = absorb_runs(view, &added[i], removed, &n_removed, err);
    if (!code && made > 0) {
        struct view_change change = {.removed = removed,
                                     .n_removed = n_removed,
                                     .added = added,
                                     .n_added = (size_t)made,
                                     .last_seq = pieces.last_seq};
        timeline_install(timeline, &change);
    }
    for (int i = 0; i < made && code; i++)
        part_release(added[i]);
    tail_pieces_release(&pieces);
    view_release(view);
    free(removed);
    return code;
}

/* Writes all runs to files, one a cell, and lists them. */
static int seal(struct timeline *timeline, struct err *err) {
    struct view *view = timeline_view(timeline);
    struct part_body *added[CELLS], **removed = pointers_new(view->n);
    size_t n_added = 0, n_removed = 0;
    int code = 0;
    for (uint32_t cell = 0; cell < CELLS && !code; cell++) {
        struct part_body *runs[MERGE_SOURCES], *file = NULL;
        size_t n = runs_of(view, cell, runs);
        if (!n)
            continue;
        code = file_merge(timeline, runs[0]->part.kind, runs[0]->part.range_from_ms,
                          runs[0]->part.range_to_ms, false, runs, n, &file, err);
        if (file)
            added[n_added++] = file;
        for (size_t i = 0; i < n; i++)
            removed[n_removed++] = runs[i];
    }
    if (!code) {
        struct view_change change = {.removed = removed,
                                     .n_removed = n_removed,
                                     .added = added,
                                     .n_added = n_added,
                                     .covered = view->last_seq};
        code = files_swap(timeline, &change, err);
    }
    if (code)
        files_drop(timeline, added, n_added);
    view_release(view);
    free(removed);
    malloc_trim(0);
    return code;
}

/* Rows of the tail, and of the runs with their bytes. */
static void measure(struct timeline *timeline, uint64_t *tail, uint64_t *runs, uint64_t *bytes) {
    uint64_t all = head_rows(timeline, bytes);
    struct view *view = timeline_view(timeline);
    *runs = 0;
    for (size_t i = 0; i < view->n; i++)
        if (!part_is_file(view->parts[i]))
            *runs += view->parts[i]->part.n_rows;
    view_release(view);
    *tail = all > *runs ? all - *runs : 0;
}

/* One step; 1 when there was nothing to do. */
static int head_step(struct timeline *timeline, bool force, struct err *err) {
    uint64_t tail, runs, bytes;
    measure(timeline, &tail, &runs, &bytes);
    force |= tail + runs >= IDLE_ROWS && timeline_is_idle(timeline);
    if (runs >= (uint64_t)LIMIT_HEAD_ROWS || bytes >= (uint64_t)LIMIT_HEAD_BYTES ||
        (force && !tail && runs))
        return seal(timeline, err);
    if (tail >= RUN_ROWS || (force && tail))
        return make_runs(timeline, err);
    return 1;
}

int head_advance(struct timeline *timeline, bool force, struct err *err) {
    uint64_t target = atomic_load(&timeline->last_seq);
    bool rested = timeline->head_rests;
    int code = 0;
    timeline->head_rests = true;
    while (!code)
        code = head_step(timeline, force && timeline->view->covered < target, err);
    timeline->head_rests = rested;
    return code < 0 ? code : 0;
}

bool timeline_is_idle(const struct timeline *timeline) {
    return clock_monotonic_us() - atomic_load(&timeline->appended_us) > IDLE_US;
}

bool timeline_is_behind(const struct timeline *timeline) {
    return atomic_load(&timeline->last_seq) - atomic_load(&timeline->sealed_seq) >
           timeline_tuning.behind_rows;
}

int timeline_relieve(struct timeline *timeline, struct err *err) {
    if (pthread_mutex_trylock(&timeline->work)) {
        usleep(RELIEVE_US); /* the maintenance works, and yields to the head */
        return 0;
    }
    int code = head_advance(timeline, false, err);
    pthread_mutex_unlock(&timeline->work);
    return code;
}
