/*
 * The part of a run for contracts: how long they last, and what their fees are worth.
 *
 * A contract that began before the first interaction here enters late (its earlier time is not counted: of those who began with it
 * and left before, nothing is known). Its value is the fee of each coming month times the share of contracts of its age that
 * last until then, discounted. Beyond the longest contract seen, the losses of its last year go on.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "value/internal.h"

enum { BANDS = 5, TENURE_DAYS_MOST = 40000 };
static const int32_t band_days[BANDS] = {182, 365, 730, 1095, INT32_MAX};
static const char *const band_names[BANDS] = {"up_to_6_months", "6_to_12_months", "1_to_2_years",
                                              "2_to_3_years", "over_3_years"};

/* Contracts of a table: how long, until today, and whether they ended. */
static int spells_of_table(struct gather *gather, const json_t *settings, struct spell *spells,
                           struct err *err) {
    const json_t *contract = json_object_get(settings, "contract"),
                 *left = json_object_get(contract, "left");
    float *tenure = ARENA_ARRAY(&gather->arena, float, gather->n),
          *entry = ARENA_ARRAY(&gather->arena, float, gather->n);
    double unit = settings_unit_days(contract);
    struct owner_set gone;
    int code = gather_trait(gather, json_string_value(json_object_get(contract, "tenure")), false,
                            tenure, err);
    if (!code)
        code = gather_trait(gather, json_string_value(json_object_get(contract, "entry")), false,
                            entry, err);
    if (!code)
        code = gather_having(gather, json_string_value(json_object_get(left, "trait")),
                             json_object_get(left, "value"), &gone, err);
    if (gather->from_day > gather->end_day)
        gather->from_day = gather->end_day = local_day(gather->zone, clock_now_ms());
    for (uint32_t owner = 1; !code && owner < gather->n; owner++) {
        double days = (double)tenure[owner] * unit, since = (double)entry[owner] * unit;
        bool known = days >= 0 && days < TENURE_DAYS_MOST;
        spells[owner] = (struct spell){.is = known};
        if (!known)
            continue;
        spells[owner].start_day = gather->end_day - (int32_t)lround(days);
        spells[owner].end_day = gather->end_day;
        spells[owner].ended = owner_set_has(&gone, owner);
        spells[owner].entry_days = since > 0 && since <= days ? (int32_t)lround(since) : 0;
    }
    return code;
}

int spells_read(struct gather *gather, const json_t *settings, struct spell *spells,
                struct err *err) {
    if (settings_are_table(settings))
        return spells_of_table(gather, settings, spells, err);
    const json_t *contract = json_object_get(settings, "contract"),
                 *start = json_object_get(contract, "start");
    struct arena *arena = &gather->arena;
    struct span *starts = ARENA_ARRAY(arena, struct span, gather->n),
                *ends = ARENA_ARRAY(arena, struct span, gather->n);
    float *since = ARENA_ARRAY(arena, float, gather->n);
    const struct matcher *matcher;
    int code = gather_matcher(gather, json_object_get(contract, "end"), &matcher, err);
    if (!code)
        code = gather_spans(gather, matcher, ends, err);
    if (!code && json_is_object(start)) {
        code = gather_matcher(gather, start, &matcher, err);
        if (!code)
            code = gather_spans(gather, matcher, starts, err);
    }
    if (!code)
        code = gather_trait(gather, json_string_value(json_object_get(contract, "since")), true,
                            since, err);
    for (uint32_t owner = 1; !code && owner < gather->n; owner++) {
        struct spell *spell = &spells[owner];
        *spell = (struct spell){.is = !isnan(since[owner]) || starts[owner].first_s};
        if (!spell->is)
            continue;
        spell->start_day = !isnan(since[owner])
                               ? (int32_t)since[owner]
                               : local_day(gather->zone, (int64_t)starts[owner].first_s * 1000);
        if (spell->start_day < gather->from_day)
            spell->entry_days = gather->from_day - spell->start_day;
        if (!ends[owner].last_s || starts[owner].last_s > ends[owner].last_s)
            continue;
        spell->end_day = local_day(gather->zone, (int64_t)ends[owner].last_s * 1000);
        spell->ended = spell->end_day >= spell->start_day; /* else of an earlier contract */
    }
    return code;
}

