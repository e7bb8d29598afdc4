/*
 * /api/v1/diary: what changed at a centre and when, and what a change did.
 *
 * EFFECT  of an entry on a score: the time after it against as long a time before, against the same difference of the other
 * centres that have such answers (difference in differences). What happened everywhere at once, seasons included, drops out;
 * what else happened at this centre does not. `activity` does the same with counts of an interaction, as a ratio.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/time.h"
#include "base/zone.h"
#include "metric/metric.h"
#include "stats/compare.h"
#include "stats/gsl.h"

enum { EFFECT_DAYS = 365, EFFECT_DAYS_MOST = 730, EFFECT_DAYS_LEAST = 7 };

static int read_entry(struct request *request, uint64_t *id, json_t **entry, struct err *err) {
    int code = api_number(request->params[0], id, err);
    return code ? code : diary_find(app_folder(request->app), &request->principal, *id, entry, err);
}

/* ---- the entries ---- */

/* ?unit= and ?kind= narrow the list. */
static int list(struct request *request, struct response *response, struct err *err) {
    static const char *const members[] = {"unit", "kind"};
    json_t *rows = NULL, *row;
    int code = diary_list(app_folder(request->app), &request->principal, &rows, err);
    if (code) {
        json_decref(rows);
        return code;
    }
    for (size_t i = json_array_size(rows); i-- > 0;) {
        row = json_array_get(rows, i);
        for (size_t m = 0; m < 2; m++) {
            const char *wanted = request_query(request, members[m]),
                       *is = json_string_value(json_object_get(row, members[m]));
            if (wanted && *wanted && (!is || strcmp(is, wanted) != 0)) {
                json_array_remove(rows, i);
                break;
            }
        }
    }
    response_list(response, rows, NULL);
    return HANDLED;
}

static int get(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *entry;
    int code = read_entry(request, &id, &entry, err);
    if (code)
        return code;
    response_json(response, 200, entry);
    json_decref(entry);
    return HANDLED;
}

static int keep(struct request *request, struct response *response, uint64_t id, struct err *err) {
    json_t *body, *entry = NULL;
    struct folder *folder = app_folder(request->app);
    int status = id ? 200 : 201, code = request_json(request, &body, err);
    if (code)
        return code;
    code = diary_put(folder, &request->principal, &id, body, err);
    json_decref(body);
    if (!code)
        code = diary_find(folder, &request->principal, id, &entry, err);
    if (code)
        return code;
    audit_act_number(request, "diary.put", id);
    response_json(response, status, entry);
    json_decref(entry);
    return HANDLED;
}

static int add(struct request *request, struct response *response, struct err *err) {
    return keep(request, response, 0, err);
}

static int change(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *now = NULL;
    int code = read_entry(request, &id, &now, err);
    if (!code)
        code = api_if_match(request, now, err);
    json_decref(now);
    return code ? code : keep(request, response, id, err);
}

static int drop(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *now = NULL;
    int code = read_entry(request, &id, &now, err);
    json_decref(now);
    if (!code)
        code = diary_remove(app_folder(request->app), id, err);
    if (!code)
        audit_act(request, "diary.remove", request->params[0], "");
    response->status = 204;
    return code;
}

/* ---- what it did ---- */

struct effect {
    struct request *request;
    const char *metric, *survey, *event;
    int64_t at_ms, length_ms;
    json_t *unit, *others; /* text, list of texts; NULL: everywhere, none */
};

static json_t *range_of(const struct effect *effect, bool after) {
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    time_format(effect->at_ms - (after ? 0 : effect->length_ms), from);
    time_format(effect->at_ms + (after ? effect->length_ms : 0), to);
    return json_pack("{s:s, s:s}", "from", from, "to", to);
}

static json_t *score_query(const struct effect *effect, bool after) {
    json_t *query = json_pack("{s:s, s:s, s:o, s:b}", "kind", "score", "metric", effect->metric,
                              "range", range_of(effect, after), "response_rate", 0);
    if (effect->survey)
        json_object_set_new(query, "survey", json_string(effect->survey));
    return query;
}

