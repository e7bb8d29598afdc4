/*
 * What is known of each screen: last contact, what waits on it, its taps of today and of the last seven days.
 *
 * `state` of a kiosk
 *   is               new (never seen; of a page: unused) · ok · silent (no contact for silent_min of its opening
 *                    hours) · closed (outside them); a poster is always ok, a page never silent
 *   last_contact_at, last_tap_at, waiting, lost, skew_s
 *   today, week      {"taps", "happy", "misuse"} of the local day, of seven days with today; happy: above the middle;
 *                    null to whom numbers about a few are not told
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "kiosk/internal.h"

enum { WEEK_DAYS = 7, MINUTE_MS = 60000, CHAIN_LIFE_DAYS = 400 };

/* ---- what a batch needs ---- */

static void read_memory(const char *text, struct misuse_memory *memory) {
    json_t *list = text ? json_loads(text, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof memory->last_ms / sizeof *memory->last_ms; i++)
        memory->last_ms[i] = json_integer_value(json_array_get(list, i));
    json_decref(list);
}

int kiosk_known(struct folder *folder, uint64_t kiosk, const char *chain, int64_t *seq,
                struct misuse_memory *memory, struct err *err) {
    *seq = 0;
    *memory = (struct misuse_memory){0};
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT recent, (SELECT seq FROM kiosk_chain WHERE kiosk = ?1 AND chain = "
                      "?2) FROM kiosk_state WHERE kiosk = ?1",
                      err);
    int code = statement ? 0 : E_IO;
    if (!code) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)kiosk);
        sqlite3_bind_text(statement, 2, chain, -1, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    if (code == 1) {
        read_memory((const char *)sqlite3_column_text(statement, 0), memory);
        *seq = sqlite3_column_int64(statement, 1);
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

static int write_state(const struct kiosk_news *news, sqlite3 *db, struct err *err) {
    const int64_t *last = news->memory.last_ms;
    char recent[128];
    snprintf(recent, sizeof recent, "[%lld,%lld,%lld,%lld]", (long long)last[0], (long long)last[1],
             (long long)last[2], (long long)last[3]);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO kiosk_state VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET "
        "contact_ms = max(contact_ms, ?2), tap_ms = max(tap_ms, ?3), waiting = ?4, skew_ms = ?5, "
        "lost = lost + ?6, recent = ?7",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)news->kiosk);
    sqlite3_bind_int64(statement, 2, news->now_ms);
    sqlite3_bind_int64(statement, 3, news->tap_ms);
    sqlite3_bind_int64(statement, 4, news->waiting);
    sqlite3_bind_int64(statement, 5, news->skew_ms);
    sqlite3_bind_int64(statement, 6, news->lost);
    sqlite3_bind_text(statement, 7, recent, -1, SQLITE_TRANSIENT);
    return store_run(statement, err);
}

static int write_chain(const struct kiosk_news *news, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO kiosk_chain VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET seq = max(seq, "
        "?3), seen_ms = ?4",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)news->kiosk);
    sqlite3_bind_text(statement, 2, news->chain, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, news->seq);
    sqlite3_bind_int64(statement, 4, news->now_ms);
    int code = store_run(statement, err);
    statement =
        code ? NULL
             : STORE_PREPARE(db, "DELETE FROM kiosk_chain WHERE kiosk = ? AND seen_ms < ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)news->kiosk);
    sqlite3_bind_int64(statement, 2, news->now_ms - (int64_t)CHAIN_LIFE_DAYS * DAY_MS);
    return store_run(statement, err);
}

static int write_day(uint64_t kiosk, const struct kiosk_count *count, sqlite3 *db,
                     struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO kiosk_day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET taps = taps + "
        "?3, happy = happy + ?4, misuse = misuse + ?5",
        err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)kiosk);
    sqlite3_bind_int64(statement, 2, count->day_ms);
    sqlite3_bind_int64(statement, 3, count->taps);
    sqlite3_bind_int64(statement, 4, count->happy);
    sqlite3_bind_int64(statement, 5, count->misuse);
    return store_run(statement, err);
}

static int write_news(void *context, sqlite3 *db, struct err *err) {
    const struct kiosk_news *news = context;
    int code = write_state(news, db, err);
    if (!code)
        code = write_chain(news, db, err);
    for (size_t i = 0; i < news->n_days && !code; i++)
        code = write_day(news->kiosk, &news->days[i], db, err);
    return code;
}

int kiosk_note(struct folder *folder, struct kiosk_news *news, struct err *err) {
    int code = store_write(folder->store, write_news, news, err);
    kiosks_changed(folder);
    return code;
}

int kiosk_add_history(struct folder *folder, uint64_t id, int64_t contact_ms,
                      const struct kiosk_count *days, size_t n, struct err *err) {
    struct kiosk_news news = {.kiosk = id,
                              .chain = "history",
                              .now_ms = contact_ms,
                              .tap_ms = contact_ms,
                              .days = days,
                              .n_days = n};
    return kiosk_note(folder, &news, err);
}

/* ---- what people see ---- */

static json_t *instant_or_null(int64_t time_ms) {
    char text[TIME_TEXT_BYTES];
    if (!time_ms)
        return json_null();
    time_format(time_ms, text);
    return json_string(text);
}

