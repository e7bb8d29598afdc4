/*
 * Answers of every type become rows of the long table, once, with the meaning of their version; what is wrong is refused where it
 * is wrong; limits, quotas, partial answers and personal links.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey_world.h"

#include "survey/internal.h"

#define HOUR_MS INT64_C(3600000)

static const char every_type[] =
    "{\"title\":\"Todo\",\"hidden\":[\"store\"],\"pages\":[{\"questions\":["
    "{\"id\":\"recommend\",\"type\":\"nps\",\"text\":\"?\",\"required\":true},"
    "{\"id\":\"happy\",\"type\":\"csat\",\"text\":\"?\",\"points\":3,\"look\":\"faces\"},"
    "{\"id\":\"effort\",\"type\":\"ces\",\"text\":\"?\"},"
    "{\"id\":\"stars\",\"type\":\"rating\",\"text\":\"?\",\"look\":\"stars\"},"
    "{\"id\":\"one\",\"type\":\"choice\",\"text\":\"?\",\"other\":true,\"options\":[{\"id\":\"a\","
    "\"text\":\"A\"}]},"
    "{\"id\":\"many\",\"type\":\"choices\",\"text\":\"?\",\"none\":true,\"most\":2,\"options\":[{"
    "\"id\":\"a\",\"text\":\"A\"},{\"id\":\"b\",\"text\":\"B\"},{\"id\":\"c\",\"text\":\"C\"}]},"
    "{\"id\":\"order\",\"type\":\"ranking\",\"text\":\"?\",\"options\":[{\"id\":\"a\",\"text\":"
    "\"A\""
    "},{\"id\":\"b\",\"text\":\"B\"}]},"
    "{\"id\":\"table\",\"type\":\"matrix\",\"text\":\"?\",\"rows\":[{\"id\":\"r\",\"text\":\"R\"}],"
    "\"columns\":[{\"id\":\"c\",\"text\":\"C\"},{\"id\":\"d\",\"text\":\"D\"}]},"
    "{\"id\":\"pair\",\"type\":\"servqual\",\"text\":\"?\",\"rows\":[{\"id\":\"r\",\"text\":\"R\"}]"
    "}"
    ",{\"id\":\"short\",\"type\":\"short_text\",\"text\":\"?\",\"most\":10},"
    "{\"id\":\"long\",\"type\":\"long_text\",\"text\":\"?\"},"
    "{\"id\":\"age\",\"type\":\"number\",\"text\":\"?\",\"min\":0,\"max\":120,\"step\":1},"
    "{\"id\":\"day\",\"type\":\"date\",\"text\":\"?\",\"from\":\"2026-01-01\"},"
    "{\"id\":\"agree\",\"type\":\"consent\",\"text\":\"?\"},"
    "{\"id\":\"who\",\"type\":\"contact\",\"text\":\"?\"},"
    "{\"id\":\"say\",\"type\":\"statement\",\"text\":\"Gracias\"}]}]}";

static void test_types(void **state) {
    struct world *world = *state;
    struct err err = {0};
    bool duplicate;
    struct survey *survey = published(world, "todo", every_type);
    struct survey_context context = context_of("s1");
    int code = submit(
        world, survey,
        "{\"recommend\":\"9\",\"happy\":3,\"effort\":2,\"stars\":4,\"one\":\"other\",\"one.other\":"
        "\"mi caso\",\"many\":[\"a\",\"c\"],\"order\":[\"b\",\"a\"],\"table\":{\"r\":\"d\"},"
        "\"pair\":{\"r\":{\"expected\":7,\"perceived\":4}},\"short\":\" hola \",\"long\":\"escribe "
        "a ana@example.org por favor\",\"age\":\"44\",\"day\":\"2026-02-03\",\"agree\":true,"
        "\"who\":{\"name\":\"Ana\",\"email\":\"ana@example.org\"},\"unknown\":1}",
        &context, &duplicate, &err);
    if (code)
        fail_msg("%s %s", err.pointer, err.message);
    assert_false(duplicate);
    assert_string_equal(
        answers_of_folder(world),
        "age=44(44) agree=1 day=2026-02-03 effort=2(0) happy=3(1) long=escribe a [email] por "
        "favor many=a many=c one.other=mi caso one=other order.a=2(2) order.b=1(1) "
        "pair.r.expected=7(7) pair.r.perceived=4(4) recommend=9(1) short=hola stars=4(4) table.r=d "
        "who=1");
    assert_int_equal(submit(world, survey, "{\"recommend\":1}", &context, &duplicate, &err), 0);
    assert_true(duplicate);
    assert_null(strstr(answers_of_folder(world), "recommend=1("));
    uint32_t owner;
    assert_int_equal(
        customers_find(world->folder->customers, SLICE_LITERAL("survey:s1"), &owner, &err), 0);
    survey_release(survey);
}

static const struct {
    const char *answers, *pointer;
} refused[] = {
    {"{}", "/answers/recommend"},
    {"{\"recommend\":11}", "/answers/recommend"},
    {"{\"recommend\":\"nine\"}", "/answers/recommend"},
    {"{\"recommend\":9.5}", "/answers/recommend"},
    {"{\"recommend\":[9]}", "/answers/recommend"},
    {"{\"recommend\":{}}", "/answers/recommend"},
    {"{\"recommend\":9,\"one\":{}}", "/answers/one"},
    {"{\"recommend\":9,\"one\":[]}", "/answers/one"},
    {"{\"recommend\":9,\"order\":\"a\"}", "/answers/order"},
    {"{\"recommend\":9,\"table\":[]}", "/answers/table"},
    {"{\"recommend\":9,\"pair\":{\"r\":4}}", "/answers/pair"},
    {"{\"recommend\":9,\"pair\":{\"r\":{\"hoped\":4}}}", "/answers/pair"},
    {"{\"recommend\":9,\"short\":[]}", "/answers/short"},
    {"{\"recommend\":9,\"who\":{\"age\":4}}", "/answers/who"},
    {"{\"recommend\":9,\"say\":\"x\"}", "/answers/say"},
    {"{\"recommend\":9,\"happy\":4}", "/answers/happy"},
    {"{\"recommend\":9,\"one\":\"zzz\"}", "/answers/one"},
    {"{\"recommend\":9,\"many\":[\"a\",\"a\"]}", "/answers/many"},
    {"{\"recommend\":9,\"many\":[\"a\",\"none\"]}", "/answers/many"},
    {"{\"recommend\":9,\"many\":[\"a\",\"b\",\"c\"]}", "/answers/many"},
    {"{\"recommend\":9,\"order\":[\"a\"]}", "/answers/order"},
    {"{\"recommend\":9,\"order\":{\"a\":1,\"b\":1}}", "/answers/order"},
    {"{\"recommend\":9,\"table\":{\"q\":\"d\"}}", "/answers/table"},
    {"{\"recommend\":9,\"pair\":{\"r\":{\"expected\":8}}}", "/answers/pair"},
    {"{\"recommend\":9,\"short\":\"more than ten\"}", "/answers/short"},
    {"{\"recommend\":9,\"age\":1.5}", "/answers/age"},
    {"{\"recommend\":9,\"age\":130}", "/answers/age"},
    {"{\"recommend\":9,\"day\":\"2025-12-31\"}", "/answers/day"},
    {"{\"recommend\":9,\"day\":\"31/12/2026\"}", "/answers/day"},
    {"{\"recommend\":9,\"agree\":7}", "/answers/agree"},
    {"{\"recommend\":9,\"who\":{\"email\":\"nobody\"}}", "/answers/who"},
};

static void test_refused(void **state) {
    struct world *world = *state;
    struct survey *survey = published(world, "todo", every_type);
    struct survey_context context = context_of("s1");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err err = {0};
        int code = submit(world, survey, refused[i].answers, &context, NULL, &err);
        if (code != E_INVALID || strcmp(err.pointer, refused[i].pointer) != 0)
            fail_msg("%s: %d at %s (%s)", refused[i].answers, code, err.pointer, err.message);
    }
    struct err err = {0};
    context.submission = SLICE_LITERAL("not an id");
    assert_int_equal(submit(world, survey, "{\"recommend\":9}", &context, NULL, &err), E_INVALID);
    assert_string_equal(err.pointer, "/submission");
    assert_string_equal(answers_of_folder(world), "");
    survey_release(survey);
}

static const char quota_survey[] =
    "{\"title\":\"Cupo\",\"limit\":3,\"quotas\":[{\"id\":\"men\",\"if\":{\"question\":\"sex\","
    "\"value\":\"m\"},\"limit\":1}],\"pages\":[{\"questions\":[{\"id\":\"sex\",\"type\":\"choice\","
    "\"text\":\"?\",\"options\":[{\"id\":\"m\",\"text\":\"M\"},{\"id\":\"f\",\"text\":\"F\"}]}]}]}";

static void test_quotas(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct survey *survey = published(world, "cupo", quota_survey);
    struct survey_context context = context_of("s1");
    assert_int_equal(submit(world, survey, "{\"sex\":\"m\"}", &context, NULL, &err), 0);
    context = context_of("s2");
    assert_int_equal(submit(world, survey, "{\"sex\":\"m\"}", &context, NULL, &err), E_REFUSED);
    survey_release(survey);
    folder_close(world->folder);
    world_open(world);
    assert_int_equal(survey_find(world->folder, SLICE_LITERAL("cupo"), &survey, &err), 0);
    assert_int_equal(submit(world, survey, "{\"sex\":\"m\"}", &context, NULL, &err), E_REFUSED);
    assert_int_equal(submit(world, survey, "{\"sex\":\"f\"}", &context, NULL, &err), 0);
    context = context_of("s3");
    assert_int_equal(submit(world, survey, "{\"sex\":\"f\"}", &context, NULL, &err), 0);
    context = context_of("s4");
    assert_int_equal(submit(world, survey, "{\"sex\":\"f\"}", &context, NULL, &err), E_REFUSED);
    assert_string_equal(answers_of_folder(world), "sex=f sex=f sex=m");
    survey_release(survey);
}

/* What was answered in a version stays there; closing refuses; what is published cannot be removed. */
static void test_versions(void **state) {
    struct world *world = *state;
    struct err err = {0};
    uint32_t version;
    struct slice id = SLICE_LITERAL("cupo");
    struct survey *first = published(world, "cupo", quota_survey), *second;
    assert_int_equal(surveys_publish(world->folder, id, "ana", &version, &err), 0);
    assert_int_equal(version, 1);
    json_t *draft = json_of("{\"title\":\"Cupo dos\",\"pages\":[{\"questions\":[{\"id\":\"q\","
                            "\"type\":\"nps\",\"text\":\"?\"}]}]}");
    assert_int_equal(surveys_change(world->folder, id, draft, &err), 0);
    assert_int_equal(surveys_publish(world->folder, id, "luis", &version, &err), 0);
    assert_int_equal(version, 2);
    json_decref(draft);
    assert_int_equal(survey_find(world->folder, id, &second, &err), 0);
    assert_non_null(survey_question(second, SLICE_LITERAL("q")));
    assert_null(survey_question(first, SLICE_LITERAL("q")));
    survey_release(second);
    assert_int_equal(survey_find_version(world->folder, id, 1, &second, &err), 0);
    assert_non_null(survey_question(second, SLICE_LITERAL("sex")));
    survey_release(second);
    struct survey_context context = context_of("s1");
    assert_int_equal(surveys_set_open(world->folder, id, false, &err), 0);
    assert_int_equal(submit(world, first, "{\"sex\":\"f\"}", &context, NULL, &err), E_REFUSED);
    assert_int_equal(surveys_set_open(world->folder, id, true, &err), 0);
    assert_int_equal(submit(world, first, "{\"sex\":\"f\"}", &context, NULL, &err), 0);
    assert_int_equal(surveys_remove(world->folder, id, &err), E_CONFLICT);
    survey_release(first);
}

