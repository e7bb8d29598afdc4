/*
 * The thread that imports, and the records of what it did.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "api/import_jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "collect/import.h"
#include "customer/vault_file.h"

enum { REASONS_MAX = 50, LINE_MAX_BYTES = 64 * 1024 };

struct import_jobs {
    struct app *app;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread, end;
    uint64_t running; /* 0: none */
    atomic_bool cancelled;
    struct import_progress progress;
};

/* ---- records ---- */

struct change {
    uint64_t id;
    const char *file, *path, *options, *guess, *state, *result, *who,
        *from; /* from: the state it must have */
    bool uploaded;
    int64_t now_ms;
    int changed;
};

static void bind(sqlite3_stmt *statement, int column, const char *text) {
    sqlite3_bind_text(statement, column, text ? text : "", -1, SQLITE_TRANSIENT);
}

static int insert(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "INSERT INTO import(file, path, uploaded, options, guess, state, result, created_ms, who)"
        " VALUES(sealed(?), sealed(?), ?, sealed(?), sealed(?), 'proposed', '{}', ?, sealed(?))",
        err);
    if (!statement)
        return E_IO;
    bind(statement, 1, change->file);
    bind(statement, 2, change->path);
    sqlite3_bind_int(statement, 3, change->uploaded);
    bind(statement, 4, change->options);
    bind(statement, 5, change->guess);
    sqlite3_bind_int64(statement, 6, change->now_ms);
    bind(statement, 7, change->who);
    int code = store_run(statement, err);
    change->id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

static int set_state(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE import SET state = ?2, result = coalesce(sealed(?3), result),"
                      " options = coalesce(sealed(?4), options)"
                      " WHERE id = ?1 AND (?5 IS NULL OR instr(?5, state) > 0)",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->id);
    bind(statement, 2, change->state);
    if (change->result)
        bind(statement, 3, change->result);
    else
        sqlite3_bind_null(statement, 3);
    if (change->options)
        bind(statement, 4, change->options);
    else
        sqlite3_bind_null(statement, 4);
    if (change->from)
        bind(statement, 5, change->from);
    else
        sqlite3_bind_null(statement, 5);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

static int delete_row(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM import WHERE id = ? AND state <> 'running'", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->id);
    int code = store_run(statement, err);
    change->changed = sqlite3_changes(db);
    return code;
}

/* What ran when the process ended. */
static int fail_interrupted(void *context, sqlite3 *db, struct err *err) {
    (void)context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "UPDATE import SET state = 'failed',"
                      " result = sealed(json_set(opened(result), '$.failure',"
                      " 'the server stopped meanwhile', '$.hint',"
                      " 'Import the file again: what is there already is not doubled.'))"
                      " WHERE state IN ('running', 'waiting')",
                      err);
    return statement ? store_run(statement, err) : E_IO;
}

/* ---- reading ---- */

struct record {
    uint64_t id;
    const char *file, *path, *options, *guess, *state, *result, *who;
    bool uploaded;
    int64_t created_ms;
};

static const char *text_of(sqlite3_stmt *statement, int column, struct arena *arena) {
    const unsigned char *text = sqlite3_column_text(statement, column);
    return arena_text(arena, slice_of(text ? (const char *)text : ""));
}

static void read_row(sqlite3_stmt *statement, struct arena *arena, struct record *row) {
    *row = (struct record){(uint64_t)sqlite3_column_int64(statement, 0),
                           text_of(statement, 1, arena),
                           text_of(statement, 2, arena),
                           text_of(statement, 3, arena),
                           text_of(statement, 4, arena),
                           text_of(statement, 5, arena),
                           text_of(statement, 6, arena),
                           text_of(statement, 7, arena),
                           sqlite3_column_int(statement, 8) != 0,
                           sqlite3_column_int64(statement, 9)};
}

static int find_row(struct import_jobs *jobs, uint64_t id, struct arena *arena, struct record *row,
                    struct err *err) {
    struct store *store = app_folder(jobs->app)->store;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT id, opened(file), opened(path), opened(options), opened(guess), "
                      "state, opened(result), "
                      "opened(who), uploaded, created_ms FROM import WHERE id = ?",
                      err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        code = store_step(statement, err);
    }
    if (code == 1) {
        read_row(statement, arena, row);
        sqlite3_reset(statement);
    }
    store_reader_put(store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such import");
}

