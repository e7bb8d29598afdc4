/*
 * From plan to answer: segment, snapshot, the kind's own file, meta. See local.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/local.h"

#include <stdlib.h>

#include "backend/floor.h"
#include "backend/reference.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"

/* X(plan kind, answer) */
#define LOCAL_TABLE(X)                                                                             \
    X(TIMELINE, answer_timeline)                                                                   \
    X(TREND, answer_trend)                                                                         \
    X(FUNNEL, answer_funnel)                                                                       \
    X(FLOW, answer_flow)                                                                           \
    X(VARIANTS, answer_variants)                                                                   \
    X(PATHS, answer_paths)                                                                         \
    X(RETENTION, answer_retention)                                                                 \
    X(CUSTOMERS, answer_customers)                                                                 \
    X(DROP_OFF, answer_drop_off)                                                                   \
    X(SCORE, answer_score)                                                                         \
    X(VALUE, answer_value)                                                                         \
    X(PROMISE, answer_promise)                                                                     \
    X(ANSWERS, answer_answers)                                                                     \
    X(CONDITIONS, answer_conditions)

static int (*const answers[PLAN_KINDS])(struct question *, struct err *) = {
#define X(kind, answer) [PLAN_##kind] = answer,
    LOCAL_TABLE(X)
#undef X
};

static enum by_kind scanned_by(enum by_kind by) {
    bool column = by == BY_CHANNEL || by == BY_UNIT || by == BY_TOUCHPOINT || by == BY_EVENT ||
                  by == BY_PROPERTY;
    return column ? by : BY_NONE;
}

static void begin_spec(struct question *question) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    *spec = (struct scan_spec){.filter = plan->filter,
                               .drop_system = plan->drop_system,
                               .named = plan->named,
                               .n_named = plan->n_named};
    spec->by = scanned_by(plan->by);
    spec->by_property = plan->by_property;
    spec->by_values = &question->by_values;
    spec->case_values = &question->case_values;
    spec->extra_values = question->extra_values;
    spec->members = plan->segment && plan->by != BY_SEGMENT ? &question->segment : NULL;
}

/* Numbers from 1 on, in the order of the plan's classes. */
static int group_by_class(struct question *question, uint32_t *by_owner, struct err *err) {
    const struct plan *plan = question->plan;
    int code = 0;
    for (uint32_t c = 0; c < plan->n_classes && !code; c++) {
        struct owner_set set;
        code = question_stored(question, plan->classes[c].rule, &set, err);
        for (uint32_t owner = 1; !code && owner <= question->scan.profiles; owner++)
            if (owner < set.n && owner_set_has(&set, owner))
                by_owner[owner] = c + 1;
    }
    question->grouping.n = plan->n_classes + 1;
    return code;
}

static int group_by_owner(struct question *question, struct err *err) {
    struct grouping *grouping = &question->grouping;
    uint32_t *by_owner;
    grouping->kind = GROUP_OWNER;
    if (question->plan->by == BY_TRAIT) {
        int code = scan_traits(question->snapshot, question->plan->by_property,
                               &question->by_values, question->arena, &by_owner, err);
        grouping->by_owner = by_owner;
        grouping->n = question->by_values.n;
        return code;
    }
    by_owner = ARENA_ARRAY(question->arena, uint32_t, (size_t)question->scan.profiles + 1);
    grouping->by_owner = by_owner;
    if (question->plan->by == BY_SEGMENTATION)
        return group_by_class(question, by_owner, err);
    for (uint32_t owner = 1; owner <= question->scan.profiles; owner++)
        by_owner[owner] = owner_set_has(&question->segment, owner);
    grouping->by_owner = by_owner;
    grouping->n = 2;
    return 0;
}

static enum dictionary_kind dictionary_of(enum by_kind by) {
    return by == BY_CHANNEL ? DICTIONARY_CHANNEL
           : by == BY_UNIT  ? DICTIONARY_UNIT
           : by == BY_EVENT ? DICTIONARY_EVENT
                            : DICTIONARY_TOUCHPOINT;
}

/* The number of a class, 0 if there is none. */
static uint32_t class_named(const struct plan *plan, const struct value *name) {
    for (uint32_t c = 0; c < plan->n_classes; c++)
        if (name->type == VALUE_TEXT && slice_equal(plan->classes[c].name, name->text))
            return c + 1;
    return 0;
}

