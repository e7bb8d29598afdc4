/*
 * Answers one by one, newest first: what somebody chose, what they said in words, and whether it counts. A response is one
 * row: the answer that was asked for, the words of the same response, and its other answers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/conditions.h"
#include "backend/score_scan.h"
#include "base/time.h"
#include "base/utf8.h"

enum { TEXT_MOST = 64 * 1024 };

/* One response: rows [first, last] of a part, of one customer and one instant. */
struct response {
    int64_t time_ms;
    uint64_t seq;
    const struct part *part;
    uint32_t owner, first, last, chosen; /* chosen: the answer asked for */
    enum asked reason;
};

struct gathered {
    const struct question *question;
    const struct score_scan *reading;
    const struct conditions *conditions; /* NULL: nothing of them is asked */
    const bool *is_metric, *is_question; /* [numbers]; NULL: all are */
    struct slice text;                   /* plain (utf8_plain); empty: any */
    struct arena scratch;
    struct response *responses;
    size_t n, capacity;
};

/* ---- which ---- */

static bool *accepted(const struct question *question, uint32_t property, uint32_t place) {
    const struct plan *plan = question->plan;
    const struct predicate *wanted = NULL;
    for (uint32_t i = 0; i < plan->n_answer_where; i++)
        if (plan->answer_where[i].property == property)
            wanted = &plan->answer_where[i];
    if (!wanted || !property)
        return NULL;
    uint32_t n = place < VIEW_EXTRAS ? question->extra_values[place].n : 0;
    bool *table = ARENA_ARRAY(question->arena, bool, (size_t)n + 1);
    for (uint32_t i = 1; i < n; i++)
        table[i] = predicate_matches(wanted, &question->extra_values[place].values[i]);
    return table;
}

static bool holds(const bool *table, const struct view *view, uint32_t place, uint32_t row) {
    return !table || table[place < VIEW_EXTRAS ? view->extra[place][row] : 0];
}

static bool is_chosen(const struct gathered *gathered, const struct view *view, uint32_t row) {
    const struct plan *plan = gathered->question->plan;
    const struct score_scan *reading = gathered->reading;
    double value = view->case_value ? reading->asking.values[view->case_value[row]] : (double)NAN;
    bool scored = !isnan(view->number[row]);
    if (scored == plan->outside || (plan->outside && isnan(value)) ||
        !week_hours_hold(&plan->when, plan->zone, view->sec[row]) ||
        !holds(gathered->is_metric, view, reading->metric, row) ||
        !holds(gathered->is_question, view, reading->question, row))
        return false;
    uint32_t survey = reading->survey < VIEW_EXTRAS ? view->extra[reading->survey][row] : 0;
    if (reading->skip_survey && reading->skip_survey[survey])
        return false;
    return !plan->has_values || (value >= plan->value_low && value <= plan->value_high);
}

/* The words of one row; length 0: it has none. */
static struct slice words_at(const struct plan *plan, const struct part *part, uint32_t row) {
    struct value metric = part_value(part, row, plan->metric_property),
                 value = part_value(part, row, plan->value_property);
    bool words = metric.type == VALUE_TEXT && slice_is(metric.text, "text");
    return words && value.type == VALUE_TEXT ? value.text : (struct slice){"", 0};
}

static bool words_hold(struct gathered *gathered, struct slice words) {
    struct slice plain = utf8_plain(words, &gathered->scratch);
    bool found = memmem(plain.p, plain.n, gathered->text.p, gathered->text.n) != NULL;
    arena_clear(&gathered->scratch);
    return found;
}

static bool words_match(struct gathered *gathered, const struct part *part, uint32_t first,
                        uint32_t last) {
    const struct plan *plan = gathered->question->plan;
    if (!gathered->text.n && !plan->with_words)
        return true;
    for (uint32_t row = first; row <= last; row++) {
        struct slice words = words_at(plan, part, row);
        if (words.n && (!gathered->text.n || words_hold(gathered, words)))
            return true;
    }
    return false;
}

/* ---- gathering ---- */

static bool before_cursor(const struct plan *plan, int64_t time_ms, uint64_t seq) {
    if (!plan->has_before || time_ms != plan->before_ms)
        return !plan->has_before || time_ms < plan->before_ms;
    return seq < plan->before_seq;
}

static void add(struct gathered *gathered, struct response response) {
    if (gathered->n == gathered->capacity) {
        gathered->capacity = gathered->capacity ? 2 * gathered->capacity : 256;
        gathered->responses =
            realloc(gathered->responses, gathered->capacity * sizeof *gathered->responses);
        if (!gathered->responses)
            abort();
    }
    gathered->responses[gathered->n++] = response;
}

