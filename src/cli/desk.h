/*
 * A command's way to the organisation: the running server over the folder's Unix socket, else the folder itself, opened
 * and answered in this process. The same request either way (docs/decisions/0003).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_DESK_H
#define SENDA_CLI_DESK_H

#include <jansson.h>
#include <stdio.h>

#include "http/app.h"

struct desk;

/* Finds the server or opens the folder. E_NOT_FOUND: no data folder; E_CONFLICT: another command has it. */
must_use int desk_open(struct desk **desk, const char *dir, struct err *err);
void desk_close(struct desk *desk);

/* The folder when this process has it, NULL when a server does. */
struct folder *desk_folder(struct desk *desk);
struct app *desk_app(struct desk *desk);

struct ask {
    const char *method, *target; /* "POST", "/api/v1/query" */
    struct slice body;
    const char *type;   /* Content-Type, NULL: application/json */
    const char *accept; /* NULL: application/json */
};

/* Asks and waits. The answer's body is appended to `out`. A problem document becomes its error. */
must_use int desk_ask(struct desk *desk, const struct ask *ask, struct buf *out, struct err *err);
/* The same; the body goes to a file as it arrives, in constant memory. */
must_use int desk_ask_stream(struct desk *desk, const struct ask *ask, FILE *out, struct err *err);
/* Asks with a JSON body (NULL: none; not taken over) and reads a JSON answer (NULL out: ignored). */
must_use int desk_ask_json(struct desk *desk, const char *method, const char *target,
                           const json_t *body, json_t **answer, struct err *err);

/* Prints a result on stdout: one line of JSON. */
void desk_print(const json_t *json);

/* All routes and texts of the program: cli/tables.c. */
extern const struct app_options APP_OPTIONS;

#endif
