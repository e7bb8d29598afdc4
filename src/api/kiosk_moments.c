/*
 * GET /api/v1/kiosks/{id}/moments: anonymous taps beside what went on at their centre.
 *
 * A tap names nobody, but its centre and instant are known, and so are the queue of that hour (`Queue Served`: how many, how
 * long they waited, what the display had told them), how many were at work and what had changed (the diary). So each hour of
 * the centre is one row of all that, and the answer is told from these hours:
 *   rate     taps for each turn served (a screen at the desk: one tap can follow each turn), in all and over time
 *   slots    hours of the week (Saturday at 11) with more unhappy faces than all the others
 *   moments  single hours with many unhappy faces, with what went on then and what people wrote
 *   waiting, load   the score by how long people had waited, by how many were served the hour before (question `conditions`)
 *   reasons  what the unhappy chose
 *
 * Who sees aggregates only is told no single hour, no stretch of time unless each has as many taps as the floor asks for, and
 * nothing of a centre below it.
 *
 * Misuse is no tap here; what was asked for (journey/asked.h) is a tap of the rate but no face. A slot is `above` if its
 * interval (Wilson, 95 % divided by the slots compared) lies above the share of all other hours.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "api/api.h"
#include "backend/backend.h"
#include "base/time.h"
#include "base/zone.h"
#include "kiosk/kiosk.h"
#include "metric/metric.h"
#include "stats/interval.h"

#define HOUR_MS INT64_C(3600000)
enum {
    DAYS = 90,
    DAYS_MOST = 366,
    SLOTS = 7 * 24,
    SLOTS_TOLD = 6,
    SLOT_TAPS = 10,
    MOMENTS_TOLD = 8,
    MOMENT_TAPS = 3,
    MOMENT_UNHAPPY = 2,
    WORDS_TOLD = 3,
    REASONS_TOLD = 12,
    DAYS_BY_DAY = 31,
    DAYS_BY_WEEK = 120
};

/* One hour of the centre, or several of them together. */
struct hour {
    int64_t time_ms;
    double taps, faces, unhappy, turns, open; /* open: hours with a turn or a tap */
    double waited, waits, told, estimates;    /* sums over turns and how many turns they are of */
};

struct moments {
    struct request *request;
    const json_t *unit;
    int faces;
    int64_t from_ms, to_ms;
    const struct zone *zone;
    struct hour *hours;
    size_t n;
    json_t *diary;
};

/* ---- questions ---- */

static json_t *instant(int64_t ms) {
    char text[TIME_TEXT_BYTES];
    time_format(ms, text);
    return json_string(text);
}

static json_t *range_json(int64_t from_ms, int64_t to_ms) {
    return json_pack("{s:o, s:o}", "from", instant(from_ms), "to", instant(to_ms));
}

/* Data of a question about the centre; NULL where it cannot be asked (nobody has sent such an event or property). */
static json_t *ask_as(const struct moments *moments, const struct principal *principal,
                      json_t *query) {
    struct err ignored = {0};
    json_t *answer = NULL, *data = NULL;
    json_object_set(query, "unit", (json_t *)(uintptr_t)moments->unit);
    if (!json_object_get(query, "range"))
        json_object_set_new(query, "range", range_json(moments->from_ms, moments->to_ms));
    if (query_run(app_folder(moments->request->app), BACKEND_LOCAL, query, principal, NULL, &answer,
                  &ignored) == 0)
        data = json_incref(json_object_get(answer, "data"));
    json_decref(query);
    json_decref(answer);
    return data;
}

static json_t *ask(const struct moments *moments, json_t *query) {
    return ask_as(moments, &moments->request->principal, query);
}

/* Of the single hours, which are put together before they are told. */
static json_t *ask_hours(const struct moments *moments, json_t *query) {
    struct principal counting = moments->request->principal;
    counting.floor = 0;
    return ask_as(moments, &counting, query);
}

