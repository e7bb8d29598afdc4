/*
 * How lifetime value is spread over customers, who is worth most, and whose money is at risk.
 *
 *   distribution   ten groups of equal size (rank r of n is in group r * 10 / n), the most valuable first
 *   at_risk        those who spent most and are probably gone: by spend so far times (1 - probability alive); nobody of whom
 *                  that probability is not known
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "backend/value_data.h"

#define MONTH_DAYS 30.415 /* 4.345 weeks, as the models' literature counts */
enum { GROUPS = 10 };

struct ranked_row {
    double key;
    size_t row;
};

struct placed_row {
    uint32_t x;
    int32_t first_day;
    size_t row;
};

static int by_x_and_age(const void *left, const void *right) {
    const struct placed_row *a = left, *b = right;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return (a->first_day > b->first_day) - (a->first_day < b->first_day);
}

void value_of_rows(const struct value_input *input, const struct worth *worth, double *values,
                   double *expected) {
    const struct worth_input *rows = &input->worth;
    const struct plan *plan = input->plan;
    struct placed_row *placed = calloc(rows->n + 1, sizeof *placed);
    double month = MONTH_DAYS / rows->unit_days;
    double purchases = 0, plain = 0; /* of who is active: discounted, and as they are */
    if (!placed)
        abort();
    for (size_t i = 0; i < rows->n; i++)
        placed[i] = (struct placed_row){rows->rows[i].days - 1, rows->rows[i].first_day, i};
    qsort(placed, rows->n, sizeof *placed, by_x_and_age);
    for (size_t i = 0; i < rows->n; i++) {
        size_t row = placed[i].row;
        struct buyer buyer = worth_buyer(rows, &rows->rows[row]);
        struct spender spender = worth_spender(&rows->rows[row]);
        double alive = buyers_alive(&worth->buyers, &buyer);
        if (!i || by_x_and_age(&placed[i - 1], &placed[i]) != 0) {
            purchases = buyers_discounted(&worth->buyers, buyer.x, buyer.age, plan->months, month,
                                          plan->discount);
            plain = expected ? buyers_discounted(&worth->buyers, buyer.x, buyer.age, 1,
                                                 month * plan->months, 0)
                             : 0;
        }
        values[row] = worth->spend_fitted
                          ? spend_expected(&worth->spend, &spender) * alive * purchases
                          : (double)NAN;
        if (expected)
            expected[row] = alive * plain;
    }
    free(placed);
}

double value_of_row(const struct value_input *input, const struct worth *worth, size_t row) {
    const struct plan *plan = input->plan;
    struct buyer buyer = worth_buyer(&input->worth, &input->worth.rows[row]);
    struct spender spender = worth_spender(&input->worth.rows[row]);
    return lifetime_value(&worth->buyers, &worth->spend, &buyer, &spender, plan->months,
                          MONTH_DAYS / input->worth.unit_days, plan->discount);
}

/* Largest first, then by customer. */
static int by_key(const void *left, const void *right) {
    const struct ranked_row *a = left, *b = right;
    if (a->key < b->key || a->key > b->key)
        return a->key < b->key ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

static json_t *distribution_json(const struct ranked_row *ranked, size_t n, double total) {
    json_t *list = json_array();
    for (size_t g = 0, from = 0; g < GROUPS && from < n; g++) {
        size_t to = ((g + 1) * n + GROUPS - 1) / GROUPS;
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += ranked[i].key;
        if (to > from)
            json_array_append_new(
                list, json_pack("{s:I, s:o, s:o, s:o, s:o}", "customers", (json_int_t)(to - from),
                                "value", json_of_number(sum), "share",
                                json_of_number(total > 0 ? sum / total : (double)NAN), "least",
                                json_of_number(ranked[to - 1].key), "most",
                                json_of_number(ranked[from].key)));
        from = to;
    }
    return list;
}

static json_t *first_json(const struct value_input *input, const struct worth *worth,
                          const struct ranked_row *ranked, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n && i < input->plan->value_top; i++)
        json_array_append_new(list, value_row_json(input, worth, NULL, ranked[i].row));
    return list;
}

static json_t *at_risk_json(const struct value_input *input, const struct worth *worth,
                            struct ranked_row *ranked) {
    size_t n = 0;
    for (size_t i = 0; i < input->worth.n; i++) {
        struct buyer buyer = worth_buyer(&input->worth, &input->worth.rows[i]);
        double risk = input->worth.rows[i].spend * (1 - value_alive(worth, &buyer));
        if (risk > 0)
            ranked[n++] = (struct ranked_row){risk, i};
    }
    qsort(ranked, n, sizeof *ranked, by_key);
    return first_json(input, worth, ranked, n);
}

void value_add_ranks(const struct value_input *input, const struct worth *worth, json_t *data) {
    size_t n = input->worth.n;
    struct ranked_row *ranked = calloc(n + 1, sizeof *ranked);
    double *values = calloc(n + 1, sizeof *values), total = 0;
    if (!ranked || !values)
        abort();
    value_of_rows(input, worth, values, NULL);
    for (size_t i = 0; i < n; i++) { /* what has no mean counts for nothing */
        ranked[i] = (struct ranked_row){isfinite(values[i]) ? values[i] : 0, i};
        total += ranked[i].key;
    }
    qsort(ranked, n, sizeof *ranked, by_key);
    json_object_set_new(data, "total", json_of_number(total));
    json_object_set_new(data, "distribution", distribution_json(ranked, n, total));
    if (input->plan->value_top) {
        json_object_set_new(data, "most_valuable", first_json(input, worth, ranked, n));
        json_object_set_new(data, "at_risk", at_risk_json(input, worth, ranked));
    }
    free(values);
    free(ranked);
}
