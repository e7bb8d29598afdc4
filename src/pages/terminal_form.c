/*
 * A survey as a terminal shows it: the very form of /s/ (survey_form.c), all its questions at once and in each language, and the rules
 * that lead from one to the next. The terminal works offline, so its script walks (web/js/kiosk_survey.js): it fills in the quotes,
 * mixes what is random and follows jumps.
 *
 *   {"id","version","languages","title","welcome","thanks","progress","back", "next","send","previous" (texts by language, if given),
 *    "forms": {"es": "<fieldset …>…"}, "pages": [{"title","show_if","random","questions": [ids],"jump": [{"if","to": place}]}]}
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/survey_sitting.h"

enum { FORM_BYTES = 4 * 1024 * 1024 };

static void put_texts(json_t *json, const char *name, const struct survey *survey,
                      struct survey_text text) {
    json_t *texts = survey_texts_json(survey, text);
    if (texts)
        json_object_set_new(json, name, texts);
}

static json_t *condition_json(const struct survey_condition *condition) {
    return json_incref((json_t *)(uintptr_t)survey_condition_json(condition));
}

static json_t *page_json(const struct survey *survey, const struct survey_page *page) {
    json_t *json = json_pack("{s:b, s:[], s:[]}", "random", page->randomise, "questions", "jump");
    put_texts(json, "title", survey, page->title);
    if (page->show_if)
        json_object_set_new(json, "show_if", condition_json(page->show_if));
    for (size_t i = 0; i < page->n; i++)
        json_array_append_new(json_object_get(json, "questions"),
                              json_string(survey->questions[page->first + i].id));
    for (size_t i = 0; i < page->n_jumps; i++)
        json_array_append_new(json_object_get(json, "jump"),
                              json_pack("{s:o, s:I}", "if",
                                        condition_json(page->jumps[i].condition), "to",
                                        (json_int_t)page->jumps[i].to));
    return json;
}

static json_t *form_json(struct request *request, const struct survey *survey, size_t language) {
    struct sitting sitting;
    struct buf out;
    sitting_begin(&sitting, request, survey);
    sitting.whole = true;
    sitting.context.language = language;
    sitting.ui = strncmp(survey->languages[language], "es", 2) == 0 ? "es" : "en";
    buf_init(&out, FORM_BYTES);
    for (size_t i = 0; i < survey->n_questions; i++)
        survey_form_question(&sitting, i, &out);
    json_t *json = json_stringn(out.p, out.n);
    buf_release(&out);
    sitting_release(&sitting);
    return json;
}

json_t *terminal_form_json(struct request *request, const struct survey *survey) {
    const struct {
        const char *name;
        struct survey_text text;
    } texts[] = {{"title", survey->title},         {"welcome", survey->welcome},
                 {"thanks", survey->thanks},       {"next", survey->next_label},
                 {"previous", survey->back_label}, {"send", survey->send_label},
                 {"closed", survey->closed}};
    struct err closed = {0};
    json_t *json = json_pack(
        "{s:s, s:I, s:b, s:b, s:b, s:[], s:{}, s:[]}", "id", survey->id, "version",
        (json_int_t)survey->version, "open",
        survey_check_open(app_folder(request->app), survey, request->received_ms, &closed) == 0,
        "progress", survey->progress, "back", survey->back, "languages", "forms", "pages");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_texts(json, texts[i].name, survey, texts[i].text);
    for (size_t l = 0; l < survey->n_languages; l++) {
        json_array_append_new(json_object_get(json, "languages"),
                              json_string(survey->languages[l]));
        json_object_set_new(json_object_get(json, "forms"), survey->languages[l],
                            form_json(request, survey, l));
    }
    for (size_t p = 0; p < survey->n_pages; p++)
        json_array_append_new(json_object_get(json, "pages"), page_json(survey, &survey->pages[p]));
    return json;
}
