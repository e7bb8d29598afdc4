/*
 * Members of all segments, kept current while interactions arrive.
 *
 * The log is read from where it was read last; each new row makes its customer dirty, and so does a merge. What lies in a
 * window of a rule (`within`) leaves it with time alone: for each length of a window, the customers of the rows that pass
 * its edge within the next HORIZON_MS are found ahead (time_line.h) and become dirty at that millisecond. A round decides the
 * dirty customers anew for all segments together, by the same engine that answers questions, at the price of their own
 * rows (backend/members.h); when they are many, everybody. Who entered or left is told to the log (`Segment Entered`,
 * `Segment Left`, source system) in the transaction that keeps the change, so a crash neither loses nor repeats one.
 *
 * STATES of a membership
 *   unknown   a new segment, or one whose rule (or the rule of one it is built on) changed: the next round fills it, and
 *             tells nothing: nobody did anything
 *   known     a round tells who differs
 * Who is in a new segment from the beginning is told as well, with the property `initial`: some of them a round
 * (live_initial.c), so that a segment of a million keeps nobody waiting; where no rule asks for what is told, being told makes nobody dirty. Who has left by then is not told.
 *
 * INVARIANTS
 *  1. A customer is decided at most about once a second (again after 0.75 s, so that the sets are current within one); who
 *     becomes dirty again meanwhile stays so.
 *  2. After a start everybody is decided once: what happened while nobody looked is told then.
 *
 * THREADS  One round at a time (`turn`); readers take `lock`, which a round holds only to exchange sets.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_LIVE_H
#define SENDA_SEGMENT_LIVE_H

#include <pthread.h>

#include "backend/members.h"
#include "segment/follow.h"
#include "segment/internal.h"

struct membership {
    int64_t id; /* segment.id */
    char name[SEGMENT_NAME_BYTES];
    roaring_bitmap_t *members; /* NULL: unknown and never known */
    bool known;
    size_t changes; /* rows in segment_change */
    bool unsaved;   /* segment_set is older */
    roaring_bitmap_t
        *initial;     /* who was in when it was made, while some are to be told; NULL: nobody */
    uint32_t told_to; /* of initial, up to here */
};

enum { LIVE_RECENT = 8 };

struct live {
    struct folder *folder;
    pthread_mutex_t turn, lock;
    struct membership *all; /* [n], by id */
    size_t n;
    int64_t
        as_of_ms; /* of the last round that decided something or found nothing to do; 0: none yet */
    int64_t dirty_since_ms;
    uint64_t pending;

    /* of the round alone */
    struct follow follow; /* who is dirty */
    bool relearn;         /* lengths of windows may be others */
    int64_t next_everybody_us, everybody_us, saved_us;
    uint32_t rules_version; /* of touchpoints */
    int64_t numbers_ms;     /* of the edition of estimates (number/number.h) */
    struct live_recent {
        int64_t at_us;
        roaring_bitmap_t *owners;
    } recent[LIVE_RECENT];
    bool more_lengths; /* of windows than its time line holds */
};

/* Tests decide a customer as often as they like, and tell little at once. */
extern struct live_tuning {
    int64_t again_us; /* a customer is decided at most so often */
    int64_t
        tell_us; /* so long a round those are told who are in from the beginning, where that makes nobody dirty */
    size_t tell_most; /* so many at once, at most DERIVED_MAX */
} live_tuning;

/* Who changed, in the order in which it is told. */
struct transition {
    uint32_t membership; /* index */
    uint32_t owner;
    bool entered, silent; /* silent: the profile is nobody's own any more */
};

/* ---- live.c ---- */
must_use int live_of(struct folder *folder, struct live **live, struct err *err);
/* Holder of the turn. */
must_use int live_round(struct live *live, struct err *err);

/* ---- live_changed.c ---- */
/* What a name means is another now, or it is gone: of the memberships that this touches the next round knows nothing. It
 * runs at once. */
must_use int live_changed(struct folder *folder, const char *name, struct err *err);

/* ---- live_store.c ---- */
/* Reads segments, sets and changes; keeps what is known of those that are still there. */
must_use int live_load(struct live *live, struct err *err);
/* Tells and keeps up to DERIVED_MAX transitions, then applies them. */
must_use int live_tell(struct live *live, const struct transition *transitions, size_t n,
                       int64_t now_ms, struct err *err);
/* Writes whole sets in place of changes, and today's size: of those unsaved, or with many changes. */
must_use int live_save(struct live *live, bool all, int64_t now_ms, struct err *err);

/* ---- live_initial.c ---- */
must_use int initial_load(sqlite3 *db, struct membership *all, size_t n, struct err *err);
/* Writer: a new segment's, beside its set. */
must_use int initial_write(sqlite3 *db, const struct membership *membership, struct err *err);
/* Tells some of one segment's, where there is somebody to tell. */
must_use int initial_tell(struct live *live, const struct snapshot *snapshot, int64_t now_ms,
                          struct err *err);

#endif
