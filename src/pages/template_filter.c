/*
 * The filters, as a table.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/template_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "pages/text.h"
#include "pages/unit_titles.h"

struct context {
    const struct template_world *world;
    const char *word; /* after the colon, "" if none */
};

static void set_text(struct template_value *value, struct slice text) {
    value->text_n = text.n < TEMPLATE_VALUE_BYTES - 1 ? text.n : TEMPLATE_VALUE_BYTES - 1;
    memmove(value->text, text.p, value->text_n);
    value->text[value->text_n] = 0;
    value->is_text = true;
}

void template_value_text(struct template_value *value) {
    if (value->is_text)
        return;
    const json_t *json = value->json;
    char number[40];
    if (json_is_string(json)) {
        set_text(value, (struct slice){json_string_value(json), json_string_length(json)});
    } else if (json_is_integer(json)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(json));
        set_text(value, slice_of(number));
    } else if (json_is_real(json)) {
        snprintf(number, sizeof number, "%.15g", json_real_value(json));
        set_text(value, slice_of(number));
    } else if (json_is_boolean(json)) {
        set_text(value, slice_of(json_is_true(json) ? "true" : "false"));
    } else if (json && !json_is_null(json)) {
        char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        set_text(value, slice_of(text ? text : ""));
        free(text);
    } else {
        set_text(value, slice_of(""));
    }
}

double template_value_number(const struct template_value *value) {
    if (value->is_text)
        return strtod(value->text, NULL);
    if (json_is_array(value->json))
        return (double)json_array_size(value->json);
    if (json_is_string(value->json))
        return strtod(json_string_value(value->json), NULL);
    return json_number_value(value->json);
}

static bool is_absent(const struct template_value *value) {
    return value->is_text ? value->text_n == 0 : !value->json || json_is_null(value->json);
}

/* Runs a formatter into the value's text. */
#define WITH_BUFFER(value, call)                                                                   \
    do {                                                                                           \
        struct buf out;                                                                            \
        buf_init(&out, TEMPLATE_VALUE_BYTES);                                                      \
        call;                                                                                      \
        set_text((value), buf_slice(&out));                                                        \
        buf_release(&out);                                                                         \
    } while (0)

static void filter_number(const struct context *context, struct template_value *value) {
    double number = template_value_number(value);
    WITH_BUFFER(value, format_number(context->world->format, number, atoi(context->word), &out));
}

static void filter_compact(const struct context *context, struct template_value *value) {
    double number = template_value_number(value);
    WITH_BUFFER(value, format_compact(context->world->format, number, &out));
}

static void filter_percent(const struct context *context, struct template_value *value) {
    double number = template_value_number(value);
    WITH_BUFFER(value, format_percent(context->world->format, number, atoi(context->word), &out));
}

static void filter_change(const struct context *context, struct template_value *value) {
    double number = template_value_number(value);
    WITH_BUFFER(value, format_change(context->world->format, number, &out));
}

static void filter_money(const struct context *context, struct template_value *value) {
    int64_t minor = (int64_t)template_value_number(value);
    const char *currency = context->word[0] ? context->word : "EUR";
    WITH_BUFFER(value, format_money(context->world->format, minor, currency, &out));
}

static void filter_duration(const struct context *context, struct template_value *value) {
    double number = template_value_number(value);
    WITH_BUFFER(value, format_duration(context->world->format, number, &out));
}

/* RFC 3339 text or a number of ms. */
static bool read_instant(const struct template_value *value, int64_t *utc_ms) {
    if (!value->is_text && json_is_number(value->json)) {
        *utc_ms = (int64_t)json_number_value(value->json);
        return true;
    }
    struct slice text = value->is_text ? (struct slice){value->text, value->text_n}
                                       : slice_of(json_string_value(value->json));
    return text.p && time_parse(text, NULL, utc_ms) == 0;
}

