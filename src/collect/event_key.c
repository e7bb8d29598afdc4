/*
 * Keys of the rows of files: 128-bit SipHash of a canonical form of what identifies them.
 *
 * FORMAT of the canonical form: texts as (u32 length, bytes), absent ones as length 2^32 - 1, numbers as 8 bytes little
 * endian. It never leaves memory, but changing it makes a repeated import double what an older version imported.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "collect/event.h"

enum { STACK_BYTES = 2048, ROUND_BYTES = 40 };

static char *put_number(char *to, uint64_t number) {
    memcpy(to, &number, sizeof number);
    return to + sizeof number;
}

static char *put_text(char *to, struct slice text) {
    uint32_t n = text.p ? (uint32_t)text.n : UINT32_MAX;
    memcpy(to, &n, sizeof n);
    to += sizeof n;
    if (text.p && text.n)
        memcpy(to, text.p, text.n);
    return to + text.n;
}

static char *put_property(char *to, const struct event_property *property) {
    to = put_text(to, property->name);
    *to++ = (char)property->value.type;
    switch (property->value.type) {
    case VALUE_TEXT:
    case VALUE_JSON: return put_text(to, property->value.text);
    case VALUE_INT: return put_number(to, (uint64_t)property->value.integer);
    case VALUE_NUMBER: {
        uint64_t bits;
        memcpy(&bits, &property->value.number, sizeof bits);
        return put_number(to, bits);
    }
    default: return to;
    }
}

static size_t room_of(const struct event *event) {
    size_t n = (size_t)8 * ROUND_BYTES + event->name.n + event->user_id.n + event->anonymous_id.n +
               event->previous_id.n + event->group_id.n;
    for (size_t i = 0; i < event->n_properties; i++) {
        const struct event_property *property = &event->properties[i];
        n += ROUND_BYTES + property->name.n +
             (property->value.type >= VALUE_TEXT ? property->value.text.n : 0);
    }
    return n;
}

static struct key128 hash_content(const struct hash_key *key, const struct event *event) {
    char stack[STACK_BYTES], *bytes = stack;
    size_t room = room_of(event);
    if (room > sizeof stack && !(bytes = malloc(room)))
        abort();
    char *p = bytes;
    *p++ = (char)event->type;
    p = put_text(p, event->user_id);
    p = put_text(p, event->anonymous_id);
    p = put_text(p, event->previous_id);
    p = put_text(p, event->group_id);
    p = put_text(p, event->name);
    p = put_number(p, event->has_time ? (uint64_t)event->stated_ms : UINT64_MAX);
    for (size_t i = 0; i < event->n_properties; i++)
        p = put_property(p, &event->properties[i]);
    struct slice parts[] = {SLICE_LITERAL("row"), {bytes, (size_t)(p - bytes)}};
    struct key128 result = hash_keyed(key, parts, 2);
    if (bytes != stack)
        free(bytes);
    return result;
}

struct key128 event_row_key(const struct hash_key *key, const struct event *event) {
    return event->message_id.n ? hash_keyed(key, &event->message_id, 1) : hash_content(key, event);
}

struct key128 event_row_key_nth(const struct hash_key *key, struct key128 row, uint64_t ordinal) {
    char bytes[sizeof row + sizeof ordinal];
    if (!ordinal)
        return row;
    memcpy(bytes, &row, sizeof row);
    memcpy(bytes + sizeof row, &ordinal, sizeof ordinal);
    struct slice parts[] = {SLICE_LITERAL("nth"), {bytes, sizeof bytes}};
    return hash_keyed(key, parts, 2);
}
