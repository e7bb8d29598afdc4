/*
 * The table that tools/compile_texts.c writes from po/ at build time: sorted by key.
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

#endif
