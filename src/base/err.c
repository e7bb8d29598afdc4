/*
 * Errors: see err.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *type, *title;
    int status, exit;
} ROWS[ERR_COUNT] = {
#define X(name, type, title, status, exit) [ERR_INDEX_##name] = {type, title, status, exit},
    ERR_TABLE(X)
#undef X
};

int err_at_list(struct err *err, int code, const char *pointer, const char *format, va_list args) {
    if (!err)
        return code;
    char place[sizeof err->pointer];
    snprintf(place, sizeof place, "%s", pointer);
    *err = (struct err){.code = code};
    memcpy(err->pointer, place, sizeof place);
    phrase_print(&err->message_phrase, err->message, sizeof err->message, format, args);
    return code;
}

int err_set(struct err *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_at_list(err, code, "", format, args);
    va_end(args);
    return code;
}

int err_at(struct err *err, int code, const char *pointer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_at_list(err, code, pointer, format, args);
    va_end(args);
    return code;
}

int err_hint(struct err *err, const char *format, ...) {
    if (!err)
        return E_INTERNAL;
    va_list args;
    va_start(args, format);
    phrase_print(&err->hint_phrase, err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->code;
}

int err_repeat(struct err *err, int code, const char *pointer, const struct err *from) {
    if (!err)
        return code;
    char place[sizeof err->pointer];
    snprintf(place, sizeof place, "%s", pointer);
    if (err != from)
        *err = *from;
    err->code = code;
    memcpy(err->pointer, place, sizeof place);
    return code;
}

static unsigned row_of(int code) {
    unsigned row = (unsigned)(-1 - code);
    return row < ERR_COUNT ? row : (unsigned)ERR_INDEX_INTERNAL;
}

const char *err_type(int code) { return code ? ROWS[row_of(code)].type : "ok"; }
const char *err_title(int code) { return code ? ROWS[row_of(code)].title : "Done"; }
int err_status(int code) { return code ? ROWS[row_of(code)].status : 200; }
int err_exit(int code) { return code ? ROWS[row_of(code)].exit : 0; }
