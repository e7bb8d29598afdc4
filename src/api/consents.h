/*
 * Consents as the API gives them, for pages that no person signs in to.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_CONSENTS_H
#define SENDA_API_CONSENTS_H

#include "api/api.h"
#include "collect/consent.h"

/* As in GET /api/v1/customers/{id}/consents: a new reference. */
must_use int consents_read(struct request *request, uint32_t profile, json_t **rows,
                           struct err *err);
/* E_NOT_FOUND: no such purpose. *written: it was news. */
must_use int consent_say(struct request *request, uint32_t profile, const char *purpose,
                         bool granted, int64_t at_ms, const char *via, const char *who,
                         bool *written, struct err *err);

#endif
