/*
 * The scanner. See event_scan.h.
 *
 * SOURCE of the double fast path: W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990: a
 * product or quotient of two exact doubles (mantissa < 2^53, 10^22 at most) is rounded once, hence right.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/event_scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"

#define SAFE_INTEGER INT64_C(9007199254740992) /* 2^53 */
enum { EXACT_POWER = 22, MANTISSA_DIGITS = 18, NUMBER_BYTES = 400 };

enum refusal scan_refuse(struct scan *scan, enum refusal refusal, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(scan->message, EVENT_MESSAGE_BYTES, format, args);
    va_end(args);
    return refusal;
}

enum refusal scan_malformed(struct scan *scan) {
    return scan_refuse(scan, REFUSAL_MALFORMED, "not valid JSON");
}

static inline const char *plain_run(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
                  last = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes);
        __m128i stop = _mm_or_si128(
            control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
        int mask = _mm_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#endif
    while (p < end && (unsigned char)*p > 0x1f && *p != '"' && *p != '\\')
        p++;
    return p;
}

const char *scan_plain(const char *p, const char *end) { return plain_run(p, end); }

static int hex4(const char *p, const char *end) {
    int code = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* Behind \u: writes the character. */
static enum refusal take_unicode(struct scan *scan, char **to) {
    int code = hex4(scan->p, scan->end);
    if (code < 0)
        return scan_malformed(scan);
    scan->p += 4;
    if (code == 0)
        return scan_refuse(scan, REFUSAL_CONTROL_CHARACTER, "the character U+0000");
    uint32_t whole = (uint32_t)code;
    if (code >= 0xd800 && code <= 0xdfff) {
        int low = scan->end - scan->p >= 6 && scan->p[0] == '\\' && scan->p[1] == 'u'
                      ? hex4(scan->p + 2, scan->end)
                      : -1;
        if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
            whole = 0x10000 + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
            scan->p += 6;
        } else {
            whole = 0xfffd;
            scan->repaired = true;
        }
    }
    *to += utf8_put(*to, whole);
    return REFUSAL_NONE;
}

/* Behind a backslash. */
static enum refusal take_escape(struct scan *scan, char **to) {
    static const char plain[128] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    if (scan->p == scan->end)
        return scan_malformed(scan);
    unsigned char c = (unsigned char)*scan->p++;
    if (c == 'u')
        return take_unicode(scan, to);
    if (c >= 128 || !plain[c])
        return scan_malformed(scan);
    *(*to)++ = plain[c];
    return REFUSAL_NONE;
}

/* from: behind the opening quote; scan->p at the first backslash. An unescaped text is never longer. */
static enum refusal unescape(struct scan *scan, const char *from, struct slice *text) {
    const char *close = scan->p;
    while (close < scan->end && *close != '"') {
        close += *close == '\\' ? 2 : 1;
        close = close < scan->end ? scan_plain(close, scan->end) : scan->end;
    }
    char *start = arena_get(scan->arena, (size_t)(close - from) + 8), *to = start;
    for (;;) {
        const char *stop = scan_plain(from, scan->end);
        memcpy(to, from, (size_t)(stop - from));
        to += stop - from;
        scan->p = stop + 1;
        if (stop == scan->end || (unsigned char)*stop < 0x20)
            return scan_malformed(scan);
        if (*stop == '"')
            break;
        enum refusal refusal = take_escape(scan, &to);
        if (refusal)
            return refusal;
        from = scan->p;
    }
    *text = (struct slice){start, (size_t)(to - start)};
    return REFUSAL_NONE;
}

static inline enum refusal take_text(struct scan *scan, struct slice *text) {
    const char *from = scan->p + 1, *stop = plain_run(from, scan->end);
    scan->p = stop;
    if (stop == scan->end || (unsigned char)*stop < 0x20)
        return scan_malformed(scan);
    if (*stop == '\\')
        return unescape(scan, from, text);
    *text = (struct slice){from, (size_t)(stop - from)};
    scan->p = stop + 1;
    return REFUSAL_NONE;
}

enum refusal scan_text(struct scan *scan, struct slice *text) { return take_text(scan, text); }

struct number {
    uint64_t mantissa;
    int digits;   /* significant digits seen */
    int exponent; /* value = mantissa * 10^exponent, while digits <= MANTISSA_DIGITS */
    bool negative, whole;
};

static bool is_digit(const struct scan *scan) {
    return scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9';
}

