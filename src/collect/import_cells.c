/*
 * A small table read whole: lists that people keep in spreadsheets (units) rather than streams of interactions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/import_reader.h"

static int read_rows(struct table *table, size_t max, struct arena *arena,
                     struct import_cells *cells, struct err *err) {
    struct table_row row;
    int code = table_next(table, arena, &row, err);
    if (code != 1)
        return code ? code : err_set(err, E_INVALID, "the file is empty");
    cells->columns = row.cells;
    cells->n_columns = row.n;
    cells->rows = ARENA_ARRAY(arena, const struct slice *, max);
    cells->numbers = ARENA_ARRAY(arena, uint64_t, max);
    while ((code = table_next(table, arena, &row, err)) == 1) {
        if (cells->n == max)
            return err_set(err, E_TOO_LARGE, "the file has over %zu rows", max);
        if (row.wrong)
            return err_set(err, E_INVALID, "row %llu: %s", (unsigned long long)row.number,
                           row.wrong);
        struct slice *filled = ARENA_ARRAY(arena, struct slice, cells->n_columns);
        for (size_t i = 0; i < cells->n_columns; i++)
            filled[i] = i < row.n ? row.cells[i] : (struct slice){"", 0};
        cells->numbers[cells->n] = row.number;
        cells->rows[cells->n++] = filled;
    }
    return code;
}

int import_cells(const struct import_file *file, size_t max, struct arena *arena,
                 struct import_cells *cells, struct err *err) {
    struct import_options options = {0};
    struct import_opened opened;
    struct table *table = NULL;
    *cells = (struct import_cells){0};
    int code = import_open_file(file, &options, &opened, err);
    if (!code && opened.kind != IMPORT_CSV) {
        import_stream_close(opened.stream);
        return err_set(err, E_INVALID, "a file .csv or .xlsx is needed");
    }
    if (!code)
        code = import_open_table(file, &options, &opened, NULL, &table, err);
    if (!code)
        code = read_rows(table, max, arena, cells, err);
    if (table)
        table_close(table);
    if (opened.stream)
        import_stream_close(opened.stream);
    return code;
}
