/*
 * Score intervals and tests of change: see interval.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/interval.h"

#include <math.h>

#include "stats/gsl.h"

enum { BISECTIONS = 80 }; /* 2 / 2^80 is below a double's step near 1 */

static double z_of(double confidence) { return normal_quantile(0.5 + confidence / 2); }

static struct estimate nothing(void) {
    return (struct estimate){(double)NAN, (double)NAN, (double)NAN};
}

struct estimate share_estimate(double k, double n, double confidence) {
    if (!(n > 0))
        return nothing();
    double z = z_of(confidence), p = k / n, z2 = z * z;
    double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    double half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    return (struct estimate){p, k <= 0 ? 0 : centre - half, k >= n ? 1 : centre + half};
}

/* Tango's statistic for the candidate difference delta; b and c discordant among n. */
static double tango(double b, double c, double n, double delta) {
    double square = 2 * n, linear = -b - c + (2 * n - b + c) * delta;
    double constant = -c * delta * (1 - delta);
    double q = (sqrt(linear * linear - 4 * square * constant) - linear) / (2 * square);
    return (b - c - n * delta) / sqrt(n * (2 * q + delta * (1 - delta)));
}

/* Where the statistic, falling in delta, equals z within (low, high). */
static double tango_limit(double b, double c, double n, double z, double low, double high) {
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (tango(b, c, n, middle) > z)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct estimate nps_estimate(double promoters, double detractors, double n, double confidence) {
    if (!(n > 0))
        return nothing();
    double z = z_of(confidence), s = (promoters - detractors) / n;
    double low = s <= -1 ? -1 : tango_limit(promoters, detractors, n, z, -1, s);
    double high = s >= 1 ? 1 : tango_limit(promoters, detractors, n, -z, s, 1);
    return (struct estimate){100 * s, 100 * low, 100 * high};
}

struct estimate mean_estimate(double n, double mean, double squares, double confidence) {
    if (!(n > 0))
        return nothing();
    if (n < 2 || !(squares > 0))
        return (struct estimate){mean, (double)NAN, (double)NAN};
    double half = student_quantile(0.5 + confidence / 2, n - 1) * sqrt(squares / (n - 1) / n);
    return (struct estimate){mean, mean - half, mean + half};
}

double nps_standard_error(double promoters, double detractors, double n) {
    if (!(n > 0))
        return (double)NAN;
    double s = (promoters - detractors) / n;
    return 100 * sqrt(((promoters + detractors) / n - s * s) / n);
}

struct difference difference_of(double first, double first_se, double second, double second_se,
                                double confidence) {
    double value = second - first, se = sqrt(first_se * first_se + second_se * second_se);
    if (!(se > 0)) /* also NAN */
        return (struct difference){value, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    double half = z_of(confidence) * se, z = value / se;
    return (struct difference){value, value - half, value + half, z, normal_two_sided(z)};
}

struct difference share_difference(double k1, double n1, double k2, double n2, double confidence) {
    if (!(n1 > 0) || !(n2 > 0))
        return (struct difference){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    struct estimate a = share_estimate(k1, n1, confidence), b = share_estimate(k2, n2, confidence);
    double value = b.value - a.value, pooled = (k1 + k2) / (n1 + n2);
    double z = value / sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2));
    return (struct difference){value, value - hypot(b.value - b.low, a.high - a.value),
                               value + hypot(b.high - b.value, a.value - a.low), z,
                               normal_two_sided(z)};
}
