/*
 * What import_map.c reads from a map, import_map_bind.c completes by the header of a file, and import_map_row.c makes events by.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_MAP_INTERNAL_H
#define SENDA_COLLECT_IMPORT_MAP_INTERNAL_H

#include "collect/import_answers.h"
#include "collect/import_map.h"
#include "collect/import_reviews.h"

/* Where a part comes from: a column by name, a text for all rows, or (customers) the row's number after a text; none: it is
 * not there. */
struct place {
    struct slice name, constant, numbered; /* numbered.p NULL: not by the row's number */
    int column;                            /* after bind; -1: none */
};

struct kept_column {
    struct slice name; /* of the property */
    int column;
    enum cell_type type;
};

struct import_map {
    struct arena arena;
    enum map_kind kind;
    struct place parts[MAP_PARTS];
    struct slice survey;           /* responses: its name */
    struct place survey_of_row;    /* or the column that has it */
    bool anonymous;                /* responses: respondents are known within their survey only */
    struct answer_columns answers; /* responses */
    struct review_columns review;  /* reviews */
    char *time_format, *encoding, *sheet;
    char delimiter, decimal;
    bool bare;         /* no header */
    uint64_t header;   /* the row of the header; 0: the first */
    struct zone *zone; /* the map's own */
    const struct zone *bound_zone;
    bool all;             /* properties: "*" */
    struct slice *wanted; /* else names */
    size_t n_wanted;
    struct slice *wanted_traits; /* responses */
    size_t n_wanted_traits;
    struct type_of {
        struct slice folded;
        enum cell_type type;
        bool used;
    } * types;
    size_t n_types;
    struct kept_column *kept; /* after bind */
    size_t n_kept, n_columns;
    struct kept_column *kept_traits;
    size_t n_kept_traits;
};

struct map_member {
    const char *member; /* of the map */
    size_t max;         /* bytes of its texts */
};
extern const struct map_member map_members[MAP_PARTS];

#endif
