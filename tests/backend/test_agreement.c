/*
 * Random histories, random questions: the product's engine and the reference must agree on every member
 * of the answer. A case is one customer's history under one question.
 *
 * Histories are made to hurt: equal instants, late events, merged customers, missing properties, gaps around the session
 * limit, few names so that sequences repeat. SENDA_ROUNDS=n for longer runs; SENDA_SEED=n to repeat one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/local.h"
#include "backend/reference.h"
#include "backend/scan.h"
#include "base/clock.h"

enum { CUSTOMERS = 400, EVENTS = 4000, QUESTIONS = 300, BATCH = 500 };

#define BASE_MS                                                                                    \
    INT64_C(                                                                                       \
        1772323200000) /* 2026-03-01T00:00:00Z: a DST change of Madrid lies in the weeks after it */

static uint64_t state;

static uint64_t draw(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
static int pick(int n) { return (int)(draw() % (uint64_t)n); }
static bool chance(int percent) { return pick(100) < percent; }

/* ---- histories ---- */

static int64_t some_time(void) {
    int64_t day = pick(chance(50) ? 3 : 45), tick = pick(chance(50) ? 4 : 48);
    return BASE_MS + day * DAY_MS + tick * 1800000 + (chance(30) ? pick(3) * 500 : 0);
}

static struct value some_value(struct arena *arena) {
    switch (pick(6)) {
    case 0:
        return (struct value){.type = VALUE_TEXT,
                              .text = slice_of(arena_format(arena, "v%d", pick(3)))};
    case 1: return (struct value){.type = VALUE_NUMBER, .number = pick(6) / 2.0};
    case 2: return (struct value){.type = chance(50) ? VALUE_TRUE : VALUE_FALSE};
    default: return (struct value){.type = VALUE_INT, .integer = pick(5)};
    }
}

static void some_properties(struct event *event, struct arena *arena) {
    static const char *const NAMES[] = {"p", "q", "order"};
    event->properties = arena_get(arena, sizeof *event->properties * 4);
    for (int i = 0; i < 3; i++) {
        if (!chance(60))
            continue;
        struct value value = some_value(arena);
        if (i == 2)
            value = (struct value){.type = VALUE_INT, .integer = pick(200)};
        event->properties[event->n_properties++] =
            (struct event_property){slice_of(NAMES[i]), value};
    }
    if (event->type == EVENT_TRACK && chance(60)) {
        struct value touchpoint = {.type = VALUE_TEXT,
                                   .text = slice_of(arena_format(arena, "t%d", pick(3)))};
        event->touchpoint = touchpoint.text;
        event->properties[event->n_properties++] =
            (struct event_property){slice_of("context.touchpoint"), touchpoint};
    }
}

/* A tap on a centre's screen; n0's mostly come just before it closes. */
static void some_tap(struct event *event, struct arena *arena) {
    struct event_property *p = arena_get(arena, sizeof *p * 2);
    event->name = SLICE_LITERAL("Kiosk Tapped");
    p[0] = (struct event_property){SLICE_LITERAL("value"),
                                   {.type = VALUE_INT, .integer = 1 + pick(3)}};
    p[1] = (struct event_property){SLICE_LITERAL("scale_max"), {.type = VALUE_INT, .integer = 3}};
    event->properties = p;
    event->n_properties = 2;
    if (slice_is(event->unit, "n0") && chance(80))
        event->time_ms = BASE_MS + pick(45) * (int64_t)DAY_MS + 19 * 3600000 + pick(20) * 60000;
}

static const char *const METRICS[] = {"nps", "csat", "ces", "own"};

/* An answer by itself, or a list of some. */
static void some_answers(struct event *event, struct arena *arena) {
    event->name = SLICE_LITERAL("Survey Responded");
    struct event_property *p = arena_get(arena, sizeof *p * (event->n_properties + 7));
    if (event->n_properties)
        memcpy(p, event->properties, sizeof *p * event->n_properties);
    event->properties = p;
    p += event->n_properties;
    *p++ = (struct event_property){
        SLICE_LITERAL("survey"),
        {.type = VALUE_TEXT, .text = slice_of(arena_format(arena, "s%d", pick(3)))}};
    if (chance(60))
        *p++ = (struct event_property){SLICE_LITERAL("weight"),
                                       {.type = VALUE_NUMBER, .number = pick(8) / 4.0}};
    if (chance(10))
        *p++ = (struct event_property){SLICE_LITERAL("invited_by"),
                                       {.type = VALUE_TEXT, .text = SLICE_LITERAL("staff")}};
    if (chance(20))
        *p++ = (struct event_property){
            SLICE_LITERAL("comment"),
            {.type = VALUE_TEXT, .text = slice_of(chance(20) ? "me pidieron un 10" : "bien")}};
    if (chance(50)) {
        *p++ = (struct event_property){SLICE_LITERAL("metric"),
                                       {.type = VALUE_TEXT, .text = slice_of(METRICS[pick(4)])}};
        *p++ = (struct event_property){SLICE_LITERAL("score"),
                                       {.type = VALUE_INT, .integer = pick(12)}};
    } else {
        json_t *list = json_array();
        for (int i = pick(4); i >= 0; i--) {
            json_t *answer = json_pack("{s:o, s:s, s:i}", "question", json_sprintf("k%d", pick(3)),
                                       "metric", METRICS[pick(4)], "value", pick(12));
            if (chance(20))
                json_object_set_new(answer, "scale", json_pack("[i, i]", 1, 3 + pick(5)));
            if (chance(20))
                json_object_set_new(answer, "touchpoint", json_sprintf("t%d", pick(3)));
            if (chance(10))
                json_object_set_new(answer, "value", json_string("some words"));
            json_array_append_new(list, answer);
        }
        char *text = json_dumps(list, JSON_COMPACT);
        *p++ = (struct event_property){
            SLICE_LITERAL("answers"),
            {.type = VALUE_JSON, .text = slice_of(arena_format(arena, "%s", text))}};
        free(text);
        json_decref(list);
    }
    event->n_properties = (size_t)(p - event->properties);
}

static struct event some_event(struct arena *arena) {
    struct event event = {.type = chance(88) ? EVENT_TRACK : EVENT_IDENTIFY,
                          .time_ms = some_time(),
                          .has_time = true};
    int who = pick(CUSTOMERS);
    if (chance(80))
        event.user_id = slice_of(arena_format(arena, "u%d", who));
    if (!event.user_id.p || chance(15))
        event.anonymous_id = slice_of(arena_format(arena, "a%d", pick(CUSTOMERS)));
    if (chance(2)) {
        event.type = EVENT_ALIAS;
        event.user_id = slice_of(arena_format(arena, "u%d", who));
        event.previous_id = slice_of(arena_format(arena, "u%d", pick(CUSTOMERS)));
        return event;
    }
    if (event.type == EVENT_TRACK) {
        event.name = slice_of(arena_format(arena, "%c", "ABCDE"[pick(5)]));
        if (chance(80))
            event.channel = slice_of(arena_format(arena, "c%d", pick(3)));
        if (chance(70))
            event.unit = slice_of(arena_format(arena, "n%d", pick(3)));
    }
    some_properties(&event, arena);
    if (event.type == EVENT_TRACK && chance(15))
        some_answers(&event, arena);
    else if (event.type == EVENT_TRACK && chance(10))
        some_tap(&event, arena);
    return event;
}

static void fill(struct folder *folder, struct arena *arena) {
    for (int done = 0; done < EVENTS; done += BATCH) {
        struct event *events = arena_get(arena, sizeof *events * BATCH);
        struct event_result results[BATCH];
        for (int i = 0; i < BATCH; i++)
            events[i] = some_event(arena);
        struct ingest_batch batch = {.source = {.number = chance(12) ? 0 : 1}, /* 0: derived */
                                     .events = events,
                                     .n = BATCH,
                                     .received_ms = BASE_MS + 60 * (int64_t)DAY_MS,
                                     .results = results};
        struct err err = {0};
        if (ingest_run(folder->ingest, &batch, &err))
            fail_msg("ingest: %s", err.message);
        if (chance(40) && folder_maintain(folder, chance(50), &err) < 0)
            fail_msg("maintain: %s", err.message);
    }
}

/* ---- questions ---- */

static json_t *some_predicate(void) {
    static const char *const OPS[] = {"=",  "!=",     "<",      "<=",       ">",
                                      ">=", "exists", "absent", "contains", "in"};
    const char *op = OPS[pick(10)];
    json_t *predicate = json_pack("{s:s, s:s}", "property", chance(50) ? "p" : "q", "op", op);
    if (strcmp(op, "in") == 0)
        json_object_set_new(predicate, "value", json_pack("[i, s, i]", pick(5), "v1", pick(5)));
    else if (strcmp(op, "contains") == 0)
        json_object_set_new(predicate, "value", json_string(chance(50) ? "v" : "1"));
    else if (op[0] != 'e' && op[0] != 'a')
        json_object_set_new(predicate, "value",
                            op[0] != '<' && op[0] != '>' && chance(40)
                                ? json_sprintf("v%d", pick(3))
                                : json_integer(pick(5)));
    return predicate;
}

static json_t *some_matcher(void) {
    json_t *matcher = json_object();
    switch (pick(6)) {
    case 0: json_object_set_new(matcher, "touchpoint", json_sprintf("t%d", pick(3))); break;
    case 1:
        json_object_set_new(matcher, "event",
                            json_pack("[o, o]", json_sprintf("%c", "ABC"[pick(3)]),
                                      json_sprintf("%c", "DE"[pick(2)])));
        break;
    case 2:
        if (chance(30))
            break;
        __attribute__((fallthrough));
    default: json_object_set_new(matcher, "event", json_sprintf("%c", "ABCDE"[pick(5)])); break;
    }
    if (chance(20))
        json_object_set_new(matcher, "where", json_pack("[o]", some_predicate()));
    if (chance(15))
        json_object_set_new(matcher, "channel",
                            chance(50) ? json_sprintf("c%d", pick(3))
                                       : json_pack("[s, s]", "c0", "c2"));
    if (chance(10))
        json_object_set_new(matcher, "unit", json_sprintf("n%d", pick(3)));
    return matcher;
}

/* In a rule what is named may not have come yet. */
static json_t *some_rule_matcher(void) {
    static const char *const MEMBERS[] = {"event", "touchpoint", "channel", "unit"};
    json_t *matcher = some_matcher();
    if (chance(10))
        json_object_set_new(matcher, MEMBERS[pick(4)],
                            chance(50) ? json_string("to come") : json_pack("[s]", "to come"));
    if (chance(5))
        json_object_set_new(matcher, "where",
                            json_pack("[{s:s, s:s}]", "property", "to come", "op",
                                      chance(50) ? "absent" : "exists"));
    return matcher;
}

static json_t *some_date(int from_day, int days) {
    int day = from_day + pick(days);
    if (chance(30))
        return json_sprintf("2026-03-%02dT%02d:00:00Z", day % 31 + 1, pick(24));
    return json_sprintf("2026-%02d-%02d", 3 + day / 31, day % 31 + 1);
}

enum { STORED = 6 };
static int stored_so_far; /* segments "s0" …, each may be built on those before it */

static json_t *some_rule(int depth) {
    static const char *const TIMES[] = {">=2", "=0", ">=1", "=1", "<2", ">1"};
    int kind = pick(depth > 1 ? 2 : 6);
    if (stored_so_far && chance(20))
        return json_pack("{s:o}", "in", json_sprintf("s%d", pick(stored_so_far)));
    if (kind == 5) {
        json_t *rule =
            json_pack("{s:[o, o]}", "sequence", some_rule_matcher(), some_rule_matcher());
        if (chance(50))
            json_object_set_new(rule, "within", json_sprintf("%dh", 1 + pick(200)));
        if (chance(40))
            json_object_set_new(rule, "never", json_pack("{s:[o]}", "where", some_predicate()));
        return rule;
    }
    if (kind == 0 && chance(10))
        return json_pack("{s:s, s:s}", "trait", "to come", "op", chance(50) ? "absent" : "exists");
    if (kind == 0)
        return json_pack("{s:s, s:s, s:i}", "trait", chance(50) ? "p" : "q", "op",
                         chance(50) ? ">=" : "=", "value", pick(4));
    if (kind == 1) {
        json_t *rule = json_pack("{s:o}", "did", some_rule_matcher());
        if (chance(70))
            json_object_set_new(rule, "times", json_string(TIMES[pick(6)]));
        if (chance(50))
            json_object_set_new(rule, "within", json_sprintf("%dd", 1 + pick(40)));
        else if (chance(30))
            json_object_set_new(
                rule, "range",
                json_pack("{s:o, s:o}", "from", some_date(0, 10), "to", some_date(15, 10)));
        return rule;
    }
    if (kind == 2)
        return json_pack("{s:o}", "not", some_rule(depth + 1));
    return json_pack("{s:[o, o]}", kind == 3 ? "all" : "any", some_rule(depth + 1),
                     some_rule(depth + 1));
}

static void some_filters(json_t *query) {
    if (chance(50))
        json_object_set_new(
            query, "range",
            json_pack("{s:o, s:o}", "from", some_date(0, 12), "to", some_date(14, 31)));
    if (chance(25))
        json_object_set_new(query, "where", json_pack("[o]", some_predicate()));
    if (chance(20))
        json_object_set_new(query, "channel",
                            chance(50) ? json_sprintf("c%d", pick(3))
                                       : json_pack("[s, s]", "c0", "c2"));
    if (chance(15))
        json_object_set_new(query, "unit", json_sprintf("n%d", pick(3)));
    if (chance(20))
        json_object_set_new(query, "segment",
                            chance(30) ? json_sprintf("s%d", pick(STORED)) : some_rule(0));
}

/* Without the member "segment", a group for each stored one: not of these kinds. */
static bool takes_all_segments(const json_t *query) {
    const char *kind = json_string_value(json_object_get(query, "kind"));
    return strcmp(kind, "flow") != 0 && strcmp(kind, "variants") != 0;
}

static void some_by(json_t *query) {
    static const char *const BY[] = {"channel", "unit", "touchpoint", "event", "week"};
    int kind = pick(10);
    if (kind < 5)
        json_object_set_new(query, "by", json_string(BY[kind]));
    else if (kind == 9)
        json_object_set_new(query, "by", json_pack("{s:s}", "segmentation", "s"));
    else if (kind == 8) {
        json_object_set_new(query, "by", json_string("segment"));
        if (!takes_all_segments(query) || chance(50))
            json_object_set_new(query, "segment", json_sprintf("s%d", pick(STORED)));
    } else if (kind == 5)
        json_object_set_new(query, "by", json_pack("{s:s}", "property", chance(50) ? "p" : "q"));
    else if (kind == 6)
        json_object_set_new(query, "by", json_pack("{s:s}", "trait", "p"));
    if (json_object_get(query, "by") && chance(50))
        json_object_set_new(query, "limit", json_integer(1 + pick(3)));
}

static void some_system(json_t *query) {
    if (chance(20))
        json_object_set_new(query, "system", json_boolean(chance(50)));
}

static json_t *some_funnel(void) {
    static const char *const ORDERS[] = {"ordered", "ordered", "strict", "any"};
    json_t *query = json_pack("{s:s, s:s}", "kind", "funnel", "order", ORDERS[pick(4)]),
           *steps = json_array();
    int n = 2 + pick(4);
    for (int i = 0; i < n; i++)
        json_array_append_new(steps, some_matcher());
    json_object_set_new(query, "steps", steps);
    some_system(query);
    json_object_set_new(query, "window",
                        chance(50) ? json_sprintf("%dh", 1 + pick(30))
                                   : json_sprintf("%dd", 1 + pick(10)));
    if (chance(30))
        json_object_set_new(query, "entry", json_string("first"));
    if (chance(30)) {
        int after = 1 + pick(n - 1);
        json_t *exclusion =
            json_pack("{s:o, s:i, s:i}", "event", json_sprintf("%c", "ABCDE"[pick(5)]),
                      "after_step", after, "before_step", after + 1 + pick(n - after));
        json_object_set_new(query, "exclude", json_pack("[o]", exclusion));
    }
    if (chance(40))
        some_by(query);
    return query;
}

static json_t *some_walk(const char *kind) {
    static const char *const LEVELS[] = {"event", "touchpoint"};
    json_t *query = json_pack("{s:s, s:s}", "kind", kind, "level", LEVELS[pick(2)]);
    int cases = pick(3);
    json_object_set_new(query, "case",
                        cases == 0   ? json_string("customer")
                        : cases == 1 ? json_string("session")
                                     : json_pack("{s:s}", "property", "order"));
    if (kind[0] == 'f' && chance(50)) /* counts alone take another loop */
        json_object_set_new(query, "durations", json_boolean(chance(10)));
    if (kind[0] == 'f' && chance(30))
        json_object_set_new(query, "min_share", json_real(pick(10) / 100.0));
    if (kind[0] == 'v')
        json_object_set_new(query, "top", json_integer(1 + pick(50)));
    some_system(query);
    if (chance(40))
        some_by(query);
    return query;
}

static json_t *some_trend(void) {
    static const char *const EVERY[] = {"hour", "day", "week", "month"};
    json_t *query = json_pack("{s:s, s:s}", "kind", "trend", "every", EVERY[pick(4)]);
    some_system(query);
    if (chance(60))
        json_object_set_new(query, "of", some_matcher());
    int measure = pick(4);
    json_object_set_new(query, "measure",
                        measure == 0   ? json_string("count")
                        : measure == 1 ? json_string("customers")
                        : measure == 2 ? json_pack("{s:s}", "sum", "p")
                                       : json_pack("{s:s}", "mean", "p"));
    if (chance(50))
        some_by(query);
    return query;
}

static json_t *some_retention(void) {
    static const char *const EVERY[] = {"day", "week", "month"}, *const MEASURES[] = {"calendar",
                                                                                      "rolling",
                                                                                      "unbounded"};
    json_t *query = json_pack("{s:s, s:o, s:o, s:s, s:s, s:i}", "kind", "retention", "start",
                              some_matcher(), "return", some_matcher(), "every", EVERY[pick(3)],
                              "measure", MEASURES[pick(3)], "periods", 1 + pick(6));
    some_system(query);
    if (chance(40))
        some_by(query);
    return query;
}

static json_t *some_score(void) {
    static const char *const EVERY[] = {"day", "week", "month"};
    json_t *query = json_pack("{s:s, s:s}", "kind", "score", "metric", METRICS[pick(4)]);
    if (chance(30))
        json_object_set_new(query, "survey", json_sprintf("s%d", pick(3)));
    if (chance(30))
        json_object_set_new(query, "question", json_pack("[s, s]", "k0", "k2"));
    if (chance(50))
        json_object_set_new(query, "every", json_string(EVERY[pick(3)]));
    if (chance(50))
        json_object_set_new(query, "weighted", json_true());
    if (chance(60))
        some_by(query);
    if (chance(40))
        json_object_set_new(query, "flagged", json_string(chance(50) ? "include" : "only"));
    if (chance(30))
        json_object_set_new(
            query, "when",
            json_pack("{s:[i, i, i], s:[i, i, i, i]}", "weekdays", 1, 3, 6, "hours", 0, 9, 12, 23));
    if (chance(40))
        json_object_set_new(query, "margins",
                            json_pack("[{s:s, s:{s:i, s:i, s:f}}]", "by",
                                      chance(50) ? "channel" : "unit", "shares",
                                      chance(50) ? "c0" : "n0", 1 + pick(3),
                                      chance(50) ? "c1" : "n1", pick(2), "elsewhere", 0.0));
    return query;
}

static json_t *some_worth(void) {
    static const char *const MODELS[] = {"rfm", "bgnbd", "rfm"};
    json_t *query = json_pack("{s:s, s:s, s:o}", "kind", "value", "model", MODELS[pick(3)],
                              "purchase", some_matcher());
    json_object_set_new(query, "amount", json_string(chance(50) ? "p" : "order"));
    if (chance(50))
        json_object_set_new(query, "until", some_date(5, 30));
    if (chance(30))
        json_object_set_new(query, "rule", json_string("ntile"));
    return query;
}

static json_t *some_promise(void) {
    static const char *const EVERY[] = {"day", "week", "month"};
    json_t *query = json_pack("{s:s}", "kind", "promise");
    if (chance(25)) {
        json_object_set_new(query, "answered",
                            json_pack("{s:s}", "metric", chance(50) ? "csat" : "ces"));
    } else if (chance(25)) {
        json_t *bound = some_predicate();
        const char *op = json_string_value(json_object_get(bound, "op"));
        if (!strcmp(op, "exists") || !strcmp(op, "absent"))
            json_object_update_new(bound, json_pack("{s:s, s:i}", "op", "<=", "value", pick(5)));
        json_object_set_new(query, "of", some_matcher());
        json_object_set_new(query, "bound", bound);
    } else {
        json_object_set_new(query, "of", some_matcher());
        json_object_set_new(query, "then", some_matcher());
        json_object_set_new(query, "window", json_sprintf("%dh", 1 + pick(200)));
        if (chance(40))
            json_object_set_new(query, "key", json_string("order"));
        if (chance(30))
            json_object_set_new(query, "absent", json_true());
    }
    if (chance(50))
        json_object_set_new(query, "every", json_string(EVERY[pick(3)]));
    if (chance(50))
        some_by(query);
    return query;
}

static int store_rule(sqlite3 *db, const char *name, json_t *rule, struct err *err) {
    char *text = json_dumps(rule, JSON_COMPACT);
    sqlite3_stmt *statement = STORE_PREPARE(db, "INSERT INTO segment_rule VALUES (?, ?)", err);
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT);
    int code = store_step(statement, err);
    free(text);
    json_decref(rule);
    return code;
}

