/*
 * A survey as a screen or a page shows it: one question at a time, in all its languages, without what only the server needs.
 *
 * Questions that a public screen cannot ask well (pictures, matrices, rankings, pairs, contact details) are left out; a survey that
 * requires one cannot stand there. Jumps are not followed: conditions of questions and pages are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "kiosk/internal.h"

static bool is_shown(enum survey_type type) {
    switch (type) {
    case SURVEY_NPS:
    case SURVEY_CSAT:
    case SURVEY_CES:
    case SURVEY_RATING:
    case SURVEY_CHOICE:
    case SURVEY_CHOICES:
    case SURVEY_SHORT_TEXT:
    case SURVEY_LONG_TEXT:
    case SURVEY_NUMBER:
    case SURVEY_DATE:
    case SURVEY_CONSENT:
    case SURVEY_STATEMENT: return true;
    default: return false;
    }
}

int kiosk_asked_check(const struct survey *survey, struct err *err) {
    size_t shown = 0;
    for (size_t i = 0; i < survey->n_questions; i++) {
        const struct survey_question *question = &survey->questions[i];
        shown += is_shown(question->type);
        if (!is_shown(question->type) && question->required)
            return err_at(err, E_INVALID, "/survey",
                          "the survey requires \"%.60s\", of a type that is not shown there",
                          question->id);
    }
    for (size_t i = 0; i < survey->n_pages; i++)
        if (survey->pages[i].n_jumps)
            return err_at(err, E_INVALID, "/survey",
                          "the survey jumps between pages: use conditions instead");
    return shown ? 0
                 : err_at(err, E_INVALID, "/survey", "the survey asks nothing that can be shown");
}

static void add_texts(json_t *object, const char *name, const struct survey *survey,
                      struct survey_text text) {
    json_t *texts = json_object();
    for (size_t l = 0; l < survey->n_languages; l++) {
        const char *in = survey_text_in(text, l);
        if (in[0])
            json_object_set_new(texts, survey->languages[l], json_string(in));
    }
    if (json_object_size(texts))
        json_object_set(object, name, texts);
    json_decref(texts);
}

static json_t *options_json(const struct survey *survey, const struct survey_question *question) {
    json_t *list = json_array();
    for (size_t i = 0; i < question->n_options; i++) {
        const struct survey_option *option = &question->options[i];
        json_t *json = json_pack("{s:s}", "id", option->id);
        add_texts(json, "text", survey, option->text);
        if (option->emoji && option->emoji[0])
            json_object_set_new(json, "emoji", json_string(option->emoji));
        if (option->exclusive)
            json_object_set_new(json, "exclusive", json_true());
        if (option->other)
            json_object_set_new(json, "other", json_true());
        json_array_append_new(list, json);
    }
    return list;
}

static void add_condition(json_t *json, const struct survey *survey,
                          const struct survey_question *question) {
    const struct survey_condition *own = question->show_if,
                                  *page = survey->pages[question->page].show_if;
    json_t *all = json_array();
    if (own)
        json_array_append(all, (json_t *)(uintptr_t)survey_condition_json(own));
    if (page)
        json_array_append(all, (json_t *)(uintptr_t)survey_condition_json(page));
    if (json_array_size(all))
        json_object_set_new(json, "show_if", json_pack("{s:O}", "all", all));
    json_decref(all);
}

static json_t *question_json(const struct survey *survey, const struct survey_question *question) {
    static const char *const looks[] = {"numbers", "stars", "faces"};
    json_t *json = json_pack("{s:s, s:s, s:b, s:s}", "id", question->id, "type",
                             survey_type_name(question->type), "required", question->required,
                             "look", looks[question->look]);
    add_texts(json, "text", survey, question->text);
    add_texts(json, "help", survey, question->help);
    add_texts(json, "low", survey, question->low);
    add_texts(json, "high", survey, question->high);
    add_texts(json, "placeholder", survey, question->placeholder);
    if (question->n_options)
        json_object_set_new(json, "options", options_json(survey, question));
    if (question->has_min)
        json_object_set_new(json, "min", json_real(question->min));
    if (question->has_max)
        json_object_set_new(json, "max", json_real(question->max));
    if (question->least)
        json_object_set_new(json, "least", json_integer((json_int_t)question->least));
    if (question->most)
        json_object_set_new(json, "most", json_integer((json_int_t)question->most));
    add_condition(json, survey, question);
    return json;
}

json_t *kiosk_asked_json(const struct survey *survey) {
    json_t *json = json_pack("{s:s, s:I, s:[], s:[]}", "id", survey->id, "version",
                             (json_int_t)survey->version, "languages", "questions");
    for (size_t l = 0; l < survey->n_languages; l++)
        json_array_append_new(json_object_get(json, "languages"),
                              json_string(survey->languages[l]));
    for (size_t i = 0; i < survey->n_questions; i++)
        if (is_shown(survey->questions[i].type))
            json_array_append_new(json_object_get(json, "questions"),
                                  question_json(survey, &survey->questions[i]));
    add_texts(json, "title", survey, survey->title);
    add_texts(json, "welcome", survey, survey->welcome);
    add_texts(json, "thanks", survey, survey->thanks);
    return json;
}
