/*
 * senda init: a new data folder, its first source and keys.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/prepare.h"

static int run(struct command_line *line, struct err *err) {
    struct preparation preparation = {.name = option_get(line, "name"),
                                      .timezone = option_get(line, "timezone"),
                                      .currency = option_get(line, "currency"),
                                      .language = option_get(line, "language"),
                                      .listen = option_get(line, "listen"),
                                      .admin_email = option_get(line, "admin-email"),
                                      .admin_password_file =
                                          option_get(line, "admin-password-file"),
                                      .admin_password = option_get(line, "admin-password")};
    json_t *keys = NULL;
    int code = option_need(line, "data", &preparation.dir, err);
    if (!code)
        code = prepare_folder(&preparation, &keys, err);
    if (!code)
        desk_print(keys);
    json_decref(keys);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"name", "ORG", "Senda", "name of the organisation"},
    {"timezone", "ZONE", "Europe/Madrid", "its IANA time zone: days begin at its midnight"},
    {"currency", "CODE", "EUR", "ISO 4217"},
    {"language", "CODE", "es", "language of its pages: es or en"},
    {"admin-email", "EMAIL", NULL, "the first person, an owner"},
    {"admin-password-file", "FILE", NULL, "file with that person's password"},
    {"listen", "HOST:PORT", "127.0.0.1:8080", "where it will be served, for admin_url"},
};

const struct command command_init = {
    .name = "init",
    .summary = "creates a data folder; prints its first keys as one JSON object",
    OPTIONS_OF(options),
    .run = run,
    .more = "Refuses a folder that is not empty. Without --admin-email the first person is made in "
            "the browser, at the\n"
            "address printed as admin_url."};
