/*
 * Records of the pool, and finding in it: see index.h and search.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "search/index.h"

#include <stdlib.h>

enum { HEAD = 6, TIME_BYTES = 6, RECORD_MAX = 4096, PACK_LEAST = 1 << 20, SPARE_SHARE = 32 };

void search_pool_init(struct search_pool *pool) { *pool = (struct search_pool){0}; }

void search_pool_release(struct search_pool *pool) {
    if (pool->bytes)
        explicit_bzero(pool->bytes, pool->capacity);
    free(pool->bytes);
    free(pool->place);
    search_pool_init(pool);
}

static void put_number(char *at, size_t bytes, uint64_t number) {
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(0x80 | (number >> (7 * i) & 0x7F));
}

static uint64_t number_at(const char *at, size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)(at[i] & 0x7F) << (7 * i);
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
            pool->place[(uint32_t)number_at(pool->bytes + to + 1, HEAD - 1)] = (uint32_t)(to / 2);
            to += end - at;
            if (to & 1)
                pool->bytes[to++] = '\n';
        }
        at = end;
    }
    pool->n = to;
    pool->blank = 0;
}

static bool is_trait(char field) { return field != FIELD_IDENTIFIER; }

static size_t head_bytes(char field) { return is_trait(field) ? SEARCH_TRAIT_HEAD : SEARCH_HEAD; }

/* The old record without the field that is replaced; identifiers of a code may be several. stays: what is there needs no
 * change, as it says the same already or something newer. said: an identifier that this trait
 * gives says the same. */
static size_t copy_others(struct slice fields, const char *head, struct slice text, char *out,
                          bool *stays, bool *said) {
    size_t length = 0;
    for (size_t i = 0; i < fields.n;) {
        size_t begin = i + head_bytes(fields.p[i]), end = begin;
        while (end < fields.n && (unsigned char)fields.p[end] >= 0x20)
            end++;
        struct slice there = {fields.p + begin, end - begin};
        *said = *said || (!is_trait(fields.p[i]) && is_trait(head[0]) &&
                          memcmp(fields.p + i + 1, head + 1, 2) == 0 && slice_equal(there, text));
        bool same = memcmp(fields.p + i, head, 3) == 0;
        bool trait = same && is_trait(head[0]);
        if (trait)
            *stays = number_at(fields.p + i + 3, TIME_BYTES) > number_at(head + 3, TIME_BYTES);
        else if (same)
            *stays = *stays || slice_equal(there, text);
        if (!trait) {
            memcpy(out + length, fields.p + i, end - i);
            length += end - i;
        }
        i = end;
    }
    return length;
}

static size_t put_head(char head[SEARCH_TRAIT_HEAD], enum search_field field, uint16_t code,
                       int64_t time_ms) {
    size_t n = head_bytes((char)field);
    head[0] = (char)field;
    put_number(head + 1, 2, code % SEARCH_CODES);
    if (is_trait(head[0]))
        put_number(head + 3, TIME_BYTES, time_ms > 0 ? (uint64_t)time_ms : 0);
    head[n - 1] = 0x1F;
    return n;
}

