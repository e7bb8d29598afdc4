/*
 * Interactions that Senda derives by itself (source 0, "system"): somebody entered a segment, a promise broke. They go
 * straight to the log, of a customer that is known already: no identifiers, no de-duplication.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_DERIVED_H
#define SENDA_COLLECT_DERIVED_H

#include "collect/ingest.h"

struct derived_event {
    uint32_t customer; /* profile number */
    int64_t time_ms;
    uint16_t unit;                    /* or CODE_NONE */
    struct slice channel, touchpoint; /* absent: none */
    struct slice event;
    const struct event_property *properties;
    size_t n_properties;
};

/* Stores n of them and returns once they are durable. along (may be NULL) runs in the same transaction, perhaps more than
 * once: what it writes and the interactions are there together or not at all. Keep n below DERIVED_MAX. Not from the
 * writer thread. */
enum { DERIVED_MAX = 2000 };
must_use int ingest_derive(struct ingest *ingest, const struct derived_event *events, size_t n,
                           int (*along)(void *context, sqlite3 *db, struct err *err), void *context,
                           struct err *err);

#endif
