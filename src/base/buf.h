/*
 * A growable buffer of bytes with a maximum given at creation. Appending beyond the maximum sets
 * `full` and appends nothing more: check once at the end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_BUF_H
#define SENDA_BASE_BUF_H

#include <stdint.h>

#include "base/slice.h"

struct buf {
    char *p;  /* owned; terminated by 0 after every call, once something was added */
    size_t n; /* bytes in use */
    size_t capacity, max;
    bool full; /* something did not fit */
};

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf);
/* Empties and keeps the memory. */
void buf_clear(struct buf *buf);

void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_add_slice(struct buf *buf, struct slice text);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
__attribute__((format(printf, 2, 3))) void buf_add_format(struct buf *buf, const char *format, ...);
/* Makes room for n more bytes and returns where they go (buf->n is not moved), or NULL when full. */
void *buf_reserve(struct buf *buf, size_t n);

static inline struct slice buf_slice(const struct buf *buf) {
    return (struct slice){buf->p ? buf->p : "", buf->n};
}

#endif
