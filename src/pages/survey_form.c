/*
 * A survey's page as HTML, written piece by piece: it is the one page that thousands open at once.
 *
 * Questions that others of the same page open are in it, hidden and switched off; the script shows them as soon as they are
 * asked, and without script the page comes again with them. Each question that is shown says so (field `q`).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "http/assets.h"
#include "pages/page.h"
#include "pages/survey_sitting.h"
#include "pages/template.h"
#include "pages/text.h"

static void add(struct buf *out, const char *text) { html_escape(slice_of(text), out); }

static void add_text(const struct sitting *sitting, struct buf *out, const char *key) {
    add(out, sitting_text(sitting, key));
}

/* Paragraphs where the text has empty lines. */
static void add_prose(struct buf *out, const char *text) {
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t n = end ? (size_t)(end - text) : strlen(text);
        buf_add_text(out, "<p>");
        html_escape((struct slice){text, n}, out);
        buf_add_text(out, "</p>");
        text += n + (end ? 2 : 0);
    }
}

/* ---- around ---- */

static void add_language_name(struct buf *out, const char *language) {
    UChar name[64];
    char text[200];
    UErrorCode status = U_ZERO_ERROR;
    uloc_getDisplayLanguage(language, language, name, 64, &status);
    if (U_SUCCESS(status))
        u_strToUTF8(text, sizeof text, NULL, name, -1, &status);
    add(out, U_SUCCESS(status) ? text : language);
}

static void add_languages(const struct sitting *sitting, struct buf *out) {
    const struct survey *survey = sitting->survey;
    if (survey->n_languages < 2)
        return;
    buf_add_text(out, "<nav aria-label=\"");
    add_text(sitting, out, "survey.languages");
    buf_add_text(out, "\">");
    for (size_t i = 0; i < survey->n_languages; i++) {
        const char *language = survey->languages[i];
        buf_add_format(out, "<a lang=%s hreflang=%s href=\"%s?lang=%s", language, language,
                       sitting->action, language);
        if (!sitting->preview)
            buf_add_format(out, "&amp;r=%s", sitting->submission);
        if (sitting->token)
            buf_add_format(out, "&amp;t=%s", sitting->token);
        buf_add_format(out, "\"%s>", i == sitting->context.language ? " aria-current=true" : "");
        add_language_name(out, language);
        buf_add_text(out, "</a>");
    }
    buf_add_text(out, "</nav>");
}

/* It asks more than numbers and words: styles that few surveys of two questions need are a file of their own. */
static bool has_kinds(const struct survey *survey) {
    static const bool plain[SURVEY_TYPES_N] = {
        [SURVEY_NPS] = true,    [SURVEY_CSAT] = true,       [SURVEY_CES] = true,
        [SURVEY_RATING] = true, [SURVEY_SHORT_TEXT] = true, [SURVEY_LONG_TEXT] = true,
        [SURVEY_NUMBER] = true, [SURVEY_DATE] = true,       [SURVEY_STATEMENT] = true};
    for (size_t i = 0; i < survey->n_questions; i++)
        if (!plain[survey->questions[i].type] || survey->questions[i].look != SURVEY_NUMBERS)
            return true;
    return false;
}

static void add_head(const struct sitting *sitting, const char *title, bool script,
                     struct buf *out) {
    const char *language =
        sitting->survey ? sitting->survey->languages[sitting->context.language] : sitting->ui;
    buf_add_format(out, "<!doctype html><html lang=\"%s\"><head><meta charset=utf-8><title>",
                   language);
    add(out, title);
    buf_add_format(out,
                   "</title><meta name=viewport content=\"width=device-width,initial-scale=1\">"
                   "<meta name=robots content=noindex><meta name=color-scheme content=\"light "
                   "dark\"><link rel=icon href=\"/assets/%s/icons/mark.svg\"><link rel=stylesheet "
                   "href=\"/assets/%s/css/survey.css\">",
                   assets_version(), assets_version());
    if (script && has_kinds(sitting->survey))
        buf_add_format(out, "<link rel=stylesheet href=\"/assets/%s/css/survey_kinds.css\">",
                       assets_version());
    if (script)
        buf_add_format(out, "<script type=module src=\"/assets/%s/js/survey.js\"></script>",
                       assets_version());
    buf_add_text(out, "</head><body><main><header><p class=org>");
    add(out, app_folder(sitting->request->app)->name);
    buf_add_text(out, "</p>");
}

static void add_foot(struct buf *out) { buf_add_text(out, "</main></body></html>"); }

/* ---- questions ---- */

static void add_condition(const struct survey_question *question, struct buf *out) {
    char *json = json_dumps(survey_condition_json(question->show_if), JSON_COMPACT);
    if (!json)
        abort();
    buf_add_text(out, " data-if=\"");
    add(out, json);
    buf_add_char(out, '"');
    free(json);
}

static void add_attribute(struct buf *out, const char *name, const char *value) {
    buf_add_format(out, " %s=\"", name);
    add(out, value);
    buf_add_char(out, '"');
}

