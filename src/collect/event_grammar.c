/*
 * Grammar alone: is a text one JSON value? For what is refused anyway or is not an event, so that the answer can tell
 * "not JSON" (the whole request is refused) from other reasons (one event is). A stack of one byte a level, no recursion.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/event_scan.h"

static bool scalar(struct scan *scan) {
    struct value value;
    struct slice text;
    enum refusal refusal;
    switch (*scan->p) {
    case '"': refusal = scan_text(scan, &text); break;
    case '{':
    case '[': return false;
    default: refusal = scan_value(scan, &value); break;
    }
    /* U+0000 and numbers out of range are grammatical */
    if (refusal == REFUSAL_CONTROL_CHARACTER) {
        const char *stop = scan->p;
        while ((stop = scan_plain(stop, scan->end)) < scan->end && *stop == '\\')
            stop += stop + 1 < scan->end ? 2 : 1;
        scan->p = stop + 1;
        return stop < scan->end && *stop == '"';
    }
    return refusal == REFUSAL_NONE || refusal == REFUSAL_NUMBER_OUT_OF_RANGE;
}

static bool name_and_colon(struct scan *scan) {
    if (scan_peek(scan) != '"' || !scalar(scan) || scan_peek(scan) != ':')
        return false;
    scan->p++;
    return true;
}

/* Behind a value: closes what closes and takes the comma. False if that is wrong; *done at the end of the whole. */
static bool after_value(struct scan *scan, const char *stack, size_t *depth, bool *done) {
    for (;;) {
        char c = scan_peek(scan);
        if (!*depth) {
            *done = scan->p == scan->end;
            return *done;
        }
        scan->p += scan->p < scan->end;
        if (c == stack[*depth - 1]) {
            --*depth;
            continue;
        }
        return c == ',' && (stack[*depth - 1] == ']' || name_and_colon(scan));
    }
}

bool scan_is_json(struct slice text, struct arena *arena) {
    char message[EVENT_MESSAGE_BYTES];
    struct scan scan = {.p = text.p, .end = text.p + text.n, .arena = arena, .message = message};
    char *stack = arena_get(arena, text.n + 1);
    size_t depth = 0;
    bool done = false;
    while (!done) {
        char c = scan_peek(&scan);
        if (!c)
            return false;
        if (c == '{' || c == '[') {
            char close = c == '{' ? '}' : ']';
            stack[depth++] = close;
            scan.p++;
            if (scan_peek(&scan) != close) {
                if (c == '{' && !name_and_colon(&scan))
                    return false;
                continue;
            }
        } else if (!scalar(&scan)) {
            return false;
        }
        if (!after_value(&scan, stack, &depth, &done))
            return false;
    }
    return true;
}
