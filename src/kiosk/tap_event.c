/*
 * A tap as an interaction, with its answers (collect/answers.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/json_out.h"
#include "base/utf8.h"
#include "collect/mask.h"
#include "kiosk/taking.h"

enum { PROPERTIES = 12, ANSWERS_BYTES = 8192 };

static void add_property(struct event *event, const char *name, struct value value) {
    event->properties[event->n_properties++] =
        (struct event_property){.name = slice_of(name), .value = value};
}

static void add_text(struct event *event, const char *name, const char *text) {
    if (text && text[0])
        add_property(event, name, (struct value){.type = VALUE_TEXT, .text = slice_of(text)});
}

static void add_int(struct event *event, const char *name, int64_t number) {
    add_property(event, name, (struct value){.type = VALUE_INT, .integer = number});
}

static const char *face_name(int64_t value, int64_t faces) {
    static const char *const names[3][5] = {
        {"unhappy", "neutral", "happy"},
        {"very_unhappy", "unhappy", "happy", "very_happy"},
        {"very_unhappy", "unhappy", "neutral", "happy", "very_happy"}};
    return names[faces - 3][value - 1];
}

static void begin_answer(struct buf *json, const char *question, const char *metric) {
    buf_add_text(json, json->n > 1 ? ",{" : "{");
    json_add_name(json, "question");
    json_add_text(json, slice_of(question));
    json_add_name(json, "metric");
    json_add_text(json, slice_of(metric));
    json_add_name(json, "value");
}

/* The face, what was chosen and what was written, as answers (collect/answers.h). */
static struct slice answers_of_tap(struct taking *taking, const struct tap *tap,
                                   const json_t *document, struct slice comment,
                                   const char **reason) {
    const json_t *choice = tap_follow_up(document, tap->value, "choice"),
                 *text = tap_follow_up(document, tap->value, "text"),
                 *options = json_object_get(choice, "options");
    size_t chosen = json_array_size(tap->choices);
    struct buf json;
    buf_init(&json, ANSWERS_BYTES);
    buf_add_char(&json, '[');
    begin_answer(&json, tap_first_text(document, json_object_get(document, "question")), "csat");
    buf_add_format(&json, "%lld,\"scale\":[1,%lld]}", (long long)tap->value, (long long)tap->faces);
    for (size_t i = 0; i < chosen; i++) {
        size_t at = (size_t)json_integer_value(json_array_get(tap->choices, i));
        const char *label = tap_first_text(document, json_array_get(options, at));
        begin_answer(&json, tap_first_text(document, json_object_get(choice, "question")),
                     "choice");
        json_add_text(&json, slice_of(label));
        buf_add_char(&json, '}');
        *reason = i ? *reason : label;
    }
    if (comment.n) {
        begin_answer(&json, tap_first_text(document, json_object_get(text, "question")), "text");
        json_add_text(&json, comment);
        buf_add_char(&json, '}');
    }
    buf_add_char(&json, ']');
    struct slice copy = chosen || comment.n ? arena_copy(&taking->arena, buf_slice(&json))
                                            : (struct slice){NULL, 0};
    buf_release(&json);
    return copy;
}

void tap_event(struct taking *taking, const struct tap *tap, struct event *event) {
    struct arena *arena = &taking->arena;
    const json_t *document = taking_document(taking, tap->revision);
    const char *reason = NULL;
    struct slice comment = utf8_trim(slice_of(tap->text));
    mask_property(SLICE_LITERAL("comment"), &comment, arena);
    struct slice answers = answers_of_tap(taking, tap, document, comment, &reason);
    *event = (struct event){
        .type = EVENT_TRACK,
        .name = SLICE_LITERAL("Kiosk Tapped"),
        .anonymous_id = slice_of(arena_format(arena, "kiosk-%s-%s", taking->address, tap->id)),
        .message_id = slice_of(arena_format(arena, "kiosk:%s:%s", taking->address, tap->id)),
        .channel = SLICE_LITERAL("kiosk"),
        .touchpoint = slice_of(json_string_value(json_object_get(document, "touchpoint"))),
        .unit = slice_of(json_string_value(json_object_get(document, "unit"))),
        .time_ms = tap->time_ms,
        .stated_ms = tap->time_ms,
        .has_time = true,
        .properties = ARENA_ARRAY(arena, struct event_property, PROPERTIES),
        .raw = tap->raw};
    add_text(event, "kiosk", json_string_value(json_object_get(document, "name")));
    add_text(event, "question", tap_first_text(document, json_object_get(document, "question")));
    add_text(event, "face", face_name(tap->value, tap->faces));
    add_int(event, "value", tap->value);
    add_int(event, "scale_max", tap->faces);
    add_int(event, "version", tap->revision);
    add_text(event, "language", tap->language);
    add_text(event, "reason", reason);
    if (comment.n)
        add_property(event, "comment", (struct value){.type = VALUE_TEXT, .text = comment});
    add_text(event, "misuse", tap->misuse);
    if (answers.n)
        add_property(event, "answers", (struct value){.type = VALUE_JSON, .text = answers});
}

void tap_survey_events(struct taking *taking, struct tap *tap) {
    const json_t *document = taking_document(taking, tap->revision);
    struct survey *survey;
    struct event *events;
    struct err fault = {0};
    size_t n = 0;
    if (tap->survey_version < 1 || tap->survey_version > UINT32_MAX ||
        survey_find_version(taking->folder, slice_of(tap_survey(document)),
                            (uint32_t)tap->survey_version, &survey, &fault)) {
        tap->fault = "the survey has no such version";
        return;
    }
    taking->surveys[taking->n_surveys++] = survey;
    tap->survey = survey;
    struct event extra = {.properties = ARENA_ARRAY(&taking->arena, struct event_property, 2)};
    add_text(&extra, "kiosk", json_string_value(json_object_get(document, "name")));
    add_text(&extra, "misuse", tap->misuse);
    struct survey_context context = {
        .submission = slice_of(tap->id),
        .channel = SLICE_LITERAL("kiosk"),
        .touchpoint = slice_of(json_string_value(json_object_get(document, "touchpoint"))),
        .unit = slice_of(json_string_value(json_object_get(document, "unit"))),
        .language = survey_language(survey, tap->language),
        .time_ms = tap->time_ms,
        .received_ms = taking->received_ms,
        .extra = extra.properties,
        .n_extra = extra.n_properties,
        .partial = tap->partial};
    if (survey_events(taking->folder, survey, tap->answers, &context, &taking->arena, &events, &n,
                      &fault) ||
        !n || n > TAP_EVENTS) {
        tap->fault = arena_format(&taking->arena, "%s: %s", fault.pointer, fault.message);
        return;
    }
    memcpy(&taking->events[taking->n_events], events, n * sizeof *events);
    taking->n_events += n;
}
