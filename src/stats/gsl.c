/*
 * GSL's distributions: see gsl.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/gsl.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <pthread.h>

static void quiet(void) { gsl_set_error_handler_off(); }

void gsl_quiet(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, quiet);
}

double normal_quantile(double p) {
    gsl_quiet();
    return p > 0 && p < 1 ? gsl_cdf_ugaussian_Pinv(p) : (double)NAN;
}

double normal_two_sided(double z) {
    gsl_quiet();
    return 2 * gsl_cdf_ugaussian_Q(fabs(z));
}

double chi_square_tail(double x, double df) {
    gsl_quiet();
    return x >= 0 && df > 0 ? gsl_cdf_chisq_Q(x, df) : (double)NAN;
}

double student_quantile(double p, double df) {
    gsl_quiet();
    return p > 0 && p < 1 && df > 0 ? gsl_cdf_tdist_Pinv(p, df) : (double)NAN;
}

double student_two_sided(double t, double df) {
    gsl_quiet();
    return df > 0 ? 2 * gsl_cdf_tdist_Q(fabs(t), df) : (double)NAN;
}

double poisson_at_least(unsigned k, double mean) {
    gsl_quiet();
    return k == 0 ? 1 : mean > 0 ? gsl_cdf_poisson_Q(k - 1, mean) : (double)NAN;
}

double binomial_upper(double k, double n, double p) {
    gsl_quiet();
    if (!(k > 0))
        return 1;
    return k <= n && p >= 0 && p <= 1 ? gsl_cdf_binomial_Q((unsigned)k - 1, p, (unsigned)n)
                                      : (double)NAN;
}
