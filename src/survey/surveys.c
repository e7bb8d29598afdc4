/*
 * The records of surveys, and the published ones in memory: people answer without a read of the records.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "survey/internal.h"

enum { SURVEYS_MAX = 5000, TITLE_SHOWN = 200 };

struct counter {
    char *quota; /* id, "" for the limit of the survey */
    uint64_t n;
};

struct known {
    struct survey *survey; /* newest version */
    struct counter *counters;
    size_t n_counters;
    struct known *next;
};

struct memory {
    pthread_rwlock_t lock;
    struct known *known;
};

static int make_memory(struct folder *folder, void **value, struct err *err) {
    (void)folder, (void)err;
    struct memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        abort();
    pthread_rwlock_init(&memory->lock, NULL);
    *value = memory;
    return 0;
}

static void free_known(struct known *known) {
    survey_release(known->survey);
    for (size_t i = 0; i < known->n_counters; i++)
        free(known->counters[i].quota);
    free(known->counters);
    free(known);
}

static void free_memory(void *value) {
    struct memory *memory = value;
    while (memory->known) {
        struct known *next = memory->known->next;
        free_known(memory->known);
        memory->known = next;
    }
    pthread_rwlock_destroy(&memory->lock);
    free(memory);
}

static const char memory_key[] = "surveys";

static int memory_of(struct folder *folder, struct memory **memory, struct err *err) {
    void *value;
    int code = folder_keep(folder, memory_key, make_memory, free_memory, &value, err);
    *memory = value;
    return code;
}

static struct known *known_find(struct memory *memory, struct slice id) {
    struct known *known = memory->known;
    while (known && !slice_is(id, known->survey->id))
        known = known->next;
    return known;
}

/* What changed is read again when somebody asks. */
static void forget(struct folder *folder, struct slice id) {
    struct memory *memory;
    if (memory_of(folder, &memory, NULL))
        return;
    pthread_rwlock_wrlock(&memory->lock);
    for (struct known **at = &memory->known; *at; at = &(*at)->next)
        if (slice_is(id, (*at)->survey->id)) {
            struct known *gone = *at;
            *at = gone->next;
            free_known(gone);
            break;
        }
    pthread_rwlock_unlock(&memory->lock);
}

/* ---- reading ---- */

static const char *const states[] = {"draft", "open", "closed"};
const char *survey_state_name(enum survey_state state) { return states[state]; }

static const char *text_at(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_text(arena, slice_of(text ? text : ""));
}

static void read_row(sqlite3_stmt *statement, struct arena *arena, struct survey_row *row) {
    *row = (struct survey_row){.number = (uint64_t)sqlite3_column_int64(statement, 0),
                               .id = text_at(statement, 1, arena),
                               .title = text_at(statement, 2, arena),
                               .state = (enum survey_state)sqlite3_column_int(statement, 3),
                               .version = (uint32_t)sqlite3_column_int(statement, 4),
                               .draft_differs = sqlite3_column_int(statement, 5) != 0,
                               .author = text_at(statement, 6, arena),
                               .created_ms = sqlite3_column_int64(statement, 7),
                               .changed_ms = sqlite3_column_int64(statement, 8),
                               .published_ms = sqlite3_column_int64(statement, 9)};
}

int surveys_list(struct folder *folder, struct arena *arena, struct survey_row **rows, size_t *n,
                 struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT number, id, title, state, version, draft_differs, opened(author), created_ms, "
        "changed_ms, "
        "coalesce((SELECT max(published_ms) FROM survey_version v WHERE v.survey = number), 0) "
        "FROM survey ORDER BY changed_ms DESC, number DESC",
        err);
    int code = statement ? 1 : E_IO;
    *rows = ARENA_ARRAY(arena, struct survey_row, SURVEYS_MAX);
    *n = 0;
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (*n < SURVEYS_MAX)
            read_row(statement, arena, &(*rows)[(*n)++]);
    store_reader_put(folder->store, db);
    return code;
}

static int no_survey(struct slice id, struct err *err) {
    struct slice shown = utf8_cut(id, SURVEY_ID_BYTES);
    return err_set(err, E_NOT_FOUND, "no survey \"%.*s\"", SLICE_ARGS(shown));
}

