/*
 * Which customers the rule of a segment holds for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "journey/rules.h"

/* Of everybody: each value is decided once. */
static int fill_trait(struct question *question, struct rule_trait *trait, struct err *err) {
    struct value_table table;
    uint32_t *by_owner;
    value_table_init(&table);
    int code = scan_traits(question->snapshot, trait->rule->trait.property, &table, question->arena,
                           &by_owner, err);
    uint8_t *holds = ARENA_ARRAY(question->arena, uint8_t, table.n);
    for (uint32_t value = 0; value < table.n; value++)
        holds[value] = predicate_matches(&trait->rule->trait, &table.values[value]);
    value_table_release(&table);
    trait->by_owner = by_owner;
    trait->holds = holds;
    return code;
}

static int fill_traits(struct question *question, struct rule_spec *spec, struct err *err) {
    int code = 0;
    for (uint32_t i = 0; i < spec->n_traits && !code; i++) {
        struct rule_trait *trait = &spec->traits[i];
        code = question->only
                   ? scan_traits_few(question->snapshot, &trait->rule->trait, question->only,
                                     question->arena, &trait->members, err)
                   : fill_trait(question, trait, err);
    }
    return code;
}

/* What a rule may look at: the asker's scope, and where `filtered` the question's unit, channel and where. */
static struct filter rule_filter(const struct plan *plan, bool filtered) {
    if (filtered)
        return plan->filter;
    return (struct filter){
        .some_units = plan->scoped, .units = plan->scope, .n_units = plan->n_scope};
}

static int answered(struct question *question, const struct rule *rule, bool filtered,
                    struct owner_set *set, struct err *err) {
    for (uint32_t i = 0; i < rule->did.n_where; i++)
        if (rule->did.where[i].property == CODE_NONE)
            return 0; /* nobody has answered anything yet */
    struct scan_spec spec = {.kind = PART_ANSWERS,
                             .unordered = true,
                             .of = &rule->did,
                             .members = question->only,
                             .few = question->only != NULL};
    struct scan scan;
    spec.filter = rule_filter(question->plan, filtered);
    spec.filter.from_ms = rule->from_ms;
    spec.filter.to_ms = rule->to_ms;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    return code ? code : scan_run(&scan, &scan_seen_operator, (void *[]){set, set}, err);
}

/* The members of a stored segment, once for each question. */
struct stored_members {
    struct stored_members *before;
    const struct rule *rule;
    struct owner_set set;
};

/* Stored segments are decided by everything that happened, whoever asks. */
int question_stored(struct question *question, const struct rule *rule, struct owner_set *set,
                    struct err *err) {
    struct stored_members *known = *question->stored;
    while (known && known->rule != rule->in)
        known = known->before;
    if (!known) {
        struct plan *plan = ARENA_ARRAY(question->arena, struct plan, 1);
        struct question *inner = ARENA_ARRAY(question->arena, struct question, 1);
        *plan = *question->plan;
        plan->scoped = false;
        *inner = (struct question){.folder = question->folder,
                                   .plan = plan,
                                   .snapshot = question->snapshot,
                                   .dictionary = question->dictionary,
                                   .patience = question->patience,
                                   .arena = question->arena,
                                   .only = question->only,
                                   .stored = question->stored};
        known = ARENA_ARRAY(question->arena, struct stored_members, 1);
        known->rule = rule->in;
        int code = question_rule(inner, rule->in, false, &known->set, err);
        question->scan.interactions += inner->scan.interactions;
        if (code)
            return code;
        known->before = *question->stored;
        *question->stored = known;
    }
    *set = known->set;
    return 0;
}

