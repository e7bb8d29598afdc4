/*
 * The part of a run that reads purchases: how often, when last, how much; RFM; and where people buy without a contract, what
 * they are expected to spend, with a check on the last third of the time: what was expected then beside what came.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <math.h>
#include <stdlib.h>

#include "value/internal.h"

static void note_facts(struct estimation *run, const struct worth_input *input) {
    float *frequency = run_column(run, NUMBER_FREQUENCY),
          *recency = run_column(run, NUMBER_RECENCY), *monetary = run_column(run, NUMBER_MONETARY);
    for (size_t i = 0; i < input->n; i++) {
        const struct purchase_history *row = &input->rows[i];
        frequency[row->owner] = (float)row->days;
        recency[row->owner] = (float)(input->until_day - row->last_day);
        if (run->plan->measure_property)
            monetary[row->owner] = (float)row->spend;
    }
}

static json_t *note_rfm(struct estimation *run, const struct worth_input *input) {
    struct rfm rfm;
    json_int_t counts[6][6][6] = {0};
    json_t *cells = json_array();
    float *r = run_column(run, NUMBER_RFM_R), *f = run_column(run, NUMBER_RFM_F),
          *m = run_column(run, NUMBER_RFM_M);
    rfm_make(&rfm, input, RFM_QUANTILE);
    for (size_t i = 0; i < input->n; i++) {
        uint32_t owner = input->rows[i].owner;
        r[owner] = rfm.scores[i].r;
        f[owner] = rfm.scores[i].f;
        m[owner] = rfm.scores[i].m;
        counts[rfm.scores[i].r][rfm.scores[i].f][rfm.scores[i].m]++;
    }
    free(rfm.scores);
    for (int a = 5; a >= 1; a--)
        for (int b = 5; b >= 1; b--)
            for (int c = 5; c >= 1; c--)
                if (counts[a][b][c])
                    json_array_append_new(cells, json_pack("{s:i, s:i, s:i, s:I}", "r", a, "f", b,
                                                           "m", c, "customers", counts[a][b][c]));
    return cells;
}

/* ---- purchases without a contract ---- */

static void note_worth(struct estimation *run, const struct value_input *input,
                       const struct worth *worth) {
    const struct worth_input *rows = &input->worth;
    double *values = calloc(rows->n + 1, sizeof *values),
           *purchases = calloc(rows->n + 1, sizeof *purchases);
    if (!values || !purchases)
        abort();
    float *alive = run_column(run, NUMBER_ALIVE), *expected = run_column(run, NUMBER_EXPECTED);
    value_of_rows(input, worth, values, purchases);
    for (size_t i = 0; i < rows->n; i++) {
        struct buyer buyer = worth_buyer(rows, &rows->rows[i]);
        uint32_t owner = rows->rows[i].owner;
        alive[owner] = (float)value_alive(worth, &buyer);
        expected[owner] = (float)purchases[i];
        if (isfinite(values[i]))
            run_column(run, NUMBER_CLV)[owner] = (float)values[i];
    }
    free(values);
    free(purchases);
}

/* What a fit on the first two thirds of the time says of the last; NULL: too short or too few. */
static int check_held_out(struct estimation *run, const struct worth_input *all, json_t **check,
                          struct err *err) {
    struct value_input input = {.plan = run->plan, .later = all->rows, .n_later = all->n};
    struct purchase_history *rows;
    int32_t first = INT32_MAX;
    *check = NULL;
    for (size_t i = 0; i < all->n; i++)
        first = all->rows[i].first_day < first ? all->rows[i].first_day : first;
    int32_t until = first + (all->until_day - first) / 3 * 2;
    if (all->until_day - first < 2 * SIGNAL_SHORT_DAYS)
        return 0;
    struct plan held = *run->plan;
    held.has_holdout = true;
    input.plan = &held;
    input.holdout_day = all->until_day;
    int code = gather_purchases(&run->gather, run->plan, until, &rows, &input.worth.n, err);
    input.worth.rows = rows;
    input.worth.unit_days = run->plan->unit_days;
    input.worth.until_day = until;
    json_t *data = NULL;
    if (!code)
        code = value_data(&input, run->cancelled, &data, err);
    json_t *holdout = json_object_get(data, "holdout");
    if (holdout) {
        *check = json_incref(holdout);
        json_object_set_new(*check, "from", json_of_day(until + 1));
        json_object_set_new(*check, "until", json_of_day(all->until_day));
        json_object_set_new(*check, "customers", json_integer((json_int_t)input.worth.n));
    }
    json_decref(data);
    free(rows);
    return code;
}

static int estimate(struct estimation *run, const struct worth_input *rows, struct err *err) {
    struct value_input input = {.plan = run->plan, .worth = *rows};
    struct worth worth;
    json_t *check = NULL;
    int code = worth_fit(&worth, rows, true, run->plan->modified, run->plan->measure_property != 0,
                         run->cancelled, err);
    if (!code && worth.buyers_fitted)
        note_worth(run, &input, &worth);
    if (!code)
        code = run_step(run, 30, err);
    if (!code && worth.buyers_fitted)
        code = check_held_out(run, rows, &check, err);
    if (code)
        return code;
    struct rfm none = {0};
    json_t *model = value_fitted(&input, &worth, &none);
    json_array_extend(run->warnings, json_object_get(model, "warnings"));
    json_object_del(model, "warnings");
    json_object_del(model, "refused");
    json_object_del(model, "distribution");
    json_object_set_new(run->report, "model", model);
    json_object_set_new(run->report, "check", check ? check : json_null());
    json_object_set_new(
        run->report, "refused",
        worth.buyers_fitted && (worth.spend_fitted || !run->plan->measure_property)
            ? json_null()
            : json_pack("{s:s, s:I, s:i, s:I, s:i}", "reason",
                        worth.warnings[WORTH_TOO_FEW] ? "too_few" : "fit_did_not_settle",
                        "customers", (json_int_t)worth.customers, "customers_needed",
                        WORTH_CUSTOMERS, "repeaters", (json_int_t)worth.repeaters,
                        "repeaters_needed", WORTH_REPEATERS));
    return 0;
}

int run_worth(struct estimation *run, struct err *err) {
    int code = gather_purchases(&run->gather, run->plan, run->gather.end_day, &run->rows,
                                &run->n_rows, err);
    struct worth_input rows = {.rows = run->rows,
                               .n = run->n_rows,
                               .unit_days = run->plan ? run->plan->unit_days : 7,
                               .until_day = run->gather.end_day};
    if (!code)
        code = run_step(run, 12, err);
    json_object_set_new(run->report, "purchasers", json_integer((json_int_t)run->n_rows));
    if (code)
        return code;
    if (run->n_rows && !run->plan->measure_property)
        json_array_append_new(run->warnings, json_string("amount_unknown"));
    if (run->n_rows) {
        note_facts(run, &rows);
        json_object_set_new(run->report, "rfm", note_rfm(run, &rows));
    }
    if (run->contracts)
        return 0;
    if (run->n_rows)
        return estimate(run, &rows, err);
    json_object_set_new(run->report, "refused",
                        json_pack("{s:s, s:i, s:i, s:i, s:i}", "reason", "no_purchases",
                                  "customers", 0, "customers_needed", WORTH_CUSTOMERS, "repeaters",
                                  0, "repeaters_needed", WORTH_REPEATERS));
    return 0;
}
