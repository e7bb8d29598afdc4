/*
 * Finding the parameters that fit best, without derivatives. The one door to NLopt.
 *
 * SOURCE  NLopt 2.7, LN_SBPLX: S. G. Johnson's version of Rowan's Subplex (T. Rowan, 1990).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_OPTIMISE_H
#define SENDA_STATS_OPTIMISE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/err.h"

enum { OPTIMISE_EVALUATIONS = 4000 };

/* Moves parameters[n] (in: where to begin; out: the best found) so that f is least, and gives that value. step: how far it
 * looks at first. cancelled may be NULL. E_CANCELLED; E_INVALID: no finite value was found, or it did not settle within
 * OPTIMISE_EVALUATIONS. */
must_use int optimise(double (*f)(const double *parameters, void *context), void *context,
                      double *parameters, size_t n, double step, const atomic_bool *cancelled,
                      double *least, struct err *err);

#endif
