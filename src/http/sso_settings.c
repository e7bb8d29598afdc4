/*
 * The provider that people sign in through, as one setting; the client's secret sealed by the vault.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/fetch.h"
#include "customer/vault_text.h"
#include "http/sso_internal.h"

#define SETTING "single_sign_on"
enum { SETTING_BYTES = 16 * 1024, TEXT_MAX = 300, DOMAINS_MAX = 50 };

static const char *text_of(const json_t *json, const char *name, struct arena *arena) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? arena_text(arena, slice_of(text)) : "";
}

int sso_settings_get(struct accounts *accounts, struct arena *arena, struct sso_settings *settings,
                     struct err *err) {
    char *text = arena_get(arena, SETTING_BYTES);
    text[0] = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    int code = store_setting_get(db, SETTING, text, SETTING_BYTES, err);
    store_reader_put(accounts->folder->store, db);
    if (code || !text[0])
        return code ? code : err_set(err, E_NOT_FOUND, "there is no single sign-on");
    json_t *json = json_loads(text, 0, NULL), *domains = json_object_get(json, "domains"), *one;
    size_t i;
    *settings =
        (struct sso_settings){.issuer = text_of(json, "issuer", arena),
                              .client_id = text_of(json, "client_id", arena),
                              .label = text_of(json, "label", arena),
                              .role = role_of(text_of(json, "role", arena)),
                              .trust_email = json_is_true(json_object_get(json, "trust_email"))};
    if (json_array_size(domains))
        settings->domains = ARENA_ARRAY(arena, const char *, json_array_size(domains));
    json_array_foreach(domains, i, one) settings->domains[settings->n_domains++] =
        arena_text(arena, slice_of(json_string_value(one) ? json_string_value(one) : ""));
    code = vault_unseal_text(accounts->folder->vault, text_of(json, "secret", arena), arena,
                             &settings->secret, err);
    json_decref(json);
    return code;
}

static int check(const struct sso_settings *settings, struct err *err) {
    if (strlen(settings->issuer) > TEXT_MAX || !fetch_is_safe(settings->issuer) ||
        strpbrk(settings->issuer, "?#"))
        return err_at(err, E_INVALID, "/issuer",
                      "the issuer is an address that begins with https://");
    if (!settings->client_id[0] || strlen(settings->client_id) > TEXT_MAX)
        return err_at(err, E_INVALID, "/client_id", "must be a text of at most %d bytes", TEXT_MAX);
    if (strlen(settings->secret) > VAULT_TEXT_MAX)
        return err_at(err, E_INVALID, "/client_secret", "must be a text of at most %d bytes",
                      VAULT_TEXT_MAX);
    if (strlen(settings->label) > 60)
        return err_at(err, E_INVALID, "/label", "must be a text of at most %d bytes", 60);
    if (settings->role == ROLE_OWNER || settings->role == ROLE_ADMIN)
        return err_at(err, E_INVALID, "/role",
                      "whoever comes in by themselves is no administrator");
    if (settings->n_domains > DOMAINS_MAX)
        return err_at(err, E_INVALID, "/domains", "at most %d domains", DOMAINS_MAX);
    for (size_t i = 0; i < settings->n_domains; i++)
        if (!settings->domains[i][0] || strlen(settings->domains[i]) > 253 ||
            strpbrk(settings->domains[i], "@/ "))
            return err_at(err, E_INVALID, "/domains", "a domain is the part after the @");
    return 0;
}

static int write_setting(void *context, sqlite3 *db, struct err *err) {
    return store_setting_put(db, SETTING, context, err);
}

int sso_settings_put(struct accounts *accounts, const struct principal *by,
                     const struct sso_settings *settings, struct err *err) {
    int code = check(settings, err);
    if (code)
        return code;
    struct arena arena;
    arena_init(&arena);
    json_t *domains = json_array();
    for (size_t i = 0; i < settings->n_domains; i++)
        json_array_append_new(domains, json_string(settings->domains[i]));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "issuer", settings->issuer,
                             "client_id", settings->client_id, "secret",
                             vault_seal_text(accounts->folder->vault, settings->secret, &arena),
                             "label", settings->label, "role",
                             settings->role == ROLE_NONE ? "" : role_name(settings->role),
                             "trust_email", settings->trust_email, "domains", domains);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text)
        abort();
    code = strlen(text) < SETTING_BYTES
               ? store_write(accounts->folder->store, write_setting, text, err)
               : err_at(err, E_INVALID, "/domains", "at most %d domains", DOMAINS_MAX);
    free(text);
    arena_release(&arena);
    if (!code)
        audit_write(accounts, by, "", "sso.put", settings->issuer, "");
    return code;
}

int sso_settings_remove(struct accounts *accounts, const struct principal *by, struct err *err) {
    char nothing[] = "";
    int code = store_write(accounts->folder->store, write_setting, nothing, err);
    if (!code)
        audit_write(accounts, by, "", "sso.remove", "", "");
    return code;
}

int sso_check(const struct sso_settings *settings, struct err *err) {
    json_t *description = NULL, *keys = NULL;
    int code = provider_read(settings, &description, err);
    if (!code)
        code = provider_keys(description, &keys, err);
    if (!code && !json_array_size(json_object_get(keys, "keys")))
        code = err_set(err, E_REFUSED, "the provider has no keys");
    json_decref(description);
    json_decref(keys);
    return code;
}
