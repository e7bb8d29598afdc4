/*
 * Shared by the files of the timeline: its state and what each file does with it.
 *
 *   timeline.c          open, close, stats, rules         timeline_head.c      appended rows, runs, sealing
 *   timeline_view.c     the immutable set of parts        timeline_snapshot.c  what a query sees
 *   timeline_ranges.c   ranges of time, regrouping        timeline_maintain.c  what to do next, merging
 *   timeline_rebuild.c  parts from the log                timeline_verify.c    checking against the log
 *
 * STATES of a row: in the tail (as appended; sorted on demand by a snapshot) -> in a run (a part in memory) -> in a file.
 * Each step takes rows in the order of seq, so two numbers tell where a row is: a view's last_seq (what its parts hold)
 * and covered (what its files hold).
 *
 * THREADS  `work` is held by whoever changes parts (one at a time: maintenance, rules, repair). `lock` guards the
 *          pointers below it and is held for moments; everything behind them is immutable or append-only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_INTERNAL_H
#define SENDA_TIMELINE_INTERNAL_H

#include <pthread.h>

#include "timeline/catalogue.h"
#include "timeline/part_file.h"
#include "timeline/part_internal.h"
#include "timeline/part_seal.h"
#include "timeline/touchpoint.h"

enum { CELLS = PART_KINDS * LIMIT_TIME_RANGES };

/* An immutable set of parts. */
struct view {
    atomic_uint refs;
    struct boundaries boundaries;
    struct touchpoint_rules *rules;
    uint64_t covered, last_seq; /* rows up to this are in files, in parts */
    uint64_t
        epoch; /* changes with the content of parts, not with their number: rules, rebuilding */
    size_t n;
    struct part_body **parts; /* by kind, range, min_seq */
};

/* Rows as they were appended. Only the writer adds; `count` publishes. */
struct tail {
    atomic_uint refs;
    struct tail *next; /* newer; guarded by the lock */
    atomic_uint count;
    size_t bytes; /* of texts in use; the writer's */
    struct row rows[LIMIT_TAIL_ROWS];
    char texts[]; /* properties */
};

struct overlay_box {
    atomic_uint refs;
    uint64_t number;         /* of its publication */
    struct overlay *overlay; /* NULL: nobody is redirected */
};

struct timeline {
    struct store *store;
    struct log *log;
    struct dictionary *dictionary;
    struct part_seal seal;
    atomic_bool seal_again; /* some file may be sealed less than it should be */
    int folder;
    pthread_mutex_t work;
    /* with work */
    uint32_t next_number; /* of a part file */
    unsigned mended;      /* parts rebuilt while opening, of which no verify has told yet */
    bool head_rests;      /* merging must not yield to it: it is being advanced, or ranges change */
    /* the writer's */
    struct tail *newest;
    _Atomic(uint64_t) last_seq;   /* published last, after its row */
    _Atomic(uint64_t) sealed_seq; /* the view's covered */
    _Atomic(uint32_t) max_customer;
    _Atomic(int64_t) appended_us; /* when rows came last, monotonic */
    pthread_mutex_t sorting;      /* one snapshot sorts at a time */
    pthread_mutex_t following;    /* one snapshot asks for an overlay at a time */
    struct overlay *(*take_overlay)(void *context);
    void *take_context;
    pthread_mutex_t lock;
    struct view *view;
    struct tail *oldest; /* list up to the newest */
    struct overlay_box *overlay;
    struct snapshot *cached;
    uint64_t version, version_seq, version_epoch,
        version_overlay; /* of the last snapshot, and what it stood for */
};

/* timeline_view.c --------------------------------------------------------------------------------------------- */

struct view_change {
    struct part_body *const *removed;
    size_t n_removed;
    struct part_body *const *added; /* references are taken over */
    size_t n_added;
    const struct boundaries *boundaries; /* NULL: as before */
    struct touchpoint_rules *rules;      /* NULL: as before */
    uint64_t covered, last_seq;          /* 0: as before */
    bool new_content;
};
struct view *view_new(const struct view *base, const struct view_change *change);
void view_retain(struct view *view);
void view_release(struct view *view);
/* The current view, retained. */
struct view *timeline_view(struct timeline *timeline);
/* Puts a changed view in place of the current one; what it consumed of the tail is freed. Holder of work. */
void timeline_install(struct timeline *timeline, const struct view_change *change);

