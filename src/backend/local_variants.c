/*
 * Questions about whole ways: variants.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/local_cases.h"
#include "journey/variants.h"

static json_t *names_of(const struct question *question, const uint16_t *path, uint32_t n) {
    json_t *names = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(names, json_of_slice(level_name(question, path[i])));
    return names;
}

/* by: NULL without; else the rows of one value are added to those before. */
static void variants_data(struct question *question, struct variants_state *state, json_t *by) {
    const struct plan *plan = question->plan;
    size_t n;
    struct variant *variants = variants_sorted(state, &n);
    if (!question->data)
        question->data = json_pack("{s:i, s:[]}", "total", 0, "variants");
    json_t *rows = json_object_get(question->data, "variants");
    for (size_t i = 0; i < n && i < plan->top; i++) {
        struct variant *variant = &variants[i];
        json_t *row = json_object();
        if (by)
            json_object_set(row, "by", by);
        json_object_set_new(row, "path", names_of(question, variant->path, variant->n));
        json_object_set_new(row, "cases", json_integer((json_int_t)variant->cases));
        json_object_set_new(row, "share", json_of_share(variant->cases, variants_cases(state)));
        json_object_set_new(row, "median_s", json_of_ms(spread_quantile(&variant->lengths, 0.5)));
        json_array_append_new(rows, row);
    }
    json_add_to(question->data, "total", n);
    json_t *group = by ? json_pack("{s:O, s:I}", "by", by, "total", (json_int_t)n) : question->data;
    json_set_lengths(group, variants_lengths(state));
    if (by)
        question_add_group(question, group);
}

static int run_variants(struct question *question, void *context, json_t *by, struct err *err) {
    const struct variants_spec *spec = context;
    struct spread_budget budget = {0};
    struct variants_state *states[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < question->scan.threads; t++)
        states[t] = variants_new(spec, &budget);
    int code = scan_run(&question->scan, &variants_operator, (void *const *)states, err);
    if (!code)
        variants_finish(states, question->scan.threads);
    if (!code && spec->behind)
        code = question_list(question, spec->behind, question->plan->people_limit, err);
    else if (!code)
        variants_data(question, states[0], by);
    question_note_approximate(question, &budget);
    for (uint32_t t = 0; t < question->scan.threads; t++)
        variants_free(states[t]);
    return code;
}

int answer_variants(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    question_begin_cases(question);
    int code = question_prepare(question, err);
    if (code)
        return code;
    struct case_pick pick = {0};
    struct variants_spec spec = {.cases = plan->cases,
                                 .pick = question_picks_cases(plan) ? &pick : NULL};
    spec.n_names = level_names(question, &spec.names);
    uint16_t *path = NULL;
    if (plan->people.wanted) {
        code = level_find_path(question, &path, err);
        spec.path = path;
        spec.n_path = plan->people.n_path;
        spec.behind = question_behind(question);
    }
    if (!code)
        code = question_each_value(question, &pick, &spec, run_variants, err);
    if (!code && !question->data)
        question->data = json_pack("{s:i, s:[], s:[]}", "total", 0, "variants", "groups");
    return code;
}
