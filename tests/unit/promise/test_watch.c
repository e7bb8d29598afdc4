/*
 * Broken promises become interactions: each once, at the moment in which it broke, across restarts, a rebuilt index and
 * merges; nothing from before the promise was made, unless it says since when.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../backend/world.h"
#include "base/time.h"
#include "promise/promise.h"
#include "promise/watch.h"

static const struct principal OWNER = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};

static struct world world;
static int64_t now_ms;

#define HOUR_MS INT64_C(3600000)
#define BEGIN_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static int64_t the_clock(void) { return now_ms; }

static void track(const char *who, const char *event, double ago_h, const char *properties) {
    char line[400], time[TIME_TEXT_BYTES];
    time_format(now_ms - (int64_t)(ago_h * (double)HOUR_MS), time);
    snprintf(line, sizeof line,
             "{\"type\":\"track\",\"userId\":\"%s\",\"event\":\"%s\",\"timestamp\":\"%s\","
             "\"context\":{\"unit\":\"lima\"},\"properties\":{%s}}\n",
             who, event, time, properties);
    world_track(&world, line);
}

static int set_up(void **unused) {
    (void)unused;
    now_ms = BEGIN_MS;
    clock_inject(the_clock);
    world_open(&world, "UTC");
    track("ana", "Order", 60, "\"order_id\":\"1\"");
    track("ana", "Delivered", 50, "\"order_id\":\"1\"");
    track("bea", "Order", 60, "\"order_id\":\"2\"");  /* broke 12 hours ago */
    track("carl", "Order", 47, "\"order_id\":\"3\""); /* will in an hour */
    track("dora", "Served", 1, "\"wait_s\":500");
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    world_close(&world);
    clock_inject(NULL);
    return 0;
}

static uint64_t keep(uint64_t id, const char *text) {
    struct err err = {0};
    json_t *document = json_loads(text, 0, NULL);
    if (promise_check(world.folder, &OWNER, document, &err) ||
        promise_put(world.folder, &id, document, "eva@example.org", &err))
        fail_msg("%s: %s %s", text, err.pointer, err.message);
    json_decref(document);
    return id;
}

#define DELIVERY                                                                                   \
    "\"rule\":{\"of\":{\"event\":\"Order\"},\"then\":{\"event\":\"Delivered\"},\"window\":"        \
    "\"48h\",\"key\":\"order_id\"}"
#define WAIT                                                                                       \
    "\"rule\":{\"of\":{\"event\":\"Served\"},\"bound\":{\"property\":\"wait_s\",\"op\":\"<=\","    \
    "\"value\":180}}"

static void watch(int rounds) {
    struct err err = {0};
    for (int i = 0; i < rounds; i++)
        if (promises_watch(world.folder, &err))
            fail_msg("round: %s", err.message);
}

/* What a customer's timeline tells of broken promises, the newest first: "sentence@time". */
static const char *told(const char *who) {
    static char text[500];
    char query[200];
    json_t *row;
    size_t i;
    snprintf(query, sizeof query, "{\"kind\":\"timeline\",\"customer\":\"%s\"}", who);
    json_t *answer = world_ask(&world, query);
    text[0] = 0;
    json_array_foreach(at(answer, "data"), i, row) {
        const char *event = json_string_value(at(row, "event"));
        if (strcmp(event, PROMISE_BROKEN_EVENT) == 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s@%.16s@%s ",
                     json_string_value(at(row, "properties.promise")),
                     json_string_value(at(row, "time")), json_string_value(at(row, "unit")));
    }
    json_decref(answer);
    return text;
}

