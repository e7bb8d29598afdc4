/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/spread.h"

#include <math.h>
#include <stdlib.h>

uint32_t spread_bin(int64_t value) {
    if (value < 64)
        return value < 0 ? 0 : (uint32_t)value;
    unsigned exponent = 63 - (unsigned)__builtin_clzll((uint64_t)value);
    uint32_t bin = 64 + (exponent - 6) * 64 + (uint32_t)((uint64_t)value >> (exponent - 6) & 63);
    return bin < SPREAD_BINS ? bin : SPREAD_BINS - 1;
}

double spread_bin_middle(uint32_t bin) {
    if (bin < 64)
        return (double)bin;
    unsigned shift = (bin - 64) / 64;
    double low = ldexp(64 + (double)((bin - 64) % 64), (int)shift);
    return low + (ldexp(1, (int)shift) - 1) / 2;
}

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static void to_bins(struct spread *spread, struct spread_budget *budget) {
    spread->bins = must(calloc(SPREAD_BINS, sizeof *spread->bins));
    for (uint64_t i = 0; i < spread->n; i++)
        spread->bins[spread_bin(spread->exact ? spread->exact[i] : spread->only)]++;
    free(spread->exact);
    spread->exact = NULL;
    atomic_fetch_sub(&budget->used, (long long)spread->capacity);
    spread->capacity = 0;
    atomic_store(&budget->approximate, true);
}

/* Room for one more exact value, or bins. Arrays double, so 8 million values reserve at most 16 million places;
 * spreads smaller than their histogram stay exact. */
static void make_room(struct spread *spread, struct spread_budget *budget) {
    uint64_t capacity = spread->capacity ? spread->capacity * 2 : 4;
    long long more = (long long)(capacity - spread->capacity);
    if (spread->n >= SPREAD_BINS / 2 && atomic_load(&budget->used) + more > 2 * SPREAD_EXACT) {
        to_bins(spread, budget);
        return;
    }
    atomic_fetch_add(&budget->used, more);
    spread->exact = must(realloc(spread->exact, capacity * sizeof *spread->exact));
    if (spread->n == 1)
        spread->exact[0] = spread->only;
    spread->capacity = capacity;
}

static void put(struct spread *spread, int64_t value, struct spread_budget *budget) {
    if (spread->n == 0) {
        spread->only = value;
    } else if (!spread->bins) {
        if (spread->n >= spread->capacity)
            make_room(spread, budget);
        if (spread->exact)
            spread->exact[spread->n] = value;
    }
    if (spread->bins)
        spread->bins[spread_bin(value)]++;
    spread->n++;
}

void spread_add(struct spread *spread, int64_t value, struct spread_budget *budget) {
    if (spread->n == 0 || value < spread->min)
        spread->min = value;
    if (spread->n == 0 || value > spread->max)
        spread->max = value;
    spread->sum += (double)value;
    put(spread, value, budget);
}

static void merge_bins(struct spread *spread, const struct spread *from,
                       struct spread_budget *budget) {
    if (!spread->bins)
        to_bins(spread, budget);
    for (uint32_t bin = 0; bin < SPREAD_BINS; bin++)
        spread->bins[bin] += from->bins[bin];
    spread->n += from->n;
}

void spread_merge(struct spread *spread, struct spread *from, struct spread_budget *budget) {
    if (from->n && (spread->n == 0 || from->min < spread->min))
        spread->min = from->min;
    if (from->n && (spread->n == 0 || from->max > spread->max))
        spread->max = from->max;
    spread->sum += from->sum;
    if (from->bins) {
        merge_bins(spread, from, budget);
    } else {
        for (uint64_t i = 0; i < from->n; i++)
            put(spread, from->exact ? from->exact[i] : from->only, budget);
        atomic_fetch_sub(&budget->used, (long long)from->capacity);
    }
    spread_release(from);
}

void spread_release(struct spread *spread) {
    free(spread->exact);
    free(spread->bins);
    *spread = (struct spread){0};
}

static int64_t median_of_three(int64_t a, int64_t b, int64_t c) {
    int64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Hoare's partition of values[low … high]: afterwards those up to *j are <= those from *i on. */
static void partition(int64_t *values, int64_t low, int64_t high, int64_t *i, int64_t *j) {
    int64_t pivot = median_of_three(values[low], values[low + (high - low) / 2], values[high]);
    *i = low;
    *j = high;
    while (*i <= *j) {
        while (values[*i] < pivot)
            ++*i;
        while (values[*j] > pivot)
            --*j;
        if (*i <= *j) {
            int64_t swap = values[*i];
            values[(*i)++] = values[*j];
            values[(*j)--] = swap;
        }
    }
}

/* Hoare's selection: values[k] in its sorted place, smaller ones before it. */
static int64_t select_kth(int64_t *values, int64_t n, int64_t k) {
    int64_t low = 0, high = n - 1, i, j;
    while (low < high) {
        partition(values, low, high, &i, &j);
        if (k > j && k < i)
            break;
        low = k >= i ? i : low;
        high = k <= j ? j : high;
    }
    return values[k];
}

static double of_bins(const struct spread *spread, double p) {
    double rank = (double)(spread->n - 1) * p;
    uint64_t below = 0;
    uint32_t bin = 0;
    while (bin + 1 < SPREAD_BINS && (double)(below + spread->bins[bin]) <= rank)
        below += spread->bins[bin++];
    double middle = spread_bin_middle(bin);
    return fmin(fmax(middle, (double)spread->min), (double)spread->max);
}

double spread_quantile(struct spread *spread, double p) {
    if (spread->n == 0)
        return (double)NAN;
    if (spread->n == 1)
        return (double)spread->max;
    if (spread->bins)
        return of_bins(spread, p);
    double h = (double)(spread->n - 1) * p;
    int64_t k = (int64_t)h;
    double low = (double)select_kth(spread->exact, (int64_t)spread->n, k);
    double fraction = h - (double)k;
    if (fraction <= 0)
        return low;
    int64_t next = spread->exact[k + 1];
    for (uint64_t i = (uint64_t)k + 2; i < spread->n; i++)
        if (spread->exact[i] < next)
            next = spread->exact[i];
    return low + fraction * ((double)next - low);
}

double spread_mean(const struct spread *spread) {
    return spread->n ? spread->sum / (double)spread->n : (double)NAN;
}