static void put_progress(json_t *json, const struct import_progress *progress) {
    json_object_set_new(json, "read", json_integer((json_int_t)progress->read));
    json_object_set_new(json, "accepted", json_integer((json_int_t)progress->accepted));
    json_object_set_new(json, "duplicates", json_integer((json_int_t)progress->duplicates));
    json_object_set_new(json, "rejected", json_integer((json_int_t)progress->rejected));
    json_object_set_new(json, "seconds", json_real(progress->seconds));
    double share = progress->size ? (double)progress->position / (double)progress->size : 0;
    json_object_set_new(json, "progress", json_real(share > 1 ? 1 : share));
}

static json_t *row_json(struct import_jobs *jobs, const struct record *row, bool guess) {
    json_t *json = json_pack(
        "{s:o, s:s, s:s, s:b, s:o, s:s}", "id", json_sprintf("%llu", (unsigned long long)row->id),
        "file", row->file, "state", row->state, "running",
        strcmp(row->state, "running") == 0 || strcmp(row->state, "waiting") == 0, "created_at",
        api_instant(row->created_ms), "who", row->who);
    put_progress(json, &(struct import_progress){0});
    json_t *result = json_loads(row->result, 0, NULL), *options = json_loads(row->options, 0, NULL);
    if (result)
        json_object_update(json, result);
    json_object_set(json, "options", options ? options : json_null());
    json_t *format = json_object_get(options, "format");
    if (format)
        json_object_set(json, "format", format);
    json_decref(result);
    json_decref(options);
    pthread_mutex_lock(&jobs->lock);
    if (jobs->running == row->id)
        put_progress(json, &jobs->progress);
    pthread_mutex_unlock(&jobs->lock);
    json_t *looks = json_loads(row->guess, 0, NULL);
    static const char *const shown[] = {"format", "encoding", "delimiter"};
    for (size_t i = 0; i < 3; i++)
        if (json_object_get(looks, shown[i]) && !json_object_get(json, shown[i]))
            json_object_set(json, shown[i], json_object_get(looks, shown[i]));
    if (guess)
        json_object_set(json, "guess", looks ? looks : json_null());
    json_decref(looks);
    return json;
}

int import_jobs_get(struct import_jobs *jobs, uint64_t id, bool guess, json_t **json,
                    struct err *err) {
    struct arena arena;
    struct record row = {.path = ""};
    arena_init(&arena);
    int code = find_row(jobs, id, &arena, &row, err);
    if (!code)
        *json = row_json(jobs, &row, guess);
    arena_release(&arena);
    return code;
}

int import_jobs_list(struct import_jobs *jobs, uint64_t before, size_t limit, json_t **rows,
                     struct err *err) {
    struct store *store = app_folder(jobs->app)->store;
    struct arena arena;
    arena_init(&arena);
    struct record *found = ARENA_ARRAY(&arena, struct record, limit);
    size_t n = 0;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT id, opened(file), opened(path), opened(options), opened(guess), "
                      "state, opened(result), "
                      "opened(who), uploaded, created_ms FROM import"
                      " WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2",
                      err);
    int code = statement ? 1 : E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)before);
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)limit);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1)
        read_row(statement, &arena, &found[n++]);
    store_reader_put(store, db);
    *rows = json_array();
    for (size_t i = 0; !code && i < n; i++)
        json_array_append_new(*rows, row_json(jobs, &found[i], false));
    if (code)
        json_decref(*rows);
    arena_release(&arena);
    return code;
}

int import_jobs_file(struct import_jobs *jobs, uint64_t id, struct arena *arena, const char **path,
                     const char **file, json_t **options, struct err *err) {
    struct record row = {.path = ""};
    int code = find_row(jobs, id, arena, &row, err);
    if (code)
        return code;
    if (!row.path || !row.path[0])
        return err_set(err, E_CONFLICT, "the file is not here any more");
    *path = row.path;
    *file = row.file;
    *options = json_loads(row.options, 0, NULL);
    if (!*options)
        *options = json_object();
    return 0;
}

