/*
 * What a customer gets: words by language, the first question inside the mail.
 *
 * The links of the scale open the survey with that answer chosen and record nothing: programs that read mail follow every link.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "invite/internal.h"

enum { LETTER_BYTES = 64 * 1024, SCALE_MAX = 11 };

/* What a plan without words of its own says: after a contact, of a review, by calendar. */
static const struct standard {
    const char *language, *subject[3], *text[3], *footer, *leave;
} standard[] = {
    {"es",
     {"Tu opinión sobre tu último contacto con {{organisation}}", "¿Qué te parece {{subject}}?",
      "¿Qué te parece {{organisation}}?"},
     {"Hola{{name}}:\n\n¿Nos cuentas cómo ha ido? Es un momento.",
      "Hola{{name}}:\n\n¿Cómo te va con {{subject}}? Cuéntalo, sea bueno o malo: ayuda a otras "
      "personas a decidir.",
      "Hola{{name}}:\n\n¿Nos cuentas cómo te va con {{organisation}}? Es un momento."},
     "Recibes este mensaje porque has tenido contacto con {{organisation}}.",
     "No quiero recibir más encuestas"},
    {"en",
     {"Your opinion on your last contact with {{organisation}}",
      "What do you think of {{subject}}?", "What do you think of {{organisation}}?"},
     {"Hello{{name}},\n\nHow did it go? It takes a moment.",
      "Hello{{name}},\n\nHow do you like {{subject}}? Tell us, good or bad: it helps others to "
      "decide.",
      "Hello{{name}},\n\nHow are things between you and {{organisation}}? It takes a moment."},
     "You get this message because you were in contact with {{organisation}}.",
     "I want no more surveys"},
};

static size_t standard_of(const char *language) { return strncmp(language, "en", 2) == 0 ? 1 : 0; }

/* The best language that the plan has texts in: the contact's, the organisation's, any. */
static const char *plan_language(const struct folder *folder, const struct invite_plan *plan,
                                 const char *wanted) {
    const json_t *texts =
        plan->text.by_language ? plan->text.by_language : plan->subject.by_language;
    char two[3] = {0};
    memcpy(two, wanted, strnlen(wanted, 2));
    if (!texts)
        return strcmp(two, "en") == 0 || strcmp(two, "es") == 0
                   ? standard[standard_of(two)].language
                   : standard[standard_of(folder->language)].language;
    const char *name = NULL;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)texts, name,
                        value) if (strcmp(name, wanted) == 0 || strcmp(name, two) == 0) return name;
    json_object_foreach((json_t *)(uintptr_t)texts, name,
                        value) if (strcmp(name, folder->language) == 0) return name;
    return json_object_iter_key(json_object_iter((json_t *)(uintptr_t)texts));
}

static const char *words(struct plan_text texts, const char *language, const char *otherwise) {
    const char *text = json_string_value(json_object_get(texts.by_language, language));
    return text ? text : otherwise;
}

/* {{name}}, {{organisation}}, {{subject}}, {{link}}; other braces stay. A name has a blank before it, and none leaves none. */
static void add_filled(struct buf *out, const char *text, const struct folder *folder,
                       const struct letter_of *of) {
    while (*text) {
        if (strncmp(text, "{{name}}", 8) == 0) {
            bool own_blank = out->n && out->p[out->n - 1] == ' ';
            if (of->contact->name[0])
                buf_add_format(out, "%s%.100s", own_blank ? "" : " ", of->contact->name);
            text += 8;
        } else if (strncmp(text, "{{organisation}}", 16) == 0) {
            buf_add_text(out, folder->name);
            text += 16;
        } else if (strncmp(text, "{{subject}}", 11) == 0) {
            buf_add_text(out, of->subject ? of->subject : "");
            text += 11;
        } else if (strncmp(text, "{{link}}", 8) == 0) {
            buf_add_text(out, of->link);
            text += 8;
        } else {
            buf_add_char(out, *text++);
        }
    }
}

