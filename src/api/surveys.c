/*
 * /api/v1/surveys: what is asked (survey/survey.h, docs/surveys.md): drafts, versions, publishing, other formats, answers
 * given by other programs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"
#include "kiosk/kiosk.h"
#include "survey/formats.h"
#include "survey/survey.h"

static struct folder *folder_of(const struct request *request) { return app_folder(request->app); }
static struct slice id_of(const struct request *request) { return slice_of(request->params[0]); }

static json_t *row_json(struct request *request, const struct survey_row *row) {
    return json_pack("{s:s, s:s, s:s, s:I, s:b, s:s, s:s, s:o, s:o, s:o}", "id", row->id, "title",
                     row->title, "state", survey_state_name(row->state), "version",
                     (json_int_t)row->version, "draft_differs", row->draft_differs, "author",
                     row->author, "address",
                     arena_format(request->arena, "%s/s/%s", request_base_url(request), row->id),
                     "created_at", api_instant(row->created_ms), "changed_at",
                     api_instant(row->changed_ms), "published_at", api_instant(row->published_ms));
}

static json_t *fault_json(const struct err *fault) {
    return fault->code
               ? json_pack("{s:s, s:s}", "pointer", fault->pointer, "message", fault->message)
               : json_null();
}

/* What keeps a definition from being published: the first fault. */
static void find_fault(json_t *definition, struct err *fault) {
    struct survey *survey = NULL;
    *fault = (struct err){0};
    if (survey_parse(definition, &survey, fault) == 0)
        survey_release(survey);
}

/* The survey with its draft, as GET answers it: a new reference. */
static int survey_json(struct request *request, struct slice id, json_t **json, struct err *err) {
    struct survey_row row;
    struct err fault;
    json_t *definition;
    int code = surveys_get(folder_of(request), id, request->arena, &row, err);
    if (!code)
        code = surveys_version(folder_of(request), id, 0, &definition, err);
    if (code)
        return code;
    find_fault(definition, &fault);
    *json = row_json(request, &row);
    json_object_set_new(*json, "definition", definition);
    json_object_set_new(*json, "fault", fault_json(&fault));
    api_say(request, json_object_get(*json, "fault"), "message");
    return 0;
}

static int answer_survey(struct request *request, struct response *response, struct slice id,
                         int status, json_t *more, struct err *err) {
    json_t *json;
    int code = survey_json(request, id, &json, err);
    if (!code) {
        response_header(request, response, "ETag", api_etag(request, json));
        json_object_update(json, more);
        response_json(response, status, json);
        json_decref(json);
    }
    json_decref(more);
    return code;
}

static int list(struct request *request, struct response *response, struct err *err) {
    struct survey_row *rows;
    size_t n;
    int code = surveys_list(folder_of(request), request->arena, &rows, &n, err);
    if (code)
        return code;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, row_json(request, &rows[i]));
    response_list(response, list, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    return answer_survey(request, response, id_of(request), 200, NULL, err);
}

/* The body's definition; unfinished ones only where the asker says so (?incomplete=true: the editor). */
static int read_definition(struct request *request, const json_t *body, json_t **definition,
                           struct err *err) {
    const char *incomplete = request_query(request, "incomplete");
    struct err fault;
    *definition = json_object_get(body, "definition");
    if (!json_is_object(*definition))
        return err_at(err, E_INVALID, "/definition", "a definition is an object: docs/surveys.md");
    find_fault(*definition, &fault);
    if (!fault.code || (incomplete && strcmp(incomplete, "true") == 0))
        return 0;
    return err_repeat(err, E_INVALID, arena_format(request->arena, "/definition%s", fault.pointer),
                      &fault);
}

static int add_definition(struct request *request, struct response *response, const char *id,
                          const json_t *definition, json_t *more, struct err *err) {
    struct survey_row row;
    const char *author = request->principal.name ? request->principal.name : "";
    int code = surveys_add(folder_of(request), id, definition, author, request->arena, &row, err);
    if (code) {
        json_decref(more);
        return code;
    }
    audit_act(request, "survey.add", row.id, "");
    return answer_survey(request, response, slice_of(row.id), 201, more, err);
}

static int add(struct request *request, struct response *response, struct err *err) {
    static const char *const names[] = {"id", "definition", NULL};
    json_t *body, *definition;
    const char *id = "";
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, names, err);
    if (!code)
        code = api_text(body, "id", "", SURVEY_ID_BYTES, &id, err);
    if (!code)
        code = read_definition(request, body, &definition, err);
    if (!code)
        code = add_definition(request, response, id, definition, NULL, err);
    json_decref(body);
    return code;
}

