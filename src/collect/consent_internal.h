/*
 * Purposes in memory, shared by consent.c and purpose.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_CONSENT_INTERNAL_H
#define SENDA_COLLECT_CONSENT_INTERNAL_H

#include <pthread.h>

#include "collect/consent.h"

struct consents {
    struct store *store;
    pthread_mutex_t changing; /* one change at a time */
    pthread_rwlock_t lock;    /* of what follows */
    struct arena texts;       /* never given back before the end: texts are lent out */
    struct purpose purposes[PURPOSES_MAX];
    size_t n;
};

static inline bool slice_equal_nocase(struct slice a, struct slice b) {
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        char x = a.p[i], y = b.p[i];
        x = (char)(x >= 'A' && x <= 'Z' ? x | 32 : x);
        y = (char)(y >= 'A' && y <= 'Z' ? y | 32 : y);
        if (x != y)
            return false;
    }
    return true;
}

#endif