static const char two_pages[] =
    "{\"title\":\"Dos\",\"partial_after_h\":2,\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":"
    "\"nps\",\"text\":\"?\",\"required\":true}]},{\"questions\":[{\"id\":\"b\",\"type\":\"ces\","
    "\"text\":\"?\",\"required\":true}]}]}";

/* Who leaves is recorded after the time; who comes back adds only the rest. */
static void test_partial(void **state) {
    struct world *world = *state;
    struct err err = {0};
    size_t done;
    struct survey *survey = published(world, "dos", two_pages);
    struct slice id = SLICE_LITERAL("s1");
    json_t *kept = json_of("{\"answers\":{\"a\":10},\"language\":\"es\"}");
    assert_int_equal(survey_progress_put(world->folder, survey, id, kept, NOW_MS, &err), 0);
    json_decref(kept);
    assert_int_equal(survey_record_idle(world->folder, NOW_MS + HOUR_MS, &done, &err), 0);
    assert_int_equal(done, 0);
    assert_int_equal(survey_record_idle(world->folder, NOW_MS + 3 * HOUR_MS, &done, &err), 0);
    assert_int_equal(done, 1);
    assert_int_equal(survey_record_idle(world->folder, NOW_MS + 3 * HOUR_MS, &done, &err), 0);
    assert_int_equal(done, 0);
    assert_string_equal(answers_of_folder(world), "a=10(1)");
    kept = json_of("{\"answers\":{\"a\":\"99\"},\"language\":\"es\"}"); /* nothing that counts */
    assert_int_equal(
        survey_progress_put(world->folder, survey, SLICE_LITERAL("s2"), kept, NOW_MS, &err), 0);
    json_decref(kept);
    assert_int_equal(survey_record_idle(world->folder, NOW_MS + 3 * HOUR_MS, &done, &err), 0);
    assert_int_equal(survey_record_idle(world->folder, NOW_MS + 3 * HOUR_MS, &done, &err), 0);
    assert_int_equal(done, 0);
    assert_string_equal(answers_of_folder(world), "a=10(1)");
    struct survey_progress progress;
    assert_int_equal(survey_progress_get(world->folder, survey, id, &progress, &err), 0);
    assert_true(progress.recorded);
    struct survey_context context = context_of("s1");
    survey_context_of_state(survey, progress.state, &context);
    assert_int_equal(submit(world, survey, "{\"a\":10,\"b\":7}", &context, NULL, &err), 0);
    assert_string_equal(answers_of_folder(world), "a=10(1) b=7(1)");
    json_decref(progress.state);
    assert_int_equal(survey_progress_remove(world->folder, survey, id, &err), 0);
    assert_int_equal(survey_progress_get(world->folder, survey, id, &progress, &err), E_NOT_FOUND);
    survey_release(survey);
}