/* The group that `people` asks for; E_INVALID when there is none of that name. */
static int find_people_group(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    const struct people *people = &plan->people;
    struct grouping *grouping = &question->grouping;
    if (!people->wanted || !people->has_by || people->by.type == VALUE_NULL)
        return 0;
    bool found = false;
    int64_t week_ms = 0;
    switch (grouping->kind) {
    case GROUP_CODE:
        question->people_group =
            people->by.type != VALUE_TEXT
                ? 0
                : dictionary_find(question->dictionary, dictionary_of(plan->by), people->by.text);
        found = question->people_group != 0;
        break;
    case GROUP_WEEK:
        found =
            people->by.type == VALUE_TEXT && time_parse(people->by.text, plan->zone, &week_ms) == 0;
        found = found && week_ms >= question->scan.min_ms - 8 * (int64_t)DAY_MS &&
                week_ms <= question->scan.max_ms;
        for (uint32_t w = 0; found && w < grouping->weeks.n; w++)
            if (grouping->weeks.begin_ms[w] <= week_ms)
                question->people_group = w;
        break;
    default:
        question->people_group = plan->by == BY_SEGMENTATION ? class_named(plan, &people->by)
                                 : plan->by == BY_SEGMENT
                                     ? 1
                                     : value_table_find(&question->by_values, &people->by);
        found = question->people_group != 0;
    }
    return found ? 0 : err_at(err, E_INVALID, "/people/by", "no such value");
}

int question_prepare(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct grouping *grouping = &question->grouping;
    int code = scan_prepare(&question->scan, &question->spec, question->snapshot,
                            &question->patience, question->arena, err);
    if (code)
        return code;
    const struct scan *scan = &question->scan;
    if (plan->by == BY_TRAIT || plan->by == BY_SEGMENT || plan->by == BY_SEGMENTATION) {
        code = group_by_owner(question, err);
    } else if (plan->by == BY_WEEK) {
        grouping->kind = GROUP_WEEK;
        if (scan->min_ms <= scan->max_ms)
            code = bucket_table_init(&grouping->weeks, plan->zone, BUCKET_WEEK, scan->min_ms,
                                     scan->max_ms + 1, LIMIT_BUCKETS, question->arena, err);
        grouping->n = grouping->weeks.n;
    } else if (plan->by == BY_PROPERTY) {
        grouping->kind = GROUP_VALUE;
        grouping->n = question->by_values.n;
    } else if (plan->by != BY_NONE) {
        grouping->kind = GROUP_CODE;
        grouping->n = (uint32_t)dictionary_count(question->dictionary, dictionary_of(plan->by)) + 1;
    }
    return code ? code : find_people_group(question, err);
}

struct owner_set *question_behind(struct question *question) {
    if (!question->plan->people.wanted)
        return NULL;
    owner_set_init(&question->behind, snapshot_profiles(question->snapshot) + 1, question->arena);
    return &question->behind;
}

/* ---- time ---- */

/* One bucket for all time. */
static struct bucket_table everything(struct arena *arena) {
    enum { BLOCK_SHIFT = 20 };
    static const uint32_t bound[] = {0, UINT32_MAX};
    struct bucket_table table = {.n = 1, .shift = BLOCK_SHIFT, .bound = bound};
    table.first = ARENA_ARRAY(arena, uint32_t, (UINT32_MAX >> BLOCK_SHIFT) + 1);
    return table;
}

int question_buckets(struct question *question, struct bucket_table *table, struct err *err) {
    const struct scan *scan = &question->scan;
    if (!question->plan->has_every) {
        *table = everything(question->arena);
        return 0;
    }
    if (scan->min_ms > scan->max_ms)
        return 0;
    return bucket_table_init(table, question->plan->zone, question->plan->every, scan->min_ms,
                             scan->max_ms + 1, LIMIT_BUCKETS, question->arena, err);
}

uint32_t bucket_holding(const struct bucket_table *table, int64_t ms) {
    for (uint32_t bucket = 0; table->begin_ms && bucket < table->n; bucket++)
        if (ms >= table->begin_ms[bucket] && ms < table->begin_ms[bucket + 1])
            return bucket;
    return table->n;
}

/* ---- by ---- */

static struct slice group_name(const struct question *question, uint32_t group, char text[32]) {
    const struct plan *plan = question->plan;
    if (question->grouping.kind == GROUP_CODE)
        return dictionary_name(question->dictionary, dictionary_of(plan->by), (uint16_t)group);
    if (question->grouping.kind == GROUP_WEEK) {
        time_format(question->grouping.weeks.begin_ms[group], text);
        return slice_of(text);
    }
    if (plan->by == BY_SEGMENTATION)
        return group ? plan->classes[group - 1].name : (struct slice){"", 0};
    if (plan->by == BY_SEGMENT)
        return group ? plan->segment_name : (struct slice){"", 0};
    const struct value *value = &question->by_values.values[group];
    switch (value->type) {
    case VALUE_TEXT: return value->text;
    case VALUE_TRUE: return SLICE_LITERAL("true");
    case VALUE_FALSE: return SLICE_LITERAL("false");
    case VALUE_INT: snprintf(text, 32, "%.17g", (double)value->integer); return slice_of(text);
    case VALUE_NUMBER: snprintf(text, 32, "%.17g", value->number); return slice_of(text);
    default: return (struct slice){"", 0};
    }
}

