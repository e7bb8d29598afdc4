/*
 * How likely is something, given what was known before? Logistic regression by iteratively reweighted least squares.
 *
 * Where what was known tells the two kinds fully apart, no finite coefficients fit best: that is noticed (`separated`) and the
 * fit is made with a penalty (ridge) instead.
 *
 * SOURCES  P. McCullagh, J. Nelder, Generalized Linear Models (1989), 4.4; separation: A. Albert, J. Anderson, Biometrika 71
 * (1984) 1; ridge: S. le Cessie, J. van Houwelingen, Appl. Statist. 41 (1992) 191. Figures agree with R's glm.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_LOGISTIC_H
#define SENDA_STATS_LOGISTIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { LOGISTIC_PREDICTORS = 96 };

struct logistic {
    size_t p;
    bool separated;
    double ridge;                                                                /* used at last */
    double coefficient[LOGISTIC_PREDICTORS + 1], error[LOGISTIC_PREDICTORS + 1]; /* 0: intercept */
    double deviance, deviance_null;
};

/* y[n] 0 or 1; x: n rows of p numbers. ridge: penalty on half the sum of squares of the coefficients but the intercept; with a
 * penalty the predictors should be of one scale. cancelled may be NULL. E_INVALID: one kind only, or predictors that
 * depend on each other; E_CANCELLED. */
must_use int logistic_fit(struct logistic *model, const double *x, const uint8_t *y, size_t n,
                          size_t p, double ridge, const atomic_bool *cancelled, struct err *err);
/* The probability for one row of p numbers. */
double logistic_probability(const struct logistic *model, const double *x);
double logistic_of(double log_odds);

#endif