static bool take_digits(struct scan *scan, struct number *number) {
    const char *from = scan->p;
    for (; is_digit(scan); scan->p++) {
        if (number->digits < MANTISSA_DIGITS)
            number->mantissa = number->mantissa * 10 + (uint64_t)(*scan->p - '0');
        number->digits += number->digits || *scan->p != '0';
    }
    return scan->p > from;
}

static bool take_exponent(struct scan *scan, struct number *number) {
    int exponent = 0;
    bool negative = false;
    scan->p++;
    if (scan->p < scan->end && (*scan->p == '-' || *scan->p == '+'))
        negative = *scan->p++ == '-';
    if (!is_digit(scan))
        return false;
    for (; is_digit(scan); scan->p++)
        if (exponent < 100000)
            exponent = exponent * 10 + (*scan->p - '0');
    number->exponent += negative ? -exponent : exponent;
    return true;
}

static bool take_number(struct scan *scan, struct number *number) {
    number->whole = true;
    if (*scan->p == '-') {
        number->negative = true;
        scan->p++;
    }
    const char *first = scan->p;
    if (!take_digits(scan, number) || (*first == '0' && scan->p > first + 1))
        return false;
    if (scan->p < scan->end && *scan->p == '.') {
        const char *point = ++scan->p;
        number->whole = false;
        if (!take_digits(scan, number))
            return false;
        number->exponent = -(int)(scan->p - point);
    }
    if (scan->p < scan->end && (*scan->p == 'e' || *scan->p == 'E')) {
        number->whole = false;
        return take_exponent(scan, number);
    }
    return true;
}

/* The slow way, for many digits or great exponents. */
static double read_double(const char *from, size_t n) {
    char text[NUMBER_BYTES], *copy = n < sizeof text ? text : malloc(n + 1);
    if (!copy)
        abort();
    memcpy(copy, from, n);
    copy[n] = 0;
    double number = strtod(copy, NULL);
    if (copy != text)
        free(copy);
    return number;
}

static double to_double(const struct number *number, const char *from, size_t n) {
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->digits > MANTISSA_DIGITS || number->mantissa > (uint64_t)SAFE_INTEGER ||
        abs(number->exponent) > EXACT_POWER)
        return read_double(from, n);
    double value = (double)number->mantissa;
    value =
        number->exponent < 0 ? value / powers[-number->exponent] : value * powers[number->exponent];
    return number->negative ? -value : value;
}

/* At - or a digit. */
static enum refusal scan_number(struct scan *scan, struct value *value) {
    struct number number = {0};
    const char *from = scan->p;
    if (!take_number(scan, &number))
        return scan_malformed(scan);
    if (number.whole && number.digits <= MANTISSA_DIGITS &&
        number.mantissa <= (uint64_t)SAFE_INTEGER) {
        value->type = VALUE_INT;
        value->integer = number.negative ? -(int64_t)number.mantissa : (int64_t)number.mantissa;
        return REFUSAL_NONE;
    }
    value->type = VALUE_NUMBER;
    value->number = to_double(&number, from, (size_t)(scan->p - from));
    if (isinf(value->number))
        return scan_refuse(scan, REFUSAL_NUMBER_OUT_OF_RANGE, "number out of range: %.*s",
                           (int)(scan->p - from < 60 ? scan->p - from : 60), from);
    return REFUSAL_NONE;
}

static enum refusal take_word(struct scan *scan, const char *word, size_t n) {
    if ((size_t)(scan->end - scan->p) < n || memcmp(scan->p, word, n) != 0)
        return scan_malformed(scan);
    scan->p += n;
    return REFUSAL_NONE;
}

enum refusal scan_open(struct scan *scan, struct scan_object *object) {
    object->n = 0;
    object->seen = 0;
    object->capacity = 0;
    object->more = NULL;
    scan->p++;
    if (++scan->depth > LIMIT_JSON_DEPTH)
        return scan_refuse(scan, REFUSAL_TOO_DEEP, "nested deeper than %d", LIMIT_JSON_DEPTH);
    return REFUSAL_NONE;
}

/* The first eight bytes of a name and its length as one word. wide: eight bytes may be read from any name. */
static inline uint64_t name_word(struct slice name, bool wide) {
    uint64_t word = 0;
    if (wide || name.n >= 8)
        memcpy(&word, name.p, 8);
    else
        for (size_t i = 0; i < name.n; i++)
            word |= (uint64_t)(unsigned char)name.p[i] << (8 * i);
    if (name.n < 8)
        word &= (UINT64_C(1) << (8 * name.n)) - 1;
    return word ^ (uint64_t)name.n << 56;
}

