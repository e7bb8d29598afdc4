/*
 * See score_rate.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/score_rate.h"

#include <stdlib.h>

enum { INVITED, SHOWN, RESPONDED, EVENTS };

/* ---- counting ---- */

struct rate_spec {
    const struct bucket_table *buckets;
    struct grouping grouping;
    const uint32_t
        *column; /* [numbers] column of a group of this scan; UINT32_MAX: none of the score's */
    uint32_t columns;
};

struct rate_count {
    const struct rate_spec *spec;
    uint64_t *asked, *answered;
};

/* The open askings of one customer; more than this at once are taken for the oldest. */
enum { OPEN_MOST = 16 };
struct open {
    uint32_t survey;
    size_t cell;
    bool invited;
};

struct customer_state {
    struct open open[OPEN_MOST];
    size_t n;
};

static size_t find_open(const struct customer_state *state, uint32_t survey) {
    size_t i = 0;
    while (i < state->n && state->open[i].survey != survey)
        i++;
    return i;
}

static void close_open(struct customer_state *state, size_t i) {
    state->open[i] = state->open[--state->n];
}

/* Where an asking counts; SIZE_MAX: in no row of the score. */
static size_t cell_of(const struct rate_spec *spec, const struct view *view, uint32_t row,
                      uint32_t owner) {
    const struct bucket_table *buckets = spec->buckets;
    uint32_t sec = view->sec[row], bucket = 0;
    if (buckets->begin_ms) {
        if (sec < buckets->base_s || sec - buckets->base_s >= buckets->limit_s)
            return SIZE_MAX;
        bucket = bucket_of(buckets, sec);
    }
    uint32_t group = group_of(&spec->grouping, view, row, owner);
    uint32_t column = spec->column ? spec->column[group] : group;
    return column < spec->columns ? (size_t)bucket * spec->columns + column : SIZE_MAX;
}

static void ask(struct rate_count *count, struct customer_state *state, struct open open) {
    size_t i = find_open(state, open.survey);
    if (i < state->n && state->open[i].invited && !open.invited)
        return; /* what the invitation led to */
    if (i < state->n)
        close_open(state, i);
    if (state->n == OPEN_MOST)
        close_open(state, 0);
    state->open[state->n++] = open;
    count->asked[open.cell]++;
}

static void customer(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    struct rate_count *count = opaque;
    struct customer_state state = {.n = 0};
    for (size_t r = 0; r < n; r++) {
        const struct view *view = runs[r].view;
        for (uint32_t row = runs[r].from; row < runs[r].to; row++) {
            uint64_t mask = view->mask[row];
            uint32_t survey = view->case_value ? view->case_value[row] : 0;
            if (mask >> RESPONDED & 1) {
                size_t i = find_open(&state, survey);
                if (i < state.n) {
                    count->answered[state.open[i].cell]++;
                    close_open(&state, i);
                }
                continue;
            }
            size_t cell = cell_of(count->spec, view, row, owner);
            if (cell != SIZE_MAX)
                ask(count, &state, (struct open){survey, cell, mask >> INVITED & 1});
        }
    }
}
static const struct operator rate_operator = {.customer = customer};

/* ---- the question ---- */

static struct matcher *matchers_of(struct question *question, uint32_t *n_asking) {
    static const char *const names[EVENTS] = {"Survey Invited", "Survey Shown", "Survey Responded"};
    struct matcher *matchers = ARENA_ARRAY(question->arena, struct matcher, EVENTS);
    *n_asking = 0;
    for (int e = 0; e < EVENTS; e++) {
        uint16_t *code = ARENA_ARRAY(question->arena, uint16_t, 1);
        code[0] = dictionary_find(question->dictionary, DICTIONARY_EVENT, slice_of(names[e]));
        matchers[e] = (struct matcher){.name = slice_of(names[e]), .events = code, .n_events = 1};
        *n_asking += e != RESPONDED && code[0];
    }
    return matchers;
}

/* Conditions on the survey alone: what is asked of answers besides, an asking does not have. */
static struct matcher *surveys_asked(struct question *question) {
    const struct plan *plan = question->plan;
    struct matcher *of = ARENA_ARRAY(question->arena, struct matcher, 1);
    struct predicate *where =
        ARENA_ARRAY(question->arena, struct predicate, plan->n_answer_where + 1);
    for (uint32_t i = 0; i < plan->n_answer_where; i++)
        if (plan->answer_where[i].property == plan->survey_property)
            where[of->n_where++] = plan->answer_where[i];
    of->where = where;
    return of;
}

/* Columns of the score's groups by the numbers that this scan gave the same values. */
static const uint32_t *match_groups(struct question *question, const struct value_table *table) {
    uint32_t *column = ARENA_ARRAY(question->arena, uint32_t, (size_t)table->n + 1);
    for (uint32_t i = 1; i < table->n; i++) {
        uint32_t found = value_table_find(&question->by_values, &table->values[i]);
        column[i] = found ? found : UINT32_MAX;
    }
    return column;
}