/* Three classes: who s0 holds for, else s1, the rest. */
static int store_classes(sqlite3 *db, struct err *err) {
    int code = store_rule(db, "s/first", json_pack("{s:s}", "in", "s0"), err);
    if (!code)
        code = store_rule(db, "s/second",
                          json_pack("{s:[{s:s}, {s:{s:s}}]}", "all", "in", "s1", "not", "in", "s0"),
                          err);
    return code ? code
                : store_rule(
                      db, "s/rest",
                      json_pack("{s:{s:[{s:s}, {s:s}]}}", "not", "any", "in", "s0", "in", "s1"),
                      err);
}

static int store_rules(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    int code = 0;
    for (stored_so_far = 0; stored_so_far < STORED && !code; stored_so_far++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", stored_so_far);
        code = store_rule(db, name, some_rule(0), err);
    }
    return code ? code : store_classes(db, err);
}

static json_t *some_question(void) {
    json_t *query = NULL;
    switch (pick(13)) {
    case 0:
    case 1:
    case 2: query = some_funnel(); break;
    case 3: query = some_walk("flow"); break;
    case 4: query = some_walk("variants"); break;
    case 5: query = some_trend(); break;
    case 6: query = some_retention(); break;
    case 7:
    case 8: query = some_score(); break;
    case 9: query = some_worth(); break;
    case 10:
    case 11: query = some_promise(); break;
    default: query = json_pack("{s:s, s:o}", "kind", "customers", "of", some_rule(0)); break;
    }
    if (strcmp(json_string_value(json_object_get(query, "kind")), "customers") != 0)
        some_filters(query);
    if (strcmp(json_string_value(json_object_get(query, "kind")), "value") == 0)
        json_object_del(query, "unit"); /* of time there */
    return query;
}

