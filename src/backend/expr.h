/*
 * Conditions and values over the columns of one part. Whatever depends on a value only is decided once per value of the
 * column's dictionary (a table), so that a row costs a lookup; columns without dictionary are decided row by row.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_EXPR_H
#define SENDA_BACKEND_EXPR_H

#include "query/block.h"

/* A predicate, ready for one part. */
struct expr_test {
    const struct predicate *predicate;
    const struct part_column *column; /* NULL: no row of the part has the property */
    const uint8_t *table;             /* by value of the dictionary; NULL: each row by itself */
    bool absent;                      /* what rows without it answer */
};
/* few: so few rows will be asked for that no table is worth making (here and below). */
struct expr_test expr_test(const struct part *part, const struct predicate *predicate, bool few,
                           struct arena *arena);
/* pass[i] &= whether row from + i passes. rows: scratch of to - from + 64 numbers. */
void expr_run(const struct expr_test *test, uint32_t from, uint32_t to, uint8_t *pass,
              uint32_t *rows);

/* A property as numbers of a table of values; only_numbers: any other value is none. */
struct expr_values {
    const struct part_column *column;
    const uint32_t *numbers;   /* by value of the dictionary, else by present row; or NULL: */
    struct value_table *table; /* grows while rows are met */
    bool only_numbers;
};
struct expr_values expr_values(const struct part *part, uint32_t property,
                               struct value_table *table, bool only_numbers, bool few,
                               struct arena *arena);
/* out[i] = number of row from + i, 0: none. */
void expr_values_run(const struct expr_values *values, uint32_t from, uint32_t to, uint32_t *out,
                     uint32_t *rows);

/* A property as a number; NaN where it is none. */
struct expr_number {
    const struct part_column *column;
    const double *table; /* by value of the dictionary; NULL: each row by itself */
};
struct expr_number expr_number(const struct part *part, uint32_t property, bool few,
                               struct arena *arena);
void expr_number_run(const struct expr_number *number, uint32_t from, uint32_t to, double *out,
                     uint32_t *rows);

/* Rows of [from, to) that have the column: *k0 is the index of the first among all present rows; returns how many.
 * *rows points to their numbers (into the part, or into scratch). */
uint32_t expr_rows(const struct part_column *column, uint32_t from, uint32_t to, uint32_t *k0,
                   const uint32_t **rows, uint32_t *scratch);
/* Index of the value of present row k: in the dictionary, or k itself. */
static inline uint32_t expr_index(const struct part_column *column, uint32_t k) {
    if (column->code_bytes == 1)
        return ((const uint8_t *)column->codes)[k];
    return column->code_bytes == 2 ? ((const uint16_t *)column->codes)[k] : k;
}

#endif
