/*
 * Rules of touchpoints and of units that name the person: they can fit nobody any more, so they go, from the records and from the memory
 * of what goes by them. Touchpoints and units of the past stay.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/unit_rules.h"
#include "privacy/internal.h"

static bool names(const struct needles *needles, const char *text) {
    return text && needles_in(needles, slice_of(text));
}

static int erase_touchpoint_rules(struct folder *folder, const struct needles *needles,
                                  struct arena *arena, struct err *err) {
    struct touchpoint_rule *rules;
    size_t n, kept = 0;
    int code = timeline_get_rules(folder->timeline, arena, &rules, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        if (!names(needles, rules[i].event) && !names(needles, rules[i].path) &&
            !names(needles, rules[i].value))
            rules[kept++] = rules[i];
    return code || kept == n ? code : timeline_set_rules(folder->timeline, rules, kept, err);
}

static int erase_unit_rules(struct folder *folder, const struct needles *needles,
                            struct arena *arena, struct err *err) {
    struct unit_rules *known = ingest_unit_rules(folder->ingest);
    struct unit_rule *rules;
    size_t n, kept = 0;
    unit_rules_list(known, arena, &rules, &n);
    for (size_t i = 0; i < n; i++)
        if (!names(needles, rules[i].value))
            rules[kept++] = rules[i];
    return kept == n ? 0 : unit_rules_replace(known, rules, kept, err);
}

int erase_rules(struct folder *folder, const struct needles *needles, struct err *err) {
    struct arena arena;
    if (!needles->n)
        return 0;
    arena_init(&arena);
    int code = erase_touchpoint_rules(folder, needles, &arena, err);
    if (!code)
        code = erase_unit_rules(folder, needles, &arena, err);
    arena_release(&arena);
    return code;
}
