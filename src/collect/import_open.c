/*
 * What a file is: by the options, else by the ending of its name, checked against its first bytes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collect/import_reader.h"

static bool ends_with(const char *name, const char *ending) {
    size_t n = strlen(name), k = strlen(ending);
    return n >= k && strcasecmp(name + n - k, ending) == 0;
}

/* Without .gz or .zst. */
static const char *bare_name(const struct import_file *file, char *room, size_t bytes) {
    const char *name = file->name ? file->name : file->path ? file->path : "";
    size_t n = strlen(name);
    if (ends_with(name, ".gz"))
        n -= 3;
    else if (ends_with(name, ".zst"))
        n -= 4;
    if (n >= bytes) {
        name += n - bytes + 1;
        n = bytes - 1;
    }
    memcpy(room, name, n);
    room[n] = 0;
    return room;
}

static int kind_by_option(const char *format, enum import_kind *kind, struct err *err) {
    static const struct {
        const char *name;
        enum import_kind kind;
    } formats[] = {{"jsonl", IMPORT_JSONL},
                   {"csv", IMPORT_CSV},
                   {"xlsx", IMPORT_CSV},
                   {"xes", IMPORT_XES},
                   {"customers-csv", IMPORT_CUSTOMERS},
                   {"responses-csv", IMPORT_RESPONSES},
                   {"reviews-csv", IMPORT_REVIEWS}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, format) == 0) {
            *kind = formats[i].kind;
            return 0;
        }
    err_at(err, E_INVALID, "/format", "unknown format \"%.40s\"", format);
    return err_hint(err,
                    "Formats are jsonl, csv, xes, customers-csv, responses-csv and reviews-csv.");
}

static int kind_by_name(const char *name, enum import_kind *kind, struct err *err) {
    static const struct {
        const char *ending;
        enum import_kind kind;
    } endings[] = {{".jsonl", IMPORT_JSONL}, {".ndjson", IMPORT_JSONL}, {".json", IMPORT_JSONL},
                   {".csv", IMPORT_CSV},     {".tsv", IMPORT_CSV},      {".txt", IMPORT_CSV},
                   {".xlsx", IMPORT_CSV},    {".xes", IMPORT_XES}};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(name, endings[i].ending)) {
            *kind = endings[i].kind;
            return 0;
        }
    err_at(err, E_INVALID, "/format", "the name of the file does not tell its format");
    return err_hint(err, "Say the format: jsonl, csv, xes or customers-csv.");
}

/* A map with traits and no answers is one of customers. */
static bool maps_customers(struct slice map) {
    json_t *json = map.p ? json_loadb(map.p, map.n, 0, NULL) : NULL;
    bool customers = json_object_get(json, "traits") && !json_object_get(json, "answers");
    json_decref(json);
    return customers;
}

int import_open_file(const struct import_file *file, const struct import_options *options,
                     struct import_opened *opened, struct err *err) {
    char room[256];
    const char *name = bare_name(file, room, sizeof room);
    *opened = (struct import_opened){0};
    int code = options->format ? kind_by_option(options->format, &opened->kind, err)
                               : kind_by_name(name, &opened->kind, err);
    if (!code && !options->format && opened->kind == IMPORT_CSV && maps_customers(options->map))
        opened->kind = IMPORT_CUSTOMERS;
    if (!code)
        code = import_stream_open(&opened->stream, file->path, file->bytes, err);
    if (code)
        return code;
    bool zip = import_stream_begins(opened->stream, "PK\x03\x04", 4);
    if (import_stream_begins(opened->stream, "\xd0\xcf\x11\xe0", 4)) {
        err_set(err, E_MALFORMED, "this is a spreadsheet of the old format (.xls)");
        code = err_hint(err, "Save it as .xlsx or .csv.");
    } else if (zip && opened->kind != IMPORT_JSONL && opened->kind != IMPORT_XES) {
        opened->spreadsheet = true;
    } else if (zip) {
        code = err_set(err, E_MALFORMED, "this is a zip archive");
    } else if (ends_with(name, ".xlsx")) {
        code = err_set(err, E_MALFORMED, "this is not a spreadsheet (.xlsx)");
    }
    if (code || opened->spreadsheet) {
        import_stream_close(opened->stream);
        opened->stream = NULL;
    }
    return code;
}

int import_open_table(const struct import_file *file, const struct import_options *options,
                      const struct import_opened *opened, const struct import_map *map,
                      struct table **table, struct err *err) {
    if (opened->spreadsheet) {
        const char *sheet = options->sheet ? options->sheet : map ? import_map_sheet(map) : NULL;
        return table_open_xlsx(table, file->path, file->bytes, sheet, err);
    }
    if (options->sheet)
        return err_at(err, E_INVALID, "/sheet", "only a spreadsheet (.xlsx) has sheets");
    int code = import_stream_decode(opened->stream, map ? import_map_encoding(map) : NULL, err);
    return code ? code
                : table_open_csv(table, opened->stream, map ? import_map_delimiter(map) : 0, err);
}
