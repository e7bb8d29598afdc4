/*
 * What models read of the timeline: purchases, spans, traits, signals, answers. One snapshot for a whole run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/time.h"
#include "value/internal.h"

enum { ANSWER_DAYS = 365 };
#define PATIENT_US (INT64_C(3600) * 1000000)

const struct principal VALUE_EVERYTHING = {
    .name = "value", .role = ROLE_OWNER, .scopes = SCOPE_QUERY};

static struct filter everything(int64_t to_ms) {
    return (struct filter){.from_ms = TIME_MIN_MS, .to_ms = to_ms};
}

int gather_open(struct gather *gather, struct folder *folder, const struct principal *principal,
                struct err *err) {
    *gather = (struct gather){.folder = folder, .principal = principal, .zone = folder->zone};
    arena_init(&gather->arena);
    gather->patience.control = &gather->control;
    gather->patience.deadline_us = clock_monotonic_us() + PATIENT_US;
    int code = timeline_snapshot(folder->timeline, &gather->snapshot, err);
    if (code) {
        arena_release(&gather->arena);
        return code;
    }
    struct scan scan;
    struct scan_spec spec = {.filter = everything(TIME_MAX_MS)};
    gather->n = snapshot_profiles(gather->snapshot) + 1;
    code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    int64_t now_ms = clock_now_ms();
    gather->from_day = INT32_MAX;
    if (!code && scan.min_ms <= scan.max_ms) {
        gather->from_day = local_day(gather->zone, scan.min_ms);
        gather->end_day = local_day(gather->zone, scan.max_ms < now_ms ? scan.max_ms : now_ms);
    }
    if (code)
        gather_close(gather);
    return code;
}

void gather_close(struct gather *gather) {
    snapshot_release(gather->snapshot);
    arena_release(&gather->arena);
}

int64_t gather_after_day(const struct gather *gather, int32_t day) {
    return zone_to_utc_s(gather->zone, ((int64_t)day + 1) * DAY_S) * 1000;
}

static int compile(struct gather *gather, const json_t *question, struct plan **plan,
                   struct err *err) {
    return question_compile(gather->folder, question, gather->principal, false, clock_now_ms(),
                            &gather->arena, plan, err);
}

int gather_matcher(struct gather *gather, const json_t *json, const struct matcher **matcher,
                   struct err *err) {
    struct plan *plan;
    json_t *question = json_pack("{s:s, s:O}", "kind", "trend", "of", json);
    int code = compile(gather, question, &plan, err);
    json_decref(question);
    if (!code)
        *matcher = &plan->of;
    return code;
}

int gather_plan(struct gather *gather, const json_t *settings, struct plan **plan,
                struct err *err) {
    static const char *const members[] = {"purchase", "amount",   "unit",
                                          "months",   "discount", "dropout"};
    struct err unknown = {0};
    json_t *question = json_pack("{s:s, s:s}", "kind", "value", "model", "clv");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set(question, members[i], json_object_get(settings, members[i]));
    int code = compile(gather, question, plan, &unknown);
    if (code == E_INVALID && strcmp(unknown.pointer, "/amount") == 0) {
        unknown = (struct err){0};
        json_object_set(question, "model", json_object_get(settings, "dropout"));
        json_object_del(question, "amount");
        json_object_del(question, "discount");
        code = compile(gather, question, plan, &unknown);
    }
    json_decref(question);
    if (code)
        *plan = NULL;
    if (code == E_INVALID) /* no such event or property so far */
        return 0;
    if (code)
        *err = unknown;
    return code;
}

static void question_of(struct gather *gather, const struct plan *plan, struct question *question) {
    *question = (struct question){.folder = gather->folder,
                                  .plan = plan,
                                  .snapshot = gather->snapshot,
                                  .dictionary = snapshot_dictionary(gather->snapshot),
                                  .patience = gather->patience,
                                  .arena = &gather->arena,
                                  .spec = {.filter = plan->filter}};
}