/* Cell of a part: kind and range. */
uint32_t range_of(const struct boundaries *boundaries, int64_t time_ms);
int64_t range_from(const struct boundaries *boundaries, uint32_t range);
int64_t range_to(const struct boundaries *boundaries, uint32_t range);
static inline uint32_t cell_of(enum part_kind kind, uint32_t range) {
    return (uint32_t)kind * LIMIT_TIME_RANGES + range;
}
uint32_t part_cell(const struct view *view, const struct part_body *part);
static inline bool part_is_file(const struct part_body *part) { return part->number != 0; }
bool part_is_damaged(const struct part_body *part);
struct catalogue_part catalogue_part_of(const struct part_body *part);

/* timeline_head.c --------------------------------------------------------------------------------------------- */

struct tail *tail_new(void);
void tail_release(struct tail *tail);
/* A piece of the tail, retained: rows with seq in (view's last_seq, last]. */
struct tail_piece {
    struct tail *tail;
    uint32_t from, to;
};
struct tail_pieces {
    struct tail_piece *pieces;
    size_t n;
    uint64_t last_seq; /* of the newest row in them, else of the view */
};
/* With the lock held: pieces of rows that the view's parts do not hold, at most `most`, oldest first. */
void tail_pieces_take(struct timeline *timeline, size_t most, struct tail_pieces *pieces);
void tail_pieces_release(struct tail_pieces *pieces);
/* Parts of those rows, one a cell that has any, touchpoints given; returns how many or an error. */
must_use int tail_build(struct timeline *timeline, const struct view *view,
                        const struct tail_pieces *pieces, struct part_body *parts[CELLS],
                        struct err *err);
/* The same of any rows. */
must_use int rows_build(struct timeline *timeline, const struct view *view,
                        const struct row *const *rows, size_t n, struct part_body *parts[CELLS],
                        struct err *err);
/* Turns the tail into runs if it is long enough (or force), and seals the runs when they are. Holder of work. */
must_use int head_advance(struct timeline *timeline, bool force, struct err *err);
/* Nobody has appended for a while. */
enum { IDLE_US = 3 * 1000000 };
bool timeline_is_idle(const struct timeline *timeline);
/* Rows and bytes in memory that wait to be sealed. */
uint64_t head_rows(struct timeline *timeline, uint64_t *bytes);

/* timeline_maintain.c ----------------------------------------------------------------------------------------- */

/* Looks after the head from within long work (context: the timeline). Holder of work. */
void yield_to_head(void *context);
/* Merges parts (or copies one, with cut) into a new durable file, not listed yet. Rows none: *part is NULL. */
must_use int file_merge(struct timeline *timeline, enum part_kind kind, int64_t from_ms,
                        int64_t to_ms, bool cut, struct part_body *const *parts, size_t n,
                        struct part_body **part, struct err *err);
/* Lists and unlists files in one transaction (after syncing the folder), installs the view, removes files. */
must_use int files_swap(struct timeline *timeline, const struct view_change *change,
                        struct err *err);
/* Removes files that were written but will not be listed, and releases them. */
void files_drop(struct timeline *timeline, struct part_body **parts, size_t n);
/* Gives a part touchpoints by rules, in memory or (a file's) as a durable file. */
must_use int part_give_touchpoints(struct timeline *timeline, const struct touchpoint_rules *rules,
                                   struct part_body *part, struct err *err);

/* timeline_ranges.c ------------------------------------------------------------------------------------------- */

/* Ranges for an instant: this month and the last one, quarters of half a year, years. */
void boundaries_at(int64_t now_ms, struct boundaries *boundaries);
static inline bool boundaries_equal(const struct boundaries *a, const struct boundaries *b) {
    return a->n == b->n && memcmp(a->ms, b->ms, a->n * sizeof a->ms[0]) == 0;
}
/* Cuts and moves parts to new ranges. Holder of work. */
must_use int timeline_regroup(struct timeline *timeline, const struct boundaries *boundaries,
                              struct err *err);

/* timeline_rebuild.c ------------------------------------------------------------------------------------------ */

typedef void (*timeline_progress)(void *context, uint64_t done, uint64_t total);
/* Replaces the file parts of the marked cells by what the log says. Holder of work. */
must_use int timeline_rebuild(struct timeline *timeline, const bool cells[CELLS],
                              timeline_progress progress, void *context, struct err *err);
/* Marks the cells of damaged parts; false if there is none. */
bool cells_damaged(const struct view *view, bool cells[CELLS]);

#endif
