/*
 * Finding and making profiles in the writer's transaction: see customer.h for the rules.
 *
 * A value of the identity set is a profile number, with ATTACHED set where the identifier is only attached to it.
 *
 * STATES of an identifier
 *   unknown  -> attached (beside a userId; external)            attach
 *   unknown  -> own profile                                     identity_own
 *   attached -> own profile redirected to where it was attached identity_own
 *   own      -> own, redirected to the user's                   join (rule 2, nobody's)
 *   own or attached, of another user -> attached to this user   join (rule 2, somebody's)
 *
 * POSITIONS in the identity set: profiles << 32 | attached; at start what is newer is put again in the order in which
 * both tables grew (attached.after).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/internal.h"
#include "customer/kinds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"

/* ---- hashes and memory of recent answers ---- */

struct key128 customers_hash(const struct customers *customers, const struct identity *identity) {
    char kind = (char)identity->kind;
    struct slice parts[3] = {{&kind, 1}, identity->value, identity->external_type};
    size_t n = identity->kind == IDENTITY_EXTERNAL ? 3 : 2;
    return hash_keyed(vault_identity_key(customers->vault), parts, n);
}

static struct memo *memo_of(struct memo *memos, struct key128 key) {
    return &memos[key.a >> 7 & (MEMOS - 1)];
}

static bool memo_is(const struct memo *memo, struct key128 key) {
    return memo->key.a == key.a && memo->key.b == key.b;
}

uint32_t identity_lookup(struct customers *customers, struct key128 key) {
    struct memo *memo = memo_of(customers->found, key);
    uint32_t value = memo_is(memo, key) ? memo->value : keys_get(customers->keys, key);
    if (value == ERASED_OWNER)
        return MAP_NONE;
    if (value != MAP_NONE)
        *memo = (struct memo){key, value};
    return value;
}

static void put(struct customers *customers, struct key128 key, uint32_t value) {
    uint64_t position = (uint64_t)customers->profiles << 32 | customers->attached;
    keys_put(customers->keys, key, value, position);
    *memo_of(customers->found, key) = (struct memo){key, value};
}

void identity_put(struct customers *customers, struct key128 key, uint32_t value) {
    put(customers, key, value);
}

void customers_prefetch(const struct customers *customers, const struct identifiers *identifiers) {
    if (identifiers->user_id.p)
        keys_prefetch(customers->keys, identifiers->user_hash);
    else
        keys_prefetch(customers->keys, identifiers->anonymous_hash);
}

/* An external id, found by its value alone: the untyped key follows the typed one where it led to the same. before: what the typed
 * one was. */
static void put_untyped(struct customers *customers, const struct identity *identity,
                        uint32_t before, uint32_t value) {
    if (identity->kind != IDENTITY_EXTERNAL)
        return;
    struct key128 key = external_value_hash(customers, identity);
    uint32_t there = identity_lookup(customers, key);
    if (there == MAP_NONE || there == before)
        put(customers, key, value);
}

/* ---- records ---- */

static int record_profile(struct customers *customers, const struct identity *identity, sqlite3 *db,
                          struct err *err) {
    struct slice sealed = identity_seal(customers, identity);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "INSERT INTO profile(number, kind, sealed) VALUES (?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)customers->profiles + 1);
    sqlite3_bind_int(statement, 2, (int)identity->kind);
    sqlite3_bind_blob(statement, 3, sealed.p, (int)sealed.n, SQLITE_STATIC);
    return store_step(statement, err);
}

static int record_attached(struct customers *customers, uint32_t profile,
                           const struct identity *identity, sqlite3 *db, struct err *err) {
    struct slice sealed = identity_seal(customers, identity);
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "INSERT INTO attached(number, after, profile, kind, "
                                            "sealed, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
                                            err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)customers->attached + 1);
    sqlite3_bind_int64(statement, 2, customers->profiles);
    sqlite3_bind_int64(statement, 3, profile);
    sqlite3_bind_int(statement, 4, (int)identity->kind);
    sqlite3_bind_blob(statement, 5, sealed.p, (int)sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, clock_now_ms());
    return store_step(statement, err);
}

