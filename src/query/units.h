/*
 * The hierarchies of units: who is below whom. Kept in the records (tables `unit`, `unit_parent`), read per question. A
 * unit may be known there without having interactions of its own ("spain" above "madrid"): it then has no code.
 *
 * A unit has at most one parent in each hierarchy (territory, format, operator …). What is below a unit is found in
 * each hierarchy by itself and put together: the centre that an operator runs in Madrid is below "madrid" and below
 * the operator, and whoever may see the operator's own region does not see Madrid by way of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_UNITS_H
#define SENDA_QUERY_UNITS_H

#include "base/arena.h"
#include "timeline/dictionary.h"

struct units {
    size_t n, n_edges;
    const struct slice *name, *title; /* [n]; title: as shown */
    const struct unit_edge {
        struct slice hierarchy, unit, parent;
    } * edges; /* [n_edges], by hierarchy */
    const struct dictionary *dictionary;
};

/* Reads the tables; where there are none yet: nothing. Texts live in the arena. */
must_use int units_load(sqlite3 *db, const struct dictionary *dictionary, struct arena *arena,
                        struct units *units, struct err *err);

/* Somebody made it or an interaction bears it. */
bool units_know(const struct units *units, struct slice name);
/* As it is shown, "" where nobody made it. */
struct slice units_title(const struct units *units, struct slice name);
/* Codes of the unit and of everything below it in any hierarchy, ascending. Returns how many (0: none has an interaction). Cycles end. */
size_t units_below(const struct units *units, struct slice name, struct arena *arena,
                   const uint16_t **codes);

#endif
