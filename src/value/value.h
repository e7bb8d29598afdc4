/*
 * WORTH: what customers are worth, how likely they stay, and why: estimated each night, or when somebody asks, from the
 * organisation's own interactions, and kept (number/number.h) until the next run.
 *
 * Two kinds of business, as the settings say:
 *   purchases   people buy again or not, and nobody says goodbye: BG/NBD or MBG/NBD with Gamma-Gamma (journey/worth.h)
 *   contracts   there is an end that is known (`contract`): the curve of how long contracts last (stats/survival.h), the fee
 *
 * LEAVING  Within `window` from now: the contract's end, or no purchase for longer than is normal for these customers. A
 * logistic model learns from what was known one window before the latest one, is judged on that latest window (which it has
 * not seen), then set right by it (Platt) and asked about today. Below 200 who left, nothing is learnt: a health of plain
 * weights is given instead, judged the same way.
 *
 * IN:  settings, the timeline, traits
 * OUT: numbers of each customer, a report (docs/metrics.md)
 *
 * SOURCES  stats/buyers.h, survival.h, logistic.h, accuracy.h; J. Platt (1999) for the recalibration.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_VALUE_VALUE_H
#define SENDA_VALUE_VALUE_H

#include <jansson.h>

#include "jobs/jobs.h"
#include "number/number.h"
#include "query/principal.h"

/* ---- settings (docs/metrics.md, Value) ---- */

/* New reference: what is set, and the standard for the rest. */
must_use int value_settings_get(struct folder *folder, json_t **settings, struct err *err);
/* Replaces what is set. E_INVALID with the pointer: a member that cannot be. */
must_use int value_settings_put(struct folder *folder, const struct principal *principal,
                                const json_t *settings, struct err *err);

/* ---- the run ---- */

/* Estimates everything and replaces the edition. progress may be NULL. E_CANCELLED. */
must_use int value_run(struct folder *folder, const atomic_bool *cancelled,
                       void (*progress)(void *context, uint64_t done, uint64_t total),
                       void *context, json_t **outcome, struct err *err);
extern const struct job job_value; /* "value.model" */

/* The report of the newest run; NULL: none was made. New reference. */
must_use int value_report(struct folder *folder, json_t **report, int64_t *made_ms,
                          struct err *err);

/* ---- one customer, a list ---- */

/* What the newest run says of an owner, with its reasons, for somebody who may see the whole organisation. New reference,
 * NULL where no run was made. */
must_use int value_of_owner(struct folder *folder, uint32_t owner, json_t **out, struct err *err);
/* The customer's purchases as this asker may see them, by the newest run's parameters. *out NULL: no run, or none seen. */
must_use int value_of_purchases(struct folder *folder, const struct principal *principal,
                                uint32_t owner, json_t **out, struct err *err);

struct value_list {
    enum number order;
    bool falling;
    uint32_t skip, limit;
    const uint64_t *visible; /* bit set of the owners to list; NULL: all */
    uint32_t visible_last;   /* the last one that it has a bit for */
};
/* Owners that have the number, in its order (ties: by owner): rows of value_of_owner with "id". *total: how many of them. */
must_use int value_list(struct folder *folder, const struct value_list *list, json_t **rows,
                        uint64_t *total, struct err *err);

/* Who lasts how long, by the values of a trait (NULL: all together): curves, medians, log-rank, hazard ratios. */
must_use int value_survival(struct folder *folder, const char *trait, json_t **out,
                            struct err *err);

#endif
