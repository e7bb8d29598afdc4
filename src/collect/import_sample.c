/*
 * The first rows of a file, measured column by column.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/map.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import_guess.h"
#include "collect/import_reader.h"

enum { SETTLE_ROWS = 50000 };

/* Tried in this order; the day stands first where both orders fit (most of the world writes so). */
static const char *const time_formats[] = {"rfc3339",
                                           "%d/%m/%Y %H:%M:%S",
                                           "%d/%m/%Y %H:%M",
                                           "%d/%m/%Y",
                                           "%m/%d/%Y %H:%M:%S",
                                           "%m/%d/%Y %H:%M",
                                           "%m/%d/%Y",
                                           "%m/%d/%Y %I:%M:%S %p",
                                           "%m/%d/%Y %I:%M %p",
                                           "%d/%m/%Y %I:%M %p",
                                           "%d.%m.%Y %H:%M:%S",
                                           "%d.%m.%Y %H:%M",
                                           "%d.%m.%Y",
                                           "%d-%m-%Y %H:%M:%S",
                                           "%d-%m-%Y %H:%M",
                                           "%d-%m-%Y",
                                           "%Y/%m/%d %H:%M:%S",
                                           "%Y/%m/%d %H:%M",
                                           "%Y/%m/%d",
                                           "%d/%m/%y %H:%M:%S",
                                           "%d/%m/%y %H:%M",
                                           "%d/%m/%y",
                                           "%m/%d/%y %H:%M",
                                           "%m/%d/%y",
                                           "%d.%m.%y %H:%M",
                                           "%d.%m.%y",
                                           "%d-%b-%Y %H:%M:%S",
                                           "%d-%b-%Y",
                                           "%d-%b-%y",
                                           "%d %b %Y %H:%M:%S",
                                           "%d %b %Y %H:%M",
                                           "%d %b %Y",
                                           "%b %d, %Y %H:%M",
                                           "%b %d, %Y",
                                           "%a, %d %b %Y %T %z",
                                           "%Y%m%d%H%M%S",
                                           "%Y%m%d",
                                           "%Y%m%dT%H%M%S%z",
                                           "unix",
                                           "unix_ms"};

/* Plain numbers are times only where they lie in these years. */
#define PLAUSIBLE_FROM_MS INT64_C(315532800000) /* 1980 */
#define PLAUSIBLE_TO_MS INT64_C(2524608000000)  /* 2050 */

static bool is_plain(const char *format) {
    return strncmp(format, "unix", 4) == 0 || strncmp(format, "%Y%m%d", 6) == 0;
}

/* How many filled cells of a column a format reads; *filled: how many there are. */
static size_t fits(const struct sample *sample, size_t column, const char *format, size_t *filled) {
    size_t n = 0;
    *filled = 0;
    for (size_t i = 0; i < sample->n_rows; i++) {
        const struct table_row *row = &sample->rows[i];
        int64_t utc_ms;
        if (column >= row->n)
            continue;
        struct slice cell = utf8_trim(row->cells[column]);
        if (!cell.n)
            continue;
        ++*filled;
        if (row->dates && row->dates[column]) {
            n++;
            continue;
        }
        if (time_parse_format(cell, format, NULL, &utc_ms) || utc_ms < TIME_MIN_MS ||
            utc_ms >= TIME_MAX_MS)
            continue;
        n += !is_plain(format) || (utc_ms >= PLAUSIBLE_FROM_MS && utc_ms <= PLAUSIBLE_TO_MS);
    }
    return n;
}

/* The same format with the month first. */
static const char *month_first(const char *format) {
    for (size_t i = 0; i < sizeof time_formats / sizeof *time_formats; i++)
        if (strncmp(time_formats[i], "%m/%d/", 6) == 0 &&
            strcmp(time_formats[i] + 6, format + 6) == 0)
            return time_formats[i];
    return NULL;
}

/* The format that fits most filled cells of a column, at least four of five; NULL if none does. */
static const char *find_time_format(const struct sample *sample, size_t column, bool *doubtful) {
    const char *best = NULL;
    size_t most = 0, filled;
    *doubtful = false;
    for (size_t i = 0; i < sizeof time_formats / sizeof *time_formats; i++) {
        size_t n = fits(sample, column, time_formats[i], &filled);
        if (n > most && n * 5 >= filled * 4) {
            best = time_formats[i];
            most = n;
        }
        if (n && n == filled)
            break;
    }
    if (best && strncmp(best, "%d/%m/", 6) == 0 && month_first(best))
        *doubtful = fits(sample, column, month_first(best), &filled) == most;
    return best;
}

