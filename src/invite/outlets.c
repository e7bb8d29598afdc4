/*
 * The ways out: a mail relay, and one gateway for text messages (SMS, WhatsApp), as one setting with sealed secrets.
 *
 * The gateway gets POST {"id","channel","to","text"} signed as Standard Webhooks are (webhook-id, webhook-timestamp,
 * webhook-signature: v1,BASE64(HMAC-SHA256(id.timestamp.body))) under a secret "whsec_…". 2xx: taken; 4xx (but 408 and 429):
 * never; else later.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fetch.h"
#include "base/signed.h"
#include "customer/vault_text.h"
#include "invite/internal.h"

#define SETTING "outlets"
enum {
    SETTING_BYTES = 16384,
    PER_MINUTE = 600,
    PER_MINUTE_MAX = 60000,
    RETURN_NAME_MAX = 30 /* of a return path: with its token it stays within 64 */
};

/* ---- kept ---- */

static int load(struct folder *folder, json_t **kept, struct err *err) {
    char text[SETTING_BYTES] = "";
    sqlite3 *db = store_reader_get(folder->store);
    int code = store_setting_get(db, SETTING, text, sizeof text, err);
    store_reader_put(folder->store, db);
    if (code && code != E_NOT_FOUND)
        return code;
    *kept = json_loads(text, 0, NULL);
    if (!*kept)
        *kept = json_object();
    return 0;
}

