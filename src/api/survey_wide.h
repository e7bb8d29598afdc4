/*
 * One submission a row: the wide form of a survey's responses (export_responses.c).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_SURVEY_WIDE_H
#define SENDA_API_SURVEY_WIDE_H

#include "api/api.h"

/* Begins to answer with CSV for the survey in the address. E_NOT_FOUND. */
must_use int survey_wide_begin(struct request *request, struct response *response, int64_t from_ms,
                               int64_t to_ms, struct err *err);

#endif
