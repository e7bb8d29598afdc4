/*
 * From a form's fields to answers, and from answers to the next page.
 *
 * NAMES of fields: a.QUESTION (choices several times), a.QUESTION.ROW, a.QUESTION.ROW.expected, a.QUESTION.OPTION of a ranking,
 * a.QUESTION.email of contact details, o.QUESTION own words of `other`, h.NAME hidden fields, q the ids of questions that were
 * shown, r the submission, p the page, t the personal link.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/survey_sitting.h"

#include <sodium.h>
#include <stdlib.h>

#include "http/router.h"
#include "pages/text.h"

enum { HIDDEN_BYTES = 200, SUBMISSION_RANDOM = 16, FIELDS_MAX = 4000 };

const char *sitting_text(const struct sitting *sitting, const char *key) {
    return text_of(sitting->ui, key);
}

const char *sitting_piped(const struct sitting *sitting, struct survey_text text) {
    const char *in = survey_text_in(text, sitting->context.language);
    return sitting->whole ? in
                          : survey_pipe(sitting->survey, in, sitting->answers, &sitting->context,
                                        sitting->request->arena);
}

static void make_submission(struct sitting *sitting) {
    unsigned char bytes[SUBMISSION_RANDOM];
    size_t room = sodium_base64_encoded_len(sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_get(sitting->request->arena, room);
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(text, room, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sitting->submission = text;
}

static void set_language(struct sitting *sitting, const char *wish) {
    sitting->context.language = survey_language(sitting->survey, wish);
    const char *language = sitting->survey->languages[sitting->context.language];
    sitting->ui = strncmp(language, "es", 2) == 0 ? "es" : "en";
}

void sitting_begin(struct sitting *sitting, struct request *request, const struct survey *survey) {
    *sitting = (struct sitting){
        .request = request, .survey = survey, .answers = json_object(), .hidden = json_object()};
    sitting->context = (struct survey_context){.time_ms = request->received_ms,
                                               .received_ms = request->received_ms,
                                               .hidden = sitting->hidden};
    sitting->action = arena_format(request->arena, "/s/%s", survey->id);
    make_submission(sitting);
    set_language(sitting, request_header(request, "Accept-Language"));
}

void sitting_release(struct sitting *sitting) {
    json_decref(sitting->answers);
    json_decref(sitting->hidden);
    json_decref(sitting->traits);
    json_decref(sitting->kept);
}

/* ---- fields ---- */

static bool is_hidden(const struct survey *survey, const char *name) {
    for (size_t i = 0; i < survey->n_hidden; i++)
        if (strcmp(survey->hidden[i], name) == 0)
            return true;
    return false;
}

static void put_hidden(struct sitting *sitting, const char *name, const char *value) {
    if (value && *value && strlen(value) <= HIDDEN_BYTES && is_hidden(sitting->survey, name))
        json_object_set_new(sitting->hidden, name, json_string(value));
}

static json_t *object_at(json_t *json, const char *name) {
    json_t *inner = json_object_get(json, name);
    if (!json_is_object(inner)) {
        inner = json_object();
        json_object_set_new(json, name, inner);
    }
    return inner;
}

/* a.QUESTION, a.QUESTION.PART or a.QUESTION.PART.SIDE; path is cut up. */
static void put_answer(struct sitting *sitting, char *path, const char *value) {
    char *part = strchr(path, '.');
    if (part)
        *part++ = 0;
    const struct survey_question *question = survey_question(sitting->survey, slice_of(path));
    if (!question)
        return;
    if (part) {
        char *side = strchr(part, '.');
        if (side)
            *side++ = 0;
        json_t *rows = object_at(sitting->answers, path);
        if (!*value)
            return;
        if (side)
            json_object_set_new(object_at(rows, part), side, json_string(value));
        else
            json_object_set_new(rows, part, json_string(value));
    } else if (question->type == SURVEY_CHOICES) {
        json_t *list = json_object_get(sitting->answers, path);
        if (!json_is_array(list)) {
            list = json_array();
            json_object_set_new(sitting->answers, path, list);
        }
        if (*value && json_array_size(list) <= SURVEY_OPTIONS)
            json_array_append_new(list, json_string(value));
    } else {
        json_object_set_new(sitting->answers, path, json_string(value));
    }
}

/* What a page asks is as the form says: an answer taken away is none. */
static void forget_page(struct sitting *sitting, const struct survey_page *page) {
    for (size_t i = 0; i < page->n; i++) {
        const char *id = sitting->survey->questions[page->first + i].id;
        json_object_del(sitting->answers, id);
        json_object_del(sitting->answers, arena_format(sitting->request->arena, "%s.other", id));
    }
}

