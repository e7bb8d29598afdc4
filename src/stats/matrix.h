/*
 * Small symmetric matrices, as fits of a few parameters need them. Row-major, n × n.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STATS_MATRIX_H
#define SENDA_STATS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* Factors a positive definite matrix in place: its lower triangle becomes L of A = L L'. false: it is not. */
bool cholesky(double *a, size_t n);
/* b becomes the solution of A x = b. */
void cholesky_solve(const double *l, size_t n, double *b);
/* inverse[n × n] of A. */
void cholesky_inverse(const double *l, size_t n, double *inverse);

#endif
