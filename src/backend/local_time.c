/*
 * Questions about time: trend and retention.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "base/limits.h"
#include "journey/retention.h"
#include "journey/trend.h"

enum { TREND_CELLS = 4000000 };

/* ---- trend ---- */

/* The stretch that the answer shows: the range where it is said, else the interactions that matched. */
static int trend_stretch(struct question *question, const struct trend_state *whole,
                         int64_t *from_ms, int64_t *to_ms) {
    const struct filter *filter = &question->plan->filter;
    const struct bucket_table *buckets = &whole->spec->buckets;
    uint32_t columns = whole->spec->columns, first = UINT32_MAX, last = 0;
    for (uint32_t bucket = 0; bucket < buckets->n; bucket++)
        for (uint32_t column = 0; column < columns; column++)
            if (trend_count(&whole->cells[(size_t)bucket * columns + column])) {
                first = first == UINT32_MAX ? bucket : first;
                last = bucket;
            }
    *from_ms = filter->has_from      ? filter->from_ms
               : first == UINT32_MAX ? INT64_MAX
                                     : buckets->begin_ms[first];
    *to_ms = filter->has_to        ? filter->to_ms
             : first == UINT32_MAX ? INT64_MIN
                                   : buckets->begin_ms[last + 1];
    return *from_ms < *to_ms;
}

static json_t *trend_value(const struct trend_state *state, size_t cell) {
    const struct trend_cell *counted = &state->cells[cell];
    switch (state->spec->measure) {
    case MEASURE_COUNT: return json_integer(trend_count(counted));
    case MEASURE_CUSTOMERS: return json_integer(trend_customers(counted));
    case MEASURE_SUM: return json_of_number((double)state->sums[cell].sum);
    default:
        return state->sums[cell].n ? json_of_number((double)(state->sums[cell].sum /
                                                             (long double)state->sums[cell].n))
                                   : json_null();
    }
}

static json_t *zero_value(enum measure measure) {
    return measure == MEASURE_MEAN ? json_null() : json_integer(0);
}

/* Rows of every bucket of the stretch; the state's table covers a part of it (where there are interactions). */
static int trend_rows(struct question *question, const struct trend_state *state,
                      const struct ranking *ranking, struct err *err) {
    const struct plan *plan = question->plan;
    question->data = json_array();
    int64_t from_ms, to_ms;
    if (!trend_stretch(question, state, &from_ms, &to_ms))
        return 0;
    struct bucket_table shown;
    uint32_t rows = ranking ? ranking_rows(ranking) : 1;
    int code = bucket_table_init(&shown, plan->zone, plan->every, from_ms, to_ms,
                                 LIMIT_BUCKETS / (rows ? rows : 1) + 1, question->arena, err);
    if (code)
        return code;
    const struct bucket_table *counted = &state->spec->buckets;
    uint32_t at = 0;
    for (uint32_t bucket = 0; bucket < shown.n; bucket++) {
        while (at < counted->n && counted->begin_ms[at] < shown.begin_ms[bucket])
            at++;
        bool has = at < counted->n && counted->begin_ms[at] == shown.begin_ms[bucket];
        for (uint32_t place = 0; place < rows; place++) {
            size_t column = ranking && !state->spec->place && place < ranking->shown
                                ? ranking->groups[place]
                                : place;
            json_t *row = json_object();
            json_object_set_new(row, "time", json_of_instant(shown.begin_ms[bucket]));
            if (ranking)
                json_object_set_new(row, "by", question_by_json(question, ranking, place));
            json_object_set_new(row, "value",
                                has ? trend_value(state, (size_t)at * state->spec->columns + column)
                                    : zero_value(plan->measure));
            json_array_append_new(question->data, row);
        }
    }
    return 0;
}

/* Runs the operator once with a spec; the result is in *result. */
static int run_trend(struct question *question, struct trend_spec *spec,
                     struct trend_state **result, struct err *err) {
    struct trend_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = trend_new(spec);
    int code = scan_run(&question->scan, &trend_operator, (void *const *)states, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            trend_merge(states[0], states[t]);
        trend_free(states[t]);
    }
    *result = states[0];
    return code;
}

/* Interactions of each group, whatever the time. */
static int weigh_groups(struct question *question, const struct trend_spec *like, uint64_t **weight,
                        struct err *err) {
    struct trend_spec spec = *like;
    struct trend_state *state = NULL;
    spec.measure = MEASURE_COUNT;
    spec.behind = NULL;
    spec.place = NULL;
    spec.columns = question->grouping.n;
    const uint32_t bound[] = {0, UINT32_MAX};
    enum { BLOCK_SHIFT = 20 };
    spec.buckets = (struct bucket_table){.n = 1, .shift = BLOCK_SHIFT, .bound = bound};
    spec.buckets.first = ARENA_ARRAY(question->arena, uint32_t, (UINT32_MAX >> BLOCK_SHIFT) + 1);
    *weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
    int code = run_trend(question, &spec, &state, err);
    for (uint32_t group = 0; !code && group < question->grouping.n; group++)
        (*weight)[group] = trend_count(&state->cells[group]);
    trend_free(state);
    return code;
}

