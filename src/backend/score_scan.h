/*
 * What questions about answers (score, answers, conditions) share: a scan of the long table with the columns that say of each
 * answer where it comes from and whether it was asked for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_SCAN_H
#define SENDA_BACKEND_SCORE_SCAN_H

#include "backend/asked_kept.h"

struct score_scan {
    struct asked_spec asking; /* numbers of the question's own tables */
    const struct asked_kept *kept;
    const struct asked_count *asked; /* decided; NULL where no answer has a unit */
    uint32_t survey, version, question,
        metric;              /* places in view->extra, VIEW_EXTRAS: nobody has it */
    const bool *skip_survey; /* [numbers] NULL: none */
};

/* The place in view->extra of a property, added to the question's scan; VIEW_EXTRAS if no answer has it. */
uint32_t score_scan_extra(struct question *question, uint32_t property);
/* Prepares the question's scan over the answers that `of` picks. Release in any case. E_INVALID … of scan_prepare. */
must_use int score_scan_prepare(struct question *question, const struct matcher *of,
                                struct score_scan *scan, struct err *err);
void score_scan_release(struct question *question, struct score_scan *scan);
/* Puts the columns that say whether an answer was asked for into a scan, and their places into `asking`; after scan_prepare
 * the numbers and reasons that stand in them. */
void score_scan_columns(const struct plan *plan, struct scan_spec *spec, struct asked_spec *asking);
void score_scan_read(const struct scan_spec *spec, struct asked_spec *asking, struct arena *arena);
/* Whether a flagged (or honest) answer is left out by the plan. */
static inline bool score_scan_leaves(const struct plan *plan, enum asked reason) {
    if (reason == ASKED_MISUSE && plan->with_misuse)
        return false;
    return reason ? plan->flagged == FLAGGED_LEAVE_OUT : plan->flagged == FLAGGED_ONLY;
}

#endif
