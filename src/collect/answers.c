/*
 * Taking answers out of interactions: see answers.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/answers.h"

#include <jansson.h>
#include <math.h>

#include "base/limits.h"
#include "collect/asked.h"

enum { SHORT_TEXT_BYTES = 120, SHARED_BYTES = 1024 };

/* Interactions that carry answers; metric: of an answer that does not say its own. */
static const struct carrier {
    struct slice event;
    const char *metric;
} CARRIERS[] = {
    {SLICE_CONSTANT("Survey Responded"), NULL},
    {SLICE_CONSTANT("Kiosk Tapped"), "csat"},
    {SLICE_CONSTANT("Product Reviewed"), "rating"},
};

enum points { POINTS_NONE, POINTS_NPS, POINTS_UPPER, POINTS_VALUE };

/* What is known of a metric; the last row holds for all others. */
static const struct metric {
    const char *name;
    double scale_min, scale_max;
    enum points points;
} METRICS[] = {
    {"nps", 0, 10, POINTS_NPS},     {"csat", 1, 5, POINTS_UPPER}, {"ces", 1, 7, POINTS_UPPER},
    {"rating", 1, 5, POINTS_VALUE}, {"text", 0, 0, POINTS_NONE},  {"choice", 0, 0, POINTS_NONE},
    {NULL, 0, 0, POINTS_VALUE},
};

static const struct carrier *carrier_of(const struct event *event) {
    if (event->type == EVENT_TRACK)
        for (size_t i = 0; i < sizeof CARRIERS / sizeof *CARRIERS; i++)
            if (slice_equal(event->name, CARRIERS[i].event))
                return &CARRIERS[i];
    return NULL;
}

bool event_carries_answers(const struct event *event) { return carrier_of(event) != NULL; }

static const struct metric *metric_of(struct slice name) {
    const struct metric *metric = METRICS;
    while (metric->name && !slice_is(name, metric->name))
        metric++;
    return metric;
}

static const struct value *property_of(const struct event *event, const char *name) {
    for (size_t i = event->n_properties; i > 0; i--)
        if (slice_is(event->properties[i - 1].name, name))
            return &event->properties[i - 1].value;
    return NULL;
}

static bool number_of(const struct value *value, double *number) {
    if (!value || (value->type != VALUE_INT && value->type != VALUE_NUMBER))
        return false;
    *number = value->type == VALUE_INT ? (double)value->integer : value->number;
    return true;
}

/* ---- what a value counts for ---- */

static double nps_points(double value) { return value >= 9 ? 1 : value <= 6 ? -1 : 0; }

static void give_points(struct answer *answer) {
    const struct metric *metric = metric_of(answer->metric);
    double value = 0;
    bool is_number = number_of(&answer->value, &value);
    bool scaled = answer->scale_min < answer->scale_max;
    bool halfway = metric->points == POINTS_NPS && value != floor(value);
    if (!is_number || metric->points == POINTS_NONE || halfway ||
        (scaled && (value < answer->scale_min || value > answer->scale_max)))
        return;
    answer->has_points = true;
    answer->points = metric->points == POINTS_NPS ? nps_points(value)
                     : metric->points == POINTS_UPPER
                         ? 2 * value > answer->scale_min + answer->scale_max
                         : value;
}

/* Metric and scale where nobody says them, then the points. */
static void complete(const struct carrier *carrier, struct answer *answer) {
    bool words = answer->value.type == VALUE_TEXT;
    if (!answer->metric.n)
        answer->metric = slice_of(words ? "text" : carrier->metric ? carrier->metric : "rating");
    const struct metric *metric = metric_of(answer->metric);
    if (!(answer->scale_min < answer->scale_max)) {
        answer->scale_min = metric->scale_min;
        answer->scale_max = metric->scale_max;
    }
    give_points(answer);
}

/* ---- an interaction that is an answer ---- */

static struct slice text_property(const struct event *event, const char *name) {
    const struct value *value = property_of(event, name);
    return value && value->type == VALUE_TEXT ? value->text : (struct slice){"", 0};
}

static bool single(const struct event *event, struct answer *answer) {
    static const char *const names[] = {"value", "score", "rating"};
    const struct value *value = NULL;
    for (size_t i = 0; !value && i < sizeof names / sizeof *names; i++)
        value = property_of(event, names[i]);
    if (!value || value->type < VALUE_FALSE || value->type > VALUE_TEXT)
        return false;
    *answer = (struct answer){.question = text_property(event, "question"),
                              .metric = text_property(event, "metric"),
                              .value = *value};
    double low = 1, high;
    if (number_of(property_of(event, "scale_max"), &high)) {
        number_of(property_of(event, "scale_min"), &low);
        answer->scale_min = low;
        answer->scale_max = high;
    }
    return true;
}

