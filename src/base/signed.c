/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/signed.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "whsec_"
enum { KEY_MAX = 64, KEY_MIN = 16, KEY_MADE = 24, STAMP_BYTES = 24 };

/* The key's length; 0: not a good secret. */
static size_t read_key(const char *secret, unsigned char key[KEY_MAX]) {
    size_t n = 0, prefix = strlen(PREFIX);
    if (strncmp(secret, PREFIX, prefix) != 0 ||
        sodium_base642bin(key, KEY_MAX, secret + prefix, strlen(secret) - prefix, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return 0;
    return n >= KEY_MIN ? n : 0;
}

bool signed_secret_is_good(const char *secret) {
    unsigned char key[KEY_MAX];
    size_t n = read_key(secret, key);
    sodium_memzero(key, sizeof key);
    return n > 0;
}

void signed_secret_make(char secret[SIGNED_SECRET_BYTES]) {
    unsigned char key[KEY_MADE];
    randombytes_buf(key, sizeof key);
    memcpy(secret, PREFIX, sizeof PREFIX);
    sodium_bin2base64(secret + strlen(PREFIX), SIGNED_SECRET_BYTES - strlen(PREFIX), key,
                      sizeof key, sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(key, sizeof key);
}

void signed_make(const char *secret, const char *id, int64_t timestamp_s, const char *body,
                 char text[SIGNED_BYTES]) {
    unsigned char key[KEY_MAX] = {0}, mac[crypto_auth_hmacsha256_BYTES];
    char stamp[STAMP_BYTES];
    crypto_auth_hmacsha256_state state;
    snprintf(stamp, sizeof stamp, ".%lld.", (long long)timestamp_s);
    size_t n = read_key(secret, key);
    crypto_auth_hmacsha256_init(&state, key, n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)id, strlen(id));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp, strlen(stamp));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(key, sizeof key);
    memcpy(text, "v1,", sizeof "v1,");
    sodium_bin2base64(text + 3, SIGNED_BYTES - 3, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
}
