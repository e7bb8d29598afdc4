/*
 * Spreadsheets (.xlsx, ECMA-376): the cells of one sheet, row by row, as they are shown.
 *
 * The sheet is parsed as it is unpacked: expat is suspended at the end of each row and resumed by the next call. Shared
 * strings are held in memory (at most 512 MB), styles only as "is a date" per style.
 *
 * CELLS  Numbers as the shortest text of the double that the file holds; dates (number formats with day, month, year,
 * hour or second) as ISO 8601 without offset; booleans as true and false; errors (#N/A) and empty cells as nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <zip.h>

#include "base/json_out.h"
#include "base/time.h"
#include "collect/import_table.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    SHEETS_MAX = 1000,
    STYLES_MAX = 70000,
    COLUMN_END = 26 * TABLE_COLUMNS_MAX
};
#define SHARED_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define EPOCH_1900_DAYS 25569 /* serial of 1970-01-01 */
#define EPOCH_1904_DAYS 24107

enum date_style { STYLE_NUMBER, STYLE_DATE, STYLE_TIME_OF_DATE };

struct sheet {
    char *name, *relation, *part;
};

struct xlsx {
    struct table table;
    zip_t *zip;
    zip_file_t *part;
    uint64_t size, position;
    XML_Parser parser;
    bool suspended, ended, dates_1904;
    struct arena texts;   /* names, shared strings */
    struct slice *shared; /* [n_shared] */
    size_t n_shared, shared_capacity, shared_bytes;
    unsigned char *styles; /* enum date_style by cell style */
    size_t n_styles;
    struct custom {
        int id;
        unsigned char style;
    } * customs;
    size_t n_customs;
    bool in_cell_formats;
    struct sheet sheets[SHEETS_MAX];
    const char *names[SHEETS_MAX + 1];
    size_t n_sheets;
    /* the row being read */
    struct arena *arena;
    struct table_row *row;
    size_t capacity, column;
    uint64_t number;
    char type[12];
    unsigned style;
    bool in_row, in_value, in_phonetic, row_ready;
    struct buf value;
};

/* ---- parts of the package ---- */

static const char *attribute(const char *const *attributes, const char *name) {
    for (; *attributes; attributes += 2) {
        const char *local = strrchr(attributes[0], ':');
        if (strcmp(local && strcmp(name, "r:id") != 0 ? local + 1 : attributes[0], name) == 0)
            return attributes[1];
    }
    return NULL;
}

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

/* Entities of its own have no place in a spreadsheet and could grow without end. */
static void refuse_entity(void *parser, const XML_Char *name, int is_parameter,
                          const XML_Char *value, int n, const XML_Char *base,
                          const XML_Char *system, const XML_Char *public,
                          const XML_Char *notation) {
    (void)name, (void)is_parameter, (void)value, (void)n, (void)base, (void)system, (void)public,
        (void)notation;
    XML_StopParser(parser, XML_FALSE);
}

static XML_Parser make_parser(struct xlsx *xlsx, XML_StartElementHandler start,
                              XML_EndElementHandler end, XML_CharacterDataHandler text) {
    XML_Parser parser = XML_ParserCreate(NULL);
    if (!parser)
        abort();
    XML_SetUserData(parser, xlsx);
    XML_SetElementHandler(parser, start, end);
    XML_SetCharacterDataHandler(parser, text);
    XML_SetEntityDeclHandler(parser, refuse_entity);
    return parser;
}

