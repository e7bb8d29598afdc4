/*
 * The customers of a chunk, each over all views. See scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/scan_internal.h"

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
    if (n > 1 && !worker->scan->spec->unordered && !scan_in_order(runs, n, one_profile)) {
        customer.n = scan_merge_runs(worker, owner, runs, n, merged);
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
        if (scan_in_order(customer->runs, customer->n, true))
            continue;
        struct run *merged = scratch_get(&worker->scratch, 2 * sizeof *merged);
        customer->n = scan_merge_runs(worker, customer->owner, customer->runs, customer->n, merged);
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

void scan_walk(struct walk *walk, uint32_t from, uint32_t to) {
    struct worker *worker = walk->worker;
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

struct walk *scan_walk_new(struct worker *worker) {
    struct walk *walk = malloc(sizeof *walk);
    struct batch *batch = malloc(sizeof *batch);
    struct view *views = malloc((worker->scan->n_parts + 1) * sizeof *views);
    if (!walk || !batch || !views)
        abort();
    *walk = (struct walk){.worker = worker, .views = views, .batch = batch};
    batch->n = 0;
    return walk;
}

void scan_walk_free(struct walk *walk) {
    free(walk->views);
    free(walk->grouped);
    free(walk->batch);
    free(walk);
}
