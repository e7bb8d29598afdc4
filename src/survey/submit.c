/*
 * From answers to interactions: what is checked, what is stored, and under which names.
 *
 * FORMAT of `Survey Responded`: properties survey, version, language, submission; partial (true) and invitation where it is so;
 * hidden.NAME of fields from the address; answers, the list of collect/answers.h. A question with rows gives an answer a row,
 * `QUESTION.ROW`; pairs give `QUESTION.ROW.expected` and `.perceived`, with metrics of these names; ranking gives each option its
 * place (metric rank); own words of `other` are `QUESTION.other` (metric text). Contact details become traits of the
 * customer and are no answer but "given"; free texts are masked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "collect/mask.h"
#include "survey/internal.h"

enum { PROPERTIES = 64, HIDDEN_BYTES = 200, EVENTS = 3 };

/* ---- answers as the timeline keeps them ---- */

struct writing {
    struct buf json;
    struct arena *arena;
    size_t n; /* rows they will be */
};

static void begin_answer(struct writing *writing, const char *question, const char *metric) {
    buf_add_text(&writing->json, writing->json.n > 1 ? ",{" : "{");
    json_add_name(&writing->json, "question");
    json_add_text(&writing->json, slice_of(question));
    json_add_name(&writing->json, "metric");
    json_add_text(&writing->json, slice_of(metric));
}

static void end_answer(struct writing *writing, const char *touchpoint, double min, double max) {
    if (min < max) {
        json_add_name(&writing->json, "scale");
        buf_add_char(&writing->json, '[');
        json_add_number(&writing->json, min);
        buf_add_char(&writing->json, ',');
        json_add_number(&writing->json, max);
        buf_add_char(&writing->json, ']');
    }
    if (*touchpoint) {
        json_add_name(&writing->json, "touchpoint");
        json_add_text(&writing->json, slice_of(touchpoint));
    }
    buf_add_char(&writing->json, '}');
    writing->n++;
}

static void put_value(struct writing *writing, const json_t *value) {
    json_t *each;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_STRING: json_add_text(&writing->json, slice_of(json_string_value(value))); break;
    case JSON_INTEGER: json_add_int(&writing->json, json_integer_value(value)); break;
    case JSON_REAL: json_add_number(&writing->json, json_real_value(value)); break;
    case JSON_TRUE: buf_add_text(&writing->json, "true"); break;
    case JSON_ARRAY:
        buf_add_char(&writing->json, '[');
        json_array_foreach((json_t *)(uintptr_t)value, i, each) {
            if (i)
                buf_add_char(&writing->json, ',');
            put_value(writing, each);
            writing->n += i > 0;
        }
        buf_add_char(&writing->json, ']');
        break;
    default: buf_add_text(&writing->json, "false"); break;
    }
}

static void put_answer(struct writing *writing, const struct survey_question *question,
                       const char *id, const char *metric, const json_t *value, double min,
                       double max) {
    begin_answer(writing, id, metric);
    json_add_name(&writing->json, "value");
    put_value(writing, value);
    end_answer(writing, question->touchpoint, min, max);
}

static void put_text(struct writing *writing, const struct survey_question *question,
                     const char *id, struct slice text) {
    begin_answer(writing, id, "text");
    json_add_name(&writing->json, "value");
    mask_property((struct slice){0}, &text, writing->arena);
    json_add_text(&writing->json, text);
    end_answer(writing, question->touchpoint, 0, 0);
}

static void put_ranking(struct writing *writing, const struct survey_question *question,
                        const json_t *value) {
    json_t *option;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)value, i, option) {
        const char *id =
            arena_format(writing->arena, "%s.%s", question->id, json_string_value(option));
        json_t *place = json_integer((json_int_t)i + 1);
        put_answer(writing, question, id, question->metric, place, 1, (double)question->n_options);
        json_decref(place);
    }
}

static void put_rows(struct writing *writing, const struct survey_question *question,
                     const json_t *value) {
    const char *row, *side;
    json_t *cell, *number;
    json_object_foreach((json_t *)(uintptr_t)value, row, cell) {
        const char *id = arena_format(writing->arena, "%s.%s", question->id, row);
        if (!json_is_object(cell))
            put_answer(writing, question, id, question->metric, cell, question->min, question->max);
        else
            json_object_foreach(cell, side, number)
                put_answer(writing, question, arena_format(writing->arena, "%s.%s", id, side), side,
                           number, question->min, question->max);
    }
}