/* Reads a whole part through handlers. missing: a part that is not there is an error. */
static int read_part(struct xlsx *xlsx, const char *name, bool missing,
                     XML_StartElementHandler start, XML_EndElementHandler end,
                     XML_CharacterDataHandler text, struct err *err) {
    zip_file_t *part = zip_fopen(xlsx->zip, name, 0);
    if (!part)
        return missing ? err_set(err, E_MALFORMED, "this is not a spreadsheet (.xlsx)") : 0;
    XML_Parser parser = make_parser(xlsx, start, end, text);
    int code = 0;
    for (bool more = true; more && !code;) {
        void *chunk = XML_GetBuffer(parser, CHUNK_BYTES);
        zip_int64_t n = chunk ? zip_fread(part, chunk, CHUNK_BYTES) : -1;
        more = n > 0;
        if (n < 0 || XML_ParseBuffer(parser, (int)n, n == 0) != XML_STATUS_OK)
            code = err_set(err, E_MALFORMED, "the spreadsheet is damaged");
        if (xlsx->shared_bytes > SHARED_MAX_BYTES)
            code = err_set(err, E_TOO_LARGE, "the spreadsheet has more than 512 MB of texts");
    }
    XML_ParserFree(parser);
    zip_fclose(part);
    return code;
}

static char *keep(struct xlsx *xlsx, const char *text) {
    return arena_text(&xlsx->texts, slice_of(text ? text : ""));
}

static void workbook_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xlsx *xlsx = user;
    const char *const *all = (const char *const *)attributes;
    name = local_name(name);
    if (strcmp(name, "workbookPr") == 0) {
        const char *said = attribute(all, "date1904");
        xlsx->dates_1904 = said && (strcmp(said, "1") == 0 || strcmp(said, "true") == 0);
    } else if (strcmp(name, "sheet") == 0 && xlsx->n_sheets < SHEETS_MAX) {
        struct sheet *sheet = &xlsx->sheets[xlsx->n_sheets];
        const char *relation = attribute(all, "r:id");
        sheet->name = keep(xlsx, attribute(all, "name"));
        sheet->relation = keep(xlsx, relation ? relation : attribute(all, "id"));
        xlsx->names[xlsx->n_sheets++] = sheet->name;
    }
}

static void relations_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xlsx *xlsx = user;
    const char *const *all = (const char *const *)attributes;
    const char *id = attribute(all, "Id"), *target = attribute(all, "Target");
    if (strcmp(local_name(name), "Relationship") != 0 || !id || !target)
        return;
    for (size_t i = 0; i < xlsx->n_sheets; i++)
        if (strcmp(xlsx->sheets[i].relation, id) == 0)
            xlsx->sheets[i].part = arena_format(&xlsx->texts, "%s%s", target[0] == '/' ? "" : "xl/",
                                                target[0] == '/' ? target + 1 : target);
}

/* ---- shared strings ---- */

static void shared_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xlsx *xlsx = user;
    (void)attributes;
    name = local_name(name);
    if (strcmp(name, "si") == 0)
        buf_clear(&xlsx->value);
    else if (strcmp(name, "rPh") == 0)
        xlsx->in_phonetic = true;
    else if (strcmp(name, "t") == 0)
        xlsx->in_value = !xlsx->in_phonetic;
}

static void shared_end(void *user, const XML_Char *name) {
    struct xlsx *xlsx = user;
    name = local_name(name);
    if (strcmp(name, "t") == 0)
        xlsx->in_value = false;
    else if (strcmp(name, "rPh") == 0)
        xlsx->in_phonetic = false;
    else if (strcmp(name, "si") == 0) {
        if (xlsx->n_shared == xlsx->shared_capacity) {
            xlsx->shared_capacity = xlsx->shared_capacity ? xlsx->shared_capacity * 2 : 1024;
            xlsx->shared = realloc(xlsx->shared, xlsx->shared_capacity * sizeof *xlsx->shared);
            if (!xlsx->shared)
                abort();
        }
        xlsx->shared_bytes += xlsx->value.n + sizeof *xlsx->shared;
        xlsx->shared[xlsx->n_shared++] = arena_copy(&xlsx->texts, buf_slice(&xlsx->value));
    }
}

static void value_text(void *user, const XML_Char *text, int n) {
    struct xlsx *xlsx = user;
    if (xlsx->in_value)
        buf_add(&xlsx->value, text, (size_t)n);
}

/* ---- styles ---- */

/* Behind a part of a number format that shows nothing of the value: quoted text, escape, colour or locale. NULL if the
 * format ends inside. */
