/*
 * Purposes: in the records with every wording they had, in memory for each event.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "collect/consent_internal.h"

const char *const PURPOSE_BASES[BASES] = {"consent", "interest", "contract"};

static const char *column(sqlite3_stmt *row, int at, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(row, at);
    return arena_text(arena, slice_of(text ? text : ""));
}

static enum purpose_basis basis_of(const char *text) {
    for (int i = 0; i < BASES; i++)
        if (strcmp(text, PURPOSE_BASES[i]) == 0)
            return (enum purpose_basis)i;
    return BASIS_CONSENT;
}

/* Reads all again; texts that were lent out stay. */
static int load(struct consents *consents, struct err *err) {
    struct purpose list[PURPOSES_MAX];
    size_t n = 0;
    sqlite3 *db = store_reader_get(consents->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(db,
                           "SELECT name, basis, title_es, title_en, text_es, text_en, wording"
                           " FROM purpose ORDER BY position, name",
                           err)
           : NULL;
    int code = statement ? 1 : err_set(err, E_IO, "the records could not be read");
    pthread_rwlock_wrlock(&consents->lock);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (n < PURPOSES_MAX)
            list[n++] = (struct purpose){
                .name = column(statement, 0, &consents->texts),
                .basis = basis_of(column(statement, 1, &consents->texts)),
                .title_es = column(statement, 2, &consents->texts),
                .title_en = column(statement, 3, &consents->texts),
                .text_es = column(statement, 4, &consents->texts),
                .text_en = column(statement, 5, &consents->texts),
                .wording = (unsigned)sqlite3_column_int(statement, 6),
            };
    if (!code) {
        memcpy(consents->purposes, list, n * sizeof *list);
        consents->n = n;
    }
    pthread_rwlock_unlock(&consents->lock);
    store_reader_put(consents->store, db);
    return code;
}

int consents_open(struct consents **out, struct store *store, struct err *err) {
    struct consents *consents = calloc(1, sizeof *consents);
    if (!consents)
        abort();
    consents->store = store;
    arena_init(&consents->texts);
    pthread_mutex_init(&consents->changing, NULL);
    pthread_rwlock_init(&consents->lock, NULL);
    int code = load(consents, err);
    if (code) {
        consents_close(consents);
        return code;
    }
    *out = consents;
    return 0;
}

void consents_close(struct consents *consents) {
    if (!consents)
        return;
    arena_release(&consents->texts);
    pthread_mutex_destroy(&consents->changing);
    pthread_rwlock_destroy(&consents->lock);
    free(consents);
}

void purposes_list(struct consents *consents, struct arena *arena, struct purpose **list,
                   size_t *n) {
    pthread_rwlock_rdlock(&consents->lock);
    *n = consents->n;
    *list = ARENA_ARRAY(arena, struct purpose, consents->n + 1);
    memcpy(*list, consents->purposes, consents->n * sizeof **list);
    pthread_rwlock_unlock(&consents->lock);
}

bool purpose_find(struct consents *consents, struct slice name, struct purpose *purpose) {
    bool found = false;
    pthread_rwlock_rdlock(&consents->lock);
    for (size_t i = 0; !found && i < consents->n; i++) {
        found = slice_equal_nocase(slice_of(consents->purposes[i].name), name);
        if (found)
            *purpose = consents->purposes[i];
    }
    pthread_rwlock_unlock(&consents->lock);
    return found;
}

/* ---- changing ---- */

static int check_name(const char *name, struct err *err) {
    size_t n = strlen(name);
    bool good = n > 0 && n < PURPOSE_NAME_BYTES;
    for (size_t i = 0; i < n; i++)
        good = good && ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
                        name[i] == '_' || name[i] == '-');
    return good ? 0
                : err_at(err, E_INVALID, "/name",
                         "a purpose's name has small letters, digits, - and _");
}

static int put_row(sqlite3 *db, const struct purpose *purpose, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO purpose(name, basis, title_es, title_en, text_es, text_en, wording, position)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(position), 0) + 1 FROM purpose))"
        " ON CONFLICT(name) DO UPDATE SET basis = ?2, title_es = ?3, title_en = ?4, text_es = ?5,"
        " text_en = ?6, wording = ?7",
        err);
    if (!statement)
        return err->code;
    const char *texts[] = {purpose->name,     PURPOSE_BASES[purpose->basis],
                           purpose->title_es, purpose->title_en,
                           purpose->text_es,  purpose->text_en};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 7, purpose->wording);
    return store_step(statement, err);
}

static int put_wording(sqlite3 *db, const struct purpose *purpose, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR IGNORE INTO purpose_wording VALUES (?, ?, ?, ?, ?, ?, ?)", err);
    if (!statement)
        return err->code;
    const char *texts[] = {purpose->title_es, purpose->title_en, purpose->text_es,
                           purpose->text_en};
    sqlite3_bind_text(statement, 1, purpose->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, purpose->wording);
    for (int i = 0; i < 4; i++)
        sqlite3_bind_text(statement, i + 3, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 7, clock_now_ms());
    return store_step(statement, err);
}

/* The last version that the name ever had: a purpose that comes back goes on counting. */
static int last_wording(sqlite3 *db, const char *name, unsigned *version, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT coalesce(max(version), 0) FROM purpose_wording WHERE purpose = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code == 1)
        *version = (unsigned)sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

struct putting {
    struct purpose *purpose;
    bool reworded;
};

static int put(void *context, sqlite3 *db, struct err *err) {
    const struct putting *putting = context;
    unsigned last = 0;
    int code = 0;
    if (putting->reworded) {
        code = last_wording(db, putting->purpose->name, &last, err);
        putting->purpose->wording = last + 1;
    }
    if (!code)
        code = put_row(db, putting->purpose, err);
    return code ? code : put_wording(db, putting->purpose, err);
}

int purpose_put(struct consents *consents, struct purpose *purpose, struct err *err) {
    struct purpose before;
    int code = check_name(purpose->name, err);
    if (code)
        return code;
    pthread_mutex_lock(&consents->changing);
    bool known = purpose_find(consents, slice_of(purpose->name), &before);
    struct putting putting = {purpose, !known || strcmp(before.title_es, purpose->title_es) != 0 ||
                                           strcmp(before.title_en, purpose->title_en) != 0 ||
                                           strcmp(before.text_es, purpose->text_es) != 0 ||
                                           strcmp(before.text_en, purpose->text_en) != 0};
    purpose->wording = known ? before.wording : 0;
    code = !known && consents->n == PURPOSES_MAX
               ? err_set(err, E_REFUSED, "no room for another purpose")
               : store_write(consents->store, put, &putting, err);
    if (!code)
        code = load(consents, err);
    pthread_mutex_unlock(&consents->changing);
    return code;
}

static int remove_row(void *context, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM purpose WHERE name = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, context, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    return !code && !sqlite3_changes(db) ? err_set(err, E_NOT_FOUND, "no such purpose") : code;
}

int purpose_remove(struct consents *consents, const char *name, struct err *err) {
    char *copy = strdup(name);
    if (!copy)
        abort();
    pthread_mutex_lock(&consents->changing);
    int code = store_write(consents->store, remove_row, copy, err);
    if (!code)
        code = load(consents, err);
    pthread_mutex_unlock(&consents->changing);
    free(copy);
    return code;
}
