/*
 * Where a checked plan runs: one interface, several backends.
 *
 * IN:  a query (JSON) and who asks
 * OUT: its answer (JSON), the same document in the shell, the API and behind each chart
 *
 * `local` is the product's engine over the timeline; `reference` is slow and obvious and defines the answers; the
 * suites compare them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_BACKEND_H
#define SENDA_BACKEND_BACKEND_H

#include <jansson.h>
#include <stdatomic.h>

#include "folder/folder.h"
#include "query/principal.h"

struct query_control {
    atomic_bool
        cancelled;    /* set by whoever watches the asker; the query then ends with E_CANCELLED */
    int64_t limit_ms; /* 0: LIMIT_QUERY_MS; then E_TIMEOUT */
};

enum backend { BACKEND_LOCAL, BACKEND_REFERENCE };

/* Parses, checks, plans and runs. *answer is a new reference: {"kind","data","meta"}. Runs in the calling thread
 * (and one helper thread on large data). Errors: E_MALFORMED, E_INVALID with the pointer, E_TIMEOUT, E_CANCELLED,
 * E_CORRUPT. control may be NULL. */
must_use int query_run(struct folder *folder, enum backend backend, const json_t *query,
                       const struct principal *principal, struct query_control *control,
                       json_t **answer, struct err *err);

/* Only checks: the errors that query_run gives before it runs anything. */
must_use int query_check(struct folder *folder, const json_t *query,
                         const struct principal *principal, struct err *err);

/* The same, and what it warns of, as `meta.warnings` of the answer would be; an empty list where it is nothing. New reference. */
must_use int query_warnings(struct folder *folder, const json_t *query,
                            const struct principal *principal, json_t **warnings, struct err *err);

/* What a name of a stored rule would mean; rule NULL: nothing. */
struct stored_change {
    const char *name;
    const json_t *rule;
};
/* Would every stored rule still be one after these changes? Errors: E_INVALID with the pointer in the rule of the change
 * that *refused says, and E_CONFLICT naming a segment that is built on one of them and would be none any more. */
must_use int query_check_stored(struct folder *folder, const struct stored_change *changes,
                                size_t n, size_t *refused, struct err *err);

/* An answer as text for the shell: CSV (RFC 4180, formula injection defused) or an aligned table. */
void query_answer_csv(const json_t *answer, struct buf *out);
void query_answer_table(const json_t *answer, struct buf *out);

#endif
