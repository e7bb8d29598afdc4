/*
 * Making customers one, and taking that back exactly: edges between profiles (rules 7 and 8 of customer.h).
 *
 * INVARIANTS
 *  1. An edge joins the two profiles that were meant, not their owners: what each merge says stands on its own.
 *  2. A profile leads to at most one other, so the edges are a forest. Where one that leads somewhere must lead elsewhere,
 *     the edges from it to its root are turned round: the same profiles are one, by the same merges, with another owner.
 *     The records say of each edge which way it was meant.
 *  3. The owner of a tree is who the merges that hold make it, one after the other (rule 7). Adding an edge keeps that; after
 *     one was taken back, both trees are settled: their owner is found anew from their edges and made the root.
 *  4. Records and the forest in memory change in the same order; a rolled back transaction undoes it in memory.
 *
 * COST  A merge: a row for each edge on the way to the root, and one overlay; its undoing reads the edges of the tree besides.
 * No part is rewritten.
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
        STORE_PREPARE(db,
                      "UPDATE redirect SET profile = ?2, target = ?1, turned = 1 - turned"
                      " WHERE profile = ?1",
                      err);
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
    full_merged(customers, redirects_root(&customers->redirects, profile),
                redirects_root(&customers->redirects, target));
    int code = make_root(customers, profile, db, err);
    if (code)
        return code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO redirect(profile, target, reason, at_ms, number, who, why)"
                      " VALUES (?, ?, ?, ?, ?, sealed(?), sealed(?))",
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
    size_t n = customers_members(customers, root, MEMBERS_MAX, &arena, &members);
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
    struct merge *merges; /* [room] */
    size_t n, room, most;
    uint64_t before; /* numbers below it */
};

static int newest_first(const void *a, const void *b) {
    const struct merge *x = a, *y = b;
    return (x->number < y->number) - (x->number > y->number);
}

/* Sorted, each once (a separated one stands at both of its ends), the newest `most`. */
static void keep_newest(struct reading *reading) {
    size_t kept = 0;
    if (reading->n)
        qsort(reading->merges, reading->n, sizeof *reading->merges, newest_first);
    for (size_t i = 0; i < reading->n && kept < reading->most; i++)
        if (!kept || reading->merges[kept - 1].number != reading->merges[i].number)
            reading->merges[kept++] = reading->merges[i];
    reading->n = kept;
}

static int read_rows(struct reading *reading, sqlite3_stmt *statement, uint32_t profile,
                     struct err *err) {
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    sqlite3_bind_int64(statement, 2, (int64_t)reading->before);
    int code = 0;
    while ((code = store_step(statement, err)) == 1) {
        if (reading->n == reading->room)
            keep_newest(reading);
        reading->merges[reading->n++] = read_merge(statement, reading->arena);
    }
    return code;
}

/* A redirect as it was meant. */
#define EDGE_ENDS                                                                                  \
    "number, CASE turned WHEN 1 THEN target ELSE profile END,"                                     \
    " CASE turned WHEN 1 THEN profile ELSE target END, reason, at_ms"
#define EDGE_COLUMNS EDGE_ENDS ", opened(who), opened(why)"

static int read_history(struct customers *customers, uint32_t owner, struct reading *reading,
                        sqlite3 *db, struct err *err) {
    uint32_t *members;
    size_t n = customers_members(customers, owner, SIZE_MAX, reading->arena, &members);
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        code = read_rows(reading,
                         STORE_PREPARE(db,
                                       "SELECT " EDGE_COLUMNS
                                       ", 0, NULL FROM redirect WHERE profile = ? AND number < ?",
                                       err),
                         members[i], err);
        if (!code)
            code = read_rows(
                reading,
                STORE_PREPARE(
                    db,
                    "SELECT number, profile, target, reason, at_ms, opened(who), opened(why),"
                    " separated_ms, opened(separated_by) FROM separated WHERE (profile = ?1 OR "
                    "target = ?1)"
                    " AND number < ?2",
                    err),
                members[i], err);
    }
    keep_newest(reading);
    return code;
}

