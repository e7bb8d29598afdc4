/*
 * Shared inside search/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_SEARCH_INTERNAL_H
#define SENDA_SEARCH_INTERNAL_H

#include "search/search.h"

/* The form in which fields and questions are compared: of a number its digits alone, of all else search_fold. */
size_t search_normal(struct slice text, char out[SEARCH_TEXT_BYTES]);

/* A folded question, cut into words. */
enum { SEARCH_PLAIN = 3 /* begins a field that comes after all others: index.h */ };
enum { SEARCH_WORDS = 8, SEARCH_HEAD = 4, SEARCH_TRAIT_HEAD = 10, SEARCH_CODES = 1 << 14 };
struct search_question {
    char text[SEARCH_TEXT_BYTES];
    size_t n;
    struct slice words[SEARCH_WORDS];
    size_t n_words;
    size_t longest; /* index of the word that candidates are found by */
};
void search_question_set(struct search_question *question, struct slice text);

/* How far the fields of one person, divided by bytes from 0x01 to 0x1F, are from the question: 0 a field is the whole
 * question, then rising; typos: how many a word may have at most (fewer in a short one). SEARCH_NO: not found. */
enum { SEARCH_NO = INT32_MAX };
int search_distance(const struct search_question *question, struct slice fields, unsigned typos);
/* Typos that are forgiven in a word: none in a number, which is somebody else's with one digit changed. */
unsigned search_typos(struct slice word);
bool search_forgives(const struct search_question *question); /* in any of its words */
/* The needles of which one at least stands in whatever is at most `typos` from the word, and where in the word. */
enum { SEARCH_NEEDLES = 8 };
struct search_needle {
    struct slice text;
    size_t offset;
    char own[SEARCH_TEXT_BYTES + 1];
};
size_t search_needles(struct slice word, unsigned typos,
                      struct search_needle needles[SEARCH_NEEDLES]);
/* May the word, with typos, begin where the token around a hit of the needle begins? */
bool search_needle_fits(const struct search_needle *needle, const char *pool, size_t at,
                        unsigned typos);

/* Offset of the first occurrence at or after `from`, n if none. COST about 5 GB a second. */
size_t search_scan(const char *pool, size_t n, size_t from, struct slice needle);

#endif
