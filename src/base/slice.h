/*
 * A view of bytes that somebody else owns. Not terminated by 0. {NULL, 0} means absent;
 * a present empty text has p != NULL.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_SLICE_H
#define SENDA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *p;
    size_t n;
};

/* For printf: printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)(s).n, ((s).p ? (s).p : "")
/* For initialisers of static tables. */
#define SLICE_CONSTANT(text)                                                                       \
    { (text), sizeof(text) - 1 }
#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice_of(const char *text) {
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* A spreadsheet would take this cell for a formula. A negative number is none. */
static inline bool slice_is_formula(struct slice text) {
    size_t digits = 0, points = 0;
    if (!text.n || !text.p[0] || !strchr("=+-@\t\r", text.p[0]))
        return false;
    for (size_t i = 1; i < text.n; i++) {
        digits += text.p[i] >= '0' && text.p[i] <= '9';
        points += text.p[i] == '.';
    }
    return text.p[0] != '-' || !digits || points > 1 || digits + points + 1 != text.n;
}

static inline bool slice_is(struct slice a, const char *text) {
    return slice_equal(a, slice_of(text));
}

/* Bytewise order, shorter first on a tie: <0, 0, >0. */
static inline int slice_compare(struct slice a, struct slice b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

#endif