int customers_merges(struct customers *customers, uint32_t owner, uint64_t before,
                     struct arena *arena, struct merge **merges, size_t *n, struct err *err) {
    struct reading reading = {.arena = arena, .most = *n, .room = *n * 2 + 1};
    reading.before = before && before < INT64_MAX ? before : INT64_MAX;
    reading.merges = ARENA_ARRAY(arena, struct merge, reading.room);
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? read_history(customers, owner, &reading, db, err)
                  : err_set(err, E_IO, "the records could not be read");
    store_reader_put(customers->store, db);
    *merges = reading.merges;
    *n = reading.n;
    return code;
}

/* ---- who owns a tree ---- */

struct edge {
    uint64_t number;
    uint32_t from, into; /* as it was meant */
};

static int oldest_first(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The edges of a tree: one leads from each member but the root. */
static int read_edges(const uint32_t *members, size_t n_members, struct edge *edges, size_t *n,
                      sqlite3 *db, struct err *err) {
    int code = 0;
    *n = 0;
    for (size_t i = 0; code >= 0 && i < n_members; i++) {
        sqlite3_stmt *statement =
            STORE_PREPARE(db, "SELECT " EDGE_COLUMNS " FROM redirect WHERE profile = ?", err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, members[i]);
        code = store_step(statement, err);
        if (code == 1)
            edges[(*n)++] = (struct edge){(uint64_t)sqlite3_column_int64(statement, 0),
                                          (uint32_t)sqlite3_column_int64(statement, 1),
                                          (uint32_t)sqlite3_column_int64(statement, 2)};
        sqlite3_reset(statement);
    }
    return code < 0 ? code : 0;
}

static size_t place_of(const uint32_t *members, size_t n, uint32_t member) {
    const uint32_t *at = bsearch(&member, members, n, sizeof *members, by_number);
    return at ? (size_t)(at - members) : 0;
}

/* The place that the merges, one after the other, make the owner. owners: [n], 0 … n − 1. */
static size_t replay(const uint32_t *members, size_t n, const struct edge *edges, size_t n_edges,
                     size_t *owners) {
    for (size_t i = 0; i < n_edges; i++) {
        size_t from = place_of(members, n, edges[i].from),
               into = place_of(members, n, edges[i].into);
        while (owners[from] != from)
            from = owners[from] = owners[owners[from]];
        while (owners[into] != into)
            into = owners[into] = owners[owners[into]];
        owners[from] = into;
    }
    size_t owner = 0;
    while (owners[owner] != owner)
        owner = owners[owner];
    return owner;
}

/* Invariant 3, for the tree of a profile. */
static int settle(struct customers *customers, uint32_t profile, sqlite3 *db, struct err *err) {
    struct arena arena;
    uint32_t *members, root = redirects_root(&customers->redirects, profile);
    size_t n_edges;
    arena_init(&arena);
    size_t n = customers_members(customers, root, SIZE_MAX, &arena, &members);
    struct edge *edges = ARENA_ARRAY(&arena, struct edge, n);
    size_t *owners = ARENA_ARRAY(&arena, size_t, n);
    int code = read_edges(members, n, edges, &n_edges, db, err);
    if (!code && n_edges) {
        qsort(members, n, sizeof *members, by_number);
        qsort(edges, n_edges, sizeof *edges, oldest_first);
        for (size_t i = 0; i < n; i++)
            owners[i] = i;
        uint32_t owner = members[replay(members, n, edges, n_edges, owners)];
        if (owner != root)
            code = make_root(customers, owner, db, err);
    }
    arena_release(&arena);
    return code;
}

/* ---- by hand ---- */

struct by_hand {
    struct customers *customers;
    uint32_t profile, into;
    uint64_t number;
    const struct identity *identity;
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

/* The merge that is meant, among those that hold. One look at each edge of the tree. */
static int choose(const struct by_hand *hand, uint32_t owner, struct merge *meant, bool *found,
                  sqlite3 *db, struct err *err) {
    uint32_t *members;
    size_t n = customers_members(hand->customers, owner, SIZE_MAX, hand->arena, &members);
    bool own = false;
    int code = 0;
    *found = false;
    for (size_t i = 0; code >= 0 && i < n; i++) {
        sqlite3_stmt *statement = STORE_PREPARE(
            db, "SELECT " EDGE_COLUMNS ", 0, NULL FROM redirect WHERE profile = ?", err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, members[i]);
        code = store_step(statement, err);
        uint64_t number = code == 1 ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
        bool touches = number && (sqlite3_column_int64(statement, 1) == hand->profile ||
                                  sqlite3_column_int64(statement, 2) == hand->profile);
        bool meant_here =
            hand->number
                ? number == hand->number
                : number && sqlite3_column_int(statement, 3) != MERGE_IDENTIFIED &&
                      (!*found || touches > own || (touches == own && number > meant->number));
        if (number && meant_here) {
            *meant = read_merge(statement, hand->arena);
            *found = true;
            own = touches;
        }
        sqlite3_reset(statement);
    }
    return code < 0 ? code : 0;
}

static int record_separated(const struct merge *merge, uint32_t from, sqlite3 *db,
                            struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO separated(number, profile, target, reason, at_ms, who, why,"
                      " separated_ms, separated_by) SELECT " EDGE_ENDS
                      ", who, why, ?2, sealed(?3) FROM redirect WHERE profile = ?1",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, from);
    sqlite3_bind_int64(statement, 2, merge->separated_ms);
    sqlite3_bind_text(statement, 3, merge->separated_by, -1, SQLITE_STATIC);
    int code = store_step(statement, err);
    if (code)
        return code;
    statement = STORE_PREPARE(db, "DELETE FROM redirect WHERE profile = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, from);
    return store_step(statement, err);
}

/* Takes the edge of a merge away and settles both sides. */
static int take_back(struct by_hand *hand, sqlite3 *db, struct err *err) {
    struct customers *customers = hand->customers;
    struct merge *merge = hand->merge;
    bool turned = redirects_target(&customers->redirects, merge->profile) != merge->target;
    uint32_t from = turned ? merge->target : merge->profile,
             into = turned ? merge->profile : merge->target;
    merge->separated_ms = clock_now_ms();
    merge->separated_by = hand->who;
    int code = record_separated(merge, from, db, err);
    if (code)
        return code;
    change(customers, from, into, true);
    memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
    code = settle(customers, from, db, err);
    if (!code)
        code = settle(customers, into, db, err);
    full_changed(customers, redirects_root(&customers->redirects, from));
    full_changed(customers, redirects_root(&customers->redirects, into));
    return code;
}

static int separate(void *context, sqlite3 *db, struct err *err) {
    struct by_hand *hand = context;
    uint32_t owner = redirects_root(&hand->customers->redirects, hand->profile);
    bool found;
    int code = choose(hand, owner, hand->merge, &found, db, err);
    if (!code && !found)
        code = err_set(err, E_NOT_FOUND, "this customer has no such merge that holds");
    return code ? code : take_back(hand, db, err);
}

int customers_separate(struct customers *customers, uint32_t profile, uint64_t number,
                       const char *who, struct arena *arena, struct merge *merge, struct err *err) {
    struct by_hand hand = {.customers = customers, .profile = profile, .number = number};
    hand.who = who;
    hand.arena = arena;
    hand.merge = merge;
    return store_write(customers->store, separate, &hand, err);
}

static int separate_identity(void *context, sqlite3 *db, struct err *err) {
    struct by_hand *hand = context;
    struct customers *customers = hand->customers;
    struct key128 key = customers_hash(customers, hand->identity);
    uint32_t value = identity_lookup(customers, key), own = value,
             owner = redirects_root(&customers->redirects, hand->profile);
    if (value == MAP_NONE || redirects_root(&customers->redirects, value & ~ATTACHED) != owner)
        return err_set(err, E_NOT_FOUND, "this customer has no such identifier");
    int code = value & ATTACHED ? identity_own(customers, hand->identity, key, &own, db, err) : 0;
    if (code)
        return code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT " EDGE_COLUMNS ", 0, NULL FROM redirect WHERE profile = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, own);
    code = store_step(statement, err);
    if (code == 1)
        *hand->merge = read_merge(statement, hand->arena);
    sqlite3_reset(statement);
    if (code < 0)
        return code;
    if (!code) {
        code = err_set(err, E_CONFLICT, "the customer began with this identifier");
        err_hint(err, "Separate what was added to it instead.");
        return code;
    }
    return take_back(hand, db, err);
}

int customers_separate_identity(struct customers *customers, uint32_t profile,
                                const struct identity *identity, const char *who,
                                struct arena *arena, struct merge *merge, struct err *err) {
    struct by_hand hand = {.customers = customers, .profile = profile, .identity = identity};
    hand.who = who;
    hand.arena = arena;
    hand.merge = merge;
    return store_write(customers->store, separate_identity, &hand, err);
}