static void each_break_is_told_once(void **unused) {
    (void)unused;
    struct err err = {0};
    keep(0, "{\"sentence\":\"two days\"," DELIVERY "}");
    watch(2);
    assert_string_equal(told("bea"), ""); /* before the promise was made */
    assert_string_equal(told("carl"), "");
    now_ms += HOUR_MS;
    watch(1);
    assert_string_equal(told("carl"), ""); /* 48 h sharp is in time still */
    now_ms += 1;
    watch(1);
    assert_string_equal(told("carl"), "two days@2026-03-01T01:00@lima ");
    watch(3);
    assert_string_equal(told("carl"), "two days@2026-03-01T01:00@lima ");
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    watch(2);
    assert_string_equal(told("carl"), "two days@2026-03-01T01:00@lima ");
    assert_string_equal(told("ana"), "");
    /* left out of journeys unless it is named */
    json_t *flow = world_ask(&world, "{\"kind\":\"flow\",\"level\":\"event\"}");
    char *text = json_dumps(flow, JSON_COMPACT);
    assert_null(strstr(text, PROMISE_BROKEN_EVENT));
    free(text);
    json_decref(flow);
}

static void a_bound_breaks_as_it_arrives(void **unused) {
    (void)unused;
    keep(0, "{\"sentence\":\"three minutes\"," WAIT "}");
    watch(2);
    assert_string_equal(told("dora"), "");
    now_ms += HOUR_MS;
    track("dora", "Served", 0, "\"wait_s\":181");
    track("ana", "Served", 0, "\"wait_s\":179");
    watch(1);
    assert_string_equal(told("dora"), "three minutes@2026-03-01T01:00@lima ");
    assert_string_equal(told("ana"), "");
    /* what arrives late breaks when it happened */
    track("ana", "Served", 0.5, "\"wait_s\":900");
    watch(1);
    assert_string_equal(told("ana"), "three minutes@2026-03-01T00:30@lima ");
}

static void since_reaches_back_and_other_rules_begin_anew(void **unused) {
    (void)unused;
    uint64_t id = keep(0, "{\"sentence\":\"two days\",\"since\":\"2026-02-01\"," DELIVERY "}");
    watch(2);
    assert_string_equal(told("bea"), "two days@2026-02-28T12:00@lima ");
    keep(id, "{\"sentence\":\"48 hours\"," DELIVERY "}"); /* the same in other words */
    watch(2);
    assert_string_equal(told("bea"), "two days@2026-02-28T12:00@lima ");
    now_ms += HOUR_MS + 1;
    watch(2);
    assert_string_equal(told("carl"), "48 hours@2026-03-01T01:00@lima ");
    struct err err = {0};
    assert_int_equal(promise_remove(world.folder, id, &err), 0);
    track("dora", "Order", 47.999, "\"order_id\":\"9\"");
    now_ms += 2 * HOUR_MS;
    watch(2);
    assert_string_equal(told("dora"), "");
}

/* Two profiles that are one: the break stays with the profile that the promise was made to. */
static void merged_customers(void **unused) {
    (void)unused;
    struct err err = {0};
    struct arena arena;
    struct merge merge;
    uint32_t bea, carl;
    arena_init(&arena);
    keep(0, "{\"sentence\":\"two days\",\"since\":\"2026-02-01\"," DELIVERY "}");
    assert_int_equal(customers_find(world.folder->customers, slice_of("bea"), &bea, &err), 0);
    assert_int_equal(customers_find(world.folder->customers, slice_of("carl"), &carl, &err), 0);
    assert_int_equal(customers_unite(world.folder->customers, bea, carl, "eva", "", &merge, &err),
                     0);
    now_ms += HOUR_MS + 1;
    watch(2);
    assert_string_equal(told("carl"),
                        "two days@2026-03-01T01:00@lima two days@2026-02-28T12:00@lima ");
    assert_int_equal(
        customers_separate(world.folder->customers, bea, 0, "eva", &arena, &merge, &err), 0);
    watch(2);
    assert_string_equal(told("bea"), "two days@2026-02-28T12:00@lima ");
    assert_string_equal(told("carl"), "two days@2026-03-01T01:00@lima ");
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_break_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bound_breaks_as_it_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(since_reaches_back_and_other_rules_begin_anew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(merged_customers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
