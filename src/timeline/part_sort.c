/*
 * Radix sort of rows. Seqs nearly always ascend in the input already; the sort is stable, so they need a pass of their
 * own only when they do not. Likewise customer and time share one key unless their spans need more than 64 bits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_sort.h"

#include <stdlib.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

struct sort_entry {
    uint64_t key;
    uint32_t row;
};

struct span {
    uint64_t low, high;
};

static void span_add(struct span *span, uint64_t value) {
    span->low = value < span->low ? value : span->low;
    span->high = value > span->high ? value : span->high;
}

static unsigned span_bits(struct span span) {
    uint64_t width = span.high - span.low;
    return width ? 64 - (unsigned)__builtin_clzll(width) : 0;
}

/* Sorts by the low `bits` of the keys, stable; the result is in *entries (which may swap with *spare). */
static void radix(struct sort_entry **entries, struct sort_entry **spare, uint32_t n,
                  unsigned bits) {
    for (unsigned shift = 0; shift < bits; shift += DIGIT_BITS) {
        uint32_t count[DIGITS] = {0};
        struct sort_entry *from = *entries, *to = *spare;
        for (uint32_t i = 0; i < n; i++)
            count[from[i].key >> shift & (DIGITS - 1)]++;
        if (count[from[0].key >> shift & (DIGITS - 1)] == n)
            continue;
        uint32_t before = 0;
        for (unsigned d = 0; d < DIGITS; d++) {
            uint32_t here = count[d];
            count[d] = before;
            before += here;
        }
        for (uint32_t i = 0; i < n; i++)
            to[count[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
        *entries = to;
        *spare = from;
    }
}

void part_sort(const struct row *const *rows, uint32_t n, uint32_t *order) {
    if (!n)
        return;
    struct span seq = {UINT64_MAX, 0}, customer = seq, time = seq;
    bool ascending = true;
    for (uint32_t i = 0; i < n; i++) {
        ascending &= rows[i]->seq >= seq.high || i == 0;
        span_add(&seq, rows[i]->seq);
        span_add(&customer, rows[i]->customer);
        span_add(&time, (uint64_t)rows[i]->time_ms);
    }
    struct sort_entry *entries = malloc(n * sizeof *entries), *spare = malloc(n * sizeof *spare);
    if (!entries || !spare)
        abort();
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (struct sort_entry){rows[i]->seq - seq.low, i};
    if (!ascending)
        radix(&entries, &spare, n, span_bits(seq));
    unsigned time_bits = span_bits(time), customer_bits = span_bits(customer);
    bool together = time_bits + customer_bits <= 64 && time_bits < 64;
    for (uint32_t i = 0; i < n; i++) {
        const struct row *row = rows[entries[i].row];
        uint64_t key = (uint64_t)row->time_ms - time.low;
        entries[i].key = together ? (row->customer - customer.low) << time_bits | key : key;
    }
    radix(&entries, &spare, n, together ? time_bits + customer_bits : time_bits);
    if (!together) {
        for (uint32_t i = 0; i < n; i++)
            entries[i].key = rows[entries[i].row]->customer - customer.low;
        radix(&entries, &spare, n, customer_bits);
    }
    for (uint32_t i = 0; i < n; i++)
        order[i] = entries[i].row;
    free(entries);
    free(spare);
}