/* The question that lists the taps of a time. New reference. */
static json_t *answers_json(const struct moments *moments, int64_t from_ms, int64_t to_ms) {
    return json_pack("{s:s, s:s, s:s, s:O, s:o}", "kind", "answers", "metric", "csat", "channel",
                     "kiosk", "unit", moments->unit, "range", range_json(from_ms, to_ms));
}

static json_t *score_query(void) {
    return json_pack("{s:s, s:s, s:s, s:b}", "kind", "score", "metric", "csat", "channel", "kiosk",
                     "response_rate", 0);
}

static json_t *trend_query(const char *measure, const char *property) {
    json_t *query = json_pack("{s:s, s:{s:s}, s:s}", "kind", "trend", "of", "event", "Queue Served",
                              "every", "hour");
    json_object_set_new(query, "measure",
                        property ? json_pack("{s:s}", measure, property) : json_string(measure));
    return query;
}

/* ---- the hours ---- */

static struct hour *hour_at(struct moments *moments, const json_t *row) {
    int64_t ms;
    const char *time = json_string_value(json_object_get(row, "time"));
    if (!time || time_parse(slice_of(time), NULL, &ms) || ms < moments->from_ms ||
        ms >= moments->to_ms)
        return NULL;
    struct hour *hour = &moments->hours[(size_t)((ms - moments->from_ms) / HOUR_MS)];
    hour->time_ms = ms;
    return hour;
}

static double number_of(const json_t *row, const char *name) {
    return json_number_value(json_object_get(row, name));
}

/* An unhappy face lies below the middle of its scale. */
static double unhappy_of(const struct moments *moments, const json_t *row) {
    json_t *value;
    double n = 0;
    size_t i;
    json_array_foreach(json_object_get(row, "distribution"), i, value) n +=
        2 * number_of(value, "value") < moments->faces + 1 ? number_of(value, "n") : 0;
    return n;
}

static void read_faces(struct moments *moments) {
    json_t *query = score_query(), *row;
    size_t i;
    json_object_set_new(query, "every", json_string("hour"));
    json_t *rows = ask_hours(moments, query);
    json_array_foreach(rows, i, row) {
        struct hour *hour = hour_at(moments, row);
        if (!hour)
            continue;
        hour->faces = number_of(row, "n");
        hour->unhappy = unhappy_of(moments, row);
        hour->taps = hour->faces + number_of(row, "flagged") -
                     number_of(json_object_get(row, "flagged_reasons"), "misuse");
    }
    json_decref(rows);
}

static void read_queue(struct moments *moments) {
    json_t *turns = ask_hours(moments, trend_query("count", NULL)),
           *waits = ask_hours(moments, trend_query("mean", "wait_min")),
           *estimates = ask_hours(moments, trend_query("mean", "estimate_min")), *row;
    size_t i;
    json_array_foreach(turns, i, row) {
        struct hour *hour = hour_at(moments, row);
        const json_t *wait = json_object_get(json_array_get(waits, i), "value"),
                     *estimate = json_object_get(json_array_get(estimates, i), "value");
        if (!hour)
            continue;
        hour->turns = number_of(row, "value");
        hour->waits = json_is_number(wait) ? hour->turns : 0;
        hour->waited = hour->waits * json_number_value(wait);
        hour->estimates = json_is_number(estimate) ? hour->turns : 0;
        hour->told = hour->estimates * json_number_value(estimate);
    }
    json_decref(turns);
    json_decref(waits);
    json_decref(estimates);
}

static void add(struct hour *into, const struct hour *from, double sign) {
    into->taps += sign * from->taps;
    into->faces += sign * from->faces;
    into->unhappy += sign * from->unhappy;
    into->turns += sign * from->turns;
    into->open += sign * (from->open > 0 ? from->open : from->turns > 0 || from->taps > 0);
    into->waited += sign * from->waited;
    into->waits += sign * from->waits;
    into->told += sign * from->told;
    into->estimates += sign * from->estimates;
}

/* ---- as JSON ---- */

static json_t *ratio(double part, double whole) {
    return whole > 0 ? json_real(part / whole) : json_null();
}