static int forget_first(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    return survey_forget(db, (const uint32_t[]){1}, 1, err);
}

/* What an erased customer left half answered goes; what others did stays. */
static void test_forget(void **state) {
    struct world *world = *state;
    struct err err = {0};
    struct survey_progress progress;
    struct survey *survey = published(world, "dos", two_pages);
    struct survey_context context = context_of("s1");
    assert_int_equal(submit(world, survey, "{\"a\":10,\"b\":7}", &context, NULL, &err), 0);
    json_t *own = json_of("{\"answers\":{\"a\":1},\"customer\":\"c_0000000001\"}"),
           *other = json_of("{\"answers\":{\"a\":2}}");
    assert_int_equal(
        survey_progress_put(world->folder, survey, SLICE_LITERAL("own"), own, NOW_MS, &err), 0);
    assert_int_equal(
        survey_progress_put(world->folder, survey, SLICE_LITERAL("other"), other, NOW_MS, &err), 0);
    assert_int_equal(store_write(world->folder->store, forget_first, NULL, &err), 0);
    assert_int_equal(
        survey_progress_get(world->folder, survey, SLICE_LITERAL("own"), &progress, &err),
        E_NOT_FOUND);
    assert_int_equal(
        survey_progress_get(world->folder, survey, SLICE_LITERAL("other"), &progress, &err), 0);
    json_decref(progress.state);
    json_decref(own);
    json_decref(other);
    survey_release(survey);
}

