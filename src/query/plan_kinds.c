/*
 * What each kind of question takes beside the common members, and its defaults.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/internal.h"

enum {
    DEFAULT_TIMELINE = 100,
    DEFAULT_CUSTOMERS = 10000,
    DEFAULT_VARIANTS = 1000,
    DEFAULT_PERIODS = 11,
    MAX_PERIODS = 1000,
    MAX_DEPTH = 20,
    MAX_LAST = 100
};
#define DEFAULT_WINDOW_MS (INT64_C(7) * DAY_MS)

static const char *const every_texts[] = {"hour", "day", "week", "month"};

int need(struct reader *r, const json_t *query, const char *member) {
    if (json_object_get(query, member))
        return 0;
    size_t mark = enter(r, member);
    int code = refuse(r, "needs \"%s\"", member);
    leave(r, mark);
    return code;
}

int read_before(struct reader *r, const json_t *json) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    if (code)
        return code;
    const char *tilde = memchr(text.p, '~', text.n);
    struct slice instant = {text.p, tilde ? (size_t)(tilde - text.p) : text.n};
    if (time_parse(instant, r->plan->zone, &r->plan->before_ms))
        return refuse(r, "must be an instant (RFC 3339) or what meta.next gave");
    r->plan->has_before = true;
    for (const char *p = tilde ? tilde + 1 : text.p + text.n; p < text.p + text.n; p++) {
        if (*p < '0' || *p > '9' || r->plan->before_seq > UINT64_MAX / 10 - 9)
            return refuse(r, "must be an instant (RFC 3339) or what meta.next gave");
        r->plan->before_seq = r->plan->before_seq * 10 + (uint64_t)(*p - '0');
    }
    return 0;
}

static int read_timeline(struct reader *r, const json_t *query) {
    int code = need(r, query, "customer");
    WITH_MEMBER(r, query, "customer", customer, code, read_text(r, customer, &r->plan->customer));
    WITH_MEMBER(r, query, "before", before, code, read_before(r, before));
    WITH_MEMBER(r, query, "of", of, code, read_matcher(r, of, NULL, &r->plan->of));
    if (!code && r->plan->of.n_where) {
        size_t mark = enter(r, "of");
        code = refuse(r, "takes an event and a touchpoint; conditions stand beside it in where");
        leave(r, mark);
    }
    if (r->plan->limit == PLAN_NO_LIMIT)
        r->plan->limit = DEFAULT_TIMELINE;
    return code;
}

int read_every(struct reader *r, const json_t *json, bool hours) {
    int chosen = 0, first = hours ? 0 : 1;
    int code = read_choice(r, json, ERR_WORDS("length of time"), every_texts + first,
                           (size_t)(4 - first), &chosen);
    r->plan->every = (enum bucket)(first + chosen);
    return code;
}

static int read_measured(struct reader *r, const json_t *json) {
    uint16_t property = CODE_NONE;
    const json_t *name = json_is_object(json) ? json_object_get(json, "property") : json;
    int code = read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), name, &property);
    r->plan->measure_property = property;
    return code;
}

int read_measure(struct reader *r, const json_t *json, const json_t *query) {
    static const char *const texts[] = {"count", "customers", "sum", "mean"};
    int chosen = 0, code = 0;
    if (json_is_object(json)) {
        code = read_members(r, json, "sum mean");
        if (!code && json_object_size(json) != 1)
            return refuse(r, "takes one of sum, mean");
        r->plan->measure = json_object_get(json, "sum") ? MEASURE_SUM : MEASURE_MEAN;
        WITH_MEMBER(r, json, "sum", sum, code, read_measured(r, sum));
        WITH_MEMBER(r, json, "mean", mean, code, read_measured(r, mean));
        return code;
    }
    code = read_choice(r, json, ERR_WORDS("measure"), texts, 4, &chosen);
    r->plan->measure = (enum measure)chosen;
    if (!code && chosen >= MEASURE_SUM && !json_object_get(query, "property")) {
        refuse(r, "\"%s\" needs a property", texts[chosen]);
        return err_hint(r->err, "Write {\"%s\": \"amount\"}.", texts[chosen]);
    }
    return code;
}

static int read_trend(struct reader *r, const json_t *query) {
    int code = 0;
    r->plan->every = BUCKET_DAY;
    WITH_MEMBER(r, query, "of", of, code, read_matcher(r, of, NULL, &r->plan->of));
    WITH_MEMBER(r, query, "measure", measure, code, read_measure(r, measure, query));
    WITH_MEMBER(r, query, "property", property, code, read_measured(r, property));
    WITH_MEMBER(r, query, "every", every, code, read_every(r, every, true));
    return code;
}

static int read_exclusion(struct reader *r, const json_t *json, struct exclusion *exclusion) {
    int64_t after = 1, before = r->plan->n_steps;
    int code = read_matcher(r, json, "after_step before_step", &exclusion->matcher);
    if (!code && matcher_is_open(&exclusion->matcher))
        return refuse(r, "an exclusion needs an event, a touchpoint or a condition");
    WITH_MEMBER(r, json, "after_step", step, code,
                read_count(r, step, 1, r->plan->n_steps, &after));
    WITH_MEMBER(r, json, "before_step", step, code,
                read_count(r, step, 1, r->plan->n_steps, &before));
    if (!code && after >= before)
        return refuse(r, "after_step must be less than before_step");
    exclusion->after_step = (uint32_t)after;
    exclusion->before_step = (uint32_t)before;
    return code;
}

static int read_exclusions(struct reader *r, const json_t *json) {
    if (!json_is_array(json))
        return refuse(r, "must be a list");
    size_t n = json_array_size(json);
    if (n > PLAN_MATCHERS - LIMIT_FUNNEL_STEPS)
        return refuse(r, "at most %d exclusions", PLAN_MATCHERS - LIMIT_FUNNEL_STEPS);
    struct exclusion *exclusions = ARENA_ARRAY(r->arena, struct exclusion, n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_exclusion(r, json_array_get(json, i), &exclusions[i]);
        leave(r, mark);
    }
    r->plan->exclusions = exclusions;
    r->plan->n_exclusions = (uint32_t)n;
    return code;
}

static int read_steps(struct reader *r, const json_t *json) {
    if (!json_is_array(json))
        return refuse(r, "must be a list of steps");
    size_t n = json_array_size(json);
    if (n < 2 || n > LIMIT_FUNNEL_STEPS) {
        refuse(r, "a funnel has 2 to %d steps, this one has %zu", LIMIT_FUNNEL_STEPS, n);
        return err_hint(r->err, "A step is for example {\"event\": \"Order Completed\"}.");
    }
    struct matcher *steps = ARENA_ARRAY(r->arena, struct matcher, n);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_matcher(r, json_array_get(json, i), NULL, &steps[i]);
        leave(r, mark);
    }
    r->plan->steps = steps;
    r->plan->n_steps = (uint32_t)n;
    return code;
}

static int read_funnel(struct reader *r, const json_t *query) {
    static const char *const orders[] = {"ordered", "strict", "any"}, *const entries[] = {"any",
                                                                                          "first"};
    int order = ORDER_ORDERED, entry = ENTRY_ANY;
    int code = need(r, query, "steps");
    r->plan->window_ms = DEFAULT_WINDOW_MS;
    WITH_MEMBER(r, query, "steps", steps, code, read_steps(r, steps));
    WITH_MEMBER(r, query, "window", window, code, read_duration(r, window, &r->plan->window_ms));
    WITH_MEMBER(r, query, "order", text, code,
                read_choice(r, text, ERR_WORDS("order"), orders, 3, &order));
    WITH_MEMBER(r, query, "entry", text, code,
                read_choice(r, text, ERR_WORDS("entry"), entries, 2, &entry));
    WITH_MEMBER(r, query, "exclude", exclude, code, read_exclusions(r, exclude));
    r->plan->order = (enum funnel_order)order;
    r->plan->entry = (enum funnel_entry)entry;
    return code;
}

static int read_drop_off(struct reader *r, const json_t *query) {
    int code = read_funnel(r, query);
    if (!code)
        code = need(r, query, "step");
    int64_t step = 1, last = 5;
    WITH_MEMBER(r, query, "step", json, code,
                read_count(r, json, 1, (int64_t)r->plan->n_steps - 1, &step));
    WITH_MEMBER(r, query, "last", json, code, read_count(r, json, 1, MAX_LAST, &last));
    r->plan->step = (uint32_t)step;
    r->plan->last = (uint32_t)last;
    if (r->plan->limit == PLAN_NO_LIMIT)
        r->plan->limit = DEFAULT_TIMELINE;
    return code;
}

static int read_case(struct reader *r, const json_t *json) {
    if (json_is_object(json)) {
        if (json_object_get(json, "journey"))
            return refuse(r, "cases by journey are not available yet");
        int code = read_members(r, json, "property");
        if (!code)
            code = need(r, json, "property");
        uint16_t property = CODE_NONE;
        WITH_MEMBER(r, json, "property", name, code,
                    read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), name, &property));
        r->plan->cases = CASE_PROPERTY;
        r->plan->case_property = property;
        return code;
    }
    static const char *const texts[] = {"customer", "session"};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("case"), texts, 2, &chosen);
    r->plan->cases = (enum flow_case)chosen;
    return code;
}

static int read_level(struct reader *r, const json_t *json) {
    if (json_is_string(json) && strcmp(json_string_value(json), "station") == 0)
        return refuse(r, "stations are not available yet");
    static const char *const texts[] = {"event", "touchpoint", "channel"};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("level"), texts, 3, &chosen);
    r->plan->level = (enum flow_level)chosen;
    return code;
}

static int by_code(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Events that the question names itself keep their system interactions. */
static void note_named(struct reader *r) {
    struct plan *plan = r->plan;
    const struct matcher *sources[4 + PLAN_MATCHERS] = {&plan->of, &plan->root, &plan->start,
                                                        &plan->back};
    size_t n_sources = 4, n = 0;
    for (uint32_t i = 0; i < plan->n_steps; i++)
        sources[n_sources++] = &plan->steps[i];
    for (uint32_t i = 0; i < plan->n_exclusions; i++)
        sources[n_sources++] = &plan->exclusions[i].matcher;
    for (size_t s = 0; s < n_sources; s++)
        n += sources[s]->n_events;
    uint16_t *named = ARENA_ARRAY(r->arena, uint16_t, n);
    n = 0;
    for (size_t s = 0; s < n_sources; s++)
        for (uint32_t i = 0; i < sources[s]->n_events; i++)
            named[n++] = sources[s]->events[i];
    qsort(named, n, sizeof *named, by_code);
    plan->named = named;
    plan->n_named = (uint32_t)n;
}

