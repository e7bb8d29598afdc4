/*
 * Hashes. Keyed ones for whatever comes from outside (no collisions on demand), plain ones for checksums.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_HASH_H
#define SENDA_BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

enum { HASH_KEY_BYTES = 16 };

/* A 128-bit keyed hash (SipHash-2-4, 128 bit output). All zero is never returned. */
struct key128 {
    uint64_t a, b;
};

struct hash_key {
    unsigned char bytes[HASH_KEY_BYTES];
};

/* Several slices hashed as (length, bytes) each, so that ("ab","c") and ("a","bc") differ. */
struct key128 hash_keyed(const struct hash_key *key, const struct slice *parts, size_t n);
uint64_t hash_bytes(const void *bytes, size_t n); /* XXH3, for checksums and in-memory tables */

#endif