static const char *skip_aside(const char *p) {
    switch (*p) {
    case '"': p = strchr(p + 1, '"'); return p ? p + 1 : NULL;
    case '[': p = strchr(p, ']'); return p ? p + 1 : NULL;
    case '\\':
    case '_':
    case '*': return p[1] ? p + 2 : NULL;
    default: return p;
    }
}

/* "[h]:mm" is a duration, which is a number. */
static bool is_duration(const char *p) {
    return *p == '[' && strchr("hHmMsS", p[1]) && (p[2] == ']' || p[2] == p[1]);
}

/* What a number format shows. */
static unsigned char format_style(const char *format) {
    bool day = false, clock = false;
    for (const char *p = format; p && *p && *p != ';';) {
        const char *next = skip_aside(p);
        if (is_duration(p))
            return STYLE_NUMBER;
        if (next == p) {
            if (strchr("Gg0#?", *p) && !day && !clock)
                return STYLE_NUMBER;
            clock |= strchr("hHsS", *p) != NULL;
            day |= strchr("dDyY", *p) != NULL || (strchr("mM", *p) && !clock);
            next = p + 1;
        }
        p = next;
    }
    return clock ? STYLE_TIME_OF_DATE : day ? STYLE_DATE : STYLE_NUMBER;
}

static unsigned char style_of(const struct xlsx *xlsx, int format) {
    for (size_t i = 0; i < xlsx->n_customs; i++)
        if (xlsx->customs[i].id == format)
            return xlsx->customs[i].style;
    if ((format >= 14 && format <= 17) || (format >= 27 && format <= 31) ||
        (format >= 50 && format <= 54) || format == 36 || format == 57 || format == 58)
        return STYLE_DATE;
    if ((format >= 18 && format <= 22) || (format >= 32 && format <= 35) || format == 45 ||
        format == 47 || format == 55 || format == 56)
        return STYLE_TIME_OF_DATE;
    return STYLE_NUMBER;
}

static void styles_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xlsx *xlsx = user;
    const char *const *all = (const char *const *)attributes;
    name = local_name(name);
    if (strcmp(name, "numFmt") == 0 && xlsx->n_customs < STYLES_MAX) {
        const char *id = attribute(all, "numFmtId"), *code = attribute(all, "formatCode");
        xlsx->customs = realloc(xlsx->customs, (xlsx->n_customs + 1) * sizeof *xlsx->customs);
        if (!xlsx->customs)
            abort();
        xlsx->customs[xlsx->n_customs++] = (struct custom){
            id ? (int)strtol(id, NULL, 10) : -1, code ? format_style(code) : STYLE_NUMBER};
    } else if (strcmp(name, "cellXfs") == 0) {
        xlsx->in_cell_formats = true;
    } else if (strcmp(name, "xf") == 0 && xlsx->in_cell_formats && xlsx->n_styles < STYLES_MAX) {
        const char *id = attribute(all, "numFmtId");
        xlsx->styles = realloc(xlsx->styles, xlsx->n_styles + 1);
        if (!xlsx->styles)
            abort();
        xlsx->styles[xlsx->n_styles++] = style_of(xlsx, id ? (int)strtol(id, NULL, 10) : 0);
    }
}

static void styles_end(void *user, const XML_Char *name) {
    struct xlsx *xlsx = user;
    if (strcmp(local_name(name), "cellXfs") == 0)
        xlsx->in_cell_formats = false;
}

/* ---- cells ---- */

/* "BC12" -> 54; SIZE_MAX if it is no place in a sheet. */
static size_t column_of(const char *reference) {
    size_t column = 0;
    const char *p = reference;
    for (; *p >= 'A' && *p <= 'Z' && column < COLUMN_END; p++)
        column = column * 26 + (size_t)(*p - 'A') + 1;
    return p == reference ? SIZE_MAX : column - 1;
}

