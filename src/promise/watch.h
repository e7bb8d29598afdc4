/*
 * Telling broken promises: each break becomes an interaction `Promise Broken` (source system) of the customer whom the
 * promise was made to, once, within seconds of the moment in which it broke; its time is that moment, its unit the one
 * where the promise was made. Properties: promise (the sentence), promise_id, made_at.
 *
 * Told is what breaks since the promise measures what it measures (or since the promise's own `since`). Once told, a break
 * stays told, also where an interaction that arrives late shows that the promise was kept: numbers are counted anew, what
 * was said was said.
 *
 * STATES of a watched promise
 *   unknown   new, changed, or the server has just begun, or too much happened: everybody is looked at, one promise a round
 *   known     a round looks at those whom something happened to (segment/follow.h): new interactions, merges, a deadline
 *
 * INVARIANTS
 *  1. A break is told in the transaction that keeps it as told (promise_told), by the number of the interaction that made
 *     the promise: neither a crash nor a rebuilt index tells one twice or leaves one out.
 *
 * THREADS  One round at a time (`turn`).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PROMISE_WATCH_H
#define SENDA_PROMISE_WATCH_H

#include "folder/folder.h"
#include "jobs/jobs.h"

#define PROMISE_BROKEN_EVENT "Promise Broken"

/* One round; the server's job does it each second. */
must_use int promises_watch(struct folder *folder, struct err *err);
/* Promises are others now: the next round reads them again. */
must_use int promises_changed(struct folder *folder, struct err *err);
extern const struct job job_promises;

#endif
