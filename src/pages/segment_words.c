/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/segment_words.h"

#include <stdio.h>
#include <stdlib.h>

#include "pages/page.h"
#include "pages/text.h"

enum { WORDS_MAX_BYTES = 8192, VALUES_SHOWN = 5, DECIMALS = 4 };

struct words {
    struct request *request;
    const json_t *titles;
    struct buf out; /* of the leaf in hand */
};

static void add_word(struct words *words, const char *text) {
    if (!text[0])
        return;
    if (words->out.n)
        buf_add_char(&words->out, ' ');
    buf_add_text(&words->out, text);
}

static void add_key(struct words *words, const char *key) {
    add_word(words, page_text(words->request, key));
}

static const char *text_in(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* "«Pedido completado»" */
static void add_name(struct words *words, const char *name) {
    add_word(words, arena_format(words->request->arena, "«%s»",
                                 text_of_name(words->request->language, name)));
}

static void add_names(struct words *words, const json_t *names) {
    size_t i;
    json_t *name;
    if (json_is_string(names))
        add_name(words, json_string_value(names));
    json_array_foreach((json_t *)(uintptr_t)names, i, name) {
        if (i)
            add_key(words, "segments.words.or");
        add_name(words, json_string_value(name) ? json_string_value(name) : "");
    }
}

static void add_channels(struct words *words, const json_t *channels) {
    json_t *names = json_is_array(channels) ? json_array() : NULL, *name;
    const char *language = words->request->language;
    size_t i;
    if (!names) {
        const char *channel = json_string_value(channels),
                   *known = channel ? text_of_value(language, "channel", channel) : NULL;
        add_name(words, known ? known : channel ? channel : "");
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)channels, i, name) {
        const char *channel = json_string_value(name),
                   *known = channel ? text_of_value(language, "channel", channel) : NULL;
        json_array_append_new(names, json_string(known ? known : channel ? channel : ""));
    }
    add_names(words, names);
    json_decref(names);
}

static const char *value_text(struct words *words, const json_t *value) {
    struct arena *arena = words->request->arena;
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_array(value)) {
        char *list = arena_format(arena, "%s", "");
        for (size_t i = 0; i < json_array_size(value); i++)
            list = i < VALUES_SHOWN ? arena_format(arena, "%s%s%s", list, i ? ", " : "",
                                                   value_text(words, json_array_get(value, i)))
                                    : list;
        return json_array_size(value) > VALUES_SHOWN ? arena_format(arena, "%s …", list) : list;
    }
    if (json_is_boolean(value))
        return page_text(words->request,
                         json_is_true(value) ? "segments.words.yes" : "segments.words.no");
    struct buf number;
    buf_init(&number, 64);
    if (json_is_number(value))
        format_number(page_format(words->request), json_number_value(value), DECIMALS, &number);
    const char *text = arena_text(arena, buf_slice(&number));
    buf_release(&number);
    return text;
}

static void add_op(struct words *words, const json_t *condition) {
    const char *op = text_in(condition, "op"), *known;
    known = text_of_value(words->request->language, "segments.op", op[0] ? op : "=");
    add_word(words, known ? known : op);
    const json_t *value = json_object_get(condition, "value");
    if (value)
        add_word(words, value_text(words, value));
}

static void add_where(struct words *words, const json_t *where) {
    size_t i;
    json_t *condition;
    json_array_foreach((json_t *)(uintptr_t)where, i, condition) {
        const char *property = text_in(condition, "property"),
                   *known = text_of_value(words->request->language, "property", property);
        add_key(words, i ? "segments.words.and" : "segments.words.with");
        add_word(words, known ? known : property);
        add_op(words, condition);
    }
}

static void add_matcher(struct words *words, const json_t *matcher) {
    const json_t *event = json_object_get(matcher, "event"),
                 *touchpoint = json_object_get(matcher, "touchpoint");
    if (event)
        add_names(words, event);
    if (touchpoint) {
        add_key(words, "segments.words.at");
        add_names(words, touchpoint);
    }
    if (!event && !touchpoint)
        add_key(words, "segments.words.anything");
    if (json_object_get(matcher, "channel")) {
        add_key(words, "segments.words.by");
        add_channels(words, json_object_get(matcher, "channel"));
    }
    if (json_object_get(matcher, "unit")) {
        add_key(words, "segments.words.in_unit");
        add_names(words, json_object_get(matcher, "unit"));
    }
    add_where(words, json_object_get(matcher, "where"));
}

/* Of "30d" the text that its unit has in this family. */
static const char *text_of_length(struct words *words, const char *family, const char *length) {
    const char *key = arena_format(words->request->arena, "segments.words.%s.%c", family,
                                   length[strspn(length, "0123456789")]);
    return text_of_count(words->request->language, key, strtod(length, NULL));
}

/* "30d" -> "30 días". */
static void add_length(struct words *words, const char *length) {
    add_word(words, arena_format(words->request->arena, "%ld %s", strtol(length, NULL, 10),
                                 text_of_length(words, "unit", length)));
}

/* "24h" -> "en las últimas 24 horas", "1h" -> "en la última hora". */
static void add_within(struct words *words, const char *length) {
    add_word(words, text_of_length(words, "within", length));
    if (strtol(length, NULL, 10) == 1)
        add_word(words, text_of_length(words, "unit", length));
    else
        add_length(words, length);
}

