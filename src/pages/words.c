/*
 * From names and values of events to words.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/words.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "pages/text.h"

enum { MAIN_MAX = 4, VALUE_MAX_BYTES = 300 };

/* What tells an interaction, most telling first. */
static const char *const telling[] = {"query",      "results",        "face",
                                      "score",      "rating",         "question",
                                      "comment",    "reason",         "motive",
                                      "cause",      "result",         "solved",
                                      "product",    "name",           "plan",
                                      "change",     "total",          "revenue",
                                      "amount",     "price",          "promised",
                                      "excess_pct", "payment_method", "step_name",
                                      "article",    "promise",        "kept",
                                      "discount",   "status",         "outcome",
                                      "duration_s", "wait_min",       "context.page.path",
                                      "path",       "title"};

static const struct {
    const char *suffix;
    double seconds;
} time_suffixes[] = {{"_s", 1},       {"_min", 60},     {"_minutes", 60},
                     {"_seconds", 1}, {"_hours", 3600}, {"_ms", 0.001}};

static const char *const money_names[] = {"total", "revenue",  "price",   "amount",   "promised",
                                          "fee",   "shipping", "value",   "discount", "tax",
                                          "cuota", "subtotal", "importe", "precio"};

const char *words_event(const struct format *format, const char *event) {
    const char *text = text_of_value(format_language(format), "event", event);
    return text ? text : event;
}

const char *words_event_named(const char *language, const struct dictionary *dictionary,
                              const char *text) {
    if (dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(text)))
        return text;
    const char *const languages[] = {language, "es",
                                     "en"}; /* addresses are shared between readers */
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        const char *event = text_value_named(languages[i], "event", text);
        if (event && dictionary_find(dictionary, DICTIONARY_EVENT, slice_of(event)))
            return event;
    }
    return text;
}

const char *words_property(const struct format *format, const char *name, struct arena *arena) {
    const char *text = text_of_value(format_language(format), "property", name);
    if (text)
        return text;
    if (strncmp(name, "context.", 8) == 0)
        name += 8;
    size_t n = strlen(name), out = 0;
    char *words = arena_get(arena, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        bool joint = name[i] == '_' || name[i] == '.' || name[i] == '-';
        bool hump = i && isupper((unsigned char)name[i]) && islower((unsigned char)name[i - 1]);
        if (joint || hump)
            words[out++] = ' ';
        if (!joint)
            words[out++] = hump ? (char)tolower((unsigned char)name[i]) : name[i];
    }
    words[out] = 0;
    if (out)
        words[0] = (char)toupper((unsigned char)words[0]);
    return words;
}

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

static bool is_money(const char *name) {
    for (size_t i = 0; i < sizeof money_names / sizeof *money_names; i++)
        if (strcmp(name, money_names[i]) == 0)
            return true;
    return false;
}

static void add_number(const struct format *format, const char *name, double value,
                       const char *currency, struct buf *out) {
    for (size_t i = 0; i < sizeof time_suffixes / sizeof *time_suffixes; i++)
        if (ends_with(name, time_suffixes[i].suffix)) {
            format_duration(format, value * time_suffixes[i].seconds, out);
            return;
        }
    if (ends_with(name, "_pct"))
        format_percent(format, value / 100, 1, out);
    else if (currency && is_money(name))
        format_money(format, llround(value * 100), currency, out);
    else
        format_number(format, value, 3, out);
}

static void add_text(const struct format *format, const char *name, const char *text,
                     struct buf *out) {
    int64_t utc_ms;
    size_t n = strlen(text);
    bool instant = n >= 20 && text[4] == '-' && text[10] == 'T' &&
                   time_parse(slice_of(text), NULL, &utc_ms) == 0;
    bool day = n == 10 && text[4] == '-' && text[7] == '-' &&
               time_parse(slice_of(text), NULL, &utc_ms) == 0;
    const char *known = text_of_value(format_language(format), "value", text);
    if (instant)
        format_instant(format, utc_ms, INSTANT_DATETIME, out);
    else if (day)
        format_instant(format, utc_ms, INSTANT_DATE, out);
    else if (known)
        buf_add_text(out, known);
    else if (n > VALUE_MAX_BYTES) {
        size_t cut = VALUE_MAX_BYTES - 4;
        while (cut && ((unsigned char)text[cut] & 0xC0) == 0x80)
            cut--;
        buf_add(out, text, cut);
        buf_add_text(out, "…");
    } else
        buf_add_text(out, text);
    (void)name;
}

