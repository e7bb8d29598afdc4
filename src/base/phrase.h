/*
 * A sentence for people: printf's format, and where in the English text each value stands that was put into it, so that
 * the values can be put into a translation's holes.
 *
 * FORMAT  Of printf: %s %d %i %u %g %c and %%, with the lengths l, ll, z and a precision (of a text: at most so many
 * bytes; of %g: digits; also as .*). No flags, no widths. A format is a literal: it is kept by address.
 *
 * INVARIANTS
 *  1. A text ends at the boundary of a character, also where it was cut for want of room; so does each value.
 *  2. Values beyond PHRASE_VALUES stand in the text but are not found again.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_PHRASE_H
#define SENDA_BASE_PHRASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PHRASE_VALUES = 8, PHRASE_KEY_BYTES = 400 };

struct phrase {
    const char *format; /* NULL: nothing was said */
    unsigned n;         /* values */
    struct {
        uint16_t at, n; /* bytes in the text */
    } values[PHRASE_VALUES];
};

/* Writes the text, at most size - 1 bytes and a NUL; NULL as a text is "". */
__attribute__((format(printf, 4, 0))) void
phrase_print(struct phrase *phrase, char *text, size_t size, const char *format, va_list args);

/* The catalogue's key of a format: every conversion as %s, whatever its type and precision. False: it does not fit. */
bool phrase_key(const char *format, char *key, size_t size);

#endif