/* Lower case, separators as single blanks: "ID_Cliente" and "id cliente" are one. */
static struct slice words_of(struct sample *sample, struct slice name) {
    struct slice folded = utf8_fold(name, &sample->arena);
    char *to = arena_get(&sample->arena, folded.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < folded.n; i++) {
        char c = folded.p[i];
        if (c == '_' || c == '-' || c == '.' || c == ' ' || c == '/' || c == '(' || c == ')' ||
            c == '#')
            c = ' ';
        if (c != ' ' || (n && to[n - 1] != ' '))
            to[n++] = c;
    }
    while (n && to[n - 1] == ' ')
        n--;
    return (struct slice){to, n};
}

/* "1,5" or "1.234,5": a comma that can only be a decimal sign. */
static bool is_decimal(struct slice cell, char sign) {
    struct value value;
    bool has_sign = memchr(cell.p, sign, cell.n) != NULL;
    return has_sign && import_cell_value(cell, CELL_ANY, sign, &value) &&
           value.type == VALUE_NUMBER;
}

static void find_decimal(struct sample *sample) {
    size_t commas = 0, points = 0;
    for (size_t i = 0; i < sample->n_rows; i++)
        for (size_t c = 0; c < sample->rows[i].n; c++) {
            struct slice cell = utf8_trim(sample->rows[i].cells[c]);
            if (!cell.n)
                continue;
            commas += is_decimal(cell, ',');
            points += is_decimal(cell, '.');
        }
    sample->decimal = commas > points ? ',' : '.';
}

/* Counts of the kinds of a column's cells. */
struct tally {
    size_t integers, decimals, dates;
};

static void measure_cell(struct sample *sample, struct sample_column *column, struct slice cell,
                         struct tally *tally, struct text_map *seen) {
    struct value value;
    column->filled++;
    column->bytes += cell.n;
    if (text_map_get(seen, cell) == MAP_NONE) {
        text_map_put(seen, cell, 1);
        column->distinct++;
        if (column->n_examples < SAMPLE_EXAMPLES)
            column->examples[column->n_examples++] = cell;
    }
    if (import_cell_value(cell, CELL_ANY, sample->decimal, &value)) {
        tally->integers += value.type == VALUE_INT;
        tally->decimals += value.type == VALUE_NUMBER;
    }
    bool digits = cell.n > 1 && cell.p[0] == '0';
    for (size_t i = 0; i < cell.n && digits; i++)
        digits = cell.p[i] >= '0' && cell.p[i] <= '9';
    column->leading_zeros |= digits;
}

static void measure_column(struct sample *sample, size_t index) {
    struct sample_column *column = &sample->columns[index];
    struct text_map seen;
    struct tally tally = {0};
    text_map_init(&seen);
    for (size_t i = 0; i < sample->n_rows; i++) {
        const struct table_row *row = &sample->rows[i];
        struct slice cell = index < row->n ? utf8_trim(row->cells[index]) : (struct slice){"", 0};
        if (!cell.n)
            continue;
        tally.dates += row->dates && row->dates[index];
        measure_cell(sample, column, cell, &tally, &seen);
    }
    text_map_release(&seen);
    bool numbers = tally.integers + tally.decimals == column->filled;
    column->time_format =
        column->filled ? find_time_format(sample, index, &column->day_first_doubtful) : NULL;
    if (!column->filled)
        column->kind = CELLS_EMPTY;
    else if (tally.dates == column->filled ||
             (column->time_format && !(numbers && is_plain(column->time_format))))
        column->kind = CELLS_TIME;
    else if (numbers)
        column->kind = tally.decimals ? CELLS_DECIMAL : CELLS_INTEGER;
    else
        column->kind = CELLS_TEXT;
}

static int read_all(struct sample *sample, struct table *table, struct err *err) {
    int code = table_next(table, &sample->arena, &sample->header, err);
    if (code == 0)
        return err_set(err, E_MALFORMED, "the file is empty");
    if (code == 1 && sample->header.wrong)
        return err_set(err, E_MALFORMED, "the first row cannot be read: %s", sample->header.wrong);
    while (code == 1 && sample->n_rows < SAMPLE_ROWS) {
        struct table_row *row = &sample->rows[sample->n_rows];
        code = table_next(table, &sample->arena, row, err);
        if (code == 1 && !row->wrong && utf8_valid(row->raw))
            sample->n_rows++;
    }
    return code < 0 ? code : 0;
}

