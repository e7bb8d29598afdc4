/*
 * Curves of how long customers last, all together and by the values of a trait.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "stats/cox.h"
#include "value/internal.h"

enum { POINTS = 120, GROUPS = 6, GROUP_LEAST = 20 };

size_t purchases_lifetimes(const struct gather *gather, const struct purchase_history *rows,
                           size_t n, double normal_days, struct lifetime *lifetimes,
                           uint32_t *owners) {
    for (size_t i = 0; i < n; i++) {
        double silence = gather->end_day - rows[i].last_day;
        bool over = silence > normal_days;
        double last = (over ? rows[i].last_day : gather->end_day) - rows[i].first_day;
        if (owners)
            owners[i] = rows[i].owner;
        lifetimes[i] = (struct lifetime){.time = last + 0.5, .ended = over};
    }
    return n;
}

static json_t *point_json(const struct survival *survival, double day) {
    struct estimate share = survival_interval(survival, day, CONFIDENCE_95, SURVIVAL_LOG_LOG);
    return json_pack("{s:f, s:f, s:o, s:o}", "day", day, "share", share.value, "low",
                     json_of_number(share.low), "high", json_of_number(share.high));
}

json_t *survival_json(const struct survival *survival) {
    json_t *points = json_array();
    double error, year = fmin(YEAR_DAYS, survival->longest);
    for (int i = 0; survival->n && i <= POINTS; i++)
        json_array_append_new(points, point_json(survival, floor(survival->longest * i / POINTS)));
    struct estimate median = survival_median(survival, CONFIDENCE_95);
    double mean = survival_mean(survival, year, &error);
    return json_pack("{s:I, s:I, s:f, s:{s:o, s:o, s:o}, s:{s:f, s:f, s:f}, s:o}", "customers",
                     (json_int_t)survival->subjects, "ended", (json_int_t)survival->ended,
                     "longest_days", survival->longest, "median_days", "value",
                     json_of_number(median.value), "low", json_of_number(median.low), "high",
                     json_of_number(median.high), "mean_days", "until", year, "value", mean,
                     "error", error, "points", points);
}

/* ---- by a trait ---- */

struct split {
    struct value_table table;
    uint32_t values[GROUPS]; /* numbers in the table, the largest first */
    size_t sizes[GROUPS], n;
};

/* The largest values; each lifetime's group: its place, GROUPS: none of them. */
static void find_groups(struct split *split, const uint32_t *by_owner, const uint32_t *owners,
                        struct lifetime *lifetimes, size_t n) {
    size_t *counts = calloc((size_t)split->table.n + 1, sizeof *counts);
    if (!counts)
        abort();
    for (size_t i = 0; i < n; i++)
        counts[by_owner[owners[i]]]++;
    counts[0] = 0;
    for (split->n = 0; split->n < GROUPS; split->n++) {
        uint32_t best = 0;
        for (uint32_t v = 1; v < split->table.n; v++)
            best = counts[v] > counts[best] ? v : best;
        if (counts[best] < GROUP_LEAST)
            break;
        split->values[split->n] = best;
        split->sizes[split->n] = counts[best];
        counts[best] = 0;
    }
    free(counts);
    for (size_t i = 0; i < n; i++) {
        lifetimes[i].group = GROUPS;
        for (size_t g = 0; g < split->n; g++)
            if (by_owner[owners[i]] == split->values[g])
                lifetimes[i].group = (uint32_t)g;
    }
}

/* Only those of some group, in their place; returns how many. */
static size_t keep_grouped(struct lifetime *lifetimes, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (lifetimes[i].group < GROUPS)
            lifetimes[kept++] = lifetimes[i];
    return kept;
}

/* Against the largest group. */
static void add_hazards(json_t *groups, const struct lifetime *lifetimes, size_t n, size_t n_groups,
                        json_t *out) {
    struct cox cox;
    struct err none = {0};
    size_t p = n_groups - 1;
    double *x = calloc(n * p + 1, sizeof *x);
    if (!x)
        abort();
    for (size_t i = 0; i < n; i++)
        if (lifetimes[i].group)
            x[i * p + lifetimes[i].group - 1] = 1;
    if (p && cox_fit(&cox, lifetimes, x, n, p, COX_EFRON, &none) == 0) {
        for (size_t g = 1; g < n_groups; g++) {
            double b = cox.coefficient[g - 1], width = 1.959964 * cox.error[g - 1];
            json_object_set_new(json_array_get(groups, g), "hazard_ratio",
                                json_pack("{s:f, s:f, s:f}", "value", exp(b), "low", exp(b - width),
                                          "high", exp(b + width)));
        }
        json_object_set_new(out, "proportional_p", json_of_number(cox.proportional_all_p));
        json_object_set_new(out, "concordance", json_of_number(cox.concordance));
    }
    free(x);
}

