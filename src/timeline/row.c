/*
 * The codec of a row's properties: see row.h for the format.
 *
 * Decoding trusts nothing: lengths are checked against the end before they are believed, unknown types end the run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/row.h"

enum { VARINT_BYTES = 10 };

static char *varint_write(char *p, uint64_t value) {
    while (value > 127) {
        *p++ = (char)(unsigned char)(value | 128);
        value >>= 7;
    }
    *p++ = (char)(unsigned char)value;
    return p;
}

/* false when the bytes end first or the number has more than 64 bits. */
static inline bool varint_read(struct property_cursor *cursor, uint64_t *value) {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && cursor->p < cursor->end; shift += 7) {
        unsigned char byte = (unsigned char)*cursor->p++;
        result |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *value = result;
            return true;
        }
    }
    return false;
}

void property_add(struct buf *buf, uint32_t code, const struct value *value) {
    bool text = value->type == VALUE_TEXT || value->type == VALUE_JSON;
    char *start = buf_reserve(buf, (size_t)3 * VARINT_BYTES + (text ? value->text.n : 0));
    if (!start)
        return;
    char *p = varint_write(start, code);
    *p++ = (char)value->type;
    if (value->type == VALUE_INT) {
        uint64_t bits = (uint64_t)value->integer;
        p = varint_write(p, bits << 1 ^ (value->integer < 0 ? UINT64_MAX : 0));
    } else if (value->type == VALUE_NUMBER) {
        memcpy(p, &value->number, sizeof value->number);
        p += sizeof value->number;
    } else if (text) {
        p = varint_write(p, value->text.n);
        if (value->text.n)
            memcpy(p, value->text.p, value->text.n);
        p += value->text.n;
    }
    buf->n += (size_t)(p - start);
    buf->p[buf->n] = 0;
}

static bool value_read(struct property_cursor *cursor, struct value *value) {
    uint64_t bits;
    switch (value->type) {
    case VALUE_NULL:
    case VALUE_FALSE:
    case VALUE_TRUE: return true;
    case VALUE_INT:
        if (!varint_read(cursor, &bits))
            return false;
        value->integer = (int64_t)(bits >> 1 ^ (bits & 1 ? UINT64_MAX : 0));
        return true;
    case VALUE_NUMBER:
        if (cursor->end - cursor->p < (ptrdiff_t)sizeof value->number)
            return false;
        memcpy(&value->number, cursor->p, sizeof value->number);
        cursor->p += sizeof value->number;
        return true;
    case VALUE_TEXT:
    case VALUE_JSON:
        if (!varint_read(cursor, &bits) || bits > (uint64_t)(cursor->end - cursor->p))
            return false;
        value->text = (struct slice){cursor->p, bits};
        cursor->p += bits;
        return true;
    default: return false;
    }
}

bool property_next(struct property_cursor *cursor, uint32_t *code, struct value *value) {
    if (!cursor->p || cursor->p >= cursor->end)
        return false;
    uint64_t number;
    if (!varint_read(cursor, &number) || number == CODE_NONE || number > UINT32_MAX ||
        cursor->p >= cursor->end)
        goto damaged;
    *code = (uint32_t)number;
    value->type = (uint8_t)*cursor->p++;
    if (value_read(cursor, value))
        return true;
damaged:
    cursor->p = NULL;
    return false;
}