/* Whether what Senda derived takes part: cases leave it out unless asked for, the other kinds where told to. */
static int read_system(struct reader *r, const json_t *query, bool system) {
    int code = 0;
    WITH_MEMBER(r, query, "system", json, code, read_bool(r, json, &system));
    r->plan->drop_system = !system;
    if (!code)
        note_named(r);
    return code;
}

static int read_share(struct reader *r, const json_t *json) {
    if (!json_is_number(json))
        return refuse(r, "must be a number");
    r->plan->min_share = json_number_value(json);
    return r->plan->min_share >= 0 && r->plan->min_share <= 1
               ? 0
               : refuse(r, "is a share: between 0 and 1");
}

/* What flow, variants and paths share. */
static int read_cases(struct reader *r, const json_t *query) {
    int code = 0;
    r->plan->durations = true;
    WITH_MEMBER(r, query, "of", of, code, read_matcher(r, of, NULL, &r->plan->of));
    WITH_MEMBER(r, query, "level", level, code, read_level(r, level));
    WITH_MEMBER(r, query, "case", cases, code, read_case(r, cases));
    WITH_MEMBER(r, query, "durations", durations, code,
                read_bool(r, durations, &r->plan->durations));
    WITH_MEMBER(r, query, "min_share", share, code, read_share(r, share));
    return code;
}