static void sum_columns(const struct trend_state *state, uint64_t *weight) {
    uint32_t columns = state->spec->columns;
    for (size_t i = 0; i < (size_t)state->spec->buckets.n * columns; i++)
        weight[i % columns] += trend_count(&state->cells[i]);
}

/* With `by`: when the whole table is small, one pass and no merging of groups; else weigh, rank, and count again with
 * the groups beyond the limit in one column (distinct customers cannot be added up afterwards). */
static int trend_by(struct question *question, struct trend_spec *spec, struct err *err) {
    struct trend_state *state = NULL;
    struct ranking ranking;
    uint64_t *weight;
    int code = 0;
    bool small = (size_t)spec->buckets.n * question->grouping.n <= TREND_CELLS;
    if (small) {
        weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
        spec->columns = question->grouping.n;
        code = run_trend(question, spec, &state, err);
        if (!code)
            sum_columns(state, weight);
    } else {
        code = weigh_groups(question, spec, &weight, err);
    }
    if (!code)
        question_rank(question, weight, &ranking);
    if (!code && (!small || ranking.shown < ranking.n)) {
        trend_free(state);
        state = NULL;
        spec->place = ranking.place;
        spec->columns = ranking.shown + 1;
        if ((size_t)spec->buckets.n * spec->columns > TREND_CELLS) {
            err_at(err, E_INVALID, "/by", "too many values (%u) for so many buckets", ranking.n);
            return err_hint(err, "Set \"limit\", or take longer steps of time.");
        }
        code = run_trend(question, spec, &state, err);
    }
    if (!code)
        code = trend_rows(question, state, &ranking, err);
    trend_free(state);
    return code;
}

static uint32_t bucket_at(const struct bucket_table *table, int64_t ms) {
    for (uint32_t bucket = 0; bucket < table->n; bucket++)
        if (ms >= table->begin_ms[bucket] && ms < table->begin_ms[bucket + 1])
            return bucket;
    return table->n; /* no interaction lies there */
}

int answer_trend(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    spec->matchers[0] = &plan->of;
    spec->n_matchers = matcher_is_open(&plan->of) ? 0 : 1;
    spec->select = true;
    spec->compact = true;
    spec->unordered = true;
    spec->number_property = plan->measure >= MEASURE_SUM ? plan->measure_property : 0;
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct trend_spec trend = {.measure = plan->measure,
                               .grouping = question->grouping,
                               .columns = 1,
                               .people = &plan->people,
                               .people_group = question->people_group,
                               .behind = question_behind(question)};
    const struct scan *scan = &question->scan;
    if (scan->min_ms <= scan->max_ms)
        code = bucket_table_init(&trend.buckets, plan->zone, plan->every, scan->min_ms,
                                 scan->max_ms + 1, LIMIT_BUCKETS, question->arena, err);
    if (code)
        return code;
    trend.people_bucket =
        plan->people.has_time ? bucket_at(&trend.buckets, plan->people.time_ms) : UINT32_MAX;
    if (plan->by != BY_NONE && !trend.behind && trend.buckets.n)
        return trend_by(question, &trend, err);
    struct trend_state *state;
    if (trend.behind)
        trend.columns = question->grouping.n ? question->grouping.n : 1;
    if (trend.behind && (size_t)trend.columns * trend.buckets.n > 4 * (size_t)TREND_CELLS)
        return err_at(err, E_INVALID, "/by", "too many values to list customers");
    code = run_trend(question, &trend, &state, err);
    struct ranking none = {0};
    if (!code && trend.behind)
        code = question_list(question, trend.behind, plan->people_limit, err);
    else if (!code)
        code = trend_rows(question, state, plan->by == BY_NONE ? NULL : &none, err);
    trend_free(state);
    return code;
}

/* ---- retention ---- */

static int64_t rolling_ms(enum bucket every) {
    return (int64_t)DAY_MS * (every == BUCKET_DAY ? 1 : every == BUCKET_WEEK ? 7 : 30);
}

/* Period k of a cohort ends with its (k+1)-th bucket; it is observed when that end is not after the observation's. */
static bool observed(const struct question *question, int64_t cohort_ms, uint32_t period) {
    return zone_bucket_add_ms(question->plan->zone, question->plan->every, cohort_ms,
                              (int)period + 1) <= question->plan->end_ms;
}

/* Weighted by cohort size over the observed cells only. */
struct average {
    uint64_t returned, size;
};

