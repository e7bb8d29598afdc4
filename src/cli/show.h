/*
 * Results for people: rows of JSON objects as an aligned table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_SHOW_H
#define SENDA_CLI_SHOW_H

#include <jansson.h>

#include "cli/command.h"

/* One line a row: the named members, NULL at the end. Prints JSON instead where --json was given. */
void show_rows(const struct command_line *line, const json_t *rows, const char *const *members);
/* One object: a line a member. */
void show_object(const struct command_line *line, const json_t *object);

/* "add", "list", …: the first argument; its place in words (NULL at the end). E_USAGE lists them. */
must_use int verb_find(const struct command_line *line, const char *const *verbs, size_t *verb,
                       struct err *err);
/* The n-th argument, or E_USAGE that says what it is. */
must_use int argument_need(const struct command_line *line, size_t n, const char *what,
                           const char **value, struct err *err);
/* The content of a file without the end of its line; "-" is stdin. */
must_use int secret_read(const char *path, char *text, size_t size, struct err *err);
/* "a,b" as a list of texts; null for NULL or "all". New reference. */
json_t *list_split(const char *text);

#endif
