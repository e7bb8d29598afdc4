/*
 * Reading a question of kind `promise`: what must (not) follow in time, what bounds a property, or what is asked of
 * answers. Semantics: query/plan.h, 9.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/internal.h"

/* Whose points keep a promise: {"metric": "csat" or "ces", "survey", "question", "touchpoint"}. */
static int read_promised_answers(struct reader *r, const json_t *json) {
    static const char *const metrics[] = {"csat", "ces"};
    struct plan *plan = r->plan;
    struct predicate *where = ARENA_ARRAY(r->arena, struct predicate, 5);
    uint32_t n = 0;
    int chosen = 0;
    int code = read_members(r, json, "metric survey question touchpoint");
    if (!code)
        code = need(r, json, "metric");
    WITH_MEMBER(r, json, "metric", metric, code,
                read_choice(r, metric, ERR_WORDS("metric"), metrics, 2, &chosen));
    WITH_MEMBER(r, json, "metric", metric, code, read_condition(r, where, &n, "metric", metric));
    WITH_MEMBER(r, json, "survey", survey, code, read_condition(r, where, &n, "survey", survey));
    WITH_MEMBER(r, json, "question", question, code,
                read_condition(r, where, &n, "question", question));
    leave_out_misuse(r, where, &n);
    plan->points_property =
        dictionary_find(r->context->dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("points"));
    where[n++] = (struct predicate){.property = plan->points_property, .op = OP_EXISTS};
    plan->of = (struct matcher){.name = SLICE_LITERAL("*"), .where = where, .n_where = n};
    WITH_MEMBER(r, json, "touchpoint", touchpoint, code,
                read_codes(r, DICTIONARY_TOUCHPOINT, ERR_WORDS("touchpoint"), touchpoint,
                           &plan->of.touchpoints, &plan->of.n_touchpoints));
    plan->promise = PROMISE_SCORE;
    return code;
}

/* `of` with one more condition. */
static struct matcher narrowed(struct reader *r, const struct matcher *of,
                               struct predicate condition) {
    struct predicate *where = ARENA_ARRAY(r->arena, struct predicate, of->n_where + 1);
    for (uint32_t i = 0; i < of->n_where; i++)
        where[i] = of->where[i];
    where[of->n_where] = condition;
    struct matcher matcher = *of;
    matcher.where = where;
    matcher.n_where++;
    return matcher;
}

/* {"property", "op", "value"} of an interaction that matches `of`, which has been read. */
static int read_bound(struct reader *r, const json_t *json) {
    static const enum predicate_op refused[] = {OP_EXISTS, OP_ABSENT};
    struct plan *plan = r->plan;
    struct predicate bound;
    int code = read_predicate(r, json, "property", &bound);
    for (size_t i = 0; i < sizeof refused / sizeof *refused && !code; i++)
        if (bound.op == refused[i])
            code = refuse(r, "a bound compares a property with a value");
    if (code)
        return code;
    plan->back = narrowed(r, &plan->of, bound);
    plan->of =
        narrowed(r, &plan->of, (struct predicate){.property = bound.property, .op = OP_EXISTS});
    plan->promise = PROMISE_BOUND;
    return 0;
}

/* Which of the kinds the members ask for; each refuses the members of the others. */
static int choose_promise(struct reader *r, const json_t *query, enum promise_kind *kind) {
    static const struct {
        enum promise_kind kind;
        const char *needed[3], *foreign[6];
    } kinds[] = {
        {PROMISE_WITHIN, {"of", "then", "window"}, {NULL}},
        {PROMISE_BOUND, {"of", "bound"}, {"then", "window", "key", "absent", "answered"}},
        {PROMISE_SCORE, {"answered"}, {"of", "then", "window", "key", "absent", "bound"}},
    };
    size_t chosen =
        json_object_get(query, "answered") ? 2 : json_object_get(query, "bound") != NULL;
    const char *const *needed = kinds[chosen].needed, *const *foreign = kinds[chosen].foreign;
    int code = 0;
    for (size_t i = 0; i < 6 && foreign[i] && !code; i++)
        if (json_object_get(query, foreign[i]))
            code = refuse(r, "takes either \"%s\" or \"%s\"", needed[chosen == 1], foreign[i]);
    for (size_t i = 0; i < 3 && needed[i] && !code; i++)
        code = need(r, query, needed[i]);
    *kind = kinds[chosen].kind;
    return code;
}

/* What must (not) follow in time, what bounds a property, or what is asked of answers. */
int read_promise(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    enum promise_kind kind;
    bool absent = false;
    uint16_t key = 0;
    int code = choose_promise(r, query, &kind);
    plan->promise = kind;
    WITH_MEMBER(r, query, "answered", json, code, read_promised_answers(r, json));
    r->in_rule++; /* a promise may be made before its events come */
    WITH_MEMBER(r, query, "of", of, code, read_matcher(r, of, NULL, &plan->of));
    WITH_MEMBER(r, query, "then", then, code, read_matcher(r, then, NULL, &plan->back));
    r->in_rule--;
    WITH_MEMBER(r, query, "bound", bound, code, read_bound(r, bound));
    WITH_MEMBER(r, query, "window", window, code, read_duration(r, window, &plan->window_ms));
    WITH_MEMBER(r, query, "key", json, code,
                read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), json, &key));
    WITH_MEMBER(r, query, "absent", json, code, read_bool(r, json, &absent));
    WITH_MEMBER(r, query, "every", every, code, read_every(r, every, true));
    WITH_MEMBER(r, query, "customer", customer, code, read_text(r, customer, &plan->customer));
    plan->case_property = key;
    plan->has_every = json_object_get(query, "every");
    if (absent)
        plan->promise = PROMISE_ABSENT;
    return code;
}
