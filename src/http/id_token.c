/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/id_token.h"

#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

enum { LEEWAY_S = 60, AGE_S = 600, SUBJECT_MAX = 255, TOKEN_MAX = 32 * 1024 };

static const struct {
    const char *name;
    cjose_jwk_kty_t type;
} algorithms[] = {
    {"RS256", CJOSE_JWK_KTY_RSA}, {"RS384", CJOSE_JWK_KTY_RSA}, {"RS512", CJOSE_JWK_KTY_RSA},
    {"PS256", CJOSE_JWK_KTY_RSA}, {"PS384", CJOSE_JWK_KTY_RSA}, {"PS512", CJOSE_JWK_KTY_RSA},
    {"ES256", CJOSE_JWK_KTY_EC},  {"ES384", CJOSE_JWK_KTY_EC},  {"ES512", CJOSE_JWK_KTY_EC},
};

static bool key_type(const char *algorithm, cjose_jwk_kty_t *type) {
    for (size_t i = 0; algorithm && i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(algorithms[i].name, algorithm) == 0) {
            *type = algorithms[i].type;
            return true;
        }
    return false;
}

/* May this key have made it: not one for encryption, of the number that the header names if it names one. */
static bool may_have_signed(const json_t *key, const char *number) {
    const char *use = json_string_value(json_object_get(key, "use")),
               *own = json_string_value(json_object_get(key, "kid"));
    return (!use || strcmp(use, "sig") == 0) && (!number || (own && strcmp(own, number) == 0));
}

static bool verify_with(cjose_jws_t *jws, const json_t *key, cjose_jwk_kty_t type) {
    cjose_err ignored;
    char *text = json_dumps(key, JSON_COMPACT);
    cjose_jwk_t *jwk = text ? cjose_jwk_import(text, strlen(text), &ignored) : NULL;
    bool good =
        jwk && cjose_jwk_get_kty(jwk, &ignored) == type && cjose_jws_verify(jws, jwk, &ignored);
    cjose_jwk_release(jwk);
    free(text);
    return good;
}

static int verify(cjose_jws_t *jws, const json_t *keys, struct err *err) {
    cjose_err ignored;
    cjose_header_t *header = cjose_jws_get_protected(jws);
    const char *algorithm = cjose_header_get(header, CJOSE_HDR_ALG, &ignored),
               *number = cjose_header_get(header, CJOSE_HDR_KID, &ignored);
    cjose_jwk_kty_t type;
    size_t i, candidates = 0;
    json_t *key;
    if (!key_type(algorithm, &type))
        return err_set(err, E_UNAUTHORIZED, "the provider signs in a way that is not accepted");
    json_array_foreach(json_object_get(keys, "keys"), i, key) if (may_have_signed(key, number)) {
        candidates++;
        if (verify_with(jws, key, type))
            return 0;
    }
    return candidates ? err_set(err, E_UNAUTHORIZED, "the provider's signature does not fit")
                      : err_set(err, E_NOT_FOUND, "the provider's key is not known");
}

static bool names(const json_t *audience, const char *client_id) {
    size_t i;
    json_t *one;
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), client_id) == 0;
    json_array_foreach((json_t *)(uintptr_t)audience, i,
                       one) if (json_is_string(one) &&
                                strcmp(json_string_value(one), client_id) == 0) return true;
    return false;
}

static bool says(const json_t *claims, const char *name, const char *value) {
    const char *said = json_string_value(json_object_get(claims, name));
    return said && strcmp(said, value) == 0;
}

static const char *fault_of(const json_t *claims, const struct id_token_expected *expected) {
    const json_t *audience = json_object_get(claims, "aud"),
                 *party = json_object_get(claims, "azp"), *expires = json_object_get(claims, "exp"),
                 *issued = json_object_get(claims, "iat"), *begins = json_object_get(claims, "nbf");
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    double now = (double)expected->now_ms / 1000;
    if (!says(claims, "iss", expected->issuer))
        return ERR_WORDS("another provider's answer");
    if (!names(audience, expected->client_id) || (json_array_size(audience) > 1 && !party) ||
        (party && !says(claims, "azp", expected->client_id)))
        return ERR_WORDS("the provider's answer is for another program");
    if (!json_is_number(expires) || json_number_value(expires) + LEEWAY_S <= now ||
        !json_is_number(issued) || json_number_value(issued) - LEEWAY_S > now ||
        json_number_value(issued) + AGE_S <= now ||
        (begins && json_number_value(begins) - LEEWAY_S > now))
        return ERR_WORDS("the provider's answer is not of this time: check the clocks");
    if (!says(claims, "nonce", expected->nonce))
        return ERR_WORDS("the provider's answer is to another question");
    return subject && subject[0] && strlen(subject) <= SUBJECT_MAX
               ? NULL
               : ERR_WORDS("the provider does not say who it is");
}

static int read_claims(cjose_jws_t *jws, json_t **claims, struct err *err) {
    cjose_err ignored;
    uint8_t *text;
    size_t n;
    *claims = cjose_jws_get_plaintext(jws, &text, &n, &ignored)
                  ? json_loadb((const char *)text, n, JSON_REJECT_DUPLICATES, NULL)
                  : NULL;
    return json_is_object(*claims)
               ? 0
               : err_set(err, E_UNAUTHORIZED, "the provider's answer is unclear");
}

int id_token_check(const char *token, const json_t *keys, const struct id_token_expected *expected,
                   json_t **claims, struct err *err) {
    cjose_err ignored;
    size_t n = strlen(token);
    cjose_jws_t *jws = n <= TOKEN_MAX ? cjose_jws_import(token, n, &ignored) : NULL;
    *claims = NULL;
    if (!jws)
        return err_set(err, E_UNAUTHORIZED, "the provider's answer is unclear");
    int code = verify(jws, keys, err);
    if (!code)
        code = read_claims(jws, claims, err);
    cjose_jws_release(jws);
    const char *fault = code ? NULL : fault_of(*claims, expected);
    if (fault)
        code = err_set(err, E_UNAUTHORIZED, "%s", fault);
    if (code) {
        json_decref(*claims);
        *claims = NULL;
    }
    return code;
}
