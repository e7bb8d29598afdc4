/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/value_data.h"

#include <math.h>
#include <stdlib.h>

#include "backend/local.h"
#include "base/time.h"

enum { HELD_GROUPS = 8 }; /* 0, 1, … 6, 7 and more repeat purchases */

int32_t local_day(const struct zone *zone, int64_t ms) {
    int64_t utc_s = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
    return (int32_t)((utc_s + zone_offset_s(zone, utc_s)) / DAY_S);
}

int32_t value_until_day(const struct plan *plan, const struct purchase_history *rows, size_t n) {
    int32_t last = 0;
    if (plan->has_until)
        return local_day(plan->zone, plan->until_ms - 1);
    if (plan->filter.has_to)
        return local_day(plan->zone, plan->filter.to_ms - 1);
    for (size_t i = 0; i < n; i++)
        last = rows[i].last_day > last ? rows[i].last_day : last;
    return last;
}

/* ---- parts of the answer ---- */

static json_t *cuts_json(const double cuts[4]) {
    return json_pack("[o, o, o, o]", json_of_number(cuts[0]), json_of_number(cuts[1]),
                     json_of_number(cuts[2]), json_of_number(cuts[3]));
}

static void add_buyers(json_t *parameters, const struct worth *worth) {
    const struct buyers_model *model = &worth->buyers;
    const double values[] = {model->r, model->alpha, model->a, model->b};
    static const char *const names[] = {"r", "alpha", "a", "b"};
    for (int i = 0; i < 4; i++)
        json_object_set_new(parameters, names[i],
                            worth->buyers_fitted ? json_real(values[i]) : json_null());
}

static void add_spend(json_t *parameters, const struct worth *worth) {
    const double values[] = {worth->spend.p, worth->spend.q, worth->spend.v};
    static const char *const names[] = {"p", "q", "v"};
    for (int i = 0; i < 3; i++)
        json_object_set_new(parameters, names[i],
                            worth->spend_fitted ? json_real(values[i]) : json_null());
}

static json_t *warnings_json(const struct worth *worth) {
    json_t *list = json_array();
    for (int i = 0; i < WORTH_WARNINGS; i++)
        if (worth->warnings[i])
            json_array_append_new(list, json_string(worth_warning_code((enum worth_warning)i)));
    return list;
}

/* Of everybody, in the horizon: what is expected, how many are thought active. */
static json_t *expected_json(const struct value_input *input, const struct worth *worth) {
    double purchases = 0, alive = 0;
    for (size_t i = 0; i < input->worth.n; i++) {
        struct buyer buyer = worth_buyer(&input->worth, &input->worth.rows[i]);
        purchases += buyers_expected(&worth->buyers, &buyer, input->plan->horizon);
        alive += buyers_alive(&worth->buyers, &buyer);
    }
    return json_pack("{s:f, s:o, s:o}", "horizon", input->plan->horizon, "purchases",
                     json_of_number(purchases), "alive", json_of_number(alive));
}

/* ---- held-out check: what the fit expects after `until` beside what happened ---- */

/* Repeat purchase days after `until` of an owner; both arrays are by owner, *at moves on. */
static double happened(const struct value_input *input, const struct purchase_history *row,
                       size_t *at) {
    while (*at < input->n_later && input->later[*at].owner < row->owner)
        ++*at;
    bool found = *at < input->n_later && input->later[*at].owner == row->owner;
    return found ? (double)(input->later[*at].days - row->days) : 0;
}

struct held {
    double n, expected, actual;
};

static json_t *groups_json(const struct held held[HELD_GROUPS]) {
    json_t *list = json_array();
    for (int x = 0; x < HELD_GROUPS; x++)
        if (held[x].n > 0)
            json_array_append_new(list, json_pack("{s:i, s:b, s:I, s:f, s:f}", "repeats", x,
                                                  "and_more", x == HELD_GROUPS - 1, "customers",
                                                  (json_int_t)held[x].n, "expected",
                                                  held[x].expected / held[x].n, "actual",
                                                  held[x].actual / held[x].n));
    return list;
}

