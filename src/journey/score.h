/*
 * Scores: what answers add up to, by bucket of time and group, with their distribution.
 *
 * Points of an answer (collect/answers.h) are a number; a cell keeps how many, their sum and the sum of their squares, plain
 * and weighted, from which every score and its interval follow (promoters are (squares + sum) / 2 …).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_SCORE_H
#define SENDA_JOURNEY_SCORE_H

#include "query/block.h"

struct score_spec {
    struct bucket_table buckets; /* one that holds everything, where nobody asked for time */
    struct grouping grouping;
    const uint32_t *place; /* [grouping.n] column of each group, NULL: the same */
    uint32_t columns,
        values; /* of the table of cells; different values of answers, 0: no distribution */
    const struct people *people;
    uint32_t people_bucket, people_group; /* UINT32_MAX bucket: all */
    uint32_t people_value;                /* number of the value asked for, UINT32_MAX: all */
    struct owner_set *behind;             /* or NULL */
};

struct score_cell {
    uint64_t n;
    double sum, squares;                         /* of points */
    double weight, weight2, weighted, weighted2; /* of w, w², w·points, w·points² */
};

struct score_state {
    const struct score_spec *spec;
    struct score_cell *cells; /* [buckets][columns] */
    uint64_t *distribution;   /* [buckets][columns][values] */
};

struct score_state *score_new(const struct score_spec *spec);
void score_free(struct score_state *state);
extern const struct operator score_operator;
void score_merge(struct score_state *into, const struct score_state *from);

#endif
