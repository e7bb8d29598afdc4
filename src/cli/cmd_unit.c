/*
 * senda unit: the hierarchy of centres.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"
#include "http/router.h"

static const char *const VERBS[] = {"list", "add", "remove", NULL};
enum { LIST, ADD, REMOVE };
static const char *const MEMBERS[] = {"name", "title", "parent", NULL};

static int change(struct desk *desk, const struct command_line *line, size_t verb, json_t **answer,
                  struct err *err) {
    const char *name;
    struct buf target;
    int code = argument_need(line, 1, "the name of the unit", &name, err);
    if (code)
        return code;
    buf_init(&target, 4096);
    buf_add_text(&target, "/api/v1/units/");
    url_encode(slice_of(name), &target);
    const char *title = option_get(line, "title"), *parent = option_get(line, "parent");
    json_t *body =
        json_pack("{s:s, s:s}", "title", title ? title : name, "parent", parent ? parent : "");
    code = verb == ADD ? desk_ask_json(desk, "PUT", target.p, body, answer, err)
                       : desk_ask_json(desk, "DELETE", target.p, NULL, NULL, err);
    json_decref(body);
    buf_release(&target);
    return code;
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
    if (!code)
        code = verb == LIST ? desk_ask_json(desk, "GET", "/api/v1/units", NULL, &answer, err)
                            : change(desk, line, verb, &answer, err);
    if (!code && verb == LIST)
        show_rows(line, json_object_get(answer, "data"), MEMBERS);
    if (!code && verb == ADD)
        show_object(line, answer);
    json_decref(answer);
    desk_close(desk);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    {"title", "TEXT", NULL, "how people see it"},
    {"parent", "NAME", NULL, "the unit above"},
    OPTION_JSON,
};

const struct command command_unit = {
    .name = "unit",
    .arguments = "list|add|remove [NAME]",
    .least = 1,
    .most = 2,
    .summary = "units and what is below what; add changes one that exists",
    OPTIONS_OF(options),
    .run = run};
