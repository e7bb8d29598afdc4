/*
 * The writer thread and the pool of readers: see store.h.
 *
 * STATES of a job: queued (interactive or bulk list) -> taken (in the running transaction) -> done.
 * STATES of the store: open -> broken (a failed fsync or an error that leaves the file uncertain: nothing is written
 * any more until the process starts again); -> closing (what is queued still runs).
 *
 * A new file gets 4 KB pages (a single small event dirties few bytes), incremental auto_vacuum (space can be given back
 * after retention); secure_delete=FAST overwrites deleted text where that costs no extra write.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "store/store.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logger.h"
#include "store/file.h"
#include "store/internal.h"

enum {
    WAL_MAX_BYTES = 64 * 1024 * 1024,
    BULK_COMMIT_BYTES = LIMIT_COMMIT_BYTES / 4 /* so that interactive jobs do not wait long */
};

/* ---- the queue ---- */

static void queue_init(struct queue *queue) {
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_add(struct queue *queue, struct store_job *job) {
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

/* Moves jobs of at most `bytes` together (at least one) to the end of `taken`. */
static size_t queue_take(struct queue *queue, size_t bytes, struct queue *taken) {
    size_t sum = 0;
    while (queue->first && (sum == 0 || sum + queue->first->bytes <= bytes)) {
        struct store_job *job = queue->first;
        queue->first = job->next;
        if (!queue->first)
            queue->end = &queue->first;
        sum += job->bytes ? job->bytes : 1;
        queue_add(taken, job);
    }
    return sum;
}

static int submit(struct store *store, struct store_job *job, bool wait, struct err *err) {
    pthread_mutex_lock(&store->lock);
    while (store->queue_bytes && store->queue_bytes + job->bytes > LIMIT_WRITER_QUEUE_BYTES) {
        if (!wait || store->closing) {
            pthread_mutex_unlock(&store->lock);
            return err_set(err, E_BUSY, "too much is waiting to be written");
        }
        pthread_cond_wait(&store->room, &store->lock);
    }
    if (store->closing) {
        pthread_mutex_unlock(&store->lock);
        return err_set(err, E_BUSY, "the data folder is being closed");
    }
    store->queue_bytes += job->bytes;
    queue_add(job->bulk ? &store->bulk : &store->interactive, job);
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

int store_submit(struct store *store, struct store_job *job, struct err *err) {
    return submit(store, job, false, err);
}

/* Waits for jobs; those that may fail alone come first. NULL: closing and nothing is left. */
static struct store_job *take(struct store *store) {
    struct queue taken, ordered;
    queue_init(&taken);
    queue_init(&ordered);
    pthread_mutex_lock(&store->lock);
    while (!store->interactive.first && !store->bulk.first && !store->closing)
        pthread_cond_wait(&store->work, &store->lock);
    size_t bytes = 0;
    if (store->interactive.first)
        bytes = queue_take(&store->interactive, LIMIT_COMMIT_BYTES, &taken);
    if (store->bulk.first && bytes < BULK_COMMIT_BYTES)
        queue_take(&store->bulk, BULK_COMMIT_BYTES - bytes, &taken);
    pthread_mutex_unlock(&store->lock);
    struct queue others;
    queue_init(&others);
    for (struct store_job *job = taken.first, *next; job; job = next) {
        next = job->next;
        queue_add(job->alone ? &ordered : &others, job);
    }
    *ordered.end = others.first;
    return ordered.first;
}

/* ---- the transaction ---- */

static void finish(struct store *store, struct store_job *job, int code, const struct err *err) {
    size_t bytes = job->bytes;
    job->done(job, code, err);
    pthread_mutex_lock(&store->lock);
    store->queue_bytes -= bytes;
    store->stats.jobs++;
    pthread_cond_broadcast(&store->room);
    pthread_mutex_unlock(&store->lock);
}

void store_break(struct store *store, const struct err *err) {
    pthread_mutex_lock(&store->lock);
    bool first = !store->stats.broken;
    if (first) {
        store->why = *err;
        store->why.code = E_IO;
        err_hint(&store->why, "Nothing more is written. Check the disk, then start Senda again.");
        store->stats.broken = E_IO;
    }
    void (*told)(void *context) = first ? store->on_broken : NULL;
    void *context = store->on_broken_context;
    pthread_mutex_unlock(&store->lock);
    if (first)
        log_error("store", "writing stopped: storage failed");
    if (told)
        told(context);
}

void store_on_broken(struct store *store, void (*told)(void *context), void *context) {
    pthread_mutex_lock(&store->lock);
    store->on_broken = told;
    store->on_broken_context = context;
    pthread_mutex_unlock(&store->lock);
}

int store_broken(struct store *store, struct err *err) {
    pthread_mutex_lock(&store->lock);
    int code = store->stats.broken;
    if (code)
        *err = store->why;
    pthread_mutex_unlock(&store->lock);
    return code;
}

static void undo(struct store *store) {
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    connection_reset(store->db);
    for (size_t i = 0; i < store->n_hooks; i++)
        if (store->hooks[i].rollback)
            store->hooks[i].rollback(store->hooks[i].context);
}

static int commit(struct store *store, struct err *err) {
    for (size_t i = 0; i < store->n_hooks; i++)
        if (store->hooks[i].flush) {
            int code = store->hooks[i].flush(store->hooks[i].context, store->db, err);
            if (code)
                return code;
        }
    int code = connection_run(store->db, "COMMIT", err);
    if (code == E_IO && sqlite3_extended_errcode(store->db) != SQLITE_IOERR_WRITE)
        store_break(store,
                    err); /* whether it is on disk is not known, and asking again proves nothing */
    return code;
}

/* Runs the jobs in one transaction. On failure *culprit is the job that failed, or NULL. */
static int attempt(struct store *store, struct store_job *jobs, struct store_job **culprit,
                   struct err *err) {
    *culprit = NULL;
    int code = connection_run(store->db, "BEGIN IMMEDIATE", err);
    for (struct store_job *job = jobs; !code && job; job = job->next) {
        code = job->run(job, store->db, err);
        if (code)
            *culprit = job;
    }
    if (!code)
        code = commit(store, err);
    if (code) {
        undo(store);
        return code;
    }
    for (size_t i = 0; i < store->n_hooks; i++)
        if (store->hooks[i].commit)
            store->hooks[i].commit(store->hooks[i].context);
    return 0;
}

static struct store_job *without(struct store_job *jobs, struct store_job *gone) {
    struct store_job **at = &jobs;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    return jobs;
}

static bool is_storage(int code) { return code == E_NOSPACE || code == E_IO || code == E_CORRUPT; }

static void run_jobs(struct store *store, struct store_job *jobs) {
    struct err err = {0};
    int code = store_broken(store, &err);
    int64_t start = clock_monotonic_us();
    while (jobs && !code) {
        struct store_job *culprit;
        code = attempt(store, jobs, &culprit, &err);
        if (code && culprit && culprit->alone && !is_storage(code)) {
            jobs = without(jobs, culprit);
            finish(store, culprit, code, &err);
            err = (struct err){0};
            code = 0;
        } else {
            break;
        }
    }
    /* A small write that still finds a place says nothing: store_check_space tries. */
    if (code == E_NOSPACE)
        store_tell_full(store);
    int64_t elapsed = clock_monotonic_us() - start;
    pthread_mutex_lock(&store->lock);
    store->stats.commits += !code;
    store->stats.last_commit_us = elapsed;
    if (elapsed > store->stats.longest_commit_us)
        store->stats.longest_commit_us = elapsed;
    pthread_mutex_unlock(&store->lock);
    for (struct store_job *job = jobs, *next; job; job = next) {
        next = job->next;
        finish(store, job, code, code ? &err : NULL);
    }
}

static int on_wal(void *context, sqlite3 *db, const char *name, int pages) {
    (void)db;
    (void)name;
    ((struct store *)context)->wal_pages = pages;
    return SQLITE_OK;
}

/* PASSIVE checkpoints of maintenance never reset the WAL under steady writing; this one does, between transactions. It
 * waits for no reader: when one is in the way the next commit tries again. */
static void truncate_wal(struct store *store) {
    if ((int64_t)store->wal_pages * PAGE_BYTES < WAL_MAX_BYTES)
        return;
    int left = 0, moved = 0;
    sqlite3_busy_timeout(store->db, 0);
    int code =
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &left, &moved);
    sqlite3_busy_timeout(store->db, CONNECTION_WAIT_MS);
    if (code == SQLITE_OK) {
        store->wal_pages = 0;
    } else if (code == SQLITE_IOERR_FSYNC) {
        struct err err = {0};
        store_fail(store->db, &err);
        store_break(store, &err);
    }
    pthread_mutex_lock(&store->lock);
    store->stats.wal_bytes = (uint64_t)store->wal_pages * PAGE_BYTES;
    pthread_mutex_unlock(&store->lock);
}

static void *write_jobs(void *context) {
    struct store *store = context;
    pthread_setname_np(pthread_self(), "senda-writer");
    for (struct store_job *jobs; (jobs = take(store));) {
        run_jobs(store, jobs);
        truncate_wal(store);
    }
    return NULL;
}

/* ---- waiting for a write ---- */

struct waiting {
    struct store_job job;
    int (*run)(void *context, sqlite3 *db, struct err *err);
    void *context;
    int code;
    struct err *err;
    bool finished;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static int waiting_run(struct store_job *job, sqlite3 *db, struct err *err) {
    struct waiting *waiting = (struct waiting *)job;
    return waiting->run(waiting->context, db, err);
}

static void waiting_done(struct store_job *job, int code, const struct err *err) {
    struct waiting *waiting = (struct waiting *)job;
    pthread_mutex_lock(&waiting->lock);
    waiting->code = code;
    if (code && err && waiting->err)
        *waiting->err = *err;
    waiting->finished = true;
    pthread_cond_signal(&waiting->done);
    pthread_mutex_unlock(&waiting->lock);
}

int store_write(struct store *store, int (*run)(void *context, sqlite3 *db, struct err *err),
                void *context, struct err *err) {
    assert(!pthread_equal(pthread_self(), store->writer));
    struct waiting waiting = {
        .job = {.run = waiting_run, .done = waiting_done, .bytes = 1024, .alone = true},
        .run = run,
        .context = context,
        .err = err,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .done = PTHREAD_COND_INITIALIZER,
    };
    int code = submit(store, &waiting.job, true, err);
    if (code)
        return code;
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.finished)
        pthread_cond_wait(&waiting.done, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    return waiting.code;
}

/* ---- open and close ---- */

/* Taken by a file without tables only. */
static int set_new(sqlite3 *db, struct err *err) {
    return connection_run(db, "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL", err);
}

static int copy_before(struct store *store, struct err *err) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/senda.db.before-%lld", store->dir,
                     (long long)clock_now_ms());
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, E_INVALID, "the name of the data folder is too long");
    log_info("store", "copy of the records before migrating: senda.db.before-*");
    return store_copy(store, path, err);
}

