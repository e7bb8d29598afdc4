/*
 * Newton's method on the partial likelihood: see cox.h.
 *
 * Going back in time, whoever leaves later is at risk already; sums of weights exp(xb), of x and of x x' over those at risk
 * grow by who leaves here and shrink by who enters after. Of m that end together, Efron takes the k-th (0 … m - 1) with k/m of
 * their own weight gone; Breslow takes all m whole.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/cox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/gsl.h"
#include "stats/matrix.h"

enum { P = COX_COVARIATES, ROUNDS = 30, HALVINGS = 20 };

struct subject {
    struct lifetime life;
    const double *x;
    double log_weight, weight, clock; /* clock: 1 - Kaplan-Meier just before its time */
};

struct sums {
    double w, wx[P], wxx[P * P];
};

/* What one pass gives. Scores and information of the coefficients, and of the same times the clock. */
struct pass {
    double log_likelihood, score[P], information[P * P];
    double timed_score[P], crossed[P * P], timed[P * P];
};

struct fitting {
    struct subject *by_time, *by_entry; /* descending */
    size_t n, p;
    enum cox_ties ties;
    double mean[P];
};

static void add(struct sums *sums, const struct fitting *f, const struct subject *s, double sign) {
    double w = sign * s->weight;
    sums->w += w;
    for (size_t i = 0; i < f->p; i++) {
        double wx = w * (s->x[i] - f->mean[i]);
        sums->wx[i] += wx;
        for (size_t k = 0; k <= i; k++)
            sums->wxx[i * P + k] += wx * (s->x[k] - f->mean[k]);
    }
}

/* One end, with those at risk and the part of the tied that is gone. */
static void add_end(struct pass *pass, const struct fitting *f, const struct sums *risk,
                    const struct sums *tied, double gone, double clock) {
    double w = risk->w - gone * tied->w, mean[P];
    pass->log_likelihood -= log(w);
    for (size_t i = 0; i < f->p; i++) {
        mean[i] = (risk->wx[i] - gone * tied->wx[i]) / w;
        pass->score[i] -= mean[i];
        pass->timed_score[i] -= clock * mean[i];
        for (size_t k = 0; k <= i; k++) {
            double v = (risk->wxx[i * P + k] - gone * tied->wxx[i * P + k]) / w - mean[i] * mean[k];
            pass->information[i * P + k] += v;
            pass->crossed[i * P + k] += clock * v;
            pass->timed[i * P + k] += clock * clock * v;
        }
    }
}

/* Those who end at one time. */
static void add_ends(struct pass *pass, const struct fitting *f, const struct sums *risk,
                     const struct subject *from, const struct subject *to) {
    struct sums tied = {0};
    size_t m = 0;
    double clock = from->clock;
    for (const struct subject *s = from; s < to; s++) {
        if (!s->life.ended)
            continue;
        m++;
        add(&tied, f, s, 1);
        pass->log_likelihood += s->log_weight;
        for (size_t i = 0; i < f->p; i++) {
            pass->score[i] += s->x[i] - f->mean[i];
            pass->timed_score[i] += clock * (s->x[i] - f->mean[i]);
        }
    }
    for (size_t k = 0; k < m; k++)
        add_end(pass, f, risk, &tied, f->ties == COX_EFRON ? (double)k / (double)m : 0, clock);
}

static void set_weights(struct subject *subjects, const struct fitting *f, const double *b) {
    for (size_t s = 0; s < f->n; s++) {
        double sum = 0;
        for (size_t i = 0; i < f->p; i++)
            sum += b[i] * (subjects[s].x[i] - f->mean[i]);
        subjects[s].log_weight = sum;
        subjects[s].weight = exp(sum);
    }
}

static void run_pass(struct pass *pass, struct fitting *f, const double *b) {
    struct sums risk = {0};
    *pass = (struct pass){0};
    set_weights(f->by_time, f, b);
    set_weights(f->by_entry, f, b);
    for (size_t i = 0, entry = 0, end; i < f->n; i = end) {
        double time = f->by_time[i].life.time;
        for (end = i; end < f->n && !(f->by_time[end].life.time < time); end++)
            add(&risk, f, &f->by_time[end], 1);
        for (; entry < f->n && f->by_entry[entry].life.entry >= time; entry++)
            add(&risk, f, &f->by_entry[entry], -1);
        add_ends(pass, f, &risk, &f->by_time[i], &f->by_time[end]);
    }
}