int gather_purchases(struct gather *gather, const struct plan *plan, int32_t day,
                     struct purchase_history **rows, size_t *n, struct err *err) {
    struct question question;
    *rows = NULL;
    *n = 0;
    if (!plan)
        return 0;
    question_of(gather, plan, &question);
    return question_purchases(&question, gather_after_day(gather, day), rows, n, err);
}

int gather_purchases_of(struct gather *gather, const struct plan *plan, uint32_t owner,
                        struct purchase_history *row, struct err *err) {
    struct scan scan;
    struct scan_spec spec = {
        .filter = plan->filter, .of = &plan->of, .number_property = plan->measure_property};
    struct purchases_spec days = {.amounts = plan->measure_property != 0};
    struct purchases_state state = {.spec = &days};
    *row = (struct purchase_history){.owner = owner};
    int code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    if (code || scan.min_ms > scan.max_ms)
        return code;
    enum { DAYS_MAX = 60000 };
    code = bucket_table_init(&days.days, gather->zone, BUCKET_DAY, scan.min_ms, scan.max_ms + 1,
                             DAYS_MAX, &gather->arena, err);
    days.first_day = local_day(gather->zone, scan.min_ms);
    if (!code)
        code = scan_one(&scan, owner, &purchases_operator, &state, err);
    if (!code && state.n)
        *row = state.rows[0];
    free(state.rows);
    return code;
}

static int run_scan(struct gather *gather, const struct scan_spec *spec,
                    const struct operator* operator, void * state, struct err *err) {
    struct scan scan;
    int code = scan_prepare(&scan, spec, gather->snapshot, &gather->patience, &gather->arena, err);
    return code ? code : scan_run(&scan, operator,(void *[]){state, state}, err);
}

int gather_spans(struct gather *gather, const struct matcher *matcher, struct span *spans,
                 struct err *err) {
    struct scan_spec spec = {.filter = everything(TIME_MAX_MS), .of = matcher, .unordered = true};
    struct spans_spec found = {spans};
    return run_scan(gather, &spec, &spans_operator, &found, err);
}

int gather_groups(struct gather *gather, const char *name, struct value_table *table,
                  uint32_t **by_owner, struct err *err) {
    uint16_t trait =
        dictionary_find(snapshot_dictionary(gather->snapshot), DICTIONARY_PROPERTY, slice_of(name));
    if (trait == CODE_NONE) {
        *by_owner = ARENA_ARRAY(&gather->arena, uint32_t, gather->n);
        return 0;
    }
    return scan_traits(gather->snapshot, trait, table, &gather->arena, by_owner, err);
}

/* NAN where the value is not of the wanted kind. */
static float number_of(const struct gather *gather, const struct value *value, bool date) {
    int64_t ms;
    if (date)
        return value->type == VALUE_TEXT && time_parse(value->text, gather->zone, &ms) == 0
                   ? (float)local_day(gather->zone, ms)
                   : NAN;
    return value->type == VALUE_INT      ? (float)value->integer
           : value->type == VALUE_NUMBER ? (float)value->number
                                         : NAN;
}

int gather_having(struct gather *gather, const char *name, const json_t *value,
                  struct owner_set *owners, struct err *err) {
    struct value_table table;
    uint32_t *by_owner;
    const char *text = json_string_value(value);
    struct value wanted =
        json_is_string(value) ? (struct value){.type = VALUE_TEXT, .text = slice_of(text)}
        : json_is_true(value) ? (struct value){.type = VALUE_TRUE}
        : json_is_false(value)
            ? (struct value){.type = VALUE_FALSE}
            : (struct value){.type = VALUE_NUMBER, .number = json_number_value(value)};
    owner_set_init(owners, gather->n, &gather->arena);
    value_table_init(&table);
    int code = gather_groups(gather, name, &table, &by_owner, err);
    uint32_t number = code ? 0 : value_table_find(&table, &wanted);
    for (uint32_t owner = 1; number && owner < gather->n && !code; owner++)
        if (by_owner[owner] == number)
            owner_set_put(owners, owner, true);
    value_table_release(&table);
    return code;
}

