/*
 * Questions about the order of steps: funnel and drop-off.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "journey/funnel.h"

/* 95 % interval of a share by Wilson's score (E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927) 209). */
static void wilson(uint64_t k, uint64_t n, double *low, double *high) {
    const double z = 1.959963984540054;
    double p = (double)k / (double)n, z2 = z * z / (double)n;
    double middle = (p + z2 / 2) / (1 + z2);
    double half = z / (1 + z2) * sqrt(p * (1 - p) / (double)n + z2 / (4 * (double)n));
    *low = k == 0 ? 0 : fmax(0, middle - half);
    *high = k == n ? 1 : fmin(1, middle + half);
}

static void set_share(json_t *row, const char *name, uint64_t part, uint64_t whole) {
    char interval[32];
    json_object_set_new(row, name, json_of_share(part, whole));
    snprintf(interval, sizeof interval, "%s_low", name);
    double low = (double)NAN, high = (double)NAN;
    if (whole)
        wilson(part, whole, &low, &high);
    json_object_set_new(row, interval, isnan(low) ? json_null() : json_real(low));
    snprintf(interval, sizeof interval, "%s_high", name);
    json_object_set_new(row, interval, isnan(high) ? json_null() : json_real(high));
}

static void funnel_rows(struct question *question, struct funnel_state *state, uint32_t group,
                        json_t *by) {
    const struct plan *plan = question->plan;
    uint64_t first = funnel_count(state, group, 1), previous = first;
    for (uint32_t step = 1; step <= plan->n_steps; step++) {
        uint64_t customers = funnel_count(state, group, step);
        json_t *row = json_object();
        if (by)
            json_object_set(row, "by", by);
        json_object_set_new(row, "step", json_integer(step));
        json_object_set_new(row, "name", json_of_slice(plan->steps[step - 1].name));
        json_object_set_new(row, "customers", json_integer((json_int_t)customers));
        set_share(row, "share", customers, first);
        set_share(row, "from_previous", customers, previous);
        struct spread *spread = funnel_spread(state, group, step);
        json_object_set_new(row, "median_s", json_of_ms(spread_quantile(spread, 0.5)));
        json_object_set_new(row, "p90_s", json_of_ms(spread_quantile(spread, 0.9)));
        if (!by)
            json_object_set_new(row, "km_median_s", json_of_ms(funnel_km_median(state, step)));
        json_array_append_new(question->data, row);
        previous = customers;
    }
}

static void funnel_data(struct question *question, struct funnel_state *state) {
    const struct plan *plan = question->plan;
    question->data = json_array();
    if (plan->by == BY_NONE) {
        funnel_rows(question, state, 0, NULL);
        return;
    }
    struct ranking ranking;
    uint64_t *weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
    for (uint32_t group = 0; group < question->grouping.n; group++)
        weight[group] = funnel_count(state, group, 1);
    question_rank(question, weight, &ranking);
    for (uint32_t i = ranking.shown + 1; i < ranking.n; i++)
        funnel_fold(state, ranking.groups[ranking.shown], ranking.groups[i]);
    for (uint32_t place = 0; place < ranking_rows(&ranking); place++) {
        json_t *by = question_by_json(question, &ranking, place);
        funnel_rows(question, state, ranking.groups[place], by);
        json_decref(by);
    }
}

/* Steps are bits 0 … n-1 of the masks, exclusions follow. */
static void funnel_matchers(const struct plan *plan, struct scan_spec *spec,
                            struct funnel_spec *funnel) {
    for (uint32_t i = 0; i < plan->n_steps; i++)
        spec->matchers[i] = &plan->steps[i];
    for (uint32_t i = 0; i < plan->n_exclusions; i++) {
        const struct exclusion *exclusion = &plan->exclusions[i];
        spec->matchers[plan->n_steps + i] = &exclusion->matcher;
        for (uint32_t k = exclusion->after_step; k < exclusion->before_step; k++)
            funnel->exclude_at[k] |= UINT64_C(1) << (plan->n_steps + i);
    }
    spec->n_matchers = plan->n_steps + plan->n_exclusions;
    spec->select = plan->order != ORDER_STRICT;
}

static int prepare_funnel(struct question *question, struct funnel_spec *funnel, struct err *err) {
    const struct plan *plan = question->plan;
    *funnel = (struct funnel_spec){.steps = plan->n_steps,
                                   .window_ms = plan->window_ms,
                                   .end_ms = plan->end_ms,
                                   .order = plan->order,
                                   .entry = plan->entry};
    funnel_matchers(plan, &question->spec, funnel);
    int code = question_prepare(question, err);
    if (code)
        return code;
    funnel->grouping = question->grouping;
    funnel->lut = question->scan.lut;
    funnel->single = funnel->lut && funnel_is_single(funnel->lut, 65536, plan->n_steps);
    return 0;
}

static int run_funnel(struct question *question, const struct funnel_spec *funnel,
                      struct spread_budget *budget, struct funnel_state **result, struct err *err) {
    struct funnel_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = funnel_new(funnel, budget);
    int code = scan_run(&question->scan, &funnel_operator, (void *const *)states, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            funnel_merge(states[0], states[t]);
        funnel_free(states[t]);
    }
    *result = states[0];
    return code;
}

static void funnel_meta(struct question *question, const struct funnel_state *state,
                        struct spread_budget *budget) {
    json_object_set_new(question->meta, "immature",
                        json_integer((json_int_t)funnel_immature(state)));
    json_object_set_new(question->meta, "window_s", json_of_ms((double)question->plan->window_ms));
    if (atomic_load(&budget->approximate))
        json_object_set_new(question->meta, "approximate", json_true());
}

