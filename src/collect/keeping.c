/*
 * Rules of keeping: in the records, in memory for each event. See keeping.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "collect/keeping.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct keeping {
    struct store *store; /* NULL: not stored */
    atomic_bool any;
    pthread_rwlock_t lock; /* of what follows */
    struct arena texts;
    struct keep_rule rules[KEEP_RULES_MAX];
    size_t n;
};

static void remember(struct keeping *keeping, const struct keep_rule *list, size_t n) {
    pthread_rwlock_wrlock(&keeping->lock);
    arena_clear(&keeping->texts);
    for (size_t i = 0; i < n; i++)
        keeping->rules[i] = (struct keep_rule){
            arena_text(&keeping->texts, slice_of(list[i].event)),
            arena_text(&keeping->texts, slice_of(list[i].channel)), list[i].source, list[i].days};
    keeping->n = n;
    pthread_rwlock_unlock(&keeping->lock);
    atomic_store(&keeping->any, n > 0);
}

static struct keeping *keeping_new(struct store *store) {
    struct keeping *keeping = calloc(1, sizeof *keeping);
    if (!keeping)
        abort();
    keeping->store = store;
    pthread_rwlock_init(&keeping->lock, NULL);
    arena_init(&keeping->texts);
    return keeping;
}

struct keeping *keeping_of(const struct keep_rule *list, size_t n) {
    struct keeping *keeping = keeping_new(NULL);
    remember(keeping, list, n);
    return keeping;
}

static int load(struct keeping *keeping, struct err *err) {
    struct keep_rule list[KEEP_RULES_MAX];
    struct arena arena;
    size_t n = 0;
    arena_init(&arena);
    sqlite3 *db = store_reader_get(keeping->store);
    sqlite3_stmt *statement =
        db ? STORE_PREPARE(
                 db, "SELECT event, channel, source, days FROM keep_rule ORDER BY position", err)
           : NULL;
    int code = statement ? 1 : err_set(err, E_IO, "the records could not be read");
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (n < KEEP_RULES_MAX)
            list[n++] = (struct keep_rule){
                arena_text(&arena, slice_of((const char *)sqlite3_column_text(statement, 0))),
                arena_text(&arena, slice_of((const char *)sqlite3_column_text(statement, 1))),
                sqlite3_column_int(statement, 2), sqlite3_column_int64(statement, 3)};
    store_reader_put(keeping->store, db);
    if (!code)
        remember(keeping, list, n);
    arena_release(&arena);
    return code;
}

int keeping_open(struct keeping **out, struct store *store, struct err *err) {
    *out = keeping_new(store);
    return load(*out, err);
}

void keeping_close(struct keeping *keeping) {
    if (!keeping)
        return;
    pthread_rwlock_destroy(&keeping->lock);
    arena_release(&keeping->texts);
    free(keeping);
}

bool keeping_any(struct keeping *keeping) { return atomic_load(&keeping->any); }

int64_t keeping_days(struct keeping *keeping, struct slice event, struct slice channel,
                     int source) {
    int64_t days = 0;
    if (!atomic_load_explicit(&keeping->any, memory_order_relaxed))
        return 0;
    pthread_rwlock_rdlock(&keeping->lock);
    for (size_t i = 0; i < keeping->n; i++) {
        const struct keep_rule *rule = &keeping->rules[i];
        if ((rule->event[0] && !slice_is(event, rule->event)) ||
            (rule->channel[0] && !slice_is(channel, rule->channel)) ||
            (rule->source != KEEP_ANY_SOURCE && rule->source != source))
            continue;
        days = rule->days;
        break;
    }
    pthread_rwlock_unlock(&keeping->lock);
    return days;
}

void keeping_list(struct keeping *keeping, struct arena *arena, struct keep_rule **list,
                  size_t *n) {
    pthread_rwlock_rdlock(&keeping->lock);
    *list = ARENA_ARRAY(arena, struct keep_rule, keeping->n + 1);
    *n = keeping->n;
    for (size_t i = 0; i < keeping->n; i++)
        (*list)[i] = (struct keep_rule){arena_text(arena, slice_of(keeping->rules[i].event)),
                                        arena_text(arena, slice_of(keeping->rules[i].channel)),
                                        keeping->rules[i].source, keeping->rules[i].days};
    pthread_rwlock_unlock(&keeping->lock);
}

struct replacing {
    const struct keep_rule *list;
    size_t n;
};

static int replace(void *context, sqlite3 *db, struct err *err) {
    const struct replacing *replacing = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM keep_rule", err);
    int code = statement ? store_step(statement, err) : E_IO;
    for (size_t i = 0; !code && i < replacing->n; i++) {
        const struct keep_rule *rule = &replacing->list[i];
        statement = STORE_PREPARE(db, "INSERT INTO keep_rule VALUES (?, ?, ?, ?, ?)", err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)i + 1);
        sqlite3_bind_text(statement, 2, rule->event, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, rule->channel, -1, SQLITE_STATIC);
        sqlite3_bind_int(statement, 4, rule->source);
        sqlite3_bind_int64(statement, 5, rule->days);
        code = store_step(statement, err);
    }
    return code;
}

int keeping_replace(struct keeping *keeping, const struct keep_rule *list, size_t n,
                    struct err *err) {
    struct replacing replacing = {list, n};
    int code = store_write(keeping->store, replace, &replacing, err);
    if (!code)
        remember(keeping, list, n);
    return code;
}
