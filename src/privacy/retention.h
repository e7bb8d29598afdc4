/*
 * How long what is kept, by kind; a job lets go of the rest each night.
 *
 *   interactions  whole, with the answers that they brought, by event, channel and source (collect/keeping.h): instants, customers,
 *             properties, message ids. What was counted of them before stays where it was written down (sizes of segments by day, models);
 *             questions count what is there.
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

#include "collect/keeping.h"
#include "jobs/jobs.h"

enum retention_kind { RETAIN_TEXTS, RETAIN_REFUSALS, RETAIN_IMPORTS, RETAIN_COPIES, RETAIN_KINDS };
extern const char *const RETENTION_NAMES[RETAIN_KINDS];
enum { RETENTION_DAYS_MOST = 36500 };

struct retention {
    int64_t days[RETAIN_KINDS]; /* 0: for ever */
};
/* As it was put; for ever where nothing was. */
must_use int retention_get(struct folder *folder, struct retention *retention, struct err *err);
must_use int retention_put(struct folder *folder, const struct retention *retention,
                           struct err *err);

struct retained {
    uint64_t interactions, answers, customers; /* customers: only where it is looked, not let go */
    int64_t first_ms, last_ms;                 /* 0: none */
};
struct retention_preview {
    struct retained interactions;
    uint64_t n[RETAIN_KINDS]; /* records, files; of refusals not counted */
};
/* What would go, if that were kept. Nothing changes. COST two passes over the log. */
must_use int retention_preview(struct folder *folder, const struct retention *retention,
                               struct keeping *keeping, int64_t now_ms,
                               struct retention_preview *preview, struct err *err);

/* retention_log.c, for retention.c */
must_use int retention_let_interactions_go(struct folder *folder, int64_t now_ms,
                                           struct retained *found, struct err *err);
must_use int retention_look(struct folder *folder, struct keeping *keeping, int64_t now_ms,
                            struct retained *found, struct err *err);

extern const struct job job_retention;

#endif
