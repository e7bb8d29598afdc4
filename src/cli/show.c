/*
 * Tables and arguments: see show.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cli/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/desk.h"

enum { COLUMNS_MAX = 16, WIDTH_MAX = 60, CELL_BYTES = 512 };

/* A member as text in one line. */
static void cell_text(const json_t *value, char text[CELL_BYTES]) {
    text[0] = 0;
    if (json_is_string(value)) {
        snprintf(text, CELL_BYTES, "%s", json_string_value(value));
    } else if (json_is_array(value) && json_array_size(value) &&
               json_is_string(json_array_get(value, 0))) {
        size_t i, n = 0;
        json_t *part;
        json_array_foreach(value, i, part) if (n < CELL_BYTES) n += (size_t)snprintf(
            text + n, CELL_BYTES - n, "%s%s", i ? "," : "", json_string_value(part));
    } else if (value && !json_is_null(value)) {
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(text, CELL_BYTES, "%s", dump ? dump : "");
        free(dump);
    }
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
}

/* Characters, not bytes. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void print_cell(const char *text, int width, bool last) {
    printf("%s%*s", text, last ? 0 : width - width_of(text) + 2, "");
}

void show_rows(const struct command_line *line, const json_t *rows, const char *const *members) {
    if (option_flag(line, "json")) {
        desk_print(rows);
        return;
    }
    int width[COLUMNS_MAX] = {0};
    char text[CELL_BYTES];
    size_t n = 0, i;
    json_t *row;
    while (n < COLUMNS_MAX && members[n])
        width[n] = width_of(members[n]), n++;
    for (size_t c = 0; c < n; c++)
        json_array_foreach(rows, i, row) {
            cell_text(json_object_get(row, members[c]), text);
            if (width_of(text) > width[c])
                width[c] = width_of(text) < WIDTH_MAX ? width_of(text) : WIDTH_MAX;
        }
    for (size_t c = 0; c < n; c++)
        print_cell(members[c], width[c], c + 1 == n);
    putchar('\n');
    json_array_foreach(rows, i, row) {
        for (size_t c = 0; c < n; c++) {
            cell_text(json_object_get(row, members[c]), text);
            print_cell(text, width[c], c + 1 == n);
        }
        putchar('\n');
    }
}

void show_object(const struct command_line *line, const json_t *object) {
    char text[CELL_BYTES];
    const char *name;
    json_t *value;
    if (option_flag(line, "json")) {
        desk_print(object);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        cell_text(value, text);
        printf("%-14s %s\n", name, text);
    }
}

int verb_find(const struct command_line *line, const char *const *verbs, size_t *verb,
              struct err *err) {
    char known[160] = "";
    for (size_t i = 0, n = 0; verbs[i]; i++) {
        if (strcmp(verbs[i], line->arguments[0]) == 0) {
            *verb = i;
            return 0;
        }
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", verbs[i]);
    }
    return err_set(err, E_USAGE, "unknown word %.40s: %s", line->arguments[0], known);
}

int argument_need(const struct command_line *line, size_t n, const char *what, const char **value,
                  struct err *err) {
    if (n >= line->n_arguments)
        return err_set(err, E_USAGE, "%s is missing", what);
    *value = line->arguments[n];
    return 0;
}

int secret_read(const char *path, char *text, size_t size, struct err *err) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return err_set(err, E_NOT_FOUND, "the file %.100s cannot be read", path);
    size_t n = fread(text, 1, size - 1, file);
    if (file != stdin)
        fclose(file);
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = 0;
    return 0;
}

json_t *list_split(const char *text) {
    if (!text || strcmp(text, "all") == 0)
        return json_null();
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n)
            json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == ',');
    }
    return list;
}
