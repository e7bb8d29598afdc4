/*
 * GET and POST /s/{survey}: where people answer.
 *
 * A GET or HEAD records nothing, whatever its address says: scanners of mails open every link. What is recorded comes by POST:
 * the last page of a survey waits until its answers are durable. Pages before it are kept (survey_progress_put)
 * under the submission's id, and the address of the next page holds that id: reloading, the browser's own way back and a
 * bookmark all work, without cookies.
 *
 * COST  A survey of one page is two requests and one commit; the handler leaves while the writer works.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/customer_read.h"
#include "base/limits.h"
#include "http/router.h"
#include "pages/page.h"
#include "pages/pages.h"
#include "pages/survey_sitting.h"

enum { FORM_BYTES = 256 * 1024, PAGE_BYTES = 2 * 1024 * 1024, GONE = 410 };

/* A survey may stand in a frame of the organisation's own pages, on any origin: it knows nobody and has no cookie, so nothing can be
 * stolen with a click. A personal link speaks for somebody, and opens in no frame but ours. */
#define SURVEY_POLICY(ancestors)                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "  \
    "'self'; form-action 'self'; base-uri 'none'; frame-ancestors " ancestors
static const char public_policy[] = SURVEY_POLICY("*"), personal_policy[] = SURVEY_POLICY("'self'");

static struct folder *folder_of(const struct request *request) { return app_folder(request->app); }

static bool wants_json(const struct request *request) {
    const char *type = request_header(request, "Content-Type");
    return type && strncmp(type, "application/json", 16) == 0;
}

static void begin_html(struct request *request, struct response *response, int status) {
    const char *token =
        request->method == METHOD_POST ? request_form(request, "t") : request_query(request, "t");
    response->status = status;
    response->type = "text/html; charset=utf-8";
    response_header(request, response, "Content-Security-Policy",
                    token && *token ? personal_policy : public_policy);
    response_header(request, response, "Cache-Control", "no-store");
    buf_init(&response->body, PAGE_BYTES);
}

/* ---- who answers ---- */

static const char source_key[] = "surveys' source";

static void *make_source(struct app *app) {
    struct source *source = calloc(1, sizeof *source);
    struct err ignored = {0};
    if (!source)
        abort();
    if (sources_ensure(app_sources(app), "Surveys", "survey", "web", source, &ignored))
        *source = (struct source){.channel = SLICE_LITERAL("web")};
    return source;
}

/* A name that is known already: addresses do not make new ones. */
static struct slice known_name(const struct request *request, enum dictionary_kind kind,
                               const char *name) {
    struct slice text = name ? slice_of(name) : (struct slice){0};
    return text.n && dictionary_find(folder_of(request)->dictionary, kind, text)
               ? text
               : (struct slice){0};
}

static void read_place(struct sitting *sitting,
                       const char *(*value)(struct request *, const char *)) {
    struct request *request = sitting->request;
    struct survey_context *context = &sitting->context;
    context->channel = known_name(request, DICTIONARY_CHANNEL, value(request, "channel"));
    context->touchpoint = known_name(request, DICTIONARY_TOUCHPOINT, value(request, "touchpoint"));
    context->unit = known_name(request, DICTIONARY_UNIT, value(request, "unit"));
}

static const char *query_value(struct request *request, const char *name) {
    return request_query(request, name);
}

static json_t *value_json(const struct value *value) {
    switch (value->type) {
    case VALUE_TEXT: return json_stringn(value->text.p, value->text.n);
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: return json_real(value->number);
    case VALUE_TRUE: return json_true();
    default: return json_null();
    }
}

static void put_trait(struct sitting *sitting, const struct trait *trait) {
    const struct survey *survey = sitting->survey;
    struct slice name = dictionary_name(folder_of(sitting->request)->dictionary,
                                        DICTIONARY_PROPERTY, (uint16_t)trait->code);
    for (size_t k = 0; k < survey->n_traits; k++)
        if (slice_is(name, survey->traits[k]))
            json_object_set_new(sitting->traits, survey->traits[k], value_json(&trait->value));
}

