/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/cases.h"

#include <stdlib.h>

static void *grown(void *memory, size_t bytes) {
    void *more = realloc(memory, bytes ? bytes : 1);
    if (!more)
        abort();
    return more;
}

static void reserve(struct case_adapter *adapter, uint32_t n) {
    if (n <= adapter->capacity)
        return;
    adapter->capacity = n + n / 2 + 64;
    adapter->label = grown(adapter->label, adapter->capacity * sizeof *adapter->label);
    adapter->time_ms = grown(adapter->time_ms, adapter->capacity * sizeof *adapter->time_ms);
    adapter->owner = grown(adapter->owner, adapter->capacity * sizeof *adapter->owner);
    if (adapter->masks)
        adapter->mask = grown(adapter->mask, adapter->capacity * sizeof *adapter->mask);
    if (adapter->grouping)
        adapter->group = grown(adapter->group, adapter->capacity * sizeof *adapter->group);
}

static void visit(struct case_adapter *adapter, uint32_t from, uint32_t to) {
    struct case_rows rows = {to - from,
                             adapter->label + from,
                             adapter->time_ms + from,
                             adapter->masks ? adapter->mask + from : NULL,
                             adapter->owner + from,
                             adapter->grouping ? adapter->group[from] : 0};
    adapter->visit(adapter->context, &rows);
}

static void gather(struct case_adapter *adapter, uint32_t owner, const struct run *run) {
    const struct view *view = run->view;
    size_t n = adapter->n_gathered + run->to - run->from;
    if (n > adapter->gathered_capacity) {
        adapter->gathered_capacity = n + n / 2 + 1024;
        adapter->gathered =
            grown(adapter->gathered, adapter->gathered_capacity * sizeof *adapter->gathered);
    }
    for (uint32_t row = run->from; row < run->to; row++) {
        if (!view->case_value[row])
            continue;
        uint32_t origin = view->row ? view->row[row] : row;
        adapter->gathered[adapter->n_gathered++] = (struct gathered_row){
            .value = view->case_value[row],
            .owner = owner,
            .time_ms = view_time_ms(view, row),
            .seq = view->part->seq_base + view->part->seq[origin],
            .mask = adapter->masks ? view_mask(view, adapter->lut, row) : 0,
            .group = adapter->grouping ? group_of(adapter->grouping, view, row, owner) : 0,
            .label = view->label[row],
        };
    }
}

void cases_customer(struct case_adapter *adapter, uint32_t owner, const struct run *runs,
                    size_t n_runs) {
    uint32_t n = 0;
    for (size_t r = 0; r < n_runs; r++) {
        if (adapter->kind == CASE_PROPERTY) {
            gather(adapter, owner, &runs[r]);
            continue;
        }
        const struct view *view = runs[r].view;
        reserve(adapter, n + runs[r].to - runs[r].from);
        for (uint32_t row = runs[r].from; row < runs[r].to; row++, n++) {
            adapter->label[n] = view->label[row];
            adapter->time_ms[n] = view_time_ms(view, row);
            adapter->owner[n] = owner;
            if (adapter->masks)
                adapter->mask[n] = view_mask(view, adapter->lut, row);
            if (adapter->grouping)
                adapter->group[n] = group_of(adapter->grouping, view, row, owner);
        }
    }
    uint32_t from = 0;
    for (uint32_t i = 1; adapter->kind == CASE_SESSION && i < n; i++) {
        if (adapter->time_ms[i] - adapter->time_ms[i - 1] > SESSION_GAP_MS) {
            visit(adapter, from, i);
            from = i;
        }
    }
    if (n)
        visit(adapter, from, n);
}

static int in_order(const void *a, const void *b) {
    const struct gathered_row *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    if (x->time_ms != y->time_ms)
        return x->time_ms < y->time_ms ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

void cases_finish(struct case_adapter *const *adapters, size_t n_adapters,
                  struct case_adapter *visitor) {
    size_t n = 0;
    for (size_t a = 0; a < n_adapters; a++)
        n += adapters[a]->n_gathered;
    struct gathered_row *rows = grown(NULL, n * sizeof *rows);
    n = 0;
    for (size_t a = 0; a < n_adapters; a++) {
        if (adapters[a]->n_gathered)
            memcpy(rows + n, adapters[a]->gathered, adapters[a]->n_gathered * sizeof *rows);
        n += adapters[a]->n_gathered;
        adapters[a]->n_gathered = 0;
    }
    if (n)
        qsort(rows, n, sizeof *rows, in_order);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && rows[to].value == rows[from].value;)
            to++;
        reserve(visitor, (uint32_t)(to - from));
        for (size_t i = from; i < to; i++) {
            visitor->label[i - from] = rows[i].label;
            visitor->time_ms[i - from] = rows[i].time_ms;
            visitor->owner[i - from] = rows[i].owner;
            if (visitor->masks)
                visitor->mask[i - from] = rows[i].mask;
            if (visitor->grouping)
                visitor->group[i - from] = rows[i].group;
        }
        visit(visitor, 0, (uint32_t)(to - from));
    }
    free(rows);
}

void cases_release(struct case_adapter *adapter) {
    free(adapter->label);
    free(adapter->time_ms);
    free(adapter->mask);
    free(adapter->owner);
    free(adapter->group);
    free(adapter->gathered);
}

/* ---- counting by group ---- */

static void count_case(void *context, const struct case_rows *rows) {
    struct case_counter *counter = context;
    counter->counts[rows->group]++;
}

static void count_customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct case_counter *counter = opaque;
    cases_customer(&counter->adapter, owner, runs, n);
}

const struct operator case_counter_operator = {.customer = count_customer};

void case_counter_init(struct case_counter *counter, enum flow_case kind,
                       const struct grouping *grouping, uint64_t *counts) {
    *counter = (struct case_counter){.counts = counts};
    counter->adapter = (struct case_adapter){
        .kind = kind, .grouping = grouping, .visit = count_case, .context = counter};
}

void case_counter_finish(struct case_counter *counters, size_t n) {
    struct case_adapter *adapters[16] = {0};
    for (size_t i = 0; i < n && i < 16; i++)
        adapters[i] = &counters[i].adapter;
    if (n && adapters[0]->kind == CASE_PROPERTY)
        cases_finish(adapters, n, adapters[0]);
}