static int read_variants(struct reader *r, const json_t *query) {
    int code = read_cases(r, query);
    int64_t top = r->plan->limit == PLAN_NO_LIMIT ? DEFAULT_VARIANTS : r->plan->limit;
    WITH_MEMBER(r, query, "top", json, code, read_count(r, json, 1, 100000, &top));
    r->plan->top = (uint32_t)top;
    return code;
}

static int read_paths(struct reader *r, const json_t *query) {
    int code = read_cases(r, query);
    bool start = json_object_get(query, "start"), end = json_object_get(query, "end");
    if (!code && start == end) {
        size_t mark = enter(r, "start");
        refuse(r, "paths take either \"start\" or \"end\"");
        leave(r, mark);
        return err_hint(r->err, "For example \"start\": {\"event\": \"Page Viewed\"}.");
    }
    int64_t depth = 5;
    r->plan->backward = end;
    WITH_MEMBER(r, query, "start", root, code, read_matcher(r, root, NULL, &r->plan->root));
    WITH_MEMBER(r, query, "end", root, code, read_matcher(r, root, NULL, &r->plan->root));
    WITH_MEMBER(r, query, "steps", steps, code, read_count(r, steps, 1, MAX_DEPTH, &depth));
    WITH_MEMBER(r, query, "collapse", collapse, code, read_bool(r, collapse, &r->plan->collapse));
    r->plan->depth = (uint32_t)depth;
    return code;
}

