/*
 * Who something happened to since the last look: in the log, by a merge, or by time alone (time_line.h). Whoever keeps
 * something current about customers decides these anew.
 *
 * THREADS  One thread at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_FOLLOW_H
#define SENDA_SEGMENT_FOLLOW_H

#include <jansson.h>

#include "folder/folder.h"
#include "segment/time_line.h"

/* Whether rules or promises may match what is told of memberships (`Segment Entered`, `Segment Left`): by name, or by a
 * touchpoint, where a rule of touchpoints may give it one. Where neither is named, nothing that Senda derived matches
 * (invariant 13 of query/plan.h). */
struct follow_minds {
    bool by_name, by_touchpoint;
};

struct follow {
    uint64_t seq;            /* rows of the log up to here were looked at */
    uint32_t profiles;       /* and profiles up to here: an alias makes some without any row */
    roaring_bitmap_t *dirty; /* owners; whoever decides them takes them out */
    bool everybody; /* is dirty: at the beginning, and where too much has happened to be read */
    struct follow_minds
        minds; /* of all rules or promises of the owner of this struct, who fills it */
    bool
        unminded; /* no rule asks for memberships that are told: rows of those make nobody dirty; as of the last look */
    struct time_line time_line;
    uint64_t overlay_version;
    uint32_t *redirected, *owner; /* [n_redirects] of the overlay that was seen last */
    size_t n_redirects;
};

void follow_init(struct follow *follow);
void follow_release(struct follow *follow);
/* Puts into `dirty` whom what the snapshot holds beyond the last look is about, and who is due. */
must_use int follow_look(struct follow *follow, struct folder *folder,
                         const struct snapshot *snapshot, int64_t now_ms, struct err *err);
/* Adds what a rule or a promise may match. */
void follow_minds(struct follow_minds *minds, const json_t *rule);
/* Nobody has to be decided: what is there counts as seen. */
void follow_skip(struct follow *follow, const struct snapshot *snapshot);

#endif
