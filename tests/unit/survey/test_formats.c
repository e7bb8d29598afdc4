/*
 * Surveys of SurveyJS and LimeSurvey become ours, and what has no place is named.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey_world.h"

#include "survey/formats.h"

static const char surveyjs[] =
    "{\"title\":{\"default\":\"Product\",\"es\":\"Producto\"},\"pages\":[{\"name\":\"p 1\","
    "\"elements\":[{\"type\":\"rating\",\"name\":\"nps\",\"title\":\"Recommend?\",\"rateMin\":0,"
    "\"rateMax\":10,\"isRequired\":true,\"maxRateDescription\":\"Sure\"},{\"type\":\"panel\","
    "\"elements\":[{\"type\":\"comment\",\"name\":\"why\",\"title\":\"Why {nps}, "
    "{x}?\",\"visibleIf\":"
    "\"{nps} < 7\"},{\"type\":\"radiogroup\",\"name\":\"How did you hear?\",\"choices\":[\"A "
    "friend\",{\"value\":2,\"text\":\"Ad\"}],\"hasOther\":true,\"visibleIf\":\"{nps} >= 9 and "
    "{why} "
    "empty\"}]},{\"type\":\"rating\",\"name\":\"look\",\"rateType\":\"stars\","
    "\"mininumRateDescription\":\"Awful\"},{\"type\":\"text\","
    "\"name\":\"age\",\"visibleIf\":\"{How did you hear?} = 'A "
    "friend'\",\"inputType\":\"number\",\"min\":18},{\"type\":\"text\",\"name\":\"mail\","
    "\"inputType\":\"email\"},{\"type\":\"matrix\",\"name\":\"m\",\"columns\":[1,2],\"rows\":["
    "\"x\"]"
    "},{\"type\":\"signaturepad\",\"name\":\"sign\"},{\"type\":\"boolean\",\"name\":\"again\","
    "\"visibleIf\":\"age({a}) > 3\"}]}]}";

static const char lss[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><document><LimeSurveyDocType>Survey</"
    "LimeSurveyDocType><languages><language>es</language><language>en</language></languages>"
    "<answers><rows><row><aid>1</aid><qid>11</qid><code>A1</code><sortorder>1</sortorder></"
    "row><row>"
    "<aid>2</aid><qid>11</qid><code>A2</code><sortorder>0</sortorder></row><row><aid>3</"
    "aid><qid>12</qid><code>B1</code></row>"
    "</rows></answers>"
    "<answer_l10ns><rows><row><aid>1</aid><answer><![CDATA[Tienda]]></answer><language>es</"
    "language>"
    "</row><row><aid>1</aid><answer>Shop</answer><language>en</language></row><row><aid>2</aid>"
    "<answer>Web</answer><language>es</language></row></rows></answer_l10ns>"
    "<groups><rows><row><gid>1</gid><group_order>0</group_order></row></rows></groups>"
    "<group_l10ns><rows><row><gid>1</gid><group_name>Uno</group_name><language>es</language></row>"
    "</rows></group_l10ns><questions><rows><row><qid>11</qid><gid>1</gid><type>L</type><title>DONDE"
    "</title><mandatory>Y</mandatory><other>Y</other><question_order>1</question_order><relevance>1"
    "</relevance></row><row><qid>12</qid><gid>1</gid><type>F</type><title>TABLA</title>"
    "<question_order>2</question_order><relevance>((DONDE.NAOK == \"A1\"))</relevance></row><row>"
    "<qid>14</qid><gid>1</gid><type>|</type><title>FOTO</title><question_order>3</question_order>"
    "</row></rows></questions><subquestions><rows><row><qid>13</qid><parent_qid>12</parent_qid>"
    "<title>SQ1</title><question_order>1</question_order></row></rows></subquestions>"
    "<question_l10ns><rows><row><qid>11</qid><question><![CDATA[<style>p{}</style><p>Hola "
    "{TOKEN:FIRSTNAME}:</p><p>&iquest;D&oacute;nde "
    "&amp; c&#243;mo?</p>]]></question>"
    "<language>es</language></row><row><qid>12</qid><question><![CDATA[Has dicho "
    "{DONDE.shown}<br/>y "
    "{sum(1,2)}]]></question><language>es</language></row><row><qid>13</qid><question>Precio</"
    "question><language>es"
    "</language></row></rows></question_l10ns>"
    "<answers_more/><surveys_languagesettings><rows><row><surveyls_title>Compra</surveyls_title>"
    "<surveyls_language>es</surveyls_language></row></rows></surveys_languagesettings></document>";

static struct survey *import(const char *text, json_t **left) {
    struct err err = {0};
    struct survey *survey = NULL;
    json_t *definition;
    int code = survey_import(slice_of(text), "", &definition, left, &err);
    if (!code)
        code = survey_parse(definition, &survey, &err);
    if (code)
        fail_msg("%s %s", err.pointer, err.message);
    json_decref(definition);
    return survey;
}

static void test_surveyjs(void **state) {
    json_t *left;
    (void)state;
    struct survey *survey = import(surveyjs, &left);
    static const enum survey_type types[] = {SURVEY_NPS,    SURVEY_LONG_TEXT, SURVEY_CHOICE,
                                             SURVEY_RATING, SURVEY_NUMBER,    SURVEY_CONTACT,
                                             SURVEY_MATRIX, SURVEY_CHOICE};
    assert_int_equal(survey->n_questions, sizeof types / sizeof *types);
    for (size_t i = 0; i < survey->n_questions; i++)
        assert_int_equal(survey->questions[i].type, types[i]);
    assert_int_equal(survey->n_languages, 2);
    assert_string_equal(survey_text_in(survey->title, 1), "Producto");
    assert_string_equal(survey_text_in(survey->questions[0].high, 0), "Sure");
    assert_string_equal(survey_text_in(survey->questions[1].text, 0), "Why {{nps}}, {x}?");
    assert_true(survey->questions[0].required);
    assert_int_equal(survey->questions[3].look, SURVEY_STARS);
    assert_string_equal(survey_text_in(survey->questions[3].low, 0), "Awful");
    assert_string_equal(survey->questions[2].options[0].id, "A-friend");
    assert_true(survey->questions[2].options[2].other);
    struct survey_context context = context_of("s");
    json_t *low = json_of("{\"nps\":3}"), *high = json_of("{\"nps\":10}");
    assert_true(survey_asks(&survey->questions[1], low, &context));
    assert_false(survey_asks(&survey->questions[1], high, &context));
    assert_true(survey_asks(&survey->questions[2], high, &context));
    assert_false(survey_asks(&survey->questions[2], low, &context));
    json_t *friend = json_of("{\"nps\":10,\"How-did-you-hear\":\"A-friend\"}");
    assert_true(survey_asks(&survey->questions[4], friend, &context));
    assert_false(survey_asks(&survey->questions[4], high, &context));
    json_decref(friend);
    assert_int_equal(json_array_size(left), 2); /* the signature, a condition with a function */
    json_decref(low);
    json_decref(high);
    json_decref(left);
    survey_release(survey);
}

