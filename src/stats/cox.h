/*
 * Which circumstances make an end come sooner? Proportional hazards, with ties after Efron or Breslow, the test of
 * proportionality, and concordance.
 *
 * SOURCES  D. R. Cox, J. R. Statist. Soc. B 34 (1972) 187; B. Efron, J. Amer. Statist. Assoc. 72 (1977) 557; N. Breslow,
 * Biometrics 30 (1974) 89; P. Grambsch, T. Therneau, Biometrika 81 (1994) 515 (as a score test); F. Harrell and others,
 * JAMA 247 (1982) 2543. Figures agree with R's package survival.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_COX_H
#define SENDA_STATS_COX_H

#include "base/err.h"
#include "stats/survival.h"

enum { COX_COVARIATES = 16 };
enum cox_ties { COX_EFRON, COX_BRESLOW };

struct cox {
    size_t p;
    enum cox_ties ties;
    double coefficient[COX_COVARIATES],
        error[COX_COVARIATES]; /* log hazard ratio, standard error */
    double log_likelihood_null, log_likelihood;
    double concordance; /* Harrell's C; NAN without a pair */
    double proportional_p[COX_COVARIATES],
        proportional_all_p; /* against time as 1 - Kaplan-Meier */
};

/* x: n rows of p numbers. E_INVALID: too many covariates, nobody ended, or covariates that depend on each other. */
must_use int cox_fit(struct cox *cox, const struct lifetime *lifetimes, const double *x, size_t n,
                     size_t p, enum cox_ties ties, struct err *err);

#endif
