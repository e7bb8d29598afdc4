/*
 * /api/v1/surveys/{id}/results, …/answers and …/responses: what was answered: counts and scores of every question, the
 * answers themselves with whoever gave them, and all of it as CSV.
 *
 * RESPONSE RATE  of those who were asked, in all and by channel and touchpoint (survey_rates.h). Partial responses are counted apart,
 * their answers are in the figures of each question. Answers under way are in none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "survey/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/export_rows.h"
#include "api/survey_rates.h"
#include "api/survey_wide.h"
#include "backend/score_row.h"
#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"

enum { ANSWERS_MAX = 500, VALUES_MAX = 2000 };

/* ---- what is asked for ---- */

static int read_instant(struct request *request, const char *name, int64_t standard, int64_t *ms,
                        struct err *err) {
    const char *text = request_query(request, name);
    *ms = standard;
    if (!text || !*text)
        return 0;
    return time_parse(slice_of(text), app_folder(request->app)->zone, ms)
               ? err_at(err, E_INVALID, arena_format(request->arena, "/%s", name),
                        "must be a day or an instant")
               : 0;
}

static struct slice query_slice(const struct request *request, const char *name) {
    const char *text = request_query(request, name);
    return text && *text ? slice_of(text) : (struct slice){0};
}

static int read_filter(struct request *request, struct survey_filter *filter, struct err *err) {
    int64_t version = 0;
    *filter = (struct survey_filter){.principal = &request->principal,
                                     .channel = query_slice(request, "channel"),
                                     .touchpoint = query_slice(request, "touchpoint"),
                                     .unit = query_slice(request, "unit"),
                                     .language = query_slice(request, "language"),
                                     .question = query_slice(request, "question")};
    int code = read_instant(request, "from", TIME_MIN_MS, &filter->from_ms, err);
    if (!code)
        code = read_instant(request, "to", TIME_MAX_MS, &filter->to_ms, err);
    if (!code)
        code = request_query_int(request, "version", 0, 0, UINT32_MAX, &version, err);
    filter->version = (uint32_t)version;
    return code;
}

/* ---- counting ---- */

struct counted {
    struct slice value; /* text, or the number as text */
    double number;
    bool is_number;
    uint64_t n;
    struct counted *next;
};

struct figures { /* one question or one row of it */
    const char *id;
    struct slice metric;
    uint64_t n;
    double min, max;
    bool mixed; /* its scale changed */
    struct score_cell cell;
    struct counted *values;
    size_t n_values;
    struct figures *next;
};

struct counting {
    struct arena *arena;
    struct figures *first, **last;
    uint64_t events[SURVEY_EVENTS], partial;
    int64_t first_ms, last_ms;
    json_t *languages, *channels, *versions;
    struct survey_rates *rates;
};

static struct figures *asked_find(struct counting *counting, struct slice id) {
    for (struct figures *asked = counting->first; asked; asked = asked->next)
        if (slice_is(id, asked->id))
            return asked;
    struct figures *asked = ARENA_ARRAY(counting->arena, struct figures, 1);
    asked->id = arena_text(counting->arena, id);
    *counting->last = asked;
    counting->last = &asked->next;
    return asked;
}

static void count_value(struct counting *counting, struct figures *asked,
                        const struct value *value) {
    char text[32];
    bool is_number = value->type == VALUE_INT || value->type == VALUE_NUMBER;
    double number = value->type == VALUE_INT ? (double)value->integer : value->number;
    struct slice shown = value->text;
    if (is_number) {
        snprintf(text, sizeof text, "%.15g", number);
        shown = slice_of(text);
    } else if (value->type != VALUE_TEXT) {
        shown = slice_of(value->type == VALUE_TRUE ? "true" : "false");
    }
    struct counted **at = &asked->values;
    while (*at && !slice_equal((*at)->value, shown))
        at = &(*at)->next;
    if (!*at && asked->n_values < VALUES_MAX) {
        *at = ARENA_ARRAY(counting->arena, struct counted, 1);
        (*at)->value = arena_copy(counting->arena, shown);
        (*at)->number = is_number ? number : 0;
        (*at)->is_number = is_number;
        asked->n_values++;
    }
    if (*at)
        (*at)->n++;
}

