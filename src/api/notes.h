/*
 * Notes as the API gives them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_NOTES_H
#define SENDA_API_NOTES_H

#include "api/api.h"
#include "customer/notes.h"

/* New reference. */
json_t *note_json(const struct request *request, const struct note *note);

#endif
