/*
 * Static files over HTTP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_STATIC_H
#define SENDA_HTTP_STATIC_H

#include "http/assets.h"
#include "http/http.h"

/* Answers with an asset in the form that the asker takes, or 304. The bytes are sent in place: embedded ones live
 * for ever, those of a web root in the request's arena. */
must_use int static_serve(struct request *request, struct response *response, const char *path,
                          const char *cache, struct err *err);

extern const struct route_table static_routes; /* /assets/… /senda.js /favicon.ico /robots.txt */

#endif
