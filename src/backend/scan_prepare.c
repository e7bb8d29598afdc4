/*
 * Preparing a scan: which parts, which columns, conditions per part, tables that all parts share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/scan_internal.h"

/* Which arrays and properties the question reads. */
static unsigned wanted_columns(const struct scan_spec *spec) {
    unsigned columns = COLUMN_TIME | COLUMN_SEQ | COLUMN_EVENT;
    if (spec->every_column)
        return COLUMN_ALL;
    bool touchpoint = spec->by == BY_TOUCHPOINT ||
                      (spec->label && spec->level == LEVEL_TOUCHPOINT) ||
                      (spec->of && spec->of->n_touchpoints);
    for (uint32_t m = 0; m < spec->n_matchers; m++)
        touchpoint |= spec->matchers[m]->n_touchpoints > 0;
    columns |= touchpoint ? COLUMN_TOUCHPOINT : 0;
    bool channel = spec->by == BY_CHANNEL || (spec->label && spec->level == LEVEL_CHANNEL);
    bool unit = spec->by == BY_UNIT || (spec->of && spec->of->n_units);
    channel = channel || (spec->of && spec->of->n_channels);
    bool source = spec->drop_system || (spec->of && spec->of->skips_system);
    for (uint32_t m = 0; m < spec->n_matchers; m++) {
        source = source || spec->matchers[m]->skips_system;
        channel = channel || spec->matchers[m]->n_channels;
        unit = unit || spec->matchers[m]->n_units;
    }
    columns |= channel || spec->filter.some_channels ? COLUMN_CHANNEL : 0;
    columns |= unit || spec->filter.some_units ? COLUMN_UNIT : 0;
    columns |= source ? COLUMN_SOURCE : 0;
    return columns;
}

static size_t add_properties(uint32_t *properties, size_t n, const struct predicate *where,
                             uint32_t n_where) {
    for (uint32_t i = 0; i < n_where; i++)
        if (where[i].property != CODE_NONE) /* nothing bears it yet */
            properties[n++] = where[i].property;
    return n;
}

static size_t wanted_properties(const struct scan_spec *spec, struct arena *arena, uint32_t **out) {
    size_t most = spec->filter.n_where + (spec->of ? spec->of->n_where : 0) + 4 + spec->n_extras;
    for (uint32_t m = 0; m < spec->n_matchers; m++)
        most += spec->matchers[m]->n_where;
    uint32_t *properties = ARENA_ARRAY(arena, uint32_t, most);
    size_t n = add_properties(properties, 0, spec->filter.where, spec->filter.n_where);
    if (spec->of)
        n = add_properties(properties, n, spec->of->where, spec->of->n_where);
    for (uint32_t m = 0; m < spec->n_matchers; m++)
        n = add_properties(properties, n, spec->matchers[m]->where, spec->matchers[m]->n_where);
    if (spec->by == BY_PROPERTY)
        properties[n++] = spec->by_property;
    if (spec->case_property)
        properties[n++] = spec->case_property;
    if (spec->number_property)
        properties[n++] = spec->number_property;
    if (spec->weight_property)
        properties[n++] = spec->weight_property;
    for (uint32_t x = 0; x < spec->n_extras; x++)
        properties[n++] = spec->extra_properties[x];
    *out = properties;
    return n;
}

static int touch(const struct scan *scan, const struct part *part, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    uint32_t *properties;
    size_t n = wanted_properties(scan->spec, &arena, &properties);
    int code = part_touch(part, wanted_columns(scan->spec), properties, n, err);
    arena_release(&arena);
    return code;
}

int scan_check_parts(const struct scan *scan, struct err *err) {
    int code = 0;
    for (size_t p = 0; p < scan->n_parts && !code; p++)
        code = touch(scan, scan->parts[p].part, err);
    return code;
}

static struct scan_matcher prepare_matcher(const struct part *part, const struct matcher *matcher,
                                           bool few, struct arena *arena) {
    struct scan_matcher prepared = {.n_where = matcher->n_where};
    prepared.where = ARENA_ARRAY(arena, struct expr_test, matcher->n_where);
    for (uint32_t i = 0; i < matcher->n_where; i++)
        prepared.where[i] = expr_test(part, &matcher->where[i], few, arena);
    return prepared;
}

/* Nothing but system interactions and missing labels can remove a row, and no column has to be made. */
static bool lies_ready(const struct scan_spec *spec, const struct scan_part *part) {
    const struct filter *filter = &spec->filter;
    return !part->time_cut && !filter->n_where && !filter->some_channels && !filter->some_units &&
           !spec->of && !spec->members && spec->by != BY_PROPERTY && !spec->case_property &&
           !spec->number_property && !spec->weight_property && !spec->n_extras;
}

