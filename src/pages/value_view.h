/*
 * What the pages of value and of leaving share: the newest run, money as people read it, lists of customers, figures.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_VALUE_VIEW_H
#define SENDA_PAGES_VALUE_VIEW_H

#include "pages/chart.h"
#include "pages/page.h"

/* Puts NAME_text beside each member of that name, in an object or in every row of a list. */
void value_add_money(const struct request *request, json_t *rows, const char *name);

/* Puts "tone", a class of badges, beside "band". */
void value_add_tones(json_t *rows);
/* "own" (neither a deed nor a trait) and "of_value" (a trait's value, not its number) beside a sign or reason. */
void value_say_sign(json_t *sign);
/* What the partial value_reasons needs besides row["reasons"]: "2 calls, typical 0.1", "an unhappy answer", or its absence. */
void value_say_reasons(json_t *row);
/* view["run"]: state of the job with "busy" and "failed"; view["can_run"]. */
void value_add_run(const struct request *request, json_t *view, json_t *run);

/* Customers by an estimate, at most n, with money, reasons in words. New reference. */
json_t *value_customers(struct request *request, const char *order, int n);

/* A figure in both forms with its numbers folded beneath, new reference. `draw` and `table` get the data. */
json_t *value_figure(struct request *request, const char *id, const char *label, double width,
                     const json_t *data,
                     void (*draw)(const struct chart *chart, const json_t *data, struct buf *out),
                     void (*table)(const struct chart *chart, const json_t *data, struct buf *out));

#endif
