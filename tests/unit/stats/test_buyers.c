/*
 * Models of buying against published values.
 *
 * SOURCES of the numbers: Fader, Hardie, Lee 2005 (BG/NBD on the CDNOW sample: r 0.243, alpha 4.414, a 0.793, b 2.426);
 * Fader, Hardie 2008, 2013 (conditional expectation 1.226, Gamma-Gamma 6.25, 3.74, 15.44); MBG/NBD 0.525, 6.183, 0.891, 1.614:
 * tests of the R packages lifetimes and BTYDplus; further digits by two independent programs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "table.h"

#include "stats/buyers.h"

/* The published parameters, rounded as they were published. */
static const struct buyers_model published = {false, 0.243, 4.414, 0.793, 2.426};
static const struct spend_model published_spend = {6.25, 3.74, 15.44};

static struct buyer buyer_of(uint32_t x, double last, double age) {
    return (struct buyer){.x = x, .n = 1, .last = last, .age = age};
}

static void test_expectations(void **state) {
    (void)state;
    static const struct buyers_model fitted = {false, 0.242593, 4.413532, 0.792886, 2.425754};
    static const double expected[][2] = {{0.1429, .00781607},  {1, .0531847},   {3, .1506319},
                                         {31.8571, 1.0404943}, {32, 1.0437372}, {39, 1.1950163},
                                         {78, 1.8579718}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        NEAR(buyers_expected_new(&fitted, expected[i][0]), expected[i][1], 1e-3 * expected[i][1]);
    struct buyer known = buyer_of(2, 30.43, 38.86);
    NEAR(buyers_expected(&published, &known, 39), 1.2260282, 1e-6);
    NEAR(buyers_alive(&published, &known), 0.7265786, 1e-6);
    static const struct {
        uint32_t x;
        double last, alive;
    } cases[] = {{0, 0, 1},         {1, 10, .4382374}, {1, 30, .6970773},
                 {5, 10, .0248044}, {5, 38, .8794295}, {29, 30, .0451309}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buyer one = buyer_of(cases[i].x, cases[i].last, 38.86);
        NEAR(buyers_alive(&published, &one), cases[i].alive, 1e-6);
    }
}

/* The pole at a = 1 can be crossed. */
static void test_pole(void **state) {
    (void)state;
    struct buyers_model below = published, at = published, above = published;
    below.a = 1 - 1e-4;
    at.a = 1;
    above.a = 1 + 1e-4;
    struct buyer one = buyer_of(2, 20, 38);
    double middle = (buyers_expected(&below, &one, 10) + buyers_expected(&above, &one, 10)) / 2;
    NEAR(buyers_expected(&at, &one, 10), middle, 1e-5);
}

/* BG/NBD cannot doubt who never came back; MBG/NBD does, the more the longer ago. */
static void test_one_time_buyers(void **state) {
    (void)state;
    struct buyers_model modified = {true, 0.525, 6.183, 0.891, 1.614};
    struct buyer once = buyer_of(0, 0, 38);
    double alive = buyers_alive(&modified, &once);
    assert_true(alive > 0 && alive < 1);
    NEAR(buyers_alive(&published, &once), 1, 0); /* by construction: never shown */
    struct buyer older = buyer_of(0, 0, 76);
    assert_true(buyers_alive(&modified, &older) < alive);
}

static void test_spend(void **state) {
    (void)state;
    static const struct spender ten[] = {{2, 22.35}, {1, 11.77}, {0, 0}, {0, 0},     {0, 0},
                                         {7, 73.74}, {1, 11.77}, {0, 0}, {2, 25.55}, {0, 0}};
    static const double expected[] = {24.6637, 18.9169, 35.2190, 35.2190, 35.2190,
                                      71.4697, 18.9169, 35.2190, 27.2884, 35.2190};
    for (size_t i = 0; i < 10; i++)
        NEAR(spend_expected(&published_spend, &ten[i]), expected[i], 1e-3);
    assert_true(isnan(spend_correlation(ten, 1)));
}

/* Ten customers of the CDNOW sample at the published parameters. */
static void test_first_ten(void **state) {
    (void)state;
    struct table table = table_read(SHARED_DIR "/reference/m02_bgnbd_gg_first10.csv");
    assert_int_equal(table.n, 10);
    for (size_t i = 0; i < table.n; i++) {
        uint32_t x = (uint32_t)table_number(&table, i, "frequency");
        struct buyer buyer =
            buyer_of(x, table_number(&table, i, "recency"), table_number(&table, i, "T"));
        struct spender spender = {x, table_number(&table, i, "monetary")};
        NEAR(buyers_alive(&published, &buyer), table_number(&table, i, "p_alive"), 1e-6);
        NEAR(buyers_expected(&published, &buyer, 39), table_number(&table, i, "E_next39"), 1e-6);
        NEAR(spend_expected(&published_spend, &spender), table_number(&table, i, "E_avg_value"),
             1e-3);
        NEAR(lifetime_value(&published, &published_spend, &buyer, &spender, 12, 4.345, 0.01),
             table_number(&table, i, "clv12m"), 1e-3);
    }
    free(table.cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expectations),    cmocka_unit_test(test_pole),
        cmocka_unit_test(test_one_time_buyers), cmocka_unit_test(test_first_ten),
        cmocka_unit_test(test_spend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