/* The other centres that have such answers in both times. */
static int find_others(struct effect *effect, struct err *err) {
    const char *own = json_string_value(effect->unit);
    json_t *rows = NULL, *row;
    size_t i;
    json_t *query = score_query(effect, true);
    json_object_set_new(query, "by", json_string("unit"));
    int code = api_ask(effect->request, query, &rows, err);
    effect->others = json_array();
    json_array_foreach(rows, i, row) {
        json_t *unit = json_object_get(row, "by");
        if (json_is_string(unit) && own && strcmp(json_string_value(unit), own) != 0 &&
            json_number_value(json_object_get(row, "n")) > 0)
            json_array_append(effect->others, unit);
    }
    json_decref(rows);
    return code;
}

/* The score of some units before or after; a row, new reference. */
static int score_of(const struct effect *effect, json_t *units, bool after, json_t **row,
                    struct err *err) {
    json_t *rows = NULL, *query = score_query(effect, after);
    if (units)
        json_object_set(query, "unit", units);
    int code = api_ask(effect->request, query, &rows, err);
    *row = json_incref(json_array_get(rows, 0));
    json_object_del(*row, "distribution");
    if (*row)
        json_object_set_new(*row, "range", range_of(effect, after));
    json_decref(rows);
    return code;
}

static double number_of(const json_t *row, const char *name) {
    const json_t *value = json_object_get(row, name);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static double error_of(const json_t *row) {
    return (number_of(row, "high") - number_of(row, "low")) / 2 /
           normal_quantile(0.5 + CONFIDENCE_95 / 2);
}

static struct difference change_of(const json_t *before, const json_t *after) {
    return difference_of(number_of(before, "value"), error_of(before), number_of(after, "value"),
                         error_of(after), CONFIDENCE_95);
}

static json_t *number_json(double number) {
    return isnan(number) ? json_null() : json_real(number);
}

static json_t *difference_json(struct difference difference, bool ratio) {
    double value = difference.value, low = difference.low, high = difference.high;
    return json_pack("{s:o, s:o, s:o, s:o}", "value", number_json(ratio ? exp(value) : value),
                     "low", number_json(ratio ? exp(low) : low), "high",
                     number_json(ratio ? exp(high) : high), "p", number_json(difference.p));
}

static int add_scores(const struct effect *effect, json_t *answer, struct err *err) {
    static const char *const names[] = {"before", "after", "others_before", "others_after"};
    json_t *rows[4] = {NULL};
    bool compared = json_array_size(effect->others) > 0;
    int code = 0;
    for (int i = 0; i < 4 && !code; i++)
        if (i < 2 || compared)
            code = score_of(effect, i < 2 ? effect->unit : effect->others, i % 2, &rows[i], err);
    for (int i = 0; i < 4; i++)
        json_object_set_new(answer, names[i], rows[i] ? rows[i] : json_null());
    if (code)
        return code;
    struct difference own = change_of(rows[0], rows[1]);
    json_object_set_new(answer, "change", difference_json(own, false));
    if (!compared)
        return 0;
    struct difference others = change_of(rows[2], rows[3]);
    json_object_set_new(answer, "others_change", difference_json(others, false));
    json_object_set_new(
        answer, "effect",
        difference_json(difference_in_differences(own, others, CONFIDENCE_95), false));
    return 0;
}

/* How often the event happened at some units before or after. */
static int count_of(const struct effect *effect, json_t *units, bool after, double *n,
                    struct err *err) {
    json_t *rows = NULL, *row;
    size_t i;
    json_t *query = json_pack("{s:s, s:{s:s}, s:s, s:o}", "kind", "trend", "of", "event",
                              effect->event, "every", "month", "range", range_of(effect, after));
    if (units)
        json_object_set(query, "unit", units);
    int code = api_ask(effect->request, query, &rows, err);
    if (code == E_INVALID && strcmp(err->pointer, "/of/event") == 0)
        snprintf(err->pointer, sizeof err->pointer, "/event");
    *n = 0;
    json_array_foreach(rows, i, row) *n += json_number_value(json_object_get(row, "value"));
    json_decref(rows);
    return code;
}

static int add_activity(const struct effect *effect, json_t *answer, struct err *err) {
    double n[4] = {0};
    bool compared = json_array_size(effect->others) > 0;
    int code = 0;
    for (int i = 0; i < 4 && !code; i++)
        if (i < 2 || compared)
            code = count_of(effect, i < 2 ? effect->unit : effect->others, i % 2, &n[i], err);
    if (code)
        return code;
    struct difference own = count_change(n[0], n[1], CONFIDENCE_95);
    struct difference ratio =
        compared
            ? difference_in_differences(own, count_change(n[2], n[3], CONFIDENCE_95), CONFIDENCE_95)
            : own;
    json_object_set_new(answer, "activity",
                        json_pack("{s:s, s:f, s:f, s:f, s:f, s:o}", "event", effect->event,
                                  "before", n[0], "after", n[1], "others_before", n[2],
                                  "others_after", n[3], "ratio", difference_json(ratio, true)));
    return 0;
}

/* As long before as after: until now, the entry's end, or the days asked for. E_INVALID: too short to say. */
static int read_times(struct effect *effect, const json_t *entry, struct err *err) {
    const char *days = request_query(effect->request, "days"),
               *to = json_string_value(json_object_get(entry, "to"));
    int64_t end_ms = effect->request->received_ms, n = days ? strtoll(days, NULL, 10) : EFFECT_DAYS;
    if (n < EFFECT_DAYS_LEAST || n > EFFECT_DAYS_MOST)
        return err_at(err, E_INVALID, "/days", "must be between %d and %d", EFFECT_DAYS_LEAST,
                      EFFECT_DAYS_MOST);
    int64_t to_ms = end_ms;
    if (time_parse(slice_of(json_string_value(json_object_get(entry, "from"))), NULL,
                   &effect->at_ms) ||
        (to && time_parse(slice_of(to), NULL, &to_ms)))
        return err_set(err, E_CORRUPT, "the entry has no time");
    end_ms = to_ms < end_ms ? to_ms : end_ms;
    effect->length_ms = end_ms - effect->at_ms;
    if (effect->length_ms > n * (int64_t)DAY_MS)
        effect->length_ms = n * (int64_t)DAY_MS;
    if (effect->length_ms < EFFECT_DAYS_LEAST * (int64_t)DAY_MS) {
        err_set(err, E_INVALID, "less than %d days have passed since", EFFECT_DAYS_LEAST);
        return err_hint(err, "Come back when there are answers to compare.");
    }
    return 0;
}

static int what_it_did(struct request *request, struct response *response, struct err *err) {
    uint64_t id;
    json_t *entry = NULL;
    int code = read_entry(request, &id, &entry, err);
    if (code)
        return code;
    struct effect effect = {.request = request,
                            .metric = request_query(request, "metric"),
                            .survey = request_query(request, "survey"),
                            .event = request_query(request, "event")};
    if (!effect.metric)
        effect.metric = "csat";
    if (json_is_string(json_object_get(entry, "unit")))
        effect.unit = json_object_get(entry, "unit");
    code = read_times(&effect, entry, err);
    if (!code)
        code = find_others(&effect, err);
    json_t *answer = json_pack("{s:O, s:s, s:I, s:i}", "entry", entry, "metric", effect.metric,
                               "days", (json_int_t)(effect.length_ms / DAY_MS), "others",
                               (int)json_array_size(effect.others));
    if (!code)
        code = add_scores(&effect, answer, err);
    if (!code && effect.event && *effect.event)
        code = add_activity(&effect, answer, err);
    if (!code)
        response_json(response, 200, answer);
    json_decref(answer);
    json_decref(effect.others);
    json_decref(entry);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/diary", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER, .handle = list,
     .summary = "What changed at the centres, newest first (?unit=, ?kind=)"},
    {METHOD_POST, "/api/v1/diary", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST, .handle = add,
     .summary =
         "Writes down a change: {\"unit\", \"kind\", \"from\", \"to\", \"text\", \"number\"}"},
    {METHOD_GET, "/api/v1/diary/{id}", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER, .handle = get,
     .summary = "One entry"},
    {METHOD_PUT, "/api/v1/diary/{id}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = change, .summary = "Changes an entry"},
    {METHOD_DELETE, "/api/v1/diary/{id}", ACCESS_API, SCOPE_MANAGE, .role = ROLE_ANALYST,
     .handle = drop, .summary = "Removes an entry"},
    {METHOD_GET, "/api/v1/diary/{id}/effect", ACCESS_API, SCOPE_QUERY, .role = ROLE_VIEWER,
     .handle = what_it_did,
     .summary = "A score before and after it, against the other centres (?metric=, ?survey=, "
                "?days=, ?event=)"},
};
const struct route_table api_diary_routes = ROUTE_TABLE(routes);