static void row_room(struct xlsx *xlsx, size_t column) {
    struct table_row *row = xlsx->row;
    if (column >= xlsx->capacity) {
        size_t capacity = (column + 8) * 2;
        struct slice *cells = ARENA_ARRAY(xlsx->arena, struct slice, capacity);
        bool *dates = ARENA_ARRAY(xlsx->arena, bool, capacity);
        if (row->n) {
            memcpy(cells, row->cells, row->n * sizeof *cells);
            memcpy(dates, row->dates, row->n * sizeof *dates);
        }
        row->cells = cells;
        row->dates = dates;
        xlsx->capacity = capacity;
    }
    for (; row->n <= column; row->n++)
        row->cells[row->n] = (struct slice){"", 0};
}

/* A serial number of days as ISO 8601; in the calendar of 1900 the day 60 never was. */
static struct slice date_text(struct xlsx *xlsx, double serial, unsigned style) {
    char text[TIME_TEXT_BYTES];
    double days = serial - (xlsx->dates_1904 ? EPOCH_1904_DAYS : EPOCH_1900_DAYS);
    if (!xlsx->dates_1904 && serial < 60)
        days += 1;
    int64_t ms = (int64_t)llround(days * DAY_MS);
    time_format(ms, text);
    bool midnight = ms % DAY_MS == 0;
    if (!xlsx->dates_1904 && serial >= 0 && serial < 1 && style == STYLE_TIME_OF_DATE)
        return arena_copy(xlsx->arena, (struct slice){text + 11, 8});
    if (style == STYLE_DATE && midnight)
        return arena_copy(xlsx->arena, (struct slice){text, 10});
    return arena_copy(xlsx->arena, (struct slice){text, ms % 1000 ? 23 : 19});
}

static struct slice number_text(struct xlsx *xlsx, const char *text, bool *date) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !isfinite(number))
        return arena_copy(xlsx->arena, slice_of(text));
    unsigned style = xlsx->style < xlsx->n_styles ? xlsx->styles[xlsx->style] : STYLE_NUMBER;
    if (style != STYLE_NUMBER && number >= 0 && number < 2958466) { /* up to 9999-12-31 */
        *date = true;
        return date_text(xlsx, number, style);
    }
    struct buf buf;
    buf_init(&buf, 64);
    if (fabs(number) < 1e21 && number == floor(number))
        buf_add_format(&buf, "%.0f", number);
    else
        json_add_number(&buf, number);
    struct slice copy = arena_copy(xlsx->arena, buf_slice(&buf));
    buf_release(&buf);
    return copy;
}

static void end_cell(struct xlsx *xlsx) {
    struct slice text = buf_slice(&xlsx->value);
    if (!xlsx->in_row || !text.n || strcmp(xlsx->type, "e") == 0 ||
        xlsx->column >= TABLE_COLUMNS_MAX)
        return;
    bool date = false;
    struct slice cell;
    if (strcmp(xlsx->type, "s") == 0) {
        size_t index = strtoul(text.p, NULL, 10);
        if (index >= xlsx->n_shared)
            return;
        cell = arena_copy(xlsx->arena, xlsx->shared[index]);
    } else if (strcmp(xlsx->type, "b") == 0) {
        cell = slice_of(text.p[0] == '1' ? "true" : "false");
    } else if (strcmp(xlsx->type, "d") == 0) {
        cell = arena_copy(xlsx->arena, text);
        date = true;
    } else if (strcmp(xlsx->type, "str") == 0 || strcmp(xlsx->type, "inlineStr") == 0) {
        cell = arena_copy(xlsx->arena, text);
    } else {
        cell = number_text(xlsx, text.p, &date);
    }
    row_room(xlsx, xlsx->column);
    xlsx->row->cells[xlsx->column] = cell;
    xlsx->row->dates[xlsx->column] = date;
}

