/*
 * Widths of text without a font engine.
 *
 * FORMAT  Hundredths of an em for printable ASCII and Latin-1: the larger of Inter's advance and the mean of Inter's
 *         and DejaVu Sans', measured in a browser, so that text set in Inter, Helvetica, Segoe, Roboto or San
 *         Francisco is not wider than promised. Other scripts: 0.64 em, ideographs and symbols 1 em.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/chart_svg.h"

/* U+0020 … U+007E. */
static const unsigned char ASCII_WIDTHS[95] = {
    30, 34, 43, 73, 64, 88, 71, 25, 38, 38, 50, 75, 30, 46, 30, 36, 63, 55, 62, 64, 64, 62, 63, 60,
    63, 63, 31, 31, 75, 75, 75, 52, 97, 68, 67, 73, 74, 62, 59, 76, 75, 28, 54, 65, 56, 89, 75, 77,
    64, 77, 67, 64, 64, 74, 68, 97, 66, 66, 66, 38, 36, 38, 65, 48, 50, 59, 63, 56, 63, 60, 36, 62,
    61, 26, 26, 56, 26, 92, 61, 60, 62, 62, 39, 52, 38, 61, 57, 82, 57, 57, 54, 50, 33, 50, 75};
/* U+00A0 … U+00FF. */
static const unsigned char LATIN_WIDTHS[96] = {
    30, 34, 60, 63, 72, 59, 30, 55, 59, 96, 46, 58, 69, 0,  84, 47, 48, 75, 42, 43, 50, 63, 62, 30,
    38, 36, 46, 58, 93, 95, 96, 52, 68, 68, 68, 68, 68, 68, 99, 73, 62, 62, 62, 62, 28, 28, 28, 28,
    75, 75, 77, 77, 77, 77, 77, 75, 77, 74, 74, 74, 74, 66, 63, 62, 59, 59, 59, 59, 59, 59, 95, 56,
    60, 60, 60, 60, 26, 26, 26, 26, 60, 61, 60, 60, 60, 60, 60, 75, 60, 61, 61, 61, 61, 57, 62, 57};

/* Next code point of UTF-8; a broken byte counts as one character. */
static uint32_t next_point(struct slice text, size_t *at) {
    const unsigned char *p = (const unsigned char *)text.p + *at;
    size_t left = text.n - *at, n = 1;
    uint32_t point = p[0];
    if (point >= 0xf0 && left >= 4)
        n = 4, point &= 7;
    else if (point >= 0xe0 && left >= 3)
        n = 3, point &= 15;
    else if (point >= 0xc0 && left >= 2)
        n = 2, point &= 31;
    for (size_t i = 1; i < n; i++)
        point = point << 6 | (p[i] & 63);
    *at += n;
    return point;
}

static double point_width(uint32_t point) {
    if (point < 0x20 || (point >= 0x300 && point < 0x370) || (point >= 0x200b && point <= 0x200f))
        return 0;
    if (point < 0x7f)
        return ASCII_WIDTHS[point - 0x20] / 100.0;
    if (point >= 0xa0 && point < 0x100)
        return LATIN_WIDTHS[point - 0xa0] / 100.0;
    if (point == 0x2013 || point == 0x202f || point == 0x2009)
        return 0.55;
    return point < 0x2000 ? 0.64 : 1;
}

double text_width(struct slice text, double size) {
    double width = 0;
    for (size_t at = 0; at < text.n;)
        width += point_width(next_point(text, &at));
    return width * size;
}

/* Bytes of the longest beginning that is at most `width` wide. */
static size_t fitting(struct slice text, double size, double width) {
    double used = 0;
    for (size_t at = 0; at < text.n;) {
        size_t before = at;
        used += point_width(next_point(text, &at)) * size;
        if (used > width)
            return before;
    }
    return text.n;
}

struct slice text_fit(struct arena *arena, struct slice text, double size, double width) {
    size_t n = fitting(text, size, width);
    if (n == text.n)
        return text;
    n = fitting(text, size, width - size * 1.0);
    while (n && text.p[n - 1] == ' ')
        n--;
    return slice_of(arena_format(arena, "%.*s…", (int)n, text.p));
}

/* Bytes of the first line: up to the last blank (or after / - _) that fits, else as many letters as fit. */
static size_t line_bytes(struct slice text, double size, double width) {
    size_t fit = fitting(text, size, width);
    if (fit == text.n)
        return fit;
    for (size_t i = fit; i > 0; i--) {
        if (text.p[i] == ' ' || text.p[i - 1] == ' ' ||
            (i > fit / 3 && (text.p[i - 1] == '/' || text.p[i - 1] == '-' || text.p[i - 1] == '_')))
            return i;
    }
    return fit ? fit : text.n;
}

size_t text_wrap(struct arena *arena, struct slice text, double size, double width, size_t max,
                 struct slice lines[TEXT_LINES]) {
    size_t n = 0;
    while (text.n && n < max && n < TEXT_LINES) {
        if (n + 1 == max || n + 1 == TEXT_LINES) {
            lines[n++] = text_fit(arena, text, size, width);
            break;
        }
        size_t take = line_bytes(text, size, width), end = take;
        while (end && text.p[end - 1] == ' ')
            end--;
        if (end)
            lines[n++] = (struct slice){text.p, end};
        while (take < text.n && text.p[take] == ' ')
            take++;
        text = (struct slice){text.p + take, text.n - take};
    }
    return n;
}