/* ---- comparing ---- */

static bool agree(const json_t *expected, const json_t *actual) {
    if (json_is_number(expected) && json_is_number(actual)) {
        double a = json_number_value(expected), b = json_number_value(actual);
        return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
    }
    if (json_typeof(expected) != json_typeof(actual))
        return false;
    if (json_is_array(expected)) {
        if (json_array_size(expected) != json_array_size(actual))
            return false;
        for (size_t i = 0; i < json_array_size(expected); i++)
            if (!agree(json_array_get(expected, i), json_array_get(actual, i)))
                return false;
        return true;
    }
    if (!json_is_object(expected))
        return json_equal(expected, actual);
    for (void *at = json_object_iter((json_t *)(uintptr_t)expected); at;
         at = json_object_iter_next((json_t *)(uintptr_t)expected, at)) {
        const json_t *other = json_object_get(actual, json_object_iter_key(at));
        if (!other || !agree(json_object_iter_value(at), other))
            return false;
    }
    return true;
}

static void show(const char *what, const json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    fprintf(stderr, "%s: %.400000s\n", what, text ? text : "(none)");
    free(text);
}

static const struct principal OWNER = {.role = ROLE_OWNER, .scopes = SCOPE_QUERY};

/* The question as the folder means it now. */
static int compile(struct folder *folder, const json_t *query, struct arena *arena,
                   struct plan **plan, struct err *err) {
    struct stored_rules stored;
    sqlite3 *db = store_reader_get(folder->store);
    if (stored_rules_load(db, arena, &stored, err))
        fail_msg("stored rules: %s", err->message);
    store_reader_put(folder->store, db);
    struct plan_context context = {.dictionary = folder->dictionary,
                                   .zone = folder->zone,
                                   .stored = &stored,
                                   .now_ms = clock_now_ms()};
    return plan_compile(query, &OWNER, &context, arena, plan, err);
}

