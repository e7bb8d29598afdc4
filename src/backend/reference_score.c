/*
 * The reference's scores: answers counted with one plain loop; the formulas are score_row.c's for both backends, and have
 * their own tests against published values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/reference.h"
#include "backend/score_row.h"

struct answered {
    const struct reference_row *row;
    int64_t bucket_ms;
    size_t place;
};

static double number_property(const struct reference_row *row, uint32_t code, double otherwise) {
    struct value value = reference_property(row->properties, code);
    return value.type == VALUE_INT      ? (double)value.integer
           : value.type == VALUE_NUMBER ? value.number
                                        : otherwise;
}

static struct score_cell count(const struct plan *plan, const struct answered *answered, size_t n,
                               int64_t bucket_ms, size_t place) {
    struct score_cell cell = {0};
    for (size_t i = 0; i < n; i++) {
        if (answered[i].bucket_ms != bucket_ms || answered[i].place != place)
            continue;
        const struct reference_row *row = answered[i].row;
        double points = number_property(row, plan->points_property, 0);
        double weight = plan->weighted ? number_property(row, plan->weight_property, 1) : 1;
        if (!(weight > 0))
            weight = 0;
        cell.n++;
        cell.sum += points;
        cell.squares += points * points;
        cell.weight += weight;
        cell.weight2 += weight * weight;
        cell.weighted += weight * points;
        cell.weighted2 += weight * points * points;
    }
    return cell;
}

static void add_row(json_t *data, const struct plan *plan, const struct reference_groups *groups,
                    const size_t *rank, size_t place, int64_t time_ms,
                    const struct score_cell *cell) {
    json_t *row = json_object();
    if (plan->has_every)
        json_object_set_new(row, "time", reference_time(time_ms));
    if (plan->by != BY_NONE)
        json_object_set_new(row, "by", reference_place_json(plan, groups, rank, place));
    score_row(row, plan->score, plan->weighted, cell);
    json_array_append_new(data, row);
}

/* Every answer of the view with its bucket and group; widens [*first, *last] to their instants. */
static size_t list_answers(const struct reference_world *world, const struct plan *plan,
                           const struct reference_view *view, struct reference_groups *groups,
                           struct arena *arena, struct answered *answered, int64_t *first,
                           int64_t *last) {
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++)
        for (size_t j = 0; j < view->cases[i].n; j++) {
            const struct reference_row *row = view->cases[i].rows[j];
            struct value value = reference_by(world, plan, row);
            int64_t bucket = zone_bucket_start_ms(plan->zone, plan->every, row->time_ms);
            answered[n++] = (struct answered){row, plan->has_every ? bucket : 0,
                                              reference_group_add(groups, arena, &value, 1)};
            *first = row->time_ms < *first ? row->time_ms : *first;
            *last = row->time_ms > *last ? row->time_ms : *last;
        }
    return n;
}

json_t *reference_score(const struct reference_world *world, const struct plan *plan,
                        const struct reference_view *view, struct arena *arena) {
    struct answered *answered = arena_get(arena, sizeof *answered * (world->n_answers + 1));
    struct reference_groups groups = {0};
    int64_t first = INT64_MAX, last = INT64_MIN;
    size_t n = list_answers(world, plan, view, &groups, arena, answered, &first, &last);
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t places = reference_rank(&groups, plan->limit, arena, rank);
    for (size_t i = 0; i < n; i++)
        answered[i].place = plan->by == BY_NONE ? 0 : rank[answered[i].place];
    places = plan->by == BY_NONE ? 1 : places;
    first = plan->filter.has_from ? plan->filter.from_ms : first;
    last = plan->filter.has_to ? plan->filter.to_ms - 1 : last;
    json_t *data = json_array();
    if (plan->has_every && first > last)
        return data;
    int64_t bucket = plan->has_every ? zone_bucket_start_ms(plan->zone, plan->every, first) : 0;
    do {
        for (size_t place = 0; place < places; place++) {
            struct score_cell cell = count(plan, answered, n, bucket, place);
            add_row(data, plan, &groups, rank, place, bucket, &cell);
        }
        bucket = zone_bucket_add_ms(plan->zone, plan->every, bucket, 1);
    } while (plan->has_every && bucket <= last);
    return data;
}
