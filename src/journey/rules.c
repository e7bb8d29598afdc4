/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/rules.h"

static uint32_t count_traits(const struct rule *rule) {
    uint32_t n = rule->kind == RULE_TRAIT;
    for (uint32_t i = 0; i < rule->n_children; i++)
        n += count_traits(rule->children[i]);
    return n;
}

static bool is_set(const struct rule *rule) {
    return rule->kind == RULE_SEQUENCE || rule->kind == RULE_ANSWERED || rule->kind == RULE_IN ||
           rule->kind == RULE_NUMBER;
}

static uint32_t count_sets(const struct rule *rule) {
    uint32_t n = is_set(rule);
    for (uint32_t i = 0; i < rule->n_children; i++)
        n += count_sets(rule->children[i]);
    return n;
}

static uint32_t window_of(struct rule_spec *spec, const struct rule *rule) {
    for (uint32_t w = 0; w < spec->n_windows; w++)
        if (spec->windows[w].from_ms == rule->from_ms && spec->windows[w].to_ms == rule->to_ms)
            return w;
    spec->windows[spec->n_windows] = (struct rule_window){rule->from_ms, rule->to_ms, 0};
    return spec->n_windows++;
}

static int collect(struct rule_spec *spec, const struct rule *rule, struct err *err) {
    if (rule->kind == RULE_TRAIT)
        spec->traits[spec->n_traits++].rule = rule;
    if (is_set(rule))
        spec->sets[spec->n_sets++].rule = rule;
    if (rule->kind == RULE_DID) {
        if (spec->n_leaves == PLAN_MATCHERS)
            return err_set(err, E_INVALID, "a rule holds at most %d times \"did\"", PLAN_MATCHERS);
        uint32_t window = window_of(spec, rule);
        spec->windows[window].leaves |= UINT64_C(1) << spec->n_leaves;
        spec->leaves[spec->n_leaves++] = (struct rule_leaf){rule, window};
    }
    int code = 0;
    for (uint32_t i = 0; i < rule->n_children && !code; i++)
        code = collect(spec, rule->children[i], err);
    return code;
}

int rule_spec_init(struct rule_spec *spec, const struct rule *rule, struct owner_set *members,
                   struct arena *arena, struct err *err) {
    *spec = (struct rule_spec){.root = rule, .members = members};
    spec->traits = ARENA_ARRAY(arena, struct rule_trait, count_traits(rule));
    spec->sets = ARENA_ARRAY(arena, struct rule_set, count_sets(rule));
    return collect(spec, rule, err);
}

static bool compare(enum predicate_op op, uint64_t count, uint64_t times) {
    switch (op) {
    case OP_EQ: return count == times;
    case OP_NE: return count != times;
    case OP_LT: return count < times;
    case OP_LE: return count <= times;
    case OP_GT: return count > times;
    default: return count >= times;
    }
}

/* Leaves, traits and sets were collected in the order of this walk: each consumes the next one, also where the answer is
 * known already. */
struct evaluation {
    const struct rule_spec *spec;
    const uint32_t *counts;
    uint32_t owner, leaf, trait, set;
};

static bool evaluate(struct evaluation *e, const struct rule *rule) {
    if (rule->kind == RULE_DID)
        return compare(rule->times_op, e->counts[e->leaf++], rule->times);
    if (rule->kind == RULE_TRAIT) {
        const struct rule_trait *trait = &e->spec->traits[e->trait++];
        return trait->by_owner ? trait->holds[trait->by_owner[e->owner]]
                               : owner_set_has(&trait->members, e->owner);
    }
    if (is_set(rule))
        return owner_set_has(&e->spec->sets[e->set++].members, e->owner);
    bool all = true, any = false;
    for (uint32_t i = 0; i < rule->n_children; i++) {
        bool holds = evaluate(e, rule->children[i]);
        all = all && holds;
        any = any || holds;
    }
    return rule->kind == RULE_ALL ? all : rule->kind == RULE_ANY ? any : !any;
}

bool rule_holds(const struct rule_spec *spec, const uint32_t *counts, uint32_t owner) {
    struct evaluation e = {spec, counts, owner, 0, 0, 0};
    return evaluate(&e, spec->root);
}

/* Counts leaf bits of one row. */
static void count(uint32_t *counts, uint64_t bits) {
    for (; bits; bits &= bits - 1)
        counts[__builtin_ctzll(bits)]++;
}

static inline uint32_t seconds(int64_t ms) {
    return ms < 0 ? 0 : ms / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ms / 1000);
}

/* The rows of a run in a window, from the last one backwards: runs are in order of time. Seconds decide; milliseconds are
 * read only in the second of a bound. */