static const char *filled(const char *text, const struct folder *folder, const struct letter_of *of,
                          struct arena *arena) {
    struct buf out;
    buf_init(&out, LETTER_BYTES);
    add_filled(&out, text, folder, of);
    const char *copy = arena_text(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

static void add_html(struct buf *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&': buf_add_text(out, "&amp;"); break;
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '"': buf_add_text(out, "&quot;"); break;
        case '\n': buf_add_text(out, "<br>"); break;
        default: buf_add_char(out, *text);
        }
}

/* The survey's first question, if it is one of a short scale. */
static const struct survey_question *first_scale(const struct survey *survey) {
    for (size_t i = 0; i < survey->n_questions; i++) {
        const struct survey_question *question = &survey->questions[i];
        bool scale = question->type == SURVEY_NPS || question->type == SURVEY_CSAT ||
                     question->type == SURVEY_CES || question->type == SURVEY_RATING;
        if (question->type == SURVEY_STATEMENT)
            continue;
        return scale && !question->show_if && question->max - question->min < SCALE_MAX ? question
                                                                                        : NULL;
    }
    return NULL;
}

static const char *const button =
    "display:inline-block;min-width:1.4em;padding:10px 6px;margin:0 4px 6px 0;"
    "text-align:center;border:1px solid #c9cecf;border-radius:6px;"
    "color:#0b5a66;text-decoration:none;font-weight:bold";

/* The numbers of a scale, each a link that opens it chosen. */
static void add_scale(struct buf *out, const struct letter_of *of, const char *name, int from,
                      int to) {
    buf_add_text(out, "<p>");
    for (int value = from; value <= to; value++)
        buf_add_format(out, "<a href=\"%s&amp;%s=%d\" style=\"%s\">%d</a>", of->link, name, value,
                       button, value);
    buf_add_text(out, "</p>");
}

static void add_bold(struct buf *out, const char *text) {
    buf_add_text(out, "<p style=\"font-weight:bold\">");
    add_html(out, text);
    buf_add_text(out, "</p>");
}

static void add_ends(struct buf *out, const char *low, const char *high) {
    buf_add_text(out, "<p style=\"color:#5b666b;font-size:13px\">");
    add_html(out, low);
    if (low[0] && high[0])
        buf_add_text(out, " · ");
    add_html(out, high);
    buf_add_text(out, "</p>");
}

static void add_question(struct buf *out, const struct letter_of *of, const char *language) {
    if (!of->survey) {
        bool english = standard_of(language) == 1;
        add_bold(out, of->subject);
        add_scale(out, of, "stars", 1, 5);
        add_ends(out, english ? "1: very bad" : "1: muy mal",
                 english ? "5: very good" : "5: muy bien");
        return;
    }
    const struct survey_question *question = first_scale(of->survey);
    size_t in = survey_language(of->survey, language);
    if (!question) {
        buf_add_format(out, "<p><a href=\"%s\" style=\"%s\">", of->link, button);
        add_html(out, survey_text_in(of->survey->title, in));
        buf_add_text(out, "</a></p>");
        return;
    }
    add_bold(out, survey_text_in(question->text, in));
    add_scale(out, of, question->id, (int)question->min, (int)question->max);
    add_ends(out, survey_text_in(question->low, in), survey_text_in(question->high, in));
}

static const char *html_of(struct folder *folder, const struct letter_of *of, const char *language,
                           const char *text, struct arena *arena) {
    size_t own = standard_of(language);
    struct buf out;
    buf_init(&out, LETTER_BYTES);
    buf_add_format(&out,
                   "<!doctype html><html lang=\"%.10s\"><head><meta charset=\"utf-8\"><meta "
                   "name=\"viewport\" content=\"width=device-width\"></head><body "
                   "style=\"margin:0;background:#f6f8f8\"><div style=\"max-width:36em;margin:0 "
                   "auto;padding:24px;background:#fff;color:#1a2226;font:16px/1.5 "
                   "sans-serif\"><p>",
                   language);
    add_html(&out, text);
    buf_add_text(&out, "</p>");
    add_question(&out, of, language);
    buf_add_text(&out, "<p style=\"color:#5b666b;font-size:13px;border-top:1px solid "
                       "#e3e6e7;padding-top:12px\">");
    add_html(&out, filled(standard[own].footer, folder, of, arena));
    buf_add_format(&out,
                   "<br><a href=\"%s\" style=\"color:#5b666b\">%s</a></p></div></body></html>",
                   of->unsubscribe, standard[own].leave);
    const char *copy = arena_text(arena, buf_slice(&out));
    buf_release(&out);
    return copy;
}

void letter_write(struct folder *folder, const struct letter_of *of, struct arena *arena,
                  struct letter *letter) {
    const char *language = plan_language(folder, of->plan, of->contact->language);
    size_t own = standard_of(language), kind = of->plan->review ? 1 : of->plan->by_calendar ? 2 : 0;
    const char *text = words(of->plan->text, language, standard[own].text[kind]);
    const char *body = filled(text, folder, of, arena);
    bool mail = strcmp(of->channel, "email") == 0;
    bool has_link = strstr(text, "{{link}}") != NULL;
    *letter = (struct letter){.unsubscribe = of->unsubscribe};
    letter->subject =
        filled(words(of->plan->subject, language, standard[own].subject[kind]), folder, of, arena);
    letter->text =
        mail ? arena_format(arena, "%s\n\n%s\n\n--\n%s\n%s: %s\n", body, of->link,
                            filled(standard[own].footer, folder, of, arena), standard[own].leave,
                            of->unsubscribe)
             : arena_format(arena, "%s%s%s", body, has_link ? "" : " ", has_link ? "" : of->link);
    if (mail)
        letter->html = html_of(folder, of, language, body, arena);
}

/* ---- the unsubscribe link: the invitation's number and 16 bytes of its keyed hash ---- */

static struct key128 tag_of(struct folder *folder, uint64_t invitation) {
    struct slice parts[] = {SLICE_LITERAL("unsubscribe"),
                            {(const char *)&invitation, sizeof invitation}};
    return hash_keyed(vault_token_key(folder->vault), parts, 2);
}

const char *unsubscribe_token(struct folder *folder, uint64_t invitation, struct arena *arena) {
    struct key128 tag = tag_of(folder, invitation);
    char text[48];
    sodium_bin2hex(text, sizeof text, (const unsigned char *)&tag, sizeof tag);
    return arena_format(arena, "%llu-%s", (unsigned long long)invitation, text);
}

int invite_unsubscribe_find(struct folder *folder, const char *token, uint64_t *invitation,
                            struct err *err) {
    char *end;
    struct arena arena;
    arena_init(&arena);
    *invitation = strtoull(token, &end, 10);
    const char *right = unsubscribe_token(folder, *invitation, &arena);
    bool good = strlen(right) == strlen(token) && sodium_memcmp(right, token, strlen(right)) == 0;
    arena_release(&arena);
    return good ? 0 : err_set(err, E_NOT_FOUND, "this link is not ours");
}
