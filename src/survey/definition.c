/*
 * A definition as a whole: languages, pages, questions, quotas. docs/surveys.md describes the format.
 *
 * Jumps lead forward only and conditions look back only, so that every way through a survey ends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "survey/internal.h"

enum { TITLE_BYTES = 400, BODY_TEXT_BYTES = 8000, QUOTAS = 100, FIELDS = 40, JUMPS = 50 };

const char *survey_text_in(struct survey_text text, size_t language) {
    return text.in && text.in[language] ? text.in[language] : "";
}

json_t *survey_texts_json(const struct survey *survey, struct survey_text text) {
    json_t *texts = NULL;
    for (size_t l = 0; l < survey->n_languages; l++) {
        const char *in = survey_text_in(text, l);
        if (!in[0])
            continue;
        if (!texts)
            texts = json_object();
        json_object_set_new(texts, survey->languages[l], json_string(in));
    }
    return texts;
}

const struct survey_option *survey_option(const struct survey_option *options, size_t n,
                                          struct slice id) {
    for (size_t i = 0; i < n; i++)
        if (slice_is(id, options[i].id))
            return &options[i];
    return NULL;
}

const struct survey_question *survey_question(const struct survey *survey, struct slice id) {
    const char *point = id.n ? memchr(id.p, '.', id.n) : NULL;
    if (point)
        id.n = (size_t)(point - id.p);
    for (size_t i = 0; i < survey->n_questions; i++)
        if (slice_is(id, survey->questions[i].id))
            return &survey->questions[i];
    return NULL;
}

/* ---- languages ---- */

static bool is_language(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789");
    return n >= 2 && n <= 20 && !text[n] && text[0] != '-';
}

static int parse_language_list(struct parsing *parsing, const json_t *json) {
    struct survey *survey = parsing->survey;
    const json_t *list = json_object_get(json, "languages");
    const char **languages = ARENA_ARRAY(parsing->arena, const char *, SURVEY_LANGUAGES);
    size_t n = json_array_size(list);
    survey->languages = languages;
    if (!list) {
        languages[0] = "es";
        survey->n_languages = 1;
        return 0;
    }
    if (!n || n > SURVEY_LANGUAGES)
        return parse_fault(parsing, "", "languages", "must be a list of 1 to %d languages",
                           SURVEY_LANGUAGES);
    for (size_t i = 0; i < n; i++) {
        const char *language = json_string_value(json_array_get(list, i));
        if (!language || !is_language(language))
            return parse_fault(parsing, "", "languages", "languages are written as es, en, pt-BR");
        languages[i] = arena_text(parsing->arena, slice_of(language));
    }
    survey->n_languages = n;
    return 0;
}

/* How well a language is met by a wish: 3 the same, 2 one is the other's ("es" and "es-MX"), 0 not. */
static int likeness(const char *language, const char *wish, size_t n) {
    size_t own = strcspn(language, "-"), base = 0;
    while (base < n && wish[base] != '-')
        base++;
    if (strlen(language) == n && strncasecmp(language, wish, n) == 0)
        return 3;
    return own == base && strncasecmp(language, wish, own) == 0 ? 2 : 0;
}

size_t survey_language(const struct survey *survey, const char *accepted) {
    double best = 0;
    size_t chosen = 0;
    for (const char *at = accepted ? accepted : ""; *at; at += strcspn(at, ","), at += *at == ',') {
        at += strspn(at, " ");
        size_t n = strcspn(at, ",; ");
        const char *weight = strstr(at, "q=");
        double q = weight && weight < at + strcspn(at, ",") ? strtod(weight + 2, NULL) : 1;
        for (size_t i = 0; i < survey->n_languages; i++) {
            double value = likeness(survey->languages[i], at, n) * (q > 0 && q <= 1 ? q : 0);
            if (value > best) {
                best = value;
                chosen = i;
            }
        }
    }
    return chosen;
}

/* ---- pages ---- */

static int parse_questions(struct parsing *parsing, const json_t *json, const char *at,
                           struct survey_page *page) {
    struct survey *survey = parsing->survey;
    const json_t *list = json_object_get(json, "questions");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n)
        return parse_fault(parsing, at, "questions", "a page has at least one question");
    if (survey->n_questions + n > SURVEY_QUESTIONS)
        return parse_fault(parsing, at, "questions", "a survey has at most %d questions",
                           SURVEY_QUESTIONS);
    page->first = survey->n_questions;
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        struct survey_question *question = &parsing->questions[survey->n_questions];
        code = parse_question(parsing, json_array_get(list, i),
                              arena_format(parsing->arena, "%s/questions/%zu", at, i), question);
        question->page = survey->n_pages;
        if (!code)
            survey->n_questions++;
    }
    page->n = n;
    return code;
}

