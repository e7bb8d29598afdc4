/*
 * Hashes over libsodium (SipHash-2-4, 128 bit) and xxhash (XXH3).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/hash.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == HASH_KEY_BYTES, "key of SipHash");
_Static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(struct key128), "output of SipHash");

enum { STACK_BYTES = 1024 };

/* Each part as its length in 8 bytes and its bytes; an absent slice has length 2^64 - 1. */
static size_t join(char *to, const struct slice *parts, size_t n) {
    char *p = to;
    for (size_t i = 0; i < n; i++) {
        uint64_t length = parts[i].p ? parts[i].n : UINT64_MAX;
        memcpy(p, &length, sizeof length);
        p += sizeof length;
        if (parts[i].p && parts[i].n)
            memcpy(p, parts[i].p, parts[i].n);
        p += parts[i].n;
    }
    return (size_t)(p - to);
}

struct key128 hash_keyed(const struct hash_key *key, const struct slice *parts, size_t n) {
    char stack[STACK_BYTES], *bytes = stack;
    stack[0] = 0; /* no parts: nothing is read */
    size_t need = 0;
    for (size_t i = 0; i < n; i++)
        need += sizeof(uint64_t) + parts[i].n;
    if (need > sizeof stack && !(bytes = malloc(need)))
        abort();
    size_t length = join(bytes, parts, n);
    struct key128 result;
    crypto_shorthash_siphashx24((unsigned char *)&result, (const unsigned char *)bytes, length,
                                key->bytes);
    if (bytes != stack)
        free(bytes);
    if (!result.a && !result.b)
        result.b = 1;
    return result;
}

uint64_t hash_bytes(const void *bytes, size_t n) { return XXH3_64bits(bytes, n); }