static int change(struct request *request, struct response *response, struct err *err) {
    json_t *body, *definition, *before;
    int code = survey_json(request, id_of(request), &before, err);
    if (code)
        return code;
    code = api_if_match(request, before, err);
    json_decref(before);
    if (!code)
        code = request_json(request, &body, err);
    if (code)
        return code;
    code = read_definition(request, body, &definition, err);
    if (!code)
        code = surveys_change(folder_of(request), id_of(request), definition, err);
    json_decref(body);
    return code ? code : answer_survey(request, response, id_of(request), 200, NULL, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    int code = surveys_remove(folder_of(request), id_of(request), err);
    if (!code)
        audit_act(request, "survey.remove", request->params[0], "");
    response->status = 204;
    return code;
}

static int publish(struct request *request, struct response *response, struct err *err) {
    const char *author = request->principal.name ? request->principal.name : "";
    uint32_t version;
    int code = surveys_publish(folder_of(request), id_of(request), author, &version, err);
    if (code == E_INVALID && err->pointer[0])
        return err_repeat(err, code, arena_format(request->arena, "/definition%s", err->pointer),
                          err);
    if (code)
        return code;
    audit_act(request, "survey.publish",
              arena_format(request->arena, "%s v%u", request->params[0], version), "");
    return answer_survey(request, response, id_of(request), 200, NULL, err);
}

static int set_open(struct request *request, struct response *response, bool open,
                    struct err *err) {
    int code = surveys_set_open(folder_of(request), id_of(request), open, err);
    if (code)
        return code;
    audit_act(request, open ? "survey.open" : "survey.close", request->params[0], "");
    return answer_survey(request, response, id_of(request), 200, NULL, err);
}

static int reopen(struct request *request, struct response *response, struct err *err) {
    return set_open(request, response, true, err);
}

static int close_survey(struct request *request, struct response *response, struct err *err) {
    return set_open(request, response, false, err);
}

/* ---- versions ---- */

static int versions(struct request *request, struct response *response, struct err *err) {
    struct survey_version_row *rows;
    size_t n;
    int code = surveys_versions(folder_of(request), id_of(request), request->arena, &rows, &n, err);
    if (code)
        return code;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:I, s:o, s:s}", "version", (json_int_t)rows[i].version,
                                        "published_at", api_instant(rows[i].published_ms), "author",
                                        rows[i].author));
    response_list(response, list, NULL);
    return HANDLED;
}

