/*
 * One event from its JSON, in one pass: members are read as they come, what depends on the type is decided at the end.
 *
 * Read are: type event name category userId anonymousId previousId groupId messageId timestamp originalTimestamp sentAt
 * properties traits context. The rest (integrations, writeKey, channel, _metadata, version, …) is checked and dropped.
 *
 * CHOICES
 *  - null, and an empty text as an identifier, mean absent (RudderStack and Jitsu send both). A whole number as an
 *    identifier is its digits.
 *  - The path of a single-event call decides the type, whatever the object says.
 *  - `originalTimestamp` is read where `timestamp` is missing (RudderStack).
 *  - The clock is repaired by the request's sentAt, else by the event's own: timestamp + (received - sent).
 *  - Traits of identify are `traits`, then those of context.traits that it does not name (RudderStack's browser client
 *    sends only the latter). Elsewhere context.traits repeats what identify said: it is dropped.
 *  - alias without previousId takes the anonymousId as the previous one (Segment's browser client).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/time.h"
#include "base/utf8.h"
#include "collect/event_fields.h"

/* Members as they are read. */
struct fields {
    struct slice type, event, name, category;
    struct slice user_id, anonymous_id, previous_id, group_id, message_id;
    struct slice timestamp, original, sent;
    struct event_list properties, traits;
    struct event_context context;
    int64_t batch_sent_ms, received_ms;
};

enum { LIST_ROOM = LIMIT_EVENT_PROPERTIES + 1 + KEPT_COUNT + 1 };

/* Instants stay texts until the type of the event is known to matter; another type than text is no instant. */
static enum refusal read_instant(struct scan *scan, const char *what, struct slice *text) {
    struct value value;
    enum refusal refusal = scan_value(scan, &value);
    if (refusal || value.type == VALUE_NULL)
        return refusal;
    if (value.type != VALUE_TEXT)
        return scan_refuse(scan, REFUSAL_BAD_TIME, "%s must be text as 2026-11-21T20:31:26.165Z",
                           what);
    if (value.text.n)
        *text = value.text;
    return REFUSAL_NONE;
}

static enum refusal read_4_to_6(struct scan *scan, struct slice name, struct fields *fields) {
    switch (name.p[0]) {
    case 't':
        if (slice_is(name, "type"))
            return event_read_name(scan, "type", LIMIT_NAME_BYTES, false, &fields->type);
        if (slice_is(name, "traits"))
            return event_read_list(scan, "traits", &fields->traits);
        break;
    case 'n':
        if (slice_is(name, "name"))
            return event_read_name(scan, "name", LIMIT_NAME_BYTES, false, &fields->name);
        break;
    case 'e':
        if (slice_is(name, "event"))
            return event_read_name(scan, "event", LIMIT_NAME_BYTES, false, &fields->event);
        break;
    case 'u':
        if (slice_is(name, "userId"))
            return event_read_name(scan, "userId", LIMIT_ID_BYTES, true, &fields->user_id);
        break;
    case 's':
        if (slice_is(name, "sentAt"))
            return read_instant(scan, "sentAt", &fields->sent);
        break;
    default: break;
    }
    return scan_skip(scan);
}

static enum refusal read_7_to_9(struct scan *scan, struct slice name, struct fields *fields) {
    switch (name.p[0]) {
    case 'c':
        if (slice_is(name, "context"))
            return event_read_context(scan, &fields->context);
        if (slice_is(name, "category"))
            return event_read_name(scan, "category", LIMIT_EVENT_BYTES, false, &fields->category);
        break;
    case 'g':
        if (slice_is(name, "groupId"))
            return event_read_name(scan, "groupId", LIMIT_ID_BYTES, true, &fields->group_id);
        break;
    case 'm':
        if (slice_is(name, "messageId"))
            return event_read_name(scan, "messageId", LIMIT_MESSAGE_ID_BYTES, true,
                                   &fields->message_id);
        break;
    case 't':
        if (slice_is(name, "timestamp"))
            return read_instant(scan, "timestamp", &fields->timestamp);
        break;
    default: break;
    }
    return scan_skip(scan);
}

static enum refusal read_field(struct scan *scan, struct slice name, struct fields *fields) {
    if (name.n < 4)
        return scan_skip(scan);
    if (name.n <= 6)
        return read_4_to_6(scan, name, fields);
    if (name.n <= 9)
        return read_7_to_9(scan, name, fields);
    if (slice_is(name, "properties"))
        return event_read_list(scan, "properties", &fields->properties);
    if (slice_is(name, "anonymousId"))
        return event_read_name(scan, "anonymousId", LIMIT_ID_BYTES, true, &fields->anonymous_id);
    if (slice_is(name, "previousId"))
        return event_read_name(scan, "previousId", LIMIT_ID_BYTES, true, &fields->previous_id);
    if (slice_is(name, "originalTimestamp"))
        return read_instant(scan, "originalTimestamp", &fields->original);
    return scan_skip(scan);
}

static enum refusal read_fields(struct scan *scan, struct fields *fields) {
    struct scan_object object;
    struct slice name;
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal))
        refusal = read_field(scan, name, fields);
    if (!refusal && (scan_peek(scan) || scan->p != scan->end))
        return scan_malformed(scan);
    return refusal;
}

