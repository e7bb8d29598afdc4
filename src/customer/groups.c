/*
 * Groups of customers, written: see groups.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/groups.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "customer/internal.h"

static const char *const kinds[GROUP_KINDS] = {"group", "household", "company", "contract"};

const char *group_kind_name(enum group_kind kind) { return kinds[kind]; }

bool group_kind_find(struct slice name, enum group_kind *kind) {
    static const struct {
        const char *name;
        enum group_kind kind;
    } words[] = {{"household", GROUP_HOUSEHOLD}, {"hogar", GROUP_HOUSEHOLD},
                 {"familia", GROUP_HOUSEHOLD},   {"family", GROUP_HOUSEHOLD},
                 {"company", GROUP_COMPANY},     {"empresa", GROUP_COMPANY},
                 {"account", GROUP_COMPANY},     {"organization", GROUP_COMPANY},
                 {"contract", GROUP_CONTRACT},   {"contrato", GROUP_CONTRACT},
                 {"group", GROUP_PLAIN},         {"grupo", GROUP_PLAIN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(name, words[i].name)) {
            *kind = words[i].kind;
            return true;
        }
    return false;
}

struct key128 group_hash(const struct customers *customers, struct slice id) {
    struct slice parts[2] = {SLICE_LITERAL("group"), id};
    return hash_keyed(vault_identity_key(customers->vault), parts, 2);
}

/* ---- writing ---- */

struct writing {
    struct customers *customers;
    struct key128 hash;
    enum group_kind kind;
    struct slice document;
    bool bare;
    enum group_put how;
    const struct group_member *members;
    size_t n;
};

/* 0: there is none. */
static int find_number(struct key128 hash, uint64_t *number, sqlite3 *db, struct err *err) {
    sqlite3_stmt *row = STORE_PREPARE(db, "SELECT number FROM customer_group WHERE hash = ?", err);
    if (!row)
        return err->code;
    sqlite3_bind_blob(row, 1, &hash, sizeof hash, SQLITE_STATIC);
    int code = store_step(row, err);
    *number = code == 1 ? (uint64_t)sqlite3_column_int64(row, 0) : 0;
    sqlite3_reset(row);
    return code < 0 ? code : 0;
}

static int write_group(const struct writing *writing, uint64_t *number, sqlite3 *db,
                       struct err *err) {
    struct customers *customers = writing->customers;
    buf_clear(&customers->sealed);
    vault_seal(customers->vault, writing->document, &customers->sealed);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO customer_group(hash, kind, sealed, changed_ms)"
                      " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(hash) DO UPDATE SET kind = ?2,"
                      " sealed = ?3, changed_ms = ?4 WHERE NOT ?5",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &writing->hash, sizeof writing->hash, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, kinds[writing->kind], -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 3, customers->sealed.p, (int)customers->sealed.n, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, clock_now_ms());
    sqlite3_bind_int(statement, 5, writing->bare);
    int code = store_step(statement, err);
    return code ? code : find_number(writing->hash, number, db, err);
}

static int add_member(uint64_t number, uint32_t profile, struct slice role, int64_t since_ms,
                      sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT OR IGNORE INTO group_member(customer_group, profile, role, since_ms)"
                      " VALUES(?, ?, ?, ?)",
                      err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    sqlite3_bind_int64(statement, 2, profile);
    sqlite3_bind_text(statement, 3, role.n ? role.p : "member", role.n ? (int)role.n : 6,
                      SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, since_ms);
    return store_step(statement, err);
}

int groups_join(struct customers *customers, uint32_t profile, const struct group_word *word,
                sqlite3 *db, struct err *err) {
    struct writing writing = {.customers = customers,
                              .hash = group_hash(customers, word->id),
                              .kind = word->kind,
                              .document = word->document,
                              .bare = word->bare};
    struct slice parts[3] = {word->document, word->role, {kinds[word->kind], 1}};
    struct key128 said = hash_keyed(vault_identity_key(customers->vault), parts, 3);
    said.a ^= writing.hash.a ^ profile;
    struct memo *memo = &customers->joined[said.a >> 7 & (MEMOS - 1)];
    if (memo->key.a == said.a && memo->key.b == said.b && memo->value == profile)
        return 0;
    uint64_t number = 0;
    int code = write_group(&writing, &number, db, err);
    if (!code)
        code = add_member(number, profile, word->role, clock_now_ms(), db, err);
    if (!code)
        *memo = (struct memo){said, profile};
    return code;
}

static int forget_members(uint64_t number, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM group_member WHERE customer_group = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    return store_step(statement, err);
}

/* Events that said so before say it anew. */
static void forget_memos(struct customers *customers) {
    memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
}

static int replace_members(const struct writing *writing, uint64_t number, sqlite3 *db,
                           struct err *err) {
    struct arena arena;
    struct group before = {.number = number};
    arena_init(&arena);
    int code = group_read_members(writing->customers, &before, &arena, db, err);
    if (!code)
        code = forget_members(number, db, err);
    for (size_t i = 0; !code && i < writing->n; i++) {
        const struct group_member *member = &writing->members[i];
        int64_t since_ms = clock_now_ms();
        for (size_t k = 0; k < before.n_members; k++)
            if (before.members[k].owner == member->owner &&
                strcmp(before.members[k].role, member->role) == 0)
                since_ms = before.members[k].since_ms;
        code = add_member(number, member->owner, slice_of(member->role), since_ms, db, err);
    }
    arena_release(&arena);
    return code;
}

