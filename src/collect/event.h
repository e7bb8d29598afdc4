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
#include "base/limits.h"
#include "customer/customer.h"
#include "timeline/row.h"

enum event_type { EVENT_TRACK, EVENT_PAGE, EVENT_SCREEN, EVENT_IDENTIFY, EVENT_GROUP, EVENT_ALIAS };

struct event_property {
    struct slice name;
    struct value value;
};

/* What the person said about a purpose. */
struct event_choice {
    struct slice purpose;
    bool granted;
};

struct event {
    enum event_type type;
    struct slice
        name; /* of the interaction; "Page Viewed" / "Screen Viewed" where page or screen has none */
    struct slice user_id, anonymous_id, previous_id, group_id;
    struct slice message_id;
    struct slice channel, touchpoint,
        unit;        /* of context; absent if not said. The pipeline stores touchpoint as the
                                               property "context.touchpoint"; it is not among properties here */
    int64_t time_ms; /* repaired by sent_at; received_ms if the event has no timestamp */
    int64_t
        stated_ms; /* the timestamp as the sender wrote it, before repair: what a resend repeats, so what the
                            content key hashes; 0 without has_time */
    bool has_time; /* the sender gave a timestamp */
    struct identity *external;
    size_t n_external;
    struct event_property
        *properties; /* of an interaction: its properties without nulls, then kept context members
                                          (named "context.…"); of identify and group: traits (a null trait is
                                          VALUE_NULL: taken back), names without prefix; of alias: none */
    size_t n_properties;
    const struct event_choice *choices; /* context.consent.categoryPreferences */
    size_t n_choices;
    const struct event_property
        *traits; /* of the person, that an interaction brings besides; NULL: none */
    size_t n_traits;
    struct slice raw; /* the event's own bytes, for the record of refusals */
};

/* Closed set of reasons for refusing an event: X(name, code in answers and counters, English text) */
#define REFUSAL_TABLE(X)                                                                           \
    X(MALFORMED, "malformed", ERR_WORDS("not valid JSON"))                                         \
    X(TOO_DEEP, "too_deep", ERR_WORDS("nested too deeply"))                                        \
    X(NOT_UTF8, "not_utf8", ERR_WORDS("not valid UTF-8"))                                          \
    X(DUPLICATE_KEY, "duplicate_key", ERR_WORDS("the same member twice"))                          \
    X(CONTROL_CHARACTER, "control_character",                                                      \
      ERR_WORDS("control character in a name or identifier"))                                      \
    X(TOO_LARGE, "too_large", ERR_WORDS("event over 32 KB"))                                       \
    X(TOO_MANY_PROPERTIES, "too_many_properties", ERR_WORDS("more than 255 properties"))           \
    X(UNKNOWN_TYPE, "unknown_type", ERR_WORDS("unknown event type"))                               \
    X(NO_NAME, "no_name", ERR_WORDS("a track event needs a name"))                                 \
    X(NO_IDENTITY, "no_identity", ERR_WORDS("userId or anonymousId is needed"))                    \
    X(BAD_FIELD, "bad_field", ERR_WORDS("a member has the wrong type"))                            \
    X(TOO_LONG, "too_long", ERR_WORDS("a name or identifier is too long"))                         \
    X(BAD_TIME, "bad_time", ERR_WORDS("timestamp is not an instant"))                              \
    X(TIME_OUT_OF_RANGE, "time_out_of_range", ERR_WORDS("instant outside 1970-2105"))              \
    X(NUMBER_OUT_OF_RANGE, "number_out_of_range", ERR_WORDS("number out of range"))                \
    X(TOO_MANY_NAMES, "too_many_names",                                                            \
      ERR_WORDS("no room for another event, channel, touchpoint or unit name"))                    \
    X(NOBODY, "nobody", ERR_WORDS("the only identifier stands for nobody"))                        \
    X(NO_CONSENT, "no_consent", ERR_WORDS("consent for this purpose was refused"))                 \
    X(BLOCKED, "blocked", ERR_WORDS("this source is switched off"))                                \
    X(SUPPRESSED, "suppressed", ERR_WORDS("this person asked to be erased"))                       \
    X(TOO_OLD, "too_old", ERR_WORDS("older than interactions of its kind are kept"))

