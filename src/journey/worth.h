/*
 * WORTH: what customers' purchases say about what they will be worth. From histories to fitted models, their warnings, and
 * numbers of one customer. Pure: no storage, no JSON.
 *
 * REFUSALS  Below WORTH_CUSTOMERS customers or WORTH_REPEATERS of them who came back, nothing is fitted: the models would
 * be noise. RFM needs one customer.
 *
 * COST  Beyond WORTH_SAMPLE customers the models are fitted on every k-th of them (parameters then differ by a fraction of a per
 * cent), and everybody's numbers follow from that.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_WORTH_H
#define SENDA_JOURNEY_WORTH_H

#include "journey/purchases.h"
#include "stats/buyers.h"

enum { WORTH_CUSTOMERS = 200, WORTH_REPEATERS = 50, WORTH_SAMPLE = 100000 };
#define WORTH_CORRELATION 0.3

/* X(name, code in answers) */
#define WORTH_WARNING_TABLE(X)                                                                     \
    X(TOO_FEW, "too_few") /* not fitted: fewer customers or repeaters than needed */               \
    X(ONE_TIME_BUYERS, "one_time_buyers") /* BG/NBD says 100 % alive of them: not shown */         \
    X(CORRELATED, "frequency_and_value_correlated") /* Gamma-Gamma needs them apart */             \
    X(INFINITE_MEAN, "mean_value_infinite")         /* q <= 1 */                                   \
    X(NOT_SETTLED, "fit_did_not_settle")

enum worth_warning {
#define X(name, code) WORTH_##name,
    WORTH_WARNING_TABLE(X)
#undef X
        WORTH_WARNINGS
};
const char *worth_warning_code(enum worth_warning warning);

struct worth_input {
    const struct purchase_history *rows;
    size_t n;
    int32_t until_day; /* last day observed */
    double unit_days;  /* days of the unit of time */
};

struct worth {
    size_t customers, repeaters, spenders; /* spenders: repeaters with a mean above 0 */
    size_t fitted_on;                      /* customers: all, or a sample */
    bool buyers_fitted, spend_fitted;
    struct buyers_model buyers;
    struct spend_model spend;
    double buyers_log_likelihood, spend_log_likelihood, correlation; /* NAN: not known */
    bool warnings[WORTH_WARNINGS];
};

/* Counts, and fits what is asked. E_CANCELLED; what cannot be fitted is a warning. */
must_use int worth_fit(struct worth *worth, const struct worth_input *input, bool buyers,
                       bool modified, bool spend, const atomic_bool *cancelled, struct err *err);
struct buyer worth_buyer(const struct worth_input *input, const struct purchase_history *history);
struct spender worth_spender(const struct purchase_history *history);

/* RFM: recency in days, frequency in purchase days, monetary value. Scores 1 (worst) … 5. Rules: quantile (by type-7
 * quintiles; equal values have equal scores, so some scores may not occur), ntile (equal fifths by rank, ties by number). */
enum rfm_rule { RFM_QUANTILE, RFM_NTILE };
struct rfm_scores {
    uint8_t r, f, m;
};
struct rfm {
    double recency[4], frequency[4], monetary[4]; /* cuts, for both rules */
    struct rfm_scores *scores;                    /* [n], in the order of the rows; free() */
};
void rfm_make(struct rfm *rfm, const struct worth_input *input, enum rfm_rule rule);

#endif
