/*
 * Going to the provider and coming back.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/sso.h"

#include <sodium.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "http/router.h"
#include "http/sso_internal.h"

#define COOKIE "senda_sso"
enum { WAY_MS = 10 * 60 * 1000, NEXT_MAX = 200, RETURN_CODE_MAX = 4096 };

const char *sso_return_url(struct request *request) {
    return arena_format(request->arena, "%s/sign-in/return", request_base_url(request));
}

static const char *cookie_name(const struct request *request) {
    return request->private->https ? "__Host-" COOKIE : COOKIE;
}

static void set_way(struct request *request, struct response *response, const char *value,
                    int seconds) {
    response_header(request, response, "Set-Cookie",
                    arena_format(request->arena,
                                 "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s",
                                 cookie_name(request), value, seconds,
                                 request->private->https ? "; Secure" : ""));
}

static void add(struct buf *url, const char *name, const char *value) {
    buf_add_format(url, "%s=", name);
    url_encode(slice_of(value), url);
}

/* RFC 7636: BASE64URL(SHA256(verifier)). */
static void challenge_of(const char *verifier, char text[48]) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)verifier, strlen(verifier));
    sodium_bin2base64(text, 48, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int take_throttle(struct request *request, struct response *response, struct err *err) {
    int retry_s = 0;
    if (throttle_take(app_accounts(request->app)->by_address, request->peer, request->received_ms,
                      &retry_s))
        return 0;
    response_header(request, response, "Retry-After", arena_format(request->arena, "%d", retry_s));
    return err_set(err, E_RATE, "too many attempts to sign in");
}

int sso_begin(struct request *request, struct response *response, const char *next,
              const char **location, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct sso_settings settings;
    json_t *description = NULL;
    char state[TOKEN_TEXT_BYTES], nonce[TOKEN_TEXT_BYTES], verifier[TOKEN_TEXT_BYTES],
        challenge[48];
    int code = take_throttle(request, response, err);
    if (!code)
        code = sso_settings_get(accounts, request->arena, &settings, err);
    if (!code)
        code = provider_read(&settings, &description, err);
    if (code)
        return code;
    token_make("", state);
    token_make("", nonce);
    token_make("", verifier);
    challenge_of(verifier, challenge);
    const char *way =
        arena_format(request->arena, "%s %s %s %.*s", state, nonce, verifier, NEXT_MAX, next);
    set_way(request, response,
            token_seal(accounts, "sso", 0, request->received_ms + WAY_MS, slice_of(way),
                       request->arena),
            WAY_MS / 1000);
    struct buf url;
    const char *at = json_string_value(json_object_get(description, "authorization_endpoint"));
    buf_init(&url, 8192);
    buf_add_text(&url, at);
    buf_add_char(&url, strchr(at, '?') ? '&' : '?');
    add(&url, "response_type=code&scope=openid%20email%20profile&client_id", settings.client_id);
    add(&url, "&redirect_uri", sso_return_url(request));
    add(&url, "&state", state);
    add(&url, "&nonce", nonce);
    add(&url, "&code_challenge_method=S256&code_challenge", challenge);
    *location = arena_text(request->arena, buf_slice(&url));
    buf_release(&url);
    json_decref(description);
    return 0;
}

/* ---- who it is ---- */

struct linking {
    const char *issuer, *subject;
    uint64_t user;
};

static int insert_identity(void *context, sqlite3 *db, struct err *err) {
    const struct linking *linking = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR REPLACE INTO user_identity(issuer, subject, user) VALUES(?, hashed(?), ?)",
        err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, linking->issuer);
    bind_text(statement, 2, linking->subject);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)linking->user);
    return store_run(statement, err);
}

