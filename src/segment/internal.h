/*
 * Shared inside segment/: checking documents, names, statements.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEGMENT_INTERNAL_H
#define SENDA_SEGMENT_INTERNAL_H

#include <sqlite3.h>

#include "segment/segment.h"

/* The document is an object with no members but these. */
must_use int document_only(const json_t *document, const char *const *members, size_t n,
                           const char *below, struct err *err);
/* A text of at most max bytes, or absent (unless needed). */
must_use int document_text(const json_t *document, const char *name, size_t max, bool needed,
                           const char *below, struct err *err);
must_use int document_colour(const json_t *document, const char *below, struct err *err);
/* The document's name, else one made of its title. E_INVALID. */
must_use int document_name(const json_t *document, char name[SEGMENT_NAME_BYTES], const char *below,
                           struct err *err);

/* Writer: what a name means from now on; rule NULL: nothing. */
must_use int rule_write(sqlite3 *db, const char *name, const char *rule, struct err *err);

#endif
