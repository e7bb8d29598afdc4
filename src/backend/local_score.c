/*
 * Scores: NPS, CSAT, CES and scales of one's own, each with n, interval and distribution. See journey/score.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "backend/score_row.h"
#include "base/limits.h"

enum { SCORE_CELLS = 2000000, VALUES_MAX = 1000 };

/* ---- counting ---- */

static uint32_t wanted_value(const struct question *question) {
    double answer = question->plan->people.answer;
    bool whole = answer == floor(answer) && fabs(answer) < 1e15;
    struct value value = whole ? (struct value){.type = VALUE_INT, .integer = (int64_t)answer}
                               : (struct value){.type = VALUE_NUMBER, .number = answer};
    return question->plan->people.has_answer ? value_table_find(&question->case_values, &value)
                                             : UINT32_MAX;
}

static int count_answers(struct question *question, struct score_spec *spec,
                         struct score_state **result, struct err *err) {
    struct score_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = score_new(spec);
    int code = scan_run(&question->scan, &score_operator, (void *const *)states, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            score_merge(states[0], states[t]);
        score_free(states[t]);
    }
    *result = states[0];
    return code;
}

/* ---- rows ---- */

struct shown {
    struct question *question;
    const struct score_state *state;
    const struct ranking *ranking; /* NULL: no `by` */
    uint32_t rows;                 /* places */
    struct score_cell *before;     /* [rows] of the last bucket that had answers */
};

/* Adds a counted cell to the one that is shown. */
static void gather(const struct shown *shown, uint32_t bucket, uint32_t column,
                   struct score_cell *cell, uint64_t *distribution) {
    const struct score_spec *spec = shown->state->spec;
    size_t at = (size_t)bucket * spec->columns + column;
    const struct score_cell *from = &shown->state->cells[at];
    cell->n += from->n;
    cell->sum += from->sum;
    cell->squares += from->squares;
    cell->weight += from->weight;
    cell->weight2 += from->weight2;
    cell->weighted += from->weighted;
    cell->weighted2 += from->weighted2;
    for (uint32_t v = 0; v < spec->values; v++)
        distribution[v] += shown->state->distribution[at * spec->values + v];
}

/* The cell of a place: a group, or all groups beyond the limit. */
static struct score_cell cell_at(const struct shown *shown, uint32_t bucket, uint32_t place,
                                 uint64_t *distribution) {
    struct score_cell cell = {0};
    const struct ranking *ranking = shown->ranking;
    if (!ranking)
        gather(shown, bucket, 0, &cell, distribution);
    else if (place < ranking->shown)
        gather(shown, bucket, ranking->groups[place], &cell, distribution);
    for (uint32_t i = ranking ? ranking->shown : 0;
         ranking && place >= ranking->shown && i < ranking->n; i++)
        gather(shown, bucket, ranking->groups[i], &cell, distribution);
    return cell;
}

static double number_at(const struct question *question, uint32_t v) {
    const struct value *value = &question->case_values.values[v];
    return value->type == VALUE_INT      ? (double)value->integer
           : value->type == VALUE_NUMBER ? value->number
                                         : (double)NAN;
}

struct bar {
    double value;
    uint64_t n;
};
static int by_value(const void *a, const void *b) {
    double x = ((const struct bar *)a)->value, y = ((const struct bar *)b)->value;
    return (x > y) - (x < y);
}

/* The distribution beside the index, and the mean, which is never given alone. */
static void add_distribution(const struct shown *shown, json_t *row, const uint64_t *counts) {
    uint32_t values = shown->state->spec->values, n = 0;
    if (!values)
        return;
    struct bar *bars = ARENA_ARRAY(shown->question->arena, struct bar, values);
    double sum = 0, all = 0;
    for (uint32_t v = 0; v < values; v++)
        if (counts[v]) {
            bars[n] = (struct bar){number_at(shown->question, v), counts[v]};
            sum += bars[n].value * (double)bars[n].n;
            all += (double)bars[n++].n;
        }
    qsort(bars, n, sizeof *bars, by_value);
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:I}", "value", json_of_number(bars[i].value),
                                              "n", (json_int_t)bars[i].n));
    json_object_set_new(row, "mean", json_of_number(all > 0 ? sum / all : (double)NAN));
    json_object_set_new(row, "distribution", list);
}

static void add_change(struct shown *shown, json_t *row, uint32_t place,
                       const struct score_cell *cell) {
    struct score_cell *before = &shown->before[place];
    if (!cell->n)
        return;
    if (before->n) {
        struct difference change = score_change(shown->question->plan->score, before, cell);
        json_object_set_new(row, "change",
                            json_pack("{s:o, s:o, s:o, s:o}", "value", json_of_number(change.value),
                                      "low", json_of_number(change.low), "high",
                                      json_of_number(change.high), "p", json_of_number(change.p)));
    }
    *before = *cell;
}

/* time_ms: of the bucket; INT64_MIN where nobody asked for time. bucket: counted one, or UINT32_MAX: nothing was. */
static void add_row(struct shown *shown, int64_t time_ms, uint32_t bucket, uint32_t place) {
    struct question *question = shown->question;
    const struct plan *plan = question->plan;
    uint64_t *distribution =
        ARENA_ARRAY(question->arena, uint64_t, (size_t)shown->state->spec->values + 1);
    struct score_cell cell = {0};
    if (bucket != UINT32_MAX)
        cell = cell_at(shown, bucket, place, distribution);
    json_t *row = json_object();
    if (time_ms != INT64_MIN)
        json_object_set_new(row, "time", json_of_instant(time_ms));
    if (shown->ranking)
        json_object_set_new(row, "by", question_by_json(question, shown->ranking, place));
    score_row(row, plan->score, plan->weighted, &cell);
    if (time_ms != INT64_MIN)
        add_change(shown, row, place, &cell);
    add_distribution(shown, row, distribution);
    json_array_append_new(question->data, row);
}