static void prepare_part(struct scan *scan, struct scan_part *prepared, const struct part *part,
                         struct arena *arena) {
    const struct scan_spec *spec = scan->spec;
    const struct filter *filter = &spec->filter;
    bool few = spec->few;
    *prepared = (struct scan_part){.part = part, .n_where = filter->n_where};
    prepared->time_cut = part->min_ms < filter->from_ms || part->max_ms >= filter->to_ms;
    prepared->as_it_lies = lies_ready(spec, prepared);
    prepared->some_system = spec->drop_system && !part_column_full(part, COLUMN_SOURCE);
    prepared->some_unlabelled =
        spec->label && spec->level != LEVEL_EVENT &&
        !part_column_full(part,
                          spec->level == LEVEL_TOUCHPOINT ? COLUMN_TOUCHPOINT : COLUMN_CHANNEL);
    prepared->where = ARENA_ARRAY(arena, struct expr_test, filter->n_where);
    for (uint32_t i = 0; i < filter->n_where; i++)
        prepared->where[i] = expr_test(part, &filter->where[i], few, arena);
    if (spec->of)
        prepared->of = prepare_matcher(part, spec->of, few, arena);
    for (uint32_t m = 0; m < spec->n_matchers; m++)
        prepared->matchers[m] = prepare_matcher(part, spec->matchers[m], few, arena);
    if (spec->by == BY_PROPERTY)
        prepared->by = expr_values(part, spec->by_property, spec->by_values, false, few, arena);
    if (spec->case_property)
        prepared->cases = expr_values(part, spec->case_property, spec->case_values,
                                      spec->case_numbers, few, arena);
    if (spec->number_property)
        prepared->number = expr_number(part, spec->number_property, few, arena);
    if (spec->weight_property)
        prepared->weight = expr_number(part, spec->weight_property, few, arena);
    for (uint32_t x = 0; x < spec->n_extras; x++)
        prepared->extras[x] =
            expr_values(part, spec->extra_properties[x], &spec->extra_values[x], false, few, arena);
}

/* Matchers by event alone (or touchpoint alone) need one table; no masks are made then. */
static void prepare_lut(struct scan *scan, struct arena *arena) {
    const struct scan_spec *spec = scan->spec;
    bool events = false, touchpoints = false, others = false;
    for (uint32_t m = 0; m < spec->n_matchers; m++) {
        events |= spec->matchers[m]->n_events > 0;
        touchpoints |= spec->matchers[m]->n_touchpoints > 0;
        others |= spec->matchers[m]->n_where || spec->matchers[m]->n_channels ||
                  spec->matchers[m]->n_units || spec->matchers[m]->skips_system;
    }
    scan->key_column = touchpoints && !events ? COLUMN_TOUCHPOINT : COLUMN_EVENT;
    if (others || (events && touchpoints) || spec->n_matchers == 0)
        return;
    scan->lut = ARENA_ARRAY(arena, uint64_t, 65536);
    for (uint32_t m = 0; m < spec->n_matchers; m++) {
        const struct matcher *matcher = spec->matchers[m];
        const uint16_t *codes = touchpoints ? matcher->touchpoints : matcher->events;
        uint32_t n = touchpoints ? matcher->n_touchpoints : matcher->n_events;
        for (uint32_t i = 0; i < n; i++)
            scan->lut[codes[i]] |= UINT64_C(1) << m;
        for (uint32_t code = 0; n == 0 && code < 65536; code++)
            scan->lut[code] |= UINT64_C(1) << m;
    }
}

static uint8_t *allowed(bool some, const uint16_t *codes, uint32_t n, struct arena *arena) {
    if (!some)
        return NULL;
    uint8_t *table = ARENA_ARRAY(arena, uint8_t, 65536);
    for (uint32_t i = 0; i < n; i++)
        table[codes[i]] = 1;
    return table;
}

/* The codes that a matcher names of a column; none: all will do. */
static const uint16_t *named_codes(const struct matcher *matcher, unsigned column, uint32_t *n) {
    *n = column == COLUMN_EVENT        ? matcher->n_events
         : column == COLUMN_TOUCHPOINT ? matcher->n_touchpoints
         : column == COLUMN_CHANNEL    ? matcher->n_channels
                                       : matcher->n_units;
    return column == COLUMN_EVENT        ? matcher->events
           : column == COLUMN_TOUCHPOINT ? matcher->touchpoints
           : column == COLUMN_CHANNEL    ? matcher->channels
                                         : matcher->units;
}

static bool is_named(const struct scan_spec *spec, unsigned column) {
    uint32_t n, all = 0;
    for (uint32_t m = 0; m < spec->n_matchers; m++) {
        named_codes(spec->matchers[m], column, &n);
        all += n;
    }
    return all > 0;
}