void search_pool_put(struct search_pool *pool, uint32_t profile, enum search_field field,
                     uint16_t code, int64_t time_ms, struct slice text) {
    char record[RECORD_MAX + SEARCH_TRAIT_HEAD + SEARCH_TEXT_BYTES], head[SEARCH_TRAIT_HEAD];
    size_t n = HEAD, head_n;
    bool stays = false, said = false;
    room(pool, profile, sizeof record + 2);
    size_t at = (size_t)pool->place[profile] * 2, end = at ? record_end(pool, at) : 0;
    head_n = put_head(head, field, code, time_ms);
    record[0] = '\n';
    put_number(record + 1, HEAD - 1, profile);
    if (at)
        n += copy_others((struct slice){pool->bytes + at + HEAD, end - at - HEAD}, head, text,
                         record + n, &stays, &said);
    if (stays)
        return;
    if (said) /* found by the identifier; the time of the trait counts still */
        text.n = 0;
    bool kept = text.n || is_trait(head[0]); /* one that was taken away keeps its time */
    if (kept && n + head_n + text.n <= RECORD_MAX) {
        memcpy(record + n, head, head_n);
        if (text.n)
            memcpy(record + n + head_n, text.p, text.n);
        n += head_n + text.n;
    }
    if (at &&
        end + 1 >= pool->n) { /* the last one, perhaps with a byte of padding, grows in its place */
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
    if (pool->blank > PACK_LEAST && pool->blank > pool->n / 3)
        pack(pool);
}

void search_pool_pack(struct search_pool *pool) {
    if (!pool->n)
        return;
    pack(pool);
    size_t capacity = pool->n + pool->n / SPARE_SHARE + 4096;
    char *bytes = capacity < pool->capacity ? realloc(pool->bytes, capacity) : NULL;
    if (bytes) {
        pool->bytes = bytes;
        pool->capacity = capacity;
    }
}

/* ---- finding ---- */

struct finding {
    const struct search_pool *pool;
    const struct search_owners *owners;
    struct search_question question;
    unsigned typos;
    uint32_t *nearest; /* [owners->n] distance + 1 by owner, 0: not found */
    size_t n;
};

/* The fields that may be looked into; in `room` where some may not. */
static struct slice seen_fields(const struct search_owners *owners, struct slice fields,
                                char room[RECORD_MAX]) {
    size_t n = 0;
    if (!owners->hides)
        return fields;
    for (size_t i = 0, end; i < fields.n; i = end) {
        for (end = i + head_bytes(fields.p[i]);
             end < fields.n && (unsigned char)fields.p[end] >= 0x20;)
            end++;
        if (owners->hides(owners->context, (uint16_t)number_at(fields.p + i + 1, 2)))
            continue;
        memcpy(room + n, fields.p + i, end - i);
        n += end - i;
    }
    return (struct slice){room, n};
}

/* Measures the record around `at`; where the next one begins. */
static size_t take(struct finding *finding, size_t at) {
    const struct search_pool *pool = finding->pool;
    const char *start = memrchr(pool->bytes, '\n', at);
    size_t from = (size_t)(start - pool->bytes), end = record_end(pool, from);
    if (end - from <= HEAD)
        return end;
    uint32_t profile = (uint32_t)number_at(start + 1, HEAD - 1);
    uint32_t owner = finding->owners->owner(finding->owners->context, profile);
    if (!owner || owner >= finding->owners->n)
        return end;
    char room[RECORD_MAX];
    struct slice fields = {start + HEAD, end - from - HEAD};
    int distance = search_distance(&finding->question, seen_fields(finding->owners, fields, room),
                                   finding->typos);
    uint32_t *nearest = &finding->nearest[owner];
    if (distance == SEARCH_NO)
        return end;
    finding->n += !*nearest;
    if (!*nearest || (uint32_t)distance + 1 < *nearest)
        *nearest = (uint32_t)distance + 1;
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
    unsigned typos = search_typos(word);
    size_t n = search_needles(word, typos, needles);
    finding->typos = 2;
    for (size_t i = 0; i < n; i++) {
        size_t at = search_scan(pool->bytes, pool->n, 0, needles[i].text);
        while (at < pool->n) {
            bool fits = !typos || search_needle_fits(&needles[i], pool->bytes, at, typos);
            at = search_scan(pool->bytes, pool->n, fits ? take(finding, at) : at + 1,
                             needles[i].text);
        }
    }
}

/* ---- the nearest of many: a heap with the farthest on top ---- */

static bool farther(const struct search_hit *x, const struct search_hit *y) {
    return x->distance != y->distance ? x->distance > y->distance : x->owner > y->owner;
}

static void sink(struct search_hit *hits, size_t n, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1, far = at;
        if (child < n && farther(&hits[child], &hits[far]))
            far = child;
        if (child + 1 < n && farther(&hits[child + 1], &hits[far]))
            far = child + 1;
        if (far == at)
            return;
        struct search_hit swap = hits[at];
        hits[at] = hits[far];
        hits[far] = swap;
        at = far;
    }
}

static int nearer(const void *a, const void *b) { return farther(a, b) ? 1 : -1; }

static size_t choose(const struct finding *finding, struct search_hit *hits, size_t max) {
    size_t n = 0, left = finding->n;
    for (size_t owner = 1; left && max && owner < finding->owners->n; owner++) {
        if (!finding->nearest[owner])
            continue;
        left--;
        struct search_hit hit = {(uint32_t)owner, (int)(finding->nearest[owner] - 1)};
        if (n < max) {
            hits[n++] = hit;
            for (size_t i = n == max ? n / 2 : 0; i-- > 0;)
                sink(hits, n, i);
        } else if (farther(&hits[0], &hit)) {
            hits[0] = hit;
            sink(hits, n, 0);
        }
    }
    if (n)
        qsort(hits, n, sizeof *hits, nearer);
    return n;
}

size_t search_pool_find(const struct search_pool *pool, struct slice text,
                        const struct search_owners *owners, struct search_hit *hits, size_t max) {
    struct finding finding = {.pool = pool, .owners = owners};
    search_question_set(&finding.question, text);
    if (!finding.question.n_words || !pool->n)
        return 0;
    finding.nearest = calloc(owners->n + 1, sizeof *finding.nearest);
    if (!finding.nearest)
        abort();
    find_exactly(&finding);
    if (!finding.n && search_forgives(&finding.question))
        find_nearly(&finding);
    size_t n = choose(&finding, hits, max);
    free(finding.nearest);
    return n;
}
