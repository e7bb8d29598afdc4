/*
 * Leaving, learnt from a table of customers that says who has left and how long they were there, but not when (settings.c): of
 * tenure, fee and the traits named as signs. There is no later time to be judged on, so the model is judged on people that it
 * has not seen: ten times nine tenths are learnt from and the tenth is foretold (cross-validation); what is told of those who
 * are still there comes of all. The probability is that of having left for somebody like that, within no window.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "value/churn.h"

/* What the models that had not seen them say of all of them. */
struct foretold {
    double *p;
    uint8_t *y;
    size_t n;
    bool learnt; /* by all ten */
};

static int foretell_fold(struct estimation *run, struct churn_setup *setup,
                         const struct standing *all, int fold, struct foretold *foretold,
                         struct err *err) {
    struct churn_model model;
    double raw[SIGNS_ALL];
    setup->fold = fold;
    int code = churn_learn(&model, run, setup, all, all, err);
    foretold->learnt &= model.learnt;
    for (uint32_t owner = 1; owner < run->gather.n && !code; owner++) {
        if (!standing_has(all, run, setup, owner) || churn_fold(owner) != fold)
            continue;
        standing_signs(all, run, setup, owner, raw);
        foretold->p[foretold->n] = logistic_of(churn_score(&model, raw, NULL));
        foretold->y[foretold->n++] = standing_left(all, all, run, owner);
    }
    return code ? code : run_step(run, 50 + 4 * (unsigned)fold, err);
}

static int learn_from_all(struct estimation *run, struct churn_setup *setup,
                          const struct standing *all, const struct foretold *foretold,
                          struct err *err) {
    struct churn_model model;
    struct verdict verdict;
    struct standing still = {.day = all->day};
    json_t *json = json_pack("{s:n}", "window_days");
    json_object_set_new(run->report, "churn", json);
    setup->fold = -1;
    int code = churn_learn(&model, run, setup, all, all, err);
    if (code)
        return code;
    churn_judge(&verdict, foretold->p, foretold->y, foretold->n);
    if (model.learnt && foretold->learnt)
        churn_recalibrate(&model, &verdict.calibration);
    json_object_set_new(json, "learnt_from",
                        json_pack("{s:I, s:I, s:b}", "customers", (json_int_t)model.customers,
                                  "left", (json_int_t)model.left, "separated",
                                  model.logistic.separated));
    json_t *check = churn_verdict_json(&verdict);
    json_object_set_new(check, "folds", json_integer(CHURN_FOLDS));
    json_object_set_new(json, "check", check);
    churn_tell(run, setup, &model, &still, verdict.base, json);
    return run_step(run, 92, err);
}

int run_churn_table(struct estimation *run, struct err *err) {
    struct churn_setup setup = {.window_days = settings_window_days(run->settings), .fold = -1};
    struct standing all = {.day = run->gather.end_day, .table = true};
    struct foretold foretold = {calloc(run->gather.n, sizeof(double)), calloc(run->gather.n, 1), 0,
                                true};
    if (!foretold.p || !foretold.y)
        abort();
    int code = churn_traits(run, &setup, err);
    for (int fold = 0; fold < CHURN_FOLDS && !code; fold++)
        code = foretell_fold(run, &setup, &all, fold, &foretold, err);
    if (!code)
        code = learn_from_all(run, &setup, &all, &foretold, err);
    free(foretold.p);
    free(foretold.y);
    return code;
}
