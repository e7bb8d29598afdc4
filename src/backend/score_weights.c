/*
 * See score_weights.h and stats/rake.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_weights.h"

#include <math.h>
#include <stdio.h>

#include "backend/score_scan.h"
#include "stats/rake.h"

enum { COMBINATIONS_MOST = 20000 };

void score_weights_ask(struct question *question, struct score_weights *weights) {
    const struct plan *plan = question->plan;
    uint32_t *extras = ARENA_ARRAY(question->arena, uint32_t, plan->n_margins + 1);
    for (uint32_t m = 0; m < plan->n_margins; m++)
        extras[m] = plan->margins[m].by == BY_PROPERTY
                        ? score_scan_extra(question, plan->margins[m].property)
                        : VIEW_EXTRAS;
    *weights = (struct score_weights){.extras = extras, .n = plan->n_margins, .combinations = 1};
}

/* ---- categories ---- */

/* The category of a value as people write it; margin->n: none. */
static uint32_t category_of(const struct plan_margin *margin, struct slice text) {
    uint32_t c = 0;
    while (c < margin->n && !slice_equal(margin->category[c], text))
        c++;
    return c;
}

static struct slice value_text(const struct value *value, char text[32]) {
    switch (value->type) {
    case VALUE_TEXT: return value->text;
    case VALUE_TRUE: return SLICE_LITERAL("true");
    case VALUE_FALSE: return SLICE_LITERAL("false");
    case VALUE_INT: snprintf(text, 32, "%.17g", (double)value->integer); return slice_of(text);
    case VALUE_NUMBER: snprintf(text, 32, "%.17g", value->number); return slice_of(text);
    default: return (struct slice){"", 0};
    }
}

static uint32_t *categories_of_table(const struct plan_margin *margin,
                                     const struct value_table *table, struct arena *arena) {
    uint32_t *category = ARENA_ARRAY(arena, uint32_t, (size_t)table->n + 1);
    for (uint32_t i = 0; i < table->n; i++) {
        char text[32];
        category[i] = category_of(margin, value_text(&table->values[i], text));
    }
    return category;
}

static uint32_t *categories_of_codes(const struct question *question,
                                     const struct plan_margin *margin, enum dictionary_kind kind) {
    uint32_t n = (uint32_t)dictionary_count(question->dictionary, kind) + 1;
    uint32_t *category = ARENA_ARRAY(question->arena, uint32_t, n);
    for (uint32_t code = 0; code < n; code++)
        category[code] =
            code ? category_of(margin, dictionary_name(question->dictionary, kind, (uint16_t)code))
                 : margin->n;
    return category;
}

static int trait_margin(struct question *question, const struct plan_margin *margin,
                        struct score_margin *prepared, struct err *err) {
    struct value_table table;
    uint32_t *by_owner;
    value_table_init(&table);
    int code =
        scan_traits(question->snapshot, margin->property, &table, question->arena, &by_owner, err);
    if (!code) {
        prepared->of = MARGIN_OWNER;
        prepared->by_owner = by_owner;
        prepared->category = categories_of_table(margin, &table, question->arena);
    }
    value_table_release(&table);
    return code;
}

static int prepare_margin(struct question *question, const struct plan_margin *margin,
                          uint32_t extra, struct score_margin *prepared, struct err *err) {
    static const struct {
        enum by_kind by;
        enum score_margin_of of;
        enum dictionary_kind kind;
    } columns[] = {{BY_CHANNEL, MARGIN_CHANNEL, DICTIONARY_CHANNEL},
                   {BY_UNIT, MARGIN_UNIT, DICTIONARY_UNIT},
                   {BY_TOUCHPOINT, MARGIN_TOUCHPOINT, DICTIONARY_TOUCHPOINT},
                   {BY_EVENT, MARGIN_EVENT, DICTIONARY_EVENT}};
    prepared->n = margin->n + 1;
    if (margin->by == BY_TRAIT)
        return trait_margin(question, margin, prepared, err);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (margin->by == columns[i].by) {
            prepared->of = columns[i].of;
            prepared->category = categories_of_codes(question, margin, columns[i].kind);
            return 0;
        }
    prepared->of = MARGIN_EXTRA;
    prepared->extra = extra;
    prepared->category =
        categories_of_table(margin, &question->extra_values[extra], question->arena);
    return 0;
}