size_t spells_lifetimes(const struct gather *gather, const struct spell *spells, int32_t day,
                        struct lifetime *lifetimes, uint32_t *owners) {
    size_t n = 0;
    for (uint32_t owner = 1; owner < gather->n; owner++) {
        const struct spell *spell = &spells[owner];
        if (!spell->is || spell->start_day > day)
            continue;
        bool ended = spell->ended && spell->end_day <= day;
        double entry = spell->entry_days, time = (ended ? spell->end_day : day) - spell->start_day;
        if (time < entry)
            continue;
        if (owners)
            owners[n] = owner;
        /* half a day, so that what ended on its first day was there */
        lifetimes[n++] = (struct lifetime){.entry = entry, .time = time + 0.5, .ended = ended};
    }
    return n;
}

/* ---- what is left ---- */

/* Share of those of age `from` that last until `to`. */
static double staying(const struct survival *curve, double from, double to) {
    double end = curve->longest, hazard = 0;
    double at_end = survival_at(curve, end),
           year_ago = survival_at(curve, fmax(0, end - YEAR_DAYS));
    if (at_end > 0 && year_ago > at_end)
        hazard = log(year_ago / at_end) / fmin(YEAR_DAYS, end);
    double seen = survival_at(curve, fmin(from, end)), later = survival_at(curve, fmin(to, end));
    double beyond = fmax(0, to - end) - fmax(0, from - end);
    return seen > 0 ? later / seen * exp(-hazard * beyond) : 0;
}

/* What a fee of 1 is worth, by age in days; [oldest + 1]. */
static double *fee_factors(const struct estimation *run, const struct survival *curve,
                           int32_t oldest) {
    double *factors = calloc((size_t)oldest + 1, sizeof *factors);
    unsigned months = run->plan ? run->plan->months : 12;
    double discount = run->plan ? run->plan->discount : 0.01;
    if (!factors)
        abort();
    for (int32_t age = 0; age <= oldest; age++) {
        double factor = 1;
        for (unsigned i = 1; i <= months; i++) {
            factor /= 1 + discount;
            factors[age] += factor * staying(curve, age, age + i * MONTH_DAYS);
        }
    }
    return factors;
}

static void note_contracts(struct estimation *run, const struct survival *curve) {
    int32_t oldest = 0, end = run->gather.end_day;
    size_t active = 0, priced = 0;
    for (uint32_t owner = 1; owner < run->gather.n; owner++)
        if (run->spells[owner].is && end - run->spells[owner].start_day > oldest)
            oldest = end - run->spells[owner].start_day;
    double *factors = fee_factors(run, curve, oldest);
    float *alive = run_column(run, NUMBER_ALIVE), *clv = run_column(run, NUMBER_CLV);
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        const struct spell *spell = &run->spells[owner];
        if (!spell->is || spell->start_day > end)
            continue;
        alive[owner] = spell->ended ? 0 : 1;
        active += !spell->ended;
        priced += !spell->ended && !isnan(run->fees[owner]);
        if (spell->ended)
            clv[owner] = 0;
        else if (!isnan(run->fees[owner]))
            clv[owner] = (float)((double)run->fees[owner] * factors[end - spell->start_day]);
    }
    free(factors);
    json_object_set_new(run->report, "active", json_integer((json_int_t)active));
    if (priced < active)
        json_array_append_new(run->warnings, json_string("fee_unknown_of_some"));
}

/* ---- held out: of those with a contract one window ago, who was expected to leave and who did ---- */

struct band {
    double n, expected, actual;
};