static void start_cell(struct xlsx *xlsx, const char *const *attributes) {
    const char *reference = attribute(attributes, "r"), *type = attribute(attributes, "t");
    const char *style = attribute(attributes, "s");
    size_t column = reference ? column_of(reference) : SIZE_MAX;
    xlsx->column = column == SIZE_MAX ? xlsx->column + 1 : column;
    snprintf(xlsx->type, sizeof xlsx->type, "%s", type ? type : "n");
    xlsx->style = style ? (unsigned)strtoul(style, NULL, 10) : 0;
    buf_clear(&xlsx->value);
}

static void sheet_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xlsx *xlsx = user;
    const char *const *all = (const char *const *)attributes;
    name = local_name(name);
    if (strcmp(name, "row") == 0) {
        const char *number = attribute(all, "r");
        xlsx->number = number ? strtoull(number, NULL, 10) : xlsx->number + 1;
        xlsx->column = SIZE_MAX;
        xlsx->capacity = 0;
        xlsx->in_row = true;
        *xlsx->row = (struct table_row){.number = xlsx->number};
    } else if (strcmp(name, "c") == 0) {
        start_cell(xlsx, all);
    } else if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0) {
        xlsx->in_value = !xlsx->in_phonetic;
    } else if (strcmp(name, "rPh") == 0) {
        xlsx->in_phonetic = true;
    }
}

static void sheet_end(void *user, const XML_Char *name) {
    struct xlsx *xlsx = user;
    name = local_name(name);
    if (strcmp(name, "v") == 0 || strcmp(name, "t") == 0) {
        xlsx->in_value = false;
    } else if (strcmp(name, "rPh") == 0) {
        xlsx->in_phonetic = false;
    } else if (strcmp(name, "c") == 0) {
        end_cell(xlsx);
    } else if (strcmp(name, "row") == 0 && xlsx->in_row) {
        xlsx->in_row = false; /* what stands between rows belongs to none */
        xlsx->row_ready = xlsx->row->n > 0;
        if (xlsx->row_ready)
            XML_StopParser(xlsx->parser, XML_TRUE);
    }
}

/* ---- rows ---- */

/* Cells with tabs between them. */
static struct slice join_cells(struct arena *arena, const struct table_row *row) {
    size_t n = row->n;
    for (size_t i = 0; i < row->n; i++)
        n += row->cells[i].n;
    char *text = arena_get(arena, n + 1), *to = text;
    for (size_t i = 0; i < row->n; i++) {
        if (i)
            *to++ = '\t';
        if (row->cells[i].n)
            memcpy(to, row->cells[i].p, row->cells[i].n);
        to += row->cells[i].n;
    }
    return (struct slice){text, (size_t)(to - text)};
}

static int parse_more(struct xlsx *xlsx, struct err *err) {
    enum XML_Status status;
    if (xlsx->suspended) {
        status = XML_ResumeParser(xlsx->parser);
    } else {
        void *chunk = XML_GetBuffer(xlsx->parser, CHUNK_BYTES);
        zip_int64_t n = chunk ? zip_fread(xlsx->part, chunk, CHUNK_BYTES) : -1;
        if (n < 0)
            return err_set(err, E_MALFORMED, "the spreadsheet is damaged");
        xlsx->position += (uint64_t)n;
        xlsx->ended = n == 0;
        status = XML_ParseBuffer(xlsx->parser, (int)n, n == 0);
    }
    xlsx->suspended = status == XML_STATUS_SUSPENDED;
    if (status == XML_STATUS_ERROR)
        return err_set(err, E_MALFORMED, "the spreadsheet is damaged in row %llu",
                       (unsigned long long)xlsx->number);
    return 0;
}

static int xlsx_next(struct table *table, struct arena *arena, struct table_row *row,
                     struct err *err) {
    struct xlsx *xlsx = (struct xlsx *)table;
    xlsx->arena = arena;
    xlsx->row = row;
    xlsx->row_ready = false;
    while (!xlsx->row_ready) {
        if (xlsx->ended && !xlsx->suspended)
            return 0;
        int code = parse_more(xlsx, err);
        if (code)
            return code;
    }
    row->raw = join_cells(arena, row);
    return 1;
}

