/*
 * Of those who were asked, how many answered: the response rate beside each score.
 *
 * An asking is an interaction `Survey Invited`, or `Survey Shown` where it does not follow an open invitation of the same customer
 * to the same survey. It is answered by the customer's next `Survey Responded` to that survey before the next asking. Askings are
 * counted where and when they happened. Answers without an asking (a file, a screen that everybody passes) have no rate.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_RATE_H
#define SENDA_BACKEND_SCORE_RATE_H

#include "backend/local.h"

struct score_rate {
    const char *unknown; /* why there is none, NULL: there is */
    uint32_t buckets, columns;
    const uint64_t *asked, *answered; /* [buckets][columns] as the score's own groups */
};

/* Counts with the question's filters, groups and buckets. */
must_use int score_rate_count(struct question *question, const struct bucket_table *buckets,
                              struct score_rate *rate, struct err *err);
/* Adds "response_rate" (null with "response_rate_reason": no_invitations, conditions, not_asked), "asked". rate NULL: unknown.
 * bucket UINT32_MAX: outside of what was counted. */
void score_rate_add(const struct score_rate *rate, json_t *row, uint32_t bucket,
                    const struct ranking *ranking, uint32_t place);

#endif