int surveys_get(struct folder *folder, struct slice id, struct arena *arena, struct survey_row *row,
                struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT number, id, title, state, version, draft_differs, opened(author), created_ms, "
        "changed_ms, "
        "coalesce((SELECT max(published_ms) FROM survey_version v WHERE v.survey = number), 0) "
        "FROM survey WHERE id = ?",
        err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_text(statement, 1, id.p ? id.p : "", (int)id.n, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    if (code == 1) {
        read_row(statement, arena, row);
        sqlite3_reset(statement);
        code = 1;
    }
    store_reader_put(folder->store, db);
    return code < 0 ? code : code ? 0 : no_survey(id, err);
}

/* The JSON of column 0 of the one row, if there is one. */
static int read_json(sqlite3_stmt *statement, json_t **json, struct err *err) {
    int code = store_step(statement, err);
    *json = NULL;
    if (code == 1) {
        *json = json_loadb((const char *)sqlite3_column_text(statement, 0),
                           (size_t)sqlite3_column_bytes(statement, 0), 0, NULL);
        sqlite3_reset(statement);
        code = *json ? 0 : err_set(err, E_CORRUPT, "a survey's definition cannot be read");
    }
    return code;
}

int surveys_version(struct folder *folder, struct slice id, uint32_t version, json_t **definition,
                    struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        version ? STORE_PREPARE(db,
                                "SELECT definition FROM survey_version WHERE version = ?2 AND "
                                "survey = (SELECT number FROM survey WHERE id = ?1)",
                                err)
                : STORE_PREPARE(db, "SELECT draft FROM survey WHERE id = ?1", err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_text(statement, 1, id.p ? id.p : "", (int)id.n, SQLITE_TRANSIENT);
        if (version)
            sqlite3_bind_int64(statement, 2, version);
        code = read_json(statement, definition, err);
    }
    store_reader_put(folder->store, db);
    if (!code && !*definition)
        return version ? err_set(err, E_NOT_FOUND, "no version %u of this survey", version)
                       : no_survey(id, err);
    return code;
}

int surveys_versions(struct folder *folder, struct slice id, struct arena *arena,
                     struct survey_version_row **rows, size_t *n, struct err *err) {
    struct survey_row row;
    int code = surveys_get(folder, id, arena, &row, err);
    if (code)
        return code;
    *rows = ARENA_ARRAY(arena, struct survey_version_row, row.version + 1);
    *n = 0;
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "SELECT version, published_ms, opened(author) FROM "
                                            "survey_version WHERE survey = ? ORDER BY version DESC",
                                            err);
    code = statement ? 1 : E_IO;
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)row.number);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (*n <= row.version)
            (*rows)[(*n)++] = (struct survey_version_row){
                (uint32_t)sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                text_at(statement, 2, arena)};
    store_reader_put(folder->store, db);
    return code;
}

/* ---- parsed ones ---- */

static int load(struct folder *folder, const struct survey_row *row, uint32_t version,
                struct survey **out, struct err *err) {
    json_t *definition;
    struct survey *survey = NULL;
    int code = surveys_version(folder, slice_of(row->id), version, &definition, err);
    if (code)
        return code;
    code = survey_parse(definition, &survey, err);
    json_decref(definition);
    if (code)
        return code;
    survey->number = row->number;
    survey->id = arena_text(&survey->private->arena, slice_of(row->id));
    survey->version = version;
    survey->state = row->state;
    *out = survey;
    return 0;
}

static int read_counters(struct folder *folder, struct known *known, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT quota, n FROM survey_quota WHERE survey = ?", err);
    int code = statement ? 1 : E_IO;
    known->counters = calloc(SURVEY_COUNTERS, sizeof *known->counters);
    if (!known->counters)
        abort();
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)known->survey->number);
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (known->n_counters < SURVEY_COUNTERS) {
            struct counter *counter = &known->counters[known->n_counters++];
            counter->quota = strdup((const char *)sqlite3_column_text(statement, 0));
            counter->n = (uint64_t)sqlite3_column_int64(statement, 1);
            if (!counter->quota)
                abort();
        }
    store_reader_put(folder->store, db);
    return code;
}

