/*
 * Rows of a csv or a spreadsheet as events, by a map.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "collect/import_reader.h"

struct rows {
    struct import_reader reader;
    struct import_stream *stream; /* NULL: a spreadsheet */
    struct table *table;
    struct import_map *map;
    int64_t received_ms;
};

static int rows_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                     struct err *err) {
    struct rows *rows = (struct rows *)reader;
    struct table_row cells;
    int code = table_next(rows->table, arena, &cells, err);
    if (code <= 0)
        return code;
    row->number = cells.number;
    row->raw = cells.raw;
    row->refusal =
        import_map_row(rows->map, &cells, arena, rows->received_ms, &row->event, row->message);
    return 1;
}

static void rows_close(struct import_reader *reader) {
    struct rows *rows = (struct rows *)reader;
    table_close(rows->table);
    import_map_free(rows->map);
    import_stream_close(rows->stream);
    free(rows);
}

static void rows_progress(const struct import_reader *reader, uint64_t *position, uint64_t *size) {
    table_progress(((const struct rows *)reader)->table, position, size);
}

int import_open_rows(struct import_reader **reader, struct import_stream *stream,
                     struct table *table, struct import_map *map,
                     const struct import_options *options, struct err *err) {
    static const struct import_reader_class class = {rows_next, rows_close, rows_progress};
    struct rows *rows = calloc(1, sizeof *rows);
    struct arena arena;
    struct table_row header;
    if (!rows)
        abort();
    *rows = (struct rows){{&class}, stream, table, map, options->received_ms};
    arena_init(&arena);
    int code = table_next(table, &arena, &header, err);
    if (code == 0)
        code = err_set(err, E_MALFORMED, "the file is empty");
    else if (code == 1)
        code = header.wrong
                   ? err_set(err, E_MALFORMED, "the first row cannot be read: %s", header.wrong)
                   : import_map_bind(map, &header, options->zone, err);
    arena_release(&arena);
    if (code) {
        rows->stream = NULL; /* what was given stays the caller's on failure */
        rows->table = NULL;
        rows->map = NULL;
        rows_close(&rows->reader);
        return code;
    }
    *reader = &rows->reader;
    return 0;
}
