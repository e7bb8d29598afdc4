/*
 * Weighting a score by margins: which combination of categories each answer is in, and the weights that follow.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_WEIGHTS_H
#define SENDA_BACKEND_SCORE_WEIGHTS_H

#include "backend/local.h"
#include "journey/score.h"

struct score_weights {
    struct score_margin *margins;
    const uint32_t *extras;     /* [n] place of each margin's property */
    uint32_t n, combinations;   /* 1 without margins */
    double *factor, *untrimmed; /* [combinations] */
    bool trimmed;
};

/* Before the question's scan is prepared: which further columns it needs. */
void score_weights_ask(struct question *question, struct score_weights *weights);
/* After: the categories. E_INVALID: too many combinations. */
must_use int score_weights_prepare(struct question *question, struct score_weights *weights,
                                   struct err *err);
/* After counting: the weights, and what meta says of them. E_INVALID with the margin's pointer: a category that nobody is in. */
must_use int score_weights_rake(struct question *question, struct score_weights *weights,
                                const struct score_state *state, struct err *err);

#endif
