/*
 * What people call a unit: events say "burgos", pages say "Tienda Burgos".
 *
 * The units are read once for a request, when the first name is asked for. Titles are shown where a name would be: who may see
 * that is decided before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_UNIT_TITLES_H
#define SENDA_PAGES_UNIT_TITLES_H

#include "http/http.h"

struct unit_titles;

/* In the request's arena; nothing is read yet. */
struct unit_titles *unit_titles_new(struct request *request);
/* The title, or the name itself where there is none (titles may be NULL); lives as long as the request and the name. */
const char *unit_title(struct unit_titles *titles, const char *name);

#endif
