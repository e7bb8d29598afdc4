/*
 * senda bounce: a message that came back, from a mail server's pipe. It ends well whatever the message is, else the server
 * would send it back once more; only what may be tried again (a full disk, no data folder) ends otherwise.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/commands.h"
#include "cli/desk.h"
#include "http/router.h"
#include "mail/bounce.h"

/* The longest part of standard input that is looked at; the rest is read and left. */
static void read_input(struct buf *message) {
    char block[65536];
    for (size_t n; (n = fread(block, 1, sizeof block, stdin)) > 0;) {
        size_t room = BOUNCE_BYTES - message->n;
        buf_add(message, block, n < room ? n : room);
    }
}

static int run(struct command_line *line, struct err *err) {
    const char *dir, *recipient = option_get(line, "recipient");
    struct desk *desk = NULL;
    struct buf message, target, answer;
    buf_init(&message, BOUNCE_BYTES);
    buf_init(&target, 4096);
    buf_init(&answer, BOUNCE_BYTES);
    read_input(&message);
    buf_add_text(&target, "/api/v1/bounces");
    if (recipient) {
        buf_add_text(&target, "?recipient=");
        url_encode(slice_of(recipient), &target);
    }
    int code = option_need(line, "data", &dir, err);
    if (!code)
        code = desk_open(&desk, dir, err);
    struct ask ask = {.method = "POST",
                      .target = target.p,
                      .body = buf_slice(&message),
                      .type = "message/rfc822"};
    if (!code)
        code = desk_ask(desk, &ask, &answer, err);
    json_t *told = code ? NULL : json_loadb(answer.p, answer.n, 0, NULL);
    if (told)
        desk_print(told);
    json_decref(told);
    desk_close(desk);
    buf_release(&message);
    buf_release(&target);
    buf_release(&answer);
    return code == E_INVALID ? 0 : code; /* an empty message: nothing to try again */
}

static const struct option options[] = {
    OPTION_DATA,
    {"recipient", "ADDRESS", NULL, "where the message was sent to (its return path)"},
};

const struct command command_bounce = {
    .name = "bounce",
    .summary = "reads a message that came back from stdin and stops addresses that are no more",
    OPTIONS_OF(options),
    .run = run,
    .more = "For a mail server's pipe: docs/surveys.md says how for Postfix."};
