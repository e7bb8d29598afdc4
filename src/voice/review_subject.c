/*
 * What is rated: see review.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "voice/internal.h"

/* A line of text: no control characters, within its bound. */
static int check_line(const char *pointer, const char *text, size_t max, bool needed,
                      struct err *err) {
    size_t n = text ? strlen(text) : 0;
    if (needed && !n)
        return err_at(err, E_INVALID, pointer, "%s is missing", pointer + 1);
    if (n > max)
        return err_at(err, E_INVALID, pointer, "%s is over %zu bytes", pointer + 1, max);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return err_at(err, E_INVALID, pointer, "%s has a control character", pointer + 1);
    return 0;
}

static int check(const struct review_subject *subject, struct err *err) {
    int code = check_line("/name", subject->name, REVIEW_SUBJECT_BYTES, true, err);
    if (!code)
        code = check_line("/title", subject->title, REVIEW_TITLE_BYTES, true, err);
    if (!code)
        code = check_line("/url", subject->url, REVIEW_URL_BYTES, false, err);
    if (!code)
        code = check_line("/experience", subject->experience, LIMIT_NAME_BYTES, false, err);
    if (!code && subject->kind >= SUBJECT_KINDS)
        code =
            err_at(err, E_INVALID, "/kind", "kind must be product, service, unit or organisation");
    const char *url = subject->url;
    if (!code && url && url[0] && strncmp(url, "https://", 8) != 0 &&
        strncmp(url, "http://", 7) != 0)
        code = err_at(err, E_INVALID, "/url", "url must begin with https:// or http://");
    return code;
}

static int put(void *context, sqlite3 *db, struct err *err) {
    const struct review_subject *subject = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO review_subject(name, kind, title, url, experience, created_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM review_subject) < ?7"
        " OR EXISTS(SELECT 1 FROM review_subject WHERE name = ?1)"
        " ON CONFLICT(name) DO UPDATE SET kind = ?2, title = ?3, url = ?4, experience = ?5",
        err);
    if (!statement)
        return err->code;
    voice_bind(statement, 1, subject->name);
    voice_bind(statement, 2, subject_kind_name(subject->kind));
    voice_bind(statement, 3, subject->title);
    voice_bind(statement, 4, subject->url);
    voice_bind(statement, 5, subject->experience);
    sqlite3_bind_int64(statement, 6, clock_now_ms());
    sqlite3_bind_int(statement, 7, REVIEW_SUBJECTS_MAX);
    int code = store_run(statement, err);
    return code || sqlite3_changes(db)
               ? code
               : err_set(err, E_REFUSED, "there are %d subjects already", REVIEW_SUBJECTS_MAX);
}

int subject_put(struct folder *folder, const struct review_subject *subject, struct err *err) {
    struct review_subject copy = *subject;
    int code = check(subject, err);
    if (!code)
        code = store_write(folder->store, put, &copy, err);
    if (!code)
        reviews_changed(folder);
    return code;
}

int subject_find(struct folder *folder, const char *name, struct arena *arena,
                 struct review_subject *subject, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT name, kind, title, url, experience FROM review_subject WHERE name = ?", err);
    int code = E_IO;
    if (statement) {
        voice_bind(statement, 1, name);
        code = store_step(statement, err);
    }
    if (code == 1) {
        *subject = (struct review_subject){.name = voice_text(statement, 0, arena),
                                           .kind = subject_kind_of(voice_text(statement, 1, arena)),
                                           .title = voice_text(statement, 2, arena),
                                           .url = voice_text(statement, 3, arena),
                                           .experience = voice_text(statement, 4, arena)};
        sqlite3_reset(statement);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "nothing of that name is rated");
}

static int drop(void *context, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "DELETE FROM review_subject WHERE name = ?1"
                      " AND NOT EXISTS(SELECT 1 FROM review WHERE subject = ?1)",
                      err);
    if (!statement)
        return err->code;
    voice_bind(statement, 1, context);
    int code = store_run(statement, err);
    return code || sqlite3_changes(db) ? code : E_REFUSED;
}

int subject_remove(struct folder *folder, const char *name, struct err *err) {
    struct arena arena;
    struct review_subject subject;
    arena_init(&arena);
    int code = subject_find(folder, name, &arena, &subject, err);
    arena_release(&arena);
    if (code)
        return code;
    char *copy = strdup(name);
    if (!copy)
        abort();
    code = store_write(folder->store, drop, copy, err);
    free(copy);
    if (code == E_REFUSED)
        return err_set(err, E_REFUSED, "it has reviews");
    if (!code)
        reviews_changed(folder);
    return code;
}
