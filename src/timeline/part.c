/*
 * Reading a part: plain accessors over its arrays. See part_internal.h for the format of the image.
 *
 * COST  part_column_find, part_customer_find: binary search. part_column_rank: binary search in row numbers, or one
 *       rank entry and at most eight words of a bitmap.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "timeline/part_internal.h"

const struct part_column *part_column_find(const struct part *part, uint32_t code) {
    uint32_t low = 0, high = part->n_columns;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (part->columns[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < part->n_columns && part->columns[low].code == code ? &part->columns[low] : NULL;
}

/* First index in ascending array[0 … n) whose element is >= wanted. */
static uint32_t first_at_least(const uint32_t *array, uint32_t n, uint32_t wanted) {
    uint32_t low = 0;
    while (n) {
        uint32_t half = n / 2;
        bool less = array[low + half] < wanted;
        low = less ? low + half + 1 : low;
        n = less ? n - half - 1 : half;
    }
    return low;
}

uint32_t part_column_rank(const struct part_column *column, uint32_t row) {
    if (!column->bitmap)
        return first_at_least(column->rows, column->n, row);
    uint32_t k = column->rank[row / PART_RANK_ROWS];
    uint32_t word = row / PART_RANK_ROWS * (PART_RANK_ROWS / 64);
    for (; word < row / 64; word++)
        k += (uint32_t)__builtin_popcountll(column->bitmap[word]);
    if (row % 64)
        k += (uint32_t)__builtin_popcountll(column->bitmap[word] << (64 - row % 64));
    return k;
}

struct value part_column_value(const struct part_column *column, uint32_t k) {
    uint32_t i = k;
    if (column->code_bytes == 1)
        i = ((const uint8_t *)column->codes)[k];
    else if (column->code_bytes == 2)
        i = ((const uint16_t *)column->codes)[k];
    struct value value = {.type = column->value_types[i]};
    uint64_t payload = column->payload[i];
    if (value.type == VALUE_TEXT) {
        uint32_t from = column->text_start[payload];
        value.text = (struct slice){column->text + from, column->text_start[payload + 1] - from};
    } else if (value.type == VALUE_JSON) {
        value.text = SLICE_LITERAL("");
    } else if (value.type == VALUE_NUMBER) {
        memcpy(&value.number, &payload, sizeof payload);
    } else {
        value.integer = (int64_t)payload;
    }
    return value;
}

struct value part_value(const struct part *part, uint32_t row, uint32_t code) {
    const struct part_column *column = part_column_find(part, code);
    if (!column)
        return (struct value){0};
    uint32_t k;
    if (column->bitmap) {
        if (!(column->bitmap[row / 64] >> (row % 64) & 1))
            return (struct value){0};
        k = part_column_rank(column, row);
    } else {
        k = first_at_least(column->rows, column->n, row);
        if (k == column->n || column->rows[k] != row)
            return (struct value){0};
    }
    return part_column_value(column, k);
}

/* 32 codes a step: a lane is set once one of its codes was 0. */
static bool holds_zero(const uint16_t *codes, uint32_t n) {
    typedef int16_t lanes __attribute__((vector_size(16)));
    lanes found = {0};
    uint32_t row = 0;
    for (; row + 32 <= n; row += 32) {
        lanes next[4];
        memcpy(next, codes + row, sizeof next);
        found |= (next[0] == 0) | (next[1] == 0) | (next[2] == 0) | (next[3] == 0);
    }
    bool zero = false;
    for (int i = 0; i < 8; i++)
        zero |= found[i] != 0;
    for (; row < n; row++)
        zero |= codes[row] == 0;
    return zero;
}

bool part_column_full(const struct part *part, unsigned column) {
    struct part_body *body = (struct part_body *)(uintptr_t)part_body_of(part);
    if (atomic_load_explicit(&body->full, memory_order_relaxed) & column)
        return true;
    if (atomic_load_explicit(&body->not_full, memory_order_relaxed) & column)
        return false;
    const uint16_t *codes = column == COLUMN_SOURCE    ? part->source
                            : column == COLUMN_CHANNEL ? part->channel
                                                       : part->touchpoint;
    bool full = !holds_zero(codes, part->n_rows);
    atomic_fetch_or(full ? &body->full : &body->not_full, column);
    return full;
}

uint32_t part_customer_find(const struct part *part, uint32_t customer) {
    return first_at_least(part->customer, part->n_customers, customer);
}