static bool group_is_null(const struct question *question, uint32_t group) {
    return group == 0 && question->grouping.kind != GROUP_WEEK;
}

struct weighed {
    uint64_t weight;
    uint32_t group;
    bool null;
    struct slice name;
    char text[32];
};

static int by_weight(const void *a, const void *b) {
    const struct weighed *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->null != y->null)
        return x->null ? -1 : 1;
    struct slice left = x->name.p ? x->name : slice_of(x->text),
                 right = y->name.p ? y->name : slice_of(y->text);
    return slice_compare(left, right);
}

void question_rank(struct question *question, const uint64_t *weight, struct ranking *ranking) {
    uint32_t n = question->grouping.n, used = 0;
    struct weighed *weighed = malloc(((size_t)n + 1) * sizeof *weighed);
    if (!weighed)
        abort();
    for (uint32_t group = 0; group < n; group++) {
        if (!weight[group])
            continue;
        struct weighed *one = &weighed[used++];
        *one = (struct weighed){
            .weight = weight[group], .group = group, .null = group_is_null(question, group)};
        one->name = group_name(question, group, one->text);
        if (one->name.p == one->text)
            one->name.p = NULL; /* qsort moves it */
    }
    qsort(weighed, used, sizeof *weighed, by_weight);
    *ranking = (struct ranking){
        .n = used, .shown = used < question->plan->limit ? used : question->plan->limit};
    ranking->groups = ARENA_ARRAY(question->arena, uint32_t, used);
    ranking->place = ARENA_ARRAY(question->arena, uint32_t, n);
    for (uint32_t group = 0; group < n; group++)
        ranking->place[group] = ranking->shown;
    for (uint32_t i = 0; i < used; i++) {
        ranking->groups[i] = weighed[i].group;
        ranking->place[weighed[i].group] = i < ranking->shown ? i : ranking->shown;
    }
    free(weighed);
}

uint32_t ranking_rows(const struct ranking *ranking) {
    return ranking->shown + (ranking->shown < ranking->n);
}

json_t *question_by_json(const struct question *question, const struct ranking *ranking,
                         uint32_t place) {
    if (place >= ranking->shown)
        return json_string("(other)");
    uint32_t group = ranking->groups[place];
    if (group_is_null(question, group))
        return json_null();
    if (question->grouping.kind == GROUP_VALUE || question->plan->by == BY_TRAIT)
        return json_of_value(&question->by_values.values[group]);
    char text[32];
    return json_of_slice(group_name(question, group, text));
}

/* ---- running ---- */

static json_t *finish(struct question *question, int64_t begun_us) {
    json_t *meta = question->meta;
    const struct scan *scan = &question->scan;
    if (!json_object_get(meta, "customers")) {
        json_object_set_new(meta, "customers", json_integer((json_int_t)scan->customers));
        json_object_set_new(meta, "interactions", json_integer((json_int_t)scan->interactions));
    }
    json_object_set_new(meta, "elapsed_ms",
                        json_real((double)(clock_monotonic_us() - begun_us) / 1000.0));
    json_object_set_new(meta, "as_of", json_of_instant(question->plan->now_ms));
    json_object_set_new(meta, "incomplete", json_false());
    if (question->plan->unseen) {
        json_t *warnings = question_warnings(question->plan);
        json_array_extend(warnings, json_object_get(meta, "warnings"));
        json_object_set_new(meta, "warnings", warnings);
    }
    return json_pack("{s:s, s:o, s:o}", "kind", plan_kind_text(question->plan->kind), "data",
                     question->data, "meta", meta);
}

/* One customer alone is asked about. */
static int keep_to_one(struct question *question, struct err *err) {
    uint32_t owner;
    const struct plan *plan = question->plan;
    int code = customers_find(question->folder->customers, plan->customer, &owner, err);
    if (code)
        return code == E_NOT_FOUND ? err_at(err, code, "/customer", "no such customer") : code;
    struct owner_set *one = ARENA_ARRAY(question->arena, struct owner_set, 1);
    owner_set_init(one, snapshot_profiles(question->snapshot) + 1, question->arena);
    if (owner < one->n)
        owner_set_put(one, owner, true);
    question->only = one;
    return 0;
}

