/*
 * WHAT: a checked question, as pure data: every name resolved to its code, every bound verified, the asker's rights
 * inside. plan_compile is the only way to a plan; backends run plans and never look at the JSON again.
 *
 * IN:  a query (JSON), who asks, the names and the zone of the organisation
 * OUT: struct plan, in the caller's arena
 *
 * SEMANTICS (docs/metrics.md has examples; this is the whole)
 *  1. Filters first: rights, unit, channel, range, where, of. What they remove is as if it never happened. Flow,
 *     variants and paths also lose interactions of source 0 (system) unless a matcher of the question names their event
 *     or `system` is true (trend, funnel, drop-off and retention lose them where it is false),
 *     and interactions without a name at their level (no touchpoint, no channel) or without the case's property.
 *  2. Customer's order is (time, seq); rows of all profiles of an owner are one customer.
 *  3. Predicates: an absent property (also null and nested values) matches only `absent`, never `!=`. Numbers compare
 *     with numbers, texts with texts bytewise, truth values only by = != in. Other pairings of types do not match
 *     (with `!=` they do: a present value of another type is different).
 *  4. Funnel, ordered: from each interaction that matches step 1 an attempt runs greedily: the next interaction that
 *     matches the next step, within the window from the start, fills it. An interaction that fills a step is never its
 *     exclusion; any other that matches an exclusion with after_step <= reached < before_step ends the attempt. The
 *     deepest attempt counts, then the earliest. entry first: only the attempt of the first interaction matching step 1.
 *     strict: attempt i fills steps with interactions i, i+1, i+2 … any: attempts start at each interaction that
 *     matches some step; reached = most steps that different interactions of the window so far can fill (matching).
 *  5. Flow: cases by customer; session (gap > SESSION_GAP_MS); or value of a property, organisation-wide, in order of
 *     (time, seq). Trend, funnel, flow, variants and retention take `by`; its value is the interaction's (trend), step 1's,
 *     the first interaction's of the case, the start's. by trait: the customer's current trait. by segmentation: the name of the class that the customer is in. by segment: the name of the `segment` member ("segment" for an
 *     inline rule) for those in it, null for the others; the segment then splits instead of filtering. Without that
 *     member: a group for each stored segment (backend/by_segment.c).
 *  6. With by and limit: values ranked by interactions (trend), customers at step 1, cases, cohort sizes, then by name
 *     (null first, then bytewise); those beyond the limit become "(other)". null takes part like a value.
 *  7. Score: answers (ROW_ANSWER) instead of interactions; channel, unit, touchpoint and where are the answer's. An answer
 *     outside its scale, or in words, is no part of it. weighted: an answer without a weight counts 1, one with a weight
 *     that is not above 0 nothing.
 *     Flagged answers (journey/asked.h) are left out unless `flagged` says otherwise. Answers of surveys about rivals are no
 *     part of one's own score unless they are asked for. margins: answers whose category is none of a margin's have
 *     no weight.
 *  8. Value: purchases are the interactions that match, one a local day, amounts summed (journey/purchases.h), up to and with
 *     the day `until`; without it the day before range.to, else the last day with a purchase. `unit` is the unit of time.
 *  9. Promise: made by each interaction that matches `of`; `then` is the first later one of that customer that matches
 *     (with a key: bears the same value; what lacks the key makes and keeps nothing), time - made <= window. within: kept
 *     with it, broken without it once made + window lies before the end of observation (the earlier of range.to and now),
 *     pending until then, at risk from three quarters of the window on. absent: broken with it, else kept, pending until
 *     then. score: an answer whose points are above 0 keeps, any other breaks. bound: an interaction that matches `of` and
 *     bears the property keeps where the comparison holds (`back` is `of` with it) and breaks where not; without the
 *     property there was no promise.
 * 10. Rules (segment, customers): `did` sees everything that the asker may see; range, unit, channel and where of the
 *     query do not limit a rule (a `sequence` is a funnel, as in 4, whose last step is reached; `answered` is one answer
 *     or more), except that unit, channel and where do for `of` of kind customers. Universe of kind
 *     customers: every owner of a profile; for a scoped asker those with an interaction in the scope.
 * 11. A stored segment (`"segment": "vip"`, `{"in": "vip"}`) is its rule, with one difference: it is shared, so it is
 *     decided by everything that happened, also outside of the asker's rights and of unit, channel and where; the
 *     answer keeps to the rights. Stored segments may be built on each other, not on themselves.
 * 12. Names of events, touchpoints, channels, units, properties and traits that nothing collected bears are refused, but not those that
 *     Senda writes itself (`Segment Entered`, `Promise Broken` …), and not in rules and promises, which may be made before their events
 *     come: there nobody did it yet, and `unseen` says so.
 * 13. In rules and promises a matcher that names no event, touchpoint or channel does not match what Senda derived (source 0): who is
 *     told to have entered a segment has not become active by that.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_PLAN_H
#define SENDA_QUERY_PLAN_H

#include <jansson.h>

#include "base/arena.h"
#include "base/zone.h"
#include "number/number.h"
#include "query/principal.h"
#include "query/score_rules.h"
#include "query/sight.h"
#include "query/stored.h"
#include "query/units.h"
#include "timeline/dictionary.h"
#include "timeline/row.h"

#define SESSION_GAP_MS INT64_C(1800000)
enum {
    PLAN_NO_LIMIT = INT32_MAX,
    PLAN_MATCHERS = 64, /* steps and exclusions of one plan: bits of a mask */
    PLAN_UNSEEN = 20
};