static int version(struct request *request, struct response *response, struct err *err) {
    uint64_t number;
    json_t *definition;
    int code = api_number(request->params[1], &number, err);
    if (!code && (number < 1 || number > UINT32_MAX))
        code = err_set(err, E_NOT_FOUND, "no such version of this survey");
    if (!code)
        code =
            surveys_version(folder_of(request), id_of(request), (uint32_t)number, &definition, err);
    if (code)
        return code;
    json_t *json = json_pack("{s:s, s:I, s:o}", "id", request->params[0], "version",
                             (json_int_t)number, "definition", definition);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- files ---- */

static int export_file(struct request *request, struct response *response, struct err *err) {
    json_t *definition;
    int code = surveys_version(folder_of(request), id_of(request), 0, &definition, err);
    if (code)
        return code;
    char *text = json_dumps(definition, JSON_INDENT(2));
    json_decref(definition);
    if (!text)
        abort();
    buf_init(&response->body, (size_t)4 * SURVEY_BYTES);
    buf_add_text(&response->body, text);
    buf_add_char(&response->body, '\n');
    free(text);
    response_header(
        request, response, "Content-Disposition",
        arena_format(request->arena, "attachment; filename=\"%s.json\"", request->params[0]));
    return HANDLED;
}

static int import_file(struct request *request, struct response *response, struct err *err) {
    const char *format = request_query(request, "format"), *id = request_query(request, "id");
    struct slice bytes, name;
    struct err ignored = {0};
    json_t *definition = NULL, *left = NULL;
    if (request_upload(request, "file", &bytes, &name, &ignored))
        bytes = request->body;
    int code = survey_import(bytes, format ? format : "", &definition, &left, err);
    if (!code) {
        struct err fault;
        find_fault(definition, &fault);
        if (fault.code)
            code = err_repeat(err, E_INVALID, fault.pointer, &fault);
    }
    if (!code)
        code = add_definition(request, response, id ? id : "", definition,
                              json_pack("{s:O}", "left_out", left), err);
    json_decref(definition);
    json_decref(left);
    return code;
}

/* ---- answers of other programs ---- */

/* Member of the body as text, absent where it is not there. */
static int read_slice(const json_t *body, const char *name, struct slice *text, struct err *err) {
    const char *value = "";
    int code = api_text(body, name, "", LIMIT_NAME_BYTES, &value, err);
    *text = *value ? slice_of(value) : (struct slice){0};
    return code;
}

static int read_time(const json_t *body, int64_t now_ms, int64_t *time_ms, struct err *err) {
    struct slice text;
    int code = read_slice(body, "time", &text, err);
    *time_ms = now_ms;
    if (!code && text.n && (time_parse(text, NULL, time_ms) || *time_ms > now_ms + 86400000))
        code = err_at(err, E_INVALID, "/time", "must be an instant: 2026-12-31T22:00:00Z");
    return code;
}

static int read_context(struct request *request, const struct survey *survey, const json_t *body,
                        struct survey_context *context, struct err *err) {
    const struct {
        const char *name;
        struct slice *text;
    } members[] = {{"submission", &context->submission},     {"customer", &context->customer},
                   {"anonymous_id", &context->anonymous_id}, {"channel", &context->channel},
                   {"touchpoint", &context->touchpoint},     {"unit", &context->unit},
                   {"invitation", &context->invitation}};
    struct slice language;
    context->received_ms = request->received_ms;
    int code = read_time(body, request->received_ms, &context->time_ms, err);
    for (size_t i = 0; i < sizeof members / sizeof *members && !code; i++)
        code = read_slice(body, members[i].name, members[i].text, err);
    if (!code)
        code = read_slice(body, "language", &language, err);
    if (!code && context->unit.n &&
        !principal_sees(&request->principal, dictionary_find(folder_of(request)->dictionary,
                                                             DICTIONARY_UNIT, context->unit)))
        code = err_at(err, E_FORBIDDEN, "/unit", "this unit is not yours");
    if (code)
        return code;
    context->language = language.n ? survey_language(survey, language.p) : 0;
    context->hidden = json_object_get(body, "hidden");
    context->partial = json_is_true(json_object_get(body, "partial"));
    if (!context->submission.n) {
        unsigned char bytes[16];
        char *text = arena_get(request->arena, 33);
        randombytes_buf(bytes, sizeof bytes);
        context->submission = slice_of(sodium_bin2hex(text, 33, bytes, sizeof bytes));
    }
    return sources_ensure(app_sources(request->app), "API: surveys", "server", "", &context->source,
                          err);
}

static int respond(struct request *request, struct response *response, struct err *err) {
    static const char *const names[] = {
        "submission", "answers",  "customer", "anonymous_id", "channel", "touchpoint", "unit",
        "invitation", "language", "hidden",   "time",         "partial", NULL};
    struct survey_context context = {0};
    struct survey_result result;
    struct survey *survey = NULL;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, names, err);
    if (!code)
        code = survey_find(folder_of(request), id_of(request), &survey, err);
    if (!code)
        code = read_context(request, survey, body, &context, err);
    if (!code && !json_is_object(json_object_get(body, "answers")))
        code = err_at(err, E_INVALID, "/answers", "answers are an object by question");
    if (!code)
        code = survey_check_names(survey, json_object_get(body, "answers"), err);
    if (!code)
        code = survey_submit(folder_of(request), survey, json_object_get(body, "answers"), &context,
                             &result, err);
    if (!code) {
        json_t *json = json_pack("{s:s%, s:b}", "submission", context.submission.p,
                                 context.submission.n, "duplicate", result.duplicate);
        response_json(response, result.duplicate ? 200 : 201, json);
        json_decref(json);
    }
    survey_release(survey);
    json_decref(body);
    return code;
}

