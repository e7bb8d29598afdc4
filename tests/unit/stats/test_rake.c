/*
 * Weighting by raking and comparisons of several numbers, against R's survey::rake and values computed by hand.
 *
 * SOURCES of the numbers: the fixture of 100 answers and the data set apiclus1 of R's package survey (rake, 4.2), raked there;
 * Benjamini and Hochberg's own example (1995, table of 15 p values); coverage of Tango's interval by enumeration of every
 * possible sample (shared/reference/m01_nps_ci_coverage.csv).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/compare.h"
#include "stats/gsl.h"
#include "stats/rake.h"

#define NEAR(got, wanted, tolerance)                                                               \
    do {                                                                                           \
        double got_ = (got), wanted_ = (wanted);                                                   \
        if (!(fabs(got_ - wanted_) <= (tolerance)))                                                \
            fail_msg("%s is %.10g, not %.10g", #got, got_, wanted_);                               \
    } while (0)

/* Cells: young web, young store, old web, old store. */
static const double answers[] = {20, 10, 25, 45}, promoters[] = {12, 3, 15, 10},
                    detractors[] = {2, 4, 5, 20};
static const uint32_t age[] = {0, 0, 1, 1}, channel[] = {0, 1, 0, 1};

static void fixture_of_100_answers(void **state) {
    (void)state;
    static const double even[] = {50, 50}, web60[] = {0.6, 0.4};
    const struct rake_margin margins[] = {{age, even, 2}, {channel, web60, 2}};
    static const double wanted[] = {1.8700982, 1.2598037, 0.9039215, 0.6089325};
    double factor[4], weight = 0, weight2 = 0, sum = 0;
    struct raking raking;
    struct err err = {0};
    assert_int_equal(rake(answers, factor, 4, margins, 2, true, &raking, &err), 0);
    for (int c = 0; c < 4; c++) {
        NEAR(factor[c], wanted[c], 1e-6);
        weight += factor[c] * answers[c];
        weight2 += factor[c] * factor[c] * answers[c];
        sum += factor[c] * (promoters[c] - detractors[c]);
    }
    assert_false(raking.trimmed);
    double deff = 100 * weight2 / weight / weight, m = sum / weight, squares = 0;
    NEAR(100 * m, 20.39107, 1e-4);
    NEAR(deff, 1.229292, 1e-6);
    NEAR(100 / deff, 81.34764, 1e-4);
    for (int c = 0; c < 4; c++)
        squares += factor[c] * factor[c] *
                   (promoters[c] * (1 - m) * (1 - m) + detractors[c] * (1 + m) * (1 + m) +
                    (answers[c] - promoters[c] - detractors[c]) * m * m);
    NEAR(100 * sqrt(100.0 / 99 * squares) / weight, 8.831356, 1e-5);
}

static void schools(void **state) {
    (void)state;
    /* (H, No) (H, Yes) (E, No) (E, Yes) (M, No) (M, Yes): kind of school, and whether it grew */
    static const double schools[] = {3, 11, 12, 132, 8, 17};
    static const uint32_t kind[] = {0, 0, 1, 1, 2, 2}, grew[] = {0, 1, 0, 1, 0, 1};
    static const double kinds[] = {755, 4421, 1018}, grown[] = {1072, 5122};
    static const double wanted[] = {67.1258, 50.3302, 39.8385, 29.8705, 49.0701, 36.7922};
    const struct rake_margin margins[] = {{kind, kinds, 3}, {grew, grown, 2}};
    double factor[6];
    struct raking raking;
    struct err err = {0};
    assert_int_equal(rake(schools, factor, 6, margins, 2, true, &raking, &err), 0);
    for (int c = 0; c < 6; c++)
        NEAR(factor[c] * 6194 / 183, wanted[c], 2e-3); /* R stops once counts move by less than 1 */
}

static void what_cannot_be_raked(void **state) {
    (void)state;
    static const double nobody[] = {20, 10, 0, 0}, even[] = {50, 50}, none_old[] = {1, 0};
    const struct rake_margin by_age = {age, even, 2}, young = {age, none_old, 2};
    double factor[4];
    struct raking raking;
    struct err err = {0};
    assert_int_equal(rake(nobody, factor, 4, &by_age, 1, true, &raking, &err), E_INVALID);
    assert_int_equal(raking.empty, 1);
    /* wanted to be nobody: they get no weight */
    assert_int_equal(rake(answers, factor, 4, &young, 1, true, &raking, &(struct err){0}), 0);
    NEAR(factor[2], 0, 0);
    NEAR(factor[0], 100.0 / 30, 1e-9);
    /* margins that contradict each other: all who are young came by web */
    static const double diagonal[] = {50, 0, 0, 50}, third[] = {1, 2};
    const struct rake_margin both[] = {{age, even, 2}, {channel, third, 2}};
    assert_int_equal(rake(diagonal, factor, 4, both, 2, true, &raking, &(struct err){0}),
                     E_INVALID);
}

