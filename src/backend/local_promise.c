/*
 * Promises: kept, broken and pending by time and group, and those of one customer. See journey/promise.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/local.h"
#include "backend/promise_row.h"
#include "base/limits.h"

enum { PROMISE_CELLS = 2000000, CUSTOMER_LIMIT = 1000 };

/* ---- rows ---- */

static uint64_t made(const struct promise_cell *cell) {
    return cell->n[PROMISE_KEPT] + cell->n[PROMISE_BROKEN] + cell->n[PROMISE_PENDING];
}

static void gather(struct promise_cell *into, const struct promise_cell *from) {
    for (int state = 0; state < PROMISE_STATES; state++)
        into->n[state] += from->n[state];
    into->customers = from->customers > into->customers ? from->customers : into->customers;
}

static void add_row(struct question *question, const struct promise_count *count, uint32_t bucket,
                    const struct ranking *ranking, uint32_t place) {
    const struct promise_spec *spec = count->spec;
    const struct promise_cell *cells = &count->cells[(size_t)bucket * spec->columns];
    struct promise_cell cell = {0};
    json_t *row = json_object();
    if (question->plan->has_every)
        json_object_set_new(row, "time", json_of_instant(spec->buckets.begin_ms[bucket]));
    if (ranking) {
        bool rest = place >= ranking->shown;
        json_object_set_new(row, "by", question_by_json(question, ranking, place));
        for (uint32_t i = rest ? ranking->shown : place; i < (rest ? ranking->n : place + 1); i++)
            gather(&cell, &cells[ranking->groups[i]]);
    } else if (spec->buckets.n) {
        cell = cells[0];
    }
    promise_row(row, &cell);
    if (question->plan->floor)
        json_object_set_new(row, "customers", json_integer((json_int_t)cell.customers));
    json_array_append_new(question->data, row);
}

/* With `every`, from the first to the last bucket in which a promise was made. */
static void make_rows(struct question *question, const struct promise_count *count) {
    const struct promise_spec *spec = count->spec;
    uint32_t first = UINT32_MAX, last = 0, rows = 1;
    struct ranking ranking;
    bool by = question->plan->by != BY_NONE;
    uint64_t *weight = ARENA_ARRAY(question->arena, uint64_t, spec->columns);
    question->data = json_array();
    for (size_t i = 0; i < (size_t)spec->buckets.n * spec->columns; i++) {
        uint64_t n = made(&count->cells[i]);
        uint32_t bucket = (uint32_t)(i / spec->columns);
        weight[i % spec->columns] += n;
        if (n) {
            first = first == UINT32_MAX ? bucket : first;
            last = bucket;
        }
    }
    if (by) {
        question_rank(question, weight, &ranking);
        rows = ranking_rows(&ranking);
    }
    if (!question->plan->has_every)
        first = last = 0;
    for (uint32_t bucket = first; first != UINT32_MAX && bucket <= last; bucket++)
        for (uint32_t place = 0; place < rows; place++)
            add_row(question, count, bucket, by ? &ranking : NULL, place);
}

/* ---- one customer ---- */

static void tell(void *context, const struct promise_made *made) {
    struct question *question = context;
    const struct plan *plan = question->plan;
    uint32_t limit = plan->limit < CUSTOMER_LIMIT ? plan->limit : CUSTOMER_LIMIT;
    if (json_array_size(question->data) >= limit)
        return;
    json_array_append_new(
        question->data,
        json_pack("{s:o, s:o, s:o, s:s}", "time", json_of_instant(made->at_ms), "due",
                  json_of_instant(made->due_ms), "met",
                  made->met_ms == INT64_MAX ? json_null() : json_of_instant(made->met_ms), "state",
                  promise_state_text(made->state)));
}

/* question->only holds nobody else. */
static int of_customer(struct question *question, struct promise_spec *spec, struct err *err) {
    uint32_t owner;
    int code = customers_find(question->folder->customers, question->plan->customer, &owner, err);
    if (code)
        return code;
    spec->tell = tell;
    spec->context = question;
    question->data = json_array();
    struct promise_count *count = promise_new(spec);
    code = scan_one(&question->scan, owner, &promise_operator, count, err);
    promise_free(count);
    return code;
}

/* ---- the question ---- */

static int count_all(struct question *question, struct promise_spec *spec, struct err *err) {
    struct promise_count *counts[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        counts[t] = promise_new(spec);
    int code = scan_run(&question->scan, &promise_operator, (void *const *)counts, err);
    for (uint32_t t = 1; t < question->scan.threads; t++) {
        if (!code)
            promise_merge(counts[0], counts[t]);
        promise_free(counts[t]);
    }
    if (!code && spec->behind)
        code = question_list(question, spec->behind, question->plan->people_limit, err);
    else if (!code)
        make_rows(question, counts[0]);
    promise_free(counts[0]);
    return code;
}

static void ask_scan(struct question *question) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    spec->few = question->only != NULL;
    if (plan->promise == PROMISE_SCORE) {
        spec->kind = PART_ANSWERS;
        spec->of = &plan->of;
        spec->number_property = plan->points_property;
        return;
    }
    spec->matchers[0] = &plan->of;
    spec->matchers[1] = &plan->back;
    spec->n_matchers = 2;
    spec->select = true;
    spec->case_property = plan->case_property;
}

/* Nobody has answered anything yet. */
static int nothing(struct question *question) {
    const struct plan *plan = question->plan;
    if (plan->people.wanted) {
        question->data = json_pack("{s:i, s:[]}", "count", 0, "customers");
        return 0;
    }
    question->data = json_array();
    if (!plan->customer.n && !plan->has_every && plan->by == BY_NONE) {
        json_t *row = json_object();
        promise_row(row, &(struct promise_cell){0});
        json_array_append_new(question->data, row);
    }
    return 0;
}

int promise_prepare(struct question *question, struct promise_spec *spec, struct err *err) {
    const struct plan *plan = question->plan;
    ask_scan(question);
    int code = question_prepare(question, err);
    *spec =
        (struct promise_spec){.kind = plan->promise,
                              .lut = question->scan.lut,
                              .window_ms = plan->window_ms,
                              .end_ms = plan->end_ms < plan->now_ms ? plan->end_ms : plan->now_ms,
                              .keyed = plan->case_property != 0,
                              .grouping = question->grouping,
                              .columns = question->grouping.n ? question->grouping.n : 1,
                              .people = &plan->people,
                              .people_bucket = UINT32_MAX,
                              .people_group = question->people_group};
    return code;
}

int answer_promise(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct promise_spec spec;
    if (plan->promise == PROMISE_SCORE && !plan->points_property)
        return nothing(question);
    int code = promise_prepare(question, &spec, err);
    if (!code)
        code = question_buckets(question, &spec.buckets, err);
    if (!code && (size_t)spec.buckets.n * spec.columns > PROMISE_CELLS) {
        err_at(err, E_INVALID, "/by", "too many values (%u) for so many buckets", spec.columns);
        code = err_hint(err, "Take longer steps of time, or another \"by\".");
    }
    if (code)
        return code;
    spec.behind = question_behind(question);
    if (plan->people.has_time)
        spec.people_bucket = bucket_holding(&spec.buckets, plan->people.time_ms);
    return plan->customer.n ? of_customer(question, &spec, err) : count_all(question, &spec, err);
}
