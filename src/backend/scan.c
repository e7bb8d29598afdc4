/*
 * Chunks, customers, threads. See scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/scan.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "backend/scan_internal.h"
#include "base/clock.h"
#include "base/limits.h"

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

/* ---- one customer over several views ---- */

enum { FEW_VIEWS = 8, BATCH = 256 };

/* Customers on their way to the operator. */
struct batch {
    uint32_t n;
    struct customer_runs customers[BATCH];
    uint32_t several[BATCH]; /* those of more than one run */
    struct run runs[BATCH * FEW_VIEWS];
};

/* A chunk's views, and the runs of its customers: those of profile from + c are runs[first[c]] … runs[first[c+1] - 1],
 * in the order of the views (a counting sort: no comparison of heads, no branch to mispredict). */
struct walk {
    struct worker *worker;
    struct view *views;
    size_t n;
    uint32_t *first;
    struct run *runs;
    struct run *grouped; /* of the merged customer in hand */
    size_t n_grouped, grouped_capacity;
    struct batch *batch;
};

struct placed_row {
    int64_t time_ms;
    uint64_t seq;
    uint32_t run, row;
};

/* Row a of x comes before row b of y. Seconds decide nearly always, and the other columns stay cold. */
static bool precedes(const struct view *x, uint32_t a, const struct view *y, uint32_t b) {
    if (x->sec[a] != y->sec[b])
        return x->sec[a] < y->sec[b];
    if (x->ms[a] != y->ms[b])
        return x->ms[a] < y->ms[b];
    return view_seq(x, a) < view_seq(y, b);
}

static bool in_order(const struct run *before, const struct run *after) {
    return precedes(before->view, before->to - 1, after->view, after->from);
}