/* Reads the newest version and remembers it, unless somebody else just did. */
static int remember(struct folder *folder, struct memory *memory, struct slice id,
                    struct survey **out, struct err *err) {
    struct arena arena;
    struct survey_row row = {0};
    struct known *known = NULL;
    arena_init(&arena);
    pthread_rwlock_wrlock(&memory->lock);
    struct known *there = known_find(memory, id);
    int code = there ? 0 : surveys_get(folder, id, &arena, &row, err);
    if (!code && !there && !row.version)
        code = err_set(err, E_NOT_FOUND, "this survey is not published yet");
    if (!code && !there) {
        known = calloc(1, sizeof *known);
        if (!known)
            abort();
        code = load(folder, &row, row.version, &known->survey, err);
        if (!code)
            code = read_counters(folder, known, err);
        if (code) {
            free_known(known);
        } else {
            known->next = memory->known;
            memory->known = there = known;
        }
    }
    if (!code)
        *out = survey_retain(there->survey);
    pthread_rwlock_unlock(&memory->lock);
    arena_release(&arena);
    return code;
}

int survey_find(struct folder *folder, struct slice id, struct survey **survey, struct err *err) {
    struct memory *memory;
    int code = memory_of(folder, &memory, err);
    if (code)
        return code;
    pthread_rwlock_rdlock(&memory->lock);
    struct known *known = known_find(memory, id);
    *survey = known ? survey_retain(known->survey) : NULL;
    pthread_rwlock_unlock(&memory->lock);
    return *survey ? 0 : remember(folder, memory, id, survey, err);
}

int survey_find_version(struct folder *folder, struct slice id, uint32_t version,
                        struct survey **survey, struct err *err) {
    struct survey *newest = NULL;
    struct err ignored = {0};
    if (version && survey_find(folder, id, &newest, &ignored) == 0) {
        if (newest->version == version) {
            *survey = newest;
            return 0;
        }
        survey_release(newest);
    }
    struct arena arena;
    struct survey_row row;
    arena_init(&arena);
    int code = surveys_get(folder, id, &arena, &row, err);
    if (!code)
        code = load(folder, &row, version, survey, err);
    arena_release(&arena);
    return code;
}

/* ---- writing ---- */

struct change {
    struct survey_row row;
    struct slice id;
    char *draft;
    bool open, same;
    uint32_t version;
    int changed;
};

