/*
 * The path of a customer in words: see customer_path.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "pages/customer_path.h"

#include <stdio.h>

#include "base/time.h"
#include "folder/folder.h"
#include "pages/page.h"
#include "pages/words.h"
#include "segment/segment.h"

enum { GAP_DAYS = 3 }; /* a silence that is worth a line */

struct telling {
    struct request *request;
    const struct format *format;
    const struct zone *zone;
    json_t *days, *contacts; /* of the newest day under way */
    json_t *titles;          /* of segments by name, once one is to be told */
    int64_t day_ms;
};

static json_t *contact_json(struct telling *telling, json_t *row) {
    json_t *main, *more;
    words_hidden(telling->format, row);
    const char *event = json_string_value(json_object_get(row, "event"));
    words_properties(telling->format, json_object_get(row, "properties"),
                     app_folder(telling->request->app)->currency, telling->request->arena, &main,
                     &more);
    json_int_t more_count = (json_int_t)json_array_size(more);
    const char *words = words_event(telling->format, event ? event : "");
    json_t *touchpoint = json_object_get(row, "touchpoint");
    if (json_is_string(touchpoint) && strcmp(json_string_value(touchpoint), words) == 0)
        touchpoint = NULL; /* said already */
    return json_pack("{s:s, s:O, s:O?, s:O?, s:O?, s:o, s:o, s:I}", "event", words, "time",
                     json_object_get(row, "time"), "channel", json_object_get(row, "channel"),
                     "touchpoint", touchpoint, "unit", json_object_get(row, "unit"), "main", main,
                     "more", more, "more_count", more_count);
}

/* ---- segments: of a day, those that were entered (or left) one after the other are one line ---- */

static bool is_told(const char *event) {
    return event && (strcmp(event, SEGMENT_ENTERED) == 0 || strcmp(event, SEGMENT_LEFT) == 0);
}

static const char *text_of(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static const char *segment_title(struct telling *telling, const json_t *row) {
    const char *name = text_of(json_object_get(row, "properties"), "segment");
    json_t *list = NULL, *segment;
    struct err ignored = {0};
    size_t i;
    if (!telling->titles) {
        telling->titles = json_object();
        if (!segment_list(app_folder(telling->request->app), &list, &ignored))
            json_array_foreach(list, i, segment) json_object_set(
                telling->titles, text_of(segment, "name"), json_object_get(segment, "title"));
        json_decref(list);
    }
    const char *title = text_of(telling->titles, name);
    return title[0] ? title : name;
}

/* The contact before says it already, with one segment more now. */
static bool joins_before(struct telling *telling, const char *event, const char *title) {
    json_t *before = json_array_get(telling->contacts, json_array_size(telling->contacts) - 1),
           *pair = json_array_get(json_object_get(before, "main"), 0);
    if (strcmp(text_of(before, "told"), event) != 0)
        return false;
    json_object_set_new(pair, "value", json_sprintf("%s, %s", text_of(pair, "value"), title));
    return true;
}

static void add_told(struct telling *telling, json_t *row, const char *event) {
    const char *title = segment_title(telling, row);
    if (joins_before(telling, event, title))
        return;
    json_t *contact = contact_json(telling, row);
    const char *segment = words_property(telling->format, "segment", telling->request->arena);
    json_object_set_new(contact, "told", json_string(event));
    json_object_set_new(contact, "main",
                        json_pack("[{s:s, s:s}]", "name", segment, "value", title));
    json_object_set_new(contact, "more", json_array());
    json_object_set_new(contact, "more_count", json_integer(0));
    json_array_append_new(telling->contacts, contact);
}

static void end_day(struct telling *telling) {
    if (!telling->contacts)
        return;
    json_t *day = json_array_get(telling->days, json_array_size(telling->days) - 1);
    json_object_set_new(day, "count", json_integer((json_int_t)json_array_size(telling->contacts)));
    json_object_set_new(day, "contacts", telling->contacts);
    telling->contacts = NULL;
}

static void begin_day(struct telling *telling, int64_t day_ms, const char *time) {
    end_day(telling);
    char date[16];
    int year, month, number;
    time_civil_from_days((day_ms / 1000 + zone_offset_s(telling->zone, day_ms / 1000)) / DAY_S,
                         &year, &month, &number);
    snprintf(date, sizeof date, "%04d-%02d-%02d", year, month, number);
    json_t *day = json_pack("{s:s, s:s}", "date", date, "time", time);
    int64_t silent_days =
        telling->day_ms ? (telling->day_ms - day_ms + DAY_MS / 2) / DAY_MS - 1 : 0;
    if (silent_days >= GAP_DAYS)
        json_object_set_new(day, "gap", json_integer(silent_days));
    json_array_append_new(telling->days, day);
    telling->contacts = json_array();
    telling->day_ms = day_ms;
}

json_t *customer_path(struct request *request, const json_t *rows) {
    struct telling telling = {.request = request,
                              .format = page_format(request),
                              .zone = app_folder(request->app)->zone,
                              .days = json_array()};
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *time = json_string_value(json_object_get(row, "time"));
        int64_t utc_ms;
        if (!time || time_parse(slice_of(time), NULL, &utc_ms) < 0)
            continue;
        int64_t day_ms = zone_bucket_start_ms(telling.zone, BUCKET_DAY, utc_ms);
        if (!telling.contacts || day_ms != telling.day_ms)
            begin_day(&telling, day_ms, time);
        const char *event = json_string_value(json_object_get(row, "event"));
        if (is_told(event))
            add_told(&telling, row, event);
        else
            json_array_append_new(telling.contacts, contact_json(&telling, row));
    }
    end_day(&telling);
    json_decref(telling.titles);
    return telling.days;
}
