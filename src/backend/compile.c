/*
 * From JSON to a plan, with what the folder knows; what only checks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/local.h"
#include "base/clock.h"
#include "journey/rules.h"

/* What plan_compile needs of a folder, as it is now. */
struct knowledge {
    struct units units;
    struct stored_rules stored;
    struct score_rules scores;
    struct plan_context context;
};

static int learn(struct folder *folder, int64_t now_ms, struct arena *arena,
                 struct knowledge *knowledge, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    int code = units_load(db, folder->dictionary, arena, &knowledge->units, err);
    if (!code)
        code = stored_rules_load(db, arena, &knowledge->stored, err);
    if (!code)
        code = score_rules_load(db, arena, &knowledge->scores, err);
    store_reader_put(folder->store, db);
    knowledge->context = (struct plan_context){.dictionary = folder->dictionary,
                                               .zone = folder->zone,
                                               .units = &knowledge->units,
                                               .stored = &knowledge->stored,
                                               .scores = &knowledge->scores,
                                               .folder = folder,
                                               .now_ms = now_ms};
    return code;
}

int question_compile(struct folder *folder, const json_t *query, const struct principal *principal,
                     bool unbounded, int64_t now_ms, struct arena *arena, struct plan **plan,
                     struct err *err) {
    struct knowledge knowledge;
    int code = learn(folder, now_ms, arena, &knowledge, err);
    knowledge.context.unbounded_timeline = unbounded;
    return code ? code : plan_compile(query, principal, &knowledge.context, arena, plan, err);
}

int query_check(struct folder *folder, const json_t *query, const struct principal *principal,
                struct err *err) {
    struct arena arena;
    struct plan *plan;
    json_t *plain = by_segment_wanted(query) ? by_segment_plain(query) : NULL;
    arena_init(&arena);
    int code = question_compile(folder, plain ? plain : query, principal, false, clock_now_ms(),
                                &arena, &plan, err);
    arena_release(&arena);
    json_decref(plain);
    return code;
}

json_t *question_warnings(const struct plan *plan) {
    json_t *list = json_array();
    for (const struct unseen *unseen = plan->unseen; unseen; unseen = unseen->before) {
        json_t *row = json_pack(
            "{s:s, s:s, s:s%, s:s, s:o}", "code", "never_seen", "what", unseen->what, "name",
            unseen->name.p, unseen->name.n, "pointer", unseen->pointer, "message",
            json_sprintf("nothing that was collected bears this %s name yet", unseen->what));
        if (unseen->nearest.n)
            json_object_set_new(row, "nearest", json_stringn(unseen->nearest.p, unseen->nearest.n));
        if (unseen->nearest.n)
            json_object_set_new(
                row, "hint", json_sprintf("Did you mean \"%.*s\"?", SLICE_ARGS(unseen->nearest)));
        json_array_insert_new(list, 0, row); /* as they were read */
    }
    return list;
}

int query_warnings(struct folder *folder, const json_t *query, const struct principal *principal,
                   json_t **warnings, struct err *err) {
    struct arena arena;
    struct plan *plan;
    arena_init(&arena);
    int code =
        question_compile(folder, query, principal, false, clock_now_ms(), &arena, &plan, err);
    if (!code)
        *warnings = question_warnings(plan);
    arena_release(&arena);
    return code;
}

/* ---- stored segments ---- */

static int check_rule(const struct knowledge *knowledge, json_t *rule, struct arena *arena,
                      struct err *err) {
    static const struct principal everybody = {.role = ROLE_OWNER, .scopes = SCOPE_QUERY};
    struct plan *plan;
    json_t *query = json_pack("{s:s, s:o}", "kind", "customers", "of", rule);
    int code = plan_compile(query, &everybody, &knowledge->context, arena, &plan, err);
    struct owner_set unused = {0};
    struct rule_spec spec;
    if (!code)
        code = rule_spec_init(&spec, plan->rule->kind == RULE_IN ? plan->rule->in : plan->rule,
                              &unused, arena, err);
    json_decref(query);
    return code;
}

static bool is_changed(struct slice name, const struct stored_change *changes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (slice_is(name, changes[i].name))
            return true;
    return false;
}

/* Those that are built on what changes, still. */
static int check_others(const struct knowledge *knowledge, const struct stored_change *changes,
                        size_t n, struct arena *arena, struct err *err) {
    for (size_t i = 0; i < knowledge->stored.n; i++) {
        const struct stored_rule *other = &knowledge->stored.rules[i];
        struct err refusal = {0};
        if (!is_changed(other->name, changes, n) &&
            check_rule(knowledge, json_pack("{s:s}", "in", other->name.p), arena, &refusal)) {
            err_set(err, E_CONFLICT, "segment \"%.80s\" is built on this one: %.120s",
                    other->name.p, refusal.message);
            return err_hint(err, "Change that one first.");
        }
    }
    return 0;
}

static void apply(struct stored_rules *stored, const struct stored_change *change,
                  struct arena *arena) {
    size_t i = 0;
    while (i < stored->n && !slice_is(stored->rules[i].name, change->name))
        i++;
    if (!change->rule && i < stored->n)
        stored->rules[i] = stored->rules[--stored->n];
    if (!change->rule)
        return;
    char *text = json_dumps(change->rule, JSON_COMPACT);
    if (!text)
        abort();
    stored->rules[i] =
        (struct stored_rule){slice_of(change->name), arena_copy(arena, slice_of(text))};
    stored->n += i == stored->n;
    free(text);
}

static int check_change(const struct knowledge *knowledge, const struct stored_change *change,
                        struct arena *arena, struct err *err) {
    struct err refusal = {0};
    if (!change->rule)
        return 0;
    int code = check_rule(knowledge, json_deep_copy(change->rule), arena, &refusal);
    if (!code) /* through its name, so that a circle is met */
        code = check_rule(knowledge, json_pack("{s:s}", "in", change->name), arena, &refusal);
    if (!code)
        return 0;
    bool below = strncmp(refusal.pointer, "/of", 3) == 0;
    return err_repeat(err, code, below ? refusal.pointer + 3 : "", &refusal);
}

int query_check_stored(struct folder *folder, const struct stored_change *changes, size_t n,
                       size_t *refused, struct err *err) {
    struct arena arena;
    struct knowledge knowledge;
    arena_init(&arena);
    int code = learn(folder, clock_now_ms(), &arena, &knowledge, err);
    struct stored_rule *rules = ARENA_ARRAY(&arena, struct stored_rule, knowledge.stored.n + n);
    if (!code && knowledge.stored.n)
        memcpy(rules, knowledge.stored.rules, knowledge.stored.n * sizeof *rules);
    knowledge.stored.rules = rules;
    for (size_t i = 0; i < n && !code; i++)
        apply(&knowledge.stored, &changes[i], &arena);
    for (size_t i = 0; i < n && !code; i++) {
        *refused = i;
        code = check_change(&knowledge, &changes[i], &arena, err);
    }
    if (!code)
        code = check_others(&knowledge, changes, n, &arena, err);
    arena_release(&arena);
    return code;
}
