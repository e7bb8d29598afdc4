/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/survival.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/gsl.h"
#include "stats/matrix.h"

static void *room(size_t n, size_t each) {
    void *memory = calloc(n ? n : 1, each);
    if (!memory)
        abort();
    return memory;
}

static int by_time(const void *left, const void *right) {
    const struct lifetime *a = left, *b = right;
    return (a->time > b->time) - (a->time < b->time);
}

static int by_entry(const void *left, const void *right) {
    const struct lifetime *a = left, *b = right;
    return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Copies in both orders: who leaves next, who enters next. */
struct walk {
    struct lifetime *leaving, *entering;
    size_t n, left, entered;
};

static struct walk walk_begin(const struct lifetime *lifetimes, size_t n) {
    struct walk walk = {room(n, sizeof *lifetimes), room(n, sizeof *lifetimes), n, 0, 0};
    if (n) {
        memcpy(walk.leaving, lifetimes, n * sizeof *lifetimes);
        memcpy(walk.entering, lifetimes, n * sizeof *lifetimes);
        qsort(walk.leaving, n, sizeof *lifetimes, by_time);
        qsort(walk.entering, n, sizeof *lifetimes, by_entry);
    }
    return walk;
}

static void walk_end(struct walk *walk) {
    free(walk->leaving);
    free(walk->entering);
}

/* ---- the curve ---- */

void survival_make(struct survival *survival, const struct lifetime *lifetimes, size_t n) {
    struct walk walk = walk_begin(lifetimes, n);
    *survival = (struct survival){.steps = room(n, sizeof *survival->steps), .subjects = n};
    double share = 1, greenwood = 0;
    while (walk.left < n) {
        double time = walk.leaving[walk.left].time, ended = 0;
        while (walk.entered < n && walk.entering[walk.entered].entry < time)
            walk.entered++;
        double at_risk = (double)(walk.entered - walk.left);
        for (; walk.left < n && !(walk.leaving[walk.left].time > time); walk.left++)
            ended += walk.leaving[walk.left].ended;
        survival->longest = time;
        survival->ended += (size_t)ended;
        if (!(ended > 0))
            continue;
        share *= 1 - ended / at_risk;
        greenwood += at_risk > ended ? ended / (at_risk * (at_risk - ended)) : (double)INFINITY;
        survival->steps[survival->n++] =
            (struct survival_step){time, at_risk, ended, share, greenwood};
    }
    walk_end(&walk);
}

void survival_release(struct survival *survival) {
    free(survival->steps);
    *survival = (struct survival){0};
}

/* The last step at or before t; NULL before the first. */
static const struct survival_step *step_at(const struct survival *survival, double t) {
    size_t low = 0, high = survival->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (survival->steps[middle].time > t)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? &survival->steps[low - 1] : NULL;
}

double survival_at(const struct survival *survival, double t) {
    const struct survival_step *step = step_at(survival, t);
    return step ? step->survival : 1;
}

double survival_error(const struct survival *survival, double t) {
    const struct survival_step *step = step_at(survival, t);
    return step && step->survival > 0 ? step->survival * sqrt(step->greenwood) : 0;
}

static struct estimate interval_of(const struct survival_step *step, double z,
                                   enum survival_scale scale) {
    double s = step->survival, width = z * sqrt(step->greenwood);
    if (!(s > 0) || !(s < 1))
        return (struct estimate){s, (double)NAN, (double)NAN};
    if (scale == SURVIVAL_LOG)
        return (struct estimate){s, s * exp(-width), fmin(1, s * exp(width))};
    double turn = width / fabs(log(s));
    return (struct estimate){s, pow(s, exp(turn)), pow(s, exp(-turn))};
}

struct estimate survival_interval(const struct survival *survival, double t, double confidence,
                                  enum survival_scale scale) {
    const struct survival_step *step = step_at(survival, t);
    if (!step)
        return (struct estimate){1, 1, 1};
    return interval_of(step, normal_quantile(0.5 + confidence / 2), scale);
}

struct estimate survival_median(const struct survival *survival, double confidence) {
    double z = normal_quantile(0.5 + confidence / 2);
    struct estimate median = {(double)NAN, (double)NAN, (double)NAN};
    for (size_t i = 0; i < survival->n; i++) {
        const struct survival_step *step = &survival->steps[i];
        struct estimate at = interval_of(step, z, SURVIVAL_LOG);
        double low = isnan(at.low) ? step->survival : at.low,
               high = isnan(at.high) ? step->survival : at.high;
        if (isnan(median.value) && step->survival <= 0.5 + 1e-12) {
            bool flat = step->survival >= 0.5 - 1e-12 && i + 1 < survival->n;
            median.value = flat ? (step->time + survival->steps[i + 1].time) / 2 : step->time;
        }
        if (isnan(median.low) && low <= 0.5)
            median.low = step->time;
        if (isnan(median.high) && high <= 0.5)
            median.high = step->time;
    }
    return median;
}

double survival_mean(const struct survival *survival, double until, double *error) {
    double area = 0, variance = 0, end = until;
    /* backwards, so that the area right of each step is there when its variance is added */
    for (size_t i = survival->n; i-- > 0;) {
        const struct survival_step *step = &survival->steps[i];
        if (step->time > until)
            continue;
        area += step->survival * (end - step->time);
        end = step->time;
        if (step->at_risk > step->ended)
            variance += area * area * step->ended / (step->at_risk * (step->at_risk - step->ended));
    }
    *error = sqrt(variance);
    return area + end;
}

/* ---- log-rank ---- */

struct counts {
    double at_risk[LOG_RANK_GROUPS], ended[LOG_RANK_GROUPS], all, all_ended;
};

/* One time: what each group would have lost had all lasted alike, and how that varies. */
static void add_time(struct log_rank *test, const struct counts *at, double *covariance) {
    if (!(at->all_ended > 0))
        return;
    double share = at->all_ended / at->all;
    double factor = at->all > 1 ? at->all_ended * (at->all - at->all_ended) /
                                      (at->all * at->all * (at->all - 1))
                                : 0;
    for (size_t g = 0; g < LOG_RANK_GROUPS; g++) {
        test->observed[g] += at->ended[g];
        test->expected[g] += at->at_risk[g] * share;
        for (size_t h = 0; h < LOG_RANK_GROUPS; h++)
            covariance[g * LOG_RANK_GROUPS + h] +=
                factor * at->at_risk[g] * ((g == h ? at->all : 0) - at->at_risk[h]);
    }
}

static void conclude(struct log_rank *test, const double *covariance) {
    size_t with[LOG_RANK_GROUPS];
    for (size_t g = 0; g < LOG_RANK_GROUPS; g++)
        if (test->expected[g] > 0)
            with[test->groups++] = g;
    test->chi_square = test->df = test->p = (double)NAN;
    if (test->groups < 2)
        return;
    size_t df = test->groups - 1;
    double matrix[LOG_RANK_GROUPS * LOG_RANK_GROUPS], gap[LOG_RANK_GROUPS], sum = 0;
    for (size_t i = 0; i < df; i++) {
        gap[i] = test->observed[with[i]] - test->expected[with[i]];
        for (size_t k = 0; k < df; k++)
            matrix[i * df + k] = covariance[with[i] * LOG_RANK_GROUPS + with[k]];
    }
    if (!cholesky(matrix, df))
        return;
    double solved[LOG_RANK_GROUPS];
    memcpy(solved, gap, sizeof solved);
    cholesky_solve(matrix, df, solved);
    for (size_t i = 0; i < df; i++)
        sum += gap[i] * solved[i];
    test->chi_square = sum;
    test->df = (double)df;
    test->p = chi_square_tail(sum, (double)df);
}

void log_rank_test(struct log_rank *test, const struct lifetime *lifetimes, size_t n) {
    struct walk walk = walk_begin(lifetimes, n);
    double covariance[LOG_RANK_GROUPS * LOG_RANK_GROUPS] = {0};
    struct counts at = {0};
    *test = (struct log_rank){0};
    while (walk.left < n) {
        double time = walk.leaving[walk.left].time;
        for (; walk.entered < n && walk.entering[walk.entered].entry < time; walk.entered++)
            at.at_risk[walk.entering[walk.entered].group]++, at.all++;
        memset(at.ended, 0, sizeof at.ended);
        at.all_ended = 0;
        size_t end = walk.left;
        for (; end < n && !(walk.leaving[end].time > time); end++)
            if (walk.leaving[end].ended)
                at.ended[walk.leaving[end].group]++, at.all_ended++;
        add_time(test, &at, covariance);
        for (; walk.left < end; walk.left++)
            at.at_risk[walk.leaving[walk.left].group]--, at.all--;
    }
    conclude(test, covariance);
    walk_end(&walk);
}
