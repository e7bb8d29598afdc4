/*
 * The tables that tools/compile_texts.c and compile_messages.c write from po/ at build time: sorted by key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_TEXT_TABLE_H
#define SENDA_PAGES_TEXT_TABLE_H

#include <stddef.h>

struct text {
    const char *key;
    const char *es[2], *en[2]; /* one, other; both the same where there is no plural */
};
extern const struct text TEXTS[];
extern const size_t TEXTS_COUNT;

/* What errors say, sorted by the English format (every conversion is %s); es and en put its values into %s, %t (words,
 * translated too), %2$s, %2$t. */
struct message_text {
    const char *format, *es, *en; /* en: NULL where the format's own words do */
};
extern const struct message_text MESSAGES[];
extern const size_t MESSAGES_COUNT;

#endif
