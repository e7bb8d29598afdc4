/*
 * The reference's scores: answers counted with one plain loop; the formulas are score_row.c's for both backends, and have
 * their own tests against published values. Whether an answer was asked for is decided from all answers by the rules of
 * journey/asked.h, one answer after another; weights by margins take each answer as a cell of its own.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/reference.h"
#include "backend/score_row.h"
#include "stats/rake.h"

struct answered {
    const struct reference_row *row;
    int64_t bucket_ms;
    size_t place;
    double weight;
    enum asked reason;
    bool counts, outside; /* outside: a number that is none of its scale */
};

static double number_property(const struct reference_row *row, uint32_t code, double otherwise) {
    struct value value =
        code ? reference_property(row->properties, code) : (struct value){.type = VALUE_ABSENT};
    return value.type == VALUE_INT      ? (double)value.integer
           : value.type == VALUE_NUMBER ? value.number
                                        : otherwise;
}

static struct value property(const struct reference_row *row, uint32_t code) {
    return code ? reference_property(row->properties, code) : (struct value){.type = VALUE_ABSENT};
}

/* ---- what was asked for ---- */

static int64_t local_seconds(const struct plan *plan, const struct reference_row *row) {
    int64_t second = row->time_ms / 1000;
    return second - zone_bucket_start_ms(plan->zone, BUCKET_DAY, row->time_ms) / 1000;
}

static int64_t local_day(const struct plan *plan, const struct reference_row *row) {
    int64_t second = zone_bucket_start_ms(plan->zone, BUCKET_DAY, row->time_ms) / 1000 + DAY_S / 2;
    return (second + zone_offset_s(plan->zone, second)) / DAY_S;
}

static bool is_tap(const struct reference_world *world, const struct reference_row *row) {
    return slice_is(dictionary_name(world->dictionary, DICTIONARY_EVENT, row->event),
                    "Kiosk Tapped");
}

static enum asked own_reason(const struct plan *plan, const struct reference_row *row) {
    struct value flag = property(row, plan->flag_property);
    return flag.type == VALUE_TEXT ? asked_of(flag.text) : ASKED_NOT;
}

static bool is_wide(const struct plan *plan, const struct reference_row *row) {
    return number_property(row, plan->high_property, (double)NAN) -
               number_property(row, plan->low_property, (double)NAN) >=
           4;
}

static bool is_best_wordless(const struct plan *plan, const struct reference_row *row) {
    return is_wide(plan, row) && property(row, plan->words_property).type != VALUE_TRUE &&
           number_property(row, plan->value_property, (double)NAN) ==
               number_property(row, plan->high_property, (double)NAN);
}