static void put_question(struct writing *writing, const struct survey_question *question,
                         const json_t *value, const char *other) {
    struct slice text = slice_of(json_string_value(value));
    json_t *given;
    switch (question->type) {
    case SURVEY_SHORT_TEXT:
    case SURVEY_LONG_TEXT: put_text(writing, question, question->id, text); break;
    case SURVEY_RANKING: put_ranking(writing, question, value); break;
    case SURVEY_MATRIX:
    case SURVEY_SERVQUAL: put_rows(writing, question, value); break;
    case SURVEY_CONTACT:
        given = json_true();
        put_answer(writing, question, question->id, question->metric, given, 0, 0);
        break;
    case SURVEY_NUMBER:
        put_answer(writing, question, question->id, question->metric, value, 0, 0);
        break;
    default:
        put_answer(writing, question, question->id, question->metric, value, question->min,
                   question->max);
        break;
    }
    if (other && *other)
        put_text(writing, question, arena_format(writing->arena, "%s.other", question->id),
                 slice_of(other));
}

/* ---- what is asked, and what was answered ---- */

enum { CHOICES = 20 };

struct answered {
    struct event_choice choices[CHOICES]; /* consents with a purpose */
    size_t n_choices;
    struct survey_question const *contact; /* with details */
    json_t *details;                       /* borrowed from kept */
    json_t *kept;                          /* normal forms by question */
};

static const char *own_words(const struct survey_question *question, const json_t *answers,
                             const json_t *value, struct arena *arena, struct err *err, int *code) {
    const char *text = answer_other(answers, question->id, arena);
    bool chosen = json_is_string(value) && strcmp(json_string_value(value), "other") == 0;
    json_t *each;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)value, i, each) chosen |=
        strcmp(json_string_value(each) ? json_string_value(each) : "", "other") == 0;
    if (!text || !chosen)
        return NULL;
    if (strlen(text) > 1000)
        *code = err_at(err, E_INVALID, arena_format(arena, "/answers/%s.other", question->id),
                       "is over 1000 bytes");
    return text;
}

static int check_question(const struct survey_question *question, const json_t *answers,
                          const struct survey_context *context, struct writing *writing,
                          struct answered *answered, struct err *err) {
    json_t *value;
    struct survey_question asked = *question;
    struct err unfinished = {0};
    asked.required &= !context->partial;
    int code = survey_check_answer(&asked, answers, &value, context->partial ? &unfinished : err);
    if (code || !value)
        return context->partial ? 0 : code; /* what was left half written is no answer */
    const char *other = own_words(question, answers, value, writing->arena, err, &code);
    if (!code && !json_object_get(context->recorded, question->id))
        put_question(writing, question, value, other);
    if (question->type == SURVEY_CONTACT) {
        answered->contact = question;
        answered->details = value;
    }
    if (question->type == SURVEY_CONSENT && *question->purpose && answered->n_choices < CHOICES)
        answered->choices[answered->n_choices++] = (struct event_choice){
            arena_copy(writing->arena, slice_of(question->purpose)), json_is_true(value)};
    json_object_set_new(answered->kept, question->id, value);
    return code;
}

static int check_all(const struct survey *survey, const json_t *answers,
                     const struct survey_context *context, struct writing *writing,
                     struct answered *answered, struct err *err) {
    size_t *pages = ARENA_ARRAY(writing->arena, size_t, survey->n_pages + 1);
    size_t n = survey_path(survey, answers, context, pages);
    int code = 0;
    buf_add_char(&writing->json, '[');
    for (size_t p = 0; p < n && !code; p++) {
        const struct survey_page *page = &survey->pages[pages[p]];
        for (size_t i = 0; i < page->n && !code; i++) {
            const struct survey_question *question = &survey->questions[page->first + i];
            if (survey_asks(question, answers, context))
                code = check_question(question, answers, context, writing, answered, err);
        }
    }
    buf_add_char(&writing->json, ']');
    if (!code && (writing->json.full || writing->json.n > SURVEY_ANSWERS_BYTES))
        code = err_at(err, E_INVALID, "/answers", "the answers are over %d bytes together",
                      SURVEY_ANSWERS_BYTES);
    if (!code && writing->n > LIMIT_ANSWERS)
        code = err_at(err, E_INVALID, "/answers", "more than %d answers", LIMIT_ANSWERS);
    return code;
}

/* ---- events ---- */

static bool is_submission(struct slice id) {
    for (size_t i = 0; i < id.n; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", id.p[i],
                    64))
            return false;
    return id.n > 0 && id.n <= SURVEY_SUBMISSION_BYTES;
}