/* X(name, JSON kind) */
#define PLAN_KIND_TABLE(X)                                                                         \
    X(TIMELINE, "timeline")                                                                        \
    X(TREND, "trend")                                                                              \
    X(FUNNEL, "funnel")                                                                            \
    X(FLOW, "flow")                                                                                \
    X(VARIANTS, "variants")                                                                        \
    X(PATHS, "paths")                                                                              \
    X(RETENTION, "retention")                                                                      \
    X(CUSTOMERS, "customers")                                                                      \
    X(DROP_OFF, "drop_off")                                                                        \
    X(SCORE, "score")                                                                              \
    X(VALUE, "value")                                                                              \
    X(PROMISE, "promise")                                                                          \
    X(ANSWERS, "answers")                                                                          \
    X(CONDITIONS, "conditions")

enum plan_kind {
#define X(name, text) PLAN_##name,
    PLAN_KIND_TABLE(X)
#undef X
        PLAN_KINDS
};

/* X(name, JSON op) */
#define PREDICATE_OP_TABLE(X)                                                                      \
    X(EQ, "=")                                                                                     \
    X(NE, "!=")                                                                                    \
    X(LT, "<")                                                                                     \
    X(LE, "<=")                                                                                    \
    X(GT, ">")                                                                                     \
    X(GE, ">=")                                                                                    \
    X(IN, "in")                                                                                    \
    X(CONTAINS, "contains")                                                                        \
    X(EXISTS, "exists")                                                                            \
    X(ABSENT, "absent")

enum predicate_op {
#define X(name, text) OP_##name,
    PREDICATE_OP_TABLE(X)
#undef X
        PREDICATE_OPS
};

struct predicate {
    uint32_t property; /* code in DICTIONARY_PROPERTY (also of traits) */
    enum predicate_op op;
    const struct value
        *values; /* 1, n for OP_IN, 0 for exists and absent; FALSE TRUE INT NUMBER TEXT only */
    uint32_t n_values;
};

/* The one meaning of a predicate (query/predicate.c): VALUE_ABSENT, VALUE_NULL and VALUE_JSON count as absent. */
bool predicate_matches(const struct predicate *predicate, const struct value *value);
/* An estimate as predicates see it: NAN is absent. */
struct value number_value(double number);

/* Which interactions: all conditions together; an empty list does not restrict. {} matches everything. */
struct matcher {
    struct slice
        name; /* for people: "Order Completed", "A, B", or the matcher's own `name`; "*" for {} */
    const uint16_t *events, *touchpoints, *channels,
        *units; /* ascending codes; units: with descendants; an event CODE_NONE: nothing matches */
    uint32_t n_events, n_touchpoints, n_channels, n_units;
    bool
        skips_system; /* in a rule or promise that names no event: what Senda derived is no deed of the customer */
    const struct predicate *where;
    uint32_t n_where;
};

