/*
 * Lists of reviews: one query for every filter and order, a page at a time.
 *
 * A cursor is the place in the order and the number of the last review of a page, so that what arrives meanwhile moves nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "timeline/timeline.h"
#include "voice/internal.h"

enum { LIST_MAX = 1000 };

const struct review_filter REVIEW_FILTER_ALL = {.state = -1,
                                                .verified = -1,
                                                .invited = -1,
                                                .replied = -1,
                                                .written = -1,
                                                .own = -1,
                                                .held = -1,
                                                .limit = 50};

/* Where a review stands: falling. */
#define PLACE                                                                                      \
    "CASE ?1 WHEN 0 THEN review.created_ms WHEN 1 THEN -review.created_ms"                         \
    " WHEN 2 THEN review.helpful_low * 1e15 + review.created_ms"                                   \
    " WHEN 3 THEN review.stars * 1e14 + review.created_ms"                                         \
    " WHEN 4 THEN -review.stars * 1e14 + review.created_ms"                                        \
    " WHEN 5 THEN review.suspicion * 1e15 + review.created_ms ELSE -review.id END"

#define CONDITIONS                                                                                 \
    "(?2 IS NULL OR review.subject = ?2)"                                                          \
    " AND (?3 IS NULL OR review.subject IN (SELECT name FROM review_subject WHERE kind = ?3))"     \
    " AND (?4 IS NULL OR instr(lower(opened(review.title) || ' ' || opened(review.text) || ' ' ||" \
    " opened(review.author)), lower(?4)) > 0)"                                                     \
    " AND (?5 IS NULL OR review.reason = ?5)"                                                      \
    " AND (?6 < 0 OR review.state = ?6)"                                                           \
    " AND (?7 = 0 OR round(review.stars) = ?7)"                                                    \
    " AND (?8 < 0 OR review.verified = ?8)"                                                        \
    " AND (?9 < 0 OR (review.invited_ms > 0) = ?9)"                                                \
    " AND (?10 < 0 OR (review.replied_ms > 0) = ?10)"                                              \
    " AND (?11 < 0 OR (review.text <> '') = ?11)"                                                  \
    " AND (?12 < 0 OR (review.site = '') = ?12)"                                                   \
    " AND (?13 < 0 OR (review.held AND review.state = 0) = ?13)"                                   \
    " AND (?14 IS NULL OR review.customer IN (SELECT value FROM json_each(?14)))"                  \
    " AND review.created_ms >= ?15 AND (?16 = 0 OR review.created_ms < ?16)"                       \
    " AND (?17 IS NULL OR review.unit IN (SELECT value FROM json_each(?17)))"

/* Profiles of an owner. */
static int profiles_json(struct folder *folder, uint32_t customer, struct arena *arena,
                         const char **json, struct err *err) {
    struct snapshot *snapshot;
    *json = NULL;
    if (!customer)
        return 0;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    const struct overlay *overlay = snapshot_overlay(snapshot);
    const uint32_t *members;
    uint32_t owner = overlay_owner(overlay, customer);
    size_t n = overlay_members(overlay, owner, &owner, &members);
    struct buf text;
    buf_init(&text, 1 << 24);
    buf_add_char(&text, '[');
    for (size_t i = 0; i < n; i++)
        buf_add_format(&text, "%s%u", i ? "," : "", members[i]);
    buf_add_char(&text, ']');
    *json = arena_text(arena, buf_slice(&text));
    buf_release(&text);
    snapshot_release(snapshot);
    return 0;
}

static void bind_maybe(sqlite3_stmt *statement, int column, const char *text) {
    if (text && text[0])
        voice_bind(statement, column, text);
    else
        sqlite3_bind_null(statement, column);
}

static int read_cursor(const char *cursor, double *place, int64_t *id, struct err *err) {
    char *end;
    if (!cursor || !cursor[0])
        return 0;
    *place = strtod(cursor, &end);
    if (end != cursor && *end == '_') {
        const char *number = end + 1;
        *id = strtoll(number, &end, 10);
        if (end != number && !*end)
            return 0;
    }
    return err_at(err, E_INVALID, "/cursor", "this is no cursor of a list of reviews");
}

static void bind_filter(sqlite3_stmt *statement, const struct review_filter *filter,
                        const char *profiles, const char *units) {
    sqlite3_bind_int(statement, 1, (int)filter->order);
    bind_maybe(statement, 2, filter->subject);
    bind_maybe(statement, 3, filter->kind);
    bind_maybe(statement, 4, filter->text);
    bind_maybe(statement, 5, filter->reason);
    const int flags[] = {filter->state,   filter->stars,   filter->verified, filter->invited,
                         filter->replied, filter->written, filter->own,      filter->held};
    for (int i = 0; i < 8; i++)
        sqlite3_bind_int(statement, 6 + i, flags[i]);
    bind_maybe(statement, 14, profiles);
    sqlite3_bind_int64(statement, 15, filter->from_ms);
    sqlite3_bind_int64(statement, 16, filter->to_ms);
    bind_maybe(statement, 17, units);
}

int review_list(struct folder *folder, const struct review_filter *filter, struct arena *arena,
                struct review **reviews, size_t *n, const char **next, struct err *err) {
    double place = 0;
    int64_t after = 0;
    const char *profiles;
    const struct principal *principal = filter->principal;
    const char *units =
        principal ? numbers_json(principal->units, principal->n_units, arena) : NULL;
    size_t limit = filter->limit && filter->limit <= LIST_MAX ? filter->limit : LIST_MAX;
    int code = read_cursor(filter->cursor, &place, &after, err);
    *n = 0;
    *next = NULL; /* it may be the filter's cursor */
    if (!code)
        code = profiles_json(folder, filter->customer, arena, &profiles, err);
    if (code)
        return code;
    *reviews = ARENA_ARRAY(arena, struct review, limit + 1);
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT " RECORD_COLUMNS ", " PLACE " AS place FROM review WHERE " CONDITIONS
                      " AND (?18 = 0 OR place < ?19 OR (place = ?19 AND review.id < ?18))"
                      " ORDER BY place DESC, review.id DESC LIMIT ?20",
                      err);
    code = statement ? 1 : E_IO;
    if (statement) {
        bind_filter(statement, filter, profiles, units);
        sqlite3_bind_int64(statement, 18, after);
        sqlite3_bind_double(statement, 19, place);
        sqlite3_bind_int64(statement, 20, (sqlite3_int64)limit + 1);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        record_read(statement, arena, &(*reviews)[(*n)++]);
        if (*n == limit)
            place = sqlite3_column_double(statement, RECORD_COLUMNS_N);
    }
    store_reader_put(folder->store, db);
    if (!code && *n > limit) {
        *n = limit;
        *next =
            arena_format(arena, "%.17g_%llu", place, (unsigned long long)(*reviews)[limit - 1].id);
    }
    return code;
}

int review_find(struct folder *folder, uint64_t id, struct arena *arena, struct review *review,
                struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT " RECORD_COLUMNS " FROM review WHERE id = ?", err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        code = store_step(statement, err);
    }
    if (code == 1) {
        record_read(statement, arena, review);
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such review");
}
