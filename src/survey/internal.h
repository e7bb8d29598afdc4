/*
 * What the files of survey/ share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SURVEY_INTERNAL_H
#define SENDA_SURVEY_INTERNAL_H

#include <stdatomic.h>

#include "survey/survey.h"

struct survey_private {
    atomic_uint references;
    struct arena arena; /* of the survey itself */
    json_t *definition;
};

/* ---- reading a definition ---- */

struct parsing {
    struct survey *survey;
    struct arena *arena;
    struct survey_question *questions; /* those read so far are in survey->n_questions */
    struct survey_page *pages;
    struct err *err;
};

/* Refuses members that are not among names (a blank-separated list). */
must_use int parse_known(struct parsing *parsing, const json_t *json, const char *names,
                         const char *at);
/* Members; absent leaves *value as it is. */
must_use int parse_text(struct parsing *parsing, const json_t *json, const char *name,
                        const char *at, size_t max, struct survey_text *text);
must_use int parse_string(struct parsing *parsing, const json_t *json, const char *name,
                          const char *at, size_t max, const char **value);
must_use int parse_flag(struct parsing *parsing, const json_t *json, const char *name,
                        const char *at, bool *value);
must_use int parse_number(struct parsing *parsing, const json_t *json, const char *name,
                          const char *at, double low, double high, double *value);
/* A name as ids are: a–z A–Z 0–9 _ -, at most SURVEY_ID_BYTES. */
bool is_survey_id(const char *id);
must_use int parse_id(struct parsing *parsing, const json_t *json, const char *at, const char **id);
__attribute__((format(printf, 4, 5))) int parse_fault(struct parsing *parsing, const char *at,
                                                      const char *member, const char *format, ...);
/* question.c */
must_use int parse_question(struct parsing *parsing, const json_t *json, const char *at,
                            struct survey_question *question);
/* condition.c: a reference to a question that does not stand before `before` (questions read so far) is a fault. */
must_use int parse_condition(struct parsing *parsing, const json_t *json, const char *at,
                             const struct survey_condition **condition);

/* ---- answers ---- */

/* "choice.other" → the text, or NULL. */
const char *answer_other(const json_t *answers, const char *question, struct arena *arena);

/* ---- records ---- */

/* Records what lies still as partial answers; *done: how many. */
must_use int survey_record_idle(struct folder *folder, int64_t now_ms, size_t *done,
                                struct err *err);
/* What a complete answer counts for: the survey's limit ("") and the quotas that it falls in. */
enum { SURVEY_COUNTERS = 101 };
struct survey_counting {
    const struct survey *survey;
    const char *quotas[SURVEY_COUNTERS];
    uint64_t limits[SURVEY_COUNTERS]; /* 0: counts without one */
    size_t n;
};
must_use int survey_counting_begin(struct folder *folder, const struct survey *survey,
                                   const json_t *answers, const struct survey_context *context,
                                   struct survey_counting *counting, struct err *err);
/* In the transaction of the answer. E_REFUSED: one is full; nothing of it may stay. */
must_use int survey_counting_write(const struct survey_counting *counting, sqlite3 *db,
                                   struct err *err);
/* After it: for those who look at what is counted. */
must_use int survey_counting_end(struct folder *folder, const struct survey_counting *counting,
                                 struct err *err);

#endif
