/*
 * Reading a query: a cursor over its JSON that knows the pointer of the member being read, so that every complaint
 * says where. Private to query/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_QUERY_INTERNAL_H
#define SENDA_QUERY_INTERNAL_H

#include "query/plan.h"

struct reader {
    const struct plan_context *context;
    const struct principal *principal;
    struct arena *arena;
    struct plan *plan;
    struct err *err;
    char pointer[128];       /* of the member being read; cut when too long */
    size_t depth;            /* bytes of pointer in use */
    struct stored_use *uses; /* stored segments met so far */
    unsigned within_stored;  /* how many are being read: pointers stay where the first was named */
    unsigned
        in_rule; /* or a promise: unknown names are noted, not refused, and what Senda derives counts only by name */
    unsigned n_unseen;
};

/* Descend into a member or element; the result goes to leave(). */
size_t enter(struct reader *r, const char *member);
size_t enter_index(struct reader *r, size_t index);
void leave(struct reader *r, size_t mark);

/* E_INVALID at the current pointer. */
__attribute__((format(printf, 2, 3))) int refuse(struct reader *r, const char *format, ...);
/* "one of a, b, c" as hint, or the nearest of them when there is one. */
int refuse_choice(struct reader *r, const char *what, const char *got, const char *const *choices,
                  size_t n);
/* An unknown name of a kind, with the nearest known one as hint. */
int refuse_name(struct reader *r, enum dictionary_kind kind, const char *what, struct slice name);

/* Every member of the object is in `allowed` (names separated by blanks); else 422 with its pointer. */
must_use int read_members(struct reader *r, const json_t *object, const char *allowed);
must_use int read_text(struct reader *r, const json_t *json, struct slice *text);
must_use int read_choice(struct reader *r, const json_t *json, const char *what,
                         const char *const *choices, size_t n, int *chosen);
must_use int read_count(struct reader *r, const json_t *json, int64_t min, int64_t max, int64_t *n);
must_use int read_bool(struct reader *r, const json_t *json, bool *value);
/* Unknown: refused, or noted where names may be unseen. */
int note_unknown(struct reader *r, enum dictionary_kind kind, const char *what, struct slice name);
must_use int read_code(struct reader *r, enum dictionary_kind kind, const char *what,
                       const json_t *json, uint16_t *code);
/* A name or a list of names: ascending distinct codes. Where names may be unseen, those are left out (of read_code: CODE_NONE). */
must_use int read_codes(struct reader *r, enum dictionary_kind kind, const char *what,
                        const json_t *json, const uint16_t **codes, uint32_t *n);
must_use int read_value(struct reader *r, const json_t *json, struct value *value);
must_use int read_range(struct reader *r, const json_t *json, int64_t *from_ms, int64_t *to_ms,
                        bool *has_from, bool *has_to);
must_use int read_instant(struct reader *r, const json_t *json, int64_t *ms);
must_use int read_duration(struct reader *r, const json_t *json, int64_t *ms);
/* {"property"|"trait": …, "op": …, "value": …} */
must_use int read_predicate(struct reader *r, const json_t *json, const char *name_member,
                            struct predicate *predicate);
/* Its members op and value. */
must_use int read_operation(struct reader *r, const json_t *json, struct predicate *predicate);
must_use int read_where(struct reader *r, const json_t *json, const struct predicate **where,
                        uint32_t *n);
/* extra: further members that the object may have, for the caller; NULL for none. */
must_use int read_matcher(struct reader *r, const json_t *json, const char *extra,
                          struct matcher *matcher);
must_use int read_rule(struct reader *r, const json_t *json, int depth, const struct rule **rule);
/* Leaves of rules (read_leaves.c). */
/* The name of a stored segment. */
must_use int read_in(struct reader *r, const json_t *json, struct rule *rule);
/* The name of a segmentation: its classes and BY_SEGMENTATION. */
must_use int read_classes(struct reader *r, const json_t *json);
must_use int read_sequence(struct reader *r, const json_t *json, struct rule *rule);
must_use int read_answered(struct reader *r, const json_t *json, struct rule *rule);
must_use int read_number_leaf(struct reader *r, const json_t *json, struct rule *rule);
/* The last D before the observation ends: from_ms and to_ms of the rule. */
must_use int read_within(struct reader *r, const json_t *json, struct rule *rule);
/* One or several texts: where[(*n)++] says that the property is one of them; before anybody bore that property its code
 * is CODE_NONE and nothing matches. */
must_use int read_condition(struct reader *r, struct predicate *where, uint32_t *n,
                            const char *property, const json_t *json);
/* A required member: 422 at the object when it is absent. */
must_use int need(struct reader *r, const json_t *query, const char *member);
/* "2026-01-01T00:00:00.000Z" or, as `meta.next` gives it, "2026-01-01T00:00:00.000Z~17" (that row excluded). */
must_use int read_before(struct reader *r, const json_t *json);
/* hours: "hour" is one of the choices. */
must_use int read_every(struct reader *r, const json_t *json, bool hours);
/* "count", "customers", {"sum": "total"}, {"mean": "total"}; or "sum" with the member "property" beside it. */
must_use int read_measure(struct reader *r, const json_t *json, const json_t *query);
/* Answers marked as misuse (of an opinion screen: kiosk/misuse.h) are no part of a score, unless they are asked for:
 * where[(*n)++]. */
void leave_out_misuse(const struct reader *r, struct predicate *where, uint32_t *n);
must_use int read_promise(struct reader *r, const json_t *query); /* plan_promise.c */
/* score, answers, conditions (plan_score.c) */
must_use int read_score(struct reader *r, const json_t *query);
/* Members that only this kind has (plan->kind), and its defaults. */
must_use int read_kind(struct reader *r, const json_t *query);
must_use int read_people(struct reader *r, const json_t *json);
/* A member of the object, with the pointer on it: runs `call` when it is there. */
#define WITH_MEMBER(r, object, name, json, code, call)                                             \
    do {                                                                                           \
        const json_t *json = json_object_get((object), (name));                                    \
        if (json && !(code)) {                                                                     \
            size_t mark_ = enter((r), (name));                                                     \
            (code) = (call);                                                                       \
            leave((r), mark_);                                                                     \
        }                                                                                          \
    } while (0)

#endif
