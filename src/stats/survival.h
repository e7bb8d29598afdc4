/*
 * How long does something last, when for some it has not ended yet? Kaplan-Meier curves with intervals, restricted means,
 * the log-rank test of groups.
 *
 * Who was there before anybody looked enters late (entry > 0): counting the time before would hold those for long-lived who
 * only were not seen to leave ("immortal time").
 *
 * SOURCES  E. L. Kaplan, P. Meier, J. Amer. Statist. Assoc. 53 (1958) 457; Greenwood's variance; N. Mantel, Cancer Chemother.
 * Rep. 50 (1966) 163. Figures agree with R's package survival.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_SURVIVAL_H
#define SENDA_STATS_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/interval.h"

struct lifetime {
    double entry, time; /* under observation in (entry, time]; 0 <= entry < time */
    bool ended;         /* at `time`; else it was still lasting */
    uint32_t group;
};

/* At each time at which something ended, ascending. */
struct survival_step {
    double time, at_risk, ended;
    double survival;  /* just after */
    double greenwood; /* sum of d / (n (n - d)) up to here; INFINITY once nobody is left */
};
struct survival {
    struct survival_step *steps; /* free() */
    size_t n, subjects, ended;
    double longest; /* the last time of anybody */
};

/* The curve of n lifetimes in any order. Cost n log n. */
void survival_make(struct survival *survival, const struct lifetime *lifetimes, size_t n);
void survival_release(struct survival *survival);

/* Share still there just after t; 1 before the first step. */
double survival_at(const struct survival *survival, double t);
double survival_error(const struct survival *survival, double t); /* Greenwood's standard error */
enum survival_scale { SURVIVAL_LOG, SURVIVAL_LOG_LOG };
/* Interval on the scale of log S (what R gives) or of log(-log S), which stays within 0 … 1. */
struct estimate survival_interval(const struct survival *survival, double t, double confidence,
                                  enum survival_scale scale);
/* Time by which half have ended, with the times at which the interval's ends (scale log) pass one half; NAN: not reached. */
struct estimate survival_median(const struct survival *survival, double confidence);
/* Mean lifetime up to `until`: the area below the curve; *error: its standard error. */
double survival_mean(const struct survival *survival, double until, double *error);

enum { LOG_RANK_GROUPS = 16 };
struct log_rank {
    size_t groups;            /* with anybody at risk */
    double chi_square, df, p; /* NAN with fewer than two */
    double observed[LOG_RANK_GROUPS], expected[LOG_RANK_GROUPS];
};
/* Do groups 0 … LOG_RANK_GROUPS - 1 last equally long? */
void log_rank_test(struct log_rank *test, const struct lifetime *lifetimes, size_t n);

#endif
