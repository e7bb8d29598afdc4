/*
 * Leaves of segment rules beside `did` and traits: an order of interactions, an answer, a stored segment, an estimate.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/limits.h"
#include "base/time.h"
#include "query/internal.h"

#define LONGEST_SEQUENCE_MS (INT64_C(20) * 365 * DAY_MS)

enum { ANSWER_CONDITIONS = 4, STORED_DEPTH = 8, STORED_CHOICES = 40 };

static int read_steps(struct reader *r, const json_t *json, struct plan *funnel) {
    size_t n = json_array_size(json);
    if (n < 2 || n > LIMIT_FUNNEL_STEPS)
        return refuse(r, "must be a list of 2 to %d matchers", LIMIT_FUNNEL_STEPS);
    struct matcher *steps = ARENA_ARRAY(r->arena, struct matcher, n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_matcher(r, json_array_get(json, i), NULL, &steps[i]);
        leave(r, mark);
    }
    funnel->steps = steps;
    funnel->n_steps = (uint32_t)n;
    return code;
}

static int read_never(struct reader *r, const json_t *json, struct plan *funnel) {
    struct exclusion *exclusion = ARENA_ARRAY(r->arena, struct exclusion, 1);
    int code = read_matcher(r, json, NULL, &exclusion->matcher);
    const struct matcher *matcher = &exclusion->matcher;
    if (!code && matcher_is_open(matcher))
        return refuse(r, "needs an event, a touchpoint or a condition");
    exclusion->after_step = 1;
    exclusion->before_step = funnel->n_steps;
    funnel->exclusions = exclusion;
    funnel->n_exclusions = 1;
    return code;
}

int read_sequence(struct reader *r, const json_t *json, struct rule *rule) {
    const struct plan *plan = r->plan;
    struct plan *funnel = ARENA_ARRAY(r->arena, struct plan, 1);
    struct filter *filter = &funnel->filter;
    rule->kind = RULE_SEQUENCE;
    rule->sequence = funnel;
    *funnel = (struct plan){.kind = PLAN_FUNNEL,
                            .zone = plan->zone,
                            .now_ms = plan->now_ms,
                            .end_ms = plan->end_ms,
                            .window_ms = LONGEST_SEQUENCE_MS,
                            .limit = PLAN_NO_LIMIT,
                            .scoped = plan->scoped,
                            .scope = plan->scope,
                            .n_scope = plan->n_scope};
    *filter = (struct filter){.from_ms = TIME_MIN_MS,
                              .to_ms = TIME_MAX_MS,
                              .some_units = plan->scoped,
                              .units = plan->scope,
                              .n_units = plan->n_scope};
    int code = read_members(r, json, "sequence within never range");
    WITH_MEMBER(r, json, "sequence", steps, code, read_steps(r, steps, funnel));
    WITH_MEMBER(r, json, "within", within, code, read_duration(r, within, &funnel->window_ms));
    WITH_MEMBER(r, json, "never", never, code, read_never(r, never, funnel));
    WITH_MEMBER(
        r, json, "range", range, code,
        read_range(r, range, &filter->from_ms, &filter->to_ms, &filter->has_from, &filter->has_to));
    return code;
}

/* op and value stand in the answer's own object, so their pointers are right. */
static int read_answer_value(struct reader *r, const json_t *json, struct predicate *predicate) {
    json_t *copy = json_pack("{s:s}", "property", "value");
    static const char *const members[] = {"op", "value"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(json, members[i]))
            json_object_set(copy, members[i], json_object_get(json, members[i]));
    int code = read_predicate(r, copy, "property", predicate);
    json_decref(copy);
    return code;
}

int read_answered(struct reader *r, const json_t *json, struct rule *rule) {
    struct predicate *where = ARENA_ARRAY(r->arena, struct predicate, ANSWER_CONDITIONS);
    uint32_t n = 0;
    bool has_from, has_to;
    rule->kind = RULE_ANSWERED;
    rule->from_ms = TIME_MIN_MS;
    rule->to_ms = TIME_MAX_MS;
    int code = read_members(r, json, "survey question metric op value within range");
    if (!code && json_object_get(json, "within") && json_object_get(json, "range"))
        return refuse(r, "\"within\" and \"range\" exclude each other");
    WITH_MEMBER(r, json, "survey", survey, code, read_condition(r, where, &n, "survey", survey));
    WITH_MEMBER(r, json, "question", question, code,
                read_condition(r, where, &n, "question", question));
    WITH_MEMBER(r, json, "metric", metric, code, read_condition(r, where, &n, "metric", metric));
    if (!code && (json_object_get(json, "op") || json_object_get(json, "value")))
        code = read_answer_value(r, json, &where[n++]);
    WITH_MEMBER(r, json, "within", within, code, read_within(r, within, rule));
    WITH_MEMBER(r, json, "range", range, code,
                read_range(r, range, &rule->from_ms, &rule->to_ms, &has_from, &has_to));
    if (!code && !n) {
        refuse(r, "does not say which answer");
        return err_hint(r->err, "Give survey, question, metric, or op and value.");
    }
    rule->did = (struct matcher){.name = SLICE_LITERAL("*"), .where = where, .n_where = n};
    return code;
}

