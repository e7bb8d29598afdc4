/*
 * What Vereda asks: a survey for each occasion, with the ids that the simulated answers bear; that of the chat went from 5 to 7 points
 * (fact 15).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "demo/internal.h"
#include "survey/survey.h"

const struct survey_form demo_survey_forms[SURVEYS] = {
    [SURVEY_RELATIONAL] = {"Relacional", "Relacional", "email", "recommend",
                           "¿Recomendarías Vereda a un amigo o familiar?",
                           "Would you recommend Vereda to a friend or relative?"},
    [SURVEY_CALL] = {"tras-llamada", "Tras llamada", "sms", "recommend",
                     "Después de esta llamada, ¿recomendarías Vereda?",
                     "After this call, would you recommend Vereda?"},
    [SURVEY_INSTALL] = {"tras-instalacion", "Tras instalación", "email", "recommend",
                        "Después de la instalación, ¿recomendarías Vereda?",
                        "After the installation, would you recommend Vereda?"},
    [SURVEY_SHOP] = {"tras-tienda", "Tras tienda", "sms", "recommend",
                     "Después de tu visita, ¿recomendarías esta tienda?",
                     "After your visit, would you recommend this shop?"},
    [SURVEY_RENEWAL] = {"tras-renovacion", "Tras renovación", "email", "recommend",
                        "Ahora que has renovado, ¿recomendarías Vereda?",
                        "Now that you have renewed, would you recommend Vereda?"},
    [SURVEY_CUT] = {"tras-el-corte", "30 días tras el corte", "sms", "recommend",
                    "¿Recomendarías Vereda a un amigo o familiar?",
                    "Would you recommend Vereda to a friend or relative?"},
    [SURVEY_CHAT] = {"Chat", "Chat", "chat", "talk", "¿Cómo ha ido la conversación?",
                     "How did the conversation go?"},
    [SURVEY_EXIT] = {"abandono-de-la-compra", "Abandono de la compra", "web", "reason",
                     "¿Qué te ha impedido terminar?", "What kept you from finishing?"}};

const struct exit_reason demo_exit_reasons[EXIT_REASONS] = {
    [EXIT_PAYMENT] = {"payment", "falta medio de pago", "a way to pay is missing"},
    [EXIT_SHIPPING] = {"shipping", "gastos de envío", "shipping costs"},
    [EXIT_COMPARING] = {"comparing", "comparando precios", "I was only comparing"},
    [EXIT_SLOW] = {"slow", "la página va lenta", "the page is slow"},
    [EXIT_TOO_MUCH] = {"too_much", "demasiados datos", "too many details asked"}};

static json_t *both(const char *es, const char *en) {
    return json_pack("{s:s, s:s}", "es", es, "en", en);
}

/* The first question, of so many points where it is a satisfaction. */
static json_t *first_question(enum demo_survey survey, int points) {
    const struct survey_form *form = &demo_survey_forms[survey];
    const char *type = survey == SURVEY_CHAT ? "csat" : survey == SURVEY_EXIT ? "choice" : "nps";
    json_t *json = json_pack("{s:s, s:s, s:b, s:o}", "id", form->question, "type", type, "required",
                             true, "text", both(form->text_es, form->text_en));
    if (survey == SURVEY_CHAT) {
        json_object_set_new(json, "points", json_integer(points));
    } else if (survey == SURVEY_EXIT) {
        json_t *options = json_array();
        for (size_t i = 0; i < EXIT_REASONS; i++)
            json_array_append_new(
                options,
                json_pack("{s:s, s:o}", "id", demo_exit_reasons[i].id, "text",
                          both(demo_exit_reasons[i].text_es, demo_exit_reasons[i].text_en)));
        json_object_set_new(json, "options", options);
    } else {
        json_object_set_new(json, "low", both("Nada probable", "Not at all likely"));
        json_object_set_new(json, "high", both("Muy probable", "Extremely likely"));
    }
    return json;
}

static json_t *definition(enum demo_survey survey, int points) {
    const struct survey_form *form = &demo_survey_forms[survey];
    json_t *why = json_pack("{s:s, s:s, s:o}", "id", "comment", "type", "long_text", "text",
                            both("¿Por qué?", "Why?"));
    return json_pack("{s:s, s:[s, s], s:s, s:o, s:[{s:s, s:[o, o]}]}", "title", form->title,
                     "languages", "es", "en", "channel", form->channel, "thanks",
                     both("Gracias. Leemos cada respuesta.", "Thank you. We read every answer."),
                     "pages", "id", "page", "questions", first_question(survey, points), why);
}

static int publish(struct folder *folder, const struct principal *principal,
                   enum demo_survey survey, int points, struct arena *arena, struct err *err) {
    const char *id = demo_survey_forms[survey].id;
    json_t *document = definition(survey, points);
    struct survey_row row;
    struct err ignored = {0};
    uint32_t version;
    /* of version 1, or of a fill that was interrupted */
    bool there = surveys_get(folder, slice_of(id), arena, &row, &ignored) == 0;
    int code = there ? surveys_change(folder, slice_of(id), document, err)
                     : surveys_add(folder, id, document, principal->name, arena, &row, err);
    if (!code)
        code = surveys_publish(folder, slice_of(id), principal->name, &version, err);
    json_decref(document);
    return code;
}

int demo_surveys(struct folder *folder, const struct principal *principal, struct err *err) {
    struct arena arena;
    int code = 0;
    arena_init(&arena);
    for (int survey = 0; survey < SURVEYS && !code; survey++)
        code = publish(folder, principal, (enum demo_survey)survey, 5, &arena, err);
    if (!code)
        code = publish(folder, principal, SURVEY_CHAT, 7, &arena, err);
    arena_release(&arena);
    return code;
}
