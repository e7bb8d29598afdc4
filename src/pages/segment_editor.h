/*
 * What the editor of rules (web/js/segments.js) chooses from, and what it says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SEGMENT_EDITOR_H
#define SENDA_PAGES_SEGMENT_EDITOR_H

#include "http/http.h"

/* Puts "names" (events, touchpoints, traits, properties, metrics, surveys, numbers, segments but `current`) and "texts". */
must_use int segment_editor_view(struct request *request, const char *current, json_t *view,
                                 struct err *err);
/* [{"colour","checked"}]. New reference. */
json_t *segment_editor_colours(const char *chosen);

#endif