/* What somebody wrote beside a score; length 0: nothing. */
static struct slice comment_of(const struct event *event) {
    static const char *const names[] = {"comment", "text", "review_body"};
    struct slice text = {"", 0};
    for (size_t i = 0; !text.n && i < sizeof names / sizeof *names; i++)
        text = text_property(event, names[i]);
    return text;
}

/* The score, and its comment as an answer of its own. */
static size_t single_answers(const struct event *event, const struct carrier *carrier,
                             struct answer *answers) {
    size_t n = single(event, answers);
    struct slice words = comment_of(event);
    bool said = n && answers->value.type == VALUE_TEXT && slice_equal(answers->value.text, words);
    if (n)
        complete(carrier, answers);
    if (words.n && !said) {
        answers[n] = (struct answer){.question = SLICE_LITERAL("comment"),
                                     .metric = SLICE_LITERAL("text"),
                                     .value = {.type = VALUE_TEXT, .text = words}};
        complete(carrier, &answers[n++]);
    }
    return n;
}

/* ---- an interaction with a list of answers ---- */

static struct slice json_text(const json_t *json, struct arena *arena) {
    return json_is_string(json) ? arena_copy(arena, (struct slice){json_string_value(json),
                                                                   json_string_length(json)})
                                : (struct slice){"", 0};
}

static bool json_value(const json_t *json, struct arena *arena, struct value *value) {
    switch (json_typeof(json)) {
    case JSON_TRUE: *value = (struct value){.type = VALUE_TRUE}; return true;
    case JSON_FALSE: *value = (struct value){.type = VALUE_FALSE}; return true;
    case JSON_INTEGER:
        *value = (struct value){.type = VALUE_INT, .integer = json_integer_value(json)};
        return true;
    case JSON_REAL:
        *value = (struct value){.type = VALUE_NUMBER, .number = json_real_value(json)};
        return true;
    case JSON_STRING:
        *value = (struct value){.type = VALUE_TEXT, .text = json_text(json, arena)};
        return value->text.n > 0;
    default: return false;
    }
}

static void read_scale(const json_t *json, struct answer *answer) {
    const json_t *scale = json_object_get(json, "scale");
    const json_t *low = json_array_get(scale, 0), *high = json_array_get(scale, 1);
    if (!json_is_number(low) || !json_is_number(high))
        return;
    answer->scale_min = json_number_value(low);
    answer->scale_max = json_number_value(high);
}

struct listing {
    const struct carrier *carrier;
    struct arena *arena;
    struct answer *answers;
    size_t n;
    bool full;
};

static void list_value(struct listing *listing, struct answer like, const json_t *json) {
    if (!json_value(json, listing->arena, &like.value))
        return;
    if (listing->n == LIMIT_ANSWERS) {
        listing->full = true;
        return;
    }
    complete(listing->carrier, &like);
    listing->answers[listing->n++] = like;
}

/* One object; a list as its value (several choices) is several answers. */
static void list_answer(struct listing *listing, const json_t *json) {
    const json_t *value = json_object_get(json, "value"), *each;
    size_t i;
    struct answer like = {.question = json_text(json_object_get(json, "question"), listing->arena),
                          .metric = json_text(json_object_get(json, "metric"), listing->arena),
                          .touchpoint =
                              json_text(json_object_get(json, "touchpoint"), listing->arena)};
    read_scale(json, &like);
    if (like.question.n > LIMIT_NAME_BYTES || like.metric.n > LIMIT_NAME_BYTES ||
        like.touchpoint.n > LIMIT_NAME_BYTES)
        return;
    if (json_is_array(value))
        json_array_foreach(value, i, each) list_value(listing, like, each);
    else if (value)
        list_value(listing, like, value);
}

static enum refusal list_answers(struct listing *listing, struct slice text, const char **message) {
    json_t *list = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL), *json;
    size_t i;
    enum refusal refusal = REFUSAL_NONE;
    if (!json_is_array(list)) {
        *message = "answers must be a list of objects";
        refusal = REFUSAL_BAD_FIELD;
    }
    listing->answers = ARENA_ARRAY(listing->arena, struct answer, LIMIT_ANSWERS);
    json_array_foreach(list, i, json) {
        if (json_is_object(json)) {
            list_answer(listing, json);
        } else {
            *message = "answers must be a list of objects";
            refusal = REFUSAL_BAD_FIELD;
        }
    }
    if (listing->full) {
        *message = "more answers than an interaction may bring";
        refusal = REFUSAL_BAD_FIELD;
    }
    json_decref(list);
    return refusal;
}

/* ---- what holds for the whole response ---- */

