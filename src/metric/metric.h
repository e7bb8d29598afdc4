/*
 * HOW WELL: what the organisation has settled about its scores, and the diary of its centres.
 *
 * The numbers themselves are questions (query/, backend/, docs/metrics.md); here is what they are read with: which surveys are
 * relational, transactional or about rivals; the shares of the population that answers are weighted to; whether scores of
 * named staff may be asked for. The diary holds what changed at a centre and when (seats, music, opening hours, people on
 * duty), so that a change of scores is looked at beside it.
 *
 * IN:  what people settle and write down
 * OUT: rows that query/score_rules.h reads; entries of the diary
 *
 * THREADS  Everything from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_METRIC_METRIC_H
#define SENDA_METRIC_METRIC_H

#include <jansson.h>

#include "folder/folder.h"
#include "query/principal.h"

enum { MARGINS_MAX = 200, DIARY_MAX = 20000, DIARY_TEXT_MAX = 500 };

/* [{"survey","relation"}] by name. New reference. */
must_use int metric_surveys(struct folder *folder, json_t **list, struct err *err);
/* relation "" takes it away. E_INVALID: no such relation. */
must_use int metric_survey_put(struct folder *folder, const char *survey, const char *relation,
                               struct err *err);

/* [{"name","margins","author","changed_at"}] by name. New reference. */
must_use int metric_margins(struct folder *folder, json_t **list, struct err *err);
/* E_NOT_FOUND. New reference. */
must_use int metric_margins_find(struct folder *folder, const char *name, json_t **margins,
                                 struct err *err);
/* margins: a list as questions take it, checked by asking with it; the shares of each variable add up to 1 (or are counts).
 * E_INVALID with the pointer; E_REFUSED beyond MARGINS_MAX. */
must_use int metric_margins_put(struct folder *folder, const char *name, const json_t *margins,
                                const char *author, struct err *err);
must_use int metric_margins_remove(struct folder *folder, const char *name, struct err *err);

/* May scores be told by person of staff? Not unless it was put. */
must_use int metric_named_staff(struct folder *folder, bool *allowed, struct err *err);
must_use int metric_named_staff_put(struct folder *folder, bool allowed, struct err *err);

/* The diary. An entry: {"id","unit" (null: everywhere),"kind" (environment, staffing, works, other),"from","to"
 * (null: it still holds),"text","number" (or null),"author","created_at"}. Whoever is limited to units sees theirs and those
 * of everywhere. */
must_use int diary_list(struct folder *folder, const struct principal *principal, json_t **list,
                        struct err *err); /* newest first; new reference */
must_use int diary_find(struct folder *folder, const struct principal *principal, uint64_t id,
                        json_t **entry, struct err *err);
/* Checks and keeps a new entry (*id 0, set then) or another text of one. E_INVALID with the pointer; E_NOT_FOUND; E_REFUSED
 * beyond DIARY_MAX. */
must_use int diary_put(struct folder *folder, const struct principal *principal, uint64_t *id,
                       const json_t *entry, struct err *err);
must_use int diary_remove(struct folder *folder, uint64_t id, struct err *err);

#endif