static const char *rejected_path(const struct record *row, struct arena *arena) {
    return arena_format(arena, "%s.rejected.jsonl", row->path);
}

int import_jobs_rejected(struct import_jobs *jobs, uint64_t id, int *fd, struct err *err) {
    struct record row = {.path = ""};
    struct arena arena;
    arena_init(&arena);
    int code = find_row(jobs, id, &arena, &row, err);
    if (!code && access(rejected_path(&row, &arena), R_OK) != 0)
        code = err_set(err, E_NOT_FOUND, "no row was rejected");
    if (!code)
        code = vault_file_open(app_folder(jobs->app)->vault, rejected_path(&row, &arena), fd, err);
    arena_release(&arena);
    return code;
}

/* ---- running ---- */

void import_options_read(const json_t *json, struct folder *folder, struct arena *arena,
                         struct import_options *options) {
    *options =
        (struct import_options){.format = json_string_value(json_object_get(json, "format")),
                                .sheet = json_string_value(json_object_get(json, "sheet")),
                                .lifecycle = json_string_value(json_object_get(json, "lifecycle")),
                                .zone = folder->zone,
                                .key = vault_message_key(folder->vault),
                                .received_ms = clock_now_ms()};
    json_t *map = json_object_get(json, "map");
    char *text = json_is_object(map) ? json_dumps(map, JSON_COMPACT) : NULL;
    if (text)
        options->map = arena_copy(arena, slice_of(text));
    free(text);
}

static void take_progress(void *context, const struct import_progress *progress) {
    struct import_jobs *jobs = context;
    pthread_mutex_lock(&jobs->lock);
    jobs->progress = *progress;
    pthread_mutex_unlock(&jobs->lock);
}

/* Counts the refused rows by reason, with the first message of each. */
static json_t *count_reasons(const char *path) {
    json_t *reasons = json_array();
    FILE *file = fopen(path, "r");
    char *line = malloc(LINE_MAX_BYTES);
    while (file && line && fgets(line, LINE_MAX_BYTES, file)) {
        json_t *row = json_loads(line, 0, NULL);
        const char *code = json_string_value(json_object_get(row, "code"));
        json_t *found = NULL, *reason;
        size_t i;
        json_array_foreach(reasons, i,
                           reason) if (code &&
                                       strcmp(json_string_value(json_object_get(reason, "reason")),
                                              code) == 0) found = reason;
        if (found)
            json_object_set_new(
                found, "count",
                json_integer(json_integer_value(json_object_get(found, "count")) + 1));
        else if (code && json_array_size(reasons) < REASONS_MAX)
            json_array_append_new(reasons, json_pack("{s:s, s:i, s:O?}", "reason", code, "count", 1,
                                                     "message", json_object_get(row, "message")));
        json_decref(row);
    }
    if (file)
        fclose(file);
    free(line);
    return reasons;
}

static void end_run(struct import_jobs *jobs, const struct record *row,
                    const struct import_progress *result, int code, const struct err *failure,
                    const char *rejected) {
    json_t *json = json_object();
    put_progress(json, result);
    if (result->rejected)
        json_object_set_new(json, "rejections", count_reasons(rejected));
    if (code && code != E_CANCELLED) {
        json_object_set_new(json, "failure", json_string(failure->message));
        if (failure->hint[0])
            json_object_set_new(json, "hint", json_string(failure->hint));
        if (failure->pointer[0])
            json_object_set_new(json, "pointer", json_string(failure->pointer));
        json_object_set_new(json, "code", json_string(err_type(code)));
    }
    char *text = json_dumps(json, JSON_COMPACT);
    struct change change = {.id = row->id,
                            .result = text,
                            .state = code == E_CANCELLED ? "cancelled"
                                     : code              ? "failed"
                                                         : "done"};
    struct err err = {0};
    pthread_mutex_lock(&jobs->lock);
    jobs->running = 0;
    pthread_mutex_unlock(&jobs->lock);
    if (store_write(app_folder(jobs->app)->store, set_state, &change, &err))
        log_error("api", "the result of an import was not written: %s", err.message);
    if (row->uploaded && !code)
        unlink(row->path);
    free(text);
    json_decref(json);
}

