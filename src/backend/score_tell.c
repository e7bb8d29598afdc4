/*
 * See score_tell.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_tell.h"

#include <stdlib.h>

#include "base/time.h"

enum { METRICS_TOLD = 50 };

static void tell_flagged(struct question *question, const struct score_state *state) {
    static const char *const modes[] = {"leave_out", "include", "only"};
    const struct score_spec *spec = state->spec;
    struct score_cell all = {0};
    json_t *told = json_object();
    json_int_t n = 0;
    size_t cells = (size_t)spec->buckets.n * spec->columns * spec->combinations;
    for (size_t i = 0; i < cells; i++)
        score_cell_add(&all, &state->cells[i], 1);
    for (int reason = 1; reason < ASKED_REASONS; reason++) {
        n += all.flagged[reason];
        if (all.flagged[reason])
            json_object_set_new(told, asked_text((enum asked)reason),
                                json_integer(all.flagged[reason]));
    }
    json_object_set_new(question->meta, "flagged",
                        json_pack("{s:s, s:I, s:o}", "way", modes[question->plan->flagged], "n", n,
                                  "reasons", told));
}

static bool any_seen(const struct question *question, const struct score_state *state,
                     const struct slice *names, uint32_t n) {
    if (state->spec->survey >= VIEW_EXTRAS)
        return false;
    const struct value_table *table = &question->extra_values[state->spec->survey];
    for (uint32_t i = 0; i < table->n; i++)
        for (uint32_t s = 0; s < n && state->surveys[i]; s++)
            if (table->values[i].type == VALUE_TEXT && slice_equal(table->values[i].text, names[s]))
                return true;
    return false;
}

/* ---- a metric that nobody answered ---- */

struct metrics_seen {
    bool *seen; /* [numbers] */
};

static void note_metrics(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct metrics_seen *metrics = opaque;
    (void)owner;
    for (size_t r = 0; r < n; r++) {
        const uint32_t *numbers = runs[r].view->extra[0]; /* NULL: none has a metric */
        for (uint32_t row = runs[r].from; numbers && row < runs[r].to; row++)
            metrics->seen[numbers[row]] = true;
    }
}
static const struct operator metrics_operator = {.customer = note_metrics};

static bool is_scored(struct slice name) {
    return !slice_is(name, "text") && !slice_is(name, "choice");
}

/* Marks, in the table of all metrics, those of answers that the asker may see. */
static int see_metrics(struct question *question, struct value_table *values, bool **seen,
                       struct err *err) {
    const struct plan *plan = question->plan;
    struct scan scan;
    struct scan_spec spec = {.kind = PART_ANSWERS,
                             .filter = {.from_ms = TIME_MIN_MS,
                                        .to_ms = TIME_MAX_MS,
                                        .some_units = plan->scoped,
                                        .units = plan->scope,
                                        .n_units = plan->n_scope},
                             .extra_properties = {plan->metric_property},
                             .n_extras = 1,
                             .extra_values = values,
                             .unordered = true};
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (code)
        return code;
    struct metrics_seen metrics[SCAN_THREADS];
    void *states[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        metrics[t].seen = ARENA_ARRAY(question->arena, bool, (size_t)values->n + 1);
        states[t] = &metrics[t];
    }
    code = scan_run(&scan, &metrics_operator, states, err);
    for (uint32_t t = 1; t < SCAN_THREADS; t++)
        for (uint32_t v = 0; v < values->n; v++)
            metrics[0].seen[v] |= metrics[t].seen[v];
    *seen = metrics[0].seen;
    return code;
}

/* Names of metrics that the asker's answers have; *known: the one asked for is among them. New reference. */
static int list_metrics(struct question *question, json_t **list, bool *known, struct err *err) {
    struct value_table values;
    bool *seen = NULL;
    *list = json_array();
    if (!question->plan->metric_property)
        return 0;
    value_table_init(&values);
    int code = see_metrics(question, &values, &seen, err);
    for (uint32_t v = 1; !code && v < values.n; v++) {
        const struct value *name = &values.values[v];
        if (!seen[v] || name->type != VALUE_TEXT || !is_scored(name->text))
            continue;
        *known |= slice_equal(name->text, question->plan->metric);
        if (json_array_size(*list) < METRICS_TOLD)
            json_array_append_new(*list, json_of_slice(name->text));
    }
    value_table_release(&values);
    return code;
}

/* Looked for only where nothing was found at all. */
static int tell_metric(struct question *question, json_t *warnings, struct err *err) {
    static const char *const own[] = {"nps", "csat", "ces", "rating"};
    json_t *list = NULL;
    bool known = false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        known |= slice_is(question->plan->metric, own[i]);
    if (known)
        return 0;
    int code = list_metrics(question, &list, &known, err);
    if (!code && !known) {
        json_array_append_new(warnings, json_string("unknown_metric"));
        json_object_set(question->meta, "metrics", list);
    }
    json_decref(list);
    return code;
}

/* ---- all of it ---- */

static bool any_answer(const struct score_state *state) {
    const struct score_spec *spec = state->spec;
    size_t cells = (size_t)spec->buckets.n * spec->columns * spec->combinations;
    for (size_t i = 0; i < cells; i++)
        if (state->cells[i].n || state->cells[i].outside)
            return true;
    return false;
}

int score_tell(struct question *question, const struct score_state *state, struct err *err) {
    const struct plan *plan = question->plan;
    json_t *warnings = json_array();
    int code = 0;
    if (state)
        tell_flagged(question, state);
    if (state && plan->score == SCORE_NPS && !plan->by_survey &&
        any_seen(question, state, plan->relational, plan->n_relational) &&
        any_seen(question, state, plan->transactional, plan->n_transactional))
        json_array_append_new(warnings, json_string("relational_and_transactional"));
    if (!state || !any_answer(state))
        code = tell_metric(question, warnings, err);
    json_object_set_new(question->meta, "warnings", warnings);
    return code;
}
