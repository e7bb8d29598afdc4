/*
 * Intervals against published and independently computed values.
 *
 * SOURCE of the numbers: NPS limits were confirmed by numeric constrained likelihood; Wilson by statsmodels (three of them
 * are in Newcombe 1998, Stat. Med. 17:857), the difference of 56/70 and 48/80 is in Newcombe 1998, Stat. Med. 17:873.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "stats/gsl.h"
#include "stats/interval.h"

#define NEAR(got, wanted, tolerance)                                                               \
    do {                                                                                           \
        double got_ = (got), wanted_ = (wanted);                                                   \
        if (!(fabs(got_ - wanted_) <= (tolerance)))                                                \
            fail_msg("%s is %.10g, not %.10g", #got, got_, wanted_);                               \
    } while (0)

static void test_nps(void **state) {
    (void)state;
    static const struct {
        double p, n, d, value, se, low, high;
    } cases[] = {
        {50, 30, 20, 30, 7.8102, 13.9551, 44.3393},
        {7, 2, 1, 60, 20.9762, 4.8924, 85.8859},
        {12, 5, 3, 45, 16.5454, 7.4375, 70.5271},
        {2, 6, 2, 0, 20, -39.6520, 39.6520},
        {0, 0, 5, -100, 0, -100, -13.1035},
        {1, 0, 0, 100, 0, -58.6901, 100},
        {400, 350, 250, 15, 2.5050, 10.0527, 19.8643},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double n = cases[i].p + cases[i].n + cases[i].d;
        struct estimate e = nps_estimate(cases[i].p, cases[i].d, n, CONFIDENCE_95);
        NEAR(e.value, cases[i].value, 1e-9);
        NEAR(e.low, cases[i].low, 1e-3);
        NEAR(e.high, cases[i].high, 1e-3);
        NEAR(nps_standard_error(cases[i].p, cases[i].d, n), cases[i].se, 1e-4);
    }
    assert_true(isnan(nps_estimate(0, 0, 0, CONFIDENCE_95).value));
    assert_true(isnan(nps_standard_error(0, 0, 0)));
}

static void test_nps_change(void **state) {
    (void)state;
    struct difference d = difference_of(30, nps_standard_error(50, 20, 100), 45,
                                        nps_standard_error(60, 15, 100), CONFIDENCE_95);
    NEAR(d.value, 15, 1e-9);
    NEAR(d.z, 1.39422, 1e-5);
    NEAR(d.p, 0.163252, 1e-6);
    NEAR(d.low, -6.0867, 1e-4);
    NEAR(d.high, 36.0867, 1e-4);
    d = difference_of(15, nps_standard_error(400, 250, 1000), 24,
                      nps_standard_error(450, 210, 1000), CONFIDENCE_95);
    NEAR(d.z, 2.56630, 1e-5);
    NEAR(d.p, 0.0102790, 1e-7);
    NEAR(d.low, 2.1264, 1e-4);
    NEAR(d.high, 15.8736, 1e-4);
    assert_true(isnan(difference_of(100, 0, 100, 0, CONFIDENCE_95).z));
}

static void test_shares(void **state) {
    (void)state;
    static const struct {
        double k, n, low, high;
    } cases[] = {{0, 10, 0, 0.277533},          {10, 10, 0.722467, 1},
                 {1, 1, 0.206549, 1},           {81, 263, 0.255289, 0.366210},
                 {15, 148, 0.062386, 0.160487}, {1, 29, 0.006113, 0.171755},
                 {80, 100, 0.711171, 0.866633}, {424, 500, 0.813886, 0.876807}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct estimate e = share_estimate(cases[i].k, cases[i].n, CONFIDENCE_95);
        NEAR(e.value, cases[i].k / cases[i].n, 1e-12);
        NEAR(e.low, cases[i].low, 1e-6);
        NEAR(e.high, cases[i].high, 1e-6);
    }
    assert_true(isnan(share_estimate(0, 0, CONFIDENCE_95).low));
    struct difference d = share_difference(70, 100, 80, 100, CONFIDENCE_95);
    NEAR(d.z, 1.632993, 1e-6);
    NEAR(d.p, 0.102470, 1e-6);
    d = share_difference(48, 80, 56, 70, CONFIDENCE_95);
    NEAR(d.low, 0.052431, 1e-6);
    NEAR(d.high, 0.333873, 1e-6);
}

static void test_means(void **state) {
    (void)state;
    static const double values[] = {7, 6, 5, 7, 4, 6, 3, 7, 5, 6};
    double mean = 5.6, squares = 0;
    for (int i = 0; i < 10; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    struct estimate e = mean_estimate(10, mean, squares, CONFIDENCE_95);
    NEAR(sqrt(squares / 9), 1.349897, 1e-6);
    NEAR(e.low, 4.634342, 1e-6);
    NEAR(e.high, 6.565658, 1e-6);
    assert_true(isnan(mean_estimate(1, 4, 0, CONFIDENCE_95).low));
    NEAR(mean_estimate(1, 4, 0, CONFIDENCE_95).value, 4, 0);
    assert_true(isnan(mean_estimate(5, 4, 0, CONFIDENCE_95).high));
    assert_true(isnan(mean_estimate(0, 0, 0, CONFIDENCE_95).value));
}

/* An impossible argument is NAN, never the end of the process. */
static void test_impossible(void **state) {
    (void)state;
    assert_true(isnan(normal_quantile(0)));
    assert_true(isnan(normal_quantile(1.5)));
    assert_true(isnan(student_quantile(0.9, 0)));
    NEAR(normal_two_sided(0), 1, 0);
    NEAR(student_two_sided(2.262157, 9), 0.05, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nps),        cmocka_unit_test(test_nps_change),
        cmocka_unit_test(test_shares),     cmocka_unit_test(test_means),
        cmocka_unit_test(test_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