static size_t page_named(const struct survey *survey, const char *id) {
    for (size_t i = 0; id && i < survey->n_pages; i++)
        if (strcmp(survey->pages[i].id, id) == 0)
            return i;
    return survey->n_pages;
}

static void take_field(struct sitting *sitting, char *name, const char *value) {
    if (strncmp(name, "a.", 2) == 0)
        put_answer(sitting, name + 2, value);
    else if (strncmp(name, "o.", 2) == 0 && *value)
        json_object_set_new(sitting->answers,
                            arena_format(sitting->request->arena, "%s.other", name + 2),
                            json_string(value));
    else if (strncmp(name, "h.", 2) == 0)
        put_hidden(sitting, name + 2, value);
    else if (strcmp(name, "lang") == 0)
        set_language(sitting, value);
}

/* Each name and value of the body, decoded; also those that are there more than once. */
void sitting_read_form(struct sitting *sitting) {
    struct arena *arena = sitting->request->arena;
    const char *page = request_form(sitting->request, "p");
    struct slice body = sitting->request->body;
    size_t p = page_named(sitting->survey, page), n = 0;
    sitting->page = p < sitting->survey->n_pages ? p : 0;
    forget_page(sitting, &sitting->survey->pages[sitting->page]);
    for (const char *at = body.p, *end = body.p + body.n; at < end && n < FIELDS_MAX; n++) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        struct slice name, value;
        if (equals && url_decode((struct slice){at, (size_t)(equals - at)}, true, arena, &name) &&
            url_decode((struct slice){equals + 1, (size_t)(stop - equals - 1)}, true, arena,
                       &value))
            take_field(sitting, arena_text(arena, name), arena_text(arena, value));
        at = stop + 1;
    }
}

/* An address may choose an answer beforehand (one question inside a mail): it is shown, never recorded. */
void sitting_read_query(struct sitting *sitting) {
    struct request *request = sitting->request;
    const char *language = request_query(request, "lang");
    if (language)
        set_language(sitting, language);
    for (size_t i = 0; i < sitting->survey->n_hidden; i++)
        put_hidden(sitting, sitting->survey->hidden[i],
                   request_query(request, sitting->survey->hidden[i]));
    for (size_t i = 0; i < sitting->survey->n_questions; i++) {
        const struct survey_question *question = &sitting->survey->questions[i];
        const char *value = request_query(request, question->id);
        struct err ignored = {0};
        json_t *given, *checked;
        if (!value || question->type == SURVEY_CONTACT)
            continue;
        given = json_pack("{s:s}", question->id, value);
        if (survey_check_answer(question, given, &checked, &ignored) == 0 && checked)
            json_object_set_new(sitting->answers, question->id, checked);
        json_decref(given);
    }
}

/* ---- the way ---- */

static bool is_answered(const struct sitting *sitting, const struct survey_question *question) {
    json_t *value;
    struct err ignored = {0};
    int code = survey_check_answer(question, sitting->answers, &value, &ignored);
    json_decref(value);
    return code == 0;
}

/* Every question that must be answered on a page is. */
static bool is_passed(const struct sitting *sitting, size_t page) {
    const struct survey_page *at = &sitting->survey->pages[page];
    for (size_t i = 0; i < at->n; i++) {
        const struct survey_question *question = &sitting->survey->questions[at->first + i];
        if (survey_asks(question, sitting->answers, &sitting->context) &&
            !is_answered(sitting, question))
            return false;
    }
    return true;
}

static void find_path(struct sitting *sitting) {
    sitting->n_path =
        survey_path(sitting->survey, sitting->answers, &sitting->context, sitting->path);
}

void sitting_place(struct sitting *sitting, const char *page) {
    if (!page && sitting->kept)
        page = json_string_value(json_object_get(sitting->kept, "page"));
    size_t wanted = page_named(sitting->survey, page), i = 0;
    find_path(sitting);
    while (i + 1 < sitting->n_path && sitting->path[i] != wanted &&
           (wanted < sitting->survey->n_pages || sitting->kept) &&
           is_passed(sitting, sitting->path[i]))
        i++;
    sitting->page = sitting->n_path ? sitting->path[i] : 0;
}

/* The form showed this question: its id is among the fields `q`. */
static bool was_shown(const struct sitting *sitting, const char *id) {
    struct slice body = sitting->request->body;
    const char *field = arena_format(sitting->request->arena, "q=%s", id);
    size_t n = strlen(field);
    for (const char *at = body.p, *end = body.p + body.n; at && at < end;) {
        const char *found = memmem(at, (size_t)(end - at), field, n);
        if (!found)
            return false;
        if ((found == body.p || found[-1] == '&') && (found + n == end || found[n] == '&'))
            return true;
        at = found + n;
    }
    return false;
}