/* What went on: turns, how long they waited, what they had been told. */
static void put_queue(json_t *row, const struct hour *hour) {
    json_object_set_new(row, "turns", json_integer((json_int_t)hour->turns));
    json_object_set_new(row, "turns_per_hour", ratio(hour->turns, hour->open));
    json_object_set_new(row, "wait_min", ratio(hour->waited, hour->waits));
    json_object_set_new(row, "estimate_min", ratio(hour->told, hour->estimates));
}

static void put_share(json_t *row, double part, double whole, double confidence) {
    struct estimate share = share_estimate(part, whole, confidence);
    bool known = whole > 0 && part <= whole;
    json_object_set_new(row, "low", known ? json_real(share.low) : json_null());
    json_object_set_new(row, "high", known ? json_real(share.high) : json_null());
}

static json_t *faces_json(const struct hour *hour, double confidence) {
    json_t *row = json_pack("{s:I, s:I, s:o}", "faces", (json_int_t)hour->faces, "unhappy",
                            (json_int_t)hour->unhappy, "share", ratio(hour->unhappy, hour->faces));
    put_share(row, hour->unhappy, hour->faces, confidence);
    put_queue(row, hour);
    return row;
}

/* Taps for each turn. Where there were more taps than turns, it is no share and has no interval. */
static json_t *rate_json(const struct hour *hour) {
    json_t *row = json_pack("{s:I, s:I, s:o}", "taps", (json_int_t)hour->taps, "turns",
                            (json_int_t)hour->turns, "value", ratio(hour->taps, hour->turns));
    put_share(row, hour->taps, hour->turns, CONFIDENCE_95);
    return row;
}

static json_t *rates_over_time(const struct moments *moments, const char **every) {
    int64_t days = (moments->to_ms - moments->from_ms) / DAY_MS;
    enum bucket bucket = days <= DAYS_BY_DAY    ? BUCKET_DAY
                         : days <= DAYS_BY_WEEK ? BUCKET_WEEK
                                                : BUCKET_MONTH;
    *every = bucket == BUCKET_DAY ? "day" : bucket == BUCKET_WEEK ? "week" : "month";
    json_t *list = json_array();
    size_t i = 0;
    for (int64_t at = zone_bucket_start_ms(moments->zone, bucket, moments->from_ms);
         at < moments->to_ms;) {
        int64_t next = zone_bucket_add_ms(moments->zone, bucket, at, 1);
        struct hour sum = {0};
        for (; i < moments->n && moments->from_ms + (int64_t)i * HOUR_MS < next; i++)
            add(&sum, &moments->hours[i], 1);
        json_t *row = rate_json(&sum);
        json_object_set_new(row, "time", instant(at));
        json_array_append_new(list, row);
        at = next;
    }
    return list;
}

/* ---- hours of the week ---- */

struct slot {
    struct hour sum;
    int place;
    double low;
};

static int by_low(const void *a, const void *b) {
    const struct slot *x = a, *y = b;
    return x->low != y->low ? (x->low < y->low ? 1 : -1) : x->place - y->place;
}

static int place_of(const struct moments *moments, int64_t ms) {
    int64_t local_s = ms / 1000 + zone_offset_s(moments->zone, ms / 1000), day = local_s / DAY_S;
    return (int)((day + 3) % 7 * 24 + local_s % DAY_S / 3600); /* 1970 began on a Thursday */
}

