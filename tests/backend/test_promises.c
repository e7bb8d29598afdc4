/*
 * Promises of a small world that can be counted by hand: kept, broken, pending, at risk; with a key; what must not
 * happen; answers; the customers behind and the promises of one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "world.h"

static struct world world;

static int64_t fixed_now(void) { return INT64_C(1769385600000); } /* 2026-01-26 */

static const char EVENTS[] =
#define EVENT(who, what, when, unit, properties)                                                   \
    "{\"type\":\"track\",\"userId\":\"" who "\",\"event\":\"" what "\",\"timestamp\":\"" when      \
    "\",\"context\":{\"unit\":\"" unit "\"},\"properties\":{" properties "}}\n"
    EVENT("ana", "Order", "2026-01-05T10:00:00Z", "madrid", "\"order_id\":\"1\"") EVENT(
        "ana", "Delivered", "2026-01-07T10:00:00Z", "madrid", "\"order_id\":\"1\"") /* 48 h sharp */
    EVENT("bea", "Order", "2026-01-05T10:00:00Z", "lima", "\"order_id\":\"2\"")
        EVENT("bea", "Order", "2026-01-06T10:00:00Z", "lima", "\"order_id\":\"3\"")
            EVENT("bea", "Delivered", "2026-01-06T20:00:00Z", "lima", "\"order_id\":\"3\"") EVENT(
                "bea", "Delivered", "2026-01-09T20:00:00Z", "lima", "\"order_id\":\"2\"") /* late */
    EVENT("carl", "Order", "2026-01-24T06:00:00Z", "lima", "\"order_id\":\"4\"") /* 42 h ago */
    EVENT("dora", "Order", "2026-01-25T10:00:00Z", "lima", "\"order_id\":\"5\"") /* 14 h ago */
    EVENT("dora", "Order", "2026-01-01T10:00:00Z", "lima", "")                   /* no key */
    EVENT("finn", "Served", "2026-01-08T10:00:00Z", "madrid", "\"wait_s\":180")
        EVENT("finn", "Served", "2026-01-09T10:00:00Z", "lima", "\"wait_s\":180.5")
            EVENT("gil", "Served", "2026-01-09T10:00:00Z", "lima", "\"wait_s\":null") EVENT(
                "eva", "Survey Responded", "2026-01-03T10:00:00Z", "lima",
                "\"survey\":\"s\",\"answers\":[{\"question\":\"q\",\"metric\":\"csat\",\"value\":5,"
                "\"touchpoint\":\"checkout\"},{\"question\":\"r\",\"metric\":\"csat\",\"value\":2,"
                "\"touchpoint\":\"hall\"}]");

static int open_world(void **state) {
    (void)state;
    clock_inject(fixed_now);
    world_open(&world, "UTC");
    world_track(&world, EVENTS);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

#define DELIVERY                                                                                   \
    "\"kind\":\"promise\",\"of\":{\"event\":\"Order\"},\"then\":{\"event\":\"Delivered\"},"        \
    "\"window\":\"48h\""

#define WAIT                                                                                       \
    "\"kind\":\"promise\",\"of\":{\"event\":\"Served\"},"                                          \
    "\"bound\":{\"property\":\"wait_s\",\"op\":\"<=\",\"value\":180}"

static void check_states(const json_t *answer, const char *row, long long kept, long long broken,
                         long long pending, long long at_risk) {
    char path[64];
    const char *const names[] = {"kept", "broken", "pending", "at_risk"};
    long long wanted[] = {kept, broken, pending, at_risk};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "data.%s.%s", row, names[i]);
        if (int_at(answer, path) != wanted[i])
            fail_msg("%s is %lld, not %lld", path, int_at(answer, path), wanted[i]);
    }
}

static void each_promise_has_its_state(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{" DELIVERY ",\"key\":\"order_id\"}");
    check_states(a, "0", 2, 1, 2, 1);
    assert_int_equal(int_at(a, "data.0.n"), 3);
    NEAR(a, "data.0.value", 2.0 / 3, 1e-12);
    NEAR(a, "data.0.low", 0.2076596, 1e-6); /* Wilson, 2 of 3 */
    NEAR(a, "data.0.high", 0.9385081, 1e-6);
    json_decref(a);
    /* without the key, bea's first order is kept by the delivery of the second; dora's old one counts */
    a = world_ask(&world, "{" DELIVERY "}");
    check_states(a, "0", 3, 1, 2, 1);
    json_decref(a);
    a = world_ask(&world, "{" DELIVERY ",\"key\":\"order_id\",\"by\":\"unit\",\"every\":\"week\"}");
    assert_string_equal(json_string_value(at(a, "data.0.by")), "lima");
    assert_string_equal(json_string_value(at(a, "data.0.time")), "2026-01-05T00:00:00.000Z");
    check_states(a, "0", 1, 1, 0, 0);
    check_states(a, "1", 1, 0, 0, 0);
    json_decref(a);
    /* observed until the 6th only, everything was still to come */
    a = world_ask(&world,
                  "{" DELIVERY ",\"range\":{\"from\":\"2026-01-05\",\"to\":\"2026-01-06\"}}");
    check_states(a, "0", 0, 0, 2, 0);
    assert_true(json_is_null(at(a, "data.0.value")));
    json_decref(a);
}

static void what_must_not_happen_breaks(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{" DELIVERY ",\"absent\":true,\"key\":\"order_id\"}");
    check_states(a, "0", 1, 2, 2, 0);
    json_decref(a);
}

static void answers_keep_or_break(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{\"kind\":\"promise\",\"answered\":{\"metric\":\"csat\","
                                  "\"touchpoint\":\"checkout\"}}");
    check_states(a, "0", 1, 0, 0, 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"promise\",\"answered\":{\"metric\":\"csat\"}}");
    check_states(a, "0", 1, 1, 0, 0);
    json_decref(a);
}

