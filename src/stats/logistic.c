/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/logistic.h"

#include <math.h>
#include <string.h>

#include "stats/matrix.h"

enum { TERMS = LOGISTIC_PREDICTORS + 1, ROUNDS = 30 };
/* Log odds that no data speaks for: a probability of 1 in 10^13. */
#define BEYOND 30

double logistic_of(double log_odds) { return 1 / (1 + exp(-log_odds)); }

static double log_odds(const double *b, const double *x, size_t p) {
    double sum = b[0];
    for (size_t i = 0; i < p; i++)
        sum += b[i + 1] * x[i];
    return sum;
}

double logistic_probability(const struct logistic *model, const double *x) {
    return logistic_of(log_odds(model->coefficient, x, model->p));
}

/* log(1 + exp(z)), whatever z. */
static double soft(double z) { return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

struct sums {
    double score[TERMS], information[TERMS * TERMS], deviance, farthest;
};

static void add_row(struct sums *sums, const double *b, const double *x, uint8_t y, size_t p) {
    double eta = log_odds(b, x, p), mu = logistic_of(eta), w = mu * (1 - mu), gap = y - mu;
    size_t n = p + 1;
    sums->deviance += 2 * (soft(eta) - y * eta);
    sums->farthest = fmax(sums->farthest, fabs(eta));
    sums->score[0] += gap;
    sums->information[0] += w;
    for (size_t i = 0; i < p; i++) {
        double *row = &sums->information[(i + 1) * n], wx = w * x[i];
        sums->score[i + 1] += gap * x[i];
        row[0] += wx;
        for (size_t k = 0; k <= i; k++)
            row[k + 1] += wx * x[k];
    }
}

static void add_up(struct sums *sums, const struct logistic *model, const double *x,
                   const uint8_t *y, size_t n) {
    const double *b = model->coefficient;
    size_t terms = model->p + 1;
    *sums = (struct sums){0};
    for (size_t row = 0; row < n; row++)
        add_row(sums, b, &x[row * model->p], y[row], model->p);
    for (size_t i = 0; i < terms; i++) {
        if (i) {
            sums->score[i] -= model->ridge * b[i];
            sums->information[i * terms + i] += model->ridge;
        }
        for (size_t k = 0; k < i; k++)
            sums->information[k * terms + i] = sums->information[i * terms + k];
    }
}

static double penalised(const struct logistic *model, const struct sums *sums) {
    double squares = 0;
    for (size_t i = 1; i <= model->p; i++)
        squares += model->coefficient[i] * model->coefficient[i];
    return sums->deviance + model->ridge * squares;
}

static void settle(struct logistic *model, const struct sums *sums) {
    double inverse[TERMS * TERMS];
    size_t terms = model->p + 1;
    cholesky_inverse(sums->information, terms, inverse);
    for (size_t i = 0; i < terms; i++)
        model->error[i] = sqrt(inverse[i * terms + i]);
    model->deviance = sums->deviance;
}

/* 1: the kinds are told apart without a penalty. */
static int climb(struct logistic *model, const double *x, const uint8_t *y, size_t n,
                 const atomic_bool *cancelled, struct err *err) {
    struct sums sums;
    size_t terms = model->p + 1;
    double before = (double)INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        if (cancelled && atomic_load(cancelled))
            return err_set(err, E_CANCELLED, "the fit was cancelled");
        add_up(&sums, model, x, y, n);
        double now = penalised(model, &sums);
        if (!(model->ridge > 0) && round > 5 && sums.farthest > BEYOND)
            return 1;
        if (!cholesky(sums.information, terms))
            return round ? 1 : err_set(err, E_INVALID, "the predictors depend on each other");
        if (fabs(before - now) <= 1e-12 * (fabs(now) + 0.1)) {
            settle(model, &sums);
            return 0;
        }
        cholesky_solve(sums.information, terms, sums.score);
        for (size_t i = 0; i < terms; i++)
            model->coefficient[i] += sums.score[i];
        before = now;
    }
    return 1;
}

int logistic_fit(struct logistic *model, const double *x, const uint8_t *y, size_t n, size_t p,
                 double ridge, const atomic_bool *cancelled, struct err *err) {
    size_t ones = 0;
    *model = (struct logistic){.p = p, .ridge = ridge};
    for (size_t i = 0; i < n; i++)
        ones += y[i];
    if (p > LOGISTIC_PREDICTORS || !ones || ones == n)
        return err_set(err, E_INVALID, "a fit needs some of both kinds and at most %d predictors",
                       LOGISTIC_PREDICTORS);
    double share = (double)ones / (double)n;
    model->deviance_null = -2 * ((double)ones * log(share) + (double)(n - ones) * log(1 - share));
    int code = climb(model, x, y, n, cancelled, err);
    if (code <= 0)
        return code;
    model->separated = true;
    model->ridge = ridge > 0 ? ridge * 10 : 1;
    memset(model->coefficient, 0, sizeof model->coefficient);
    code = climb(model, x, y, n, cancelled, err);
    return code > 0 ? err_set(err, E_INVALID, "the fit did not settle") : code;
}
