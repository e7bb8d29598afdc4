/*
 * What the form of a question shows: controls with their options, rows, errors. Texts come from po/ ("explore.…").
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "folder/folder.h"
#include "pages/explore.h"
#include "pages/text.h"
#include "pages/unit_titles.h"
#include "pages/words.h"
#include "query/sight.h"

enum { MAX_NAMES = 2000, MAX_BY = 150 };

static void add_option(json_t *options, const char *value, const char *text, const char *chosen) {
    json_array_append_new(options, json_pack("{s:s, s:s, s:b}", "value", value, "text", text,
                                             "selected", strcmp(value, chosen) == 0));
}

/* A select over the words of `values` ("a b c"); their texts are "prefix.WORD". */
static json_t *select_of(const struct request *request, const char *name, const char *prefix,
                         const char *values, const char *chosen) {
    json_t *options = json_array();
    while (*values) {
        size_t n = strcspn(values, " ");
        const char *word = arena_format(request->arena, "%.*s", (int)n, values);
        const char *text = text_of_value(request->language, prefix, word);
        add_option(options, word, text ? text : word, chosen);
        values += n;
        values += *values == ' ';
    }
    return json_pack("{s:s, s:o}", "name", name, "options", options);
}

/* The same as a labelled field: "explore.field.NAME". */
static void add_select(const struct request *request, const struct question *question, json_t *view,
                       const char *name, const char *prefix, const char *values) {
    json_t *field = select_of(request, name, prefix, values, question_get(question, name));
    const char *label = text_of_value(request->language, "explore.field", name);
    json_object_set_new(field, "label", json_string(label ? label : name));
    json_object_set_new(view, name, field);
}

/* As people call an event, if the words lead back to it. */
static const char *shown_event(const struct request *request, const char *event) {
    const char *shown = text_of_value(request->language, "event", event);
    if (!shown || strcmp(shown, event) == 0)
        return event;
    const char *back =
        words_event_named(request->language, app_folder(request->app)->dictionary, shown);
    return strcmp(back, event) == 0 ? shown : event;
}

static void add_input(const struct request *request, const struct question *question, json_t *view,
                      const char *name) {
    const char *label = text_of_value(request->language, "explore.field", name),
               *value = question_get(question, name);
    json_object_set_new(view, name,
                        json_pack("{s:s, s:s, s:s}", "name", name, "label", label ? label : name,
                                  "value", strcmp(value, "*") == 0 ? "" : value));
}

/* A field that names an event shows it as people call it; what is written in the address goes beside it. */
static void put_event(const struct request *request, json_t *field, const char *member,
                      const char *event) {
    const char *shown = shown_event(request, event);
    json_object_set_new(field, member, json_string(shown));
    if (shown != event)
        json_object_set_new(field, "key", json_string(event));
}

static void add_matcher(const struct request *request, const struct question *question,
                        json_t *view, const char *name) {
    const char *value = question_get(question, name);
    add_input(request, question, view, name);
    put_event(request, json_object_get(view, name), "value", strcmp(value, "*") == 0 ? "" : value);
}

static const char OPS[] = "= != > >= < <= contains in exists absent";

static json_t *row_base(const struct question *question, int group, size_t row,
                        const char *prefix) {
    return json_pack("{s:I, s:s, s:b, s:b}", "n", (json_int_t)row, "name",
                     arena_format(question->arena, "%s%zu", prefix, row), "first", row == 1, "last",
                     row >= question->rows[group]);
}

static void add_condition(const struct request *request, const struct question *question,
                          json_t *row, int group, size_t n, const char *prefix) {
    json_object_set_new(row, "property", json_string(question_row(question, group, n, "p")));
    json_object_set_new(row, "value", json_string(question_row(question, group, n, "v")));
    const char *op = question_row(question, group, n, "o");
    json_object_set_new(row, "op",
                        select_of(request, arena_format(request->arena, "%s%zuo", prefix, n),
                                  "explore.op", OPS, *op ? op : "="));
}

