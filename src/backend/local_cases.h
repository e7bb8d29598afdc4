/*
 * What questions about whole cases (flow, variants, paths) have in common: the names of their level, one run for each value
 * of `by`, how long cases take. Private to backend/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_LOCAL_CASES_H
#define SENDA_BACKEND_LOCAL_CASES_H

#include "backend/local.h"
#include "journey/cases.h"
#include "journey/spread.h"

/* ---- names of the level: events, touchpoints or stations ---- */

enum dictionary_kind level_kind(const struct plan *plan);
struct slice level_name(const struct question *question, uint32_t code);
/* Every name by code; [0] is empty. In the question's arena; returns how many. */
uint32_t level_names(const struct question *question, const struct slice **names);
/* E_INVALID at pointer: nothing has this name. */
must_use int level_find(const struct question *question, struct slice name, const char *pointer,
                        uint16_t *code, struct err *err);
/* The codes of people.path, in the question's arena. */
must_use int level_find_path(const struct question *question, uint16_t **path, struct err *err);

/* ---- cases ---- */

/* Before question_prepare: what the scan must hand over. */
void question_begin_cases(struct question *question);
/* Cases are picked by their value, of all or of those behind a number. */
bool question_picks_cases(const struct plan *plan);
/* The most rows of a list; with `by`, the limit is of values. */
uint32_t question_rows(const struct plan *plan);
/* One run for each value, or one for all. run() adds to the answer; by: borrowed, or NULL. */
must_use int question_each_value(struct question *question, struct case_pick *pick, void *context,
                                 int (*run)(struct question *question, void *context, json_t *by,
                                            struct err *err),
                                 struct err *err);

/* ---- answers ---- */

void json_set_lengths(json_t *json, struct spread *lengths);
/* object.member += n. */
void json_add_to(json_t *object, const char *member, size_t n);
/* Adds what one value of `by` has as a whole to data.groups. group: taken over. */
void question_add_group(struct question *question, json_t *group);
/* meta.approximate, once spreads were rounded to keep within the budget. */
void question_note_approximate(struct question *question, struct spread_budget *budget);

#endif
