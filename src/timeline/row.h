/*
 * One stored interaction or change of a customer, as the log holds it and the index reads it.
 *
 * A row is a view: `properties` points into a log frame, a commit batch or the head. Names are
 * dictionary codes, customers are profile numbers; no identifier of a person stands here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TIMELINE_ROW_H
#define SENDA_TIMELINE_ROW_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum row_type {
    ROW_TRACK = 0, /* track, page and screen are interactions */
    ROW_PAGE = 1,
    ROW_SCREEN = 2,
    ROW_TRAITS = 3, /* identify: properties are traits; event code is CODE_NONE */
    ROW_GROUP = 4,  /* group: traits "group_id" and "group.<name>" */
    ROW_ANSWER =
        5, /* one answer that an interaction brought (collect/answers.h); event is the interaction's */
    ROW_GONE =
        6 /* what was let go of (privacy/retention.h): its place and instant, nobody's; in no part */
};
static inline bool row_is_interaction(uint8_t type) { return type <= ROW_SCREEN; }

#define CODE_NONE 0 /* dictionary codes begin at 1 */

/* Type of a property's value. Numbers that JSON writes as whole numbers within 53 bits and without fraction or
 * exponent are VALUE_INT; both number types compare with each other. */
enum value_type {
    VALUE_ABSENT = 0,
    VALUE_NULL = 1, /* stored for traits only (a trait taken back); a null property is absent */
    VALUE_FALSE = 2,
    VALUE_TRUE = 3,
    VALUE_INT = 4,
    VALUE_NUMBER = 5,
    VALUE_TEXT = 6,
    VALUE_JSON =
        7 /* nested object or array as minified JSON text; not in `where`, shown in timelines */
};

struct value {
    uint8_t type;
    union {
        int64_t integer;
        double number;
        struct slice text; /* VALUE_TEXT, VALUE_JSON */
    };
};

struct row {
    uint64_t seq;      /* place in the log, from 1, dense */
    int64_t time_ms;   /* of the interaction, after clock repair; TIME_MIN_MS <= t < TIME_MAX_MS */
    uint32_t customer; /* profile number, from 1; never redirected here: the overlay does that */
    uint16_t event;    /* code in DICTIONARY_EVENT */
    uint16_t channel;  /* code in DICTIONARY_CHANNEL, or CODE_NONE */
    uint16_t unit;     /* code in DICTIONARY_UNIT, or CODE_NONE */
    uint16_t source;   /* number of the source (records), 0: system */
    uint8_t type;      /* enum row_type */
    struct slice properties; /* encoded, see below */
};

/*
 * FORMAT of `properties`: a run of
 *   varint  code of the name in DICTIONARY_PROPERTY
 *   u8      enum value_type
 *   value   VALUE_INT zigzag varint; VALUE_NUMBER 8 bytes little endian; VALUE_TEXT and VALUE_JSON varint length
 *           and bytes; others nothing
 * Names from `context` bear the prefix "context." (a closed list: context.touchpoint, context.page.path,
 * context.page.url, context.page.referrer, context.page.title, context.campaign.{name,source,medium,term,content},
 * context.locale, context.device.type, context.os.name, context.app.version); a property sent with such a
 * name keeps it with the prefix "properties.". Explicit touchpoints are the property context.touchpoint.
 */
struct property_cursor {
    const char *p, *end;
};
static inline struct property_cursor property_cursor(const struct row *row) {
    const char *p = row->properties.p ? row->properties.p : "";
    return (struct property_cursor){p, p + row->properties.n};
}
/* The next property; false at the end or at bytes that make no sense (then cursor->p is NULL). Texts are views. */
bool property_next(struct property_cursor *cursor, uint32_t *code, struct value *value);
void property_add(struct buf *buf, uint32_t code, const struct value *value);

#endif
