/*
 * How many values of a kind one customer has: a kind that has reached its limit there (kinds.h, values) is full. Nothing more
 * joins that customer through it by itself: another value is not attached, and whom a value would bring stays apart, as a
 * proposal to merge where both were seen with it. What the customer has keeps leading there. A person may merge beyond the
 * limit, and may make room by separating a value.
 *
 * What counts are the values that lead to the customer now, of all profiles that it is made of; a value that dropped out
 * (dropped.h) leads nowhere.
 *
 * COST  Nothing while a customer has fewer values than the smallest limit: a byte for each profile bounds them from above. Beyond, its
 * identifiers are read for each value that wants to join, until the kind is full.
 *
 * THREADS  The writer's, but for the two lists: from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_FULL_H
#define SENDA_CUSTOMER_FULL_H

#include "customer/kinds.h"

struct full_kind {
    uint64_t number;  /* of its row in the records, 0: it never turned anybody away */
    uint32_t owner;   /* the customer of today */
    const char *kind; /* its name */
    unsigned values;  /* that lead there now */
    unsigned limit;
    int64_t since_ms; /* when it turned somebody away first; 0: never */
};

/* Kinds that are full at a customer now, of whom these identifiers are known (customers_known_identities). Texts in the arena. */
must_use int customers_full_kinds(struct customers *customers, uint32_t owner,
                                  const struct known_identity *identities, size_t n_identities,
                                  struct arena *arena, struct full_kind **list, size_t *n,
                                  struct err *err);
/* Those that turned somebody away and are full still, of all customers, newest first: at most *n of the rows with a number
 * below before (0: all) are looked at; *n becomes how many. *next: where to go on, 0: no more. */
must_use int customers_full(struct customers *customers, uint64_t before, struct arena *arena,
                            struct full_kind **list, size_t *n, uint64_t *next, struct err *err);

/* ---- the writer's ---- */

enum { FULL_MEMOS = 1024 };
struct full {
    unsigned char *held; /* [room] by owner: values of kinds with a limit, at most; HELD_UNKNOWN */
    size_t room;
    const struct identifier_kinds *kinds; /* that the rest was found with */
    unsigned least;                       /* the smallest limit, 0: none has one */
    uint64_t turn;                        /* what was found full before it may not be any more */
    struct full_memo {
        uint64_t turn;
        uint32_t owner;
        unsigned kind;
    } memos[FULL_MEMOS];
};
void full_init(struct full *full, uint32_t profiles);
void full_release(struct full *full);
/* Kinds may be others: call it before a decision. True: they are. */
bool full_refresh(struct customers *customers);
/* A profile was made with this identifier; one was attached; two customers became one. */
void full_created(struct customers *customers, uint32_t profile, const struct identity *identity);
void full_attached(struct customers *customers, uint32_t owner, const struct identity *identity);
void full_merged(struct customers *customers, uint32_t from, uint32_t into);
/* A customer may have fewer values than before. */
void full_changed(struct customers *customers, uint32_t owner);
/* Whether one more value may join the customer, and whether two may become one; what is full is written down. */
must_use int full_has_room(struct customers *customers, uint32_t owner,
                           const struct identity *identity, bool *room, sqlite3 *db,
                           struct err *err);
must_use int full_may_merge(struct customers *customers, uint32_t one, uint32_t other, bool *may,
                            sqlite3 *db, struct err *err);

#endif