static json_t *slots_json(const struct moments *moments, const struct hour *all) {
    struct slot slots[SLOTS] = {0};
    json_t *list = json_array();
    int compared = 0;
    double least = fmax(SLOT_TAPS, moments->request->principal.floor);
    for (size_t i = 0; i < moments->n; i++)
        if (moments->hours[i].faces > 0 || moments->hours[i].turns > 0)
            add(&slots[place_of(moments, moments->hours[i].time_ms)].sum, &moments->hours[i], 1);
    for (int s = 0; s < SLOTS; s++)
        compared += slots[s].sum.faces >= least;
    double confidence = 1 - (1 - CONFIDENCE_95) / (compared ? compared : 1);
    for (int s = 0; s < SLOTS; s++) {
        const struct hour *sum = &slots[s].sum;
        slots[s].place = s;
        slots[s].low = sum->faces >= least && sum->unhappy > 0
                           ? share_estimate(sum->unhappy, sum->faces, confidence).low
                           : -1;
    }
    qsort(slots, SLOTS, sizeof *slots, by_low);
    for (int s = 0; s < SLOTS_TOLD && slots[s].low > 0; s++) {
        struct hour rest = *all;
        add(&rest, &slots[s].sum, -1);
        json_t *row = faces_json(&slots[s].sum, confidence);
        json_object_set_new(row, "weekday", json_integer(slots[s].place / 24 + 1));
        json_object_set_new(row, "hour", json_integer(slots[s].place % 24));
        json_object_set_new(row, "others", faces_json(&rest, CONFIDENCE_95));
        json_t *answers = answers_json(moments, moments->from_ms, moments->to_ms);
        json_object_set_new(answers, "when",
                            json_pack("{s:i, s:i}", "weekdays", slots[s].place / 24 + 1, "hours",
                                      slots[s].place % 24));
        json_object_set_new(row, "answers", answers);
        json_object_set_new(
            row, "above", json_boolean(rest.faces > 0 && slots[s].low > rest.unhappy / rest.faces));
        json_array_append_new(list, row);
    }
    return list;
}

/* ---- single hours ---- */

static int by_red(const void *a, const void *b) {
    const struct hour *const *x = a, *const *y = b;
    double left = share_estimate((*x)->unhappy, (*x)->faces, CONFIDENCE_95).low,
           right = share_estimate((*y)->unhappy, (*y)->faces, CONFIDENCE_95).low;
    return left != right ? (left < right ? 1 : -1) : ((*x)->time_ms < (*y)->time_ms ? 1 : -1);
}

static bool holds_at(const json_t *entry, int64_t ms) {
    int64_t from_ms, to_ms = INT64_MAX;
    const char *to = json_string_value(json_object_get(entry, "to"));
    return time_parse(slice_of(json_string_value(json_object_get(entry, "from"))), NULL,
                      &from_ms) == 0 &&
           (!to || time_parse(slice_of(to), NULL, &to_ms) == 0) && ms >= from_ms && ms < to_ms;
}

/* Entries of the diary that held then, the newest first; how many were at work, where one says it. */
static void put_diary(const struct moments *moments, json_t *row, int64_t ms) {
    json_t *list = json_array(), *entry, *staff = NULL;
    size_t i;
    json_array_foreach(moments->diary, i, entry) {
        if (!holds_at(entry, ms))
            continue;
        const char *kind = json_string_value(json_object_get(entry, "kind"));
        if (!staff && kind && strcmp(kind, "staffing") == 0 &&
            json_is_number(json_object_get(entry, "number")))
            staff = json_object_get(entry, "number");
        json_array_append_new(
            list, json_pack("{s:O, s:O, s:O, s:O}", "id", json_object_get(entry, "id"), "kind",
                            json_object_get(entry, "kind"), "text", json_object_get(entry, "text"),
                            "number", json_object_get(entry, "number")));
    }
    json_object_set_new(row, "diary", list);
    json_object_set(row, "staff", staff ? staff : json_null());
}

/* What people wrote on the screen in that hour. */
static json_t *said_json(const struct moments *moments, int64_t ms) {
    json_t *list = json_array(), *answer;
    size_t i;
    json_t *rows = ask(moments, json_pack("{s:s, s:s, s:s, s:b, s:i, s:o}", "kind", "answers",
                                          "metric", "csat", "channel", "kiosk", "words", 1, "limit",
                                          WORDS_TOLD, "range", range_json(ms, ms + HOUR_MS)));
    json_array_foreach(rows, i, answer) json_array_append_new(
        list, json_pack("{s:O, s:O, s:O}", "time", json_object_get(answer, "time"), "value",
                        json_object_get(answer, "value"), "text", json_object_get(answer, "text")));
    json_decref(rows);
    return list;
}

