/*
 * Scores: NPS, CSAT, CES and scales of one's own, each with n, interval and distribution. See journey/score.h.
 *
 * What stands beside a number so that it is not believed too much: answers that were asked for (score_scan.h), where the trend
 * breaks (journey/forms.h), what of a comparison is real (score_compare.h), how many of those asked answered (score_rate.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "backend/score_compare.h"
#include "backend/score_countries.h"
#include "backend/score_rate.h"
#include "backend/score_row.h"
#include "backend/score_scan.h"
#include "backend/score_tell.h"
#include "backend/score_weights.h"
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

static uint32_t surveys_of(const struct question *question, const struct score_spec *spec) {
    return spec->survey < VIEW_EXTRAS ? question->extra_values[spec->survey].n : 0;
}

static int count_answers(struct question *question, struct score_spec *spec,
                         struct score_state **result, struct err *err) {
    struct score_state *states[SCAN_THREADS] = {0};
    uint32_t surveys = surveys_of(question, spec);
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = score_new(spec, surveys);
    int code = scan_run(&question->scan, &score_operator, (void *const *)states, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            score_merge(states[0], states[t], surveys);
        score_free(states[t]);
    }
    *result = states[0];
    return code;
}

/* ---- rows ---- */

struct shown {
    struct question *question;
    const struct score_state *state;
    const struct score_weights *weights;
    const struct score_rate *rate; /* NULL: not wanted */
    const struct ranking *ranking; /* NULL: no `by` */
    uint32_t rows;                 /* places */
    const uint8_t *breaks;         /* [buckets] FORM_… */
    struct before {
        struct score_sums sums; /* of the last bucket that had answers */
        bool mixed;
    } * before;                      /* [rows] */
    struct score_compared *compared; /* [rows] without `every` */
    bool weighted;
};

/* Adds a counted place to the cell that is shown. */
static void gather(const struct shown *shown, const double *factor, uint32_t bucket,
                   uint32_t column, struct score_cell *cell, uint64_t *distribution) {
    const struct score_spec *spec = shown->state->spec;
    size_t at = (size_t)bucket * spec->columns + column;
    for (uint32_t c = 0; c < spec->combinations; c++)
        score_cell_add(cell, &shown->state->cells[at * spec->combinations + c], factor[c]);
    for (uint32_t v = 0; distribution && v < spec->values; v++)
        distribution[v] += shown->state->distribution[at * spec->values + v];
}

/* The cell of a place: a group, or all groups beyond the limit. */
static struct score_cell cell_at(const struct shown *shown, const double *factor, uint32_t bucket,
                                 uint32_t place, uint64_t *distribution) {
    struct score_cell cell = {0};
    const struct ranking *ranking = shown->ranking;
    if (!ranking)
        gather(shown, factor, bucket, 0, &cell, distribution);
    else if (place < ranking->shown)
        gather(shown, factor, bucket, ranking->groups[place], &cell, distribution);
    for (uint32_t i = ranking ? ranking->shown : 0;
         ranking && place >= ranking->shown && i < ranking->n; i++)
        gather(shown, factor, bucket, ranking->groups[i], &cell, distribution);
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
/* Of what was answered; of a share also its interval, that of Student. */
static void add_mean(json_t *row, enum score_kind kind, const struct bar *bars, uint32_t n) {
    double all = 0, sum = 0, spread = 0;
    for (uint32_t i = 0; i < n; i++) {
        all += (double)bars[i].n;
        sum += bars[i].value * (double)bars[i].n;
    }
    double mean = all > 0 ? sum / all : (double)NAN;
    for (uint32_t i = 0; i < n; i++)
        spread += (double)bars[i].n * (bars[i].value - mean) * (bars[i].value - mean);
    json_object_set_new(row, "mean", json_of_number(mean));
    if (kind != SCORE_SHARE)
        return;
    struct estimate estimate = mean_estimate(all, mean, spread, CONFIDENCE_95);
    json_object_set_new(row, "mean_low", json_of_number(estimate.low));
    json_object_set_new(row, "mean_high", json_of_number(estimate.high));
}

static void add_distribution(const struct shown *shown, json_t *row, const uint64_t *counts) {
    uint32_t values = shown->state->spec->values, n = 0;
    if (!values)
        return;
    struct bar *bars = ARENA_ARRAY(shown->question->arena, struct bar, values);
    for (uint32_t v = 0; v < values; v++)
        if (counts[v])
            bars[n++] = (struct bar){number_at(shown->question, v), counts[v]};
    qsort(bars, n, sizeof *bars, by_value);
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:I}", "value", json_of_number(bars[i].value),
                                              "n", (json_int_t)bars[i].n));
    add_mean(row, shown->question->plan->score, bars, n);
    json_object_set_new(row, "distribution", list);
}

