/*
 * How what was estimated is spread: tenths of the customers by value, cohorts by when they came.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "value/internal.h"

enum { TENTHS = 10, COHORTS = 24, QUARTERS_YEARS = 3, EPOCH_YEAR = 1970, YEARS = 200 };

static int falling(const void *left, const void *right) {
    float a = *(const float *)left, b = *(const float *)right;
    return (a < b) - (a > b);
}

static double add_distribution(struct estimation *run, const float *clv) {
    float *sorted = calloc(run->gather.n, sizeof *sorted);
    json_t *list = json_array();
    size_t n = 0;
    double total = 0;
    if (!sorted)
        abort();
    for (uint32_t owner = 1; owner < run->gather.n; owner++)
        if (!isnan(clv[owner]) && clv[owner] > 0) {
            sorted[n++] = clv[owner];
            total += (double)clv[owner];
        }
    qsort(sorted, n, sizeof *sorted, falling);
    for (size_t g = 0, from = 0; g < TENTHS && from < n; g++) {
        size_t to = ((g + 1) * n + TENTHS - 1) / TENTHS;
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += (double)sorted[i];
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "tenth",
                                        (json_int_t)g + 1, "customers", (json_int_t)(to - from),
                                        "value", sum, "share", sum / total, "least",
                                        (double)sorted[to - 1], "most", (double)sorted[from]));
        from = to;
    }
    free(sorted);
    json_object_set_new(run->report, "distribution", list);
    json_object_set_new(run->report, "customers", json_integer((json_int_t)n));
    json_object_set_new(run->report, "total", json_of_number(total));
    json_object_set_new(run->report, "mean", json_of_number(n ? total / (double)n : (double)NAN));
    return total;
}

/* ---- cohorts ---- */

struct cohort {
    double customers, staying, value, spend;
};

/* Year and quarter of a day, from 1970. */
static uint32_t quarter_of(int32_t day) {
    time_t s = (time_t)day * DAY_S;
    struct tm date;
    gmtime_r(&s, &date);
    int years = date.tm_year + 1900 - EPOCH_YEAR;
    return years < 0 ? 0 : (uint32_t)years * 4 + (uint32_t)date.tm_mon / 3;
}

static void add_to(struct cohort *cohorts, const struct estimation *run, uint32_t owner,
                   int32_t day) {
    uint32_t quarter = quarter_of(day);
    if (quarter >= YEARS * 4)
        return;
    struct cohort *cohort = &cohorts[quarter];
    const float *clv = run->draft.columns[NUMBER_CLV], *alive = run->draft.columns[NUMBER_ALIVE],
                *spend = run->draft.columns[NUMBER_MONETARY];
    cohort->customers++;
    cohort->staying += alive && !isnan(alive[owner]) ? (double)alive[owner] : 0;
    cohort->value += clv && !isnan(clv[owner]) ? (double)clv[owner] : 0;
    cohort->spend += spend && !isnan(spend[owner]) ? (double)spend[owner] : 0;
}

static json_t *cohort_json(const struct cohort *cohort, uint32_t quarter, bool years) {
    char name[16];
    snprintf(name, sizeof name, years ? "%u" : "%u-Q%u", EPOCH_YEAR + quarter / 4, quarter % 4 + 1);
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f}", "cohort", name, "customers",
                     (json_int_t)cohort->customers, "staying", cohort->staying / cohort->customers,
                     "value", cohort->value, "mean_value", cohort->value / cohort->customers,
                     "mean_spend", cohort->spend / cohort->customers);
}

/* Quarters; years where the customers came over a longer time. */
static json_t *cohorts_json(struct cohort *cohorts) {
    uint32_t first = YEARS * 4, last = 0;
    json_t *list = json_array();
    for (uint32_t q = 0; q < YEARS * 4; q++)
        if (cohorts[q].customers > 0) {
            first = q < first ? q : first;
            last = q;
        }
    bool years = last >= first && last - first >= QUARTERS_YEARS * 4;
    for (uint32_t q = first; q <= last && years; q++)
        if (q % 4) {
            struct cohort *year = &cohorts[q - q % 4], *own = &cohorts[q];
            *year = (struct cohort){year->customers + own->customers, year->staying + own->staying,
                                    year->value + own->value, year->spend + own->spend};
            *own = (struct cohort){0};
        }
    for (uint32_t q = last + 1; q-- > first / 4 * 4 && json_array_size(list) < COHORTS;)
        if (cohorts[q].customers > 0)
            json_array_insert_new(list, 0, cohort_json(&cohorts[q], q, years));
    return list;
}

void run_spread(struct estimation *run) {
    const float *clv = run->draft.columns[NUMBER_CLV];
    struct cohort *cohorts = calloc((size_t)YEARS * 4, sizeof *cohorts);
    if (!cohorts)
        abort();
    if (clv)
        add_distribution(run, clv);
    if (run->contracts) {
        for (uint32_t owner = 1; owner < run->gather.n; owner++)
            if (run->spells[owner].is && run->spells[owner].start_day <= run->gather.end_day)
                add_to(cohorts, run, owner, run->spells[owner].start_day);
    } else {
        for (size_t i = 0; i < run->n_rows; i++)
            add_to(cohorts, run, run->rows[i].owner, run->rows[i].first_day);
    }
    json_object_set_new(run->report, "cohorts", cohorts_json(cohorts));
    free(cohorts);
}
