/*
 * Walks a format's conversions: see phrase.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/phrase.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { AS_ARGUMENT = -2, NO_PRECISION = -1, NUMBER_BYTES = 48 };
enum length { PLAIN, LONG, LONG_LONG, SIZE };

struct conversion {
    const char *end; /* behind it */
    int precision;
    enum length length;
    char type;
};

/* The conversion at a '%'; false: none that is known, which a programmer wrote. */
static bool read_conversion(const char *at, struct conversion *conversion) {
    *conversion = (struct conversion){.precision = NO_PRECISION};
    at++;
    if (*at == '.') {
        at++;
        if (*at == '*') {
            conversion->precision = AS_ARGUMENT;
            at++;
        } else {
            for (conversion->precision = 0; *at >= '0' && *at <= '9'; at++)
                conversion->precision = conversion->precision * 10 + (*at - '0');
        }
    }
    if (*at == 'z') {
        conversion->length = SIZE;
        at++;
    }
    for (; *at == 'l'; at++)
        conversion->length = conversion->length == LONG ? LONG_LONG : LONG;
    conversion->type = *at;
    conversion->end = at + (*at != 0);
    return *at && strchr("sdiugc%", *at);
}

/* NOLINTBEGIN(clang-analyzer-valist.Uninitialized, bugprone-branch-clone): the list is the caller's */
static long long take_signed(va_list *args, enum length length) {
    switch (length) {
    case LONG: return va_arg(*args, long);
    case LONG_LONG: return va_arg(*args, long long);
    case SIZE: return (long long)va_arg(*args, size_t);
    default: return va_arg(*args, int);
    }
}

static unsigned long long take_unsigned(va_list *args, enum length length) {
    switch (length) {
    case LONG: return va_arg(*args, unsigned long);
    case LONG_LONG: return va_arg(*args, unsigned long long);
    case SIZE: return va_arg(*args, size_t);
    default: return va_arg(*args, unsigned);
    }
}

/* n without the beginning of a character at the end. What stands behind is not looked at: a text with a precision need
 * not go on. */
static size_t whole_characters(const char *text, size_t n) {
    size_t back = 0;
    while (back < n && back < 4 && ((unsigned char)text[n - 1 - back] & 0xc0) == 0x80)
        back++;
    if (back == n)
        return n;
    unsigned char lead = (unsigned char)text[n - 1 - back];
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return length > back + 1 ? n - 1 - back : n;
}

static struct slice take_text(va_list *args, int precision) {
    const char *text = va_arg(*args, const char *);
    if (!text)
        return (struct slice){"", 0};
    if (precision < 0)
        return (struct slice){text, strlen(text)};
    return (struct slice){text, whole_characters(text, strnlen(text, (size_t)precision))};
}

/* The value as text; `number` holds it unless it is a text already. */
static struct slice take_value(va_list *args, const struct conversion *conversion,
                               char number[NUMBER_BYTES]) {
    int precision = conversion->precision, n;
    if (precision == AS_ARGUMENT)
        precision = va_arg(*args, int);
    switch (conversion->type) {
    case 's': return take_text(args, precision);
    case 'u':
        n = snprintf(number, NUMBER_BYTES, "%llu", take_unsigned(args, conversion->length));
        break;
    case 'g':
        n = snprintf(number, NUMBER_BYTES, "%.*g", precision < 0 || precision > 17 ? 6 : precision,
                     va_arg(*args, double));
        break;
    case 'c': n = snprintf(number, NUMBER_BYTES, "%c", va_arg(*args, int)); break;
    default:
        n = snprintf(number, NUMBER_BYTES, "%lld", take_signed(args, conversion->length));
        break;
    }
    return (struct slice){number, n < 0 ? 0 : (size_t)n};
}

/* NOLINTEND(clang-analyzer-valist.Uninitialized, bugprone-branch-clone) */

struct printing {
    char *text;
    size_t n, room;
};

static void put(struct printing *printing, struct slice piece) {
    size_t left = printing->room - printing->n;
    if (piece.n > left) {
        piece = utf8_cut(piece, left);
        printing->room = printing->n + piece.n; /* nothing follows what was cut */
    }
    if (piece.n)
        memcpy(printing->text + printing->n, piece.p, piece.n);
    printing->n += piece.n;
}

void phrase_print(struct phrase *phrase, char *text, size_t size, const char *format,
                  va_list args) {
    struct printing printing = {text, 0, size - 1};
    va_list rest;
    *phrase = (struct phrase){.format = format};
    va_copy(rest, args);
    while (*format) {
        size_t plain = strcspn(format, "%");
        struct conversion conversion;
        put(&printing, (struct slice){format, plain});
        format += plain;
        if (!*format)
            break;
        bool known = read_conversion(format, &conversion);
        assert(known);
        format = conversion.end;
        if (!known)
            break;
        if (conversion.type == '%') {
            put(&printing, (struct slice){"%", 1});
            continue;
        }
        char number[NUMBER_BYTES];
        size_t at = printing.n;
        put(&printing, take_value(&rest, &conversion, number));
        if (phrase->n == PHRASE_VALUES)
            continue;
        phrase->values[phrase->n].at = (uint16_t)at;
        phrase->values[phrase->n++].n = (uint16_t)(printing.n - at);
    }
    va_end(rest);
    text[printing.n] = 0;
}

bool phrase_key(const char *format, char *key, size_t size) {
    size_t n = 0;
    while (*format) {
        const char *piece = format;
        size_t piece_n = strcspn(format, "%");
        format += piece_n;
        if (!piece_n) {
            struct conversion conversion;
            if (!read_conversion(format, &conversion))
                return false;
            piece = conversion.type == '%' ? "%%" : "%s";
            piece_n = 2;
            format = conversion.end;
        }
        if (n + piece_n >= size)
            return false;
        memcpy(key + n, piece, piece_n);
        n += piece_n;
    }
    key[n] = 0;
    return true;
}