static json_t *holdout_json(const struct value_input *input, const struct worth *worth) {
    const struct worth_input *rows = &input->worth;
    double t = (input->holdout_day - rows->until_day) / rows->unit_days;
    double e = 0, a = 0, ee = 0, aa = 0, ea = 0, error = 0, naive = 0, n = (double)rows->n;
    struct held held[HELD_GROUPS] = {0};
    size_t at = 0;
    for (size_t i = 0; i < rows->n; i++) {
        struct buyer buyer = worth_buyer(rows, &rows->rows[i]);
        double expected = buyers_expected(&worth->buyers, &buyer, t);
        double actual = happened(input, &rows->rows[i], &at);
        struct held *group = &held[buyer.x < HELD_GROUPS ? buyer.x : HELD_GROUPS - 1];
        *group = (struct held){group->n + 1, group->expected + expected, group->actual + actual};
        error += fabs(expected - actual);
        naive += fabs((buyer.age > 0 ? buyer.x / buyer.age * t : 0) - actual);
        e += expected;
        a += actual;
        ee += expected * expected;
        aa += actual * actual;
        ea += expected * actual;
    }
    double spread = (ee - e * e / n) * (aa - a * a / n);
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "time", t, "expected", e, "actual", a,
                     "mean_absolute_error", error / n, "mean_absolute_error_of_own_rate", naive / n,
                     "correlation",
                     json_of_number(spread > 0 ? (ea - e * a / n) / sqrt(spread) : (double)NAN),
                     "by_repeats", groups_json(held));
}

/* ---- one customer ---- */

double value_alive(const struct worth *worth, const struct buyer *buyer) {
    bool known = worth->buyers_fitted && (worth->buyers.modified || buyer->x > 0);
    return known ? buyers_alive(&worth->buyers, buyer) : (double)NAN;
}

json_t *value_row_json(const struct value_input *input, const struct worth *worth,
                       const struct rfm *rfm, size_t row) {
    const struct plan *plan = input->plan;
    const struct purchase_history *history = &input->worth.rows[row];
    struct buyer buyer = worth_buyer(&input->worth, history);
    struct spender spender = worth_spender(history);
    json_t *json =
        json_pack("{s:o, s:I, s:I, s:f, s:f, s:o, s:o, s:I}", "id", json_of_owner(history->owner),
                  "purchase_days", (json_int_t)history->days, "repeats", (json_int_t)buyer.x,
                  "last", buyer.last, "age", buyer.age, "spend", json_of_number(history->spend),
                  "mean_repeat", json_of_number(spender.x ? spender.mean : (double)NAN),
                  "days_since", (json_int_t)(input->worth.until_day - history->last_day));
    if (worth->buyers_fitted) {
        double t = plan->horizon > 0 ? plan->horizon : 365.25 / input->worth.unit_days;
        json_object_set_new(json, "alive", json_of_number(value_alive(worth, &buyer)));
        json_object_set_new(json, "expected_purchases",
                            json_of_number(buyers_expected(&worth->buyers, &buyer, t)));
        json_object_set_new(json, "expected_within", json_of_number(t));
    }
    if (worth->spend_fitted)
        json_object_set_new(json, "expected_amount",
                            json_of_number(spend_expected(&worth->spend, &spender)));
    if (worth->spend_fitted && worth->buyers_fitted)
        json_object_set_new(json, "value", json_of_number(value_of_row(input, worth, row)));
    if (rfm && rfm->scores)
        json_object_set_new(json, "rfm",
                            json_pack("{s:i, s:i, s:i}", "r", rfm->scores[row].r, "f",
                                      rfm->scores[row].f, "m", rfm->scores[row].m));
    return json;
}

static json_t *customer_json(const struct value_input *input, const struct worth *worth,
                             const struct rfm *rfm) {
    for (size_t i = 0; i < input->worth.n; i++)
        if (input->worth.rows[i].owner == input->customer)
            return value_row_json(input, worth, rfm, i);
    return json_null();
}

/* ---- models ---- */

/* How many customers have each triple of scores, the largest first. */
static json_t *rfm_cells(const struct rfm *rfm, size_t n) {
    json_int_t counts[6][6][6] = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        counts[rfm->scores[i].r][rfm->scores[i].f][rfm->scores[i].m]++;
    for (int r = 5; r >= 1; r--)
        for (int f = 5; f >= 1; f--)
            for (int m = 5; m >= 1; m--)
                if (counts[r][f][m])
                    json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:I}", "r", r, "f", f,
                                                          "m", m, "customers", counts[r][f][m]));
    return list;
}

static json_t *rfm_parameters(const struct plan *plan, const struct rfm *rfm, size_t n) {
    json_t *parameters = json_pack("{s:s}", "rule", plan->ntile ? "ntile" : "quantile");
    json_object_set_new(parameters, "recency_cuts", n ? cuts_json(rfm->recency) : json_null());
    json_object_set_new(parameters, "frequency_cuts", n ? cuts_json(rfm->frequency) : json_null());
    json_object_set_new(parameters, "monetary_cuts", n ? cuts_json(rfm->monetary) : json_null());
    return parameters;
}

