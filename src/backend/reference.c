/*
 * The reference backend's world, filters and rules: see reference.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/reference.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>

#include "base/time.h"

/* ---- loading ---- */

struct loading {
    struct reference_world *world;
    const struct overlay *overlay;
    const struct touchpoint_rule *rules;
    size_t n_rules;
    size_t row_capacity, trait_capacity, answer_capacity;
};

static void *grown(void *rows, size_t n, size_t *capacity, size_t each) {
    if (n < *capacity)
        return rows;
    *capacity = *capacity ? *capacity * 2 : 1024;
    rows = realloc(rows, *capacity * each);
    if (!rows)
        abort();
    return rows;
}

struct value reference_property(struct slice properties, uint32_t code) {
    struct property_cursor cursor = {properties.p, properties.p + properties.n};
    struct value value, found = {.type = VALUE_ABSENT};
    uint32_t at;
    while (property_next(&cursor, &at, &value))
        if (at == code)
            found = value;
    return found;
}

static bool text_is(struct value value, const char *text) {
    return value.type == VALUE_TEXT && slice_is(value.text, text);
}

static struct value named_property(const struct loading *loading, struct slice properties,
                                   const char *name) {
    uint16_t code =
        dictionary_find(loading->world->dictionary, DICTIONARY_PROPERTY, slice_of(name));
    return code ? reference_property(properties, code) : (struct value){.type = VALUE_ABSENT};
}

static bool path_is_like(struct value path, const char *glob) {
    char text[4096];
    if (path.type != VALUE_TEXT || path.text.n >= sizeof text)
        return false;
    memcpy(text, path.text.p, path.text.n);
    text[path.text.n] = 0;
    return fnmatch(glob, text, 0) == 0;
}

static bool rule_matches(const struct loading *loading, const struct touchpoint_rule *rule,
                         const struct row *row) {
    const struct dictionary *names = loading->world->dictionary;
    if (rule->event && !slice_is(dictionary_name(names, DICTIONARY_EVENT, row->event), rule->event))
        return false;
    if (rule->channel &&
        !slice_is(dictionary_name(names, DICTIONARY_CHANNEL, row->channel), rule->channel))
        return false;
    if (rule->path &&
        !path_is_like(named_property(loading, row->properties, "context.page.path"), rule->path) &&
        !path_is_like(named_property(loading, row->properties, "path"), rule->path))
        return false;
    return !rule->property ||
           text_is(named_property(loading, row->properties, rule->property), rule->value);
}

static uint16_t touchpoint_of(const struct loading *loading, const struct row *row) {
    const struct dictionary *names = loading->world->dictionary;
    struct value said = named_property(loading, row->properties, "context.touchpoint");
    if (said.type == VALUE_TEXT)
        return dictionary_find(names, DICTIONARY_TOUCHPOINT, said.text);
    for (size_t i = 0; i < loading->n_rules; i++)
        if (rule_matches(loading, &loading->rules[i], row))
            return dictionary_find(names, DICTIONARY_TOUCHPOINT,
                                   slice_of(loading->rules[i].touchpoint));
    return CODE_NONE;
}

static int load_record(void *context, const struct log_record *record) {
    struct loading *loading = context;
    struct reference_world *world = loading->world;
    const struct row *row = &record->row;
    struct reference_row kept = {.time_ms = row->time_ms,
                                 .seq = row->seq,
                                 .owner = overlay_owner(loading->overlay, row->customer),
                                 .event = row->event,
                                 .channel = row->channel,
                                 .unit = row->unit,
                                 .source = row->source,
                                 .properties = arena_copy(&world->arena, row->properties)};
    if (row->type == ROW_GONE)
        return 0;
    if (row_is_interaction(row->type)) {
        kept.touchpoint = touchpoint_of(loading, row);
        world->rows = grown(world->rows, world->n_rows, &loading->row_capacity, sizeof kept);
        world->rows[world->n_rows++] = kept;
    } else if (row->type == ROW_ANSWER) {
        kept.touchpoint = touchpoint_of(loading, row);
        world->answers =
            grown(world->answers, world->n_answers, &loading->answer_capacity, sizeof kept);
        world->answers[world->n_answers++] = kept;
    } else {
        world->traits =
            grown(world->traits, world->n_traits, &loading->trait_capacity, sizeof kept);
        world->traits[world->n_traits++] = kept;
    }
    return 0;
}

