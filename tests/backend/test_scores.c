/*
 * Scores of answers: known results of a real survey from its raw file, and a small world that can be counted by hand.
 *
 * SOURCE of the survey: San Francisco International Airport, customer survey 2017 (DataSF, public domain): NPS 39.84
 * (n = 2,746), weighted 40.40, mean of the overall rating 4.064.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "world.h"

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

/* ---- a real survey ---- */

static const char SURVEY[] = SHARED_DIR "/data/sfo_survey/2017_SFO_Customer_Survey_20250817.csv";
static const char SURVEY_MAP[] =
    "{\"survey\":\"Airport 2017\",\"respondent\":\"respnum\",\"anonymous\":true,"
    "\"time\":{\"const\":\"2017-05-15\"},\"weight\":\"WEIGHT\",\"traits\":[\"HOME\"],\"answers\":["
    "{\"column\":\"NETPRO\",\"question\":\"recommend\",\"metric\":\"nps\",\"missing\":[\"11\",\"\"]"
    "},"
    "{\"column\":\"Q7ALL\",\"question\":\"overall\",\"metric\":\"rating\",\"scale\":[1,5],"
    "\"missing\":[\"0\",\"6\",\"\"],\"touchpoint\":\"airport\"}]}";

static uint64_t import_responses(const char *path, struct slice bytes, const char *map,
                                 uint64_t *rejected) {
    struct err err = {0};
    struct import_progress result = {0};
    struct import_file file = {.path = path, .bytes = bytes, .name = path ? NULL : "r.csv"};
    struct import_options options = {.format = "responses-csv",
                                     .map = slice_of(map),
                                     .zone = world.folder->zone,
                                     .key = vault_message_key(world.folder->vault),
                                     .received_ms = clock_now_ms()};
    if (import_into(world.folder->ingest, (struct source){.number = 1}, &file, &options, NULL, NULL,
                    NULL, &result, &err))
        fail_msg("import: %s %s", err.pointer, err.message);
    *rejected = result.rejected;
    return result.accepted;
}

static void airport_survey_gives_its_published_scores(void **state) {
    (void)state;
    uint64_t rejected;
    if (access(SURVEY, R_OK)) {
        print_message("%s is not here\n", SURVEY);
        skip();
    }
    assert_int_equal(import_responses(SURVEY, (struct slice){0}, SURVEY_MAP, &rejected), 2831);
    assert_int_equal(rejected, 0);
    assert_int_equal(import_responses(SURVEY, (struct slice){0}, SURVEY_MAP, &rejected), 0);
    json_t *a =
        world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"survey\":\"Airport 2017\","
                          "\"question\":\"recommend\"}");
    assert_int_equal(int_at(a, "data.0.n"), 2746);
    NEAR(a, "data.0.value", 39.84, 0.005);
    assert_int_equal(int_at(a, "data.0.promoters"), 1436);
    assert_int_equal(int_at(a, "data.0.detractors"), 342);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"weighted\":true}");
    NEAR(a, "data.0.value", 40.40, 0.005);
    NEAR(a, "data.0.unweighted", 39.84, 0.005);
    assert_true(number_at(a, "data.0.n_eff") < 2746);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"rating\",\"by\":\"touchpoint\"}");
    assert_string_equal(json_string_value(at(a, "data.0.by")), "airport");
    NEAR(a, "data.0.value", 4.064, 0.0005);
    json_decref(a);
    a = world_ask(
        &world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":{\"trait\":\"HOME\"},\"limit\":1}");
    assert_int_equal(int_at(a, "data.0.by"), 10);
    assert_int_equal(int_at(a, "data.0.n"), 607);
    assert_string_equal(json_string_value(at(a, "data.1.by")), "(other)");
    assert_int_equal(int_at(a, "data.1.n"), 2746 - 607);
    json_decref(a);
    /* one interaction a response, whatever it answers */
    a = world_ask(&world, "{\"kind\":\"trend\",\"every\":\"month\",\"measure\":\"count\"}");
    assert_int_equal(int_at(a, "data.0.value"), 2831);
    json_decref(a);
}