/* The writer is the only one that changes redirects, so it reads them without the lock. */
static uint32_t root(const struct customers *customers, uint32_t profile) {
    return redirects_root(&customers->redirects, profile);
}

static int attach(struct customers *customers, uint32_t profile, const struct identity *identity,
                  struct key128 key, sqlite3 *db, struct err *err) {
    int code = record_attached(customers, profile, identity, db, err);
    if (code)
        return code;
    customers->attached++;
    put_untyped(customers, identity, identity_lookup(customers, key), profile | ATTACHED);
    put(customers, key, profile | ATTACHED);
    full_attached(customers, root(customers, profile), identity);
    return 0;
}

static int create(struct customers *customers, const struct identity *identity, struct key128 key,
                  uint32_t *profile, sqlite3 *db, struct err *err) {
    if (customers->profiles >= PROFILES_MAX)
        return err_set(err, E_REFUSED, "no room for another customer");
    int code = record_profile(customers, identity, db, err);
    if (code)
        return code;
    *profile = ++customers->profiles;
    full_created(customers, *profile, identity);
    put_untyped(customers, identity, identity_lookup(customers, key), *profile);
    put(customers, key, *profile);
    return 0;
}

/* ---- the rules ---- */

/* Rule 12, of one more value. */
static int attach_where_room(struct customers *customers, uint32_t profile,
                             const struct identity *identity, struct key128 key, bool *attached,
                             sqlite3 *db, struct err *err) {
    int code = full_has_room(customers, root(customers, profile), identity, attached, db, err);
    return code || !*attached ? code : attach(customers, profile, identity, key, db, err);
}

/* Rule 12, of two customers. */
static int merge_where_room(struct customers *customers, uint32_t profile, uint32_t target,
                            enum merge_reason reason, bool *one, sqlite3 *db, struct err *err) {
    int code =
        full_may_merge(customers, root(customers, profile), root(customers, target), one, db, err);
    return code || !*one ? code
                         : merge_edge(customers, profile, target, reason, NULL, NULL, db, err);
}

int identity_own(struct customers *customers, const struct identity *identity, struct key128 key,
                 uint32_t *profile, sqlite3 *db, struct err *err) {
    uint32_t value = identity_lookup(customers, key);
    if (value != MAP_NONE && !(value & ATTACHED)) {
        *profile = value;
        return 0;
    }
    int code = create(customers, identity, key, profile, db, err);
    if (!code && value != MAP_NONE)
        code = merge_edge(customers, *profile, value & ~ATTACHED, MERGE_IDENTIFIED, NULL, NULL, db,
                          err);
    return code;
}

/* Rule 11, of an anonymousId: what comes with it alone has a profile of its own from now on. */
static int drop_out(struct customers *customers, const struct identity *identity, struct key128 key,
                    sqlite3 *db, struct err *err) {
    uint32_t own;
    return create(customers, identity, key, &own, db, err);
}

/* The anonymousId belongs to somebody else: it is the user's from now on, unless too many had it. */
static int take_over(struct customers *customers, uint32_t user, uint32_t there,
                     const struct identity *identity, struct key128 key, bool *taken, sqlite3 *db,
                     struct err *err) {
    bool dropped;
    int code = identity_shared(customers, identity, key, there, user, &dropped, db, err);
    if (code)
        return code;
    *taken = true;
    code = dropped ? drop_out(customers, identity, key, db, err)
                   : attach_where_room(customers, user, identity, key, taken, db, err);
    if (!code && *taken)
        full_changed(customers, root(customers, there));
    return code;
}

/* Rule 2, of an anonymousId that is somebody else's. */
static int join_known(struct customers *customers, uint32_t user, uint32_t value,
                      const struct identity *identity, struct key128 key, bool *joined, sqlite3 *db,
                      struct err *err) {
    uint32_t there = value & ~ATTACHED;
    bool belongs = value & ATTACHED, dropped;
    int code = belongs ? 0 : merge_belongs(customers, root(customers, there), &belongs, db, err);
    if (code)
        return code;
    if (belongs)
        return take_over(customers, user, there, identity, key, joined, db, err);
    code = merge_where_room(customers, there, user, MERGE_IDENTIFIED, joined, db, err);
    return code || *joined
               ? code
               : identity_shared(customers, identity, key, there, user, &dropped, db, err);
}

