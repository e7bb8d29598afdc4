/*
 * SOURCES  stats/buyers.h; RFM: A. M. Hughes, Strategic Database Marketing (1994); type-7 quantiles: R. J. Hyndman, Y. Fan,
 * Amer. Statist. 50 (1996) 361.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "journey/worth.h"

#include <math.h>
#include <stdlib.h>

static const char *const warning_codes[] = {
#define X(name, code) code,
    WORTH_WARNING_TABLE(X)
#undef X
};
const char *worth_warning_code(enum worth_warning warning) { return warning_codes[warning]; }

static void *room(size_t n, size_t each) {
    void *memory = calloc(n ? n : 1, each);
    if (!memory)
        abort();
    return memory;
}

struct buyer worth_buyer(const struct worth_input *input, const struct purchase_history *history) {
    double unit = input->unit_days > 0 ? input->unit_days : 1;
    return (struct buyer){.x = history->days - 1,
                          .n = 1,
                          .last = (history->last_day - history->first_day) / unit,
                          .age = (input->until_day - history->first_day) / unit};
}

struct spender worth_spender(const struct purchase_history *history) {
    uint32_t x = history->days - 1;
    return (struct spender){x, x ? history->repeat_spend / x : 0};
}

/* ---- models ---- */

static int by_numbers(const void *left, const void *right) {
    const struct buyer *a = left, *b = right;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    if (a->last < b->last || a->last > b->last)
        return a->last < b->last ? -1 : 1;
    return (a->age > b->age) - (a->age < b->age);
}

/* Buyers with equal numbers as one: a million customers are some ten thousand different ones. */
static struct buyer *group_buyers(const struct worth_input *input, size_t *n) {
    struct buyer *buyers = room(input->n, sizeof *buyers);
    size_t used = 0;
    for (size_t i = 0; i < input->n; i++)
        buyers[i] = worth_buyer(input, &input->rows[i]);
    qsort(buyers, input->n, sizeof *buyers, by_numbers);
    for (size_t i = 0; i < input->n; i++)
        if (used && by_numbers(&buyers[used - 1], &buyers[i]) == 0)
            buyers[used - 1].n++;
        else
            buyers[used++] = buyers[i];
    *n = used;
    return buyers;
}

static int fit_buyers(struct worth *worth, const struct worth_input *input, bool modified,
                      const atomic_bool *cancelled, struct err *err) {
    size_t n;
    struct err failure = {0};
    struct buyer *buyers = group_buyers(input, &n);
    worth->buyers.modified = modified;
    int code =
        buyers_fit(&worth->buyers, buyers, n, cancelled, &worth->buyers_log_likelihood, &failure);
    free(buyers);
    worth->buyers_fitted = !code;
    worth->warnings[WORTH_NOT_SETTLED] |= code == E_INVALID;
    worth->warnings[WORTH_ONE_TIME_BUYERS] |=
        !code && !modified && worth->repeaters < worth->customers;
    if (code == E_CANCELLED)
        *err = failure;
    return code == E_CANCELLED ? code : 0;
}

static int fit_spend(struct worth *worth, const struct worth_input *input,
                     const atomic_bool *cancelled, struct err *err) {
    struct err failure = {0};
    struct spender *spenders = room(input->n, sizeof *spenders);
    for (size_t i = 0; i < input->n; i++) {
        spenders[i] = worth_spender(&input->rows[i]);
        worth->spenders += spenders[i].x && spenders[i].mean > 0;
    }
    worth->correlation = spend_correlation(spenders, input->n);
    int code = worth->spenders < WORTH_REPEATERS
                   ? E_INVALID
                   : spend_fit(&worth->spend, spenders, input->n, cancelled,
                               &worth->spend_log_likelihood, &failure);
    free(spenders);
    worth->spend_fitted = !code;
    worth->warnings[WORTH_TOO_FEW] |= worth->spenders < WORTH_REPEATERS;
    worth->warnings[WORTH_NOT_SETTLED] |= code == E_INVALID && worth->spenders >= WORTH_REPEATERS;
    worth->warnings[WORTH_CORRELATED] |= fabs(worth->correlation) > WORTH_CORRELATION;
    worth->warnings[WORTH_INFINITE_MEAN] |= !code && worth->spend.q <= 1;
    if (code == E_CANCELLED)
        *err = failure;
    return code == E_CANCELLED ? code : 0;
}

/* Every k-th row, so that there are at most WORTH_SAMPLE; free() the rows where they are other ones. */
static struct worth_input sample_of(const struct worth_input *input) {
    struct worth_input sample = *input;
    size_t stride = (input->n + WORTH_SAMPLE - 1) / WORTH_SAMPLE, n = 0;
    if (stride < 2)
        return sample;
    struct purchase_history *rows = room(input->n / stride + 1, sizeof *rows);
    for (size_t i = 0; i < input->n; i += stride)
        rows[n++] = input->rows[i];
    sample.rows = rows;
    sample.n = n;
    return sample;
}

