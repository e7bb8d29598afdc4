/*
 * Pairs of customers that it is worth to look at: those that share a value, or values that one letter taken away makes equal.
 *
 * Every text gives keys (hashes); equal keys meet after sorting. Of e-mails and phones each text with one letter less gives a key, too, so
 * all with one typo between them meet (duplicate.h). Keys are made in SLICES turns, each of its own part of the hashes, so that an
 * eighth of them is in memory at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdlib.h>
#include <xxhash.h>

#include "customer/dropped.h"
#include "duplicate/internal.h"

enum { SLICES = 8, TYPO_LEAST = 7, BUCKET_MOST = 40, PAIRS_MAX = 4000000 };

/* ---- pairs ---- */

static void pairs_add(struct pairs *pairs, uint32_t one, uint32_t other,
                      enum duplicate_reason reason) {
    if (one == other || !one || !other)
        return;
    if (pairs->n == pairs->capacity) {
        pairs->capacity = pairs->capacity * 2 + 1024;
        pairs->list = realloc(pairs->list, pairs->capacity * sizeof *pairs->list);
        if (!pairs->list)
            abort();
    }
    pairs->list[pairs->n++] = (struct pair){.one = one < other ? one : other,
                                            .other = one < other ? other : one,
                                            .reasons = 1u << reason};
}

static int by_both(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->one != y->one)
        return x->one < y->one ? -1 : 1;
    return (x->other > y->other) - (x->other < y->other);
}

/* Sorted by both, each once with all its reasons. */
static void pairs_merge(struct pairs *pairs) {
    size_t kept = 0;
    if (pairs->n)
        qsort(pairs->list, pairs->n, sizeof *pairs->list, by_both);
    for (size_t i = 0; i < pairs->n; i++)
        if (kept && by_both(&pairs->list[kept - 1], &pairs->list[i]) == 0)
            pairs->list[kept - 1].reasons |= pairs->list[i].reasons;
        else
            pairs->list[kept++] = pairs->list[i];
    pairs->n = kept;
}

/* ---- keys ---- */

struct key {
    uint64_t hash;
    uint32_t fact; /* place in the list */
};
struct keys_made {
    struct key *list;
    size_t n, capacity;
    unsigned turn;
};

static void make(struct keys_made *keys, uint64_t hash, size_t fact) {
    if (hash % SLICES != keys->turn)
        return;
    if (keys->n == keys->capacity) {
        keys->capacity = keys->capacity * 2 + 4096;
        keys->list = realloc(keys->list, keys->capacity * sizeof *keys->list);
        if (!keys->list)
            abort();
    }
    keys->list[keys->n++] = (struct key){hash, (uint32_t)fact};
}

/* The text itself, and with each letter taken away. */
static void make_typos(struct keys_made *keys, const struct facts *facts, size_t at) {
    struct slice text = fact_text(facts, &facts->list[at]);
    char without[256];
    uint64_t seed = facts->list[at].kind + 100u;
    if (text.n < TYPO_LEAST || text.n > sizeof without)
        return;
    make(keys, XXH3_64bits_withSeed(text.p, text.n, seed), at);
    for (size_t i = 0; i < text.n; i++) {
        if (i && text.p[i] == text.p[i - 1])
            continue;
        memcpy(without, text.p, i);
        memcpy(without + i, text.p + i + 1, text.n - i - 1);
        make(keys, XXH3_64bits_withSeed(without, text.n - 1, seed), at);
    }
}

/* Birth date or address beside each of the names of the owner. */
static void make_named(struct keys_made *keys, const struct facts *facts, size_t at) {
    const struct fact *fact = &facts->list[at], *own;
    size_t n = facts_of(facts, fact->owner, &own);
    struct slice text = fact_text(facts, fact);
    for (size_t i = 0; i < n; i++)
        if (own[i].kind == FACT_NAME) {
            struct slice name = fact_text(facts, &own[i]);
            uint64_t seed = XXH3_64bits_withSeed(name.p, name.n, fact->kind);
            make(keys, XXH3_64bits_withSeed(text.p, text.n, seed), at);
        }
}