/* Traits that the survey's texts and conditions may name, of the link's customer. */
static void read_traits(struct sitting *sitting, uint32_t owner) {
    struct reader *reader;
    struct trait *traits;
    struct err ignored = {0};
    size_t n;
    if (!sitting->survey->n_traits ||
        reader_open(&reader, sitting->request, sitting->request->arena, &ignored))
        return;
    sitting->traits = json_object();
    if (reader_traits(reader, owner, NULL, 0, &traits, &n, &ignored) == 0)
        for (size_t i = 0; i < n; i++)
            put_trait(sitting, &traits[i]);
    reader_close(reader);
    sitting->context.traits = sitting->traits;
}

static int read_link(struct sitting *sitting, const char *token, struct err *err) {
    struct request *request = sitting->request;
    struct survey_context *context = &sitting->context;
    struct survey_link link;
    char *submission = arena_get(request->arena, SURVEY_SUBMISSION_BYTES + 1);
    char *customer = arena_get(request->arena, CUSTOMER_ID_BYTES);
    int code = survey_link_read(folder_of(request), sitting->survey, token, request->received_ms,
                                request->arena, &link, submission, err);
    if (code)
        return code;
    sitting->token = token;
    sitting->submission = submission;
    if (link.customer) {
        customer_id_format(link.customer, customer);
        context->customer = slice_of(customer);
        read_traits(sitting, link.customer);
    }
    context->invitation = slice_of(link.invitation);
    context->channel = slice_of(link.channel);
    context->touchpoint = slice_of(link.touchpoint);
    context->unit = slice_of(link.unit);
    return 0;
}

/* Who it is and what was kept of before; `r` and `t` come from the form or the address. */
static int meet(struct sitting *sitting, const char *token, const char *submission,
                struct err *err) {
    struct request *request = sitting->request;
    struct survey_progress progress;
    struct err ignored = {0};
    const struct source *source = app_keep(request->app, source_key, make_source, free);
    int code = token && *token ? read_link(sitting, token, err) : 0;
    size_t n = submission ? strlen(submission) : 0;
    if (!sitting->token && n && n <= SURVEY_SUBMISSION_BYTES)
        sitting->submission = arena_text(request->arena, slice_of(submission));
    sitting->context.submission = slice_of(sitting->submission);
    sitting->context.source = *source;
    bool kept = (submission && *submission) || sitting->token;
    if (!code && kept && sitting->survey->n_pages > 1 &&
        survey_progress_get(folder_of(request), sitting->survey, sitting->context.submission,
                            &progress, &ignored) == 0)
        sitting_resume(sitting, progress.state);
    return code;
}

/* The version that a kept answer was begun with, else the newest. */
static int find_survey(struct request *request, const char *version, struct survey **survey,
                       struct err *err) {
    struct slice id = slice_of(request->params[0]);
    int code = survey_find(folder_of(request), id, survey, err);
    unsigned long number = version ? strtoul(version, NULL, 10) : 0;
    if (code || !number || number == (*survey)->version || number > (*survey)->version)
        return code;
    survey_release(*survey);
    return survey_find_version(folder_of(request), id, (uint32_t)number, survey, err);
}

/* ---- notices ---- */

static int notice(struct sitting *sitting, struct response *response, int status,
                  enum survey_notice kind, const char *message) {
    begin_html(sitting->request, response, status);
    survey_form_notice(sitting, kind, message, &response->body);
    return HANDLED;
}

static int unknown(struct request *request, struct response *response) {
    struct sitting sitting = {.request = request,
                              .ui = request->language ? request->language : "es"};
    return notice(&sitting, response, 404, SURVEY_UNKNOWN, NULL);
}

/* No more answers: to this survey, or by this personal link. */
static int closed(struct sitting *sitting, const struct err *refusal, struct response *response) {
    if (strcmp(refusal->pointer, "/t") == 0)
        return notice(sitting, response, GONE, SURVEY_EXPIRED, NULL);
    return notice(sitting, response, GONE, SURVEY_CLOSED_NOW,
                  survey_text_in(sitting->survey->closed, sitting->context.language));
}

/* This personal link, or this page, was answered before: nothing that is sent again would be recorded. */
static bool was_answered(const struct sitting *sitting) {
    return survey_is_answered(folder_of(sitting->request), sitting->survey,
                              sitting->context.submission);
}

/* ---- GET ---- */

/* The definition as a client of its own renders it (kiosk, script in a page). */
static void show_json(const struct survey *survey, struct response *response) {
    json_t *json = json_pack("{s:s, s:I, s:O}", "id", survey->id, "version",
                             (json_int_t)survey->version, "definition", survey->definition);
    response_json(response, 200, json);
    json_decref(json);
}