static void odd_rows_are_told(void **state) {
    (void)state;
    uint64_t rejected;
    const char *rows = "id;fecha;nps;peso;por qué\n"
                       "ana;2026-01-05;9;1,5;todo bien\n"
                       "bea;2026-01-05;11;1;\n"     /* no answer left */
                       ";2026-01-06;3;;\n"          /* nobody said who */
                       "carl;2026-01-06;7;mucho;\n" /* the weight is no number */
                       "dora;el lunes;7;1;\n";      /* no time */
    const char *map = "{\"survey\":\"s\",\"respondent\":\"id\",\"time\":\"fecha\",\"weight\":"
                      "\"peso\",\"decimal\":\",\","
                      "\"answers\":[{\"column\":\"NPS \",\"metric\":\"nps\",\"missing\":[\"11\"]},"
                      "{\"column\":\"Por qué\",\"metric\":\"text\"}]}";
    assert_int_equal(import_responses(NULL, slice_of(rows), map, &rejected), 2);
    assert_int_equal(rejected, 3);
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"weighted\":true}");
    assert_int_equal(int_at(a, "data.0.n"), 2);
    NEAR(a, "data.0.value", 100 * (1.5 - 1) / 2.5, 1e-9);
    NEAR(a, "data.0.n_eff", 2.5 * 2.5 / (1.5 * 1.5 + 1), 1e-9);
    /* around the mean .2: 100 sqrt(n / (n - 1) (1.5² .8² + 1² 1.2²)) / 2.5 */
    NEAR(a, "data.0.standard_error", 96, 1e-9);
    assert_true(json_is_true(at(a, "data.0.too_few")));
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"timeline\",\"customer\":\"ana\"}");
    assert_string_equal(json_string_value(at(a, "data.0.event")), "Survey Responded");
    assert_string_equal(json_string_value(at(a, "data.0.properties.answers.1.value")), "todo bien");
    assert_int_equal(json_array_size(at(a, "data")), 1);
    json_decref(a);
}

static void maps_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const char *const maps[][2] = {
        {"{\"respondent\":\"id\",\"time\":\"t\",\"answers\":[{\"column\":\"n\"}]}", "/survey"},
        {"{\"survey\":\"s\",\"respondent\":\"id\",\"time\":\"t\"}", "/answers"},
        {"{\"survey\":\"s\",\"time\":\"t\",\"answers\":[{\"metric\":\"nps\"}]}", "/answers/0"},
        {"{\"survey\":\"s\",\"time\":\"t\",\"answers\":[{\"column\":\"n\",\"scale\":[5,1]}]}",
         "/answers/0/scale"},
        {"{\"survey\":\"s\",\"time\":\"t\",\"answers\":[{\"column\":\"none\"}]}",
         "/answers/0/column"},
        {"{\"survey\":\"s\",\"time\":\"t\",\"event\":\"e\",\"answers\":[{\"column\":\"n\"}]}",
         "/event"},
    };
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        struct err err = {0};
        struct import_progress result = {0};
        struct import_file file = {.bytes = slice_of("id,t,n,e\na,2026-01-01,9,x\n"),
                                   .name = "r.csv"};
        struct import_options options = {.format = "responses-csv",
                                         .map = slice_of(maps[i][0]),
                                         .zone = world.folder->zone,
                                         .key = vault_message_key(world.folder->vault)};
        assert_int_equal(import_into(world.folder->ingest, (struct source){.number = 1}, &file,
                                     &options, NULL, NULL, NULL, &result, &err),
                         E_INVALID);
        assert_string_equal(err.pointer, maps[i][1]);
    }
}

/* ---- a small world ---- */

static const char ANSWERS[] =
    "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Survey "
    "Responded\",\"timestamp\":\"2026-01-05T10:00:00Z\","
    "\"properties\":{\"survey\":\"visit\",\"answers\":[{\"question\":\"recommend\",\"metric\":"
    "\"nps\",\"value\":10},"
    "{\"question\":\"clean\",\"metric\":\"csat\",\"value\":5,\"touchpoint\":\"hall\"}]},"
    "\"context\":{\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Survey "
    "Responded\",\"timestamp\":\"2026-01-06T10:00:00Z\","
    "\"properties\":{\"survey\":\"visit\",\"answers\":[{\"question\":\"recommend\",\"metric\":"
    "\"nps\",\"value\":2}]},"
    "\"context\":{\"unit\":\"lima\"}}\n"
    "{\"type\":\"track\",\"anonymousId\":\"tap1\",\"event\":\"Kiosk "
    "Tapped\",\"timestamp\":\"2026-01-06T10:00:00Z\","
    "\"properties\":{\"value\":3,\"scale_max\":3},\"context\":{\"unit\":\"lima\"}}\n"
    "{\"type\":\"track\",\"anonymousId\":\"tap2\",\"event\":\"Kiosk "
    "Tapped\",\"timestamp\":\"2026-01-14T10:00:00Z\","
    "\"properties\":{\"value\":1,\"scale_max\":3},\"context\":{\"unit\":\"lima\"}}\n";

