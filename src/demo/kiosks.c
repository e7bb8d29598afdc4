/*
 * Vereda's opinion screens: one in each shop, with the taps of the last week as the simulation made them. Soria's has not been
 * heard of for nine days: few opinions there are no news of its service (fact 9).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>

#include "backend/backend.h"
#include "base/time.h"
#include "demo/fill.h"
#include "demo/internal.h"
#include "kiosk/kiosk.h"

enum { WEEK = 7, SILENT_DAYS = 9, QUIET_MIN = 10080 };

static json_t *document_of(const char *shop) {
    return json_pack(
        "{s:s, s:s, s:s, s:[s, s], s:{s:s, s:s}, s:i, s:i, s:[{s:[i, i], s:s, s:{s:s, s:s}, "
        "s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}]}",
        "name", "Salida", "unit", shop, "touchpoint", "Pantalla de opinión", "languages", "es",
        "en", "question", "es", "¿Qué tal te hemos atendido hoy?", "en", "How did we do today?",
        "faces", 3, "silent_min", QUIET_MIN, "follow_ups", "faces", 1, 2, "kind", "choice",
        "question", "es", "¿Qué ha fallado?", "en", "What went wrong?", "options", "es", "espera",
        "en", "the wait", "es", "no me lo han resuelto", "en", "it was not solved", "es", "trato",
        "en", "the staff", "es", "precio", "en", "the price");
}

/* Taps of the last week by shop and day: rows of a trend; NULL where there are none. */
static json_t *taps_by_day(struct folder *folder, const struct principal *principal,
                           int64_t from_ms, const char *face) {
    char from[TIME_TEXT_BYTES];
    struct err ignored = {0};
    json_t *answer = NULL;
    time_format(from_ms, from);
    json_t *query = json_pack("{s:s, s:{s:s}, s:s, s:s, s:{s:s}}", "kind", "trend", "of", "event",
                              "Kiosk Tapped", "by", "unit", "every", "day", "range", "from", from);
    if (face)
        json_object_set_new(
            query, "where",
            json_pack("[{s:s, s:s, s:s}]", "property", "face", "op", "=", "value", face));
    json_t *data = query_run(folder, BACKEND_LOCAL, query, principal, NULL, &answer, &ignored)
                       ? NULL
                       : json_incref(json_object_get(answer, "data"));
    json_decref(query);
    json_decref(answer);
    return data;
}

static int64_t taps_at(const json_t *data, const char *shop, int64_t day_ms) {
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *row = json_array_get(data, i);
        const char *unit = json_string_value(json_object_get(row, "by"));
        const char *time = json_string_value(json_object_get(row, "time"));
        int64_t time_ms;
        if (unit && time && strcmp(unit, shop) == 0 &&
            time_parse(slice_of(time), NULL, &time_ms) == 0 && time_ms == day_ms)
            return (int64_t)json_number_value(json_object_get(row, "value"));
    }
    return 0;
}

static int add_screen(struct folder *folder, const struct principal *principal, const char *shop,
                      int64_t contact_ms, const struct kiosk_count days[WEEK], struct err *err) {
    char key[KIOSK_KEY_BYTES];
    uint64_t id = 0;
    json_t *document = document_of(shop);
    int code = kiosk_check(folder, principal, document, err);
    if (!code)
        code = kiosk_put(folder, &id, document, principal->name, key, err);
    json_decref(document);
    return code ? code : kiosk_add_history(folder, id, contact_ms, days, WEEK, err);
}

int demo_kiosks(struct folder *folder, const struct principal *principal, int64_t now_ms,
                struct err *err) {
    int64_t today_ms = zone_bucket_start_ms(folder->zone, BUCKET_DAY, now_ms);
    int64_t first_ms = zone_bucket_add_ms(folder->zone, BUCKET_DAY, today_ms, 1 - WEEK);
    json_t *there;
    int code = kiosk_list(folder, principal, now_ms, &there, err);
    if (code)
        return code;
    size_t made = json_array_size(there); /* by a fill that was interrupted */
    json_t *taps = taps_by_day(folder, principal, first_ms, NULL),
           *happy = taps_by_day(folder, principal, first_ms, "contento");
    for (size_t shop = made; shop < SHOPS && !code; shop++) {
        const char *name = shop_table[shop].name;
        struct kiosk_count days[WEEK] = {0};
        for (int d = 0; d < WEEK; d++) {
            days[d].day_ms = zone_bucket_add_ms(folder->zone, BUCKET_DAY, first_ms, d);
            days[d].taps = taps_at(taps, name, days[d].day_ms);
            days[d].happy = taps_at(happy, name, days[d].day_ms);
        }
        bool silent = shop == SHOP_SORIA;
        code = add_screen(folder, principal, name,
                          now_ms - (silent ? (int64_t)SILENT_DAYS * DAY_MS : 0), days, err);
    }
    json_decref(taps);
    json_decref(happy);
    json_decref(there);
    return code;
}