static json_t *moments_json(const struct moments *moments) {
    const struct hour **red =
        ARENA_ARRAY(moments->request->arena, const struct hour *, moments->n + 1);
    json_t *list = json_array();
    size_t n = 0;
    for (size_t i = 0; i < moments->n; i++)
        if (moments->hours[i].faces >= MOMENT_TAPS && moments->hours[i].unhappy >= MOMENT_UNHAPPY)
            red[n++] = &moments->hours[i];
    qsort(red, n, sizeof *red, by_red);
    for (size_t i = 0; i < n && i < MOMENTS_TOLD; i++) {
        json_t *row = faces_json(red[i], CONFIDENCE_95);
        json_object_set_new(row, "time", instant(red[i]->time_ms));
        json_object_set_new(row, "answers",
                            answers_json(moments, red[i]->time_ms, red[i]->time_ms + HOUR_MS));
        put_diary(moments, row, red[i]->time_ms);
        json_object_set_new(row, "said", said_json(moments, red[i]->time_ms));
        json_array_append_new(list, row);
    }
    return list;
}

/* ---- conditions and reasons ---- */

static json_t *conditions(const struct moments *moments, bool waiting) {
    json_t *query = score_query();
    json_object_del(query, "response_rate");
    json_object_set_new(query, "kind", json_string("conditions"));
    json_object_set_new(query, "of", json_pack("{s:s}", "event", "Queue Served"));
    json_object_set_new(query, "measure",
                        waiting ? json_pack("{s:s}", "mean", "wait_min") : json_string("count"));
    json_object_set_new(query, "window", json_string(waiting ? "30m" : "60m"));
    if (waiting)
        json_object_set_new(query, "bands", json_pack("[i, i, i, i]", 0, 5, 10, 20));
    json_t *data = ask(moments, query);
    return data ? data : json_null();
}

static json_t *reasons_json(const struct moments *moments) {
    json_t *counts = json_object(), *list = json_array(), *row, *n;
    const char *reason;
    size_t i;
    json_t *rows =
        ask(moments, json_pack("{s:s, s:{s:s, s:[{s:s, s:s, s:f}]}, s:s, s:{s:s}, s:i}", "kind",
                               "trend", "of", "event", "Kiosk Tapped", "where", "property", "value",
                               "op", "<", "value", (moments->faces + 1) / 2.0, "every", "month",
                               "by", "property", "reason", "limit", REASONS_TOLD));
    json_array_foreach(rows, i, row) {
        const char *by = json_string_value(json_object_get(row, "by"));
        if (by && strcmp(by, "(other)") != 0)
            json_object_set_new(counts, by,
                                json_real(number_of(counts, by) + number_of(row, "value")));
    }
    json_object_foreach(counts, reason, n) if (json_number_value(n) > 0) json_array_append_new(
        list, json_pack("{s:s, s:I}", "reason", reason, "n", (json_int_t)json_number_value(n)));
    json_decref(counts);
    json_decref(rows);
    return list;
}

/* ---- the resource ---- */

/* Entries of this centre or of everywhere. */
static int read_diary(struct moments *moments, struct err *err) {
    json_t *all = NULL, *entry;
    size_t i;
    int code =
        diary_list(app_folder(moments->request->app), &moments->request->principal, &all, err);
    moments->diary = json_array();
    json_array_foreach(all, i, entry) {
        const json_t *unit = json_object_get(entry, "unit");
        if (json_is_null(unit) || json_equal(unit, moments->unit))
            json_array_append(moments->diary, entry);
    }
    json_decref(all);
    return code;
}

static bool has_few(double n, unsigned floor) { return n > 0 && n < floor; }

/* For who sees aggregates only. */
static void keep_floor(json_t *answer, const struct hour *all, unsigned floor) {
    json_t *rate = json_object_get(answer, "rate"), *row;
    size_t i;
    bool few = false;
    json_array_foreach(json_object_get(rate, "rows"), i, row) few |=
        has_few(number_of(row, "taps"), floor) || has_few(number_of(row, "turns"), floor);
    if (few)
        json_object_set_new(rate, "rows", json_array());
    if (!has_few(all->taps, floor) && !has_few(all->faces, floor))
        return;
    const struct hour nothing = {0};
    json_t *none = rate_json(&nothing);
    json_object_set(none, "every", json_object_get(rate, "every"));
    json_object_set_new(none, "rows", json_array());
    json_object_set_new(answer, "rate", none);
    json_object_set_new(answer, "all", faces_json(&nothing, CONFIDENCE_95));
}