static void ask(struct folder *folder, const struct reference_world *world, const json_t *query) {
    struct arena arena;
    arena_init(&arena);
    struct err err = {0};
    struct plan *plan = NULL;
    int refused = compile(folder, query, &arena, &plan, &err);
    if (refused == E_INVALID && (strstr(err.pointer, "/range") || strstr(err.pointer, "/until"))) {
        /* drew a range that ends before it begins */
        arena_release(&arena);
        return;
    }
    if (refused) {
        show("question", query);
        fail_msg("plan: %s at %s", err.message, err.pointer);
    }
    json_t *expected = NULL, *actual = NULL;
    int code = reference_answer(world, plan, &expected, &err);
    if (code == E_INVALID && json_object_get(query, "margins")) {
        /* a category that nobody is in: both refuse */
        assert_int_equal(query_run(folder, BACKEND_LOCAL, query, &OWNER, NULL, &actual, &err),
                         code);
        arena_release(&arena);
        return;
    }
    if (!code)
        code = query_run(folder, BACKEND_LOCAL, query, &OWNER, NULL, &actual, &err);
    if (code || !agree(expected, actual)) {
        show("question", query);
        show("expected", expected);
        show("actual", actual);
        fail_msg("the engine disagrees with the reference: %s", err.message);
    }
    json_decref(expected);
    json_decref(actual);
    arena_release(&arena);
}

