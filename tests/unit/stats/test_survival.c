/*
 * Survival against R's package survival on its teaching data: lung (228 patients), aml (23).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "table.h"

#include "stats/cox.h"

static const char LUNG[] = SHARED_DIR "/reference/m10_lung.csv",
                  AML[] = SHARED_DIR "/reference/m10_aml.csv";

static struct lifetime *lung(size_t *n) {
    struct table table = table_read(LUNG);
    struct lifetime *rows = calloc(table.n, sizeof *rows);
    for (size_t i = 0; i < table.n; i++)
        rows[i] = (struct lifetime){.time = table_number(&table, i, "time"),
                                    .ended = table_number(&table, i, "status") > 1.5,
                                    .group = table_number(&table, i, "sex") > 1.5};
    *n = table.n;
    free(table.cells);
    return rows;
}

static struct lifetime *aml(size_t *n) {
    struct table table = table_read(AML);
    struct lifetime *rows = calloc(table.n, sizeof *rows);
    for (size_t i = 0; i < table.n; i++)
        rows[i] = (struct lifetime){.time = table_number(&table, i, "time"),
                                    .ended = table_number(&table, i, "status") > 0.5,
                                    .group = strcmp(table_text(&table, i, "x"), "Maintained") != 0};
    *n = table.n;
    free(table.cells);
    return rows;
}

static void test_curve(void **state) {
    (void)state;
    size_t n;
    struct lifetime *rows = lung(&n);
    struct survival curve;
    double error;
    survival_make(&curve, rows, n);
    assert_int_equal(curve.subjects, 228);
    assert_int_equal(curve.ended, 165);
    NEAR(survival_at(&curve, 0), 1, 0);
    NEAR(survival_at(&curve, 90), 0.881578947, 1e-9);
    NEAR(survival_at(&curve, 180), 0.721670653, 1e-9);
    NEAR(survival_at(&curve, 365), 0.409241624, 1e-9);
    NEAR(survival_at(&curve, 730), 0.115693098, 1e-9);
    NEAR(survival_error(&curve, 180), 0.0298124195, 1e-10);
    struct estimate plain = survival_interval(&curve, 180, 0.95, SURVIVAL_LOG),
                    twice = survival_interval(&curve, 180, 0.95, SURVIVAL_LOG_LOG);
    NEAR(plain.low, 0.665542307, 1e-9);
    NEAR(plain.high, 0.782532570, 1e-9);
    NEAR(twice.low, 0.658304528, 1e-9);
    NEAR(twice.high, 0.775314691, 1e-9);
    struct estimate median = survival_median(&curve, 0.95);
    NEAR(median.value, 310, 0);
    NEAR(median.low, 285, 0);
    NEAR(median.high, 363, 0);
    NEAR(survival_mean(&curve, 365, &error), 263.22, 0.005);
    NEAR(error, 7.7989, 1e-3);
    survival_release(&curve);
    free(rows);
}

static void test_groups(void **state) {
    (void)state;
    static const double times[] = {9, 13, 18, 23, 31, 34, 48},
                        shares[] = {.90909, .81818, .71591, .61364, .49091, .36818, .18409};
    size_t n, of_group = 0;
    struct log_rank test;
    struct lifetime *rows = aml(&n);
    log_rank_test(&test, rows, n);
    NEAR(test.chi_square, 3.3964, 5e-5);
    NEAR(test.p, 0.0653, 5e-5);
    for (size_t i = 0; i < n; i++)
        if (rows[i].group == 0)
            rows[of_group++] = rows[i];
    struct survival curve;
    survival_make(&curve, rows, of_group);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        NEAR(survival_at(&curve, times[i]), shares[i], 5e-6);
    NEAR(survival_median(&curve, 0.95).value, 31, 0);
    survival_release(&curve);
    free(rows);
    rows = lung(&n);
    log_rank_test(&test, rows, n);
    NEAR(test.chi_square, 10.327, 5e-4);
    NEAR(test.p, 0.00131, 5e-6);
    assert_int_equal(test.groups, 2);
    free(rows);
}

/* Who comes late is not at risk before: of three, one comes at 5; at 3 one of two leaves, at 6 one of two. */
static void test_late_entry(void **state) {
    (void)state;
    struct lifetime rows[] = {{0, 3, true, 0}, {0, 6, true, 0}, {5, 9, false, 0}};
    struct survival curve;
    survival_make(&curve, rows, 3);
    NEAR(survival_at(&curve, 3), 0.5, 1e-12);
    NEAR(survival_at(&curve, 6), 0.25, 1e-12);
    survival_release(&curve);
    survival_make(&curve, rows, 0);
    NEAR(survival_at(&curve, 10), 1, 0);
    assert_true(isnan(survival_median(&curve, 0.95).value));
    survival_release(&curve);
    struct log_rank test;
    log_rank_test(&test, rows, 3);
    assert_true(isnan(test.p)); /* one group */
}