int gather_trait(struct gather *gather, const char *name, bool dates, float *values,
                 struct err *err) {
    struct value_table table;
    uint32_t *by_owner;
    for (uint32_t owner = 0; owner < gather->n; owner++)
        values[owner] = NAN;
    if (!name)
        return 0;
    value_table_init(&table);
    int code = gather_groups(gather, name, &table, &by_owner, err);
    float *numbers = ARENA_ARRAY(&gather->arena, float, table.n);
    for (uint32_t i = 0; i < table.n; i++)
        numbers[i] = number_of(gather, &table.values[i], dates);
    for (uint32_t owner = 0; !code && owner < gather->n; owner++)
        if (by_owner[owner])
            values[owner] = numbers[by_owner[owner]];
    value_table_release(&table);
    return code;
}

/* Matchers of the deeds, in the arena, into the spec. */
static void ask_deeds(struct gather *gather, const struct deed *deeds, uint32_t n,
                      struct scan_spec *spec) {
    struct matcher *matchers = ARENA_ARRAY(&gather->arena, struct matcher, n);
    struct predicate *where = ARENA_ARRAY(&gather->arena, struct predicate, n);
    for (uint32_t k = 0; k < n; k++) {
        if (deeds[k].event != CODE_NONE)
            matchers[k] = (struct matcher){.events = &deeds[k].event, .n_events = 1};
        where[k] = (struct predicate){
            .property = deeds[k].property, .op = OP_EQ, .values = &deeds[k].value, .n_values = 1};
        if (deeds[k].property != CODE_NONE) {
            matchers[k].where = &where[k];
            matchers[k].n_where = 1;
        }
        spec->matchers[k] = &matchers[k];
    }
    spec->n_matchers = n;
}

int gather_signals(struct gather *gather, int64_t at_ms, const struct deed *deeds, uint32_t n_deeds,
                   struct signals *signals, struct err *err) {
    struct scan scan;
    struct scan_spec spec = {.filter = everything(at_ms), .drop_system = true, .unordered = true};
    memset(signals, 0, gather->n * sizeof *signals);
    ask_deeds(gather, deeds, n_deeds, &spec);
    int code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    struct signals_spec found = {.at_s = (uint32_t)(at_ms / 1000),
                                 .lut = scan.lut,
                                 .n_events = n_deeds,
                                 .by_owner = signals};
    return code ? code : scan_run(&scan, &signals_operator, (void *[]){&found, &found}, err);
}

int gather_seen(struct gather *gather, int64_t at_ms, const struct deed *deeds, uint32_t n_deeds,
                uint64_t *seen, struct err *err) {
    struct scan scan;
    struct scan_spec spec = {
        .filter = everything(at_ms), .drop_system = true, .unordered = true, .select = true};
    if (!n_deeds)
        return 0;
    spec.filter.from_ms = at_ms - (int64_t)SIGNAL_LONG_DAYS * DAY_MS;
    ask_deeds(gather, deeds, n_deeds, &spec);
    int code = scan_prepare(&scan, &spec, gather->snapshot, &gather->patience, &gather->arena, err);
    struct seen_spec found = {scan.lut, seen};
    return code ? code : scan_run(&scan, &seen_operator, (void *[]){&found, &found}, err);
}

int gather_mood(struct gather *gather, int64_t at_ms, const char *metric, float *values,
                struct err *err) {
    struct plan *plan;
    struct mood_spec found = {values};
    for (uint32_t owner = 0; owner < gather->n; owner++)
        values[owner] = NAN;
    json_t *question = json_pack("{s:s, s:s}", "kind", "score", "metric", metric);
    int code = compile(gather, question, &plan, err);
    json_decref(question);
    if (code || !plan->points_property)
        return code;
    struct scan_spec spec = {.kind = PART_ANSWERS,
                             .filter = everything(at_ms),
                             .of = &plan->of,
                             .unordered = true,
                             .number_property = plan->points_property};
    spec.filter.from_ms = at_ms - (int64_t)ANSWER_DAYS * DAY_MS;
    return run_scan(gather, &spec, &mood_operator, &found, err);
}
