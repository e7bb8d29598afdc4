/*
 * Event logs (XES, IEEE 1849): a trace is a customer, its events are interactions in the order of the file.
 *
 * The case's concept:name is the customer, the event's concept:name the event, time:timestamp the time,
 * lifecycle:transition the property `lifecycle`. Other attributes of an event become properties under their key; those
 * of the trace under "case:" and their key, as pm4py names them. Attributes of attributes become "outer.inner", also
 * inside lists and containers, so that an inner concept:name never replaces the outer one. <global>, <extension> and
 * <classifier> declare, they say nothing about events.
 *
 * The parser is suspended at the end of each event, so nothing of the file is held but the present trace's attributes.
 * The standard puts a trace's attributes before its events; an event before its case's name is refused.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "base/time.h"
#include "base/utf8.h"
#include "collect/import_reader.h"

enum { CHUNK_BYTES = 64 * 1024, DEPTH_MAX = 32, TRACE_ATTRIBUTES_MAX = 100 };

/* Where the parser is: the attributes inside belong to the innermost of these. */
enum place { IN_LOG, IN_TRACE, IN_EVENT, IN_DECLARATION };

struct xes {
    struct import_reader reader;
    struct import_stream *stream;
    const struct import_options *options;
    XML_Parser parser;
    bool suspended, ended, any_log;
    enum place place, outer; /* outer: of the event or declaration */
    int depth;               /* of attributes inside attributes */
    char *path[DEPTH_MAX];   /* keys of the open attributes, in the arena */
    uint64_t events;
    /* the trace */
    struct arena trace_arena;
    struct slice customer;
    struct event_property trace[TRACE_ATTRIBUTES_MAX];
    size_t n_trace;
    /* the event being read */
    struct arena event_arena;
    struct event_property properties[LIMIT_EVENT_PROPERTIES + 1];
    size_t n;
    struct slice name, time, lifecycle;
    enum refusal refusal;
    const char *why;
    bool ready;
};

/* Entities of its own could grow without end. */
static void refuse_entity(void *user, const XML_Char *name, int is_parameter, const XML_Char *value,
                          int n, const XML_Char *base, const XML_Char *system,
                          const XML_Char *public, const XML_Char *notation) {
    struct xes *xes = user;
    (void)name, (void)is_parameter, (void)value, (void)n, (void)base, (void)system, (void)public,
        (void)notation;
    XML_StopParser(xes->parser, XML_FALSE);
}

