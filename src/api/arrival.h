/*
 * The last accepted events, for live views.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_ARRIVAL_H
#define SENDA_API_ARRIVAL_H

#include "api/api.h"

enum { ARRIVALS_MAX = 200 };

/* Newest first: [{"time","received","event","channel","source","customer","who"}]; only those with seq > after that
 * the asker may see. source -1: all. *last (may be NULL): the highest seq seen. *rows is a new reference. */
must_use int arrivals_json(struct request *request, int source, size_t limit, uint64_t after,
                           json_t **rows, uint64_t *last, struct err *err);

#endif
