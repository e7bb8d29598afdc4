/*
 * What the meta of a score says besides: how many answers were flagged and why, which surveys were mixed, and a metric that
 * nobody has answered yet (a mistyped name would else be an empty score).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_SCORE_TELL_H
#define SENDA_BACKEND_SCORE_TELL_H

#include "backend/local.h"
#include "journey/score.h"

/* Adds flagged, warnings and, with `unknown_metric`, metrics (those that the asker's answers have). state NULL: nobody has
 * answered anything. Errors of scan_prepare and scan_run. */
must_use int score_tell(struct question *question, const struct score_state *state,
                        struct err *err);

#endif