/* Where an import reads and writes: an upload is opened in memory, and so are the rows of it that are refused, until they
 * are sealed beside it. Both fds -1 for a file that lies elsewhere. */
struct places {
    int fd, rejected_fd;
    char path[VAULT_FILE_PATH_BYTES], rejected[VAULT_FILE_PATH_BYTES];
};

static int places_open(struct import_jobs *jobs, const struct record *row, struct places *places,
                       struct err *err) {
    *places = (struct places){.fd = -1, .rejected_fd = -1};
    if (!row->uploaded)
        return 0;
    int code = vault_file_open(app_folder(jobs->app)->vault, row->path, &places->fd, err);
    if (!code)
        code = vault_file_memory(&places->rejected_fd, places->rejected, err);
    snprintf(places->path, sizeof places->path, "/proc/self/fd/%d", places->fd);
    return code;
}

static void places_close(struct import_jobs *jobs, struct places *places, const char *rejected) {
    struct err err = {0};
    if (places->rejected_fd >= 0 &&
        vault_file_keep(app_folder(jobs->app)->vault, places->rejected_fd, rejected, &err))
        log_error("api", "refused rows of an import were not kept: %s", err.message);
    if (places->fd >= 0)
        close(places->fd);
    if (places->rejected_fd >= 0)
        close(places->rejected_fd);
}

static void run_import(struct import_jobs *jobs, const struct record *row, struct arena *arena) {
    struct folder *folder = app_folder(jobs->app);
    struct places places;
    struct import_options options;
    struct import_progress result = {0};
    struct source source;
    struct err err = {0};
    json_t *json = json_loads(row->options, 0, NULL);
    const char *rejected = rejected_path(row, arena);
    import_options_read(json, folder, arena, &options);
    options.cancelled = &jobs->cancelled;
    const char *name = json_string_value(json_object_get(json, "source"));
    unlink(rejected);
    int code = places_open(jobs, row, &places, &err);
    struct import_file file = {.path = places.fd >= 0 ? places.path : row->path, .name = row->file};
    const char *refused = places.fd >= 0 ? places.rejected : rejected;
    if (!code)
        code = sources_ensure(app_sources(jobs->app), name ? name : "Files", "file", "", &source,
                              &err);
    if (!code)
        code = import_into(folder->ingest, source, &file, &options, refused, take_progress, jobs,
                           &result, &err);
    end_run(jobs, row, &result, code, &err, refused);
    places_close(jobs, &places, rejected);
    json_decref(json);
}

/* The oldest that waits, now running; false: none. */
static bool take_next(struct import_jobs *jobs, struct arena *arena, struct record *row) {
    struct store *store = app_folder(jobs->app)->store;
    struct err err = {0};
    uint64_t id = 0;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT id FROM import WHERE state = 'waiting' ORDER BY id LIMIT 1", &err);
    if (statement && store_step(statement, &err) == 1) {
        id = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    store_reader_put(store, db);
    struct change change = {.id = id, .state = "running", .from = "waiting"};
    if (!id || store_write(store, set_state, &change, &err) || !change.changed)
        return false;
    return find_row(jobs, id, arena, row, &err) == 0;
}

static void *work(void *context) {
    struct import_jobs *jobs = context;
    struct arena arena;
    struct record row = {.path = ""};
    arena_init(&arena);
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->end) {
        pthread_mutex_unlock(&jobs->lock);
        bool found = take_next(jobs, &arena, &row);
        pthread_mutex_lock(&jobs->lock);
        if (found) {
            jobs->running = row.id;
            jobs->progress = (struct import_progress){0};
            atomic_store(&jobs->cancelled, jobs->end);
            pthread_mutex_unlock(&jobs->lock);
            run_import(jobs, &row, &arena);
            pthread_mutex_lock(&jobs->lock);
        } else if (!jobs->end) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += 5;
            pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
        }
        arena_clear(&arena);
    }
    pthread_mutex_unlock(&jobs->lock);
    arena_release(&arena);
    return NULL;
}

