/*
 * Rules of touchpoints, and giving the rows of a part their touchpoint by them.
 *
 * A row's explicit context.touchpoint wins; else the first rule whose conditions all hold. Each condition is evaluated
 * once per distinct value (event, channel, path, coded property) into a set of rules; a row's sets are intersected and
 * the first rule of what is left wins.
 *
 * COST  5–10 ns a row and 64 rules.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_TOUCHPOINT_H
#define SENDA_TIMELINE_TOUCHPOINT_H

#include <stdatomic.h>

#include "timeline/part_internal.h"
#include "timeline/timeline.h"

/* Immutable, shared by snapshots. */
struct touchpoint_rules {
    atomic_uint refs;
    uint32_t version, n;
    struct touchpoint_rule *rules; /* with texts in arena */
    struct arena arena;
};

/* A copy with one reference; retain and release from any thread. */
struct touchpoint_rules *touchpoint_rules_new(const struct touchpoint_rule *rules, size_t n,
                                              uint32_t version);
void touchpoint_rules_retain(struct touchpoint_rules *rules);
void touchpoint_rules_release(struct touchpoint_rules *rules);

/* Into the arena, with all texts. */
struct touchpoint_rule *touchpoint_rules_copy(const struct touchpoint_rule *rules, size_t n,
                                              struct arena *arena);

/* E_INVALID with the pointer of the field, "/2/path". */
must_use int touchpoint_rules_check(const struct touchpoint_rule *rules, size_t n, struct err *err);

/* Fills codes[part->n_rows]. Touches the columns that it reads. Names that no code has match nothing.
 * E_CORRUPT: the part is damaged. */
must_use int touchpoint_apply(const struct touchpoint_rules *rules,
                              const struct dictionary *dictionary, const struct part *part,
                              uint16_t *codes, struct err *err);

/* "*" is any run of characters, "?" any one byte; everything else is itself. */
bool touchpoint_glob(const char *pattern, struct slice text);

#endif
