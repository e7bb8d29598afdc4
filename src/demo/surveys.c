/*
 * What Vereda asks: the relational survey, and that of the chat, which went from 5 to 7 points (fact 15). Their names are those
 * that the simulated answers bear.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "demo/fill.h"
#include "survey/survey.h"

#define WHY                                                                                        \
    "{\"id\":\"comment\",\"type\":\"long_text\",\"text\":{\"es\":\"¿Por qué?\",\"en\":\"Why?\"}}"
#define CHAT(points, text_es, text_en)                                                             \
    "{\"title\":\"Chat\",\"languages\":[\"es\",\"en\"],\"channel\":\"chat\",\"pages\":[{\"id\":"   \
    "\"chat\",\"questions\":[{\"id\":\"talk\",\"type\":\"csat\",\"required\":true,"                \
    "\"points\":" points ",\"text\":{\"es\":\"" text_es "\",\"en\":\"" text_en "\"}}," WHY "]}]}"

static const struct {
    const char *id, *document;
} documents[] = {
    {"Relacional",
     "{\"title\":\"Relacional\",\"languages\":[\"es\",\"en\"],\"channel\":\"email\",\"thanks\":{"
     "\"es\":\"Gracias. Leemos cada respuesta.\",\"en\":\"Thank you. We read every answer.\"},"
     "\"pages\":[{\"id\":\"score\",\"questions\":[{\"id\":\"recommend\",\"type\":\"nps\","
     "\"required\":true,\"text\":{\"es\":\"¿Recomendarías Vereda a un amigo o familiar?\",\"en\":"
     "\"Would you recommend Vereda to a friend or relative?\"},\"low\":{\"es\":\"Nada "
     "probable\",\"en\":\"Not at all likely\"},\"high\":{\"es\":\"Muy "
     "probable\",\"en\":\"Extremely "
     "likely\"}}," WHY "]}]}"},
    {"Chat", CHAT("5", "¿Cómo ha ido la conversación?", "How did the conversation go?")},
    {"Chat", CHAT("7", "¿Cómo ha ido la conversación?", "How did the conversation go?")},
};

int demo_surveys(struct folder *folder, const struct principal *principal, struct err *err) {
    struct arena arena;
    int code = 0;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof documents / sizeof *documents && !code; i++) {
        json_t *document = json_loads(documents[i].document, 0, NULL);
        struct survey_row row;
        struct err ignored = {0};
        uint32_t version;
        struct slice id = slice_of(documents[i].id);
        bool there = surveys_get(folder, id, &arena, &row, &ignored) == 0; /* or of version 1 */
        code = there ? surveys_change(folder, id, document, err)
                     : surveys_add(folder, documents[i].id, document, principal->name, &arena, &row,
                                   err);
        if (!code)
            code = surveys_publish(folder, id, principal->name, &version, err);
        json_decref(document);
    }
    arena_release(&arena);
    return code;
}
