/*
 * Surveys: the list, making one, the editor with its preview, publishing and closing.
 *
 * The editor (js/survey_edit.js) works on the draft through the API; this page gives it the words, and draws the draft as people will
 * see it. A preview keeps what was answered in the form itself: nothing is recorded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/survey_sitting.h"
#include "pages/text.h"

enum { PREVIEW_BYTES = 2 * 1024 * 1024, FORM_BYTES = 512 * 1024 };

static const char editor_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
static const char preview_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

static const char *edit_path(struct request *request, const char *id) {
    return arena_format(request->arena, "%s/edit", page_path(request, "/surveys/", id));
}

/* ---- the list ---- */

static int render_list(struct request *request, struct response *response, json_t *view,
                       struct err *err) {
    static const struct page page = {
        .template = "surveys", .section = "surveys", .title = "surveys.title"};
    json_t *answer;
    int code = page_fetch(request, "/api/v1/surveys", &answer, err);
    if (code < 0) {
        json_decref(view);
        return code;
    }
    json_object_set(view, "surveys", json_object_get(answer, "data"));
    json_decref(answer);
    return page_render(request, response, &page, view, err);
}

static int list(struct request *request, struct response *response, struct err *err) {
    return render_list(request, response, json_object(), err);
}

static json_t *option(const char *id, const char *text) {
    return json_pack("{s:s, s:s}", "id", id, "text", text);
}

/* What a new survey begins with, in the maker's language. */
static json_t *template_of(const struct request *request, const char *kind, const char *title) {
    json_t *questions = json_array();
    const char *language = request->language;
    if (strcmp(kind, "csat") == 0)
        json_array_append_new(questions,
                              json_pack("{s:s, s:s, s:s, s:b, s:s}", "id", "satisfied", "type",
                                        "csat", "look", "faces", "required", 1, "text",
                                        page_text(request, "surveys.template.csat")));
    else if (strcmp(kind, "ces") == 0)
        json_array_append_new(questions, json_pack("{s:s, s:s, s:b, s:s}", "id", "easy", "type",
                                                   "ces", "required", 1, "text",
                                                   page_text(request, "surveys.template.ces")));
    else
        json_array_append_new(
            questions, json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "id", "recommend", "type", "nps",
                                 "required", 1, "text", page_text(request, "surveys.template.nps"),
                                 "low", page_text(request, "surveys.template.low"), "high",
                                 page_text(request, "surveys.template.high")));
    if (strcmp(kind, "long") == 0)
        json_array_append_new(
            questions,
            json_pack("{s:s, s:s, s:s, s:b, s:[o, o, o]}", "id", "reasons", "type", "choices",
                      "text", page_text(request, "surveys.template.reasons"), "other", 1, "options",
                      option("staff", page_text(request, "surveys.template.staff")),
                      option("wait", page_text(request, "surveys.template.wait")),
                      option("price", page_text(request, "surveys.template.price"))));
    json_array_append_new(questions, json_pack("{s:s, s:s, s:s}", "id", "why", "type", "long_text",
                                               "text", page_text(request, "surveys.template.why")));
    return json_pack("{s:s, s:[s], s:[{s:s, s:o}]}", "title", title, "languages", language, "pages",
                     "id", "page-1", "questions", questions);
}

