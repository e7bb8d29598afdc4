/*
 * Records: one SQLite file (WAL, synchronous=FULL), one writer thread, many short readers.
 *
 * The writer takes whatever jobs wait, runs them in one transaction (group commit, no artificial delay), commits,
 * calls the commit hooks, and only then completes the jobs. Jobs that may fail by themselves (`alone`: records) run
 * first; when one does, the transaction is rolled back with everything in memory (rollback hooks) and run again
 * without it, so that no name, key or profile of a failed job survives. When the transaction itself fails, all of its
 * jobs fail with the same error.
 *
 * INVARIANTS
 *  1. Nobody but the writer thread writes.
 *  2. done() of a job with code 0 is called only after its data is durable and the commit hooks have run.
 *  3. The queue is bounded in bytes (LIMIT_WRITER_QUEUE_BYTES): store_submit answers E_BUSY instead of waiting.
 *  4. A failed fsync is never retried: every later job gets E_IO (E_NOSPACE for a full disk, which may recover).
 *  5. No read transaction outlives a second.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STORE_STORE_H
#define SENDA_STORE_STORE_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct store;

struct store_job {
    /* Runs in the writer thread inside the transaction, perhaps more than once: it starts from nothing each time. */
    int (*run)(struct store_job *job, sqlite3 *db, struct err *err);
    /* Runs in the writer thread after the commit (code 0) or the failure. May free the job. */
    void (*done)(struct store_job *job, int code, const struct err *err);
    size_t bytes; /* of memory that the job holds, for the bound */
    bool bulk;    /* imports wait behind interactive jobs */
    bool alone;   /* when run() fails, only this job fails; else the whole transaction does */
    struct store_job *next; /* the store's */
};

/* Opens (creating and migrating, after an automatic backup) DIR/senda.db and starts the writer. */
must_use int store_open(struct store **store, const char *dir, struct err *err);
/* How many steps of the schema store_open would apply to DIR. E_NOT_FOUND: no data folder. */
must_use int store_pending(const char *dir, unsigned *steps, struct err *err);
/* Runs what is queued, then stops the writer. */
void store_close(struct store *store);

/* E_BUSY when the queue is full; the job is then not taken and done() is not called. */
must_use int store_submit(struct store *store, struct store_job *job, struct err *err);
/* Submits and waits (waiting for room as well); run's result. Not from the writer thread. */
must_use int store_write(struct store *store,
                         int (*run)(void *context, sqlite3 *db, struct err *err), void *context,
                         struct err *err);

/* store_close has begun: nothing more is taken. */
bool store_is_closing(struct store *store);

/* Called in order of registration, in the writer thread, after each commit or rollback. Register before traffic. */
void store_add_hook(struct store *store, void (*commit)(void *context),
                    void (*rollback)(void *context), void *context);

/* Called in order of registration, inside the transaction, when all of its jobs have run: the last rows. */
void store_add_flush(struct store *store, int (*flush)(void *context, sqlite3 *db, struct err *err),
                     void *context);

/* Who seals, opens and hashes texts for sealed(text), opened(column) and hashed(text) in SQL, on every connection from now on: set
 * before traffic. */
enum { STORE_HASH_BYTES = 16 };
struct store_sealer {
    void (*seal)(const void *context, struct slice plain, struct buf *sealed);
    int (*unseal)(const void *context, struct slice sealed, struct buf *plain, struct err *err);
    void (*hash)(const void *context, struct slice plain, unsigned char hash[STORE_HASH_BYTES]);
    const void *context;
};
void store_set_sealer(struct store *store, const struct store_sealer *sealer);

/* A read-only connection of a pool, for one short read; give it back with store_reader_put. */
sqlite3 *store_reader_get(struct store *store);
void store_reader_put(struct store *store, sqlite3 *db);

/* Settings of the organisation: table `setting(name, value)`. */
must_use int store_setting_get(sqlite3 *db, const char *name, char *value, size_t size,
                               struct err *err);
must_use int store_setting_put(sqlite3 *db, const char *name, const char *value, struct err *err);

/* Prepares a literal, kept in a cache per connection. sql must be a string literal. */
#define STORE_PREPARE(db, sql, err) store_prepare((db), "" sql "", (err))
sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql,
                            struct err *err); /* NULL: err is filled */
/* Steps: 1 row, 0 done, negative error (filled from SQLite without its text). Resets at done or error. */
int store_step(sqlite3_stmt *statement, struct err *err);
/* Steps to the end, whatever rows come. */
must_use int store_run(sqlite3_stmt *statement, struct err *err);
/* 1 where there is a row, 0, or a negative error; reset in any case. */
must_use int store_has_row(sqlite3_stmt *statement, struct err *err);
/* E_NOSPACE, E_IO, E_CORRUPT, E_BUSY or E_INTERNAL for what SQLite said last; the detail goes to the program's log. */
int store_fail(sqlite3 *db, struct err *err);
/* The writing connection: for opening other modules before traffic; later the writer thread's alone. */
sqlite3 *store_writer_db(struct store *store);

/* Maintenance thread: writes the WAL back into the file without waiting for anybody. */
must_use int store_checkpoint(struct store *store, struct err *err);
/* Consistent copy of the records into a new file. */
must_use int store_copy(struct store *store, const char *path, struct err *err);
/* Any thread but the writer: writes the records anew so that nothing of what was deleted or replaced is left in the file
 * or its WAL. The writer waits meanwhile: about a second for 100 MB. */
must_use int store_scrub(struct store *store, struct err *err);
/* SQLite's own check of pages and indexes. */
must_use int store_verify(struct store *store, struct err *err);

/* Removes a file, or remembers to once nobody pins files (a running backup does). */
void store_remove_file(struct store *store, const char *path);
void store_pin_files(struct store *store);
void store_unpin_files(struct store *store);

struct store_stats {
    uint64_t commits, jobs, queue_bytes, wal_bytes;
    int64_t last_commit_us, longest_commit_us; /* from begin to durable */
    int broken;                                /* 0, or why nothing is written any more */
};
void store_stats(struct store *store, struct store_stats *stats);
/* 0, or E_IO and the failure after which nothing is written any more. */
int store_broken(struct store *store, struct err *err);
/* Something beside the records found no space left. */
void store_tell_full(struct store *store);
/* E_NOSPACE when a write, or whoever told, found no space and there still is none: that is tried. */
must_use int store_check_space(struct store *store, struct err *err);
/* Called once, in the thread that found it, when nothing can be written any more: the process should end. */
void store_on_broken(struct store *store, void (*told)(void *context), void *context);

#endif
