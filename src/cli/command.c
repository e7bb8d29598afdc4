/*
 * Finding a command, reading its options, help: see command.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "pages/message.h"

enum { CONF_BYTES = 64 * 1024, SECRET_BYTES = 64 * 1024 };

static const struct option *option_find(const struct command *command, const char *name, size_t n) {
    for (size_t i = 0; i < command->n_options; i++)
        if (strlen(command->options[i].name) == n &&
            strncmp(command->options[i].name, name, n) == 0)
            return &command->options[i];
    return NULL;
}

static const char **value_slot(const struct command_line *line, const struct option *option) {
    return &line->values[option - line->command->options];
}

const char *option_get(const struct command_line *line, const char *name) {
    const struct option *option = option_find(line->command, name, strlen(name));
    return option ? *value_slot(line, option) : NULL;
}

bool option_flag(const struct command_line *line, const char *name) {
    const char *value = option_get(line, name);
    return value && *value && strcmp(value, "0") != 0;
}

int option_need(const struct command_line *line, const char *name, const char **value,
                struct err *err) {
    *value = option_get(line, name);
    if (*value && **value)
        return 0;
    err_set(err, E_USAGE, "--%s is missing", name);
    return err_hint(err, "Try: senda %s --help", line->command->name);
}

/* ---- help ---- */

static void help_all(FILE *out) {
    fputs(command_text("Senda: customer experience management in one program.\n\nusage: senda "
                       "COMMAND [OPTIONS]\n\n"),
          out);
    for (size_t i = 0; COMMANDS[i]; i++)
        fprintf(out, "  %-10s %s\n", COMMANDS[i]->name, command_text(COMMANDS[i]->summary));
    fputs(
        command_text("\nsenda COMMAND --help tells more. Options may also come from SENDA_… in the "
                     "environment or\n"
                     "from senda.conf in the data folder; the command line wins.\n"),
        out);
}

static void help_one(const struct command *command, FILE *out) {
    fprintf(out, "%s: senda %s%s%s [%s]\n\n%s\n\n", command_text("usage"), command->name,
            command->arguments ? " " : "", command->arguments ? command->arguments : "",
            command_text("OPTIONS"), command_text(command->summary));
    for (size_t i = 0; i < command->n_options; i++) {
        const struct option *option = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
                 option->value ? option->value : "");
        fprintf(out, "  %-28s %s", left, command_text(option->help));
        if (option->standard)
            fprintf(out, " (%s %s)", command_text("default"), option->standard);
        fputc('\n', out);
    }
    fprintf(out, "  %-28s %s\n", "--help", command_text("this text"));
    if (command->more)
        fprintf(out, "\n%s\n", command_text(command->more));
}

/* ---- where values come from ---- */

static int read_command_line(struct command_line *line, int argc, char **argv, struct err *err) {
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (only_arguments || strncmp(word, "--", 2) != 0) {
            if (line->n_arguments == COMMAND_ARGUMENTS)
                return err_set(err, E_USAGE, "too many arguments");
            line->arguments[line->n_arguments++] = word;
            continue;
        }
        if (!word[2]) {
            only_arguments = true;
            continue;
        }
        const char *name = word + 2, *equals = strchr(name, '=');
        const struct option *option =
            option_find(line->command, name, equals ? (size_t)(equals - name) : strlen(name));
        if (!option) {
            err_set(err, E_USAGE, "unknown option %s", word);
            return err_hint(err, "Try: senda %s --help", line->command->name);
        }
        if (!option->value)
            *value_slot(line, option) = equals ? equals + 1 : "1";
        else if (equals)
            *value_slot(line, option) = equals + 1;
        else if (++i < argc)
            *value_slot(line, option) = argv[i];
        else
            return err_set(err, E_USAGE, "%s needs a value", word);
    }
    return 0;
}

/* At most max bytes of a file without its trailing line ends, or NULL. */
static char *read_file(struct arena *arena, const char *path, size_t max) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = arena_get(arena, max + 1);
    size_t n = fread(text, 1, max, file);
    fclose(file);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = 0;
    return text;
}

