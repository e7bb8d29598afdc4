/*
 * Compiling a question: common members here, the members of each kind in plan_kinds.c, shared parts in read_parts.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/plan.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/internal.h"

static const char *const kind_texts[] = {
#define X(name, text) text,
    PLAN_KIND_TABLE(X)
#undef X
};

const char *plan_kind_text(enum plan_kind kind) { return kind_texts[kind]; }

/* Members beside `kind`, by kind: the whole grammar of a question. */
static const char *const members[PLAN_KINDS] = {
    [PLAN_TIMELINE] = "customer of before limit range where unit channel",
    [PLAN_TREND] =
        "range where segment unit channel by limit of measure property every system people cursor",
    [PLAN_FUNNEL] =
        "range where segment unit channel by limit steps window order entry exclude system "
        "people cursor",
    [PLAN_FLOW] =
        "range where segment unit channel by limit of level case min_share durations system "
        "people cursor",
    [PLAN_VARIANTS] =
        "range where segment unit channel by limit of level case top system people cursor",
    [PLAN_PATHS] = "range where segment unit channel limit of level case start end steps collapse "
                   "system people cursor",
    [PLAN_RETENTION] = "range where segment unit channel by limit start return every periods "
                       "measure system people cursor",
    [PLAN_CUSTOMERS] = "range where segment unit channel limit of cursor",
    [PLAN_DROP_OFF] =
        "range where segment unit channel limit steps window order entry exclude step last "
        "system cursor",
    [PLAN_SCORE] =
        "range where segment unit channel by limit metric survey question relation every weighted "
        "margins flagged misuse response_rate when people cursor",
    [PLAN_ANSWERS] = "range where segment unit channel limit metric survey question relation "
                     "flagged reason outside beside values text words when before",
    [PLAN_CONDITIONS] = "range where segment unit channel metric survey question relation flagged "
                        "of measure property window bands",
    [PLAN_VALUE] = "range where segment channel model purchase amount until unit horizon months "
                   "discount rule dropout holdout customer top",
    [PLAN_PROMISE] = "range where segment unit channel by limit of then window key absent answered "
                     "bound every customer people cursor",
};

static int read_plan_kind(struct reader *r, const json_t *query) {
    const json_t *json = json_object_get(query, "kind");
    if (!json) {
        size_t at = enter(r, "kind");
        refuse(r, "a question needs a \"kind\"");
        leave(r, at);
        return err_hint(r->err, "For example \"funnel\", \"flow\" or \"trend\".");
    }
    size_t mark = enter(r, "kind");
    const char *text = json_string_value(json);
    static const char *const later[] = {"conformance"};
    for (size_t i = 0; text && i < sizeof later / sizeof *later; i++)
        if (strcmp(text, later[i]) == 0)
            return refuse(r, "kind \"%s\" is not available in this version", text);
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("kind"), kind_texts, PLAN_KINDS, &chosen);
    r->plan->kind = (enum plan_kind)chosen;
    leave(r, mark);
    return code;
}

static int check_members(struct reader *r, const json_t *query) {
    char allowed[320];
    snprintf(allowed, sizeof allowed, "kind %s", members[r->plan->kind]);
    return read_members(r, query, allowed);
}

static int read_channels(struct reader *r, const json_t *json) {
    struct filter *filter = &r->plan->filter;
    filter->some_channels = true;
    return read_codes(r, DICTIONARY_CHANNEL, ERR_WORDS("channel"), json, &filter->channels,
                      &filter->n_channels);
}

