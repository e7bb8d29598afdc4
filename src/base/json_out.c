/*
 * JSON output. Decimals with up to six places are found by exact integer arithmetic: if k and 10^d
 * are exact and k / 10^d rounds to x, then the text of k / 10^d reads back as x.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

enum { SAFE_DIGITS = 15, NUMBER_BYTES = 40, PLACES = 6 };

/* Characters that go out as they are. */
static bool plain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

static void add_escape(struct buf *buf, unsigned char c) {
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\')
        buf_add(buf, (char[]){'\\', (char)c}, 2);
    else if (c < sizeof letters && letters[c])
        buf_add(buf, (char[]){'\\', letters[c]}, 2);
    else
        buf_add_format(buf, "\\u%04x", c);
}

void json_add_text(struct buf *buf, struct slice text) {
    if (!text.p) {
        buf_add_text(buf, "null");
        return;
    }
    const char *p = text.p, *end = p + text.n;
    buf_add_char(buf, '"');
    while (p < end) {
        const char *from = p;
        while (p < end && plain((unsigned char)*p))
            p++;
        buf_add(buf, from, (size_t)(p - from));
        if (p == end)
            break;
        if ((unsigned char)*p < 0x80) {
            add_escape(buf, (unsigned char)*p++);
        } else {
            char bytes[4];
            buf_add(buf, bytes, utf8_put(bytes, utf8_next(&p, end)));
        }
    }
    buf_add_char(buf, '"');
}

/* k / 10^places, e.g. (-1250, 3) as -1.25. */
static void add_scaled(struct buf *buf, int64_t k, int places) {
    char text[NUMBER_BYTES];
    uint64_t left = k < 0 ? 0 - (uint64_t)k : (uint64_t)k;
    char *p = text + sizeof text, *end = p;
    for (int digit = 0; left || digit <= places; digit++) {
        if (digit == places && places)
            *--p = '.';
        *--p = (char)('0' + left % 10);
        left /= 10;
    }
    if (k < 0)
        *--p = '-';
    buf_add(buf, p, (size_t)(end - p));
}

void json_add_number(struct buf *buf, double number) {
    if (!isfinite(number)) {
        buf_add_text(buf, "null");
        return;
    }
    double scale = 1;
    for (int places = 0; places <= PLACES; places++, scale *= 10) {
        double scaled = nearbyint(number * scale);
        if (fabs(scaled) >= 1e15)
            break;
        if (scaled / scale == number) { /* also turns -0 into 0 */
            add_scaled(buf, (int64_t)scaled, places);
            return;
        }
    }
    char text[NUMBER_BYTES];
    for (int digits = SAFE_DIGITS; digits <= SAFE_DIGITS + 2; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_add_text(buf, text);
}

void json_add_int(struct buf *buf, int64_t number) { add_scaled(buf, number, 0); }

void json_add_name(struct buf *buf, const char *name) {
    if (buf->n && buf->p[buf->n - 1] != '{' && buf->p[buf->n - 1] != '[')
        buf_add_char(buf, ',');
    json_add_text(buf, slice_of(name));
    buf_add_char(buf, ':');
}
