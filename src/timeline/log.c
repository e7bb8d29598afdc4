/*
 * The log's writing end and its opening: see log.h.
 *
 * STATES of the writer's batch: empty -> filling (log_add) -> committed (its rows are published by later hooks; the next
 * log_add or flush empties it); a rollback empties it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/log_internal.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/logger.h"
#include "store/file.h"

enum { LEVEL = 1, FRAMES_KEPT = 16, ROWS_KEPT = 16 * 1024, OUT_MAX = 512 * 1024 };

void log_path(const struct log *log, uint32_t number, char path[LOG_PATH_BYTES]) {
    snprintf(path, LOG_PATH_BYTES, "%s/%06u.log", log->dir, number);
}

void log_set_key(struct log *log, uint8_t id, const unsigned char key[LOG_KEY_BYTES]) {
    assert(id);
    memcpy(log->keys.key[id], key, LOG_KEY_BYTES);
    log->keys.known[id] = true;
    log->keys.current = id;
}

const struct frame_keys *log_keys(const struct log *log) { return &log->keys; }

uint64_t log_last(const struct log *log) { return atomic_load(&log->last); }

/* ---- the batch ---- */

static void empty(struct log *log) {
    for (size_t i = 0; i < log->n_frames; i++)
        frame_builder_clear(&log->frames[i]);
    while (log->frames_capacity > FRAMES_KEPT)
        frame_builder_release(&log->frames[--log->frames_capacity]);
    if (log->rows_capacity > ROWS_KEPT) {
        free(log->rows);
        log->rows = NULL;
        log->rows_capacity = 0;
    }
    log->n_frames = 0;
    log->n_rows = 0;
    log->state = LOG_EMPTY;
}

static struct frame_builder *next_frame(struct log *log) {
    if (log->n_frames == log->frames_capacity) {
        log->frames = realloc(log->frames, (log->frames_capacity + 1) * sizeof *log->frames);
        if (!log->frames)
            abort();
        frame_builder_init(&log->frames[log->frames_capacity++]);
    }
    return &log->frames[log->n_frames++];
}

static void keep_row(struct log *log, const struct row *row, const char *properties) {
    if (log->n_rows == log->rows_capacity) {
        log->rows_capacity = log->rows_capacity ? log->rows_capacity * 2 : 256;
        log->rows = realloc(log->rows, log->rows_capacity * sizeof *log->rows);
        if (!log->rows)
            abort();
    }
    log->rows[log->n_rows] = *row;
    log->rows[log->n_rows++].properties.p = properties;
}

int log_add(struct log *log, struct row *row, struct slice message_id, struct key128 key,
            int64_t received_ms, struct err *err) {
    if (log->state == LOG_COMMITTED)
        empty(log);
    log->state = LOG_FILLING;
    row->seq = atomic_load_explicit(&log->last, memory_order_relaxed) + log->n_rows + 1;
    struct log_record record = {*row, message_id, key, received_ms};
    struct frame_builder *frame = log->n_frames ? &log->frames[log->n_frames - 1] : next_frame(log);
    const char *properties;
    if (!frame_add(frame, &record, &properties)) {
        if (frame_need(&record) > FRAME_RAW_BYTES)
            return err_set(err, E_TOO_LARGE, "the event does not fit the log");
        if (!frame_add(next_frame(log), &record, &properties))
            return err_set(err, E_INTERNAL, "the event does not fit the log");
    }
    keep_row(log, row, properties);
    return 0;
}

static int put_row(struct log *log, uint64_t first, uint64_t count, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT INTO fresh(first, count, frames) VALUES (?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)first);
    sqlite3_bind_int64(statement, 2, (int64_t)count);
    sqlite3_bind_blob64(statement, 3, log->out.p, log->out.n, SQLITE_STATIC);
    log->flushed_bytes += log->out.n;
    return store_step(statement, err);
}

/* Writer thread, last thing before the commit: writes the batch row. The store calls it through a hook of log.c. */
static int log_flush(struct log *log, sqlite3 *db, struct err *err) {
    if (log->state == LOG_COMMITTED)
        empty(log);
    log->flushed_bytes = 0;
    int code = 0;
    uint64_t first = 0, count = 0;
    buf_clear(&log->out);
    for (size_t i = 0; !code && i < log->n_frames; i++) {
        const struct frame_builder *frame = &log->frames[i];
        if (!count)
            first = frame->first;
        count += frame->count;
        frame_seal(frame, log->zstd, LEVEL, &log->keys, &log->out);
        if (log->out.n < LOG_ROW_BYTES && i + 1 < log->n_frames)
            continue;
        assert(!log->out.full);
        code = put_row(log, first, count, db, err);
        buf_clear(&log->out);
        count = 0;
    }
    return code;
}

const struct row *log_committed(const struct log *log, size_t *n) {
    *n = log->state == LOG_COMMITTED ? log->n_rows : 0;
    return log->rows;
}

