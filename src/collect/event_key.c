/*
 * Keys of the rows of files: 128-bit SipHash of a canonical form of what identifies them.
 *
 * FORMAT of the canonical form: texts as (u32 length, bytes), absent ones as length 2^32 - 1, numbers as 8 bytes little
 * endian, properties in the order of their names (so that columns may change places), nested values
 * as the key of their text with members in order. It never leaves memory, but
 * changing it makes a repeated import double what an older version imported (docs/decisions/0005-exactly-once.md).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <jansson.h>
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

struct key128 event_nested_key(const struct hash_key *key, struct slice json) {
    json_t *value = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    struct slice canonical = text ? slice_of(text) : json; /* too large a number: as it stands */
    struct key128 result = hash_keyed(key, &canonical, 1);
    free(text);
    json_decref(value);
    return result;
}

static char *put_property(char *to, const struct hash_key *key,
                          const struct event_property *property) {
    to = put_text(to, property->name);
    *to++ = (char)property->value.type;
    switch (property->value.type) {
    case VALUE_TEXT: return put_text(to, property->value.text);
    case VALUE_JSON: {
        struct key128 nested = event_nested_key(key, property->value.text);
        return put_number(put_number(to, nested.a), nested.b);
    }
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

static int compare_names(const struct event_property *a, const struct event_property *b) {
    size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
    int order = n ? memcmp(a->name.p, b->name.p, n) : 0;
    return order ? order : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

void event_property_order(const struct event *event, uint16_t order[PROPERTIES_ORDERED]) {
    for (size_t i = 0; i < event->n_properties && i < PROPERTIES_ORDERED; i++) {
        size_t to = i;
        for (; to && compare_names(&event->properties[order[to - 1]], &event->properties[i]) > 0;
             to--)
            order[to] = order[to - 1];
        order[to] = (uint16_t)i;
    }
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
    uint16_t order[PROPERTIES_ORDERED];
    event_property_order(event, order);
    for (size_t i = 0; i < event->n_properties && i < PROPERTIES_ORDERED; i++)
        p = put_property(p, key, &event->properties[order[i]]);
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
