/*
 * FIND: customers by any fragment of what identifies them, accents and typos forgiven.
 *
 * IN:  sealed identifiers (customer/), current traits that identify (timeline/)
 * OUT: owners, best first
 *
 * Identifiers are sealed at rest, so no index of them may lie on disk. This one is in memory, made in the background when
 * the server begins (search_prepare, else at first need) and brought up to date before each search from what was
 * committed since: new rows of the identities, rows of traits that are newer than the last one read. Nothing hangs on the
 * writer. A search that comes while much is being read waits two seconds for it, then takes what is there.
 *
 * FORMAT of the pool: records, each
 *   '\n'  0x80 | 7 bits of the profile number, five times  ( field: 0x01, 0x02 or 0x03 | 0x80 | 7 bits, twice of the code of the
 *   identifier or trait, six times of the instant since when a trait holds | 0x1F | text )
 * The text of a trait that an identifier says too (an e-mail) stands once.
 * A profile has one record; a change writes a new one at the end and blanks the old one; when half is blank, the pool is
 * packed. A search runs over the pool with 16 bytes at a time (first and last byte of the needle), so a fragment needs no
 * table of trigrams and costs no memory beyond the text.
 *
 * What is found are identifiers, traits that say who somebody is (names, addresses, contracts), and those that say where or with whom
 * they belong (city, province, country, postal code, company, profession, tariff): the tables in search.c, by the trait's name.
 *
 * ORDER  the whole field; its beginning; the beginning of a word; inside a word; one typo; two; then, in the same order, where it says where
 * somebody belongs. A typo is a letter
 * missing, added, changed or two swapped (Damerau–Levenshtein, restricted), forgiven from four letters on, two from eight.
 * A question of digits is compared with digits: a phone in any writing, and no typos are forgiven in it. Of a trait the
 * value with the latest time of its event is found, whatever arrived last.
 *
 * COST  Text plus about 12 bytes a customer, 4 an identifier and 10 a trait; half as much again while it is made.
 *
 * THREADS  All from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEARCH_SEARCH_H
#define SENDA_SEARCH_SEARCH_H

#include "query/sight.h"

enum { SEARCH_TEXT_BYTES = 255, SEARCH_FOUND_MAX = 10000 };

struct search_ask {
    struct slice text;
    const uint64_t *visible; /* bit set of the owners that may be found; NULL: all */
    uint32_t visible_last;   /* the last one that it has a bit for */
    uint32_t without;        /* an owner that is left out, 0: none */
    size_t skip;             /* so many of the nearest */
    struct sight sight;      /* what it hides is not looked into */
};
/* owners: room for *n; becomes how many. more: there are others after them. None beyond the SEARCH_FOUND_MAX nearest; empty
 * for a text of blanks. Errors: those of reading the records and the timeline. */
must_use int search_customers(struct folder *folder, const struct search_ask *ask, uint32_t *owners,
                              size_t *n, bool *more, struct err *err);

/* Lower case without accents and needless blanks; how many bytes of out it filled. */
size_t search_fold(struct slice text, char out[SEARCH_TEXT_BYTES]);

/* Reads what is there, as a first search would; ends soon with E_CANCELLED after search_stop, which is for good. */
must_use int search_prepare(struct folder *folder, struct err *err);
void search_stop(struct folder *folder);
/* Has everything been read once? Until then a search may miss some. */
bool search_is_whole(struct folder *folder);

/* What was read is forgotten: the next search reads everything again. For who takes identifiers or traits away. */
void search_forget(struct folder *folder);

#endif
