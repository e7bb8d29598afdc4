/*
 * Keys of screens: "kk_" and 256 random bits; signatures are HMAC-SHA256 with the SHA-256 of the key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>

#include "kiosk/internal.h"

void kiosk_key_make(char key[KIOSK_KEY_BYTES], unsigned char secret[SECRET_BYTES]) {
    unsigned char random[SECRET_BYTES];
    char text[KIOSK_KEY_BYTES - 4];
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(text, sizeof text, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(key, KIOSK_KEY_BYTES, "kk_%s", text);
    crypto_hash_sha256(secret, (const unsigned char *)key, strlen(key));
    sodium_memzero(random, sizeof random);
}

void kiosk_mac(const unsigned char secret[SECRET_BYTES], const struct slice *parts, size_t n,
               char text[MAC_TEXT_BYTES]) {
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, secret, SECRET_BYTES);
    for (size_t i = 0; i < n; i++)
        crypto_auth_hmacsha256_update(&state, (const unsigned char *)(parts[i].p ? parts[i].p : ""),
                                      parts[i].n);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(text, MAC_TEXT_BYTES, mac, sizeof mac);
}

bool kiosk_mac_is(const char text[MAC_TEXT_BYTES], const char *said) {
    return said && strlen(said) == MAC_TEXT_BYTES - 1 &&
           sodium_memcmp(text, said, MAC_TEXT_BYTES - 1) == 0;
}
