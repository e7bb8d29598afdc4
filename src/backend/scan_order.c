/*
 * A customer's runs brought into the order of time. See scan.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/scan_internal.h"

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

uint32_t scan_merge_runs(struct worker *worker, uint32_t owner, const struct run *runs, size_t n,
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

bool scan_in_order(const struct run *runs, size_t n, bool one_profile) {
    for (size_t r = 1; r < n; r++)
        if (!(one_profile && runs[r].view->follows) && !in_order(&runs[r - 1], &runs[r]))
            return false;
    return true;
}