static enum refusal decide_type(struct scan *scan, const struct fields *fields, int default_type,
                                enum event_type *type) {
    static const char *const names[] = {"track", "page", "screen", "identify", "group", "alias"};
    if (default_type >= 0) {
        *type = (enum event_type)default_type;
        return REFUSAL_NONE;
    }
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(fields->type, names[i])) {
            *type = (enum event_type)i;
            return REFUSAL_NONE;
        }
    if (!fields->type.n)
        return scan_refuse(scan, REFUSAL_UNKNOWN_TYPE, "the event has no type");
    return scan_refuse(scan, REFUSAL_UNKNOWN_TYPE, "unknown type \"%.*s\"",
                       SLICE_ARGS(utf8_cut(fields->type, 60)));
}

/* A page's name may stand among its properties only (Jitsu). */
static struct slice page_name(const struct fields *fields, const char *otherwise) {
    if (fields->name.n)
        return fields->name;
    for (size_t i = 0; i < fields->properties.n; i++) {
        const struct event_property *property = &fields->properties.properties[i];
        if (property->value.type == VALUE_TEXT && slice_is(property->name, "name") &&
            property->value.text.n && property->value.text.n <= LIMIT_NAME_BYTES)
            return property->value.text;
    }
    return slice_of(otherwise);
}

static enum refusal decide_name(struct scan *scan, const struct fields *fields,
                                struct event *event) {
    switch (event->type) {
    case EVENT_TRACK:
        event->name = fields->event;
        if (!event->name.n)
            return scan_refuse(scan, REFUSAL_NO_NAME, "a track event needs a name in event");
        break;
    case EVENT_PAGE: event->name = page_name(fields, "Page Viewed"); break;
    case EVENT_SCREEN: event->name = page_name(fields, "Screen Viewed"); break;
    default: break;
    }
    return REFUSAL_NONE;
}

static enum refusal decide_identity(struct scan *scan, const struct fields *fields,
                                    struct event *event) {
    event->user_id = fields->user_id;
    event->anonymous_id = fields->anonymous_id;
    event->message_id = fields->message_id;
    if (event->type == EVENT_ALIAS) {
        event->previous_id = fields->previous_id.n ? fields->previous_id : fields->anonymous_id;
        if (!event->user_id.n || !event->previous_id.n)
            return scan_refuse(scan, REFUSAL_NO_IDENTITY, "alias needs userId and previousId");
        return REFUSAL_NONE;
    }
    if (event->type == EVENT_GROUP) {
        event->group_id = fields->group_id;
        if (!event->group_id.n)
            return scan_refuse(scan, REFUSAL_NO_IDENTITY, "group needs groupId");
    }
    if (!event->user_id.n && !event->anonymous_id.n)
        return scan_refuse(scan, REFUSAL_NO_IDENTITY, "userId or anonymousId is needed");
    return REFUSAL_NONE;
}

static enum refusal read_time(struct scan *scan, const char *what, struct slice text,
                              int64_t *utc_ms) {
    if (time_parse(text, NULL, utc_ms))
        return scan_refuse(scan, REFUSAL_BAD_TIME, "%s is not an instant: %.*s", what,
                           SLICE_ARGS(utf8_cut(text, 60)));
    return REFUSAL_NONE;
}

static enum refusal decide_time(struct scan *scan, const struct fields *fields,
                                struct event *event) {
    struct slice stated = fields->timestamp.n ? fields->timestamp : fields->original;
    int64_t sent_ms = fields->batch_sent_ms;
    enum refusal refusal;
    event->time_ms = fields->received_ms;
    if (sent_ms == INT64_MIN && fields->sent.n &&
        (refusal = read_time(scan, "sentAt", fields->sent, &sent_ms)))
        return refusal;
    if (!stated.n)
        return REFUSAL_NONE;
    if ((refusal = read_time(scan, "timestamp", stated, &event->stated_ms)))
        return refusal;
    event->has_time = true;
    event->time_ms = event->stated_ms;
    if (sent_ms != INT64_MIN)
        event->time_ms += fields->received_ms - sent_ms;
    if (event->stated_ms < TIME_MIN_MS || event->stated_ms >= TIME_MAX_MS ||
        event->time_ms < TIME_MIN_MS || event->time_ms >= TIME_MAX_MS)
        return scan_refuse(scan, REFUSAL_TIME_OUT_OF_RANGE, "timestamp outside 1970-2105: %.*s",
                           SLICE_ARGS(utf8_cut(stated, 60)));
    return REFUSAL_NONE;
}

static bool has_property(const struct event_list *list, struct slice name) {
    for (size_t i = 0; i < list->n; i++)
        if (slice_equal(list->properties[i].name, name))
            return true;
    return false;
}

static void drop_nulls(struct event_list *list) {
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->properties[i].value.type != VALUE_NULL)
            list->properties[n++] = list->properties[i];
    list->n = n;
}