static int by_place(const void *a, const void *b) {
    const struct placed_row *x = a, *y = b;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* A column of the merged view, value by value from where each row stands; NULL when the views lack it. */
#define MERGED(type, wanted, expression)                                                           \
    (__extension__({                                                                               \
        type *column_ = (wanted) ? scratch_get(scratch, ((size_t)n + 1) * sizeof(type)) : NULL;    \
        for (uint32_t i_ = 0; column_ && i_ < n; i_++) {                                           \
            const struct view *from = runs[rows[i_].run].view;                                     \
            uint32_t row = rows[i_].row;                                                           \
            column_[i_] = (expression);                                                            \
        }                                                                                          \
        column_;                                                                                   \
    }))

static void copy_columns(const struct worker *worker, uint32_t owner, const struct run *runs,
                         const struct placed_row *rows, uint32_t n, struct scratch *scratch,
                         struct view *view) {
    const struct view *like = runs[0].view;
    const uint64_t *lut = worker->scan->lut;
    bool origins = worker->scan->spec->origins;
    *view = (struct view){
        .n = 1,
        .sec = MERGED(uint32_t, true, from->sec[row]),
        .ms = MERGED(uint16_t, true, from->ms[row]),
        .label = MERGED(uint16_t, like->label, from->label[row]),
        .mask = MERGED(uint64_t, worker->scan->spec->n_matchers, view_mask(from, lut, row)),
        .group_code = MERGED(uint16_t, like->group_code, from->group_code[row]),
        .group = MERGED(uint32_t, like->group, from->group[row]),
        .case_value = MERGED(uint32_t, like->case_value, from->case_value[row]),
        .number = MERGED(double, like->number, from->number[row]),
        .weight = MERGED(double, like->weight, from->weight[row]),
        .seq = MERGED(uint64_t, origins, view_seq(from, row)),
        .profile = MERGED(uint32_t, origins, view_profile(from, row, owner)),
    };
}

/* Rows of the first run that precede all others stay where they lie: they are most of a customer's past, and a late
 * event stands near the end of it. Returns how many. */
static uint32_t settled_rows(const struct run *runs, size_t n_runs) {
    uint32_t to = runs[0].to;
    for (size_t r = 1; r < n_runs; r++)
        while (to > runs[0].from && !precedes(runs[0].view, to - 1, runs[r].view, runs[r].from))
            to--;
    return to - runs[0].from;
}

static struct run merge_rows_of(struct worker *worker, uint32_t owner, const struct run *runs,
                                size_t n_runs) {
    struct scratch *scratch = &worker->scratch;
    uint32_t n = 0;
    for (size_t r = 0; r < n_runs; r++)
        n += runs[r].to - runs[r].from;
    struct placed_row *rows = scratch_get(scratch, (size_t)n * sizeof *rows);
    n = 0;
    for (size_t r = 0; r < n_runs; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            rows[n++] = (struct placed_row){view_time_ms(runs[r].view, row),
                                            view_seq(runs[r].view, row), (uint32_t)r, row};
    qsort(rows, n, sizeof *rows, by_place);
    struct view *view = scratch_get(scratch, sizeof *view);
    copy_columns(worker, owner, runs, rows, n, scratch, view);
    return (struct run){view, 0, n};
}

/* Brings the rows of runs into order: what is settled, then one merged run. Returns how many runs. */
static uint32_t merge_runs(struct worker *worker, uint32_t owner, const struct run *runs, size_t n,
                           struct run merged[2]) {
    uint32_t settled = settled_rows(runs, n);
    if (!settled) {
        merged[0] = merge_rows_of(worker, owner, runs, n);
        return 1;
    }
    struct run *rest = scratch_get(&worker->scratch, n * sizeof *rest);
    memcpy(rest, runs, n * sizeof *rest);
    merged[0] = rest[0];
    merged[0].to = rest[0].from += settled;
    bool whole = rest[0].from == rest[0].to;
    merged[1] = merge_rows_of(worker, owner, rest + whole, n - whole);
    return 2;
}

/* Runs of one profile follow each other where their views do; runs of several profiles may interleave anyhow. */
static bool all_in_order(const struct run *runs, size_t n, bool one_profile) {
    for (size_t r = 1; r < n; r++)
        if (!(one_profile && runs[r].view->follows) && !in_order(&runs[r - 1], &runs[r]))
            return false;
    return true;
}

static void give(struct worker *worker, const struct customer_runs *customers, size_t n) {
    const struct operator* operator= worker->operator;
    worker->customers += worker->seen ? 0 : n;
    if (operator->customers)
        operator->customers(worker->state, customers, n);
    for (size_t c = 0; !operator->customers && c<n; c++)
        operator->customer(worker->state, customers[c].owner, customers[c].runs, customers[c].n);
}

static void hand_over(struct worker *worker, uint32_t owner, const struct run *runs, size_t n,
                      bool one_profile) {
    struct customer_runs customer = {owner, (uint32_t)n, runs};
    struct run merged[2];
    if (n > 1 && !worker->scan->spec->unordered && !all_in_order(runs, n, one_profile)) {
        customer.n = merge_runs(worker, owner, runs, n, merged);
        customer.runs = merged;
    }
    give(worker, &customer, 1);
}

/* Hands over the customers of the batch, of one profile each. */
static void flush(const struct walk *walk) {
    struct worker *worker = walk->worker;
    struct batch *batch = walk->batch;
    uint32_t n = 0;
    for (uint32_t c = 0; walk->n > 1 && !worker->scan->spec->unordered && c < batch->n; c++) {
        batch->several[n] = c;
        n += batch->customers[c].n > 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct customer_runs *customer = &batch->customers[batch->several[i]];
        if (all_in_order(customer->runs, customer->n, true))
            continue;
        struct run *merged = scratch_get(&worker->scratch, 2 * sizeof *merged);
        customer->n = merge_runs(worker, customer->owner, customer->runs, customer->n, merged);
        customer->runs = merged;
    }
    give(worker, batch->customers, batch->n);
    batch->n = 0;
}

/* Sorts the runs of the chunk's views by profile. */
static void sort_runs(struct walk *walk, uint32_t from, uint32_t to) {
    struct scratch *scratch = &walk->worker->scratch;
    size_t span = (size_t)to - from, n = 0;
    uint32_t *first = scratch_get(scratch, (span + 2) * sizeof *first);
    memset(first, 0, (span + 2) * sizeof *first);
    for (size_t v = 0; v < walk->n; v++) {
        const struct view *view = &walk->views[v];
        for (uint32_t k = 0; k < view->n; k++)
            first[view->customer[k] - from + 2]++;
        n += view->n;
    }
    for (size_t c = 2; c < span + 2; c++)
        first[c] += first[c - 1];
    struct run *runs = scratch_get(scratch, (n + 1) * sizeof *runs);
    first++; /* first[c] is where the next run of profile c goes, and in the end where those of c + 1 begin */
    for (size_t v = 0; v < walk->n; v++) {
        const struct view *view = &walk->views[v];
        for (uint32_t k = 0; k < view->n; k++)
            runs[first[view->customer[k] - from]++] =
                (struct run){view, view->start[k], view->start[k + 1]};
    }
    walk->first = first - 1;
    walk->runs = runs;
}

static void add_grouped(struct walk *walk, struct run run) {
    if (walk->n_grouped == walk->grouped_capacity) {
        walk->grouped_capacity = walk->grouped_capacity ? walk->grouped_capacity * 2 : 64;
        walk->grouped = realloc(walk->grouped, walk->grouped_capacity * sizeof *walk->grouped);
        if (!walk->grouped)
            abort();
    }
    walk->grouped[walk->n_grouped++] = run;
}

/* Runs of the other profiles of an owner, wherever they lie. Returns whether they had rows before selection. */
static bool take_members(struct walk *walk, uint32_t owner) {
    struct worker *worker = walk->worker;
    const struct scan *scan = worker->scan;
    const uint32_t *members;
    size_t n = overlay_members(scan->overlay, owner, &owner, &members);
    bool any = false;
    for (size_t m = 0; m < n; m++) {
        if (members[m] == owner)
            continue;
        for (size_t p = 0; p < scan->n_parts; p++) {
            const struct part *part = scan->parts[p].part;
            uint32_t k = part_customer_find(part, members[m]);
            if (k == part->n_customers || part->customer[k] != members[m])
                continue;
            struct view *view = scratch_get(&worker->scratch, sizeof *view);
            uint64_t before = worker->interactions;
            any |= scan_part_view(worker, &scan->parts[p], k, k + 1, false, view);
            worker->interactions = before;
            if (view->n)
                add_grouped(walk, (struct run){view, view->start[0], view->start[1]});
        }
    }
    return any;
}

/* No redirected profiles in the chunk, and one view. */
static void walk_one(const struct walk *walk) {
    const struct view *view = &walk->views[0];
    struct batch *batch = walk->batch;
    for (uint32_t k = 0; k < view->n; k++) {
        struct run *run = &batch->runs[batch->n];
        *run = (struct run){view, view->start[k], view->start[k + 1]};
        batch->customers[batch->n++] = (struct customer_runs){view->customer[k], 1, run};
        if (batch->n == BATCH)
            flush(walk);
    }
    flush(walk);
}

/* A place in each view moves on with the profiles. Whether a view has the profile is added, not branched on: nothing
 * could foretell it. Inlined for each usual number of views, so that the places stay in registers. */
static inline __attribute__((always_inline)) void
walk_views(const struct walk *walk, size_t n_views, uint32_t from, uint32_t to) {
    uint32_t at[FEW_VIEWS] = {0};
    struct batch *batch = walk->batch;
    struct run *run = batch->runs;
    uint32_t n_customers = 0;
    for (uint32_t profile = from; profile < to; profile++) {
        uint32_t n = 0;
#pragma GCC unroll 4
        for (size_t v = 0; v < n_views; v++) {
            const struct view *view = &walk->views[v];
            uint32_t k = at[v] < view->n ? at[v] : view->n - 1;
            bool has = at[v] < view->n && view->customer[k] == profile;
            run[n] = (struct run){view, view->start[k], view->start[k + 1]};
            n += has;
            at[v] += has;
        }
        batch->customers[n_customers] = (struct customer_runs){profile, n, run};
        n_customers += n > 0;
        run += n;
        if (n_customers == BATCH) {
            batch->n = n_customers;
            flush(walk);
            n_customers = 0;
            run = batch->runs;
        }
    }
    batch->n = n_customers;
    flush(walk);
}

/* No redirected profiles in the chunk, and few views. */
static void walk_few(const struct walk *walk, uint32_t from, uint32_t to) {
    switch (walk->n) {
    case 2: walk_views(walk, 2, from, to); break;
    case 3: walk_views(walk, 3, from, to); break;
    default: walk_views(walk, walk->n, from, to);
    }
}

/* No redirected profiles in the chunk. */
static void walk_plain(const struct walk *walk, uint32_t from, uint32_t to) {
    const uint32_t *first = walk->first;
    for (uint32_t c = 0; c < to - from; c++)
        if (first[c + 1] > first[c])
            hand_over(walk->worker, from + c, walk->runs + first[c], first[c + 1] - first[c], true);
}

static uint32_t first_at_least(const uint32_t *array, size_t n, uint32_t wanted) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (array[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/* An owner of several profiles: own runs and those of its members. */
static void walk_group(struct walk *walk, uint32_t owner, const struct run *own, size_t n_own) {
    struct worker *worker = walk->worker;
    const struct owner_set *members = worker->scan->spec->members;
    if (members && !owner_set_has(members, owner))
        return;
    walk->n_grouped = 0;
    for (size_t r = 0; r < n_own; r++)
        add_grouped(walk, own[r]);
    uint32_t bit = owner - worker->chunk_from;
    if (take_members(walk, owner) && worker->seen)
        worker->seen[bit >> 6] |= UINT64_C(1) << (bit & 63);
    if (walk->n_grouped)
        hand_over(worker, owner, walk->grouped, walk->n_grouped, false);
}

/* Redirected profiles are skipped where they stand and taken with their owner. */
static void walk_redirects(struct walk *walk, uint32_t from, uint32_t to) {
    const struct overlay *overlay = walk->worker->scan->overlay;
    const uint32_t *first = walk->first;
    size_t redirect = first_at_least(overlay->profile, overlay->n, from);
    size_t group = first_at_least(overlay->group_owner, overlay->n_groups, from);
    for (uint32_t c = 0; c < to - from; c++) {
        uint32_t profile = from + c;
        size_t n = first[c + 1] - first[c];
        bool redirected = redirect < overlay->n && overlay->profile[redirect] == profile;
        bool owns = group < overlay->n_groups && overlay->group_owner[group] == profile;
        redirect += redirected;
        group += owns;
        if (owns)
            walk_group(walk, profile, walk->runs + first[c], n);
        else if (n && !redirected)
            hand_over(walk->worker, profile, walk->runs + first[c], n, true);
    }
}

/* ---- chunks ---- */

static bool has_redirects(const struct overlay *overlay, uint32_t from, uint32_t to) {
    uint32_t redirect = first_at_least(overlay->profile, overlay->n, from);
    uint32_t group = first_at_least(overlay->group_owner, overlay->n_groups, from);
    return (redirect < overlay->n && overlay->profile[redirect] < to) ||
           (group < overlay->n_groups && overlay->group_owner[group] < to);
}

static void walk_chunk(struct walk *walk, uint32_t from, uint32_t to) {
    struct worker *worker = walk->worker;
    if (walk->n == 1 && !worker->redirects) {
        walk_one(walk);
        return;
    }
    if (walk->n <= FEW_VIEWS && !worker->redirects) {
        walk_few(walk, from, to);
        return;
    }
    sort_runs(walk, from, to);
    if (worker->redirects)
        walk_redirects(walk, from, to);
    else
        walk_plain(walk, from, to);
}

/* Rows of redirected profiles count for their owner only, whose bit was set when its members were taken. */
static uint64_t count_seen(const struct worker *worker, uint32_t from, uint32_t to) {
    const struct overlay *overlay = worker->scan->overlay;
    uint32_t redirect = worker->redirects ? first_at_least(overlay->profile, overlay->n, from) : 0;
    for (; worker->redirects && redirect < overlay->n && overlay->profile[redirect] < to;
         redirect++) {
        uint32_t bit = overlay->profile[redirect] - from;
        worker->seen[bit >> 6] &= ~(UINT64_C(1) << (bit & 63));
    }
    uint64_t count = 0;
    for (size_t word = 0; word <= ((size_t)to - from) / 64; word++)
        count += (uint64_t)__builtin_popcountll(worker->seen[word]);
    return count;
}

/* Profiles [from, to). */
static void run_chunk(struct worker *worker, struct walk *walk, uint32_t from, uint32_t to) {
    const struct scan *scan = worker->scan;
    scratch_reset(&worker->scratch);
    size_t words = ((size_t)to - from) / 64 + 1;
    worker->chunk_from = from;
    worker->redirects = scan->overlay && scan->overlay->n && has_redirects(scan->overlay, from, to);
    worker->seen = NULL;
    if (scan->spec->select && scan->spec->n_matchers) {
        worker->seen = scratch_get(&worker->scratch, words * 8);
        memset(worker->seen, 0, words * 8);
    }
    walk->n = 0;
    for (size_t p = 0; p < scan->n_parts; p++) {
        const struct part *part = scan->parts[p].part;
        uint32_t first = part_customer_find(part, from), last = part_customer_find(part, to);
        if (first == last)
            continue;
        struct view *view = &walk->views[walk->n];
        scan_part_view(worker, &scan->parts[p], first, last, true, view);
        walk->n += view->n > 0;
    }
    if (walk->n || worker->redirects)
        walk_chunk(walk, from, to);
    worker->customers += worker->seen ? count_seen(worker, from, to) : 0;
}

static void walk_init(struct walk *walk, struct worker *worker) {
    size_t n = worker->scan->n_parts + 1;
    *walk = (struct walk){.worker = worker};
    walk->views = malloc(n * sizeof *walk->views);
    walk->batch = malloc(sizeof *walk->batch);
    if (!walk->views || !walk->batch)
        abort();
    walk->batch->n = 0;
}

static void walk_release(struct walk *walk) {
    free(walk->views);
    free(walk->grouped);
    free(walk->batch);
}

/* Each member by itself; the words of the set without any cost next to nothing. */
static void run_few(struct worker *worker, struct walk *walk) {
    const struct owner_set *members = worker->scan->spec->members;
    for (uint32_t word = 0; word <= (members->n - 1) / 64 && !worker->code; word++) {
        for (uint64_t bits = members->bits[word]; bits; bits &= bits - 1) {
            uint32_t owner = word * 64 + (uint32_t)__builtin_ctzll(bits);
            run_chunk(worker, walk, owner, owner + 1);
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
    struct walk walk;
    walk_init(&walk, worker);
    if (scan->spec->few)
        run_few(worker, &walk);
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
        run_chunk(worker, &walk, (uint32_t)from, to > UINT32_MAX ? UINT32_MAX : (uint32_t)to);
    }
    walk_release(&walk);
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
    struct walk walk;
    walk_init(&walk, &worker);
    run_chunk(&worker, &walk, owner, owner + 1);
    walk_release(&walk);
    scratch_release(&worker.scratch);
    arena_release(&arena);
    return scan_check_parts(scan, err);
}
