/*
 * Runs over whole folders: CDNOW's purchases, contracts that were made up with a cause of leaving, too little of either.
 *
 * SOURCES  B. Hardie's CDNOW sample, published results for the first 39 weeks (Fader, Hardie, Lee 2005), further digits by two
 * independent programs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../backend/cdnow.h"
#include "../stats/table.h"

#include "base/time.h"
#include "value/value.h"

static struct world world;
static int64_t now_ms = INT64_C(1769385600000); /* 2026-01-26 */

static int64_t fixed_now(void) { return now_ms; }

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

static void put_settings(const char *text) {
    static const struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct err err = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    if (value_settings_put(world.folder, &owner, json, &err))
        fail_msg("settings: %s %s", err.pointer, err.message);
    json_decref(json);
}

/* New reference: the report of a run. */
static json_t *run(void) {
    struct err err = {0};
    json_t *report = NULL, *outcome = NULL;
    int64_t made_ms = 0;
    if (value_run(world.folder, NULL, NULL, NULL, &outcome, &err))
        fail_msg("run: %s", err.message);
    json_decref(outcome);
    assert_int_equal(value_report(world.folder, &report, &made_ms, &err), 0);
    assert_non_null(report);
    assert_int_equal(made_ms, now_ms);
    return report;
}

static json_t *one(const char *id) {
    struct err err = {0};
    uint32_t owner;
    json_t *json;
    assert_int_equal(customers_find(world.folder->customers, slice_of(id), &owner, &err), 0);
    assert_int_equal(value_of_owner(world.folder, owner, &json, &err), 0);
    return json;
}

/* Purchases of the sample up to and with a day ("19970930"). */
static void import_sample(const char *until) {
    assert_true(cdnow_import(&world, until) > 2357);
    put_settings("{\"purchase\":{\"event\":\"Purchase\"},\"amount\":\"dollars\",\"dropout\":"
                 "\"bgnbd\",\"window\":\"90d\"}");
}

/* The last purchase within the 39 weeks fell on their last day, so the run observes exactly them. */
static void the_published_fit(void **state) {
    (void)state;
    import_sample("19970930");
    json_t *report = run();
    assert_string_equal(json_string_value(at(report, "observed.until")), "1997-09-30");
    assert_int_equal(int_at(report, "model.customers"), 2357);
    assert_int_equal(int_at(report, "model.repeaters"), 946);
    NEAR(report, "model.parameters.r", 0.242593, 1e-3 * 0.242593);
    NEAR(report, "model.parameters.alpha", 4.413532, 1e-3 * 4.413532);
    NEAR(report, "model.parameters.a", 0.792886, 1e-3 * 0.792886);
    NEAR(report, "model.parameters.b", 2.425754, 1e-3 * 2.425754);
    NEAR(report, "model.parameters.p", 6.24880, 1e-3 * 6.24880);
    NEAR(report, "model.log_likelihood", -9582.42556, 0.01);
    assert_true(json_is_null(at(report, "refused")));
    assert_string_equal(json_string_value(at(report, "warnings.0")), "one_time_buyers");
    assert_int_equal(int_at(report, "distribution.0.customers"), 236);
    assert_int_equal(int_at(report, "customers"), 2357);
    json_t *first = one("0001");
    NEAR(first, "clv", 36.2892,
         0.25); /* the month of 4.345 weeks there, of a twelfth of a year in the run's horizon */
    NEAR(first, "p_alive", 0.7265786, 1e-3);
    NEAR(first, "frequency", 3, 0);
    NEAR(first, "recency", 59, 0);
    NEAR(first, "monetary", 74.02, 1e-4);
    json_decref(first);
    first = one("0003");
    assert_true(json_is_null(at(first, "p_alive"))); /* never "100 % alive" */
    json_decref(first);
    json_decref(report);
}

static void scores_of_the_first_fifty(void **state) {
    (void)state;
    struct table table = table_read(SHARED_DIR "/reference/m02_rfm_first50.csv");
    import_sample("19970930");
    json_decref(run());
    for (size_t i = 0; i < table.n; i++) {
        char id[16];
        snprintf(id, sizeof id, "%04d", (int)table_number(&table, i, "id"));
        json_t *json = one(id);
        NEAR(json, "rfm_r", table_number(&table, i, "R5q"), 0);
        NEAR(json, "rfm_f", table_number(&table, i, "F5q"), 0);
        NEAR(json, "rfm_m", table_number(&table, i, "M5q"), 0);
        NEAR(json, "recency", table_number(&table, i, "Rd"), 0);
        NEAR(json, "monetary", table_number(&table, i, "M"), 1e-3);
        json_decref(json);
    }
    free(table.cells);
}