static void test_lss(void **state) {
    json_t *left;
    (void)state;
    struct survey *survey = import(lss, &left);
    assert_int_equal(survey->n_questions, 2);
    const struct survey_question *where = &survey->questions[0], *table = &survey->questions[1];
    assert_string_equal(where->id, "DONDE");
    assert_string_equal(survey_text_in(where->text, 0),
                        "Hola {{trait.first_name|}}:\n¿Dónde & cómo?");
    assert_int_equal(survey->n_traits, 1);
    assert_string_equal(survey_text_in(table->text, 0), "Has dicho {{DONDE}}\ny {sum(1,2)}");
    assert_string_equal(where->options[0].id, "A2");
    assert_string_equal(survey_text_in(where->options[1].text, 1), "Shop");
    assert_true(where->required);
    assert_true(where->options[2].other);
    assert_string_equal(survey_text_in(table->rows[0].text, 0), "Precio");
    assert_non_null(table->show_if);
    assert_string_equal(survey_text_in(survey->pages[0].title, 0), "Uno");
    assert_int_equal(json_array_size(left), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(left, 0), "what")),
                        "{sum(1,2)}");
    assert_string_equal(json_string_value(json_object_get(json_array_get(left, 1), "what")),
                        "FOTO");
    json_decref(left);
    survey_release(survey);
}

