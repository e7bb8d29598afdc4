/*
 * Are the rows of a score countries? By their names, and those of units also by the titles that people gave them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_COUNTRIES_H
#define SENDA_BACKEND_SCORE_COUNTRIES_H

#include "backend/local.h"
#include "backend/score_compare.h"

/* Rows that stand apart ("(other)", null) do not matter. */
must_use int score_countries(const struct question *question, const struct score_compared *rows,
                             size_t n, bool *countries, struct err *err);

#endif
