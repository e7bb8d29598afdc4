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

/* What the likelihood of all spenders needs of them but their sums x m: said once, for each try of the fit reads a logarithm a
 * spender and no more. */
enum { COMMON = 512 };
struct fitting {
    const struct spender *spenders;
    size_t n;
    double count[COMMON];                /* spenders by x; larger x are done one by one */
    double all, log_m, x_log_m, x_log_x; /* sums */
};

static void add_up(struct fitting *fitting) {
    for (size_t i = 0; i < fitting->n; i++) {
        const struct spender *spender = &fitting->spenders[i];
        if (!counts(spender))
            continue;
        double x = spender->x, log_m = log(spender->mean);
        fitting->all++;
        fitting->log_m += log_m;
        fitting->x_log_m += x * log_m;
        fitting->x_log_x += x * log(x);
        if (spender->x < COMMON)
            fitting->count[spender->x]++;
    }
}

static double badness(const double *logs, void *context) {
    const struct fitting *fitting = context;
    double p = exp(logs[0]), q = exp(logs[1]), v = exp(logs[2]);
    double sum = fitting->all * (q * log(v) - lgamma(q)) + p * fitting->x_log_m - fitting->log_m +
                 p * fitting->x_log_x;
    for (int x = 1; x < COMMON; x++)
        if (fitting->count[x] > 0)
            sum += fitting->count[x] * (lgamma(p * x + q) - lgamma(p * x));
    for (size_t i = 0; i < fitting->n; i++) {
        const struct spender *spender = &fitting->spenders[i];
        double px = p * spender->x;
        if (!counts(spender))
            continue;
        sum -= (px + q) * log(spender->x * spender->mean + v);
        if (spender->x >= COMMON)
            sum += lgamma(px + q) - lgamma(px);
    }
    return -sum;
}

int spend_fit(struct spend_model *model, const struct spender *spenders, size_t n,
              const atomic_bool *cancelled, double *log_likelihood, struct err *err) {
    struct fitting fitting = {.spenders = spenders, .n = n};
    double logs[3] = {0}, least = 0;
    add_up(&fitting);
    int code = optimise(badness, &fitting, logs, 3, 0.5, cancelled, &least, err);
    if (code)
        return code;
    *model = (struct spend_model){exp(logs[0]), exp(logs[1]), exp(logs[2])};
    *log_likelihood = spend_log_likelihood(model, spenders, n);
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
