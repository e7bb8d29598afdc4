/*
 * WHOM: segments, groups of customers that a rule describes, under a name that every question understands
 * (`"segment": "vip"`, `{"in": "vip"}`).
 *
 * A segment is a JSON document:
 *   name         how questions say it: a-z 0-9 - _; made of the title where it is absent; never changes
 *   title        what people call it
 *   rule         a segment rule (docs/metrics.md, Segments)
 *   mission      what these customers come to do
 *   proposition  the value proposition: what the organisation offers them
 *   description  anything else
 *   colour       one of SEGMENT_COLOURS
 *   owner        who answers for it
 * As it is read: also id, author, created_at, changed_at.
 *
 * Who belongs to it is kept current while interactions arrive (live.h): as sets of customers, and as interactions
 * `Segment Entered` and `Segment Left`; questions decide by the rule itself.
 *
 * IN:  documents, who asks; what arrives in the log
 * OUT: stored segments, their members now, their size by day
 *
 * INVARIANTS
 *  1. Every stored rule compiles: a segment that others are built on is not removed, nor changed so that those break.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_SEGMENT_H
#define SENDA_SEGMENT_SEGMENT_H

#include <jansson.h>
#include <roaring/roaring.h>

#include "folder/folder.h"
#include "jobs/jobs.h"

enum { SEGMENTS_MAX = 200, SEGMENT_NAME_BYTES = 64 };

/* What Senda tells of itself: interactions of source system with the property `segment`, the segment's name; and `initial`, true, of
 * who was in it when it was made. */
#define SEGMENT_ENTERED "Segment Entered"
#define SEGMENT_LEFT "Segment Left"

/* X(colour) */
#define SEGMENT_COLOURS(X) X(blue) X(green) X(amber) X(red) X(violet) X(teal) X(pink) X(grey)

/* All segments, by title as bytes. New reference. */
must_use int segment_list(struct folder *folder, json_t **list, struct err *err);
/* New reference. E_NOT_FOUND. */
must_use int segment_find(struct folder *folder, const char *name, json_t **segment,
                          struct err *err);
/* Checks a document and keeps it: a new segment where `current` is NULL, else the one of that name. name becomes the
 * segment's. Errors: E_INVALID with the pointer; E_CONFLICT: the name is taken, or a segment built on this one would break;
 * E_REFUSED beyond SEGMENTS_MAX; E_NOT_FOUND. */
must_use int segment_put(struct folder *folder, const char *current, const json_t *document,
                         const char *author, char name[SEGMENT_NAME_BYTES], struct err *err);
/* E_NOT_FOUND; E_CONFLICT: another is built on it. */
must_use int segment_remove(struct folder *folder, const char *name, struct err *err);

/* ---- members, of everybody: the asker's rights are the caller's to mind ---- */

/* The set as it is kept; the caller's (roaring_bitmap_free). E_NOT_FOUND. */
must_use int segment_members(struct folder *folder, const char *name, roaring_bitmap_t **members,
                             struct err *err);
/* Segments that a customer (an owner) is in now: [{"name","title","colour"}], as segment_list orders them. New reference. */
must_use int segments_of_customer(struct folder *folder, uint32_t owner, json_t **segments,
                                  struct err *err);
/* How many of those who were in it from the beginning are told (live.h), and of how many: both 0 when all are. */
must_use int segment_told(struct folder *folder, const char *name, uint64_t *told, uint64_t *of,
                          struct err *err);
struct segments_state {
    int64_t as_of_ms; /* everything until then is in the sets */
    int64_t lag_ms;   /* how long the oldest that is not has waited */
    uint64_t pending; /* customers to be decided */
};
must_use int segments_state(struct folder *folder, struct segments_state *state, struct err *err);
/* Size at the end of each day from the day of from_ms to that of to_ms, where it is known: [{"day","size","entered",
 * "left"}], the first day first; day is a local date. New reference. E_NOT_FOUND. */
must_use int segment_history(struct folder *folder, const char *name, int64_t from_ms,
                             int64_t to_ms, json_t **days, struct err *err);

/* One round (live.h); the server's job does it ten times a second. */
must_use int segments_keep_current(struct folder *folder, struct err *err);
/* What is stored of this customer is less than it was (0: of anybody): the next round decides them anew. */
must_use int segments_decide_again(struct folder *folder, uint32_t owner, struct err *err);
extern const struct job job_segments;

#endif