static bool is_staff(const struct value *value) {
    static const char *const names[] = {"staff", "employee", "personal", "empleado", "empleada"};
    for (size_t i = 0; value && value->type == VALUE_TEXT && i < sizeof names / sizeof *names; i++)
        if (slice_is(value->text, names[i]))
            return true;
    return false;
}

static bool is_said(const struct value *value) {
    return value && (value->type == VALUE_TRUE || (value->type == VALUE_TEXT && value->text.n > 0));
}

static void note_response(const struct event *event, struct answer *answers, size_t n,
                          struct arena *arena) {
    bool words = false;
    const char *flag = is_said(property_of(event, "misuse"))        ? "misuse"
                       : is_staff(property_of(event, "invited_by")) ? "picked_by_staff"
                                                                    : NULL;
    for (size_t i = 0; i < n; i++) {
        if (!slice_is(answers[i].metric, "text") || answers[i].value.type != VALUE_TEXT)
            continue;
        words = true;
        if (!flag && words_say_asked(answers[i].value.text, arena))
            flag = "asked_words";
    }
    for (size_t i = 0; i < n; i++) {
        answers[i].words = words;
        answers[i].flag = flag;
    }
}

enum refusal answers_of(const struct event *event, struct arena *arena, struct answer **answers,
                        size_t *n, const char **message) {
    struct listing listing = {.carrier = carrier_of(event), .arena = arena};
    const struct value *list = property_of(event, "answers");
    enum refusal refusal = REFUSAL_NONE;
    *n = 0;
    if (!listing.carrier)
        return REFUSAL_NONE;
    if (list && list->type == VALUE_JSON) {
        refusal = list_answers(&listing, list->text, message);
    } else {
        listing.answers = ARENA_ARRAY(arena, struct answer, 2);
        listing.n = single_answers(event, listing.carrier, listing.answers);
    }
    note_response(event, listing.answers, listing.n, arena);
    *answers = listing.answers;
    *n = refusal ? 0 : listing.n;
    return refusal;
}

/* ---- the row ---- */

struct encoding {
    struct buf *out;
    uint16_t (*code)(void *context, struct slice name);
    void *context;
    bool failed;
};

static void put(struct encoding *encoding, struct slice name, const struct value *value) {
    uint16_t code = encoding->failed ? CODE_NONE : encoding->code(encoding->context, name);
    if (code)
        property_add(encoding->out, code, value);
    encoding->failed |= !code;
}

static void put_text(struct encoding *encoding, const char *name, struct slice text) {
    if (text.n)
        put(encoding, slice_of(name), &(struct value){.type = VALUE_TEXT, .text = text});
}

static void put_number(struct encoding *encoding, const char *name, double number) {
    bool whole = number == floor(number) && fabs(number) < 1e15;
    struct value value = whole ? (struct value){.type = VALUE_INT, .integer = (int64_t)number}
                               : (struct value){.type = VALUE_NUMBER, .number = number};
    put(encoding, slice_of(name), &value);
}

/* Names that the answer says itself. */
static bool is_own(struct slice name) {
    static const char *const names[] = {"question", "metric",       "value",      "score",
                                        "rating",   "scale_min",    "scale_max",  "points",
                                        "answers",  "answer.words", "answer.flag"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(name, names[i]))
            return true;
    return false;
}

static bool is_short(const struct value *value) {
    return value->type >= VALUE_FALSE && value->type <= VALUE_TEXT &&
           (value->type != VALUE_TEXT || value->text.n <= SHORT_TEXT_BYTES);
}

bool answer_encode(const struct event *event, const struct answer *answer, struct buf *out,
                   uint16_t (*code)(void *context, struct slice name), void *context) {
    struct encoding encoding = {.out = out, .code = code, .context = context};
    size_t start = out->n;
    for (size_t i = 0; i < event->n_properties && out->n - start < SHARED_BYTES; i++) {
        const struct event_property *property = &event->properties[i];
        if (is_short(&property->value) && !is_own(property->name))
            put(&encoding, property->name, &property->value);
    }
    put_text(&encoding, "question", answer->question);
    put_text(&encoding, "metric", answer->metric);
    put(&encoding, SLICE_LITERAL("value"), &answer->value);
    if (answer->scale_min < answer->scale_max) {
        put_number(&encoding, "scale_min", answer->scale_min);
        put_number(&encoding, "scale_max", answer->scale_max);
    }
    if (answer->has_points)
        put_number(&encoding, "points", answer->points);
    if (answer->words)
        put(&encoding, SLICE_LITERAL("answer.words"), &(struct value){.type = VALUE_TRUE});
    if (answer->flag)
        put_text(&encoding, "answer.flag", slice_of(answer->flag));
    put_text(&encoding, "context.touchpoint",
             answer->touchpoint.n ? answer->touchpoint : event->touchpoint);
    return !encoding.failed;
}
