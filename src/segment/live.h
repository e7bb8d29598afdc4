/*
 * Members of all segments, kept current while interactions arrive.
 *
 * The log is read from where it was read last; each new row makes its customer dirty, and so does a merge. What lies in a
 * window of a rule (`within`) leaves it with time alone: for each length of a window, the customers of the rows that pass
 * its edge within the next HORIZON_MS are found ahead (time_line.h) and become dirty at that millisecond. A round decides the
 * dirty customers anew for all segments together, by the same engine that answers questions, at the price of their own
 * rows (backend/members.h); when they are many, everybody. In a server everybody is decided beside the rounds (live_beside.c), by a
 * thread on a snapshot of its own, so that an event waits for nobody else's: whom a round decides meanwhile keeps what it
 * found. Who entered or left is told to the log (`Segment Entered`,
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
 *  2. After a start everybody is decided once: what happened while nobody looked is told then; until then as_of stands still.
 *  3. A server's round decides few (live.c) at most, and tells for a moment at most.
 *
 * THREADS  One round at a time (`turn`); readers take `lock`, which a round holds only to exchange sets.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_LIVE_H
#define SENDA_SEGMENT_LIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend/members.h"
#include "segment/follow.h"
#include "segment/internal.h"

struct membership {
    int64_t id; /* segment.id */
    char name[SEGMENT_NAME_BYTES];
    roaring_bitmap_t *members; /* NULL: unknown and never known */
    bool known;
    bool stale; /* its rule means something else: everybody is decided anew, and nothing told */
    uint64_t filled; /* how often the set was replaced as a whole */
    size_t changes;  /* rows in segment_change */
    bool unsaved;    /* segment_set is older */
    roaring_bitmap_t
        *initial;     /* who was in when it was made, while some are to be told; NULL: nobody */
    uint32_t told_to; /* of initial, up to here */
};

enum { LIVE_RECENT = 8 };

/* Everybody decided by a thread of its own, and what of it is to be told. */
struct live_beside {
    struct folder *folder;
    pthread_t thread;
    bool joined;
    atomic_bool done;
    struct query_control control;
    struct snapshot *snapshot;
    int64_t now_ms, began_us;
    struct beside_segment {
        int64_t id;
        uint64_t filled;
        bool stale;
        char name[SEGMENT_NAME_BYTES];
    } of[SEGMENTS_MAX];
    size_t n;
    struct member_sets found; /* [n], the thread's until it is done */
    int code;
    struct err err;
    roaring_bitmap_t *since; /* decided by rounds after it began */
};

struct live {
    struct folder *folder;
    pthread_mutex_t turn, lock;
    struct membership *all; /* [n], by id */
    size_t n;
    int64_t
        as_of_ms; /* of the last round that decided something or found nothing to do; 0: none yet */
    int64_t dirty_since_ms;
    uint64_t pending;
    atomic_bool kept; /* rounds run by themselves: a server does */

    /* of the round alone */
    struct live_beside *beside; /* or NULL */
    struct follow follow;       /* who is dirty */
    bool relearn;               /* lengths of windows may be others */
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

/* Who differs, at most so many. */
struct differences {
    struct transition *all;
    size_t n, capacity, most;
    const struct overlay *overlay;
};

/* ---- live.c ---- */
/* found holds of `only` (NULL: of everybody) who is in. */
void differences_add(struct differences *differences, const struct membership *membership,
                     uint32_t index, const roaring_bitmap_t *found, const roaring_bitmap_t *only);
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

/* ---- live_beside.c ---- */
/* Nobody is beside: a thread begins with all that are known, as of a snapshot taken now. */
must_use int beside_begin(struct live *live, int64_t now_ms, struct err *err);
/* Somebody is: tells for a moment what was found; when all is told, live->beside is NULL. An error of the thread is
 * given once, and everybody is dirty again. */
must_use int beside_tell(struct live *live, const struct overlay *overlay, int64_t now_ms,
                         struct err *err);
/* Cancels it and waits for its end. */
void beside_end(struct live *live);

#endif