static json_t *answer_json(struct moments *moments) {
    struct hour all = {0};
    const char *every;
    read_faces(moments);
    read_queue(moments);
    for (size_t i = 0; i < moments->n; i++)
        add(&all, &moments->hours[i], 1);
    json_t *answer =
        json_pack("{s:O, s:o, s:o, s:o, s:o}", "unit", (json_t *)(uintptr_t)moments->unit, "from",
                  instant(moments->from_ms), "to", instant(moments->to_ms), "rate", rate_json(&all),
                  "all", faces_json(&all, CONFIDENCE_95));
    json_object_set_new(json_object_get(answer, "rate"), "rows", rates_over_time(moments, &every));
    json_object_set_new(json_object_get(answer, "rate"), "every", json_string(every));
    json_object_set_new(answer, "slots", slots_json(moments, &all));
    unsigned floor = moments->request->principal.floor;
    json_object_set_new(answer, "moments", floor ? json_null() : moments_json(moments));
    if (floor)
        keep_floor(answer, &all, floor);
    json_object_set_new(answer, "waiting", conditions(moments, true));
    json_object_set_new(answer, "load", conditions(moments, false));
    json_object_set_new(answer, "reasons", reasons_json(moments));
    return answer;
}

/* Only a screen with faces at a centre can be asked. */
static int check(const json_t *kiosk, struct err *err) {
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    if (!kind || strcmp(kind, "faces") != 0)
        return err_at(err, E_INVALID, "/kind", "only a screen with faces has taps");
    if (!json_is_string(json_object_get(kiosk, "unit")))
        return err_at(err, E_INVALID, "/unit", "the screen stands at no unit");
    return 0;
}

static int get(struct request *request, struct response *response, struct err *err) {
    struct folder *folder = app_folder(request->app);
    struct moments moments = {.request = request, .zone = folder->zone};
    json_t *kiosk = NULL, *answer;
    uint64_t id;
    int64_t days;
    int code = api_number(request->params[0], &id, err);
    if (!code)
        code = request_query_int(request, "days", DAYS, 1, DAYS_MOST, &days, err);
    if (!code)
        code = kiosk_find(folder, &request->principal, id, request->received_ms, &kiosk, err);
    if (!code)
        code = check(kiosk, err);
    if (code) {
        json_decref(kiosk);
        return code;
    }
    int64_t today_ms = zone_bucket_start_ms(moments.zone, BUCKET_DAY, request->received_ms);
    moments.unit = json_object_get(kiosk, "unit");
    moments.faces = (int)json_integer_value(json_object_get(kiosk, "faces"));
    moments.from_ms = zone_bucket_add_ms(moments.zone, BUCKET_DAY, today_ms, 1 - (int)days);
    moments.to_ms = zone_bucket_add_ms(moments.zone, BUCKET_DAY, today_ms, 1);
    moments.n = (size_t)((moments.to_ms - moments.from_ms + HOUR_MS - 1) / HOUR_MS);
    moments.hours = ARENA_ARRAY(request->arena, struct hour, moments.n + 1);
    code = read_diary(&moments, err);
    if (!code) {
        answer = answer_json(&moments);
        response_json(response, 200, answer);
        json_decref(answer);
    }
    json_decref(moments.diary);
    json_decref(kiosk);
    return code ? code : HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/api/v1/kiosks/{id}/moments", ACCESS_API, SCOPE_QUERY, .handle = get,
     .summary = "Taps for each turn of the queue, and what went on at the centre when faces were "
                "unhappy (?days=90)"},
};
const struct route_table api_kiosk_moment_routes = ROUTE_TABLE(routes);