static void xlsx_close(struct table *table) {
    struct xlsx *xlsx = (struct xlsx *)table;
    if (xlsx->parser)
        XML_ParserFree(xlsx->parser);
    if (xlsx->part)
        zip_fclose(xlsx->part);
    if (xlsx->zip)
        zip_discard(xlsx->zip);
    free(xlsx->shared);
    free(xlsx->styles);
    free(xlsx->customs);
    buf_release(&xlsx->value);
    arena_release(&xlsx->texts);
    free(xlsx);
}

static char xlsx_delimiter(const struct table *table) {
    (void)table;
    return 0;
}

static const char *const *xlsx_sheets(const struct table *table) {
    return ((const struct xlsx *)table)->names;
}

static void xlsx_progress(const struct table *table, uint64_t *position, uint64_t *size) {
    const struct xlsx *xlsx = (const struct xlsx *)table;
    *position = xlsx->position;
    *size = xlsx->size;
}

static int choose_sheet(struct xlsx *xlsx, const char *name, struct err *err) {
    struct sheet *sheet = NULL;
    for (size_t i = 0; i < xlsx->n_sheets && !sheet; i++)
        if (!name || strcmp(xlsx->sheets[i].name, name) == 0)
            sheet = &xlsx->sheets[i];
    if (!xlsx->n_sheets)
        return err_set(err, E_MALFORMED, "the spreadsheet has no sheet");
    if (!sheet) {
        err_at(err, E_NOT_FOUND, "/sheet", "the spreadsheet has no sheet \"%s\"", name);
        return err_hint(err, "Its first sheet is \"%s\".", xlsx->names[0]);
    }
    xlsx->part = sheet->part ? zip_fopen(xlsx->zip, sheet->part, 0) : NULL;
    if (!xlsx->part)
        return err_set(err, E_MALFORMED, "the spreadsheet is damaged");
    zip_stat_t stat;
    if (zip_stat(xlsx->zip, sheet->part, 0, &stat) == 0 && stat.valid & ZIP_STAT_SIZE)
        xlsx->size = stat.size;
    xlsx->parser = make_parser(xlsx, sheet_start, sheet_end, value_text);
    return 0;
}

static int open_zip(struct xlsx *xlsx, const char *path, struct slice bytes, struct err *err) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = path ? zip_source_file_create(path, 0, -1, &error)
                                : zip_source_buffer_create(bytes.p, bytes.n, 0, &error);
    xlsx->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!xlsx->zip && source)
        zip_source_free(source);
    zip_error_fini(&error);
    return xlsx->zip ? 0 : err_set(err, E_MALFORMED, "this is not a spreadsheet (.xlsx)");
}

int table_open_xlsx(struct table **table, const char *path, struct slice bytes, const char *sheet,
                    struct err *err) {
    static const struct table_class class = {xlsx_next, xlsx_close, xlsx_delimiter, xlsx_sheets,
                                             xlsx_progress};
    struct xlsx *xlsx = calloc(1, sizeof *xlsx);
    if (!xlsx)
        abort();
    xlsx->table.class = &class;
    arena_init(&xlsx->texts);
    buf_init(&xlsx->value, 1 << 20);
    int code = open_zip(xlsx, path, bytes, err);
    if (!code)
        code = read_part(xlsx, "xl/workbook.xml", true, workbook_start, NULL, NULL, err);
    if (!code)
        code =
            read_part(xlsx, "xl/_rels/workbook.xml.rels", true, relations_start, NULL, NULL, err);
    if (!code)
        code = read_part(xlsx, "xl/styles.xml", false, styles_start, styles_end, NULL, err);
    if (!code)
        code = read_part(xlsx, "xl/sharedStrings.xml", false, shared_start, shared_end, value_text,
                         err);
    if (!code)
        code = choose_sheet(xlsx, sheet, err);
    if (code) {
        xlsx_close(&xlsx->table);
        return code;
    }
    *table = &xlsx->table;
    return 0;
}