static void bind_slice(sqlite3_stmt *statement, int at, struct slice text) {
    sqlite3_bind_text(statement, at, text.p ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
}

static int draft_text(const json_t *draft, char **text, struct err *err) {
    *text = json_dumps(draft, JSON_COMPACT);
    if (!*text)
        abort();
    if (strlen(*text) <= SURVEY_BYTES)
        return 0;
    free(*text);
    return err_set(err, E_TOO_LARGE, "a survey's definition is over %d bytes", SURVEY_BYTES);
}

/* The title in the survey's first language, for lists. */
static const char *title_of(const json_t *draft) {
    const json_t *title = json_object_get(draft, "title");
    const char *language =
        json_string_value(json_array_get(json_object_get(draft, "languages"), 0));
    if (json_is_object(title)) {
        const json_t *first = language ? json_object_get(title, language) : NULL;
        void *any = json_object_iter((json_t *)(uintptr_t)title);
        title = first ? first : any ? json_object_iter_value(any) : NULL;
    }
    return json_is_string(title) ? json_string_value(title) : "";
}

/* "Después de la compra" → "despues-de-la-compra". */
static void id_of_title(const char *title, char id[SURVEY_ID_BYTES + 1]) {
    static const char plain[] = "aaaaaaaceeeeiiiidnooooo/ouuuuypsaaaaaaaceeeeiiiidnooooo/ouuuuypy";
    const char *p = title, *end = title + strlen(title);
    size_t n = 0;
    while (p < end && n < SURVEY_ID_BYTES - 8) {
        uint32_t c = utf8_next(&p, end);
        if (c >= 0xc0 && c <= 0xff)
            c = (unsigned char)plain[c - 0xc0];
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            id[n++] = (char)c;
        else if (n && id[n - 1] != '-')
            id[n++] = '-';
    }
    while (n && id[n - 1] == '-')
        n--;
    id[n] = 0;
    if (!n)
        snprintf(id, SURVEY_ID_BYTES + 1, "survey");
}

static int insert(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO survey(number, id, title, state, version, draft, draft_differs, author, "
        "created_ms, changed_ms) SELECT coalesce(max(number), 0) + 1, ?1, ?2, 0, 0, ?3, 1, "
        "sealed(?4), ?5, "
        "?5 FROM (SELECT number FROM survey UNION SELECT survey FROM survey_version) WHERE NOT "
        "EXISTS (SELECT 1 FROM survey WHERE id = ?1)",
        err);
    if (!statement)
        return E_IO;
    bind_slice(statement, 1, change->id);
    sqlite3_bind_text(statement, 2, change->row.title, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, change->draft, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, change->row.author, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, clock_now_ms());
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int surveys_add(struct folder *folder, const char *id, const json_t *draft, const char *author,
                struct arena *arena, struct survey_row *row, struct err *err) {
    struct change change = {.row = {.author = author}};
    struct slice title = utf8_cut(slice_of(title_of(draft)), TITLE_SHOWN);
    char base[SURVEY_ID_BYTES + 1], tried[SURVEY_ID_BYTES + 1];
    if (*id && !is_survey_id(id))
        return err_at(err, E_INVALID, "/id", "an id has 1 to %d letters, digits, - and _",
                      SURVEY_ID_BYTES);
    int code = draft_text(draft, &change.draft, err);
    if (code)
        return code;
    change.row.title = arena_text(arena, title);
    id_of_title(change.row.title, base);
    for (int i = 1; !code && !change.changed && i < 1000; i++) {
        snprintf(tried, sizeof tried, i == 1 ? "%.*s" : "%.*s-%d", SURVEY_ID_BYTES - 5, base, i);
        change.id = *id ? slice_of(id) : slice_of(tried);
        code = store_write(folder->store, insert, &change, err);
        if (!code && !change.changed && *id)
            code = err_at(err, E_CONFLICT, "/id", "there is a survey \"%s\" already", id);
    }
    free(change.draft);
    return code ? code : surveys_get(folder, change.id, arena, row, err);
}

static int update_draft(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "UPDATE survey SET draft = ?2, title = ?3, changed_ms = ?4, draft_differs = "
        "coalesce((SELECT "
        "definition <> ?2 FROM survey_version v WHERE v.survey = number AND v.version = "
        "survey.version), 1) WHERE id = ?1",
        err);
    if (!statement)
        return E_IO;
    bind_slice(statement, 1, change->id);
    sqlite3_bind_text(statement, 2, change->draft, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, change->row.title, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, clock_now_ms());
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int surveys_change(struct folder *folder, struct slice id, const json_t *draft, struct err *err) {
    struct change change = {.id = id};
    struct arena arena;
    int code = draft_text(draft, &change.draft, err);
    if (code)
        return code;
    arena_init(&arena);
    change.row.title = arena_text(&arena, utf8_cut(slice_of(title_of(draft)), TITLE_SHOWN));
    code = store_write(folder->store, update_draft, &change, err);
    arena_release(&arena);
    free(change.draft);
    return code ? code : change.changed ? 0 : no_survey(id, err);
}

static int put_version(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement =
        change->same
            ? NULL
            : STORE_PREPARE(db,
                            "INSERT INTO survey_version(survey, version, definition, author, "
                            "published_ms) VALUES(?1, ?2, ?3, sealed(?4), ?5)",
                            err);
    if (!statement && !change->same)
        return E_IO;
    int code = 0;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->row.number);
        sqlite3_bind_int64(statement, 2, change->version);
        sqlite3_bind_text(statement, 3, change->draft, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 4, change->row.author, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 5, clock_now_ms());
        code = store_run(statement, err);
    }
    statement = code ? NULL
                     : STORE_PREPARE(db,
                                     "UPDATE survey SET version = ?2, state = 1, draft_differs = "
                                     "(draft <> ?3), changed_ms = ?4 WHERE number = ?1",
                                     err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->row.number);
    sqlite3_bind_int64(statement, 2, change->version);
    sqlite3_bind_text(statement, 3, change->draft, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, clock_now_ms());
    return store_run(statement, err);
}

