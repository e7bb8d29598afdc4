/*
 * The one error idiom: a function that can fail returns 0 or a negative code of ERR_TABLE and
 * takes a caller-owned `struct err *` as its last argument.
 *
 * INVARIANTS
 *  1. `struct err` is untouched on success.
 *  2. It is filled once, where the fact is known; callers pass it up, never overwrite it.
 *  3. The message says what, which, why: lower case, no full stop, nothing internal (no SQL, no
 *     path, no pointer). The hint is a sentence that says what to do. The same text reaches the
 *     shell and problem+json.
 *  4. Beside the English text stands how it came about (base/phrase.h), so that those who know the catalogue
 *     (pages/message.h) say it in another language: the format is the catalogue's key, po/messages.es.po.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_ERR_H
#define SENDA_BASE_ERR_H

#include <stdarg.h>

#include "base/phrase.h"

/* Marks words of the product that are put into a message as a value ("%s must be a text"): they are translated with
 * it, unlike names and what people wrote. */
#define ERR_WORDS(text) text

/* X(name, problem type and code in the API, title, HTTP status, exit code) */
#define ERR_TABLE(X)                                                                               \
    X(MALFORMED, "malformed", ERR_WORDS("Malformed request"), 400, 1)                              \
    X(INVALID, "invalid", ERR_WORDS("Well formed but impossible"), 422, 1)                         \
    X(UNAUTHORIZED, "unauthorized", ERR_WORDS("Not signed in"), 401, 1)                            \
    X(FORBIDDEN, "forbidden", ERR_WORDS("Not allowed"), 403, 4)                                    \
    X(NOT_FOUND, "not_found", ERR_WORDS("Not found"), 404, 3)                                      \
    X(METHOD, "method_not_allowed", ERR_WORDS("Method not allowed"), 405, 1)                       \
    X(CONFLICT, "conflict", ERR_WORDS("Conflict"), 409, 4)                                         \
    X(PRECONDITION, "precondition_failed", ERR_WORDS("Changed meanwhile"), 412, 4)                 \
    X(TOO_LARGE, "too_large", ERR_WORDS("Too large"), 413, 1)                                      \
    X(MEDIA, "unsupported_media_type", ERR_WORDS("Unsupported media type"), 415, 1)                \
    X(RATE, "too_many_requests", ERR_WORDS("Too many requests"), 429, 1)                           \
    X(BUSY, "busy", ERR_WORDS("Busy, try again"), 503, 1)                                          \
    X(NOSPACE, "no_space", ERR_WORDS("No space left on the device"), 503, 1)                       \
    X(TIMEOUT, "timeout", ERR_WORDS("Took too long"), 503, 1)                                      \
    X(CANCELLED, "cancelled", ERR_WORDS("Cancelled"), 499, 1)                                      \
    X(IO, "io", ERR_WORDS("Storage failed"), 500, 1)                                               \
    X(CORRUPT, "corrupt", ERR_WORDS("Stored data is damaged"), 500, 1)                             \
    X(INTERNAL, "internal", ERR_WORDS("Internal error"), 500, 1)                                   \
    X(USAGE, "usage", ERR_WORDS("Wrong usage"), 400, 2)                                            \
    X(REFUSED, "refused", ERR_WORDS("Refused"), 409, 4)                                            \
    X(HEADERS, "header_fields_too_large", ERR_WORDS("Header fields too large"), 431, 1)            \
    X(URI, "uri_too_long", ERR_WORDS("Address too long"), 414, 1)                                  \
    X(VERSION, "version_not_supported", ERR_WORDS("Unknown version of HTTP"), 505, 1)              \
    X(UNSUPPORTED, "not_implemented", ERR_WORDS("Not implemented"), 501, 1)

enum err_index {
#define X(name, type, title, status, exit) ERR_INDEX_##name,
    ERR_TABLE(X)
#undef X
        ERR_COUNT
};

enum err_code {
#define X(name, type, title, status, exit) E_##name = -1 - (int)ERR_INDEX_##name,
    ERR_TABLE(X)
#undef X
        E_OK = 0
};

struct err {
    int code;          /* E_… or 0 */
    char pointer[128]; /* JSON pointer of the offending field, or "" */
    char message[320], hint[256];
    struct phrase message_phrase, hint_phrase; /* how they came about */
};

/* Fills err (which may be NULL) and returns code, so that `return err_set(…)` reads well. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *err, int code, const char *format,
                                                  ...);
/* The same with the JSON pointer of the field at fault, as "/steps/2/event". */
__attribute__((format(printf, 4, 5))) int err_at(struct err *err, int code, const char *pointer,
                                                 const char *format, ...);
/* Adds a sentence that says what to do; returns err->code. */
__attribute__((format(printf, 2, 3))) int err_hint(struct err *err, const char *format, ...);

/* The same for functions that take a format themselves. */
__attribute__((format(printf, 4, 0))) int
err_at_list(struct err *err, int code, const char *pointer, const char *format, va_list args);
/* Says again what `from` says, message and hint, under another code and pointer (which may be a part of from's); returns
 * code. */
int err_repeat(struct err *err, int code, const char *pointer, const struct err *from);

const char *err_type(int code);  /* "too_large" */
const char *err_title(int code); /* "Too large" */
int err_status(int code);        /* HTTP status */
int err_exit(int code);          /* exit code of a command */

#define must_use __attribute__((warn_unused_result))

#endif
