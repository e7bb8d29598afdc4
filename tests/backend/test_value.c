/*
 * Value of customers from a raw log of purchases: the published results on the CDNOW sample (B. Hardie; 2,357 customers who
 * first bought in the first quarter of 1997), and small histories counted by hand.
 *
 * SOURCES  Fader, Hardie, Lee 2005; Fader, Hardie 2013; further digits by two independent programs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cdnow.h"

static struct world world;

static int64_t fixed_now(void) { return INT64_C(1769385600000); } /* 2026-01-26 */

static int open_world(void **state) {
    (void)state;
    clock_inject(fixed_now);
    world_open(&world, "UTC");
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

static void import_sample(void) { assert_int_equal(cdnow_import(&world, "99999999"), 6919); }

static json_t *ask_value(const char *members) {
    char query[512];
    snprintf(
        query, sizeof query,
        "{\"kind\":\"value\",\"purchase\":{\"event\":\"Purchase\"},\"until\":\"1997-09-30\",%s}",
        members);
    return world_ask(&world, query);
}

static void cdnow_gives_its_published_results(void **state) {
    (void)state;
    import_sample();
    json_t *a = ask_value("\"model\":\"bgnbd\",\"horizon\":39,\"holdout\":\"1998-06-30\"");
    assert_int_equal(int_at(a, "data.customers"), 2357);
    assert_int_equal(int_at(a, "data.repeaters"), 946);
    NEAR(a, "data.parameters.r", 0.242593, 1e-3 * 0.242593);
    NEAR(a, "data.parameters.alpha", 4.413532, 1e-3 * 4.413532);
    NEAR(a, "data.parameters.a", 0.792886, 1e-3 * 0.792886);
    NEAR(a, "data.parameters.b", 2.425754, 1e-3 * 2.425754);
    NEAR(a, "data.log_likelihood", -9582.42556, 0.01);
    NEAR(a, "data.holdout.actual", 1882, 0);
    NEAR(a, "data.holdout.mean_absolute_error", 0.78545, 1e-3);
    NEAR(a, "data.holdout.mean_absolute_error_of_own_rate", 1.02367, 1e-3);
    NEAR(a, "data.holdout.correlation", 0.62565, 1e-3);
    static const double by_x[][2] = {
        {0.22508598638625762, 0.23671155209071582}, {0.5231267650358967, 0.6970387243735763},
        {1.0441369109911118, 1.3925233644859814},   {1.52029117992343, 1.56},
        {2.1638878521272664, 2.532258064516129},    {2.6538767223365944, 2.9473684210526314},
        {3.5040885263681436, 3.8620689655172415},   {6.157277357397358, 6.359375}};
    for (size_t x = 0; x < sizeof by_x / sizeof *by_x; x++) {
        char path[64];
        snprintf(path, sizeof path, "data.holdout.by_repeats.%zu.expected", x);
        NEAR(a, path, by_x[x][0], 2e-3 * by_x[x][0]);
        snprintf(path, sizeof path, "data.holdout.by_repeats.%zu.actual", x);
        NEAR(a, path, by_x[x][1], 1e-9);
    }
    assert_string_equal(json_string_value(at(a, "data.warnings.0")), "one_time_buyers");
    json_decref(a);
    a = ask_value("\"model\":\"mbgnbd\"");
    NEAR(a, "data.parameters.r", 0.525, 1e-3);
    NEAR(a, "data.parameters.alpha", 6.183, 1e-3);
    NEAR(a, "data.parameters.a", 0.891, 1e-3);
    NEAR(a, "data.parameters.b", 1.614, 1e-3);
    json_decref(a);
    a = ask_value("\"model\":\"gamma_gamma\",\"amount\":\"dollars\"");
    NEAR(a, "data.parameters.p", 6.24880, 1e-3 * 6.24880);
    NEAR(a, "data.parameters.q", 3.74459, 1e-3 * 3.74459);
    NEAR(a, "data.parameters.v", 15.44775, 1e-3 * 15.44775);
    NEAR(a, "data.log_likelihood", -4055.92324, 0.01);
    NEAR(a, "data.correlation", 0.113884, 1e-5);
    assert_int_equal(int_at(a, "data.spenders"), 946);
    json_decref(a);
    /* the same days are read in another unit of time */
    a = ask_value("\"model\":\"bgnbd\",\"unit\":\"day\"");
    NEAR(a, "data.parameters.alpha", 7 * 4.413532, 0.05);
    json_decref(a);
}

static void cdnow_customers_are_scored(void **state) {
    (void)state;
    import_sample();
    json_t *a =
        ask_value("\"model\":\"clv\",\"amount\":\"dollars\",\"customer\":\"0001\",\"horizon\":39");
    assert_int_equal(int_at(a, "data.customer.repeats"), 2);
    NEAR(a, "data.customer.last", 30.43, 0.005);
    NEAR(a, "data.customer.age", 38.86, 0.005);
    NEAR(a, "data.customer.alive", 0.7265786, 1e-3);
    NEAR(a, "data.customer.expected_purchases", 1.2260282, 2e-3);
    NEAR(a, "data.customer.value", 36.2892, 0.05);
    json_decref(a);
    a = ask_value("\"model\":\"clv\",\"amount\":\"dollars\",\"customer\":\"0003\"");
    assert_true(json_is_null(at(a, "data.customer.alive"))); /* never "100 % alive" */
    /* published for rounded parameters */
    NEAR(a, "data.customer.value", 8.3690, 0.05);
    json_decref(a);
    a = ask_value(
        "\"model\":\"clv\",\"dropout\":\"mbgnbd\",\"amount\":\"dollars\",\"customer\":\"0003\"");
    assert_true(number_at(a, "data.customer.alive") < 1);
    json_decref(a);
    static const double r[] = {99, 198, 219, 242}, m[] = {14.96, 27.99, 45.976, 93.722};
    static const long long f[] = {1, 1, 2, 3};
    a = ask_value("\"model\":\"rfm\",\"amount\":\"dollars\",\"customer\":\"0017\"");
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "data.parameters.recency_cuts.%d", i);
        NEAR(a, path, r[i], 1e-9);
        snprintf(path, sizeof path, "data.parameters.frequency_cuts.%d", i);
        assert_int_equal(int_at(a, path), f[i]);
        snprintf(path, sizeof path, "data.parameters.monetary_cuts.%d", i);
        NEAR(a, path, m[i], 1e-9);
    }
    assert_int_equal(int_at(a, "data.cells.0.customers"), 191); /* 555 */
    assert_int_equal(int_at(a, "data.customer.rfm.r"), 5);
    json_decref(a);
    a = ask_value("\"model\":\"rfm\",\"amount\":\"dollars\",\"rule\":\"ntile\"");
    assert_int_equal(int_at(a, "data.cells.0.customers"), 240);
    json_decref(a);
    /* 99 days since, as long as many: equal values stand in the order of customers */
    a = ask_value(
        "\"model\":\"rfm\",\"amount\":\"dollars\",\"rule\":\"ntile\",\"customer\":\"0045\"");
    assert_int_equal(int_at(a, "data.customer.rfm.r"), 4);
    assert_int_equal(int_at(a, "data.customer.rfm.f"), 4);
    assert_int_equal(int_at(a, "data.customer.rfm.m"), 2);
    json_decref(a);
}

