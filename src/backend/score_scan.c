/*
 * See score_scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_scan.h"

#include <math.h>

/* Numbers that stand in a table of values; NaN where they are none. */
static const double *score_scan_numbers(const struct value_table *table, struct arena *arena) {
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

void score_scan_columns(const struct plan *plan, struct scan_spec *spec,
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

void score_scan_read(const struct scan_spec *spec, struct asked_spec *asking, struct arena *arena) {
    asking->values = score_scan_numbers(spec->case_values, arena);
    if (asking->flag < VIEW_EXTRAS)
        asking->flags = flags_of(&spec->extra_values[asking->flag], arena);
    if (asking->high < VIEW_EXTRAS)
        asking->highs = score_scan_numbers(&spec->extra_values[asking->high], arena);
    if (asking->low < VIEW_EXTRAS)
        asking->lows = score_scan_numbers(&spec->extra_values[asking->low], arena);
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
    score_scan_columns(plan, spec, &reading->asking);
    reading->survey = add_extra(spec, plan->survey_property);
    reading->version = add_extra(spec, plan->version_property);
    reading->question = add_extra(spec, plan->question_property);
    reading->metric =
        plan->kind == PLAN_ANSWERS ? add_extra(spec, plan->metric_property) : VIEW_EXTRAS;
    int code = question_prepare(question, err);
    if (!code && dictionary_count(question->dictionary, DICTIONARY_UNIT))
        code = asked_kept_get(question, &reading->kept, err);
    if (code)
        return code;
    if (reading->kept) {
        reading->asked = reading->kept->count;
        reading->asking.days = reading->kept->days;
        reading->asking.first_day = reading->kept->first_day;
        reading->asking.taps = reading->kept->taps;
    }
    score_scan_read(spec, &reading->asking, question->arena);
    reading->skip_survey = skipped(question, reading->survey);
    return 0;
}

void score_scan_release(struct question *question, struct score_scan *reading) {
    asked_kept_put(question, reading->kept);
}