static int read_retention(struct reader *r, const json_t *query) {
    static const char *const measures[] = {"calendar", "rolling", "unbounded"};
    int measure = RETENTION_CALENDAR, code = 0;
    int64_t periods = DEFAULT_PERIODS;
    r->plan->every = BUCKET_WEEK;
    WITH_MEMBER(r, query, "start", start, code, read_matcher(r, start, NULL, &r->plan->start));
    WITH_MEMBER(r, query, "return", back, code, read_matcher(r, back, NULL, &r->plan->back));
    WITH_MEMBER(r, query, "every", every, code, read_every(r, every, false));
    WITH_MEMBER(r, query, "periods", json, code, read_count(r, json, 1, MAX_PERIODS, &periods));
    WITH_MEMBER(r, query, "measure", text, code,
                read_choice(r, text, ERR_WORDS("measure"), measures, 3, &measure));
    r->plan->periods = (uint32_t)periods;
    r->plan->retention = (enum retention_measure)measure;
    return code;
}

/* A condition on a property of answers; before anybody answered, its code is CODE_NONE and nothing matches. */
int read_condition(struct reader *r, struct predicate *where, uint32_t *n, const char *property,
                   const json_t *json) {
    bool list = json_is_array(json);
    size_t count = list ? json_array_size(json) : 1;
    if (!count)
        return refuse(r, "must name at least one %s", property);
    struct value *values = ARENA_ARRAY(r->arena, struct value, count);
    int code = 0;
    for (size_t i = 0; i < count && !code; i++) {
        size_t mark = list ? enter_index(r, i) : r->depth;
        values[i].type = VALUE_TEXT;
        code = read_text(r, list ? json_array_get(json, i) : json, &values[i].text);
        leave(r, mark);
    }
    where[(*n)++] =
        (struct predicate){.property = dictionary_find(r->context->dictionary, DICTIONARY_PROPERTY,
                                                       slice_of(property)),
                           .op = OP_IN,
                           .values = values,
                           .n_values = (uint32_t)count};
    return code;
}