static int parse_page(struct parsing *parsing, const json_t *json, const char *at,
                      struct survey_page *page) {
    const json_t *show_if = json_object_get(json, "show_if");
    int code = parse_known(parsing, json, "id title show_if random questions jump", at);
    page->id = arena_format(parsing->arena, "page-%zu", parsing->survey->n_pages + 1);
    if (!code && json_object_get(json, "id"))
        code = parse_id(parsing, json, at, &page->id);
    for (size_t i = 0; i < parsing->survey->n_pages && !code; i++)
        if (strcmp(parsing->pages[i].id, page->id) == 0)
            code = parse_fault(parsing, at, "id", "another page has the id \"%.60s\"", page->id);
    if (!code)
        code = parse_text(parsing, json, "title", at, TITLE_BYTES, &page->title);
    if (!code)
        code = parse_flag(parsing, json, "random", at, &page->randomise);
    if (!code && show_if && !json_is_null(show_if))
        code = parse_condition(parsing, show_if, arena_format(parsing->arena, "%s/show_if", at),
                               &page->show_if);
    return code ? code : parse_questions(parsing, json, at, page);
}

static int parse_jump(struct parsing *parsing, const json_t *json, const char *at, size_t from,
                      struct survey_jump *jump) {
    const struct survey *survey = parsing->survey;
    const char *to = "";
    int code = parse_known(parsing, json, "if to", at);
    if (!code)
        code = parse_string(parsing, json, "to", at, SURVEY_ID_BYTES, &to);
    if (!code && json_object_get(json, "if"))
        code = parse_condition(parsing, json_object_get(json, "if"),
                               arena_format(parsing->arena, "%s/if", at), &jump->condition);
    if (code)
        return code;
    jump->to = strcmp(to, "end") == 0 ? survey->n_pages : 0;
    for (size_t i = 0; i < survey->n_pages && !jump->to; i++)
        if (strcmp(parsing->pages[i].id, to) == 0)
            jump->to = i;
    return jump->to > from
               ? 0
               : parse_fault(parsing, at, "to", "\"%.60s\" is no later page (nor \"end\")", to);
}

/* After all pages are known. Conditions of a jump see the questions up to its page. */
static int parse_jumps(struct parsing *parsing, const json_t *json, size_t p) {
    struct survey_page *page = &parsing->pages[p];
    const json_t *list = json_object_get(json, "jump");
    size_t n = json_array_size(list), all = parsing->survey->n_questions;
    int code = 0;
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list) || n > JUMPS)
        return parse_fault(parsing, arena_format(parsing->arena, "/pages/%zu", p), "jump",
                           "must be a list of at most %d", JUMPS);
    struct survey_jump *jumps = ARENA_ARRAY(parsing->arena, struct survey_jump, n + 1);
    parsing->survey->n_questions = page->first + page->n;
    for (size_t i = 0; i < n && !code; i++)
        code = parse_jump(parsing, json_array_get(list, i),
                          arena_format(parsing->arena, "/pages/%zu/jump/%zu", p, i), p, &jumps[i]);
    parsing->survey->n_questions = all;
    page->jumps = jumps;
    page->n_jumps = n;
    return code;
}

static int parse_pages(struct parsing *parsing, const json_t *json) {
    struct survey *survey = parsing->survey;
    const json_t *list = json_object_get(json, "pages");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n || n > SURVEY_PAGES)
        return parse_fault(parsing, "", "pages", "must be a list of 1 to %d pages", SURVEY_PAGES);
    survey->pages = parsing->pages = ARENA_ARRAY(parsing->arena, struct survey_page, n);
    survey->questions = parsing->questions =
        ARENA_ARRAY(parsing->arena, struct survey_question, SURVEY_QUESTIONS);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        code = parse_page(parsing, json_array_get(list, i),
                          arena_format(parsing->arena, "/pages/%zu", i), &parsing->pages[i]);
        survey->n_pages++;
    }
    for (size_t i = 0; i < n && !code; i++)
        code = parse_jumps(parsing, json_array_get(list, i), i);
    return code;
}

/* ---- the rest ---- */

static int parse_quotas(struct parsing *parsing, const json_t *json) {
    const json_t *list = json_object_get(json, "quotas");
    size_t n = json_array_size(list);
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list) || n > QUOTAS)
        return parse_fault(parsing, "", "quotas", "must be a list of at most %d", QUOTAS);
    struct survey_quota *quotas = ARENA_ARRAY(parsing->arena, struct survey_quota, n + 1);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        const json_t *quota = json_array_get(list, i);
        const char *at = arena_format(parsing->arena, "/quotas/%zu", i);
        double limit = -1;
        code = parse_known(parsing, quota, "id if limit message", at);
        if (!code)
            code = parse_id(parsing, quota, at, &quotas[i].id);
        if (!code)
            code = parse_number(parsing, quota, "limit", at, 0, 1e9, &limit);
        if (!code && limit < 0)
            code = parse_fault(parsing, at, "limit", "a limit is missing");
        if (!code)
            code = parse_text(parsing, quota, "message", at, BODY_TEXT_BYTES, &quotas[i].message);
        if (!code)
            code = parse_condition(parsing, json_object_get(quota, "if"),
                                   arena_format(parsing->arena, "%s/if", at), &quotas[i].condition);
        quotas[i].limit = limit > 0 ? (uint64_t)limit : 0;
    }
    parsing->survey->quotas = quotas;
    parsing->survey->n_quotas = n;
    return code;
}