static void *make_jobs(struct app *app) {
    struct import_jobs *jobs = calloc(1, sizeof *jobs);
    struct err err = {0};
    if (!jobs)
        abort();
    jobs->app = app;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    if (store_write(app_folder(app)->store, fail_interrupted, NULL, &err))
        log_error("api", "interrupted imports were not marked: %s", err.message);
    jobs->has_thread = pthread_create(&jobs->thread, NULL, work, jobs) == 0;
    return jobs;
}

static void release_jobs(void *value) {
    struct import_jobs *jobs = value;
    pthread_mutex_lock(&jobs->lock);
    jobs->end = true;
    atomic_store(&jobs->cancelled, true);
    pthread_cond_signal(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    if (jobs->has_thread)
        pthread_join(jobs->thread, NULL);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

struct import_jobs *import_jobs_of(struct app *app) {
    static const char key[] = "imports";
    return app_keep(app, key, make_jobs, release_jobs);
}

/* ---- changes ---- */

int import_jobs_add(struct import_jobs *jobs, const char *file, const char *path, bool uploaded,
                    const json_t *options, const json_t *guess, const char *who, uint64_t *id,
                    struct err *err) {
    char *options_text = json_dumps(options, JSON_COMPACT),
         *guess_text = guess ? json_dumps(guess, JSON_COMPACT) : NULL;
    struct change change = {.file = file,
                            .path = path,
                            .uploaded = uploaded,
                            .options = options_text,
                            .guess = guess_text ? guess_text : "{}",
                            .who = who,
                            .now_ms = clock_now_ms()};
    int code = store_write(app_folder(jobs->app)->store, insert, &change, err);
    *id = change.id;
    free(options_text);
    free(guess_text);
    return code;
}

int import_jobs_start(struct import_jobs *jobs, uint64_t id, const json_t *options,
                      struct err *err) {
    struct arena arena;
    struct record row = {.path = ""};
    arena_init(&arena);
    int code = find_row(jobs, id, &arena, &row, err);
    if (!code && (!row.path || !row.path[0]))
        code = err_set(err, E_CONFLICT, "the file is not here any more");
    if (!code) {
        json_t *merged = json_loads(row.options, 0, NULL);
        if (!merged)
            merged = json_object();
        json_object_update(merged, (json_t *)(uintptr_t)options);
        char *text = json_dumps(merged, JSON_COMPACT);
        struct change change = {
            .id = id, .state = "waiting", .options = text, .from = "proposed failed cancelled"};
        code = store_write(app_folder(jobs->app)->store, set_state, &change, err);
        if (!code && !change.changed)
            code = err_set(err, E_CONFLICT, "this import ran already");
        free(text);
        json_decref(merged);
        pthread_mutex_lock(&jobs->lock);
        pthread_cond_signal(&jobs->changed);
        pthread_mutex_unlock(&jobs->lock);
    }
    arena_release(&arena);
    return code;
}

int import_jobs_cancel(struct import_jobs *jobs, uint64_t id, struct err *err) {
    pthread_mutex_lock(&jobs->lock);
    bool running = jobs->running == id;
    if (running)
        atomic_store(&jobs->cancelled, true);
    pthread_mutex_unlock(&jobs->lock);
    if (running)
        return 0;
    struct change change = {.id = id, .state = "cancelled", .from = "proposed waiting"};
    int code = store_write(app_folder(jobs->app)->store, set_state, &change, err);
    return !code && !change.changed ? err_set(err, E_CONFLICT, "this import does not run") : code;
}

int import_jobs_remove(struct import_jobs *jobs, uint64_t id, struct err *err) {
    struct arena arena;
    struct record row = {.path = ""};
    struct change change = {.id = id};
    arena_init(&arena);
    int code = find_row(jobs, id, &arena, &row, err);
    if (!code)
        code = store_write(app_folder(jobs->app)->store, delete_row, &change, err);
    if (!code && !change.changed)
        code = err_set(err, E_CONFLICT, "this import runs");
    if (!code && row.uploaded) {
        unlink(row.path);
        unlink(rejected_path(&row, &arena));
    }
    arena_release(&arena);
    return code;
}
