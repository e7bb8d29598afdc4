/*
 * Definitions in the formats of others.
 *
 * IN:  a file: ours, SurveyJS (JSON), LimeSurvey (.lss)
 * OUT: our definition, and a list of what has no place in it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SURVEY_FORMATS_H
#define SENDA_SURVEY_FORMATS_H

#include "survey/survey.h"

/* format: "senda", "surveyjs", "lss", "" to recognise it. *left is a list of {"what","why"}. New references. E_MALFORMED: no
 * JSON or XML; E_INVALID: nothing in it can be asked. */
must_use int survey_import(struct slice file, const char *format, json_t **definition,
                           json_t **left, struct err *err);
must_use int import_surveyjs(const json_t *theirs, json_t *left, json_t **definition,
                             struct err *err);
must_use int import_lss(struct slice xml, json_t *left, json_t **definition, struct err *err);

/* For the readers: a name of theirs as an id of ours that `taken` (an object) has not yet, and puts it there; in the arena. */
const char *import_id(const char *name, const char *standard, json_t *taken, struct arena *arena);
/* Adds a question (taken over) unless it has nothing to choose from, which is noted. */
void import_add(json_t *questions, json_t *question, json_t *left);
/* html_text.c: as people read it, in the arena. */
const char *html_text(const char *html, struct arena *arena);
/* A text in which each {…} that `find` knows is what it gives; the others stay as they are. In the arena. */
const char *import_quotes(const char *text, const char *(*find)(void *of, struct slice inner),
                          void *of, struct arena *arena);
/* Notes what was left out. */
void import_left(json_t *left, const char *what, const char *why);

/* import_surveyjs_condition.c: a condition `visibleIf` as ours, a new reference; NULL: it says more than ours can. names: their
 * names → our ids; values: our ids → their values of options → our ids. */
json_t *surveyjs_condition(const json_t *names, const json_t *values, const char *text,
                           struct arena *arena);

#endif
