/*
 * Are these names those of countries? Scores by country are not put in an order (people of different countries use the
 * scale differently), whatever the thing is called that tells them apart.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_COUNTRIES_H
#define SENDA_QUERY_COUNTRIES_H

#include "base/arena.h"

/* At least two, and each is the name of a country (English or Spanish; case and accents do not matter) or its code of two or
 * three letters. Codes of two letters that are all those of states of the USA as well ("CA", "CO", "GA") are none. */
bool are_countries(const struct slice *texts, size_t n, struct arena *arena);

#endif
