/*
 * Scores: what answers add up to, by bucket of time and group, with their distribution.
 *
 * Points of an answer (collect/answers.h) are a number; a cell keeps how many, their sum and the sum of their squares, plain
 * and weighted, from which every score and its interval follow (promoters are (squares + sum) / 2 …). Where the question weights
 * by margins, cells are kept apart by combination of their categories; the weights follow when all is counted (stats/rake.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_SCORE_H
#define SENDA_JOURNEY_SCORE_H

#include "journey/asked.h"
#include "journey/forms.h"
#include "query/block.h"

/* A variable of the margins: where its number is found, and the category that each number is. */
enum score_margin_of {
    MARGIN_CHANNEL,
    MARGIN_UNIT,
    MARGIN_TOUCHPOINT,
    MARGIN_EVENT,
    MARGIN_EXTRA,
    MARGIN_OWNER
};
struct score_margin {
    enum score_margin_of of;
    uint32_t extra;           /* MARGIN_EXTRA */
    const uint32_t *by_owner; /* MARGIN_OWNER: number of each customer */
    const uint32_t *category; /* [numbers] below n; n - 1: none of the margin's */
    uint32_t n;
};

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

    const struct score_margin *margins;
    uint32_t n_margins, combinations; /* 1 without margins */
    const struct asked_spec *asking;  /* flags of answers */
    const struct asked_count *asked;  /* decided, or NULL */
    bool leave_flagged, only_flagged, with_misuse;
    uint32_t survey, version, question; /* places in view->extra, VIEW_EXTRAS: nobody has it */
    const bool *skip_survey;            /* [numbers] answers about others; NULL: none */
    bool forms;                         /* wanted */
    const struct week_hours *when;
    const struct zone *zone;
};

struct score_cell {
    uint64_t n, customers; /* of cells put together: of the largest, at least */
    uint64_t outside;      /* numbers that are none of their scale: they count for nothing */
    uint32_t last;         /* owner that was counted last, and 1 */
    double sum, squares;   /* of points */
    double weight, weight2, weighted, weighted2; /* of w, w², w·points, w·points² */
    double square_points, square_squares;        /* of w²·points, w²·points² */
    uint32_t flagged[ASKED_REASONS];             /* left out, or in: by reason */
};
/* into += from (other customers or the same), whose weights are multiplied by `factor`. */
void score_cell_add(struct score_cell *into, const struct score_cell *from, double factor);

struct score_state {
    const struct score_spec *spec;
    struct score_cell *cells; /* [buckets][columns][combinations] */
    uint64_t *distribution;   /* [buckets][columns][values] */
    struct forms forms;
    bool *surveys; /* [numbers] seen; NULL where nobody asks */
};

struct score_state *score_new(const struct score_spec *spec, uint32_t surveys);
void score_free(struct score_state *state);
extern const struct operator score_operator;
void score_merge(struct score_state *into, const struct score_state *from, uint32_t surveys);

#endif