/* Rule 2: the anonymousId that arrived beside the user's id. */
static int join(struct customers *customers, uint32_t user, struct slice anonymous_id,
                struct key128 key, sqlite3 *db, struct err *err) {
    struct memo *memo = memo_of(customers->joined, key);
    if (memo_is(memo, key) && memo->value == user)
        return 0;
    struct identity identity = {.kind = IDENTITY_ANONYMOUS, .value = anonymous_id};
    uint32_t value = identity_lookup(customers, key);
    bool joined = true;
    int code = 0;
    if (identity_dropped(customers, key))
        return 0;
    if (value == MAP_NONE)
        code = attach_where_room(customers, user, &identity, key, &joined, db, err);
    else if (root(customers, value & ~ATTACHED) != root(customers, user))
        code = join_known(customers, user, value, &identity, key, &joined, db, err);
    if (!code && joined)
        *memo = (struct memo){key, user};
    return code;
}

/* Rule 10, of one that somebody else has. */
static int join_external(struct customers *customers, uint32_t profile, uint32_t there,
                         const struct identity *external, struct key128 key, bool *settled,
                         sqlite3 *db, struct err *err) {
    bool joins = kind_of(kinds_of(customers), external)->joins, dropped;
    bool mine = !joins, theirs = !joins, one = false;
    int code = joins ? merge_belongs(customers, root(customers, profile), &mine, db, err) : 0;
    if (!code && joins)
        code = merge_belongs(customers, root(customers, there), &theirs, db, err);
    if (code)
        return code;
    if (!mine || !theirs)
        code = merge_where_room(customers, mine ? there : profile, mine ? profile : there,
                                MERGE_IDENTIFIED, &one, db, err);
    *settled = one || (mine && theirs);
    return code || one
               ? code
               : identity_shared(customers, external, key, there, profile, &dropped, db, err);
}

/* Rules 5 and 10. */
static int take_externals(struct customers *customers, uint32_t profile,
                          const struct identifiers *identifiers, sqlite3 *db, struct err *err) {
    int code = 0;
    for (size_t i = 0; !code && i < identifiers->n_external; i++) {
        struct key128 key = identifiers->external_hashes[i];
        struct memo *memo = memo_of(customers->joined, key);
        if ((memo_is(memo, key) && memo->value == profile) || identity_dropped(customers, key))
            continue;
        uint32_t value = identity_lookup(customers, key), there = value & ~ATTACHED;
        bool settled = true;
        if (value == MAP_NONE)
            code = attach_where_room(customers, profile, &identifiers->external[i], key, &settled,
                                     db, err);
        else if (root(customers, there) != root(customers, profile))
            code = join_external(customers, profile, there, &identifiers->external[i], key,
                                 &settled, db, err);
        if (!code && settled)
            *memo = (struct memo){key, profile};
    }
    return code;
}

/* Rule 11: the external id that an event without a good userId and anonymousId belongs to; NULL: none. */
static const struct identity *bearing(struct customers *customers,
                                      const struct identifiers *identifiers, struct key128 *key) {
    const struct identifier_kinds *kinds = kinds_of(customers);
    for (size_t i = 0; i < identifiers->n_external; i++) {
        *key = identifiers->external_hashes[i];
        if (kind_of(kinds, &identifiers->external[i])->joins && !identity_dropped(customers, *key))
            return &identifiers->external[i];
    }
    return NULL;
}

bool customers_may_resolve(struct customers *customers, const struct identifiers *identifiers) {
    struct key128 key;
    return identifiers->user_id.p || identifiers->anonymous_id.p ||
           bearing(customers, identifiers, &key);
}

