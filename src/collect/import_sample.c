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
                                           "%d-%m-%y %H:%M:%S",
                                           "%d-%m-%y %H:%M",
                                           "%d-%m-%y",
                                           "%Y/%m/%d %H:%M:%S",
                                           "%Y/%m/%d %H:%M",
                                           "%Y/%m/%d",
                                           "%d/%m/%y %H:%M:%S",
                                           "%d/%m/%y %H:%M",
                                           "%d/%m/%y",
                                           "%m/%d/%y %H:%M",
                                           "%m/%d/%y",
                                           "%d.%m.%y %H:%M:%S",
                                           "%d.%m.%y %H:%M",
                                           "%d.%m.%y",
                                           "%d-%b-%Y %H:%M:%S",
                                           "%d-%b-%Y",
                                           "%d-%b-%y",
                                           "%d %b %Y %H:%M:%S",
                                           "%d %b %Y %H:%M",
                                           "%d %b %Y",
                                           "%d de %B de %Y %H:%M",
                                           "%d de %B de %Y",
                                           "%a, %d de %B de %Y",
                                           "%b %d, %Y %H:%M",
                                           "%b %d, %Y",
                                           "%a, %d %b %Y %T %z",
                                           "%Y%m%d%H%M%S",
                                           "%Y%m%d",
                                           "%Y%m%dT%H%M%S%z",
                                           "unix",
                                           "unix_ms",
                                           "excel"};

/* Plain numbers are times only where they lie in these years. */
#define PLAUSIBLE_FROM_MS INT64_C(315532800000) /* 1980 */
#define PLAUSIBLE_TO_MS INT64_C(2524608000000)  /* 2050 */