static int estimated(struct question *question, const struct rule *rule, struct owner_set *set,
                     struct err *err) {
    struct numbers *numbers;
    int code = numbers_get(question->folder, &numbers, err);
    for (uint32_t owner = 1; !code && owner < set->n; owner++) {
        if (question->only && !question->only->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if (question->only && !owner_set_has(question->only, owner))
            continue;
        struct value value = number_value(numbers_of(numbers, rule->number, owner));
        if (predicate_matches(&rule->trait, &value))
            owner_set_put(set, owner, true);
    }
    numbers_put(numbers);
    return code;
}

static int leaf_set(struct question *question, const struct rule *rule, bool filtered,
                    struct owner_set *set, struct err *err) {
    switch (rule->kind) {
    case RULE_SEQUENCE: return question_sequence(question, rule, filtered, set, err);
    case RULE_IN: return question_stored(question, rule, set, err);
    case RULE_NUMBER: return estimated(question, rule, set, err);
    default: return answered(question, rule, filtered, set, err);
    }
}

void question_each_stored(const struct question *question,
                          void (*visit)(void *context, const struct rule *rule), void *context) {
    for (const struct stored_members *known = *question->stored; known; known = known->before)
        visit(context, known->rule);
}

static int fill_sets(struct question *question, struct rule_spec *spec, bool filtered,
                     struct err *err) {
    int code = 0;
    for (uint32_t i = 0; i < spec->n_sets && !code; i++) {
        struct rule_set *leaf = &spec->sets[i];
        owner_set_init(&leaf->members, snapshot_profiles(question->snapshot) + 1, question->arena);
        code = leaf_set(question, leaf->rule, filtered, &leaf->members, err);
    }
    return code;
}

static bool redirected(const struct overlay *overlay, uint32_t profile) {
    return overlay && overlay->n && overlay_owner(overlay, profile) != profile;
}

/* Every owner as if it had done nothing; the scan then decides those that did something. */
static void assume_nothing(const struct question *question, const struct rule_spec *spec) {
    uint32_t none[PLAN_MATCHERS] = {0};
    const struct overlay *overlay = snapshot_overlay(question->snapshot);
    bool constant = spec->n_traits + spec->n_sets == 0,
         holds = constant && rule_holds(spec, none, 0);
    for (uint32_t owner = 1; owner < spec->members->n; owner++) {
        if (question->only && !question->only->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if ((!question->only || owner_set_has(question->only, owner)) &&
            !redirected(overlay, owner) && (constant ? holds : rule_holds(spec, none, owner)))
            owner_set_put(spec->members, owner, true);
    }
}

/* Interactions a rule may look at: the union of its windows, the asker's scope, and where `filtered` the question's
 * unit, channel and where. */
static void rule_scan(const struct question *question, const struct rule_spec *rule, bool filtered,
                      struct scan_spec *spec) {
    *spec = (struct scan_spec){.unordered = true,
                               .select = true,
                               .n_matchers = rule->n_leaves,
                               .members = question->only,
                               .few = question->only != NULL};
    spec->filter = rule_filter(question->plan, filtered);
    spec->filter.from_ms = INT64_MAX;
    spec->filter.to_ms = INT64_MIN;
    for (uint32_t w = 0; w < rule->n_windows; w++) {
        const struct rule_window *window = &rule->windows[w];
        spec->filter.from_ms =
            window->from_ms < spec->filter.from_ms ? window->from_ms : spec->filter.from_ms;
        spec->filter.to_ms =
            window->to_ms > spec->filter.to_ms ? window->to_ms : spec->filter.to_ms;
    }
    for (uint32_t leaf = 0; leaf < rule->n_leaves; leaf++)
        spec->matchers[leaf] = &rule->leaves[leaf].rule->did;
}

int question_rule(struct question *question, const struct rule *rule, bool filtered,
                  struct owner_set *set, struct err *err) {
    struct rule_spec *spec = ARENA_ARRAY(question->arena, struct rule_spec, 1);
    owner_set_init(set, snapshot_profiles(question->snapshot) + 1, question->arena);
    int code = rule_spec_init(spec, rule, set, question->arena, err);
    if (!code)
        code = fill_traits(question, spec, err);
    if (!code)
        code = fill_sets(question, spec, filtered, err);
    if (code)
        return code;
    assume_nothing(question, spec);
    if (spec->n_leaves == 0)
        return 0;
    struct scan_spec scanned;
    struct scan scan;
    rule_scan(question, spec, filtered, &scanned);
    /* Parts outside the windows are left alone; inside them the operator minds the time itself. */
    code = scan_prepare(&scan, &scanned, question->snapshot, &question->patience, question->arena,
                        err);
    if (code)
        return code;
    scan_ignore_range(&scan);
    spec->lut = scan.lut;
    rule_spec_pack(spec, question->arena);
    struct rule_state states[SCAN_THREADS];
    void *pointers[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        states[t].spec = spec;
        pointers[t] = &states[t];
    }
    code = scan_run(&scan, &rule_operator, pointers, err);
    question->scan.interactions += scan.interactions;
    return code;
}
