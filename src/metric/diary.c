/*
 * The diary of the centres: see metric.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdio.h>

#include "backend/backend.h"
#include "base/clock.h"
#include "base/time.h"
#include "metric/metric.h"

/* ---- reading ---- */

static json_t *text_json(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text && *text ? json_string(text) : json_null();
}

static json_t *instant_json(sqlite3_stmt *statement, int column) {
    char text[TIME_TEXT_BYTES];
    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return json_null();
    time_format(sqlite3_column_int64(statement, column), text);
    return json_string(text);
}

static json_t *entry_json(sqlite3_stmt *statement) {
    bool number = sqlite3_column_type(statement, 6) != SQLITE_NULL;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                     json_sprintf("%lld", (long long)sqlite3_column_int64(statement, 0)), "unit",
                     text_json(statement, 1), "kind", text_json(statement, 2), "from",
                     instant_json(statement, 3), "to", instant_json(statement, 4), "text",
                     text_json(statement, 5), "number",
                     number ? json_real(sqlite3_column_double(statement, 6)) : json_null(),
                     "author", text_json(statement, 7), "created_at", instant_json(statement, 8));
}

/* Is the entry's unit one that the asker sees? */
static bool sees(struct folder *folder, const struct principal *principal, const json_t *entry) {
    const char *unit = json_string_value(json_object_get(entry, "unit"));
    return !unit || principal_sees(principal, dictionary_find(folder->dictionary, DICTIONARY_UNIT,
                                                              slice_of(unit)));
}

int diary_list(struct folder *folder, const struct principal *principal, json_t **list,
               struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT id, unit, kind, from_ms, to_ms, opened(text), "
                                            "number, opened(author), created_ms FROM centre_diary "
                                            "ORDER BY from_ms DESC, id DESC",
                                            err);
    int code = statement ? 0 : E_IO;
    *list = json_array();
    while (!code && (code = store_step(statement, err)) == 1) {
        json_t *entry = entry_json(statement);
        if (sees(folder, principal, entry))
            json_array_append(*list, entry);
        json_decref(entry);
        code = 0;
    }
    store_reader_put(folder->store, db);
    return code;
}

int diary_find(struct folder *folder, const struct principal *principal, uint64_t id,
               json_t **entry, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT id, unit, kind, from_ms, to_ms, opened(text), "
                                            "number, opened(author), created_ms FROM centre_diary "
                                            "WHERE id = ?",
                                            err);
    *entry = NULL;
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    int code = statement ? store_step(statement, err) : E_IO;
    if (code == 1) {
        *entry = entry_json(statement);
        sqlite3_reset(statement);
        code = 0;
    }
    store_reader_put(folder->store, db);
    if (!code && (!*entry || !sees(folder, principal, *entry))) {
        json_decref(*entry);
        *entry = NULL;
        code = err_set(err, E_NOT_FOUND, "no such entry");
    }
    return code;
}

/* ---- checking ---- */

struct putting {
    uint64_t id;
    const char *unit, *kind, *text, *author;
    int64_t from_ms, to_ms, now_ms; /* to_ms INT64_MAX: it still holds */
    double number;                  /* NAN: not said */
    int changed;
};

static int read_text(const json_t *entry, const char *name, bool needed, size_t most,
                     const char **text, struct err *err) {
    const json_t *value = json_object_get(entry, name);
    char pointer[24];
    snprintf(pointer, sizeof pointer, "/%s", name);
    *text = json_is_string(value) ? json_string_value(value) : "";
    bool fits = json_is_string(value) ? strlen(*text) <= most && json_string_length(value) <= most
                                      : !value || json_is_null(value);
    return fits && (!needed || **text)
               ? 0
               : err_at(err, E_INVALID, pointer, "must be a text of 1 to %zu bytes", most);
}

static int read_time(struct folder *folder, const json_t *entry, const char *name, bool needed,
                     int64_t *ms, struct err *err) {
    const char *text;
    char pointer[24];
    snprintf(pointer, sizeof pointer, "/%s", name);
    int code = read_text(entry, name, needed, 40, &text, err);
    if (!code && *text && time_parse(slice_of(text), folder->zone, ms))
        code = err_at(err, E_INVALID, pointer, "must be a date or an instant (RFC 3339)");
    return code;
}

/* A unit that is known to whoever writes. */
static int check_unit(struct folder *folder, const struct principal *principal, const char *unit,
                      struct err *err) {
    if (!*unit)
        return 0;
    json_t *query = json_pack("{s:s, s:s}", "kind", "trend", "unit", unit);
    int code = query_check(folder, query, principal, err);
    json_decref(query);
    return code;
}

