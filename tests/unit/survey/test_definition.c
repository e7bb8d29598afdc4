/*
 * Definitions: what is accepted, and where the fault of one is that is not; the way that answers lead through a survey.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey_world.h"

static const struct {
    const char *definition, *pointer;
} faults[] = {
    {"{}", "/title"},
    {"{\"title\":\"A\"}", "/pages"},
    {"{\"title\":\"A\",\"colour\":1,\"pages\":[]}", ""},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[]}]}", "/pages/0/questions"},
    {"{\"title\":\"A\",\"languages\":[\"e s\"],\"pages\":[]}", "/languages"},
    {"{\"title\":{\"fr\":\"A\"},\"languages\":[\"es\"]}", "/title"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"nsp\"}]}]}",
     "/pages/0/questions/0/type"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a b\",\"type\":\"nps\"}]}]}",
     "/pages/0/questions/0/id"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"nps\"}]}]}",
     "/pages/0/questions/0/text"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"csat\",\"text\":\"?\","
     "\"points\":6}]}]}",
     "/pages/0/questions/0/points"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"csat\",\"text\":\"?\","
     "\"points\":7,\"look\":\"faces\"}]}]}",
     "/pages/0/questions/0/look"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"choice\",\"text\":\"?\","
     "\"options\":[{\"id\":\"x\",\"text\":\"X\"},{\"id\":\"x\",\"text\":\"Y\"}]}]}]}",
     "/pages/0/questions/0/options/1/id"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"nps\",\"text\":\"?\","
     "\"show_if\":{\"question\":\"b\",\"value\":1}},{\"id\":\"b\",\"type\":\"nps\",\"text\":\"?\"}"
     "]}]}",
     "/pages/0/questions/0/show_if/question"},
    {"{\"title\":\"A\",\"pages\":[{\"id\":\"p\",\"jump\":[{\"to\":\"p\"}],\"questions\":[{\"id\":"
     "\"a\",\"type\":\"nps\",\"text\":\"?\"}]}]}",
     "/pages/0/jump/0/to"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"nps\",\"text\":\"?\"}]}]"
     ",\"quotas\":[{\"id\":\"q\",\"limit\":5}]}",
     "/quotas/0/if"},
    {"{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"picture\",\"text\":\"?"
     "\","
     "\"options\":[{\"id\":\"x\",\"text\":\"X\",\"image\":\"https://else.where/x.png\"},"
     "{\"id\":\"y\",\"text\":\"Y\"}]}]}]}",
     "/pages/0/questions/0/options/0/image"},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct err err = {0};
        struct survey *survey = NULL;
        json_t *json = json_of(faults[i].definition);
        int code = survey_parse(json, &survey, &err);
        json_decref(json);
        if (code != E_INVALID || strcmp(err.pointer, faults[i].pointer) != 0)
            fail_msg("%s: %d at \"%s\" (%s)", faults[i].definition, code, err.pointer, err.message);
    }
}

static const char branching[] =
    "{\"title\":{\"es\":\"Visita\",\"en\":\"Visit\"},\"languages\":[\"es\",\"en\"],\"pages\":["
    "{\"id\":\"one\",\"questions\":[{\"id\":\"recommend\",\"type\":\"nps\",\"required\":true,"
    "\"text\":{\"es\":\"¿Nos recomendarías?\",\"en\":\"Would you recommend us?\"}}],"
    "\"jump\":[{\"if\":{\"question\":\"recommend\",\"op\":\">=\",\"value\":9},\"to\":\"last\"}]},"
    "{\"id\":\"why\",\"questions\":[{\"id\":\"why\",\"type\":\"long_text\",\"text\":\"¿Por qué un "
    "{{recommend}}, {{trait.name|cliente}}?\"},{\"id\":\"call\",\"type\":\"choice\",\"text\":"
    "\"¿Te "
    "llamamos?\",\"options\":[{\"id\":\"yes\",\"text\":\"Sí\"},{\"id\":\"no\",\"text\":\"No\"}"
    "],\"show_if\":{\"all\":[{\"question\":\"why\",\"op\":\"exists\"},{\"question\":\"recommend\","
    "\"op\":\"<=\",\"value\":6}]}}]},"
    "{\"id\":\"last\",\"questions\":[{\"id\":\"how\",\"type\":\"ces\",\"text\":\"¿Fue "
    "fácil?\"}]}]}";

static void check_path(const struct survey *survey, const char *answers, const char *expected) {
    size_t pages[8];
    char text[64] = "";
    struct survey_context context = context_of("s1");
    json_t *json = json_of(answers);
    size_t n = survey_path(survey, json, &context, pages);
    for (size_t i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
                 survey->pages[pages[i]].id);
    json_decref(json);
    assert_string_equal(text, expected);
}

static void test_path(void **state) {
    struct err err = {0};
    struct survey *survey;
    (void)state;
    json_t *json = json_of(branching);
    assert_int_equal(survey_parse(json, &survey, &err), 0);
    json_decref(json);
    check_path(survey, "{}", "one why last ");
    check_path(survey, "{\"recommend\":9}", "one last ");
    check_path(survey, "{\"recommend\":\"10\"}", "one last ");
    check_path(survey, "{\"recommend\":3}", "one why last ");
    struct survey_context context = context_of("s1");
    const struct survey_question *call = survey_question(survey, SLICE_LITERAL("call"));
    json_t *low = json_of("{\"recommend\":3,\"why\":\"x\"}"), *high = json_of("{\"recommend\":7,"
                                                                              "\"why\":\"x\"}");
    assert_true(survey_asks(call, low, &context));
    assert_false(survey_asks(call, high, &context));
    struct arena arena;
    arena_init(&arena);
    const char *why = survey_text_in(survey_question(survey, SLICE_LITERAL("why"))->text, 0);
    assert_string_equal(survey_pipe(survey, why, low, &context, &arena), "¿Por qué un 3, cliente?");
    context.traits = json_of("{\"name\":\"Ana\"}");
    assert_string_equal(survey_pipe(survey, why, low, &context, &arena), "¿Por qué un 3, Ana?");
    json_decref((json_t *)(uintptr_t)context.traits);
    json_decref(low);
    json_decref(high);
    assert_int_equal(survey_language(survey, "fr,en-GB;q=0.8,es;q=0.5"), 1);
    assert_int_equal(survey_language(survey, "es-MX"), 0);
    assert_int_equal(survey_language(survey, "de"), 0);
    arena_release(&arena);
    survey_release(survey);
}

/* The order differs between submissions and stays within one; what must stand last does. */
static void test_order(void **state) {
    static const char definition[] =
        "{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"a\",\"type\":\"choices\",\"text\":"
        "\"?\",\"random\":true,\"other\":true,\"options\":[{\"id\":\"x\",\"text\":\"X\"},{\"id\":"
        "\"y\",\"text\":\"Y\"},{\"id\":\"z\",\"text\":\"Z\"},{\"id\":\"w\",\"text\":\"W\"}]}]}]}";
    struct err err = {0};
    struct survey *survey;
    size_t first[5], order[5];
    unsigned different = 0;
    (void)state;
    json_t *json = json_of(definition);
    assert_int_equal(survey_parse(json, &survey, &err), 0);
    json_decref(json);
    struct survey_context context = context_of("s0");
    survey_option_order(&survey->questions[0], &context, first);
    for (unsigned i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%u", i);
        context = context_of(id);
        survey_option_order(&survey->questions[0], &context, order);
        different += memcmp(first, order, sizeof order) != 0;
        assert_int_equal(order[4], 4);
        size_t again[5];
        survey_option_order(&survey->questions[0], &context, again);
        assert_memory_equal(again, order, sizeof order);
    }
    assert_true(different > 20);
    survey_release(survey);
}

/* The example of docs/surveys.md is a definition, and asks for what it says. */
static void test_documented(void **state) {
    struct err err = {0};
    struct survey *survey = NULL;
    (void)state;
    FILE *file = fopen(SOURCE_DIR "/docs/surveys.md", "r");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    char *from = strstr(text, "```json\n"), *to = from ? strstr(from + 8, "```") : NULL;
    assert_non_null(to);
    json_t *json = json_loadb(from + 8, (size_t)(to - from - 8), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    if (survey_parse(json, &survey, &err))
        fail_msg("%s %s", err.pointer, err.message);
    check_path(survey, "{\"recommend\":9}", "score about ");
    check_path(survey, "{\"recommend\":2}", "score repair about ");
    json_decref(json);
    free(text);
    survey_release(survey);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
