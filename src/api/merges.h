/*
 * Two customers as one, for whoever proposes it (merges.c).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_MERGES_H
#define SENDA_API_MERGES_H

#include "api/customer_read.h"

/* Both as they are, where they differ, and what they would be: a new reference. E_CONFLICT: they are one already. */
must_use int merge_preview(struct request *request, const char *id, const char *into, json_t **out,
                           struct err *err);
/* Makes them one, with an entry in the audit: the customer that they are, a new reference. */
must_use int merge_unite(struct request *request, const char *id, const char *into, const char *why,
                         json_t **out, struct err *err);

#endif