static void add_break(json_t *row, uint8_t broken) {
    static const struct {
        uint8_t bit;
        const char *reason;
    } reasons[] = {{FORM_SCALE, "scale"}, {FORM_WORDING, "wording"}, {FORM_VERSION, "version"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (broken & reasons[i].bit)
            json_array_append_new(list, json_string(reasons[i].reason));
    if (json_array_size(list))
        json_object_set(row, "break", list);
    json_decref(list);
}

/* Against the bucket before that had answers. Across other words or another scale nothing is compared. */
static void add_change(struct shown *shown, json_t *row, uint32_t place, uint8_t broken,
                       const struct score_cell *cell) {
    struct before *before = &shown->before[place];
    if (!cell->n)
        return;
    struct score_sums sums = score_sums(cell, shown->weighted);
    if (before->sums.n > 0 && !before->mixed && !(broken & (FORM_SCALE | FORM_WORDING)))
        json_object_set_new(
            row, "change",
            score_difference_json(score_change(shown->question->plan->score, before->sums, sums)));
    *before = (struct before){sums, broken & FORM_MIXED};
}

/* Is the place one that is compared with others? */
static bool stands_apart(const struct shown *shown, const json_t *row) {
    const json_t *by = json_object_get(row, "by");
    return json_is_null(by) ||
           (shown->ranking && shown->ranking->shown < shown->ranking->n && json_is_string(by) &&
            strcmp(json_string_value(by), "(other)") == 0);
}

/* time_ms: of the bucket; INT64_MIN where nobody asked for time. bucket: counted one, or UINT32_MAX: nothing was. */
static void add_row(struct shown *shown, int64_t time_ms, uint32_t bucket, uint32_t place) {
    struct question *question = shown->question;
    const struct plan *plan = question->plan;
    uint64_t *distribution =
        ARENA_ARRAY(question->arena, uint64_t, (size_t)shown->state->spec->values + 1);
    struct score_cell cell = {0};
    uint8_t broken = 0;
    if (bucket != UINT32_MAX) {
        cell = cell_at(shown, shown->weights->factor, bucket, place, distribution);
        broken = shown->breaks ? shown->breaks[bucket] : 0;
    }
    json_t *row = json_object();
    if (time_ms != INT64_MIN)
        json_object_set_new(row, "time", json_of_instant(time_ms));
    if (shown->ranking)
        json_object_set_new(row, "by", question_by_json(question, shown->ranking, place));
    score_row(row, plan->score, shown->weighted, &cell);
    if (plan->floor)
        json_object_set_new(row, "customers", json_integer((json_int_t)cell.customers));
    if (shown->weights->trimmed && bucket != UINT32_MAX) {
        struct score_cell whole = cell_at(shown, shown->weights->untrimmed, bucket, place, NULL);
        json_object_set_new(
            row, "untrimmed",
            json_of_number(score_estimate(plan->score, score_sums(&whole, true)).value));
    }
    if (time_ms != INT64_MIN) {
        add_break(row, broken);
        add_change(shown, row, place, broken, &cell);
    } else {
        shown->compared[place] = (struct score_compared){row, score_sums(&cell, shown->weighted),
                                                         cell.n, stands_apart(shown, row)};
    }
    score_rate_add(shown->rate, row, bucket, shown->ranking, place);
    add_distribution(shown, row, distribution);
    json_array_append_new(question->data, row);
}

/* From the first to the last bucket with an answer, or the range where it is said. */
static void stretch(const struct shown *shown, int64_t *from_ms, int64_t *to_ms) {
    const struct filter *filter = &shown->question->plan->filter;
    const struct score_spec *spec = shown->state->spec;
    size_t width = (size_t)spec->columns * spec->combinations;
    *from_ms = filter->has_from ? filter->from_ms : INT64_MAX;
    *to_ms = filter->has_to ? filter->to_ms : INT64_MIN;
    for (uint32_t bucket = 0; bucket < spec->buckets.n; bucket++)
        for (size_t i = 0; i < width; i++) {
            if (!shown->state->cells[bucket * width + i].n)
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

static const uint8_t *find_breaks(struct question *question, struct score_state *state) {
    if (!state->spec->forms)
        return NULL;
    uint8_t *breaks = ARENA_ARRAY(question->arena, uint8_t, (size_t)state->spec->buckets.n + 1);
    forms_breaks(&state->forms, breaks, state->spec->buckets.n);
    return breaks;
}

/* Also those that are left out: a centre whose answers are all flagged is shown, with none that count. */
static uint64_t seen_answers(const struct score_spec *spec, const struct score_cell *cell) {
    uint64_t n = cell->n + cell->outside;
    for (int reason = 1; spec->leave_flagged && reason < ASKED_REASONS; reason++)
        if (reason != ASKED_MISUSE || !spec->with_misuse)
            n += cell->flagged[reason];
    return n;
}

static int make_rows(struct question *question, struct score_state *state,
                     const struct score_weights *weights, const struct score_rate *rate,
                     struct err *err) {
    const struct plan *plan = question->plan;
    struct shown shown = {.question = question,
                          .state = state,
                          .weights = weights,
                          .rate = rate,
                          .rows = 1,
                          .breaks = find_breaks(question, state),
                          .weighted = plan->weighted || plan->n_margins};
    const struct score_spec *spec = state->spec;
    struct ranking ranking;
    if (plan->by != BY_NONE) {
        uint64_t *weight = ARENA_ARRAY(question->arena, uint64_t, question->grouping.n);
        size_t cells = (size_t)spec->buckets.n * spec->columns * spec->combinations;
        for (size_t i = 0; i < cells; i++)
            weight[i / spec->combinations % spec->columns] += seen_answers(spec, &state->cells[i]);
        question_rank(question, weight, &ranking);
        shown.ranking = &ranking;
        shown.rows = ranking_rows(&ranking);
    }
    shown.before = ARENA_ARRAY(question->arena, struct before, (size_t)shown.rows + 1);
    shown.compared = ARENA_ARRAY(question->arena, struct score_compared, (size_t)shown.rows + 1);
    if (plan->has_every)
        return rows_by_time(&shown, err);
    for (uint32_t place = 0; place < shown.rows; place++)
        add_row(&shown, INT64_MIN, 0, place);
    bool countries = plan->unranked || plan->by_survey;
    int code = 0;
    if (plan->by != BY_NONE && !countries && plan->score == SCORE_NPS)
        code = score_countries(question, shown.compared, shown.rows, &countries, err);
    if (plan->by != BY_NONE && !code)
        json_object_set_new(question->meta, "comparison",
                            score_compare(shown.compared, shown.rows, plan->score, countries));
    return code;
}

/* ---- the question ---- */

static int size_table(struct question *question, struct score_spec *spec, struct err *err) {
    spec->columns = question->grouping.n ? question->grouping.n : 1;
    uint32_t values = question->case_values.n;
    size_t places = (size_t)spec->buckets.n * spec->columns, cells = places * spec->combinations;
    if (cells > SCORE_CELLS) {
        err_at(err, E_INVALID, "/by", "too many values (%u) for so many buckets",
               question->grouping.n);
        return err_hint(err, "Take longer steps of time, or another \"by\".");
    }
    spec->values = values <= VALUES_MAX && places * values <= SCORE_CELLS ? values : 0;
    return 0;
}

/* Nobody has answered anything yet. */
static int nothing(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    bool weighted = plan->weighted || plan->n_margins;
    if (plan->people.wanted)
        question->data = json_pack("{s:i, s:[]}", "count", 0, "customers");
    else
        question->data = json_array();
    if (!plan->has_every && plan->by == BY_NONE && !plan->people.wanted) {
        json_t *row = json_object();
        score_row(row, plan->score, weighted, &(struct score_cell){0});
        score_rate_add(NULL, row, 0, NULL, 0);
        json_array_append_new(question->data, row);
    }
    return score_tell(question, NULL, err);
}

static int answer_rows(struct question *question, struct score_spec *score,
                       struct score_weights *weights, struct score_state *state, struct err *err) {
    struct score_rate rate;
    int code = score_weights_rake(question, weights, state, err);
    if (!code)
        code = score_rate_count(question, &score->buckets, &rate, err);
    question->data = question->data ? question->data : json_array();
    if (!code)
        code = make_rows(question, state, weights, &rate, err);
    if (!code)
        code = score_tell(question, state, err);
    return code;
}

static int count_and_answer(struct question *question, const struct score_scan *reading,
                            struct score_weights *weights, struct err *err) {
    const struct plan *plan = question->plan;
    struct score_spec score = {.grouping = question->grouping,
                               .people = &plan->people,
                               .people_group = question->people_group,
                               .people_value = wanted_value(question),
                               .behind = question_behind(question),
                               .margins = weights->margins,
                               .n_margins = weights->n,
                               .combinations = weights->combinations,
                               .asking = &reading->asking,
                               .asked = reading->asked,
                               .leave_flagged = plan->flagged == FLAGGED_LEAVE_OUT,
                               .only_flagged = plan->flagged == FLAGGED_ONLY,
                               .with_misuse = plan->with_misuse,
                               .survey = reading->survey,
                               .version = reading->version,
                               .question = reading->question,
                               .skip_survey = reading->skip_survey,
                               .forms = plan->has_every,
                               .when = &plan->when,
                               .zone = plan->zone};
    int code = question_buckets(question, &score.buckets, err);
    if (!code)
        code = size_table(question, &score, err);
    if (code)
        return code;
    score.people_bucket =
        plan->people.has_time ? bucket_holding(&score.buckets, plan->people.time_ms) : UINT32_MAX;
    struct score_state *state;
    code = count_answers(question, &score, &state, err);
    if (!code && score.behind)
        code = question_list(question, score.behind, plan->people_limit, err);
    else if (!code)
        code = answer_rows(question, &score, weights, state, err);
    score_free(state);
    return code;
}

int answer_score(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct score_weights weights;
    struct score_scan reading = {0};
    if (!plan->points_property)
        return nothing(question, err);
    question->spec.unordered = true;
    score_weights_ask(question, &weights);
    int code = score_scan_prepare(question, &plan->of, &reading, err);
    if (!code)
        code = score_weights_prepare(question, &weights, err);
    if (!code)
        code = count_and_answer(question, &reading, &weights, err);
    score_scan_release(question, &reading);
    return code;
}
