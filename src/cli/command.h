/*
 * The shell's side of the product: a table of commands, each with its options, help and function in one row.
 *
 * An option's value comes from the command line, else the environment (SENDA_ and the name in capitals, '-' as '_';
 * NAME_FILE names a file that holds it), else senda.conf in the data folder (NAME = VALUE), else its default.
 * Results go to stdout, everything else to stderr. Exit codes: base/err.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CLI_COMMAND_H
#define SENDA_CLI_COMMAND_H

#include "base/arena.h"
#include "base/err.h"

enum { COMMAND_ARGUMENTS = 64 };

struct option {
    const char *name;     /* "data": --data */
    const char *value;    /* shown in help: "DIR"; NULL: a flag */
    const char *standard; /* default, or NULL */
    const char *
        help; /* one line, English, lower case; Spanish in po/messages.es.po, as all of a command's texts */
};

struct command_line {
    const struct command *command;
    const char *arguments[COMMAND_ARGUMENTS]; /* what is not an option, in order */
    size_t n_arguments;
    const char **values; /* by option of the command's table; NULL where nobody says */
    struct arena arena;
};

struct command {
    const char *name;
    const char *arguments; /* shown in help: "FILE…" */
    size_t least, most;    /* how many arguments */
    const char *summary;   /* one line */
    const struct option *options;
    size_t n_options;
    int (*run)(struct command_line *line, struct err *err); /* 0, an error, or COMMAND_FAILED */
    const char *more; /* paragraphs below the options, or NULL */
};

/* A command that already said what is wrong: exit 1 without a further message. */
enum { COMMAND_FAILED = 1 };

extern const struct command *const COMMANDS[]; /* NULL at the end; cli/tables.c */

/* Is what is said to people on stderr and in help Spanish, by LC_ALL, LC_MESSAGES, LANG? Else it is English. Results never
 * depend on it. */
bool command_is_spanish(void);
/* A text of help, in that language. */
const char *command_text(const char *english);
/* Says something to people on stderr, in that language; the line ends with it. */
__attribute__((format(printf, 1, 2))) int command_tell(const char *format, ...);

/* The value of an option of this command; NULL if nobody gives one. A flag's value is "1". */
const char *option_get(const struct command_line *line, const char *name);
bool option_flag(const struct command_line *line, const char *name);
/* The value, or E_USAGE naming what is missing. */
must_use int option_need(const struct command_line *line, const char *name, const char **value,
                         struct err *err);

/* Runs the program: finds the command, reads its options, calls it, says errors. The exit code. */
int command_main(int argc, char **argv);

/* Rows that many commands share. */
#define OPTION_DATA                                                                                \
    { "data", "DIR", NULL, "data folder" }
#define OPTION_JSON                                                                                \
    { "json", NULL, NULL, "print JSON" }
#define OPTIONS_OF(rows) .options = (rows), .n_options = sizeof(rows) / sizeof((rows)[0])

#endif