static const char *attribute(const char *const *attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static void refuse(struct xes *xes, enum refusal refusal, const char *why) {
    if (xes->place == IN_EVENT && !xes->refusal) {
        xes->refusal = refusal;
        xes->why = why;
    }
}

/* By the element: string date int float boolean id; list and container have no value. */
static bool take_value(const char *element, const char *text, struct arena *arena,
                       struct value *value) {
    char *end = NULL;
    if (!text)
        return false;
    if (strcmp(element, "int") == 0) {
        int64_t number = strtoll(text, &end, 10);
        *value = (struct value){.type = VALUE_INT, .integer = number};
        if (end != text && !*end && llabs(number) <= INT64_C(9007199254740992))
            return true;
    } else if (strcmp(element, "float") == 0) {
        double number = strtod(text, &end);
        *value = (struct value){.type = VALUE_NUMBER, .number = number};
        if (end != text && !*end)
            return number - number == 0; /* NaN and infinity are no values */
    } else if (strcmp(element, "boolean") == 0) {
        *value = (struct value){.type = strcasecmp(text, "true") == 0 ? VALUE_TRUE : VALUE_FALSE};
        return true;
    }
    *value = (struct value){.type = VALUE_TEXT, .text = arena_copy(arena, slice_of(text))};
    return text[0] != 0;
}

static void add_property(struct xes *xes, struct slice name, const char *element,
                         const char *text) {
    struct arena *arena = xes->place == IN_TRACE ? &xes->trace_arena : &xes->event_arena;
    struct value value;
    if (!name.n || !take_value(element, text, arena, &value))
        return;
    if (name.n > LIMIT_NAME_BYTES) {
        refuse(xes, REFUSAL_TOO_LONG, "the key of an attribute is longer than 255 bytes");
    } else if (xes->place == IN_TRACE) {
        if (xes->n_trace < TRACE_ATTRIBUTES_MAX)
            xes->trace[xes->n_trace++] = (struct event_property){
                slice_of(arena_format(arena, "case:%.*s", SLICE_ARGS(name))), value};
    } else if (xes->n >= LIMIT_EVENT_PROPERTIES) {
        refuse(xes, REFUSAL_TOO_MANY_PROPERTIES, "more than 255 attributes");
    } else {
        for (size_t i = 0; i < xes->n; i++) /* the first of a key twice stays */
            if (slice_equal(xes->properties[i].name, name))
                return;
        xes->properties[xes->n++] = (struct event_property){arena_copy(arena, name), value};
    }
}

/* Attributes with a meaning; true if it was one. */
static bool take_known(struct xes *xes, const char *key, const char *text) {
    if (xes->place == IN_TRACE && strcmp(key, "concept:name") == 0) {
        xes->customer = arena_copy(&xes->trace_arena, slice_of(text ? text : ""));
        return true;
    }
    if (xes->place != IN_EVENT)
        return false;
    struct slice *known = strcmp(key, "concept:name") == 0           ? &xes->name
                          : strcmp(key, "time:timestamp") == 0       ? &xes->time
                          : strcmp(key, "lifecycle:transition") == 0 ? &xes->lifecycle
                                                                     : NULL;
    if (known && !known->n)
        *known = arena_copy(&xes->event_arena, slice_of(text ? text : ""));
    return known && known != &xes->lifecycle;
}

static void start_attribute(struct xes *xes, const char *element, const char *const *attributes) {
    const char *key = attribute(attributes, "key"), *text = attribute(attributes, "value");
    struct arena *arena = xes->place == IN_TRACE ? &xes->trace_arena : &xes->event_arena;
    key = key ? key : "";
    if (xes->place == IN_LOG || xes->place == IN_DECLARATION) {
        xes->depth++;
        return;
    }
    const char *outer = xes->depth && xes->depth <= DEPTH_MAX ? xes->path[xes->depth - 1] : "";
    char *full = xes->depth ? arena_format(arena, "%s%s%s", outer, *outer && *key ? "." : "", key)
                            : arena_text(arena, slice_of(key));
    if (xes->depth < DEPTH_MAX)
        xes->path[xes->depth] = full;
    else
        refuse(xes, REFUSAL_TOO_DEEP, "attributes inside attributes, deeper than 32");
    bool top = xes->depth++ == 0;
    if (top && take_known(xes, key, text))
        return;
    bool lifecycle = top && xes->place == IN_EVENT && strcmp(key, "lifecycle:transition") == 0;
    add_property(xes, slice_of(lifecycle ? "lifecycle" : full), element, text);
}

static bool is_declaration(const char *name) {
    return strcmp(name, "global") == 0 || strcmp(name, "classifier") == 0 ||
           strcmp(name, "extension") == 0;
}

static void start_trace(struct xes *xes) {
    xes->place = IN_TRACE;
    arena_clear(&xes->trace_arena);
    xes->customer = (struct slice){NULL, 0};
    xes->n_trace = 0;
}

static void start_event(struct xes *xes) {
    if (xes->place == IN_LOG) { /* outside any trace: it has no customer */
        xes->customer = (struct slice){NULL, 0};
        xes->n_trace = 0;
    }
    xes->outer = xes->place;
    xes->place = IN_EVENT;
    arena_clear(&xes->event_arena);
    xes->n = 0;
    xes->refusal = REFUSAL_NONE;
    xes->name = xes->time = xes->lifecycle = (struct slice){NULL, 0};
}

/* Whatever is not part of the frame is an attribute, and so is all inside it. */
static void start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xes *xes = user;
    bool frame = !xes->depth && (xes->place == IN_LOG || xes->place == IN_TRACE);
    name = local_name(name);
    if (!xes->any_log && strcmp(name, "log") == 0) {
        xes->any_log = true;
    } else if (frame && xes->place == IN_LOG && strcmp(name, "trace") == 0) {
        start_trace(xes);
    } else if (frame && strcmp(name, "event") == 0) {
        start_event(xes);
    } else if (frame && is_declaration(name)) {
        xes->outer = xes->place;
        xes->place = IN_DECLARATION;
    } else {
        start_attribute(xes, name, (const char *const *)attributes);
    }
}