/* What the script needs to say the same as the server: whether it must be answered, and what is wrong with what cannot be. */
static void add_rules(const struct sitting *sitting, const struct survey_question *question,
                      struct buf *out) {
    static const bool can_be_wrong[SURVEY_TYPES_N] = {
        [SURVEY_CHOICES] = true,   [SURVEY_RANKING] = true, [SURVEY_SHORT_TEXT] = true,
        [SURVEY_LONG_TEXT] = true, [SURVEY_NUMBER] = true,  [SURVEY_DATE] = true,
        [SURVEY_CONTACT] = true};
    if (question->required)
        add_attribute(out, "data-missing", survey_missing_text(sitting, question));
    if (can_be_wrong[question->type])
        add_attribute(out, "data-wrong", survey_wrong_text(sitting, question));
}

/* What a screen reader says after the question: its help, what the ends of its scale mean, and what is wrong (empty until then). */
static void add_description(const struct sitting *sitting, const struct survey_question *question,
                            struct buf *out) {
    bool ends = survey_text_in(question->low, sitting->context.language)[0] ||
                survey_text_in(question->high, sitting->context.language)[0];
    buf_add_text(out, " aria-describedby=\"");
    if (survey_text_in(question->help, sitting->context.language)[0])
        buf_add_format(out, "h-%s ", question->id);
    if (ends)
        buf_add_format(out, "n-%s ", question->id);
    buf_add_format(out, "e-%s\"", question->id);
}

void survey_form_question(const struct sitting *sitting, size_t number, struct buf *out) {
    const struct survey_question *question = &sitting->survey->questions[number];
    bool asked = sitting->whole || survey_asks(question, sitting->answers, &sitting->context);
    const char *help = sitting_piped(sitting, question->help), *fault = sitting->faults[number];
    buf_add_format(out, "<fieldset class=\"q t-%s\" id=\"q-%s\"", survey_type_name(question->type),
                   question->id);
    if (question->show_if)
        add_condition(question, out);
    add_rules(sitting, question, out);
    add_description(sitting, question, out);
    if (fault)
        buf_add_text(out, " data-fault");
    buf_add_format(out, "%s><legend id=\"l-%s\">", asked ? "" : " hidden disabled", question->id);
    add(out, sitting_piped(sitting, question->text));
    if (question->required) {
        buf_add_text(out, " <abbr title=\"");
        add_text(sitting, out, "survey.required");
        buf_add_text(out, "\">*</abbr>");
    }
    buf_add_format(out, "</legend><input type=hidden name=q value=\"%s\">", question->id);
    if (*help) {
        buf_add_format(out, "<div class=help id=\"h-%s\">", question->id);
        add_prose(out, help);
        buf_add_text(out, "</div>");
    }
    buf_add_format(out, "<p class=fault id=\"e-%s\"%s>", question->id, fault ? "" : " hidden");
    add(out, fault ? fault : "");
    buf_add_text(out, "</p>");
    survey_fields(sitting, question, out);
    buf_add_text(out, "</fieldset>");
}

static void add_faults(const struct sitting *sitting, struct buf *out) {
    if (!sitting->has_faults)
        return;
    buf_add_text(out, "<div class=faults role=alert tabindex=-1><p>");
    add_text(sitting, out, "survey.faults");
    buf_add_text(out, "</p><ul>");
    for (size_t i = 0; i < sitting->survey->n_questions; i++) {
        if (!sitting->faults[i])
            continue;
        buf_add_format(out, "<li><a href=\"#q-%s\">", sitting->survey->questions[i].id);
        add(out, sitting_piped(sitting, sitting->survey->questions[i].text));
        buf_add_text(out, "</a>");
    }
    buf_add_text(out, "</ul></div>");
}

/* ---- the form ---- */

static void add_hidden(struct buf *out, const char *name, const char *value) {
    buf_add_format(out, "<input type=hidden name=\"%s\" value=\"", name);
    add(out, value);
    buf_add_text(out, "\">");
}

static void add_carried(const struct sitting *sitting, struct buf *out) {
    const struct survey *survey = sitting->survey;
    add_hidden(out, "r", sitting->submission);
    add_hidden(out, "p", survey->pages[sitting->page].id);
    add_hidden(out, "v", arena_format(sitting->request->arena, "%u", survey->version));
    add_hidden(out, "lang", survey->languages[sitting->context.language]);
    if (sitting->token)
        add_hidden(out, "t", sitting->token);
    if (sitting->csrf)
        add_hidden(out, "csrf", sitting->csrf);
    static const char *const places[] = {"channel", "touchpoint", "unit"};
    const struct slice values[] = {sitting->context.channel, sitting->context.touchpoint,
                                   sitting->context.unit};
    for (size_t i = 0; i < 3 && !sitting->token; i++)
        if (values[i].n)
            add_hidden(out, places[i], arena_text(sitting->request->arena, values[i]));
    const char *name;
    json_t *value;
    json_object_foreach(sitting->hidden, name, value) add_hidden(
        out, arena_format(sitting->request->arena, "h.%s", name), json_string_value(value));
    if (sitting->preview) {
        char *carried = json_dumps(sitting->answers, JSON_COMPACT);
        add_hidden(out, "carried", carried ? carried : "{}");
        free(carried);
    }
}