/* 0 in *user: not seen before. */
static int find_identity(struct accounts *accounts, struct linking *linking, struct err *err) {
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT user FROM user_identity WHERE issuer = ? AND subject = hashed(?)", err);
    int code = E_IO;
    if (statement) {
        bind_text(statement, 1, linking->issuer);
        bind_text(statement, 2, linking->subject);
        code = store_step(statement, err);
    }
    if (code == 1) {
        linking->user = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    return code < 0 ? code : 0;
}

static bool may_come(const struct sso_settings *settings, const char *email) {
    const char *domain = strrchr(email, '@');
    for (size_t i = 0; domain && i < settings->n_domains; i++)
        if (strcasecmp(domain + 1, settings->domains[i]) == 0)
            return true;
    return domain && !settings->n_domains;
}

static int add_person(struct request *request, const struct sso_settings *settings,
                      const json_t *claims, const char *email, struct user *user, struct err *err) {
    const char *name = json_string_value(json_object_get(claims, "name"));
    struct principal by = {.name = "single sign-on", .role = ROLE_ADMIN};
    if (settings->role == ROLE_NONE)
        return err_set(err, E_FORBIDDEN, "nobody has invited this address yet");
    *user = (struct user){.email = email,
                          .name = name && strlen(name) <= 120 ? name : "",
                          .language = "",
                          .role = settings->role};
    int code = user_add(app_accounts(request->app), &by, user, NULL, err);
    return code ? code : user_get(app_accounts(request->app), user->id, request->arena, user, err);
}

/* At the first time: by the address, which must be theirs. */
static int meet(struct request *request, const struct sso_settings *settings, const json_t *claims,
                struct user *user, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    const char *email = json_string_value(json_object_get(claims, "email"));
    const json_t *verified = json_object_get(claims, "email_verified");
    bool vouched = json_is_true(verified) ||
                   (json_is_string(verified) && strcmp(json_string_value(verified), "true") == 0);
    if (!email || !email[0] || strlen(email) > 254)
        return err_set(err, E_FORBIDDEN, "the provider does not tell the e-mail address");
    if (!vouched && (verified || !settings->trust_email))
        return err_set(err, E_FORBIDDEN, "the provider has not verified the e-mail address");
    if (!may_come(settings, email))
        return err_set(err, E_FORBIDDEN, "addresses of this domain do not come in here");
    struct err found = {0};
    int code = user_find(accounts, arena_text(request->arena, slice_of(email)), request->arena,
                         user, &found);
    if (code && code != E_NOT_FOUND) {
        *err = found;
        return code;
    }
    return code ? add_person(request, settings, claims, email, user, err) : 0;
}

static int find_person(struct request *request, const struct sso_settings *settings,
                       const json_t *claims, struct user *user, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct linking linking = {.issuer = settings->issuer,
                              .subject = json_string_value(json_object_get(claims, "sub"))};
    int code = find_identity(accounts, &linking, err);
    if (!code && linking.user)
        return user_get(accounts, linking.user, request->arena, user, err);
    if (!code)
        code = meet(request, settings, claims, user, err);
    if (!code && user->disabled)
        return err_set(err, E_FORBIDDEN, "this person is switched off");
    linking.user = code ? 0 : user->id;
    if (!code)
        code = store_write(accounts->folder->store, insert_identity, &linking, err);
    if (!code) {
        struct principal by = {.name = user->email};
        audit_write(accounts, &by, request->peer, "user.link_identity", user->email,
                    settings->issuer);
    }
    return code;
}

/* ---- back ---- */

struct way {
    char state[TOKEN_TEXT_BYTES], nonce[TOKEN_TEXT_BYTES], verifier[TOKEN_TEXT_BYTES];
    const char *next;
};

/* What the browser kept, if it comes back from where it was sent; it is good once. */
static int read_way(struct request *request, struct response *response, struct way *way,
                    struct err *err) {
    const char *cookie = request_cookie(request, cookie_name(request)),
               *state = request_query(request, "state");
    struct slice kept;
    uint64_t nobody;
    int at = 0;
    set_way(request, response, "", 0);
    bool good = cookie &&
                token_unseal(app_accounts(request->app), "sso", cookie, request->received_ms,
                             &nobody, &kept, request->arena) &&
                sscanf(arena_text(request->arena, kept), "%63s %63s %63s %n", way->state,
                       way->nonce, way->verifier, &at) == 3 &&
                state && strlen(state) == strlen(way->state) &&
                sodium_memcmp(state, way->state, strlen(state)) == 0;
    if (!good)
        return err_set(err, E_UNAUTHORIZED, "signing in took too long: begin again");
    way->next = arena_text(request->arena, (struct slice){kept.p + at, kept.n - (size_t)at});
    return 0;
}

static int exchange(struct request *request, const struct sso_settings *settings,
                    const struct way *way, json_t **claims, struct err *err) {
    const char *code_text = request_query(request, "code"), *issuer = request_query(request, "iss");
    json_t *description;
    if (issuer && strcmp(issuer, settings->issuer) != 0) /* RFC 9207 */
        return err_set(err, E_UNAUTHORIZED, "another provider's answer");
    if (!code_text || !code_text[0] || strlen(code_text) > RETURN_CODE_MAX)
        return err_set(err, E_UNAUTHORIZED, "the provider has not let this person in");
    int code = provider_read(settings, &description, err);
    if (code)
        return code;
    struct provider_exchange asked = {.code = code_text,
                                      .verifier = way->verifier,
                                      .return_url = sso_return_url(request),
                                      .nonce = way->nonce,
                                      .now_ms = clock_now_ms()};
    code = provider_exchange(settings, description, &asked, claims, err);
    json_decref(description);
    return code;
}

int sso_return(struct request *request, struct response *response, const char **next,
               const char **pending, struct err *err) {
    struct sso_settings settings;
    struct user user = {0};
    struct way way = {.next = "/"};
    json_t *claims = NULL;
    *next = "/";
    *pending = NULL;
    int code = take_throttle(request, response, err);
    if (!code)
        code = sso_settings_get(app_accounts(request->app), request->arena, &settings, err);
    if (!code)
        code = read_way(request, response, &way, err);
    if (!code) {
        *next = way.next;
        code = exchange(request, &settings, &way, &claims, err);
    }
    if (!code)
        code = find_person(request, &settings, claims, &user, err);
    json_decref(claims);
    if (code == E_UNAUTHORIZED || code == E_FORBIDDEN) {
        struct principal nobody = {.name = ""};
        audit_write(app_accounts(request->app), &nobody, request->peer, "session.refused", "",
                    err->message);
    }
    return code ? code : session_admit(request, response, &user, pending, err);
}
