/*
 * A list of customers on a page: what people call them, and the list as a file.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_PEOPLE_H
#define SENDA_PAGES_PEOPLE_H

#include "http/http.h"

/* Puts "name" beside the id of every customer of [{"id","user_id"}] who has one. */
void people_name(struct request *request, json_t *people);
/* The same list as CSV: id, user_id. What a spreadsheet would run as a formula gets an apostrophe. */
void people_csv(const json_t *people, struct buf *out);

#endif