static int refused(struct request *request, struct response *response, const struct err *refusal,
                   struct err *err) {
    json_t *view = json_object();
    const char *title = request_form(request, "title");
    page_form_error(request, view, refusal);
    json_object_set_new(view, "form_title", json_string(title ? title : ""));
    response->status = err_status(refusal->code);
    return render_list(request, response, view, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    const char *title = request_form(request, "title"), *kind = request_form(request, "kind");
    struct err refusal = {0};
    json_t *answer;
    json_t *body = json_pack("{s:o}", "definition",
                             template_of(request, kind ? kind : "nps", title ? title : ""));
    if (!title || !*title) {
        json_decref(body);
        err_at(&refusal, E_INVALID, "/title", "a title is missing");
        return refused(request, response, &refusal, err);
    }
    int code = page_send(request, METHOD_POST, "/api/v1/surveys", body, &answer, &refusal);
    if (code < 0)
        return refused(request, response, &refusal, err);
    const char *id =
        arena_text(request->arena, slice_of(json_string_value(json_object_get(answer, "id"))));
    json_decref(answer);
    return page_redirect(request, response, edit_path(request, id), NULL);
}

static int import(struct request *request, struct response *response, struct err *err) {
    struct err refusal = {0};
    json_t *answer;
    int code = page_forward(request, "/api/v1/surveys/import", &answer, &refusal);
    if (code < 0)
        return refused(request, response, &refusal, err);
    const char *id =
        arena_text(request->arena, slice_of(json_string_value(json_object_get(answer, "id"))));
    json_t *left = json_object_get(answer, "left_out");
    if (json_array_size(left)) {
        json_t *view =
            json_pack("{s:O, s:s}", "left_out", left, "imported", edit_path(request, id));
        json_decref(answer);
        return render_list(request, response, view, err);
    }
    json_decref(answer);
    return page_redirect(request, response, edit_path(request, id), NULL);
}

/* publish, close, open from the list and the editor; remove goes back to the list. */
static int act(struct request *request, struct response *response, struct err *err) {
    static const char *const known[] = {"publish", "close", "open"};
    const char *what = request->params[1],
               *path = page_path(request, "/api/v1/surveys/", request->params[0]);
    if (strcmp(what, "remove") == 0) {
        int code = page_send(request, METHOD_DELETE, path, NULL, NULL, err);
        return code < 0 ? code : page_redirect(request, response, "/surveys", "removed");
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], what) == 0) {
            int code =
                page_send(request, METHOD_POST, arena_format(request->arena, "%s/%s", path, what),
                          NULL, NULL, err);
            return code < 0 ? code
                            : page_redirect(request, response, "/surveys",
                                            arena_format(request->arena, "survey_%s", what));
        }
    return err_set(err, E_NOT_FOUND, "nothing is at this address");
}

/* ---- the editor ---- */

/* The words of the editor's script. */
static const char *const words[] = {
    "add_page",    "add_question", "add_option", "add_row",     "add_column", "add_condition",
    "add_jump",    "add_quota",    "up",         "down",        "remove",     "copy",
    "undo",        "redo",         "saved",      "saving",      "not_saved",  "fault",
    "page",        "question",     "text",       "help",        "type",       "id",
    "required",    "random",       "other",      "none",        "low",        "high",
    "points",      "look",         "scale",      "least",       "most",       "options",
    "rows",        "columns",      "min",        "max",         "step",       "from",
    "to",          "purpose",      "fields",     "placeholder", "show_if",    "always",
    "all",         "any",          "jump",       "end",         "settings",   "title",
    "welcome",     "thanks",       "languages",  "language",    "channel",    "touchpoint",
    "unit",        "hidden",       "traits",     "closes_at",   "limit",      "progress",
    "back",        "resume",       "quotas",     "message",     "emoji",      "image",
    "advanced",    "if",           "then",       "value",       "publish",    "published",
    "versions",    "restore",      "numbers",    "stars",       "faces",      "op.=",
    "op.!=",       "op.<",         "op.<=",      "op.>",        "op.>=",      "op.in",
    "op.contains", "op.exists",    "op.absent",  "open_page",   "draft",      "closed"};

static json_t *words_json(const struct request *request) {
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        json_object_set_new(json, words[i],
                            json_string(page_text(
                                request, arena_format(request->arena, "surveys.ed.%s", words[i]))));
    json_t *types = json_object();
    for (int i = 0; i < SURVEY_TYPES_N; i++) {
        const char *type = survey_type_name((enum survey_type)i);
        json_object_set_new(
            types, type,
            json_string(page_text(request, arena_format(request->arena, "surveys.type.%s", type))));
    }
    json_object_set_new(json, "types", types);
    static const char *const contact[] = {"name", "email", "phone", "company"};
    json_t *fields = json_object();
    for (size_t i = 0; i < sizeof contact / sizeof *contact; i++)
        json_object_set_new(
            fields, contact[i],
            json_string(
                page_text(request, arena_format(request->arena, "survey.contact.%s", contact[i]))));
    json_object_set_new(json, "contact", fields);
    return json;
}

static int edit(struct request *request, struct response *response, struct err *err) {
    static const struct page page = {.template = "survey_edit",
                                     .section = "surveys",
                                     .script = "js/survey_edit.js",
                                     .style = "css/surveys.css",
                                     .wide = true};
    json_t *survey;
    int code = page_fetch(request, page_path(request, "/api/v1/surveys/", request->params[0]),
                          &survey, err);
    if (code < 0)
        return code;
    json_t *view = json_pack("{s:O, s:O, s:o, s:s}", "survey", survey, "title",
                             json_object_get(survey, "title"), "words", words_json(request), "path",
                             page_path(request, "/surveys/", request->params[0]));
    json_object_del(survey, "definition");
    json_decref(survey);
    response_header(request, response, "Content-Security-Policy", editor_policy);
    return page_render(request, response, &page, view, err);
}

/* ---- the preview ---- */

