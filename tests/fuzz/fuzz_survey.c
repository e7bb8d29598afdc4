/* module: survey
 *
 * Definitions of ours and of others: whatever the bytes, a definition or a fault; what is a definition can be walked, asked and
 * quoted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "survey/formats.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void walk(const struct survey *survey, struct arena *arena) {
    size_t pages[SURVEY_PAGES], order[SURVEY_OPTIONS + 2];
    struct survey_context context = {.submission = SLICE_LITERAL("s")};
    json_t *answers = json_object();
    size_t on_way = survey_path(survey, answers, &context, pages);
    for (size_t i = 0; i < on_way; i++)
        if (pages[i] >= survey->n_pages || (i && pages[i] <= pages[i - 1]))
            abort();
    for (size_t i = 0; i < survey->n_questions; i++) {
        const struct survey_question *question = &survey->questions[i];
        struct err err = {0};
        json_t *value;
        survey_option_order(question, &context, order);
        (void)survey_pipe(survey, survey_text_in(question->text, 0), answers, &context, arena);
        int code = survey_check_answer(question, answers, &value, &err);
        if (code && !question->required)
            abort();
        json_decref(value);
    }
    json_decref(answers);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n) {
    struct err err = {0};
    struct arena arena;
    json_t *definition = NULL, *left = NULL;
    struct survey *survey = NULL;
    arena_init(&arena);
    if (survey_import((struct slice){(const char *)bytes, n}, "", &definition, &left, &err) == 0 &&
        survey_parse(definition, &survey, &err) == 0)
        walk(survey, &arena);
    survey_release(survey);
    json_decref(definition);
    json_decref(left);
    arena_release(&arena);
    return 0;
}