static int on_flush(void *context, sqlite3 *db, struct err *err) {
    return log_flush(context, db, err);
}

static void on_commit(void *context) {
    struct log *log = context;
    if (log->state != LOG_FILLING)
        return;
    log->state = LOG_COMMITTED;
    atomic_fetch_add(&log->fresh_bytes, log->flushed_bytes);
    atomic_fetch_add(&log->last, log->n_rows);
}

static void on_rollback(void *context) { empty(context); }

/* ---- open and close ---- */

static int load_files(struct log *log, struct err *err) {
    sqlite3 *db = store_writer_db(log->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT number, first, count, bytes FROM log_file ORDER BY first", err);
    if (!statement)
        return err->code;
    int code;
    while ((code = store_step(statement, err)) == 1) {
        struct log_file *file = calloc(1, sizeof *file);
        if (!file)
            abort();
        file->number = (uint32_t)sqlite3_column_int64(statement, 0);
        file->first = (uint64_t)sqlite3_column_int64(statement, 1);
        file->count = (uint64_t)sqlite3_column_int64(statement, 2);
        file->bytes = (uint64_t)sqlite3_column_int64(statement, 3);
        code = log_file_open(log, file, err);
        log_file_add(log, file);
        if (code)
            break;
        atomic_store(&log->last, file->first + file->count - 1);
    }
    sqlite3_reset(statement);
    return code;
}

/* Rows that a file covers are what a crash left of folding. */
static int load_fresh(struct log *log, struct err *err) {
    sqlite3 *db = store_writer_db(log->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT first, count, length(frames) FROM fresh WHERE first > ? ORDER BY first", err);
    if (!statement)
        return err->code;
    uint64_t last = atomic_load(&log->last), bytes = 0;
    sqlite3_bind_int64(statement, 1, (int64_t)last);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        if ((uint64_t)sqlite3_column_int64(statement, 0) != last + 1) {
            sqlite3_reset(statement);
            return err_set(err, E_CORRUPT, "the log has a gap after record %llu",
                           (unsigned long long)last);
        }
        last += (uint64_t)sqlite3_column_int64(statement, 1);
        bytes += (uint64_t)sqlite3_column_int64(statement, 2);
    }
    atomic_store(&log->last, last);
    atomic_store(&log->fresh_bytes, bytes);
    return code;
}

static void drop_unlisted(void *context, const char *name) {
    struct log *log = context;
    unsigned number = 0;
    sscanf(name, "%u.log", &number);
    for (size_t i = 0; i < log->n_files; i++)
        if (log->files[i]->number == number)
            return;
    char path[LOG_PATH_BYTES];
    log_path(log, number, path);
    unlink(path);
}

int log_open(struct log **log, struct store *store, const char *dir, struct err *err) {
    struct log *opened = calloc(1, sizeof *opened);
    if (!opened || asprintf(&opened->dir, "%s/log", dir) < 0 || sodium_init() < 0)
        abort();
    opened->store = store;
    opened->zstd = ZSTD_createCCtx();
    buf_init(&opened->out, OUT_MAX);
    pthread_mutex_init(&opened->lock, NULL);
    pthread_mutex_init(&opened->work, NULL);
    int code = file_make_folder(opened->dir, err);
    if (!code)
        code = load_files(opened, err);
    if (!code)
        code = load_fresh(opened, err);
    if (!code)
        code = file_list(opened->dir, "", ".log", drop_unlisted, opened, err);
    if (code) {
        log_close(opened);
        return code;
    }
    store_add_flush(store, on_flush, opened);
    store_add_hook(store, on_commit, on_rollback, opened);
    *log = opened;
    return 0;
}

void log_close(struct log *log) {
    if (!log)
        return;
    for (size_t i = 0; i < log->frames_capacity; i++)
        frame_builder_release(&log->frames[i]);
    for (size_t i = 0; i < log->n_files; i++) {
        free(log->files[i]->places);
        free(log->files[i]);
    }
    for (struct log_file *file = log->retired, *next; file; file = next) {
        next = file->retired;
        free(file->places);
        free(file);
    }
    free(log->frames);
    free(log->files);
    free(log->rows);
    ZSTD_freeCCtx(log->zstd);
    buf_release(&log->out);
    sodium_memzero(&log->keys, sizeof log->keys);
    pthread_mutex_destroy(&log->lock);
    pthread_mutex_destroy(&log->work);
    free(log->dir);
    free(log);
}

void log_stats(struct log *log, struct log_stats *stats) {
    *stats = (struct log_stats){.records = log_last(log), .fresh_bytes = log->fresh_bytes};
    pthread_mutex_lock(&log->lock);
    stats->files = (uint32_t)log->n_files;
    for (size_t i = 0; i < log->n_files; i++)
        stats->file_bytes += log->files[i]->bytes;
    pthread_mutex_unlock(&log->lock);
}
