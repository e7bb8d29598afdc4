/*
 * Signs of life and of trouble: what each customer did before an instant, counted over fixed windows, as models of leaving read
 * it. Nothing at or after the instant is seen, so that a model cannot learn from what it is to foretell.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOURNEY_SIGNALS_H
#define SENDA_JOURNEY_SIGNALS_H

#include "query/block.h"

enum { SIGNAL_EVENTS = 20, SIGNAL_SHORT_DAYS = 30, SIGNAL_LONG_DAYS = 90 };

/* Counts stop at their type's end. */
struct signals {
    uint32_t first_s, last_s;               /* of any interaction; 0: none */
    uint16_t contacts_short, contacts_long; /* in the last 30 and 90 days */
    uint16_t contacts_before;               /* in the 90 days before those */
    uint8_t events[SIGNAL_EVENTS];          /* in the last 90 days, of the question's matcher k */
};

struct signals_spec {
    uint32_t at_s; /* the instant */
    const uint64_t *lut;
    uint32_t n_events;
    struct signals *by_owner; /* [owner] */
};
/* The state of a thread is the spec itself: owners are in one thread each. */
extern const struct operator signals_operator;

/* Bit k of by_owner[owner]: something matched the question's matcher k. */
struct seen_spec {
    const uint64_t *lut;
    uint64_t *by_owner;
};
extern const struct operator seen_operator;

/* The newest answer with points: by_owner[owner] is what it counts for, NAN before one came. */
struct mood_spec {
    float *by_owner;
};
extern const struct operator mood_operator;

/* First and last instant, in seconds, of what was found: 0: nothing. */
struct span {
    uint32_t first_s, last_s;
};
struct spans_spec {
    struct span *by_owner;
};
extern const struct operator spans_operator;

#endif