static void begin_preview(struct request *request, struct response *response) {
    response->status = 200;
    response->type = "text/html; charset=utf-8";
    response_header(request, response, "Content-Security-Policy", preview_policy);
    buf_init(&response->body, PREVIEW_BYTES);
}

static void begin_sitting(struct sitting *sitting, struct request *request,
                          const struct survey *survey) {
    sitting_begin(sitting, request, survey);
    sitting->preview = true;
    sitting->csrf = request->csrf;
    sitting->action = arena_format(request->arena, "%s/preview",
                                   page_path(request, "/surveys/", request->params[0]));
    sitting->submission = "preview";
    sitting->context.submission = slice_of(sitting->submission);
}

/* What keeps the draft from being shown. */
static int show_fault(struct request *request, struct response *response, const struct err *fault) {
    struct sitting sitting = {.request = request, .ui = request->language};
    begin_preview(request, response);
    survey_form_notice(
        &sitting, SURVEY_UNKNOWN,
        arena_format(request->arena, "%s: %s", fault->pointer, page_message(request, fault)),
        &response->body);
    return HANDLED;
}

static int load_draft(struct request *request, struct survey **survey, struct err *err) {
    return survey_find_version(app_folder(request->app), slice_of(request->params[0]), 0, survey,
                               err);
}

static int preview(struct request *request, struct response *response, struct err *err) {
    const char *wanted = request_query(request, "page");
    struct survey *survey;
    struct sitting sitting;
    int code = load_draft(request, &survey, err);
    if (code == E_INVALID)
        return show_fault(request, response, err);
    if (code)
        return code;
    begin_sitting(&sitting, request, survey);
    sitting_read_query(&sitting);
    sitting_place(&sitting, NULL);
    for (size_t i = 0; wanted && i < survey->n_pages; i++)
        if (strcmp(survey->pages[i].id, wanted) == 0)
            sitting.page = i;
    begin_preview(request, response);
    survey_form_page(&sitting, &response->body);
    sitting_release(&sitting);
    survey_release(survey);
    return HANDLED;
}

static int preview_step(struct request *request, struct response *response, struct err *err) {
    const char *carried = request_form(request, "carried");
    struct survey *survey;
    struct sitting sitting;
    int code = load_draft(request, &survey, err);
    if (code == E_INVALID)
        return show_fault(request, response, err);
    if (code)
        return code;
    begin_sitting(&sitting, request, survey);
    json_t *answers = carried ? json_loads(carried, 0, NULL) : NULL;
    if (json_is_object(answers))
        json_object_update(sitting.answers, answers);
    json_decref(answers);
    sitting_read_form(&sitting);
    begin_preview(request, response);
    if (sitting_step(&sitting) == STEP_SUBMIT)
        survey_form_notice(&sitting, SURVEY_THANKS,
                           survey_pipe(survey,
                                       survey_text_in(survey->thanks, sitting.context.language),
                                       sitting.answers, &sitting.context, request->arena),
                           &response->body);
    else
        survey_form_page(&sitting, &response->body);
    sitting_release(&sitting);
    survey_release(survey);
    return HANDLED;
}

/* A picture of the draft, which may be another a moment later. */
static int preview_image(struct request *request, struct response *response, struct err *err) {
    struct survey *survey;
    int code = load_draft(request, &survey, err);
    if (code)
        return code;
    code = survey_form_image(request, response, survey, "no-store", err);
    survey_release(survey);
    return code;
}

#define PAGE(method, path, handler)                                                                \
    {                                                                                              \
        .methods = method, .pattern = path, .access = ACCESS_SESSION, .scopes = SCOPE_MANAGE,      \
        .handle = handler, .body_limit = FORM_BYTES                                                \
    }

static const struct route routes[] = {
    {.methods = METHOD_GET,
     .pattern = "/surveys",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_QUERY,
     .handle = list},
    PAGE(METHOD_POST, "/surveys", add),
    {.methods = METHOD_POST,
     .pattern = "/surveys/import",
     .access = ACCESS_SESSION,
     .scopes = SCOPE_MANAGE,
     .handle = import,
     .body_limit = (size_t)4 * SURVEY_BYTES},
    PAGE(METHOD_GET, "/surveys/{id}/edit", edit),
    PAGE(METHOD_GET, "/surveys/{id}/preview", preview),
    PAGE(METHOD_POST, "/surveys/{id}/preview", preview_step),
    PAGE(METHOD_GET, "/surveys/{id}/preview/image/{question}/{option}", preview_image),
    PAGE(METHOD_POST, "/surveys/{id}/do/{what}", act),
};
const struct route_table page_survey_routes = ROUTE_TABLE(routes);