/* ---- a group for each stored segment ---- */

static json_t *in_any(json_t *names) {
    json_t *any = json_array(), *name;
    size_t i;
    json_array_foreach(names, i, name) json_array_append_new(any, json_pack("{s:O}", "in", name));
    return json_pack("{s:o}", "any", any);
}

static json_t *stored_names(void) {
    json_t *names = json_array();
    for (int i = 0; i < STORED; i++)
        json_array_append_new(names, json_sprintf("s%d", i));
    return names;
}

/* Who is in the group of that name, as a rule; shown: names of all groups of the answer. */
static json_t *rule_of_group(const json_t *name, json_t *shown) {
    json_t *all = stored_names(), *rest = json_array(), *one, *rule;
    size_t i;
    bool null_shown = false;
    json_array_foreach(shown, i, one) null_shown |= json_is_null(one);
    json_array_foreach(all, i, one) {
        bool told = false;
        for (size_t k = 0; k < json_array_size(shown); k++)
            told |= json_equal(one, json_array_get(shown, k));
        if (!told)
            json_array_append(rest, one);
    }
    json_t *nobody = json_pack("{s:o}", "not", in_any(all));
    if (json_is_null(name))
        rule = json_incref(nobody);
    else if (strcmp(json_string_value(name), "(other)") != 0)
        rule = json_pack("{s:O}", "in", name);
    else {
        rule = in_any(rest);
        if (!null_shown)
            json_array_append(json_object_get(rule, "any"), nobody);
    }
    json_decref(nobody);
    json_decref(all);
    json_decref(rest);
    return rule;
}

