/*
 * See rake.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/rake.h"

#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 100 };
static const double CLOSE = 1e-8;

struct work {
    const double *base;
    double *factor;
    size_t cells;
    const struct rake_margin *margins;
    size_t n_margins;
    double *sums; /* of the categories of one margin */
};

static double total_of(const double *values, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += values[i];
    return total;
}

static void sum_categories(const struct work *work, const struct rake_margin *margin) {
    for (uint32_t k = 0; k < margin->n; k++)
        work->sums[k] = 0;
    for (size_t c = 0; c < work->cells; c++)
        work->sums[margin->category[c]] += work->base[c] * work->factor[c];
}

/* How far the shares of one margin are off, of themselves; then sets them right. */
static double adjust(const struct work *work, const struct rake_margin *margin, double whole) {
    double wanted = total_of(margin->target, margin->n), worst = 0;
    sum_categories(work, margin);
    for (uint32_t k = 0; k < margin->n; k++) {
        double target = margin->target[k] / wanted * whole;
        if (target > 0)
            worst = fmax(worst, fabs(work->sums[k] / target - 1));
        work->sums[k] = work->sums[k] > 0 ? target / work->sums[k] : 0;
    }
    for (size_t c = 0; c < work->cells; c++)
        work->factor[c] *= work->sums[margin->category[c]];
    return worst;
}

/* A wanted category without respondents cannot be weighted up. */
static int check_categories(const struct work *work, struct raking *raking, struct err *err) {
    for (size_t m = 0; m < work->n_margins; m++) {
        const struct rake_margin *margin = &work->margins[m];
        sum_categories(work, margin);
        for (uint32_t k = 0; k < margin->n; k++)
            if (margin->target[k] > 0 && !(work->sums[k] > 0)) {
                raking->nobody = true;
                raking->empty = k;
                raking->of = m;
                return err_set(err, E_INVALID, "a category of the margins has no respondent");
            }
    }
    return 0;
}

static int iterate(const struct work *work, double whole, struct raking *raking, struct err *err) {
    double worst = 1;
    for (unsigned round = 0; round < ROUNDS && worst > CLOSE; round++) {
        worst = 0;
        for (size_t m = 0; m < work->n_margins; m++)
            worst = fmax(worst, adjust(work, &work->margins[m], whole));
        raking->rounds++;
    }
    return worst > CLOSE
               ? err_set(err, E_INVALID, "the margins cannot be met together by these answers")
               : 0;
}

struct weighed {
    double factor, base;
};
static int by_factor(const void *a, const void *b) {
    double x = ((const struct weighed *)a)->factor, y = ((const struct weighed *)b)->factor;
    return (x > y) - (x < y);
}

/* Median weight of the respondents that have one. */
static double median(const struct work *work) {
    struct weighed *all = calloc(work->cells + 1, sizeof *all);
    size_t n = 0, at = 0;
    double whole = 0, passed = 0;
    if (!all)
        abort();
    for (size_t c = 0; c < work->cells; c++)
        if (work->base[c] > 0 && work->factor[c] > 0) {
            all[n++] = (struct weighed){work->factor[c], work->base[c]};
            whole += work->base[c];
        }
    qsort(all, n, sizeof *all, by_factor);
    while (at + 1 < n && passed + all[at].base < whole / 2)
        passed += all[at++].base;
    double middle = n ? all[at].factor : 0;
    free(all);
    return middle;
}

/* Whether weights were cut. */
static bool cut(const struct work *work, bool trim, struct raking *raking) {
    double middle = median(work), most = 0;
    for (size_t c = 0; c < work->cells; c++)
        if (work->base[c] > 0)
            most = fmax(most, work->factor[c]);
    raking->largest = middle > 0 ? most / middle : 0;
    raking->trimmed = trim && raking->largest > RAKE_TRIM;
    for (size_t c = 0; raking->trimmed && c < work->cells; c++)
        work->factor[c] = fmin(work->factor[c], RAKE_TRIM * middle);
    return raking->trimmed;
}

int rake(const double *base, double *factor, size_t cells, const struct rake_margin *margins,
         size_t n_margins, bool trim, struct raking *raking, struct err *err) {
    uint32_t widest = 1;
    *raking = (struct raking){0};
    for (size_t m = 0; m < n_margins; m++)
        widest = margins[m].n > widest ? margins[m].n : widest;
    struct work work = {.base = base,
                        .factor = factor,
                        .cells = cells,
                        .margins = margins,
                        .n_margins = n_margins,
                        .sums = calloc(widest, sizeof(double))};
    if (!work.sums)
        abort();
    for (size_t c = 0; c < cells; c++)
        factor[c] = 1;
    double whole = total_of(base, cells);
    int code = check_categories(&work, raking, err);
    if (!code)
        code = iterate(&work, whole, raking, err);
    if (!code && cut(&work, trim, raking))
        for (size_t m = 0; m < n_margins; m++)
            adjust(&work, &margins[m], whole);
    free(work.sums);
    return code;
}
