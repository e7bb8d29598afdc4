/*
 * Quantiles of lengths of time, exact and from histograms.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "journey/spread.h"

static void quantiles_are_type_7(void **state) {
    (void)state;
    struct spread_budget budget = {0};
    struct spread spread = {0};
    assert_true(isnan(spread_quantile(&spread, 0.5)));
    spread_add(&spread, 40, &budget);
    assert_true(spread_quantile(&spread, 0.9) == 40);
    const int64_t more[] = {10, 30, 20};
    for (int i = 0; i < 3; i++)
        spread_add(&spread, more[i], &budget);
    assert_true(spread_quantile(&spread, 0.5) == 25); /* R: quantile(c(10,20,30,40), .5) */
    assert_true(fabs(spread_quantile(&spread, 0.9) - 37) < 1e-9); /* R: quantile(…, .9) */
    assert_true(spread_quantile(&spread, 0) == 10 && spread_quantile(&spread, 1) == 40);
    assert_true(spread_mean(&spread) == 25);
    spread_release(&spread);
}

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void selection_equals_sorting(void **state) {
    (void)state;
    struct spread_budget budget = {0};
    uint64_t seed = 1;
    for (int round = 0; round < 300; round++) {
        struct spread spread = {0}, other = {0};
        int64_t values[200];
        int n = 1 + round % 200;
        for (int i = 0; i < n; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            values[i] = (int64_t)(seed >> 33) % (round % 3 ? 1000000 : 7);
            spread_add(i % 3 ? &spread : &other, values[i], &budget);
        }
        spread_merge(&spread, &other, &budget);
        qsort(values, (size_t)n, sizeof *values, ascending);
        double h = (n - 1) * 0.9;
        int k = (int)h;
        double wanted =
            (double)values[k] + (h - k) * (double)(k + 1 < n ? values[k + 1] - values[k] : 0);
        assert_true(fabs(spread_quantile(&spread, 0.9) - wanted) < 1e-6);
        assert_true(spread.min == values[0] && spread.max == values[n - 1]);
        spread_release(&spread);
    }
    assert_false(atomic_load(&budget.approximate));
}

static void histograms_stay_within_one_percent(void **state) {
    (void)state;
    struct spread_budget budget = {.used = 2 * SPREAD_EXACT}; /* nothing exact is left */
    struct spread spread = {0};
    enum { N = 100000 };
    for (int64_t i = 1; i <= N; i++)
        spread_add(&spread, i * i, &budget);
    assert_non_null(spread.bins);
    assert_true(atomic_load(&budget.approximate));
    for (int p = 1; p < 100; p += 7) {
        double exact = pow(1 + (N - 1) * (p / 100.0), 2);
        assert_true(fabs(spread_quantile(&spread, p / 100.0) / exact - 1) < 0.01);
    }
    spread_release(&spread);
}

static void bins_cover_all_lengths(void **state) {
    (void)state;
    for (int64_t value = 1; value < INT64_C(4294967296000); value += value / 5 + 1) {
        double middle = spread_bin_middle(spread_bin(value));
        assert_true(fabs(middle - (double)value) <= 0.01 * (double)value + 0.5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles_are_type_7),
                                       cmocka_unit_test(selection_equals_sorting),
                                       cmocka_unit_test(histograms_stay_within_one_percent),
                                       cmocka_unit_test(bins_cover_all_lengths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