/* Nothing was said, or not all of a table that must be whole. */
static bool is_missing(const struct survey_question *question, const json_t *given) {
    return !given || question->n_rows || (json_is_string(given) && !json_string_length(given)) ||
           (json_is_array(given) && !json_array_size(given)) ||
           (json_is_object(given) && !json_object_size(given)) || question->type == SURVEY_CONSENT;
}

/* Checks one question of the page; true: it was not shown yet and is to be. */
static bool check_question(struct sitting *sitting, size_t number) {
    const struct survey_question *question = &sitting->survey->questions[number];
    struct err fault = {0};
    json_t *value;
    if (!survey_asks(question, sitting->answers, &sitting->context))
        return false;
    if (!was_shown(sitting, question->id))
        return question->type != SURVEY_STATEMENT || !question->show_if ? true : false;
    if (survey_check_answer(question, sitting->answers, &value, &fault)) {
        bool missing = is_missing(question, json_object_get(sitting->answers, question->id));
        sitting->faults[number] =
            missing ? survey_missing_text(sitting, question) : survey_wrong_text(sitting, question);
        sitting->has_faults = true;
    } else if (value) {
        json_object_set(sitting->answers, question->id, value);
    }
    json_decref(value);
    return false;
}

static bool is_back(const struct sitting *sitting) {
    const char *todo = request_form(sitting->request, "do");
    return todo && strcmp(todo, "back") == 0;
}

enum sitting_step sitting_step(struct sitting *sitting) {
    const struct survey_page *page = &sitting->survey->pages[sitting->page];
    bool opened = false;
    size_t at = 0;
    find_path(sitting);
    while (at < sitting->n_path && sitting->path[at] != sitting->page)
        at++;
    if (is_back(sitting)) {
        sitting->page = at && at < sitting->n_path ? sitting->path[at - 1] : sitting->page;
        return STEP_GO;
    }
    for (size_t i = 0; i < page->n; i++)
        opened |= check_question(sitting, page->first + i);
    if (sitting->has_faults || opened)
        return STEP_SHOW;
    /* A page before this one that was left out, because an answer was changed or the address says so. */
    for (size_t i = 0; i < at && i < sitting->n_path; i++)
        if (!is_passed(sitting, sitting->path[i])) {
            sitting->page = sitting->path[i];
            return STEP_GO;
        }
    if (at + 1 >= sitting->n_path)
        return STEP_SUBMIT;
    sitting->page = sitting->path[at + 1];
    return STEP_GO;
}

/* ---- keeping ---- */

static void set_member(json_t *state, const char *name, struct slice text) {
    if (text.n)
        json_object_set_new(state, name, json_stringn(text.p, text.n));
}

json_t *sitting_state(const struct sitting *sitting) {
    const struct survey_context *context = &sitting->context;
    json_t *state = json_pack("{s:O, s:O, s:s, s:s, s:I}", "answers", sitting->answers, "hidden",
                              sitting->hidden, "page", sitting->survey->pages[sitting->page].id,
                              "language", sitting->survey->languages[context->language], "source",
                              (json_int_t)context->source.number);
    if (sitting->traits)
        json_object_set(state, "traits", sitting->traits);
    if (context->recorded)
        json_object_set(state, "recorded", (json_t *)(uintptr_t)context->recorded);
    set_member(state, "customer", context->customer);
    set_member(state, "invitation", context->invitation);
    set_member(state, "channel", context->channel);
    set_member(state, "touchpoint", context->touchpoint);
    set_member(state, "unit", context->unit);
    return state;
}

void sitting_resume(struct sitting *sitting, json_t *state) {
    struct survey_context *context = &sitting->context;
    const struct survey_context fresh = *context;
    sitting->kept = state;
    survey_context_of_state(sitting->survey, state, context);
    context->source = fresh.source;
    if (fresh.customer.n)
        context->customer = fresh.customer;
    json_decref(sitting->answers);
    sitting->answers = json_deep_copy(json_object_get(state, "answers"));
    if (!json_is_object(sitting->answers)) {
        json_decref(sitting->answers);
        sitting->answers = json_object();
    }
    json_object_update(sitting->hidden, json_object_get(state, "hidden"));
    context->hidden = sitting->hidden;
    if (!sitting->traits)
        sitting->traits = json_incref(json_object_get(state, "traits"));
    context->traits = sitting->traits;
    set_language(sitting, sitting->survey->languages[context->language]);
}
