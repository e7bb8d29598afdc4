/*
 * BG/NBD and MBG/NBD: see buyers.h.
 *
 * The likelihood of one buyer, with A3 and A4 the two ways to be where one is (still active; dropped out after the last
 * purchase):
 *   BG/NBD   B(a, b+x)/B(a, b) Γ(r+x)/Γ(r) α^r [ (α+T)^-(r+x) + 1(x>0) a/(b+x-1) (α+t)^-(r+x) ]
 *   MBG/NBD  B(a, b+x+1)/B(a, b) Γ(r+x)/Γ(r) α^r [ (α+T)^-(r+x) + a/(b+x) (α+t)^-(r+x) ]
 * so that the second is the first with b + 1 in the place of b in all but B(a, b), and for everybody.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/buyers.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_hyperg.h>
#include <math.h>
#include <stdlib.h>

#include "stats/gsl.h"
#include "stats/optimise.h"

/* ---- likelihood ---- */

/* Odds of having dropped out after the last purchase, to the odds of being active: a/(b+x-1) ((α+T)/(α+t))^(r+x). */
static double gone_odds(const struct buyers_model *model, const struct buyer *buyer) {
    double x = buyer->x, past = model->b + x - (model->modified ? 0 : 1);
    if (!model->modified && buyer->x == 0)
        return 0;
    return model->a / past *
           exp((model->r + x) * log((model->alpha + buyer->age) / (model->alpha + buyer->last)));
}

/* What depends on x alone: Γ(r+x)/Γ(r) and the ratio of beta functions. */
static double constant_part(const struct buyers_model *model, double x) {
    double a = model->a, b = model->b, stays = b + x + (model->modified ? 1 : 0);
    return lgamma(model->r + x) - lgamma(model->r) + model->r * log(model->alpha) + lgamma(a + b) +
           lgamma(stays) - lgamma(b) - lgamma(a + stays);
}

double buyers_log_likelihood(const struct buyers_model *model, const struct buyer *buyers,
                             size_t n) {
    enum { KNOWN = 256 };
    double known[KNOWN], sum = 0;
    for (uint32_t x = 0; x < KNOWN; x++)
        known[x] = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        const struct buyer *buyer = &buyers[i];
        double x = buyer->x, constant;
        if (buyer->x < KNOWN && isnan(known[buyer->x]))
            known[buyer->x] = constant_part(model, x);
        constant = buyer->x < KNOWN ? known[buyer->x] : constant_part(model, x);
        sum += buyer->n * (constant - (model->r + x) * log(model->alpha + buyer->age) +
                           log1p(gone_odds(model, buyer)));
    }
    return sum;
}

struct fitting {
    struct buyers_model model;
    const struct buyer *buyers;
    size_t n;
};

static double badness(const double *logs, void *context) {
    struct fitting *fitting = context;
    fitting->model.r = exp(logs[0]);
    fitting->model.alpha = exp(logs[1]);
    fitting->model.a = exp(logs[2]);
    fitting->model.b = exp(logs[3]);
    return -buyers_log_likelihood(&fitting->model, fitting->buyers, fitting->n);
}

int buyers_fit(struct buyers_model *model, const struct buyer *buyers, size_t n,
               const atomic_bool *cancelled, double *log_likelihood, struct err *err) {
    struct fitting fitting = {*model, buyers, n};
    double logs[4] = {0}, least = 0;
    int code = optimise(badness, &fitting, logs, 4, 0.5, cancelled, &least, err);
    if (code)
        return code;
    *model = (struct buyers_model){model->modified, exp(logs[0]), exp(logs[1]), exp(logs[2]),
                                   exp(logs[3])};
    *log_likelihood = -least;
    return 0;
}

/* ---- expectations ---- */

/* 2F1(a, b; c; z) for 0 <= z < 1, where c - a - b may be negative: Euler's transform keeps it tame. NAN where GSL gives up. */
static double hypergeometric(double a, double b, double c, double z) {
    gsl_sf_result result;
    gsl_quiet();
    if (gsl_sf_hyperg_2F1_e(c - a, c - b, c, z, &result) != GSL_SUCCESS)
        return (double)NAN;
    return pow(1 - z, c - a - b) * result.val;
}

/* a = 1 is a removable pole. */
static double off_pole(double a) { return fabs(a - 1) < 1e-6 ? a + 1e-6 : a; }

double buyers_expected_new(const struct buyers_model *model, double t) {
    double a = off_pole(model->a), b = model->b, z = t / (model->alpha + t);
    double rest = pow(model->alpha / (model->alpha + t), model->r);
    if (model->modified)
        return b / (a - 1) * (1 - rest * hypergeometric(model->r, b + 1, a + b, z));
    return (a + b - 1) / (a - 1) * (1 - rest * hypergeometric(model->r, b, a + b - 1, z));
}

/* Of who is active at that age. */
static double expected_active(const struct buyers_model *model, double x, double age, double t) {
    double a = off_pole(model->a), shape = model->r + x;
    double b = model->b + x + (model->modified ? 1 : 0);
    double scale = model->alpha + age, z = t / (scale + t);
    double f = hypergeometric(shape, b, a + b - 1, z);
    return (a + b - 1) / (a - 1) * (1 - pow(scale / (scale + t), shape) * f);
}

double buyers_expected(const struct buyers_model *model, const struct buyer *buyer, double t) {
    return expected_active(model, buyer->x, buyer->age, t) / (1 + gone_odds(model, buyer));
}

double buyers_alive(const struct buyers_model *model, const struct buyer *buyer) {
    return 1 / (1 + gone_odds(model, buyer));
}

double buyers_discounted(const struct buyers_model *model, uint32_t x, double age, unsigned months,
                         double month, double discount) {
    double before = 0, sum = 0, factor = 1;
    for (unsigned i = 1; i <= months; i++) {
        double until = expected_active(model, x, age, month * i);
        factor /= 1 + discount;
        sum += (until - before) * factor;
        before = until;
    }
    return sum;
}

double lifetime_value(const struct buyers_model *buyers, const struct spend_model *spend,
                      const struct buyer *buyer, const struct spender *spender, unsigned months,
                      double month, double discount) {
    return spend_expected(spend, spender) * buyers_alive(buyers, buyer) *
           buyers_discounted(buyers, buyer->x, buyer->age, months, month, discount);
}