/* Rows of one group by the reference; NULL: it refuses the question. */
static json_t *group_rows(struct folder *folder, const struct reference_world *world,
                          const json_t *query, const json_t *name, json_t *shown) {
    struct arena arena;
    struct err err = {0};
    struct plan *plan;
    json_t *plain = json_copy((json_t *)(uintptr_t)query), *answer = NULL, *rows = NULL, *row;
    size_t i;
    arena_init(&arena);
    json_object_del(plain, "by");
    json_object_del(plain, "limit");
    json_object_set_new(plain, "segment", rule_of_group(name, shown));
    if (compile(folder, plain, &arena, &plan, &err) || reference_answer(world, plan, &answer, &err))
        fail_msg("%s", err.message);
    rows = json_incref(json_object_get(answer, "data"));
    json_array_foreach(rows, i, row) json_object_set(row, "by", (json_t *)(uintptr_t)name);
    json_decref(answer);
    json_decref(plain);
    arena_release(&arena);
    return rows;
}

/* Every group is what the reference answers about its customers alone. False: the question was refused. */
static bool ask_groups(struct folder *folder, const struct reference_world *world,
                       const json_t *query) {
    struct err err = {0};
    json_t *actual = NULL, *shown = json_array(), *expected = json_array(), *row, *name;
    size_t i;
    if (query_run(folder, BACKEND_LOCAL, query, &OWNER, NULL, &actual, &err)) {
        json_decref(shown);
        json_decref(expected);
        return false;
    }
    json_t *rows = json_object_get(actual, "data");
    json_array_foreach(rows, i, row) {
        json_t *by = json_object_get(row, "by");
        if (!json_equal(by, json_array_get(shown, json_array_size(shown) - 1)))
            json_array_append(shown, by);
    }
    json_array_foreach(shown, i, name) {
        json_t *own = group_rows(folder, world, query, name, shown);
        json_array_extend(expected, own);
        json_decref(own);
    }
    if (!agree(expected, rows)) {
        show("question", query);
        show("expected", expected);
        show("actual", rows);
        fail_msg("the groups of segments disagree with the reference");
    }
    json_decref(actual);
    json_decref(shown);
    json_decref(expected);
    return true;
}

