/*
 * What the organisation has settled about its scores: which surveys are relational, transactional or about rivals, the margins
 * that weights may be taken from, whether scores of named staff may be asked for. Kept in the records (tables `score_survey`,
 * `score_margins`, setting `scores`, written by metric/), read per question.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_SCORE_RULES_H
#define SENDA_QUERY_SCORE_RULES_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"

/* X(name, word): what a survey asks about. Relational: the whole relation, at any time. Transactional: what just happened.
 * Rivals: other brands, asked in the same words. */
#define SURVEY_RELATION_TABLE(X)                                                                   \
    X(RELATIONAL, "relational")                                                                    \
    X(TRANSACTIONAL, "transactional")                                                              \
    X(RIVALS, "rivals")
enum survey_relation {
    RELATION_NONE,
#define X(name, word) RELATION_##name,
    SURVEY_RELATION_TABLE(X)
#undef X
        RELATIONS
};
enum survey_relation survey_relation_of(struct slice text); /* RELATION_NONE: no such word */

struct score_rules {
    bool named_staff;
    size_t n_surveys, n_margins;
    const struct score_survey {
        struct slice name;
        enum survey_relation relation;
    } * surveys;
    const struct score_margins_row { struct slice name, margins; /* margins: JSON */ } * margins;
};

#define SCORE_NAMED_STAFF "scores.named_staff" /* setting: "1" */

/* Texts live in the arena. */
must_use int score_rules_load(sqlite3 *db, struct arena *arena, struct score_rules *rules,
                              struct err *err);
enum survey_relation score_rules_relation(const struct score_rules *rules, struct slice survey);

#endif