/* Those outside their scale are listed whether they were asked for or not. */
static bool is_wanted(const struct plan *plan, enum asked reason) {
    if (plan->reason.n && !slice_is(plan->reason, asked_text(reason)))
        return false;
    return plan->outside || !score_scan_leaves(plan, reason);
}

/* Was the condition of its centre in the band that is asked for? */
static bool in_band(const struct gathered *gathered, const struct view *view, uint32_t row) {
    const struct plan *plan = gathered->question->plan;
    if (!gathered->conditions)
        return true;
    double at = condition_at(gathered->conditions, plan, view->part->unit[view_row(view, row)],
                             view->sec[row]);
    return at >= plan->band_from && at < plan->band_to; /* false where it is not known */
}

/* Rows [from, end) of a view are one response. */
static void consider(struct gathered *gathered, const struct view *view, uint32_t owner,
                     uint32_t from, uint32_t end) {
    uint32_t chosen = from;
    while (chosen < end && !is_chosen(gathered, view, chosen))
        chosen++;
    if (chosen == end)
        return;
    const struct score_scan *reading = gathered->reading;
    struct response response = {.time_ms = view_time_ms(view, from),
                                .part = view->part,
                                .owner = owner,
                                .first = view_row(view, from),
                                .last = view_row(view, end - 1),
                                .chosen = view_row(view, chosen)};
    response.seq = view->part->seq_base + view->part->seq[response.chosen];
    response.reason = asked_reason(reading->asked, &reading->asking, view, chosen);
    if (is_wanted(gathered->question->plan, response.reason) && in_band(gathered, view, chosen) &&
        words_match(gathered, view->part, response.first, response.last))
        add(gathered, response);
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct gathered *gathered = opaque;
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from, end; row < runs[r].to; row = end) {
            uint16_t event = view->part->event[view_row(view, row)];
            for (end = row + 1;
                 end < runs[r].to && view_time_ms(view, end) == view_time_ms(view, row) &&
                 view->part->event[view_row(view, end)] == event;
                 end++)
                ;
            consider(gathered, view, owner, row, end);
        }
    }
}
static const struct operator gather_operator = {.customer = customer};

static int newest_first(const void *a, const void *b) {
    const struct response *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? 1 : -1;
    return (x->seq < y->seq) - (x->seq > y->seq);
}

/* ---- rows ---- */

static json_t *property_json(const struct plan *plan, const struct response *response, uint32_t row,
                             uint32_t property) {
    bool seen = property && !sight_hides(&plan->sight, property);
    struct value value =
        seen ? part_value(response->part, row, property) : (struct value){.type = VALUE_NULL};
    return value.type == VALUE_ABSENT ? json_null() : json_of_value(&value);
}

static json_t *other_answers(const struct plan *plan, const struct response *response) {
    json_t *list = json_array();
    for (uint32_t row = response->first; row <= response->last; row++)
        if (row != response->chosen && !words_at(plan, response->part, row).n)
            json_array_append_new(
                list, json_pack("{s:o, s:o, s:o}", "question",
                                property_json(plan, response, row, plan->question_property),
                                "metric", property_json(plan, response, row, plan->metric_property),
                                "value", property_json(plan, response, row, plan->value_property)));
    return list;
}

static json_t *all_words(const struct plan *plan, const struct response *response) {
    struct buf text;
    bool hidden = sight_hides(&plan->sight, plan->value_property);
    buf_init(&text, TEXT_MOST);
    for (uint32_t row = response->first; row <= response->last && !hidden; row++) {
        struct slice words = words_at(plan, response->part, row);
        if (words.n && text.n)
            buf_add_text(&text, "\n");
        buf_add_slice(&text, words);
    }
    json_t *json = text.n ? json_of_slice(buf_slice(&text)) : json_null();
    buf_release(&text);
    return json;
}

static json_t *response_json(const struct question *question, const struct response *response) {
    const struct plan *plan = question->plan;
    const struct part *part = response->part;
    uint32_t row = response->chosen;
    json_t *json = json_object();
    json_object_set_new(json, "time", json_of_instant(response->time_ms));
    json_object_set_new(json, "customer", json_of_owner(response->owner));
    json_object_set_new(json, "channel",
                        json_of_name(question, DICTIONARY_CHANNEL, part->channel[row]));
    json_object_set_new(json, "touchpoint",
                        json_of_name(question, DICTIONARY_TOUCHPOINT, part->touchpoint[row]));
    json_object_set_new(json, "unit", json_of_name(question, DICTIONARY_UNIT, part->unit[row]));
    json_object_set_new(json, "survey", property_json(plan, response, row, plan->survey_property));
    json_object_set_new(json, "version",
                        property_json(plan, response, row, plan->version_property));
    json_object_set_new(json, "metric", property_json(plan, response, row, plan->metric_property));
    json_object_set_new(json, "question",
                        property_json(plan, response, row, plan->question_property));
    json_object_set_new(json, "value", property_json(plan, response, row, plan->value_property));
    json_object_set_new(json, "points", property_json(plan, response, row, plan->points_property));
    json_object_set_new(json, "text", all_words(plan, response));
    json_object_set_new(json, "flag",
                        response->reason ? json_string(asked_text(response->reason)) : json_null());
    json_object_set_new(json, "answers", other_answers(plan, response));
    return json;
}

