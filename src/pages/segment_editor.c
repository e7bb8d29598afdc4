/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/segment_editor.h"

#include <stdlib.h>

#include "base/time.h"
#include "http/app.h"
#include "number/number.h"
#include "pages/page.h"
#include "pages/text.h"
#include "query/sight.h"
#include "segment/segment.h"
#include "timeline/timeline.h"

enum { VALUES_MAX = 60 };

static const char *text_member(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void add_choice(json_t *list, const char *value, const char *text) {
    json_array_append_new(list, json_pack("{s:s, s:s}", "value", value, "text", text));
}

static int by_text(const void *a, const void *b) {
    return strcmp(text_member(*(json_t *const *)a, "text"),
                  text_member(*(json_t *const *)b, "text"));
}

static json_t *sorted(struct request *request, json_t *list) {
    size_t n = json_array_size(list);
    json_t **order = ARENA_ARRAY(request->arena, json_t *, n + 1), *out = json_array();
    for (size_t i = 0; i < n; i++)
        order[i] = json_array_get(list, i);
    qsort(order, n, sizeof *order, by_text);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, order[i]);
    json_decref(list);
    return out;
}

static json_t *dictionary_choices(struct request *request, enum dictionary_kind kind) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, kind); code++) {
        const char *name = arena_text(request->arena, dictionary_name(names, kind, (uint16_t)code));
        add_choice(list, name, text_of_name(request->language, name));
    }
    return sorted(request, list);
}

/* Names of properties that rows of a kind bear, as people call them. */
static json_t *column_choices(struct request *request, const struct snapshot *snapshot,
                              enum part_kind kind) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    const struct part *const *parts;
    json_t *list = json_array();
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    bool *seen = ARENA_ARRAY(request->arena, bool, UINT16_MAX + 1);
    size_t n = snapshot_parts(snapshot, kind, TIME_MIN_MS, TIME_MAX_MS, &parts, request->arena);
    for (size_t p = 0; p < n; p++)
        for (uint32_t c = 0; c < parts[p]->n_columns; c++) {
            uint32_t code = parts[p]->columns[c].code;
            if (seen[code] || sight_hides(&sight, code))
                continue;
            seen[code] = true;
            const char *name =
                           arena_text(request->arena,
                                      dictionary_name(names, DICTIONARY_PROPERTY, (uint16_t)code)),
                       *known = text_of_value(request->language, "property", name);
            add_choice(list, name, known ? known : name);
        }
    return sorted(request, list);
}

/* Values that answers bear in one of their properties. */
static json_t *answer_choices(struct request *request, const struct snapshot *snapshot,
                              const char *property, const char *prefix) {
    uint32_t code = dictionary_find(app_folder(request->app)->dictionary, DICTIONARY_PROPERTY,
                                    slice_of(property));
    const struct part *const *parts;
    json_t *list = json_array(), *seen = json_object();
    size_t n =
        snapshot_parts(snapshot, PART_ANSWERS, TIME_MIN_MS, TIME_MAX_MS, &parts, request->arena);
    for (size_t p = 0; p < n && code; p++) {
        struct err ignored = {0};
        const struct part_column *column =
            part_touch(parts[p], 0, &code, 1, &ignored) ? NULL : part_column_find(parts[p], code);
        for (uint32_t k = 0; column && k < column->n && json_object_size(seen) < VALUES_MAX; k++) {
            struct value value = part_column_value(column, k);
            if (value.type != VALUE_TEXT)
                continue;
            const char *text = arena_text(request->arena, value.text),
                       *known = prefix ? text_of_value(request->language, prefix, text) : NULL;
            if (json_object_get(seen, text))
                continue;
            json_object_set_new(seen, text, json_true());
            add_choice(list, text, known ? known : text);
        }
    }
    json_decref(seen);
    return sorted(request, list);
}

static json_t *segment_choices(struct request *request, const char *current) {
    json_t *list = json_array(), *segments = NULL, *segment;
    struct err ignored = {0};
    size_t i;
    if (segment_list(app_folder(request->app), &segments, &ignored))
        return list;
    json_array_foreach(segments, i, segment) {
        if (!current || strcmp(text_member(segment, "name"), current) != 0)
            add_choice(list, text_member(segment, "name"), text_member(segment, "title"));
    }
    json_decref(segments);
    return list;
}

static json_t *channel_choices(struct request *request) {
    const struct dictionary *names = app_folder(request->app)->dictionary;
    json_t *list = json_array();
    for (uint32_t code = 1; code <= dictionary_count(names, DICTIONARY_CHANNEL); code++) {
        const char *name = arena_text(request->arena,
                                      dictionary_name(names, DICTIONARY_CHANNEL, (uint16_t)code)),
                   *known = text_of_value(request->language, "channel", name);
        add_choice(list, name, known ? known : name);
    }
    return sorted(request, list);
}

