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

__attribute__((format(printf, 4, 0))) static int
fill(struct err *err, int code, const char *pointer, const char *format, va_list args) {
    if (!err)
        return code;
    err->code = code;
    snprintf(err->pointer, sizeof err->pointer, "%s", pointer);
    vsnprintf(err->message, sizeof err->message, format, args);
    err->hint[0] = 0;
    return code;
}

int err_set(struct err *err, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, code, "", format, args);
    va_end(args);
    return code;
}

int err_at(struct err *err, int code, const char *pointer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(err, code, pointer, format, args);
    va_end(args);
    return code;
}

int err_hint(struct err *err, const char *format, ...) {
    if (!err)
        return E_INTERNAL;
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    return err->code;
}

static unsigned row_of(int code) {
    unsigned row = (unsigned)(-1 - code);
    return row < ERR_COUNT ? row : (unsigned)ERR_INDEX_INTERNAL;
}

const char *err_type(int code) { return code ? ROWS[row_of(code)].type : "ok"; }
const char *err_title(int code) { return code ? ROWS[row_of(code)].title : "Done"; }
int err_status(int code) { return code ? ROWS[row_of(code)].status : 200; }
int err_exit(int code) { return code ? ROWS[row_of(code)].exit : 0; }