enum refusal {
    REFUSAL_NONE = 0,
#define X(name, code, text) REFUSAL_##name,
    REFUSAL_TABLE(X)
#undef X
        REFUSAL_COUNT
};
/* Refusals of people who do not want to be stored, and of what is not to be kept any more: nothing of the event is kept, not even among the refusals. */
static inline bool refusal_keeps_nothing(enum refusal refusal) {
    return refusal == REFUSAL_SUPPRESSED || refusal == REFUSAL_NO_CONSENT ||
           refusal == REFUSAL_TOO_OLD;
}
const char *refusal_code(enum refusal refusal);
const char *refusal_text(enum refusal refusal);

/* The de-duplication key of a row of a file: that of messageId where there is one (the same as an event's that was sent),
 * else of the content (customer, time, name, properties) and the row's ordinal among equal rows of the file, from 0:
 * event_row_key_nth of event_row_key. key: vault_message_key. */
struct key128 event_row_key(const struct hash_key *key, const struct event *event);
struct key128 event_row_key_nth(const struct hash_key *key, struct key128 row, uint64_t ordinal);

/* Places of the properties in the order of their names, bytewise; equal names in theirs. An event has fewer properties
 * than that: LIMIT_EVENT_PROPERTIES and what context adds. */
enum { PROPERTIES_ORDERED = 2 * LIMIT_EVENT_PROPERTIES };
void event_property_order(const struct event *event, uint16_t order[PROPERTIES_ORDERED]);

/* Stands for a nested value, whatever the order of its members. */
struct key128 event_nested_key(const struct hash_key *key, struct slice json);

/* Where events come from. */
struct source {
    uint16_t number;      /* records; 0: system */
    struct slice channel; /* default channel, e.g. "web"; may be absent */
    struct slice unit;    /* of events that say none; may be absent */
    struct slice purpose; /* that its events serve (collect/consent.h); may be absent */
    uint8_t ip;           /* enum source_ip: what becomes of context.ip */
};
enum source_ip { IP_SHORT, IP_NONE, IP_FULL };

/* Reads one event object (its bytes exactly, no blanks around needed). default_type is used for single-event paths
 * (-1: the object must say its type). sent_ms: INT64_MIN if unknown. On refusal returns its reason and, in
 * message (>= EVENT_MESSAGE_BYTES), what and which. Memory: views into json or the arena (unescaped texts).
 * REFUSAL_MALFORMED means that the body is not JSON: the caller refuses the whole request (400), nothing is stored.
 * Every other reason concerns this event only. */
enum { EVENT_MESSAGE_BYTES = 160 };
must_use enum refusal event_parse(struct slice json, int default_type, int64_t sent_ms,
                                  int64_t received_ms, struct arena *arena, struct event *event,
                                  char *message);

/* A whole request body: {"batch":[…],"sentAt":…,"writeKey":…} or a single event. Splits without parsing events:
 * finds where each ends, checks only what surrounds them. */
struct event_batch {
    struct slice *events;
    size_t n;
    int64_t sent_ms;        /* INT64_MIN if absent */
    struct slice write_key; /* in the body; absent if none */
    struct slice context;   /* of the batch, to be merged below each event's; absent if none */
};
/* single: the body is one event (paths track, page, …), events[0] is the body without surrounding blanks, sent_ms stays
 * unknown (event_parse reads the event's own).
 * Errors: E_MALFORMED not JSON or no batch; E_INVALID sentAt is no instant; E_TOO_LARGE more than LIMIT_BATCH_EVENTS. */
must_use int event_batch_split(struct slice body, bool single, struct arena *arena,
                               struct event_batch *batch, struct err *err);

/* Adds the batch's context below the event's own: whatever the event does not say itself. Call after event_parse. */
must_use enum refusal event_add_context(struct slice context, struct arena *arena,
                                        struct event *event, char *message);

#endif