static struct slice *find_more(struct slice *more, size_t capacity, struct slice name) {
    size_t i = hash_bytes(name.p, name.n) & (capacity - 1);
    while (more[i].p && !slice_equal(more[i], name))
        i = (i + 1) & (capacity - 1);
    return &more[i];
}

/* Beyond SCAN_NAMES: all names in a hash table. False if the name is there. */
static bool add_more(struct scan *scan, struct scan_object *object, struct slice name) {
    if (2 * (object->n + 1) > object->capacity) {
        struct slice *old = object->more;
        size_t old_capacity = object->capacity;
        object->capacity = old_capacity ? old_capacity * 2 : 4 * SCAN_NAMES + 32; /* 128 */
        object->more = ARENA_ARRAY(scan->arena, struct slice, object->capacity);
        for (size_t i = 0; i < (old ? old_capacity : object->n); i++) {
            struct slice there = old ? old[i] : object->names[i];
            if (there.p)
                *find_more(object->more, object->capacity, there) = there;
        }
    }
    struct slice *slot = find_more(object->more, object->capacity, name);
    bool fresh = !slot->p;
    *slot = name;
    object->n++;
    return fresh;
}

/* False if the name is there. The scanner stands behind it: with eight bytes more to come, eight may be read from a view
 * that began before; unescaped names have that room in the arena. */
static inline bool add_name(struct scan *scan, struct scan_object *object, struct slice name) {
    if (object->n >= SCAN_NAMES)
        return add_more(scan, object, name);
    uint64_t word = name_word(name, scan->end - scan->p >= 8);
    uint64_t bit = UINT64_C(1) << (word * UINT64_C(0x9e3779b97f4a7c15) >> 58);
    if (object->seen & bit)
        for (size_t i = 0; i < object->n; i++)
            if (object->words[i] == word && slice_equal(object->names[i], name))
                return false;
    object->seen |= bit;
    object->words[object->n] = word;
    object->names[object->n++] = name;
    return true;
}

static bool refuse_twice(struct scan *scan, struct slice name, enum refusal *refusal) {
    *refusal = scan_refuse(scan, REFUSAL_DUPLICATE_KEY, "the member \"%.*s\" twice",
                           SLICE_ARGS(utf8_cut(name, 80)));
    return false;
}

/* Any blanks, escapes, mistakes. */
static bool take_member(struct scan *scan, struct scan_object *object, struct slice *name,
                        enum refusal *refusal) {
    char c = scan_peek(scan);
    if (c == '}') {
        scan->p++;
        scan->depth--;
        *refusal = REFUSAL_NONE;
        return false;
    }
    if (object->n) {
        if (c != ',') {
            *refusal = scan_malformed(scan);
            return false;
        }
        scan->p++;
        c = scan_peek(scan);
    }
    if (c != '"') {
        *refusal = scan_malformed(scan);
        return false;
    }
    *refusal = take_text(scan, name);
    if (*refusal)
        return false;
    if (!add_name(scan, object, *name))
        return refuse_twice(scan, *name, refusal);
    if (scan_peek(scan) != ':') {
        *refusal = scan_malformed(scan);
        return false;
    }
    scan->p++;
    if (!scan_peek(scan)) {
        *refusal = scan_malformed(scan);
        return false;
    }
    return true;
}

/* The common case without blanks and escapes, `,"name":`; whatever else begins again in take_member. */
bool scan_member(struct scan *scan, struct scan_object *object, struct slice *name,
                 enum refusal *refusal) {
    const char *p = scan->p, *end = scan->end;
    if (end - p < 24)
        return take_member(scan, object, name, refusal);
    if (object->n && *p++ != ',')
        return take_member(scan, object, name, refusal);
    if (*p++ != '"')
        return take_member(scan, object, name, refusal);
    const char *stop = plain_run(p, end);
    if (end - stop < 10 || stop[0] != '"' || stop[1] != ':' || (unsigned char)stop[2] <= ' ')
        return take_member(scan, object, name, refusal);
    *name = (struct slice){p, (size_t)(stop - p)};
    scan->p = stop + 2;
    *refusal = REFUSAL_NONE;
    return add_name(scan, object, *name) || refuse_twice(scan, *name, refusal);
}