static void answers_are_counted_by_hand(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}"); /* nobody yet */
    assert_int_equal(int_at(a, "data.0.n"), 0);
    assert_true(json_is_null(at(a, "data.0.value")) && json_is_null(at(a, "data.0.low")));
    json_decref(a);
    world_track(&world, ANSWERS);
    struct err err = {0};
    assert_true(folder_maintain(world.folder, true, &err) >= 0);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\"}");
    assert_int_equal(json_array_size(at(a, "data")), 2);
    assert_string_equal(json_string_value(at(a, "data.0.by")), "lima");
    NEAR(a, "data.0.value", -100, 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"every\":\"week\","
                          "\"range\":{\"from\":\"2026-01-05\",\"to\":\"2026-01-26\"}}");
    assert_int_equal(json_array_size(at(a, "data")), 3);
    NEAR(a, "data.0.value", 1, 0);
    assert_int_equal(int_at(a, "data.0.n"), 2);
    NEAR(a, "data.1.change.value", -1, 0);
    assert_true(json_is_null(at(a, "data.2.value")));
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"by\":\"touchpoint\"}");
    assert_true(json_is_null(at(a, "data.0.by")));
    assert_string_equal(json_string_value(at(a, "data.1.by")), "hall");
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"people\":{\"answer\":2}}");
    assert_int_equal(int_at(a, "data.count"), 1);
    assert_string_equal(json_string_value(at(a, "data.customers.0.user_id")), "bea");
    json_decref(a);
    /* who sees Lima only */
    const uint16_t lima =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("lima"));
    struct principal manager = {
        .user = 2, .role = ROLE_UNIT_MANAGER, .scopes = SCOPE_QUERY, .units = &lima, .n_units = 1};
    assert_int_equal(
        world_try(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}", &manager, &a, &err), 0);
    assert_int_equal(int_at(a, "data.0.n"), 1);
    json_decref(a);
    /* the index can be rebuilt from the log */
    assert_int_equal(timeline_reindex(world.folder->timeline, NULL, NULL, &err), 0);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\"}");
    assert_int_equal(int_at(a, "data.0.n"), 3);
    json_decref(a);
    struct buf findings;
    buf_init(&findings, 65536);
    assert_int_equal(timeline_verify(world.folder->timeline, false, &findings, &err), 0);
    assert_int_equal(findings.n, 0);
    buf_release(&findings);
}

/* Eleven, and seven and a half: neither counts, and the score says how many do not. */
static const char ODD_ANSWERS[] =
    "{\"type\":\"track\",\"userId\":\"ana\",\"event\":\"Survey Responded\",\"timestamp\":"
    "\"2026-01-03T10:30:00Z\",\"properties\":{\"survey\":\"visit\",\"metric\":\"nps\",\"value\":11}"
    ","
    "\"context\":{\"unit\":\"lima\"}}\n"
    "{\"type\":\"track\",\"userId\":\"bea\",\"event\":\"Survey Responded\",\"timestamp\":"
    "\"2026-01-03T10:40:00Z\",\"properties\":{\"survey\":\"visit\",\"metric\":\"nps\",\"value\":7."
    "5},"
    "\"context\":{\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"carl\",\"event\":\"Survey Responded\",\"timestamp\":"
    "\"2026-01-05T10:50:00Z\",\"properties\":{\"survey\":\"visit\",\"metric\":\"nps\",\"value\":9},"
    "\"context\":{\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"dora\",\"event\":\"Survey Responded\",\"timestamp\":"
    "\"2026-01-05T23:50:00Z\",\"properties\":{\"survey\":\"visit\",\"metric\":\"nps\",\"value\":"
    "\"no sé\"},\"context\":{\"unit\":\"madrid\"}}\n"
    "{\"type\":\"track\",\"userId\":\"eva\",\"event\":\"Survey Responded\",\"timestamp\":"
    "\"2026-01-12T10:10:00Z\",\"properties\":{\"survey\":\"visit\",\"metric\":\"nps\",\"value\":0},"
    "\"context\":{\"unit\":\"madrid\"}}\n";

static void what_does_not_count_is_told(void **state) {
    (void)state;
    world_track(&world, ODD_ANSWERS);
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\"}");
    assert_int_equal(int_at(a, "data.0.n"), 2);
    assert_int_equal(int_at(a, "data.0.outside"), 2);
    NEAR(a, "data.0.value", 0, 0);
    assert_int_equal(json_array_size(at(a, "meta.warnings")), 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"by\":\"unit\"}");
    assert_string_equal(json_string_value(at(a, "data.1.by")),
                        "lima"); /* with nothing that counts */
    assert_int_equal(int_at(a, "data.1.n"), 0);
    assert_int_equal(int_at(a, "data.1.outside"), 1);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\",\"outside\":true}");
    assert_int_equal(int_at(a, "meta.answers"), 2);
    NEAR(a, "data.0.value", 7.5, 0);
    assert_true(json_is_null(at(a, "data.0.points")));
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\"}");
    assert_int_equal(int_at(a, "meta.answers"), 2);
    json_decref(a);
}

