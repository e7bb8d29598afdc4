/*
 * Growable buffers: see buf.h. Capacity doubles from 256 bytes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *buf, size_t max) { *buf = (struct buf){.max = max}; }

void buf_release(struct buf *buf) {
    free(buf->p);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf) {
    buf->n = 0;
    buf->full = false;
    if (buf->p)
        buf->p[0] = 0;
}

void *buf_reserve(struct buf *buf, size_t n) {
    if (buf->full || n > buf->max || buf->n > buf->max - n) {
        buf->full = true;
        return NULL;
    }
    if (buf->n + n + 1 > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : FIRST_BYTES;
        while (capacity < buf->n + n + 1)
            capacity *= 2;
        char *p = realloc(buf->p, capacity);
        if (!p)
            abort();
        buf->p = p;
        buf->capacity = capacity;
    }
    return buf->p + buf->n;
}

void buf_add(struct buf *buf, const void *bytes, size_t n) {
    char *to = buf_reserve(buf, n);
    if (!to)
        return;
    if (n)
        memcpy(to, bytes, n);
    buf->n += n;
    buf->p[buf->n] = 0;
}

void buf_add_slice(struct buf *buf, struct slice text) { buf_add(buf, text.p, text.n); }
void buf_add_text(struct buf *buf, const char *text) { buf_add(buf, text, strlen(text)); }
void buf_add_char(struct buf *buf, char c) { buf_add(buf, &c, 1); }

void buf_add_format(struct buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = n < 0 ? NULL : buf_reserve(buf, (size_t)n);
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        buf->n += (size_t)n;
    }
    va_end(again);
}
