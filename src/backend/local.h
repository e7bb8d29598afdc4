/*
 * The local backend: a plan over a snapshot of the timeline. One file a family of questions; each prepares a scan, runs
 * an operator of journey/ (or segment/) on it and shapes the answer.
 *
 * THE CUSTOMERS BEHIND A NUMBER. Every kind but timeline, customers and drop_off takes a member `people` that names one
 * number of its answer; the answer is then {"count":n,"customers":[{"id","user_id"}]} in the order of id, cut by `limit`
 * (10,000 without), continued with "cursor" = meta.next. Where a question has a `by`, its `limit` keeps meaning values.
 *   trend      {"time": instant in the bucket, "by": value}         both optional
 *   funnel     {"step": k, "lost": true, "by": value}               reached step k; lost: and no further
 *   flow       {"node": name, "starts": true, "ends": true} or {"edge": [from, to]}, "by": value besides
 *   variants   {"path": [names], "by": value}                        cases with exactly this path
 *   paths      {"path": [names]}                                     cases that go this way after (before) the root
 *   score      {"time": instant in the bucket, "by": value, "answer": 9}   all optional
 *   promise    {"state": "broken", "time": instant in the bucket, "by": value}   all optional
 *   retention  {"cohort": instant in it, "period": k, "by": value}  returned in period k; without: the whole cohort
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_LOCAL_H
#define SENDA_BACKEND_LOCAL_H

#include "backend/backend.h"
#include "backend/scan.h"

/* One question on its way. */
struct question {
    struct folder *folder;
    const struct plan *plan;
    const struct snapshot *snapshot;
    const struct dictionary *dictionary;
    struct patience patience;
    struct arena *arena;
    struct owner_set segment;     /* of plan->segment */
    const struct owner_set *only; /* rules are asked of these few customers; NULL: of all */
    struct stored_members *
        *stored;           /* those of stored segments met so far, shared with inner questions */
    struct scan_spec spec; /* begun with the plan's filters */
    struct scan scan;
    struct grouping grouping; /* of plan->by */
    struct value_table by_values, case_values, extra_values[VIEW_EXTRAS];
    struct owner_set behind; /* people */
    uint32_t people_group;
    json_t *data, *meta; /* the answer's; meta takes extra members */
};

/* plan_compile with what the folder knows: names, units, stored segments, the clock. unbounded: of the shell. */
/* What plan->unseen says: [{"code":"never_seen","what","name","pointer","message","nearest"?,"hint"?}]. New reference. */
json_t *question_warnings(const struct plan *plan);
must_use int question_compile(struct folder *folder, const json_t *query,
                              const struct principal *principal, bool unbounded, int64_t now_ms,
                              struct arena *arena, struct plan **plan, struct err *err);
/* Tables of values; after folder, plan, snapshot and the like are set. */
void question_tables_init(struct question *question);
void question_tables_release(struct question *question);
/* The plan's segment, and the spec as the plan says. */
must_use int question_begin(struct question *question, struct err *err);
/* by_segment.c: `"by": "segment"` about all stored segments. by_segment_plain: the question without it, a new reference. */
bool by_segment_wanted(const json_t *query);
json_t *by_segment_plain(const json_t *query);
must_use int by_segment_run(struct folder *folder, enum backend backend, const json_t *query,
                            const struct principal *principal, struct query_control *control,
                            json_t **answer, struct err *err);
/* scan_prepare with the question's spec, then the grouping. */
must_use int question_prepare(struct question *question, struct err *err);
/* Buckets of the plan's `every` over what was scanned; one that holds everything where nobody asked for time. */
must_use int question_buckets(struct question *question, struct bucket_table *table,
                              struct err *err);
/* The bucket in which an instant lies; table->n: in none. */
uint32_t bucket_holding(const struct bucket_table *table, int64_t ms);
/* plan->people.wanted: makes the set; NULL otherwise. */
struct owner_set *question_behind(struct question *question);
/* data = the list of a set: count and customers after the cursor. */
must_use int question_list(struct question *question, const struct owner_set *set, uint32_t limit,
                           struct err *err);
/* Which owners a rule holds for; unit, channel and where of the plan count if filtered. */
must_use int question_rule(struct question *question, const struct rule *rule, bool filtered,
                           struct owner_set *set, struct err *err);

/* The members of a stored segment (RULE_IN), for everybody: their bits live in the arena and are shared. */
must_use int question_stored(struct question *question, const struct rule *rule,
                             struct owner_set *set, struct err *err);

/* Calls visit() with the rule of each stored segment met so far. */
void question_each_stored(const struct question *question,
                          void (*visit)(void *context, const struct rule *rule), void *context);

/* Which owners walked a RULE_SEQUENCE. */
must_use int question_sequence(struct question *question, const struct rule *rule, bool filtered,
                               struct owner_set *set, struct err *err);

/* `by`: groups with a weight, heaviest first, then null, then by name; at most `limit`, the rest is "(other)". */
struct ranking {
    uint32_t *groups;  /* [n] */
    uint32_t n, shown; /* shown <= n; shown < n: there is an "(other)" */
    uint32_t *place;   /* [grouping.n] column: 0 … shown-1, shown for the rest */
};
void question_rank(struct question *question, const uint64_t *weight, struct ranking *ranking);
uint32_t ranking_rows(const struct ranking *ranking); /* shown, and one if there is an "(other)" */
/* New reference: the value at a place. */
json_t *question_by_json(const struct question *question, const struct ranking *ranking,
                         uint32_t place);

must_use int answer_trend(struct question *question, struct err *err);
must_use int answer_retention(struct question *question, struct err *err);
must_use int answer_funnel(struct question *question, struct err *err);
must_use int answer_drop_off(struct question *question, struct err *err);
must_use int answer_flow(struct question *question, struct err *err);
must_use int answer_variants(struct question *question, struct err *err);
must_use int answer_paths(struct question *question, struct err *err);
must_use int answer_customers(struct question *question, struct err *err);
must_use int answer_timeline(struct question *question, struct err *err);
must_use int answer_score(struct question *question, struct err *err);
must_use int answer_value(struct question *question, struct err *err);
must_use int answer_promise(struct question *question, struct err *err);
struct promise_spec;
/* After question_begin: the spec of the scan, which is prepared, and the operator's without buckets. */
must_use int promise_prepare(struct question *question, struct promise_spec *spec, struct err *err);
must_use int answer_answers(struct question *question, struct err *err);
must_use int answer_conditions(struct question *question, struct err *err);

/* Every interaction of one owner that the filters leave, in order. */
struct collected {
    int64_t time_ms;
    uint64_t seq;
    const struct part *part;
    uint32_t row;
};
must_use int question_collect(struct question *question, uint32_t owner, struct collected **rows,
                              size_t *n, struct err *err); /* rows: free() */

/* JSON, new references. */
json_t *
json_of_slice(struct slice text); /* "" when absent; bytes that are not UTF-8 become U+FFFD */
json_t *json_of_name(const struct question *question, enum dictionary_kind kind,
                     uint16_t code); /* null: none */
json_t *json_of_value(const struct value *value);
json_t *json_of_ms(double ms); /* seconds; null for NaN */
json_t *json_of_instant(int64_t ms);
json_t *json_of_number(double number); /* null where it is not finite; whole numbers as integers */
json_t *json_of_share(uint64_t part, uint64_t whole); /* null when whole is 0 */
/* "c_0000000042" */
json_t *json_of_owner(uint32_t owner);

#endif
