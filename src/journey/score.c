/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/score.h"

#include <math.h>
#include <stdlib.h>

static size_t places_of(const struct score_spec *spec) {
    size_t places = (size_t)spec->buckets.n * spec->columns;
    return places ? places : 1;
}

struct score_state *score_new(const struct score_spec *spec, uint32_t surveys) {
    struct score_state *state = calloc(1, sizeof *state);
    if (!state)
        abort();
    state->spec = spec;
    state->cells = calloc(places_of(spec) * spec->combinations, sizeof *state->cells);
    state->distribution = calloc(places_of(spec) * spec->values + 1, sizeof *state->distribution);
    state->surveys = calloc((size_t)surveys + 1, sizeof *state->surveys);
    if (!state->cells || !state->distribution || !state->surveys)
        abort();
    forms_init(&state->forms);
    return state;
}

void score_free(struct score_state *state) {
    if (!state)
        return;
    forms_release(&state->forms);
    free(state->cells);
    free(state->distribution);
    free(state->surveys);
    free(state);
}

void score_cell_add(struct score_cell *into, const struct score_cell *from, double factor) {
    into->n += from->n;
    into->outside += from->outside;
    into->customers = from->customers > into->customers ? from->customers : into->customers;
    into->sum += from->sum;
    into->squares += from->squares;
    into->weight += factor * from->weight;
    into->weight2 += factor * factor * from->weight2;
    into->weighted += factor * from->weighted;
    into->weighted2 += factor * from->weighted2;
    into->square_points += factor * factor * from->square_points;
    into->square_squares += factor * factor * from->square_squares;
    for (int reason = 0; reason < ASKED_REASONS; reason++)
        into->flagged[reason] += from->flagged[reason];
}

static void add(struct score_cell *cell, double points, double weight) {
    cell->n++;
    cell->sum += points;
    cell->squares += points * points;
    cell->weight += weight;
    cell->weight2 += weight * weight;
    cell->weighted += weight * points;
    cell->weighted2 += weight * points * points;
    cell->square_points += weight * weight * points;
    cell->square_squares += weight * weight * points * points;
}

/* Without a weight an answer counts once; a weight of 0, or one that makes no sense, not at all. */
static double weight_of(const struct view *view, uint32_t row) {
    double weight = view->weight ? view->weight[row] : 1;
    return isnan(weight) ? 1 : weight > 0 && isfinite(weight) ? weight : 0;
}

static void put_behind(const struct score_spec *spec, uint32_t bucket, uint32_t group,
                       uint32_t value, uint32_t owner) {
    if ((spec->people_bucket == UINT32_MAX || bucket == spec->people_bucket) &&
        (!spec->people->has_by || group == spec->people_group) &&
        (spec->people_value == UINT32_MAX || value == spec->people_value))
        owner_set_put(spec->behind, owner, true);
}

static uint32_t extra_at(const struct view *view, uint32_t place, uint32_t row) {
    return place < VIEW_EXTRAS && view->extra[place] ? view->extra[place][row] : 0;
}

static uint32_t margin_number(const struct score_margin *margin, const struct view *view,
                              uint32_t row, uint32_t owner) {
    const struct part *part = view->part;
    switch (margin->of) {
    case MARGIN_CHANNEL: return part->channel[view_row(view, row)];
    case MARGIN_UNIT: return part->unit[view_row(view, row)];
    case MARGIN_TOUCHPOINT: return part->touchpoint[view_row(view, row)];
    case MARGIN_EVENT: return part->event[view_row(view, row)];
    case MARGIN_OWNER: return margin->by_owner[owner];
    default: return extra_at(view, margin->extra, row);
    }
}

static uint32_t combination_of(const struct score_spec *spec, const struct view *view, uint32_t row,
                               uint32_t owner) {
    uint32_t combination = 0;
    for (uint32_t m = 0; m < spec->n_margins; m++) {
        const struct score_margin *margin = &spec->margins[m];
        combination =
            combination * margin->n + margin->category[margin_number(margin, view, row, owner)];
    }
    return combination;
}

static void note_form(struct score_state *state, const struct view *view, uint32_t row,
                      uint32_t bucket) {
    const struct score_spec *spec = state->spec;
    forms_add(&state->forms,
              (struct form){.bucket = bucket,
                            .survey = extra_at(view, spec->survey, row),
                            .question = extra_at(view, spec->question, row),
                            .version = extra_at(view, spec->version, row),
                            .low = extra_at(view, spec->asking->low, row),
                            .high = extra_at(view, spec->asking->high, row)},
              1);
}

static void answer(struct score_state *state, const struct view *view, uint32_t row,
                   uint32_t owner) {
    const struct score_spec *spec = state->spec;
    uint32_t survey = extra_at(view, spec->survey, row);
    if ((spec->skip_survey && spec->skip_survey[survey]) ||
        !week_hours_hold(spec->when, spec->zone, view->sec[row]))
        return;
    uint32_t bucket = bucket_of(&spec->buckets, view->sec[row]);
    uint32_t group = group_of(&spec->grouping, view, row, owner);
    uint32_t value = view->case_value ? view->case_value[row] : 0;
    size_t place = (size_t)bucket * spec->columns + (spec->place ? spec->place[group] : group);
    struct score_cell *cell =
        &state->cells[place * spec->combinations + combination_of(spec, view, row, owner)];
    if (isnan(view->number[row])) {
        cell->outside += !spec->only_flagged && asked_number(spec->asking, view, row);
        return;
    }
    enum asked reason = asked_reason(spec->asked, spec->asking, view, row);
    cell->flagged[reason] += reason != ASKED_NOT;
    bool counted = reason == ASKED_MISUSE && spec->with_misuse;
    if (!counted && (reason ? spec->leave_flagged : spec->only_flagged))
        return;
    add(cell, view->number[row], weight_of(view, row));
    cell->customers += cell->last != owner + 1;
    cell->last = owner + 1;
    state->surveys[survey] = true;
    if (spec->values)
        state->distribution[place * spec->values + value]++;
    if (spec->behind)
        put_behind(spec, bucket, group, value, owner);
    if (spec->forms)
        note_form(state, view, row, bucket);
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            answer(opaque, runs[r].view, row, owner);
}

const struct operator score_operator = {.customer = customer};

void score_merge(struct score_state *into, const struct score_state *from, uint32_t surveys) {
    size_t places = places_of(into->spec), cells = places * into->spec->combinations;
    for (size_t i = 0; i < cells; i++) { /* a customer comes in one thread */
        uint64_t customers = into->cells[i].customers + from->cells[i].customers;
        score_cell_add(&into->cells[i], &from->cells[i], 1);
        into->cells[i].customers = customers;
    }
    for (size_t i = 0; i < places * into->spec->values; i++)
        into->distribution[i] += from->distribution[i];
    for (uint32_t s = 0; s <= surveys; s++)
        into->surveys[s] |= from->surveys[s];
    forms_merge(&into->forms, &from->forms);
}
