/*
 * Stored segments: documents and their refusals, what a name means in questions, rights, circles, a restart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../backend/world.h"
#include "segment/segment.h"

static struct world world;

/* Ana and Bea bought, in two shops; Eva looked; Ana is on plan gold. */
static int set_up(void **state) {
    (void)state;
    world_open(&world, "UTC");
    world_track(&world,
                "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Bought\",\"context\":{\"unit\":"
                "\"madrid\"},\"timestamp\":\"2026-03-01T10:00:00Z\"}\n"
                "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Looked\",\"context\":{\"unit\":"
                "\"sevilla\"},\"timestamp\":\"2026-03-02T10:00:00Z\"}\n"
                "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Bought\",\"context\":{\"unit\":"
                "\"sevilla\"},\"timestamp\":\"2026-03-02T10:00:00Z\"}\n"
                "{\"type\":\"track\",\"userId\":\"eva\",\"event\":\"Looked\",\"context\":{\"unit\":"
                "\"sevilla\"},\"timestamp\":\"2026-03-03T10:00:00Z\"}\n"
                "{\"type\":\"identify\",\"userId\":\"ana\",\"traits\":{\"plan\":\"gold\"},"
                "\"timestamp\":\"2026-03-01T10:00:00Z\"}\n");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

static int put(const char *current, const char *document, char name[SEGMENT_NAME_BYTES],
               struct err *err) {
    json_t *json = json_loads(document, 0, NULL);
    assert_non_null(json);
    int code = segment_put(world.folder, current, json, "tester", name, err);
    json_decref(json);
    return code;
}

static void must_put(const char *document, const char *wanted) {
    struct err err = {0};
    char name[SEGMENT_NAME_BYTES];
    if (put(NULL, document, name, &err))
        fail_msg("%s: %s %s", document, err.pointer, err.message);
    assert_string_equal(name, wanted);
}

static void must_refuse(const char *current, const char *document, int code, const char *pointer) {
    struct err err = {0};
    char name[SEGMENT_NAME_BYTES];
    assert_int_equal(put(current, document, name, &err), code);
    assert_string_equal(err.pointer, pointer);
}

static long long count(const char *query) {
    json_t *answer = world_ask(&world, query);
    long long n = int_at(answer, "data.count");
    json_decref(answer);
    return n;
}

static void names_mean_their_rule(void **state) {
    (void)state;
    must_put("{\"title\":\"Ya compró, señora\",\"mission\":\"Volver\",\"rule\":{\"did\":{\"event\":"
             "\"Bought\"}}}",
             "ya-compro-senora");
    must_put("{\"name\":\"gold\",\"rule\":{\"trait\":\"plan\",\"value\":\"gold\"}}", "gold");
    must_put("{\"name\":\"others\",\"rule\":{\"all\":[{\"in\":\"ya-compro-senora\"},{\"not\":{"
             "\"in\":\"gold\"}}]}}",
             "others");
    assert_int_equal(count("{\"kind\":\"customers\",\"of\":{\"in\":\"ya-compro-senora\"}}"), 2);
    assert_int_equal(count("{\"kind\":\"customers\",\"of\":{\"in\":\"others\"}}"), 1);
    assert_int_equal(count("{\"kind\":\"customers\",\"of\":{\"not\":{\"in\":\"gold\"}}}"), 2);
    json_t *answer =
        world_ask(&world, "{\"kind\":\"trend\",\"system\":false,\"every\":\"month\",\"measure\":"
                          "\"customers\",\"segment\":\"gold\"}");
    assert_int_equal(int_at(answer, "data.0.value"), 1);
    json_decref(answer);
    answer = world_ask(
        &world, "{\"kind\":\"trend\",\"system\":false,\"every\":\"month\",\"by\":\"segment\","
                "\"segment\":\"gold\",\"measure\":\"customers\"}");
    assert_int_equal(json_array_size(at(answer, "data")), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *row = json_array_get(at(answer, "data"), i);
        bool in = json_is_string(json_object_get(row, "by"));
        if (in)
            assert_string_equal(json_string_value(json_object_get(row, "by")), "gold");
        assert_int_equal(int_at(row, "value"), in ? 1 : 2);
    }
    json_decref(answer);
}

/* The rule looks at everything; the answer shows what the asker may see. */
static void rights_limit_answers_not_segments(void **state) {
    (void)state;
    must_put("{\"name\":\"buyers\",\"rule\":{\"did\":{\"event\":\"Bought\"}}}", "buyers");
    uint16_t sevilla =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("sevilla"));
    struct principal scoped = {.user = 2,
                               .role = ROLE_UNIT_MANAGER,
                               .scopes = SCOPE_QUERY,
                               .units = &sevilla,
                               .n_units = 1};
    struct err err = {0};
    json_t *answer;
    /* Ana's purchase was in Madrid, her visit in Sevilla. */
    assert_int_equal(world_try(&world, "{\"kind\":\"customers\",\"of\":{\"in\":\"buyers\"}}",
                               &scoped, &answer, &err),
                     0);
    assert_int_equal(int_at(answer, "data.count"), 2);
    json_decref(answer);
    assert_int_equal(world_try(&world,
                               "{\"kind\":\"customers\",\"of\":{\"did\":{\"event\":\"Bought\"}}}",
                               &scoped, &answer, &err),
                     0);
    assert_int_equal(int_at(answer, "data.count"), 1);
    json_decref(answer);
    assert_int_equal(world_try(&world,
                               "{\"kind\":\"trend\",\"every\":\"month\",\"segment\":\"buyers\"}",
                               &scoped, &answer, &err),
                     0);
    assert_int_equal(int_at(answer, "data.0.value"), 2); /* not what happened in Madrid */
    json_decref(answer);
}