static int64_t fixed_now(void) { return BASE_MS + 40 * (int64_t)DAY_MS; }

static int groups_asked;

static uint64_t one_round(uint64_t seed) {
    state = seed;
    char dir[] = "/tmp/senda-agreement-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct err err = {0};
    struct folder *folder = NULL;
    struct folder_settings settings = {.timezone = "Europe/Madrid"};
    if (folder_create(dir, &settings, &err) || folder_open(&folder, dir, &err))
        fail_msg("folder: %s", err.message);
    struct arena arena;
    arena_init(&arena);
    fill(folder, &arena);
    stored_so_far = 0;
    if (store_write(folder->store, store_rules, NULL, &err))
        fail_msg("segments: %s", err.message);
    struct reference_world world;
    if (reference_load(&world, folder, &err))
        fail_msg("reference: %s", err.message);
    uint64_t cases = 0;
    for (int i = 0; i < QUESTIONS; i++, cases += world.n_owners) {
        json_t *query = some_question();
        if (!by_segment_wanted(query))
            ask(folder, &world, query);
        else
            groups_asked += ask_groups(folder, &world, query);
        json_decref(query);
    }
    reference_release(&world);
    arena_release(&arena);
    folder_close(folder);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    return cases;
}

static void engine_agrees_with_reference(void **unused) {
    (void)unused;
    clock_inject(fixed_now);
    const char *rounds = getenv("SENDA_ROUNDS"), *seed = getenv("SENDA_SEED");
    uint64_t first = seed ? strtoull(seed, NULL, 10) : 1, cases = 0;
    const struct scan_tuning usual = scan_tuning;
    int n = rounds ? (int)strtol(rounds, NULL, 10) : 8;
    for (int i = 0; i < n; i++) {
        fprintf(stderr, "seed %llu\n", (unsigned long long)(first + (uint64_t)i));
        scan_tuning = i % 2 ? (struct scan_tuning){.chunk_rows = 64, .small_rows = 0}
                            /* many chunks, two threads */
                            : usual;
        cases += one_round(first + (uint64_t)i);
    }
    assert_true(groups_asked > n); /* by all segments at once */
    printf("%llu cases agree\n", (unsigned long long)cases);
    clock_inject(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(engine_agrees_with_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
