/*
 * Text as it is compared: compatibility decomposed, case folded, without marks; runs of blanks are one. ASCII needs no
 * library; the rest is ICU's (NFKD and full case folding), with the few Latin letters that do not decompose.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "search/internal.h"

enum { UNITS = SEARCH_TEXT_BYTES };

static size_t add(char *out, size_t n, char c) {
    if (c == ' ' && (!n || out[n - 1] == ' '))
        return n;
    if (n < SEARCH_TEXT_BYTES)
        out[n++] = c;
    return n;
}

static UChar plain(UChar c) {
    switch (c) {
    case 0xF8: return 'o';  /* ø */
    case 0x111: return 'd'; /* đ */
    case 0x131: return 'i'; /* ı */
    case 0x142: return 'l'; /* ł */
    default: return u_isUWhiteSpace(c) || u_iscntrl(c) ? ' ' : c;
    }
}

/* Without marks and doubled blanks, in place. */
static int32_t strip(UChar *units, int32_t n) {
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
        UChar c = plain(units[i]);
        bool doubled = c == ' ' && (!kept || units[kept - 1] == ' ');
        if (u_charType(c) != U_NON_SPACING_MARK && !doubled)
            units[kept++] = c;
    }
    return kept;
}

static size_t fold_unicode(struct slice text, char out[SEARCH_TEXT_BYTES]) {
    UChar units[UNITS], folded[2 * UNITS], apart[4 * UNITS];
    char bytes[12 * UNITS];
    int32_t n = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(units, UNITS, &n, text.p, (int32_t)text.n, 0xFFFD, NULL, &status);
    n = u_strFoldCase(folded, 2 * UNITS, units, n, U_FOLD_CASE_DEFAULT, &status);
    n = unorm2_normalize(unorm2_getNFKDInstance(&status), folded, n, apart, 4 * UNITS, &status);
    if (U_FAILURE(status))
        return 0;
    u_strToUTF8WithSub(bytes, sizeof bytes, &n, apart, strip(apart, n), 0xFFFD, NULL, &status);
    if (U_FAILURE(status))
        return 0;
    size_t length = (size_t)n;
    if (length > SEARCH_TEXT_BYTES) /* whole characters */
        for (length = SEARCH_TEXT_BYTES; ((unsigned char)bytes[length] & 0xC0) == 0x80;)
            length--;
    memcpy(out, bytes, length);
    return length;
}

size_t search_fold(struct slice text, char out[SEARCH_TEXT_BYTES]) {
    size_t n = 0;
    if (text.n > UNITS)
        text.n = UNITS;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0x80) {
            n = fold_unicode(text, out);
            break;
        }
        n = add(out, n, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c <= ' ' || c == 127 ? ' ' : c));
    }
    return n && out[n - 1] == ' ' ? n - 1 : n;
}

/* The digits of a number in any writing, without the 00 of an international one; 0 if it is no number. */
static size_t digits_of(struct slice text, char out[SEARCH_TEXT_BYTES]) {
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < SEARCH_TEXT_BYTES; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            out[n++] = text.p[i];
        else if (!strchr("+-. ()/", text.p[i]))
            return 0;
    size_t international = n > 2 && out[0] == '0' && out[1] == '0' ? 2 : 0;
    memmove(out, out + international, n - international);
    return n - international;
}

size_t search_normal(struct slice text, char out[SEARCH_TEXT_BYTES]) {
    enum { DIGITS_LEAST = 4 }; /* fewer are part of an address or a name */
    size_t n = digits_of(text, out);
    return n < DIGITS_LEAST ? search_fold(text, out) : n;
}
