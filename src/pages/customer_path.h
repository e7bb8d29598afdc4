/*
 * The path that one customer walked, as its page tells it: by day, with the silence between; of a day, segments that were entered one
 * after the other are one line.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_CUSTOMER_PATH_H
#define SENDA_PAGES_CUSTOMER_PATH_H

#include <jansson.h>

#include "http/router.h"

/* rows: of the timeline's answer, newest first. [{"date","time","gap","count","contacts":[…]}], new reference. */
json_t *customer_path(struct request *request, const json_t *rows);

#endif
