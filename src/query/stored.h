/*
 * Rules that have a name: stored segments ("vip") and the classes of segmentations ("homes/rural"). Kept in the records
 * (table `segment_rule`, written by segment/), read per question, so that a question may say `"segment": "vip"` and a
 * rule `{"in": "vip"}`.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_STORED_H
#define SENDA_QUERY_STORED_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"

struct stored_rule {
    struct slice name;
    struct slice rule; /* JSON */
};
struct stored_rules {
    size_t n;
    struct stored_rule *rules; /* by name */
};

/* Texts live in the arena. */
must_use int stored_rules_load(sqlite3 *db, struct arena *arena, struct stored_rules *stored,
                               struct err *err);
/* NULL if nothing has this name. */
const struct stored_rule *stored_rules_find(const struct stored_rules *stored, struct slice name);

#endif
