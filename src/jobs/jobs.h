/*
 * Scheduled work: what the organisation's Senda does by itself, each night, each second or when somebody asks.
 *
 * IN:  a table of jobs (cli/tables.c), the clock
 * OUT: runs, one at a time in each lane; what came of the last one (table `job`), progress while it runs
 *
 * A job is a row: a name, when it is due, a function. Lanes are threads, so that a slow mail server or a long fit never
 * holds up what is due each second. A daily job that was missed (the server was off) runs when the server is back; one
 * that was never run waits for its hour.
 *
 * STATES of a job: waiting -> (due or asked for) running -> waiting.
 *
 * THREADS  Everything from anywhere; run() in the lane's thread, or in the asker's where no server runs.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_JOBS_JOBS_H
#define SENDA_JOBS_JOBS_H

#include <jansson.h>
#include <stdatomic.h>

#include "folder/folder.h"

enum job_lane {
    JOB_QUICK,    /* each second, milliseconds long */
    JOB_LONG,     /* nightly, minutes long, at low priority */
    JOB_DELIVERY, /* waits for others' servers */
    JOB_WEBHOOKS, /* likewise, of servers that nobody knows */
    JOB_LANES
};

struct job_run;

struct job {
    const char *name;    /* "storage.check"; its title on pages: text "job.storage.check" */
    const char *summary; /* English, one line */
    enum job_lane lane;
    int every_ms;     /* from the end of a run to the next; 0: daily */
    int daily_minute; /* daily: minutes after local midnight */
    /* 0 or an error, which is kept and shown. It ends soon after job_cancelled says so, with E_CANCELLED. */
    int (*run)(struct job_run *run, struct err *err);
};

/* For run(). */
struct folder *job_folder(const struct job_run *run);
/* Somebody cancelled it, or the server stops. */
bool job_cancelled(const struct job_run *run);
/* A flag that is set then, for functions that take one; lives as long as the run. */
atomic_bool *job_cancel_flag(struct job_run *run);
/* In any unit; total 0: unknown. */
void job_progress(struct job_run *run, uint64_t done, uint64_t total);
/* What came of it, an object of few members for the API and the page; taken over. */
void job_result(struct job_run *run, json_t *result);

struct jobs;

/* table: rows that outlive jobs, NULL at the end. Nothing runs before jobs_start. */
must_use int jobs_open(struct jobs **jobs, struct folder *folder, const struct job *const *table,
                       struct err *err);
void jobs_close(struct jobs *jobs);
/* The lanes begin; the server does. */
must_use int jobs_start(struct jobs *jobs, struct err *err);
/* Cancels what runs and waits for it. */
void jobs_stop(struct jobs *jobs);

/* Runs a job soon (lanes run), else in this thread, whose error is the job's. A job that is already asked for or runs
 * is left as it is. E_NOT_FOUND: no such job. */
must_use int jobs_request(struct jobs *jobs, const char *name, struct err *err);
/* E_NOT_FOUND: no such job; E_CONFLICT: it does not run. */
must_use int jobs_cancel(struct jobs *jobs, const char *name, struct err *err);

struct job_state {
    const struct job *job;
    bool running, asked;
    uint64_t done, total;                /* while it runs */
    int64_t began_ms, ended_ms, next_ms; /* of the last run, 0: never; next_ms 0: at once */
    int code;                            /* of the last run that ended */
    const char *message;                 /* why it failed, "" */
    const char *result;                  /* JSON object, "" if it gave none */
};
size_t jobs_count(const struct jobs *jobs);
/* In the order of the table. Texts live in the arena. */
void jobs_state(struct jobs *jobs, size_t index, struct arena *arena, struct job_state *state);

#endif
