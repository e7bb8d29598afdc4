/*
 * Passwords and tokens.
 *
 * COST  One Argon2id hash takes 64 MB and some 100 ms (libsodium's interactive profile), so two run at a time and a
 * few wait; whoever comes beyond that is told to come back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#include "http/account_internal.h"

void token_hash(const char *token, unsigned char hash[HASH_BYTES]) {
    crypto_generichash(hash, HASH_BYTES, (const unsigned char *)token, strlen(token), NULL, 0);
}

void token_make(const char *prefix, char token[TOKEN_TEXT_BYTES]) {
    unsigned char random[32];
    char text[48];
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(text, sizeof text, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(token, TOKEN_TEXT_BYTES, "%s%s", prefix, text);
    sodium_memzero(random, sizeof random);
}

static int begin_hashing(struct accounts *accounts, struct err *err) {
    if (atomic_fetch_add(&accounts->waiting, 1) >= SIGN_IN_WAITERS) {
        atomic_fetch_sub(&accounts->waiting, 1);
        return err_set(err, E_BUSY, "too many people are signing in at once");
    }
    while (sem_wait(&accounts->hashing) != 0)
        continue;
    return 0;
}

static void end_hashing(struct accounts *accounts) {
    sem_post(&accounts->hashing);
    atomic_fetch_sub(&accounts->waiting, 1);
}

/* The address, what stands before its @, or one character again and again are no secrets. */
static bool is_guessed(const char *password, const char *email) {
    size_t n = strlen(password), local = strcspn(email, "@");
    bool same = true;
    for (size_t i = 1; i < n; i++)
        same &= password[i] == password[0];
    bool is_email = strcasecmp(password, email) == 0;
    bool is_local = local >= PASSWORD_MIN && n == local && strncasecmp(password, email, n) == 0;
    return same || is_email || is_local;
}

int password_is_fit(const char *password, const char *email, struct err *err) {
    size_t n = password ? strlen(password) : 0;
    if (n < PASSWORD_MIN || n > PASSWORD_MAX)
        return err_at(err, E_INVALID, "/password", "a password has %d to %d bytes", PASSWORD_MIN,
                      PASSWORD_MAX);
    if (is_guessed(password, email))
        return err_at(err, E_INVALID, "/password", "this password is guessed too easily");
    return 0;
}

int password_hash(struct accounts *accounts, const char *password, char *hash, size_t size,
                  struct err *err) {
    if (size < crypto_pwhash_STRBYTES)
        return err_set(err, E_INTERNAL, "no room for a password hash");
    int code = begin_hashing(accounts, err);
    if (code)
        return code;
    int failed =
        crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE);
    end_hashing(accounts);
    return failed ? err_set(err, E_BUSY, "not enough memory to hash a password") : 0;
}

int password_check(struct accounts *accounts, const char *hash, const char *password,
                   struct err *err) {
    int code = begin_hashing(accounts, err);
    if (code)
        return code;
    int differs = crypto_pwhash_str_verify(hash, password, strlen(password));
    end_hashing(accounts);
    return differs ? err_set(err, E_UNAUTHORIZED, "the e-mail address or the password is wrong")
                   : 0;
}
