/*
 * Shared inside store/: the store itself, connections and their statements, schema steps.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_STORE_INTERNAL_H
#define SENDA_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

enum { HOOKS_MAX = 16, READERS_KEPT = 8, PAGE_BYTES = 4096, CONNECTION_WAIT_MS = 5000 };

struct queue {
    struct store_job *first, **end;
};

struct hook {
    void (*commit)(void *context);
    void (*rollback)(void *context);
    int (*flush)(void *context, sqlite3 *db, struct err *err);
    void *context;
};

struct store {
    char *dir, *path;
    sqlite3 *db;         /* the writer's */
    sqlite3 *checkpoint; /* the maintenance thread's */
    pthread_t writer;
    bool running;

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t work, room;
    struct queue interactive, bulk;
    size_t queue_bytes; /* queued and taken */
    bool closing;
    struct store_stats stats;
    sqlite3 *readers[READERS_KEPT];
    size_t n_readers;
    unsigned pins;
    char **doomed; /* files to remove when nobody pins */
    size_t n_doomed;

    struct hook hooks[HOOKS_MAX];
    size_t n_hooks;
    struct store_sealer sealer;
    int wal_pages;    /* after the last commit */
    atomic_bool full; /* what was written last found no space */

    struct err why; /* of stats.broken; these three under the lock too */
    void (*on_broken)(void *context);
    void *on_broken_context;
};

/* Any thread: nothing is written any more. */
void store_break(struct store *store, const struct err *err);

/* Opens a connection with everything set but what only a new file takes. */
must_use int connection_open(sqlite3 **db, const char *path, bool writer, struct err *err);
void connection_close(sqlite3 *db);
/* Ends whatever its statements still read. */
void connection_reset(sqlite3 *db);
/* One or several statements without values or rows. */
must_use int connection_run(sqlite3 *db, const char *sql, struct err *err);

/* sealing.c: sealed() and opened() for a connection. */
must_use int sealing_add(struct store *store, sqlite3 *db, struct err *err);

/* The steps that the file lacks; 0 when it is up to date. E_REFUSED when it has steps that this program does not know. */
must_use int schema_missing(sqlite3 *db, unsigned *steps, bool *is_new, struct err *err);
/* Applies them, each in a transaction. */
must_use int schema_apply(sqlite3 *db, struct err *err);

#endif