static enum refusal skip_object(struct scan *scan) {
    struct scan_object object;
    struct slice name;
    enum refusal refusal = scan_open(scan, &object);
    if (refusal)
        return refusal;
    while (scan_member(scan, &object, &name, &refusal))
        if ((refusal = scan_skip(scan)))
            break;
    return refusal;
}

static enum refusal skip_array(struct scan *scan) {
    scan->p++;
    if (++scan->depth > LIMIT_JSON_DEPTH)
        return scan_refuse(scan, REFUSAL_TOO_DEEP, "nested deeper than %d", LIMIT_JSON_DEPTH);
    if (scan_peek(scan) == ']') {
        scan->p++;
        scan->depth--;
        return REFUSAL_NONE;
    }
    for (;;) {
        enum refusal refusal = scan_skip(scan);
        if (refusal)
            return refusal;
        char c = scan_peek(scan);
        scan->p++;
        if (c == ']') {
            scan->depth--;
            return REFUSAL_NONE;
        }
        if (c != ',')
            return scan_malformed(scan);
    }
}

enum refusal scan_skip(struct scan *scan) {
    struct value value;
    struct slice text;
    char c = scan_peek(scan);
    switch (c) {
    case '"': return scan_text(scan, &text);
    case '{': return skip_object(scan);
    case '[': return skip_array(scan);
    case 't': return take_word(scan, "true", 4);
    case 'f': return take_word(scan, "false", 5);
    case 'n': return take_word(scan, "null", 4);
    default:
        return c == '-' || (c >= '0' && c <= '9') ? scan_number(scan, &value)
                                                  : scan_malformed(scan);
    }
}

/* At \u of checked JSON: one escape or a pair of surrogates; a lone one becomes \ufffd, which is as long. */
static const char *copy_unicode(const char *from, const char *end, char **to) {
    int code = hex4(from + 2, end);
    int low = from[6] == '\\' && from[7] == 'u' ? hex4(from + 8, end) : -1;
    bool pair = code >= 0xd800 && code <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
    bool lone = !pair && code >= 0xd800 && code <= 0xdfff;
    size_t n = pair ? 12 : 6;
    memcpy(*to, lone ? "\\ufffd" : from, n);
    *to += n;
    return from + n;
}

/* At the opening quote of a string of checked JSON. */
static const char *copy_string(const char *from, const char *end, char **to) {
    do {
        if (from[0] == '\\' && from[1] == 'u') {
            from = copy_unicode(from, end, to);
            continue;
        }
        if (*from == '\\')
            *(*to)++ = *from++;
        *(*to)++ = *from++;
    } while (*from != '"');
    *(*to)++ = *from++;
    return from;
}

/* Copies checked JSON without blanks. */
static struct slice minify(struct scan *scan, const char *from, const char *end) {
    char *start = arena_get(scan->arena, (size_t)(end - from)), *to = start;
    while (from < end)
        if (*from == '"')
            from = copy_string(from, end, &to);
        else if (scan_is_blank(*from))
            from++;
        else
            *to++ = *from++;
    return (struct slice){start, (size_t)(to - start)};
}

static enum refusal take_nested(struct scan *scan, struct value *value) {
    bool blanks = scan->blanks, repaired = scan->repaired;
    scan->blanks = scan->repaired = false;
    const char *from = scan->p;
    enum refusal refusal = *from == '{' ? skip_object(scan) : skip_array(scan);
    if (refusal)
        return refusal;
    value->type = VALUE_JSON;
    value->text = scan->blanks || scan->repaired ? minify(scan, from, scan->p)
                                                 : (struct slice){from, (size_t)(scan->p - from)};
    scan->blanks |= blanks;
    scan->repaired |= repaired;
    return REFUSAL_NONE;
}

enum refusal scan_value(struct scan *scan, struct value *value) {
    char c = scan_peek(scan);
    switch (c) {
    case '"': value->type = VALUE_TEXT; return scan_text(scan, &value->text);
    case '{':
    case '[': return take_nested(scan, value);
    case 't': value->type = VALUE_TRUE; return take_word(scan, "true", 4);
    case 'f': value->type = VALUE_FALSE; return take_word(scan, "false", 5);
    case 'n': value->type = VALUE_NULL; return take_word(scan, "null", 4);
    default:
        return c == '-' || (c >= '0' && c <= '9') ? scan_number(scan, value) : scan_malformed(scan);
    }
}
