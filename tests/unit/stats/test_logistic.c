/*
 * Logistic regression and its accuracy against R: birthwt (MASS, 189 births), aSAH (pROC, 113 patients).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "table.h"

#include "stats/accuracy.h"
#include "stats/logistic.h"

enum { BIRTHS = 189, PREDICTORS = 5 };
static double x[BIRTHS * PREDICTORS], fitted[BIRTHS];
static uint8_t low[BIRTHS];

static void read_births(void) {
    static const char *const names[] = {"age", "lwt", "smoke", "ht", "ui"};
    struct table table = table_read(SHARED_DIR "/reference/m10_birthwt_pred.csv");
    assert_int_equal(table.n, BIRTHS);
    for (size_t i = 0; i < table.n; i++) {
        low[i] = table_number(&table, i, "low") > 0.5;
        fitted[i] = table_number(&table, i, "p");
        for (int k = 0; k < PREDICTORS; k++)
            x[i * PREDICTORS + (size_t)k] = table_number(&table, i, names[k]);
    }
    free(table.cells);
}

static void test_fit(void **state) {
    (void)state;
    static const double wanted[] = {1.399794158, -.034073141, -.015447100,
                                    .647539722,  1.893274170, .884606785};
    struct logistic model;
    struct err err = {0};
    read_births();
    assert_int_equal(logistic_fit(&model, x, low, BIRTHS, PREDICTORS, 0, NULL, &err), 0);
    assert_false(model.separated);
    for (int i = 0; i <= PREDICTORS; i++)
        NEAR(model.coefficient[i], wanted[i], 1e-7);
    NEAR(model.deviance, 211.777839, 1e-6);
    NEAR(model.deviance_null, 234.671996, 1e-6);
    NEAR(model.deviance + 2 * (PREDICTORS + 1), 223.777839, 1e-6); /* AIC */
    for (size_t i = 0; i < BIRTHS; i++)
        NEAR(logistic_probability(&model, &x[i * PREDICTORS]), fitted[i], 1e-7);
}

static void test_accuracy(void **state) {
    (void)state;
    struct calibration calibration;
    read_births();
    struct estimate auc = auc_estimate(fitted, low, BIRTHS, 0.95);
    NEAR(auc.value, .717862, 1e-6);
    NEAR(auc.low, .640799, 1e-6);
    NEAR(auc.high, .794924, 1e-6);
    NEAR(lift_at(fitted, low, BIRTHS, 0.1), 1.68599, 1e-5);
    calibration_make(&calibration, fitted, low, BIRTHS);
    NEAR(calibration.brier, .190581917, 1e-7);
    NEAR(calibration.log_loss, .560258834, 1e-7);
    NEAR(calibration.hosmer_lemeshow, 8.472081, 1e-5);
    NEAR(calibration.df, 8, 0);
    NEAR(calibration.p, .388764, 1e-6);
    NEAR(calibration.gap, .071635, 1e-6);
    NEAR(calibration.slope, 1, 1e-6);
    NEAR(calibration.intercept, 0, 1e-6);
}

static void test_areas(void **state) {
    (void)state;
    enum { PATIENTS = 113 };
    double s100b[PATIENTS], wfns[PATIENTS], ndka[PATIENTS];
    uint8_t poor[PATIENTS];
    struct table table = table_read(SHARED_DIR "/reference/m10_asah.csv");
    assert_int_equal(table.n, PATIENTS);
    for (size_t i = 0; i < table.n; i++) {
        poor[i] = strcmp(table_text(&table, i, "outcome"), "Poor") == 0;
        s100b[i] = table_number(&table, i, "s100b");
        wfns[i] = table_number(&table, i, "wfns");
        ndka[i] = table_number(&table, i, "ndka");
    }
    free(table.cells);
    struct estimate auc = auc_estimate(s100b, poor, PATIENTS, 0.95);
    NEAR(auc.value, .731368564, 1e-9);
    NEAR(auc.low, .630118, 1e-6);
    NEAR(auc.high, .832619, 1e-6);
    NEAR(auc_estimate(wfns, poor, PATIENTS, 0.95).value, .823678862, 1e-9);
    NEAR(auc_estimate(ndka, poor, PATIENTS, 0.95).value, .611957995, 1e-9);
    struct difference difference = auc_difference(s100b, wfns, poor, PATIENTS, 0.95);
    NEAR(difference.z, -2.208984, 1e-6);
    NEAR(difference.p, .0271758, 1e-7);
}

/* What tells the two kinds fully apart has no finite coefficient: noticed, and penalised. */
static void test_separation(void **state) {
    (void)state;
    static const double apart[] = {1, 2, 3, 4, 5, 6};
    static const uint8_t y[] = {0, 0, 0, 1, 1, 1}, one_kind[] = {1, 1, 1, 1, 1, 1};
    struct logistic model;
    struct err err = {0};
    assert_int_equal(logistic_fit(&model, apart, y, 6, 1, 0, NULL, &err), 0);
    assert_true(model.separated);
    assert_true(model.coefficient[1] > 0.5 && model.coefficient[1] < 5);
    assert_true(logistic_fit(&model, apart, one_kind, 6, 1, 0, NULL, &err) < 0);
    assert_true(isnan(auc_estimate(apart, one_kind, 6, 0.95).value));
    struct calibration nobody;
    calibration_make(&nobody, NULL, NULL, 0);
    assert_true(isnan(nobody.brier));
}

/* All equal: any order is as good. */
static void test_ties(void **state) {
    (void)state;
    static const double equal[] = {.5, .5, .5, .5};
    static const uint8_t y[] = {1, 0, 0, 0};
    NEAR(auc_estimate(equal, y, 4, 0.95).value, 0.5, 1e-12);
    NEAR(lift_at(equal, y, 4, 0.25), 1, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),   cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_areas), cmocka_unit_test(test_separation),
        cmocka_unit_test(test_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
