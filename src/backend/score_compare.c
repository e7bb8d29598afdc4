/*
 * See score_compare.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_compare.h"

#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "stats/compare.h"

static const double SIGNIFICANT = 0.05;

static bool is_compared(const struct score_compared *row) {
    return !row->apart && row->n >= SCORE_FEW;
}

/* All rows but one. */
static struct score_sums others_of(const struct score_compared *rows, size_t n, size_t but) {
    struct score_sums sums = {0};
    for (size_t i = 0; i < n; i++)
        if (i != but) {
            sums.n += rows[i].sums.n;
            sums.sum += rows[i].sums.sum;
            sums.squares += rows[i].sums.squares;
        }
    return sums;
}

static void add_standing(struct score_compared *row, struct difference difference, double q,
                         bool adjusted) {
    bool real = adjusted ? q <= DISCOVERY_RATE : difference.p <= SIGNIFICANT;
    json_t *json = score_difference_json(difference);
    json_object_set_new(json, "q", json_of_number(q));
    json_object_set_new(row->row, "difference", json);
    json_object_set_new(row->row, "standing",
                        isnan(difference.p)    ? json_null()
                        : !real                ? json_string("like")
                        : difference.value > 0 ? json_string("above")
                                               : json_string("below"));
}

/* Returns how many comparisons were made. */
static size_t compare_all(struct score_compared *rows, size_t n, enum score_kind kind) {
    struct difference *differences = calloc(n + 1, sizeof *differences);
    double *p = calloc(n + 1, sizeof *p), *q = calloc(n + 1, sizeof *q);
    size_t tests = 0;
    if (!differences || !p || !q)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct score_sums others = others_of(rows, n, i);
        p[i] = (double)NAN;
        if (!is_compared(&rows[i]) || !(others.n > 0))
            continue;
        differences[i] = score_change(kind, others, rows[i].sums);
        p[i] = differences[i].p;
        tests += isnan(p[i]) ? 0 : 1;
    }
    adjust_p(p, q, n);
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            add_standing(&rows[i], differences[i], q[i], tests > FEW_TESTS);
        else
            json_object_set_new(rows[i].row, "standing",
                                !rows[i].apart && rows[i].n < SCORE_FEW ? json_string("too_few")
                                                                        : json_null());
    free(differences);
    free(p);
    free(q);
    return tests;
}

struct ranked {
    json_t *row;
    struct estimate estimate;
};
static int best_first(const void *a, const void *b) {
    double x = ((const struct ranked *)a)->estimate.value,
           y = ((const struct ranked *)b)->estimate.value;
    return (x < y) - (x > y);
}

/* Why the rows cannot be put in an order; NULL: they can, and bear their rank then. */
static const char *rank_all(struct score_compared *rows, size_t n, enum score_kind kind) {
    struct ranked *ranked = calloc(n + 1, sizeof *ranked);
    size_t m = 0;
    bool overlap = false;
    if (!ranked)
        abort();
    for (size_t i = 0; i < n; i++)
        if (is_compared(&rows[i]))
            ranked[m++] = (struct ranked){rows[i].row, score_estimate(kind, rows[i].sums)};
    qsort(ranked, m, sizeof *ranked, best_first);
    for (size_t i = 0; i + 1 < m; i++) /* an unknown limit overlaps */
        overlap |= !(ranked[i].estimate.low > ranked[i + 1].estimate.high);
    for (size_t i = 0; i < m && m > 1 && !overlap; i++)
        json_object_set_new(ranked[i].row, "rank", json_integer((json_int_t)i + 1));
    free(ranked);
    return m < 2 ? "too_few" : overlap ? "intervals_overlap" : NULL;
}

json_t *score_compare(struct score_compared *rows, size_t n, enum score_kind kind, bool unranked) {
    size_t tests = 0;
    const char *reason = "countries";
    for (size_t i = 0; i < n; i++)
        json_object_set_new(rows[i].row, "rank", json_null());
    if (unranked) {
        for (size_t i = 0; i < n; i++)
            json_object_set_new(rows[i].row, "standing", json_null());
    } else {
        tests = compare_all(rows, n, kind);
        reason = rank_all(rows, n, kind);
    }
    return json_pack("{s:s, s:I, s:b, s:{s:b, s:o}}", "against", "others", "tests",
                     (json_int_t)tests, "adjusted", tests > FEW_TESTS, "ranking", "allowed",
                     reason == NULL, "reason", reason ? json_string(reason) : json_null());
}
