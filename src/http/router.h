/*
 * From a request's method and path to its handler: matching, access, CSRF, conditional answers, problem documents.
 *
 * STATES of a request
 *   begun     request_begin: target parsed, route found (or the refusal is known)
 *   complete  body attached; router_run checks access and calls the handler
 *   answered  HANDLED, or request_complete after SUSPENDED; router_finish adds the common headers
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ROUTER_H
#define SENDA_HTTP_ROUTER_H

#include "http/http.h"

/* A request without a socket: memory from malloc, given back by request_free. method "GET", target "/path?query",
 * encoded. The principal of such a request is the owner of the folder (as on the Unix socket) unless headers say
 * otherwise and `local` is false. */
struct request *request_new(struct app *app, const char *method, const char *target, bool local);
void request_add_header(struct request *request, const char *name, const char *value); /* copied */
void request_set_body(struct request *request, struct slice body);                     /* viewed */
/* Runs with the rights, language and peer of another request, which outlives it (pages that ask the API): no second
 * sign-in, form token or rate. */
void request_inherit(struct request *request, const struct request *outer);
void request_free(struct request *request);

const char *method_name(enum method method);
/* 0 if unknown. */
enum method method_of(const char *name);

/* Percent-decodes; plus: '+' is a blank. false at a bad escape, a NUL or another control character, or bytes that are
 * not UTF-8. */
bool url_decode(struct slice text, bool plus, struct arena *arena, struct slice *decoded);
void url_encode(struct slice text, struct buf *out); /* everything but unreserved characters */

#endif