static int run(struct question *question, struct scan *scan, struct rate_spec *spec,
               struct score_rate *rate, struct err *err) {
    size_t cells = (size_t)rate->buckets * rate->columns + 1;
    struct rate_count counts[SCAN_THREADS];
    void *states[SCAN_THREADS];
    for (uint32_t t = 0; t < SCAN_THREADS; t++) {
        counts[t] = (struct rate_count){spec, ARENA_ARRAY(question->arena, uint64_t, cells),
                                        ARENA_ARRAY(question->arena, uint64_t, cells)};
        states[t] = &counts[t];
    }
    int code = scan_run(scan, &rate_operator, states, err);
    for (uint32_t t = 1; t < scan->threads; t++)
        for (size_t i = 0; i < cells; i++) {
            counts[0].asked[i] += counts[t].asked[i];
            counts[0].answered[i] += counts[t].answered[i];
        }
    rate->asked = counts[0].asked;
    rate->answered = counts[0].answered;
    return code;
}

/* Askings that all lack the property that answers are split by (the version of a survey, say) belong to none of its groups. */
static bool cannot_be_split(const struct score_rate *rate) {
    uint64_t apart = 0, together = 0;
    for (uint32_t bucket = 0; bucket < rate->buckets; bucket++)
        for (uint32_t column = 0; column < rate->columns; column++)
            *(column ? &apart : &together) += rate->asked[(size_t)bucket * rate->columns + column];
    return together && !apart;
}

int score_rate_count(struct question *question, const struct bucket_table *buckets,
                     struct score_rate *rate, struct err *err) {
    const struct plan *plan = question->plan;
    uint32_t asking;
    struct matcher *matchers = matchers_of(question, &asking);
    *rate =
        (struct score_rate){.unknown = plan->no_rate ? "not_asked"
                                       : !asking     ? "no_invitations"
                                       : plan->filter.n_where || plan->when.wanted ? "conditions"
                                       : plan->by == BY_WEEK                       ? "conditions"
                                                                                   : NULL};
    if (rate->unknown || !buckets->n)
        return 0;
    struct value_table tables[2];
    value_table_init(&tables[0]);
    value_table_init(&tables[1]);
    struct scan_spec spec = question->spec;
    spec.kind = PART_INTERACTIONS;
    spec.of = surveys_asked(question);
    spec.unordered = spec.every_column = false;
    spec.number_property = spec.weight_property = spec.n_extras = 0;
    spec.case_property = plan->survey_property;
    spec.case_numbers = false;
    spec.by_values = &tables[0];
    spec.case_values = &tables[1];
    for (int e = 0; e < EVENTS; e++)
        spec.matchers[e] = &matchers[e];
    spec.n_matchers = EVENTS;
    spec.select = spec.compact = true;
    struct scan scan;
    struct rate_spec counting = {.buckets = buckets, .grouping = question->grouping};
    rate->buckets = buckets->n;
    rate->columns = counting.columns = question->grouping.n ? question->grouping.n : 1;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code && question->grouping.kind == GROUP_VALUE)
        counting.column = match_groups(question, &tables[0]);
    if (!code)
        code = run(question, &scan, &counting, rate, err);
    if (!code && plan->by == BY_PROPERTY && cannot_be_split(rate)) {
        rate->asked = NULL;
        rate->unknown = "conditions";
    }
    value_table_release(&tables[0]);
    value_table_release(&tables[1]);
    return code;
}

/* ---- rows ---- */

static void sum(const struct score_rate *rate, uint32_t bucket, uint32_t column, uint64_t *asked,
                uint64_t *answered) {
    size_t cell = (size_t)bucket * rate->columns + column;
    *asked += rate->asked[cell];
    *answered += rate->answered[cell];
}

void score_rate_add(const struct score_rate *rate, json_t *row, uint32_t bucket,
                    const struct ranking *ranking, uint32_t place) {
    uint64_t asked = 0, answered = 0;
    if (rate && rate->asked && bucket != UINT32_MAX) {
        bool rest = ranking && place >= ranking->shown;
        if (!ranking)
            sum(rate, bucket, 0, &asked, &answered);
        else
            for (uint32_t i = rest ? ranking->shown : place; i < (rest ? ranking->n : place + 1);
                 i++)
                sum(rate, bucket, ranking->groups[i], &asked, &answered);
    }
    json_object_set_new(row, "response_rate", json_of_share(answered, asked));
    if (asked)
        json_object_set_new(row, "asked", json_integer((json_int_t)asked));
    else
        json_object_set_new(row, "response_rate_reason",
                            json_string(rate && rate->unknown ? rate->unknown : "no_invitations"));
}
