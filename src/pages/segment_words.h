/*
 * A segment's rule in words, for people who read it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SEGMENT_WORDS_H
#define SENDA_PAGES_SEGMENT_WORDS_H

#include "http/http.h"

/* {"text", "children": [the same]}: what the template segment_rule shows. titles: name of a segment -> what people call it.
 * New reference. */
json_t *segment_words(struct request *request, const json_t *rule, const json_t *titles);

#endif
