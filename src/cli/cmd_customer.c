/*
 * senda customer: one customer, found by any identifier.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"
#include "http/router.h"

enum { CONTACTS = 20 };

static const char *const VERBS[] = {"show", "export", "merge", NULL};
enum { SHOW, EXPORT, MERGE };
static const char *const MEMBERS[] = {"time", "event", "channel", "touchpoint", "unit", NULL};

static void address(const char *id, const char *tail, struct buf *target) {
    buf_clear(target);
    buf_add_text(target, "/api/v1/customers/");
    url_encode(slice_of(id), target);
    buf_add_text(target, tail);
}

static int show(struct desk *desk, const struct command_line *line, const char *id,
                struct buf *target, struct err *err) {
    json_t *customer = NULL, *timeline = NULL;
    char tail[64];
    snprintf(tail, sizeof tail, "/timeline?limit=%d", CONTACTS);
    address(id, "", target);
    int code = desk_ask_json(desk, "GET", target->p, NULL, &customer, err);
    address(id, tail, target);
    if (!code)
        code = desk_ask_json(desk, "GET", target->p, NULL, &timeline, err);
    if (!code && option_flag(line, "json")) {
        json_object_set(customer, "timeline", json_object_get(timeline, "data"));
        desk_print(customer);
    } else if (!code) {
        show_object(line, customer);
        putchar('\n');
        show_rows(line, json_object_get(timeline, "data"), MEMBERS);
    }
    json_decref(timeline);
    json_decref(customer);
    return code;
}

/* Everything about one person, as JSON: what a person may ask for by law. */
static int export_all(struct desk *desk, const char *id, struct buf *target, struct err *err) {
    json_t *customer = NULL, *query = NULL, *answer = NULL;
    address(id, "", target);
    int code = desk_ask_json(desk, "GET", target->p, NULL, &customer, err);
    if (!code) {
        query = json_pack("{s:s, s:s, s:i}", "kind", "timeline", "customer", id, "limit",
                          INT32_MAX - 1);
        code = desk_ask_json(desk, "POST", "/api/v1/query", query, &answer, err);
    }
    if (!code) {
        json_object_set(customer, "timeline", json_object_get(answer, "data"));
        desk_print(customer);
    }
    json_decref(answer);
    json_decref(query);
    json_decref(customer);
    return code;
}

/* ID and another userId become one, as alias does. */
static int merge(struct desk *desk, const char *id, const struct command_line *line,
                 struct buf *target, struct err *err) {
    const char *into;
    int code = argument_need(line, 2, "the userId of the customer to merge into", &into, err);
    if (code)
        return code;
    json_t *body = json_pack("{s:s}", "into", into), *answer = NULL;
    address(id, "/merge", target);
    code = desk_ask_json(desk, "POST", target->p, body, &answer, err);
    if (!code)
        show_object(line, answer);
    json_decref(answer);
    json_decref(body);
    return code;
}

static int run(struct command_line *line, struct err *err) {
    const char *dir, *id;
    struct desk *desk = NULL;
    struct buf target;
    size_t verb;
    buf_init(&target, 8192);
    int code = verb_find(line, VERBS, &verb, err);
    if (!code)
        code = argument_need(line, 1, "the customer's id", &id, err);
    if (!code)
        code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    if (!code)
        code = verb == SHOW     ? show(desk, line, id, &target, err)
               : verb == EXPORT ? export_all(desk, id, &target, err)
                                : merge(desk, id, line, &target, err);
    desk_close(desk);
    buf_release(&target);
    return code;
}

static const struct option options[] = {OPTION_DATA, OPTION_JSON};

const struct command command_customer = {
    .name = "customer",
    .arguments = "show|export|merge ID [INTO]",
    .least = 2,
    .most = 3,
    .summary = "one customer, found by any identifier",
    OPTIONS_OF(options),
    .run = run,
    .more = "show prints who it is and the last contacts; export prints everything about them as "
            "JSON; merge makes the\n"
            "customers of two userIds one."};
