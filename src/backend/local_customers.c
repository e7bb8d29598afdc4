/*
 * Lists of customers: those of a segment, those behind a number.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "base/time.h"

static int add_user_ids(struct question *question, const uint32_t *owners, size_t n, json_t *list,
                        struct err *err) {
    struct slice *user_ids = ARENA_ARRAY(question->arena, struct slice, n);
    int code = n ? customers_user_ids(question->folder->customers, owners, n, question->arena,
                                      user_ids, err)
                 : 0;
    for (size_t i = 0; i < n && !code; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "id", json_of_owner(owners[i]));
        json_object_set_new(row, "user_id",
                            user_ids[i].p ? json_of_slice(user_ids[i]) : json_null());
        json_array_append_new(list, row);
    }
    return code;
}

int question_list(struct question *question, const struct owner_set *set, uint32_t limit,
                  struct err *err) {
    uint64_t count = owner_set_count(set);
    size_t capacity = count < limit ? (size_t)count : limit, n = 0;
    uint32_t *owners = ARENA_ARRAY(question->arena, uint32_t, capacity);
    bool more = false;
    for (uint32_t owner = question->plan->after + 1; owner < set->n && !more; owner++) {
        if (!set->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if (!owner_set_has(set, owner))
            continue;
        more = n == capacity;
        if (!more)
            owners[n++] = owner;
    }
    json_t *list = json_array();
    question->data = json_pack("{s:I, s:o}", "count", (json_int_t)count, "customers", list);
    json_object_set_new(question->meta, "next",
                        more && n ? json_of_owner(owners[n - 1]) : json_null());
    return add_user_ids(question, owners, n, list, err);
}

/* Customers whom the asker may know of: any interaction in the scope. */
static int seen_in_scope(struct question *question, struct owner_set *set, struct err *err) {
    struct scan_spec spec = {.unordered = true};
    const struct plan *plan = question->plan;
    spec.filter = (struct filter){.from_ms = TIME_MIN_MS,
                                  .to_ms = TIME_MAX_MS,
                                  .some_units = true,
                                  .units = plan->scope,
                                  .n_units = plan->n_scope};
    owner_set_init(set, snapshot_profiles(question->snapshot) + 1, question->arena);
    struct scan scan;
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    return code ? code : scan_run(&scan, &scan_seen_operator, (void *[]){set, set}, err);
}

int answer_customers(struct question *question, struct err *err) {
    const struct plan *plan = question->plan;
    struct owner_set found, visible;
    int code = question_rule(question, plan->rule, true, &found, err);
    if (!code && plan->scoped)
        code = seen_in_scope(question, &visible, err);
    if (code)
        return code;
    for (size_t word = 0; word <= found.n / 64; word++) {
        found.bits[word] &= plan->segment ? question->segment.bits[word] : UINT64_MAX;
        found.bits[word] &= plan->scoped ? visible.bits[word] : UINT64_MAX;
    }
    const struct overlay *overlay = snapshot_overlay(question->snapshot);
    uint64_t universe = plan->scoped
                            ? owner_set_count(&visible)
                            : snapshot_profiles(question->snapshot) - (overlay ? overlay->n : 0);
    json_object_set_new(question->meta, "customers", json_integer((json_int_t)universe));
    json_object_set_new(question->meta, "interactions",
                        json_integer((json_int_t)question->scan.interactions));
    return question_list(question, &found, plan->limit, err);
}