static int open_writer(struct store *store, struct err *err) {
    unsigned missing = 0;
    bool is_new = false;
    int code = connection_open(&store->db, store->path, true, err);
    if (!code)
        code = sealing_add(store, store->db, err);
    if (!code)
        code = set_new(store->db, err);
    if (!code)
        code = connection_run(store->db,
                              "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=FAST;"
                              "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY",
                              err);
    if (!code)
        code = schema_missing(store->db, &missing, &is_new, err);
    if (!code && missing && !is_new)
        code = copy_before(store, err);
    if (!code && missing)
        code = schema_apply(store->db, err);
    if (!code && missing)
        code = file_sync_folder(store->dir, err);
    if (!code)
        code = connection_open(&store->checkpoint, store->path, true, err);
    if (!code)
        code = connection_run(store->checkpoint,
                              "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0", err);
    if (!code)
        sqlite3_wal_hook(store->db, on_wal, store);
    return code;
}

static void store_free(struct store *store) {
    for (size_t i = 0; i < store->n_readers; i++)
        connection_close(store->readers[i]);
    for (size_t i = 0; i < store->n_doomed; i++)
        free(store->doomed[i]);
    free(store->doomed);
    if (store->checkpoint)
        connection_close(store->checkpoint);
    if (store->db)
        connection_close(store->db);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->room);
    pthread_mutex_destroy(&store->lock);
    free(store->dir);
    free(store->path);
    free(store);
}

