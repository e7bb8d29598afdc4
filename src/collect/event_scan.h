/*
 * The validating JSON scanner of the hot path: one pass over the bytes of an event, no tree. Private to collect/event_*.
 *
 * Strict RFC 8259: no trailing comma, no comment, no leading zero, no raw control character in a string. Refused
 * besides: a member twice in one object (also when written with different escapes), depth beyond LIMIT_JSON_DEPTH, a
 * number beyond the range of a double, U+0000. A lone surrogate escape (JavaScript writes one when it cuts an emoji in
 * two) reads as U+FFFD. UTF-8 is checked before, over all bytes at once (utf8_valid).
 *
 * COST  About 0.6 ns a byte on texts without escapes: strings are searched 16 bytes at a time, keys are compared as
 * 8-byte words, doubles of up to 15 digits need no strtod.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_EVENT_SCAN_H
#define SENDA_COLLECT_EVENT_SCAN_H

#include "base/limits.h"
#include "collect/event.h"

struct scan {
    const char *p, *end;
    struct arena *arena;
    char *message; /* EVENT_MESSAGE_BYTES */
    int depth;
    bool blanks;   /* blanks were skipped since somebody cleared this: a view is not minified */
    bool repaired; /* a lone surrogate was seen since somebody cleared this */
};

/* Fills the message and returns the refusal, so that `return scan_refuse(…)` reads well. */
__attribute__((format(printf, 3, 4))) enum refusal
scan_refuse(struct scan *scan, enum refusal refusal, const char *format, ...);
enum refusal scan_malformed(struct scan *scan);

static inline bool scan_is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static inline void scan_blank(struct scan *scan) {
    while (scan->p < scan->end && scan_is_blank(*scan->p)) {
        scan->p++;
        scan->blanks = true;
    }
}

/* The next byte behind blanks, 0 at the end. */
static inline char scan_peek(struct scan *scan) {
    if (scan->p < scan->end && (unsigned char)*scan->p > ' ')
        return *scan->p;
    scan_blank(scan);
    return scan->p < scan->end ? *scan->p : 0;
}

/* The end of the run of plain string bytes at p: the first ", \ or control character, or end. */
const char *scan_plain(const char *p, const char *end);

/* At a quote: the text without escapes, a view or in the arena. */
enum refusal scan_text(struct scan *scan, struct slice *text);
/* At any value: a scalar as it is, an object or array as minified JSON. */
enum refusal scan_value(struct scan *scan, struct value *value);
/* Checks a value and moves behind it. */
enum refusal scan_skip(struct scan *scan);

/* One object, member by member:
 *     SCAN_OBJECT: scan_open, then while (scan_member(…, &refusal)) { take the value }.
 * names: of the members seen, to find a second one of the same name. */
enum { SCAN_NAMES = 24 };
struct scan_object {
    uint64_t words[SCAN_NAMES];
    struct slice names[SCAN_NAMES];
    uint64_t seen; /* filter of 64 bits over words */
    size_t n;
    struct slice *more; /* hash table beyond SCAN_NAMES, capacity a power of two */
    size_t capacity;
};
/* At {. */
enum refusal scan_open(struct scan *scan, struct scan_object *object);
/* True: name is set and the scanner stands at its value. False: the object is closed, or *refusal is set. */
bool scan_member(struct scan *scan, struct scan_object *object, struct slice *name,
                 enum refusal *refusal);

/* Grammar alone, any depth, without recursion: the text is one JSON value and nothing else. */
bool scan_is_json(struct slice text, struct arena *arena);

#endif
