/*
 * ID tokens: what a provider's own keys signed for us, now, is believed; nothing else.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjose/cjose.h>

#include "http/id_token.h"

static const struct id_token_expected EXPECTED = {
    .issuer = "https://login.example.org", .client_id = "senda", .nonce = "n1", .now_ms = 1000000};
#define CLAIMS                                                                                     \
    "\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":1300,"       \
    "\"iat\":1000,\"sub\":\"7\""

static cjose_jwk_t *rsa, *ec, *stranger;
static json_t *keys;

static cjose_jwk_t *with_number(cjose_jwk_t *key, const char *number) {
    cjose_err err;
    assert_true(key && cjose_jwk_set_kid(key, number, strlen(number), &err));
    return key;
}

static json_t *public_part(cjose_jwk_t *key) {
    cjose_err err;
    char *text = cjose_jwk_to_json(key, false, &err);
    json_t *json = json_loads(text, 0, NULL);
    cjose_get_dealloc()(text);
    return json;
}

static int make_keys(void **state) {
    (void)state;
    cjose_err err;
    rsa = with_number(cjose_jwk_create_RSA_random(2048, (const uint8_t *)"\x01\x00\x01", 3, &err),
                      "r");
    ec = with_number(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err), "e");
    stranger = with_number(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err), "e");
    keys = json_pack("{s:[o, o]}", "keys", public_part(rsa), public_part(ec));
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    cjose_jwk_release(rsa);
    cjose_jwk_release(ec);
    cjose_jwk_release(stranger);
    json_decref(keys);
    return 0;
}

/* number NULL: the header names no key. */
static char *sign(cjose_jwk_t *key, const char *algorithm, const char *number, const char *claims) {
    cjose_err err;
    cjose_header_t *header = cjose_header_new(&err);
    const char *text;
    assert_true(cjose_header_set(header, CJOSE_HDR_ALG, algorithm, &err));
    assert_true(!number || cjose_header_set(header, CJOSE_HDR_KID, number, &err));
    cjose_jws_t *jws = cjose_jws_sign(key, header, (const uint8_t *)claims, strlen(claims), &err);
    assert_non_null(jws);
    assert_true(cjose_jws_export(jws, &text, &err));
    char *copy = strdup(text);
    cjose_jws_release(jws);
    cjose_header_release(header);
    return copy;
}

static int check(const char *token) {
    struct err err = {0};
    json_t *claims;
    int code = id_token_check(token, keys, &EXPECTED, &claims, &err);
    assert_true(code ? claims == NULL && err.message[0]
                     : strcmp(json_string_value(json_object_get(claims, "sub")), "7") == 0);
    json_decref(claims);
    return code;
}

static int check_claims(const char *claims) {
    char *token = sign(ec, "ES256", "e", claims);
    int code = check(token);
    free(token);
    return code;
}

static void what_the_provider_signed_is_believed(void **state) {
    (void)state;
    static const char *const by_rsa[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
    for (size_t i = 0; i < sizeof by_rsa / sizeof *by_rsa; i++) {
        char *token = sign(rsa, by_rsa[i], "r", "{" CLAIMS "}");
        assert_int_equal(check(token), 0);
        free(token);
    }
    char *unnamed = sign(ec, "ES256", NULL, "{" CLAIMS "}");
    assert_int_equal(check(unnamed), 0);
    free(unnamed);
}

static void what_a_stranger_signed_is_not(void **state) {
    (void)state;
    cjose_err err;
    json_t *public = json_array_get(json_object_get(keys, "keys"), 1);
    char *secret = json_dumps(public, JSON_COMPACT);
    cjose_jwk_t *shared = cjose_jwk_create_oct_spec((const uint8_t *)secret, strlen(secret), &err);
    char *tokens[] = {
        sign(stranger, "ES256", "e", "{" CLAIMS "}"),
        sign(stranger, "ES256", NULL, "{" CLAIMS "}"),
        sign(shared, "HS256", "e", "{" CLAIMS "}"), /* the public key as a secret */
        strdup("eyJhbGciOiJub25lIn0."
               "eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUub3JnIiwiYXVkIjoic2VuZGEifQ."),
        strdup(""),
        strdup("a.b.c"),
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        assert_int_equal(check(tokens[i]), E_UNAUTHORIZED);
        free(tokens[i]);
    }
    char *rotated = sign(stranger, "ES256", "newer", "{" CLAIMS "}");
    assert_int_equal(check(rotated), E_NOT_FOUND);
    free(rotated);
    cjose_jwk_release(shared);
    free(secret);
}

static void what_was_changed_on_the_way_is_not(void **state) {
    (void)state;
    char *token = sign(ec, "ES256", "e", "{" CLAIMS "}");
    for (size_t i = 0; i < strlen(token); i += 7) {
        char kept = token[i];
        if (kept == '.')
            continue;
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(check(token), 0);
        token[i] = kept;
    }
    assert_int_equal(check(token), 0);
    free(token);
}

static void what_is_for_another_or_of_another_time_is_not(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"iss\":\"https://other.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":1300,"
        "\"iat\":1000,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"other\",\"nonce\":\"n1\",\"exp\":1300,"
        "\"iat\":1000,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":[\"senda\",\"other\"],\"nonce\":\"n1\","
        "\"exp\":1300,\"iat\":1000,\"sub\":\"7\"}", /* several, and none said to be meant */
        "{" CLAIMS ",\"azp\":\"other\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n2\",\"exp\":1300,"
        "\"iat\":1000,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"exp\":1300,\"iat\":1000,"
        "\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":930,"
        "\"iat\":900,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":9300,"
        "\"iat\":300,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":9300,"
        "\"iat\":2000,\"sub\":\"7\"}",
        "{" CLAIMS ",\"nbf\":1100}",
        "{\"iss\":\"https://"
        "login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":\"1300\","
        "\"iat\":1000,\"sub\":\"7\"}",
        "{\"iss\":\"https://login.example.org\",\"aud\":\"senda\",\"nonce\":\"n1\",\"exp\":1300,"
        "\"iat\":1000,\"sub\":\"\"}",
        "{" CLAIMS ",\"sub\":\"8\"}", /* said twice */
        "[1]",
        "not JSON",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (check_claims(wrong[i]) != E_UNAUTHORIZED)
            fail_msg("%s", wrong[i]);
    assert_int_equal(check_claims("{" CLAIMS ",\"azp\":\"senda\",\"nbf\":1030}"), 0);
    assert_int_equal(
        check_claims("{\"iss\":\"https://login.example.org\",\"aud\":[\"other\",\"senda\"],"
                     "\"azp\":\"senda\",\"nonce\":\"n1\",\"exp\":1300,\"iat\":1000,\"sub\":\"7\"}"),
        0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_provider_signed_is_believed),
        cmocka_unit_test(what_a_stranger_signed_is_not),
        cmocka_unit_test(what_was_changed_on_the_way_is_not),
        cmocka_unit_test(what_is_for_another_or_of_another_time_is_not),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
