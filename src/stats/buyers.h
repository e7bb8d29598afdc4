/*
 * When do customers buy again, and are they still customers? Models of buying without a contract, from three numbers a
 * customer: how often they came back, when last, how long they are known.
 *
 *   BG/NBD   buys at a gamma-distributed rate while active; after each repeat purchase drops out with a beta-distributed
 *            probability. Who never came back is active by construction: do not show them as "100 % alive".
 *   MBG/NBD  may drop out after the first purchase as well, so one-time buyers get a probability too.
 *
 * Times are in one unit (weeks), counted from each customer's first purchase.
 *
 * SOURCES  P. S. Fader, B. G. S. Hardie, K. L. Lee, Marketing Science 24 (2005) 275; the conditional expectation and
 * numerics: Fader, Hardie, "Implementing the BG/NBD Model" (2008). MBG/NBD: E. P. Batislam, M. Denizel, A. Filiztekin, Int. J.
 * Res. Marketing 24 (2007) 201; D. Hoppe, U. Wagner, Marketing ZFP 29 (2007) 75. Hypergeometric function: GSL, after Euler's
 * transform where its argument is near 1.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_BUYERS_H
#define SENDA_STATS_BUYERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* One customer, or several with the same numbers. */
struct buyer {
    uint32_t x;       /* purchases after the first one */
    uint32_t n;       /* how many customers are so */
    double last, age; /* 0 <= last <= age: of the last purchase, of the end of observation */
};

struct buyers_model {
    bool modified; /* MBG/NBD */
    double r, alpha, a, b;
};

/* Logarithm of the likelihood of all buyers. */
double buyers_log_likelihood(const struct buyers_model *model, const struct buyer *buyers,
                             size_t n);
/* Fits r, alpha, a, b (model->modified says which model). E_INVALID, E_CANCELLED. Cost: some 400 times n. */
must_use int buyers_fit(struct buyers_model *model, const struct buyer *buyers, size_t n,
                        const atomic_bool *cancelled, double *log_likelihood, struct err *err);
/* Expected purchases of a new customer within t of the first. */
double buyers_expected_new(const struct buyers_model *model, double t);
/* Expected purchases of this customer within t after the end of observation. */
double buyers_expected(const struct buyers_model *model, const struct buyer *buyer, double t);
/* Probability that the customer is still active at the end of observation. */
double buyers_alive(const struct buyers_model *model, const struct buyer *buyer);

/* Purchases expected of who bought x times again by this age and is still active, over months, each `month` units of time
 * long, discounted by the month. Times buyers_alive it is what is expected of a buyer: this part, the dear one, is the
 * same for all of the same x and age. */
double buyers_discounted(const struct buyers_model *model, uint32_t x, double age, unsigned months,
                         double month, double discount);

/* What they spend: Gamma-Gamma. A customer's mean m over x repeat purchases; only x > 0 and m > 0 count.
 * SOURCE  Fader, Hardie, "The Gamma-Gamma Model of Monetary Value" (2013). */
struct spender {
    uint32_t x;
    double mean;
};
struct spend_model {
    double p, q, v;
};
double spend_log_likelihood(const struct spend_model *model, const struct spender *spenders,
                            size_t n);
must_use int spend_fit(struct spend_model *model, const struct spender *spenders, size_t n,
                       const atomic_bool *cancelled, double *log_likelihood, struct err *err);
/* Expected value of a purchase of this customer; of one who never came back (x 0) that of everybody. */
double spend_expected(const struct spend_model *model, const struct spender *spender);
/* Correlation of how often and how much, which the model needs to be small; NAN below two spenders. */
double spend_correlation(const struct spender *spenders, size_t n);

/* Expected revenue of a customer over months, each month of `month` units of time, discounted by the month. */
double lifetime_value(const struct buyers_model *buyers, const struct spend_model *spend,
                      const struct buyer *buyer, const struct spender *spender, unsigned months,
                      double month, double discount);

#endif