/* ---- stored segments ---- */

struct stored_use {
    struct stored_use *before;
    struct slice name;
    const struct rule *rule;
    bool open; /* being read: whoever names it now closes a circle */
};

static int refuse_stored(struct reader *r, struct slice name) {
    const struct stored_rules *stored = r->context->stored;
    const char *choices[STORED_CHOICES];
    size_t n = 0;
    for (; stored && n < stored->n && n < STORED_CHOICES; n++)
        choices[n] = stored->rules[n].name.p;
    return n ? refuse_choice(r, ERR_WORDS("segment"), name.p, choices, n)
             : refuse(r, "no segment is called \"%.*s\"", name.n > 80 ? 80 : (int)name.n, name.p);
}

/* The rule of a stored segment, for everybody: without the asker's rights. */
static int read_stored(struct reader *r, const struct stored_rule *stored,
                       const struct rule **rule) {
    struct plan *asked = r->plan, *whole = ARENA_ARRAY(r->arena, struct plan, 1);
    json_t *json = json_loadb(stored->rule.p, stored->rule.n, 0, NULL);
    *whole = *asked;
    whole->scoped = false;
    whole->scope = NULL;
    whole->n_scope = 0;
    r->plan = whole;
    r->within_stored++;
    int code = read_rule(r, json, 0, rule);
    r->within_stored--;
    r->plan = asked;
    json_decref(json);
    return code;
}

int read_in(struct reader *r, const json_t *json, struct rule *rule) {
    struct slice name = {0};
    int code = read_text(r, json, &name);
    if (code)
        return code;
    rule->kind = RULE_IN;
    for (const struct stored_use *use = r->uses; use; use = use->before)
        if (slice_equal(use->name, name)) {
            rule->in = use->rule;
            return use->open ? refuse(r, "segment \"%.80s\" is built on itself", name.p) : 0;
        }
    const struct stored_rule *stored = stored_rules_find(r->context->stored, name);
    if (!stored)
        return refuse_stored(r, name);
    if (r->within_stored == STORED_DEPTH)
        return refuse(r, "segments are built on each other more than %d deep", STORED_DEPTH);
    struct stored_use *use = ARENA_ARRAY(r->arena, struct stored_use, 1);
    *use = (struct stored_use){.before = r->uses, .name = name, .open = true};
    r->uses = use;
    code = read_stored(r, stored, &use->rule);
    use->open = false;
    rule->in = use->rule;
    return code;
}

/* {"of": "clv", "op": ">=", "value": 100}. Estimates are of all that a customer did; who sees some units only asks of their customers. */
int read_number_leaf(struct reader *r, const json_t *json, struct rule *rule) {
    int number = 0;
    if (!json_is_object(json)) {
        refuse(r, "must be an object with \"of\", \"op\" and \"value\"");
        return err_hint(r->err,
                        "Write {\"value\": {\"of\": \"clv\", \"op\": \">=\", \"value\": 100}}.");
    }
    int code = read_members(r, json, "of op value");
    if (!code && !json_object_get(json, "of"))
        return refuse(r, "needs \"of\"");
    WITH_MEMBER(r, json, "of", of, code,
                read_choice(r, of, ERR_WORDS("estimate"), number_names, NUMBERS_ASKED, &number));
    rule->kind = RULE_NUMBER;
    rule->number = (enum number)number;
    if (!code)
        code = read_operation(r, json, &rule->trait);
    for (uint32_t i = 0; !code && i < rule->trait.n_values; i++)
        if (rule->trait.values[i].type != VALUE_INT && rule->trait.values[i].type != VALUE_NUMBER) {
            size_t mark = enter(r, "value");
            code = refuse(r, "must be a number");
            leave(r, mark);
        }
    return code;
}

int read_classes(struct reader *r, const json_t *json) {
    const struct stored_rules *stored = r->context->stored;
    struct slice name = {0};
    int code = read_text(r, json, &name);
    size_t n = stored && !code ? stored->n : 0;
    struct rule_class *classes = ARENA_ARRAY(r->arena, struct rule_class, n);
    struct plan *plan = r->plan;
    plan->by = BY_SEGMENTATION;
    plan->classes = classes;
    for (size_t i = 0; i < n && !code; i++) {
        struct slice full = stored->rules[i].name;
        if (full.n <= name.n || memcmp(full.p, name.p, name.n) != 0 || full.p[name.n] != '/')
            continue;
        struct rule *rule = ARENA_ARRAY(r->arena, struct rule, 1);
        json_t *class = json_stringn(full.p, full.n);
        code = read_in(r, class, rule);
        json_decref(class);
        classes[plan->n_classes++] =
            (struct rule_class){.name = {full.p + name.n + 1, full.n - name.n - 1}, .rule = rule};
    }
    if (!code && !plan->n_classes)
        return refuse(r, "no segmentation is called \"%.80s\"", name.p);
    return code;
}
