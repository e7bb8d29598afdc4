/*
 * WHOM: segments, groups of customers that a rule describes, under a name that every question understands
 * (`"segment": "vip"`, `{"in": "vip"}`).
 *
 * A segment is a JSON document:
 *   name         how questions say it: a-z 0-9 - _; made of the title where it is absent; never changes
 *   title        what people call it
 *   rule         a segment rule (interface.md, Queries)
 *   mission      what these customers come to do
 *   proposition  the value proposition: what the organisation offers them
 *   description  anything else
 *   colour       one of SEGMENT_COLOURS
 *   owner        who answers for it
 * As it is read: also id, author, created_at, changed_at.
 *
 * IN:  documents, who asks
 * OUT: stored segments
 *
 * INVARIANTS
 *  1. Every stored rule compiles: a segment that others are built on is not removed, nor changed so that those break.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_SEGMENT_H
#define SENDA_SEGMENT_SEGMENT_H

#include <jansson.h>

#include "folder/folder.h"

enum { SEGMENTS_MAX = 200, SEGMENT_NAME_BYTES = 64 };

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

#endif
