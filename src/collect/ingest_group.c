/*
 * What an event of type group says of the group: its kind, the customer's role in it, and its attributes (customer/groups.h).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/json_out.h"
#include "collect/ingest_internal.h"

enum { ROLE_BYTES = 64 };

static void add_value(struct buf *out, const struct value *value) {
    switch (value->type) {
    case VALUE_FALSE: buf_add_text(out, "false"); break;
    case VALUE_TRUE: buf_add_text(out, "true"); break;
    case VALUE_INT: json_add_int(out, value->integer); break;
    case VALUE_NUMBER: json_add_number(out, value->number); break;
    case VALUE_TEXT: json_add_text(out, value->text); break;
    case VALUE_JSON: buf_add_slice(out, value->text); break;
    default: buf_add_text(out, "null"); break;
    }
}

static bool is_about_the_member(struct slice name) {
    return slice_is(name, "type") || slice_is(name, "kind") || slice_is(name, "role");
}

struct group_word *ingest_group(const struct event *event, struct arena *arena) {
    if (event->type != EVENT_GROUP || !event->group_id.n)
        return NULL;
    struct group_word *word = ARENA_ARRAY(arena, struct group_word, 1);
    *word = (struct group_word){.id = event->group_id, .bare = true};
    struct buf document;
    buf_init(&document, GROUP_MAX_BYTES);
    buf_add_text(&document, "{\"id\":");
    json_add_text(&document, event->group_id);
    for (size_t i = 0; i < event->n_properties; i++) {
        const struct event_property *trait = &event->properties[i];
        bool text = trait->value.type == VALUE_TEXT;
        if (text && (slice_is(trait->name, "type") || slice_is(trait->name, "kind")))
            group_kind_find(trait->value.text, &word->kind);
        if (text && slice_is(trait->name, "role") && trait->value.text.n <= ROLE_BYTES)
            word->role = trait->value.text;
        if (is_about_the_member(trait->name) || slice_is(trait->name, "id"))
            continue;
        buf_add_char(&document, ',');
        json_add_text(&document, trait->name);
        buf_add_char(&document, ':');
        add_value(&document, &trait->value);
        word->bare = false;
    }
    buf_add_char(&document, '}');
    word->document = document.full ? (struct slice){0} : arena_copy(arena, buf_slice(&document));
    buf_release(&document);
    return word->document.n ? word : NULL; /* too much to keep: it stays in the log alone */
}
