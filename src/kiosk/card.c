/*
 * A survey as a card in a page shows it (senda.js): one question at a time, in all its languages, without what only the server needs.
 * Pictures are only named: senda.js fetches those that it shows (kiosk_page_survey).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "kiosk/internal.h"

static void put_texts(json_t *object, const char *name, const struct survey *survey,
                      struct survey_text text) {
    json_t *texts = survey_texts_json(survey, text);
    if (texts)
        json_object_set_new(object, name, texts);
}

static void put_flag(json_t *object, const char *name, bool flag) {
    if (flag)
        json_object_set_new(object, name, json_true());
}

static void put_condition(json_t *object, const char *name,
                          const struct survey_condition *condition) {
    if (condition)
        json_object_set(object, name, (json_t *)(uintptr_t)survey_condition_json(condition));
}

static json_t *options_json(const struct survey *survey, const struct survey_option *options,
                            size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct survey_option *option = &options[i];
        json_t *json = json_pack("{s:s}", "id", option->id);
        put_texts(json, "text", survey, option->text);
        if (option->emoji && option->emoji[0])
            json_object_set_new(json, "emoji", json_string(option->emoji));
        put_flag(json, "image", option->image.n > 0);
        put_flag(json, "exclusive", option->exclusive);
        put_flag(json, "other", option->other);
        put_flag(json, "last", option->last);
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *fields_json(unsigned contact) {
    static const char *const names[] = {"name", "email", "phone", "company"};
    json_t *list = json_array();
    for (size_t i = 0; i < 4; i++)
        if (contact & 1u << i)
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static void put_bounds(json_t *json, const struct survey_question *question) {
    bool scale = question->max > question->min && question->type != SURVEY_NUMBER;
    if (question->has_min || scale)
        json_object_set_new(json, "min", json_real(question->min));
    if (question->has_max || scale)
        json_object_set_new(json, "max", json_real(question->max));
    if (question->type == SURVEY_DATE && *question->date_min)
        json_object_set_new(json, "min", json_string(question->date_min));
    if (question->type == SURVEY_DATE && *question->date_max)
        json_object_set_new(json, "max", json_string(question->date_max));
    if (question->step > 0)
        json_object_set_new(json, "step", json_real(question->step));
    if (question->least)
        json_object_set_new(json, "least", json_integer((json_int_t)question->least));
    if (question->most)
        json_object_set_new(json, "most", json_integer((json_int_t)question->most));
}

static json_t *question_json(const struct survey *survey, const struct survey_question *question) {
    static const char *const looks[] = {"numbers", "stars", "faces"};
    json_t *json = json_pack("{s:s, s:s, s:s}", "id", question->id, "type",
                             survey_type_name(question->type), "look", looks[question->look]);
    put_flag(json, "required", question->required);
    put_flag(json, "random", question->randomise);
    put_texts(json, "text", survey, question->text);
    put_texts(json, "help", survey, question->help);
    put_texts(json, "low", survey, question->low);
    put_texts(json, "high", survey, question->high);
    put_texts(json, "placeholder", survey, question->placeholder);
    if (question->n_options)
        json_object_set_new(json, "options",
                            options_json(survey, question->options, question->n_options));
    if (question->n_rows)
        json_object_set_new(json, "rows", options_json(survey, question->rows, question->n_rows));
    if (question->contact)
        json_object_set_new(json, "fields", fields_json(question->contact));
    put_bounds(json, question);
    put_condition(json, "show_if", question->show_if);
    return json;
}

static json_t *page_json(const struct survey *survey, const struct survey_page *page) {
    json_t *json = json_pack("{s:[], s:[]}", "questions", "jump");
    put_condition(json, "show_if", page->show_if);
    put_flag(json, "random", page->randomise);
    for (size_t i = 0; i < page->n; i++)
        json_array_append_new(json_object_get(json, "questions"),
                              question_json(survey, &survey->questions[page->first + i]));
    for (size_t i = 0; i < page->n_jumps; i++) {
        json_t *jump = json_pack("{s:I}", "to", (json_int_t)page->jumps[i].to);
        put_condition(jump, "if", page->jumps[i].condition);
        json_array_append_new(json_object_get(json, "jump"), jump);
    }
    return json;
}

json_t *kiosk_card_json(const struct survey *survey) {
    json_t *json = json_pack("{s:s, s:I, s:[], s:[]}", "id", survey->id, "version",
                             (json_int_t)survey->version, "languages", "pages");
    for (size_t l = 0; l < survey->n_languages; l++)
        json_array_append_new(json_object_get(json, "languages"),
                              json_string(survey->languages[l]));
    for (size_t p = 0; p < survey->n_pages; p++)
        json_array_append_new(json_object_get(json, "pages"), page_json(survey, &survey->pages[p]));
    put_texts(json, "title", survey, survey->title);
    put_texts(json, "welcome", survey, survey->welcome);
    put_texts(json, "thanks", survey, survey->thanks);
    return json;
}
