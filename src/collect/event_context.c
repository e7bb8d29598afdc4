/*
 * `context` of an event or of a batch, and runs of properties. Members that Senda does not read are checked and dropped
 * (library, userAgent, screen, …): the closed list of event_fields.h keeps what questions are asked about.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>

#include "base/utf8.h"
#include "collect/event_fields.h"

/* "context.page.path" and its last member "path". */
static const struct slice kept_names[KEPT_COUNT] = {
#define X(name, group, member) SLICE_CONSTANT("context." group member),
    KEPT_TABLE(X)
#undef X
};
static const struct slice kept_members[KEPT_COUNT] = {
#define X(name, group, member) SLICE_CONSTANT(member),
    KEPT_TABLE(X)
#undef X
};

/* C0, DEL and C1 controls from p on. */
static bool find_control(const char *p, const char *end) {
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && p + 1 < end && (unsigned char)p[1] < 0xa0))
            return true;
    }
    return false;
}

/* The same, eight bytes at a time while they are printable ASCII. */
static bool has_control(struct slice text) {
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    const char *p = text.p, *end = p + text.n;
    uint64_t word;
    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        /* a byte >= 0x80, < 0x20 (borrows) or 0x7f (carries) sets a high bit; false alarms cost a second look */
        if ((word | (word - ones * 0x20) | (word + ones)) & high)
            return find_control(p, end);
    }
    return find_control(p, end);
}

static enum refusal check_name(struct scan *scan, const char *what, size_t max, struct slice text) {
    if (text.n > max)
        return scan_refuse(scan, REFUSAL_TOO_LONG, "%s is longer than %zu bytes", what, max);
    if (has_control(text))
        return scan_refuse(scan, REFUSAL_CONTROL_CHARACTER, "control character in %s", what);
    return REFUSAL_NONE;
}

/* Digits only: identifiers beyond 53 bits keep all of them. */
static bool is_whole(struct slice token) {
    for (size_t i = 0; i < token.n; i++)
        if ((token.p[i] < '0' || token.p[i] > '9') && (i || token.p[0] != '-'))
            return false;
    return token.n > 0;
}

enum refusal event_read_name(struct scan *scan, const char *what, size_t max, bool number,
                             struct slice *text) {
    struct value value;
    const char *from = scan->p;
    enum refusal refusal = scan_value(scan, &value);
    if (refusal || value.type == VALUE_NULL)
        return refusal;
    if (number && is_whole((struct slice){from, (size_t)(scan->p - from)})) {
        *text = (struct slice){from, (size_t)(scan->p - from)};
        return REFUSAL_NONE;
    }
    if (value.type != VALUE_TEXT)
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "%s must be text", what);
    if (value.text.n)
        *text = value.text;
    return check_name(scan, what, max, value.text);
}

/* A property called "context.…" would look like one of ours. */
static struct slice own_name(struct scan *scan, struct slice name) {
    static const char prefix[] = "context.";
    if (name.n < sizeof prefix - 1 || memcmp(name.p, prefix, sizeof prefix - 1) != 0)
        return name;
    char *text = arena_format(scan->arena, "properties.%.*s", SLICE_ARGS(name));
    return slice_of(text);
}

enum refusal event_read_list(struct scan *scan, const char *what, struct event_list *list) {
    struct scan_object object;
    struct slice name;
    if (*scan->p == 'n')
        return scan_skip(scan);
    if (*scan->p != '{')
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "%s must be an object", what);
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal)) {
        if (list->n == LIMIT_EVENT_PROPERTIES)
            return scan_refuse(scan, REFUSAL_TOO_MANY_PROPERTIES, "more than %d %s",
                               LIMIT_EVENT_PROPERTIES, what);
        if (!name.n)
            return scan_refuse(scan, REFUSAL_BAD_FIELD, "a name in %s is empty", what);
        if ((refusal = check_name(scan, "a property name", LIMIT_NAME_BYTES, name)))
            return refusal;
        struct event_property *property = &list->properties[list->n++];
        property->name = own_name(scan, name);
        refusal = scan_value(scan, &property->value);
    }
    return refusal;
}

/* Texts that are kept if they are texts; a browser's empty ones count as absent. */
static enum refusal read_kept(struct scan *scan, struct event_context *context, enum kept kept) {
    if (*scan->p != '"')
        return scan_skip(scan);
    struct slice text;
    enum refusal refusal = scan_text(scan, &text);
    if (!refusal && text.n) {
        context->kept[kept] = text;
        context->said |= 1u << kept;
    }
    return refusal;
}

/* An object inside context, of which some members are kept: those of KEPT_… from first to last. */
static enum refusal read_group(struct scan *scan, struct event_context *context, enum kept first,
                               enum kept last) {
    struct scan_object object;
    struct slice name;
    if (*scan->p != '{')
        return scan_skip(scan);
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal)) {
        unsigned i = first;
        while (i <= last && !slice_equal(name, kept_members[i]))
            i++;
        refusal = i <= last ? read_kept(scan, context, (enum kept)i) : scan_skip(scan);
    }
    return refusal;
}

