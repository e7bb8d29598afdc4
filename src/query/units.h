/*
 * The hierarchy of units: who is below whom. Kept in the records (table `unit`), read per question.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_UNITS_H
#define SENDA_QUERY_UNITS_H

#include "base/arena.h"
#include "timeline/dictionary.h"

struct units {
    size_t n;
    const uint16_t *unit, *parent; /* [n] codes in DICTIONARY_UNIT; parent CODE_NONE: the root */
};

/* Reads `unit(name, parent)`; no such table yet: an empty hierarchy. Names without a code are left out. */
must_use int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena,
                        struct units *units, struct err *err);

/* The unit and everything below it, ascending. units may be NULL. Returns how many. Cycles end. */
size_t units_below(const struct units *units, uint16_t unit, struct arena *arena, const uint16_t **codes);

#endif