/* One in a hundred stands for half of all: too much weight for one voice. */
static void large_weights_are_cut(void **state) {
    (void)state;
    static const double base[] = {50, 48, 1, 1};
    static const double even[] = {50, 50}, web[] = {60, 40};
    const struct rake_margin margins[] = {{age, even, 2}, {channel, web, 2}};
    double cut[4], uncut[4];
    struct raking raking;
    struct err err = {0};
    assert_int_equal(rake(base, uncut, 4, margins, 2, false, &raking, &err), 0);
    assert_false(raking.trimmed);
    assert_true(raking.largest > 40);
    assert_int_equal(rake(base, cut, 4, margins, 2, true, &raking, &err), 0);
    assert_true(raking.trimmed);
    NEAR(cut[0] * 50 + cut[1] * 48 + cut[2] + cut[3], 100, 1e-6);
}

static void tango_covers_as_tabled(void **state) {
    (void)state;
    FILE *file = fopen(SHARED_DIR "/reference/m01_nps_ci_coverage.csv", "r");
    if (!file) {
        print_message("the table of coverages is not here\n");
        skip();
    }
    char line[512];
    double n, p, d, wald, adjusted, agresti, tango, w1, w2, w3, width;
    int rows = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &n, &p, &d, &wald,
                   &adjusted, &agresti, &tango, &w1, &w2, &w3, &width) != 11)
            fail_msg("row %d of the table", rows);
        double covered = 0, wide = 0;
        for (int up = 0; up <= (int)n; up++)
            for (int down = 0; up + down <= (int)n; down++) {
                double mid = n - up - down;
                double chance =
                    exp(lgamma(n + 1) - lgamma(up + 1.0) - lgamma(down + 1.0) - lgamma(mid + 1) +
                        up * log(p) + down * log(d) + mid * log(1 - p - d));
                struct estimate e = nps_estimate(up, down, n, CONFIDENCE_95);
                covered += e.low <= 100 * (p - d) && 100 * (p - d) <= e.high ? chance : 0;
                wide += chance * (e.high - e.low) / 100;
            }
        NEAR(covered, tango, 1e-6);
        NEAR(wide, width, 1e-5);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 30);
}

static void several_tests_at_once(void **state) {
    (void)state;
    static const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                               0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    double q[16], with_none[2] = {(double)NAN, 0.04}, adjusted[2];
    int found = 0;
    adjust_p(p, q, 15);
    for (int i = 0; i < 15; i++)
        found += q[i] <= 0.05;
    assert_int_equal(found, 4); /* as in the paper */
    NEAR(q[0], 0.0015, 1e-9);
    NEAR(q[3], 0.035625, 1e-9);
    adjust_p(with_none, adjusted, 2);
    assert_true(isnan(adjusted[0]));
    NEAR(adjusted[1], 0.04, 1e-12);
}

static void changes_against_others(void **state) {
    (void)state;
    struct difference here = difference_of(60, 3, 70, 4, CONFIDENCE_95),
                      there = difference_of(50, 1.2, 53, 1.6, CONFIDENCE_95);
    struct difference both = difference_in_differences(here, there, CONFIDENCE_95);
    NEAR(both.value, 7, 1e-9);
    NEAR(both.z, 7 / sqrt(25 + 4), 1e-9);
    struct difference counts = count_change(400, 440, CONFIDENCE_95);
    NEAR(exp(counts.value), 1.1, 1e-9);
    NEAR(counts.z, log(1.1) / sqrt(1 / 400.0 + 1 / 440.0), 1e-9);
    assert_true(isnan(count_change(0, 5, CONFIDENCE_95).value));
    assert_true(
        isnan(difference_in_differences(here, count_change(0, 1, CONFIDENCE_95), CONFIDENCE_95).p));
}

/* swiss-like by hand: y = 2 + 3x with errors +1 -1 -1 +1: R's lm gives slope 3, se sqrt(2 / 5) */
static void a_line(void **state) {
    (void)state;
    struct line_sums sums = {0};
    static const double y[] = {6, 7, 10, 15};
    for (int i = 0; i < 4; i++)
        line_add(&sums, i + 1, y[i]);
    struct difference slope = line_slope(&sums, CONFIDENCE_95);
    NEAR(slope.value, 3, 1e-9);
    NEAR(slope.z, 3 / sqrt(2.0 / 5), 1e-9);
    NEAR(slope.high - slope.low, 2 * 4.302653 * sqrt(2.0 / 5), 1e-5);
    sums = (struct line_sums){0};
    for (int i = 0; i < 4; i++)
        line_add(&sums, 7, i);
    assert_true(isnan(line_slope(&sums, CONFIDENCE_95).value));
}

static void tail_of_the_binomial(void **state) {
    (void)state;
    NEAR(binomial_upper(0, 10, 0.5), 1, 0);
    NEAR(binomial_upper(9, 10, 0.5), 11.0 / 1024, 1e-12);
    NEAR(binomial_upper(10, 10, 0.1), 1e-10, 1e-16);
    assert_true(isnan(binomial_upper(11, 10, 0.1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixture_of_100_answers), cmocka_unit_test(schools),
        cmocka_unit_test(what_cannot_be_raked),   cmocka_unit_test(large_weights_are_cut),
        cmocka_unit_test(tango_covers_as_tabled), cmocka_unit_test(several_tests_at_once),
        cmocka_unit_test(changes_against_others), cmocka_unit_test(a_line),
        cmocka_unit_test(tail_of_the_binomial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
