/*
 * senda retention: how long what is kept, and what would go.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"

static const char *const VERBS[] = {"show", "preview", NULL};
enum { SHOW, PREVIEW };

static int run(struct command_line *line, struct err *err) {
    const char *dir;
    struct desk *desk = NULL;
    json_t *answer = NULL;
    size_t verb;
    int code = verb_find(line, VERBS, &verb, err);
    if (!code)
        code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = verb == PREVIEW
                   ? desk_ask_json(desk, "POST", "/api/v1/retention/preview", NULL, &answer, err)
                   : desk_ask_json(desk, "GET", "/api/v1/retention", NULL, &answer, err);
    if (!code)
        show_object(line, answer);
    json_decref(answer);
    desk_close(desk);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    OPTION_JSON,
};

const struct command command_retention = {
    .name = "retention",
    .arguments = "show|preview",
    .least = 1,
    .most = 1,
    .summary = "how long what is kept; preview counts what would go tonight and changes nothing",
    OPTIONS_OF(options),
    .run = run};