static void add_window(struct words *words, const json_t *rule) {
    const char *within = text_in(rule, "within");
    const json_t *range = json_object_get(rule, "range");
    if (within[0])
        add_within(words, within);
    if (text_in(range, "from")[0]) {
        add_key(words, "segments.words.from");
        add_word(words, text_in(range, "from"));
    }
    if (text_in(range, "to")[0]) {
        add_key(words, "segments.words.to");
        add_word(words, text_in(range, "to"));
    }
}

/* ">=2" -> "al menos 2 veces"; once is not said. */
static void add_times(struct words *words, const char *times) {
    size_t op = strspn(times, "<>=!");
    const char *digits = times + op;
    char name[4] = "";
    while (*digits == ' ')
        digits++;
    snprintf(name, sizeof name, "%.*s", (int)(op < 3 ? op : 2), times);
    const char *known = text_of_value(words->request->language, "segments.times",
                                      strcmp(name, "==") == 0 ? "=" : name);
    double n = strtod(digits, NULL);
    if (known && strcmp(times, ">=1") != 0)
        add_word(words,
                 arena_format(words->request->arena, "%s %s %s", known, digits,
                              text_of_count(words->request->language, "segments.words.times", n)));
}

static void say_did(struct words *words, const json_t *rule) {
    const char *times = text_in(rule, "times");
    bool never = strcmp(times, "=0") == 0 || strcmp(times, "==0") == 0;
    bool anything = !json_object_size(json_object_get(rule, "did"));
    add_key(words, !never     ? "segments.words.did"
                   : anything ? "segments.words.nothing"
                              : "segments.words.did_not");
    if (!never || !anything)
        add_matcher(words, json_object_get(rule, "did"));
    if (!never)
        add_times(words, times);
    add_window(words, rule);
}

static void say_answered(struct words *words, const json_t *answered) {
    static const char *const members[] = {"metric", "survey", "question"};
    add_key(words, "segments.words.answered");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *text = text_in(answered, members[i]);
        const char *known = i ? NULL : text_of_value(words->request->language, "metric", text);
        if (text[0])
            add_word(words, known ? known : arena_format(words->request->arena, "«%s»", text));
    }
    if (json_object_get(answered, "value"))
        add_op(words, answered);
    add_window(words, answered);
}

static void say_sequence(struct words *words, const json_t *rule) {
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(rule, "sequence"), i, step) {
        if (i)
            add_key(words, "segments.words.then");
        add_matcher(words, step);
    }
    if (text_in(rule, "within")[0]) {
        add_key(words, "segments.words.in");
        add_length(words, text_in(rule, "within"));
    }
    if (json_object_get(rule, "never")) {
        add_key(words, "segments.words.never");
        add_matcher(words, json_object_get(rule, "never"));
    }
}

static void say_leaf(struct words *words, const json_t *rule, bool without) {
    const json_t *value = json_object_get(rule, "value");
    if (json_object_get(rule, "did")) {
        say_did(words, rule);
    } else if (json_object_get(rule, "answered")) {
        say_answered(words, json_object_get(rule, "answered"));
    } else if (json_object_get(rule, "sequence")) {
        say_sequence(words, rule);
    } else if (json_object_get(rule, "in")) {
        const char *title = text_in(words->titles, text_in(rule, "in"));
        add_key(words, without ? "segments.words.not_in" : "segments.words.is_in");
        add_word(words, arena_format(words->request->arena, "«%s»",
                                     title[0] ? title : text_in(rule, "in")));
    } else if (json_object_get(rule, "trait")) {
        const char *trait = text_in(rule, "trait"),
                   *known = text_of_value(words->request->language, "property", trait);
        add_word(words, known ? known : trait);
        add_op(words, rule);
    } else if (json_is_object(value)) {
        const char *of = text_in(value, "of"),
                   *known = text_of_value(words->request->language, "segments.number", of);
        add_word(words, known ? known : of);
        add_op(words, value);
    }
}

static json_t *leaf_words(struct request *request, const json_t *rule, const json_t *titles,
                          bool without) {
    struct words words = {.request = request, .titles = titles};
    buf_init(&words.out, WORDS_MAX_BYTES);
    say_leaf(&words, rule, without);
    struct slice text = buf_slice(&words.out);
    json_t *json = json_pack("{s:s%, s:[]}", "text", text.p, text.n, "children");
    buf_release(&words.out);
    return json ? json : json_pack("{s:s, s:[]}", "text", "", "children");
}

json_t *segment_words(struct request *request, const json_t *rule, const json_t *titles) {
    const json_t *not = json_object_get(rule, "not"), *all = json_object_get(rule, "all"),
                 *any = json_object_get(rule, "any"), *none = json_object_get(not, "any");
    const json_t *list = all ? all : any ? any : none;
    size_t i;
    json_t *child;
    if (not &&json_object_get(not, "in"))
        return leaf_words(request, not, titles, true);
    if (!list && !not )
        return leaf_words(request, rule, titles, false);
    json_t *children = json_array();
    json_array_foreach((json_t *)(uintptr_t)list, i, child)
        json_array_append_new(children, segment_words(request, child, titles));
    if (!list)
        json_array_append_new(children, segment_words(request, not, titles));
    return json_pack("{s:s, s:o}", "text",
                     page_text(request, all   ? "segments.words.all"
                                        : any ? "segments.words.any"
                                              : "segments.words.none"),
                     "children", children);
}
