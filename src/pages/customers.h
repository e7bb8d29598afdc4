/*
 * What the pages of customers share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CUSTOMERS_H
#define SENDA_PAGES_CUSTOMERS_H

#include "http/http.h"

#include <jansson.h>

/* A path with those of the n parameters that have a value, encoded; in the request's arena. */
const char *customers_address(struct request *request, const char *path, const char *const names[],
                              const char *const values[], size_t n);
/* Who has only an id of Senda is a visitor; what is written as name is not repeated as identifier. */
void customers_put_name(struct request *request, json_t *customer);
/* Of two customers beside each other: names and values of the traits that differ, in words (page_merge.c). */
void customers_put_differing(struct request *request, json_t *preview);

#endif
