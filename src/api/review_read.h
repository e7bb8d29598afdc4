/*
 * Reviews as the API answers them, for its own files and for the public widgets.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_REVIEW_READ_H
#define SENDA_API_REVIEW_READ_H

#include "api/api.h"
#include "voice/review.h"

enum { REVIEWS_PAGE_MAX = 200 };

/* What anybody may see of a review: {"id","stars","title","text","author","language","time","verified","invited",
 * "within_30_days","months","helpful","unhelpful","reply"}. New reference. */
json_t *review_public_json(const struct review *review);
/* Everything, for people of the organisation. subject: its title, NULL: not known. New reference. */
json_t *review_json(struct folder *folder, const struct review *review, const char *subject);
/* Figures of a subject; refusals: counts of review_reasons, NULL: not asked for. open: what anybody may see, else all. New
 * reference. */
json_t *review_figures_json(const struct review_figures *figures, const uint64_t *refusals,
                            bool open);
/* The subject of a name; a unit of that name becomes one. E_NOT_FOUND. */
must_use int review_subject_of(struct request *request, const char *name,
                               struct review_subject *subject, struct err *err);
/* The source that our own reviews come from. */
must_use int review_source(struct app *app, struct source *source, struct err *err);

#endif