void leave_out_misuse(const struct reader *r, struct predicate *where, uint32_t *n) {
    uint32_t misuse =
        dictionary_find(r->context->dictionary, DICTIONARY_PROPERTY, SLICE_LITERAL("misuse"));
    if (misuse)
        where[(*n)++] = (struct predicate){.property = misuse, .op = OP_ABSENT};
}

/* A local date; *ms is the begin of the day after it. */
static int read_last_day(struct reader *r, const json_t *json, int64_t *ms) {
    int64_t at = 0;
    int code = read_instant(r, json, &at);
    if (!code)
        *ms = zone_bucket_add_ms(r->plan->zone, BUCKET_DAY,
                                 zone_bucket_start_ms(r->plan->zone, BUCKET_DAY, at), 1);
    return !code && *ms <= r->plan->filter.from_ms ? refuse(r, "lies before the range begins")
                                                   : code;
}

static int read_number(struct reader *r, const json_t *json, double low, double high,
                       double *number) {
    *number = json_number_value(json);
    return json_is_number(json) && *number >= low && *number <= high
               ? 0
               : refuse(r, "must be a number between %g and %g", low, high);
}

static int read_time_unit(struct reader *r, const json_t *json) {
    static const char *const texts[] = {"day", "week", "month", "year"};
    static const double days[] = {1, 7, 30.415, 365.25};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("unit of time"), texts, 4, &chosen);
    r->plan->unit_days = days[chosen];
    return code;
}

static int read_holdout(struct reader *r, const json_t *json) {
    struct plan *plan = r->plan;
    int code =
        plan->has_until ? read_last_day(r, json, &plan->holdout_ms) : refuse(r, "needs \"until\"");
    if (!code && plan->holdout_ms <= plan->until_ms)
        return refuse(r, "must be after \"until\"");
    plan->has_holdout = true;
    return code;
}

/* Which model needs amounts. */
static bool needs_amount(enum value_model model) {
    return model == VALUE_RFM || model == VALUE_GAMMA_GAMMA || model == VALUE_CLV;
}

static int read_ranks(struct reader *r, const json_t *json, int64_t *top) {
    enum { MAX_TOP = 1000 };
    if (r->plan->model != VALUE_CLV)
        return refuse(r, "needs \"model\": \"clv\"");
    return read_count(r, json, 1, MAX_TOP, top);
}

static int read_value_kind(struct reader *r, const json_t *query) {
    static const char *const models[] = {"rfm", "bgnbd", "mbgnbd", "gamma_gamma", "clv"};
    static const char *const rules[] = {"quantile", "ntile"}, *const dropouts[] = {"bgnbd",
                                                                                   "mbgnbd"};
    enum { MONTHS = 12, MAX_MONTHS = 120 };
    struct plan *plan = r->plan;
    int model = 0, rule = 0, dropout = 0;
    int64_t months = MONTHS, top = 0;
    plan->unit_days = 7;
    plan->discount = 0.01;
    int code = need(r, query, "model");
    if (!code)
        code = need(r, query, "purchase");
    WITH_MEMBER(r, query, "model", text, code,
                read_choice(r, text, ERR_WORDS("model"), models, 5, &model));
    plan->model = (enum value_model)model;
    WITH_MEMBER(r, query, "purchase", of, code, read_matcher(r, of, NULL, &plan->of));
    if (!code && needs_amount(plan->model))
        code = need(r, query, "amount");
    WITH_MEMBER(r, query, "amount", amount, code, read_measured(r, amount));
    plan->has_until = json_object_get(query, "until");
    WITH_MEMBER(r, query, "until", until, code, read_last_day(r, until, &plan->until_ms));
    WITH_MEMBER(r, query, "holdout", until, code, read_holdout(r, until));
    WITH_MEMBER(r, query, "unit", unit, code, read_time_unit(r, unit));
    WITH_MEMBER(r, query, "horizon", number, code,
                read_number(r, number, 0, 10000, &plan->horizon));
    WITH_MEMBER(r, query, "discount", number, code, read_number(r, number, 0, 1, &plan->discount));
    WITH_MEMBER(r, query, "months", number, code, read_count(r, number, 1, MAX_MONTHS, &months));
    WITH_MEMBER(r, query, "rule", text, code,
                read_choice(r, text, ERR_WORDS("rule"), rules, 2, &rule));
    WITH_MEMBER(r, query, "dropout", text, code,
                read_choice(r, text, ERR_WORDS("model of drop-out"), dropouts, 2, &dropout));
    WITH_MEMBER(r, query, "customer", text, code, read_text(r, text, &plan->value_customer));
    WITH_MEMBER(r, query, "top", number, code, read_ranks(r, number, &top));
    plan->months = (uint32_t)months;
    plan->value_top = (uint32_t)top;
    plan->ntile = rule;
    plan->modified = plan->model == VALUE_MBGNBD || dropout;
    int64_t last_ms = plan->has_holdout ? plan->holdout_ms : plan->until_ms;
    if (!code && plan->has_until && last_ms < plan->filter.to_ms)
        plan->filter.to_ms = last_ms;
    return code;
}

