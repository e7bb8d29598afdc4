/*
 * Shared by churn*.c: signs of leaving as they stood on a day, and the model of them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_VALUE_CHURN_H
#define SENDA_VALUE_CHURN_H

#include "stats/accuracy.h"
#include "stats/logistic.h"
#include "value/internal.h"

/* X(name, name in answers and texts). Then come counts of deeds in 90 days ("event", "value"). */
#define SIGN_TABLE(X)                                                                              \
    X(TENURE, "tenure")   /* days since the first purchase or the contract */                      \
    X(SILENCE, "silence") /* days since any interaction */                                         \
    X(CONTACTS_30, "contacts_30d")                                                                 \
    X(CONTACTS_90, "contacts_90d")                                                                 \
    X(FEWER, "fewer_contacts")   /* than in the 90 days before those */                            \
    X(UNHAPPY, "unhappy_answer") /* newest answer of NPS, CSAT or CES in a year */                 \
    X(HAPPY, "happy_answer")                                                                       \
    X(FIRST_YEAR, "first_year")                                                                    \
    X(ANNIVERSARY, "anniversary")    /* a year of the contract ends within the window */           \
    X(COMMITMENT, "first_year_ends") /* within the window, or did in the month before */           \
    X(FEE, "fee")                                                                                  \
    X(PURCHASES, "purchases")                                                                      \
    X(SPEND, "spend")                                                                              \
    X(SINCE_PURCHASE, "since_purchase") /* days */                                                 \
    X(OWN_RATE, "own_rate")             /* those, in the customer's own usual gaps */

enum sign {
#define X(name, text) SIGN_##name,
    SIGN_TABLE(X)
#undef X
        SIGNS
};
extern const char *const sign_names[SIGNS];
enum { SIGNS_ALL = SIGNS + SIGNAL_EVENTS, MOODS = 3 };

struct churn_setup {
    double window_days;
    struct deed deeds[SIGNAL_EVENTS];
    uint32_t n_deeds;
};

/* What was known at the end of a day. */
struct standing {
    int32_t day;
    struct signals *signals;
    float *mood[MOODS];
    struct purchase_history *rows; /* without contracts */
    size_t n_rows;
    uint32_t *row_of; /* [owner] place in rows from 1 */
};
void standing_init(struct standing *standing, struct estimation *run);
void standing_release(struct standing *standing);
must_use int standing_read(struct standing *standing, struct estimation *run,
                           const struct churn_setup *setup, int32_t day, struct err *err);
/* Was a customer who could leave. */
bool standing_has(const struct standing *standing, const struct estimation *run,
                  const struct churn_setup *setup, uint32_t owner);
/* Of one who was: had left by the day of `later`. */
bool standing_left(const struct standing *standing, const struct standing *later,
                   const struct estimation *run, uint32_t owner);
/* raw[SIGNS_ALL]: as people read them; only of owners that standing_has. */
void standing_signs(const struct standing *standing, const struct estimation *run,
                    const struct churn_setup *setup, uint32_t owner, double *raw);
/* As the model takes it. */
double sign_scaled(size_t sign, double raw);

/* churn_events.c: fills setup->deeds; standings are its own to read. */
must_use int churn_events(struct estimation *run, struct churn_setup *setup,
                          struct standing standings[2], int32_t window, struct err *err);

/* churn_model.c: signs that vary, standardised. */
struct churn_model {
    size_t p, sign[SIGNS_ALL];
    double mean[SIGNS_ALL], deviation[SIGNS_ALL],
        typical[SIGNS_ALL]; /* typical: mean as people read it */
    struct logistic logistic;
    bool learnt;             /* else plain weights */
    double slope, intercept; /* of the recalibration, on log odds */
    size_t customers, left;  /* learnt from */
};
must_use int churn_learn(struct churn_model *model, const struct estimation *run,
                         const struct churn_setup *setup, const struct standing *standing,
                         const struct standing *later, struct err *err);
/* Log odds before the recalibration; parts[p]: what each sign adds, may be NULL. */
double churn_score(const struct churn_model *model, const double *raw, double *parts);
double churn_probability(const struct churn_model *model, double score);

#endif
