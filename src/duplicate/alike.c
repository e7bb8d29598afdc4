/*
 * How alike two customers are: see duplicate.h for the table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "duplicate/internal.h"

#include <string.h>

enum { WORDS = 8 };

bool one_typo(struct slice a, struct slice b) {
    if (a.n > b.n) {
        struct slice swap = a;
        a = b;
        b = swap;
    }
    size_t i = 0;
    while (i < a.n && a.p[i] == b.p[i])
        i++;
    struct slice rest_a = {a.p + i, a.n - i}, rest_b = {b.p + i, b.n - i};
    if (a.n + 1 == b.n)
        return slice_equal(rest_a, (struct slice){rest_b.p + 1, rest_b.n - 1});
    if (a.n != b.n || !rest_a.n)
        return false;
    if (slice_equal((struct slice){rest_a.p + 1, rest_a.n - 1},
                    (struct slice){rest_b.p + 1, rest_b.n - 1}))
        return true;
    return rest_a.n > 1 && rest_a.p[0] == rest_b.p[1] && rest_a.p[1] == rest_b.p[0] &&
           memcmp(rest_a.p + 2, rest_b.p + 2, rest_a.n - 2) == 0;
}

static size_t words_of(struct slice text, struct slice words[WORDS]) {
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < WORDS;) {
        size_t end = i;
        while (end < text.n && text.p[end] != ' ')
            end++;
        if (end > i)
            words[n++] = (struct slice){text.p + i, end - i};
        i = end + 1;
    }
    return n;
}

/* "l" or "l." of "luis". */
static bool is_initial(struct slice a, struct slice b) {
    if (a.n > b.n) {
        struct slice swap = a;
        a = b;
        b = swap;
    }
    return (a.n == 1 || (a.n == 2 && a.p[1] == '.')) && b.n > 2 && a.p[0] == b.p[0];
}

/* How many words of the shorter name the longer one has; those with a typo, or of which one is the initial, in *typos. */
static size_t common(const struct slice *few, size_t n_few, const struct slice *many, size_t n_many,
                     size_t *typos) {
    bool used[WORDS] = {false};
    size_t found = 0;
    *typos = 0;
    for (size_t i = 0; i < n_few; i++) {
        size_t best = n_many;
        bool exact = false;
        for (size_t k = 0; k < n_many && !exact; k++) {
            exact = !used[k] && slice_equal(few[i], many[k]);
            bool near = !used[k] && ((few[i].n > 3 && one_typo(few[i], many[k])) ||
                                     is_initial(few[i], many[k]));
            if (exact || (near && best == n_many))
                best = k;
        }
        if (best == n_many)
            continue;
        used[best] = true;
        found++;
        *typos += !exact;
    }
    return found;
}

static enum names names_compare(struct slice a, struct slice b) {
    struct slice one[WORDS], other[WORDS];
    size_t n = words_of(a, one), m = words_of(b, other), typos;
    if (!n || !m)
        return NAMES_UNKNOWN;
    size_t found = n <= m ? common(one, n, other, m, &typos) : common(other, m, one, n, &typos);
    size_t fewer = n < m ? n : m;
    if (n == m && found == n && !typos && n > 1)
        return NAMES_EQUAL;
    return found == fewer && (fewer > 1 || found) ? NAMES_ALIKE : NAMES_DIFFERENT;
}

/* The best of any of their names. */
static enum names compare_names(const struct facts *facts, const struct pair *pair) {
    const struct fact *one, *other;
    size_t n = facts_of(facts, pair->one, &one), m = facts_of(facts, pair->other, &other);
    enum names best = NAMES_UNKNOWN;
    bool compared = false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; one[i].kind == FACT_NAME && k < m; k++) {
            if (other[k].kind != FACT_NAME)
                continue;
            enum names names =
                names_compare(fact_text(facts, &one[i]), fact_text(facts, &other[k]));
            best = !compared || names < best ? names : best;
            compared = true;
        }
    return best;
}

unsigned pair_score(const struct facts *facts, struct pair *pair) {
    static const double likely[][4] = {[DUPLICATE_NATIONAL_ID] = {.97, .95, .9, .65},
                                       [DUPLICATE_EMAIL] = {.95, .85, .7, .45},
                                       [DUPLICATE_PHONE] = {.92, .8, .55, .3},
                                       [DUPLICATE_SHARED] = {.92, .82, .65, .45},
                                       [DUPLICATE_EMAIL_TYPO] = {.85, .72, .5, .2},
                                       [DUPLICATE_PHONE_TYPO] = {.78, .6, 0, 0},
                                       [DUPLICATE_BIRTH] = {.8, 0, 0, 0},
                                       [DUPLICATE_ADDRESS] = {.75, 0, 0, 0}};
    static const unsigned known =
        1u << DUPLICATE_NATIONAL_ID | 1u << DUPLICATE_EMAIL | 1u << DUPLICATE_PHONE;
    enum names names = compare_names(facts, pair);
    double unlikely = 1;
    if (pair->reasons & known) /* that is what they share */
        pair->reasons &= ~(1u << DUPLICATE_SHARED);
    for (unsigned reason = 0; reason < sizeof likely / sizeof *likely; reason++)
        if (pair->reasons >> reason & 1)
            unlikely *= 1 - likely[reason][names];
    if (names == NAMES_EQUAL)
        pair->reasons |= 1u << DUPLICATE_NAME;
    if (names == NAMES_ALIKE)
        pair->reasons |= 1u << DUPLICATE_NAME_ALIKE;
    pair->score = (unsigned)((1 - unlikely) * 100 + .5);
    return pair->score;
}
