/*
 * Making customers one, and taking that back exactly: edges between profiles (rules 7 and 8 of customer.h).
 *
 * INVARIANTS
 *  1. An edge joins the two profiles that were meant, not their owners: what each merge says stands on its own.
 *  2. A profile leads to at most one other, so the edges are a forest. Where one that leads somewhere must lead elsewhere,
 *     the edges from it to its root are turned round: the same profiles are one, by the same merges, with another owner.
 *  3. Records and the forest in memory change in the same order; a rolled back transaction undoes it in memory.
 *
 * COST  A merge or its undoing: a row for each edge on the way to the root, and one overlay. No part is rewritten.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "customer/internal.h"

/* ---- edges ---- */

static void change(struct customers *customers, uint32_t profile, uint32_t target, bool removed) {
    if (customers->n_undo == customers->undo_capacity) {
        customers->undo_capacity = customers->undo_capacity ? customers->undo_capacity * 2 : 64;
        customers->undo =
            realloc(customers->undo, customers->undo_capacity * sizeof *customers->undo);
        if (!customers->undo)
            abort();
    }
    customers->undo[customers->n_undo++] = (struct edge_change){profile, target, removed};
    pthread_mutex_lock(&customers->lock);
    if (removed)
        redirects_remove(&customers->redirects, profile);
    else
        redirects_add(&customers->redirects, profile, target);
    pthread_mutex_unlock(&customers->lock);
}

void merge_rollback(struct customers *customers) {
    pthread_mutex_lock(&customers->lock);
    while (customers->n_undo) {
        const struct edge_change *last = &customers->undo[--customers->n_undo];
        if (last->removed)
            redirects_add(&customers->redirects, last->profile, last->target);
        else
            redirects_remove(&customers->redirects, last->profile);
    }
    pthread_mutex_unlock(&customers->lock);
}

/* The edge profile -> its target becomes target -> profile; the target leads nowhere. */
static int turn(struct customers *customers, uint32_t profile, sqlite3 *db, struct err *err) {
    uint32_t target = redirects_target(&customers->redirects, profile);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE redirect SET profile = ?2, target = ?1 WHERE profile = ?1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    sqlite3_bind_int64(statement, 2, target);
    int code = store_step(statement, err);
    if (code)
        return code;
    change(customers, profile, target, true);
    change(customers, target, profile, false);
    return 0;
}

/* Makes a profile the root of its tree. */
static int make_root(struct customers *customers, uint32_t profile, sqlite3 *db, struct err *err) {
    size_t n = 0;
    int code = 0;
    for (uint32_t at = profile; (at = redirects_target(&customers->redirects, at)) != 0;)
        n++;
    uint32_t *way = malloc((n + 1) * sizeof *way);
    if (!way)
        abort();
    way[0] = profile;
    for (size_t i = 1; i <= n; i++)
        way[i] = redirects_target(&customers->redirects, way[i - 1]);
    while (!code && n-- > 0)
        code = turn(customers, way[n], db, err);
    free(way);
    return code;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
    if (text && text[0])
        sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, at);
}

int merge_edge(struct customers *customers, uint32_t profile, uint32_t target,
               enum merge_reason reason, const char *who, const char *why, sqlite3 *db,
               struct err *err) {
    int code = make_root(customers, profile, db, err);
    if (code)
        return code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO redirect(profile, target, reason, at_ms, number, who, why)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?)",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    sqlite3_bind_int64(statement, 2, target);
    sqlite3_bind_int(statement, 3, (int)reason);
    sqlite3_bind_int64(statement, 4, clock_now_ms());
    sqlite3_bind_int64(statement, 5, (int64_t)++customers->merges);
    bind_text(statement, 6, who);
    bind_text(statement, 7, why);
    code = store_step(statement, err);
    if (!code)
        change(customers, profile, target, false);
    return code;
}

