/*
 * Weighting by raking: answers get weights so that each of some variables (age, channel …) has the shares that it has in
 * the population.
 *
 * Respondents who agree in every variable are one cell. Variable after variable, the weights of a category's cells are
 * multiplied by wanted ÷ present, until no share is off by more than 1e-8 of itself (at most 100 rounds). Weights above
 * 5 times the median are cut to that, and one more round is raked: both results are for the reader to compare.
 *
 * LIMITS  It mends only who answers as far as the chosen variables show it, not that angry and delighted people answer more:
 * an answer shows the weighted and the unweighted number and how many answered.
 *
 * SOURCES  W. E. Deming, F. F. Stephan, Ann. Math. Statist. 11 (1940) 427; trimming: J.-C. Deville, C.-E. Särndal, O.
 * Sautory, J. Amer. Statist. Assoc. 88 (1993) 1013 discuss why; reference values: R's survey::rake.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_RAKE_H
#define SENDA_STATS_RAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One variable: the category of each cell, and how much of the population each category is (counts or shares). */
struct rake_margin {
    const uint32_t *category; /* [cells] below n */
    const double *target;     /* [n] not negative, some positive */
    uint32_t n;
};

struct raking {
    unsigned rounds;
    double largest; /* weight over the median, before it was cut */
    bool trimmed;   /* some were above RAKE_TRIM times the median */
    bool nobody;    /* E_INVALID, because category `empty` of margin `of` has no respondent */
    size_t empty, of;
};

#define RAKE_TRIM 5.0

/* base[cells]: the weights that the respondents of each cell bring, summed; cells with 0 have nobody. factor[cells], out:
 * what to multiply them by; the sum of all weights stays. A category wanted to be 0 gets 0. With trim false, weights are left
 * as they come. E_INVALID: a wanted category has nobody, or the margins cannot be met together. Cost: cells × margins ×
 * rounds. */
must_use int rake(const double *base, double *factor, size_t cells,
                  const struct rake_margin *margins, size_t n_margins, bool trim,
                  struct raking *raking, struct err *err);

#endif
