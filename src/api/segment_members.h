/*
 * Members of a set of customers as an answer: a page of them with a cursor. For segments and classes of segmentations.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_SEGMENT_MEMBERS_H
#define SENDA_API_SEGMENT_MEMBERS_H

#include <roaring/roaring.h>

#include "http/http.h"

/* {"data":[{"id","user_id","name"}],"next","count"} by ?limit= and ?cursor=; noted in the audit as of `what`. */
must_use int segment_members_answer(struct request *request, struct response *response,
                                    const roaring_bitmap_t *set, const char *what, struct err *err);
/* E_NOT_FOUND where the asker may know nothing of this customer. */
must_use int segment_may_know(struct request *request, uint32_t owner, struct err *err);

#endif
