/*
 * Rows of a csv or a spreadsheet as events, by a map. Rows that the map takes for one response become one event, wherever they stand:
 * all are read before the first event.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "collect/import_gather.h"
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
    struct hash_key key;
    uint64_t most_rows; /* 0: all */
    const atomic_bool *cancelled;
    struct import_gather *gathered; /* NULL: not yet, or each row stands for itself */
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

/* All rows of the file, by response. */
static int gather_all(struct rows *rows, struct err *err) {
    struct arena arena;
    struct table_row cells;
    int code = import_gather_open(&rows->gathered, err), more = 0;
    arena_init(&arena);
    for (uint64_t n = 0; !code && (!rows->most_rows || n < rows->most_rows) &&
                         (more = next_cells(rows, &arena, &cells, err)) > 0;
         n++) {
        struct key128 key;
        bool grouped = import_map_response(rows->map, &cells, &rows->key, &key);
        code = import_gather_put(rows->gathered, &cells, grouped ? &key : NULL, err);
        if (!code && rows->cancelled && atomic_load(rows->cancelled))
            code = err_set(err, E_CANCELLED, "the import was cancelled");
        arena_clear(&arena);
    }
    arena_release(&arena);
    if (!code)
        code = more < 0 ? more : import_gather_end(rows->gathered, err);
    return code;
}

static int next_group(struct rows *rows, struct arena *arena, struct table_row *cells,
                      struct err *err) {
    int code = rows->gathered ? 0 : gather_all(rows, err);
    return code ? code : import_gather_next(rows->gathered, LIMIT_ANSWERS, arena, cells);
}

static int rows_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                     struct err *err) {
    struct rows *rows = (struct rows *)reader;
    struct table_row cells = {0};
    int code = import_map_gathers(rows->map) ? next_group(rows, arena, &cells, err)
                                             : next_cells(rows, arena, &cells, err);
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
    import_gather_close(rows->gathered);
    free(rows);
}

static void rows_progress(const struct import_reader *reader, uint64_t *position, uint64_t *size) {
    table_progress(((const struct rows *)reader)->table, position, size);
}

/* The names of the columns: the first row or the one that the map says, unless there are none. */
static int bind(struct rows *rows, const struct zone *zone, struct err *err) {
    struct table_row header;
    int code;
    do
        code = table_next(rows->table, &rows->kept, &rows->first, err);
    while (code == 1 && rows->first.number < import_map_header(rows->map));
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
    *rows = (struct rows){.reader = {&class},
                          .stream = stream,
                          .table = table,
                          .map = map,
                          .received_ms = options->received_ms,
                          .key = options->key ? *options->key : (struct hash_key){{0}},
                          .most_rows = options->most_rows,
                          .cancelled = options->cancelled};
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
