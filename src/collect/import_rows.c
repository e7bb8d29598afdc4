/*
 * Rows of a csv or a spreadsheet as events, by a map. Neighbouring rows that the map takes for one response become one event: one
 * row is read ahead to see where it ends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
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
    struct arena ahead_of; /* of `ahead` */
    struct table_row ahead;
    bool has_ahead;
};

static void copy_row(const struct table_row *from, struct arena *arena, struct table_row *row) {
    *row = *from;
    row->cells = ARENA_ARRAY(arena, struct slice, from->n + 1);
    for (size_t i = 0; i < from->n; i++)
        row->cells[i] = arena_copy(arena, from->cells[i]);
    row->raw = arena_copy(arena, from->raw);
    if (from->dates) {
        row->dates = ARENA_ARRAY(arena, bool, from->n + 1);
        memcpy(row->dates, from->dates, from->n * sizeof *row->dates);
    }
    if (from->wrong)
        row->wrong = arena_text(arena, slice_of(from->wrong));
}

/* Both rows as they stand in the file, one below the other. */
static struct slice join_raw(struct slice a, struct slice b, struct arena *arena) {
    struct slice joined = {NULL, a.n + 1 + b.n};
    char *text = arena_get(arena, joined.n + 1);
    memcpy(text, a.p, a.n);
    text[a.n] = '\n';
    memcpy(text + a.n + 1, b.p, b.n);
    joined.p = text;
    return joined;
}

/* The first row's cells stay with the reader, which outlives every batch. */
static int next_cells(struct rows *rows, struct arena *arena, struct table_row *cells,
                      struct err *err) {
    if (rows->has_ahead) {
        copy_row(&rows->ahead, arena, cells);
        rows->has_ahead = false;
        return 1;
    }
    if (!rows->has_first)
        return table_next(rows->table, arena, cells, err);
    *cells = rows->first;
    rows->has_first = false;
    return 1;
}

/* The rows that belong to the same response, hung behind it; what comes after them is kept for next time. */
static int gather(struct rows *rows, struct arena *arena, struct table_row *first,
                  struct err *err) {
    struct slice raw = first->raw;
    size_t n = 1;
    const struct table_row **end = &first->more;
    for (;;) {
        struct table_row *next = ARENA_ARRAY(arena, struct table_row, 1);
        int code = table_next(rows->table, arena, next, err);
        if (code < 0)
            return code;
        if (!code)
            break;
        if (n == LIMIT_ANSWERS || !import_map_continues(rows->map, first, next)) {
            arena_clear(&rows->ahead_of);
            copy_row(next, &rows->ahead_of, &rows->ahead);
            rows->has_ahead = true;
            break;
        }
        raw = join_raw(raw, next->raw, arena);
        *end = next;
        end = &next->more;
        n++;
    }
    first->raw = raw;
    return 0;
}

static int rows_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                     struct err *err) {
    struct rows *rows = (struct rows *)reader;
    struct table_row cells;
    int code = next_cells(rows, arena, &cells, err);
    if (code <= 0)
        return code;
    if (import_map_gathers(rows->map) && (code = gather(rows, arena, &cells, err)) < 0)
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
    arena_release(&rows->ahead_of);
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
    *rows = (struct rows){{&class}, stream, table, map, options->received_ms, .has_first = false};
    arena_init(&rows->kept);
    arena_init(&rows->ahead_of);
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