static int show(struct request *request, struct response *response, struct err *err) {
    const char *token = request_query(request, "t");
    struct survey *survey;
    struct sitting sitting;
    struct err refusal = {0};
    int code = find_survey(request, request_query(request, "v"), &survey, &refusal);
    if (code == E_NOT_FOUND && !request_accepts(request, "application/json"))
        return unknown(request, response);
    if (code) {
        *err = refusal;
        return code;
    }
    sitting_begin(&sitting, request, survey);
    read_place(&sitting, query_value);
    code = meet(&sitting, token, request_query(request, "r"), &refusal);
    sitting_read_query(&sitting);
    if (!code)
        code = survey_check_open(folder_of(request), survey, request->received_ms, &refusal);
    if (request_accepts(request, "application/json") && !code) {
        show_json(survey, response);
    } else if (code == E_REFUSED) {
        code = closed(&sitting, &refusal, response);
    } else if (code == E_NOT_FOUND) {
        code = unknown(request, response);
    } else if (!code && was_answered(&sitting)) {
        code = notice(&sitting, response, 200, SURVEY_ANSWERED, NULL);
    } else if (!code) {
        sitting_place(&sitting, request_query(request, "p"));
        begin_html(request, response, 200);
        survey_form_page(&sitting, &response->body);
    } else {
        *err = refusal;
    }
    sitting_release(&sitting);
    survey_release(survey);
    return code;
}

/* ---- POST ---- */

/* A submission at the writer. */
struct sending {
    struct request *request;
    struct ingest_batch batch;
    struct event_result results[4];
    struct response response; /* ready: thanks */
    bool json;
};

static void answer_json(struct sending *sending, bool duplicate) {
    json_t *json = json_pack("{s:b, s:b}", "success", true, "duplicate", duplicate);
    response_json(&sending->response, 200, json);
    json_decref(json);
}

/* In the writer's thread. */
static void sent(struct ingest_batch *batch, int code, const struct err *failure) {
    struct sending *sending = batch->context;
    struct response response = sending->response;
    const struct event_result *last = &sending->results[batch->n - 1];
    if (code || last->outcome == OUTCOME_REJECTED) {
        struct err err = {0};
        if (code && failure)
            err = *failure;
        else
            err_set(&err, E_INVALID, "%s", refusal_text((enum refusal)last->refusal));
        response_release(&response);
        response = (struct response){0};
        response_problem(sending->request, &response, &err);
    } else if (sending->json) {
        answer_json(sending, last->outcome == OUTCOME_DUPLICATE);
        response = sending->response;
    }
    request_complete(sending->request, &response);
}

static void prepare_thanks(struct sitting *sitting, struct sending *sending) {
    const struct survey *survey = sitting->survey;
    if (sending->json)
        return;
    begin_html(sitting->request, &sending->response, 200);
    survey_form_notice(sitting, SURVEY_THANKS,
                       survey_pipe(survey,
                                   survey_text_in(survey->thanks, sitting->context.language),
                                   sitting->answers, &sitting->context, sitting->request->arena),
                       &sending->response.body);
}

/* Nothing but the log waits for it: the handler leaves. */
static int send_and_leave(struct sitting *sitting, struct event *events, size_t n, bool json,
                          struct err *err) {
    struct request *request = sitting->request;
    struct sending *sending = ARENA_ARRAY(request->arena, struct sending, 1);
    sending->request = request;
    sending->json = json;
    sending->batch = (struct ingest_batch){.source = sitting->context.source,
                                           .events = events,
                                           .n = n,
                                           .bytes = request->body.n + 2048,
                                           .received_ms = request->received_ms,
                                           .results = sending->results,
                                           .done = sent,
                                           .context = sending};
    prepare_thanks(sitting, sending);
    int code = ingest_collect(folder_of(request)->ingest, &sending->batch, err);
    if (code)
        response_release(&sending->response);
    return code ? code : SUSPENDED;
}

