/*
 * Values that identify nobody any more, because they brought too many together: a kind's limit (kinds.h) counts the
 * customers that a value was seen with and could not make one.
 *
 * A dropped anonymousId gets a profile of its own for what comes with it alone; it joins nobody. Another identifier that is dropped leads
 * nowhere. Who they had been given to keeps what there is, and a person may separate it; a person may also admit the value again,
 * which then counts from nothing.
 *
 * COST  Nothing for an event while nothing is dropped, else one probe an identifier. A row for each pair of shared value and profile.
 *
 * THREADS  shared_with in the writer's thread; the rest from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_DROPPED_H
#define SENDA_CUSTOMER_DROPPED_H

#include "customer/customer.h"

struct dropped_identifier {
    uint64_t number;
    struct identity identity;
    unsigned customers; /* that it had brought together */
    int64_t dropped_ms;
};
/* Newest first, at most *n with a number below before (0: all); *n becomes how many. Texts in the arena. */
must_use int customers_dropped(struct customers *customers, uint64_t before, struct arena *arena,
                               struct dropped_identifier **list, size_t *n, struct err *err);
/* Each two owners of today who were seen with the same identifier and stayed two, of identifiers that at most `most` shared. */
must_use int customers_shared(struct customers *customers, unsigned most,
                              void (*take)(void *context, uint32_t one, uint32_t other),
                              void *context, struct err *err);
/* Takes one off the list. E_NOT_FOUND. */
must_use int customers_admit(struct customers *customers, uint64_t number, struct err *err);

#endif