static int member_belongs(uint32_t profile, bool *belongs, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT (SELECT kind FROM profile WHERE number = ?1) = 1"
        " OR EXISTS (SELECT 1 FROM separated WHERE reason = 1 AND ?1 IN (profile, target))",
        err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    int code = store_step(statement, err);
    if (code == 1)
        *belongs = sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

int merge_belongs(struct customers *customers, uint32_t root, bool *belongs, sqlite3 *db,
                  struct err *err) {
    struct arena arena;
    uint32_t *members;
    arena_init(&arena);
    size_t n = customers_members(customers, root, &arena, &members);
    int code = 0;
    *belongs = false;
    for (size_t i = 0; !code && !*belongs && i < n; i++)
        code = member_belongs(members[i], belongs, db, err);
    arena_release(&arena);
    return code;
}

/* ---- history ---- */

static const char *copy_column(sqlite3_stmt *row, int at, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(row, at);
    return text ? arena_text(arena, slice_of(text)) : "";
}

/* Columns number, profile, target, reason, at_ms, who, why, separated_ms, separated_by. */
static struct merge read_merge(sqlite3_stmt *row, struct arena *arena) {
    return (struct merge){
        .number = (uint64_t)sqlite3_column_int64(row, 0),
        .profile = (uint32_t)sqlite3_column_int64(row, 1),
        .target = (uint32_t)sqlite3_column_int64(row, 2),
        .reason = (enum merge_reason)sqlite3_column_int(row, 3),
        .at_ms = sqlite3_column_int64(row, 4),
        .who = copy_column(row, 5, arena),
        .why = copy_column(row, 6, arena),
        .separated_ms = sqlite3_column_int64(row, 7),
        .separated_by = copy_column(row, 8, arena),
    };
}

struct reading {
    struct arena *arena;
    struct merge *merges; /* [n of MERGES_MAX * 2] */
    size_t n, most;
};

static int read_rows(struct reading *reading, sqlite3_stmt *statement, uint32_t profile,
                     struct err *err) {
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    int code = 0;
    while (reading->n < reading->most && (code = store_step(statement, err)) == 1) {
        struct merge merge = read_merge(statement, reading->arena);
        size_t i = 0;
        while (i < reading->n && reading->merges[i].number != merge.number)
            i++;
        if (i == reading->n)
            reading->merges[reading->n++] = merge;
    }
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

static int newest_first(const void *a, const void *b) {
    const struct merge *x = a, *y = b;
    return (x->number < y->number) - (x->number > y->number);
}

static int read_history(struct customers *customers, uint32_t owner, struct reading *reading,
                        sqlite3 *db, struct err *err) {
    uint32_t *members;
    size_t n = customers_members(customers, owner, reading->arena, &members);
    int code = 0;
    reading->most = MERGES_MAX;
    for (size_t i = 0; !code && i < n; i++)
        code = read_rows(reading,
                         STORE_PREPARE(db,
                                       "SELECT number, profile, target, reason, at_ms, who, why, 0,"
                                       " NULL FROM redirect WHERE profile = ?",
                                       err),
                         members[i], err);
    reading->most = reading->n + MERGES_MAX;
    for (size_t i = 0; !code && i < n; i++)
        code = read_rows(
            reading,
            STORE_PREPARE(db,
                          "SELECT number, profile, target, reason, at_ms, who, why, separated_ms,"
                          " separated_by FROM separated WHERE profile = ?1 OR target = ?1",
                          err),
            members[i], err);
    if (reading->n)
        qsort(reading->merges, reading->n, sizeof *reading->merges, newest_first);
    return code;
}

int customers_merges(struct customers *customers, uint32_t owner, struct arena *arena,
                     struct merge **merges, size_t *n, struct err *err) {
    struct reading reading = {.arena = arena};
    reading.merges = ARENA_ARRAY(arena, struct merge, (size_t)MERGES_MAX * 2);
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? read_history(customers, owner, &reading, db, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(customers->store, db);
    *merges = reading.merges;
    *n = reading.n;
    return code;
}

/* ---- by hand ---- */

struct by_hand {
    struct customers *customers;
    uint32_t profile, into;
    uint64_t number;
    const char *who, *why;
    struct arena *arena;
    struct merge *merge;
};

static int unite(void *context, sqlite3 *db, struct err *err) {
    struct by_hand *hand = context;
    struct customers *customers = hand->customers;
    if (redirects_root(&customers->redirects, hand->profile) ==
        redirects_root(&customers->redirects, hand->into))
        return err_set(err, E_CONFLICT, "they are one customer already");
    int code = merge_edge(customers, hand->profile, hand->into, MERGE_BY_HAND, hand->who, hand->why,
                          db, err);
    *hand->merge = (struct merge){.number = customers->merges,
                                  .profile = hand->profile,
                                  .target = hand->into,
                                  .reason = MERGE_BY_HAND,
                                  .at_ms = clock_now_ms(),
                                  .who = hand->who,
                                  .why = hand->why,
                                  .separated_by = ""};
    return code;
}

int customers_unite(struct customers *customers, uint32_t profile, uint32_t into, const char *who,
                    const char *why, struct merge *merge, struct err *err) {
    struct by_hand hand = {
        .customers = customers, .profile = profile, .into = into, .who = who, .why = why};
    hand.merge = merge;
    return store_write(customers->store, unite, &hand, err);
}

/* The merge that is meant, among those that hold; NULL: none. merges: newest first. */
static const struct merge *choose(const struct merge *merges, size_t n,
                                  const struct by_hand *hand) {
    const struct merge *last = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct merge *merge = &merges[i];
        if (merge->separated_ms)
            continue;
        if (hand->number && merge->number == hand->number)
            return merge;
        if (hand->number || merge->reason == MERGE_IDENTIFIED)
            continue;
        if (merge->profile == hand->profile || merge->target == hand->profile)
            return merge;
        if (!last)
            last = merge;
    }
    return last;
}

static int record_separated(const struct merge *merge, const char *who, sqlite3 *db,
                            struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO separated(number, profile, target, reason, at_ms, who, why,"
                      " separated_ms, separated_by) SELECT number, profile, target, reason, at_ms,"
                      " who, why, ?2, ?3 FROM redirect WHERE profile = ?1",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, merge->profile);
    sqlite3_bind_int64(statement, 2, merge->separated_ms);
    sqlite3_bind_text(statement, 3, who, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code)
        return code;
    statement = STORE_PREPARE(db, "DELETE FROM redirect WHERE profile = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, merge->profile);
    return store_step(statement, err);
}

static int separate(void *context, sqlite3 *db, struct err *err) {
    struct by_hand *hand = context;
    struct customers *customers = hand->customers;
    struct reading reading = {.arena = hand->arena};
    reading.merges = ARENA_ARRAY(hand->arena, struct merge, (size_t)MERGES_MAX * 2);
    uint32_t owner = redirects_root(&customers->redirects, hand->profile);
    int code = read_history(customers, owner, &reading, db, err);
    const struct merge *meant = code ? NULL : choose(reading.merges, reading.n, hand);
    if (!code && !meant)
        code = err_set(err, E_NOT_FOUND, "this customer has no such merge that holds");
    if (!code) {
        *hand->merge = *meant;
        hand->merge->separated_ms = clock_now_ms();
        hand->merge->separated_by = hand->who;
        code = record_separated(hand->merge, hand->who, db, err);
    }
    if (!code) {
        change(customers, hand->merge->profile, hand->merge->target, true);
        memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
    }
    return code;
}

int customers_separate(struct customers *customers, uint32_t profile, uint64_t number,
                       const char *who, struct arena *arena, struct merge *merge, struct err *err) {
    struct by_hand hand = {.customers = customers, .profile = profile, .number = number};
    hand.who = who;
    hand.arena = arena;
    hand.merge = merge;
    return store_write(customers->store, separate, &hand, err);
}