/* What it says of the last third, which it has not seen, stands beside what came; and it is there after a restart. */
static void held_out_and_kept(void **state) {
    (void)state;
    struct err err = {0};
    import_sample("19980630");
    json_t *report = run();
    double expected = number_at(report, "check.expected"),
           actual = number_at(report, "check.actual");
    assert_true(actual > 1000 && expected > 0.75 * actual && expected < 1.25 * actual);
    assert_true(number_at(report, "check.mean_absolute_error") <
                number_at(report, "check.mean_absolute_error_of_own_rate"));
    assert_true(json_is_true(at(report, "churn.learnt")));
    assert_true(number_at(report, "churn.check.auc.value") > 0.6);
    assert_true(number_at(report, "churn.check.calibration.brier") <
                number_at(report, "churn.check.rate"));
    json_decref(report);
    json_t *before = one("0001");
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    json_t *after = one("0001");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

/* ---- contracts ---- */

enum { CONTRACTS = 6000, DAYS = 720 };

static void add_event_for(struct buf *lines, const char *event, int customer, int day,
                          const char *reason) {
    char time[TIME_TEXT_BYTES];
    time_format(now_ms - (int64_t)(DAYS - day) * DAY_MS - 3600000, time);
    buf_add_format(lines,
                   "{\"type\":\"track\",\"event\":\"%s\",\"userId\":\"k%d\",\"timestamp\":\"%s\","
                   "\"properties\":{\"reason\":\"%s\"}}\n",
                   event, customer, time, reason);
}

static void add_event(struct buf *lines, const char *event, int customer, int day) {
    add_event_for(lines, event, customer, day, "none");
}

/* Contracts of 20 a month that began on one of the first 300 days. Every 5 days one in 100 complains; of who complained in the 60
 * days before, one in 8 leaves in those 5 days, of the others one in 200. */
static void make_contracts(void) {
    struct buf lines;
    uint64_t seed = 12345;
    buf_init(&lines, 64 << 20);
    for (int c = 0; c < CONTRACTS; c++) {
        int begin = c % 300, complained = -1000;
        buf_add_format(&lines,
                       "{\"type\":\"identify\",\"userId\":\"k%d\",\"traits\":{\"fee\":20,\"kind\":"
                       "\"%s\",\"wallet\":480}}\n",
                       c, c % 2 ? "odd" : "even");
        add_event(&lines, "Signed", c, begin);
        for (int day = begin + 5; day < DAYS; day += 5) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            uint32_t dice = (uint32_t)(seed >> 33) % 1200;
            if (dice < 12) {
                add_event_for(&lines, "Complaint Filed", c, day, "bill"); /* always */
                complained = day;
            } else if (dice >= 1200 - (day - complained < 60 ? 150 : 6)) {
                add_event(&lines, "Ended", c, day);
                break;
            } else if (dice % 10 == 1) {
                add_event_for(&lines, "Visit", c, day, day - complained < 60 ? "leave" : "look");
            }
        }
    }
    world_track(&world, buf_slice(&lines).p);
    buf_release(&lines);
    put_settings("{\"contract\":{\"end\":{\"event\":\"Ended\"},\"start\":{\"event\":\"Signed\"},"
                 "\"fee\":\"fee\"},\"window\":\"60d\",\"wallet\":\"wallet\",\"groups\":\"kind\"}");
}

static const json_t *sign_of(const json_t *report, const char *event) {
    const json_t *signs = at(report, "churn.signs");
    for (size_t i = 0; i < json_array_size(signs); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(signs, i), "event"));
        if (name && strcmp(name, event) == 0)
            return json_array_get(signs, i);
    }
    return NULL;
}

/* By the value of a property. */
static const json_t *sign_that_says(const json_t *report, const char *says) {
    const json_t *signs = at(report, "churn.signs");
    for (size_t i = 0; i < json_array_size(signs); i++) {
        const char *text = json_string_value(json_object_get(json_array_get(signs, i), "says"));
        if (text && strcmp(text, says) == 0)
            return json_array_get(signs, i);
    }
    return NULL;
}

