/*
 * senda unit: centres, the hierarchies that order them, and what is below what.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"
#include "http/router.h"

static const char *const VERBS[] = {"list",        "add",           "remove",           "import",
                                    "hierarchies", "add-hierarchy", "remove-hierarchy", NULL};
enum { LIST, ADD, REMOVE, IMPORT, HIERARCHIES, ADD_HIERARCHY, REMOVE_HIERARCHY };
static const char *const MEMBERS[] = {"name", "title", "parents", NULL};
static const char *const HIERARCHY_MEMBERS[] = {"name", "title", NULL};
enum { FILE_MAX_BYTES = 4 * 1024 * 1024 };

static json_t *unit_body(const struct command_line *line) {
    const char *title = option_get(line, "title"), *parent = option_get(line, "parent");
    json_t *body = json_object();
    if (title)
        json_object_set_new(body, "title", json_string(title));
    if (parent)
        json_object_set_new(body, "parents",
                            json_pack("{s:o}", option_get(line, "in"),
                                      parent[0] ? json_string(parent) : json_null()));
    return body;
}

static int change(struct desk *desk, const struct command_line *line, size_t verb, json_t **answer,
                  struct err *err) {
    bool unit = verb == ADD || verb == REMOVE;
    const char *name;
    struct buf target;
    int code = argument_need(line, 1, unit ? "the name of the unit" : "the name of the hierarchy",
                             &name, err);
    if (code)
        return code;
    buf_init(&target, 4096);
    buf_add_text(&target, unit ? "/api/v1/units/" : "/api/v1/hierarchies/");
    url_encode(slice_of(name), &target);
    json_t *body = unit_body(line);
    code = verb == ADD || verb == ADD_HIERARCHY
               ? desk_ask_json(desk, "PUT", target.p, body, answer, err)
               : desk_ask_json(desk, "DELETE", target.p, NULL, NULL, err);
    json_decref(body);
    buf_release(&target);
    return code;
}

static int read_file(const char *path, struct buf *bytes, struct err *err) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return err_set(err, E_NOT_FOUND, "the file %.200s cannot be read", path);
    char block[32 * 1024];
    size_t n;
    buf_init(bytes, FILE_MAX_BYTES);
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        buf_add(bytes, block, n);
    fclose(file);
    return bytes->full ? err_set(err, E_TOO_LARGE, "the file is over 4 MB") : 0;
}

static int import(struct desk *desk, const struct command_line *line, json_t **answer,
                  struct err *err) {
    const char *path;
    struct buf bytes = {0}, target, out;
    int code = argument_need(line, 1, "a file .csv or .xlsx", &path, err);
    if (!code)
        code = read_file(path, &bytes, err);
    buf_init(&target, 8192);
    buf_init(&out, 1 << 16);
    buf_add_text(&target, "/api/v1/units/import?name=");
    const char *slash = strrchr(path ? path : "", '/');
    url_encode(slice_of(slash ? slash + 1 : path), &target);
    struct ask ask = {"POST", target.p, buf_slice(&bytes), "application/octet-stream", NULL};
    if (!code)
        code = desk_ask(desk, &ask, &out, err);
    if (!code)
        *answer = json_loadb(out.p, out.n, 0, NULL);
    buf_release(&bytes);
    buf_release(&target);
    buf_release(&out);
    return code;
}

static int act(struct desk *desk, const struct command_line *line, size_t verb, struct err *err) {
    json_t *answer = NULL;
    int code;
    if (verb == LIST || verb == HIERARCHIES)
        code = desk_ask_json(desk, "GET", verb == LIST ? "/api/v1/units" : "/api/v1/hierarchies",
                             NULL, &answer, err);
    else
        code = verb == IMPORT ? import(desk, line, &answer, err)
                              : change(desk, line, verb, &answer, err);
    if (!code && (verb == LIST || verb == HIERARCHIES))
        show_rows(line, json_object_get(answer, "data"),
                  verb == LIST ? MEMBERS : HIERARCHY_MEMBERS);
    else if (!code && answer)
        show_object(line, answer);
    json_decref(answer);
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
    {"title", "TEXT", NULL, "how people see it"},
    {"parent", "NAME", NULL, "the unit above; empty takes it out"},
    {"in", "HIERARCHY", "territory", "the hierarchy that --parent speaks of"},
    OPTION_JSON,
};

const struct command command_unit = {
    .name = "unit",
    .arguments = "list|add|remove|import|hierarchies|add-hierarchy|remove-hierarchy [NAME|FILE]",
    .least = 1,
    .most = 2,
    .summary =
        "units and what is below what in each hierarchy; add changes one that exists; import "
        "reads name, title and a column a hierarchy",
    OPTIONS_OF(options),
    .run = run};