static json_t *cohort_row(struct question *question, const struct retention_state *state,
                          size_t cohort, int64_t begin_ms, struct average *averages) {
    const struct plan *plan = question->plan;
    json_t *returned = json_array();
    for (uint32_t k = 0; k < plan->periods; k++) {
        uint64_t n = state->returned[cohort * plan->periods + k];
        bool seen = observed(question, begin_ms, k);
        json_array_append_new(returned, seen ? json_integer((json_int_t)n) : json_null());
        averages[k].returned += seen ? n : 0;
        averages[k].size += seen ? state->size[cohort] : 0;
    }
    json_t *row = json_object();
    json_object_set_new(row, "cohort", json_of_instant(begin_ms));
    json_object_set_new(row, "size", json_integer((json_int_t)state->size[cohort]));
    json_object_set_new(row, "returned", returned);
    return row;
}

/* Folds the groups beyond the limit into one: cohorts are disjoint, so they add up. */
static void fold_groups(struct retention_state *state, const struct ranking *ranking) {
    uint32_t buckets = state->spec->buckets.n, periods = state->spec->periods;
    size_t into = (size_t)ranking->groups[ranking->shown] * buckets;
    for (uint32_t i = ranking->shown + 1; i < ranking->n; i++) {
        size_t from = (size_t)ranking->groups[i] * buckets;
        for (uint32_t b = 0; b < buckets; b++)
            state->size[into + b] += state->size[from + b];
        for (size_t c = 0; c < (size_t)buckets * periods; c++)
            state->returned[into * periods + c] += state->returned[from * periods + c];
    }
}

static void retention_rows(struct question *question, struct retention_state *state) {
    const struct plan *plan = question->plan;
    const struct bucket_table *buckets = &state->spec->buckets;
    struct average *averages = ARENA_ARRAY(question->arena, struct average, plan->periods);
    struct ranking ranking = {0};
    uint32_t rows = 1;
    if (plan->by != BY_NONE) {
        uint64_t *weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
        for (size_t i = 0; i < (size_t)question->grouping.n * buckets->n; i++)
            weight[i / buckets->n] += state->size[i];
        question_rank(question, weight, &ranking);
        rows = ranking_rows(&ranking);
        if (ranking.shown < ranking.n)
            fold_groups(state, &ranking);
    }
    question->data = json_array();
    for (uint32_t place = 0; place < rows; place++)
        for (uint32_t bucket = 0; bucket < buckets->n; bucket++) {
            size_t cohort =
                (size_t)(plan->by == BY_NONE ? 0 : ranking.groups[place]) * buckets->n + bucket;
            if (!state->size[cohort])
                continue;
            json_t *row = cohort_row(question, state, cohort, buckets->begin_ms[bucket], averages);
            if (plan->by != BY_NONE)
                json_object_set_new(row, "by", question_by_json(question, &ranking, place));
            json_array_append_new(question->data, row);
        }
    json_t *average = json_array();
    for (uint32_t k = 0; k < plan->periods; k++)
        json_array_append_new(average, json_of_share(averages[k].returned, averages[k].size));
    json_object_set_new(question->meta, "average", average);
}

static int run_retention(struct question *question, const struct retention_spec *spec,
                         struct err *err) {
    struct retention_state *states[SCAN_THREADS] = {0};
    bool fits = true;
    for (uint32_t t = 0; t < question->scan.threads; t++) {
        states[t] = retention_new(spec);
        fits = fits && states[t];
    }
    int code = 0;
    if (!fits) {
        code = err_at(err, E_INVALID, "/every", "too many cohorts and values of \"by\"");
        err_hint(err, "Ask for a shorter range, longer periods or no \"by\".");
    }
    if (!code)
        code = scan_run(&question->scan, &retention_operator, (void *const *)states, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            retention_merge(states[0], states[t]);
        retention_free(states[t]);
    }
    if (!code && spec->behind) {
        code = question_list(question, spec->behind, question->plan->people_limit, err);
    } else if (!code) {
        retention_finish(states[0]);
        retention_rows(question, states[0]);
    }
    retention_free(states[0]);
    return code;
}

int answer_retention(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    bool all = matcher_takes_all(&plan->start) && matcher_takes_all(&plan->back);
    spec->matchers[0] = &plan->start;
    spec->matchers[1] = &plan->back;
    spec->n_matchers = all ? 0 : 2;
    spec->select = !all;
    int code = question_prepare(question, err);
    if (code)
        return code;
    const struct scan *scan = &question->scan;
    struct retention_spec retention = {.measure = plan->retention,
                                       .length_ms = rolling_ms(plan->every),
                                       .periods = plan->periods,
                                       .all = all,
                                       .lut = scan->lut,
                                       .grouping = question->grouping,
                                       .people_group = question->people_group,
                                       .behind = question_behind(question)};
    retention.people = retention.behind ? &plan->people : NULL;
    if (scan->min_ms <= scan->max_ms)
        code = bucket_table_init(&retention.buckets, plan->zone, plan->every, scan->min_ms,
                                 scan->max_ms + 1, LIMIT_BUCKETS, question->arena, err);
    if (code)
        return code;
    retention.people_cohort = bucket_at(&retention.buckets, plan->people.time_ms);
    return run_retention(question, &retention, err);
}
