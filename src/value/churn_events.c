/*
 * Which deeds tell who leaves: of the most usual events before the model's first day, and of the most usual values of properties
 * that say why somebody came (a call's reason, what was searched for), those that had happened clearly more or less often, in 90
 * days, to who then left (chi square, one in a hundred by chance), the clearest first. The end itself and what Senda derives are none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "value/churn.h"

enum {
    EVENT_CANDIDATES = 40,
    VALUE_CANDIDATES = 24,
    VALUES_OF_ONE = 12,
    LEAST = 10 /* who did it */
};
enum { CANDIDATES = EVENT_CANDIDATES + VALUE_CANDIDATES };
#define CLEAR 6.635 /* chi square of one degree of freedom, 1 % */

/* Properties that say why somebody came, or what they wanted. */
static const char *const whys[] = {"reason", "motive",  "motivo", "cause",    "causa", "query",
                                   "topic",  "subject", "tema",   "category", "face"};

struct candidate {
    struct deed deed;
    double weight; /* customers; later chi square */
};

/* Of equal ones an event before what it always bears. */
static int most_first(const void *left, const void *right) {
    const struct candidate *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight < b->weight ? 1 : -1;
    if (a->deed.property != b->deed.property)
        return a->deed.property < b->deed.property ? -1 : 1;
    return (a->deed.event > b->deed.event) - (a->deed.event < b->deed.event);
}

static bool is_of(const struct matcher *matcher, uint16_t code) {
    for (uint32_t i = 0; matcher && i < matcher->n_events; i++)
        if (matcher->events[i] == code)
            return true;
    return false;
}

/* Customers by month and event, or by month and value of a property. */
static int ask_usual(struct gather *gather, int64_t to_ms, const char *property, json_t **answer,
                     struct err *err) {
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES];
    time_format(to_ms - (int64_t)SIGNAL_LONG_DAYS * DAY_MS, from);
    time_format(to_ms, to);
    json_t *question = json_pack("{s:s, s:s, s:{s:s, s:s}, s:s}", "kind", "trend", "every", "month",
                                 "range", "from", from, "to", to, "measure", "customers");
    json_object_set_new(question, "by",
                        property ? json_pack("{s:s}", "property", property) : json_string("event"));
    if (property)
        json_object_set_new(question, "limit", json_integer(VALUES_OF_ONE));
    int code =
        query_run(gather->folder, BACKEND_LOCAL, question, gather->principal, NULL, answer, err);
    json_decref(question);
    return code;
}

/* The most usual events; returns how many. */
static size_t most_usual(const struct gather *gather, const json_t *answer,
                         const struct matcher *end, struct candidate *candidates) {
    struct candidate *all = calloc(UINT16_MAX + 1, sizeof *all);
    size_t i, n = 0;
    json_t *row;
    if (!all)
        abort();
    json_array_foreach(json_object_get(answer, "data"), i, row) {
        const char *name = json_string_value(json_object_get(row, "by"));
        uint16_t event = name ? dictionary_find(snapshot_dictionary(gather->snapshot),
                                                DICTIONARY_EVENT, slice_of(name))
                              : CODE_NONE;
        if (event == CODE_NONE || is_of(end, event))
            continue;
        all[event].deed.event = event;
        all[event].weight += json_number_value(json_object_get(row, "value"));
    }
    qsort(all, UINT16_MAX + 1, sizeof *all, most_first);
    for (; n < EVENT_CANDIDATES && all[n].weight > 0; n++)
        candidates[n] = all[n];
    free(all);
    return n;
}

