/*
 * Records of the pool, and finding in it: see index.h and search.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "search/index.h"

#include <stdlib.h>

enum { HEAD = 6, FIELD_HEAD = 3, RECORD_MAX = 4096, PACK_LEAST = 1 << 20, HITS_MAX = 1 << 16 };

void search_pool_init(struct search_pool *pool) { *pool = (struct search_pool){0}; }

void search_pool_release(struct search_pool *pool) {
    if (pool->bytes)
        explicit_bzero(pool->bytes, pool->capacity);
    free(pool->bytes);
    free(pool->place);
    search_pool_init(pool);
}

static void put_number(char *at, size_t bytes, uint32_t number) {
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(0x80 | (number >> (7 * i) & 0x7F));
}

static uint32_t number_at(const char *at, size_t bytes) {
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (uint32_t)(at[i] & 0x7F) << (7 * i);
    return number;
}

static size_t record_end(const struct search_pool *pool, size_t at) {
    const char *end = memchr(pool->bytes + at + 1, '\n', pool->n - at - 1);
    return end ? (size_t)(end - pool->bytes) : pool->n;
}

static void room(struct search_pool *pool, uint32_t profile, size_t bytes) {
    if (pool->n + bytes > pool->capacity) {
        pool->capacity += pool->capacity / 4 + bytes + 4096;
        pool->bytes = realloc(pool->bytes, pool->capacity);
    }
    if (profile >= pool->n_places) {
        size_t n = profile + profile / 4 + 1024;
        pool->place = realloc(pool->place, n * sizeof *pool->place);
        if (pool->place)
            memset(pool->place + pool->n_places, 0, (n - pool->n_places) * sizeof *pool->place);
        pool->n_places = n;
    }
    if (!pool->bytes || !pool->place)
        abort();
    if (!pool->n) { /* place 0 is nobody's */
        memset(pool->bytes, '\n', 2);
        pool->n = 2;
    }
}

static void pack(struct search_pool *pool) {
    size_t to = 2;
    for (size_t at = 2; at < pool->n;) {
        size_t end = record_end(pool, at);
        if (end - at >= HEAD) {
            memmove(pool->bytes + to, pool->bytes + at, end - at);
            pool->place[number_at(pool->bytes + to + 1, HEAD - 1)] = (uint32_t)(to / 2);
            to += end - at;
            if (to & 1)
                pool->bytes[to++] = '\n';
        }
        at = end;
    }
    pool->n = to;
    pool->blank = 0;
}

/* The old record without the field that is replaced; identifiers of a code may be several. */
static size_t copy_others(const char *fields, size_t n, char kind, const char code[2],
                          struct slice text, char *out, bool *there) {
    size_t length = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + FIELD_HEAD;
        while (end < n && (unsigned char)fields[end] >= 0x20)
            end++;
        bool same = fields[i] == kind && memcmp(fields + i + 1, code, 2) == 0;
        bool equal =
            same &&
            slice_equal((struct slice){fields + i + FIELD_HEAD, end - i - FIELD_HEAD}, text);
        *there = *there || equal;
        if (!same || equal || kind == FIELD_IDENTIFIER) {
            memcpy(out + length, fields + i, end - i);
            length += end - i;
        }
        i = end;
    }
    return length;
}

void search_pool_put(struct search_pool *pool, uint32_t profile, enum search_field field,
                     uint16_t code, struct slice text) {
    char record[RECORD_MAX + FIELD_HEAD + SEARCH_TEXT_BYTES], coded[2];
    size_t n = HEAD;
    bool there = false;
    room(pool, profile, sizeof record + 2);
    size_t at = (size_t)pool->place[profile] * 2, end = at ? record_end(pool, at) : 0;
    put_number(coded, 2, code & 0x3FFF);
    record[0] = '\n';
    put_number(record + 1, HEAD - 1, profile);
    if (at)
        n += copy_others(pool->bytes + at + HEAD, end - at - HEAD, (char)field, coded, text,
                         record + n, &there);
    if (there)
        return;
    if (text.n && n + FIELD_HEAD + text.n <= RECORD_MAX) {
        record[n] = (char)field;
        memcpy(record + n + 1, coded, 2);
        memcpy(record + n + FIELD_HEAD, text.p, text.n);
        n += FIELD_HEAD + text.n;
    }
    if (at && end == pool->n) { /* the last one grows in its place */
        pool->n = at;
    } else if (at) {
        memset(pool->bytes + at, '\n', end - at);
        pool->blank += end - at;
    }
    memcpy(pool->bytes + pool->n, record, n);
    pool->place[profile] = (uint32_t)(pool->n / 2);
    pool->n += n;
    if (pool->n & 1)
        pool->bytes[pool->n++] = '\n';
    if (pool->blank > PACK_LEAST && pool->blank > pool->n / 2)
        pack(pool);
}

/* ---- finding ---- */

struct finding {
    const struct search_pool *pool;
    struct search_question question;
    unsigned typos;
    struct search_hit *hits; /* [HITS_MAX] */
    size_t n;
};

/* Measures the record around `at`; where the next one begins. */
static size_t take(struct finding *finding, size_t at) {
    const struct search_pool *pool = finding->pool;
    const char *start = memrchr(pool->bytes, '\n', at);
    size_t from = (size_t)(start - pool->bytes), end = record_end(pool, from);
    if (end - from <= HEAD || finding->n == HITS_MAX)
        return end;
    int distance = search_distance(&finding->question,
                                   (struct slice){start + HEAD, end - from - HEAD}, finding->typos);
    if (distance != SEARCH_NO)
        finding->hits[finding->n++] = (struct search_hit){number_at(start + 1, HEAD - 1), distance};
    return end;
}

static void find_exactly(struct finding *finding) {
    const struct search_pool *pool = finding->pool;
    struct slice word = finding->question.words[finding->question.longest];
    size_t at = search_scan(pool->bytes, pool->n, 0, word);
    while (at < pool->n)
        at = search_scan(pool->bytes, pool->n, take(finding, at), word);
}

static void find_nearly(struct finding *finding) {
    const struct search_pool *pool = finding->pool;
    struct slice word = finding->question.words[finding->question.longest];
    struct search_needle needles[SEARCH_NEEDLES];
    unsigned typos = search_typos(word.n);
    size_t n = search_needles(word, typos, needles);
    finding->typos = 2;
    for (size_t i = 0; i < n; i++) {
        size_t at = search_scan(pool->bytes, pool->n, 0, needles[i].text);
        while (at < pool->n) {
            bool fits = search_needle_fits(&needles[i], pool->bytes, at, typos);
            at = search_scan(pool->bytes, pool->n, fits ? take(finding, at) : at + 1,
                             needles[i].text);
        }
    }
}

static int nearer(const void *a, const void *b) {
    const struct search_hit *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return (x->profile > y->profile) - (x->profile < y->profile);
}

size_t search_pool_find(const struct search_pool *pool, struct slice text, struct search_hit *hits,
                        size_t max) {
    struct finding finding = {.pool = pool};
    size_t n = 0;
    search_question_set(&finding.question, text);
    if (!finding.question.n_words || !pool->n)
        return 0;
    finding.hits = malloc(HITS_MAX * sizeof *finding.hits);
    if (!finding.hits)
        abort();
    find_exactly(&finding);
    if (!finding.n)
        find_nearly(&finding);
    qsort(finding.hits, finding.n, sizeof *finding.hits, nearer);
    for (size_t i = 0; i < finding.n && n < max; i++)
        if (!i || finding.hits[i].profile != finding.hits[i - 1].profile)
            hits[n++] = finding.hits[i];
    free(finding.hits);
    return n;
}