static void add_buttons(const struct sitting *sitting, size_t at, struct buf *out) {
    const struct survey *survey = sitting->survey;
    size_t language = sitting->context.language;
    bool last = at + 1 >= sitting->n_path;
    const char *next = survey_text_in(last ? survey->send_label : survey->next_label, language),
               *back = survey_text_in(survey->back_label, language);
    buf_add_text(out, "<div class=buttons><button name=do value=next class=primary>");
    add(out, *next ? next : sitting_text(sitting, last ? "survey.send" : "survey.next"));
    buf_add_text(out, "</button>");
    if (at && survey->back) {
        buf_add_text(out, "<button name=do value=back formnovalidate>");
        add(out, *back ? back : sitting_text(sitting, "survey.back"));
        buf_add_text(out, "</button>");
    }
    buf_add_text(out, "</div>");
}

/* Where to go on later: the address holds it from the second page on. */
static void add_resume(const struct sitting *sitting, size_t at, struct buf *out) {
    if (!at || !sitting->survey->resume || sitting->preview)
        return;
    buf_add_format(out, "<p class=later><a href=\"%s?%s=%s\">", sitting->action,
                   sitting->token ? "t" : "r",
                   sitting->token ? sitting->token : sitting->submission);
    add_text(sitting, out, "survey.later");
    buf_add_text(out, "</a></p>");
}

void survey_form_page(const struct sitting *sitting, struct buf *out) {
    const struct survey *survey = sitting->survey;
    const struct survey_page *page = &survey->pages[sitting->page];
    const char *title = sitting_piped(sitting, survey->title),
               *section = sitting_piped(sitting, page->title);
    size_t at = 0, *order = ARENA_ARRAY(sitting->request->arena, size_t, page->n + 1);
    while (at < sitting->n_path && sitting->path[at] != sitting->page)
        at++;
    add_head(sitting, title, true, out);
    buf_add_text(out, "<h1>");
    add(out, title);
    buf_add_text(out, "</h1>");
    add_languages(sitting, out);
    buf_add_text(out, "</header>");
    if (survey->progress && survey->n_pages > 1) {
        buf_add_format(out, "<progress max=%zu value=%zu aria-label=\"", sitting->n_path, at + 1);
        add_text(sitting, out, "survey.progress");
        buf_add_text(out, "\"></progress>");
    }
    add_faults(sitting, out);
    buf_add_format(out, "<form method=post action=\"%s\" data-seen=\"%s\">", sitting->action,
                   sitting->preview ? "" : survey->id);
    add_carried(sitting, out);
    if (!at)
        add_prose(out, sitting_piped(sitting, survey->welcome));
    if (*section) {
        buf_add_text(out, "<h2>");
        add(out, section);
        buf_add_text(out, "</h2>");
    }
    survey_order(survey, page, &sitting->context, order);
    for (size_t i = 0; i < page->n; i++)
        survey_form_question(sitting, order[i], out);
    add_buttons(sitting, at, out);
    buf_add_text(out, "</form>");
    add_resume(sitting, at, out);
    add_foot(out);
}

void survey_form_notice(const struct sitting *sitting, enum survey_notice notice,
                        const char *message, struct buf *out) {
    static const char *const titles[] = {"survey.thanks",  "survey.closed",   "survey.full",
                                         "survey.unknown", "survey.answered", "survey.expired"};
    static const char *const texts[] = {"survey.thanks_text",   "survey.closed_text",
                                        "survey.full_text",     "survey.unknown_text",
                                        "survey.answered_text", "survey.expired_text"};
    add_head(sitting, sitting_text(sitting, titles[notice]), false, out);
    buf_add_format(out, "</header><section class=notice%s><h1>",
                   notice == SURVEY_THANKS || notice == SURVEY_ANSWERED ? " data-done" : "");
    add_text(sitting, out, titles[notice]);
    buf_add_text(out, "</h1>");
    add_prose(out, message && *message ? message : sitting_text(sitting, texts[notice]));
    buf_add_text(out, "</section>");
    add_foot(out);
}

int survey_form_image(struct request *request, struct response *response,
                      const struct survey *survey, const char *cache, struct err *err) {
    const struct survey_question *question = survey_question(survey, slice_of(request->params[1]));
    const struct survey_option *option =
        question
            ? survey_option(question->options, question->n_options, slice_of(request->params[2]))
            : NULL;
    if (!option || !option->image.n)
        return err_set(err, E_NOT_FOUND, "no such picture");
    response->type = option->image_type;
    buf_init(&response->body, option->image.n + 1);
    buf_add_slice(&response->body, option->image);
    response_header(request, response, "Cache-Control", cache);
    return HANDLED;
}
