/*
 * The one door to the GNU Scientific Library: quantiles and tail areas of distributions.
 *
 * GSL aborts the process at an impossible argument by default; that is switched off at the first call, and what comes
 * back then is NAN. Every function is pure and may be called from any thread.
 *
 * SOURCE  GSL 2.7, chapter "Cumulative Distribution Functions".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_GSL_H
#define SENDA_STATS_GSL_H

/* Switches GSL's aborting handler off, once; every file that calls GSL begins with it. */
void gsl_quiet(void);

double normal_quantile(double p);            /* of the standard normal, 0 < p < 1 */
double normal_two_sided(double z);           /* P(|Z| >= |z|) */
double chi_square_tail(double x, double df); /* P(X >= x) */
double student_quantile(double p, double df);
double student_two_sided(double t, double df);       /* P(|T| >= |t|) */
double poisson_at_least(unsigned k, double mean);    /* P(X >= k), mean > 0 */
double binomial_upper(double k, double n, double p); /* P(K >= k) of n tries with chance p */

#endif
