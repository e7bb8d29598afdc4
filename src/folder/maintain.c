/*
 * Storage maintenance, as one round (commands) or in two threads (server): see folder.h.
 *
 * The truth's thread works every TRUTH_MS: folding and the keys keep what is only in memory small, and whoever ingests
 * waits for them when they fall behind. The index's thread seals, merges and rebuilds, as long as that takes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/logger.h"
#include "folder/folder.h"

enum { TRUTH_MS = 100, INDEX_MS = 200, CHECKPOINT_US = 1000000, FAILED_MS = 2000 };

struct upkeep_thread {
    struct folder_upkeep *upkeep;
    pthread_t thread;
    const char *name;
    int (*round)(struct folder *folder, struct err *err);
    int pause_ms;
    bool running;
};

struct folder_upkeep {
    struct folder *folder;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    struct upkeep_thread threads[2];
    int64_t checkpoint_us; /* when the last one was */
};

static int worse(int code, int other) { return code < 0 ? code : other < 0 ? other : code | other; }

static int keep_truth(struct folder *folder, bool force, struct err *err) {
    int code = log_fold(folder->log, force, err);
    if (code >= 0)
        code = worse(code, customers_maintain(folder->customers, force, err));
    if (code >= 0)
        code = worse(code, ingest_maintain(folder->ingest, force, err));
    return code;
}

static int keep_index(struct folder *folder, bool force, struct err *err) {
    int code = timeline_maintain(folder->timeline, force, err);
    if (code >= 0)
        code = worse(code, customers_merge(folder->customers, err));
    if (code >= 0)
        code = worse(code, ingest_merge(folder->ingest, err));
    return code;
}

int folder_maintain(struct folder *folder, bool force, struct err *err) {
    int code = keep_truth(folder, force, err);
    if (code >= 0)
        code = worse(code, keep_index(folder, force, err));
    if (code >= 0)
        code = worse(code, store_checkpoint(folder->store, err));
    return code;
}

static int truth_round(struct folder *folder, struct err *err) {
    struct folder_upkeep *upkeep = folder->upkeep;
    int code = keep_truth(folder, false, err);
    int64_t now = clock_monotonic_us();
    if (code >= 0 && now - upkeep->checkpoint_us >= CHECKPOINT_US) {
        code = worse(code, store_checkpoint(folder->store, err));
        upkeep->checkpoint_us = now;
    }
    return code;
}

static int index_round(struct folder *folder, struct err *err) {
    return keep_index(folder, false, err);
}

/* true when it is time to stop. */
static bool pause(struct folder_upkeep *upkeep, int ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&upkeep->lock);
    while (ms && !upkeep->stopping)
        if (pthread_cond_timedwait(&upkeep->wake, &upkeep->lock, &until))
            break;
    bool stopping = upkeep->stopping;
    pthread_mutex_unlock(&upkeep->lock);
    return stopping;
}

static void *keep(void *context) {
    struct upkeep_thread *thread = context;
    struct folder_upkeep *upkeep = thread->upkeep;
    pthread_setname_np(pthread_self(), thread->name);
    int last = 0, ms = thread->pause_ms;
    while (!pause(upkeep, ms)) {
        struct err err = {0};
        int code = thread->round(upkeep->folder, &err);
        if (code < 0 && code != last)
            log_error("folder", "maintenance failed: %s", err.message);
        if (code == E_NOSPACE)
            store_tell_full(upkeep->folder->store);
        last = code < 0 ? code : 0;
        ms = code > 0 ? 0 : code < 0 ? FAILED_MS : thread->pause_ms;
    }
    return NULL;
}

static int start(struct folder_upkeep *upkeep, size_t i, const char *name, int ms,
                 int (*round)(struct folder *folder, struct err *err), struct err *err) {
    struct upkeep_thread *thread = &upkeep->threads[i];
    *thread = (struct upkeep_thread){
        .upkeep = upkeep, .name = name, .round = round, .pause_ms = ms, .running = true};
    if (!pthread_create(&thread->thread, NULL, keep, thread))
        return 0;
    thread->running = false;
    return err_set(err, E_INTERNAL, "no thread for maintenance");
}

int folder_maintenance_start(struct folder *folder, struct err *err) {
    if (folder->upkeep)
        return 0;
    struct folder_upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (!upkeep)
        abort();
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&upkeep->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&upkeep->lock, NULL);
    upkeep->folder = folder;
    folder->upkeep = upkeep;
    int code = start(upkeep, 0, "senda-truth", TRUTH_MS, truth_round, err);
    if (!code)
        code = start(upkeep, 1, "senda-index", INDEX_MS, index_round, err);
    if (code)
        folder_maintenance_stop(folder);
    return code;
}

void folder_maintenance_stop(struct folder *folder) {
    struct folder_upkeep *upkeep = folder->upkeep;
    if (!upkeep)
        return;
    pthread_mutex_lock(&upkeep->lock);
    upkeep->stopping = true;
    pthread_cond_broadcast(&upkeep->wake);
    pthread_mutex_unlock(&upkeep->lock);
    for (size_t i = 0; i < 2; i++)
        if (upkeep->threads[i].running)
            pthread_join(upkeep->threads[i].thread, NULL);
    pthread_cond_destroy(&upkeep->wake);
    pthread_mutex_destroy(&upkeep->lock);
    free(upkeep);
    folder->upkeep = NULL;
}
