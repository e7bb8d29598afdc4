/*
 * SOURCE  G. H. Golub, C. F. Van Loan, Matrix Computations, 4.2.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "stats/matrix.h"

#include <math.h>

/* What is left of a diagonal that depends on the others but for rounding. */
#define SINGULAR 1e-11

bool cholesky(double *a, size_t n) {
    for (size_t j = 0; j < n; j++) {
        double diagonal = a[j * n + j], left = diagonal;
        for (size_t k = 0; k < j; k++)
            left -= a[j * n + k] * a[j * n + k];
        if (!(left > SINGULAR * diagonal) || !(left > 0))
            return false;
        double root = sqrt(left);
        a[j * n + j] = root;
        for (size_t i = j + 1; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = sum / root;
        }
    }
    return true;
}

void cholesky_solve(const double *l, size_t n, double *b) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

void cholesky_inverse(const double *l, size_t n, double *inverse) {
    for (size_t column = 0; column < n; column++) {
        double *b = &inverse[column * n]; /* symmetric: a row is a column */
        for (size_t i = 0; i < n; i++)
            b[i] = i == column;
        cholesky_solve(l, n, b);
    }
}