static void test_link(void **state) {
    struct world *world = *state;
    struct err err = {0};
    char submission[SURVEY_SUBMISSION_BYTES + 1], again[SURVEY_SUBMISSION_BYTES + 1];
    struct survey *survey = published(world, "dos", two_pages);
    struct survey_link link = {.survey = survey->number,
                               .customer = 42,
                               .expires_ms = NOW_MS + 1,
                               .invitation = "i7",
                               .channel = "email",
                               .unit = "gijon"},
                       read;
    const char *token = survey_link_make(world->folder, &link, &world->arena);
    assert_int_equal(survey_link_read(world->folder, survey, token, NOW_MS, &world->arena, &read,
                                      submission, &err),
                     0);
    assert_int_equal(read.customer, 42);
    assert_string_equal(read.invitation, "i7");
    assert_string_equal(read.unit, "gijon");
    assert_int_equal(
        survey_link_read(world->folder, survey, token, NOW_MS, &world->arena, &read, again, &err),
        0);
    assert_string_equal(submission, again);
    assert_int_equal(survey_link_read(world->folder, survey, token, NOW_MS + 1, &world->arena,
                                      &read, again, &err),
                     E_REFUSED);
    char *forged = arena_text(&world->arena, slice_of(token));
    forged[4] = forged[4] == 'A' ? 'B' : 'A';
    assert_int_equal(
        survey_link_read(world->folder, survey, forged, NOW_MS, &world->arena, &read, again, &err),
        E_NOT_FOUND);
    survey_release(survey);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_refused, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_quotas, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_versions, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_partial, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_forget, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_link, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
