/*
 * Shared inside jobs/: a job with its state, and the record of its last run.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOBS_INTERNAL_H
#define SENDA_JOBS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "jobs/jobs.h"

struct job_run {
    struct jobs *jobs;
    atomic_bool cancelled;
    atomic_uint_least64_t done, total;
    char *result; /* JSON, or NULL */
};

struct job_entry {
    const struct job *job;
    struct job_run run;
    bool running, asked;
    int64_t since_ms, began_ms, ended_ms;
    int64_t ended_us; /* monotonic, 0: not in this process */
    int code;
    struct err message;
    char *result; /* of the last run */
};

struct lane {
    struct jobs *jobs;
    pthread_t thread;
    bool running;
};

struct jobs {
    struct folder *folder;
    pthread_mutex_t lock; /* of entries, stopping, started */
    pthread_cond_t changed;
    bool stopping, started;
    struct lane lanes[JOB_LANES];
    size_t n;
    struct job_entry *entries;
};

/* A row of table `job`, apart from the entry so that it is written without the lock. */
struct job_record {
    const char *name;
    int64_t since_ms, began_ms, ended_ms;
    int code;
    char *message, *result;
};
struct job_record job_record_of(const struct job_entry *entry); /* texts copied */
void job_record_release(struct job_record *record);
must_use int job_record_put(struct store *store, const struct job_record *record, struct err *err);
/* Fills the entries from the records. */
must_use int job_records_read(struct jobs *jobs, struct err *err);
/* Notes since when jobs without a record are known. */
must_use int job_records_begin(struct jobs *jobs, struct err *err);

#endif
