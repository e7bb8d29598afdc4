/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/members.h"

#include <stdlib.h>

#include "backend/local.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/time.h"

enum { RULES_TOGETHER = 50 };

static struct patience patience_of(struct query_control *control) {
    int64_t limit_ms = control && control->limit_ms ? control->limit_ms : LIMIT_QUERY_MS;
    return (struct patience){control, clock_monotonic_us() + limit_ms * 1000};
}

static roaring_bitmap_t *bitmap_of(const struct owner_set *set) {
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    if (!bitmap)
        abort();
    for (uint32_t word = 0; set->n && word <= (set->n - 1) / 64; word++) {
        uint32_t found[64], n = 0;
        for (uint64_t bits = set->bits[word]; bits; bits &= bits - 1)
            found[n++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
        if (n)
            roaring_bitmap_add_many(bitmap, n, found);
    }
    roaring_bitmap_run_optimize(bitmap);
    return bitmap;
}

struct owner_set *members_set(const roaring_bitmap_t *bitmap, uint32_t n, struct arena *arena) {
    struct owner_set *set = ARENA_ARRAY(arena, struct owner_set, 1);
    owner_set_init(set, n, arena);
    roaring_uint32_iterator_t at;
    for (roaring_init_iterator(bitmap, &at); at.has_value; roaring_advance_uint32_iterator(&at))
        if (at.current_value < n)
            owner_set_put(set, at.current_value, true);
    return set;
}

/* ---- rules ---- */

/* All names in one plan, so that what they are built on is decided once: any of lists of {"in": name}. */
static json_t *question_of(const char *const *names, size_t n) {
    json_t *lists = json_array();
    for (size_t i = 0; i < n; i++) {
        if (i % RULES_TOGETHER == 0)
            json_array_append_new(lists, json_pack("{s:[]}", "any"));
        json_t *list = json_array_get(lists, json_array_size(lists) - 1);
        json_array_append_new(json_object_get(list, "any"), json_pack("{s:s}", "in", names[i]));
    }
    return json_pack("{s:s, s:{s:o}}", "kind", "customers", "of", "any", lists);
}

static void add_length(struct member_sets *found, int64_t length_ms) {
    for (size_t i = 0; i < found->n_lengths; i++)
        if (found->lengths_ms[i] == length_ms)
            return;
    if (found->n_lengths == MEMBER_LENGTHS)
        found->more_lengths = true;
    else
        found->lengths_ms[found->n_lengths++] = length_ms;
}

static void read_lengths(void *context, const struct rule *rule) {
    struct member_sets *found = context;
    if (rule->relative)
        add_length(found, rule->to_ms - rule->from_ms);
    for (uint32_t i = 0; i < rule->n_children; i++)
        read_lengths(found, rule->children[i]);
}

static int find_sets(struct question *question, struct member_sets *found, struct err *err) {
    const struct rule *root = question->plan->rule;
    for (size_t i = 0; i < found->n; i++) {
        struct owner_set set;
        const struct rule *leaf = root->children[i / RULES_TOGETHER]->children[i % RULES_TOGETHER];
        int code = question_stored(question, leaf, &set, err);
        if (code)
            return code;
        found->sets[i] = bitmap_of(&set);
    }
    question_each_stored(question, read_lengths, found);
    return 0;
}

int members_find(struct folder *folder, const struct snapshot *snapshot, int64_t now_ms,
                 const char *const *names, size_t n, const roaring_bitmap_t *only,
                 struct query_control *control, struct member_sets *found, struct err *err) {
    static const struct principal everybody = {.role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct arena arena;
    struct plan *plan;
    *found = (struct member_sets){.n = n, .sets = calloc(n + 1, sizeof *found->sets)};
    if (!found->sets)
        abort();
    if (!n)
        return 0;
    arena_init(&arena);
    json_t *query = question_of(names, n);
    int code = question_compile(folder, query, &everybody, false, now_ms, &arena, &plan, err);
    json_decref(query);
    if (!code) {
        struct stored_members *stored = NULL;
        struct question *question = ARENA_ARRAY(&arena, struct question, 1);
        *question = (struct question){.folder = folder,
                                      .plan = plan,
                                      .snapshot = snapshot,
                                      .dictionary = snapshot_dictionary(snapshot),
                                      .patience = patience_of(control),
                                      .arena = &arena,
                                      .stored = &stored};
        if (only)
            question->only = members_set(only, snapshot_profiles(snapshot) + 1, &arena);
        code = find_sets(question, found, err);
    }
    arena_release(&arena);
    if (code)
        member_sets_free(found);
    return code;
}

void member_sets_free(struct member_sets *found) {
    for (size_t i = 0; found->sets && i < found->n; i++)
        if (found->sets[i])
            roaring_bitmap_free(found->sets[i]);
    free(found->sets);
    *found = (struct member_sets){0};
}

/* ---- rows ---- */

struct taking {
    void (*take)(void *context, uint32_t owner, int64_t time_ms);
    void *context;
};

static void take_rows(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    const struct taking *taking = opaque;
    for (size_t r = 0; r < n; r++)
        for (uint32_t row = runs[r].from; row < runs[r].to; row++)
            taking->take(taking->context, owner, view_time_ms(runs[r].view, row));
}
static const struct operator taker = {.customer = take_rows};

/* All events but these: of what Senda derived, they alone are left out. */
static void leave_out(const struct dictionary *dictionary, const char *const *without,
                      struct scan_spec *spec, struct arena *arena) {
    uint32_t n = dictionary_count(dictionary, DICTIONARY_EVENT), kept = 0;
    uint16_t *named = ARENA_ARRAY(arena, uint16_t, (size_t)n + 1);
    for (uint32_t code = 1; code <= n; code++) {
        struct slice name = dictionary_name(dictionary, DICTIONARY_EVENT, (uint16_t)code);
        bool left_out = false;
        for (const char *const *one = without; *one; one++)
            left_out = left_out || slice_is(name, *one);
        if (!left_out)
            named[kept++] = (uint16_t)code;
    }
    spec->drop_system = true;
    spec->named = named;
    spec->n_named = kept;
}

int members_between(const struct snapshot *snapshot, int64_t from_ms, int64_t to_ms,
                    const char *const *without,
                    void (*take)(void *context, uint32_t owner, int64_t time_ms), void *context,
                    struct err *err) {
    static const enum part_kind kinds[] = {PART_INTERACTIONS, PART_ANSWERS};
    struct patience patience = patience_of(NULL);
    int code = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !code; i++) {
        struct taking taking = {take, context};
        struct scan_spec spec = {.kind = kinds[i], .unordered = true};
        struct arena arena;
        struct scan scan;
        spec.filter = (struct filter){.from_ms = from_ms, .to_ms = to_ms};
        arena_init(&arena);
        if (without && kinds[i] == PART_INTERACTIONS)
            leave_out(snapshot_dictionary(snapshot), without, &spec, &arena);
        code = scan_prepare(&scan, &spec, snapshot, &patience, &arena, err);
        scan.threads = 1; /* take() is not asked to mind threads */
        if (!code)
            code = scan_run(&scan, &taker, (void *[]){&taking}, err);
        arena_release(&arena);
    }
    return code;
}

/* ---- rights ---- */

static void note_owner(void *opaque, uint32_t owner, const struct run *runs, size_t n) {
    (void)runs;
    (void)n;
    owner_set_put(opaque, owner, true);
}
static const struct operator noter = {.customer = note_owner};

int members_seen(const struct snapshot *snapshot, const struct principal *principal,
                 roaring_bitmap_t **seen, struct err *err) {
    struct patience patience = patience_of(NULL);
    struct scan_spec spec = {.unordered = true};
    struct owner_set set;
    struct arena arena;
    struct scan scan;
    *seen = NULL;
    if (!principal->units)
        return 0;
    arena_init(&arena);
    spec.filter = (struct filter){.from_ms = TIME_MIN_MS,
                                  .to_ms = TIME_MAX_MS,
                                  .some_units = true,
                                  .units = principal->units,
                                  .n_units = (uint32_t)principal->n_units};
    owner_set_init(&set, snapshot_profiles(snapshot) + 1, &arena);
    int code = scan_prepare(&scan, &spec, snapshot, &patience, &arena, err);
    if (!code)
        code = scan_run(&scan, &noter, (void *[]){&set, &set}, err);
    if (!code)
        *seen = bitmap_of(&set);
    arena_release(&arena);
    return code;
}