/* Its id is an identifier of kind device (customer/kinds.h), like an external id of that type; of the rest the type is kept. A client
 * library fills it with anything, so what is no name is passed over. */
static enum refusal read_device(struct scan *scan, struct event_context *context) {
    struct scan_object object;
    struct slice name, id = {NULL, 0};
    if (*scan->p != '{')
        return scan_skip(scan);
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal)) {
        if (slice_is(name, "id") && *scan->p == '"')
            refusal = scan_text(scan, &id);
        else if (slice_is(name, "type"))
            refusal = read_kept(scan, context, KEPT_DEVICE_TYPE);
        else
            refusal = scan_skip(scan);
    }
    if (!refusal && id.n && id.n <= LIMIT_ID_BYTES && !has_control(id) &&
        context->n_external < MAX_EXTERNAL_IDS)
        context->external[context->n_external++] =
            (struct identity){IDENTITY_EXTERNAL, SLICE_LITERAL("device"), id};
    return refusal;
}

/* One {"id","type","collection","encoding"}; other collections than users are not people. */
static enum refusal read_external(struct scan *scan, struct event_context *context) {
    struct scan_object object;
    struct slice name, id = {NULL, 0}, type = {NULL, 0}, collection = {NULL, 0};
    if (scan_peek(scan) != '{')
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "externalIds must hold objects");
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal)) {
        if (slice_is(name, "id"))
            refusal = event_read_name(scan, "an external id", LIMIT_ID_BYTES, true, &id);
        else if (slice_is(name, "type"))
            refusal =
                event_read_name(scan, "the type of an external id", LIMIT_NAME_BYTES, false, &type);
        else if (slice_is(name, "collection"))
            refusal = event_read_name(scan, "the collection of an external id", LIMIT_NAME_BYTES,
                                      false, &collection);
        else
            refusal = scan_skip(scan);
    }
    if (refusal || !id.n || (collection.n && !slice_is(collection, "users")))
        return refusal;
    if (!type.n)
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "an external id needs a type");
    if (context->n_external == MAX_EXTERNAL_IDS)
        return scan_refuse(scan, REFUSAL_TOO_MANY_PROPERTIES, "more than %d external ids",
                           MAX_EXTERNAL_IDS);
    context->external[context->n_external++] = (struct identity){IDENTITY_EXTERNAL, type, id};
    return REFUSAL_NONE;
}

static enum refusal read_externals(struct scan *scan, struct event_context *context) {
    if (*scan->p == 'n')
        return scan_skip(scan);
    if (*scan->p != '[')
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "externalIds must be an array");
    scan->p++;
    if (scan_peek(scan) == ']') {
        scan->p++;
        return REFUSAL_NONE;
    }
    for (;;) {
        enum refusal refusal = read_external(scan, context);
        if (refusal)
            return refusal;
        char c = scan_peek(scan);
        scan->p += scan->p < scan->end;
        if (c == ']')
            return REFUSAL_NONE;
        if (c != ',')
            return scan_malformed(scan);
    }
}

/* {"categoryPreferences": {"marketing": true, …}}; what is neither true nor false says nothing. */
static enum refusal read_preferences(struct scan *scan, struct event_context *context) {
    struct scan_object object;
    struct slice name;
    if (*scan->p != '{')
        return scan_skip(scan);
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal)) {
        struct value value;
        refusal = scan_value(scan, &value);
        bool said = value.type == VALUE_TRUE || value.type == VALUE_FALSE;
        if (!refusal && said && context->n_choices < MAX_CHOICES)
            context->choices[context->n_choices++] =
                (struct event_choice){name, value.type == VALUE_TRUE};
    }
    return refusal;
}

static enum refusal read_consent(struct scan *scan, struct event_context *context) {
    struct scan_object object;
    struct slice name;
    if (*scan->p != '{')
        return scan_skip(scan);
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal))
        refusal = slice_is(name, "categoryPreferences") ? read_preferences(scan, context)
                                                        : scan_skip(scan);
    return refusal;
}

static enum refusal read_traits(struct scan *scan, struct event_context *context) {
    const char *from = scan->p;
    bool object = *from == '{';
    enum refusal refusal = scan_skip(scan);
    if (!refusal && object)
        context->traits = (struct slice){from, (size_t)(scan->p - from)};
    return refusal;
}