static bool is_plain(const char *format) {
    return strncmp(format, "unix", 4) == 0 || strncmp(format, "%Y%m%d", 6) == 0 ||
           strcmp(format, "excel") == 0;
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

bool sample_nearly_all(size_t n, size_t of) { return n * 5 >= of * 4 || (n >= 2 && n + 1 == of); }

/* The format that fits most filled cells of a column, nearly all of them; NULL if none does. */
static const char *find_time_format(const struct sample *sample, size_t column, bool *doubtful) {
    const char *best = NULL;
    size_t most = 0, filled;
    *doubtful = false;
    for (size_t i = 0; i < sizeof time_formats / sizeof *time_formats; i++) {
        size_t n = fits(sample, column, time_formats[i], &filled);
        if (n > most && sample_nearly_all(n, filled)) {
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

/* The letter under the accent of "á é í ó ú ü ñ à è ò ç", or 0. */
static char without_accent(unsigned char second) {
    static const struct {
        unsigned char second;
        char letter;
    } letters[] = {{0xa1, 'a'}, {0xa9, 'e'}, {0xad, 'i'}, {0xb3, 'o'}, {0xba, 'u'}, {0xbc, 'u'},
                   {0xb1, 'n'}, {0xa0, 'a'}, {0xa8, 'e'}, {0xb2, 'o'}, {0xa7, 'c'}};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].second == second)
            return letters[i].letter;
    return 0;
}

struct slice sample_words(struct sample *sample, struct slice name) {
    struct slice folded = utf8_fold(name, &sample->arena);
    char *to = arena_get(&sample->arena, folded.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < folded.n; i++) {
        char c = folded.p[i];
        char plain = c == (char)0xc3 && i + 1 < folded.n
                         ? without_accent((unsigned char)folded.p[i + 1])
                         : 0;
        if (plain) {
            c = plain;
            i++;
        } else if (strchr("_-. /()#?!,;'\"&[]", c) || c == (char)0xc2) {
            i += c == (char)0xc2; /* "¿", "º", "ª" … */
            c = ' ';
        }
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

/* The format of a column of times of day. */
static const char *find_clock_format(const struct sample *sample, size_t column) {
    static const char *const formats[] = {"%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p"};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        char format[32];
        size_t n = 0;
        bool all = true;
        snprintf(format, sizeof format, "%%F %s", formats[f]);
        for (size_t i = 0; i < sample->n_rows && all; i++) {
            const struct table_row *row = &sample->rows[i];
            struct slice cell =
                column < row->n ? utf8_trim(row->cells[column]) : (struct slice){"", 0};
            char text[48];
            int64_t utc_ms;
            if (!cell.n)
                continue;
            if (row->dates && row->dates[column] && cell.n > 11)
                cell = (struct slice){cell.p + 11, cell.n - 11};
            int length = snprintf(text, sizeof text, "2000-01-01 %.*s", SLICE_ARGS(cell));
            all = length > 0 && (size_t)length < sizeof text &&
                  !time_parse_format(slice_of(text), format, NULL, &utc_ms);
            n++;
        }
        if (all && n)
            return formats[f];
    }
    return NULL;
}

const char *sample_joined_format(struct sample *sample, int date, int clock) {
    const char *day = sample->columns[date].time_format,
               *time = sample->columns[clock].clock_format;
    if (!day || !time || strchr(day, 'H') || strchr(day, 'I') || strncmp(day, "unix", 4) == 0)
        return NULL;
    if (strcmp(day, "rfc3339") == 0)
        day = "%F";
    else if (strcmp(day, "excel") == 0)
        return NULL;
    const char *format = arena_format(&sample->arena, "%s %s", day, time);
    size_t filled = 0, read = 0;
    for (size_t i = 0; i < sample->n_rows; i++) {
        const struct table_row *row = &sample->rows[i];
        size_t d = (size_t)date, c = (size_t)clock;
        if (d >= row->n || c >= row->n || !utf8_trim(row->cells[c]).n)
            continue;
        bool is_date = row->dates && row->dates[d], is_clock = row->dates && row->dates[c];
        struct slice text = import_join_clock(utf8_trim(row->cells[d]), is_date,
                                              utf8_trim(row->cells[c]), is_clock, &sample->arena);
        int64_t utc_ms;
        filled++;
        read += !time_parse_format(text, is_date ? "rfc3339" : format, NULL, &utc_ms);
    }
    return filled && read * 5 >= filled * 4 ? format : NULL;
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
    column->clock_format = column->filled ? find_clock_format(sample, index) : NULL;
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

static int read_all(struct sample *sample, struct table *table, const struct import_map *map,
                    struct err *err) {
    int code;
    do
        code = table_next(table, &sample->arena, &sample->header, err);
    while (code == 1 && sample->header.number < import_map_header(map));
    if (code == 0)
        return err_set(err, E_MALFORMED, "the file is empty");
    if (code == 1 && sample->header.wrong)
        return err_set(err, E_MALFORMED, "the first row cannot be read: %s", sample->header.wrong);
    if (code == 1 && sample->header.raw.p &&
        memchr(sample->header.raw.p, 0, sample->header.raw.n)) {
        err_set(err, E_MALFORMED, "this is not a text file");
        return err_hint(err, "Save it as .csv or .xlsx.");
    }
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

/* An instant written with signs between its numbers, or a date of a spreadsheet. */
static bool shows_time(const struct table_row *row, size_t column) {
    struct slice cell = utf8_trim(row->cells[column]);
    int64_t utc_ms;
    if (row->dates && row->dates[column])
        return true;
    for (size_t i = 0; i < sizeof time_formats / sizeof *time_formats; i++)
        if (!is_plain(time_formats[i]) &&
            time_parse_format(cell, time_formats[i], NULL, &utc_ms) == 0)
            return true;
    return false;
}

/* Digits, with leading zeros or signs of a decimal number; four of them may be a year. */
static bool is_figure(struct slice cell) {
    size_t digits = 0;
    for (size_t i = 0; i < cell.n; i++) {
        bool digit = cell.p[i] >= '0' && cell.p[i] <= '9';
        if (!digit && cell.p[i] != '.' && cell.p[i] != ',' && !(i == 0 && cell.p[i] == '-'))
            return false;
        digits += digit;
    }
    return digits && cell.n != 4;
}

/* Whether the first row is data: it holds an instant, or e-mail addresses, or nothing but numbers where the rows below do.
 * Years as headings are headings. */
static bool starts_with_data(const struct table_row *first) {
    size_t numbers = 0, filled = 0;
    for (size_t i = 0; i < first->n; i++) {
        struct slice cell = utf8_trim(first->cells[i]);
        if (!cell.n)
            continue;
        filled++;
        if (shows_time(first, i) || memchr(cell.p, '@', cell.n))
            return true;
        numbers += is_figure(cell);
    }
    return filled > 1 && numbers * 2 >= filled;
}

static size_t count_filled(const struct table_row *row) {
    size_t n = 0;
    for (size_t i = 0; i < row->n; i++)
        n += utf8_trim(row->cells[i]).n > 0;
    return n;
}

static int compare_counts(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Reports have titles, merged groups and blanks above the names of their columns: rows of at most half the cells that rows
 * have (the median). The first that is nearly whole and holds no data is the header then. */
static void find_header(struct sample *sample) {
    enum { LEAST_ROWS = 3, LEAST_CELLS = 3, TITLES_MAX = 20 };
    size_t filled[SAMPLE_ROWS] = {0}, n = sample->n_rows;
    for (size_t i = 0; i < n; i++)
        filled[i] = count_filled(&sample->rows[i]);
    qsort(filled, n, sizeof *filled, compare_counts);
    size_t usual = n < LEAST_ROWS ? 0 : filled[n / 2];
    if (usual < LEAST_CELLS || count_filled(&sample->header) * 2 > usual)
        return;
    for (size_t i = 0; i < n && i < TITLES_MAX; i++) {
        size_t here = count_filled(&sample->rows[i]);
        if (here * 3 < usual * 2)
            continue;
        if (starts_with_data(&sample->rows[i]))
            return;
        sample->header = sample->rows[i];
        sample->header_row = sample->header.number;
        sample->n_rows -= i + 1;
        memmove(&sample->rows[0], &sample->rows[i + 1], sample->n_rows * sizeof *sample->rows);
        return;
    }
}

/* The row that was taken for the header becomes the first of the sample. */
static void take_as_data(struct sample *sample) {
    struct table_row first = sample->header;
    size_t n = sample->n_rows < SAMPLE_ROWS ? sample->n_rows : SAMPLE_ROWS - 1;
    memmove(&sample->rows[1], &sample->rows[0], n * sizeof first);
    sample->rows[0] = first;
    sample->n_rows = n + 1;
    import_bare_header(first.n, &sample->arena, &sample->header);
    sample->bare = true;
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
        sample->columns[i].words = sample_words(sample, sample->columns[i].name);
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
        code = read_all(sample, table, map, err);
    if (!code) {
        sample->delimiter = table_delimiter(table);
        copy_sheets(sample, table_sheets(table));
        if (opened->stream)
            snprintf(sample->encoding, sizeof sample->encoding, "%s",
                     import_stream_encoding(opened->stream));
        if (!map)
            find_header(sample);
        if (map ? import_map_is_bare(map) : starts_with_data(&sample->header))
            take_as_data(sample);
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
        int clock = import_map_column(map, MAP_CLOCK);
        const char *format = column < 0  ? NULL
                             : clock < 0 ? sample.columns[column].time_format
                                         : sample_joined_format(&sample, column, clock);
        import_map_set_time_format(map, format ? format : "rfc3339");
    }
    sample_release(&sample);
    return code;
}
