/*
 * Rows of cells: what csv and xlsx have in common. Private to collect/import_* and their tests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_IMPORT_TABLE_H
#define SENDA_COLLECT_IMPORT_TABLE_H

#include "base/arena.h"
#include "collect/import_stream.h"

enum { TABLE_COLUMNS_MAX = 4096 };

struct table_row {
    struct slice *cells; /* texts; an empty cell is {"", 0} */
    bool
        *dates; /* the cell is a date of a spreadsheet, as ISO 8601 without offset; NULL: none is */
    size_t n;
    uint64_t number;              /* as a spreadsheet shows it: the header is row 1 */
    struct slice raw;             /* the row as it stands in the file, for the record of refusals */
    const char *wrong;            /* why the row cannot be read, or NULL */
    const struct table_row *more; /* the next row of the same response, or NULL */
};

struct table;

/* Everything of a row is in the arena. 1: a row, 0: the end, or an error. Empty rows are skipped. */
must_use int table_next(struct table *table, struct arena *arena, struct table_row *row,
                        struct err *err);
void table_close(struct table *table);
/* Of a csv: its delimiter; of a spreadsheet: 0. */
char table_delimiter(const struct table *table);
/* Far in the file: position of size bytes (0: unknown). */
void table_progress(const struct table *table, uint64_t *position, uint64_t *size);

/* RFC 4180, and what Excel and others write besides: any delimiter, line ends of LF, CRLF or CR, a first line "sep=;".
 * delimiter 0: recognised. The stream is the caller's and outlives the table. */
must_use int table_open_csv(struct table **table, struct import_stream *stream, char delimiter,
                            struct err *err);
/* The named or first sheet of an .xlsx; path, or bytes where path is NULL. Errors: E_NOT_FOUND no such sheet (the message
 * names those there are), E_MALFORMED no spreadsheet. */
must_use int table_open_xlsx(struct table **table, const char *path, struct slice bytes,
                             const char *sheet, struct err *err);
/* Names of the sheets of the open spreadsheet, for a choice: NULL-terminated; NULL for a csv. */
const char *const *table_sheets(const struct table *table);

/* For the makers of tables. */
struct table_class {
    int (*next)(struct table *table, struct arena *arena, struct table_row *row, struct err *err);
    void (*close)(struct table *table);
    char (*delimiter)(const struct table *table);
    const char *const *(*sheets)(const struct table *table);
    void (*progress)(const struct table *table, uint64_t *position, uint64_t *size);
};
struct table {
    const struct table_class *class;
};

#endif