/* Limits and kept pages want more than the log: done in turn. */
static int send_and_wait(struct sitting *sitting, struct response *response, bool json,
                         struct err *err) {
    struct folder *folder = folder_of(sitting->request);
    struct survey_result result;
    struct sending sending = {.json = json};
    int code =
        survey_submit(folder, sitting->survey, sitting->answers, &sitting->context, &result, err);
    if (!code && sitting->survey->n_pages > 1)
        code = survey_progress_remove(folder, sitting->survey, sitting->context.submission, err);
    if (code)
        return code;
    if (json)
        answer_json(&sending, result.duplicate);
    prepare_thanks(sitting, &sending);
    *response = sending.response;
    return HANDLED;
}

static int submit(struct sitting *sitting, struct response *response, bool json, struct err *err) {
    const struct survey *survey = sitting->survey;
    struct event *events;
    size_t n;
    if (survey->n_pages > 1 || survey->limit || survey->n_quotas)
        return send_and_wait(sitting, response, json, err);
    int code = survey_events(folder_of(sitting->request), survey, sitting->answers,
                             &sitting->context, sitting->request->arena, &events, &n, err);
    return code ? code : send_and_leave(sitting, events, n, json, err);
}

static int keep(struct sitting *sitting, struct response *response, struct err *err) {
    struct request *request = sitting->request;
    json_t *state = sitting_state(sitting);
    int code = survey_progress_put(folder_of(request), sitting->survey, sitting->context.submission,
                                   state, request->received_ms, err);
    json_decref(state);
    if (code)
        return code;
    const char *page = sitting->survey->pages[sitting->page].id;
    const char *token = sitting->token ? arena_format(request->arena, "&t=%s", sitting->token) : "";
    response_redirect(request, response,
                      arena_format(request->arena, "%s?r=%s&v=%u&p=%s%s", sitting->action,
                                   sitting->submission, sitting->survey->version, page, token));
    return HANDLED;
}

static int show_again(struct sitting *sitting, struct response *response) {
    begin_html(sitting->request, response, sitting->has_faults ? 422 : 200);
    survey_form_page(sitting, &response->body);
    return HANDLED;
}

static int take_form(struct sitting *sitting, struct response *response, struct err *err) {
    const struct survey *survey = sitting->survey;
    sitting_read_form(sitting);
    enum sitting_step step = sitting_step(sitting);
    if (step == STEP_SHOW)
        return show_again(sitting, response);
    const struct survey_quota *full =
        survey_quota_full(folder_of(sitting->request), survey, sitting->answers, &sitting->context);
    if (full)
        return notice(sitting, response, 200, SURVEY_FULL,
                      survey_text_in(full->message, sitting->context.language));
    return step == STEP_GO ? keep(sitting, response, err) : submit(sitting, response, false, err);
}

static int answer_form(struct request *request, struct response *response, struct err *err) {
    struct survey *survey;
    struct sitting sitting;
    struct err refusal = {0};
    int code = find_survey(request, request_form(request, "v"), &survey, &refusal);
    if (code == E_NOT_FOUND)
        return unknown(request, response);
    if (code) {
        *err = refusal;
        return code;
    }
    sitting_begin(&sitting, request, survey);
    read_place(&sitting, request_form);
    code = meet(&sitting, request_form(request, "t"), request_form(request, "r"), &refusal);
    if (!code)
        code = survey_check_open(folder_of(request), survey, request->received_ms, &refusal);
    if (!code && was_answered(&sitting))
        code = notice(&sitting, response, 200, SURVEY_ANSWERED, NULL);
    else if (!code)
        code = take_form(&sitting, response, &refusal);
    if (code == E_REFUSED)
        code = closed(&sitting, &refusal, response);
    else if (code == E_NOT_FOUND)
        code = unknown(request, response);
    else if (code < 0)
        *err = refusal;
    sitting_release(&sitting);
    survey_release(survey);
    return code;
}