static void take_answer(void *context, const struct survey_said *said) {
    struct counting *counting = context;
    struct figures *asked = asked_find(counting, said->question);
    if (!asked->metric.p)
        asked->metric = arena_copy(counting->arena, said->metric);
    asked->n++;
    if (said->scale_min < said->scale_max) {
        asked->mixed |= asked->min < asked->max &&
                        (asked->min != said->scale_min || asked->max != said->scale_max);
        asked->min = said->scale_min;
        asked->max = said->scale_max;
    }
    if (said->has_points) {
        asked->cell.n++;
        asked->cell.sum += said->points;
        asked->cell.squares += said->points * said->points;
    }
    if (!slice_is(said->metric, "text"))
        count_value(counting, asked, &said->value);
}

static void add_one(json_t *counts, struct slice name) {
    char text[LIMIT_NAME_BYTES + 1];
    if (!name.n || name.n > LIMIT_NAME_BYTES)
        return;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    json_int_t n = json_integer_value(json_object_get(counts, text));
    json_object_set_new(counts, text, json_integer(n + 1));
}

static void take_event(void *context, const struct survey_said *said) {
    struct counting *counting = context;
    char version[24];
    survey_rates_take(counting->rates, said);
    if (said->event != SURVEY_RESPONDED || !said->partial)
        counting->events[said->event]++;
    else
        counting->partial++;
    if (said->event != SURVEY_RESPONDED)
        return;
    if (!counting->first_ms || said->time_ms < counting->first_ms)
        counting->first_ms = said->time_ms;
    if (said->time_ms > counting->last_ms)
        counting->last_ms = said->time_ms;
    snprintf(version, sizeof version, "%lld", (long long)said->version);
    add_one(counting->languages, said->language);
    add_one(counting->channels, said->channel);
    add_one(counting->versions, slice_of(version));
}

/* ---- as JSON ---- */

static bool score_kind(struct slice metric, enum score_kind *kind) {
    static const struct {
        const char *metric;
        enum score_kind kind;
    } kinds[] = {{"nps", SCORE_NPS},     {"csat", SCORE_SHARE}, {"ces", SCORE_SHARE},
                 {"text", SCORE_NPS},    {"choice", SCORE_NPS}, {"date", SCORE_NPS},
                 {"consent", SCORE_NPS}, {"contact", SCORE_NPS}};
    *kind = SCORE_MEAN;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_is(metric, kinds[i].metric)) {
            *kind = kinds[i].kind;
            return i < 3;
        }
    return true;
}

static int by_value(const void *a, const void *b) {
    const struct counted *x = *(struct counted *const *)a, *y = *(struct counted *const *)b;
    if (x->is_number && y->is_number)
        return (x->number > y->number) - (x->number < y->number);
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : slice_compare(x->value, y->value);
}

static const char *option_text(const struct survey_question *question, struct slice id,
                               size_t language) {
    const struct survey_option *option =
        question ? survey_option(question->options, question->n_options, id) : NULL;
    return option ? survey_text_in(option->text, language) : "";
}

static void add_distribution(json_t *json, const struct figures *asked,
                             const struct survey_question *question, unsigned floor,
                             size_t language, struct arena *arena) {
    struct counted **list = ARENA_ARRAY(arena, struct counted *, asked->n_values + 1);
    json_t *rows = json_array();
    size_t n = 0;
    bool shows = true;
    for (struct counted *value = asked->values; value; value = value->next) {
        list[n++] = value;
        shows &= !floor || value->n >= floor;
    }
    qsort(list, n, sizeof *list, by_value);
    for (size_t i = 0; i < n && shows; i++) {
        const char *text = option_text(question, list[i]->value, language);
        json_t *row =
            json_pack("{s:o, s:I, s:f}", "value",
                      list[i]->is_number ? json_real(list[i]->number)
                                         : json_stringn(list[i]->value.p, list[i]->value.n),
                      "n", (json_int_t)list[i]->n, "share", (double)list[i]->n / (double)asked->n);
        if (*text)
            json_object_set_new(row, "text", json_string(text));
        json_array_append_new(rows, row);
    }
    json_object_set_new(json, "distribution", rows);
}