static int replace(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    uint64_t number = 0;
    int code = writing->how == GROUP_NEW_WHOLE ? find_number(writing->hash, &number, db, err) : 0;
    if (!code && number)
        code = err_at(err, E_CONFLICT, "/id", "there is a group of that id already");
    if (!code)
        code = write_group(writing, &number, db, err);
    if (!code && writing->how != GROUP_WORDS)
        code = replace_members(writing, number, db, err);
    forget_memos(writing->customers);
    return code;
}

int groups_put(struct customers *customers, struct slice id, const struct group *group,
               enum group_put how, struct err *err) {
    struct writing writing = {.customers = customers,
                              .hash = group_hash(customers, id),
                              .kind = group->kind,
                              .document = slice_of(group->document),
                              .how = how,
                              .members = group->members,
                              .n = group->n_members};
    return store_write(customers->store, replace, &writing, err);
}

/* E_NOT_FOUND. */
static int must_find(const struct writing *writing, uint64_t *number, sqlite3 *db,
                     struct err *err) {
    int code = find_number(writing->hash, number, db, err);
    return code || *number ? code : err_set(err, E_NOT_FOUND, "no such group");
}

static int take_away(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    uint64_t number = 0;
    int code = must_find(writing, &number, db, err);
    if (!code)
        code = forget_members(number, db, err);
    if (code)
        return code;
    forget_memos(writing->customers);
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM customer_group WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    return store_step(statement, err);
}

int groups_remove(struct customers *customers, struct slice id, struct err *err) {
    struct writing writing = {.customers = customers, .hash = group_hash(customers, id)};
    return store_write(customers->store, take_away, &writing, err);
}

/* ---- one member ---- */

static int join_one(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    struct arena arena;
    struct group group = {0};
    arena_init(&arena);
    int code = must_find(writing, &group.number, db, err);
    if (!code)
        code = group_read_members(writing->customers, &group, &arena, db, err);
    bool is_in = false;
    for (size_t i = 0; !code && i < group.n_members; i++)
        is_in |= group.members[i].owner == writing->members->owner &&
                 strcmp(group.members[i].role, writing->members->role) == 0;
    if (!code && !is_in && group.n_members >= GROUP_MEMBERS_MAX)
        code = err_set(err, E_REFUSED, "a group has at most %d members", GROUP_MEMBERS_MAX);
    if (!code && !is_in)
        code = add_member(group.number, writing->members->owner, slice_of(writing->members->role),
                          clock_now_ms(), db, err);
    arena_release(&arena);
    return code;
}

int groups_add_member(struct customers *customers, struct slice id, uint32_t owner,
                      const char *role, struct err *err) {
    struct group_member member = {.owner = owner, .role = role};
    struct writing writing = {
        .customers = customers, .hash = group_hash(customers, id), .members = &member, .n = 1};
    return store_write(customers->store, join_one, &writing, err);
}

struct leaving {
    struct writing writing;
    const uint32_t *profiles; /* of the customer */
    size_t n_profiles;
};

static int leave_one(void *context, sqlite3 *db, struct err *err) {
    const struct leaving *leaving = context;
    const char *role = leaving->writing.members->role;
    uint64_t number = 0;
    int gone = 0, code = must_find(&leaving->writing, &number, db, err);
    for (size_t i = 0; !code && i < leaving->n_profiles; i++) {
        sqlite3_stmt *statement = STORE_PREPARE(db,
                                                "DELETE FROM group_member WHERE customer_group = ?1"
                                                " AND profile = ?2 AND (?3 IS NULL OR role = ?3)",
                                                err);
        if (!statement)
            return err->code;
        sqlite3_bind_int64(statement, 1, (int64_t)number);
        sqlite3_bind_int64(statement, 2, leaving->profiles[i]);
        sqlite3_bind_text(statement, 3, role, -1, SQLITE_STATIC);
        code = store_step(statement, err);
        gone += sqlite3_changes(db);
    }
    forget_memos(leaving->writing.customers);
    return code || gone ? code : err_set(err, E_NOT_FOUND, "no such member");
}

int groups_drop_member(struct customers *customers, struct slice id, uint32_t owner,
                       const char *role, struct err *err) {
    struct arena arena;
    struct group_member member = {.owner = owner, .role = role};
    struct leaving leaving = {
        .writing = {.customers = customers, .hash = group_hash(customers, id), .members = &member}};
    uint32_t *profiles;
    arena_init(&arena);
    leaving.n_profiles = customers_members(customers, owner, MEMBERS_MAX, &arena, &profiles);
    leaving.profiles = profiles;
    int code = store_write(customers->store, leave_one, &leaving, err);
    arena_release(&arena);
    return code;
}