/* {}: no condition. */
bool matcher_is_open(const struct matcher *matcher);
/* The same, and not even interactions of source system are left out. */
bool matcher_takes_all(const struct matcher *matcher);

/* A name in a rule or promise that nothing collected bears yet: nobody has done it. */
struct unseen {
    const struct unseen *before;
    const char *what, *pointer; /* "event"; "/of/all/0/did/event" */
    struct slice name, nearest; /* nearest: a known one that may be meant, absent if none */
};

/* What removes interactions first. */
struct filter {
    int64_t from_ms, to_ms; /* half-open; TIME_MIN_MS … TIME_MAX_MS when absent */
    bool has_from, has_to;
    const struct predicate *where;
    uint32_t n_where;
    bool some_channels, some_units;   /* restricted to the lists below (which may be empty) */
    const uint16_t *channels, *units; /* ascending; units: with descendants, cut to the rights */
    uint32_t n_channels, n_units;
};

enum rule_kind {
    RULE_ALL,
    RULE_ANY,
    RULE_NOT,
    RULE_TRAIT,
    RULE_DID,
    RULE_SEQUENCE,
    RULE_ANSWERED,
    RULE_IN,
    RULE_NUMBER
};

struct plan;

/* A segment rule. */
struct rule {
    enum rule_kind kind;
    const struct rule *const *children; /* all, any: n >= 1; not: 1 */
    uint32_t n_children;
    struct predicate trait;     /* of number: what it says of the number */
    enum number number;         /* an estimate of number/number.h */
    struct matcher did;         /* of answered: which answers */
    enum predicate_op times_op; /* = != < <= > >= */
    uint64_t times;
    int64_t from_ms, to_ms;      /* of did and answered, half-open */
    bool relative;               /* they move with the end of observation */
    const struct plan *sequence; /* a funnel of its own, whose last step is to be reached */
    const struct rule *in;       /* of a stored segment: one object for each name in a plan */
};

/* A class of a segmentation, as `by` tells customers apart. */
struct rule_class {
    struct slice name;       /* "rural" of "homes/rural" */
    const struct rule *rule; /* RULE_IN */
};

enum by_kind {
    BY_NONE,
    BY_CHANNEL,
    BY_UNIT,
    BY_TOUCHPOINT,
    BY_EVENT,
    BY_SEGMENT,
    BY_WEEK,
    BY_PROPERTY,
    BY_TRAIT,
    BY_SEGMENTATION
};

enum measure { MEASURE_COUNT, MEASURE_CUSTOMERS, MEASURE_SUM, MEASURE_MEAN };
enum funnel_order { ORDER_ORDERED, ORDER_STRICT, ORDER_ANY };
enum funnel_entry { ENTRY_ANY, ENTRY_FIRST };
enum flow_level { LEVEL_EVENT, LEVEL_TOUCHPOINT, LEVEL_CHANNEL };
enum flow_case { CASE_CUSTOMER, CASE_SESSION, CASE_PROPERTY };
enum promise_kind { PROMISE_WITHIN, PROMISE_ABSENT, PROMISE_SCORE, PROMISE_BOUND };
/* What became of a promise; PROMISE_AT_RISK are those of the pending whose time is running out. */
enum promise_state {
    PROMISE_KEPT,
    PROMISE_BROKEN,
    PROMISE_PENDING,
    PROMISE_AT_RISK,
    PROMISE_STATES
};
/* How answers become a score: the groups of NPS, a share of the upper answers, a mean. */
enum score_kind { SCORE_NPS, SCORE_SHARE, SCORE_MEAN };
/* Answers that were asked for (journey/asked.h). */
enum flagged { FLAGGED_LEAVE_OUT, FLAGGED_INCLUDE, FLAGGED_ONLY };
enum value_model { VALUE_RFM, VALUE_BGNBD, VALUE_MBGNBD, VALUE_GAMMA_GAMMA, VALUE_CLV };
enum retention_measure { RETENTION_CALENDAR, RETENTION_ROLLING, RETENTION_UNBOUNDED };

