/*
 * An event as a line of JSON, as an SDK would have sent it (items of /v1/batch): for tests, and for people who want
 * to see or re-send the demo's data.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/json_out.h"
#include "base/time.h"
#include "demo/internal.h"

static void add_value(struct buf *line, const struct value *value) {
    switch (value->type) {
    case VALUE_TRUE: buf_add_text(line, "true"); break;
    case VALUE_FALSE: buf_add_text(line, "false"); break;
    case VALUE_INT: json_add_int(line, value->integer); break;
    case VALUE_NUMBER: json_add_number(line, value->number); break;
    case VALUE_TEXT: json_add_text(line, value->text); break;
    case VALUE_JSON: buf_add_slice(line, value->text); break;
    default: buf_add_text(line, "null");
    }
}

static void add_member(struct buf *line, const char *name, struct slice text) {
    if (!text.p)
        return;
    json_add_name(line, name);
    json_add_text(line, text);
}

static bool is_context(struct slice name, const char *prefix) {
    size_t n = strlen(prefix);
    return name.n > n && memcmp(name.p, prefix, n) == 0;
}

/* context.<group>.<leaf> properties, as {"<group>":{"<leaf>":…}}. */
static void add_context_group(struct buf *line, const struct event *event, const char *group) {
    char prefix[32] = "context.";
    size_t n = strlen(group);
    memcpy(prefix + 8, group, n);
    prefix[8 + n] = '.';
    prefix[9 + n] = 0;
    bool open = false;
    for (size_t i = 0; i < event->n_properties; i++) {
        const struct event_property *property = &event->properties[i];
        if (!is_context(property->name, prefix))
            continue;
        if (!open)
            json_add_name(line, group), buf_add_char(line, '{');
        open = true;
        char leaf[64];
        size_t m = property->name.n - (9 + n);
        if (m >= sizeof leaf)
            continue;
        memcpy(leaf, property->name.p + 9 + n, m);
        leaf[m] = 0;
        json_add_name(line, leaf);
        add_value(line, &property->value);
    }
    if (open)
        buf_add_char(line, '}');
}

static void add_context(struct buf *line, const struct event *event) {
    static const char *const groups[] = {"page", "device", "campaign", "os"};
    json_add_name(line, "context");
    buf_add_char(line, '{');
    add_member(line, "channel", event->channel);
    add_member(line, "touchpoint", event->touchpoint);
    add_member(line, "unit", event->unit);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        add_context_group(line, event, groups[i]);
    if (event->n_external) {
        json_add_name(line, "externalIds");
        buf_add_char(line, '[');
        for (size_t i = 0; i < event->n_external; i++) {
            buf_add_text(line, i ? ",{" : "{");
            add_member(line, "type", event->external[i].external_type);
            add_member(line, "id", event->external[i].value);
            buf_add_text(line, ",\"collection\":\"users\",\"encoding\":\"none\"}");
        }
        buf_add_char(line, ']');
    }
    buf_add_char(line, '}');
}

void demo_write_json(const struct event *event, struct buf *line) {
    static const char *const types[] = {"track", "page", "screen", "identify", "group", "alias"};
    char time[TIME_TEXT_BYTES];
    time_format(event->time_ms, time);
    buf_add_char(line, '{');
    add_member(line, "type", slice_of(types[event->type]));
    if (event->type != EVENT_IDENTIFY)
        add_member(line, event->type == EVENT_TRACK ? "event" : "name", event->name);
    add_member(line, "userId", event->user_id);
    add_member(line, "anonymousId", event->anonymous_id);
    add_member(line, "messageId", event->message_id);
    add_member(line, "timestamp", slice_of(time));
    json_add_name(line, event->type == EVENT_IDENTIFY ? "traits" : "properties");
    buf_add_char(line, '{');
    for (size_t i = 0; i < event->n_properties; i++) {
        const struct event_property *property = &event->properties[i];
        if (is_context(property->name, "context.") || property->name.n > 63)
            continue;
        char name[64];
        memcpy(name, property->name.p, property->name.n);
        name[property->name.n] = 0;
        json_add_name(line, name);
        add_value(line, &property->value);
    }
    buf_add_char(line, '}');
    add_context(line, event);
    buf_add_text(line, "}\n");
}