int worth_fit(struct worth *worth, const struct worth_input *input, bool buyers, bool modified,
              bool spend, const atomic_bool *cancelled, struct err *err) {
    *worth = (struct worth){.customers = input->n,
                            .buyers_log_likelihood = (double)NAN,
                            .spend_log_likelihood = (double)NAN,
                            .correlation = (double)NAN};
    for (size_t i = 0; i < input->n; i++)
        worth->repeaters += input->rows[i].days > 1;
    bool few = worth->customers < WORTH_CUSTOMERS || worth->repeaters < WORTH_REPEATERS;
    worth->warnings[WORTH_TOO_FEW] = few;
    int code = 0;
    struct worth_input sample = sample_of(input);
    worth->fitted_on = sample.n;
    if (buyers && !few)
        code = fit_buyers(worth, &sample, modified, cancelled, err);
    if (spend && !few && !code)
        code = fit_spend(worth, &sample, cancelled, err);
    if (sample.rows != input->rows)
        free((struct purchase_history *)(uintptr_t)sample.rows);
    return code;
}

/* ---- RFM ---- */

struct ranked {
    double value;
    uint32_t owner;
    size_t row;
};

static int by_value(const void *left, const void *right) {
    const struct ranked *a = left, *b = right;
    if (a->value < b->value || a->value > b->value)
        return a->value < b->value ? -1 : 1;
    return (a->owner > b->owner) - (a->owner < b->owner);
}

static void quintiles(const struct ranked *sorted, size_t n, double cuts[4]) {
    for (int i = 0; i < 4; i++) {
        double at = 0.2 * (i + 1) * (double)(n - 1);
        size_t low = (size_t)at;
        double above = low + 1 < n ? sorted[low + 1].value - sorted[low].value : 0;
        cuts[i] = sorted[low].value + (at - (double)low) * above;
    }
}

static double recency_of(const struct worth_input *input, size_t i) {
    return input->until_day - input->rows[i].last_day;
}
static double frequency_of(const struct worth_input *input, size_t i) {
    return input->rows[i].days;
}
static double monetary_of(const struct worth_input *input, size_t i) {
    return input->rows[i].spend;
}

/* Equal fifths by rank, the last the best; equal values stand in the order of customers, also where less is more. */
static void score_by_rank(struct ranked *ranked, size_t n, bool less_is_more, uint8_t *scores) {
    for (size_t i = 0; i < n && less_is_more; i++)
        ranked[i].value = -ranked[i].value;
    qsort(ranked, n, sizeof *ranked, by_value);
    for (size_t i = 0; i < n; i++)
        scores[ranked[i].row] = (uint8_t)((5 * (i + 1) + n - 1) / n);
}

/* Scores 1 … 5 of one value for all rows, 5 the best. */
static void score(const struct worth_input *input, enum rfm_rule rule,
                  double (*value)(const struct worth_input *input, size_t i), bool less_is_more,
                  double cuts[4], uint8_t *scores) {
    struct ranked *ranked = room(input->n, sizeof *ranked);
    for (size_t i = 0; i < input->n; i++)
        ranked[i] = (struct ranked){value(input, i), input->rows[i].owner, i};
    qsort(ranked, input->n, sizeof *ranked, by_value);
    quintiles(ranked, input->n, cuts);
    for (size_t i = 0; i < input->n; i++) {
        int points = 1;
        for (int c = 0; c < 4; c++)
            points += cuts[c] < ranked[i].value;
        scores[ranked[i].row] = (uint8_t)(less_is_more ? 6 - points : points);
    }
    if (rule == RFM_NTILE)
        score_by_rank(ranked, input->n, less_is_more, scores);
    free(ranked);
}

void rfm_make(struct rfm *rfm, const struct worth_input *input, enum rfm_rule rule) {
    *rfm = (struct rfm){.scores = room(input->n, sizeof *rfm->scores)};
    if (!input->n)
        return;
    uint8_t *scores = room(input->n, 3);
    score(input, rule, recency_of, true, rfm->recency, scores);
    score(input, rule, frequency_of, false, rfm->frequency, scores + input->n);
    score(input, rule, monetary_of, false, rfm->monetary, scores + 2 * input->n);
    for (size_t i = 0; i < input->n; i++)
        rfm->scores[i] =
            (struct rfm_scores){scores[i], scores[input->n + i], scores[2 * input->n + i]};
    free(scores);
}
