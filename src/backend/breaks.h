/*
 * Broken promises one by one, for whoever tells them: of everybody, or of a few customers at the price of their own rows.
 *
 * IN:  a question of kind `promise` (query/plan.h, 9), one snapshot, one instant
 * OUT: which interactions made a promise that is broken, and when it broke
 *
 * A promise to be kept within a time breaks when the time is over, any other when what breaks it happens.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_BREAKS_H
#define SENDA_BACKEND_BREAKS_H

#include <roaring/roaring.h>

#include "backend/backend.h"
#include "timeline/timeline.h"

struct promise_break {
    uint64_t seq;     /* of the interaction (or answer) that made the promise */
    uint32_t profile; /* whose it was when it came */
    uint16_t unit;    /* where it was made, or CODE_NONE */
    int64_t made_ms, due_ms, broken_ms;
};

struct breaks_asked {
    const json_t *question;
    int64_t since_ms, now_ms;     /* broken since then */
    const roaring_bitmap_t *only; /* of these customers alone; NULL: of all */
};

/* Calls take() for each, in no order, in this thread. *waits_ms: after so long a promise breaks by time alone; 0: never.
 * Errors as query_run. */
must_use int breaks_find(struct folder *folder, const struct snapshot *snapshot,
                         const struct breaks_asked *asked,
                         void (*take)(void *context, const struct promise_break *broken),
                         void *context, int64_t *waits_ms, struct err *err);

#endif