const char *words_value(const struct format *format, const char *name, const json_t *value,
                        const char *currency, struct arena *arena) {
    struct buf out;
    buf_init(&out, 4096);
    if (json_is_string(value))
        add_text(format, name, json_string_value(value), &out);
    else if (json_is_number(value))
        add_number(format, name, json_number_value(value), currency, &out);
    else if (json_is_boolean(value))
        buf_add_text(&out, text_of(format_language(format),
                                   json_is_true(value) ? "value.true" : "value.false"));
    else if (value && !json_is_null(value)) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text)
            add_text(format, name, text, &out);
        free(text);
    }
    const char *words = arena_text(arena, buf_slice(&out));
    buf_release(&out);
    return words;
}

static void add_pair(const struct format *format, json_t *list, const char *name,
                     const json_t *value, const char *currency, struct arena *arena) {
    json_array_append_new(list,
                          json_pack("{s:s, s:s}", "name", words_property(format, name, arena),
                                    "value", words_value(format, name, value, currency, arena)));
}

static bool is_plain(const json_t *value) {
    if (json_is_string(value))
        return json_string_length(value) > 0 && json_string_length(value) <= VALUE_MAX_BYTES;
    return json_is_number(value) || json_is_boolean(value);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void words_hidden(const struct format *format, json_t *row) {
    const char *words = text_of(format_language(format), "value_hidden");
    json_t *properties = json_object_get(row, "properties"),
           *hidden = json_object_get(row, "hidden"), *name;
    size_t i;
    if (!properties)
        properties = json_object_get(row, "attributes");
    if (json_is_true(hidden))
        json_object_set_new(row, "value", json_string(words));
    json_array_foreach(hidden, i, name) {
        if (json_object_get(properties, json_string_value(name)))
            json_object_set_new(properties, json_string_value(name), json_string(words));
    }
}

void words_properties(const struct format *format, const json_t *properties, const char *currency,
                      struct arena *arena, json_t **main, json_t **more) {
    *main = json_array();
    *more = json_array();
    const char *own = json_string_value(json_object_get(properties, "currency"));
    if (own && strlen(own) == 3)
        currency = own;
    size_t n = json_object_size(properties), used = 0, shown = 0;
    const char **names = ARENA_ARRAY(arena, const char *, n + 1), *name;
    bool taken[sizeof telling / sizeof *telling] = {false};
    for (size_t i = 0; i < sizeof telling / sizeof *telling && shown < MAIN_MAX; i++) {
        const json_t *value = json_object_get(properties, telling[i]);
        if (!value || !is_plain(value))
            continue;
        if (shown && strncmp(telling[i], "context.", 8) == 0)
            continue;
        add_pair(format, *main, telling[i], value, currency, arena);
        taken[i] = true;
        shown++;
    }
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)properties, name, member) {
        bool is_taken = strcmp(name, "currency") == 0 || strcmp(name, "context.touchpoint") == 0 ||
                        json_is_null(member);
        for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
            is_taken |= taken[i] && strcmp(telling[i], name) == 0;
        if (!is_taken)
            names[used++] = name;
    }
    qsort(names, used, sizeof *names, by_name);
    /* Where nothing is known to tell it, the first plain ones do. */
    bool any = shown == 0;
    for (size_t i = 0; i < used; i++) {
        const json_t *value = json_object_get(properties, names[i]);
        bool first =
            any && shown < MAIN_MAX - 1 && is_plain(value) && strncmp(names[i], "context.", 8) != 0;
        add_pair(format, first ? *main : *more, names[i], value, currency, arena);
        shown += first;
    }
}

json_t *words_names(const struct format *format, const struct dictionary *dictionary) {
    enum { NAMES_MAX = 400 };
    const char *language = format_language(format);
    json_t *names = json_object();
    char name[256];
    for (uint16_t code = 1;
         code <= dictionary_count(dictionary, DICTIONARY_EVENT) && code <= NAMES_MAX; code++) {
        snprintf(name, sizeof name, "%.*s",
                 SLICE_ARGS(dictionary_name(dictionary, DICTIONARY_EVENT, code)));
        const char *text = text_of_value(language, "event", name);
        if (text)
            json_object_set_new(names, name, json_string(text));
    }
    for (uint16_t code = 1;
         code <= dictionary_count(dictionary, DICTIONARY_CHANNEL) && code <= NAMES_MAX; code++) {
        snprintf(name, sizeof name, "channel.%.*s",
                 SLICE_ARGS(dictionary_name(dictionary, DICTIONARY_CHANNEL, code)));
        const char *text = text_of_value(language, "channel", name + sizeof "channel." - 1);
        if (text)
            json_object_set_new(names, name, json_string(text));
    }
    return names;
}
