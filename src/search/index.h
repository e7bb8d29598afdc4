/*
 * The pool of records: see search.h for its format.
 *
 * THREADS  The caller's lock: many may find, one alone may put.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEARCH_INDEX_H
#define SENDA_SEARCH_INDEX_H

#include "search/internal.h"

struct search_pool {
    char *bytes;
    size_t n, capacity, blank;
    uint32_t *
        place; /* [profiles + 1] offset / 2 of the profile's record, 0: none; records begin at even offsets */
    size_t n_places;
};
void search_pool_init(struct search_pool *pool);
void search_pool_release(struct search_pool *pool);
/* A field of a profile, its text in normal form. A trait replaces the one of its code unless that is of a later time_ms
 * (whatever comes in late is not what holds), and empty takes it away; an identifier stands beside those that are there.
 * What a record has no room for is not found. A plain trait says where or with whom somebody belongs, as a city: many have the same,
 * so it comes after whoever is called like that. */
enum search_field { FIELD_IDENTIFIER = 1, FIELD_TRAIT = 2, FIELD_PLAIN = SEARCH_PLAIN };
void search_pool_put(struct search_pool *pool, uint32_t profile, enum search_field field,
                     uint16_t code, int64_t time_ms, struct slice text);

/* Gives back what blank records and growth took: after much was put. */
void search_pool_pack(struct search_pool *pool);

struct search_hit {
    uint32_t owner;
    int distance;
};
/* Whose a profile is: its owner, 0: nobody that may be found. Owners are below n. */
struct search_owners {
    uint32_t (*owner)(const void *context, uint32_t profile);
    /* A field that may not be looked into, by the low 14 bits of its code; NULL: all may. */
    bool (*hides)(const void *context, uint16_t code);
    const void *context;
    size_t n;
};
/* The nearest owners first, each once, at most max. COST 4 bytes an owner, touched where something is found. */
size_t search_pool_find(const struct search_pool *pool, struct slice text,
                        const struct search_owners *owners, struct search_hit *hits, size_t max);

#endif
