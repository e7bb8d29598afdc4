/*
 * A request body into events: finds where each element of "batch" ends by counting brackets outside strings. What is
 * inside an event is left to event_parse, which reports what is not JSON.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "base/utf8.h"
#include "collect/event_scan.h"

struct split {
    struct scan scan;
    struct event_batch *batch;
    bool has_batch;
    struct err *err;
};

/* Behind a string that begins at p; NULL if it does not end. */
static const char *string_end(const char *p, const char *end) {
    p = scan_plain(p + 1, end);
    while (p < end && *p == '\\')
        p = end - p > 2 ? scan_plain(p + 2, end) : end;
    return p < end && *p == '"' ? p + 1 : NULL;
}

/* Behind the value that begins at p, by brackets alone; NULL if it does not end. */
static const char *value_end(const char *p, const char *end) {
    size_t depth = 0;
    while (p < end) {
        switch (*p) {
        case '"':
            if (!(p = string_end(p, end)))
                return NULL;
            if (!depth)
                return p;
            continue;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (depth == 0)
                return p; /* of what is around a bare scalar */
            if (--depth == 0)
                return p + 1;
            break;
        case ',':
            if (depth == 0)
                return p;
            break;
        default: break;
        }
        p++;
    }
    return NULL;
}

static int malformed(struct split *split) {
    return err_set(split->err, E_MALFORMED, "the body is not valid JSON");
}

static int add_event(struct split *split, struct slice event, size_t *capacity) {
    struct event_batch *batch = split->batch;
    if (batch->n == LIMIT_BATCH_EVENTS)
        return err_at(split->err, E_TOO_LARGE, "/batch", "more than %d events in a batch",
                      LIMIT_BATCH_EVENTS);
    if (batch->n == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        struct slice *events = ARENA_ARRAY(split->scan.arena, struct slice, *capacity);
        if (batch->n)
            memcpy(events, batch->events, batch->n * sizeof *events);
        batch->events = events;
    }
    batch->events[batch->n++] = event;
    return 0;
}

/* At the value of "batch". */
static int split_array(struct split *split) {
    struct scan *scan = &split->scan;
    size_t capacity = 0;
    split->has_batch = true;
    if (*scan->p != '[')
        return err_at(split->err, E_MALFORMED, "/batch", "batch must be an array");
    scan->p++;
    if (scan_peek(scan) == ']') {
        scan->p++;
        return 0;
    }
    for (;;) {
        scan_blank(scan);
        const char *from = scan->p, *end = value_end(from, scan->end);
        if (!end || end == from)
            return malformed(split);
        scan->p = end;
        while (scan_is_blank(end[-1]))
            end--;
        int code = add_event(split, (struct slice){from, (size_t)(end - from)}, &capacity);
        if (code)
            return code;
        char c = scan_peek(scan);
        scan->p += scan->p < scan->end;
        if (c == ']')
            return 0;
        if (c != ',')
            return malformed(split);
    }
}

static int split_refused(struct split *split, enum refusal refusal) {
    struct slice message = slice_of(split->scan.message);
    if (refusal == REFUSAL_MALFORMED || !utf8_valid(message))
        return malformed(split);
    return err_set(split->err, E_MALFORMED, "%s in the body", split->scan.message);
}

static int split_context(struct split *split) {
    struct scan *scan = &split->scan;
    const char *from = scan->p;
    enum refusal refusal = scan_skip(scan);
    if (refusal)
        return split_refused(split, refusal);
    struct slice context = {from, (size_t)(scan->p - from)};
    if (!utf8_valid(context))
        return err_at(split->err, E_MALFORMED, "/context", "context is not valid UTF-8");
    if (*from == '{')
        split->batch->context = context;
    else if (*from != 'n')
        return err_at(split->err, E_MALFORMED, "/context", "context must be an object");
    return 0;
}

/* Texts of the wrapper that we read. *text stays absent for another type. */
static int split_text(struct split *split, struct slice *text) {
    struct value value;
    enum refusal refusal = scan_value(&split->scan, &value);
    if (refusal)
        return split_refused(split, refusal);
    if (value.type == VALUE_TEXT) {
        if (!utf8_valid(value.text))
            return err_set(split->err, E_MALFORMED, "the body is not valid UTF-8");
        *text = value.text;
    }
    return 0;
}

static int split_sent(struct split *split) {
    struct slice text = {NULL, 0};
    int code = split_text(split, &text);
    if (code || !text.n)
        return code;
    if (time_parse(text, NULL, &split->batch->sent_ms) || split->batch->sent_ms < TIME_MIN_MS ||
        split->batch->sent_ms >= TIME_MAX_MS)
        return err_at(split->err, E_INVALID, "/sentAt",
                      "sentAt is no instant between 1970 and 2105");
    return 0;
}

static int split_member(struct split *split, struct slice name) {
    if (slice_is(name, "batch"))
        return split_array(split);
    if (slice_is(name, "sentAt"))
        return split_sent(split);
    if (slice_is(name, "writeKey"))
        return split_text(split, &split->batch->write_key);
    if (slice_is(name, "context"))
        return split_context(split);
    enum refusal refusal = scan_skip(&split->scan);
    return refusal ? split_refused(split, refusal) : 0;
}

static int split_batch(struct split *split) {
    struct scan_object object;
    struct slice name;
    enum refusal refusal = REFUSAL_NONE;
    if (scan_peek(&split->scan) != '{')
        return malformed(split);
    (void)scan_open(&split->scan, &object);
    while (scan_member(&split->scan, &object, &name, &refusal)) {
        int code = split_member(split, name);
        if (code)
            return code;
    }
    if (refusal)
        return split_refused(split, refusal);
    if (scan_peek(&split->scan) || split->scan.p != split->scan.end)
        return malformed(split);
    if (!split->has_batch)
        return err_at(split->err, E_MALFORMED, "/batch", "the body has no batch");
    return 0;
}

/* Looks for writeKey; whatever is wrong is left to event_parse. */
static void find_write_key(struct split *split) {
    struct scan *scan = &split->scan;
    struct scan_object object;
    struct slice name;
    enum refusal refusal;
    if (scan_peek(scan) != '{')
        return;
    (void)scan_open(scan, &object);
    while (scan_member(scan, &object, &name, &refusal)) {
        if (slice_is(name, "writeKey")) {
            if (*scan->p != '"' || scan_text(scan, &name) || !utf8_valid(name))
                return;
            split->batch->write_key = name;
            return;
        }
        const char *end = value_end(scan->p, scan->end);
        if (!end)
            return;
        scan->p = end;
    }
}

int event_batch_split(struct slice body, bool single, struct arena *arena,
                      struct event_batch *batch, struct err *err) {
    char message[EVENT_MESSAGE_BYTES] = "";
    struct split split = {.batch = batch, .err = err};
    split.scan =
        (struct scan){.p = body.p, .end = body.p + body.n, .arena = arena, .message = message};
    *batch = (struct event_batch){.sent_ms = INT64_MIN};
    if (body.n >= 3 && memcmp(body.p, "\xef\xbb\xbf", 3) == 0)
        split.scan.p += 3;
    if (!single)
        return split_batch(&split);
    scan_blank(&split.scan);
    const char *end = split.scan.end;
    while (end > split.scan.p && scan_is_blank(end[-1]))
        end--;
    batch->events = ARENA_ARRAY(arena, struct slice, 1);
    batch->events[0] = (struct slice){split.scan.p, (size_t)(end - split.scan.p)};
    batch->n = 1;
    find_write_key(&split);
    return 0;
}
