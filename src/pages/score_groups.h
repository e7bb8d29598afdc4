/*
 * A score by unit and by one thing more (channel, touchpoint, version, a segmentation, a property or trait), with what may be said
 * of an order; countries each by itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PAGES_SCORE_GROUPS_H
#define SENDA_PAGES_SCORE_GROUPS_H

#include "pages/scores.h"

/* Adds to what the page shows of the chosen score: units, units_ranking, groups, groups_ranking, splits, split_kinds, split_name,
 * by_channel, countries. */
void score_groups_add(const struct score_view *view, json_t *chosen);

#endif
