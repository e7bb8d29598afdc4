/*
 * The hierarchy of units: who is below whom. Kept in the records (table `unit`), read per question. A unit may be known
 * there without having interactions of its own ("spain" above "madrid"): it then has no code.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_UNITS_H
#define SENDA_QUERY_UNITS_H

#include "base/arena.h"
#include "timeline/dictionary.h"

struct units {
    size_t n;
    const struct slice *name, *parent; /* [n]; parent empty: the root */
    const struct dictionary *dictionary;
};

/* Reads `unit(name, parent)`; no such table yet: an empty hierarchy. Texts live in the arena. */
must_use int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena,
                        struct units *units, struct err *err);

/* Somebody made it or an interaction bears it. */
bool units_know(const struct units *units, struct slice name);
/* Codes of the unit and of everything below it, ascending. Returns how many (0: none has an interaction). Cycles end. */
size_t units_below(const struct units *units, struct slice name, struct arena *arena,
                   const uint16_t **codes);

#endif
