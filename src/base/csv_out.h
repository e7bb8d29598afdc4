/*
 * One cell of CSV by RFC 4180, safe in a spreadsheet.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_CSV_OUT_H
#define SENDA_BASE_CSV_OUT_H

#include "base/buf.h"

/* Quoted where it holds a comma, a quote or an end of line. What a spreadsheet would take for a formula is quoted and
 * gets an apostrophe in front (slice_is_formula). */
void csv_add_text(struct buf *out, struct slice text);
/* The same without the apostrophe: for text that is no cell's own, such as JSON. */
void csv_add_quoted(struct buf *out, struct slice text);

#endif