/* A page of a server-side client has no context.page: its path is the property. */
static void take_path(struct fields *fields) {
    struct event_context *context = &fields->context;
    for (size_t i = 0; i < fields->properties.n && !(context->said & 1u << KEPT_PAGE_PATH); i++) {
        const struct event_property *property = &fields->properties.properties[i];
        if (property->value.type == VALUE_TEXT && property->value.text.n &&
            slice_is(property->name, "path")) {
            context->kept[KEPT_PAGE_PATH] = property->value.text;
            context->said |= 1u << KEPT_PAGE_PATH;
        }
    }
}

/* Traits of context.traits that `traits` does not name. */
static enum refusal add_context_traits(struct scan *scan, struct fields *fields) {
    struct slice raw = fields->context.traits;
    struct event_property room[LIMIT_EVENT_PROPERTIES + 1];
    struct event_list more = {room, 0};
    struct scan again = {.p = raw.p,
                         .end = raw.p + raw.n,
                         .arena = scan->arena,
                         .message = scan->message,
                         .depth = 1};
    enum refusal refusal = event_read_list(&again, "traits", &more);
    for (size_t i = 0; i < more.n && !refusal; i++) {
        if (has_property(&fields->traits, more.properties[i].name))
            continue;
        if (fields->traits.n == LIMIT_EVENT_PROPERTIES)
            return scan_refuse(scan, REFUSAL_TOO_MANY_PROPERTIES, "more than %d traits",
                               LIMIT_EVENT_PROPERTIES);
        fields->traits.properties[fields->traits.n++] = more.properties[i];
    }
    return refusal;
}

static enum refusal decide_properties(struct scan *scan, struct fields *fields,
                                      struct event *event) {
    struct event_list *list = &fields->properties;
    if (event->type == EVENT_ALIAS)
        return REFUSAL_NONE;
    if (event->type > EVENT_SCREEN) {
        list = &fields->traits;
        if (event->type == EVENT_IDENTIFY && fields->context.traits.n) {
            enum refusal refusal = add_context_traits(scan, fields);
            if (refusal)
                return refusal;
        }
    } else {
        drop_nulls(list);
        struct slice category = SLICE_LITERAL("category");
        if (event->type != EVENT_TRACK && fields->category.n && !has_property(list, category))
            list->properties[list->n++] =
                (struct event_property){category, {.type = VALUE_TEXT, .text = fields->category}};
        if (event->type == EVENT_PAGE)
            take_path(fields);
    }
    event_take_context(&fields->context, scan->arena, event, list->properties, &list->n);
    event->n_properties = list->n;
    event->properties = arena_get(scan->arena, list->n * sizeof *event->properties);
    if (list->n)
        memcpy(event->properties, list->properties, list->n * sizeof *event->properties);
    return REFUSAL_NONE;
}

static enum refusal decide(struct scan *scan, struct fields *fields, int default_type,
                           struct event *event) {
    enum refusal refusal;
    if ((refusal = decide_type(scan, fields, default_type, &event->type)) ||
        (refusal = decide_name(scan, fields, event)) ||
        (refusal = decide_identity(scan, fields, event)) ||
        (refusal = decide_time(scan, fields, event)))
        return refusal;
    return decide_properties(scan, fields, event);
}

/* What stops the reader in the middle leaves the rest unread: is it JSON at all? */
static enum refusal refuse(struct scan *scan, struct slice json, enum refusal refusal) {
    if (refusal != REFUSAL_MALFORMED && !scan_is_json(json, scan->arena))
        return scan_malformed(scan);
    return refusal;
}

enum refusal event_parse(struct slice json, int default_type, int64_t sent_ms, int64_t received_ms,
                         struct arena *arena, struct event *event, char *message) {
    struct event_property properties[LIST_ROOM], traits[LIST_ROOM];
    struct fields fields;
    fields.type = fields.event = fields.name = fields.category = (struct slice){NULL, 0};
    fields.user_id = fields.anonymous_id = fields.previous_id = fields.group_id =
        (struct slice){NULL, 0};
    fields.message_id = fields.timestamp = fields.original = fields.sent = (struct slice){NULL, 0};
    event_context_init(&fields.context);
    fields.properties = (struct event_list){properties, 0};
    fields.traits = (struct event_list){traits, 0};
    fields.batch_sent_ms = sent_ms;
    fields.received_ms = received_ms;
    struct scan scan = {.p = json.p, .end = json.p + json.n, .arena = arena, .message = message};
    message[0] = 0;
    *event = (struct event){.raw = json};
    if (json.n > LIMIT_EVENT_BYTES)
        return refuse(&scan, json,
                      scan_refuse(&scan, REFUSAL_TOO_LARGE, "the event is over 32 KB"));
    if (!utf8_valid(json))
        return refuse(&scan, json,
                      scan_refuse(&scan, REFUSAL_NOT_UTF8, "the event is not valid UTF-8"));
    if (scan_peek(&scan) != '{')
        return refuse(&scan, json,
                      scan_refuse(&scan, REFUSAL_BAD_FIELD, "an event must be an object"));
    enum refusal refusal = read_fields(&scan, &fields);
    if (refusal)
        return refuse(&scan, json, refusal);
    return decide(&scan, &fields, default_type, event);
}