static json_t *unit_choices(struct request *request) {
    json_t *list = json_array(), *answer = NULL, *unit;
    struct err ignored = {0};
    size_t i;
    if (page_fetch(request, "/api/v1/units", &answer, &ignored) < 0)
        return list;
    json_array_foreach(json_object_get(answer, "data"), i, unit) {
        const char *title = text_member(unit, "title"), *name = text_member(unit, "name");
        add_choice(list, name, title[0] ? title : name);
    }
    json_decref(answer);
    return list;
}

static json_t *number_choices(struct request *request) {
    json_t *list = json_array();
    for (size_t i = 0; i < NUMBERS_ASKED; i++) {
        const char *known = text_of_value(request->language, "segments.number", number_names[i]);
        add_choice(list, number_names[i], known ? known : number_names[i]);
    }
    return list;
}

static int names_json(struct request *request, const char *current, json_t **names,
                      struct err *err) {
    struct snapshot *snapshot;
    int code = timeline_snapshot(app_folder(request->app)->timeline, &snapshot, err);
    if (code)
        return code;
    *names = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "channels",
                       channel_choices(request), "units", unit_choices(request), "events",
                       dictionary_choices(request, DICTIONARY_EVENT), "touchpoints",
                       dictionary_choices(request, DICTIONARY_TOUCHPOINT), "traits",
                       column_choices(request, snapshot, PART_TRAITS), "properties",
                       column_choices(request, snapshot, PART_INTERACTIONS), "metrics",
                       answer_choices(request, snapshot, "metric", "metric"), "surveys",
                       answer_choices(request, snapshot, "survey", NULL), "questions",
                       answer_choices(request, snapshot, "question", NULL), "segments",
                       segment_choices(request, current), "numbers", number_choices(request));
    snapshot_release(snapshot);
    return 0;
}

/* Texts of the island: key in it, key of the text. */
static json_t *texts_json(const struct request *request) {
    static const char *const keys[][2] = {
#define OF(name) {#name, "segments.js." #name}
        OF(anything),
        OF(at),
        OF(time),
        OF(length),
        OF(unit),
        OF(from),
        OF(to),
        OF(with),
        OF(property),
        OF(channel),
        OF(any_channel),
        OF(place),
        OF(any_place),
        OF(another),
        OF(another_name),
        OF(never_seen),
        OF(nearest),
        OF(choose),
        OF(operator),
        OF(value),
        OF(remove_where),
        OF(add_step),
        OF(remove_step),
        OF(question),
        OF(any_question),
        OF(event),
        OF(times),
        OF(times_word),
        OF(trait),
        OF(metric),
        OF(any_metric),
        OF(survey),
        OF(any_survey),
        OF(answer),
        OF(then),
        OF(in_time),
        OF(never),
        OF(nothing),
        OF(number),
        OF(segment),
        OF(add_where),
        OF(kind),
        OF(remove),
        OF(group),
        OF(of_these),
        OF(remove_group),
        OF(add),
        OF(add_group),
        OF(unfinished),
        OF(unfinished_class),
        OF(share),
        OF(refused),
        OF(failed),
        OF(anonymous),
#undef OF
        {"op.=", "segments.op.="},
        {"op.!=", "segments.op.!="},
        {"op.<", "segments.op.<"},
        {"op.<=", "segments.op.<="},
        {"op.>", "segments.op.>"},
        {"op.>=", "segments.op.>="},
        {"op.in", "segments.op.in"},
        {"op.contains", "segments.op.contains"},
        {"op.exists", "segments.op.exists"},
        {"op.absent", "segments.op.absent"},
        {"unit.d", "segments.unit.d"},
        {"unit.h", "segments.unit.h"},
        {"unit.m", "segments.unit.m"},
        {"unit.w", "segments.unit.w"},
        {"time.", "segments.time.ever"},
        {"time.within", "segments.time.within"},
        {"time.range", "segments.time.range"},
        {"group.all", "segments.group.all"},
        {"group.any", "segments.group.any"},
        {"group.none", "segments.group.none"},
        {"kind.did", "segments.kind.did"},
        {"kind.did_not", "segments.kind.did_not"},
        {"kind.trait", "segments.kind.trait"},
        {"kind.answered", "segments.kind.answered"},
        {"kind.sequence", "segments.kind.sequence"},
        {"kind.value", "segments.kind.value"},
        {"kind.in", "segments.kind.in"},
        {"kind.not_in", "segments.kind.not_in"},
        {"kind.raw", "segments.kind.raw"},
    };
    json_t *texts = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_set_new(texts, keys[i][0], json_string(page_text(request, keys[i][1])));
    return texts;
}

json_t *segment_editor_colours(const char *chosen) {
    static const char *const colours[] = {
#define X(colour) #colour,
        SEGMENT_COLOURS(X)
#undef X
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "colour", colours[i], "checked",
                                              strcmp(colours[i], chosen) == 0));
    return list;
}

int segment_editor_view(struct request *request, const char *current, json_t *view,
                        struct err *err) {
    json_t *names = NULL;
    int code = names_json(request, current, &names, err);
    if (code)
        return code;
    json_object_set_new(view, "names", names);
    json_object_set_new(view, "texts", texts_json(request));
    return 0;
}