static bool holds(const uint16_t *codes, size_t n, uint16_t code) {
    for (size_t i = 0; i < n; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* One unit asked for, with everything below it. It must be within the rights: itself, or where it has no interactions of
 * its own, some unit below it. */
static int add_unit(struct reader *r, const json_t *json, bool *seen) {
    const struct principal *principal = r->principal;
    struct slice name = {0};
    int code = read_text(r, json, &name);
    if (code)
        return code;
    if (!units_know(r->context->units, name))
        return refuse_name(r, DICTIONARY_UNIT, ERR_WORDS("unit"), name);
    uint16_t own = dictionary_find(r->context->dictionary, DICTIONARY_UNIT, name);
    const uint16_t *below;
    size_t n = units_below(r->context->units, name, r->arena, &below);
    bool allowed = !principal->units || (own && holds(principal->units, principal->n_units, own));
    for (size_t k = 0; k < n; k++) {
        bool visible = !principal->units || holds(principal->units, principal->n_units, below[k]);
        seen[below[k]] |= visible;
        allowed |= visible && !own;
    }
    return allowed ? 0
                   : err_at(r->err, E_FORBIDDEN, r->pointer, "this unit is outside your rights");
}

static int read_units(struct reader *r, const json_t *json) {
    bool list = json_is_array(json);
    size_t n = list ? json_array_size(json) : 1;
    if (n == 0)
        return refuse(r, "must name at least one unit");
    bool *seen = ARENA_ARRAY(r->arena, bool, LIMIT_CODES + 1);
    for (size_t i = 0; i < n; i++) {
        size_t mark = list ? enter_index(r, i) : r->depth;
        int code = add_unit(r, list ? json_array_get(json, i) : json, seen);
        leave(r, mark);
        if (code)
            return code;
    }
    uint16_t *units = ARENA_ARRAY(r->arena, uint16_t, LIMIT_CODES);
    uint32_t found = 0;
    for (uint32_t unit = 1; unit <= LIMIT_CODES; unit++)
        if (seen[unit])
            units[found++] = (uint16_t)unit;
    r->plan->filter.units = units;
    r->plan->filter.n_units = found;
    return 0;
}

static void apply_rights(struct reader *r) {
    const struct principal *principal = r->principal;
    if (!principal->units)
        return;
    uint16_t *units = ARENA_ARRAY(r->arena, uint16_t, principal->n_units);
    for (size_t i = 0; i < principal->n_units; i++)
        units[i] = principal->units[i];
    r->plan->filter.some_units = true;
    r->plan->filter.units = units;
    r->plan->filter.n_units = (uint32_t)principal->n_units;
    r->plan->scope = units;
    r->plan->n_scope = (uint32_t)principal->n_units;
    r->plan->scoped = true;
}

static int read_segment(struct reader *r, const json_t *json) {
    if (json_is_object(json)) {
        r->plan->segment_name = SLICE_LITERAL("segment");
        return read_rule(r, json, 0, &r->plan->segment);
    }
    struct rule *rule = ARENA_ARRAY(r->arena, struct rule, 1);
    r->plan->segment = rule;
    int code = read_in(r, json, rule);
    if (!code)
        code = read_text(r, json, &r->plan->segment_name);
    return code;
}

static int read_by_object(struct reader *r, const json_t *json) {
    int code = read_members(r, json, "property trait segmentation");
    if (!code && json_object_size(json) != 1)
        return refuse(r, "must be a property, a trait or a segmentation");
    const json_t *segmentation = json_object_get(json, "segmentation");
    if (!code && segmentation) {
        size_t mark = enter(r, "segmentation");
        code = read_classes(r, segmentation);
        leave(r, mark);
        return code;
    }
    uint16_t name = CODE_NONE;
    r->plan->by = json_object_get(json, "trait") ? BY_TRAIT : BY_PROPERTY;
    WITH_MEMBER(r, json, "property", property, code,
                read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), property, &name));
    WITH_MEMBER(r, json, "trait", trait, code,
                read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("trait"), trait, &name));
    r->plan->by_property = name;
    return code;
}

static int read_by(struct reader *r, const json_t *json) {
    if (json_is_object(json))
        return read_by_object(r, json);
    static const char *const texts[] = {"channel", "unit", "touchpoint", "event",
                                        "segment", "week", "version"};
    static const enum by_kind kinds[] = {BY_CHANNEL, BY_UNIT, BY_TOUCHPOINT, BY_EVENT,
                                         BY_SEGMENT, BY_WEEK, BY_PROPERTY};
    int chosen = 0;
    int code = read_choice(r, json, ERR_WORDS("by"), texts, sizeof texts / sizeof *texts, &chosen);
    r->plan->by = kinds[chosen];
    if (!code && r->plan->by == BY_PROPERTY) { /* the name is the property's */
        uint16_t name = CODE_NONE;
        code = read_code(r, DICTIONARY_PROPERTY, ERR_WORDS("property"), json, &name);
        r->plan->by_property = name;
    }
    if (!code && r->plan->by == BY_SEGMENT && !r->plan->segment)
        return refuse(r, "by segment needs the member \"segment\"");
    return code;
}