static void documents_are_checked(void **state) {
    (void)state;
    must_refuse(NULL, "{\"rule\":{\"did\":{}}}", E_INVALID, "/title");
    must_refuse(NULL, "{\"title\":\"A\"}", E_INVALID, "/rule");
    must_refuse(NULL, "{\"title\":\"¿?\",\"rule\":{\"did\":{}}}", E_INVALID, "/name");
    must_refuse(NULL, "{\"name\":\"overlap\",\"rule\":{\"did\":{}}}", E_INVALID, "/name");
    must_put("{\"title\":\"New\",\"rule\":{\"did\":{}}}", "new-1"); /* /segments/new is a page */
    must_refuse(NULL, "{\"name\":\"A b\",\"rule\":{\"did\":{}}}", E_INVALID, "/name");
    must_refuse(NULL, "{\"title\":\"A\",\"colour\":\"mauve\",\"rule\":{\"did\":{}}}", E_INVALID,
                "/colour");
    must_refuse(NULL, "{\"title\":\"A\",\"rules\":{\"did\":{}}}", E_INVALID, "/rules");
    must_refuse(NULL, "{\"title\":\"A\",\"rule\":{\"any\":[{\"did\":{\"event\":7}}]}}", E_INVALID,
                "/rule/any/0/did/event");
    must_refuse(NULL, "{\"title\":\"A\",\"rule\":{\"not\":{\"in\":\"nobody\"}}}", E_INVALID,
                "/rule/not/in");
    must_refuse("a", "{\"title\":\"A\",\"rule\":{\"did\":{}}}", E_NOT_FOUND, "");
    must_put("{\"name\":\"a\",\"rule\":{\"did\":{}}}", "a");
    must_refuse(NULL, "{\"name\":\"a\",\"rule\":{\"did\":{}}}", E_CONFLICT, "/name");
    must_refuse("a", "{\"name\":\"b\",\"rule\":{\"did\":{}}}", E_INVALID, "/name");
}

static void segments_are_not_built_on_themselves(void **state) {
    (void)state;
    struct err err = {0};
    must_refuse(NULL, "{\"name\":\"a\",\"rule\":{\"not\":{\"in\":\"a\"}}}", E_INVALID,
                "/rule/not/in");
    must_put("{\"name\":\"a\",\"rule\":{\"did\":{}}}", "a");
    must_put("{\"name\":\"b\",\"rule\":{\"in\":\"a\"}}", "b");
    must_refuse("a", "{\"rule\":{\"any\":[{\"did\":{}},{\"in\":\"b\"}]}}", E_INVALID,
                "/rule/any/1/in");
    assert_int_equal(segment_remove(world.folder, "a", &err), E_CONFLICT);
    assert_int_equal(segment_remove(world.folder, "b", &err), 0);
    assert_int_equal(segment_remove(world.folder, "a", &err), 0);
    assert_int_equal(segment_remove(world.folder, "a", &err), E_NOT_FOUND);
    /* A chain is bounded; what it is built on cannot be lengthened below it either. */
    char document[128], name[SEGMENT_NAME_BYTES];
    must_put("{\"name\":\"c0\",\"rule\":{\"did\":{}}}", "c0");
    int length = 0, code = 0;
    while (!code && length < 30) {
        snprintf(document, sizeof document, "{\"name\":\"c%d\",\"rule\":{\"in\":\"c%d\"}}",
                 length + 1, length);
        code = put(NULL, document, name, &err);
        length += !code;
    }
    assert_int_equal(code, E_INVALID);
    assert_true(length >= 4 && length < 30);
    must_put("{\"name\":\"d\",\"rule\":{\"did\":{}}}", "d");
    must_refuse("c0", "{\"rule\":{\"in\":\"d\"}}", E_CONFLICT, "");
}

static void they_are_there_after_a_restart(void **state) {
    (void)state;
    struct err err = {0};
    char name[SEGMENT_NAME_BYTES];
    must_put("{\"name\":\"a\",\"title\":\"Uno\",\"rule\":{\"did\":{\"event\":\"Bought\"}}}", "a");
    assert_int_equal(put("a",
                         "{\"title\":\"Dos\",\"rule\":{\"did\":{\"event\":\"Looked\"},"
                         "\"times\":\"=0\"},\"proposition\":\"Sin esperas\"}",
                         name, &err),
                     0);
    folder_close(world.folder);
    assert_int_equal(folder_open(&world.folder, world.dir, &err), 0);
    json_t *segment, *list;
    assert_int_equal(segment_find(world.folder, "a", &segment, &err), 0);
    assert_string_equal(json_string_value(json_object_get(segment, "title")), "Dos");
    assert_string_equal(json_string_value(json_object_get(segment, "proposition")), "Sin esperas");
    assert_string_equal(json_string_value(json_object_get(segment, "author")), "tester");
    json_decref(segment);
    assert_int_equal(segment_list(world.folder, &list, &err), 0);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    assert_int_equal(count("{\"kind\":\"customers\",\"of\":{\"in\":\"a\"}}"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_mean_their_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rights_limit_answers_not_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(documents_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(segments_are_not_built_on_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_are_there_after_a_restart, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
