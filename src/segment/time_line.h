/*
 * What happens by time alone: customers whose interactions pass an edge of a window soon, found ahead. A row at t lies in
 * [T - D, T) for T in (t, t + D]: it is due at t + 1, and at t + D + 1 for each length D. Segments decide their members by
 * it, promises what broke.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_TIME_LINE_H
#define SENDA_SEGMENT_TIME_LINE_H

#include "backend/members.h"

struct time_due {
    int64_t due_ms;
    uint32_t owner;
};

/* A heap, the next first. All zero: empty. */
struct time_line {
    struct time_due *heap;
    size_t n, capacity;
    int64_t until_ms; /* found ahead up to here; 0: nothing yet */
    int64_t lengths_ms[MEMBER_LENGTHS + 1];
    size_t n_lengths;
    const char *const *without; /* events of Senda's own that pass no edge (members_between) */
};

void time_line_release(struct time_line *line);
/* Finds ahead what is not yet; again from now where the lengths differ from those before (NULL: they do not). At most
 * MEMBER_LENGTHS of them. */
must_use int time_line_extend(struct time_line *line, const struct snapshot *snapshot,
                              const int64_t *lengths_ms, size_t n_lengths, int64_t now_ms,
                              struct err *err);
/* A row that arrived: if it passes an edge before `until_ms`, the place is noted. */
void time_line_note(struct time_line *line, uint32_t owner, int64_t time_ms, int64_t now_ms);
/* Forgets what was found: the next time_line_extend looks anew. */
void time_line_clear(struct time_line *line);
/* Moves who is due into the set. */
void time_line_take(struct time_line *line, int64_t now_ms, roaring_bitmap_t *dirty);

#endif