static int identify(struct folder *folder, const struct survey_context *context,
                    struct arena *arena, struct event *event, struct err *err) {
    struct identity *identities;
    uint32_t owner;
    size_t n = 0;
    if (!context->customer.n) {
        event->anonymous_id =
            context->anonymous_id.n
                ? context->anonymous_id
                : slice_of(arena_format(arena, "survey:%.*s", SLICE_ARGS(context->submission)));
        return 0;
    }
    int code = customers_find(folder->customers, context->customer, &owner, err);
    if (!code)
        code = customers_identities(folder->customers, owner, arena, &identities, &n, err);
    for (size_t i = 0; i < n && !code; i++) {
        if (identities[i].kind == IDENTITY_USER && !event->user_id.n)
            event->user_id = identities[i].value;
        if (identities[i].kind == IDENTITY_ANONYMOUS && !event->anonymous_id.n)
            event->anonymous_id = identities[i].value;
    }
    if (event->user_id.n)
        event->anonymous_id = (struct slice){0};
    if (!code && !event->user_id.n && !event->anonymous_id.n)
        code = err_set(err, E_NOT_FOUND, "this customer cannot be written to");
    return code;
}

/* Copied: events outlive the survey and who asked. */
static void add_property(struct event *event, const char *name, struct slice text,
                         struct arena *arena) {
    if (text.n && event->n_properties < PROPERTIES)
        event->properties[event->n_properties++] = (struct event_property){
            slice_of(name), {.type = VALUE_TEXT, .text = arena_copy(arena, text)}};
}

static void add_hidden(const struct survey *survey, const struct survey_context *context,
                       struct arena *arena, struct event *event) {
    for (size_t i = 0; i < survey->n_hidden; i++) {
        const json_t *value = json_object_get(context->hidden, survey->hidden[i]);
        struct slice text = slice_of(json_string_value(value));
        if (json_is_string(value))
            add_property(event, arena_format(arena, "hidden.%s", survey->hidden[i]),
                         utf8_cut(text, HIDDEN_BYTES), arena);
    }
}

static const char *message_id(const struct survey *survey, struct slice submission,
                              const char *suffix, struct arena *arena) {
    return arena_format(arena, "survey:%llu:%.*s%s", (unsigned long long)survey->number,
                        SLICE_ARGS(submission), suffix);
}

bool survey_is_answered(struct folder *folder, const struct survey *survey,
                        struct slice submission) {
    struct arena arena;
    arena_init(&arena);
    bool answered =
        is_submission(submission) &&
        ingest_has_message(folder->ingest, slice_of(message_id(survey, submission, "", &arena)));
    arena_release(&arena);
    return answered;
}

static int begin_event(struct folder *folder, const struct survey *survey,
                       const struct survey_context *context, const char *name, const char *suffix,
                       struct arena *arena, struct event *event, struct err *err) {
    if (!is_submission(context->submission))
        return err_at(err, E_INVALID, "/submission",
                      "a submission has an id of 1 to %d letters, digits, - and _",
                      SURVEY_SUBMISSION_BYTES);
    struct slice channel = slice_of(survey->channel), touchpoint = slice_of(survey->touchpoint),
                 unit = slice_of(survey->unit);
    *event = (struct event){
        .type = EVENT_TRACK,
        .name = slice_of(name),
        .message_id = slice_of(message_id(survey, context->submission, suffix, arena)),
        .channel = arena_copy(arena, context->channel.n ? context->channel : channel),
        .touchpoint = arena_copy(arena, context->touchpoint.n ? context->touchpoint : touchpoint),
        .unit = arena_copy(arena, context->unit.n ? context->unit : unit),
        .time_ms = context->time_ms,
        .stated_ms = context->time_ms,
        .has_time = true,
        .properties = ARENA_ARRAY(arena, struct event_property, PROPERTIES + context->n_extra + 4)};
    add_property(event, "survey", slice_of(survey->id), arena);
    event->properties[event->n_properties++] = (struct event_property){
        SLICE_LITERAL("version"), {.type = VALUE_INT, .integer = survey->version}};
    add_property(event, "language", slice_of(survey->languages[context->language]), arena);
    add_property(event, "submission", context->submission, arena);
    add_property(event, "invitation", context->invitation, arena);
    if (context->invitation.n && context->invitation.p[0] == SURVEY_PICKED)
        add_property(event, "invited_by", SLICE_LITERAL("staff"), arena);
    add_hidden(survey, context, arena, event);
    for (size_t i = 0; i < context->n_extra; i++)
        event->properties[event->n_properties++] = context->extra[i];
    return identify(folder, context, arena, event, err);
}

/* What somebody says of oneself. Of a known customer it stands beside what is known, not in its place: a forwarded link
 * must not change whom we know. */
static void contact_event(const struct survey_context *context, const json_t *details,
                          const struct event *responded, struct arena *arena, struct event *event) {
    const char *name;
    json_t *value;
    *event = *responded;
    event->type = EVENT_IDENTIFY;
    event->name = (struct slice){0};
    event->message_id =
        slice_of(arena_format(arena, "%.*s:contact", SLICE_ARGS(responded->message_id)));
    event->properties = ARENA_ARRAY(arena, struct event_property, 4);
    event->n_properties = 0;
    event->n_choices = 0;
    json_object_foreach((json_t *)(uintptr_t)details, name, value) add_property(
        event, arena_format(arena, "%s%s", context->customer.n ? "contact_" : "", name),
        slice_of(json_string_value(value)), arena);
}