/* What is missing for a fit; null: nothing. */
static json_t *refused_json(const struct worth *worth) {
    if (!worth->warnings[WORTH_TOO_FEW])
        return json_null();
    return json_pack("{s:s, s:I, s:i, s:I, s:i}", "reason", "too_few", "customers",
                     (json_int_t)worth->customers, "customers_needed", WORTH_CUSTOMERS, "repeaters",
                     (json_int_t)worth->repeaters, "repeaters_needed", WORTH_REPEATERS);
}

static json_t *model_json(const struct value_input *input, const struct worth *worth,
                          const struct rfm *rfm) {
    const struct plan *plan = input->plan;
    bool buyers = plan->model != VALUE_RFM && plan->model != VALUE_GAMMA_GAMMA;
    bool spend = plan->model == VALUE_GAMMA_GAMMA || plan->model == VALUE_CLV;
    json_t *parameters =
        plan->model == VALUE_RFM ? rfm_parameters(plan, rfm, input->worth.n) : json_object();
    if (buyers)
        add_buyers(parameters, worth);
    if (spend)
        add_spend(parameters, worth);
    json_t *data = json_pack("{s:o, s:I, s:I, s:o}", "parameters", parameters, "customers",
                             (json_int_t)worth->customers, "repeaters",
                             (json_int_t)worth->repeaters, "warnings", warnings_json(worth));
    if (plan->model != VALUE_RFM)
        json_object_set_new(data, "refused", refused_json(worth));
    if (plan->model == VALUE_RFM)
        json_object_set_new(data, "cells", rfm_cells(rfm, input->worth.n));
    else
        json_object_set_new(
            data, "log_likelihood",
            json_of_number(buyers ? worth->buyers_log_likelihood : worth->spend_log_likelihood));
    if (plan->model != VALUE_RFM && worth->fitted_on < worth->customers)
        json_object_set_new(data, "fitted_on", json_integer((json_int_t)worth->fitted_on));
    if (spend) {
        json_object_set_new(data, "correlation", json_of_number(worth->correlation));
        json_object_set_new(data, "spenders", json_integer((json_int_t)worth->spenders));
    }
    if (plan->model == VALUE_CLV && worth->buyers_fitted && worth->spend_fitted) {
        json_object_set_new(data, "spend_log_likelihood",
                            json_of_number(worth->spend_log_likelihood));
        value_add_ranks(input, worth, data);
    }
    return data;
}

json_t *json_of_day(int32_t day) {
    char text[TIME_TEXT_BYTES];
    time_format((int64_t)day * DAY_MS, text);
    return json_stringn(text, sizeof "2026-01-01" - 1);
}

/* What the estimate rests on: the first day with a purchase to the last day observed; null without purchases. */
static json_t *observed_json(const struct worth_input *input) {
    int32_t first = INT32_MAX;
    for (size_t i = 0; i < input->n; i++)
        first = input->rows[i].first_day < first ? input->rows[i].first_day : first;
    return input->n ? json_pack("{s:o, s:o}", "from", json_of_day(first), "until",
                                json_of_day(input->until_day))
                    : json_null();
}

json_t *value_fitted(const struct value_input *input, const struct worth *worth,
                     const struct rfm *rfm) {
    const struct plan *plan = input->plan;
    json_t *data = model_json(input, worth, rfm);
    json_object_set_new(data, "observed", observed_json(&input->worth));
    if (worth->buyers_fitted && plan->horizon > 0)
        json_object_set_new(data, "expected", expected_json(input, worth));
    if (worth->buyers_fitted && plan->has_holdout)
        json_object_set_new(data, "holdout", holdout_json(input, worth));
    if (input->customer)
        json_object_set_new(data, "customer", customer_json(input, worth, rfm));
    return data;
}

int value_data(const struct value_input *input, const atomic_bool *cancelled, json_t **data,
               struct err *err) {
    const struct plan *plan = input->plan;
    struct worth worth;
    struct rfm rfm = {0};
    bool clv = plan->model == VALUE_CLV;
    int code = worth_fit(&worth, &input->worth,
                         clv || plan->model == VALUE_BGNBD || plan->model == VALUE_MBGNBD,
                         plan->modified, clv || plan->model == VALUE_GAMMA_GAMMA, cancelled, err);
    if (code)
        return code;
    if (plan->model == VALUE_RFM) {
        worth.warnings[WORTH_TOO_FEW] = false;
        rfm_make(&rfm, &input->worth, plan->ntile ? RFM_NTILE : RFM_QUANTILE);
    }
    *data = value_fitted(input, &worth, &rfm);
    free(rfm.scores);
    return 0;
}