struct exclusion {
    struct matcher matcher;
    uint32_t after_step, before_step; /* 1 <= after < before <= steps */
};

/* "people": the customers behind one number of the answer, instead of the answer; see docs/metrics.md. */
struct people {
    bool wanted;
    uint32_t step;               /* funnel, drop_off: from 1 */
    bool lost;                   /* reached this step and no further */
    bool has_by;                 /* only this value of the question's `by` */
    struct value by;             /* VALUE_NULL for null; text "(other)" is not offered */
    struct slice node, from, to; /* flow: a node's or an edge's; absent if not asked */
    bool starts, ends;           /* with node: cases that begin or end there */
    bool has_answer;             /* score: only who answered this */
    double answer;
    const struct slice *path; /* variants: this path; paths: names from the root on */
    uint32_t n_path;
    bool has_time;            /* trend: absent means all buckets */
    int64_t time_ms;          /* trend: an instant in the bucket; retention: in the cohort */
    bool has_state;           /* promise: only these */
    enum promise_state state; /* PENDING includes those at risk */
    bool has_period;
    uint32_t period; /* retention: returned in this period; without: the whole cohort */
};

/* A variable that answers are weighted by, and how much of the population each of its categories is. */
struct plan_margin {
    enum by_kind by; /* channel, unit, touchpoint, event, property, trait */
    uint32_t property;
    const struct slice *category; /* [n] as people write the value */
    const double *target;         /* [n] */
    uint32_t n;
};

/* Members stand by meaning, not by size. */
/* Hours of the week, local: each weekday with each hour. */
struct week_hours {
    bool wanted;       /* else: any */
    uint32_t weekdays; /* bit 0: Monday */
    uint32_t hours;    /* bit 0: from midnight to one */
};
bool week_hours_hold(const struct week_hours *when, const struct zone *zone, int64_t utc_s);

struct plan { // NOLINT(clang-analyzer-optin.performance.Padding)
    enum plan_kind kind;
    int64_t now_ms;
    struct sight sight; /* properties that the asker is not shown */
    unsigned
        floor; /* of the asker (backend/floor.h), 0: none; scores and promises then count customers, too */
    int64_t end_ms; /* observation ends: range.to, else now */
    const struct zone *zone;
    struct filter filter;
    bool
        scoped; /* the asker sees only the units below; `filter` already minds it, rules must too */
    const uint16_t *scope;
    uint32_t n_scope;
    struct matcher of;     /* timeline, trend, flow, variants, paths; {} if absent */
    bool drop_system;      /* removes what Senda derived (source 0) … */
    const uint16_t *named; /* … but these events: those that the question names; ascending */
    uint32_t n_named;

    const struct unseen *unseen; /* the last one read first; at most PLAN_UNSEEN */
    const struct rule *segment;  /* NULL: all customers */
    struct slice segment_name;
    const struct rule *rule; /* customers: of */

    enum by_kind by;
    uint32_t by_property;             /* property or trait */
    const struct rule_class *classes; /* of the segmentation: each customer is in one */
    uint32_t n_classes;
    uint32_t limit; /* PLAN_NO_LIMIT if not said (kinds put their default) */
    uint32_t after; /* customers and people: cursor, owners > after */
    struct people people;
    uint32_t people_limit; /* customers listed for `people` */

    struct slice customer; /* timeline: as asked; promise: one customer's, absent: all */
    bool has_before;
    int64_t before_ms;   /* timeline: only rows before (before_ms, before_seq) */
    uint64_t before_seq; /* 0: all of that instant excluded */

    enum measure measure; /* trend */
    uint32_t measure_property;
    enum bucket every; /* trend, retention, score */

    const struct matcher *steps; /* funnel, drop_off */
    uint32_t n_steps;
    const struct exclusion *exclusions;
    uint32_t n_exclusions;
    int64_t window_ms;
    enum funnel_order order;
    enum funnel_entry entry;
    uint32_t step; /* drop_off: deepest step reached, 1 … n_steps - 1 */
    uint32_t last; /* drop_off: last interactions shown of each customer */