/* Conditions with brackets, around and inside panels; a question for each field of several. */
static void test_surveyjs_nested(void **state) {
    json_t *left;
    (void)state;
    struct survey *survey =
        import("{\"pages\":[{\"elements\":[{\"type\":\"rating\",\"name\":\"nps\",\"rateMin\":0,"
               "\"rateMax\":10},"
               "{\"type\":\"checkbox\",\"name\":\"uses\",\"choices\":[\"web\",\"shop\"],"
               "\"maxSelectedChoices\":1},"
               "{\"type\":\"panel\",\"name\":\"more\",\"visibleIf\":\"{nps} < 7\",\"elements\":["
               "{\"type\":\"multipletext\",\"name\":\"who\",\"title\":\"You\",\"items\":[{\"name\":"
               "\"first\","
               "\"title\":\"First name\"},{\"name\":\"age\",\"inputType\":\"number\"}]},"
               "{\"type\":\"comment\",\"name\":\"why\",\"visibleIf\":\"({nps} = 0 or {uses} "
               "contains 'web') and "
               "!({uses} anyof "
               "['shop'])\"}]},{\"type\":\"text\",\"name\":\"last\",\"visibleIf\":\"{who.age} >= "
               "18\",\"requiredIf\":\"{nps} = "
               "1\",\"validators\":[{\"type\":\"text\"}]},{\"type\":\"text\",\"name\":"
               "\"never\",\"visibleIf\":\"{nps} = 1 and\"}]}]}",
               &left);
    static const enum survey_type types[] = {SURVEY_NPS,       SURVEY_CHOICES,   SURVEY_SHORT_TEXT,
                                             SURVEY_NUMBER,    SURVEY_LONG_TEXT, SURVEY_SHORT_TEXT,
                                             SURVEY_SHORT_TEXT};
    assert_int_equal(survey->n_questions, sizeof types / sizeof *types);
    for (size_t i = 0; i < survey->n_questions; i++)
        assert_int_equal(survey->questions[i].type, types[i]);
    assert_string_equal(survey_text_in(survey->questions[2].text, 0), "You: First name");
    assert_int_equal(survey->questions[1].most, 1);
    struct survey_context context = context_of("s");
    static const struct {
        const char *answers;
        bool why, first, last;
    } cases[] = {{"{\"nps\":0}", true, true, false},
                 {"{\"nps\":8,\"uses\":[\"web\"]}", false, false, false},
                 {"{\"nps\":3,\"uses\":[\"web\"]}", true, true, false},
                 {"{\"nps\":3,\"uses\":[\"shop\"],\"who-age\":20}", false, true, true},
                 {"{\"nps\":3}", false, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *answers = json_of(cases[i].answers);
        assert_int_equal(survey_asks(&survey->questions[4], answers, &context), cases[i].why);
        assert_int_equal(survey_asks(&survey->questions[2], answers, &context), cases[i].first);
        assert_int_equal(survey_asks(&survey->questions[5], answers, &context), cases[i].last);
        json_decref(answers);
    }
    /* requiredIf, validators, a condition that ends in the middle */
    assert_int_equal(json_array_size(left), 3);
    json_decref(left);
    survey_release(survey);
}

static void test_ours(void **state) {
    json_t *left;
    (void)state;
    struct survey *survey =
        import("{\"title\":\"A\",\"pages\":[{\"questions\":[{\"id\":\"q\",\"type\":\"nps\","
               "\"text\":\"?\"}]}]}",
               &left);
    assert_int_equal(survey->n_questions, 1);
    assert_int_equal(json_array_size(left), 0);
    json_decref(left);
    survey_release(survey);
}

static void test_broken(void **state) {
    static const struct {
        const char *text;
        int code;
    } files[] = {
        {"", E_MALFORMED},
        {"[1]", E_MALFORMED},
        {"{\"pages\":[]}", E_INVALID},
        {"<document><questions>", E_MALFORMED},
        {"<document></document>", E_INVALID},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><document>&b;</document>", E_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct err err = {0};
        json_t *definition = NULL, *left = NULL;
        assert_int_equal(survey_import(slice_of(files[i].text), "", &definition, &left, &err),
                         files[i].code);
        json_decref(definition);
        json_decref(left);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surveyjs), cmocka_unit_test(test_surveyjs_nested),
        cmocka_unit_test(test_lss),      cmocka_unit_test(test_ours),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