static void a_bound_on_a_property(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{" WAIT ",\"by\":\"unit\"}");
    assert_string_equal(json_string_value(at(a, "data.0.by")), "lima");
    check_states(a, "0", 0, 1, 0, 0);
    check_states(a, "1", 1, 0, 0, 0);
    assert_int_equal(json_array_size(at(a, "data")), 2); /* gil's wait is not known */
    json_decref(a);
    a = world_ask(&world, "{" WAIT ",\"customer\":\"finn\"}");
    assert_string_equal(json_string_value(at(a, "data.0.state")), "broken");
    assert_string_equal(json_string_value(at(a, "data.1.state")), "kept");
    assert_string_equal(json_string_value(at(a, "data.1.due")), "2026-01-08T10:00:00.000Z");
    json_decref(a);
}

static void the_people_behind_a_number(void **state) {
    (void)state;
    static const struct {
        const char *people, *who;
    } asked[] = {{"{\"state\":\"broken\"}", "bea"},
                 {"{\"state\":\"at_risk\"}", "carl"},
                 {"{\"state\":\"kept\",\"by\":\"madrid\"}", "ana"}};
    char query[400];
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        snprintf(query, sizeof query,
                 "{" DELIVERY ",\"key\":\"order_id\",\"by\":\"unit\",\"people\":%s}",
                 asked[i].people);
        json_t *a = world_ask(&world, query);
        assert_int_equal(int_at(a, "data.count"), 1);
        assert_string_equal(json_string_value(at(a, "data.customers.0.user_id")), asked[i].who);
        json_decref(a);
    }
    json_t *a = world_ask(&world, "{" DELIVERY ",\"key\":\"order_id\",\"customer\":\"bea\"}");
    assert_int_equal(json_array_size(at(a, "data")), 2); /* newest first */
    assert_string_equal(json_string_value(at(a, "data.0.state")), "kept");
    assert_string_equal(json_string_value(at(a, "data.1.state")), "broken");
    assert_string_equal(json_string_value(at(a, "data.1.due")), "2026-01-07T10:00:00.000Z");
    assert_string_equal(json_string_value(at(a, "data.1.met")), "2026-01-09T20:00:00.000Z");
    json_decref(a);
}

static void questions_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{\"kind\":\"promise\",\"of\":{\"event\":\"Order\"},\"window\":\"1h\"}", "/then"},
        {"{" DELIVERY ",\"answered\":{\"metric\":\"csat\"}}", ""},
        {"{\"kind\":\"promise\",\"answered\":{\"metric\":\"nps\"}}", "/answered/metric"},
        {"{" DELIVERY ",\"key\":\"nothing\"}", "/key"},
        {"{" WAIT ",\"window\":\"1h\"}", ""},
        {"{\"kind\":\"promise\",\"bound\":{\"property\":\"wait_s\",\"value\":1}}", "/of"},
        {"{\"kind\":\"promise\",\"of\":{\"event\":\"Served\"},\"bound\":{\"property\":\"weight\","
         "\"value\":1}}",
         "/bound/property"},
        {"{\"kind\":\"promise\",\"of\":{\"event\":\"Served\"},\"bound\":{\"property\":\"wait_s\","
         "\"op\":\"exists\"}}",
         "/bound"},
        {"{" DELIVERY ",\"people\":{\"state\":\"lost\"}}", "/people/state"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        json_t *answer;
        assert_int_equal(world_try(&world, wrong[i][0], NULL, &answer, &err), E_INVALID);
        assert_string_equal(err.pointer, wrong[i][1]);
    }
    const struct principal viewer = {.user = 2, .scopes = SCOPE_QUERY, .floor = 5};
    struct err err = {0};
    json_t *answer;
    assert_int_equal(
        world_try(&world, "{" DELIVERY ",\"customer\":\"bea\"}", &viewer, &answer, &err),
        E_FORBIDDEN);
}

/* Madrid is one customer, and Lima the difference to all; of all, what happened to few is not told apart. */
static void few_are_nobody(void **state) {
    (void)state;
    const struct principal viewer = {.user = 2, .scopes = SCOPE_QUERY, .floor = 3};
    struct err err = {0};
    json_t *answer;
    assert_int_equal(world_try(&world, "{" DELIVERY ",\"by\":\"unit\"}", &viewer, &answer, &err),
                     0);
    assert_int_equal(json_array_size(at(answer, "data")), 0);
    assert_int_equal(int_at(answer, "meta.suppressed"), 2);
    json_decref(answer);
    assert_int_equal(world_try(&world, "{" DELIVERY "}", &viewer, &answer, &err), 0);
    assert_int_equal(int_at(answer, "data.0.n"), 4);
    assert_true(json_is_null(at(answer, "data.0.kept")));
    assert_true(json_is_null(at(answer, "data.0.broken")));
    assert_true(json_is_null(at(answer, "data.0.pending")));
    assert_null(at(answer, "data.0.customers"));
    json_decref(answer);
    assert_int_equal(world_try(&world,
                               "{" DELIVERY ",\"where\":[{\"property\":\"order_id\",\"op\":\"=\","
                               "\"value\":\"1\"}]}",
                               &viewer, &answer, &err),
                     0);
    assert_int_equal(json_array_size(at(answer, "data")), 0);
    json_decref(answer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_promise_has_its_state),
        cmocka_unit_test(what_must_not_happen_breaks),
        cmocka_unit_test(answers_keep_or_break),
        cmocka_unit_test(a_bound_on_a_property),
        cmocka_unit_test(the_people_behind_a_number),
        cmocka_unit_test(few_are_nobody),
        cmocka_unit_test(questions_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
