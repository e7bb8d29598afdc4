/*
 * To which unit an interaction belongs that does not say: that of its source, else the first rule whose property has the
 * rule's value ("provider" = "Sur" → unit "sur"). A customer belongs to the units of its interactions.
 *
 * Rules concern what is collected from now on; what is stored keeps its unit.
 *
 * COST  One comparison a rule and property of an event without unit; nothing while there are no rules.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_UNIT_RULES_H
#define SENDA_COLLECT_UNIT_RULES_H

#include "collect/event.h"
#include "store/store.h"

enum { UNIT_RULES_MAX = 1000 };

struct unit_rule {
    const char *property, *value, *unit;
};

struct unit_rules;
must_use int unit_rules_open(struct unit_rules **rules, struct store *store, struct err *err);
void unit_rules_close(struct unit_rules *rules);

/* Any thread. The unit's name stays valid until unit_rules_close; absent if no rule fits. */
struct slice unit_rules_find(struct unit_rules *rules, const struct event *event);
/* In order of trial; texts are the arena's. */
void unit_rules_list(struct unit_rules *rules, struct arena *arena, struct unit_rule **list,
                     size_t *n);
/* In place of those there are. Texts are not empty and at most LIMIT_NAME_BYTES long. */
must_use int unit_rules_replace(struct unit_rules *rules, const struct unit_rule *list, size_t n,
                                struct err *err);

#endif