static json_t *groups_json(const struct split *split, struct lifetime *lifetimes, size_t n,
                           json_t *out) {
    json_t *list = json_array();
    struct lifetime *own = calloc(n + 1, sizeof *own);
    struct log_rank test;
    if (!own)
        abort();
    for (size_t g = 0; g < split->n; g++) {
        struct survival curve;
        size_t of_group = 0;
        for (size_t i = 0; i < n; i++)
            if (lifetimes[i].group == g)
                own[of_group++] = lifetimes[i];
        survival_make(&curve, own, of_group);
        json_t *json = survival_json(&curve);
        json_object_set_new(json, "group", json_of_value(&split->table.values[split->values[g]]));
        json_array_append_new(list, json);
        survival_release(&curve);
    }
    free(own);
    log_rank_test(&test, lifetimes, n);
    json_object_set_new(out, "log_rank",
                        json_pack("{s:o, s:o, s:o}", "chi_square", json_of_number(test.chi_square),
                                  "df", json_of_number(test.df), "p", json_of_number(test.p)));
    if (split->n > 1)
        add_hazards(list, lifetimes, n, split->n, out);
    return list;
}

static int lifetimes_of(struct gather *gather, const json_t *settings, struct lifetime *lifetimes,
                        uint32_t *owners, size_t *n, struct err *err) {
    if (json_is_object(json_object_get(settings, "contract"))) {
        struct spell *spells = ARENA_ARRAY(&gather->arena, struct spell, gather->n);
        int code = spells_read(gather, settings, spells, err);
        *n = code ? 0 : spells_lifetimes(gather, spells, gather->end_day, lifetimes, owners);
        return code;
    }
    struct plan *plan;
    struct purchase_history *rows = NULL;
    int code = gather_plan(gather, settings, &plan, err);
    if (!code)
        code = gather_purchases(gather, plan, gather->end_day, &rows, n, err);
    if (!code)
        purchases_lifetimes(gather, rows, *n,
                            normal_silence(rows, *n, settings_window_days(settings)), lifetimes,
                            owners);
    free(rows);
    return code;
}

static int compare(struct gather *gather, const char *trait, struct lifetime *lifetimes,
                   const uint32_t *owners, size_t n, json_t *out, struct err *err) {
    struct split split;
    uint32_t *by_owner;
    value_table_init(&split.table);
    int code = gather_groups(gather, trait, &split.table, &by_owner, err);
    if (!code) {
        find_groups(&split, by_owner, owners, lifetimes, n);
        n = keep_grouped(lifetimes, n);
        json_object_set_new(out, "by", json_string(trait));
        json_object_set_new(out, "groups", groups_json(&split, lifetimes, n, out));
    }
    value_table_release(&split.table);
    return code;
}

int survival_by(struct gather *gather, const json_t *settings, const char *trait, json_t **out,
                struct err *err) {
    size_t n = 0;
    struct lifetime *lifetimes = ARENA_ARRAY(&gather->arena, struct lifetime, gather->n);
    uint32_t *owners = ARENA_ARRAY(&gather->arena, uint32_t, gather->n);
    struct survival curve;
    int code = lifetimes_of(gather, settings, lifetimes, owners, &n, err);
    if (code)
        return code;
    survival_make(&curve, lifetimes, n);
    *out = json_pack("{s:o}", "all", survival_json(&curve));
    survival_release(&curve);
    if (trait)
        code = compare(gather, trait, lifetimes, owners, n, *out, err);
    if (code)
        json_decref(*out);
    return code;
}

int value_survival(struct folder *folder, const char *trait, json_t **out, struct err *err) {
    struct gather gather;
    json_t *settings = NULL;
    int code = value_settings_get(folder, &settings, err);
    if (code)
        return code;
    code = gather_open(&gather, folder, &VALUE_EVERYTHING, err);
    if (!code) {
        code = survival_by(&gather, settings, trait, out, err);
        gather_close(&gather);
    }
    json_decref(settings);
    return code;
}