static void list_page(struct question *question, struct gathered *all) {
    const struct plan *plan = question->plan;
    size_t shown = 0, begin = 0;
    if (all->n)
        qsort(all->responses, all->n, sizeof *all->responses, newest_first);
    while (begin < all->n &&
           !before_cursor(plan, all->responses[begin].time_ms, all->responses[begin].seq))
        begin++;
    question->data = json_array();
    for (; begin + shown < all->n && shown < plan->limit; shown++)
        json_array_append_new(question->data,
                              response_json(question, &all->responses[begin + shown]));
    json_object_set_new(question->meta, "answers", json_integer((json_int_t)all->n));
    if (begin + shown < all->n && shown) {
        char text[TIME_TEXT_BYTES];
        const struct response *last = &all->responses[begin + shown - 1];
        time_format(last->time_ms, text);
        json_object_set_new(question->meta, "next",
                            json_sprintf("%s~%llu", text, (unsigned long long)last->seq));
    } else {
        json_object_set_new(question->meta, "next", json_null());
    }
}

/* Conditions that hold for the whole response: the survey. Those of one answer are looked at row by row. */
static const struct matcher *of_response(struct question *question) {
    const struct plan *plan = question->plan;
    struct matcher *of = ARENA_ARRAY(question->arena, struct matcher, 1);
    struct predicate *where =
        ARENA_ARRAY(question->arena, struct predicate, (size_t)plan->n_answer_where + 1);
    for (uint32_t i = 0; i < plan->n_answer_where; i++)
        if (plan->answer_where[i].property == plan->survey_property)
            where[of->n_where++] = plan->answer_where[i];
    of->name = SLICE_LITERAL("*");
    of->where = where;
    return of;
}

static int gather(struct question *question, const struct score_scan *reading,
                  const struct conditions *conditions, struct err *err) {
    const struct plan *plan = question->plan;
    struct gathered gathered[SCAN_THREADS] = {0};
    void *states[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        gathered[t] = (struct gathered){
            .question = question,
            .reading = reading,
            .conditions = plan->beside ? conditions : NULL,
            .is_metric = accepted(question, plan->metric_property, reading->metric),
            .is_question = accepted(question, plan->question_property, reading->question),
            .text = plan->text.n ? utf8_plain(plan->text, question->arena) : plan->text};
        arena_init(&gathered[t].scratch);
        states[t] = &gathered[t];
    }
    int code = scan_run(&question->scan, &gather_operator, states, err);
    arena_release(&gathered[0].scratch);
    for (uint32_t t = 1; t < SCAN_THREADS; t++) {
        arena_release(&gathered[t].scratch);
        for (size_t i = 0; i < gathered[t].n; i++)
            add(&gathered[0], gathered[t].responses[i]);
        free(gathered[t].responses);
    }
    if (!code)
        list_page(question, &gathered[0]);
    free(gathered[0].responses);
    return code;
}

int answer_answers(struct question *question, struct err *err) {
    struct score_scan reading = {0};
    struct conditions conditions = {0};
    if (!question->plan->points_property) {
        question->data = json_array();
        json_object_set_new(question->meta, "answers", json_integer(0));
        json_object_set_new(question->meta, "next", json_null());
        return 0;
    }
    if (question->plan->reason.n && !asked_of(question->plan->reason)) {
        err_at(err, E_INVALID, "/reason", "is no reason why an answer is flagged");
        return err_hint(err,
                        "asked_words, picked_by_staff, misuse, closing_burst, tens_no_words or "
                        "centre.");
    }
    question->spec.unordered = true; /* they are sorted at last, and stay rows of their parts */
    int code = score_scan_prepare(question, of_response(question), &reading, err);
    if (!code && question->plan->beside)
        code = conditions_measure(question, &conditions, err);
    if (!code)
        code = gather(question, &reading, &conditions, err);
    conditions_release(&conditions);
    score_scan_release(question, &reading);
    return code;
}
