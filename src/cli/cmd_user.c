/*
 * senda user: people and their roles.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>

#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"

static const char *const VERBS[] = {"list", "add",      "change",     "password", "remove",
                                    "link", "sign-out", "reset-totp", NULL};
enum { LIST, ADD, CHANGE, PASSWORD, REMOVE, LINK, SIGN_OUT, RESET_TOTP };
static const char *const MEMBERS[] = {"id",    "email",    "name",         "role",
                                      "units", "disabled", "signed_in_at", NULL};

/* The address of the person with this e-mail. */
static int find_person(struct desk *desk, const struct command_line *line, char target[64],
                       struct err *err) {
    const char *email, *id = NULL;
    json_t *answer = NULL, *row;
    size_t i;
    int code = argument_need(line, 1, "the e-mail address", &email, err);
    if (!code)
        code = desk_ask_json(desk, "GET", "/api/v1/users", NULL, &answer, err);
    if (code)
        return code;
    json_array_foreach(
        json_object_get(answer, "data"), i,
        row) if (strcasecmp(json_string_value(json_object_get(row, "email")), email) == 0) id =
        json_string_value(json_object_get(row, "id"));
    if (id)
        snprintf(target, 64, "/api/v1/users/%s", id);
    json_decref(answer);
    return id ? 0 : err_set(err, E_NOT_FOUND, "nobody has the address %.100s", email);
}

static int read_password(const struct command_line *line, json_t *body, bool needed,
                         struct err *err) {
    char password[PASSWORD_MAX + 1];
    const char *path = option_get(line, "password-file");
    if (!path)
        return needed ? err_set(err, E_USAGE, "--password-file is missing") : 0;
    int code = secret_read(path, password, sizeof password, err);
    if (!code)
        json_object_set_new(body, "password", json_string(password));
    sodium_memzero(password, sizeof password);
    return code;
}

static void take_options(const struct command_line *line, json_t *body) {
    static const char *const names[] = {"name", "role", "language"};
    for (size_t i = 0; i < 3; i++)
        if (option_get(line, names[i]))
            json_object_set_new(body, names[i], json_string(option_get(line, names[i])));
    if (option_get(line, "units"))
        json_object_set_new(body, "units", list_split(option_get(line, "units")));
    if (option_flag(line, "disable"))
        json_object_set_new(body, "disabled", json_true());
    if (option_flag(line, "enable"))
        json_object_set_new(body, "disabled", json_false());
}

static int add(struct desk *desk, const struct command_line *line, json_t *body, json_t **answer,
               struct err *err) {
    const char *email;
    int code = argument_need(line, 1, "the e-mail address", &email, err);
    if (code)
        return code;
    json_object_set_new(body, "email", json_string(email));
    if (!option_get(line, "name"))
        json_object_set_new(body, "name", json_string(email));
    if (!option_get(line, "role"))
        json_object_set_new(body, "role", json_string("viewer"));
    code = read_password(line, body, false, err);
    return code ? code : desk_ask_json(desk, "POST", "/api/v1/users", body, answer, err);
}

/* What stands below a person's address. */
static int act_on(struct desk *desk, const char *target, size_t verb, json_t **answer,
                  struct err *err) {
    char path[96];
    const char *below = verb == LINK ? "link" : verb == SIGN_OUT ? "sessions" : "totp";
    snprintf(path, sizeof path, "%s/%s", target, below);
    return verb == LINK ? desk_ask_json(desk, "POST", path, NULL, answer, err)
                        : desk_ask_json(desk, "DELETE", path, NULL, NULL, err);
}

static int act(struct desk *desk, const struct command_line *line, size_t verb, struct err *err) {
    json_t *body = json_object(), *answer = NULL;
    char target[64];
    int code = 0;
    take_options(line, body);
    if (verb == LIST)
        code = desk_ask_json(desk, "GET", "/api/v1/users", NULL, &answer, err);
    else if (verb == ADD)
        code = add(desk, line, body, &answer, err);
    else
        code = find_person(desk, line, target, err);
    if (!code && (verb == PASSWORD || verb == CHANGE)) {
        code = read_password(line, body, verb == PASSWORD, err);
        if (!code)
            code = desk_ask_json(desk, "PATCH", target, body, &answer, err);
    }
    if (!code && verb >= LINK)
        code = act_on(desk, target, verb, &answer, err);
    if (!code && verb == REMOVE)
        code = desk_ask_json(desk, "DELETE", target, NULL, NULL, err);
    if (!code && verb == LIST)
        show_rows(line, json_object_get(answer, "data"), MEMBERS);
    else if (!code && answer)
        show_object(line, answer);
    json_decref(answer);
    json_decref(body);
    return code;
}

static int run(struct command_line *line, struct err *err) {
    const char *dir;
    struct desk *desk = NULL;
    size_t verb;
    int code = verb_find(line, VERBS, &verb, err);
    if (!code)
        code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = act(desk, line, verb, err);
    desk_close(desk);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"name", "NAME", NULL, "how people see them"},
    {"role", "ROLE", NULL, "owner administrator analyst unit_manager agent viewer"},
    {"units", "A,B", NULL, "see only these units and those below; all: everything"},
    {"language", "es|en", NULL, "language of their pages"},
    {"password-file", "FILE", NULL,
     "file with the password; - reads it from stdin; add without it invites"},
    {"disable", NULL, NULL, "they cannot sign in any more"},
    {"enable", NULL, NULL, "they can again"},
    OPTION_JSON,
};

const struct command command_user = {
    .name = "user",
    .arguments = "list|add|change|password|remove|link|sign-out|reset-totp [EMAIL]",
    .least = 1,
    .most = 2,
    .summary = "people and their roles",
    OPTIONS_OF(options),
    .run = run};
