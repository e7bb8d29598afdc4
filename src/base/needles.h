/*
 * A set of texts to look for in bytes, without regard to ASCII case: the identifiers of somebody who is to be forgotten,
 * in every form in which they may lie about (as they are, JSON- and percent-escaped, base64).
 *
 * COST  About a nanosecond a byte: two neighbouring bytes that begin no needle are passed over by a table of bits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_NEEDLES_H
#define SENDA_BASE_NEEDLES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum { NEEDLE_MIN_BYTES = 4 };

struct needle {
    struct slice text; /* lower case */
    bool whole;        /* found only where no letter or digit stands beside it */
};

struct needles {
    struct arena arena;
    struct needle *needles;
    size_t n, capacity;
    uint64_t pairs[1024]; /* bit of its first two bytes */
};
void needles_init(struct needles *needles);
void needles_release(struct needles *needles);
/* Texts shorter than NEEDLE_MIN_BYTES are left out: they would be found everywhere. The same text counts once. */
void needles_add(struct needles *needles, struct slice text, bool whole);
/* The text and the forms that it takes inside JSON, addresses and base64. */
void needles_add_forms(struct needles *needles, struct slice text, bool whole);

/* First place of any needle at or after `from`: true, with where it begins and how long it is. */
bool needles_find(const struct needles *needles, struct slice bytes, size_t from, size_t *at,
                  size_t *n);
static inline bool needles_in(const struct needles *needles, struct slice bytes) {
    size_t at, n;
    return needles->n && needles_find(needles, bytes, 0, &at, &n);
}
/* Copies bytes to out with `instead` in place of each needle; how many there were. */
size_t needles_replace(const struct needles *needles, struct slice bytes, const char *instead,
                       struct buf *out);

#endif
