/*
 * How long what is kept, by kind; a job lets go of the rest each night.
 *
 *   texts     what people wrote, nested values and properties that identify, of interactions and answers: the interaction stays,
 *             with its numbers and short texts, and counts
 *   refusals  texts of refused events
 *   imports   files that were uploaded
 *   copies    copies of the records from before updates (senda.db.before-…)
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PRIVACY_RETENTION_H
#define SENDA_PRIVACY_RETENTION_H

#include "jobs/jobs.h"

enum retention_kind { RETAIN_TEXTS, RETAIN_REFUSALS, RETAIN_IMPORTS, RETAIN_COPIES, RETAIN_KINDS };
extern const char *const RETENTION_NAMES[RETAIN_KINDS];
enum { RETENTION_DAYS_MOST = 36500 };

struct retention {
    int64_t days[RETAIN_KINDS]; /* 0: for ever */
};
must_use int retention_get(struct folder *folder, struct retention *retention, struct err *err);
must_use int retention_put(struct folder *folder, const struct retention *retention,
                           struct err *err);

extern const struct job job_retention;

#endif
