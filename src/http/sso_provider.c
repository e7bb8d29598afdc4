/*
 * What Senda asks an OpenID provider: its description, its keys, a code's tokens, who it is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/fetch.h"
#include "http/id_token.h"
#include "http/router.h"
#include "http/sso_internal.h"

enum { FORM_BYTES = 16384 };

/* A JSON object that `ask` is answered; E_REFUSED otherwise. what: for the message. */
static int ask_json(const struct fetch *ask, const char *what, json_t **object, struct err *err) {
    struct buf answer;
    struct err failure = {0};
    long status;
    int code = fetch(ask, &status, &answer, &failure);
    *object = code ? NULL : json_loadb(answer.p ? answer.p : "", answer.n, 0, NULL);
    buf_release(&answer);
    if (code)
        return err_set(err, E_REFUSED, "%s: %s", what, failure.message);
    if (status == 200 && json_is_object(*object))
        return 0;
    json_decref(*object);
    *object = NULL;
    return err_set(err, E_REFUSED, "%s: the provider answers %ld", what, status);
}

static int check_endpoint(const json_t *description, const char *name, struct err *err) {
    const char *url = json_string_value(json_object_get(description, name));
    return url && fetch_is_safe(url)
               ? 0
               : err_set(err, E_REFUSED, "the provider's %s is missing or not https", name);
}

int provider_read(const struct sso_settings *settings, json_t **description, struct err *err) {
    static const char *const endpoints[] = {"authorization_endpoint", "token_endpoint", "jwks_uri"};
    struct buf url;
    size_t n = strlen(settings->issuer);
    buf_init(&url, 2048);
    buf_add(&url, settings->issuer, n && settings->issuer[n - 1] == '/' ? n - 1 : n);
    buf_add(&url, "/.well-known/openid-configuration", sizeof "/.well-known/openid-configuration");
    int code =
        ask_json(&(struct fetch){.url = url.p}, ERR_WORDS("its description"), description, err);
    buf_release(&url);
    if (code)
        return code;
    const char *issuer = json_string_value(json_object_get(*description, "issuer"));
    if (!issuer || strcmp(issuer, settings->issuer) != 0)
        code = err_set(err, E_REFUSED, "the provider calls itself %.120s",
                       issuer ? issuer : ERR_WORDS("nothing"));
    for (size_t i = 0; !code && i < sizeof endpoints / sizeof *endpoints; i++)
        code = check_endpoint(*description, endpoints[i], err);
    if (code) {
        json_decref(*description);
        *description = NULL;
    }
    return code;
}

int provider_keys(const json_t *description, json_t **keys, struct err *err) {
    const char *url = json_string_value(json_object_get(description, "jwks_uri"));
    return ask_json(&(struct fetch){.url = url}, ERR_WORDS("its keys"), keys, err);
}

/* ---- a code for tokens ---- */

static void add_field(struct buf *form, const char *name, const char *value) {
    buf_add_format(form, "%s%s=", form->n ? "&" : "", name);
    url_encode(slice_of(value), form);
}

/* Providers differ in whether they undo the encoding that RFC 6749 wants in the header. */
static bool is_plain(const char *text) {
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") ==
           strlen(text);
}

/* The client says its secret in the header; in the form where the provider knows no other way, or where both are known and the
 * header would not be clear. */
static bool secret_in_form(const struct sso_settings *settings, const json_t *description) {
    const json_t *ways = json_object_get(description, "token_endpoint_auth_methods_supported");
    bool basic = !ways, post = false;
    size_t i;
    json_t *way;
    json_array_foreach((json_t *)(uintptr_t)ways, i, way) {
        const char *name = json_string_value(way);
        basic |= name && strcmp(name, "client_secret_basic") == 0;
        post |= name && strcmp(name, "client_secret_post") == 0;
    }
    return post && !(basic && is_plain(settings->client_id) && is_plain(settings->secret));
}

static int ask_tokens(const struct sso_settings *settings, const json_t *description,
                      const struct provider_exchange *exchange, json_t **tokens, struct err *err) {
    struct buf form, user, password;
    bool in_form = !settings->secret[0] || secret_in_form(settings, description);
    buf_init(&form, FORM_BYTES);
    buf_init(&user, 4096);
    buf_init(&password, 4096);
    add_field(&form, "grant_type", "authorization_code");
    add_field(&form, "code", exchange->code);
    add_field(&form, "redirect_uri", exchange->return_url);
    add_field(&form, "code_verifier", exchange->verifier);
    if (in_form)
        add_field(&form, "client_id", settings->client_id);
    if (in_form && settings->secret[0])
        add_field(&form, "client_secret", settings->secret);
    buf_add_char(&form, 0);
    url_encode(slice_of(settings->client_id), &user);
    buf_add_char(&user, 0);
    url_encode(slice_of(settings->secret), &password);
    buf_add_char(&password, 0);
    struct fetch ask = {.url = json_string_value(json_object_get(description, "token_endpoint")),
                        .body = form.p,
                        .type = "application/x-www-form-urlencoded",
                        .user = in_form ? NULL : user.p,
                        .password = in_form ? NULL : password.p};
    int code = ask_json(&ask, ERR_WORDS("the sign-in"), tokens, err);
    sodium_memzero(form.p, form.n);
    sodium_memzero(password.p, password.n);
    buf_release(&form);
    buf_release(&user);
    buf_release(&password);
    return code;
}

/* The address, where the ID token does not have it. */
static int add_userinfo(const json_t *description, const json_t *tokens, json_t *claims,
                        struct err *err) {
    static const char *const members[] = {"email", "email_verified", "name"};
    const char *url = json_string_value(json_object_get(description, "userinfo_endpoint")),
               *bearer = json_string_value(json_object_get(tokens, "access_token"));
    json_t *more;
    if (json_object_get(claims, "email") || !url || !bearer || !fetch_is_safe(url))
        return 0;
    int code =
        ask_json(&(struct fetch){.url = url, .bearer = bearer}, ERR_WORDS("who it is"), &more, err);
    if (code)
        return code;
    if (!json_equal(json_object_get(more, "sub"), json_object_get(claims, "sub")))
        code = err_set(err, E_UNAUTHORIZED, "the provider speaks of somebody else");
    for (size_t i = 0; !code && i < sizeof members / sizeof *members; i++)
        if (json_object_get(more, members[i]))
            json_object_set(claims, members[i], json_object_get(more, members[i]));
    json_decref(more);
    return code;
}

int provider_exchange(const struct sso_settings *settings, const json_t *description,
                      const struct provider_exchange *exchange, json_t **claims, struct err *err) {
    json_t *tokens = NULL, *keys = NULL;
    struct id_token_expected expected = {.issuer = settings->issuer,
                                         .client_id = settings->client_id,
                                         .nonce = exchange->nonce,
                                         .now_ms = exchange->now_ms};
    *claims = NULL;
    int code = ask_tokens(settings, description, exchange, &tokens, err);
    const char *token = json_string_value(json_object_get(tokens, "id_token"));
    if (!code && !token)
        code = err_set(err, E_UNAUTHORIZED, "the provider does not say who it is");
    if (!code)
        code = provider_keys(description, &keys, err);
    if (!code)
        code = id_token_check(token, keys, &expected, claims, err);
    if (!code)
        code = add_userinfo(description, tokens, *claims, err);
    json_decref(tokens);
    json_decref(keys);
    if (code) {
        json_decref(*claims);
        *claims = NULL;
    }
    return code == E_NOT_FOUND
               ? err_set(err, E_UNAUTHORIZED, "the provider's signature does not fit")
               : code;
}
