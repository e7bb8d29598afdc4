/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/expr.h"

#include <math.h>

/* The i-th stored value. */
static struct value expr_stored(const struct part_column *column, uint32_t i) {
    struct value value = {.type = column->value_types[i]};
    uint64_t payload = column->payload[i];
    if (value.type == VALUE_TEXT) {
        uint32_t from = column->text_start[payload];
        value.text = (struct slice){column->text + from, column->text_start[payload + 1] - from};
    } else if (value.type == VALUE_NUMBER) {
        memcpy(&value.number, &payload, sizeof payload);
    } else {
        value.integer = (int64_t)payload;
    }
    return value;
}

static uint32_t stored(const struct part_column *column) {
    return column->code_bytes ? column->n_values : column->n;
}

uint32_t expr_rows(const struct part_column *column, uint32_t from, uint32_t to, uint32_t *k0,
                   const uint32_t **rows, uint32_t *scratch) {
    *k0 = part_column_rank(column, from);
    if (!column->bitmap) {
        uint32_t k = *k0;
        *rows = column->rows + k;
        if (to - from < 64) {
            while (k < column->n && column->rows[k] < to)
                k++;
            return k - *k0;
        }
        return part_column_rank(column, to) - *k0;
    }
    uint32_t n = 0;
    for (uint32_t word = from / 64; word <= (to - 1) / 64; word++) {
        uint64_t bits = column->bitmap[word];
        if (word == from / 64)
            bits &= UINT64_MAX << from % 64;
        if (word == to / 64)
            bits &= (UINT64_C(1) << to % 64) - 1;
        for (; bits; bits &= bits - 1)
            scratch[n++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    *rows = scratch;
    return n;
}

struct expr_test expr_test(const struct part *part, const struct predicate *predicate, bool few,
                           struct arena *arena) {
    struct value none = {.type = VALUE_ABSENT};
    struct expr_test test = {.predicate = predicate,
                             .column = part_column_find(part, predicate->property),
                             .absent = predicate_matches(predicate, &none)};
    if (test.column && test.column->code_bytes && !few) {
        uint8_t *table = arena_get(arena, test.column->n_values);
        for (uint32_t i = 0; i < test.column->n_values; i++) {
            struct value value = expr_stored(test.column, i);
            table[i] = predicate_matches(predicate, &value);
        }
        test.table = table;
    }
    return test;
}

void expr_run(const struct expr_test *test, uint32_t from, uint32_t to, uint8_t *pass,
              uint32_t *scratch) {
    const struct part_column *column = test->column;
    uint32_t k0 = 0, n = 0, at = from;
    const uint32_t *rows = NULL;
    if (column && to > from)
        n = expr_rows(column, from, to, &k0, &rows, scratch);
    for (uint32_t i = 0; i < n; i++) {
        bool holds;
        if (test->table) {
            holds = test->table[expr_index(column, k0 + i)];
        } else {
            struct value value = expr_stored(column, expr_index(column, k0 + i));
            holds = predicate_matches(test->predicate, &value);
        }
        if (!test->absent)
            memset(pass + (at - from), 0, rows[i] - at);
        at = rows[i] + 1;
        pass[rows[i] - from] &= (uint8_t)holds;
    }
    if (!test->absent)
        memset(pass + (at - from), 0, to - at);
}

static uint32_t number_in(struct value_table *table, const struct part_column *column, uint32_t i,
                          bool only_numbers) {
    struct value value = expr_stored(column, i);
    bool number = value.type == VALUE_INT || value.type == VALUE_NUMBER;
    return number || !only_numbers ? value_table_add(table, &value) : 0;
}

struct expr_values expr_values(const struct part *part, uint32_t property,
                               struct value_table *table, bool only_numbers, bool few,
                               struct arena *arena) {
    struct expr_values values = {
        .column = part_column_find(part, property), .table = table, .only_numbers = only_numbers};
    if (!values.column || few)
        return values;
    uint32_t n = stored(values.column), *numbers = arena_get(arena, n * sizeof *numbers);
    for (uint32_t i = 0; i < n; i++)
        numbers[i] = number_in(table, values.column, i, only_numbers);
    values.numbers = numbers;
    return values;
}

void expr_values_run(const struct expr_values *values, uint32_t from, uint32_t to, uint32_t *out,
                     uint32_t *scratch) {
    const struct part_column *column = values->column;
    memset(out, 0, (to - from) * sizeof *out);
    if (!column || to == from)
        return;
    uint32_t k0;
    const uint32_t *rows;
    uint32_t n = expr_rows(column, from, to, &k0, &rows, scratch);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = expr_index(column, k0 + i);
        out[rows[i] - from] = values->numbers
                                  ? values->numbers[at]
                                  : number_in(values->table, column, at, values->only_numbers);
    }
}

static double number_of(const struct part_column *column, uint32_t i) {
    if (column->value_types[i] == VALUE_INT)
        return (double)(int64_t)column->payload[i];
    double number = (double)NAN;
    if (column->value_types[i] == VALUE_NUMBER)
        memcpy(&number, &column->payload[i], sizeof number);
    return number;
}

struct expr_number expr_number(const struct part *part, uint32_t property, bool few,
                               struct arena *arena) {
    struct expr_number number = {.column = part_column_find(part, property)};
    if (number.column && number.column->code_bytes && !few) {
        double *table = arena_get(arena, number.column->n_values * sizeof *table);
        for (uint32_t i = 0; i < number.column->n_values; i++)
            table[i] = number_of(number.column, i);
        number.table = table;
    }
    return number;
}

void expr_number_run(const struct expr_number *number, uint32_t from, uint32_t to, double *out,
                     uint32_t *scratch) {
    for (uint32_t i = 0; i < to - from; i++)
        out[i] = (double)NAN;
    if (!number->column || to == from)
        return;
    uint32_t k0;
    const uint32_t *rows;
    uint32_t n = expr_rows(number->column, from, to, &k0, &rows, scratch);
    for (uint32_t i = 0; i < n; i++)
        out[rows[i] - from] = number->table
                                  ? number->table[expr_index(number->column, k0 + i)]
                                  : number_of(number->column, expr_index(number->column, k0 + i));
}
