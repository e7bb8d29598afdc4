/*
 * senda rotate-key: another outside key for the data folder; the data themselves stay as they are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"

static int run(struct command_line *line, struct err *err) {
    const char *dir, *file = option_get(line, "new-key-file");
    struct desk *desk = NULL;
    json_t *answer = NULL, *body = json_object();
    int code = option_need(line, "data", &dir, err);
    char *whole = file ? realpath(file, NULL) : NULL;
    if (!code && file && !whole)
        code = err_set(err, E_NOT_FOUND, "there is no such key file");
    if (whole)
        json_object_set_new(body, "new_key_file", json_string(whole));
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = desk_ask_json(desk, "POST", "/api/v1/rotate-key", body, &answer, err);
    if (!code)
        show_object(line, answer);
    json_decref(answer);
    json_decref(body);
    desk_close(desk);
    free(whole);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "new-key-file",
     .value = "FILE",
     .help = "the new key, 32 bytes; a random one is made"},
};

const struct command command_rotate_key = {
    .name = "rotate-key",
    .summary = "another outside key for the data folder",
    OPTIONS_OF(options),
    .run = run,
    .more =
        "The data keys are wrapped by the new key, which takes the old one's place (secret.key or "
        "SENDA_KEY_FILE). With\n"
        "SENDA_KEY_COMMAND give --new-key-file and let the command print that key from then on. "
        "Backups made before\n"
        "need the old key."};