static int by_hash(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->fact > y->fact) - (x->fact < y->fact);
}

/* Equal but for their digits: one of a series, not a typo. */
static bool differ_in_digits_alone(struct slice a, struct slice b) {
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.n && isdigit((unsigned char)a.p[i]))
            i++;
        while (k < b.n && isdigit((unsigned char)b.p[k]))
            k++;
        if (i == a.n || k == b.n)
            return i == a.n && k == b.n;
        if (a.p[i++] != b.p[k++])
            return false;
    }
}

static void meet(const struct facts *facts, const struct fact *a, const struct fact *b,
                 struct pairs *pairs) {
    static const enum duplicate_reason same[] = {
        [FACT_EMAIL] = DUPLICATE_EMAIL,
        [FACT_PHONE] = DUPLICATE_PHONE,
        [FACT_NATIONAL_ID] = DUPLICATE_NATIONAL_ID,
        [FACT_BIRTH] = DUPLICATE_BIRTH,
        [FACT_ADDRESS] = DUPLICATE_ADDRESS,
    };
    struct slice x = fact_text(facts, a), y = fact_text(facts, b);
    if (a->owner == b->owner || a->kind != b->kind)
        return;
    if (slice_equal(x, y))
        pairs_add(pairs, a->owner, b->owner, same[a->kind]);
    else if (a->kind == FACT_PHONE && one_typo(x, y))
        pairs_add(pairs, a->owner, b->owner, DUPLICATE_PHONE_TYPO);
    else if (a->kind == FACT_EMAIL && one_typo(x, y) && !differ_in_digits_alone(x, y))
        pairs_add(pairs, a->owner, b->owner, DUPLICATE_EMAIL_TYPO);
}

static void meet_all(const struct facts *facts, struct keys_made *keys, struct pairs *pairs) {
    if (keys->n)
        qsort(keys->list, keys->n, sizeof *keys->list, by_hash);
    for (size_t i = 0, end; i < keys->n; i = end) {
        for (end = i + 1; end < keys->n && keys->list[end].hash == keys->list[i].hash;)
            end++;
        if (end - i > BUCKET_MOST)
            continue;
        for (size_t a = i; a < end; a++)
            for (size_t b = a + 1; b < end && pairs->n < PAIRS_MAX; b++)
                meet(facts, &facts->list[keys->list[a].fact], &facts->list[keys->list[b].fact],
                     pairs);
    }
}

static void make_all(struct keys_made *keys, const struct facts *facts) {
    for (size_t i = 0; i < facts->n; i++) {
        const struct fact *fact = &facts->list[i];
        struct slice text = fact_text(facts, fact);
        if (fact->kind == FACT_EMAIL || fact->kind == FACT_PHONE)
            make_typos(keys, facts, i);
        else if (fact->kind == FACT_NATIONAL_ID)
            make(keys, XXH3_64bits_withSeed(text.p, text.n, fact->kind + 100u), i);
        else if (fact->kind != FACT_NAME)
            make_named(keys, facts, i);
    }
}

static void take_shared(void *context, uint32_t one, uint32_t other) {
    pairs_add(context, one, other, DUPLICATE_SHARED);
}

int candidates_find(struct facts *facts, struct pairs *pairs, struct job_run *run,
                    struct err *err) {
    struct keys_made keys = {0};
    int code = 0;
    for (keys.turn = 0; !code && keys.turn < SLICES; keys.turn++) {
        keys.n = 0;
        make_all(&keys, facts);
        meet_all(facts, &keys, pairs);
        job_progress(run, keys.turn + 1, SLICES + 2);
        if (job_cancelled(run))
            code = err_set(err, E_CANCELLED, "cancelled");
    }
    free(keys.list);
    if (!code)
        code = customers_shared(job_folder(run)->customers, SHARED_MOST, take_shared, pairs, err);
    pairs_merge(pairs);
    return code;
}
