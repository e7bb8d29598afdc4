/*
 * A name means another rule now: whose members that touches.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query/stored.h"
#include "segment/live.h"

enum { BUILT_DEPTH = 10 /* segments are built on each other less deep */ };

static bool rule_names(const json_t *rule, const char *name) {
    const json_t *in = json_object_get(rule, "in"), *value;
    const char *key;
    size_t i;
    if (json_is_string(in) && strcmp(json_string_value(in), name) == 0)
        return true;
    if (json_is_array(rule))
        json_array_foreach((json_t *)(uintptr_t)rule, i,
                           value) if (rule_names(value, name)) return true;
    json_object_foreach((json_t *)(uintptr_t)rule, key,
                        value) if (rule_names(value, name)) return true;
    return false;
}

static void forget(struct live *live, const struct stored_rules *stored, const char *name,
                   unsigned depth) {
    for (size_t m = 0; m < live->n; m++)
        if (strcmp(live->all[m].name, name) == 0)
            live->all[m].known = false;
    for (size_t i = 0; i < stored->n && depth; i++) {
        json_t *rule = json_loadb(stored->rules[i].rule.p, stored->rules[i].rule.n, 0, NULL);
        if (rule_names(rule, name))
            forget(live, stored, stored->rules[i].name.p, depth - 1);
        json_decref(rule);
    }
}

int live_changed(struct folder *folder, const char *name, struct err *err) {
    struct live *live;
    struct stored_rules stored = {0};
    struct arena arena;
    int code = live_of(folder, &live, err);
    if (code)
        return code;
    arena_init(&arena);
    pthread_mutex_lock(&live->turn);
    code = live_load(live, err);
    sqlite3 *db = store_reader_get(folder->store);
    if (!code)
        code = stored_rules_load(db, &arena, &stored, err);
    store_reader_put(folder->store, db);
    if (!code) {
        forget(live, &stored, name, BUILT_DEPTH);
        live->relearn = true;
        code = live_round(live, err);
    }
    pthread_mutex_unlock(&live->turn);
    arena_release(&arena);
    return code;
}
