/*
 * Chunks and threads. See scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/scan.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "backend/scan_internal.h"
#include "base/clock.h"

struct scan_tuning scan_tuning = {.chunk_rows = 65536, .small_rows = 400000};

int patience_check(const struct patience *patience, struct err *err) {
    if (patience->control &&
        atomic_load_explicit(&patience->control->cancelled, memory_order_relaxed))
        return err_set(err, E_CANCELLED, "the question was cancelled");
    if (clock_monotonic_us() <= patience->deadline_us)
        return 0;
    err_set(err, E_TIMEOUT, "the question took longer than its time limit");
    return err_hint(err, "Ask for a shorter range or fewer conditions.");
}

/* Each member by itself; the words of the set without any cost next to nothing. */
static void run_few(struct worker *worker, struct walk *walk) {
    const struct owner_set *members = worker->scan->spec->members;
    for (uint32_t word = 0; word <= (members->n - 1) / 64 && !worker->code; word++) {
        for (uint64_t bits = members->bits[word]; bits; bits &= bits - 1) {
            uint32_t owner = word * 64 + (uint32_t)__builtin_ctzll(bits);
            scan_walk(walk, owner, owner + 1);
        }
        if (members->bits[word])
            worker->code = patience_check(worker->scan->patience, &worker->err);
    }
}

struct thread {
    struct worker worker;
    atomic_uint_least64_t *next; /* first profile of the next chunk */
    atomic_bool *stop;
};

static void *run_thread(void *context) {
    struct thread *thread = context;
    struct worker *worker = &thread->worker;
    const struct scan *scan = worker->scan;
    struct walk *walk = scan_walk_new(worker);
    if (scan->spec->few)
        run_few(worker, walk);
    while (!scan->spec->few && !atomic_load(thread->stop)) {
        uint64_t from = atomic_fetch_add(thread->next, scan->chunk);
        if (from > scan->profiles)
            break;
        uint64_t to = from + scan->chunk;
        worker->code = patience_check(scan->patience, &worker->err);
        if (worker->code) {
            atomic_store(thread->stop, true);
            break;
        }
        scan_walk(walk, (uint32_t)from, to > UINT32_MAX ? UINT32_MAX : (uint32_t)to);
    }
    scan_walk_free(walk);
    scratch_release(&worker->scratch);
    return NULL;
}

/* On any processor but this one: for so short a life the kernel often leaves a new thread where it was made until both
 * are nearly done, and the scan takes twice as long. */
static bool start_beside(pthread_t *handle, struct thread *thread) {
    cpu_set_t others;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes))
        return false;
    int here = sched_getcpu();
    if (here >= 0 && here < CPU_SETSIZE && !sched_getaffinity(0, sizeof others, &others)) {
        CPU_CLR((size_t)here, &others);
        if (CPU_COUNT(&others))
            (void)pthread_attr_setaffinity_np(&attributes, sizeof others, &others);
    }
    bool started = pthread_create(handle, &attributes, run_thread, thread) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

int scan_run(struct scan *scan, const struct operator* operator, void * const * states,
             struct err *err) {
    struct arena arena;
    arena_init(&arena);
    const struct scan_tables *tables = scan_tables(scan, &arena);
    struct thread threads[SCAN_THREADS];
    pthread_t handles[SCAN_THREADS] = {0};
    bool started[SCAN_THREADS] = {false};
    atomic_uint_least64_t next = 0;
    atomic_bool stop = false;
    memset(threads, 0, sizeof threads);
    for (uint32_t t = scan->threads; t-- > 0;) {
        threads[t].worker = (struct worker){
            .scan = scan, .tables = tables, .operator= operator, .state = states[t] };
        threads[t].next = &next;
        threads[t].stop = &stop;
        if (t > 0)
            started[t] = start_beside(&handles[t], &threads[t]);
        else
            run_thread(&threads[0]);
    }
    int code = 0;
    scan->customers = scan->interactions = 0;
    for (uint32_t t = 0; t < scan->threads; t++) {
        if (started[t])
            pthread_join(handles[t], NULL);
        scan->customers += threads[t].worker.customers;
        scan->interactions += threads[t].worker.interactions;
        if (!code && threads[t].worker.code) {
            code = threads[t].worker.code;
            if (err)
                *err = threads[t].worker.err;
        }
    }
    arena_release(&arena);
    return code ? code : scan_check_parts(scan, err);
}

int scan_one(struct scan *scan, uint32_t owner, const struct operator* operator, void * state,
             struct err *err) {
    struct arena arena;
    arena_init(&arena);
    struct worker worker = {
        .scan = scan, .tables = scan_tables(scan, &arena), .operator= operator, .state = state };
    struct walk *walk = scan_walk_new(&worker);
    scan_walk(walk, owner, owner + 1);
    scan_walk_free(walk);
    scratch_release(&worker.scratch);
    arena_release(&arena);
    return scan_check_parts(scan, err);
}

static void put_seen(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    (void)runs;
    (void)n;
    owner_set_put(opaque, owner, true);
}
const struct operator scan_seen_operator = {.customer = put_seen};