static void copy_sheets(struct sample *sample, const char *const *sheets) {
    size_t n = 0;
    if (!sheets)
        return;
    while (sheets[n])
        n++;
    sample->sheets = ARENA_ARRAY(&sample->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        sample->sheets[i] = arena_text(&sample->arena, slice_of(sheets[i]));
}

/* A row that only one order of day and month fits settles the doubt of a column. */
static bool settle_order(struct sample *sample, const struct table_row *row) {
    bool doubtful = false;
    for (size_t i = 0; i < sample->header.n; i++) {
        struct sample_column *column = &sample->columns[i];
        int64_t utc_ms;
        if (!column->day_first_doubtful)
            continue;
        struct slice cell = i < row->n ? utf8_trim(row->cells[i]) : (struct slice){"", 0};
        bool day = time_parse_format(cell, column->time_format, NULL, &utc_ms) == 0;
        bool month = time_parse_format(cell, month_first(column->time_format), NULL, &utc_ms) == 0;
        if (cell.n && day != month) {
            column->time_format = day ? column->time_format : month_first(column->time_format);
            column->day_first_doubtful = false;
        }
        doubtful |= column->day_first_doubtful;
    }
    return doubtful;
}

/* Reads on, up to SETTLE_ROWS, while the order of day and month is in doubt somewhere. */
static int settle_orders(struct sample *sample, struct table *table, struct err *err) {
    struct arena arena;
    bool doubtful = false;
    int code = 1;
    for (size_t i = 0; i < sample->header.n; i++)
        doubtful |= sample->columns[i].day_first_doubtful;
    arena_init(&arena);
    for (int n = 0; doubtful && n < SETTLE_ROWS && code == 1; n++) {
        struct table_row row;
        arena_clear(&arena);
        code = table_next(table, &arena, &row, err);
        if (code == 1 && !row.wrong)
            doubtful = settle_order(sample, &row);
    }
    arena_release(&arena);
    return code < 0 ? code : 0;
}

/* Everything about the columns, from the rows that were read. */
static void measure(struct sample *sample, const struct import_map *map) {
    sample->columns = ARENA_ARRAY(&sample->arena, struct sample_column, sample->header.n);
    if (map && import_map_decimal(map))
        sample->decimal = import_map_decimal(map);
    else
        find_decimal(sample);
    for (size_t i = 0; i < sample->header.n; i++) {
        sample->columns[i].name = utf8_trim(sample->header.cells[i]);
        sample->columns[i].words = words_of(sample, sample->columns[i].name);
        measure_column(sample, i);
    }
}

int sample_read(struct sample *sample, const struct import_file *file,
                const struct import_options *options, const struct import_opened *opened,
                const struct import_map *map, struct err *err) {
    struct table *table = NULL;
    memset(sample, 0, sizeof *sample);
    arena_init(&sample->arena);
    int code = import_open_table(file, options, opened, map, &table, err);
    if (!code)
        code = read_all(sample, table, err);
    if (!code) {
        sample->delimiter = table_delimiter(table);
        copy_sheets(sample, table_sheets(table));
        if (opened->stream)
            snprintf(sample->encoding, sizeof sample->encoding, "%s",
                     import_stream_encoding(opened->stream));
        measure(sample, map);
        code = settle_orders(sample, table, err);
    }
    table_close(table);
    if (code)
        sample_release(sample);
    return code;
}

void sample_release(struct sample *sample) { arena_release(&sample->arena); }

int import_complete_map(const struct import_file *file, const struct import_options *options,
                        struct import_map *map, struct err *err) {
    struct import_opened opened;
    struct sample sample;
    if (import_map_decimal(map) && import_map_has_time_format(map))
        return 0;
    int code = import_open_file(file, options, &opened, err);
    if (code)
        return code;
    code = sample_read(&sample, file, options, &opened, map, err);
    import_stream_close(opened.stream);
    if (code)
        return code;
    code = import_map_bind(map, &sample.header, options->zone, err);
    int column = code ? -1 : import_map_column(map, MAP_TIME);
    if (!code && !import_map_decimal(map))
        import_map_set_decimal(map, sample.decimal);
    if (!code && !import_map_has_time_format(map)) {
        const char *format = column >= 0 ? sample.columns[column].time_format : NULL;
        import_map_set_time_format(map, format ? format : "rfc3339");
    }
    sample_release(&sample);
    return code;
}
