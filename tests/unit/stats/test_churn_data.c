/*
 * The logistic model on public data of customers who left, held out: what it ranks and whether its probabilities are right.
 *
 * SOURCES  IBM's sample of a telecom (7,043 customers; logistic regression, 10 folds: AUC .8455, log-loss .417), a telecom of 3,333
 * customers (AUC .808), contracts with late entry (4,627).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "table.h"

#include "stats/accuracy.h"
#include "stats/logistic.h"
#include "stats/survival.h"

enum { FOLDS = 10, LEVELS = 8 };

/* A table as predictors: numbers standardised, texts as one column a level but the first met. */
struct design {
    size_t n, p;
    double *x;
    uint8_t *y;
};

static double *column_of(struct design *design, size_t capacity, size_t column) {
    assert_true(column < capacity);
    return &design->x[column * design->n];
}

static void add_numbers(struct design *design, const struct table *table, const char *name) {
    double sum = 0, squares = 0, n = (double)table->n;
    double *x = column_of(design, LOGISTIC_PREDICTORS, design->p++);
    for (size_t i = 0; i < table->n; i++) {
        x[i] = table_number(table, i, name);
        x[i] = isnan(x[i]) ? 0 : x[i];
        sum += x[i];
        squares += x[i] * x[i];
    }
    double mean = sum / n, deviation = sqrt(squares / n - mean * mean);
    for (size_t i = 0; i < table->n; i++)
        x[i] = (x[i] - mean) / deviation;
}

static void add_levels(struct design *design, const struct table *table, const char *name) {
    char levels[LEVELS][CELL_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++) {
        const char *text = table_text(table, i, name);
        size_t level = 0;
        while (level < n && strcmp(levels[level], text) != 0)
            level++;
        if (level == n) {
            assert_true(n < LEVELS);
            snprintf(levels[n++], CELL_BYTES, "%s", text);
            if (level)
                memset(column_of(design, LOGISTIC_PREDICTORS, design->p + level - 1), 0,
                       design->n * sizeof(double));
        }
        if (level)
            column_of(design, LOGISTIC_PREDICTORS, design->p + level - 1)[i] = 1;
    }
    design->p += n - 1;
}

static struct design design_of(const struct table *table, const char *label, const char *yes) {
    struct design design = {.n = table->n};
    design.x = calloc(table->n * LOGISTIC_PREDICTORS, sizeof(double));
    design.y = calloc(table->n, 1);
    for (size_t i = 0; i < table->n; i++)
        design.y[i] = strcmp(table_text(table, i, label), yes) == 0;
    return design;
}

/* Probability of each row by a model that has not seen its fold. */
static double *hold_out(const struct design *design, double ridge) {
    double *p = calloc(design->n, sizeof *p), *rows = calloc(design->n * design->p, sizeof *rows);
    double *train = calloc(design->n * design->p, sizeof *train);
    uint8_t *y = calloc(design->n, 1);
    for (size_t i = 0; i < design->n; i++)
        for (size_t k = 0; k < design->p; k++)
            rows[i * design->p + k] = design->x[k * design->n + i];
    for (size_t fold = 0; fold < FOLDS; fold++) {
        struct logistic model;
        struct err err = {0};
        size_t n = 0;
        for (size_t i = 0; i < design->n; i++) {
            if (i % FOLDS == fold)
                continue;
            memcpy(&train[n * design->p], &rows[i * design->p], design->p * sizeof *train);
            y[n++] = design->y[i];
        }
        assert_int_equal(logistic_fit(&model, train, y, n, design->p, ridge, NULL, &err), 0);
        for (size_t i = fold; i < design->n; i += FOLDS)
            p[i] = logistic_probability(&model, &rows[i * design->p]);
    }
    free(rows);
    free(train);
    free(y);
    return p;
}

static void test_ibm(void **state) {
    (void)state;
    static const char *const numbers[] = {"tenure", "MonthlyCharges", "TotalCharges"},
                             *const texts[] = {
                                 "SeniorCitizen",    "Partner",          "Dependents",
                                 "MultipleLines",    "InternetService",  "OnlineSecurity",
                                 "OnlineBackup",     "DeviceProtection", "TechSupport",
                                 "StreamingTV",      "StreamingMovies",  "Contract",
                                 "PaperlessBilling", "PaymentMethod"};
    struct table table = table_read(SHARED_DIR "/data/churn_telco_ibm/Telco-Customer-Churn.csv");
    struct design design = design_of(&table, "Churn", "Yes");
    struct calibration calibration;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_numbers(&design, &table, numbers[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_levels(&design, &table, texts[i]);
    assert_int_equal(design.n, 7043);
    double *p = hold_out(&design, 1); /* "No internet service" says the same in many columns */
    NEAR(auc_estimate(p, design.y, design.n, 0.95).value, .8455, 2e-3);
    calibration_make(&calibration, p, design.y, design.n);
    NEAR(calibration.log_loss, .417, 3e-3);
    NEAR(calibration.slope, 1, .05);
    assert_true(calibration.gap < .02);
    assert_true(lift_at(p, design.y, design.n, .1) > 2.5);
    free(p);
    free(design.x);
    free(design.y);
    free(table.cells);
}

static void test_telco(void **state) {
    (void)state;
    static const char *const numbers[] = {"Account Length", "VMail Message", "Day Mins",
                                          "Eve Mins",       "Night Mins",    "Intl Mins",
                                          "Intl Calls",     "CustServ Calls"};
    struct table table = table_read(SHARED_DIR "/data/churn_telco3333/s10-2.txt");
    struct design design = design_of(&table, "Churn?", "True.");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_numbers(&design, &table, numbers[i]);
    add_levels(&design, &table, "Int'l Plan");
    add_levels(&design, &table, "VMail Plan");
    assert_int_equal(design.n, 3333);
    double *p = hold_out(&design, 0);
    NEAR(auc_estimate(p, design.y, design.n, 0.95).value, .808, .02);
    free(p);
    free(design.x);
    free(design.y);
    free(table.cells);
}

/* Lines come late: whoever is counted before makes the early losses look rarer. */
static void test_contracts(void **state) {
    (void)state;
    struct table table = table_read(SHARED_DIR "/data/churn_survival/churn_survival.csv");
    struct lifetime *rows = calloc(table.n, sizeof *rows);
    struct survival late, plain;
    struct log_rank test;
    size_t n = 0, ended = 0;
    for (size_t i = 0; i < table.n; i++) {
        struct lifetime row = {table_number(&table, i, "start"), table_number(&table, i, "time"),
                               table_number(&table, i, "churned") > 0.5,
                               table_number(&table, i, "gender") > 0.5};
        if (row.time > row.entry)
            rows[n++] = row;
        ended += row.ended;
    }
    assert_int_equal(table.n, 4627);
    assert_int_equal(ended, 555);
    survival_make(&late, rows, n);
    for (size_t i = 0; i < n; i++)
        rows[i].entry = 0;
    survival_make(&plain, rows, n);
    assert_true(survival_at(&late, 365) < survival_at(&plain, 365));
    log_rank_test(&test, rows, n);
    assert_int_equal(test.groups, 2);
    survival_release(&late);
    survival_release(&plain);
    free(rows);
    free(table.cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ibm), cmocka_unit_test(test_telco),
                                       cmocka_unit_test(test_contracts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
