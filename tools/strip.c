/*
 * What browsers get of scripts and styles: see strip.h.
 *
 * A script is read as a sequence of code, comments, texts ('…', "…"), templates (`…${code}…`, which may nest) and patterns (/…/). A slash
 * begins a pattern where no value can stand before it: after an operator, an opening bracket, a line's beginning or `return`.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "strip.h"

#include <string.h>

enum { NESTED = 16 };

struct stripping {
    const char *from, *end;
    char *to, *start;
    bool css;
    int depth, braces[NESTED]; /* templates that are open, the braces of each one's code */
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static void put(struct stripping *at, const char *upto) {
    size_t n = (size_t)(upto - at->from);
    memmove(at->to, at->from, n);
    at->to += n;
    at->from = upto;
}

/* Behind the text that begins here. */
static const char *text_end(const struct stripping *at) {
    const char *c = at->from + 1;
    while (c < at->end && *c != *at->from)
        c += *c == '\\' ? 2 : 1;
    return c < at->end ? c + 1 : at->end;
}

/* Behind the piece of a template that begins here: at its end, or in the code of a "${". */
static const char *template_end(struct stripping *at) {
    const char *c = at->from + 1;
    for (; c < at->end && *c != '`'; c++) {
        if (*c == '\\') {
            c++;
        } else if (c[0] == '$' && c + 1 < at->end && c[1] == '{' && at->depth < NESTED) {
            at->braces[at->depth++] = 0;
            return c + 2;
        }
    }
    return c < at->end ? c + 1 : at->end;
}

static const char *pattern_end(const struct stripping *at) {
    bool class = false;
    const char *c = at->from + 1;
    for (; c < at->end && *c != '\n' && (class || *c != '/'); c++) {
        if (*c == '\\')
            c++;
        else if (*c == '[')
            class = true;
        else if (*c == ']')
            class = false;
    }
    return c < at->end ? c + 1 : at->end;
}

static bool begins_pattern(const struct stripping *at) {
    const char *before = at->to;
    while (before > at->start && is_blank(before[-1]))
        before--;
    if (before == at->start || strchr("\n(,=:[!&|?{};+-*%<>~^", before[-1]))
        return true;
    return before - at->start >= 6 && memcmp(before - 6, "return", 6) == 0;
}

static const char *comment_end(const struct stripping *at) {
    const char *stop = at->from[1] == '/'
                           ? memchr(at->from, '\n', (size_t)(at->end - at->from))
                           : memmem(at->from + 2, (size_t)(at->end - at->from - 2), "*/", 2);
    return !stop ? at->end : at->from[1] == '/' ? stop : stop + 2;
}

/* Blanks before it go too, where nothing else stands before it in its line. */
static void end_line(struct stripping *at) {
    while (at->to > at->start && is_blank(at->to[-1]))
        at->to--;
    if (at->to > at->start && at->to[-1] != '\n')
        *at->to++ = '\n';
    at->from++;
    while (at->from < at->end && (is_blank(*at->from) || *at->from == '\n'))
        at->from++;
}

static void brace(struct stripping *at) {
    int *open = at->depth ? &at->braces[at->depth - 1] : NULL;
    if (open && *at->from == '}' && !*open) {
        at->depth--;
        put(at, template_end(at)); /* the template goes on */
        return;
    }
    if (open)
        *open += *at->from == '{' ? 1 : -1;
    put(at, at->from + 1);
}

/* In styles no blank parts what these signs part. */
static bool parts(char c) { return c && strchr("{};,", c); }

static void blank_of_css(struct stripping *at) {
    const char *after = at->from;
    while (after < at->end && is_blank(*after))
        after++;
    char before = at->to > at->start ? at->to[-1] : '{', next = after < at->end ? *after : '}';
    at->from = after - 1;
    if (parts(before) || parts(next) || before == ':')
        at->from = after;
    else
        put(at, after);
}

static void step(struct stripping *at) {
    char c = *at->from, next = at->from + 1 < at->end ? at->from[1] : 0;
    if (c == '/' && (next == '*' || (next == '/' && !at->css))) {
        at->from = comment_end(at);
        while (at->from < at->end && is_blank(*at->from))
            at->from++;
    } else if (c == '\n') {
        end_line(at);
    } else if (c == '\'' || c == '"') {
        put(at, text_end(at));
    } else if (at->css) {
        is_blank(c) ? blank_of_css(at) : put(at, at->from + 1);
    } else if (c == '`') {
        put(at, template_end(at));
    } else if (c == '{' || c == '}') {
        brace(at);
    } else {
        put(at, c == '/' && begins_pattern(at) ? pattern_end(at) : at->from + 1);
    }
}

size_t strip(char *text, size_t n, bool css) {
    static const char mark[] = "SPDX-License-Identifier: ";
    char licence[96] = "";
    const char *said = memmem(text, n, mark, sizeof mark - 1);
    size_t length = said ? strcspn(said, " \n*") + 1 : 0;
    if (said)
        length += strcspn(said + length, " \n*");
    if (said && length < sizeof licence - 8) {
        memcpy(licence, "/*", 2);
        memcpy(licence + 2, said, length);
        memcpy(licence + 2 + length, "*/\n", 4);
    }
    struct stripping at = {.from = text, .end = text + n, .to = text, .start = text, .css = css};
    while (at.from < at.end && (is_blank(*at.from) || *at.from == '\n'))
        at.from++;
    while (at.from < at.end)
        step(&at);
    size_t stripped = (size_t)(at.to - text), first = strlen(licence);
    if (stripped + first > n)
        return stripped;
    memmove(text + first, text, stripped);
    memcpy(text, licence, first);
    return stripped + first;
}