/* From the first to the last bucket with an answer, or the range where it is said. */
static void stretch(const struct shown *shown, int64_t *from_ms, int64_t *to_ms) {
    const struct filter *filter = &shown->question->plan->filter;
    const struct score_spec *spec = shown->state->spec;
    *from_ms = filter->has_from ? filter->from_ms : INT64_MAX;
    *to_ms = filter->has_to ? filter->to_ms : INT64_MIN;
    for (uint32_t bucket = 0; bucket < spec->buckets.n; bucket++)
        for (uint32_t column = 0; column < spec->columns; column++) {
            if (!shown->state->cells[(size_t)bucket * spec->columns + column].n)
                continue;
            if (!filter->has_from && spec->buckets.begin_ms[bucket] < *from_ms)
                *from_ms = spec->buckets.begin_ms[bucket];
            if (!filter->has_to && spec->buckets.begin_ms[bucket + 1] > *to_ms)
                *to_ms = spec->buckets.begin_ms[bucket + 1];
        }
}

static int rows_by_time(struct shown *shown, struct err *err) {
    struct question *question = shown->question;
    const struct bucket_table *counted = &shown->state->spec->buckets;
    struct bucket_table buckets;
    int64_t from_ms, to_ms;
    stretch(shown, &from_ms, &to_ms);
    if (from_ms >= to_ms)
        return 0;
    int code = bucket_table_init(&buckets, question->plan->zone, question->plan->every, from_ms,
                                 to_ms, LIMIT_BUCKETS / (shown->rows ? shown->rows : 1) + 1,
                                 question->arena, err);
    if (code)
        return code;
    uint32_t at = 0;
    for (uint32_t bucket = 0; bucket < buckets.n; bucket++) {
        while (at < counted->n && counted->begin_ms[at] < buckets.begin_ms[bucket])
            at++;
        bool has = at < counted->n && counted->begin_ms[at] == buckets.begin_ms[bucket];
        for (uint32_t place = 0; place < shown->rows; place++)
            add_row(shown, buckets.begin_ms[bucket], has ? at : UINT32_MAX, place);
    }
    return 0;
}

static int make_rows(struct question *question, const struct score_state *state, struct err *err) {
    struct shown shown = {.question = question, .state = state, .rows = 1};
    const struct score_spec *spec = state->spec;
    struct ranking ranking;
    if (question->plan->by != BY_NONE) {
        uint64_t *weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
        for (size_t i = 0; i < (size_t)spec->buckets.n * spec->columns; i++)
            weight[i % spec->columns] += state->cells[i].n;
        question_rank(question, weight, &ranking);
        shown.ranking = &ranking;
        shown.rows = ranking_rows(&ranking);
    }
    shown.before = ARENA_ARRAY(question->arena, struct score_cell, (size_t)shown.rows + 1);
    if (question->plan->has_every)
        return rows_by_time(&shown, err);
    for (uint32_t place = 0; place < shown.rows; place++)
        add_row(&shown, INT64_MIN, 0, place);
    return 0;
}

/* ---- the question ---- */

static int size_table(struct question *question, struct score_spec *spec, struct err *err) {
    spec->columns = question->grouping.n ? question->grouping.n : 1;
    uint32_t values = question->case_values.n;
    size_t cells = (size_t)spec->buckets.n * spec->columns;
    if (cells > SCORE_CELLS) {
        err_at(err, E_INVALID, "/by", "too many values (%u) for so many buckets",
               question->grouping.n);
        return err_hint(err, "Take longer steps of time, or another \"by\".");
    }
    spec->values = values <= VALUES_MAX && cells * values <= SCORE_CELLS ? values : 0;
    return 0;
}

/* Nobody has answered anything yet. */
static int nothing(struct question *question) {
    if (question->plan->people.wanted)
        question->data = json_pack("{s:i, s:[]}", "count", 0, "customers");
    else
        question->data = json_array();
    if (!question->plan->has_every && question->plan->by == BY_NONE &&
        !question->plan->people.wanted) {
        json_t *row = json_object();
        score_row(row, question->plan->score, question->plan->weighted, &(struct score_cell){0});
        json_array_append_new(question->data, row);
    }
    return 0;
}

int answer_score(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    if (!plan->points_property)
        return nothing(question);
    spec->kind = PART_ANSWERS;
    spec->of = &plan->of;
    spec->unordered = true;
    spec->number_property = plan->points_property;
    spec->weight_property = plan->weight_property;
    spec->case_property = plan->value_property;
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct score_spec score = {.grouping = question->grouping,
                               .people = &plan->people,
                               .people_group = question->people_group,
                               .people_value = wanted_value(question),
                               .behind = question_behind(question)};
    code = question_buckets(question, &score.buckets, err);
    if (!code)
        code = size_table(question, &score, err);
    if (code)
        return code;
    score.people_bucket =
        plan->people.has_time ? bucket_holding(&score.buckets, plan->people.time_ms) : UINT32_MAX;
    struct score_state *state;
    code = count_answers(question, &score, &state, err);
    if (!code && score.behind) {
        code = question_list(question, score.behind, plan->people_limit, err);
    } else if (!code) {
        question->data = question->data ? question->data : json_array();
        code = make_rows(question, state, err);
    }
    score_free(state);
    return code;
}