    enum flow_level level; /* flow, variants, paths */
    enum flow_case cases;
    uint32_t case_property;
    double min_share;
    bool durations;      /* flow: median, mean, p90 of edges wanted (default true) */
    uint32_t top;        /* variants */
    struct matcher root; /* paths: start or end */
    bool backward;       /* paths: end was given */
    uint32_t depth;      /* paths: steps */
    bool collapse;       /* paths: equal neighbours are one */

    /* score, answers, conditions: `of` picks the metric's answers; only those with points count. A code is CODE_NONE before
     * anybody answered. */
    enum score_kind score;
    bool has_every, weighted;
    uint32_t points_property, value_property, weight_property;
    uint32_t flag_property, words_property, survey_property, version_property, question_property,
        low_property, high_property, metric_property; /* CODE_NONE: no answer has it */
    const struct predicate *answer_where;             /* `of` without `points` */
    uint32_t n_answer_where;
    enum flagged flagged;
    const struct plan_margin *margins;
    uint32_t n_margins;
    const struct slice *rivals; /* surveys about others, left out: nobody named a survey */
    uint32_t n_rivals;
    const struct slice *relational,
        *transactional; /* surveys of each, to say where both are mixed */
    uint32_t n_relational, n_transactional;
    struct slice metric;    /* as it was asked for */
    struct week_hours when; /* score, answers */
    bool with_misuse;       /* answers marked so are counted */
    bool no_rate, unranked; /* no response rate wanted; by country: never ranked */
    bool by_survey;         /* each row is one survey */
    /* answers */
    bool has_values, with_words;
    bool outside;        /* those that are no part of a score, as they lie outside their scale */
    struct slice reason; /* only those flagged for it; empty: any */
    double value_low, value_high;
    struct slice text; /* as it was asked for; empty: any */
    /* conditions: `start` is what is measured (measure, measure_property) at the centre within window_ms before an answer */
    bool beside; /* answers: only those whose condition lies in [band_from, band_to) */
    double band_from, band_to;
    const double *bands; /* ascending */
    uint32_t n_bands;

    /* value: `of` picks purchases; amounts are measure_property (0: not asked for). Days are local dates since 1970. */
    enum value_model model;
    bool has_until, has_holdout, ntile, modified; /* ntile: rule of RFM; modified: CLV on MBG/NBD */
    int64_t until_ms, holdout_ms;                 /* begin of the day after the last one, UTC */
    double unit_days, horizon, discount;          /* horizon: in units, 0: not asked for */
    uint32_t months;
    struct slice value_customer; /* asked for one besides; empty: nobody */
    uint32_t value_top;          /* most valuable customers and those at risk, how many of each */

    enum promise_kind
        promise; /* `of`, `back` (then), window_ms, case_property (the key, 0: none) */

    struct matcher start, back; /* retention: start and return */
    uint32_t periods;           /* numbers in `returned`, period 0 included */
    enum retention_measure retention;
};

struct plan_context {
    const struct dictionary *dictionary;
    const struct zone *zone;
    const struct units *units;         /* NULL: an empty hierarchy */
    const struct stored_rules *stored; /* NULL: none */
    const struct score_rules *scores;  /* NULL: nothing is settled */
    struct folder *folder;             /* for what is hidden from the asker; NULL: nothing is */
    int64_t now_ms;
    bool unbounded_timeline; /* the shell: no upper bound on a timeline's limit */
};

/* Checks everything. Errors: E_MALFORMED (not of the shape), E_INVALID (unknown names and members, impossible
 * values), E_FORBIDDEN (a unit outside the rights, a property that is hidden from the asker); each with the JSON pointer of the member and a hint. */
must_use int plan_compile(const json_t *query, const struct principal *principal,
                          const struct plan_context *context, struct arena *arena,
                          struct plan **plan, struct err *err);

const char *plan_kind_text(enum plan_kind kind);

#endif
