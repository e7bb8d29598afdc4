/*
 * How long interactions are kept, by what they are: the first rule whose conditions hold decides; without one, for ever. A rule
 * without conditions, at the end, is for all others.
 *
 * What is older is let go of by a job (privacy/retention.h) and refused when it comes late (`too_old`): it would be gone by the next
 * morning. Changes of customers are no interactions.
 *
 * COST  One comparison a rule and interaction; nothing while there are no rules.
 *
 * THREADS  Everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_KEEPING_H
#define SENDA_COLLECT_KEEPING_H

#include "base/arena.h"
#include "base/slice.h"
#include "store/store.h"

enum { KEEP_RULES_MAX = 100, KEEP_ANY_SOURCE = -1 };

struct keep_rule {
    const char *event, *channel; /* "": any */
    int source;                  /* its number, or KEEP_ANY_SOURCE */
    int64_t days;                /* 0: for ever */
};

struct keeping;
must_use int keeping_open(struct keeping **keeping, struct store *store, struct err *err);
void keeping_close(struct keeping *keeping);

bool keeping_any(struct keeping *keeping); /* is there a rule? */
/* How many days an interaction is kept; 0: for ever. */
int64_t keeping_days(struct keeping *keeping, struct slice event, struct slice channel, int source);
/* In order of trial; texts are the arena's. */
void keeping_list(struct keeping *keeping, struct arena *arena, struct keep_rule **list, size_t *n);
/* In place of those there are. */
must_use int keeping_replace(struct keeping *keeping, const struct keep_rule *list, size_t n,
                             struct err *err);

/* Rules that are not stored, for asking what they would do: until keeping_close. */
struct keeping *keeping_of(const struct keep_rule *list, size_t n);

#endif