/* The draft is what the newest version has. */
static bool same_as_newest(struct folder *folder, const struct survey_row *row,
                           const json_t *draft) {
    json_t *newest = NULL;
    struct err ignored = {0};
    bool same = row->version &&
                surveys_version(folder, slice_of(row->id), row->version, &newest, &ignored) == 0 &&
                json_equal(newest, draft);
    json_decref(newest);
    return same;
}

int surveys_publish(struct folder *folder, struct slice id, const char *author, uint32_t *version,
                    struct err *err) {
    struct change change = {.id = id};
    struct survey *survey = NULL;
    struct arena arena;
    json_t *draft = NULL;
    arena_init(&arena);
    int code = surveys_get(folder, id, &arena, &change.row, err);
    if (!code)
        code = surveys_version(folder, id, 0, &draft, err);
    if (!code)
        code = survey_parse(draft, &survey, err);
    if (!code) {
        change.row.author = author;
        change.same = same_as_newest(folder, &change.row, draft);
        change.version = change.row.version + !change.same;
        code = draft_text(draft, &change.draft, err);
    }
    if (!code) {
        code = store_write(folder->store, put_version, &change, err);
        free(change.draft);
        *version = change.version;
    }
    survey_release(survey);
    json_decref(draft);
    arena_release(&arena);
    forget(folder, id);
    return code;
}

static int set_state(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "UPDATE survey SET state = ?2, changed_ms = ?3 WHERE id = ?1 AND version > 0", err);
    if (!statement)
        return E_IO;
    bind_slice(statement, 1, change->id);
    sqlite3_bind_int(statement, 2, change->open ? SURVEY_OPEN : SURVEY_CLOSED);
    sqlite3_bind_int64(statement, 3, clock_now_ms());
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int surveys_set_open(struct folder *folder, struct slice id, bool open, struct err *err) {
    struct change change = {.id = id, .open = open};
    struct survey_row row;
    struct arena arena;
    arena_init(&arena);
    int code = surveys_get(folder, id, &arena, &row, err);
    arena_release(&arena);
    if (!code)
        code = store_write(folder->store, set_state, &change, err);
    if (!code && !change.changed)
        code = err_set(err, E_CONFLICT, "this survey was never published");
    forget(folder, id);
    return code;
}

static int delete_survey(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM survey WHERE id = ? AND version = 0", err);
    if (!statement)
        return E_IO;
    bind_slice(statement, 1, change->id);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

int surveys_remove(struct folder *folder, struct slice id, struct err *err) {
    struct change change = {.id = id};
    struct survey_row row;
    struct arena arena;
    arena_init(&arena);
    int code = surveys_get(folder, id, &arena, &row, err);
    arena_release(&arena);
    if (!code)
        code = store_write(folder->store, delete_survey, &change, err);
    if (!code && !change.changed)
        code = err_set(err, E_CONFLICT,
                       "this survey was published: its answers refer to it; close it instead");
    return code;
}

/* ---- limits ---- */

/* How many complete answers a survey's limit ("") or quota has; from memory. */
static int quota_counted(struct folder *folder, const struct survey *survey, const char *quota,
                         uint64_t *n, struct err *err) {
    struct memory *memory;
    struct survey *newest;
    *n = 0;
    int code = memory_of(folder, &memory, err);
    if (!code)
        code = survey_find(folder, slice_of(survey->id), &newest, err);
    if (code)
        return code;
    pthread_rwlock_rdlock(&memory->lock);
    const struct known *known = known_find(memory, slice_of(survey->id));
    for (size_t i = 0; known && i < known->n_counters; i++)
        if (strcmp(known->counters[i].quota, quota) == 0)
            *n = known->counters[i].n;
    pthread_rwlock_unlock(&memory->lock);
    survey_release(newest);
    return 0;
}

static int count_one(const struct survey *survey, const char *quota, uint64_t *counted, sqlite3 *db,
                     struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "INSERT INTO survey_quota VALUES(?, ?, 1) ON "
                                            "CONFLICT(survey, quota) DO UPDATE SET n = n + 1 "
                                            "RETURNING n",
                                            err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)survey->number);
    sqlite3_bind_text(statement, 2, quota, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code != 1)
        return code ? code : E_IO;
    *counted = (uint64_t)sqlite3_column_int64(statement, 0);
    return store_run(statement, err);
}