static json_t *asked_json(const struct figures *asked, const struct survey *survey, unsigned floor,
                          size_t language, struct arena *arena) {
    const struct survey_question *question = survey_question(survey, slice_of(asked->id));
    const char *part = strchr(asked->id, '.');
    enum score_kind kind;
    json_t *json = json_pack("{s:s, s:s%, s:I}", "id", asked->id, "metric", asked->metric.p,
                             asked->metric.n, "n", (json_int_t)asked->n);
    if (question) {
        json_object_set_new(json, "type", json_string(survey_type_name(question->type)));
        json_object_set_new(json, "text", json_string(survey_text_in(question->text, language)));
    }
    if (question && part) {
        struct slice row = {part + 1, strcspn(part + 1, ".")};
        const struct survey_option *option = survey_option(question->rows, question->n_rows, row);
        if (!option)
            option = survey_option(question->options, question->n_options, row);
        if (option)
            json_object_set_new(json, "row", json_string(survey_text_in(option->text, language)));
        if (part[1 + row.n])
            json_object_set_new(json, "side", json_string(part + 2 + row.n));
    }
    if (floor && asked->n < floor)
        return json;
    if (asked->mixed)
        json_object_set_new(json, "mixed_scales", json_true());
    if (asked->min < asked->max)
        json_object_set_new(json, "scale", json_pack("[f, f]", asked->min, asked->max));
    if (score_kind(asked->metric, &kind) && asked->cell.n) {
        json_t *score = json_pack("{s:s}", "kind",
                                  kind == SCORE_NPS     ? "nps"
                                  : kind == SCORE_SHARE ? "share"
                                                        : "mean");
        score_row(score, kind, false, &asked->cell);
        json_object_set_new(json, "score", score);
    }
    if (!slice_is(asked->metric, "text"))
        add_distribution(json, asked, question, floor, language, arena);
    return json;
}

/* In the order of the survey; what older versions asked comes after. */
static json_t *questions_json(struct counting *counting, const struct survey *survey,
                              unsigned floor, size_t language) {
    json_t *list = json_array();
    for (size_t i = 0; i <= survey->n_questions; i++)
        for (struct figures *asked = counting->first; asked; asked = asked->next) {
            const struct survey_question *question = survey_question(survey, slice_of(asked->id));
            size_t place = question ? (size_t)(question - survey->questions) : survey->n_questions;
            if (place == i)
                json_array_append_new(list,
                                      asked_json(asked, survey, floor, language, counting->arena));
        }
    return list;
}

/* Of pairs: how far what was received is from what was expected, beside what was received. */
static void add_gaps(const json_t *list) {
    json_t *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, row) {
        const json_t *expected = i ? json_array_get(list, i - 1) : NULL;
        const json_t *side = json_object_get(row, "side");
        const json_t *own = json_object_get(json_object_get(row, "score"), "value"),
                     *before = json_object_get(json_object_get(expected, "score"), "value");
        if (json_is_string(side) && strcmp(json_string_value(side), "perceived") == 0 &&
            json_equal(json_object_get(row, "row"), json_object_get(expected, "row")) &&
            json_is_number(own) && json_is_number(before))
            json_object_set_new(row, "gap",
                                json_real(json_number_value(own) - json_number_value(before)));
    }
}

