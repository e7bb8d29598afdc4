/*
 * How well a person's fields answer a question: see search.h for the order.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>

#include "search/internal.h"

typedef uint8_t block __attribute__((vector_size(16)));
enum { BLOCK = sizeof(block) };

enum { HEAD_END = 0x1F };
enum { WHOLE = 0, BEGINNING = 1, WORD = 2, INSIDE = 3, TYPO = 4, PLAIN = 7, STEP = 1000 };

void search_question_set(struct search_question *question, struct slice text) {
    question->n_words = question->longest = 0;
    question->n = search_normal(text, question->text);
    for (size_t i = 0; i < question->n && question->n_words < SEARCH_WORDS;) {
        size_t end = i;
        while (end < question->n && question->text[end] != ' ')
            end++;
        if (end > i)
            question->words[question->n_words++] = (struct slice){question->text + i, end - i};
        i = end + 1;
    }
    for (size_t i = 1; i < question->n_words; i++)
        if (question->words[i].n > question->words[question->longest].n)
            question->longest = i;
}

/* ---- scanning ---- */

static bool any(block hits) {
    uint64_t halves[2];
    memcpy(halves, &hits, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

size_t search_scan(const char *pool, size_t n, size_t from, struct slice needle) {
    if (needle.n > n)
        return n;
    size_t last = n - needle.n, at = from; /* the last place where it could stand */
    block first = {0}, end = {0};
    first += (uint8_t)needle.p[0];
    end += (uint8_t)needle.p[needle.n - 1];
    for (; at + BLOCK + needle.n <= n; at += BLOCK) {
        block head, tail;
        memcpy(&head, pool + at, BLOCK);
        memcpy(&tail, pool + at + needle.n - 1, BLOCK);
        block hits = (block)((head == first) & (tail == end));
        if (!any(hits))
            continue;
        for (size_t i = 0; i < BLOCK; i++)
            if (hits[i] && memcmp(pool + at + i, needle.p, needle.n) == 0)
                return at + i;
    }
    for (; at <= last; at++)
        if (memcmp(pool + at, needle.p, needle.n) == 0)
            return at;
    return n;
}

/* ---- typos ---- */

unsigned search_typos(struct slice word) {
    size_t digits = 0;
    while (digits < word.n && isdigit((unsigned char)word.p[digits]))
        digits++;
    return digits == word.n || word.n < 4 ? 0 : word.n < 8 ? 1 : 2;
}

bool search_forgives(const struct search_question *question) {
    for (size_t i = 0; i < question->n_words; i++)
        if (search_typos(question->words[i]))
            return true;
    return false;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Edits from the word to the nearest beginning of the token; more than `most`: most + 1. Restricted
 * Damerau–Levenshtein (optimal string alignment) in three rows; columns beyond word.n + most cannot win. */
static unsigned edits(struct slice word, struct slice token, unsigned most) {
    unsigned rows[3][SEARCH_TEXT_BYTES + 4];
    size_t m = token.n < word.n + most ? token.n : word.n + most;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= word.n; i++) {
        unsigned *row = rows[i % 3], *before = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
        unsigned best = row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = word.p[i - 1] == token.p[j - 1];
            row[j] = least(before[j - 1] + !same, least(before[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && word.p[i - 1] == token.p[j - 2] &&
                word.p[i - 2] == token.p[j - 1])
                row[j] = least(row[j], two[j - 2] + 1);
            best = least(best, row[j]);
        }
        if (best > most)
            return most + 1;
    }
    unsigned best = most + 1;
    for (size_t j = 0; j <= m; j++)
        best = least(best, rows[word.n % 3][j]);
    return best;
}

size_t search_needles(struct slice word, unsigned typos,
                      struct search_needle needles[SEARCH_NEEDLES]) {
    size_t n = 0, pieces = typos + 1;
    for (size_t i = 0; i < pieces; i++) {
        size_t from = word.n * i / pieces, to = word.n * (i + 1) / pieces;
        needles[n].offset = from;
        needles[n++].text = (struct slice){word.p + from, to - from};
        if (!i || !typos)
            continue;
        /* two letters swapped across the cut spoil both pieces: the four around it */
        size_t start = from - 2, end = from + 2 < word.n ? from + 2 : word.n;
        struct search_needle *swapped = &needles[n++];
        memcpy(swapped->own, word.p + start, end - start);
        swapped->own[1] = word.p[from];
        swapped->own[2] = word.p[from - 1];
        if (from - start != 2 || end - start < 3)
            n--;
        swapped->text = (struct slice){swapped->own, end - start};
        swapped->offset = start;
    }
    return n;
}

/* ---- fields ---- */

static bool divides(char c) { return (unsigned char)c < 0x20; }
static bool of_word(char c) { return isalnum((unsigned char)c) || (unsigned char)c >= 0x80; }

bool search_needle_fits(const struct search_needle *needle, const char *pool, size_t at,
                        unsigned typos) {
    size_t before = 0; /* letters of the token; a field's head ends with none */
    while (before <= needle->offset + typos && of_word(pool[at - before - 1]))
        before++;
    return before <= needle->offset + typos && before + typos >= needle->offset;
}

static int in_field(struct slice word, struct slice field) {
    size_t at = search_scan(field.p, field.n, 0, word);
    int best = SEARCH_NO;
    for (; at < field.n; at = search_scan(field.p, field.n, at + 1, word)) {
        int kind = !at                        ? field.n == word.n ? WHOLE : BEGINNING
                   : of_word(field.p[at - 1]) ? INSIDE
                                              : WORD;
        if (kind < best)
            best = kind;
    }
    return best;
}

static int with_typos(struct slice word, struct slice field, unsigned typos) {
    unsigned best = typos + 1;
    for (size_t i = 0; i < field.n;) {
        size_t end = i;
        while (end < field.n && of_word(field.p[end]))
            end++;
        if (end - i + typos >= word.n)
            best = least(best, edits(word, (struct slice){field.p + i, end - i}, typos));
        i = end + 1;
    }
    return best <= typos ? TYPO + (int)best : SEARCH_NO;
}

/* Next field, without its head; how much farther than others it is. */
static bool next_field(struct slice *rest, struct slice *field, int *farther) {
    while (rest->n && !divides(rest->p[0]))
        *rest = (struct slice){rest->p + 1, rest->n - 1};
    const char *end = rest->n ? memchr(rest->p + 1, HEAD_END, rest->n - 1) : NULL;
    if (!end)
        return false;
    *farther = rest->p[0] == SEARCH_PLAIN ? PLAIN : 0;
    *rest = (struct slice){end + 1, rest->n - (size_t)(end + 1 - rest->p)};
    size_t n = 0;
    while (n < rest->n && !divides(rest->p[n]))
        n++;
    *field = (struct slice){rest->p, n};
    *rest = (struct slice){rest->p + n, rest->n - n};
    return true;
}

static int word_distance(struct slice word, struct slice fields, unsigned typos) {
    struct slice rest = fields, field;
    int best = SEARCH_NO, farther;
    while (best && next_field(&rest, &field, &farther)) {
        int kind = in_field(word, field);
        if (kind == SEARCH_NO && typos)
            kind = with_typos(word, field, least(typos, search_typos(word)));
        if (kind != SEARCH_NO && kind + farther < best)
            best = kind + farther;
    }
    return best;
}

int search_distance(const struct search_question *question, struct slice fields, unsigned typos) {
    struct slice whole = {question->text, question->n}, rest = fields, field;
    int best = SEARCH_NO, farther;
    while (next_field(&rest, &field, &farther)) {
        int kind = in_field(whole, field);
        int extra = field.n > whole.n ? (int)(field.n - whole.n) : 0;
        if (kind != SEARCH_NO && (kind + farther) * STEP + extra < best)
            best = (kind + farther) * STEP + extra;
    }
    if (best != SEARCH_NO || question->n_words == 0)
        return best;
    int worst = 0, sum = 0;
    for (size_t i = 0; i < question->n_words; i++) {
        int kind = word_distance(question->words[i], fields, typos);
        if (kind == SEARCH_NO)
            return SEARCH_NO;
        worst = kind > worst ? kind : worst;
        sum += kind;
    }
    return worst * STEP + sum * 10;
}