static int in_customer_order(const void *left, const void *right) {
    const struct reference_row *a = left, *b = right;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

int reference_load(struct reference_world *world, struct folder *folder, struct err *err) {
    *world =
        (struct reference_world){.dictionary = folder->dictionary, .asked = reference_asked_new()};
    arena_init(&world->arena);
    struct snapshot *snapshot = NULL;
    struct touchpoint_rule *rules = NULL;
    size_t n_rules = 0;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (!code)
        code = numbers_get(folder, &world->numbers, err);
    if (!code)
        code = timeline_get_rules(folder->timeline, &world->arena, &rules, &n_rules, err);
    if (!code) {
        const struct overlay *overlay = snapshot_overlay(snapshot);
        struct loading loading = {
            .world = world, .overlay = overlay, .rules = rules, .n_rules = n_rules};
        code = log_read(folder->log, 1, log_last(folder->log) + 1, load_record, &loading, err);
        uint32_t profiles = customers_count(folder->customers);
        world->owners = arena_get(&world->arena, sizeof *world->owners * ((size_t)profiles + 1));
        for (uint32_t profile = 1; profile <= profiles; profile++)
            if (overlay_owner(overlay, profile) == profile)
                world->owners[world->n_owners++] = profile;
    }
    if (world->rows)
        qsort(world->rows, world->n_rows, sizeof *world->rows, in_customer_order);
    if (world->answers)
        qsort(world->answers, world->n_answers, sizeof *world->answers, in_customer_order);
    if (world->traits)
        qsort(world->traits, world->n_traits, sizeof *world->traits, in_customer_order);
    if (snapshot)
        snapshot_release(snapshot);
    if (code)
        reference_release(world);
    return code;
}

void reference_release(struct reference_world *world) {
    free(world->rows);
    free(world->answers);
    free(world->traits);
    numbers_put(world->numbers);
    reference_asked_release(world);
    arena_release(&world->arena);
    *world = (struct reference_world){0};
}

/* ---- what remains after the filters ---- */

static bool listed(const uint16_t *codes, uint32_t n, uint16_t code) {
    for (uint32_t i = 0; i < n; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static bool predicates_match(const struct predicate *predicates, uint32_t n,
                             struct slice properties) {
    for (uint32_t i = 0; i < n; i++) {
        struct value value = reference_property(properties, predicates[i].property);
        if (!predicate_matches(&predicates[i], &value))
            return false;
    }
    return true;
}

bool reference_matches(const struct reference_row *row, const struct matcher *matcher) {
    if (matcher->events && !listed(matcher->events, matcher->n_events, row->event))
        return false;
    if (matcher->touchpoints &&
        !listed(matcher->touchpoints, matcher->n_touchpoints, row->touchpoint))
        return false;
    if (matcher->channels && !listed(matcher->channels, matcher->n_channels, row->channel))
        return false;
    if (matcher->units && !listed(matcher->units, matcher->n_units, row->unit))
        return false;
    if (matcher->skips_system && row->source == 0)
        return false;
    return predicates_match(matcher->where, matcher->n_where, row->properties);
}

static bool in_scope(const struct plan *plan, const struct reference_row *row) {
    return !plan->scoped || listed(plan->scope, plan->n_scope, row->unit);
}

static bool passes(const struct plan *plan, const struct reference_row *row) {
    const struct filter *filter = &plan->filter;
    if (row->time_ms < filter->from_ms || row->time_ms >= filter->to_ms || !in_scope(plan, row))
        return false;
    if (filter->some_channels && !listed(filter->channels, filter->n_channels, row->channel))
        return false;
    if (filter->some_units && !listed(filter->units, filter->n_units, row->unit))
        return false;
    if (plan->drop_system && row->source == 0 && !listed(plan->named, plan->n_named, row->event))
        return false;
    return predicates_match(filter->where, filter->n_where, row->properties);
}

static uint16_t level_code(const struct plan *plan, const struct reference_row *row) {
    return plan->level == LEVEL_EVENT        ? row->event
           : plan->level == LEVEL_TOUCHPOINT ? row->touchpoint
                                             : row->channel;
}

static bool belongs_to_flow(const struct plan *plan, const struct reference_row *row) {
    return reference_matches(row, &plan->of) && level_code(plan, row) != CODE_NONE;
}

void reference_view(const struct reference_world *world, const struct plan *plan,
                    struct arena *arena, struct reference_view *view) {
    *view = (struct reference_view){
        .cases = arena_get(arena, sizeof *view->cases * (world->n_owners + 1))};
    bool score = plan->kind == PLAN_SCORE ||
                 (plan->kind == PLAN_PROMISE && plan->promise == PROMISE_SCORE),
         picks = score || plan->kind == PLAN_VALUE;
    const struct reference_row *all = score ? world->answers : world->rows;
    size_t n = score ? world->n_answers : world->n_rows;
    const struct reference_row **rows = arena_get(arena, sizeof *rows * (n + 1));
    bool flow = plan->kind == PLAN_FLOW || plan->kind == PLAN_VARIANTS;
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t owner = all[i].owner;
        struct reference_case one = {.owner = owner, .rows = rows};
        for (end = i; end < n && all[end].owner == owner; end++) {
            const struct reference_row *row = &all[end];
            if (passes(plan, row) && (!flow || belongs_to_flow(plan, row)) &&
                (!picks || reference_matches(row, &plan->of)))
                rows[one.n++] = row;
        }
        rows += one.n;
        bool wanted = !plan->segment || plan->by == BY_SEGMENT ||
                      reference_rule(world, plan, plan->segment, owner);
        if (one.n && wanted)
            view->cases[view->n++] = one;
    }
}

/* ---- rules, traits, breakdowns ---- */

static struct value current_trait(const struct reference_world *world, uint32_t owner,
                                  uint32_t code) {
    struct value current = {.type = VALUE_ABSENT};
    for (size_t i = 0; i < world->n_traits; i++) {
        if (world->traits[i].owner != owner)
            continue;
        struct value value = reference_property(world->traits[i].properties, code);
        if (value.type != VALUE_ABSENT)
            current = value;
    }
    return current;
}

static bool times_hold(const struct rule *rule, uint64_t n) {
    switch (rule->times_op) {
    case OP_EQ: return n == rule->times;
    case OP_NE: return n != rule->times;
    case OP_LT: return n < rule->times;
    case OP_LE: return n <= rule->times;
    case OP_GT: return n > rule->times;
    default: return n >= rule->times;
    }
}

static bool did(const struct reference_world *world, const struct plan *plan,
                const struct rule *rule, uint32_t owner) {
    uint64_t n = 0;
    for (size_t i = 0; i < world->n_rows; i++) {
        const struct reference_row *row = &world->rows[i];
        if (row->owner == owner && in_scope(plan, row) && row->time_ms >= rule->from_ms &&
            row->time_ms < rule->to_ms && reference_matches(row, &rule->did))
            n++;
    }
    return times_hold(rule, n);
}

static bool answered(const struct reference_world *world, const struct plan *plan,
                     const struct rule *rule, uint32_t owner) {
    for (size_t i = 0; i < world->n_answers; i++) {
        const struct reference_row *row = &world->answers[i];
        if (row->owner == owner && in_scope(plan, row) && row->time_ms >= rule->from_ms &&
            row->time_ms < rule->to_ms && reference_matches(row, &rule->did))
            return true;
    }
    return false;
}

static bool walked(const struct reference_world *world, const struct plan *funnel, uint32_t owner) {
    struct reference_case one = {.owner = owner};
    const struct reference_row **rows = calloc(world->n_rows + 1, sizeof *rows);
    if (!rows)
        abort();
    for (size_t i = 0; i < world->n_rows; i++)
        if (world->rows[i].owner == owner && passes(funnel, &world->rows[i]))
            rows[one.n++] = &world->rows[i];
    one.rows = rows;
    bool whole = reference_reached(funnel, &one) == funnel->n_steps;
    free(rows);
    return whole;
}

bool reference_rule(const struct reference_world *world, const struct plan *plan,
                    const struct rule *rule, uint32_t owner) {
    switch (rule->kind) {
    case RULE_ALL:
        for (uint32_t i = 0; i < rule->n_children; i++)
            if (!reference_rule(world, plan, rule->children[i], owner))
                return false;
        return true;
    case RULE_ANY:
        for (uint32_t i = 0; i < rule->n_children; i++)
            if (reference_rule(world, plan, rule->children[i], owner))
                return true;
        return false;
    case RULE_NOT: return !reference_rule(world, plan, rule->children[0], owner);
    case RULE_TRAIT: {
        struct value value = current_trait(world, owner, rule->trait.property);
        return predicate_matches(&rule->trait, &value);
    }
    case RULE_DID: return did(world, plan, rule, owner);
    case RULE_SEQUENCE: return walked(world, rule->sequence, owner);
    case RULE_ANSWERED: return answered(world, plan, rule, owner);
    case RULE_IN: { /* shared: not only what the asker may see */
        struct plan whole = *plan;
        whole.scoped = false;
        return reference_rule(world, &whole, rule->in, owner);
    }
    case RULE_NUMBER: {
        struct value value = number_value(numbers_of(world->numbers, rule->number, owner));
        return predicate_matches(&rule->trait, &value);
    }
    default: return false;
    }
}

static struct value name_value(const struct reference_world *world, enum dictionary_kind kind,
                               uint16_t code) {
    if (code == CODE_NONE)
        return (struct value){.type = VALUE_NULL};
    return (struct value){.type = VALUE_TEXT,
                          .text = dictionary_name(world->dictionary, kind, code)};
}

struct value reference_by(const struct reference_world *world, const struct plan *plan,
                          const struct reference_row *row) {
    struct value value = {.type = VALUE_NULL};
    switch (plan->by) {
    case BY_CHANNEL: return name_value(world, DICTIONARY_CHANNEL, row->channel);
    case BY_UNIT: return name_value(world, DICTIONARY_UNIT, row->unit);
    case BY_TOUCHPOINT: return name_value(world, DICTIONARY_TOUCHPOINT, row->touchpoint);
    case BY_EVENT: return name_value(world, DICTIONARY_EVENT, row->event);
    case BY_WEEK:
        return (struct value){.type = VALUE_INT,
                              .integer =
                                  zone_bucket_start_ms(plan->zone, BUCKET_WEEK, row->time_ms)};
    case BY_SEGMENT:
        if (reference_rule(world, plan, plan->segment, row->owner))
            value = (struct value){.type = VALUE_TEXT, .text = plan->segment_name};
        return value;
    case BY_PROPERTY: value = reference_property(row->properties, plan->by_property); break;
    case BY_SEGMENTATION:
        for (uint32_t c = 0; c < plan->n_classes; c++)
            if (reference_rule(world, plan, plan->classes[c].rule, row->owner))
                value = (struct value){.type = VALUE_TEXT, .text = plan->classes[c].name};
        return value;
    case BY_TRAIT: value = current_trait(world, row->owner, plan->by_property); break;
    case BY_NONE:
    default: break;
    }
    if (value.type == VALUE_ABSENT || value.type == VALUE_JSON)
        value.type = VALUE_NULL;
    return value;
}

/* ---- groups ---- */

static char *group_key(struct arena *arena, const struct value *value) {
    switch (value->type) {
    case VALUE_INT: return arena_format(arena, "n%.17g", (double)value->integer);
    case VALUE_NUMBER: return arena_format(arena, "n%.17g", value->number);
    case VALUE_TEXT: return arena_format(arena, "t%.*s", SLICE_ARGS(value->text));
    case VALUE_TRUE: return arena_format(arena, "true");
    case VALUE_FALSE: return arena_format(arena, "false");
    default: return arena_format(arena, "%s", "");
    }
}

size_t reference_group_add(struct reference_groups *groups, struct arena *arena,
                           const struct value *value, uint64_t weight) {
    char *key = group_key(arena, value);
    for (size_t i = 0; i < groups->n; i++)
        if (strcmp(groups->groups[i].key, key) == 0) {
            groups->groups[i].weight += weight;
            return i;
        }
    if (groups->n == groups->capacity) {
        size_t capacity = groups->capacity ? groups->capacity * 2 : 64;
        struct reference_group *more = arena_get(arena, sizeof *more * capacity);
        if (groups->n)
            memcpy(more, groups->groups, sizeof *more * groups->n);
        groups->groups = more;
        groups->capacity = capacity;
    }
    groups->groups[groups->n] = (struct reference_group){*value, key, weight};
    return groups->n++;
}

static json_t *reference_value_json(const struct value *value) {
    switch (value->type) {
    case VALUE_TRUE: return json_true();
    case VALUE_FALSE: return json_false();
    case VALUE_INT: return json_integer(value->integer);
    case VALUE_NUMBER: return json_real(value->number);
    case VALUE_TEXT: return reference_text(value->text);
    default: return json_null();
    }
}

static char *shown_name(const struct value *value, struct arena *arena) {
    json_t *json = reference_value_json(value);
    char *text = json_is_string(json) ? arena_format(arena, "%s", json_string_value(json))
                                      : arena_format(arena, "%s", "");
    if (json_is_number(json))
        text = arena_format(arena, "%.17g", json_number_value(json));
    else if (json_is_boolean(json))
        text = arena_format(arena, "%s", json_is_true(json) ? "true" : "false");
    json_decref(json);
    return text;
}

static bool goes_before(const struct reference_group *a, const struct reference_group *b,
                        struct arena *arena) {
    if (a->weight != b->weight)
        return a->weight > b->weight;
    bool a_null = a->value.type == VALUE_NULL, b_null = b->value.type == VALUE_NULL;
    if (a_null != b_null)
        return a_null;
    return strcmp(shown_name(&a->value, arena), shown_name(&b->value, arena)) < 0;
}

size_t reference_rank(const struct reference_groups *groups, uint32_t limit, struct arena *arena,
                      size_t *rank) {
    for (size_t i = 0; i < groups->n; i++) {
        size_t place = 0;
        for (size_t j = 0; j < groups->n; j++)
            if (j != i && goes_before(&groups->groups[j], &groups->groups[i], arena))
                place++;
        rank[i] = place < limit ? place : limit;
    }
    return groups->n <= limit ? groups->n : (size_t)limit + 1;
}

json_t *reference_place_json(const struct plan *plan, const struct reference_groups *groups,
                             const size_t *rank, size_t place) {
    if (place == plan->limit)
        return json_string("(other)");
    for (size_t i = 0; i < groups->n; i++) {
        const struct value *value = &groups->groups[i].value;
        if (rank[i] == place)
            return plan->by == BY_WEEK ? reference_time(value->integer)
                                       : reference_value_json(value);
    }
    return json_null();
}

/* ---- values ---- */

json_t *reference_text(struct slice text) { return json_stringn(text.p ? text.p : "", text.n); }

json_t *reference_time(int64_t utc_ms) {
    char text[TIME_TEXT_BYTES];
    time_format(utc_ms, text);
    return json_string(text);
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

json_t *reference_quantile(double *values, size_t n, double q) {
    if (n == 0)
        return json_null();
    qsort(values, n, sizeof *values, by_size);
    double at = q * (double)(n - 1);
    size_t low = (size_t)floor(at);
    double above = low + 1 < n ? values[low + 1] - values[low] : 0;
    return json_real(values[low] + (at - (double)low) * above);
}

/* ---- answers ---- */

static json_t *data_of(const struct reference_world *world, const struct plan *plan,
                       const struct reference_view *view, struct arena *arena, int *code,
                       struct err *err) {
    json_t *data = NULL;
    switch (plan->kind) {
    case PLAN_TREND: return reference_trend(world, plan, view, arena);
    case PLAN_FUNNEL: return reference_funnel(world, plan, view, arena);
    case PLAN_FLOW: return reference_flow(world, plan, view, arena);
    case PLAN_VARIANTS: return reference_variants(world, plan, view, arena);
    case PLAN_RETENTION: return reference_retention(world, plan, view, arena);
    case PLAN_SCORE: *code = reference_score(world, plan, view, arena, &data, err); return data;
    case PLAN_PROMISE: return reference_promise(world, plan, view, arena);
    case PLAN_VALUE: return reference_value(world, plan, view, arena);
    case PLAN_CUSTOMERS: return reference_customers(world, plan, arena);
    default: return NULL;
    }
}

int reference_answer(const struct reference_world *world, const struct plan *plan, json_t **answer,
                     struct err *err) {
    if (plan->people.wanted)
        return err_set(err, E_INVALID, "the reference does not list people");
    struct arena arena;
    arena_init(&arena);
    struct reference_view view;
    reference_view(world, plan, &arena, &view);
    size_t interactions = 0;
    for (size_t i = 0; i < view.n; i++)
        interactions += view.cases[i].n;
    int code = 0;
    json_t *data = data_of(world, plan, &view, &arena, &code, err);
    if (code) {
        json_decref(data);
    } else if (data) {
        /* Of `customers`: the universe; which interactions a rule reads is the backend's affair. */
        bool rule = plan->kind == PLAN_CUSTOMERS;
        json_t *meta = rule ? json_pack("{s:I}", "customers", (json_int_t)world->n_owners)
                            : json_pack("{s:I, s:I}", "customers", (json_int_t)view.n,
                                        "interactions", (json_int_t)interactions);
        *answer = json_pack("{s:s, s:o, s:o}", "kind", plan_kind_text(plan->kind), "data", data,
                            "meta", meta);
    } else {
        code = err_set(err, E_INVALID, "the reference does not answer this kind");
    }
    arena_release(&arena);
    return code;
}