/* Purchases of clothes, 600 customers who first bought in 2005 and 2006; parameters by an independent program. */
static void apparel_gives_its_reference(void **state) {
    (void)state;
    static const char path[] = SHARED_DIR "/data/clvtools/apparelTrans.csv";
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("%s is not here\n", path);
        skip();
    }
    fclose(file);
    assert_int_equal(world_import(&world, path,
                                  "{\"customer\":\"Id\",\"time\":\"Date\",\"event\":{\"const\":"
                                  "\"Purchase\"},\"properties\":[\"Price\"]}"),
                     3187);
    json_t *a = world_ask(&world, "{\"kind\":\"value\",\"model\":\"clv\",\"dropout\":\"bgnbd\","
                                  "\"purchase\":{\"event\":\"Purchase\"},\"amount\":\"Price\","
                                  "\"until\":\"2006-12-31\",\"holdout\":\"2010-12-20\"}");
    assert_int_equal(int_at(a, "data.customers"), 600);
    NEAR(a, "data.parameters.r", 0.6073, 1e-3 * 0.6073);
    NEAR(a, "data.parameters.alpha", 20.957, 1e-3 * 20.957);
    NEAR(a, "data.parameters.a", 1.2756, 2e-3 * 1.2756);
    NEAR(a, "data.parameters.b", 8.8610, 2e-3 * 8.8610);
    NEAR(a, "data.log_likelihood", -5857.02, 0.01);
    NEAR(a, "data.parameters.p", 3.099, 1e-3 * 3.099);
    NEAR(a, "data.parameters.q", 5.654, 1e-3 * 5.654);
    NEAR(a, "data.parameters.v", 56.50, 1e-3 * 56.50);
    assert_true(number_at(a, "data.holdout.actual") > 0);
    json_decref(a);
}

