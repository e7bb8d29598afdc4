/*
 * The columns of a map of reviews, and a row of them as the properties of an interaction Product Reviewed. Private to
 * collect/import_*.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_REVIEWS_H
#define SENDA_COLLECT_IMPORT_REVIEWS_H

#include <jansson.h>

#include "base/zone.h"
#include "collect/event.h"
#include "collect/import_guess.h"
#include "collect/import_table.h"

/* X(name, member of the map, property): what a review brings besides customer, time, channel, unit and message_id. */
#define REVIEW_PART_TABLE(X)                                                                       \
    X(RATING, "rating", "rating")                                                                  \
    X(SUBJECT, "subject", "subject")                                                               \
    X(KIND, "subject_kind", "subject_kind")                                                        \
    X(NAME, "name", "name")                                                                        \
    X(TITLE, "title", "title")                                                                     \
    X(TEXT, "text", "review_body")                                                                 \
    X(AUTHOR, "author", "author")                                                                  \
    X(SITE, "site", "site")                                                                        \
    X(LANGUAGE, "language", "language")                                                            \
    X(INVITED, "invited", "invited_at")                                                            \
    X(ORDERED, "ordered", "ordered_at")                                                            \
    X(STATE, "state", "state")                                                                     \
    X(ID, "review_id", "review_id")                                                                \
    X(MONTHS, "months", "months")

enum review_part {
#define X(name, member, property) REVIEW_PART_##name,
    REVIEW_PART_TABLE(X)
#undef X
        REVIEW_PARTS
};
const char *review_part_member(size_t part);

struct review_column {
    struct slice name, constant; /* of the column, or a text for all rows; neither: not there */
    int column;                  /* after bind, -1: none */
};
struct review_columns {
    struct review_column columns[REVIEW_PARTS];
    double scale_min, scale_max; /* equal: 1 to 5 */
};

/* A member of the map. E_NOT_FOUND: it is none of reviews; E_INVALID with the pointer. */
must_use int review_columns_member(struct review_columns *columns, const char *name,
                                   const json_t *json, struct arena *arena, struct err *err);
must_use int review_columns_check(const struct review_columns *columns, struct err *err);

struct review_row_reading {
    const struct review_columns *columns;
    const struct table_row *row;
    char decimal;
    const char *time_format; /* of instants besides RFC 3339, NULL: none */
    const struct zone *zone;
};
/* Adds the properties to the event, which has room for REVIEW_PARTS + 2 more. message: EVENT_MESSAGE_BYTES. */
enum refusal review_columns_row(const struct review_row_reading *reading, struct arena *arena,
                                struct event *event, char *message);

/* Looks like reviews: a column of ratings, one of what is rated, and one of words. */
bool guess_is_reviews(const struct sample *sample);
/* The map as JSON: the parts that guess_parts found (time, customer, channel, unit) and those of reviews. False:
 * no column looks like the rating. */
bool guess_reviews_json(const struct sample *sample, const struct guess *guess, struct buf *json);

#endif
