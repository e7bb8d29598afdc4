/*
 * Rows of an export, whatever its format: a page of cells at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_API_EXPORT_ROWS_H
#define SENDA_API_EXPORT_ROWS_H

#include "api/api.h"

enum { EXPORT_COLUMNS = 24 };

enum cell_kind { CELL_TEXT, CELL_NUMBER, CELL_JSON, CELL_TIME }; /* CELL_TIME: instant in number */

struct export_cell {
    struct slice text; /* absent: empty */
    double number;
};

struct export_page {
    struct arena *arena;
    struct export_cell *cells; /* [n * columns] */
    size_t n;
};

struct export_source; /* what is exported, and how far it is */

/* One kind of export. */
struct export_kind {
    const char *name; /* "interactions" */
    unsigned scopes;  /* needed besides the route's */
    size_t n_columns;
    struct {
        const char *name;
        enum cell_kind kind;
    } columns[EXPORT_COLUMNS];
    /* The next page (n = 0 at the end); cells are the arena's. */
    int (*next)(struct export_source *source, struct export_page *page, struct err *err);
};

struct export_source {
    const struct export_kind *kind;
    struct request *request; /* lives as long as the export */
    int64_t from_ms, to_ms;  /* of interactions, half-open */
    uint64_t position, end;
    uint32_t *members; /* customers: only these, ascending; NULL: all. free() */
    size_t n_members;
};

/* Begins to answer (exports.c). segment: only its members, for kind customers; NULL: all. */
must_use int export_begin(struct request *request, struct response *response,
                          const struct export_kind *kind, const char *segment, struct err *err);

extern const struct export_kind export_interactions, export_customers, export_audit,
    export_responses, export_reviews;

#endif
