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
    struct arena kept;      /* of `first` */
    struct table_row first; /* without a header: the row that was read for its width */
    bool has_first;
};

/* The first row's cells stay with the reader, which outlives every batch. */
static int next_cells(struct rows *rows, struct arena *arena, struct table_row *cells,
                      struct err *err) {
    if (!rows->has_first)
        return table_next(rows->table, arena, cells, err);
    *cells = rows->first;
    rows->has_first = false;
    return 1;
}

static int rows_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                     struct err *err) {
    struct rows *rows = (struct rows *)reader;
    struct table_row cells;
    int code = next_cells(rows, arena, &cells, err);
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
    arena_release(&rows->kept);
    free(rows);
}

static void rows_progress(const struct import_reader *reader, uint64_t *position, uint64_t *size) {
    table_progress(((const struct rows *)reader)->table, position, size);
}

/* The names of the columns: the first row, unless the map says that there are none. */
static int bind(struct rows *rows, const struct zone *zone, struct err *err) {
    struct table_row header;
    int code = table_next(rows->table, &rows->kept, &rows->first, err);
    if (code <= 0)
        return code ? code : err_set(err, E_MALFORMED, "the file is empty");
    rows->has_first = import_map_is_bare(rows->map);
    if (rows->has_first)
        import_bare_header(rows->first.n, &rows->kept, &header);
    else
        header = rows->first;
    if (header.wrong)
        return err_set(err, E_MALFORMED, "the first row cannot be read: %s", header.wrong);
    return import_map_bind(rows->map, &header, zone, err);
}

int import_open_rows(struct import_reader **reader, struct import_stream *stream,
                     struct table *table, struct import_map *map,
                     const struct import_options *options, struct err *err) {
    static const struct import_reader_class class = {rows_next, rows_close, rows_progress};
    struct rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        abort();
    *rows = (struct rows){{&class}, stream, table, map, options->received_ms, .has_first = false};
    arena_init(&rows->kept);
    int code = bind(rows, options->zone, err);
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