static int read_customers(struct reader *r, const json_t *query) {
    int code = need(r, query, "of");
    WITH_MEMBER(r, query, "of", of, code, read_rule(r, of, 0, &r->plan->rule));
    if (r->plan->limit == PLAN_NO_LIMIT)
        r->plan->limit = DEFAULT_CUSTOMERS;
    return code;
}

int read_kind(struct reader *r, const json_t *query) {
    int code = 0;
    switch (r->plan->kind) {
    case PLAN_TIMELINE: return read_timeline(r, query);
    case PLAN_TREND: code = read_trend(r, query); break;
    case PLAN_FUNNEL: code = read_funnel(r, query); break;
    case PLAN_DROP_OFF: code = read_drop_off(r, query); break;
    case PLAN_RETENTION: code = read_retention(r, query); break;
    case PLAN_CUSTOMERS: return read_customers(r, query);
    case PLAN_SCORE:
    case PLAN_ANSWERS:
    case PLAN_CONDITIONS: return read_score(r, query);
    case PLAN_VALUE: return read_value_kind(r, query);
    case PLAN_PROMISE: return read_promise(r, query);
    case PLAN_FLOW: code = read_cases(r, query); break;
    case PLAN_VARIANTS: code = read_variants(r, query); break;
    case PLAN_PATHS: code = read_paths(r, query); break;
    default: return 0;
    }
    bool cases =
        r->plan->kind == PLAN_FLOW || r->plan->kind == PLAN_VARIANTS || r->plan->kind == PLAN_PATHS;
    return code ? code : read_system(r, query, !cases);
}

/* ---- people ---- */

static int read_path(struct reader *r, const json_t *json, const struct slice **path, uint32_t *n) {
    if (!json_is_array(json) || json_array_size(json) == 0 || json_array_size(json) > 100000)
        return refuse(r, "must be a list of names");
    struct slice *names = ARENA_ARRAY(r->arena, struct slice, json_array_size(json));
    int code = 0;
    for (size_t i = 0; i < json_array_size(json) && !code; i++) {
        size_t mark = enter_index(r, i);
        code = read_text(r, json_array_get(json, i), &names[i]);
        leave(r, mark);
    }
    *path = names;
    *n = (uint32_t)json_array_size(json);
    return code;
}

static int read_edge(struct reader *r, const json_t *json) {
    const struct slice *names;
    uint32_t n = 0;
    int code = read_path(r, json, &names, &n);
    if (!code && n != 2)
        return refuse(r, "an edge is [from, to]");
    if (!code) {
        r->plan->people.from = names[0];
        r->plan->people.to = names[1];
    }
    return code;
}

static int read_people_by(struct reader *r, const json_t *json) {
    if (r->plan->by == BY_NONE)
        return refuse(r, "the question has no \"by\"");
    r->plan->people.has_by = true;
    if (json_is_null(json)) {
        r->plan->people.by.type = VALUE_NULL;
        return 0;
    }
    return read_value(r, json, &r->plan->people.by);
}

