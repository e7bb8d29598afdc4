/*
 * See compare.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/compare.h"

#include <math.h>
#include <stdlib.h>

#include "stats/gsl.h"

struct test {
    double p;
    size_t at;
};
static int by_p(const void *a, const void *b) {
    double x = ((const struct test *)a)->p, y = ((const struct test *)b)->p;
    return (x > y) - (x < y);
}

void adjust_p(const double *p, double *q, size_t n) {
    struct test *tests = calloc(n + 1, sizeof *tests);
    size_t m = 0;
    if (!tests)
        abort();
    for (size_t i = 0; i < n; i++) {
        q[i] = (double)NAN;
        if (!isnan(p[i]))
            tests[m++] = (struct test){p[i], i};
    }
    qsort(tests, m, sizeof *tests, by_p);
    double least = 1;
    for (size_t i = m; i-- > 0;) {
        least = fmin(least, tests[i].p * (double)m / (double)(i + 1));
        q[tests[i].at] = least;
    }
    free(tests);
}

/* Standard error that an interval of this confidence stands for. */
static double error_of(const struct difference *difference, double confidence) {
    return (difference->high - difference->low) / 2 / normal_quantile(0.5 + confidence / 2);
}

struct difference difference_in_differences(struct difference change, struct difference others,
                                            double confidence) {
    return difference_of(others.value, error_of(&others, confidence), change.value,
                         error_of(&change, confidence), confidence);
}

struct difference count_change(double before, double after, double confidence) {
    if (!(before > 0) || !(after > 0))
        return (struct difference){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    return difference_of(log(before), sqrt(1 / before), log(after), sqrt(1 / after), confidence);
}

void line_add(struct line_sums *sums, double x, double y) {
    sums->n++;
    sums->x += x;
    sums->y += y;
    sums->xx += x * x;
    sums->xy += x * y;
    sums->yy += y * y;
}

struct difference line_slope(const struct line_sums *sums, double confidence) {
    double n = sums->n, sxx = sums->xx - sums->x * sums->x / n,
           sxy = sums->xy - sums->x * sums->y / n, syy = sums->yy - sums->y * sums->y / n;
    if (!(n >= 3) || !(sxx > 1e-12 * sums->xx))
        return (struct difference){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    double slope = sxy / sxx, rest = fmax(syy - slope * sxy, 0), error = sqrt(rest / (n - 2) / sxx),
           half = student_quantile(0.5 + confidence / 2, n - 2);
    double t = slope / error;
    return (struct difference){slope, slope - half * error, slope + half * error, t,
                               error > 0 ? student_two_sided(t, n - 2) : 0};
}