static void filter_instant(const struct context *context, struct template_value *value,
                           enum instant_style style) {
    int64_t utc_ms;
    if (!read_instant(value, &utc_ms)) {
        template_value_text(value);
        return;
    }
    WITH_BUFFER(value, format_instant(context->world->format, utc_ms, style, &out));
}

static void filter_date(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_DATE);
}
static void filter_day(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_DAY);
}
static void filter_short(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_SHORT);
}
static void filter_month(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_MONTH);
}
static void filter_time(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_TIME);
}
static void filter_seconds(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_SECONDS);
}
static void filter_datetime(const struct context *c, struct template_value *v) {
    filter_instant(c, v, INSTANT_DATETIME);
}

static void filter_iso(const struct context *context, struct template_value *value) {
    (void)context;
    int64_t utc_ms;
    char text[TIME_TEXT_BYTES];
    if (!read_instant(value, &utc_ms))
        return;
    time_format(utc_ms, text);
    set_text(value, slice_of(text));
}

static void filter_ago(const struct context *context, struct template_value *value) {
    int64_t utc_ms;
    if (!read_instant(value, &utc_ms)) {
        template_value_text(value);
        return;
    }
    WITH_BUFFER(value, format_ago(context->world->format, utc_ms, context->world->now_ms, &out));
}

static void filter_name(const struct context *context, struct template_value *value) {
    template_value_text(value);
    const char *text = text_of_name(format_language(context->world->format), value->text);
    if (text != value->text)
        set_text(value, slice_of(text));
}

static void filter_tr(const struct context *context, struct template_value *value) {
    template_value_text(value);
    const char *text =
        text_of_value(format_language(context->world->format), context->word, value->text);
    if (text)
        set_text(value, slice_of(text));
}

static void filter_is(const struct context *context, struct template_value *value) {
    template_value_text(value);
    set_text(value, slice_of(strcmp(value->text, context->word) == 0 ? "1" : ""));
}

static void filter_not(const struct context *context, struct template_value *value) {
    template_value_text(value);
    set_text(value, slice_of(strcmp(value->text, context->word) == 0 ? "" : "1"));
}

static void filter_url(const struct context *context, struct template_value *value) {
    (void)context;
    template_value_text(value);
    struct buf out;
    buf_init(&out, TEMPLATE_VALUE_BYTES);
    for (size_t i = 0; i < value->text_n; i++) {
        unsigned char c = (unsigned char)value->text[i];
        if ((c < 128 && isalnum(c)) || memchr("-_.~", c, 4))
            buf_add_char(&out, (char)c);
        else
            buf_add_format(&out, "%%%02X", c);
    }
    set_text(value, buf_slice(&out));
    buf_release(&out);
}

static void filter_json(const struct context *context, struct template_value *value) {
    (void)context;
    value->as_json = !value->is_text;
}

static void filter_initial(const struct context *context, struct template_value *value) {
    (void)context;
    template_value_text(value);
    size_t n = value->text_n ? 1 : 0;
    while (n < value->text_n && ((unsigned char)value->text[n] & 0xC0) == 0x80)
        n++;
    value->text_n = n;
    value->text[n] = 0;
    if (n == 1)
        value->text[0] = (char)toupper((unsigned char)value->text[0]);
}

static void filter_length(const struct context *context, struct template_value *value) {
    (void)context;
    char text[24];
    snprintf(text, sizeof text, "%zu", json_array_size(value->json));
    set_text(value, slice_of(text));
}

/* The icon and colour of a channel: "ch-phone"; channels without a drawing of their own share one. */
static void filter_channel(const struct context *context, struct template_value *value) {
    static const char *const drawn[][2] = {{"web", "web"},       {"app", "app"},
                                           {"mobile", "app"},    {"store", "store"},
                                           {"kiosk", "kiosk"},   {"phone", "phone"},
                                           {"call", "phone"},    {"email", "email"},
                                           {"chat", "chat"},     {"whatsapp", "chat"},
                                           {"sms", "chat"},      {"social", "social"},
                                           {"review", "review"}, {"visit", "visit"},
                                           {"field", "visit"},   {"backoffice", "backoffice"}};
    (void)context;
    template_value_text(value);
    const char *icon = "other";
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        if (strcmp(value->text, drawn[i][0]) == 0)
            icon = drawn[i][1];
    char text[32];
    snprintf(text, sizeof text, "ch-%s", icon);
    set_text(value, slice_of(text));
}

