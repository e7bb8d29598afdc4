/*
 * What happens beside the writer: readers, settings, checkpoints, copies, files that wait to be removed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "store/internal.h"

#define SCRUB_WAIT_US (INT64_C(60) * 1000000)
enum { SCRUB_PAUSE_NS = 20 * 1000 * 1000, ROOM_BYTES = 8 << 20 };

/* ---- space ---- */

void store_tell_full(struct store *store) { atomic_store(&store->full, true); }

int store_check_space(struct store *store, struct err *err) {
    char path[4096];
    if (!atomic_load(&store->full))
        return 0;
    snprintf(path, sizeof path, "%s/space.XXXXXX", store->dir);
    int fd = mkostemp(path, O_CLOEXEC), failed = fd < 0;
    if (fd >= 0) {
        failed = posix_fallocate(fd, 0, ROOM_BYTES);
        close(fd);
        unlink(path);
    }
    if (failed) {
        err_set(err, E_NOSPACE, "no space is left on the disk, nothing more is taken");
        return err_hint(err, "Free some space: it goes on by itself.");
    }
    atomic_store(&store->full, false);
    return 0;
}

/* ---- readers and settings ---- */

sqlite3 *store_reader_get(struct store *store) {
    sqlite3 *db = NULL;
    pthread_mutex_lock(&store->lock);
    if (store->n_readers)
        db = store->readers[--store->n_readers];
    pthread_mutex_unlock(&store->lock);
    struct err err = {0};
    if (db)
        return db;
    if (connection_open(&db, store->path, false, &err))
        return NULL;
    if (sealing_add(store, db, &err)) {
        connection_close(db);
        return NULL;
    }
    return db;
}

void store_reader_put(struct store *store, sqlite3 *db) {
    if (!db)
        return;
    connection_reset(db);
    pthread_mutex_lock(&store->lock);
    if (store->n_readers < READERS_KEPT) {
        store->readers[store->n_readers++] = db;
        db = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    if (db)
        connection_close(db);
}

int store_setting_get(sqlite3 *db, const char *name, char *value, size_t size, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT opened(value) FROM setting WHERE name = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code == 0)
        return err_set(err, E_NOT_FOUND, "no setting %s", name);
    if (code < 0)
        return code;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    int n = snprintf(value, size, "%s", text ? text : "");
    sqlite3_reset(statement);
    return n < 0 || (size_t)n >= size ? err_set(err, E_TOO_LARGE, "setting %s is too long", name)
                                      : 0;
}

int store_setting_put(sqlite3 *db, const char *name, const char *value, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT OR REPLACE INTO setting(name, value) VALUES (?, sealed(?))", err);
    if (!statement)
        return err->code;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    return store_step(statement, err);
}

/* ---- upkeep ---- */

int store_checkpoint(struct store *store, struct err *err) {
    int left = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(store->checkpoint, NULL, SQLITE_CHECKPOINT_PASSIVE, &left,
                                         &moved);
    if (code == SQLITE_OK || code == SQLITE_BUSY)
        return 0;
    int failed = store_fail(store->checkpoint, err);
    if (code == SQLITE_IOERR_FSYNC)
        store_break(store, err);
    return failed;
}

int store_copy(struct store *store, const char *path, struct err *err) {
    sqlite3 *db = NULL;
    int code = connection_open(&db, store->path, true, err);
    sqlite3_stmt *statement = code ? NULL : STORE_PREPARE(db, "VACUUM INTO ?", err);
    if (!code && !statement)
        code = err->code;
    if (statement) {
        sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
        code = store_step(statement, err);
    }
    if (db)
        connection_close(db);
    return code;
}

/* Each try waits CONNECTION_WAIT_MS for readers, but not at all for a checkpoint of maintenance. */
static int empty_wal(sqlite3 *db, struct err *err) {
    const struct timespec pause = {0, SCRUB_PAUSE_NS};
    int64_t end_us = clock_monotonic_us() + SCRUB_WAIT_US;
    for (;;) {
        int result = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (result == SQLITE_OK)
            return 0;
        if (result != SQLITE_BUSY || clock_monotonic_us() > end_us)
            return store_fail(db, err);
        nanosleep(&pause, NULL);
    }
}

int store_scrub(struct store *store, struct err *err) {
    sqlite3 *db = NULL;
    int code = connection_open(&db, store->path, true, err);
    if (!code)
        code = connection_run(db, "PRAGMA temp_store=FILE; VACUUM", err);
    if (!code)
        code = empty_wal(db, err);
    if (db)
        connection_close(db);
    return code;
}

int store_verify(struct store *store, struct err *err) {
    sqlite3 *db = store_reader_get(store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *statement = STORE_PREPARE(db, "PRAGMA integrity_check(1)", err);
    int code = statement ? store_step(statement, err) : err->code;
    if (code == 1) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        code = text && strcmp(text, "ok") == 0 ? 0
                                               : err_set(err, E_CORRUPT, "the records are damaged");
        sqlite3_reset(statement);
    }
    store_reader_put(store, db);
    return code;
}

void store_remove_file(struct store *store, const char *path) {
    pthread_mutex_lock(&store->lock);
    if (store->pins) {
        char **doomed = realloc(store->doomed, (store->n_doomed + 1) * sizeof *doomed);
        if (!doomed || !(doomed[store->n_doomed] = strdup(path)))
            abort();
        store->doomed = doomed;
        store->n_doomed++;
    } else if (unlink(path) && errno != ENOENT) {
        log_warn("store", "a file could not be removed: %s", strerror(errno));
    }
    pthread_mutex_unlock(&store->lock);
}

void store_pin_files(struct store *store) {
    pthread_mutex_lock(&store->lock);
    store->pins++;
    pthread_mutex_unlock(&store->lock);
}

void store_unpin_files(struct store *store) {
    pthread_mutex_lock(&store->lock);
    if (--store->pins == 0) {
        for (size_t i = 0; i < store->n_doomed; i++) {
            unlink(store->doomed[i]);
            free(store->doomed[i]);
        }
        free(store->doomed);
        store->doomed = NULL;
        store->n_doomed = 0;
    }
    pthread_mutex_unlock(&store->lock);
}

void store_stats(struct store *store, struct store_stats *stats) {
    pthread_mutex_lock(&store->lock);
    *stats = store->stats;
    stats->queue_bytes = store->queue_bytes;
    pthread_mutex_unlock(&store->lock);
}