static int by_minute(const void *a, const void *b) {
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* What was found of each answer, once. */
struct reference_asked {
    bool done;
    int *last;           /* [n_answers] */
    enum asked *reasons; /* [n_answers] */
};

/* The minute from which a tap of this one's centre, quarter and kind of day is one of the last. */
static int last_minutes(const struct reference_world *world, const struct plan *plan,
                        const struct reference_row *row) {
    uint16_t *minutes = malloc((world->n_answers + 1) * sizeof *minutes);
    size_t n = 0;
    int64_t day = local_day(plan, row);
    if (!minutes)
        abort();
    for (size_t i = 0; i < world->n_answers; i++) {
        const struct reference_row *other = &world->answers[i];
        int64_t other_day = local_day(plan, other);
        if (other->unit == row->unit && is_tap(world, other) &&
            asked_quarter(other_day) == asked_quarter(day) &&
            asked_day_kind(other_day) == asked_day_kind(day) &&
            own_reason(plan, other) != ASKED_MISUSE &&
            !isnan(number_property(other, plan->points_property, (double)NAN)))
            minutes[n++] = (uint16_t)(local_seconds(plan, other) / 60);
    }
    qsort(minutes, n, sizeof *minutes, by_minute);
    int last = asked_last_minutes(minutes, n);
    free(minutes);
    return last;
}

struct pattern {
    double answers, flagged, wordless, worded, tens, taps, at_close;
    uint64_t days;
};

static void count_patterns(const struct reference_world *world, const struct plan *plan,
                           const struct reference_row *row, const int *last, struct pattern *own,
                           struct pattern *others) {
    uint32_t quarter = asked_quarter(local_day(plan, row));
    for (size_t i = 0; i < world->n_answers; i++) {
        const struct reference_row *other = &world->answers[i];
        if (!other->unit || is_tap(world, other) != is_tap(world, row) ||
            asked_quarter(local_day(plan, other)) != quarter ||
            own_reason(plan, other) == ASKED_MISUSE ||
            isnan(number_property(other, plan->points_property, (double)NAN)))
            continue;
        struct pattern *pattern = other->unit == row->unit ? own : others;
        bool tap = is_tap(world, other);
        pattern->answers++;
        pattern->flagged += own_reason(plan, other) != ASKED_NOT;
        pattern->wordless +=
            is_wide(plan, other) && property(other, plan->words_property).type != VALUE_TRUE;
        pattern->worded +=
            is_wide(plan, other) && property(other, plan->words_property).type == VALUE_TRUE;
        pattern->tens += is_best_wordless(plan, other);
        pattern->taps += tap;
        pattern->days |= tap ? asked_day_bit(local_day(plan, other)) : 0;
        pattern->at_close += tap && local_seconds(plan, other) / 60 >= last[i];
    }
}

static enum asked find_reason(const struct reference_world *world, const struct plan *plan,
                              size_t at, const int *last) {
    const struct reference_row *row = &world->answers[at];
    enum asked own = own_reason(plan, row);
    struct pattern here = {0}, there = {0};
    if (own || !row->unit)
        return own;
    count_patterns(world, plan, row, last, &here, &there);
    bool burst = asked_is_burst(here.at_close, here.taps, there.at_close, there.taps, here.days);
    bool tens = asked_is_tens(here.tens, here.wordless, there.tens, there.wordless,
                              here.worded + there.worded);
    if (burst && is_tap(world, row) && local_seconds(plan, row) / 60 >= last[at])
        return ASKED_CLOSING;
    if (tens && is_best_wordless(plan, row))
        return ASKED_TENS;
    return asked_is_centre(here.flagged + (burst ? here.at_close : 0) + (tens ? here.tens : 0),
                           here.answers)
               ? ASKED_CENTRE
               : ASKED_NOT;
}

static enum asked reason_of(const struct reference_world *world, const struct plan *plan,
                            const struct reference_row *row) {
    struct reference_asked *asked = world->asked;
    if (!asked->done) {
        asked->last = calloc(world->n_answers + 1, sizeof *asked->last);
        asked->reasons = calloc(world->n_answers + 1, sizeof *asked->reasons);
        if (!asked->last || !asked->reasons)
            abort();
        for (size_t i = 0; i < world->n_answers; i++)
            asked->last[i] = is_tap(world, &world->answers[i])
                                 ? last_minutes(world, plan, &world->answers[i])
                                 : ASKED_NEVER_CLOSES;
        for (size_t i = 0; i < world->n_answers; i++)
            asked->reasons[i] = find_reason(world, plan, i, asked->last);
        asked->done = true;
    }
    return asked->reasons[row - world->answers];
}

void reference_asked_release(struct reference_world *world) {
    if (world->asked) {
        free(world->asked->last);
        free(world->asked->reasons);
    }
    free(world->asked);
}

struct reference_asked *reference_asked_new(void) {
    struct reference_asked *asked = calloc(1, sizeof *asked);
    if (!asked)
        abort();
    return asked;
}

/* ---- weights ---- */

static uint32_t category_of(const struct reference_world *world, const struct plan *plan,
                            const struct plan_margin *margin, const struct reference_row *row) {
    struct plan by = *plan;
    by.by = margin->by;
    by.by_property = margin->property;
    struct value value = reference_by(world, &by, row);
    char text[32] = "";
    struct slice shown = value.type == VALUE_TEXT    ? value.text
                         : value.type == VALUE_TRUE  ? SLICE_LITERAL("true")
                         : value.type == VALUE_FALSE ? SLICE_LITERAL("false")
                                                     : slice_of(text);
    if (value.type == VALUE_INT)
        shown.n = (size_t)snprintf(text, sizeof text, "%.17g", (double)value.integer);
    else if (value.type == VALUE_NUMBER)
        shown.n = (size_t)snprintf(text, sizeof text, "%.17g", value.number);
    uint32_t c = 0;
    while (c < margin->n && !slice_equal(margin->category[c], shown))
        c++;
    return c;
}

/* Multiplies the weights of the answers that count. E_INVALID: they cannot be raked. */
static int weigh(const struct reference_world *world, const struct plan *plan, struct arena *arena,
                 struct answered *answered, size_t n, struct err *err) {
    struct rake_margin *margins = ARENA_ARRAY(arena, struct rake_margin, plan->n_margins + 1);
    double *base = ARENA_ARRAY(arena, double, n + 1), *factor = ARENA_ARRAY(arena, double, n + 1);
    double whole = 0;
    struct raking raking;
    for (size_t i = 0; i < n; i++)
        whole += base[i] = answered[i].counts ? answered[i].weight : 0;
    for (uint32_t m = 0; m < plan->n_margins; m++) {
        const struct plan_margin *margin = &plan->margins[m];
        uint32_t *category = ARENA_ARRAY(arena, uint32_t, n + 1);
        double *target = ARENA_ARRAY(arena, double, (size_t)margin->n + 1);
        for (size_t i = 0; i < n; i++)
            category[i] = category_of(world, plan, margin, answered[i].row);
        for (uint32_t c = 0; c < margin->n; c++)
            target[c] = margin->target[c];
        margins[m] = (struct rake_margin){category, target, margin->n + 1};
    }
    if (!plan->n_margins || !(whole > 0))
        return 0;
    int code = rake(base, factor, n, margins, plan->n_margins, true, &raking, err);
    for (size_t i = 0; i < n && !code; i++)
        answered[i].weight *= factor[i];
    return code;
}

/* ---- counting ---- */

static struct score_cell count(const struct plan *plan, const struct answered *answered, size_t n,
                               int64_t bucket_ms, size_t place) {
    struct score_cell cell = {0};
    for (size_t i = 0; i < n; i++) {
        if (answered[i].bucket_ms != bucket_ms || answered[i].place != place)
            continue;
        double points = number_property(answered[i].row, plan->points_property, 0),
               weight = answered[i].weight;
        cell.flagged[answered[i].reason] += answered[i].reason != ASKED_NOT;
        cell.outside += answered[i].outside;
        if (!answered[i].counts)
            continue;
        cell.n++;
        cell.sum += points;
        cell.squares += points * points;
        cell.weight += weight;
        cell.weight2 += weight * weight;
        cell.weighted += weight * points;
        cell.weighted2 += weight * points * points;
        cell.square_points += weight * weight * points;
        cell.square_squares += weight * weight * points * points;
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
    score_row(row, plan->score, plan->weighted || plan->n_margins, cell);
    json_array_append_new(data, row);
}

static bool about_rivals(const struct plan *plan, const struct reference_row *row) {
    struct value survey = property(row, plan->survey_property);
    for (uint32_t i = 0; i < plan->n_rivals && survey.type == VALUE_TEXT; i++)
        if (slice_equal(survey.text, plan->rivals[i]))
            return true;
    return false;
}

static double weight_of(const struct plan *plan, const struct reference_row *row) {
    double weight = plan->weighted ? number_property(row, plan->weight_property, 1) : 1;
    return weight > 0 ? weight : 0;
}

/* Every answer of the view with its bucket and group; widens [*first, *last] to the instants of those that count. */
static size_t list_answers(const struct reference_world *world, const struct plan *plan,
                           const struct reference_view *view, struct reference_groups *groups,
                           struct arena *arena, struct answered *answered, int64_t *first,
                           int64_t *last) {
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++)
        for (size_t j = 0; j < view->cases[i].n; j++) {
            const struct reference_row *row = view->cases[i].rows[j];
            bool scored = !isnan(number_property(row, plan->points_property, (double)NAN)),
                 number = !isnan(number_property(row, plan->value_property, (double)NAN));
            enum asked reason = scored ? reason_of(world, plan, row) : ASKED_NOT;
            if (about_rivals(plan, row) || (!reason && plan->flagged == FLAGGED_ONLY) ||
                (!scored && !number) ||
                !week_hours_hold(&plan->when, plan->zone, row->time_ms / 1000))
                continue;
            struct value value = reference_by(world, plan, row);
            int64_t bucket = zone_bucket_start_ms(plan->zone, plan->every, row->time_ms);
            bool flagless = !reason || plan->flagged != FLAGGED_LEAVE_OUT ||
                            (reason == ASKED_MISUSE && plan->with_misuse);
            answered[n++] = (struct answered){row,
                                              plan->has_every ? bucket : 0,
                                              reference_group_add(groups, arena, &value, 1),
                                              weight_of(plan, row),
                                              reason,
                                              scored && flagless,
                                              !scored};
            if (!answered[n - 1].counts)
                continue;
            *first = row->time_ms < *first ? row->time_ms : *first;
            *last = row->time_ms > *last ? row->time_ms : *last;
        }
    return n;
}

int reference_score(const struct reference_world *world, const struct plan *plan,
                    const struct reference_view *view, struct arena *arena, json_t **data,
                    struct err *err) {
    struct answered *answered = arena_get(arena, sizeof *answered * (world->n_answers + 1));
    struct reference_groups groups = {0};
    int64_t first = INT64_MAX, last = INT64_MIN;
    *data = json_array();
    size_t n = list_answers(world, plan, view, &groups, arena, answered, &first, &last);
    size_t *rank = arena_get(arena, sizeof *rank * (groups.n + 1));
    size_t places = reference_rank(&groups, plan->limit, arena, rank);
    for (size_t i = 0; i < n; i++)
        answered[i].place = plan->by == BY_NONE ? 0 : rank[answered[i].place];
    places = plan->by == BY_NONE ? 1 : places;
    first = plan->filter.has_from ? plan->filter.from_ms : first;
    last = plan->filter.has_to ? plan->filter.to_ms - 1 : last;
    int code = weigh(world, plan, arena, answered, n, err);
    if (code || (plan->has_every && first > last))
        return code;
    int64_t bucket = plan->has_every ? zone_bucket_start_ms(plan->zone, plan->every, first) : 0;
    do {
        for (size_t place = 0; place < places; place++) {
            struct score_cell cell = count(plan, answered, n, bucket, place);
            add_row(*data, plan, &groups, rank, place, bucket, &cell);
        }
        bucket = zone_bucket_add_ms(plan->zone, plan->every, bucket, 1);
    } while (plan->has_every && bucket <= last);
    return 0;
}