static int read_counts(struct request *request, struct counting *counting, struct err *err) {
    struct survey_filter filter;
    struct slice id = slice_of(request->params[0]);
    int code = read_filter(request, &filter, err);
    if (!code)
        code =
            survey_read_answers(app_folder(request->app), id, &filter, take_answer, counting, err);
    filter.question = (struct slice){0};
    counting->rates->shown_only = filter.version || filter.language.n;
    if (!code)
        code = survey_read_events(app_folder(request->app), id, &filter, take_event, counting, err);
    return code;
}

static json_t *results_json(struct request *request, struct counting *counting,
                            const struct survey *survey, uint64_t under_way) {
    unsigned floor = request->principal.floor;
    uint64_t responded = counting->events[SURVEY_RESPONDED], shown = counting->events[SURVEY_SHOWN];
    uint64_t all = responded + counting->partial;
    bool few = floor && all < floor;
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "survey", survey->id, "responses",
                  (json_int_t)(few ? 0 : responded), "partial",
                  (json_int_t)(few ? 0 : counting->partial), "shown", (json_int_t)(few ? 0 : shown),
                  "dismissed", (json_int_t)(few ? 0 : counting->events[SURVEY_DISMISSED]),
                  "under_way", (json_int_t)(few ? 0 : under_way), "first_at",
                  few ? json_null() : api_instant(counting->first_ms), "last_at",
                  few ? json_null() : api_instant(counting->last_ms));
    if (few)
        json_object_set_new(json, "hidden", json_true());
    survey_rates_json(counting->rates, floor, json);
    json_object_set(json, "languages", few ? json_null() : counting->languages);
    json_object_set(json, "channels", few ? json_null() : counting->channels);
    json_object_set(json, "versions", few ? json_null() : counting->versions);
    json_t *questions =
        few ? json_array()
            : questions_json(counting, survey, floor, survey_language(survey, request->language));
    add_gaps(questions);
    json_object_set_new(json, "questions", questions);
    return json;
}

static int results(struct request *request, struct response *response, struct err *err) {
    struct counting counting = {.arena = request->arena,
                                .languages = json_object(),
                                .channels = json_object(),
                                .versions = json_object(),
                                .rates = ARENA_ARRAY(request->arena, struct survey_rates, 1)};
    struct survey *survey;
    uint64_t under_way = 0;
    counting.last = &counting.first;
    counting.rates->arena = request->arena;
    int code = survey_find(app_folder(request->app), slice_of(request->params[0]), &survey, err);
    if (!code) {
        code = read_counts(request, &counting, err);
        if (!code)
            code = survey_progress_count(app_folder(request->app), survey->number, &under_way, err);
        if (!code) {
            json_t *json = results_json(request, &counting, survey, under_way);
            response_json(response, 200, json);
            json_decref(json);
        }
        survey_release(survey);
    }
    json_decref(counting.languages);
    json_decref(counting.channels);
    json_decref(counting.versions);
    return code;
}

/* ---- the answers themselves ---- */

struct listing {
    struct arena *arena;
    struct arena round;           /* of one row */
    struct slice contains, value; /* contains: folded */
    bool written;                 /* only words */
    int64_t before_ms;
    uint64_t before_seq;
    struct survey_said *list; /* newest first */
    size_t n, limit;
    uint64_t total;
};

static bool is_before(int64_t time_ms, uint64_t seq, int64_t than_ms, uint64_t than_seq) {
    return time_ms < than_ms || (time_ms == than_ms && seq < than_seq);
}

static bool is_value(const struct value *value, struct slice wanted) {
    char text[32];
    if (value->type == VALUE_TEXT)
        return slice_equal(value->text, wanted);
    if (value->type == VALUE_INT)
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
    else if (value->type == VALUE_NUMBER)
        snprintf(text, sizeof text, "%.15g", value->number);
    else
        snprintf(text, sizeof text, "%s", value->type == VALUE_TRUE ? "true" : "false");
    return slice_is(wanted, text);
}