static int parse_names(struct parsing *parsing, const json_t *json, const char *name,
                       const char *const **names, size_t *n) {
    const json_t *list = json_object_get(json, name);
    size_t many = json_array_size(list);
    if (!list || json_is_null(list))
        return 0;
    if (!json_is_array(list) || many > FIELDS)
        return parse_fault(parsing, "", name, "must be a list of at most %d names", FIELDS);
    const char **texts = ARENA_ARRAY(parsing->arena, const char *, many + 1);
    for (size_t i = 0; i < many; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !is_survey_id(text))
            return parse_fault(parsing, "", name, "names have letters, digits, - and _");
        texts[i] = arena_text(parsing->arena, slice_of(text));
    }
    *names = texts;
    *n = many;
    return 0;
}

static int parse_texts(struct parsing *parsing, const json_t *json) {
    struct survey *survey = parsing->survey;
    const struct {
        const char *name;
        size_t max;
        struct survey_text *text;
    } texts[] = {{"title", TITLE_BYTES, &survey->title},
                 {"welcome", BODY_TEXT_BYTES, &survey->welcome},
                 {"thanks", BODY_TEXT_BYTES, &survey->thanks},
                 {"closed", BODY_TEXT_BYTES, &survey->closed},
                 {"next", 100, &survey->next_label},
                 {"previous", 100, &survey->back_label},
                 {"send", 100, &survey->send_label}};
    int code = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !code; i++)
        code = parse_text(parsing, json, texts[i].name, "", texts[i].max, texts[i].text);
    return !code && !survey->title.in ? parse_fault(parsing, "", "title", "a title is missing")
                                      : code;
}

static int parse_settings(struct parsing *parsing, const json_t *json) {
    struct survey *survey = parsing->survey;
    const char *closes = "";
    double limit = 0, after_h = 24;
    int code = parse_string(parsing, json, "channel", "", LIMIT_NAME_BYTES, &survey->channel);
    if (!code)
        code = parse_string(parsing, json, "touchpoint", "", LIMIT_NAME_BYTES, &survey->touchpoint);
    if (!code)
        code = parse_string(parsing, json, "unit", "", LIMIT_NAME_BYTES, &survey->unit);
    if (!code)
        code = parse_flag(parsing, json, "progress", "", &survey->progress);
    if (!code)
        code = parse_flag(parsing, json, "back", "", &survey->back);
    if (!code)
        code = parse_flag(parsing, json, "resume", "", &survey->resume);
    if (!code)
        code = parse_number(parsing, json, "limit", "", 1, 1e9, &limit);
    if (!code)
        code = parse_number(parsing, json, "partial_after_h", "", 1, 720, &after_h);
    if (!code)
        code = parse_string(parsing, json, "closes_at", "", 40, &closes);
    if (!code && *closes && time_parse(slice_of(closes), NULL, &survey->closes_ms))
        code = parse_fault(parsing, "", "closes_at", "must be an instant: 2026-12-31T22:00:00Z");
    survey->limit = (uint64_t)limit;
    survey->partial_after_h = (int)after_h;
    return code;
}

static int parse_all(struct parsing *parsing, const json_t *json) {
    struct survey *survey = parsing->survey;
    int code = parse_known(parsing, json,
                           "title languages welcome thanks closed next previous send channel "
                           "touchpoint unit progress back resume closes_at limit partial_after_h "
                           "hidden traits quotas pages",
                           "");
    if (!code)
        code = parse_language_list(parsing, json);
    if (!code)
        code = parse_texts(parsing, json);
    if (!code)
        code = parse_settings(parsing, json);
    if (!code)
        code = parse_names(parsing, json, "hidden", &survey->hidden, &survey->n_hidden);
    if (!code)
        code = parse_names(parsing, json, "traits", &survey->traits, &survey->n_traits);
    if (!code)
        code = parse_pages(parsing, json);
    return code ? code : parse_quotas(parsing, json);
}

int survey_parse(json_t *definition, struct survey **out, struct err *err) {
    struct survey_private *private = calloc(1, sizeof *private);
    if (!private)
        abort();
    arena_init(&private->arena);
    atomic_init(&private->references, 1);
    struct survey *survey = ARENA_ARRAY(&private->arena, struct survey, 1);
    *survey = (struct survey){.id = "",
                              .channel = "",
                              .touchpoint = "",
                              .unit = "",
                              .progress = true,
                              .back = true,
                              .resume = true,
                              .private = private};
    private->definition = json_incref(definition);
    survey->definition = definition;
    struct parsing parsing = {.survey = survey, .arena = &private->arena, .err = err};
    int code = parse_all(&parsing, definition);
    if (code) {
        survey_release(survey);
        return code;
    }
    *out = survey;
    return 0;
}

struct survey *survey_retain(struct survey *survey) {
    atomic_fetch_add(&survey->private->references, 1);
    return survey;
}

void survey_release(struct survey *survey) {
    if (!survey || atomic_fetch_sub(&survey->private->references, 1) != 1)
        return;
    struct survey_private *private = survey->private;
    json_decref(private->definition);
    arena_release(&private->arena);
    free(private);
}
