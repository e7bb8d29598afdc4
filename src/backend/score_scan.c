/*
 * See score_scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_scan.h"

#include <math.h>

#include "base/limits.h"
#include "base/time.h"

const double *score_scan_numbers(const struct value_table *table, struct arena *arena) {
    double *numbers = ARENA_ARRAY(arena, double, (size_t)table->n + 1);
    for (uint32_t i = 0; i < table->n; i++) {
        const struct value *value = &table->values[i];
        numbers[i] = value->type == VALUE_INT      ? (double)value->integer
                     : value->type == VALUE_NUMBER ? value->number
                                                   : (double)NAN;
    }
    return numbers;
}

static const enum asked *flags_of(const struct value_table *table, struct arena *arena) {
    enum asked *flags = ARENA_ARRAY(arena, enum asked, (size_t)table->n + 1);
    for (uint32_t i = 0; i < table->n; i++)
        if (table->values[i].type == VALUE_TEXT)
            flags[i] = asked_of(table->values[i].text);
    return flags;
}

static uint32_t add_extra(struct scan_spec *spec, uint32_t property) {
    if (!property)
        return VIEW_EXTRAS;
    for (uint32_t x = 0; x < spec->n_extras; x++)
        if (spec->extra_properties[x] == property)
            return x;
    spec->extra_properties[spec->n_extras] = property;
    return spec->n_extras++;
}

uint32_t score_scan_extra(struct question *question, uint32_t property) {
    return add_extra(&question->spec, property);
}

/* ---- reading whether an answer was asked for ---- */

static void ask_columns(const struct plan *plan, struct scan_spec *spec,
                        struct asked_spec *asking) {
    spec->kind = PART_ANSWERS;
    spec->every_column = true;
    spec->number_property = plan->points_property;
    spec->case_property = plan->value_property;
    spec->case_numbers = true; /* words are values too, and many */
    asking->flag = add_extra(spec, plan->flag_property);
    asking->words = add_extra(spec, plan->words_property);
    asking->high = add_extra(spec, plan->high_property);
    asking->low = add_extra(spec, plan->low_property);
}

static void read_columns(const struct scan_spec *spec, struct asked_spec *asking,
                         struct arena *arena) {
    asking->values = score_scan_numbers(spec->case_values, arena);
    if (asking->flag < VIEW_EXTRAS)
        asking->flags = flags_of(&spec->extra_values[asking->flag], arena);
    if (asking->high < VIEW_EXTRAS)
        asking->highs = score_scan_numbers(&spec->extra_values[asking->high], arena);
    if (asking->low < VIEW_EXTRAS)
        asking->lows = score_scan_numbers(&spec->extra_values[asking->low], arena);
}

/* ---- what many answers show together ---- */

/* The whole quarters that hold the question's range. */
static void whole_quarters(const struct plan *plan, struct filter *filter) {
    const struct zone *zone = plan->zone;
    enum { QUARTER_MONTHS = 3 };
    if (plan->filter.has_from) {
        int64_t at = zone_bucket_start_ms(zone, BUCKET_MONTH, plan->filter.from_ms);
        filter->from_ms = zone_bucket_add_ms(zone, BUCKET_MONTH, at, -QUARTER_MONTHS + 1);
    }
    if (plan->filter.has_to) {
        int64_t at = zone_bucket_start_ms(zone, BUCKET_MONTH, plan->filter.to_ms);
        filter->to_ms = zone_bucket_add_ms(zone, BUCKET_MONTH, at, QUARTER_MONTHS);
    }
}

static int64_t local_day(const struct zone *zone, int64_t ms) {
    int64_t second = ms / 1000;
    return (second + zone_offset_s(zone, second)) / DAY_S;
}