int customers_resolve_hashed(struct customers *customers, const struct identifiers *identifiers,
                             uint32_t *profile, sqlite3 *db, struct err *err) {
    bool user = identifiers->user_id.p != NULL;
    struct identity identity = {
        .kind = user ? IDENTITY_USER : IDENTITY_ANONYMOUS,
        .value = user ? identifiers->user_id : identifiers->anonymous_id,
    };
    struct key128 key = user ? identifiers->user_hash : identifiers->anonymous_hash, other;
    if (full_refresh(customers))
        memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
    bool lost = !user && (!identity.value.p || identity_dropped(customers, key));
    const struct identity *external = lost ? bearing(customers, identifiers, &other) : NULL;
    if (external)
        return identity_own(customers, external, other, profile, db, err);
    if (!identity.value.p)
        return err_set(err, E_INTERNAL, "an event without a person");
    int code = identity_own(customers, &identity, key, profile, db, err);
    if (!code && user && identifiers->anonymous_id.p)
        code = join(customers, *profile, identifiers->anonymous_id, identifiers->anonymous_hash, db,
                    err);
    if (!code && identifiers->n_external && !lost)
        code = take_externals(customers, *profile, identifiers, db, err);
    return code;
}

/* Rule 6. */
static int attach_both(struct customers *customers, uint32_t user, struct slice id,
                       struct key128 user_key, struct key128 anonymous_key, sqlite3 *db,
                       struct err *err) {
    struct identity identity = {.kind = IDENTITY_USER, .value = id};
    bool attached;
    int code = attach_where_room(customers, user, &identity, user_key, &attached, db, err);
    identity.kind = IDENTITY_ANONYMOUS;
    return code || !attached
               ? code
               : attach_where_room(customers, user, &identity, anonymous_key, &attached, db, err);
}

int customers_alias(struct customers *customers, struct slice previous_id, struct slice user_id,
                    sqlite3 *db, struct err *err) {
    struct identity user = {.kind = IDENTITY_USER, .value = user_id};
    struct identity before = {.kind = IDENTITY_USER, .value = previous_id};
    struct identity anonymous = {.kind = IDENTITY_ANONYMOUS, .value = previous_id};
    struct key128 user_key = customers_hash(customers, &before);
    struct key128 anonymous_key = customers_hash(customers, &anonymous);
    uint32_t profile = MAP_NONE;
    bool one;
    full_refresh(customers);
    int code = identity_own(customers, &user, customers_hash(customers, &user), &profile, db, err);
    if (code || slice_equal(previous_id, user_id))
        return code;
    uint32_t as_user = identity_lookup(customers, user_key),
             as_anonymous = identity_lookup(customers, anonymous_key);
    if (as_user == MAP_NONE && as_anonymous == MAP_NONE)
        return attach_both(customers, profile, previous_id, user_key, anonymous_key, db, err);
    if (as_user == MAP_NONE)
        return join(customers, profile, previous_id, anonymous_key, db, err);
    uint32_t from = as_user & ~ATTACHED;
    return root(customers, from) == root(customers, profile)
               ? 0
               : merge_where_room(customers, from, profile, MERGE_ALIAS, &one, db, err);
}

/* ---- with the transaction ---- */

void customers_commit(void *context) {
    struct customers *customers = context;
    keys_commit(customers->keys);
    customers->n_dropping = 0;
    forget_settle(customers, false);
    if (customers->n_undo) {
        customers->n_undo = 0;
        atomic_fetch_add(&customers->version, 1);
    }
    customers->attached_committed = customers->attached;
    atomic_store(&customers->attached_seen, customers->attached);
    atomic_store(&customers->committed, customers->profiles);
}

void customers_rollback(void *context) {
    struct customers *customers = context;
    keys_rollback(customers->keys);
    dropped_rollback(customers);
    forget_settle(customers, true);
    if (customers->n_undo) {
        merge_rollback(customers);
        atomic_fetch_add(&customers->version, 1);
    }
    customers->attached = customers->attached_committed;
    customers->profiles = atomic_load(&customers->committed);
    customers->full.turn++;
    memset(customers->found, 0, MEMOS * sizeof *customers->found);
    memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
}
