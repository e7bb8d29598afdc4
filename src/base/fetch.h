/*
 * Requests to other servers over http and https (libcurl), bounded in time and size.
 *
 * No redirect is followed and no address but the one named is asked. Answers of any status are answers; only what does not come
 * at all is an error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_FETCH_H
#define SENDA_BASE_FETCH_H

#include "base/buf.h"
#include "base/err.h"

enum { FETCH_SECONDS = 10, FETCH_BYTES = 1 << 20 };

struct fetch {
    const char *url;
    const char *body, *type;     /* NULL: GET; type of a body, or NULL: application/json */
    const char *user, *password; /* Basic, or NULL */
    const char *bearer;          /* or NULL */
    const char *const *headers;  /* more, "Name: value", NULL at the end; or NULL */
    bool
        public_only; /* refuses servers on private addresses, whatever their name resolves to: E_REFUSED */
};

/* https, or http to this machine itself: where secrets may go. */
bool fetch_is_safe(const char *url);

/* answer: initialised here with room for FETCH_BYTES, released by the caller also after an error. E_BUSY: no answer came in
 * FETCH_SECONDS, or a longer one. */
must_use int fetch(const struct fetch *fetch, long *status, struct buf *answer, struct err *err);

#endif
