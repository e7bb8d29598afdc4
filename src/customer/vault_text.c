/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/vault_text.h"

#include <sodium.h>
#include <string.h>

const char *vault_seal_text(const struct vault *vault, const char *secret, struct arena *arena) {
    struct buf sealed;
    if (!secret[0])
        return "";
    buf_init(&sealed, VAULT_TEXT_MAX + 2 * VAULT_EXTRA_BYTES);
    vault_seal(vault, slice_of(secret), &sealed);
    size_t size = sodium_base64_encoded_len(sealed.n, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_get(arena, size);
    sodium_bin2base64(text, size, (const unsigned char *)sealed.p, sealed.n,
                      sodium_base64_VARIANT_ORIGINAL);
    buf_release(&sealed);
    return text;
}

int vault_unseal_text(const struct vault *vault, const char *text, struct arena *arena,
                      const char **secret, struct err *err) {
    size_t size = strlen(text), n = 0;
    char *sealed = arena_get(arena, size + 1);
    struct buf plain;
    *secret = "";
    if (!size)
        return 0;
    if (sodium_base642bin((unsigned char *)sealed, size, text, size, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return err_set(err, E_CORRUPT, "a kept secret is damaged: set it again");
    buf_init(&plain, VAULT_TEXT_MAX + 1);
    int code = vault_unseal(vault, (struct slice){sealed, n}, &plain, err);
    if (!code)
        *secret = arena_text(arena, buf_slice(&plain));
    if (plain.p)
        sodium_memzero(plain.p, plain.n);
    buf_release(&plain);
    return code;
}
