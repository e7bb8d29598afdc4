/*
 * Who asks, and what they may see. Every plan, list, export and stream takes one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_PRINCIPAL_H
#define SENDA_QUERY_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Scopes of API keys and abilities of roles. */
enum scope {
    SCOPE_COLLECT = 1, /* send events (write keys) */
    SCOPE_QUERY = 2,   /* ask, read customers */
    SCOPE_IMPORT = 4,  /* import files */
    SCOPE_MANAGE = 8,  /* sources, rules, units, keys */
    SCOPE_ADMIN = 16,  /* people, settings, backup */
    SCOPE_METRICS = 32
};

enum role {
    ROLE_NONE,
    ROLE_VIEWER,
    ROLE_AGENT,
    ROLE_UNIT_MANAGER,
    ROLE_ANALYST,
    ROLE_ADMIN,
    ROLE_OWNER
};

struct principal {
    uint64_t user;    /* 0: an API key or the local socket */
    uint64_t key;     /* number of the API key, 0: none */
    const char *name; /* for the audit; never a secret */
    enum role role;
    unsigned scopes;
    /* Units (codes in DICTIONARY_UNIT, descendants included, ascending) that limit what is seen; NULL: all.
     * Interactions without a unit belong to the root: only unlimited principals see them. */
    const uint16_t *units;
    size_t n_units;
    /* Aggregates only, and no number about fewer customers than this (backend/floor.h); 0: everything. */
    unsigned floor;
};

/* May this asker see what belongs to the unit? (0: what belongs to none) */
static inline bool principal_sees(const struct principal *principal, uint16_t unit) {
    size_t low = 0, high = principal->n_units;
    if (!principal->units)
        return true;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (principal->units[middle] < unit)
            low = middle + 1;
        else
            high = middle;
    }
    return unit && low < principal->n_units && principal->units[low] == unit;
}

#endif
