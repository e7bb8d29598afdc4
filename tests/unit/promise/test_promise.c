/*
 * Stored promises: what is refused, versions, restart, and what one customer was promised.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../backend/world.h"

#include "promise/promise.h"

static const struct principal OWNER = {.user = 1, .role = ROLE_OWNER, .scopes = SCOPE_QUERY};
static const char EVENTS[] = "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Order\","
                             "\"timestamp\":\"2026-01-05T10:00:00Z\"}\n"
                             "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Delivered\","
                             "\"timestamp\":\"2026-01-06T10:00:00Z\"}\n"
                             "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Order\","
                             "\"timestamp\":\"2026-01-05T10:00:00Z\"}\n";
#define RULE                                                                                       \
    "\"rule\":{\"of\":{\"event\":\"Order\"},\"then\":{\"event\":\"Delivered\"},\"window\":"        \
    "\"48h\"}"

static struct world world;

static int open_world(void **state) {
    (void)state;
    world_open(&world, "UTC");
    world_track(&world, EVENTS);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close(&world);
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

static void what_cannot_be_measured_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{" RULE "}", "/sentence"},
        {"{\"sentence\":\"a\"}", "/rule"},
        {"{\"sentence\":\"a\",\"target\":2," RULE "}", "/target"},
        {"{\"sentence\":\"a\",\"color\":2," RULE "}", "/color"},
        {"{\"sentence\":\"a\",\"split\":\"none\"," RULE "}", "/split"},
        {"{\"sentence\":\"a\",\"segment\":{\"trait\":1}," RULE "}", "/segment"},
        {"{\"sentence\":\"a\",\"rule\":{\"by\":\"unit\"}}", "/rule/by"},
        {"{\"sentence\":\"a\",\"rule\":{\"of\":{\"event\":1},\"then\":{},\"window\":\"1h\"}"
         "}",
         "/rule/of/event"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        json_t *document = json_loads(wrong[i][0], 0, NULL);
        assert_int_equal(promise_check(world.folder, &OWNER, document, &err), E_INVALID);
        if (strncmp(err.pointer, wrong[i][1], strlen(wrong[i][1])) != 0)
            fail_msg("%s: at %s", wrong[i][0], err.pointer);
        json_decref(document);
    }
}

static void versions_survive_a_restart(void **state) {
    (void)state;
    struct err err = {0};
    uint64_t id = keep(0, "{\"sentence\":\"two days\"," RULE "}");
    assert_int_equal(keep(id, "{\"sentence\":\"in 48 h\",\"target\":0.95," RULE "}"), id);
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    json_t *promise, *list;
    assert_int_equal(promise_find(world.folder, id, &promise, &err), 0);
    assert_string_equal(json_string_value(at(promise, "sentence")), "in 48 h");
    assert_int_equal(int_at(promise, "version"), 2);
    json_decref(promise);
    assert_int_equal(promise_versions(world.folder, id, &list, &err), 0);
    assert_string_equal(json_string_value(at(list, "1.sentence")), "two days");
    json_decref(list);
    assert_int_equal(promise_of_customer(world.folder, &OWNER, "bea", &list, &err), 0);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(at(list, "0.state")), "broken");
    assert_string_equal(json_string_value(at(list, "0.sentence")), "in 48 h");
    json_decref(list);
    assert_int_equal(promise_of_customer(world.folder, &OWNER, "ana", &list, &err), 0);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    assert_int_equal(promise_remove(world.folder, id, &err), 0);
    assert_int_equal(promise_remove(world.folder, id, &err), E_NOT_FOUND);
    assert_int_equal(promise_list(world.folder, &list, &err), 0);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_measured_is_refused),
        cmocka_unit_test(versions_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
