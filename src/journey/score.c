/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/score.h"

#include <math.h>
#include <stdlib.h>

static size_t cells_of(const struct score_spec *spec) {
    size_t cells = (size_t)spec->buckets.n * spec->columns;
    return cells ? cells : 1;
}

struct score_state *score_new(const struct score_spec *spec) {
    struct score_state *state = calloc(1, sizeof *state);
    if (!state)
        abort();
    state->spec = spec;
    state->cells = calloc(cells_of(spec), sizeof *state->cells);
    state->distribution = calloc(cells_of(spec) * spec->values + 1, sizeof *state->distribution);
    if (!state->cells || !state->distribution)
        abort();
    return state;
}

void score_free(struct score_state *state) {
    if (!state)
        return;
    free(state->cells);
    free(state->distribution);
    free(state);
}

static void add(struct score_cell *cell, double points, double weight) {
    cell->n++;
    cell->sum += points;
    cell->squares += points * points;
    cell->weight += weight;
    cell->weight2 += weight * weight;
    cell->weighted += weight * points;
    cell->weighted2 += weight * points * points;
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

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct score_state *state = opaque;
    const struct score_spec *spec = state->spec;
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint32_t bucket = bucket_of(&spec->buckets, view->sec[row]);
            uint32_t group = group_of(&spec->grouping, view, row, owner);
            uint32_t value = view->case_value ? view->case_value[row] : 0;
            size_t cell =
                (size_t)bucket * spec->columns + (spec->place ? spec->place[group] : group);
            if (isnan(view->number[row]))
                continue;
            add(&state->cells[cell], view->number[row], weight_of(view, row));
            if (spec->values)
                state->distribution[cell * spec->values + value]++;
            if (spec->behind)
                put_behind(spec, bucket, group, value, owner);
        }
    }
}

const struct operator score_operator = {.customer = customer};

void score_merge(struct score_state *into, const struct score_state *from) {
    size_t cells = cells_of(into->spec);
    for (size_t i = 0; i < cells; i++) {
        struct score_cell *to = &into->cells[i];
        const struct score_cell *with = &from->cells[i];
        to->n += with->n;
        to->sum += with->sum;
        to->squares += with->squares;
        to->weight += with->weight;
        to->weight2 += with->weight2;
        to->weighted += with->weighted;
        to->weighted2 += with->weighted2;
    }
    for (size_t i = 0; i < cells * into->spec->values; i++)
        into->distribution[i] += from->distribution[i];
}
