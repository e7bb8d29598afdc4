/*
 * Looking for several texts at once: see needles.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/needles.h"

#include <stdlib.h>

enum { FORM_BYTES = 64 * 1024 };

static inline unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static inline bool is_word(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static inline unsigned pair_of(const char *p) { return (unsigned)lower(p[0]) << 8 | lower(p[1]); }

void needles_init(struct needles *needles) {
    memset(needles, 0, sizeof *needles);
    arena_init(&needles->arena);
}

void needles_release(struct needles *needles) {
    arena_release(&needles->arena);
    free(needles->needles);
}

static bool same(struct slice a, const char *b) {
    for (size_t i = 0; i < a.n; i++)
        if ((unsigned char)a.p[i] != lower(b[i]))
            return false;
    return true;
}

void needles_add(struct needles *needles, struct slice text, bool whole) {
    if (text.n < NEEDLE_MIN_BYTES)
        return;
    for (size_t i = 0; i < needles->n; i++)
        if (needles->needles[i].text.n == text.n && same(needles->needles[i].text, text.p)) {
            needles->needles[i].whole &= whole;
            return;
        }
    char *copy = arena_get(&needles->arena, text.n);
    for (size_t i = 0; i < text.n; i++)
        copy[i] = (char)lower(text.p[i]);
    if (needles->n == needles->capacity) {
        needles->capacity = needles->capacity ? needles->capacity * 2 : 32;
        needles->needles = realloc(needles->needles, needles->capacity * sizeof(struct needle));
        if (!needles->needles)
            abort();
    }
    needles->needles[needles->n++] = (struct needle){{copy, text.n}, whole};
    unsigned pair = pair_of(copy);
    needles->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
}

/* Everything but letters, digits and -._~ as %XX; `keep` more characters stay. */
static void add_percent(struct needles *needles, struct slice text, const char *keep, bool whole) {
    static const char HEX[] = "0123456789ABCDEF";
    struct buf form;
    buf_init(&form, FORM_BYTES);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (is_word(text.p[i]) || (c && c < 128 && (strchr("-._~", c) || strchr(keep, c)))) {
            buf_add_char(&form, text.p[i]);
        } else {
            const char escaped[3] = {'%', HEX[c >> 4], HEX[c & 15]};
            buf_add(&form, escaped, sizeof escaped);
        }
    }
    needles_add(needles, buf_slice(&form), whole);
    buf_release(&form);
}

/* One code point at p; its bytes. */
static size_t code_point(const char *p, size_t left, uint32_t *point) {
    unsigned char c = (unsigned char)p[0];
    size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (n > left)
        n = 1;
    *point = n == 1 ? c : c & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++)
        *point = *point << 6 | ((unsigned char)p[i] & 63);
    return n;
}

/* As a JSON text: quotes, and characters beyond ASCII as \uXXXX or not. */
static void add_json(struct needles *needles, struct slice text, bool ascii, bool whole) {
    struct buf form;
    buf_init(&form, FORM_BYTES);
    for (size_t i = 0, step; i < text.n; i += step) {
        uint32_t point;
        step = code_point(text.p + i, text.n - i, &point);
        if (point == '"' || point == '\\' || (point == '/' && ascii))
            buf_add_char(&form, '\\');
        if (point < 128 || !ascii)
            buf_add(&form, text.p + i, step);
        else if (point < 0x10000)
            buf_add_format(&form, "\\u%04x", point);
        else
            buf_add_format(&form, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
                           0xdc00 + (point & 0x3ff));
    }
    needles_add(needles, buf_slice(&form), whole);
    buf_release(&form);
}

/* The characters that base64 has in common whatever stands beside the text; skip: bytes of the text that share their
 * first character with what stands before. */
static void add_base64(struct needles *needles, struct slice text, size_t skip) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf form, url;
    buf_init(&form, FORM_BYTES);
    buf_init(&url, FORM_BYTES);
    for (size_t i = skip; i + 3 <= text.n; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text.p[i] << 16 |
                        (uint32_t)(unsigned char)text.p[i + 1] << 8 | (unsigned char)text.p[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) {
            char c = DIGITS[bits >> shift & 63];
            buf_add_char(&form, c);
            buf_add_char(&url, c == '+' ? '-' : c == '/' ? '_' : c);
        }
    }
    enum { LEAST = 8 }; /* fewer characters are found by chance */
    if (form.n >= LEAST) {
        needles_add(needles, buf_slice(&form), false);
        needles_add(needles, buf_slice(&url), false);
    }
    buf_release(&form);
    buf_release(&url);
}

void needles_add_forms(struct needles *needles, struct slice text, bool whole) {
    if (text.n < NEEDLE_MIN_BYTES)
        return;
    needles_add(needles, text, whole);
    add_json(needles, text, false, whole);
    add_json(needles, text, true, whole);
    add_percent(needles, text, "", whole);
    add_percent(needles, text, "@:+", whole);
    for (size_t skip = 0; skip < 3; skip++)
        add_base64(needles, text, skip);
}

static bool stands_alone(struct slice bytes, size_t at, size_t n) {
    return (at == 0 || !is_word(bytes.p[at - 1])) &&
           (at + n == bytes.n || !is_word(bytes.p[at + n]));
}

bool needles_find(const struct needles *needles, struct slice bytes, size_t from, size_t *at,
                  size_t *n) {
    if (!needles->n || bytes.n < NEEDLE_MIN_BYTES)
        return false;
    for (size_t i = from; i + NEEDLE_MIN_BYTES <= bytes.n; i++) {
        unsigned pair = pair_of(bytes.p + i);
        if (!(needles->pairs[pair / 64] >> pair % 64 & 1))
            continue;
        for (size_t k = 0; k < needles->n; k++) {
            const struct needle *needle = &needles->needles[k];
            if (needle->text.n <= bytes.n - i && same(needle->text, bytes.p + i) &&
                (!needle->whole || stands_alone(bytes, i, needle->text.n))) {
                *at = i;
                *n = needle->text.n;
                return true;
            }
        }
    }
    return false;
}

size_t needles_replace(const struct needles *needles, struct slice bytes, const char *instead,
                       struct buf *out) {
    size_t from = 0, at, n, found = 0;
    while (needles_find(needles, bytes, from, &at, &n)) {
        buf_add(out, bytes.p + from, at - from);
        buf_add_text(out, instead);
        from = at + n;
        found++;
    }
    buf_add(out, bytes.p + from, bytes.n - from);
    return found;
}