/* {"submission","answers","language","hidden","t"} */
static int read_body(struct sitting *sitting, const json_t *body, struct err *err) {
    static const char *const names[] = {"submission", "answers", "language", "hidden", "t", NULL};
    const char *language = json_string_value(json_object_get(body, "language")),
               *said = json_string_value(json_object_get(body, "submission"));
    const json_t *answers = json_object_get(body, "answers"), *hidden;
    int code = api_known((json_t *)(uintptr_t)body, names, err);
    if (!code)
        code = meet(sitting, json_string_value(json_object_get(body, "t")), said, err);
    if (!code && !sitting->token && said && strlen(said) > SURVEY_SUBMISSION_BYTES)
        code = err_at(err, E_INVALID, "/submission",
                      "a submission has an id of 1 to %d letters, digits, - and _",
                      SURVEY_SUBMISSION_BYTES);
    if (!code && !json_is_object(answers))
        code = err_at(err, E_INVALID, "/answers", "answers are an object by question");
    if (!code)
        code = survey_check_names(sitting->survey, answers, err);
    if (code)
        return code;
    if (language)
        sitting->context.language = survey_language(sitting->survey, language);
    hidden = json_object_get(body, "hidden");
    for (size_t i = 0; i < sitting->survey->n_hidden; i++) {
        json_t *value = json_object_get(hidden, sitting->survey->hidden[i]);
        if (json_is_string(value))
            json_object_set(sitting->hidden, sitting->survey->hidden[i], value);
    }
    json_object_update(sitting->answers, (json_t *)(uintptr_t)answers);
    return 0;
}

static int answer_body(struct request *request, struct response *response, struct err *err) {
    struct survey *survey;
    struct sitting sitting;
    json_t *body;
    int code = request_json(request, &body, err);
    if (code)
        return code;
    code = find_survey(request, NULL, &survey, err);
    if (code) {
        json_decref(body);
        return code;
    }
    sitting_begin(&sitting, request, survey);
    code = survey_check_open(folder_of(request), survey, request->received_ms, err);
    if (!code)
        code = read_body(&sitting, body, err);
    if (!code)
        code = submit(&sitting, response, true, err);
    sitting_release(&sitting);
    survey_release(survey);
    json_decref(body);
    return code;
}

/* 600 submissions at once from an address, ten a second in the long run: a hall of visitors behind one address passes, a
 * program that fills a score does not. */
static int mind_floods(struct request *request, struct response *response, struct err *err) {
    return request_is_local(request) ? 0 : request_slow_down(request, response, "survey", 0.1, err);
}

static bool is_form(const struct request *request) {
    const char *type = request_header(request, "Content-Type");
    return !type || strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

static int answer(struct request *request, struct response *response, struct err *err) {
    int code = mind_floods(request, response, err);
    if (code)
        return code;
    if (!wants_json(request) && !is_form(request))
        return err_set(err, E_MEDIA, "answers come as a form or as JSON");
    return wants_json(request) ? answer_body(request, response, err)
                               : answer_form(request, response, err);
}

/* The page was looked at, or put away: told by its script, once. */
static int seen(struct request *request, struct response *response, struct err *err) {
    struct survey *survey;
    struct sitting sitting;
    const char *what = request_form(request, "do");
    int code = mind_floods(request, response, err);
    if (!code)
        code = find_survey(request, NULL, &survey, err);
    if (code)
        return code;
    sitting_begin(&sitting, request, survey);
    read_place(&sitting, request_form);
    code = meet(&sitting, request_form(request, "t"), request_form(request, "r"), err);
    if (!code)
        code = survey_check_open(folder_of(request), survey, request->received_ms, err);
    if (!code)
        code = survey_seen(folder_of(request), survey, what && strcmp(what, "dismissed") == 0,
                           &sitting.context, err);
    response->status = 204;
    sitting_release(&sitting);
    survey_release(survey);
    return code;
}

static int image(struct request *request, struct response *response, struct err *err) {
    struct survey *survey;
    int code = find_survey(request, request_query(request, "v"), &survey, err);
    if (code)
        return code;
    code = survey_form_image(request, response, survey, "public, max-age=86400", err);
    survey_release(survey);
    return code;
}

static const struct route routes[] = {
    {.methods = METHOD_GET, .pattern = "/s/{survey}", .access = ACCESS_PUBLIC, .handle = show},
    {.methods = METHOD_POST,
     .pattern = "/s/{survey}",
     .access = ACCESS_PUBLIC,
     .handle = answer,
     .body_limit = FORM_BYTES},
    {.methods = METHOD_POST,
     .pattern = "/s/{survey}/seen",
     .access = ACCESS_PUBLIC,
     .handle = seen},
    {.methods = METHOD_GET,
     .pattern = "/s/{survey}/image/{question}/{option}",
     .access = ACCESS_PUBLIC,
     .handle = image},
};
const struct route_table page_survey_answer_routes = ROUTE_TABLE(routes);