static inline uint32_t window_end(const struct run *run, int64_t to_ms) {
    const struct view *view = run->view;
    uint32_t to_s = seconds(to_ms), row = run->to;
    while (row > run->from && view->sec[row - 1] >= to_s &&
           (view->sec[row - 1] > to_s || view_time_ms(view, row - 1) >= to_ms))
        row--;
    return row;
}

static inline uint32_t window_begin(const struct run *run, uint32_t to, int64_t from_ms) {
    const struct view *view = run->view;
    uint32_t from_s = seconds(from_ms), row = to;
    while (row > run->from && view->sec[row - 1] >= from_s)
        row--;
    while (row < to && view->sec[row] == from_s && view_time_ms(view, row) < from_ms)
        row++;
    return row;
}

static inline bool walk(struct rule_state *state, const struct run *run,
                        const struct rule_window *window) {
    const struct view *view = run->view;
    const uint64_t *lut = state->spec->lut, leaves = window->leaves;
    uint32_t to = window_end(run, window->to_ms);
    uint32_t row = window_begin(run, to, window->from_ms);
    const uint16_t *key = view->key;
    bool any = false;
    for (; row < to; row++) {
        uint64_t bits = (view->mask ? view->mask[row] : lut[key[row]]) & leaves;
        if (bits) {
            count(state->counts, bits);
            any = true;
        }
    }
    return any;
}

/* ---- few leaves: counts in the lanes of one word ---- */

enum { LANES = 4, LANE_BITS = 16, CODES = 65536 };

void rule_spec_pack(struct rule_spec *spec, struct arena *arena) {
    if (!spec->lut || spec->n_windows != 1 || spec->n_leaves > LANES)
        return;
    spec->packed = ARENA_ARRAY(arena, uint64_t, CODES);
    for (uint32_t code = 0; code < CODES; code++)
        for (uint64_t bits = spec->lut[code]; bits; bits &= bits - 1)
            spec->packed[code] += UINT64_C(1) << (LANE_BITS * __builtin_ctzll(bits));
}

/* A lane holds what a run of so many rows can count; a customer with more is counted leaf by leaf. */
static bool fits_lanes(const struct run *runs, size_t n) {
    uint64_t rows = 0;
    for (size_t r = 0; r < n; r++)
        rows += runs[r].to - runs[r].from;
    return rows < UINT64_C(1) << LANE_BITS;
}

/* Counts of a run in the window. */
static inline uint64_t walk_packed(const uint64_t *packed, const struct run *run,
                                   const struct rule_window *window) {
    const struct view *view = run->view;
    const uint32_t *sec = view->sec;
    const uint16_t *key = view->key;
    uint32_t row = window_end(run, window->to_ms), from_s = seconds(window->from_ms);
    bool whole = window->from_ms <= (int64_t)from_s * 1000;
    uint64_t counts = 0;
    while (row > run->from && sec[row - 1] >= from_s + !whole)
        counts += packed[key[--row]];
    while (!whole && row > run->from && sec[row - 1] == from_s &&
           view_time_ms(view, row - 1) >= window->from_ms)
        counts += packed[key[--row]];
    return counts;
}

static inline void customer_packed(struct rule_state *state, uint32_t owner, const struct run *runs,
                                   size_t n) {
    const struct rule_spec *spec = state->spec;
    uint64_t counts = 0;
    for (size_t r = 0; r < n; r++)
        counts += walk_packed(spec->packed, &runs[r], &spec->windows[0]);
    if (!counts)
        return;
    for (uint32_t leaf = 0; leaf < spec->n_leaves; leaf++)
        state->counts[leaf] = (uint16_t)(counts >> (LANE_BITS * leaf));
    owner_set_put(spec->members, owner, rule_holds(spec, state->counts, owner));
}

static inline void customer(struct rule_state *state, uint32_t owner, const struct run *runs,
                            size_t n) {
    const struct rule_spec *spec = state->spec;
    if (spec->packed && !runs[0].view->mask && fits_lanes(runs, n)) {
        customer_packed(state, owner, runs, n);
        return;
    }
    memset(state->counts, 0, spec->n_leaves * sizeof *state->counts);
    bool any = false;
    for (size_t r = 0; r < n; r++)
        for (uint32_t w = 0; w < spec->n_windows; w++)
            any |= walk(state, &runs[r], &spec->windows[w]);
    if (any) /* else what was assumed of a customer that did nothing holds */
        owner_set_put(spec->members, owner, rule_holds(spec, state->counts, owner));
}

static void customers(void *opaque, const struct customer_runs *customers, size_t n) {
    for (size_t c = 0; c < n; c++)
        customer(opaque, customers[c].owner, customers[c].runs, customers[c].n);
}

const struct operator rule_operator = {.customers = customers};
