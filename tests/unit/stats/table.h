/*
 * Reference tables of the folder beside the checkout: comma-separated columns of numbers or texts under a line of names.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_STATS_TABLE_H
#define SENDA_TESTS_STATS_TABLE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef NEAR
#define NEAR(got, wanted, tolerance)                                                               \
    do {                                                                                           \
        double got_ = (got), wanted_ = (wanted);                                                   \
        if (!(fabs(got_ - wanted_) <= (tolerance)))                                                \
            fail_msg("%s is %.12g, not %.12g", #got, got_, wanted_);                               \
    } while (0)
#endif

enum { TABLE_COLUMNS = 24, CELL_BYTES = 48 };
struct table {
    size_t n, columns;
    char names[TABLE_COLUMNS][CELL_BYTES];
    char (*cells)[TABLE_COLUMNS][CELL_BYTES];
};

static inline size_t table_split(char *line, char cells[][CELL_BYTES]) {
    size_t n = 0;
    for (char *rest = line, *cell; n < TABLE_COLUMNS && (cell = strsep(&rest, ","));) {
        cell[strcspn(cell, "\r\n")] = 0;
        size_t long_as = strlen(cell);
        if (long_as > 1 && cell[0] == '"' && cell[long_as - 1] == '"') {
            cell[long_as - 1] = 0;
            cell++;
        }
        snprintf(cells[n++], CELL_BYTES, "%s", cell);
    }
    return n;
}

/* Skips the test where the file is not here. free(table.cells). */
static inline struct table table_read(const char *path) {
    struct table table = {0};
    size_t capacity = 0;
    char line[2048];
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("%s is not here\n", path);
        skip();
    }
    assert_non_null(fgets(line, sizeof line, file));
    table.columns = table_split(line, table.names);
    while (fgets(line, sizeof line, file)) {
        if (table.n == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            table.cells = realloc(table.cells, capacity * sizeof *table.cells);
            assert_non_null(table.cells);
        }
        table_split(line, table.cells[table.n++]);
    }
    fclose(file);
    return table;
}

static inline const char *table_text(const struct table *table, size_t row, const char *name) {
    for (size_t c = 0; c < table->columns; c++)
        if (strcmp(table->names[c], name) == 0)
            return table->cells[row][c];
    fail_msg("no column %s", name);
    return "";
}

/* NAN where the cell is not a number ("NA", empty). */
static inline double table_number(const struct table *table, size_t row, const char *name) {
    const char *text = table_text(table, row, name);
    char *end;
    double number = strtod(text, &end);
    return end == text || *end ? (double)NAN : number;
}

#endif