static int find_days(const struct scan *scan, const struct plan *plan, struct asked_spec *counting,
                     struct arena *arena, struct err *err) {
    if (scan->min_ms > scan->max_ms)
        return 0;
    int code = bucket_table_init(&counting->days, plan->zone, BUCKET_DAY, scan->min_ms,
                                 scan->max_ms + 1, LIMIT_BUCKETS, arena, err);
    if (!code)
        counting->first_day =
            local_day(plan->zone, counting->days.begin_ms[0] + (int64_t)DAY_MS / 2);
    return code;
}

static int count_all(struct scan *scan, const struct asked_spec *counting,
                     struct asked_count **result, struct err *err) {
    struct asked_count *counts[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < scan->threads; t++)
        counts[t] = asked_new(counting);
    int code = scan_run(scan, &asked_operator, (void *const *)counts, err);
    for (uint32_t t = 1; t < scan->threads; t++) {
        if (!code)
            asked_merge(counts[0], counts[t]);
        asked_free(counts[t]);
    }
    if (!code)
        asked_decide(counts[0]);
    *result = counts[0];
    return code;
}

/* All answers of all units, whatever the question restricts. */
static int count_asked(struct question *question, struct score_scan *reading, struct err *err) {
    const struct plan *plan = question->plan;
    struct value_table *tables = ARENA_ARRAY(question->arena, struct value_table, VIEW_EXTRAS + 1);
    struct asked_spec *counting = ARENA_ARRAY(question->arena, struct asked_spec, 1);
    struct scan_spec spec = {.filter = {.from_ms = TIME_MIN_MS, .to_ms = TIME_MAX_MS},
                             .unordered = true,
                             .extra_values = tables,
                             .case_values = &tables[VIEW_EXTRAS]};
    struct scan scan;
    counting->taps =
        dictionary_find(question->dictionary, DICTIONARY_EVENT, SLICE_LITERAL("Kiosk Tapped"));
    for (int x = 0; x <= VIEW_EXTRAS; x++)
        value_table_init(&tables[x]);
    whole_quarters(plan, &spec.filter);
    ask_columns(plan, &spec, counting);
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code)
        code = find_days(&scan, plan, counting, question->arena, err);
    if (!code) {
        read_columns(&spec, counting, question->arena);
        code = count_all(&scan, counting, &reading->asked, err);
    }
    for (int x = 0; x <= VIEW_EXTRAS; x++)
        value_table_release(&tables[x]);
    reading->asking.days = counting->days;
    reading->asking.first_day = counting->first_day;
    reading->asking.taps = counting->taps;
    return code;
}

/* ---- the scan ---- */

static const bool *skipped(const struct question *question, uint32_t place) {
    const struct plan *plan = question->plan;
    if (!plan->n_rivals || place == VIEW_EXTRAS)
        return NULL;
    const struct value_table *table = &question->extra_values[place];
    bool *skip = ARENA_ARRAY(question->arena, bool, (size_t)table->n + 1);
    for (uint32_t i = 0; i < table->n; i++)
        for (uint32_t s = 0; s < plan->n_rivals && table->values[i].type == VALUE_TEXT; s++)
            skip[i] |= slice_equal(table->values[i].text, plan->rivals[s]);
    return skip;
}

int score_scan_prepare(struct question *question, const struct matcher *of,
                       struct score_scan *reading, struct err *err) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    spec->of = of;
    spec->weight_property = plan->weight_property;
    ask_columns(plan, spec, &reading->asking);
    reading->survey = add_extra(spec, plan->survey_property);
    reading->version = add_extra(spec, plan->version_property);
    reading->question = add_extra(spec, plan->question_property);
    reading->metric =
        plan->kind == PLAN_ANSWERS ? add_extra(spec, plan->metric_property) : VIEW_EXTRAS;
    int code = question_prepare(question, err);
    if (!code && dictionary_count(question->dictionary, DICTIONARY_UNIT))
        code = count_asked(question, reading, err);
    if (code)
        return code;
    read_columns(spec, &reading->asking, question->arena);
    reading->skip_survey = skipped(question, reading->survey);
    return 0;
}

void score_scan_release(struct score_scan *reading) { asked_free(reading->asked); }