/* The most usual values of one property that says why; *n grows up to CANDIDATES. */
static int add_values(struct gather *gather, int64_t to_ms, const char *property,
                      struct candidate *candidates, size_t *n, struct err *err) {
    uint16_t code = dictionary_find(snapshot_dictionary(gather->snapshot), DICTIONARY_PROPERTY,
                                    slice_of(property));
    json_t *answer = NULL, *row;
    size_t i, first = *n;
    if (code == CODE_NONE)
        return 0;
    int failed = ask_usual(gather, to_ms, property, &answer, err);
    json_array_foreach(failed ? NULL : json_object_get(answer, "data"), i, row) {
        const json_t *by = json_object_get(row, "by");
        bool known = !json_is_string(by) || strcmp(json_string_value(by), "(other)") == 0;
        struct slice text = {json_string_value(by), json_string_length(by)};
        for (size_t k = first; k < *n && !known; k++)
            known = slice_equal(candidates[k].deed.value.text, text);
        if (!known && *n < CANDIDATES)
            candidates[(*n)++].deed = (struct deed){
                .property = code,
                .value = {.type = VALUE_TEXT, .text = arena_copy(&gather->arena, text)}};
    }
    json_decref(answer);
    return failed;
}

/* Chi square of having done it against leaving. */
static double told_apart(double counts[2][2]) {
    double all = counts[0][0] + counts[0][1] + counts[1][0] + counts[1][1], sum = 0;
    if (counts[1][0] + counts[1][1] < LEAST)
        return 0;
    for (int did = 0; did < 2; did++)
        for (int left = 0; left < 2; left++) {
            double expected =
                (counts[did][0] + counts[did][1]) * (counts[0][left] + counts[1][left]) / all;
            if (!(expected > 0))
                return 0;
            sum += (counts[did][left] - expected) * (counts[did][left] - expected) / expected;
        }
    return sum;
}

/* standing and later have no events yet: only who was there and who left is asked of them. */
static void weigh(const struct estimation *run, const struct churn_setup *setup,
                  const struct standing *standing, const struct standing *later,
                  const uint64_t *seen, struct candidate *candidates, size_t n) {
    double(*counts)[2][2] = calloc(n + 1, sizeof *counts);
    if (!counts)
        abort();
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        if (!standing_has(standing, run, setup, owner))
            continue;
        bool left = standing_left(standing, later, run, owner);
        for (size_t k = 0; k < n; k++)
            counts[k][seen[owner] >> k & 1][left]++;
    }
    for (size_t k = 0; k < n; k++)
        candidates[k].weight = told_apart(counts[k]);
    free(counts);
}

int churn_events(struct estimation *run, struct churn_setup *setup, struct standing standings[2],
                 int32_t window, struct err *err) {
    struct gather *gather = &run->gather;
    const struct matcher *end = NULL;
    const json_t *contract = json_object_get(run->settings, "contract");
    struct candidate candidates[CANDIDATES] = {0};
    struct deed *deeds = ARENA_ARRAY(&gather->arena, struct deed, CANDIDATES);
    uint64_t *seen = ARENA_ARRAY(&gather->arena, uint64_t, gather->n);
    json_t *answer = NULL;
    int32_t day = gather->end_day - 2 * window;
    int64_t at_ms = gather_after_day(gather, day);
    int code =
        run->contracts ? gather_matcher(gather, json_object_get(contract, "end"), &end, err) : 0;
    if (!code)
        code = ask_usual(gather, at_ms, NULL, &answer, err);
    size_t n = code ? 0 : most_usual(gather, answer, end, candidates);
    json_decref(answer);
    for (size_t w = 0; w < sizeof whys / sizeof *whys && !code; w++)
        code = add_values(gather, at_ms, whys[w], candidates, &n, err);
    for (size_t k = 0; k < n; k++)
        deeds[k] = candidates[k].deed;
    for (int i = 0; i < 2 && !code; i++)
        code = standing_read(&standings[i], run, setup, day + i * window, err);
    if (!code)
        code = gather_seen(gather, at_ms, deeds, (uint32_t)n, seen, err);
    if (code)
        return code;
    weigh(run, setup, &standings[0], &standings[1], seen, candidates, n);
    qsort(candidates, n, sizeof *candidates, most_first);
    for (size_t k = 0; k < n && setup->n_deeds < SIGNAL_EVENTS && candidates[k].weight >= CLEAR;
         k++)
        if (!k || candidates[k].weight != candidates[k - 1].weight) /* the same by another name */
            setup->deeds[setup->n_deeds++] = candidates[k].deed;
    return 0;
}