static int check_kind(const char *kind, struct err *err) {
    static const char *const kinds[] = {"environment", "staffing", "works", "other"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return 0;
    err_at(err, E_INVALID, "/kind", "unknown kind of entry");
    return err_hint(err, "One of: environment, staffing, works, other.");
}

static int check_members(const json_t *entry, struct err *err) {
    static const char *const known[] = {"unit",   "kind", "from",   "to",        "text",
                                        "number", "id",   "author", "created_at"};
    const char *name;
    json_t *value;
    if (!json_is_object(entry))
        return err_at(err, E_MALFORMED, "", "an entry is a JSON object");
    json_object_foreach((json_t *)(uintptr_t)entry, name, value) {
        char pointer[80];
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], name) != 0)
            i++;
        snprintf(pointer, sizeof pointer, "/%.60s", name);
        if (i == sizeof known / sizeof *known)
            return err_at(err, E_INVALID, pointer, "unknown member");
    }
    return 0;
}

static int check(struct folder *folder, const struct principal *principal, const json_t *entry,
                 struct putting *put, struct err *err) {
    const json_t *number = json_object_get(entry, "number");
    int code = check_members(entry, err);
    put->to_ms = INT64_MAX;
    put->number = json_is_number(number) ? json_number_value(number) : (double)NAN;
    if (!code)
        code = read_text(entry, "unit", false, 200, &put->unit, err);
    if (!code)
        code = read_text(entry, "kind", true, 40, &put->kind, err);
    if (!code)
        code = read_text(entry, "text", true, DIARY_TEXT_MAX, &put->text, err);
    if (!code)
        code = check_kind(put->kind, err);
    if (!code)
        code = check_unit(folder, principal, put->unit, err);
    if (!code)
        code = read_time(folder, entry, "from", true, &put->from_ms, err);
    if (!code)
        code = read_time(folder, entry, "to", false, &put->to_ms, err);
    if (!code && put->to_ms <= put->from_ms)
        code = err_at(err, E_INVALID, "/to", "must be after the begin");
    if (!code && number && !json_is_number(number) && !json_is_null(number))
        code = err_at(err, E_INVALID, "/number", "must be a number");
    return code;
}

/* ---- writing ---- */

static int write_entry(void *context, sqlite3 *db, struct err *err) {
    struct putting *put = context;
    sqlite3_stmt *statement =
        put->id ? STORE_PREPARE(
                      db,
                      "UPDATE centre_diary SET unit = ?1, kind = ?2, from_ms = ?3, to_ms "
                      "= ?4, text = sealed(?5), number = ?6, author = sealed(?7) WHERE id = ?9",
                      err)
                : STORE_PREPARE(db,
                                "INSERT INTO centre_diary (unit, kind, from_ms, to_ms, text, "
                                "number, author, created_ms) SELECT ?1, ?2, ?3, ?4, sealed(?5), "
                                "?6, sealed(?7), ?8 "
                                "WHERE (SELECT count(*) FROM centre_diary) < ?9",
                                err);
    if (!statement)
        return E_IO;
    sqlite3_bind_text(statement, 1, put->unit, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, put->kind, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, put->from_ms);
    if (put->to_ms != INT64_MAX)
        sqlite3_bind_int64(statement, 4, put->to_ms);
    sqlite3_bind_text(statement, 5, put->text, -1, SQLITE_STATIC);
    if (!isnan(put->number))
        sqlite3_bind_double(statement, 6, put->number);
    sqlite3_bind_text(statement, 7, put->author, -1, SQLITE_STATIC);
    if (!put->id)
        sqlite3_bind_int64(statement, 8, put->now_ms);
    sqlite3_bind_int64(statement, 9, put->id ? (sqlite3_int64)put->id : DIARY_MAX);
    int code = store_step(statement, err);
    put->changed = sqlite3_changes(db);
    if (code >= 0 && !put->id && put->changed)
        put->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code < 0 ? code : 0;
}

int diary_put(struct folder *folder, const struct principal *principal, uint64_t *id,
              const json_t *entry, struct err *err) {
    struct putting put = {
        .id = *id, .author = principal->name ? principal->name : "", .now_ms = clock_now_ms()};
    int code = check(folder, principal, entry, &put, err);
    if (!code)
        code = store_write(folder->store, write_entry, &put, err);
    if (!code && !put.changed)
        code = *id ? err_set(err, E_NOT_FOUND, "no such entry")
                   : err_set(err, E_REFUSED, "the diary is full (%d entries)", DIARY_MAX);
    *id = put.id;
    return code;
}

static int delete_entry(void *context, sqlite3 *db, struct err *err) {
    struct putting *put = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM centre_diary WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)put->id);
    int code = store_step(statement, err);
    put->changed = sqlite3_changes(db);
    return code < 0 ? code : 0;
}

int diary_remove(struct folder *folder, uint64_t id, struct err *err) {
    struct putting put = {.id = id};
    int code = store_write(folder->store, delete_entry, &put, err);
    return !code && !put.changed ? err_set(err, E_NOT_FOUND, "no such entry") : code;
}