static void filter_unit(const struct context *context, struct template_value *value) {
    template_value_text(value);
    const char *title = unit_title(context->world->units, value->text);
    if (title != value->text)
        set_text(value, slice_of(title));
}

/* "Mozilla/5.0 (X11; Linux …) … Chrome/156…" as people call it: "Chrome · Linux"; what is no browser stays as it says it is. The
 * first that is found counts: others also claim to be Chrome and Safari, Android to be Linux. */
static void filter_browser(const struct context *context, struct template_value *value) {
    static const char *const BROWSERS[][2] = {
        {"Edg", "Edge"},       {"OPR/", "Opera"},        {"SamsungBrowser", "Samsung Internet"},
        {"FxiOS", "Firefox"},  {"Firefox/", "Firefox"},  {"CriOS", "Chrome"},
        {"Chrome/", "Chrome"}, {"Chromium", "Chromium"}, {"Safari/", "Safari"}};
    static const char *const SYSTEMS[][2] = {
        {"iPhone", "iPhone"},   {"iPad", "iPad"},    {"Android", "Android"}, {"CrOS", "ChromeOS"},
        {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}};
    const char *browser = NULL, *system = NULL;
    (void)context;
    template_value_text(value);
    for (size_t i = 0; i < sizeof BROWSERS / sizeof *BROWSERS && !browser; i++)
        browser = strstr(value->text, BROWSERS[i][0]) ? BROWSERS[i][1] : NULL;
    for (size_t i = 0; i < sizeof SYSTEMS / sizeof *SYSTEMS && !system; i++)
        system = strstr(value->text, SYSTEMS[i][0]) ? SYSTEMS[i][1] : NULL;
    if (!browser)
        return;
    char text[64];
    snprintf(text, sizeof text, "%s%s%s", browser, system ? " · " : "", system ? system : "");
    set_text(value, slice_of(text));
}

static const struct {
    const char *name;
    bool on_absent; /* also runs when there is no value; else it stays empty */
    void (*apply)(const struct context *context, struct template_value *value);
} filters[] = {
    {"number", false, filter_number},
    {"compact", false, filter_compact},
    {"percent", false, filter_percent},
    {"change", false, filter_change},
    {"money", false, filter_money},
    {"duration", false, filter_duration},
    {"date", false, filter_date},
    {"day", false, filter_day},
    {"short", false, filter_short},
    {"month", false, filter_month},
    {"time", false, filter_time},
    {"seconds", false, filter_seconds},
    {"datetime", false, filter_datetime},
    {"ago", false, filter_ago},
    {"iso", false, filter_iso},
    {"tr", false, filter_tr},
    {"name", false, filter_name},
    {"is", true, filter_is},
    {"not", true, filter_not},
    {"url", false, filter_url},
    {"json", true, filter_json},
    {"channel", true, filter_channel},
    {"unit", false, filter_unit},
    {"browser", false, filter_browser},
    {"initial", false, filter_initial},
    {"length", true, filter_length},
};

void template_filter(const struct template_world *world, struct slice filter,
                     struct template_value *value) {
    const char *colon = memchr(filter.p, ':', filter.n);
    struct slice name = {filter.p, colon ? (size_t)(colon - filter.p) : filter.n};
    char word[128] = "";
    if (colon)
        snprintf(word, sizeof word, "%.*s", (int)(filter.p + filter.n - colon - 1), colon + 1);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!slice_is(name, filters[i].name))
            continue;
        if (filters[i].on_absent || !is_absent(value))
            filters[i].apply(&(struct context){world, word}, value);
        return;
    }
}
