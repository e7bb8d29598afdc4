/*
 * Cells as values.
 *
 * A whole number with leading zeros ("08001", a postcode) or beyond 53 bits (a card number) stays text: as a number it
 * would lose what it says. Signs between groups of three digits are read: points with a decimal comma ("1.234,50"), commas
 * with a decimal point ("1,234.50"). A sign of a currency before or behind is left out ("59,90 €").
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <strings.h>

#include "base/utf8.h"
#include "collect/import_map.h"

enum { INTEGER_DIGITS = 16, NUMBER_BYTES = 48 };
#define SAFE_INTEGER UINT64_C(9007199254740992)

/* A number as it is written, brought into the form of C. */
struct written {
    char text[NUMBER_BYTES];
    size_t n;
    bool negative, has_point;
    int whole_digits, digits;
    uint64_t magnitude; /* of at most INTEGER_DIGITS digits */
};

static bool add(struct written *written, char c) {
    if (written->n + 1 >= sizeof written->text)
        return false;
    written->text[written->n++] = c;
    return true;
}

/* Digits of the whole part, with the other sign between groups of three. */
static bool take_whole(const char **at, const char *end, char decimal, struct written *written) {
    const char *p = *at, between = decimal == ',' ? '.' : ',';
    int group = -1; /* digits since the last separator; -1: none yet */
    for (; p < end; p++) {
        if (*p >= '0' && *p <= '9') {
            if (!add(written, *p))
                return false;
            written->whole_digits++;
            if (written->whole_digits <= INTEGER_DIGITS)
                written->magnitude = written->magnitude * 10 + (uint64_t)(*p - '0');
            group += group >= 0;
        } else if (*p == between && written->whole_digits > 0) {
            if (group >= 0 ? group != 3 : written->whole_digits > 3)
                return false;
            group = 0;
        } else {
            break;
        }
    }
    *at = p;
    return written->whole_digits > 0 && (group < 0 || group == 3);
}

static bool read_number(struct slice cell, char decimal, struct written *written) {
    const char *p = cell.p, *end = cell.p + cell.n;
    *written = (struct written){0};
    if (p < end && *p == '-') {
        written->negative = true;
        (void)add(written, *p++);
    }
    if (p == end || !((*p >= '0' && *p <= '9')) || !take_whole(&p, end, decimal, written))
        return false;
    written->digits = written->whole_digits;
    if (p < end && *p == decimal) {
        written->has_point = true;
        if (!add(written, '.') || ++p == end)
            return false;
        for (; p < end && *p >= '0' && *p <= '9'; p++, written->digits++)
            if (!add(written, *p))
                return false;
    }
    written->text[written->n] = 0;
    return p == end;
}

/* Without the sign of a currency, and the blanks between. */
static struct slice without_currency(struct slice cell) {
    static const char *const signs[] = {"€", "$", "£", "US$", "EUR", "USD", "MXN"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (cell.n <= n)
            continue;
        if (memcmp(cell.p, signs[i], n) == 0)
            return utf8_trim((struct slice){cell.p + n, cell.n - n});
        if (memcmp(cell.p + cell.n - n, signs[i], n) == 0)
            return utf8_trim((struct slice){cell.p, cell.n - n});
    }
    return cell;
}

static bool leading_zero(const struct written *written) {
    return written->whole_digits > 1 && written->text[written->negative] == '0';
}

static bool take_number(struct slice cell, char decimal, bool strict, struct value *value) {
    struct written written;
    if (!read_number(cell, decimal, &written) &&
        !read_number(without_currency(cell), decimal, &written))
        return false;
    if (!strict && leading_zero(&written))
        return false;
    if (!written.has_point && written.whole_digits <= INTEGER_DIGITS &&
        written.magnitude <= SAFE_INTEGER) {
        value->type = VALUE_INT;
        value->integer =
            written.negative ? -(int64_t)written.magnitude : (int64_t)written.magnitude;
        return true;
    }
    if (!written.has_point && !strict)
        return false;
    value->type = VALUE_NUMBER;
    value->number = strtod(written.text, NULL);
    return true;
}

static bool is_word(struct slice cell, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (cell.n == strlen(words[i]) && strncasecmp(cell.p, words[i], cell.n) == 0)
            return true;
    return false;
}

static bool take_boolean(struct slice cell, struct value *value) {
    static const char *const yes[] = {"true", "yes", "y", "1", "si", "sí", "s", "verdadero"};
    static const char *const no[] = {"false", "no", "n", "0", "falso"};
    bool truth = is_word(cell, yes, sizeof yes / sizeof *yes);
    value->type = truth ? VALUE_TRUE : VALUE_FALSE;
    return truth || is_word(cell, no, sizeof no / sizeof *no);
}

bool import_cell_value(struct slice cell, enum cell_type type, char decimal, struct value *value) {
    struct slice bare = utf8_trim(cell);
    value->type = VALUE_ABSENT;
    if (!bare.n)
        return true;
    if (type == CELL_BOOLEAN)
        return take_boolean(bare, value);
    if (type != CELL_STRING &&
        take_number(bare, decimal ? decimal : '.', type == CELL_NUMBER, value))
        return true;
    value->type = VALUE_TEXT;
    value->text = cell;
    return type != CELL_NUMBER;
}

/* ---- headers and clocks ---- */

int import_header_row(const json_t *json, bool *bare, uint64_t *row, struct err *err) {
    json_int_t number = json_integer_value(json);
    *bare = json_is_false(json);
    *row = (uint64_t)number;
    return json_is_boolean(json) || (number >= 1 && number <= HEADER_ROW_MAX)
               ? 0
               : err_at(err, E_INVALID, "/header",
                        "header must be true, false or the number of a row up to %d",
                        HEADER_ROW_MAX);
}

void import_bare_header(size_t n, struct arena *arena, struct table_row *header) {
    *header = (struct table_row){.n = n, .cells = ARENA_ARRAY(arena, struct slice, n + 1)};
    for (size_t i = 0; i < n; i++) {
        char *name = arena_get(arena, 4), *p = name + 3;
        for (size_t k = i + 1; k; k = (k - 1) / 26)
            *--p = (char)('A' + (k - 1) % 26);
        header->cells[i] = (struct slice){p, (size_t)(name + 3 - p)};
    }
}

struct slice import_join_clock(struct slice date, bool is_date, struct slice clock, bool is_clock,
                               struct arena *arena) {
    const char *at = is_date ? memchr(date.p, 'T', date.n) : NULL;
    if (at)
        date.n = (size_t)(at - date.p);
    at = is_clock ? memchr(clock.p, 'T', clock.n) : NULL;
    if (at)
        clock = (struct slice){at + 1, clock.n - (size_t)(at + 1 - clock.p)};
    if (!clock.n)
        return date;
    return slice_of(arena_format(arena, "%.*s %.*s", SLICE_ARGS(date), SLICE_ARGS(clock)));
}

bool import_has_control(struct slice text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return true;
    return false;
}

const char *import_date_format(const char *format, struct arena *arena) {
    const char *blank = strchr(format, ' ');
    return blank ? arena_text(arena, (struct slice){format, (size_t)(blank - format)}) : format;
}

int import_char(const json_t *json, const char *pointer, char *c, struct err *err) {
    const char *text = json_string_value(json);
    if (text && (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0))
        text = "\t";
    if (!text || !text[0] || text[1] || text[0] == '"' || text[0] == '\n' || text[0] == '\r')
        return err_at(err, E_INVALID, pointer, "%s must be one character", pointer + 1);
    *c = text[0];
    return 0;
}