static int make_link(struct request *request, struct response *response, struct err *err) {
    static const char *const names[] = {"customer", "invitation", "channel", "touchpoint",
                                        "unit",     "expires_at", NULL};
    struct survey_link link = {0};
    struct survey *survey = NULL;
    struct slice customer = {0}, expires = {0};
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = api_known(body, names, err);
    if (!code)
        code = survey_find(folder_of(request), id_of(request), &survey, err);
    if (!code)
        code = read_slice(body, "customer", &customer, err);
    if (!code && !customer.n)
        code = err_at(err, E_INVALID, "/customer", "customer is missing");
    if (!code)
        code = customers_find(folder_of(request)->customers, customer, &link.customer, err);
    if (!code)
        code = api_text(body, "invitation", "", SURVEY_ID_BYTES, &link.invitation, err);
    if (!code)
        code = api_text(body, "channel", "", LIMIT_NAME_BYTES, &link.channel, err);
    if (!code)
        code = api_text(body, "touchpoint", "", LIMIT_NAME_BYTES, &link.touchpoint, err);
    if (!code)
        code = api_text(body, "unit", "", LIMIT_NAME_BYTES, &link.unit, err);
    if (!code)
        code = read_slice(body, "expires_at", &expires, err);
    if (!code && expires.n && time_parse(expires, NULL, &link.expires_ms))
        code = err_at(err, E_INVALID, "/expires_at", "must be an instant: 2026-12-31T22:00:00Z");
    if (!code) {
        link.survey = survey->number;
        const char *token = survey_link_make(folder_of(request), &link, request->arena);
        json_t *json = json_pack("{s:s, s:s}", "token", token, "address",
                                 arena_format(request->arena, "%s/s/%s?t=%s",
                                              request_base_url(request), survey->id, token));
        response_json(response, 201, json);
        json_decref(json);
    }
    survey_release(survey);
    json_decref(body);
    return code;
}

#define DEFINITION                                                                                 \
    "{\"type\":\"object\",\"required\":[\"definition\"],\"properties\":{\"id\":{\"type\":"         \
    "\"string\"},\"definition\":{\"type\":\"object\"}}}"

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/surveys", ACCESS_API, SCOPE_QUERY, .handle = list,
     .summary = "Surveys, changed last first"},
    {METHOD_POST, "/api/v1/surveys", ACCESS_API, SCOPE_MANAGE, .handle = add,
     .body_limit = (size_t)2 * SURVEY_BYTES, .request_schema = DEFINITION,
     .summary = "Makes a survey: {\"definition\":…,\"id\"?}; without id, one is made of the title"},
    {METHOD_POST, "/api/v1/surveys/import", ACCESS_API, SCOPE_MANAGE, .handle = import_file,
     .body_limit = (size_t)4 * SURVEY_BYTES,
     .summary =
         "Makes a survey of a file: ?format=senda, surveyjs or lss, else recognised; answers "
         "what was left out"},
    {METHOD_GET, "/api/v1/surveys/{id}", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "A survey with its draft, and what keeps that from being published"},
    {METHOD_PUT, "/api/v1/surveys/{id}", ACCESS_API, SCOPE_MANAGE, .handle = change,
     .body_limit = (size_t)2 * SURVEY_BYTES, .request_schema = DEFINITION,
     .summary = "Changes the draft; ?incomplete=true keeps one that cannot be published yet"},
    {METHOD_DELETE, "/api/v1/surveys/{id}", ACCESS_API, SCOPE_MANAGE, .handle = drop,
     .summary = "Removes a survey that was never published"},
    {METHOD_POST, "/api/v1/surveys/{id}/publish", ACCESS_API, SCOPE_MANAGE, .handle = publish,
     .summary = "Makes the draft the next version, and opens the survey"},
    {METHOD_POST, "/api/v1/surveys/{id}/close", ACCESS_API, SCOPE_MANAGE, .handle = close_survey,
     .summary = "Takes no more answers"},
    {METHOD_POST, "/api/v1/surveys/{id}/open", ACCESS_API, SCOPE_MANAGE, .handle = reopen,
     .summary = "Takes answers again"},
    {METHOD_GET, "/api/v1/surveys/{id}/versions", ACCESS_API, SCOPE_QUERY, .handle = versions,
     .summary = "Published versions, newest first"},
    {METHOD_GET, "/api/v1/surveys/{id}/versions/{version}", ACCESS_API, SCOPE_QUERY,
     .handle = version, .summary = "What a version asks"},
    {METHOD_GET, "/api/v1/surveys/{id}/export", ACCESS_API, SCOPE_QUERY, .handle = export_file,
     .summary = "The draft as a JSON file"},
    {METHOD_POST, "/api/v1/surveys/{id}/responses", ACCESS_API, SCOPE_IMPORT, .handle = respond,
     .body_limit = 1 << 18,
     .summary =
         "Answers of one person: {\"answers\":…,\"submission\",\"customer\",…}; a submission "
         "counts once"},
    {METHOD_POST, "/api/v1/surveys/{id}/links", ACCESS_API, SCOPE_MANAGE, .handle = make_link,
     .summary = "A personal link: {\"customer\",\"expires_at\",…}"},
};
const struct route_table api_survey_routes = ROUTE_TABLE(routes);
