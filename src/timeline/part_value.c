/*
 * Values inside a part: their payload and their order in a dictionary.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_internal.h"

uint64_t value_payload(const struct value *value) {
    uint64_t payload = 0;
    if (value->type == VALUE_INT)
        payload = (uint64_t)value->integer;
    else if (value->type == VALUE_NUMBER)
        memcpy(&payload, &value->number, sizeof payload);
    return payload;
}

/* The first eight bytes as a number that compares like them. */
static uint64_t text_prefix(struct slice text) {
    uint64_t prefix = 0;
    if (text.n)
        memcpy(&prefix, text.p, text.n < sizeof prefix ? text.n : sizeof prefix);
    return __builtin_bswap64(prefix);
}

struct value_key value_key(const struct value *value) {
    struct value_key key = {.type = value->type};
    const uint64_t sign = UINT64_C(1) << 63;
    if (value->type == VALUE_TEXT) {
        key.text = value->text;
        key.key = text_prefix(value->text);
    } else if (value->type == VALUE_INT) {
        key.key = value_payload(value) ^ sign;
    } else if (value->type == VALUE_NUMBER) {
        uint64_t bits = value_payload(value);
        key.key = bits & sign ? ~bits : bits | sign;
    }
    return key;
}

int value_key_compare(const struct value_key *a, const struct value_key *b) {
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->type == VALUE_TEXT ? slice_compare(a->text, b->text) : 0;
}