static void contracts_and_why_they_end(void **state) {
    (void)state;
    struct err err = {0};
    make_contracts();
    json_t *report = run(), *rows, *survival;
    uint64_t total;
    assert_string_equal(json_string_value(at(report, "business")), "contracts");
    double expected = number_at(report, "check.expected"),
           actual = number_at(report, "check.actual");
    assert_true(expected > 0.8 * actual && expected < 1.2 * actual);
    assert_true(json_is_true(at(report, "churn.learnt")));
    assert_true(number_at(report, "churn.check.auc.low") > 0.6);
    assert_true(number_at(report, "churn.check.lift_10") > 2);
    NEAR(report, "churn.check.calibration.slope", 1, 0.35);
    assert_non_null(sign_of(report, "Complaint Filed"));
    assert_true(number_at(sign_of(report, "Complaint Filed"), "low") > 1);
    assert_null(sign_of(report, "Ended"));
    assert_null(sign_of(report, "Visit")); /* says nothing of leaving, but what for does */
    assert_string_equal(json_string_value(at(sign_that_says(report, "leave"), "property")),
                        "reason");
    assert_null(sign_that_says(report, "bill")); /* the complaint by another name */
    NEAR(report, "potential.wallet.share", 0.5, 1e-6);
    /* who is most likely to leave has complained */
    struct value_list list = {.order = NUMBER_CHURN, .falling = true, .limit = 5};
    assert_int_equal(value_list(world.folder, &list, &rows, &total, &err), 0);
    assert_int_equal(total, int_at(report, "active"));
    assert_string_equal(json_string_value(at(rows, "0.reasons.0.event")), "Complaint Filed");
    assert_string_equal(json_string_value(at(rows, "0.reasons.0.speaks_for")), "leaving");
    assert_string_equal(json_string_value(at(rows, "0.band")), "risk");
    assert_true(number_at(rows, "0.clv") > 0 && number_at(rows, "0.clv") < 12 * 20);
    assert_true(number_at(rows, "0.health") < number_at(rows, "4.health") + 1);
    json_decref(rows);
    assert_int_equal(value_survival(world.folder, "kind", &survival, &err), 0);
    assert_int_equal(json_array_size(at(survival, "groups")), 2);
    assert_true(number_at(survival, "log_rank.p") > 0.001); /* odd and even are alike */
    json_decref(survival);
    json_decref(report);
}

/* ---- refusals ---- */

static void too_little_is_refused(void **state) {
    (void)state;
    json_t *report = run(); /* nothing at all */
    assert_true(json_is_null(at(report, "observed")));
    json_decref(report);
    world_track(&world,
                "{\"type\":\"track\",\"event\":\"Order Completed\",\"userId\":\"a\",\"properties\":"
                "{\"total\":10},\"timestamp\":\"2025-06-01T10:00:00Z\"}\n"
                "{\"type\":\"track\",\"event\":\"Order Completed\",\"userId\":\"a\",\"properties\":"
                "{\"total\":5},\"timestamp\":\"2025-12-01T10:00:00Z\"}\n");
    report = run();
    assert_string_equal(json_string_value(at(report, "refused.reason")), "too_few");
    assert_int_equal(int_at(report, "refused.customers"), 1);
    assert_int_equal(int_at(report, "refused.customers_needed"), 200);
    json_decref(report);
    json_t *json = one("a"); /* what is known is told all the same */
    NEAR(json, "monetary", 15, 0);
    NEAR(json, "frequency", 2, 0);
    assert_true(json_is_null(at(json, "clv")));
    json_decref(json);
}

static void refused_settings(const char *text, const char *pointer) {
    static const struct principal owner = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct err err = {0};
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(value_settings_put(world.folder, &owner, json, &err), E_INVALID);
    assert_string_equal(err.pointer, pointer);
    json_decref(json);
}

static void settings_that_cannot_be(void **state) {
    (void)state;
    world_track(&world, "{\"type\":\"track\",\"event\":\"Order Completed\",\"userId\":\"a\","
                        "\"properties\":{\"total\":10}}\n");
    refused_settings("{\"colour\":1}", "/colour");
    refused_settings("{\"window\":\"1d\"}", "/window");
    refused_settings("{\"months\":500}", "/months");
    refused_settings("{\"contract\":{\"end\":{\"event\":\"Nothing Such\"},\"since\":\"x\"}}",
                     "/contract/end/event");
    refused_settings("{\"contract\":{\"end\":{\"event\":\"Order Completed\"}}}", "/contract/start");
    refused_settings("{\"contract\":{\"since\":\"x\"}}", "/contract/end");
    refused_settings("{\"wallet\":7}", "/wallet");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_published_fit, open_world, close_world),
        cmocka_unit_test_setup_teardown(scores_of_the_first_fifty, open_world, close_world),
        cmocka_unit_test_setup_teardown(held_out_and_kept, open_world, close_world),
        cmocka_unit_test_setup_teardown(contracts_and_why_they_end, open_world, close_world),
        cmocka_unit_test_setup_teardown(too_little_is_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(settings_that_cannot_be, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