static void judge(const struct estimation *run, const struct survival *curve, int32_t day,
                  struct band bands[BANDS]) {
    int32_t end = run->gather.end_day;
    for (uint32_t owner = 1; owner < run->gather.n; owner++) {
        const struct spell *spell = &run->spells[owner];
        int32_t age = day - spell->start_day;
        if (!spell->is || age < 0 || (spell->ended && spell->end_day <= day))
            continue;
        struct band *band = bands;
        for (int b = 0; age >= band_days[b]; b++)
            band = &bands[b + 1];
        band->n++;
        band->expected += 1 - staying(curve, age, age + (end - day));
        band->actual += spell->ended && spell->end_day <= end;
    }
}

static json_t *check_json(const struct estimation *run, const struct band bands[BANDS],
                          int32_t day) {
    json_t *groups = json_array();
    struct band all = {0};
    for (int b = 0; b < BANDS; b++) {
        if (!(bands[b].n > 0))
            continue;
        all = (struct band){all.n + bands[b].n, all.expected + bands[b].expected,
                            all.actual + bands[b].actual};
        struct estimate actual = share_estimate(bands[b].actual, bands[b].n, CONFIDENCE_95);
        json_array_append_new(
            groups, json_pack("{s:s, s:I, s:f, s:f, s:f, s:f}", "band", band_names[b], "customers",
                              (json_int_t)bands[b].n, "expected", bands[b].expected / bands[b].n,
                              "actual", actual.value, "low", actual.low, "high", actual.high));
    }
    return json_pack("{s:o, s:o, s:I, s:f, s:f, s:o}", "from", json_of_day(day + 1), "until",
                     json_of_day(run->gather.end_day), "customers", (json_int_t)all.n, "expected",
                     all.expected, "actual", all.actual, "by_age", groups);
}

static void check_held_out(struct estimation *run, struct lifetime *lifetimes) {
    int32_t day = run->gather.end_day - (int32_t)settings_window_days(run->settings);
    struct band bands[BANDS] = {0};
    struct survival curve;
    size_t n = day > run->gather.from_day && !run->table
                   ? spells_lifetimes(&run->gather, run->spells, day, lifetimes, NULL)
                   : 0;
    if (!n)
        return;
    survival_make(&curve, lifetimes, n);
    judge(run, &curve, day, bands);
    json_object_set_new(run->report, "check", check_json(run, bands, day));
    survival_release(&curve);
}

int run_contracts(struct estimation *run, struct err *err) {
    struct gather *gather = &run->gather;
    const json_t *contract = json_object_get(run->settings, "contract");
    run->spells = ARENA_ARRAY(&gather->arena, struct spell, gather->n);
    run->fees = ARENA_ARRAY(&gather->arena, float, gather->n);
    struct lifetime *lifetimes = ARENA_ARRAY(&gather->arena, struct lifetime, gather->n);
    int code = spells_read(gather, run->settings, run->spells, err);
    if (!code)
        code = gather_trait(gather, json_string_value(json_object_get(contract, "fee")), false,
                            run->fees, err);
    if (code)
        return code;
    size_t n = spells_lifetimes(gather, run->spells, gather->end_day, lifetimes, NULL);
    struct survival curve;
    survival_make(&curve, lifetimes, n);
    bool few = curve.ended < WORTH_REPEATERS || n < WORTH_CUSTOMERS;
    json_object_set_new(run->report, "refused",
                        few ? json_pack("{s:s, s:I, s:i, s:I, s:i}", "reason", "too_few_contracts",
                                        "customers", (json_int_t)n, "customers_needed",
                                        WORTH_CUSTOMERS, "ended", (json_int_t)curve.ended,
                                        "ended_needed", WORTH_REPEATERS)
                            : json_null());
    if (!few) {
        note_contracts(run, &curve);
        check_held_out(run, lifetimes);
    }
    json_object_set_new(run->report, "survival", survival_json(&curve));
    survival_release(&curve);
    return run_step(run, 45, err);
}
