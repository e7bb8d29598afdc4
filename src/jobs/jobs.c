/*
 * The lanes: which job is due, running it, keeping what came of it: see jobs.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "jobs/jobs.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logger.h"
#include "jobs/internal.h"

enum { TICK_MS = 250, RECORD_MS = 60000, LONG_NICE = 10 };

static const char *const lane_names[JOB_LANES] = {"senda-quick", "senda-long", "senda-deliver",
                                                  "senda-webhooks"};

/* ---- what a run sees ---- */

struct folder *job_folder(const struct job_run *run) {
    return run->jobs->folder;
}
bool job_cancelled(const struct job_run *run) { return atomic_load(&run->cancelled); }
atomic_bool *job_cancel_flag(struct job_run *run) { return &run->cancelled; }

void job_progress(struct job_run *run, uint64_t done, uint64_t total) {
    atomic_store_explicit(&run->total, total, memory_order_relaxed);
    atomic_store_explicit(&run->done, done, memory_order_relaxed);
}

void job_result(struct job_run *run, json_t *result) {
    free(run->result);
    run->result = json_dumps(result, JSON_COMPACT);
    json_decref(result);
}

/* ---- when ---- */

/* The last local instant of that minute of the day at or before now. */
static int64_t daily_before(const struct zone *zone, int minute, int64_t now_ms) {
    int64_t midnight = zone_bucket_start_ms(zone, BUCKET_DAY, now_ms);
    int64_t at = midnight + (int64_t)minute * 60000;
    return at <= now_ms
               ? at
               : zone_bucket_add_ms(zone, BUCKET_DAY, midnight, -1) + (int64_t)minute * 60000;
}

/* When a job is due, wall clock; at most now: at once. Holder of the lock. */
static int64_t due_ms(const struct jobs *jobs, const struct job_entry *entry, int64_t now_ms) {
    const struct job *job = entry->job;
    if (entry->asked)
        return now_ms;
    if (job->every_ms) {
        if (!entry->ended_us)
            return now_ms;
        int64_t left = entry->ended_us + (int64_t)job->every_ms * 1000 - clock_monotonic_us();
        return now_ms + (left > 0 ? left / 1000 : 0);
    }
    const struct zone *zone = jobs->folder->zone;
    int64_t before = daily_before(zone, job->daily_minute, now_ms);
    int64_t last = entry->began_ms > entry->since_ms ? entry->began_ms : entry->since_ms;
    return last < before ? now_ms
                         : zone_bucket_add_ms(zone, BUCKET_DAY,
                                              zone_bucket_start_ms(zone, BUCKET_DAY, before), 1) +
                               (int64_t)job->daily_minute * 60000;
}

/* ---- running ---- */

/* What happens each second is kept only when its outcome changes. */
static bool is_worth_a_record(const struct job_entry *entry, int code_before) {
    return entry->job->every_ms == 0 || entry->job->every_ms >= RECORD_MS ||
           entry->code != code_before;
}

/* Holder of the lock, which is given up while the job runs. */
static int entry_run(struct jobs *jobs, struct job_entry *entry, struct err *err) {
    struct job_run *run = &entry->run;
    int code_before = entry->code;
    atomic_store(&run->cancelled, jobs->stopping);
    job_progress(run, 0, 0);
    entry->running = true;
    entry->asked = false;
    entry->began_ms = clock_now_ms();
    pthread_mutex_unlock(&jobs->lock);
    struct err failure = {0};
    int code = entry->job->run(run, &failure);
    pthread_mutex_lock(&jobs->lock);
    entry->running = false;
    entry->ended_ms = clock_now_ms();
    entry->ended_us = clock_monotonic_us();
    entry->code = code;
    entry->message = failure;
    if (run->result || entry->job->every_ms == 0) {
        free(entry->result);
        entry->result = run->result;
        run->result = NULL;
    }
    if (code && code != code_before && code != E_CANCELLED)
        log_error("jobs", "%s failed: %s", entry->job->name, failure.message);
    bool keep = is_worth_a_record(entry, code_before);
    pthread_cond_broadcast(&jobs->changed);
    if (keep) {
        struct job_record record = job_record_of(entry);
        pthread_mutex_unlock(&jobs->lock);
        struct err ignored = {0};
        if (job_record_put(jobs->folder->store, &record, &ignored))
            log_error("jobs", "the outcome of %s was not kept: %s", record.name, ignored.message);
        job_record_release(&record);
        pthread_mutex_lock(&jobs->lock);
    }
    if (code)
        *err = failure;
    return code;
}

/* The lane's job that is due first, or NULL with how long to wait. Holder of the lock. */
static struct job_entry *lane_next(struct jobs *jobs, enum job_lane lane, int64_t *wait_ms) {
    struct job_entry *first = NULL;
    int64_t now_ms = clock_now_ms(), first_ms = 0;
    for (size_t i = 0; i < jobs->n; i++) {
        struct job_entry *entry = &jobs->entries[i];
        if (entry->job->lane != lane || entry->running)
            continue;
        int64_t due = due_ms(jobs, entry, now_ms);
        if (!first || due < first_ms || (due == first_ms && entry->ended_us < first->ended_us)) {
            first = entry;
            first_ms = due;
        }
    }
    if (first && first_ms <= now_ms)
        return first;
    *wait_ms = first && first_ms - now_ms < TICK_MS ? first_ms - now_ms : TICK_MS;
    return NULL;
}