static void keep_said(struct listing *listing, const struct survey_said *said) {
    size_t at = listing->n;
    while (at && is_before(listing->list[at - 1].time_ms, listing->list[at - 1].seq, said->time_ms,
                           said->seq))
        at--;
    if (at == listing->limit)
        return;
    if (listing->n < listing->limit)
        listing->n++;
    memmove(&listing->list[at + 1], &listing->list[at],
            (listing->n - at - 1) * sizeof *listing->list);
    struct survey_said *kept = &listing->list[at];
    *kept = *said;
    struct slice *texts[] = {&kept->submission, &kept->language, &kept->channel, &kept->unit,
                             &kept->touchpoint, &kept->question, &kept->metric};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_copy(listing->arena, *texts[i]);
    if (kept->value.type == VALUE_TEXT)
        kept->value.text = arena_copy(listing->arena, kept->value.text);
}

/* Letter case makes no difference. */
static bool contains(struct listing *listing, const struct value *value) {
    if (value->type != VALUE_TEXT)
        return false;
    arena_clear(&listing->round);
    struct slice text = utf8_fold(value->text, &listing->round);
    return memmem(text.p, text.n, listing->contains.p, listing->contains.n) != NULL;
}

static void list_said(void *context, const struct survey_said *said) {
    struct listing *listing = context;
    bool text = said->value.type == VALUE_TEXT && slice_is(said->metric, "text");
    if (listing->written && !text)
        return;
    if (listing->value.n && !is_value(&said->value, listing->value))
        return;
    if (listing->contains.n && !contains(listing, &said->value))
        return;
    listing->total++;
    if (is_before(said->time_ms, said->seq, listing->before_ms, listing->before_seq))
        keep_said(listing, said);
}

/* The first score of the same submission stands beside its words. */
struct scoring {
    struct listing *listing;
    json_t **scores;
};

static void find_score(void *context, const struct survey_said *said) {
    struct scoring *scoring = context;
    bool scored = slice_is(said->metric, "nps") || slice_is(said->metric, "csat") ||
                  slice_is(said->metric, "ces");
    for (size_t i = 0; scored && i < scoring->listing->n; i++)
        if (!scoring->scores[i] && said->submission.n &&
            slice_equal(scoring->listing->list[i].submission, said->submission))
            scoring->scores[i] = json_pack(
                "{s:s%, s:s%, s:f, s:f}", "question", said->question.p, said->question.n, "metric",
                said->metric.p, said->metric.n, "value",
                said->value.type == VALUE_INT ? (double)said->value.integer : said->value.number,
                "points", said->points);
}

static json_t *value_json(const struct value *value) {
    switch (value->type) {
    case VALUE_TEXT: return json_stringn(value->text.p, value->text.n);
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: return json_real(value->number);
    default: return json_boolean(value->type == VALUE_TRUE);
    }
}

static json_t *slice_json(struct slice text) {
    return text.n ? json_stringn(text.p, text.n) : json_null();
}

static json_t *said_json(const struct survey_said *said, json_t *score) {
    char customer[CUSTOMER_ID_BYTES];
    customer_id_format(said->owner, customer);
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:o}", "time",
                     api_instant(said->time_ms), "customer", customer, "submission",
                     slice_json(said->submission), "question", slice_json(said->question), "metric",
                     slice_json(said->metric), "value", value_json(&said->value), "version",
                     (json_int_t)said->version, "language", slice_json(said->language), "channel",
                     slice_json(said->channel), "touchpoint", slice_json(said->touchpoint), "unit",
                     slice_json(said->unit), "partial", said->partial, "score",
                     score ? score : json_null());
}

static int read_cursor(const struct request *request, struct listing *listing, struct err *err) {
    const char *cursor = request_query(request, "cursor");
    long long ms;
    unsigned long long seq;
    listing->before_ms = INT64_MAX;
    listing->before_seq = UINT64_MAX;
    if (!cursor)
        return 0;
    if (sscanf(cursor, "%lld-%llu", &ms, &seq) != 2)
        return err_at(err, E_INVALID, "/cursor", "is not a cursor of this list");
    listing->before_ms = ms;
    listing->before_seq = seq;
    return 0;
}