void question_tables_init(struct question *question) {
    value_table_init(&question->by_values);
    value_table_init(&question->case_values);
    for (int x = 0; x < VIEW_EXTRAS; x++)
        value_table_init(&question->extra_values[x]);
}

void question_tables_release(struct question *question) {
    value_table_release(&question->by_values);
    value_table_release(&question->case_values);
    for (int x = 0; x < VIEW_EXTRAS; x++)
        value_table_release(&question->extra_values[x]);
}

int question_begin(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    int code = plan->kind == PLAN_PROMISE && plan->customer.n ? keep_to_one(question, err) : 0;
    if (!code && plan->segment)
        code = question_rule(question, plan->segment, false, &question->segment, err);
    begin_spec(question);
    return code;
}

static int run_question(struct question *question, struct err *err) {
    int code = question_begin(question, err);
    return code ? code : answers[question->plan->kind](question, err);
}

/* A plan against the newest snapshot. */
static int run_plan(struct folder *folder, const struct plan *plan, struct query_control *control,
                    struct arena *arena, json_t **answer, struct err *err) {
    int64_t begun_us = clock_monotonic_us();
    int64_t limit_ms = control && control->limit_ms ? control->limit_ms : LIMIT_QUERY_MS;
    struct snapshot *snapshot;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    struct question *question = ARENA_ARRAY(arena, struct question, 1);
    struct stored_members *stored = NULL;
    *question = (struct question){.folder = folder,
                                  .plan = plan,
                                  .snapshot = snapshot,
                                  .dictionary = snapshot_dictionary(snapshot),
                                  .patience = {control, begun_us + limit_ms * 1000},
                                  .arena = arena,
                                  .stored = &stored,
                                  .meta = json_object()};
    question_tables_init(question);
    code = run_question(question, err);
    if (code) {
        json_decref(question->data);
        json_decref(question->meta);
    } else {
        *answer = finish(question, begun_us);
    }
    question_tables_release(question);
    snapshot_release(snapshot);
    return code;
}

static int run_reference(struct folder *folder, const struct plan *plan, json_t **answer,
                         struct err *err) {
    struct reference_world world;
    int code = reference_load(&world, folder, err);
    if (code)
        return code;
    code = reference_answer(&world, plan, answer, err);
    reference_release(&world);
    return code;
}

/* The same trend, counting customers: what the floor of its cells is measured by. */
static int run_twin(struct folder *folder, const json_t *query, const struct principal *principal,
                    struct query_control *control, json_t **answer, struct err *err) {
    struct arena arena;
    struct plan *plan;
    json_t *twin = json_copy((json_t *)(uintptr_t)query);
    json_object_set_new(twin, "measure", json_string("customers"));
    json_object_del(twin, "property");
    arena_init(&arena);
    int code = question_compile(folder, twin, principal, false, clock_now_ms(), &arena, &plan, err);
    if (!code)
        code = run_plan(folder, plan, control, &arena, answer, err);
    arena_release(&arena);
    json_decref(twin);
    return code;
}

static int keep_floor(struct folder *folder, const json_t *query, const struct plan *plan,
                      const struct principal *principal, struct query_control *control,
                      json_t **answer, struct err *err) {
    json_t *twin = NULL;
    int code =
        plan->kind == PLAN_TREND ? run_twin(folder, query, principal, control, &twin, err) : 0;
    if (code) {
        json_decref(*answer);
        *answer = NULL;
        return code;
    }
    floor_apply(plan, principal->floor, twin, *answer);
    json_decref(twin);
    return 0;
}

int query_run(struct folder *folder, enum backend backend, const json_t *query,
              const struct principal *principal, struct query_control *control, json_t **answer,
              struct err *err) {
    if (by_segment_wanted(query))
        return by_segment_run(folder, backend, query, principal, control, answer, err);
    struct arena arena;
    arena_init(&arena);
    struct plan *plan;
    bool shell = principal->user == 0 && principal->key == 0;
    int code =
        question_compile(folder, query, principal, shell, clock_now_ms(), &arena, &plan, err);
    if (!code && principal->floor)
        code = floor_permits(plan, err);
    if (!code && backend == BACKEND_REFERENCE)
        code = run_reference(folder, plan, answer, err);
    else if (!code)
        code = run_plan(folder, plan, control, &arena, answer, err);
    if (!code && principal->floor)
        code = keep_floor(folder, query, plan, principal, control, answer, err);
    arena_release(&arena);
    return code;
}