/* "c_0000000042" -> 42 */
static int read_cursor(struct reader *r, const json_t *json) {
    struct slice text = {0};
    int code = read_text(r, json, &text);
    uint64_t number = 0;
    bool good = !code && text.n > 2 && text.n <= 12 && text.p[0] == 'c' && text.p[1] == '_';
    for (size_t i = 2; good && i < text.n; i++) {
        good = text.p[i] >= '0' && text.p[i] <= '9';
        number = number * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (code)
        return code;
    if (!good || number > UINT32_MAX)
        return refuse(r, "is not a cursor that an answer gave");
    r->plan->after = (uint32_t)number;
    return 0;
}

static int64_t largest_limit(const struct reader *r) {
    if (r->plan->kind == PLAN_TIMELINE)
        return r->context->unbounded_timeline ? PLAN_NO_LIMIT - 1 : 10000;
    return r->plan->kind == PLAN_DROP_OFF ? 10000 : PLAN_NO_LIMIT - 1;
}

static int read_limit(struct reader *r, const json_t *json) {
    int64_t limit = 0;
    int code = read_count(r, json, 1, largest_limit(r), &limit);
    r->plan->limit = (uint32_t)limit;
    return code;
}

static int read_plan_range(struct reader *r, const json_t *json) {
    struct filter *filter = &r->plan->filter;
    int code =
        read_range(r, json, &filter->from_ms, &filter->to_ms, &filter->has_from, &filter->has_to);
    if (!code && filter->has_to)
        r->plan->end_ms = filter->to_ms;
    return code;
}

static int read_common(struct reader *r, const json_t *query) {
    struct plan *plan = r->plan;
    int code = 0;
    WITH_MEMBER(r, query, "range", range, code, read_plan_range(r, range));
    WITH_MEMBER(r, query, "where", where, code,
                read_where(r, where, &plan->filter.where, &plan->filter.n_where));
    WITH_MEMBER(r, query, "channel", channel, code, read_channels(r, channel));
    if (plan->kind != PLAN_VALUE) { /* there it is a unit of time */
        if (json_object_get(query, "unit"))
            plan->filter.some_units = true;
        WITH_MEMBER(r, query, "unit", unit, code, read_units(r, unit));
    }
    WITH_MEMBER(r, query, "segment", segment, code, read_segment(r, segment));
    WITH_MEMBER(r, query, "by", by, code, read_by(r, by));
    WITH_MEMBER(r, query, "limit", limit, code, read_limit(r, limit));
    WITH_MEMBER(r, query, "cursor", cursor, code, read_cursor(r, cursor));
    return code;
}

int plan_compile(const json_t *query, const struct principal *principal,
                 const struct plan_context *context, struct arena *arena, struct plan **out,
                 struct err *err) {
    struct err unused = {0};
    struct units no_units = {.dictionary = context->dictionary};
    struct plan_context filled = *context;
    if (!filled.units)
        filled.units = &no_units;
    struct reader r = {
        .context = &filled, .principal = principal, .arena = arena, .err = err ? err : &unused};
    struct plan *plan = ARENA_ARRAY(arena, struct plan, 1);
    r.plan = plan;
    plan->zone = context->zone;
    plan->sight = sight_of(context->folder, principal);
    plan->floor = principal->floor;
    plan->now_ms = plan->end_ms = context->now_ms;
    plan->filter.from_ms = TIME_MIN_MS;
    plan->filter.to_ms = TIME_MAX_MS;
    plan->limit = PLAN_NO_LIMIT;
    if (!json_is_object(query)) {
        err_at(r.err, E_MALFORMED, "", "a question is a JSON object");
        return err_hint(r.err, "For example {\"kind\":\"trend\"}.");
    }
    apply_rights(&r);
    int code = read_plan_kind(&r, query);
    if (!code)
        code = check_members(&r, query);
    if (!code)
        code = read_common(&r, query);
    if (!code)
        code = read_kind(&r, query);
    WITH_MEMBER(&r, query, "people", people, code, read_people(&r, people));
    *out = plan;
    return code;
}