static json_t *steps_view(const struct request *request, const struct question *question) {
    json_t *rows = json_array();
    for (size_t n = 1; n <= question->shown[ROWS_STEPS]; n++) {
        json_t *row = row_base(question, ROWS_STEPS, n, "s");
        const char *event = question_row(question, ROWS_STEPS, n, "");
        put_event(request, row, "event", event);
        add_condition(request, question, row, ROWS_STEPS, n, "s");
        json_object_set_new(row, "conditioned",
                            json_boolean(*question_row(question, ROWS_STEPS, n, "p")));
        json_object_set_new(row, "removable", json_boolean(question->shown[ROWS_STEPS] > 2));
        json_object_set_new(row, "filled", json_boolean(*event));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *filters_view(const struct request *request, const struct question *question) {
    json_t *rows = json_array();
    for (size_t n = 1; n <= question->shown[ROWS_FILTERS]; n++) {
        json_t *row = row_base(question, ROWS_FILTERS, n, "f");
        add_condition(request, question, row, ROWS_FILTERS, n, "f");
        json_array_append_new(rows, row);
    }
    return rows;
}

/* What is stored at an address of the API ("/api/v1/segments") as options, their values behind a prefix; empty where there is
 * nothing or the asker may not see it. */
static json_t *stored_options(struct request *request, const char *path, const char *prefix,
                              const char *chosen) {
    json_t *options = json_array(), *answer, *stored;
    struct err ignored = {0};
    size_t i;
    if (page_fetch(request, path, &answer, &ignored) < 0)
        return options;
    json_array_foreach(json_object_get(answer, "data"), i, stored) {
        const char *name = json_string_value(json_object_get(stored, "name"));
        add_option(options, arena_format(request->arena, "%s%s", prefix, name),
                   json_string_value(json_object_get(stored, "title")), chosen);
    }
    json_decref(answer);
    return options;
}

/* Which stored segment a rule means: chosen from the list. */
static void add_stored(struct request *request, const struct question *question, size_t n,
                       json_t *row) {
    const char *chosen = question_row(question, ROWS_SEGMENT, n, "s");
    json_t *options = stored_options(request, "/api/v1/segments", "", chosen);
    bool any = json_array_size(options);
    json_array_insert_new(
        options, 0,
        json_pack("{s:s, s:s, s:b}", "value", "", "text",
                  text_of(request->language, any ? "explore.pick_segment" : "explore.no_segments"),
                  "selected", !*chosen));
    json_object_set_new(row, "stored",
                        json_pack("{s:s, s:o}", "name", arena_format(request->arena, "g%zus", n),
                                  "options", options));
}

static json_t *rules_view(struct request *request, const struct question *question) {
    json_t *rows = json_array();
    for (size_t n = 1; n <= question->shown[ROWS_SEGMENT]; n++) {
        json_t *row = row_base(question, ROWS_SEGMENT, n, "g");
        const char *kind = question_row(question, ROWS_SEGMENT, n, "k");
        json_object_set_new(row, "kind",
                            select_of(request, arena_format(request->arena, "g%zuk", n),
                                      "explore.rule", "trait did did_not in",
                                      *kind ? kind : "trait"));
        add_condition(request, question, row, ROWS_SEGMENT, n, "g");
        put_event(request, row, "event", question_row(question, ROWS_SEGMENT, n, "e"));
        json_object_set_new(row, "times",
                            json_string(question_row(question, ROWS_SEGMENT, n, "n")));
        json_object_set_new(row, "days", json_string(question_row(question, ROWS_SEGMENT, n, "w")));
        add_stored(request, question, n, row);
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *exclusions_view(const struct request *request, const struct question *question) {
    json_t *rows = json_array();
    for (size_t n = 1; n <= question->shown[ROWS_EXCLUSIONS]; n++) {
        json_t *row = row_base(question, ROWS_EXCLUSIONS, n, "x");
        put_event(request, row, "event", question_row(question, ROWS_EXCLUSIONS, n, ""));
        json_object_set_new(row, "after",
                            json_string(question_row(question, ROWS_EXCLUSIONS, n, "a")));
        json_object_set_new(row, "before",
                            json_string(question_row(question, ROWS_EXCLUSIONS, n, "b")));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* What somebody may pick: events, then touchpoints as "@name". */
static json_t *names_view(const struct request *request, const struct question *question) {
    json_t *names = json_array();
    for (int kind = 0; kind < 2; kind++) {
        enum dictionary_kind in = kind ? DICTIONARY_TOUCHPOINT : DICTIONARY_EVENT;
        const char *text =
            text_of(request->language, kind ? "explore.is_touchpoint" : "explore.is_event");
        for (unsigned code = 1;
             code <= dictionary_count(question->dictionary, in) && code <= MAX_NAMES; code++) {
            struct slice name = dictionary_name(question->dictionary, in, (uint16_t)code);
            if (!name.n)
                continue;
            const char *key =
                arena_format(request->arena, "%s%.*s", kind ? "@" : "", SLICE_ARGS(name));
            const char *shown = kind ? key : shown_event(request, key);
            json_array_append_new(
                names, json_pack("{s:s, s:s}", "value", shown, "text", shown == key ? text : key));
        }
    }
    return names;
}

/* Those that the asker may ask by. */
static json_t *properties_view(const struct request *request, const struct question *question) {
    struct sight sight = sight_of(app_folder(request->app), &request->principal);
    json_t *names = json_array();
    for (int context = 0; context < 2; context++) {
        for (unsigned code = 1;
             code <= dictionary_count(question->dictionary, DICTIONARY_PROPERTY) &&
             code <= MAX_NAMES;
             code++) {
            struct slice name =
                dictionary_name(question->dictionary, DICTIONARY_PROPERTY, (uint16_t)code);
            bool is_context = name.n > 8 && memcmp(name.p, "context.", 8) == 0;
            if (name.n && is_context == (context == 1) && !sight_hides(&sight, code))
                json_array_append_new(names, json_stringn(name.p, name.n));
        }
    }
    return names;
}

static void add_channels(const struct request *request, const struct question *question,
                         json_t *view) {
    json_t *channels = json_array();
    for (unsigned code = 1;
         code <= dictionary_count(question->dictionary, DICTIONARY_CHANNEL) && code <= 64; code++) {
        const char *name =
            arena_text(request->arena,
                       dictionary_name(question->dictionary, DICTIONARY_CHANNEL, (uint16_t)code));
        const char *text = text_of_value(request->language, "channel", name);
        bool checked = false;
        for (size_t i = 0; i < json_array_size(question->channels); i++)
            checked |= strcmp(json_string_value(json_array_get(question->channels, i)), name) == 0;
        json_array_append_new(channels, json_pack("{s:s, s:s, s:b}", "value", name, "text",
                                                  text ? text : name, "checked", checked));
    }
    json_object_set_new(view, "has_channels", json_boolean(json_array_size(channels) > 1));
    json_object_set_new(view, "channels", channels);
}

static void add_units(struct request *request, const struct question *question, json_t *view) {
    json_t *options = json_array();
    const char *chosen = question_get(question, "unit");
    struct unit_titles *titles = unit_titles_new(request);
    add_option(options, "", text_of(request->language, "explore.every_unit"), chosen);
    for (unsigned code = 1;
         code <= dictionary_count(question->dictionary, DICTIONARY_UNIT) && code <= MAX_NAMES;
         code++) {
        const char *name = arena_text(
            request->arena, dictionary_name(question->dictionary, DICTIONARY_UNIT, (uint16_t)code));
        bool allowed = !request->principal.units;
        for (size_t i = 0; i < request->principal.n_units; i++)
            allowed = allowed || request->principal.units[i] == code;
        if (*name && allowed)
            add_option(options, name, unit_title(titles, name), chosen);
    }
    if (json_array_size(options) < 2) {
        json_decref(options);
        return;
    }
    json_object_set_new(view, "unit",
                        json_pack("{s:s, s:s, s:o}", "name", "unit", "label",
                                  text_of(request->language, "explore.field.unit"), "options",
                                  options));
}

/* A named group of options in a list; none where it is empty. Takes the options over. */
static void add_group(const struct request *request, json_t *groups, const char *text,
                      json_t *options) {
    if (json_array_size(options))
        json_array_append_new(
            groups,
            json_pack("{s:s, s:O}", "text", text_of(request->language, text), "options", options));
    json_decref(options);
}

/* Breakdown: dimensions, segmentations, then properties, then traits (names are shared; the question says which is meant). */
static void add_by(struct request *request, const struct question *question,
                   const json_t *properties, json_t *view) {
    const char *chosen = question_get(question, "by");
    json_t *field =
        select_of(request, "by", "explore.by",
                  question->rows[ROWS_SEGMENT] ? "channel unit touchpoint event week segment"
                                               : "channel unit touchpoint event week",
                  chosen);
    json_t *options = json_object_get(field, "options"), *groups = json_array();
    json_t *by_property = json_array(), *by_trait = json_array();
    json_array_insert_new(options, 0,
                          json_pack("{s:s, s:s, s:b}", "value", "", "text",
                                    text_of(request->language, "explore.by_none"), "selected",
                                    !*chosen));
    for (size_t i = 0; i < json_array_size(properties) && i < MAX_BY; i++) {
        const char *name = json_string_value(json_array_get(properties, i));
        add_option(by_property, arena_format(request->arena, "p:%s", name), name, chosen);
        if (strncmp(name, "context.", 8) != 0)
            add_option(by_trait, arena_format(request->arena, "t:%s", name), name, chosen);
    }
    json_object_set_new(field, "label",
                        json_string(text_of(request->language, "explore.field.by")));
    add_group(request, groups, "explore.segmentations",
              stored_options(request, "/api/v1/segmentations", "s:", chosen));
    add_group(request, groups, "explore.properties", by_property);
    add_group(request, groups, "explore.traits", by_trait);
    json_object_set_new(field, "groups", groups);
    json_object_set_new(view, "by", field);
}

static void add_tabs(const struct question *question, json_t *view) {
    json_t *tabs = json_array();
    for (int kind = 0; kind < EXPLORE_KINDS; kind++)
        json_array_append_new(
            tabs, json_pack("{s:s, s:s, s:b}", "kind", explore_kind_name((enum explore_kind)kind),
                            "href", question_address(question, (enum explore_kind)kind, ""),
                            "current", kind == (int)question->kind));
    json_object_set_new(view, "tabs", tabs);
}

static void add_kind_fields(const struct request *request, const struct question *question,
                            json_t *view) {
    switch (question->kind) {
    case EXPLORE_TREND:
        add_matcher(request, question, view, "of");
        add_select(request, question, view, "measure", "explore.measure",
                   "count customers sum mean");
        add_input(request, question, view, "prop");
        add_select(request, question, view, "every", "explore.every", "hour day week month");
        add_select(request, question, view, "shape", "explore.shape", "area lines stacked");
        json_object_set_new(view, "compare", json_boolean(*question_get(question, "compare")));
        break;
    case EXPLORE_FUNNEL:
        json_object_set_new(view, "steps", steps_view(request, question));
        json_object_set_new(view, "exclusions", exclusions_view(request, question));
        add_input(request, question, view, "w");
        add_select(request, question, view, "wu", "explore.wu", "m h d");
        add_select(request, question, view, "order", "explore.order", "ordered strict any");
        add_select(request, question, view, "entry", "explore.entry", "any first");
        json_object_set_new(view, "options_open",
                            json_boolean(question->shown[ROWS_EXCLUSIONS] ||
                                         strcmp(question_get(question, "order"), "ordered") != 0 ||
                                         strcmp(question_get(question, "entry"), "any") != 0));
        break;
    case EXPLORE_RETENTION:
        add_matcher(request, question, view, "start");
        add_matcher(request, question, view, "return");
        add_select(request, question, view, "every", "explore.every", "day week month");
        add_select(request, question, view, "rm", "explore.rm", "calendar rolling unbounded");
        add_input(request, question, view, "periods");
        break;
    default:
        add_select(request, question, view, "level", "explore.level", "event touchpoint channel");
        add_select(request, question, view, "case", "explore.case", "customer session property");
        add_input(request, question, view, "casep");
        add_input(request, question, view, "top");
        add_input(request, question, view, "min");
        add_select(request, question, view, "view", "explore.view", "map sankey");
        add_select(request, question, view, "color", "explore.color", "count time");
        add_select(request, question, view, "places", "explore.places", "fit 10 20 40 80");
    }
}

void explore_form_view(struct request *request, const struct question *question, json_t *view) {
    json_t *properties = properties_view(request, question);
    const char *kind = explore_kind_name(question->kind);
    json_object_set_new(view, "kind", json_string(kind));
    json_object_set_new(view, "is", json_pack("{s:b}", kind, true));
    json_object_set_new(view, "action", json_sprintf("/explore/%s", kind));
    json_object_set_new(view, "address",
                        json_string(question_address(question, question->kind, "")));
    json_object_set_new(view, "csv",
                        json_string(question_address(question, question->kind, ".csv")));
    json_object_set_new(view, "svg",
                        json_string(question_address(question, question->kind, ".svg")));
    add_tabs(question, view);
    add_select(request, question, view, "range", "explore.range",
               "last_7d last_30d last_90d last_12m this_month previous_month this_year all custom");
    add_input(request, question, view, "from");
    add_input(request, question, view, "to");
    add_channels(request, question, view);
    add_units(request, question, view);
    add_by(request, question, properties, view);
    if (question->kind != EXPLORE_FUNNEL)
        json_object_set_new(view, "system",
                            json_pack("{s:b}", "checked", *question_get(question, "sys") != 0));
    add_kind_fields(request, question, view);
    json_object_set_new(view, "filters", filters_view(request, question));
    json_object_set_new(view, "rules", rules_view(request, question));
    json_object_set_new(
        view, "more_open",
        json_boolean(question->shown[ROWS_FILTERS] || question->shown[ROWS_SEGMENT] ||
                     json_array_size(question->channels) || *question_get(question, "unit") ||
                     *question_get(question, "sys")));
    json_object_set_new(view, "several_rules", json_boolean(question->shown[ROWS_SEGMENT] > 1));
    add_select(request, question, view, "g", "explore.g", "all any");
    json_object_set_new(view, "names", names_view(request, question));
    json_object_set_new(view, "properties", properties);
    /* counts of rows go with the form, so that an added row stays while it is empty */
    json_object_set_new(view, "counts",
                        json_pack("{s:I, s:I, s:I, s:I}", "s",
                                  (json_int_t)question->shown[ROWS_STEPS], "f",
                                  (json_int_t)question->shown[ROWS_FILTERS], "g",
                                  (json_int_t)question->shown[ROWS_SEGMENT], "x",
                                  (json_int_t)question->shown[ROWS_EXCLUSIONS]));
}