int question_sequence(struct question *question, const struct rule *rule, bool filtered,
                      struct owner_set *set, struct err *err) {
    struct plan *plan = ARENA_ARRAY(question->arena, struct plan, 1);
    struct question *inner = ARENA_ARRAY(question->arena, struct question, 1);
    *plan = *rule->sequence;
    if (filtered)
        plan->filter = question->plan->filter;
    plan->filter.from_ms = rule->sequence->filter.from_ms;
    plan->filter.to_ms = rule->sequence->filter.to_ms;
    *inner = (struct question){
        .folder = question->folder,
        .plan = plan,
        .snapshot = question->snapshot,
        .dictionary = question->dictionary,
        .patience = question->patience,
        .arena = question->arena,
        .spec = {.filter = plan->filter, .members = question->only, .few = question->only != NULL}};
    struct people people = {.wanted = true, .step = plan->n_steps};
    struct funnel_spec funnel;
    struct funnel_state *state = NULL;
    struct spread_budget budget = {0};
    int code = prepare_funnel(inner, &funnel, err);
    if (code)
        return code;
    funnel.people = &people;
    funnel.behind = set;
    code = run_funnel(inner, &funnel, &budget, &state, err);
    question->scan.interactions += inner->scan.interactions;
    funnel_free(state);
    return code;
}

int answer_funnel(struct question *question, struct err *err) {
    struct funnel_spec funnel;
    struct funnel_state *state = NULL;
    struct spread_budget budget = {0};
    int code = prepare_funnel(question, &funnel, err);
    if (code)
        return code;
    funnel.people = &question->plan->people;
    funnel.people_group = question->people_group;
    funnel.behind = question_behind(question);
    code = run_funnel(question, &funnel, &budget, &state, err);
    if (!code && funnel.behind)
        code = question_list(question, funnel.behind, question->plan->people_limit, err);
    else if (!code)
        funnel_data(question, state);
    if (!code)
        funnel_meta(question, state, &budget);
    funnel_free(state);
    return code;
}

/* ---- drop-off ---- */

struct lost {
    struct funnel_state *state;
    struct funnel_attempt attempt;
};

static void find_attempt(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct lost *lost = opaque;
    funnel_attempt_of(lost->state, owner, runs, n, &lost->attempt);
}

static json_t *interaction(const struct question *question, const struct collected *row) {
    const struct part *part = row->part;
    json_t *json = json_object();
    json_object_set_new(json, "time", json_of_instant(row->time_ms));
    json_object_set_new(json, "event",
                        json_of_name(question, DICTIONARY_EVENT, part->event[row->row]));
    json_object_set_new(json, "channel",
                        json_of_name(question, DICTIONARY_CHANNEL, part->channel[row->row]));
    json_object_set_new(json, "touchpoint",
                        json_of_name(question, DICTIONARY_TOUCHPOINT, part->touchpoint[row->row]));
    json_object_set_new(json, "unit",
                        json_of_name(question, DICTIONARY_UNIT, part->unit[row->row]));
    return json;
}

/* The last interactions up to the end of the attempt's window, newest first. */
static json_t *last_interactions(const struct question *question, const struct collected *rows,
                                 size_t n, int64_t until_ms) {
    json_t *list = json_array();
    for (size_t i = n; i-- > 0 && json_array_size(list) < question->plan->last;)
        if (rows[i].time_ms <= until_ms)
            json_array_append_new(list, interaction(question, &rows[i]));
    return list;
}

static int describe_lost(struct question *question, const struct funnel_spec *funnel,
                         uint32_t owner, json_t *row, struct err *err) {
    static const struct operator find = {.customer = find_attempt};
    struct spread_budget budget = {0};
    struct lost lost = {.state = funnel_new(funnel, &budget)};
    int code = scan_one(&question->scan, owner, &find, &lost, err);
    struct collected *rows = NULL;
    size_t n = 0;
    if (!code)
        code = question_collect(question, owner, &rows, &n, err);
    if (!code && lost.attempt.reached) {
        int64_t start_ms = lost.attempt.time_ms[0];
        json_object_set_new(row, "started", json_of_instant(start_ms));
        json_object_set_new(row, "reached",
                            json_of_instant(lost.attempt.time_ms[lost.attempt.reached - 1]));
        json_object_set_new(
            row, "interactions",
            last_interactions(question, rows, n, start_ms + question->plan->window_ms));
    }
    free(rows);
    funnel_free(lost.state);
    return code;
}

int answer_drop_off(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct funnel_spec funnel;
    struct funnel_state *state = NULL;
    struct spread_budget budget = {0};
    struct people people = {.wanted = true, .step = plan->step, .lost = true};
    int code = prepare_funnel(question, &funnel, err);
    if (code)
        return code;
    owner_set_init(&question->behind, snapshot_profiles(question->snapshot) + 1, question->arena);
    funnel.people = &people;
    funnel.behind = &question->behind;
    code = run_funnel(question, &funnel, &budget, &state, err);
    uint64_t customers = question->scan.customers, interactions = question->scan.interactions;
    if (!code)
        code = question_list(question, &question->behind, plan->limit, err);
    funnel.behind = NULL;
    json_t *list = code ? NULL : json_object_get(question->data, "customers");
    for (size_t i = 0; !code && i < json_array_size(list); i++) {
        json_t *row = json_array_get(list, i);
        uint32_t owner =
            (uint32_t)strtoul(json_string_value(json_object_get(row, "id")) + 2, NULL, 10);
        code = describe_lost(question, &funnel, owner, row, err);
        if (!code)
            code = patience_check(&question->patience, err);
    }
    if (!code)
        funnel_meta(question, state, &budget);
    question->scan.customers = customers;
    question->scan.interactions = interactions;
    funnel_free(state);
    return code;
}