int score_weights_prepare(struct question *question, struct score_weights *weights,
                          struct err *err) {
    const struct plan *plan = question->plan;
    uint64_t combinations = 1;
    int code = 0;
    weights->margins = ARENA_ARRAY(question->arena, struct score_margin, weights->n + 1);
    for (uint32_t m = 0; m < weights->n && !code; m++) {
        code = prepare_margin(question, &plan->margins[m], weights->extras[m], &weights->margins[m],
                              err);
        combinations *= weights->margins[m].n;
        if (!code && combinations > COMBINATIONS_MOST) {
            code = err_at(err, E_INVALID, "/margins", "too many combinations of categories");
            err_hint(err, "Take fewer variables, or put rare categories together.");
        }
    }
    weights->combinations = (uint32_t)combinations;
    return code;
}

/* ---- weights ---- */

/* The category of each combination in a margin, as combination_of (journey/score.c) puts them together. */
static uint32_t *unfold(const struct score_weights *weights, uint32_t m, struct arena *arena) {
    uint32_t *category = ARENA_ARRAY(arena, uint32_t, weights->combinations), below = 1;
    for (uint32_t i = m + 1; i < weights->n; i++)
        below *= weights->margins[i].n;
    for (uint32_t c = 0; c < weights->combinations; c++)
        category[c] = c / below % weights->margins[m].n;
    return category;
}

static void rake_margins(const struct question *question, const struct score_weights *weights,
                         struct rake_margin *margins) {
    for (uint32_t m = 0; m < weights->n; m++) {
        const struct plan_margin *asked = &question->plan->margins[m];
        double *target = ARENA_ARRAY(question->arena, double, (size_t)asked->n + 1);
        memcpy(target, asked->target, asked->n * sizeof *target); /* the last: no category, 0 */
        margins[m] =
            (struct rake_margin){unfold(weights, m, question->arena), target, asked->n + 1};
    }
}

static int explain(const struct question *question, const struct raking *raking, int code,
                   struct err *err) {
    char pointer[32];
    const struct plan_margin *margin = &question->plan->margins[raking->of];
    if (!raking->nobody) {
        err_at(err, code, "/margins", "the margins cannot be met together by these answers");
        return err_hint(err, "Take fewer variables, or put rare categories together.");
    }
    snprintf(pointer, sizeof pointer, "/margins/%zu/shares", raking->of);
    err_at(err, code, pointer, "nobody who answered is \"%.*s\"",
           (int)margin->category[raking->empty].n, margin->category[raking->empty].p);
    return err_hint(err, "Put it together with another category.");
}

/* Answers that no category of some margin holds. */
static json_int_t outside(const struct score_weights *weights, const uint64_t *n,
                          const struct rake_margin *margins) {
    json_int_t all = 0;
    for (uint32_t c = 0; c < weights->combinations; c++)
        for (uint32_t m = 0; m < weights->n; m++)
            if (margins[m].category[c] == margins[m].n - 1) {
                all += (json_int_t)n[c];
                break;
            }
    return all;
}

int score_weights_rake(struct question *question, struct score_weights *weights,
                       const struct score_state *state, struct err *err) {
    struct arena *arena = question->arena;
    const struct score_spec *spec = state->spec;
    struct rake_margin *margins = ARENA_ARRAY(arena, struct rake_margin, weights->n + 1);
    double *base = ARENA_ARRAY(arena, double, weights->combinations), whole = 0;
    uint64_t *n = ARENA_ARRAY(arena, uint64_t, weights->combinations);
    struct raking raking = {0};
    struct err refusal = {0};
    size_t cells = (size_t)spec->buckets.n * spec->columns * weights->combinations;
    weights->factor = ARENA_ARRAY(arena, double, weights->combinations);
    weights->untrimmed = ARENA_ARRAY(arena, double, weights->combinations);
    for (size_t i = 0; i < cells; i++) {
        base[i % weights->combinations] += state->cells[i].weight;
        n[i % weights->combinations] += state->cells[i].n;
        whole += state->cells[i].weight;
    }
    for (uint32_t c = 0; c < weights->combinations; c++)
        weights->factor[c] = weights->untrimmed[c] = 1;
    if (!weights->n || !(whole > 0))
        return 0;
    rake_margins(question, weights, margins);
    int code = rake(base, weights->untrimmed, weights->combinations, margins, weights->n, false,
                    &raking, &refusal);
    if (!code)
        code = rake(base, weights->factor, weights->combinations, margins, weights->n, true,
                    &raking, &refusal);
    if (code) {
        return explain(question, &raking, code, err);
    }
    weights->trimmed = raking.trimmed;
    json_object_set_new(question->meta, "weighting",
                        json_pack("{s:I, s:f, s:b, s:I}", "rounds", (json_int_t)raking.rounds,
                                  "largest", raking.largest, "trimmed", raking.trimmed, "outside",
                                  outside(weights, n, margins)));
    return 0;
}