static const char *text_in(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static int number_in(const json_t *object, const char *name, int standard) {
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? (int)json_integer_value(value) : standard;
}

/* ---- read ---- */

static const char *const securities[] = {"none", "starttls", "tls"};

static enum mail_security security_of(const char *word) {
    for (int i = 0; i < 3; i++)
        if (strcmp(securities[i], word) == 0)
            return (enum mail_security)i;
    return MAIL_STARTTLS;
}

int outlets_read(struct folder *folder, struct arena *arena, struct outlets *outlets,
                 struct err *err) {
    json_t *kept;
    int code = load(folder, &kept, err);
    if (code)
        return code;
    const json_t *mail = json_object_get(kept, "mail"), *gateway = json_object_get(kept, "gateway");
#define COPY(object, name) arena_text(arena, slice_of(text_in(object, name)))
    *outlets = (struct outlets){.base_url = COPY(kept, "base_url"),
                                .quarantine_days =
                                    number_in(kept, "quarantine_days", INVITE_QUARANTINE_DAYS),
                                .has_mail = json_is_object(mail),
                                .has_gateway = json_is_object(gateway),
                                .mail = {.host = COPY(mail, "host"),
                                         .port = number_in(mail, "port", 587),
                                         .security = security_of(text_in(mail, "security")),
                                         .user = COPY(mail, "user"),
                                         .password = "",
                                         .from = COPY(mail, "from"),
                                         .from_name = COPY(mail, "from_name"),
                                         .reply_to = COPY(mail, "reply_to")},
                                .gateway_url = COPY(gateway, "url"),
                                .gateway_secret = "",
                                .bounces = COPY(mail, "bounces"),
                                .per_minute = {number_in(mail, "per_minute", PER_MINUTE),
                                               number_in(gateway, "per_minute", PER_MINUTE)}};
#undef COPY
    code = vault_unseal_text(folder->vault, text_in(mail, "password"), arena,
                             &outlets->mail.password, err);
    if (!code)
        code = vault_unseal_text(folder->vault, text_in(gateway, "secret"), arena,
                                 &outlets->gateway_secret, err);
    json_decref(kept);
    return code;
}

enum way way_of(const char *channel) {
    return strcmp(channel, "email") == 0 ? WAY_MAIL : WAY_GATEWAY;
}

int outlets_relay(struct folder *folder, struct arena *arena, struct mail_relay *relay, bool *has,
                  struct err *err) {
    struct outlets outlets;
    int code = outlets_read(folder, arena, &outlets, err);
    *has = !code && outlets.has_mail;
    if (*has)
        *relay = outlets.mail;
    return code;
}

bool outlets_has(const struct outlets *outlets, const char *channel) {
    if (!outlets->base_url[0])
        return false;
    return way_of(channel) == WAY_MAIL ? outlets->has_mail : outlets->has_gateway;
}

/* The same without secrets. */
static void hide(json_t *object, const char *secret, const char *set) {
    if (!json_is_object(object))
        return;
    json_object_set_new(object, set, json_boolean(text_in(object, secret)[0] != 0));
    json_object_del(object, secret);
}

int outlets_get(struct folder *folder, json_t **outlets, struct err *err) {
    int code = load(folder, outlets, err);
    if (code)
        return code;
    hide(json_object_get(*outlets, "mail"), "password", "password_set");
    hide(json_object_get(*outlets, "gateway"), "secret", "secret_set");
    json_t *standard = json_pack("{s:s, s:i, s:n, s:n}", "base_url", "", "quarantine_days",
                                 INVITE_QUARANTINE_DAYS, "mail", "gateway");
    json_object_update_missing(*outlets, standard);
    json_decref(standard);
    return 0;
}

/* ---- set ---- */

static int check_text(const json_t *object, const char *name, const char *pointer, size_t most,
                      bool needed, struct err *err) {
    const json_t *value = json_object_get(object, name);
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    bool broken = strpbrk(text, "\r\n") != NULL || strlen(text) > most ||
                  (value && !json_is_string(value) && !json_is_null(value));
    return broken || (needed && !text[0])
               ? err_at(err, E_INVALID, pointer, "must be a text of at most %zu bytes", most)
               : 0;
}

static int check_number(const json_t *object, const char *name, const char *pointer, int least,
                        int most, struct err *err) {
    const json_t *value = json_object_get(object, name);
    return !value || json_is_null(value) ||
                   (json_is_integer(value) && json_integer_value(value) >= least &&
                    json_integer_value(value) <= most)
               ? 0
               : err_at(err, E_INVALID, pointer, "must be a number from %d to %d", least, most);
}

static int check_mail(const json_t *mail, struct err *err) {
    int code = check_text(mail, "host", "/mail/host", 253, true, err);
    if (!code &&
        strspn(text_in(mail, "host"), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789.-") != strlen(text_in(mail, "host")))
        code = err_at(err, E_INVALID, "/mail/host", "must be the name of a host");
    if (!code)
        code = check_number(mail, "port", "/mail/port", 1, 65535, err);
    if (!code)
        code = check_text(mail, "user", "/mail/user", 254, false, err);
    if (!code)
        code = check_text(mail, "password", "/mail/password", VAULT_TEXT_MAX, false, err);
    if (!code)
        code = check_text(mail, "from_name", "/mail/from_name", 120, false, err);
    if (!code)
        code = check_number(mail, "per_minute", "/mail/per_minute", 1, PER_MINUTE_MAX, err);
    if (!code && !mail_is_address(text_in(mail, "from")))
        code = err_at(err, E_INVALID, "/mail/from", "must be an e-mail address");
    if (!code && text_in(mail, "reply_to")[0] && !mail_is_address(text_in(mail, "reply_to")))
        code = err_at(err, E_INVALID, "/mail/reply_to", "must be an e-mail address");
    const char *bounces = text_in(mail, "bounces");
    if (!code &&
        (json_object_get(mail, "bounces") && !json_is_string(json_object_get(mail, "bounces")) &&
         !json_is_null(json_object_get(mail, "bounces"))))
        code = err_at(err, E_INVALID, "/mail/bounces", "must be an e-mail address");
    if (!code && bounces[0] &&
        (!mail_is_address(bounces) || strchr(bounces, '@') - bounces > RETURN_NAME_MAX ||
         strchr(bounces, '+')))
        code = err_at(err, E_INVALID, "/mail/bounces",
                      "must be an e-mail address with at most %d characters before the @, no +",
                      RETURN_NAME_MAX);
    const char *security = text_in(mail, "security");
    if (!code && security[0] && strcmp(security, securities[security_of(security)]) != 0)
        code = err_at(err, E_INVALID, "/mail/security", "security is none, starttls or tls");
    bool own = strcmp(text_in(mail, "host"), "127.0.0.1") == 0 ||
               strcmp(text_in(mail, "host"), "localhost") == 0;
    if (!code && text_in(mail, "user")[0] && security_of(security) == MAIL_PLAIN && !own)
        code = err_at(err, E_INVALID, "/mail/security", "a password needs starttls or tls");
    return code;
}

static int check_gateway(const json_t *gateway, struct err *err) {
    int code = check_text(gateway, "url", "/gateway/url", 1000, true, err);
    if (!code && !fetch_is_safe(text_in(gateway, "url")))
        code =
            err_at(err, E_INVALID, "/gateway/url", "must be an address that begins with https://");
    if (!code)
        code = check_text(gateway, "secret", "/gateway/secret", VAULT_TEXT_MAX, false, err);
    const char *secret = text_in(gateway, "secret");
    if (!code && secret[0] && !signed_secret_is_good(secret))
        code = err_at(err, E_INVALID, "/gateway/secret",
                      "must be whsec_ and base64 of 16 bytes or more");
    return code
               ? code
               : check_number(gateway, "per_minute", "/gateway/per_minute", 1, PER_MINUTE_MAX, err);
}

static int check(const json_t *document, struct err *err) {
    static const char *const members[] = {"base_url", "quarantine_days", "mail", "gateway"};
    const char *name;
    json_t *value;
    if (!json_is_object(document))
        return err_at(err, E_MALFORMED, "", "the ways out are a JSON object");
    json_object_foreach((json_t *)(uintptr_t)document, name, value) {
        char pointer[80];
        size_t i = 0;
        while (i < 4 && strcmp(members[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "/%.60s", name);
        if (i == 4)
            return err_at(err, E_INVALID, pointer, "unknown member");
    }
    const json_t *mail = json_object_get(document, "mail"),
                 *gateway = json_object_get(document, "gateway");
    int code = check_text(document, "base_url", "/base_url", 300, true, err);
    if (!code && !fetch_is_safe(text_in(document, "base_url")))
        code = err_at(err, E_INVALID, "/base_url", "must be an address that begins with https://");
    if (!code)
        code = check_number(document, "quarantine_days", "/quarantine_days", 0, 3650, err);
    if (!code && mail && !json_is_null(mail))
        code = check_mail(mail, err);
    if (!code && gateway && !json_is_null(gateway))
        code = check_gateway(gateway, err);
    return code;
}

/* A secret that is not said again stays. */
static void keep_secret(struct folder *folder, json_t *next, const json_t *kept, const char *secret,
                        const char *shown) {
    struct arena arena;
    if (!json_is_object(next))
        return;
    arena_init(&arena);
    const char *said = text_in(next, secret);
    json_object_del(next, shown);
    json_object_set_new(next, secret,
                        json_string(said[0] ? vault_seal_text(folder->vault, said, &arena)
                                            : text_in(kept, secret)));
    arena_release(&arena);
}

static int write_setting(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, SETTING, context, err);
}

int outlets_put(struct folder *folder, const json_t *document, struct err *err) {
    json_t *kept, *next;
    int code = check(document, err);
    if (!code)
        code = load(folder, &kept, err);
    if (code)
        return code;
    next = json_deep_copy(document);
    keep_secret(folder, json_object_get(next, "mail"), json_object_get(kept, "mail"), "password",
                "password_set");
    keep_secret(folder, json_object_get(next, "gateway"), json_object_get(kept, "gateway"),
                "secret", "secret_set");
    char *base = strdup(text_in(next, "base_url")), *text;
    if (!base)
        abort();
    while (base[0] && base[strlen(base) - 1] == '/')
        base[strlen(base) - 1] = 0;
    json_object_set_new(next, "base_url", json_string(base));
    free(base);
    text = json_dumps(next, JSON_COMPACT);
    json_decref(next);
    json_decref(kept);
    if (!text)
        abort();
    code = strlen(text) < SETTING_BYTES ? store_write(folder->store, write_setting, text, err)
                                        : err_set(err, E_INVALID, "these settings are too long");
    free(text);
    return code;
}

/* ---- the gateway ---- */

int gateway_send(const struct outlets *outlets, const char *channel, const char *id, const char *to,
                 const char *text, struct err *err) {
    struct buf answer;
    struct arena arena;
    char signature[SIGNED_BYTES];
    long status;
    arena_init(&arena);
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s}", "id", id, "channel", channel, "to", to, "text", text);
    char *json = json_dumps(body, JSON_COMPACT);
    if (!json)
        abort();
    int64_t now_s = clock_now_ms() / 1000;
    signed_make(outlets->gateway_secret, id, now_s, json, signature);
    const char *headers[] = {arena_format(&arena, "webhook-id: %s", id),
                             arena_format(&arena, "webhook-timestamp: %lld", (long long)now_s),
                             arena_format(&arena, "webhook-signature: %s", signature), NULL};
    int code = fetch(&(struct fetch){.url = outlets->gateway_url, .body = json, .headers = headers},
                     &status, &answer, err);
    buf_release(&answer);
    free(json);
    json_decref(body);
    arena_release(&arena);
    if (code || (status >= 200 && status < 300))
        return code;
    bool never = status >= 400 && status < 500 && status != 408 && status != 429;
    return err_set(err, never ? E_REFUSED : E_BUSY, "the gateway answers %ld", status);
}

int outlets_try(struct folder *folder, const char *channel, const char *to, struct err *err) {
    struct arena arena;
    struct outlets outlets;
    struct err failure = {0};
    arena_init(&arena);
    int code = outlets_read(folder, &arena, &outlets, err);
    bool mail = strcmp(channel, "email") == 0;
    if (!code && (mail ? !outlets.has_mail : !outlets.has_gateway))
        code = err_set(err, E_CONFLICT, "there is no way to send: set a relay or a gateway first");
    const char *id = arena_format(&arena, "try-%lld", (long long)clock_now_ms());
    const char *text = arena_format(&arena, "%s: Senda", folder->name);
    if (!code) {
        code = mail ? mail_send(
                          &outlets.mail,
                          &(struct mail_message){.to = to, .subject = text, .text = text, .id = id},
                          &failure)
                    : gateway_send(&outlets, channel, id, to, text, &failure);
        if (code)
            code = err_repeat(err, E_REFUSED, "", &failure);
    }
    arena_release(&arena);
    return code;
}