/* A member whose name has at most four letters. */
static enum refusal read_short_member(struct scan *scan, struct slice name,
                                      struct event_context *context) {
    if (slice_is(name, "ip"))
        return read_kept(scan, context, KEPT_IP);
    if (slice_is(name, "os"))
        return read_group(scan, context, KEPT_OS_NAME, KEPT_OS_NAME);
    if (slice_is(name, "app"))
        return read_group(scan, context, KEPT_APP_VERSION, KEPT_APP_VERSION);
    if (slice_is(name, "page"))
        return read_group(scan, context, KEPT_PAGE_PATH, KEPT_PAGE_TITLE);
    if (slice_is(name, "unit"))
        return event_read_name(scan, "context.unit", LIMIT_NAME_BYTES, true, &context->unit);
    return scan_skip(scan);
}

static enum refusal read_member(struct scan *scan, struct slice name,
                                struct event_context *context) {
    switch (name.n) {
    case 2:
    case 3:
    case 4: return read_short_member(scan, name, context);
    case 6:
        if (slice_is(name, "locale"))
            return read_kept(scan, context, KEPT_LOCALE);
        if (slice_is(name, "device"))
            return read_device(scan, context);
        if (slice_is(name, "traits"))
            return read_traits(scan, context);
        break;
    case 7:
        if (slice_is(name, "channel"))
            return event_read_name(scan, "context.channel", LIMIT_NAME_BYTES, false,
                                   &context->channel);
        if (slice_is(name, "consent"))
            return read_consent(scan, context);
        break;
    case 8:
        if (slice_is(name, "campaign"))
            return read_group(scan, context, KEPT_CAMPAIGN_NAME, KEPT_CAMPAIGN_CONTENT);
        break;
    case 10:
        if (slice_is(name, "touchpoint"))
            return event_read_name(scan, "context.touchpoint", LIMIT_NAME_BYTES, false,
                                   &context->touchpoint);
        break;
    case 11:
        if (slice_is(name, "externalIds"))
            return read_externals(scan, context);
        break;
    default: break;
    }
    return scan_skip(scan);
}

enum refusal event_read_context(struct scan *scan, struct event_context *context) {
    struct scan_object object;
    struct slice name;
    if (*scan->p == 'n')
        return scan_skip(scan);
    if (*scan->p != '{')
        return scan_refuse(scan, REFUSAL_BAD_FIELD, "context must be an object");
    enum refusal refusal = scan_open(scan, &object);
    while (!refusal && scan_member(scan, &object, &name, &refusal))
        refusal = read_member(scan, name, context);
    return refusal;
}

static bool is_kept(struct slice name) { return name.n > 8 && memcmp(name.p, "context.", 8) == 0; }

/* Whether the event bears the kept member already: they stand at the end. */
static bool has_kept(const struct event_property *properties, size_t n, struct slice name) {
    for (size_t i = n; i-- > 0 && is_kept(properties[i].name);)
        if (slice_equal(properties[i].name, name))
            return true;
    return false;
}

void event_take_context(const struct event_context *context, struct arena *arena,
                        struct event *event, struct event_property *properties, size_t *n) {
    if (!event->channel.p)
        event->channel = context->channel;
    if (!event->touchpoint.p)
        event->touchpoint = context->touchpoint;
    if (!event->unit.p)
        event->unit = context->unit;
    if (!event->n_external && context->n_external) {
        event->external = ARENA_ARRAY(arena, struct identity, context->n_external);
        memcpy(event->external, context->external, context->n_external * sizeof *event->external);
        event->n_external = context->n_external;
    }
    if (!event->n_choices && context->n_choices) {
        size_t bytes = context->n_choices * sizeof *context->choices;
        event->choices = memcpy(arena_get(arena, bytes), context->choices, bytes);
        event->n_choices = context->n_choices;
    }
    if (event->type > EVENT_SCREEN)
        return;
    bool fresh = !*n || !is_kept(properties[*n - 1].name);
    for (unsigned said = context->said; said; said &= said - 1) {
        int i = __builtin_ctz(said);
        if (fresh || !has_kept(properties, *n, kept_names[i]))
            properties[(*n)++] = (struct event_property){
                kept_names[i], {.type = VALUE_TEXT, .text = context->kept[i]}};
    }
}

enum refusal event_add_context(struct slice context, struct arena *arena, struct event *event,
                               char *message) {
    struct scan scan = {.p = context.p,
                        .end = context.p + context.n,
                        .arena = arena,
                        .message = message,
                        .depth = 1};
    struct event_context read;
    event_context_init(&read);
    if (!scan_peek(&scan))
        return REFUSAL_NONE;
    enum refusal refusal = event_read_context(&scan, &read);
    if (refusal)
        return refusal;
    struct event_property *properties =
        arena_get(arena, (event->n_properties + KEPT_COUNT) * sizeof *properties);
    if (event->n_properties)
        memcpy(properties, event->properties, event->n_properties * sizeof *properties);
    event_take_context(&read, arena, event, properties, &event->n_properties);
    event->properties = properties;
    return REFUSAL_NONE;
}