static uint64_t *accepting(const struct scan_spec *spec, unsigned column, struct arena *arena) {
    uint64_t *table = ARENA_ARRAY(arena, uint64_t, 65536);
    for (uint32_t m = 0; m < spec->n_matchers; m++) {
        uint32_t n;
        const uint16_t *codes = named_codes(spec->matchers[m], column, &n);
        for (uint32_t i = 0; i < n; i++)
            table[codes[i]] |= UINT64_C(1) << m;
        for (uint32_t code = 0; n == 0 && code < 65536; code++)
            table[code] |= UINT64_C(1) << m;
    }
    return table;
}

const struct scan_tables *scan_tables(struct scan *scan, struct arena *arena) {
    const struct scan_spec *spec = scan->spec;
    struct scan_tables *tables = ARENA_ARRAY(arena, struct scan_tables, 1);
    tables->channel =
        allowed(spec->filter.some_channels, spec->filter.channels, spec->filter.n_channels, arena);
    tables->unit =
        allowed(spec->filter.some_units, spec->filter.units, spec->filter.n_units, arena);
    if (spec->of) {
        tables->of_event =
            allowed(spec->of->n_events > 0, spec->of->events, spec->of->n_events, arena);
        tables->of_touchpoint = allowed(spec->of->n_touchpoints > 0, spec->of->touchpoints,
                                        spec->of->n_touchpoints, arena);
        tables->of_channel =
            allowed(spec->of->n_channels > 0, spec->of->channels, spec->of->n_channels, arena);
        tables->of_unit = allowed(spec->of->n_units > 0, spec->of->units, spec->of->n_units, arena);
    }
    tables->named = allowed(spec->n_named > 0, spec->named, spec->n_named, arena);
    if (spec->n_matchers && !scan->lut) {
        tables->event_mask = accepting(spec, COLUMN_EVENT, arena);
        tables->touchpoint_mask = accepting(spec, COLUMN_TOUCHPOINT, arena);
        if (is_named(spec, COLUMN_CHANNEL))
            tables->channel_mask = accepting(spec, COLUMN_CHANNEL, arena);
        if (is_named(spec, COLUMN_UNIT))
            tables->unit_mask = accepting(spec, COLUMN_UNIT, arena);
        for (uint32_t m = 0; m < spec->n_matchers; m++)
            tables->skip_system |= (uint64_t)spec->matchers[m]->skips_system << m;
    }
    return tables;
}

void scan_ignore_range(struct scan *scan) {
    for (size_t p = 0; p < scan->n_parts; p++) {
        struct scan_part *part = &scan->parts[p];
        part->time_cut = false;
        part->as_it_lies = lies_ready(scan->spec, part);
    }
}

static void plan_chunks(struct scan *scan) {
    uint64_t rows = scan->rows ? scan->rows : 1;
    uint64_t chunk = ((uint64_t)scan->profiles + 1) * scan_tuning.chunk_rows / rows / 64 * 64;
    scan->chunk = chunk < 64 ? 64 : chunk > (1 << 20) ? 1 << 20 : (uint32_t)chunk;
    scan->threads = scan->rows > scan_tuning.small_rows && !scan->spec->few ? SCAN_THREADS : 1;
}

int scan_prepare(struct scan *scan, const struct scan_spec *spec, const struct snapshot *snapshot,
                 const struct patience *patience, struct arena *arena, struct err *err) {
    *scan = (struct scan){.spec = spec,
                          .snapshot = snapshot,
                          .overlay = snapshot_overlay(snapshot),
                          .patience = patience,
                          .profiles = snapshot_profiles(snapshot),
                          .min_ms = INT64_MAX,
                          .max_ms = INT64_MIN};
    const struct part *const *parts;
    int64_t latest_ms = INT64_MIN;
    size_t n = snapshot_parts(snapshot, spec->kind, spec->filter.from_ms, spec->filter.to_ms,
                              &parts, arena);
    scan->parts = ARENA_ARRAY(arena, struct scan_part, n);
    for (size_t p = 0; p < n; p++) {
        if (parts[p]->n_rows == 0)
            continue;
        int code = touch(scan, parts[p], err);
        if (!code)
            code = patience_check(patience, err);
        if (code)
            return code;
        prepare_part(scan, &scan->parts[scan->n_parts], parts[p], arena);
        scan->parts[scan->n_parts++].follows = parts[p]->min_ms > latest_ms;
        latest_ms = parts[p]->max_ms > latest_ms ? parts[p]->max_ms : latest_ms;
        scan->rows += parts[p]->n_rows;
        scan->min_ms = parts[p]->min_ms < scan->min_ms ? parts[p]->min_ms : scan->min_ms;
        scan->max_ms = parts[p]->max_ms > scan->max_ms ? parts[p]->max_ms : scan->max_ms;
    }
    if (scan->min_ms < spec->filter.from_ms)
        scan->min_ms = spec->filter.from_ms;
    if (scan->max_ms >= spec->filter.to_ms)
        scan->max_ms = spec->filter.to_ms - 1;
    prepare_lut(scan, arena);
    plan_chunks(scan);
    return 0;
}
