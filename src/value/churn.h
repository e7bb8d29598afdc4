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

/* X(name, name in answers and texts). Then come counts of deeds in 90 days ("event", "value"), then traits ("trait"). */
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
enum {
    TRAIT_SIGNS = 48,
    TRAIT_VALUES = 8 /* of one trait */,
    FIRST_TRAIT = SIGNS + SIGNAL_EVENTS,
    SIGNS_ALL = FIRST_TRAIT + TRAIT_SIGNS,
    MOODS = 3
};

/* A trait's number, or whether it has one value. */
struct trait_sign {
    const char *trait;
    const uint32_t *by_owner; /* number of the value */
    const float *numbers;     /* by that; NULL: says, number are meant */
    uint32_t number;
    struct value says;
};

struct churn_setup {
    double window_days;
    struct deed deeds[SIGNAL_EVENTS];
    uint32_t n_deeds;
    struct trait_sign traits[TRAIT_SIGNS];
    uint32_t n_traits;
    int fold; /* of a table: those in it are kept from learning; -1: nobody */
};

/* How many signs somebody has: places beyond are nobody's. */
static inline size_t churn_width(const struct churn_setup *setup) {
    return FIRST_TRAIT + setup->n_traits;
}

/* What was known at the end of a day. */
struct standing {
    int32_t day;
    bool table; /* of a table: also those who have left were there */
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
/* raw[churn_width]: as people read them; only of owners that standing_has. */
void standing_signs(const struct standing *standing, const struct estimation *run,
                    const struct churn_setup *setup, uint32_t owner, double *raw);
/* As the model takes it. */
double sign_scaled(size_t sign, double raw);

/* churn_traits.c: fills setup->traits */
must_use int churn_traits(struct estimation *run, struct churn_setup *setup, struct err *err);
double churn_trait(const struct trait_sign *sign, uint32_t owner);

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
enum { CHURN_FOLDS = 10 };
int churn_fold(uint32_t owner);
double churn_probability(const struct churn_model *model, double score);
/* Puts the probabilities right by what came; a slope that turns the order round is not believed. */
void churn_recalibrate(struct churn_model *model, const struct calibration *calibration);

/* churn.c: what is told of a model that was judged; of a table without days. */
struct verdict {
    size_t n, left;
    double base; /* rate of leaving */
    struct estimate auc;
    double lift_10, lift_20;
    struct calibration calibration;
};
void churn_judge(struct verdict *verdict, const double *p, const uint8_t *y, size_t n);
json_t *churn_verdict_json(const struct verdict *verdict);
void churn_tell(struct estimation *run, const struct churn_setup *setup,
                const struct churn_model *model, const struct standing *now, double base,
                json_t *json);

/* churn_table.c */
must_use int run_churn_table(struct estimation *run, struct err *err);

#endif
