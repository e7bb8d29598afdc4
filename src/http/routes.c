/*
 * The index of all routes: patterns cut into segments once, grouped by a hash of the first segment.
 *
 * A literal segment beats a parameter, a parameter beats "*"; among equals the first in the tables wins.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "http/internal.h"

enum { SEGMENTS_MAX = 10, GROUPS = 64 };

struct pattern {
    const struct route *route;
    struct slice segments[SEGMENTS_MAX];
    size_t n;
    bool rest; /* ends with "*" */
    struct pattern *next;
};

struct routes {
    struct pattern *patterns, *groups[GROUPS], *any; /* any: the first segment is a parameter */
    size_t n;
};

/* Cuts at slashes; false when there are too many. "/a/" has the segments "a" and "". */
static bool cut(const char *path, size_t n, struct slice *segments, size_t *count) {
    *count = 0;
    const char *p = path + 1, *end = path + n;
    for (;;) {
        const char *slash = p < end ? memchr(p, '/', (size_t)(end - p)) : NULL;
        if (*count == SEGMENTS_MAX)
            return false;
        segments[(*count)++] = (struct slice){p, (size_t)((slash ? slash : end) - p)};
        if (!slash)
            return true;
        p = slash + 1;
    }
}

static size_t group_of(struct slice segment) {
    size_t hash = segment.n;
    for (size_t i = 0; i < segment.n && i < 8; i++)
        hash = hash * 31 + (unsigned char)segment.p[i];
    return hash % GROUPS;
}

static bool is_param(struct slice segment) { return segment.n > 1 && segment.p[0] == '{'; }

static void append(struct pattern **list, struct pattern *pattern) {
    while (*list)
        list = &(*list)->next;
    *list = pattern;
}

struct routes *routes_new(const struct route_table *const *tables, size_t n) {
    size_t all = 0;
    for (size_t t = 0; t < n; t++)
        all += tables[t]->n;
    struct routes *routes = calloc(1, sizeof *routes);
    if (routes)
        routes->patterns = calloc(all + 1, sizeof *routes->patterns);
    if (!routes || !routes->patterns)
        abort();
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            struct pattern *pattern = &routes->patterns[routes->n++];
            pattern->route = &tables[t]->routes[i];
            const char *text = pattern->route->pattern;
            if (!cut(text, strlen(text), pattern->segments, &pattern->n))
                abort();
            pattern->rest = slice_is(pattern->segments[pattern->n - 1], "*");
            bool any = is_param(pattern->segments[0]) || (pattern->rest && pattern->n == 1);
            append(any ? &routes->any : &routes->groups[group_of(pattern->segments[0])], pattern);
        }
    return routes;
}

void routes_free(struct routes *routes) {
    if (!routes)
        return;
    free(routes->patterns);
    free(routes);
}

/* How well a pattern fits: 0 not at all, else larger is better. */
static unsigned fit(const struct pattern *pattern, const struct slice *segments, size_t n) {
    if (pattern->rest ? n < pattern->n : n != pattern->n)
        return 0;
    unsigned score = 1;
    for (size_t i = 0; i < pattern->n; i++) {
        bool last = i + 1 == pattern->n;
        score *= 3;
        if (last && pattern->rest)
            continue;
        if (is_param(pattern->segments[i])) {
            if (segments[i].n == 0)
                return 0;
            score += 1;
        } else if (slice_equal(pattern->segments[i], segments[i])) {
            score += 2;
        } else {
            return 0;
        }
    }
    return score;
}

static void take_params(const struct pattern *pattern, const struct slice *segments,
                        const char *end, struct slice params[REQUEST_PARAMS]) {
    size_t k = 0;
    for (size_t i = 0; i < pattern->n && k < REQUEST_PARAMS; i++) {
        if (i + 1 == pattern->n && pattern->rest)
            params[k++] = (struct slice){segments[i].p, (size_t)(end - segments[i].p)};
        else if (is_param(pattern->segments[i]))
            params[k++] = segments[i];
    }
}

void routes_match(const struct routes *routes, enum method method, const char *path, size_t n,
                  struct route_match *match) {
    struct slice segments[SEGMENTS_MAX] = {{0}};
    size_t count = 0;
    *match = (struct route_match){0};
    if (!cut(path, n, segments, &count))
        return;
    if (method == METHOD_HEAD)
        method = METHOD_GET;
    const struct pattern *best = NULL,
                         *lists[2] = {routes->groups[group_of(segments[0])], routes->any};
    unsigned best_score = 0, known_score = 0;
    for (size_t l = 0; l < 2; l++)
        for (const struct pattern *pattern = lists[l]; pattern; pattern = pattern->next) {
            unsigned score = fit(pattern, segments, count);
            if (score && score >= known_score) {
                match->allowed =
                    (score > known_score ? 0 : match->allowed) | pattern->route->methods;
                match->known = pattern->route;
                known_score = score;
            }
            if (score > best_score && (pattern->route->methods & method)) {
                best = pattern;
                best_score = score;
            }
        }
    if (!best)
        return;
    match->route = best->route;
    take_params(best, segments, path + n, match->params);
}
