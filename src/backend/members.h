/*
 * Sets of customers, for whoever keeps the members of stored segments current: everybody, or a few customers at the
 * price of their own rows.
 *
 * IN:  names of stored segments, one snapshot, one instant
 * OUT: their members; who has something at a stretch of time
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_MEMBERS_H
#define SENDA_BACKEND_MEMBERS_H

#include <roaring/roaring.h>

#include "backend/backend.h"
#include "query/block.h"
#include "timeline/timeline.h"

enum { MEMBER_LENGTHS = 64 };

struct member_sets {
    roaring_bitmap_t **sets; /* [n], one for each name; member_sets_free */
    size_t n;
    int64_t lengths_ms[MEMBER_LENGTHS]; /* distinct `within` of their rules */
    size_t n_lengths;
    bool more_lengths; /* there are others */
};

/* Members of n stored segments at now_ms, of everything that happened. only: asked of these customers alone, and the sets
 * hold none but them; NULL: of all. Errors as query_run. */
must_use int members_find(struct folder *folder, const struct snapshot *snapshot, int64_t now_ms,
                          const char *const *names, size_t n, const roaring_bitmap_t *only,
                          struct query_control *control, struct member_sets *found,
                          struct err *err);
void member_sets_free(struct member_sets *found);

/* Calls take() for each interaction and answer with a time in [from_ms, to_ms); its owner. without (NULL: none): names of
 * events, NULL at the end, that do not count where Senda derived them. */
must_use int members_between(const struct snapshot *snapshot, int64_t from_ms, int64_t to_ms,
                             const char *const *without,
                             void (*take)(void *context, uint32_t owner, int64_t time_ms),
                             void *context, struct err *err);

/* The same set, of customers below n, in the arena. */
struct owner_set *members_set(const roaring_bitmap_t *bitmap, uint32_t n, struct arena *arena);

/* Customers of whom the asker may know: *seen is NULL where that is everybody, else the caller's. */
must_use int members_seen(const struct snapshot *snapshot, const struct principal *principal,
                          roaring_bitmap_t **seen, struct err *err);

#endif