static int answers(struct request *request, struct response *response, struct err *err) {
    const char *kind = request_query(request, "kind");
    struct listing listing = {.arena = request->arena,
                              .contains =
                                  utf8_fold(query_slice(request, "contains"), request->arena),
                              .value = query_slice(request, "value"),
                              .written = kind && strcmp(kind, "text") == 0};
    struct survey_filter filter;
    struct slice id = slice_of(request->params[0]);
    struct folder *folder = app_folder(request->app);
    int64_t limit;
    if (request->principal.floor)
        return err_set(err, E_FORBIDDEN, "single answers are not for your role");
    int code = read_filter(request, &filter, err);
    if (!code)
        code = request_query_int(request, "limit", 50, 1, ANSWERS_MAX, &limit, err);
    if (!code)
        code = read_cursor(request, &listing, err);
    if (code)
        return code;
    listing.limit = (size_t)limit;
    listing.list = ARENA_ARRAY(request->arena, struct survey_said, listing.limit + 1);
    struct scoring scoring = {&listing, ARENA_ARRAY(request->arena, json_t *, listing.limit + 1)};
    arena_init(&listing.round);
    code = survey_read_answers(folder, id, &filter, list_said, &listing, err);
    arena_release(&listing.round);
    filter.question = (struct slice){0};
    if (!code && listing.n)
        code = survey_read_answers(folder, id, &filter, find_score, &scoring, err);
    if (code)
        return code;
    json_t *rows = json_array();
    for (size_t i = 0; i < listing.n; i++)
        json_array_append_new(rows, said_json(&listing.list[i], scoring.scores[i]));
    const struct survey_said *last = listing.n ? &listing.list[listing.n - 1] : NULL;
    json_t *json = json_pack(
        "{s:o, s:o, s:I}", "data", rows, "next",
        last && listing.n == listing.limit
            ? json_sprintf("%lld-%llu", (long long)last->time_ms, (unsigned long long)last->seq)
            : json_null(),
        "total", (json_int_t)listing.total);
    response_json(response, 200, json);
    json_decref(json);
    return HANDLED;
}

/* ---- as a file ---- */

static int responses(struct request *request, struct response *response, struct err *err) {
    const char *shape = request_query(request, "shape");
    struct survey_filter filter;
    struct survey *survey;
    bool is_long = shape && strcmp(shape, "long") == 0;
    if (shape && !is_long && strcmp(shape, "wide") != 0)
        return err_at(err, E_INVALID, "/shape", "shape is wide or long");
    int code = read_filter(request, &filter, err);
    if (!code)
        code = survey_find(app_folder(request->app), slice_of(request->params[0]), &survey, err);
    if (code)
        return code;
    survey_release(survey);
    return is_long ? export_begin(request, response, &export_responses, NULL, err)
                   : survey_wide_begin(request, response, filter.from_ms, filter.to_ms, err);
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/surveys/{id}/results", ACCESS_API, SCOPE_QUERY, .handle = results,
     .summary = "Responses, response rate, and each question's distribution and score: ?from=&to=&"
                "version=&channel=&touchpoint=&unit=&language="},
    {METHOD_GET, "/api/v1/surveys/{id}/answers", ACCESS_API, SCOPE_QUERY, .role = ROLE_AGENT,
     .handle = answers,
     .summary =
         "Answers with their customers, newest first: ?kind=text&question=&value=&contains="},
    {METHOD_GET, "/api/v1/surveys/{id}/responses", ACCESS_API, SCOPE_QUERY,
     .role = ROLE_UNIT_MANAGER, .handle = responses,
     .summary = "Responses as CSV: ?shape=wide (a submission a row) or long (an answer a row; "
                "?format=csv|jsonl|xlsx) &from= &to="},
};
const struct route_table api_survey_result_routes = ROUTE_TABLE(routes);