static void lane_wait(struct jobs *jobs, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
}

static void *lane_main(void *context) {
    struct lane *lane = context;
    struct jobs *jobs = lane->jobs;
    enum job_lane number = (enum job_lane)(lane - jobs->lanes);
    pthread_setname_np(pthread_self(), lane_names[number]);
    if (number == JOB_LONG) /* on Linux of this thread alone */
        setpriority(PRIO_PROCESS, (id_t)gettid(), LONG_NICE);
    pthread_mutex_lock(&jobs->lock);
    while (!jobs->stopping) {
        int64_t wait_ms = TICK_MS;
        struct err kept_already = {0};
        struct job_entry *entry = lane_next(jobs, number, &wait_ms);
        if (!entry)
            lane_wait(jobs, wait_ms);
        else if (entry_run(jobs, entry, &kept_already))
            lane_wait(jobs, TICK_MS); /* what fails at once does not spin */
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* ---- the facade ---- */

int jobs_open(struct jobs **out, struct folder *folder, const struct job *const *table,
              struct err *err) {
    struct jobs *jobs = calloc(1, sizeof *jobs);
    size_t n = 0;
    while (table && table[n])
        n++;
    if (!jobs || !(jobs->entries = calloc(n + 1, sizeof *jobs->entries)))
        abort();
    jobs->folder = folder;
    jobs->n = n;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    for (size_t i = 0; i < n; i++) {
        jobs->entries[i].job = table[i];
        jobs->entries[i].run.jobs = jobs;
    }
    int code = job_records_read(jobs, err);
    if (code) {
        jobs_close(jobs);
        return code;
    }
    *out = jobs;
    return 0;
}

void jobs_close(struct jobs *jobs) {
    if (!jobs)
        return;
    jobs_stop(jobs);
    for (size_t i = 0; i < jobs->n; i++) {
        free(jobs->entries[i].result);
        free(jobs->entries[i].run.result);
    }
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs->entries);
    free(jobs);
}

int jobs_start(struct jobs *jobs, struct err *err) {
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = false;
    jobs->started = true;
    pthread_mutex_unlock(&jobs->lock);
    int code = job_records_begin(jobs, err);
    for (size_t i = 0; !code && i < JOB_LANES; i++) {
        struct lane *lane = &jobs->lanes[i];
        lane->jobs = jobs;
        if (pthread_create(&lane->thread, NULL, lane_main, lane))
            code = err_set(err, E_INTERNAL, "no thread for scheduled work");
        else
            lane->running = true;
    }
    if (code)
        jobs_stop(jobs);
    return code;
}

void jobs_stop(struct jobs *jobs) {
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    jobs->started = false;
    for (size_t i = 0; i < jobs->n; i++)
        atomic_store(&jobs->entries[i].run.cancelled, true);
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < JOB_LANES; i++)
        if (jobs->lanes[i].running) {
            pthread_join(jobs->lanes[i].thread, NULL);
            jobs->lanes[i].running = false;
        }
    jobs->stopping = false;
}

static struct job_entry *entry_find(struct jobs *jobs, const char *name, struct err *err) {
    for (size_t i = 0; i < jobs->n; i++)
        if (strcmp(jobs->entries[i].job->name, name) == 0)
            return &jobs->entries[i];
    err_set(err, E_NOT_FOUND, "no job is called \"%.60s\"", name);
    return NULL;
}

int jobs_request(struct jobs *jobs, const char *name, struct err *err) {
    struct job_entry *entry = entry_find(jobs, name, err);
    if (!entry)
        return E_NOT_FOUND;
    int code = 0;
    pthread_mutex_lock(&jobs->lock);
    if (jobs->started) {
        entry->asked = entry->asked || !entry->running;
        pthread_cond_broadcast(&jobs->changed);
    } else if (!entry->running) {
        code = entry_run(jobs, entry, err);
    }
    pthread_mutex_unlock(&jobs->lock);
    return code;
}

int jobs_cancel(struct jobs *jobs, const char *name, struct err *err) {
    struct job_entry *entry = entry_find(jobs, name, err);
    if (!entry)
        return E_NOT_FOUND;
    pthread_mutex_lock(&jobs->lock);
    bool running = entry->running;
    if (running)
        atomic_store(&entry->run.cancelled, true);
    entry->asked = false;
    pthread_mutex_unlock(&jobs->lock);
    return running ? 0 : err_set(err, E_CONFLICT, "the job does not run");
}

size_t jobs_count(const struct jobs *jobs) { return jobs->n; }

void jobs_state(struct jobs *jobs, size_t index, struct arena *arena, struct job_state *state) {
    struct job_entry *entry = &jobs->entries[index];
    pthread_mutex_lock(&jobs->lock);
    int64_t now_ms = clock_now_ms(), due = due_ms(jobs, entry, now_ms);
    *state = (struct job_state){
        .job = entry->job,
        .running = entry->running,
        .asked = entry->asked,
        .done = atomic_load_explicit(&entry->run.done, memory_order_relaxed),
        .total = atomic_load_explicit(&entry->run.total, memory_order_relaxed),
        .began_ms = entry->began_ms,
        .ended_ms = entry->ended_ms,
        .next_ms = due <= now_ms ? 0 : due,
        .code = entry->code,
        .message = arena_text(arena, slice_of(entry->message.message)),
        .result = arena_text(arena, slice_of(entry->result ? entry->result : "")),
    };
    pthread_mutex_unlock(&jobs->lock);
}
