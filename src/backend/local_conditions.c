/*
 * Answers beside the conditions of their centre: what was going on there (how long people waited, how many were at work) in the
 * time before each answer. So also an anonymous tap is more than a face.
 *
 * Each answer with a unit is joined with the interactions of that unit that match `of` within `window` up to its own instant:
 * how many, the sum or the mean of a property. An answer of which nothing is known so is left out and counted. The answer is the
 * score by bands of that condition, and the slope: how many points of score go with one more of it (a straight line, so a
 * tendency and no cause).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/conditions.h"
#include "backend/score_row.h"
#include "backend/score_scan.h"
#include "stats/compare.h"

enum { BANDS_UNSAID = 5 };

/* ---- answers ---- */

struct pair {
    double condition, points;
};

struct joined {
    const struct question *question;
    const struct score_scan *reading;
    const struct conditions *conditions;
    struct pair *pairs;
    size_t n, capacity;
    uint64_t alone; /* of which no condition is known */
};

static void join_one(struct joined *joined, const struct view *view, uint32_t row) {
    const struct score_scan *reading = joined->reading;
    const struct plan *plan = joined->question->plan;
    uint32_t survey = reading->survey < VIEW_EXTRAS ? view->extra[reading->survey][row] : 0;
    if (isnan(view->number[row]) || (reading->skip_survey && reading->skip_survey[survey]) ||
        score_scan_leaves(plan, asked_reason(reading->asked, &reading->asking, view, row)))
        return;
    double condition = condition_at(joined->conditions, plan, view->part->unit[view_row(view, row)],
                                    view->sec[row]);
    if (isnan(condition)) {
        joined->alone++;
        return;
    }
    if (joined->n == joined->capacity) {
        joined->capacity = joined->capacity ? 2 * joined->capacity : 4096;
        joined->pairs = realloc(joined->pairs, joined->capacity * sizeof *joined->pairs);
        if (!joined->pairs)
            abort();
    }
    joined->pairs[joined->n++] = (struct pair){condition, view->number[row]};
}

static void join(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    (void)owner;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            join_one(opaque, runs[r].view, row);
}
static const struct operator join_operator = {.customer = join};

static int by_condition(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->condition != y->condition)
        return x->condition < y->condition ? -1 : 1;
    return (x->points > y->points) - (x->points < y->points);
}

/* ---- rows ---- */

/* Where bands begin: as asked, else at fifths of the answers. */
static size_t begin_bands(const struct question *question, const struct joined *joined,
                          double *bands) {
    const struct plan *plan = question->plan;
    size_t n = 0;
    if (plan->n_bands) {
        memcpy(bands, plan->bands, plan->n_bands * sizeof *bands);
        return plan->n_bands;
    }
    for (size_t i = 0; i < BANDS_UNSAID && joined->n; i++) {
        double at = joined->pairs[joined->n * i / BANDS_UNSAID].condition;
        if (!n || at > bands[n - 1])
            bands[n++] = at;
    }
    return n;
}

static void add_band(const struct question *question, json_t *list, double from, double to,
                     const struct score_cell *cell) {
    json_t *row = json_pack("{s:o, s:o}", "from", json_of_number(from), "to",
                            isinf(to) ? json_null() : json_of_number(to));
    score_row(row, question->plan->score, false, cell);
    json_object_del(row, "flagged");
    json_array_append_new(list, row);
}

static json_t *bands_of(const struct question *question, const struct joined *joined) {
    double *begin =
        ARENA_ARRAY(question->arena, double, (size_t)question->plan->n_bands + BANDS_UNSAID + 1);
    size_t n = begin_bands(question, joined, begin), at = 0;
    json_t *list = json_array();
    for (size_t band = 0; band < n; band++) {
        struct score_cell cell = {0};
        double end = band + 1 < n ? begin[band + 1] : (double)INFINITY;
        for (; at < joined->n && joined->pairs[at].condition < end; at++) {
            double points = joined->pairs[at].points;
            if (joined->pairs[at].condition < begin[band])
                continue;
            cell.n++;
            cell.sum += points;
            cell.squares += points * points;
        }
        add_band(question, list, begin[band], end, &cell);
    }
    return list;
}

static json_t *slope_of(const struct question *question, const struct joined *joined) {
    struct line_sums sums = {0};
    double times = question->plan->score == SCORE_NPS ? 100 : 1;
    for (size_t i = 0; i < joined->n; i++)
        line_add(&sums, joined->pairs[i].condition, times * joined->pairs[i].points);
    return score_difference_json(line_slope(&sums, CONFIDENCE_95));
}

static int join_all(struct question *question, const struct score_scan *reading,
                    const struct conditions *conditions, struct err *err) {
    struct joined joined[SCAN_THREADS] = {{question, reading, conditions, NULL, 0, 0, 0},
                                          {question, reading, conditions, NULL, 0, 0, 0}};
    void *states[SCAN_THREADS] = {&joined[0], &joined[1]};
    int code = scan_run(&question->scan, &join_operator, states, err);
    struct joined *all = &joined[0];
    all->pairs = realloc(all->pairs, (all->n + joined[1].n + 1) * sizeof *all->pairs);
    if (!all->pairs)
        abort();
    if (joined[1].n)
        memcpy(all->pairs + all->n, joined[1].pairs, joined[1].n * sizeof *all->pairs);
    all->n += joined[1].n;
    all->alone += joined[1].alone;
    qsort(all->pairs, all->n, sizeof *all->pairs, by_condition);
    if (!code)
        question->data = json_pack("{s:I, s:I, s:o, s:o}", "n", (json_int_t)all->n, "alone",
                                   (json_int_t)all->alone, "slope", slope_of(question, all),
                                   "bands", bands_of(question, all));
    free(joined[1].pairs);
    free(all->pairs);
    return code;
}

int answer_conditions(struct question *question, struct err *err) {
    struct score_scan reading = {0};
    struct conditions conditions = {0};
    if (!question->plan->points_property) {
        question->data =
            json_pack("{s:i, s:i, s:o, s:[]}", "n", 0, "alone", 0, "slope",
                      score_difference_json(line_slope(&(struct line_sums){0}, 0.95)), "bands");
        return 0;
    }
    question->spec.unordered = true;
    int code = score_scan_prepare(question, &question->plan->of, &reading, err);
    if (!code)
        code = conditions_measure(question, &conditions, err);
    if (!code)
        code = join_all(question, &reading, &conditions, err);
    score_scan_release(question, &reading);
    conditions_release(&conditions);
    return code;
}
