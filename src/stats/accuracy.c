/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/gsl.h"
#include "stats/logistic.h"

#define LEAST 1e-12 /* probabilities nearer to 0 or 1 are taken for this */

static void *room(size_t n, size_t each) {
    void *memory = calloc(n ? n : 1, each);
    if (!memory)
        abort();
    return memory;
}

struct scored {
    double score;
    size_t row;
};

static int by_score(const void *left, const void *right) {
    const struct scored *a = left, *b = right;
    if (a->score < b->score || a->score > b->score)
        return a->score < b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static struct scored *sorted_of(const double *score, size_t n) {
    struct scored *sorted = room(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct scored){score[i], i};
    qsort(sorted, n, sizeof *sorted, by_score);
    return sorted;
}

/* ---- AUC ---- */

/* For each row, among the other kind, the share below (above, for y 0) it, ties one half: DeLong's components. */
static double components(const double *score, const uint8_t *y, size_t n, double *parts) {
    struct scored *sorted = sorted_of(score, n);
    double ones = 0, zeros = 0, ones_below = 0, zeros_below = 0, area = 0;
    for (size_t i = 0; i < n; i++)
        y[i] ? ones++ : zeros++;
    for (size_t i = 0, end; i < n; i = end) {
        double same_ones = 0, same_zeros = 0;
        for (end = i; end < n && !(sorted[end].score > sorted[i].score); end++)
            y[sorted[end].row] ? same_ones++ : same_zeros++;
        for (size_t k = i; k < end; k++) {
            size_t row = sorted[k].row;
            parts[row] = y[row] ? (zeros_below + same_zeros / 2) / zeros
                                : (ones - ones_below - same_ones / 2) / ones;
        }
        area += same_ones * (zeros_below + same_zeros / 2);
        ones_below += same_ones;
        zeros_below += same_zeros;
    }
    free(sorted);
    return area / (ones * zeros);
}

/* Covariance of two areas from their components. */
static double covariance(const double *a, double area_a, const double *b, double area_b,
                         const uint8_t *y, size_t n) {
    double sum[2] = {0}, count[2] = {0};
    for (size_t i = 0; i < n; i++) {
        sum[y[i]] += (a[i] - area_a) * (b[i] - area_b);
        count[y[i]]++;
    }
    return sum[0] / (count[0] - 1) / count[0] + sum[1] / (count[1] - 1) / count[1];
}

static size_t ones_of(const uint8_t *y, size_t n) {
    size_t ones = 0;
    for (size_t i = 0; i < n; i++)
        ones += y[i];
    return ones;
}

struct estimate auc_estimate(const double *score, const uint8_t *y, size_t n, double confidence) {
    size_t ones = ones_of(y, n);
    if (!ones || ones == n)
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN};
    double *parts = room(n, sizeof *parts), area = components(score, y, n, parts);
    double width =
        normal_quantile(0.5 + confidence / 2) * sqrt(covariance(parts, area, parts, area, y, n));
    free(parts);
    return (struct estimate){area, fmax(0, area - width), fmin(1, area + width)};
}

struct difference auc_difference(const double *first, const double *second, const uint8_t *y,
                                 size_t n, double confidence) {
    double *a = room(n, sizeof *a), *b = room(n, sizeof *b);
    double area_a = components(first, y, n, a), area_b = components(second, y, n, b);
    double variance = covariance(a, area_a, a, area_a, y, n) +
                      covariance(b, area_b, b, area_b, y, n) -
                      2 * covariance(a, area_a, b, area_b, y, n);
    double gap = area_a - area_b, error = sqrt(variance),
           width = normal_quantile(0.5 + confidence / 2) * error, z = gap / error;
    free(a);
    free(b);
    return (struct difference){gap, gap - width, gap + width, z, normal_two_sided(z)};
}