static void an_unknown_metric_is_told(void **state) {
    (void)state;
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"npss\"}"); /* nobody yet */
    assert_string_equal(json_string_value(at(a, "meta.warnings.0")), "unknown_metric");
    json_decref(a);
    world_track(&world, ANSWERS);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"npss\"}");
    assert_string_equal(json_string_value(at(a, "meta.warnings.0")), "unknown_metric");
    assert_int_equal(json_array_size(at(a, "meta.metrics")), 2); /* csat, nps */
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"ces\"}"); /* known, nobody asked it */
    assert_int_equal(json_array_size(at(a, "meta.warnings")), 0);
    json_decref(a);
    const uint16_t lima =
        dictionary_find(world.folder->dictionary, DICTIONARY_UNIT, SLICE_LITERAL("madrid"));
    struct principal manager = {
        .user = 2, .role = ROLE_UNIT_MANAGER, .scopes = SCOPE_QUERY, .units = &lima, .n_units = 1};
    world_track(&world, "{\"type\":\"track\",\"userId\":\"z\",\"event\":\"Survey Responded\","
                        "\"timestamp\":\"2026-01-05T10:50:00Z\",\"properties\":{\"metric\":"
                        "\"secret\",\"value\":9},\"context\":{\"unit\":\"lima\"}}\n");
    struct err err = {0};
    assert_int_equal(
        world_try(&world, "{\"kind\":\"score\",\"metric\":\"npss\"}", &manager, &a, &err), 0);
    assert_int_equal(json_array_size(at(a, "meta.metrics")), 2); /* none of another unit's */
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"secret\"}");
    assert_int_equal(json_array_size(at(a, "meta.warnings")), 0);
    json_decref(a);
}

/* 3 January 2026 is a Saturday. */
static void hours_of_the_week_are_picked(void **state) {
    (void)state;
    world_track(&world, ODD_ANSWERS);
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"when\":{\"weekdays\":1,"
                                  "\"hours\":10}}");
    assert_int_equal(int_at(a, "data.0.n"), 2);
    assert_int_equal(int_at(a, "data.0.outside"), 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"nps\",\"when\":{\"weekdays\":[6,7]}}");
    assert_int_equal(int_at(a, "data.0.n"), 0);
    assert_int_equal(int_at(a, "data.0.outside"), 2);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\",\"when\":{\"hours\":[11,23]}}");
    assert_int_equal(int_at(a, "meta.answers"), 0);
    json_decref(a);
    a = world_ask(&world, "{\"kind\":\"answers\",\"metric\":\"nps\",\"when\":{\"hours\":10}}");
    assert_int_equal(int_at(a, "meta.answers"), 2);
    json_decref(a);
}

/* Rules of touchpoints hold for answers as for interactions, and after a restart. */
static void answers_follow_rules(void **state) {
    (void)state;
    struct err err = {0};
    world_track(&world, ANSWERS);
    assert_true(folder_maintain(world.folder, true, &err) >= 0);
    const struct touchpoint_rule rule = {.touchpoint = "screen", .event = "Kiosk Tapped"};
    assert_int_equal(timeline_set_rules(world.folder->timeline, &rule, 1, &err), 0);
    folder_close(world.folder);
    if (folder_open(&world.folder, world.dir, &err))
        fail_msg("%s", err.message);
    struct buf findings;
    buf_init(&findings, 65536);
    assert_int_equal(timeline_verify(world.folder->timeline, false, &findings, &err), 0);
    assert_string_equal(findings.p ? findings.p : "", "");
    buf_release(&findings);
    json_t *a = world_ask(&world, "{\"kind\":\"score\",\"metric\":\"csat\",\"by\":\"touchpoint\"}");
    assert_string_equal(json_string_value(at(a, "data.0.by")), "screen");
    assert_int_equal(int_at(a, "data.0.n"), 2);
    json_decref(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(airport_survey_gives_its_published_scores, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(odd_rows_are_told, open_world, close_world),
        cmocka_unit_test_setup_teardown(maps_that_make_no_sense_are_refused, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(answers_are_counted_by_hand, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_does_not_count_is_told, open_world, close_world),
        cmocka_unit_test_setup_teardown(an_unknown_metric_is_told, open_world, close_world),
        cmocka_unit_test_setup_teardown(hours_of_the_week_are_picked, open_world, close_world),
        cmocka_unit_test_setup_teardown(answers_follow_rules, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
