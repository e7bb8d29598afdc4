/*
 * Text as UTF-8: checking, walking, comparing without regard to case.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_UTF8_H
#define SENDA_BASE_UTF8_H

#include <stdint.h>

#include "base/arena.h"

/* No overlong forms, no surrogates, nothing beyond U+10FFFF. Skips ASCII eight bytes at a time. */
bool utf8_valid(struct slice text);

/* The code point at *p, and moves *p behind it; a wrong byte gives U+FFFD and moves by one. *p < end. */
uint32_t utf8_next(const char **p, const char *end);

/* Writes a code point; returns 1 to 4. to holds 4 bytes. A surrogate is written as U+FFFD. */
size_t utf8_put(char *to, uint32_t code);

/* Without blanks (ASCII ones, no-break space, byte order mark) at both ends. */
struct slice utf8_trim(struct slice text);

/* Case folded (Unicode full folding) and composed (NFC), for comparing names; copied to the arena. */
struct slice utf8_fold(struct slice text, struct arena *arena);

/* The same without accents and other marks, for finding words however they were written. */
struct slice utf8_plain(struct slice text, struct arena *arena);

/* The longest beginning of at most n bytes that does not cut a character. */
struct slice utf8_cut(struct slice text, size_t n);

#endif