static json_t *count_json(sqlite3_stmt *statement, int column) {
    return json_pack("{s:I, s:I, s:I}", "taps", (json_int_t)sqlite3_column_int64(statement, column),
                     "happy", (json_int_t)sqlite3_column_int64(statement, column + 1), "misuse",
                     (json_int_t)sqlite3_column_int64(statement, column + 2));
}

/* Since when the place is open today, UTC milliseconds; 0: it is closed now. Without hours it is always open: INT64_MIN. */
static int64_t open_since_ms(const struct zone *zone, const json_t *hours, int64_t now_ms) {
    if (!hours)
        return INT64_MIN;
    const json_t *days = json_object_get(hours, "days");
    int64_t local_s = now_ms / 1000 + zone_offset_s(zone, now_ms / 1000);
    int64_t minute = local_s % DAY_S / 60, weekday = (local_s / DAY_S + 3) % 7 + 1;
    int64_t from = kiosk_minute_of(json_string_value(json_object_get(hours, "from"))),
            to = kiosk_minute_of(json_string_value(json_object_get(hours, "to")));
    bool today = !days;
    for (size_t i = 0; i < json_array_size(days); i++)
        today |= json_integer_value(json_array_get(days, i)) == weekday;
    return today && minute >= from && minute < to ? now_ms - (minute - from) * MINUTE_MS : 0;
}

static const char *what_is(const struct zone *zone, const json_t *kiosk, int64_t contact_ms,
                           int64_t now_ms) {
    const char *kind = json_string_value(json_object_get(kiosk, "kind"));
    int64_t limit_ms = json_integer_value(json_object_get(kiosk, "silent_min")) * MINUTE_MS;
    if (kind && strcmp(kind, "poster") == 0)
        return "ok";
    if (kind && strcmp(kind, "page") == 0) /* a page may be quiet for long */
        return contact_ms ? "ok" : "unused";
    if (!contact_ms)
        return "new";
    if (now_ms - contact_ms <= limit_ms)
        return "ok";
    int64_t open_ms = open_since_ms(zone, json_object_get(kiosk, "hours"), now_ms);
    return !open_ms ? "closed" : open_ms > now_ms - limit_ms ? "ok" : "silent";
}

static int add_state(const struct zone *zone, json_t *kiosk, sqlite3_stmt *statement,
                     int64_t today_ms, int64_t week_ms, int64_t now_ms, struct err *err) {
    uint64_t id = strtoull(json_string_value(json_object_get(kiosk, "id")), NULL, 10);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 2, today_ms);
    sqlite3_bind_int64(statement, 3, week_ms);
    int code = store_step(statement, err);
    if (code != 1)
        return code;
    int64_t contact_ms = sqlite3_column_int64(statement, 0);
    json_t *state = json_pack("{s:s, s:o, s:o, s:I, s:I, s:f, s:o, s:o}", "is",
                              what_is(zone, kiosk, contact_ms, now_ms), "last_contact_at",
                              instant_or_null(contact_ms), "last_tap_at",
                              instant_or_null(sqlite3_column_int64(statement, 1)), "waiting",
                              (json_int_t)sqlite3_column_int64(statement, 2), "lost",
                              (json_int_t)sqlite3_column_int64(statement, 3), "skew_s",
                              (double)sqlite3_column_int64(statement, 4) / 1000, "today",
                              count_json(statement, 5), "week", count_json(statement, 8));
    json_object_set_new(kiosk, "state", state);
    sqlite3_reset(statement);
    return 0;
}

int kiosk_add_states(struct folder *folder, json_t *list, int64_t now_ms, struct err *err) {
    int64_t today_ms = zone_bucket_start_ms(folder->zone, BUCKET_DAY, now_ms);
    int64_t week_ms = zone_bucket_add_ms(folder->zone, BUCKET_DAY, today_ms, 1 - WEEK_DAYS);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT coalesce(max(contact_ms), 0), coalesce(max(tap_ms), 0), coalesce(max(waiting), 0), "
        "coalesce(max(lost), 0), coalesce(max(skew_ms), 0), "
        "coalesce(sum(taps) FILTER (WHERE day = ?2), 0), "
        "coalesce(sum(happy) FILTER (WHERE day = ?2), 0), "
        "coalesce(sum(misuse) FILTER (WHERE day = ?2), 0), coalesce(sum(taps), 0), "
        "coalesce(sum(happy), 0), coalesce(sum(misuse), 0) FROM (SELECT ?1 AS id) "
        "LEFT JOIN kiosk_state ON kiosk_state.kiosk = id "
        "LEFT JOIN kiosk_day ON kiosk_day.kiosk = id AND day >= ?3 AND day <= ?2",
        err);
    int code = statement ? 0 : E_IO;
    size_t i;
    json_t *kiosk;
    json_array_foreach(list, i, kiosk) if (!code) code =
        add_state(folder->zone, kiosk, statement, today_ms, week_ms, now_ms, err);
    store_reader_put(folder->store, db);
    return code;
}

int kiosk_today(struct folder *folder, uint64_t kiosk, int64_t now_ms, json_t **today,
                struct err *err) {
    json_t *list = json_pack("[{s:o}]", "id", json_sprintf("%llu", (unsigned long long)kiosk));
    int code = kiosk_add_states(folder, list, now_ms, err);
    if (!code)
        *today = json_incref(
            json_object_get(json_object_get(json_array_get(list, 0), "state"), "today"));
    json_decref(list);
    return code;
}