int survey_counting_write(const struct survey_counting *counting, sqlite3 *db, struct err *err) {
    for (size_t i = 0; i < counting->n; i++) {
        uint64_t counted = 0;
        int code = count_one(counting->survey, counting->quotas[i], &counted, db, err);
        if (code)
            return code;
        if (counting->limits[i] && counted > counting->limits[i])
            return err_set(err, E_REFUSED,
                           counting->quotas[i][0]
                               ? "enough people like this one have answered already"
                               : "this survey is closed");
    }
    return 0;
}

static void count_known(struct known *known, const char *quota) {
    size_t i = 0;
    while (i < known->n_counters && strcmp(known->counters[i].quota, quota) != 0)
        i++;
    if (i == SURVEY_COUNTERS)
        return;
    if (i == known->n_counters && !(known->counters[known->n_counters++].quota = strdup(quota)))
        abort();
    known->counters[i].n++;
}

static void count_for(struct survey_counting *counting, const char *quota, uint64_t limit) {
    counting->quotas[counting->n] = quota;
    counting->limits[counting->n++] = limit;
}

int survey_counting_begin(struct folder *folder, const struct survey *survey, const json_t *answers,
                          const struct survey_context *context, struct survey_counting *counting,
                          struct err *err) {
    struct survey *newest;
    *counting = (struct survey_counting){.survey = survey};
    int code = survey_find(folder, slice_of(survey->id), &newest, err);
    if (code)
        return code;
    if (newest->limit)
        count_for(counting, "", newest->limit);
    survey_release(newest);
    for (size_t i = 0; i < survey->n_quotas && counting->n < SURVEY_COUNTERS; i++)
        if (survey_holds(survey->quotas[i].condition, answers, context))
            count_for(counting, survey->quotas[i].id, survey->quotas[i].limit);
    return 0;
}

int survey_counting_end(struct folder *folder, const struct survey_counting *counting,
                        struct err *err) {
    struct memory *memory;
    int code = memory_of(folder, &memory, err);
    if (code)
        return code;
    pthread_rwlock_wrlock(&memory->lock);
    struct known *known = known_find(memory, slice_of(counting->survey->id));
    for (size_t i = 0; known && i < counting->n; i++)
        count_known(known, counting->quotas[i]);
    pthread_rwlock_unlock(&memory->lock);
    return 0;
}

static int write_counting(void *context, sqlite3 *db, struct err *err) {
    return survey_counting_write(context, db, err);
}

int survey_count(struct folder *folder, const struct survey *survey, const json_t *answers,
                 const struct survey_context *context, struct err *err) {
    struct survey_counting counting;
    int code = survey_counting_begin(folder, survey, answers, context, &counting, err);
    memset(counting.limits, 0, sizeof counting.limits); /* it is recorded already */
    if (!code && counting.n)
        code = store_write(folder->store, write_counting, &counting, err);
    return code || !counting.n ? code : survey_counting_end(folder, &counting, err);
}

const struct survey_quota *survey_quota_full(struct folder *folder, const struct survey *survey,
                                             const json_t *answers,
                                             const struct survey_context *context) {
    for (size_t i = 0; i < survey->n_quotas; i++) {
        const struct survey_quota *quota = &survey->quotas[i];
        struct err ignored = {0};
        uint64_t n;
        if (survey_holds(quota->condition, answers, context) &&
            quota_counted(folder, survey, quota->id, &n, &ignored) == 0 && n >= quota->limit)
            return quota;
    }
    return NULL;
}

int survey_check_open(struct folder *folder, const struct survey *survey, int64_t now_ms,
                      struct err *err) {
    uint64_t n = 0;
    struct survey *newest = NULL;
    int code = survey_find(folder, slice_of(survey->id), &newest, err);
    if (code)
        return code;
    bool open = newest->state == SURVEY_OPEN && (!newest->closes_ms || now_ms < newest->closes_ms);
    uint64_t limit = newest->limit;
    survey_release(newest);
    if (open && limit) {
        code = quota_counted(folder, survey, "", &n, err);
        open = n < limit;
    }
    return code || open ? code : err_set(err, E_REFUSED, "this survey is closed");
}