static void end(void *user, const XML_Char *name) {
    struct xes *xes = user;
    (void)name;
    if (xes->depth) {
        xes->depth--;
        return;
    }
    switch (xes->place) {
    case IN_LOG: break;
    case IN_TRACE: xes->place = IN_LOG; break;
    case IN_DECLARATION: xes->place = xes->outer; break;
    case IN_EVENT:
        xes->place = xes->outer;
        xes->events++;
        xes->ready = true;
        XML_StopParser(xes->parser, XML_TRUE);
        break;
    }
}

/* ---- rows ---- */

static int parse_more(struct xes *xes, struct err *err) {
    enum XML_Status status;
    if (xes->suspended) {
        status = XML_ResumeParser(xes->parser);
    } else {
        struct slice text = import_stream_text(xes->stream);
        if (!text.n) {
            int code = import_stream_fill(xes->stream, err);
            if (code < 0)
                return code;
            text = import_stream_text(xes->stream);
        }
        size_t n = text.n < CHUNK_BYTES ? text.n : CHUNK_BYTES;
        void *chunk = XML_GetBuffer(xes->parser, CHUNK_BYTES);
        if (!chunk)
            abort();
        memcpy(chunk, text.p, n);
        import_stream_take(xes->stream, n);
        xes->ended = n == 0;
        status = XML_ParseBuffer(xes->parser, (int)n, n == 0);
    }
    xes->suspended = status == XML_STATUS_SUSPENDED;
    if (status == XML_STATUS_ERROR)
        return err_set(err, E_MALFORMED, "the log is not valid XML in line %llu: %s",
                       (unsigned long long)XML_GetCurrentLineNumber(xes->parser),
                       XML_ErrorString(XML_GetErrorCode(xes->parser)));
    return 0;
}

static bool has_control(struct slice text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return true;
    return false;
}

static enum refusal refuse_row(struct import_row *row, enum refusal refusal, const char *why) {
    snprintf(row->message, sizeof row->message, "%s", why);
    return refusal;
}

static enum refusal check(const struct xes *xes, struct import_row *row) {
    if (xes->refusal)
        return refuse_row(row, xes->refusal, xes->why);
    if (!xes->customer.n)
        return refuse_row(row, REFUSAL_NO_IDENTITY,
                          "the trace has no concept:name before its events");
    if (!xes->name.n)
        return refuse_row(row, REFUSAL_NO_NAME, "the event has no concept:name");
    if (xes->customer.n > LIMIT_ID_BYTES || xes->name.n > LIMIT_NAME_BYTES)
        return refuse_row(row, REFUSAL_TOO_LONG, "concept:name is longer than 255 bytes");
    if (has_control(xes->customer) || has_control(xes->name))
        return refuse_row(row, REFUSAL_CONTROL_CHARACTER, "control character in concept:name");
    if (!xes->time.n)
        return refuse_row(row, REFUSAL_BAD_TIME, "the event has no time:timestamp");
    struct event *event = &row->event;
    if (time_parse(utf8_trim(xes->time), xes->options->zone, &event->stated_ms)) {
        snprintf(row->message, sizeof row->message, "time:timestamp is not an instant: %.*s",
                 SLICE_ARGS(utf8_cut(xes->time, 60)));
        return REFUSAL_BAD_TIME;
    }
    if (event->stated_ms < TIME_MIN_MS || event->stated_ms >= TIME_MAX_MS)
        return refuse_row(row, REFUSAL_TIME_OUT_OF_RANGE, "time:timestamp outside 1970-2105");
    if (xes->n + xes->n_trace > LIMIT_EVENT_PROPERTIES)
        return refuse_row(row, REFUSAL_TOO_MANY_PROPERTIES,
                          "more than 255 attributes of event and trace");
    return REFUSAL_NONE;
}

