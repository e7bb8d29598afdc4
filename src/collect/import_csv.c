/*
 * Comma-separated values.
 *
 * A row is read from the window of the stream where it stands: cells are found as views first, then the row's bytes are
 * copied to the arena once and the views moved there. Only cells with doubled quotation marks are rewritten.
 *
 * COLUMNS BY BLANKS  With a blank as delimiter any number of blanks is one, and those at the ends of a line are none: tables of
 * fixed width are read as well.
 *
 * CHOICES beyond RFC 4180: a quotation mark opens a quoted cell only as its first byte, elsewhere it is text; what
 * follows a closing mark before the delimiter is text too; a quotation mark that is never closed makes the rest of the
 * file one wrong row (up to 4 MB).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "collect/import_table.h"

enum { SNIFF_ROWS = 20 };

struct cell_place {
    uint32_t from, n;     /* in the row; without the outer quotation marks where `quoted` */
    bool quoted, doubled; /* doubled: quotation marks are to be taken out */
};

struct csv {
    struct table table;
    struct import_stream *stream;
    char delimiter;
    uint64_t rows;
    struct cell_place *places; /* [TABLE_COLUMNS_MAX] */
    size_t n;
};

/* The end of a run of bytes that are neither delimiter nor line end. */
static const char *find_end(const char *p, const char *end, char delimiter) {
#ifdef __SSE2__
    const __m128i delimiters = _mm_set1_epi8(delimiter), lf = _mm_set1_epi8('\n'),
                  cr = _mm_set1_epi8('\r');
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stop =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, lf), _mm_cmpeq_epi8(bytes, cr)));
        int mask = _mm_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#endif
    while (p < end && *p != delimiter && *p != '\n' && *p != '\r')
        p++;
    return p;
}

/* Behind a quoted cell that begins at p, at the delimiter, line end or end; NULL if no mark closes it. */
static const char *quoted_end(const char *p, const char *end, char delimiter,
                              struct cell_place *place) {
    const char *close = p + 1;
    for (;;) {
        close = memchr(close, '"', (size_t)(end - close));
        if (!close)
            return NULL;
        if (close + 1 == end || close[1] != '"')
            break;
        place->doubled = true;
        close += 2;
    }
    const char *stop = find_end(close + 1, end, delimiter);
    place->quoted = true;
    place->doubled |= stop != close + 1;
    return stop;
}

enum scanned { SCANNED_ROW, SCANNED_MORE, SCANNED_OPEN, SCANNED_WIDE };

/* Finds the cells of the row at the start of text; *length is the row's without its line end, *total with it. last: no
 * more bytes will come. SCANNED_MORE: the row does not end here. */
