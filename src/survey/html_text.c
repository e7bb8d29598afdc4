/*
 * What somebody reads of a piece of HTML, as editors write it into the texts of a questionnaire: no tags, no scripts or styles, breaks as
 * line feeds, entities as the characters that they stand for (those of Latin-1, and common punctuation). What is no entity stays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "survey/formats.h"

enum { NAME_BYTES = 10 };

/* Of the characters 160 to 255, in order. */
static const char *const latin[] = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",
    "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn",
    "sup2",   "sup3",   "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",
    "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
    "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave",
    "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde",
    "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",
    "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
    "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};
static const struct {
    const char *name;
    unsigned character;
} others[] = {{"quot", '"'},      {"amp", '&'},      {"lt", '<'},       {"gt", '>'},
              {"apos", '\''},     {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},
              {"rsquo", 0x2019},  {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bull", 0x2022},
              {"hellip", 0x2026}, {"euro", 0x20ac},  {"trade", 0x2122}};

static unsigned named(const char *name) {
    for (size_t i = 0; i < sizeof latin / sizeof *latin; i++)
        if (strcmp(name, latin[i]) == 0)
            return i ? 160 + (unsigned)i : ' ';
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i].name) == 0)
            return others[i].character;
    return 0;
}

/* "&eacute;", "&#233;" or "&#xe9;": its character and how long it is; 0: no entity. */
static unsigned entity(const char *text, size_t *bytes) {
    char name[NAME_BYTES + 1], *end;
    size_t n = strcspn(text + 1, ";");
    unsigned long number = 0;
    if (!n || n > NAME_BYTES || text[1 + n] != ';')
        return 0;
    memcpy(name, text + 1, n);
    name[n] = 0;
    *bytes = n + 2;
    if (name[0] != '#')
        return named(name);
    bool hex = name[1] == 'x' || name[1] == 'X';
    number = strtoul(name + 1 + hex, &end, hex ? 16 : 10);
    bool can_be = !*end && number >= ' ' && number <= 0x10ffff &&
                  (number < 0xd800 || number > 0xdfff) && number != 0x7f;
    return !can_be ? 0 : number == 160 ? ' ' : (unsigned)number;
}

static bool is_tag(const char *at, const char *name) {
    size_t n = strlen(name);
    at += *at == '<';
    at += *at == '/';
    return strncasecmp(at, name, n) == 0 && !isalnum((unsigned char)at[n]);
}

static bool is_break(const char *at) {
    static const char *const breaks[] = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4"};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++)
        if (is_tag(at, breaks[i]))
            return true;
    return false;
}

/* Behind a tag, and behind what a script or style holds. */
static const char *skip_tag(const char *at) {
    const char *hidden = is_tag(at, "script") ? "</script" : is_tag(at, "style") ? "</style" : NULL;
    const char *close = hidden && at[1] != '/' ? strcasestr(at, hidden) : NULL;
    at = close ? close : at;
    at += strcspn(at, ">");
    return *at ? at + 1 : at;
}

const char *html_text(const char *html, struct arena *arena) {
    char *text = arena_text(arena, slice_of(html)), *to = text;
    for (const char *at = html; *at;) {
        size_t n = 0;
        unsigned c = *at == '&' ? entity(at, &n) : 0;
        bool tag = *at == '<' && (isalpha((unsigned char)at[1]) || at[1] == '/' || at[1] == '!');
        if (c) {
            to += utf8_put(to, c); /* never longer than the entity */
            at += n;
        } else if (tag) {
            if (is_break(at) && to > text && to[-1] != '\n')
                *to++ = '\n';
            at = skip_tag(at);
        } else {
            bool blank = isspace((unsigned char)*at);
            if (!blank || (to > text && !isspace((unsigned char)to[-1])))
                *to++ = blank ? ' ' : *at;
            at++;
        }
    }
    while (to > text && isspace((unsigned char)to[-1]))
        to--;
    *to = 0;
    return text + strspn(text, " \n");
}
