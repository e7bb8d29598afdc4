/*
 * FIND: customers by any fragment of what identifies them, accents and typos forgiven.
 *
 * IN:  sealed identifiers (customer/), current traits that identify (timeline/)
 * OUT: owners, best first
 *
 * Identifiers are sealed at rest, so no index of them may lie on disk. This one is in memory, made at first need and
 * brought up to date before each search from what was committed since: new rows of the identities, rows of traits that
 * are newer than the last one read. Nothing hangs on the writer.
 *
 * FORMAT of the pool: records, each
 *   '\n'  0x80 | 7 bits of the profile number, five times  ( field: 0x01…0x08 | 2 bytes 0x80 | 7 bits of code ... text )
 * A profile has one record; a change writes a new one at the end and blanks the old one; when half is blank, the pool is
 * packed. A search runs over the pool with 16 bytes at a time (first and last byte of the needle), so a fragment needs no
 * table of trigrams and costs no memory beyond the text.
 *
 * ORDER  the whole field; its beginning; the beginning of a word; inside a word; one typo; two. A typo is a letter
 * missing, added, changed or two swapped (Damerau–Levenshtein, restricted), forgiven from four letters on, two from eight.
 * A question of digits is compared with digits: a phone in any writing.
 *
 * COST  Text plus about 12 bytes a customer and 3 a field; measured with a million customers of four
 * fields: 172 MB, filled in 1.2 s without the unsealing; 14 to 65 ms a search, up to 160 ms with typos; a number that
 * nobody has takes 750 ms and finds those within two digits.
 *
 * THREADS  All from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEARCH_SEARCH_H
#define SENDA_SEARCH_SEARCH_H

#include "folder/folder.h"

enum { SEARCH_TEXT_BYTES = 255, SEARCH_FOUND_MAX = 2000 };

/* owners: room for *n; becomes how many. Empty for a text of blanks. Errors: those of reading the records and the timeline. */
must_use int search_customers(struct folder *folder, struct slice text, uint32_t *owners, size_t *n,
                              struct err *err);

#endif