static enum scanned scan_row(struct csv *csv, struct slice text, bool last, size_t *length,
                             size_t *total) {
    const char *p = text.p, *end = text.p + text.n;
    csv->n = 0;
    for (;;) {
        struct cell_place *place = &csv->places[csv->n];
        *place = (struct cell_place){.from = (uint32_t)(p - text.p)};
        const char *stop = p < end && *p == '"' ? quoted_end(p, end, csv->delimiter, place)
                                                : find_end(p, end, csv->delimiter);
        if (!stop && last) {
            *length = *total = text.n;
            return SCANNED_OPEN;
        }
        if (!stop ||
            (stop >= end - 1 && !last)) /* a line end may have its second byte in what comes */
            return SCANNED_MORE;
        place->n = (uint32_t)(stop - p);
        csv->n++;
        if (stop == end || *stop != csv->delimiter) {
            *length = (size_t)(stop - text.p);
            *total =
                *length + (stop < end) + (end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n');
            return SCANNED_ROW;
        }
        if (csv->n == TABLE_COLUMNS_MAX)
            return SCANNED_WIDE;
        p = stop + 1;
    }
}

/* With a blank as delimiter, cells without a byte are none. */
static enum scanned scan(struct csv *csv, struct slice text, bool last, size_t *length,
                         size_t *total) {
    enum scanned scanned = scan_row(csv, text, last, length, total);
    size_t kept = 0;
    if (scanned != SCANNED_ROW || csv->delimiter != ' ')
        return scanned;
    for (size_t i = 0; i < csv->n; i++)
        if (csv->places[i].n)
            csv->places[kept++] = csv->places[i];
    csv->n = kept;
    return scanned;
}

/* Without the outer quotation marks and with one for two; what stands behind the closing mark stays. */
static struct slice unquote(struct arena *arena, struct slice cell) {
    char *start = arena_get(arena, cell.n), *to = start;
    bool inside = true;
    for (size_t i = 1; i < cell.n; i++) {
        if (inside && cell.p[i] == '"') {
            if (i + 1 < cell.n && cell.p[i + 1] == '"')
                *to++ = cell.p[i++];
            else
                inside = false;
        } else {
            *to++ = cell.p[i];
        }
    }
    return (struct slice){start, (size_t)(to - start)};
}

static void take_cells(struct csv *csv, struct arena *arena, struct table_row *row) {
    row->cells = arena_get(arena, csv->n * sizeof *row->cells);
    row->n = csv->n;
    for (size_t i = 0; i < csv->n; i++) {
        const struct cell_place *place = &csv->places[i];
        struct slice cell = {row->raw.p + place->from, place->n};
        if (place->doubled)
            cell = unquote(arena, cell);
        else if (place->quoted)
            cell = (struct slice){cell.p + 1, cell.n - 2};
        row->cells[i] = cell;
    }
}

/* Not a cell has a byte: an empty line, or one of delimiters alone, as spreadsheets write below their last row. */
static bool is_empty(const struct csv *csv) {
    for (size_t i = 0; i < csv->n; i++)
        if (csv->places[i].n)
            return false;
    return true;
}

static int csv_next(struct table *table, struct arena *arena, struct table_row *row,
                    struct err *err) {
    struct csv *csv = (struct csv *)table;
    bool last = false;
    for (;;) {
        struct slice text = import_stream_text(csv->stream);
        if (!text.n && last)
            return 0;
        size_t length = 0, total = 0;
        enum scanned scanned = text.n ? scan(csv, text, last, &length, &total) : SCANNED_MORE;
        if (scanned == SCANNED_WIDE)
            return err_set(err, E_TOO_LARGE, "a row has more than %d columns", TABLE_COLUMNS_MAX);
        if (scanned == SCANNED_MORE) {
            int code = import_stream_fill(csv->stream, err);
            if (code < 0)
                return code;
            last = code == 0;
            continue;
        }
        if (total > length || length)
            csv->rows++;
        if (length == 0 || (scanned == SCANNED_ROW && is_empty(csv))) {
            import_stream_take(csv->stream, total);
            continue;
        }
        *row = (struct table_row){.number = csv->rows};
        row->raw = (struct slice){arena_text(arena, (struct slice){text.p, length}), length};
        if (scanned == SCANNED_OPEN)
            row->wrong = ERR_WORDS("a quotation mark is never closed");
        else
            take_cells(csv, arena, row);
        import_stream_take(csv->stream, total);
        return 1;
    }
}

static void csv_close(struct table *table) {
    struct csv *csv = (struct csv *)table;
    free(csv->places);
    free(csv);
}

static char csv_delimiter(const struct table *table) {
    return ((const struct csv *)table)->delimiter;
}

static const char *const *csv_sheets(const struct table *table) {
    (void)table;
    return NULL;
}

static void csv_progress(const struct table *table, uint64_t *position, uint64_t *size) {
    const struct csv *csv = (const struct csv *)table;
    *position = import_stream_position(csv->stream);
    *size = import_stream_size(csv->stream);
}

/* How well a delimiter fits the first rows: rows as wide as the first that has it, weighted by the width; 0 where it never
 * occurs, or not in most rows below titles. */
static size_t fit(struct csv *csv, struct slice text, char delimiter) {
    size_t width = 0, same = 0;
    int titles = 0, i;
    csv->delimiter = delimiter;
    for (i = 0; i < SNIFF_ROWS && text.n; i++) {
        size_t length, total;
        enum scanned scanned = scan(csv, text, true, &length, &total);
        if (scanned == SCANNED_WIDE || (scanned == SCANNED_OPEN && i == 0))
            return 0;
        if (width < 2) {
            titles += i > 0 || csv->n == 1;
            width = csv->n;
        }
        if (scanned == SCANNED_ROW && length)
            same += csv->n == width;
        text.p += total;
        text.n -= total;
    }
    return width < 2 || (titles && same * 3 < (size_t)i * 2) ? 0 : same * 1000 + width;
}

/* Columns by blanks: no row is narrower or wider than the first, and there are several. */
static bool fits_blanks(struct csv *csv, struct slice text) {
    enum { SEVERAL = 3 };
    size_t width = 0, rows = 0;
    csv->delimiter = ' ';
    for (int i = 0; i < SNIFF_ROWS && text.n; i++) {
        size_t length, total;
        if (scan(csv, text, true, &length, &total) != SCANNED_ROW ||
            (width && csv->n && csv->n != width))
            return false;
        width = csv->n ? csv->n : width;
        rows += csv->n > 0;
        text.p += total;
        text.n -= total;
    }
    return rows > 1 && width >= SEVERAL;
}

/* A first line "sep=;" says the delimiter. */
static bool take_said(struct csv *csv) {
    struct slice text = import_stream_text(csv->stream);
    if (text.n < 6 || memcmp(text.p, "sep=", 4) != 0 || (text.p[5] != '\n' && text.p[5] != '\r'))
        return false;
    csv->delimiter = text.p[4];
    import_stream_take(csv->stream, text.p[5] == '\r' && text.n > 6 && text.p[6] == '\n' ? 7 : 6);
    return true;
}

static void recognise(struct csv *csv) {
    static const char candidates[] = {',', ';', '\t', '|'};
    struct slice text = import_stream_text(csv->stream);
    size_t best = 0;
    char chosen = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t fits = fit(csv, text, candidates[i]);
        if (fits > best) {
            best = fits;
            chosen = candidates[i];
        }
    }
    if (!best && fits_blanks(csv, text))
        chosen = ' ';
    csv->delimiter = chosen;
}

int table_open_csv(struct table **table, struct import_stream *stream, char delimiter,
                   struct err *err) {
    static const struct table_class class = {csv_next, csv_close, csv_delimiter, csv_sheets,
                                             csv_progress};
    struct csv *csv = calloc(1, sizeof *csv);
    if (!csv || !(csv->places = malloc((TABLE_COLUMNS_MAX + 1) * sizeof *csv->places)))
        abort();
    csv->table.class = &class;
    csv->stream = stream;
    csv->delimiter = delimiter;
    int code = import_stream_text(stream).n ? 0 : import_stream_fill(stream, err);
    if (code < 0) {
        csv_close(&csv->table);
        return code;
    }
    if (!take_said(csv) && !delimiter)
        recognise(csv);
    *table = &csv->table;
    return 0;
}

int table_next(struct table *table, struct arena *arena, struct table_row *row, struct err *err) {
    return table->class->next(table, arena, row, err);
}

void table_close(struct table *table) {
    if (table)
        table->class->close(table);
}

char table_delimiter(const struct table *table) { return table->class->delimiter(table); }
const char *const *table_sheets(const struct table *table) { return table->class->sheets(table); }

void table_progress(const struct table *table, uint64_t *position, uint64_t *size) {
    table->class->progress(table, position, size);
}