/* The tenths are everybody, from the most valuable down; nobody is at risk whose chance of being gone is not known. */
static void customers_are_ranked_by_value(void **state) {
    (void)state;
    import_sample();
    json_t *a = ask_value("\"model\":\"clv\",\"amount\":\"dollars\",\"top\":20"), *row;
    double total = number_at(a, "data.total"), sum = 0, before = INFINITY;
    long long customers = 0;
    size_t i;
    assert_int_equal(json_array_size(at(a, "data.distribution")), 10);
    json_array_foreach(at(a, "data.distribution"), i, row) {
        customers += json_integer_value(json_object_get(row, "customers"));
        sum += json_number_value(json_object_get(row, "value"));
        assert_true(json_number_value(json_object_get(row, "most")) <= before);
        before = json_number_value(json_object_get(row, "least"));
    }
    assert_int_equal(customers, 2357);
    assert_true(fabs(sum - total) <= 1e-6 * total);
    assert_true(number_at(a, "data.distribution.0.share") > 0.2);
    assert_int_equal(json_array_size(at(a, "data.most_valuable")), 20);
    NEAR(a, "data.most_valuable.0.value", number_at(a, "data.distribution.0.most"), 1e-9);
    assert_int_equal(json_array_size(at(a, "data.at_risk")), 20);
    before = INFINITY;
    json_array_foreach(at(a, "data.at_risk"), i, row) {
        assert_true(json_is_real(json_object_get(row, "alive")));
        double risk = json_number_value(json_object_get(row, "spend")) *
                      (1 - json_number_value(json_object_get(row, "alive")));
        assert_true(risk <= before);
        before = risk;
    }
    json_decref(a);
}

static void few_purchases_are_not_fitted(void **state) {
    (void)state;
    world_track(&world, "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-01-05T10:00:00Z\",\"properties\":{\"total\":30}}\n"
                        "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-01-05T23:00:00Z\",\"properties\":{\"total\":20}}\n"
                        "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-02-05T10:00:00Z\",\"properties\":{\"total\":10}}\n"
                        "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-03-05T10:00:00Z\",\"properties\":{\"total\":10.1}}\n"
                        "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-03-05T11:00:00Z\",\"properties\":{\"total\":-10.1}}\n"
                        "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Purchase\","
                        "\"timestamp\":\"2025-03-01T10:00:00Z\",\"properties\":{\"total\":0}}\n");
    json_t *a = world_ask(
        &world, "{\"kind\":\"value\",\"model\":\"clv\",\"purchase\":{\"event\":\"Purchase\"},"
                "\"amount\":\"total\",\"customer\":\"ana\"}");
    assert_true(json_is_null(at(a, "data.parameters.r")) &&
                json_is_null(at(a, "data.parameters.q")));
    assert_true(json_is_null(at(a, "data.log_likelihood")));
    assert_string_equal(json_string_value(at(a, "data.warnings.0")), "too_few");
    assert_int_equal(int_at(a, "data.customers"), 2);
    /* two purchases of one day are one; a day that was given back is none; the last day of a purchase ends the observation */
    assert_int_equal(int_at(a, "data.customer.purchase_days"), 2);
    NEAR(a, "data.customer.spend", 60, 0);
    NEAR(a, "data.customer.mean_repeat", 10, 0);
    assert_int_equal(int_at(a, "data.customer.days_since"), 24);
    json_decref(a);
}

static void wrong_questions_are_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{\"kind\":\"value\",\"purchase\":{}}", "/model"},
        {"{\"kind\":\"value\",\"model\":\"pareto\",\"purchase\":{}}", "/model"},
        {"{\"kind\":\"value\",\"model\":\"clv\",\"purchase\":{}}", "/amount"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"unit\":\"madrid\"}", "/unit"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"until\":\"never\"}", "/until"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"holdout\":\"2025-01-01\"}",
         "/holdout"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"horizon\":-1}", "/horizon"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"top\":5}", "/top"},
        {"{\"kind\":\"value\",\"model\":\"bgnbd\",\"purchase\":{},\"customer\":\"nobody\"}",
         "/customer"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        json_t *answer;
        assert_int_equal(world_try(&world, wrong[i][0], NULL, &answer, &err), E_INVALID);
        assert_string_equal(err.pointer, wrong[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cdnow_gives_its_published_results, open_world, close_world),
        cmocka_unit_test_setup_teardown(apparel_gives_its_reference, open_world, close_world),
        cmocka_unit_test_setup_teardown(cdnow_customers_are_scored, open_world, close_world),
        cmocka_unit_test_setup_teardown(customers_are_ranked_by_value, open_world, close_world),
        cmocka_unit_test_setup_teardown(few_purchases_are_not_fitted, open_world, close_world),
        cmocka_unit_test_setup_teardown(wrong_questions_are_refused, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
