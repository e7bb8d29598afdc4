/*
 * What people answered to a survey, read back row by row from the timeline, within what the asker may see.
 *
 * IN:  the long table (rows ROW_ANSWER) and the interactions Survey Invited, Shown, Dismissed, Responded
 * OUT: one call a row, in no order
 *
 * COST  One pass over the rows of parts that name the survey; parts that do not are skipped by their dictionary of values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SURVEY_RESULTS_H
#define SENDA_SURVEY_RESULTS_H

#include "query/principal.h"
#include "survey/survey.h"

struct survey_filter {
    const struct principal *principal;
    int64_t from_ms, to_ms; /* half-open */
    uint32_t version;       /* 0: all */
    struct slice channel, touchpoint, unit, language,
        question; /* absent: any; a unit: with everything below it */
};

/* Survey Invited has neither version nor language: it is read whatever the filter says of these. */
enum survey_event {
    SURVEY_INVITED,
    SURVEY_SHOWN,
    SURVEY_DISMISSED,
    SURVEY_RESPONDED,
    SURVEY_EVENTS
};

/* A row; texts are views, valid during the call. */
struct survey_said {
    enum survey_event event; /* of interactions */
    uint32_t owner;          /* customer, merges applied */
    uint64_t seq;
    int64_t time_ms;
    struct slice submission, language, channel, unit, touchpoint;
    int64_t version;
    bool partial, by_invitation;
    /* of answers */
    struct slice question, metric;
    struct value value;
    double points, scale_min, scale_max;
    bool has_points;
};

/* Calls take for each answer, or each `Survey …` interaction, that the filter lets through, part by part, in it customer by
 * customer. What it is given lives during the call. E_INVALID at /unit. */
must_use int survey_read_answers(struct folder *folder, struct slice survey,
                                 const struct survey_filter *filter,
                                 void (*take)(void *context, const struct survey_said *said),
                                 void *context, struct err *err);
must_use int survey_read_events(struct folder *folder, struct slice survey,
                                const struct survey_filter *filter,
                                void (*take)(void *context, const struct survey_said *said),
                                void *context, struct err *err);

#endif
