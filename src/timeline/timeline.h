/*
 * WHAT: the timeline, an index of the log by customer. Derived: it can always be rebuilt from the log.
 *
 * IN:  rows, after they are durable in the log (store's commit hook)
 * OUT: snapshots: parts by range of event time, the head's sorted runs, the overlay, rules of touchpoints
 *
 * THREADS  timeline_append from the writer; timeline_snapshot from anywhere; timeline_maintain from one thread.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_TIMELINE_H
#define SENDA_TIMELINE_TIMELINE_H

#include "timeline/dictionary.h"
#include "timeline/log.h"
#include "timeline/overlay.h"
#include "timeline/part.h"

struct timeline;

/* What of a property is encrypted in part files (part_seal.h). */
enum part_sealed { PART_SEALED_TEXT = 1, PART_SEALED_NUMBERS = 2 };
/* Bits of enum part_sealed that a property asks for; from any thread, also while the timeline is opened. */
typedef unsigned (*timeline_sealed)(void *context, uint32_t code);

/* Opens DIR/parts, drops files that are not listed, rebuilds damaged or outdated ones, reads the log from where the
 * parts end into the head. Parts are sealed with the key of the log, if it has one: what `sealed` says (NULL: texts). */
must_use int timeline_open(struct timeline **timeline, struct store *store, struct log *log,
                           struct dictionary *dictionary, timeline_sealed sealed, void *context,
                           const char *dir, struct err *err);
/* `sealed` says something else now: the maintenance writes the files anew that are sealed less than they should be. */
void timeline_seal_again(struct timeline *timeline);
/* How many files that concerns, yet. */
size_t timeline_unsealed(struct timeline *timeline);
void timeline_close(struct timeline *timeline);

/* Writer thread, for each row after its commit, in order of seq. Copies what it needs. */
void timeline_append(struct timeline *timeline, const struct row *rows, size_t n);
/* Tests make it small, so that few rows put the index behind. */
struct timeline_tuning {
    uint64_t behind_rows;
};
extern struct timeline_tuning timeline_tuning;
/* Any thread: so many rows wait to be sealed that no more should be accepted for now (E_BUSY). Free. */
bool timeline_is_behind(const struct timeline *timeline);
/* Any thread but the writer, while it is behind: seals in this thread, or waits a moment for whoever does. */
must_use int timeline_relieve(struct timeline *timeline, struct err *err);
/* Writer thread: a new overlay after identities changed; takes ownership (free() of one block). */
void timeline_publish_overlay(struct timeline *timeline, struct overlay *overlay);
/* Each snapshot first calls `take`: a newer overlay (taken over) or NULL. So an overlay is made when somebody asks, not with
 * every commit that merges customers. Before traffic. */
void timeline_follow_overlay(struct timeline *timeline, struct overlay *(*take)(void *context),
                             void *context);

/* A consistent view of everything appended before the call. Cheap when nothing changed; sorts at most
 * LIMIT_TAIL_ROWS otherwise. Release soon. */
struct snapshot;
must_use int timeline_snapshot(struct timeline *timeline, struct snapshot **snapshot,
                               struct err *err);
void snapshot_release(struct snapshot *snapshot);

/* Parts that hold rows of [from_ms, to_ms), of one kind, ordered by (range, min_seq). Parts of one range may overlap
 * in time; parts of different ranges never do. */
size_t snapshot_parts(const struct snapshot *snapshot, enum part_kind kind, int64_t from_ms,
                      int64_t to_ms, const struct part *const **parts, struct arena *arena);
const struct overlay *snapshot_overlay(const struct snapshot *snapshot);
const struct dictionary *snapshot_dictionary(const struct snapshot *snapshot);
/* Profile numbers are 1 … this. */
uint32_t snapshot_profiles(const struct snapshot *snapshot);
uint64_t snapshot_last_seq(const struct snapshot *snapshot); /* newest row in it */
uint64_t
snapshot_version(const struct snapshot *snapshot); /* changes when anything in it does: cache key */

/* Builds an in-memory part image from the rows of this kind, in any order (copies; free with part_free): tests, runs of
 * the head. Its touchpoint[] is all CODE_NONE: rules are the timeline's. */
must_use int part_build(struct part **part, enum part_kind kind, const struct row *rows, size_t n,
                        struct err *err);
void part_free(struct part *part);

/* The touchpoint that each interaction has under the snapshot's rules, an explicit one first: codes[n], CODE_NONE for none.
 * rows: n interactions of the log, seq ascending. */
must_use int snapshot_touchpoints(const struct snapshot *snapshot, const struct row *rows, size_t n,
                                  uint16_t *codes, struct err *err);

/* Rules that give interactions their touchpoint, tried in order; the first match wins. */
struct touchpoint_rule {
    const char *touchpoint; /* name */
    const char *event;      /* exact name, or NULL for any */
    const char *channel;    /* or NULL */
    const char *path;     /* glob over context.page.path or property path: "/checkout*"; or NULL */
    const char *property; /* with value: a property that must equal it (text), or NULL */
    const char *value;
};
/* Stores and applies a new set of rules to past and future; returns once queries answer by the new rules. */
must_use int timeline_set_rules(struct timeline *timeline, const struct touchpoint_rule *rules,
                                size_t n, struct err *err);
/* The current rules, in order. */
must_use int timeline_get_rules(struct timeline *timeline, struct arena *arena,
                                struct touchpoint_rule **rules, size_t *n, struct err *err);

/* Maintenance: seals the head, merges parts, rebuilds damaged ones. Returns 1 if there is more to do now. Call it about
 * every 100 ms (it is cheap when nothing is due). force: seals everything and leaves one part per kind and range. */
must_use int timeline_maintain(struct timeline *timeline, bool force, struct err *err);
/* Checks every checksum, the order of rows, and that parts and log agree in every row; findings are written one per line
 * (none: all is well). Rebuilds what is wrong when asked. An error only when it could not check. */
struct buf;
must_use int timeline_verify(struct timeline *timeline, bool repair, struct buf *findings,
                             struct err *err);
/* Throws the index away and rebuilds it from the log. */
must_use int timeline_reindex(struct timeline *timeline,
                              void (*progress)(void *, uint64_t done, uint64_t total),
                              void *context, struct err *err);

/* Rows of these kinds and instants changed in the log (log_rewrite): their ranges are built again, from memory too. */
struct timeline_span {
    int64_t from_ms, to_ms; /* inclusive; from > to: none */
};
must_use int timeline_forget(struct timeline *timeline, const struct timeline_span *spans,
                             struct err *err); /* spans: [PART_KINDS] */

struct timeline_stats {
    uint64_t rows, head_rows;
    uint32_t parts;
    uint64_t bytes;
};
void timeline_stats(struct timeline *timeline, struct timeline_stats *stats);

#endif