static const char *environment_value(struct command_line *line, const struct option *option) {
    char name[80];
    int n = snprintf(name, sizeof name, "SENDA_%s", option->name);
    for (int i = 6; i < n; i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    const char *value = getenv(name);
    if (value)
        return value;
    char file_name[96];
    snprintf(file_name, sizeof file_name, "%s_FILE", name);
    const char *path = getenv(file_name);
    return path ? read_file(&line->arena, path, SECRET_BYTES) : NULL;
}

/* "name = value" lines of senda.conf; '#' begins a comment. */
static void read_conf(struct command_line *line, const char *dir) {
    char *text =
        read_file(&line->arena, arena_format(&line->arena, "%s/senda.conf", dir), CONF_BYTES);
    char *rest = text;
    for (char *at; text && (at = strsep(&rest, "\n"));) {
        at += strspn(at, " \t");
        char *equals = strchr(at, '=');
        if (*at == '#' || !equals)
            continue;
        size_t n = strcspn(at, " \t=");
        char *value = equals + 1 + strspn(equals + 1, " \t");
        size_t value_n = strlen(value);
        while (value_n && isspace((unsigned char)value[value_n - 1]))
            value[--value_n] = 0;
        const struct option *option = option_find(line->command, at, n);
        if (option && !*value_slot(line, option))
            *value_slot(line, option) = value;
    }
}

static void read_elsewhere(struct command_line *line) {
    const struct command *command = line->command;
    for (size_t i = 0; i < command->n_options; i++)
        if (!line->values[i])
            line->values[i] = environment_value(line, &command->options[i]);
    const char *dir = option_get(line, "data");
    if (dir)
        read_conf(line, dir);
    for (size_t i = 0; i < command->n_options; i++)
        if (!line->values[i])
            line->values[i] = command->options[i].standard;
}

/* ---- running ---- */

bool command_is_spanish(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strncmp(value, "es", 2) == 0 && !isalpha((unsigned char)value[2]);
    }
    return false;
}

const char *command_text(const char *english) {
    const char *spanish = command_is_spanish() ? message_in_spanish(english) : NULL;
    return spanish ? spanish : english;
}

int command_tell(const char *format, ...) {
    struct err said;
    va_list args;
    va_start(args, format);
    err_at_list(&said, E_INTERNAL, "", format, args);
    va_end(args);
    if (command_is_spanish())
        message_translate("es", &said);
    return fprintf(stderr, "%s\n", said.message);
}

static int say(const struct command *command, const struct err *err) {
    struct err said = *err;
    bool spanish = command_is_spanish();
    if (spanish)
        message_translate("es", &said);
    fprintf(stderr, "senda %s: %s", command->name, said.message);
    if (said.pointer[0])
        fprintf(stderr, spanish ? " (%s)" : ", at %s", said.pointer);
    fputc('\n', stderr);
    if (said.hint[0])
        fprintf(stderr, "%s\n", said.hint);
    return err_exit(err->code ? err->code : E_INTERNAL);
}

static int run(const struct command *command, int argc, char **argv) {
    struct command_line line = {.command = command};
    struct err err = {0};
    arena_init(&line.arena);
    line.values = ARENA_ARRAY(&line.arena, const char *, command->n_options + 1);
    int code = read_command_line(&line, argc, argv, &err);
    if (!code)
        read_elsewhere(&line);
    if (!code && (line.n_arguments < command->least || line.n_arguments > command->most)) {
        code = err_set(&err, E_USAGE,
                       line.n_arguments < command->least ? "something is missing"
                                                         : "too many arguments");
        err_hint(&err, "usage: senda %s %s [OPTIONS]", command->name,
                 command->arguments ? command->arguments : "");
    }
    if (!code)
        code = command->run(&line, &err);
    int exit_code = code < 0 ? say(command, &err) : code == COMMAND_FAILED ? 1 : 0;
    arena_release(&line.arena);
    if (exit_code == 0 && fflush(stdout) != 0) {
        command_tell("senda %s: cannot write the result", command->name);
        exit_code = 1;
    }
    return exit_code;
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int command_main(int argc, char **argv) {
    umask(077); /* what is written about people is for the owner of the folder alone */
    if (argc < 2) {
        help_all(stderr);
        return err_exit(E_USAGE);
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help_all(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; COMMANDS[i]; i++) {
        if (strcmp(COMMANDS[i]->name, name) != 0)
            continue;
        if (!asks_for_help(argc - 2, argv + 2))
            return run(COMMANDS[i], argc - 2, argv + 2);
        help_one(COMMANDS[i], stdout);
        return 0;
    }
    command_tell("senda: unknown command %s", name);
    command_tell("Try: senda --help");
    return err_exit(E_USAGE);
}
