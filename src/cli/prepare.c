/*
 * Making a data folder ready: see prepare.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/prepare.h"

#include <sodium.h>

/* The shell that made the folder is its owner. */
static const struct principal SHELL = {.name = "shell",
                                       .role = ROLE_OWNER,
                                       .scopes = SCOPE_COLLECT | SCOPE_QUERY | SCOPE_IMPORT |
                                                 SCOPE_MANAGE | SCOPE_ADMIN | SCOPE_METRICS};

static int read_password(const struct preparation *preparation, char password[PASSWORD_MAX + 1],
                         struct err *err) {
    const char *given = preparation->admin_password;
    if (given)
        snprintf(password, PASSWORD_MAX + 1, "%s", given);
    if (!preparation->admin_password_file)
        return given ? 0 : err_set(err, E_USAGE, "--admin-password-file is missing");
    FILE *file = fopen(preparation->admin_password_file, "rb");
    if (!file)
        return err_set(err, E_USAGE, "the password file cannot be read");
    size_t n = fread(password, 1, PASSWORD_MAX, file);
    fclose(file);
    while (n && (password[n - 1] == '\n' || password[n - 1] == '\r'))
        n--;
    password[n] = 0;
    return 0;
}

static int add_owner(struct app *app, const struct preparation *preparation, struct err *err) {
    char password[PASSWORD_MAX + 1] = "";
    struct user user = {.email = preparation->admin_email,
                        .name = preparation->admin_email,
                        .language = "",
                        .role = ROLE_OWNER};
    int code = read_password(preparation, password, err);
    if (!code)
        code = user_add(app_accounts(app), &SHELL, &user, password, err);
    sodium_memzero(password, sizeof password);
    return code;
}

static int first_keys(struct app *app, const struct preparation *preparation, json_t *keys,
                      struct err *err) {
    struct arena arena;
    arena_init(&arena);
    struct source_record source = {.name = "Web", .kind = "web", .channel = ""};
    char secret[TOKEN_TEXT_BYTES] = "", token[TOKEN_TEXT_BYTES] = "";
    struct api_key key = {.name = "senda init",
                          .scopes = SCOPE_COLLECT | SCOPE_QUERY | SCOPE_IMPORT | SCOPE_MANAGE |
                                    SCOPE_ADMIN | SCOPE_METRICS};
    int code = sources_add(app_sources(app), &arena, &source, err);
    if (!code)
        code = api_key_add(app_accounts(app), &SHELL, &key, secret, err);
    const char *listen = preparation->listen ? preparation->listen : "127.0.0.1:8080";
    const char *path = "/";
    if (!code && preparation->admin_email)
        code = add_owner(app, preparation, err);
    else if (!code && !(code = accounts_setup_token(app_accounts(app), token, err)))
        path = arena_format(&arena, "/setup?token=%s", token);
    if (!code) {
        json_object_set_new(keys, "write_key", json_string(source.write_key));
        json_object_set_new(keys, "api_key", json_string(secret));
        json_object_set_new(keys, "admin_url", json_sprintf("http://%s%s", listen, path));
    }
    sodium_memzero(secret, sizeof secret);
    arena_release(&arena);
    return code;
}

int prepare_folder(const struct preparation *preparation, json_t **keys, struct err *err) {
    if (!preparation->admin_email &&
        (preparation->admin_password_file || preparation->admin_password))
        return err_set(err, E_USAGE, "--admin-email is missing");
    struct folder_settings settings = {preparation->name, preparation->timezone,
                                       preparation->currency, preparation->language};
    int code = folder_create(preparation->dir, &settings, err);
    struct desk *desk = NULL;
    if (!code)
        code = desk_open(&desk, preparation->dir, err);
    *keys = json_object();
    if (!code)
        code = first_keys(desk_app(desk), preparation, *keys, err);
    desk_close(desk);
    if (!code)
        return 0;
    json_decref(*keys);
    *keys = NULL;
    return code;
}
