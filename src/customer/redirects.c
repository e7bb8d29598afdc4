/*
 * The forest of redirected profiles and the overlay that is made of it: see redirects.h.
 *
 * Two open-addressed tables; a removed edge keeps its slot with target 0 (removals are rare: a rolled back transaction,
 * a merge taken back).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/redirects.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

struct redirect_edge {
    uint32_t profile; /* 0: empty slot */
    uint32_t target;  /* 0: taken back */
    uint32_t sibling; /* next child of target */
};
struct redirect_head {
    uint32_t target, child;
};

static void *zeroed(size_t n, size_t size) {
    void *memory = calloc(n, size);
    if (!memory)
        abort();
    return memory;
}

static size_t place(uint32_t number, size_t capacity) {
    return (number * 0x9E3779B97F4A7C15u >> 20) & (capacity - 1);
}

void redirects_init(struct redirects *redirects) {
    *redirects = (struct redirects){.capacity = FIRST_CAPACITY, .heads_capacity = FIRST_CAPACITY};
    redirects->edges = zeroed(FIRST_CAPACITY, sizeof *redirects->edges);
    redirects->heads = zeroed(FIRST_CAPACITY, sizeof *redirects->heads);
}

void redirects_release(struct redirects *redirects) {
    free(redirects->edges);
    free(redirects->heads);
    *redirects = (struct redirects){0};
}

static struct redirect_edge *edge_of(const struct redirects *redirects, uint32_t profile) {
    size_t mask = redirects->capacity - 1;
    size_t i = place(profile, redirects->capacity);
    while (redirects->edges[i].profile && redirects->edges[i].profile != profile)
        i = (i + 1) & mask;
    return &redirects->edges[i];
}

static struct redirect_head *head_of(const struct redirects *redirects, uint32_t target) {
    size_t mask = redirects->heads_capacity - 1;
    size_t i = place(target, redirects->heads_capacity);
    while (redirects->heads[i].target && redirects->heads[i].target != target)
        i = (i + 1) & mask;
    return &redirects->heads[i];
}

static void grow(struct redirects *redirects) {
    if ((redirects->n + 1) * 3 > redirects->capacity * 2) {
        struct redirect_edge *old = redirects->edges;
        size_t n = redirects->capacity;
        redirects->capacity *= 2;
        redirects->edges = zeroed(redirects->capacity, sizeof *redirects->edges);
        for (size_t i = 0; i < n; i++)
            if (old[i].profile)
                *edge_of(redirects, old[i].profile) = old[i];
        free(old);
    }
    if ((redirects->n_heads + 1) * 3 > redirects->heads_capacity * 2) {
        struct redirect_head *old = redirects->heads;
        size_t n = redirects->heads_capacity;
        redirects->heads_capacity *= 2;
        redirects->heads = zeroed(redirects->heads_capacity, sizeof *redirects->heads);
        for (size_t i = 0; i < n; i++)
            if (old[i].target)
                *head_of(redirects, old[i].target) = old[i];
        free(old);
    }
}

uint32_t redirects_target(const struct redirects *redirects, uint32_t profile) {
    return redirects->n ? edge_of(redirects, profile)->target : 0;
}

uint32_t redirects_root(const struct redirects *redirects, uint32_t profile) {
    for (uint32_t target; (target = redirects_target(redirects, profile)) != 0;)
        profile = target;
    return profile;
}

void redirects_add(struct redirects *redirects, uint32_t profile, uint32_t target) {
    grow(redirects);
    struct redirect_edge *edge = edge_of(redirects, profile);
    struct redirect_head *head = head_of(redirects, target);
    redirects->n += !edge->profile;
    redirects->n_heads += !head->target;
    *edge = (struct redirect_edge){profile, target, head->target ? head->child : 0};
    *head = (struct redirect_head){target, profile};
}

void redirects_remove(struct redirects *redirects, uint32_t profile) {
    struct redirect_edge *edge = edge_of(redirects, profile);
    if (!edge->target)
        return;
    uint32_t *at = &head_of(redirects, edge->target)->child;
    while (*at != profile)
        at = &edge_of(redirects, *at)->sibling;
    *at = edge->sibling;
    edge->target = edge->sibling = 0;
}

uint32_t redirects_child(const struct redirects *redirects, uint32_t profile) {
    return head_of(redirects, profile)->child;
}

uint32_t redirects_sibling(const struct redirects *redirects, uint32_t child) {
    return edge_of(redirects, child)->sibling;
}

/* ---- the overlay ---- */

/* Byte-wise, least significant first; passes over bytes that are all equal. other: as long as values. */
static void sort(uint64_t *values, uint64_t *other, size_t n) {
    uint64_t *from = values, *to = other;
    for (unsigned shift = 0; n && shift < 64; shift += 8) {
        size_t count[256] = {0}, start = 0;
        for (size_t i = 0; i < n; i++)
            count[from[i] >> shift & 255]++;
        if (count[from[0] >> shift & 255] == n)
            continue;
        for (int byte = 0; byte < 256; byte++) {
            size_t here = count[byte];
            count[byte] = start;
            start += here;
        }
        for (size_t i = 0; i < n; i++)
            to[count[from[i] >> shift & 255]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != values)
        memcpy(values, from, n * sizeof *values);
}

/* (owner, profile) of every redirected profile, sorted; *groups: how many owners. */
static size_t pairs_collect(const struct redirects *redirects, uint64_t *pairs, uint64_t *other,
                            size_t *groups) {
    size_t n = 0;
    for (size_t i = 0; i < redirects->capacity; i++)
        if (redirects->edges[i].target) {
            uint32_t profile = redirects->edges[i].profile;
            pairs[n++] = (uint64_t)redirects_root(redirects, profile) << 32 | profile;
        }
    sort(pairs, other, n);
    *groups = 0;
    for (size_t i = 0; i < n; i++)
        *groups += i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32;
    return n;
}

struct overlay *redirects_overlay(const struct redirects *redirects, uint64_t version) {
    uint64_t *pairs = zeroed(redirects->n + 1, sizeof *pairs);
    uint64_t *other = zeroed(redirects->n + 1, sizeof *other);
    size_t groups, n = pairs_collect(redirects, pairs, other, &groups);
    size_t members = n + groups;
    struct overlay *overlay =
        zeroed(1, sizeof *overlay + (2 * n + 2 * groups + 1 + members) * sizeof(uint32_t));
    uint32_t *profile = (uint32_t *)(overlay + 1), *owner = profile + n;
    uint32_t *group_owner = owner + n, *group_start = group_owner + groups;
    uint32_t *member = group_start + groups + 1;
    size_t group = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || pairs[i] >> 32 != pairs[i - 1] >> 32) {
            group_owner[group] = (uint32_t)(pairs[i] >> 32);
            group_start[group++] = (uint32_t)at;
            member[at++] = (uint32_t)(pairs[i] >> 32);
        }
        member[at++] = (uint32_t)pairs[i];
    }
    group_start[group] = (uint32_t)at;
    for (size_t i = 0; i < n; i++)
        pairs[i] = pairs[i] << 32 | pairs[i] >> 32;
    sort(pairs, other, n);
    for (size_t i = 0; i < n; i++) {
        profile[i] = (uint32_t)(pairs[i] >> 32);
        owner[i] = (uint32_t)pairs[i];
    }
    free(pairs);
    free(other);
    *overlay =
        (struct overlay){version, n, profile, owner, groups, group_owner, group_start, member};
    return overlay;
}
