/*
 * See local_cases.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/local_cases.h"

enum dictionary_kind level_kind(const struct plan *plan) {
    return plan->level == LEVEL_EVENT        ? DICTIONARY_EVENT
           : plan->level == LEVEL_TOUCHPOINT ? DICTIONARY_TOUCHPOINT
                                             : DICTIONARY_CHANNEL;
}

struct slice level_name(const struct question *question, uint32_t code) {
    return dictionary_name(question->dictionary, level_kind(question->plan), (uint16_t)code);
}

uint32_t level_names(const struct question *question, const struct slice **names) {
    uint32_t n = (uint32_t)dictionary_count(question->dictionary, level_kind(question->plan)) + 1;
    struct slice *all = ARENA_ARRAY(question->arena, struct slice, n);
    for (uint32_t code = 1; code < n; code++)
        all[code] = level_name(question, code);
    *names = all;
    return n;
}

int level_find(const struct question *question, struct slice name, const char *pointer,
               uint16_t *code, struct err *err) {
    *code = dictionary_find(question->dictionary, level_kind(question->plan), name);
    return *code ? 0
                 : err_at(err, E_INVALID, pointer, "unknown name \"%.*s\"",
                          name.n > 100 ? 100 : (int)name.n, name.p);
}

int level_find_path(const struct question *question, uint16_t **path, struct err *err) {
    const struct people *people = &question->plan->people;
    int code = 0;
    *path = ARENA_ARRAY(question->arena, uint16_t, people->n_path);
    for (uint32_t i = 0; i < people->n_path && !code; i++)
        code = level_find(question, people->path[i], "/people/path", &(*path)[i], err);
    return code;
}

void question_begin_cases(struct question *question) {
    const struct plan *plan = question->plan;
    struct scan_spec *spec = &question->spec;
    spec->label = true;
    spec->level = plan->level;
    if (!matcher_takes_all(&plan->of))
        spec->of = &plan->of;
    if (plan->cases == CASE_PROPERTY) {
        spec->case_property = plan->case_property;
        spec->unordered = true;
    }
}

/* ---- by ---- */

enum { VALUES_MAX = 100 }; /* each is a run of its own */

uint32_t question_rows(const struct plan *plan) {
    return plan->by == BY_NONE ? plan->limit : PLAN_NO_LIMIT;
}

/* The values of `by`, by the number of their cases. */
static int rank_cases(struct question *question, struct ranking *ranking, struct err *err) {
    struct case_counter counters[SCAN_THREADS];
    void *states[SCAN_THREADS];
    uint32_t n = question->grouping.n, threads = question->scan.threads;
    uint64_t *counts = ARENA_ARRAY(question->arena, uint64_t, (size_t)n * threads);
    for (uint32_t t = 0; t < threads; t++) {
        case_counter_init(&counters[t], question->plan->cases, &question->grouping,
                          counts + (size_t)t * n);
        states[t] = &counters[t];
    }
    int code = scan_run(&question->scan, &case_counter_operator, states, err);
    if (!code)
        case_counter_finish(counters, threads);
    for (uint32_t t = 0; t < threads; t++)
        cases_release(&counters[t].adapter);
    for (size_t i = n; i < (size_t)n * threads; i++)
        counts[i % n] += counts[i];
    if (code)
        return code;
    question_rank(question, counts, ranking);
    if (ranking_rows(ranking) > VALUES_MAX) {
        err_at(err, E_INVALID, "/by", "there are more than %d values", VALUES_MAX);
        return err_hint(err, "Say with \"limit\" how many to tell apart; the others become one.");
    }
    return 0;
}

int question_each_value(struct question *question, struct case_pick *pick, void *context,
                        int (*run)(struct question *question, void *context, json_t *by,
                                   struct err *err),
                        struct err *err) {
    const struct plan *plan = question->plan;
    struct ranking ranking = {0};
    pick->grouping = &question->grouping;
    pick->wanted = question->people_group;
    if (plan->by == BY_NONE || plan->people.wanted)
        return run(question, context, NULL, err);
    int code = rank_cases(question, &ranking, err);
    pick->place = ranking.place;
    for (uint32_t place = 0; !code && place < ranking_rows(&ranking); place++) {
        pick->wanted = place;
        json_t *by = question_by_json(question, &ranking, place);
        code = run(question, context, by, err);
        json_decref(by);
    }
    return code;
}

bool question_picks_cases(const struct plan *plan) {
    return plan->by != BY_NONE && (!plan->people.wanted || plan->people.has_by);
}

/* ---- answers ---- */

void json_set_lengths(json_t *json, struct spread *lengths) {
    json_object_set_new(json, "cases", json_integer((json_int_t)lengths->n));
    json_object_set_new(json, "median_s", json_of_ms(spread_quantile(lengths, 0.5)));
    json_object_set_new(json, "mean_s", json_of_ms(spread_mean(lengths)));
    json_object_set_new(json, "p90_s", json_of_ms(spread_quantile(lengths, 0.9)));
    json_object_set_new(json, "min_s", lengths->n ? json_of_ms((double)lengths->min) : json_null());
    json_object_set_new(json, "max_s", lengths->n ? json_of_ms((double)lengths->max) : json_null());
}

void json_add_to(json_t *object, const char *member, size_t n) {
    json_int_t before = json_integer_value(json_object_get(object, member));
    json_object_set_new(object, member, json_integer(before + (json_int_t)n));
}

void question_add_group(struct question *question, json_t *group) {
    if (!json_object_get(question->data, "groups"))
        json_object_set_new(question->data, "groups", json_array());
    json_array_append_new(json_object_get(question->data, "groups"), group);
}

void question_note_approximate(struct question *question, struct spread_budget *budget) {
    if (atomic_load(&budget->approximate))
        json_object_set_new(question->meta, "approximate", json_true());
}
