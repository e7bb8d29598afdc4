/*
 * The answers of a map of responses: which column answers which question, and a row's answers as the property `answers`
 * that collect/answers.h reads. Private to collect/import_map.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_ANSWERS_H
#define SENDA_COLLECT_IMPORT_ANSWERS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "collect/import_table.h"

/* In place of `question`, `metric`, `scale` ("1-7") and `touchpoint`, {"column": name}: what the row says. */
enum answer_cell { ANSWER_QUESTION, ANSWER_METRIC, ANSWER_SCALE, ANSWER_TOUCHPOINT, ANSWER_CELLS };

struct answer_column {
    struct slice name;                /* of the column */
    struct slice cells[ANSWER_CELLS]; /* columns, or absent */
    int cell_columns[ANSWER_CELLS];   /* after bind, -1: none */
    struct slice question, metric, touchpoint;
    double scale_min, scale_max; /* equal: the metric's own */
    const struct slice *missing; /* [n_missing] cells that are no answer; an empty one never is */
    size_t n_missing;
    int column; /* after bind */
};
struct answer_columns {
    struct answer_column *columns;
    size_t n;
    /* Member `scales`: a column that says of each row what its answers are: "recommend=nps:0-10;failed=choice[]", as our own wide
     * files have it; [] is a list, whose parts are parted by "; ". */
    struct slice scales;
    int scales_column; /* after bind, -1: none */
    /* Member `response`: a column whose rows of the same value (and time and survey) are one response, an answer a row. */
    struct slice response;
    int response_column; /* after bind, -1: none */
};

/* The member `answers` of a map. E_INVALID with its pointer. Texts live in the arena. */
must_use int answer_columns_parse(struct answer_columns *columns, const json_t *json,
                                  struct arena *arena, struct err *err);
/* Finds the columns: `find` gives the one of a name, -1 for no name, or E_INVALID at the member. */
must_use int answer_columns_bind(struct answer_columns *columns,
                                 int (*find)(void *of, struct slice name, const char *member,
                                             int *column, struct err *err),
                                 void *of, struct err *err);
/* A row's answers (and those of `more`) as a list of JSON objects, in the arena; absent when it has none. decimal: sign of the file. */
struct slice answer_columns_row(const struct answer_columns *columns, const struct table_row *row,
                                char decimal, struct arena *arena);

#endif