double lift_at(const double *score, const uint8_t *y, size_t n, double fraction) {
    size_t ones = ones_of(y, n), top = (size_t)ceil(fraction * (double)n - 1e-9);
    if (!ones || !top)
        return (double)NAN;
    struct scored *sorted = sorted_of(score, n);
    double caught = 0, left = (double)top;
    for (size_t i = n, begin; i > 0 && left > 0; i = begin) {
        double same = 0, same_ones = 0;
        for (begin = i; begin > 0 && !(sorted[begin - 1].score < sorted[i - 1].score); begin--) {
            same++;
            same_ones += y[sorted[begin - 1].row];
        }
        double taken = fmin(left, same);
        caught += same_ones * taken / same;
        left -= taken;
    }
    free(sorted);
    return caught / (double)top / ((double)ones / (double)n);
}

/* ---- calibration ---- */

static double within(double p) { return fmin(fmax(p, LEAST), 1 - LEAST); }

/* Cuts between groups: type 7 quantiles of the sorted probabilities. */
static void cuts_of(const struct scored *sorted, size_t n, double cuts[CALIBRATION_GROUPS - 1]) {
    for (int i = 0; i < CALIBRATION_GROUPS - 1; i++) {
        double at = (double)(i + 1) / CALIBRATION_GROUPS * (double)(n - 1);
        size_t low = (size_t)at;
        double above = low + 1 < n ? sorted[low + 1].score - sorted[low].score : 0;
        cuts[i] = sorted[low].score + (at - (double)low) * above;
    }
}

static void make_groups(struct calibration *calibration, const double *p, const uint8_t *y,
                        size_t n) {
    struct scored *sorted = sorted_of(p, n);
    double cuts[CALIBRATION_GROUPS - 1], ones = 0, sum = 0;
    size_t at = 0;
    cuts_of(sorted, n, cuts);
    for (int g = 0; g < CALIBRATION_GROUPS && at < n; g++) {
        size_t from = at;
        for (ones = sum = 0;
             at < n && (g == CALIBRATION_GROUPS - 1 || sorted[at].score <= cuts[g] + 1e-15); at++) {
            ones += y[sorted[at].row];
            sum += sorted[at].score;
        }
        double count = (double)(at - from);
        if (!(count > 0))
            continue;
        calibration->group[calibration->groups++] = (struct calibration_group){
            at - from, sum / count, share_estimate(ones, count, CONFIDENCE_95)};
        calibration->gap += fabs(ones - sum) / (double)n;
        calibration->hosmer_lemeshow += (ones - sum) * (ones - sum) / (sum * (1 - sum / count));
    }
    free(sorted);
    calibration->df = calibration->groups > 2 ? (double)calibration->groups - 2 : (double)NAN;
    calibration->p = calibration->groups > 2
                         ? chi_square_tail(calibration->hosmer_lemeshow, calibration->df)
                         : (double)NAN;
}

static void fit_slope(struct calibration *calibration, const double *p, const uint8_t *y,
                      size_t n) {
    double *x = room(n, sizeof *x);
    struct logistic line;
    struct err none = {0};
    calibration->slope = calibration->intercept = (double)NAN;
    for (size_t i = 0; i < n; i++)
        x[i] = log(within(p[i]) / (1 - within(p[i])));
    if (logistic_fit(&line, x, y, n, 1, 0, NULL, &none) == 0 && !line.separated) {
        calibration->intercept = line.coefficient[0];
        calibration->slope = line.coefficient[1];
    }
    free(x);
}

void calibration_make(struct calibration *calibration, const double *p, const uint8_t *y,
                      size_t n) {
    *calibration = (struct calibration){0};
    if (!n) {
        calibration->brier = calibration->log_loss = calibration->slope = calibration->intercept =
            calibration->gap = calibration->hosmer_lemeshow = calibration->df = calibration->p =
                (double)NAN;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        calibration->brier += (p[i] - y[i]) * (p[i] - y[i]) / (double)n;
        calibration->log_loss -= log(y[i] ? within(p[i]) : 1 - within(p[i])) / (double)n;
    }
    make_groups(calibration, p, y, n);
    fit_slope(calibration, p, y, n);
}