static void copy_properties(struct arena *arena, struct event *event,
                            const struct event_property *properties, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct event_property *copy = &event->properties[event->n_properties++];
        *copy = properties[i];
        copy->name = arena_copy(arena, copy->name);
        if (copy->value.type >= VALUE_TEXT)
            copy->value.text = arena_copy(arena, copy->value.text);
    }
}

static void take_row(const struct xes *xes, struct arena *arena, struct import_row *row) {
    row->number = xes->events;
    row->raw =
        slice_of(arena_format(arena, "case %.*s, event %.*s, time %.*s", SLICE_ARGS(xes->customer),
                              SLICE_ARGS(xes->name), SLICE_ARGS(xes->time)));
    row->event = (struct event){.type = EVENT_TRACK, .raw = row->raw, .has_time = true};
    row->refusal = check(xes, row);
    if (row->refusal)
        return;
    struct event *event = &row->event;
    event->time_ms = event->stated_ms;
    event->user_id = arena_copy(arena, xes->customer);
    event->name = arena_copy(arena, xes->name);
    event->properties = arena_get(arena, (xes->n + xes->n_trace) * sizeof *event->properties);
    copy_properties(arena, event, xes->properties, xes->n);
    copy_properties(arena, event, xes->trace, xes->n_trace);
}

/* An event without a transition counts as complete. */
static bool is_kept(const struct xes *xes) {
    const char *want = xes->options->lifecycle;
    if (!want)
        return true;
    struct slice have = xes->lifecycle.n ? xes->lifecycle : SLICE_LITERAL("complete");
    return have.n == strlen(want) && strncasecmp(have.p, want, have.n) == 0;
}

static int xes_next(struct import_reader *reader, struct arena *arena, struct import_row *row,
                    struct err *err) {
    struct xes *xes = (struct xes *)reader;
    for (;;) {
        xes->ready = false;
        if (xes->ended && !xes->suspended)
            return xes->any_log ? 0 : err_set(err, E_MALFORMED, "this is not an event log (XES)");
        int code = parse_more(xes, err);
        if (code)
            return code;
        if (xes->ready && is_kept(xes))
            break;
    }
    take_row(xes, arena, row);
    return 1;
}

static void xes_close(struct import_reader *reader) {
    struct xes *xes = (struct xes *)reader;
    XML_ParserFree(xes->parser);
    import_stream_close(xes->stream);
    arena_release(&xes->trace_arena);
    arena_release(&xes->event_arena);
    free(xes);
}

static void xes_progress(const struct import_reader *reader, uint64_t *position, uint64_t *size) {
    const struct xes *xes = (const struct xes *)reader;
    *position = import_stream_position(xes->stream);
    *size = import_stream_size(xes->stream);
}

int import_open_xes(struct import_reader **reader, struct import_stream *stream,
                    const struct import_options *options, struct err *err) {
    static const struct import_reader_class class = {xes_next, xes_close, xes_progress};
    struct xes *xes = calloc(1, sizeof *xes);
    (void)err;
    if (!xes || !(xes->parser = XML_ParserCreate(NULL)))
        abort();
    xes->reader.class = &class;
    xes->stream = stream;
    xes->options = options;
    arena_init(&xes->trace_arena);
    arena_init(&xes->event_arena);
    XML_SetUserData(xes->parser, xes);
    XML_SetElementHandler(xes->parser, start, end);
    XML_SetEntityDeclHandler(xes->parser, refuse_entity);
    *reader = &xes->reader;
    return 0;
}