static int read_answer(struct reader *r, const json_t *json) {
    if (!json_is_number(json))
        return refuse(r, "must be a number");
    r->plan->people.has_answer = true;
    r->plan->people.answer = json_number_value(json);
    return 0;
}

static int read_state(struct reader *r, const json_t *json) {
    static const char *const texts[] = {"kept", "broken", "pending", "at_risk"};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("state"), texts, PROMISE_STATES, &chosen);
    r->plan->people.has_state = true;
    r->plan->people.state = (enum promise_state)chosen;
    return code;
}

static const char *people_members(enum plan_kind kind) {
    switch (kind) {
    case PLAN_TREND: return "time by";
    case PLAN_SCORE: return "time by answer";
    case PLAN_PROMISE: return "time by state";
    case PLAN_FUNNEL: return "step lost by";
    case PLAN_FLOW: return "node edge starts ends by";
    case PLAN_VARIANTS: return "path by";
    case PLAN_PATHS: return "path";
    default: return "cohort period by";
    }
}

/* What the list of customers cannot do without, by kind. */
static const char *people_needs(enum plan_kind kind) {
    switch (kind) {
    case PLAN_TREND:
    case PLAN_PROMISE:
    case PLAN_SCORE: return NULL;
    case PLAN_FUNNEL: return "step";
    case PLAN_FLOW: return NULL;
    case PLAN_VARIANTS:
    case PLAN_PATHS: return "path";
    default: return "cohort";
    }
}

int read_people(struct reader *r, const json_t *json) {
    struct people *people = &r->plan->people;
    int64_t step = 0, period = 0;
    int code = read_members(r, json, people_members(r->plan->kind));
    const char *needed = people_needs(r->plan->kind);
    if (!code && needed)
        code = need(r, json, needed);
    if (!code && r->plan->kind == PLAN_FLOW &&
        !json_object_get(json, "node") == !json_object_get(json, "edge"))
        return refuse(r, "needs either \"node\" or \"edge\"");
    people->wanted = true;
    WITH_MEMBER(r, json, "step", number, code, read_count(r, number, 1, r->plan->n_steps, &step));
    WITH_MEMBER(r, json, "lost", lost, code, read_bool(r, lost, &people->lost));
    WITH_MEMBER(r, json, "by", by, code, read_people_by(r, by));
    WITH_MEMBER(r, json, "state", state, code, read_state(r, state));
    WITH_MEMBER(r, json, "answer", answer, code, read_answer(r, answer));
    WITH_MEMBER(r, json, "node", node, code, read_text(r, node, &people->node));
    WITH_MEMBER(r, json, "edge", edge, code, read_edge(r, edge));
    WITH_MEMBER(r, json, "starts", starts, code, read_bool(r, starts, &people->starts));
    WITH_MEMBER(r, json, "ends", ends, code, read_bool(r, ends, &people->ends));
    WITH_MEMBER(r, json, "path", path, code, read_path(r, path, &people->path, &people->n_path));
    people->has_time = json_object_get(json, "time") || json_object_get(json, "cohort");
    WITH_MEMBER(r, json, "time", time, code, read_instant(r, time, &people->time_ms));
    WITH_MEMBER(r, json, "cohort", time, code, read_instant(r, time, &people->time_ms));
    people->has_period = json_object_get(json, "period");
    WITH_MEMBER(r, json, "period", number, code,
                read_count(r, number, 0, (int64_t)r->plan->periods - 1, &period));
    people->step = (uint32_t)step;
    people->period = (uint32_t)period;
    if (r->plan->limit == PLAN_NO_LIMIT || r->plan->by == BY_NONE)
        r->plan->people_limit =
            r->plan->limit == PLAN_NO_LIMIT ? DEFAULT_CUSTOMERS : r->plan->limit;
    else
        r->plan->people_limit = DEFAULT_CUSTOMERS;
    return code;
}