static size_t lung_covariates(struct lifetime *lives, double *x) {
    struct table table = table_read(LUNG);
    size_t n = 0;
    for (size_t i = 0; i < table.n; i++) {
        double ecog = table_number(&table, i, "ph.ecog");
        if (isnan(ecog))
            continue;
        lives[n] = (struct lifetime){.time = table_number(&table, i, "time"),
                                     .ended = table_number(&table, i, "status") > 1.5};
        x[n * 3] = table_number(&table, i, "age");
        x[n * 3 + 1] = table_number(&table, i, "sex");
        x[n * 3 + 2] = ecog;
        n++;
    }
    free(table.cells);
    return n;
}

static void test_cox(void **state) {
    (void)state;
    static const double efron[] = {0.0110667646, -0.5526123957, 0.4637284754},
                        errors[] = {0.0092674110, 0.1677390538, 0.1135772663},
                        breslow[] = {0.0110411363, -0.5518895698, 0.4629470406},
                        proportional[] = {0.6646, 0.1289, 0.1518};
    struct lifetime lives[228];
    double x[228 * 3];
    struct cox cox;
    struct err err = {0};
    size_t n = lung_covariates(lives, x);
    assert_int_equal(n, 227);
    assert_int_equal(cox_fit(&cox, lives, x, n, 3, COX_EFRON, &err), 0);
    for (int i = 0; i < 3; i++) {
        NEAR(cox.coefficient[i], efron[i], 1e-6);
        NEAR(cox.error[i], errors[i], 1e-6);
        NEAR(cox.proportional_p[i], proportional[i], 1e-4);
    }
    NEAR(cox.proportional_all_p, 0.2156, 1e-4);
    NEAR(cox.log_likelihood_null, -744.480456, 1e-6);
    NEAR(cox.log_likelihood, -729.230121, 1e-6);
    NEAR(cox.concordance, 0.637135493, 1e-6);
    assert_int_equal(cox_fit(&cox, lives, x, n, 3, COX_BRESLOW, &err), 0);
    for (int i = 0; i < 3; i++)
        NEAR(cox.coefficient[i], breslow[i], 1e-6);
    NEAR(cox.log_likelihood, -729.488705, 1e-6);
    for (size_t i = 0; i < n; i++)
        x[i * 3 + 1] = 2 * x[i * 3];
    assert_true(cox_fit(&cox, lives, x, n, 3, COX_EFRON, &err) < 0); /* they depend on each other */
}

static void test_cox_of_one(void **state) {
    (void)state;
    size_t n;
    struct lifetime *rows = aml(&n);
    double x[23];
    struct cox cox;
    struct err err = {0};
    for (size_t i = 0; i < n; i++)
        x[i] = rows[i].group;
    assert_int_equal(cox_fit(&cox, rows, x, n, 1, COX_BRESLOW, &err), 0);
    NEAR(cox.coefficient[0], 0.904219724, 1e-6);
    NEAR(cox.error[0], 0.512247907, 1e-6);
    assert_int_equal(cox_fit(&cox, rows, x, n, 1, COX_EFRON, &err), 0);
    NEAR(cox.coefficient[0], 0.915532575, 1e-6);
    free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_late_entry), cmocka_unit_test(test_cox),
        cmocka_unit_test(test_cox_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
