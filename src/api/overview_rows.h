/*
 * What a customer's rows tell at a glance: the last contact through each channel, units, how they felt, what is still open. One pass
 * over the rows that the asker may see.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_OVERVIEW_ROWS_H
#define SENDA_API_OVERVIEW_ROWS_H

#include "api/customer_read.h"

/* Members of the answer, new references:
 *   channels  [{"channel","count","share","last","event","touchpoint","unit"}], most first
 *   units     [{"unit","count"}], most first
 *   open      [{"kind","event","reference","time","channel","unit"}], newest first: cases, complaints, claims and faults of the last year
 *             that nothing closed */
must_use int overview_contacts(struct request *request, struct reader *reader, uint32_t owner,
                               json_t *answer, struct err *err);
/*   opinions  [{"time","event","channel","unit","metric","question","value","scale","mood","comment"}], newest first
 *   mood      {"state": "happy" | "neutral" | "unhappy", "since", "answers"} of the last opinion with a number; null */
must_use int overview_opinions(struct request *request, struct reader *reader, uint32_t owner,
                               json_t *answer, struct err *err);

#endif
