/*
 * Averages and bounds of ratings against published and worked values.
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
#include "stats/rating.h"

/* Worked with the formulas in double precision by another program (scipy 1.11, statsmodels' proportion_confint). */
static void helpful_votes_are_ordered_by_wilson(void **state) {
    (void)state;
    static const struct {
        double up, n, low;
    } votes[] = {{1, 1, .206549}, {9, 10, .595850}, {90, 100, .825634}, {600, 1000, .569309}};
    for (size_t i = 0; i < sizeof votes / sizeof *votes; i++) {
        struct estimate share = share_estimate(votes[i].up, votes[i].n, CONFIDENCE_95);
        assert_true(fabs(share.low - votes[i].low) < 1e-6);
    }
    assert_true(isnan(share_estimate(0, 0, CONFIDENCE_95).low));
}

static void few_ratings_are_drawn_to_the_common_mean(void **state) {
    (void)state;
    assert_true(fabs(rating_bayes(50, 9.2, 25, 7.1) - 8.5) < 1e-12);
    assert_true(fabs(rating_bayes(0, NAN, 25, 7.1) - 7.1) < 1e-12);
    assert_true(isnan(rating_bayes(0, 0, 0, 0)));
}

/* Miller's bound, z 1.65. */
static void stars_have_a_lower_bound(void **state) {
    (void)state;
    static const struct {
        double counts[RATING_STARS], low;
    } ratings[] = {{{4, 10, 20, 40, 80}, 4.0029357},
                   {{0, 0, 0, 2, 10}, 3.8365780},
                   {{0, 0, 0, 0, 1}, 2.4036637},
                   {{0, 0, 0, 0, 0}, 2.0473721}};
    for (size_t i = 0; i < sizeof ratings / sizeof *ratings; i++)
        assert_true(fabs(rating_lower_bound(ratings[i].counts) - ratings[i].low) < 1e-7);
}

/* P(X >= 5) for a mean of 0.2 and of 1: 1 - sum of e^-m m^k / k!, k = 0 … 4. */
static void many_in_an_hour_are_unlikely(void **state) {
    (void)state;
    assert_true(fabs(poisson_at_least(5, 1) - 0.003659846827343712) < 1e-12);
    assert_true(fabs(poisson_at_least(5, 0.2) - 2.2581e-6) < 1e-9);
    assert_true(fabs(poisson_at_least(0, 3) - 1) < 1e-12);
    assert_true(isnan(poisson_at_least(2, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helpful_votes_are_ordered_by_wilson),
        cmocka_unit_test(few_ratings_are_drawn_to_the_common_mean),
        cmocka_unit_test(stars_have_a_lower_bound),
        cmocka_unit_test(many_in_an_hour_are_unlikely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
