/*
 * senda customer: one customer, found by any identifier.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/desk.h"
#include "cli/show.h"
#include "http/router.h"

enum { CONTACTS = 20, LOOK_US = 200000 };

static const char *const VERBS[] = {"show", "export", "merge", "unmerge", "erase", NULL};
enum { SHOW, EXPORT, MERGE, UNMERGE, ERASE };
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
    json_t *answer = NULL;
    address(id, "/export", target);
    int code = desk_ask_json(desk, "GET", target->p, NULL, &answer, err);
    json_t *customer = json_object_get(answer, "customer");
    if (!code) { /* who it is stands in front, the rest behind */
        json_t *whole = json_deep_copy(customer);
        json_object_del(answer, "customer");
        json_object_update(whole, answer);
        desk_print(whole);
        json_decref(whole);
    }
    json_decref(answer);
    return code;
}

static int send(struct desk *desk, const char *id, const char *tail, json_t *body,
                const struct command_line *line, struct buf *target, struct err *err) {
    json_t *answer = NULL;
    address(id, tail, target);
    int code = desk_ask_json(desk, "POST", target->p, body, &answer, err);
    if (!code)
        show_object(line, answer);
    json_decref(answer);
    json_decref(body);
    return code;
}

/* ID and INTO, any identifiers, become one; --preview shows both and changes nothing. */
static int merge(struct desk *desk, const char *id, const struct command_line *line,
                 struct buf *target, struct err *err) {
    const char *into, *why = option_get(line, "why");
    int code = argument_need(line, 2, "the customer to merge into", &into, err);
    if (code)
        return code;
    json_t *body =
        json_pack("{s:s, s:b}", "into", into, "preview", (int)option_flag(line, "preview"));
    if (why)
        json_object_set_new(body, "why", json_string(why));
    return send(desk, id, "/merge", body, line, target, err);
}

static int unmerge(struct desk *desk, const char *id, const struct command_line *line,
                   struct buf *target, struct err *err) {
    json_t *body = json_object();
    const char *identifier = option_get(line, "identifier");
    if (identifier) {
        const char *colon = strchr(identifier, ':');
        json_t *json = colon ? json_pack("{s:s%, s:s}", "kind", identifier,
                                         (size_t)(colon - identifier), "value", colon + 1)
                             : NULL;
        if (!json) {
            json_decref(body);
            return err_set(err, E_USAGE, "an identifier is KIND:VALUE");
        }
        if (strncmp(identifier, "user:", 5) != 0 && strncmp(identifier, "anonymous:", 10) != 0) {
            json_object_set(json, "type", json_object_get(json, "kind"));
            json_object_set_new(json, "kind", json_string("external"));
        }
        json_object_set_new(body, "identifier", json);
    }
    if (line->n_arguments > 2) {
        char *end;
        long long number = strtoll(line->arguments[2], &end, 10);
        if (*end || number < 1) {
            json_decref(body);
            return err_set(err, E_USAGE, "the number of a merge is a whole number");
        }
        json_object_set_new(body, "merge", json_integer(number));
    }
    return send(desk, id, "/unmerge", body, line, target, err);
}

/* The erasure until it is done, or as it is when it failed. */
static int erase(struct desk *desk, const char *id, const struct command_line *line,
                 struct buf *target, struct err *err) {
    const char *why = option_get(line, "why");
    json_t *body = json_pack("{s:b}", "preview", (int)option_flag(line, "preview"));
    json_t *answer = NULL;
    if (why)
        json_object_set_new(body, "why", json_string(why));
    address(id, "/erase", target);
    int code = desk_ask_json(desk, "POST", target->p, body, &answer, err);
    json_decref(body);
    for (;;) {
        const char *state = json_string_value(json_object_get(answer, "state"));
        if (code || !state || strcmp(state, "done") == 0)
            break;
        const char *reason =
            json_string_value(json_object_get(json_object_get(answer, "failure"), "reason"));
        if (reason) {
            code = err_set(err, E_IO, "the erasure failed: %.200s", reason);
            err_hint(err, "The person is suppressed, and it is tried again by itself; the same "
                          "command tries it now.");
            break;
        }
        json_int_t number = json_integer_value(json_object_get(answer, "number"));
        json_decref(answer);
        answer = NULL;
        usleep(LOOK_US);
        buf_clear(target);
        buf_add_format(target, "/api/v1/erasures/%lld", (long long)number);
        code = desk_ask_json(desk, "GET", target->p, NULL, &answer, err);
    }
    if (!code)
        show_object(line, answer);
    json_decref(answer);
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
               : verb == MERGE  ? merge(desk, id, line, &target, err)
               : verb == ERASE  ? erase(desk, id, line, &target, err)
                                : unmerge(desk, id, line, &target, err);
    desk_close(desk);
    buf_release(&target);
    return code;
}

static const struct option options[] = {
    OPTION_DATA,
    OPTION_JSON,
    {.name = "preview", .help = "merge, erase: show what would become and change nothing"},
    {.name = "why", .value = "TEXT", .help = "merge, erase: for the history"},
    {.name = "identifier",
     .value = "KIND:VALUE",
     .help = "unmerge: this identifier (user:, anonymous: or the type of another)"},
};

const struct command command_customer = {
    .name = "customer",
    .arguments = "show|export|merge|unmerge|erase ID [INTO|MERGE]",
    .least = 2,
    .most = 3,
    .summary = "one customer, found by any identifier",
    OPTIONS_OF(options),
    .run = run,
    .more = "show prints who it is and the last contacts; export prints everything about them as "
            "JSON; merge makes two\n"
            "customers one (--preview shows what would become), unmerge takes that merge, or the "
            "last one, back;\nwith --identifier that identifier goes its own way. erase forgets "
            "who it was: identifiers, traits and "
            "texts go from log,\nindex and records, counts and scores stay, and the person does "
            "not come "
            "back; it prints the proof."};
