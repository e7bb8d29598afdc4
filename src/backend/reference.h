/*
 * The reference backend: the same plans, answered slowly and obviously. It defines the answers; suites compare every
 * other backend with it. All rows are read from the log into memory, resolved to their customers, sorted, filtered, and
 * walked with one plain loop a question. No index, no cleverness, no limit on memory: for tests only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BACKEND_REFERENCE_H
#define SENDA_BACKEND_REFERENCE_H

#include <jansson.h>

#include "folder/folder.h"
#include "query/plan.h"

struct reference_row {
    int64_t time_ms;
    uint64_t seq;
    uint32_t owner; /* after redirection */
    uint16_t event, channel, unit, source, touchpoint;
    struct slice properties; /* encoded (row.h) */
};

/* Everything stored, as the reference sees it. */
struct reference_world {
    struct arena arena;
    struct reference_row *rows; /* interactions by (owner, time, seq) */
    size_t n_rows;
    struct reference_row *answers; /* by (owner, time, seq) */
    size_t n_answers;
    struct reference_row *traits; /* changes of traits by (owner, time, seq) */
    size_t n_traits;
    uint32_t *owners; /* every owner, ascending */
    size_t n_owners;
    const struct dictionary *dictionary;
    struct numbers *numbers;       /* estimates, NULL: none */
    struct reference_asked *asked; /* reference_score.c: what it found at its first question */
};

must_use int reference_load(struct reference_world *world, struct folder *folder, struct err *err);
void reference_release(struct reference_world *world);

/* Answers {"kind","data","meta":{"customers","interactions"}} with the members that the engine gives. E_INVALID for
 * kinds that the reference does not know (timeline, drop_off, paths) and for `people`. */
must_use int reference_answer(const struct reference_world *world, const struct plan *plan,
                              json_t **answer, struct err *err);

/* What reference_*.c share. */

/* The rows of a plan that remain after its filters, by customer. */
struct reference_case {
    uint32_t owner;
    const struct reference_row *const *rows; /* in order */
    size_t n;
};
struct reference_view {
    struct reference_case *cases; /* by owner ascending; none without rows */
    size_t n;
};
void reference_view(const struct reference_world *world, const struct plan *plan,
                    struct arena *arena, struct reference_view *view);

/* Steps of a funnel that one case reaches. */
uint32_t reference_reached(const struct plan *funnel, const struct reference_case *one);

struct value reference_property(struct slice properties, uint32_t code);
bool reference_matches(const struct reference_row *row, const struct matcher *matcher);
bool reference_rule(const struct reference_world *world, const struct plan *plan,
                    const struct rule *rule, uint32_t owner);
/* The value of the plan's `by` for a row; VALUE_NULL where it is missing. */
struct value reference_by(const struct reference_world *world, const struct plan *plan,
                          const struct reference_row *row);
json_t *reference_text(struct slice text);
json_t *reference_time(int64_t utc_ms);
/* Quantile by linear interpolation (type 7) of unsorted values, as JSON; null without values. */
json_t *reference_quantile(double *values, size_t n, double q);

/* Values of `by` met in an answer, ranked: null first and then bytewise among equals; beyond the limit "(other)". */
struct reference_group {
    struct value value;
    char *key; /* type and text, for comparing */
    uint64_t weight;
};
struct reference_groups {
    struct reference_group *groups;
    size_t n, capacity;
};
size_t reference_group_add(struct reference_groups *groups, struct arena *arena,
                           const struct value *value, uint64_t weight);
/* rank[i] = place of group i (0 first); groups at place >= limit share the place `limit` ("(other)"). Returns the number
 * of places. */
size_t reference_rank(const struct reference_groups *groups, uint32_t limit, struct arena *arena,
                      size_t *rank);
json_t *reference_place_json(const struct plan *plan, const struct reference_groups *groups,
                             const size_t *rank, size_t place);

json_t *reference_trend(const struct reference_world *, const struct plan *,
                        const struct reference_view *, struct arena *);
json_t *reference_funnel(const struct reference_world *, const struct plan *,
                         const struct reference_view *, struct arena *);
json_t *reference_flow(const struct reference_world *, const struct plan *,
                       const struct reference_view *, struct arena *);
json_t *reference_variants(const struct reference_world *, const struct plan *,
                           const struct reference_view *, struct arena *);
json_t *reference_retention(const struct reference_world *, const struct plan *,
                            const struct reference_view *, struct arena *);
json_t *reference_value(const struct reference_world *, const struct plan *,
                        const struct reference_view *, struct arena *);
/* E_INVALID: margins that cannot be met. *data is a new reference in any case. */
must_use int reference_score(const struct reference_world *, const struct plan *,
                             const struct reference_view *, struct arena *, json_t **data,
                             struct err *err);
struct reference_asked *reference_asked_new(void);
void reference_asked_release(struct reference_world *world);
json_t *reference_promise(const struct reference_world *, const struct plan *,
                          const struct reference_view *, struct arena *);
json_t *reference_customers(const struct reference_world *, const struct plan *, struct arena *);

#endif
