/*
 * UTF-8 by the table of RFC 3629; folding by ICU.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/utf8.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* Length of the well-formed sequence at p, 0 if there is none. */
static size_t sequence(const unsigned char *p, size_t left) {
    unsigned char first = p[0];
    if (first < 0x80)
        return 1;
    size_t n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (!n || n > left)
        return 0;
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool utf8_valid(struct slice text) {
    const unsigned char *p = (const unsigned char *)text.p;
    const unsigned char *end = p + text.n;
    while (p < end) {
        uint64_t word;
        while (end - p >= 32) { /* four words at once where all is ASCII */
            uint64_t words[4];
            memcpy(words, p, sizeof words);
            if ((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080))
                break;
            p += 32;
        }
        if (end - p >= 8 && (memcpy(&word, p, 8), !(word & UINT64_C(0x8080808080808080)))) {
            p += 8;
            continue;
        }
        if (p == end)
            break;
        size_t n = *p < 0x80 ? 1 : sequence(p, (size_t)(end - p));
        if (!n)
            return false;
        p += n;
    }
    return true;
}

uint32_t utf8_next(const char **p, const char *end) {
    const unsigned char *at = (const unsigned char *)*p;
    size_t n = sequence(at, (size_t)(end - *p));
    *p += n ? n : 1;
    switch (n) {
    case 1: return at[0];
    case 2: return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    case 3: return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    case 4:
        return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 |
               (uint32_t)(at[2] & 0x3f) << 6 | (at[3] & 0x3f);
    default: return 0xfffd;
    }
}

size_t utf8_put(char *to, uint32_t code) {
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = 0xfffd;
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static bool blank(uint32_t code) {
    return code == ' ' || (code >= '\t' && code <= '\r') || code == 0xa0 || code == 0xfeff;
}

struct slice utf8_trim(struct slice text) {
    const char *end = text.p + text.n;
    while (text.n) {
        const char *p = text.p;
        if (!blank(utf8_next(&p, end)))
            break;
        text.n -= (size_t)(p - text.p);
        text.p = p;
    }
    while (text.n) {
        size_t last = text.n - 1;
        while (last && ((unsigned char)text.p[last] & 0xc0) == 0x80)
            last--;
        const char *p = text.p + last;
        if (!blank(utf8_next(&p, text.p + text.n)))
            break;
        text.n = last;
    }
    return text;
}

struct slice utf8_fold(struct slice text, struct arena *arena) {
    UErrorCode status = U_ZERO_ERROR;
    int32_t room = (int32_t)(text.n * 3 + 8), n = 0, folded = 0, composed = 0;
    UChar *wide = arena_get(arena, sizeof *wide * (size_t)room);
    UChar *other = arena_get(arena, sizeof *other * (size_t)room);
    u_strFromUTF8WithSub(wide, room, &n, text.p, (int32_t)text.n, 0xfffd, NULL, &status);
    folded = u_strFoldCase(other, room, wide, n, U_FOLD_CASE_DEFAULT, &status);
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    composed = unorm2_normalize(nfc, other, folded, wide, room, &status);
    char *narrow = arena_get(arena, (size_t)room * 3);
    int32_t bytes = 0;
    u_strToUTF8(narrow, room * 3, &bytes, wide, composed, &status);
    if (U_FAILURE(status))
        return arena_copy(arena, text);
    return (struct slice){narrow, (size_t)bytes};
}

struct slice utf8_plain(struct slice text, struct arena *arena) {
    UErrorCode status = U_ZERO_ERROR;
    int32_t room = (int32_t)(text.n * 4 + 8), n = 0, folded = 0, apart = 0, kept = 0, bytes = 0;
    UChar *wide = arena_get(arena, sizeof *wide * (size_t)room);
    UChar *other = arena_get(arena, sizeof *other * (size_t)room);
    u_strFromUTF8WithSub(wide, room, &n, text.p, (int32_t)text.n, 0xfffd, NULL, &status);
    folded = u_strFoldCase(other, room, wide, n, U_FOLD_CASE_DEFAULT, &status);
    apart = unorm2_normalize(unorm2_getNFDInstance(&status), other, folded, wide, room, &status);
    for (int32_t i = 0; U_SUCCESS(status) && i < apart; i++)
        if (u_charType(wide[i]) != U_NON_SPACING_MARK)
            wide[kept++] = wide[i];
    char *narrow = arena_get(arena, (size_t)room * 3);
    u_strToUTF8(narrow, room * 3, &bytes, wide, kept, &status);
    return U_FAILURE(status) ? utf8_fold(text, arena) : (struct slice){narrow, (size_t)bytes};
}

struct slice utf8_cut(struct slice text, size_t n) {
    if (text.n <= n)
        return text;
    while (n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return (struct slice){text.p, n};
}