/* The lower triangle of a P × P into a full p × p. */
static void unfold(const double *folded, size_t p, double *full) {
    for (size_t i = 0; i < p; i++)
        for (size_t k = 0; k < p; k++)
            full[i * p + k] = folded[i >= k ? i * P + k : k * P + i];
}

static int later_first(const void *left, const void *right) {
    const struct subject *a = left, *b = right;
    return (b->life.time > a->life.time) - (b->life.time < a->life.time);
}

static int entered_last_first(const void *left, const void *right) {
    const struct subject *a = left, *b = right;
    return (b->life.entry > a->life.entry) - (b->life.entry < a->life.entry);
}

static void prepare(struct fitting *f, const struct lifetime *lifetimes, const double *x) {
    struct survival curve;
    f->by_time = calloc(f->n + 1, sizeof *f->by_time);
    f->by_entry = calloc(f->n + 1, sizeof *f->by_entry);
    if (!f->by_time || !f->by_entry)
        abort();
    survival_make(&curve, lifetimes, f->n);
    for (size_t s = 0; s < f->n; s++) {
        double before = nextafter(lifetimes[s].time, 0);
        f->by_time[s] = (struct subject){
            .life = lifetimes[s], .x = &x[s * f->p], .clock = 1 - survival_at(&curve, before)};
        for (size_t i = 0; i < f->p; i++)
            f->mean[i] += x[s * f->p + i] / (double)f->n;
    }
    survival_release(&curve);
    memcpy(f->by_entry, f->by_time, f->n * sizeof *f->by_time);
    qsort(f->by_time, f->n, sizeof *f->by_time, later_first);
    qsort(f->by_entry, f->n, sizeof *f->by_entry, entered_last_first);
}

static int singular(struct err *err) {
    return err_set(err, E_INVALID, "the circumstances depend on each other");
}

static int climb(struct cox *cox, struct fitting *f, struct pass *pass, struct err *err) {
    double *b = cox->coefficient, matrix[P * P], step[P], next[P];
    run_pass(pass, f, b);
    cox->log_likelihood_null = pass->log_likelihood;
    for (int round = 0; round < ROUNDS; round++) {
        double before = pass->log_likelihood;
        unfold(pass->information, f->p, matrix);
        if (!cholesky(matrix, f->p))
            return singular(err);
        memcpy(step, pass->score, sizeof step);
        cholesky_solve(matrix, f->p, step);
        for (int halving = 0; halving < HALVINGS; halving++) {
            for (size_t i = 0; i < f->p; i++)
                next[i] = b[i] + ldexp(step[i], -halving);
            run_pass(pass, f, next);
            if (pass->log_likelihood >= before - 1e-12)
                break;
        }
        memcpy(b, next, f->p * sizeof *b);
        if (fabs(pass->log_likelihood - before) <= 1e-11 * fabs(before))
            break;
    }
    cox->log_likelihood = pass->log_likelihood;
    return 0;
}

/* Score tests: would a coefficient that changes with the clock fit better? */
static void test_proportional(struct cox *cox, const struct pass *pass, size_t p,
                              const double *inverse) {
    double crossed[P * P], timed[P * P], left[P * P] = {0}, all[P];
    unfold(pass->crossed, p, crossed);
    unfold(pass->timed, p, timed);
    for (size_t i = 0; i < p; i++)
        for (size_t k = 0; k < p; k++) {
            left[i * p + k] = timed[i * p + k];
            for (size_t r = 0; r < p; r++)
                for (size_t c = 0; c < p; c++)
                    left[i * p + k] -= crossed[i * p + r] * inverse[r * p + c] * crossed[c * p + k];
        }
    for (size_t i = 0; i < p; i++)
        cox->proportional_p[i] =
            chi_square_tail(pass->timed_score[i] * pass->timed_score[i] / left[i * p + i], 1);
    cox->proportional_all_p = (double)NAN;
    memcpy(all, pass->timed_score, sizeof all);
    if (!cholesky(left, p))
        return;
    cholesky_solve(left, p, all);
    double sum = 0;
    for (size_t i = 0; i < p; i++)
        sum += all[i] * pass->timed_score[i];
    cox->proportional_all_p = chi_square_tail(sum, (double)p);
}