int store_open(struct store **store, const char *dir, struct err *err) {
    struct store *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->dir = strdup(dir)) || asprintf(&opened->path, "%s/senda.db", dir) < 0)
        abort();
    pthread_mutex_init(&opened->lock, NULL);
    pthread_cond_init(&opened->work, NULL);
    pthread_cond_init(&opened->room, NULL);
    queue_init(&opened->interactive);
    queue_init(&opened->bulk);
    int code = open_writer(opened, err);
    if (!code && pthread_create(&opened->writer, NULL, write_jobs, opened))
        code = err_set(err, E_INTERNAL, "no thread for the writer");
    if (code) {
        store_free(opened);
        return code;
    }
    opened->running = true;
    *store = opened;
    return 0;
}

void store_close(struct store *store) {
    if (!store)
        return;
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_broadcast(&store->work);
    pthread_cond_broadcast(&store->room);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->writer, NULL);
    store_free(store);
}

bool store_is_closing(struct store *store) {
    pthread_mutex_lock(&store->lock);
    bool closing = store->closing;
    pthread_mutex_unlock(&store->lock);
    return closing;
}

/* ---- hooks ---- */

static void add_hook(struct store *store, struct hook hook) {
    assert(store->n_hooks < HOOKS_MAX);
    store->hooks[store->n_hooks++] = hook;
}

void store_add_hook(struct store *store, void (*on_commit)(void *context),
                    void (*rollback)(void *context), void *context) {
    add_hook(store, (struct hook){.commit = on_commit, .rollback = rollback, .context = context});
}

void store_add_flush(struct store *store, int (*flush)(void *context, sqlite3 *db, struct err *err),
                     void *context) {
    add_hook(store, (struct hook){.flush = flush, .context = context});
}

sqlite3 *store_writer_db(struct store *store) { return store->db; }