int survey_events(struct folder *folder, const struct survey *survey, const json_t *answers,
                  const struct survey_context *context, struct arena *arena, struct event **events,
                  size_t *n, struct err *err) {
    struct writing writing = {.arena = arena};
    struct answered answered = {.kept = json_object()};
    struct event *list = ARENA_ARRAY(arena, struct event, EVENTS), *responded = &list[EVENTS - 1];
    buf_init(&writing.json, 4 * (size_t)SURVEY_ANSWERS_BYTES);
    int code = check_all(survey, answers, context, &writing, &answered, err);
    if (!code)
        code = begin_event(folder, survey, context, "Survey Responded",
                           context->partial ? ":partial" : "", arena, responded, err);
    if (!code)
        code = begin_event(folder, survey, context, "Survey Shown", ":shown", arena, &list[1], err);
    size_t first = 1;
    if (!code && context->partial)
        responded->properties[responded->n_properties++] =
            (struct event_property){SLICE_LITERAL("partial"), {.type = VALUE_TRUE}};
    if (!code) {
        responded->properties[responded->n_properties++] = (struct event_property){
            SLICE_LITERAL("answers"),
            {.type = VALUE_JSON, .text = arena_copy(arena, buf_slice(&writing.json))}};
        struct event_choice *choices = ARENA_ARRAY(arena, struct event_choice, CHOICES);
        memcpy(choices, answered.choices, sizeof answered.choices);
        responded->choices = choices;
        responded->n_choices = answered.n_choices;
        if (answered.details)
            contact_event(context, answered.details, responded, arena, &list[--first]);
        *events = list + first;
        *n = EVENTS - first;
    }
    buf_release(&writing.json);
    json_decref(answered.kept);
    return code;
}

/* ---- to the log ---- */

/* Counted with the answer that is recorded, or not at all. */
static int count_along(struct ingest_batch *batch, sqlite3 *db, struct err *err) {
    return batch->results[batch->n - 1].outcome == OUTCOME_ACCEPTED
               ? survey_counting_write(batch->along_context, db, err)
               : 0;
}

/* counting: what the last of the events counts for, or NULL. */
static int run(struct folder *folder, const struct survey_context *context, struct event *events,
               size_t n, struct survey_counting *counting, bool *duplicate, struct err *err) {
    struct event_result results[EVENTS] = {0};
    struct ingest_batch batch = {.along = counting && counting->n ? count_along : NULL,
                                 .along_context = counting,
                                 .source = context->source,
                                 .events = events,
                                 .n = n,
                                 .bytes = SURVEY_ANSWERS_BYTES / 4,
                                 .received_ms = context->received_ms,
                                 .results = results};
    int code = ingest_run(folder->ingest, &batch, err);
    if (!code && results[n - 1].outcome == OUTCOME_REJECTED)
        code = err_set(err, E_INVALID, "%s", refusal_text((enum refusal)results[n - 1].refusal));
    *duplicate = results[n - 1].outcome == OUTCOME_DUPLICATE;
    return code;
}

int survey_submit(struct folder *folder, const struct survey *survey, const json_t *answers,
                  const struct survey_context *context, struct survey_result *result,
                  struct err *err) {
    struct arena arena;
    struct event *events;
    size_t n;
    *result = (struct survey_result){0};
    int code = survey_check_open(folder, survey, context->received_ms, err);
    const struct survey_quota *full =
        code ? NULL : survey_quota_full(folder, survey, answers, context);
    if (full)
        code = err_set(err, E_REFUSED, "enough people like this one have answered already");
    if (code)
        return code;
    struct survey_counting counting = {0};
    arena_init(&arena);
    code = survey_events(folder, survey, answers, context, &arena, &events, &n, err);
    if (!code && !context->partial)
        code = survey_counting_begin(folder, survey, answers, context, &counting, err);
    if (!code)
        code = run(folder, context, events, n, &counting, &result->duplicate, err);
    if (!code && !result->duplicate && counting.n)
        code = survey_counting_end(folder, &counting, err);
    arena_release(&arena);
    return code;
}

int survey_seen(struct folder *folder, const struct survey *survey, bool dismissed,
                const struct survey_context *context, struct err *err) {
    struct arena arena;
    struct event event;
    bool duplicate;
    arena_init(&arena);
    int code = begin_event(folder, survey, context, dismissed ? "Survey Dismissed" : "Survey Shown",
                           dismissed ? ":dismissed" : ":shown", &arena, &event, err);
    if (!code)
        code = run(folder, context, &event, 1, NULL, &duplicate, err);
    arena_release(&arena);
    return code;
}
