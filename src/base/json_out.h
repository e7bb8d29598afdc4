/*
 * JSON written piece by piece into a buffer: for answers too large or too hot for a tree.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_JSON_OUT_H
#define SENDA_BASE_JSON_OUT_H

#include <stdint.h>

#include "base/buf.h"

/* A quoted string: ", \ and control characters escaped, the rest as it is; a byte that is not UTF-8
 * becomes U+FFFD. An absent slice is null. */
void json_add_text(struct buf *buf, struct slice text);

/* The shortest decimal that reads back as the same double; whole numbers without fraction up to 2^53;
 * NaN and infinities are null. */
void json_add_number(struct buf *buf, double number);

void json_add_int(struct buf *buf, int64_t number);

/* "name": — preceded by a comma unless the buffer ends in { or [. */
void json_add_name(struct buf *buf, const char *name);

#endif
