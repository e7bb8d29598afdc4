/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/optimise.h"

#include <math.h>
#include <nlopt.h>

/* A value that no likelihood reaches, for parameters that have none. */
#define FAR 1e100

struct search {
    double (*f)(const double *parameters, void *context);
    void *context;
    const atomic_bool *cancelled;
    nlopt_opt optimiser;
};

static double evaluate(unsigned n, const double *x, double *gradient, void *opaque) {
    struct search *search = opaque;
    (void)n;
    (void)gradient;
    if (search->cancelled && atomic_load(search->cancelled))
        nlopt_force_stop(search->optimiser);
    double value = search->f(x, search->context);
    return isfinite(value) ? value : FAR;
}

int optimise(double (*f)(const double *parameters, void *context), void *context,
             double *parameters, size_t n, double step, const atomic_bool *cancelled, double *least,
             struct err *err) {
    struct search search = {f, context, cancelled, nlopt_create(NLOPT_LN_SBPLX, (unsigned)n)};
    if (!search.optimiser)
        return err_set(err, E_INTERNAL, "no optimiser");
    nlopt_set_min_objective(search.optimiser, evaluate, &search);
    nlopt_set_initial_step1(search.optimiser, step);
    nlopt_set_xtol_rel(search.optimiser, 1e-7);
    nlopt_set_ftol_rel(search.optimiser, 1e-13);
    nlopt_set_maxeval(search.optimiser, OPTIMISE_EVALUATIONS);
    nlopt_result result = nlopt_optimize(search.optimiser, parameters, least);
    nlopt_destroy(search.optimiser);
    if (result == NLOPT_FORCED_STOP)
        return err_set(err, E_CANCELLED, "the fit was cancelled");
    if (result < 0 || result == NLOPT_MAXEVAL_REACHED || *least >= FAR)
        return err_set(err, E_INVALID, "the model cannot be fitted to these purchases");
    return 0;
}