/* ---- concordance ---- */

static int by_number(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static size_t rank_of(const double *sorted, size_t n, double value) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low + 1;
}

/* How many of each risk are there (a Fenwick tree over ranks from 1). */
struct tally {
    double *sorted, *tree, present;
    size_t n;
};

static double tally_upto(const struct tally *tally, size_t rank) {
    double sum = 0;
    for (; rank; rank &= rank - 1)
        sum += tally->tree[rank];
    return sum;
}

static void tally_add(struct tally *tally, const struct subject *subject) {
    tally->present++;
    for (size_t at = rank_of(tally->sorted, tally->n, subject->log_weight); at <= tally->n;
         at += at & -at)
        tally->tree[at]++;
}

static void tally_group(struct tally *tally, const struct subject *from, const struct subject *to,
                        bool ended) {
    for (const struct subject *s = from; s < to; s++)
        if (s->life.ended == ended)
            tally_add(tally, s);
}

/* Of pairs in which one surely lasted longer, the share in which its risk was lower; equal risks count one half. Late
 * entries are not minded. */
static double concordance(const struct fitting *f) {
    struct tally tally = {malloc((f->n + 1) * sizeof(double)), calloc(f->n + 2, sizeof(double)), 0,
                          f->n};
    double pairs = 0, good = 0;
    if (!tally.sorted || !tally.tree)
        abort();
    for (size_t i = 0; i < f->n; i++)
        tally.sorted[i] = f->by_time[i].log_weight;
    qsort(tally.sorted, f->n, sizeof *tally.sorted, by_number);
    for (size_t i = 0, end; i < f->n; i = end) {
        const struct subject *from = &f->by_time[i];
        for (end = i; end < f->n && !(f->by_time[end].life.time < from->life.time);)
            end++;
        tally_group(&tally, from, &f->by_time[end], false); /* lasted beyond those that end here */
        for (const struct subject *s = from; s < &f->by_time[end]; s++) {
            size_t rank = rank_of(tally.sorted, f->n, s->log_weight);
            if (!s->life.ended)
                continue;
            pairs += tally.present;
            good += (tally_upto(&tally, rank - 1) + tally_upto(&tally, rank)) / 2;
        }
        tally_group(&tally, from, &f->by_time[end], true);
    }
    free(tally.sorted);
    free(tally.tree);
    return pairs > 0 ? good / pairs : (double)NAN;
}

int cox_fit(struct cox *cox, const struct lifetime *lifetimes, const double *x, size_t n, size_t p,
            enum cox_ties ties, struct err *err) {
    size_t ended = 0;
    *cox = (struct cox){.p = p, .ties = ties};
    for (size_t i = 0; i < n; i++)
        ended += lifetimes[i].ended;
    if (!p || p > P || !ended)
        return err_set(
            err, E_INVALID,
            ended ? "between 1 and %d circumstances can be weighed" : "nobody has ended yet", P);
    struct fitting f = {.n = n, .p = p, .ties = ties};
    struct pass pass;
    double matrix[P * P], inverse[P * P];
    prepare(&f, lifetimes, x);
    int code = climb(cox, &f, &pass, err);
    unfold(pass.information, p, matrix);
    if (!code && !cholesky(matrix, p))
        code = singular(err);
    if (!code) {
        cholesky_inverse(matrix, p, inverse);
        for (size_t i = 0; i < p; i++)
            cox->error[i] = sqrt(inverse[i * p + i]);
        test_proportional(cox, &pass, p, inverse);
        cox->concordance = concordance(&f);
    }
    free(f.by_time);
    free(f.by_entry);
    return code;
}
