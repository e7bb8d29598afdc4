/*
 * One event as a sender meant it: parsed, bounded, validated, independent of its wire format. Texts are views
 * into the request or the file's chunk.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_EVENT_H
#define SENDA_COLLECT_EVENT_H

#include "base/arena.h"
#include "base/hash.h"
#include "customer/customer.h"
#include "timeline/row.h"

enum event_type { EVENT_TRACK, EVENT_PAGE, EVENT_SCREEN, EVENT_IDENTIFY, EVENT_GROUP, EVENT_ALIAS };

struct event_property {
    struct slice name;
    struct value value;
};

struct event {
    enum event_type type;
    struct slice name; /* of the interaction; "Page Viewed" / "Screen Viewed" where page or screen has none */
    struct slice user_id, anonymous_id, previous_id, group_id;
    struct slice message_id;
    struct slice channel, touchpoint, unit; /* of context; absent if not said */
    int64_t time_ms;     /* repaired by sent_at; received_ms if the event has no timestamp */
    bool has_time;       /* the sender gave a timestamp */
    struct identity *external;
    size_t n_external;
    struct event_property *properties; /* properties, or traits of identify and group, then kept context members
                                          (named "context.…") */
    size_t n_properties;
    struct slice raw; /* the event's own bytes, for the record of refusals */
};

/* Closed set of reasons for refusing an event: X(name, code in answers and counters, English text) */
#define REFUSAL_TABLE(X)                                                                           \
    X(MALFORMED, "malformed", "not valid JSON")                                                    \
    X(TOO_DEEP, "too_deep", "nested too deeply")                                                   \
    X(NOT_UTF8, "not_utf8", "not valid UTF-8")                                                     \
    X(DUPLICATE_KEY, "duplicate_key", "the same member twice")                                     \
    X(CONTROL_CHARACTER, "control_character", "control character in a name or identifier")         \
    X(TOO_LARGE, "too_large", "event over 32 KB")                                                  \
    X(TOO_MANY_PROPERTIES, "too_many_properties", "more than 255 properties")                      \
    X(UNKNOWN_TYPE, "unknown_type", "unknown event type")                                          \
    X(NO_NAME, "no_name", "a track event needs a name")                                            \
    X(NO_IDENTITY, "no_identity", "userId or anonymousId is needed")                               \
    X(BAD_FIELD, "bad_field", "a member has the wrong type")                                       \
    X(TOO_LONG, "too_long", "a name or identifier is too long")                                    \
    X(BAD_TIME, "bad_time", "timestamp is not an instant")                                         \
    X(TIME_OUT_OF_RANGE, "time_out_of_range", "instant outside 1970-2105")                         \
    X(NUMBER_OUT_OF_RANGE, "number_out_of_range", "number out of range")                           \
    X(TOO_MANY_NAMES, "too_many_names", "no room for another event, channel, touchpoint or unit name") \
    X(NO_CONSENT, "no_consent", "consent for this purpose was refused")                            \
    X(BLOCKED, "blocked", "this source is switched off")

enum refusal {
    REFUSAL_NONE = 0,
#define X(name, code, text) REFUSAL_##name,
    REFUSAL_TABLE(X)
#undef X
        REFUSAL_COUNT
};
const char *refusal_code(enum refusal refusal);
const char *refusal_text(enum refusal refusal);

/* Where events come from. */
struct source {
    uint16_t number;       /* records; 0: system */
    struct slice channel;  /* default channel, e.g. "web"; may be absent */
};

/* Reads one event object (its bytes exactly, no blanks around needed). default_type is used for single-event paths
 * (-1: the object must say its type). sent_ms: INT64_MIN if unknown. On refusal returns its reason and, in
 * message (>= 160 bytes), what and which. Memory: views into json or the arena (unescaped texts). */
enum refusal event_parse(struct slice json, int default_type, int64_t sent_ms, int64_t received_ms,
                         struct arena *arena, struct event *event, char *message);

/* A whole request body: {"batch":[…],"sentAt":…,"writeKey":…} or a single event. Splits without parsing events. */
struct event_batch {
    struct slice *events;
    size_t n;
    int64_t sent_ms; /* INT64_MIN if absent */
    struct slice write_key; /* in the body; absent if none */
    struct slice context; /* of the batch, merged below each event's; absent if none */
};
must_use int event_batch_split(struct slice body, bool single, struct arena *arena, struct event_batch *batch,
                               struct err *err);

#endif
