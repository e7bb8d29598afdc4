/*
 * Brand promises: a sentence for people and a rule that can be measured, with every version that it had.
 *
 * A promise is a JSON document:
 *   sentence  what the customer is promised, as people read it
 *   rule      the members of a question of kind `promise` (docs/metrics.md): of, then, window, key, absent; of, bound; or answered
 *   target    the share that should be kept, 0 … 1 (0.9)
 *   owner     who answers for it, or absent
 *   split     the trait whose values are the rows of its matrix, or absent
 *   segment   a segment rule: to whom it is made; absent: to everybody
 *   since     from this date (or instant) on its breaks are told as interactions (watch.h); absent: from when it began to
 *             measure what it measures
 * As it is read: also id, version, author, changed_at.
 *
 * IN:  documents, who asks
 * OUT: stored promises; the question that measures one; the promises of one customer that are broken or at risk
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PROMISE_PROMISE_H
#define SENDA_PROMISE_PROMISE_H

#include <jansson.h>

#include "folder/folder.h"
#include "query/principal.h"

enum { PROMISES_MAX = 200 };

/* All promises, the first made first. New reference. */
must_use int promise_list(struct folder *folder, json_t **list, struct err *err);
/* One, in its newest version. New reference. E_NOT_FOUND. */
must_use int promise_find(struct folder *folder, uint64_t id, json_t **promise, struct err *err);
/* All its versions, the newest first, also of one that was removed. E_NOT_FOUND. */
must_use int promise_versions(struct folder *folder, uint64_t id, json_t **versions,
                              struct err *err);
/* Refuses a document that cannot be measured: E_INVALID with the pointer. */
must_use int promise_check(struct folder *folder, const struct principal *principal,
                           const json_t *document, struct err *err);
/* Keeps a checked document as a new promise (*id 0, set then) or the next version of one. E_NOT_FOUND; E_REFUSED beyond
 * PROMISES_MAX. */
must_use int promise_put(struct folder *folder, uint64_t *id, const json_t *document,
                         const char *author, struct err *err);
must_use int promise_remove(struct folder *folder, uint64_t id, struct err *err);

/* The question that measures it. New reference. */
json_t *promise_question(const json_t *promise);
/* What one customer was promised and is broken or at risk, promise by promise, the newest first: [{"id","sentence",
 * "owner","time","due","met","state"}]. New reference. customer: as the query takes it. */
must_use int promise_of_customer(struct folder *folder, const struct principal *principal,
                                 const char *customer, json_t **list, struct err *err);

#endif
