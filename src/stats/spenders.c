/*
 * Gamma-Gamma: see buyers.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>

#include "stats/buyers.h"
#include "stats/optimise.h"

static bool counts(const struct spender *spender) { return spender->x > 0 && spender->mean > 0; }

double spend_log_likelihood(const struct spend_model *model, const struct spender *spenders,
                            size_t n) {
    double p = model->p, q = model->q, v = model->v, sum = 0, each = q * log(v) - lgamma(q);
    for (size_t i = 0; i < n; i++) {
        double x = spenders[i].x, m = spenders[i].mean, px = p * x;
        if (counts(&spenders[i]))
            sum += each + lgamma(px + q) - lgamma(px) + (px - 1) * log(m) + px * log(x) -
                   (px + q) * log(x * m + v);
    }
    return sum;
}

struct fitting {
    const struct spender *spenders;
    size_t n;
};

static double badness(const double *logs, void *context) {
    const struct fitting *fitting = context;
    struct spend_model model = {exp(logs[0]), exp(logs[1]), exp(logs[2])};
    return -spend_log_likelihood(&model, fitting->spenders, fitting->n);
}

int spend_fit(struct spend_model *model, const struct spender *spenders, size_t n,
              const atomic_bool *cancelled, double *log_likelihood, struct err *err) {
    struct fitting fitting = {spenders, n};
    double logs[3] = {0}, least = 0;
    int code = optimise(badness, &fitting, logs, 3, 0.5, cancelled, &least, err);
    if (code)
        return code;
    *model = (struct spend_model){exp(logs[0]), exp(logs[1]), exp(logs[2])};
    *log_likelihood = -least;
    return 0;
}

double spend_expected(const struct spend_model *model, const struct spender *spender) {
    double x = counts(spender) ? spender->x : 0, m = counts(spender) ? spender->mean : 0;
    return model->p * (model->v + x * m) / (model->p * x + model->q - 1);
}

double spend_correlation(const struct spender *spenders, size_t n) {
    double k = 0, sx = 0, sm = 0, xx = 0, mm = 0, xm = 0;
    for (size_t i = 0; i < n; i++) {
        double x = spenders[i].x, m = spenders[i].mean;
        if (!counts(&spenders[i]))
            continue;
        k++;
        sx += x;
        sm += m;
        xx += x * x;
        mm += m * m;
        xm += x * m;
    }
    double spread = (xx - sx * sx / k) * (mm - sm * sm / k);
    return k >= 2 && spread > 0 ? (xm - sx * sm / k) / sqrt(spread) : (double)NAN;
}
