/*
 * senda key: API keys of programs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"

static const char *const VERBS[] = {"list", "add", "remove", "rotate", NULL};
enum { LIST, ADD, REMOVE, ROTATE };
static const char *const MEMBERS[] = {"id",         "name",    "hint",       "scopes", "units",
                                      "created_at", "used_at", "expires_at", NULL};

static int add(struct desk *desk, const struct command_line *line, json_t **answer,
               struct err *err) {
    const char *name, *scopes = option_get(line, "scopes"), *expires = option_get(line, "expires");
    int code = argument_need(line, 1, "the name of the key", &name, err);
    if (code)
        return code;
    json_t *body = json_pack("{s:s, s:o, s:o}", "name", name, "scopes", list_split(scopes), "units",
                             list_split(option_get(line, "units")));
    if (expires)
        json_object_set_new(body, "expires_at", json_string(expires));
    code = desk_ask_json(desk, "POST", "/api/v1/keys", body, answer, err);
    json_decref(body);
    return code;
}

static int rotate(struct desk *desk, const struct command_line *line, json_t **answer,
                  struct err *err) {
    const char *id;
    char target[64];
    int code = argument_need(line, 1, "the number of the key", &id, err);
    if (code)
        return code;
    snprintf(target, sizeof target, "/api/v1/keys/%.20s/rotate", id);
    return desk_ask_json(desk, "POST", target, NULL, answer, err);
}

static int drop(struct desk *desk, const struct command_line *line, struct err *err) {
    const char *id;
    char target[64];
    int code = argument_need(line, 1, "the number of the key", &id, err);
    if (code)
        return code;
    snprintf(target, sizeof target, "/api/v1/keys/%.20s", id);
    return desk_ask_json(desk, "DELETE", target, NULL, NULL, err);
}

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
    if (!code && verb == LIST)
        code = desk_ask_json(desk, "GET", "/api/v1/keys", NULL, &answer, err);
    if (!code && verb == ADD)
        code = add(desk, line, &answer, err);
    if (!code && verb == ROTATE)
        code = rotate(desk, line, &answer, err);
    if (!code && verb == REMOVE)
        code = drop(desk, line, err);
    if (!code && verb == LIST)
        show_rows(line, json_object_get(answer, "data"), MEMBERS);
    if (!code && (verb == ADD || verb == ROTATE))
        show_object(line, answer);
    json_decref(answer);
    desk_close(desk);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"scopes", "A,B", "query", "collect query import manage admin metrics"},
    {"units", "A,B", NULL, "see only these units and those below"},
    {"expires", "TIME", NULL, "until when it is valid"},
    OPTION_JSON,
};

const struct command command_key = {
    .name = "key",
    .arguments = "list|add|remove|rotate [NAME|ID]",
    .least = 1,
    .most = 2,
    .summary = "API keys of programs; a key is shown once, when it is made",
    OPTIONS_OF(options),
    .run = run};
