/*
 * Groups of customers: see groups.h.
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

static struct key128 hash_of(const struct customers *customers, struct slice id) {
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

static int add_member(uint64_t number, uint32_t profile, struct slice role, sqlite3 *db,
                      struct err *err) {
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
    sqlite3_bind_int64(statement, 4, clock_now_ms());
    return store_step(statement, err);
}

int groups_join(struct customers *customers, uint32_t profile, const struct group_word *word,
                sqlite3 *db, struct err *err) {
    struct writing writing = {.customers = customers,
                              .hash = hash_of(customers, word->id),
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
        code = add_member(number, profile, word->role, db, err);
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

static int replace(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    uint64_t number = 0;
    int code = write_group(writing, &number, db, err);
    if (!code)
        code = forget_members(number, db, err);
    for (size_t i = 0; !code && i < writing->n; i++)
        code = add_member(number, writing->members[i].owner, slice_of(writing->members[i].role), db,
                          err);
    memset(writing->customers->joined, 0, MEMOS * sizeof *writing->customers->joined);
    return code;
}

int groups_put(struct customers *customers, struct slice id, const struct group *group,
               struct err *err) {
    struct writing writing = {.customers = customers,
                              .hash = hash_of(customers, id),
                              .kind = group->kind,
                              .document = slice_of(group->document),
                              .members = group->members,
                              .n = group->n_members};
    return store_write(customers->store, replace, &writing, err);
}

static int take_away(void *context, sqlite3 *db, struct err *err) {
    const struct writing *writing = context;
    uint64_t number = 0;
    int code = find_number(writing->hash, &number, db, err);
    if (!code && !number)
        code = err_set(err, E_NOT_FOUND, "no such group");
    if (!code)
        code = forget_members(number, db, err);
    if (code)
        return code;
    memset(writing->customers->joined, 0, MEMOS * sizeof *writing->customers->joined);
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM customer_group WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (int64_t)number);
    return store_step(statement, err);
}

int groups_remove(struct customers *customers, struct slice id, struct err *err) {
    struct writing writing = {.customers = customers, .hash = hash_of(customers, id)};
    return store_write(customers->store, take_away, &writing, err);
}

/* ---- reading ---- */

static int unseal_document(struct customers *customers, sqlite3_stmt *row, int column,
                           struct arena *arena, const char **document, struct err *err) {
    struct buf plain;
    struct slice sealed = {sqlite3_column_blob(row, column),
                           (size_t)sqlite3_column_bytes(row, column)};
    buf_init(&plain, (size_t)GROUP_MAX_BYTES * 2);
    int code = vault_unseal(customers->vault, sealed, &plain, err);
    *document = code ? "{}" : arena_text(arena, buf_slice(&plain));
    buf_release(&plain);
    return code;
}

/* Columns number, kind, sealed, changed_ms. */
static int read_group(struct customers *customers, sqlite3_stmt *row, struct arena *arena,
                      struct group *group, struct err *err) {
    *group = (struct group){.number = (uint64_t)sqlite3_column_int64(row, 0),
                            .changed_ms = sqlite3_column_int64(row, 3)};
    group_kind_find(slice_of((const char *)sqlite3_column_text(row, 1)), &group->kind);
    return unseal_document(customers, row, 2, arena, &group->document, err);
}

static int read_members(struct customers *customers, struct group *group, struct arena *arena,
                        sqlite3 *db, struct err *err) {
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT profile, role, since_ms FROM group_member"
                                      " WHERE customer_group = ? ORDER BY since_ms LIMIT ?",
                                      err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, (int64_t)group->number);
    sqlite3_bind_int(row, 2, GROUP_MEMBERS_MAX);
    group->members = ARENA_ARRAY(arena, struct group_member, GROUP_MEMBERS_MAX);
    int code;
    while ((code = store_step(row, err)) == 1) {
        pthread_mutex_lock(&customers->lock);
        uint32_t owner =
            redirects_root(&customers->redirects, (uint32_t)sqlite3_column_int64(row, 0));
        pthread_mutex_unlock(&customers->lock);
        const char *role = (const char *)sqlite3_column_text(row, 1);
        size_t i = 0;
        while (i < group->n_members &&
               (group->members[i].owner != owner || strcmp(group->members[i].role, role) != 0))
            i++;
        if (i == group->n_members)
            group->members[group->n_members++] = (struct group_member){
                owner, arena_text(arena, slice_of(role)), sqlite3_column_int64(row, 2)};
    }
    return code;
}

int groups_find(struct customers *customers, struct slice id, struct arena *arena,
                struct group *group, struct err *err) {
    struct key128 hash = hash_of(customers, id);
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(
        db, "SELECT number, kind, sealed, changed_ms FROM customer_group WHERE hash = ?", err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_blob(row, 1, &hash, sizeof hash, SQLITE_STATIC);
        code = store_step(row, err);
        if (!code)
            code = err_set(err, E_NOT_FOUND, "no such group");
        else if (code == 1)
            code = read_group(customers, row, arena, group, err);
        sqlite3_reset(row);
    }
    if (!code)
        code = read_members(customers, group, arena, db, err);
    store_reader_put(customers->store, db);
    return code;
}

static bool is_listed(const struct group *groups, size_t n, uint64_t number) {
    for (size_t i = 0; i < n; i++)
        if (groups[i].number == number)
            return true;
    return false;
}

static int groups_of_profile(struct customers *customers, uint32_t profile, struct arena *arena,
                             struct group *groups, size_t *n, sqlite3 *db, struct err *err) {
    sqlite3_stmt *row =
        STORE_PREPARE(db,
                      "SELECT number, kind, sealed, changed_ms FROM customer_group WHERE number IN"
                      " (SELECT customer_group FROM group_member WHERE profile = ?)"
                      " ORDER BY number DESC LIMIT ?",
                      err);
    if (!row)
        return err->code;
    sqlite3_bind_int64(row, 1, profile);
    sqlite3_bind_int(row, 2, GROUPS_MAX);
    int code = 0;
    while (!code && *n < GROUPS_MAX && (code = store_step(row, err)) == 1) {
        code = 0;
        if (!is_listed(groups, *n, (uint64_t)sqlite3_column_int64(row, 0)))
            code = read_group(customers, row, arena, &groups[(*n)++], err);
    }
    sqlite3_reset(row);
    return code;
}

int groups_of(struct customers *customers, uint32_t owner, struct arena *arena,
              struct group **groups, size_t *n, struct err *err) {
    uint32_t *members;
    size_t n_members = customers_members(customers, owner, MEMBERS_MAX, arena, &members);
    *groups = ARENA_ARRAY(arena, struct group, GROUPS_MAX);
    *n = 0;
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    for (size_t i = 0; !code && i < n_members && *n < GROUPS_MAX; i++)
        code = groups_of_profile(customers, members[i], arena, *groups, n, db, err);
    for (size_t i = 0; !code && i < *n; i++)
        code = read_members(customers, &(*groups)[i], arena, db, err);
    store_reader_put(customers->store, db);
    return code;
}

int groups_list(struct customers *customers, enum group_kind kind, uint64_t before,
                struct arena *arena, struct group **groups, size_t *n, struct err *err) {
    size_t most = *n, found = 0;
    *groups = ARENA_ARRAY(arena, struct group, most + 1);
    *n = 0;
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT number, kind, sealed, changed_ms FROM customer_group"
                                      " WHERE (?1 = '' OR kind = ?1) AND (?2 = 0 OR number < ?2)"
                                      " ORDER BY number DESC LIMIT ?3",
                                      err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_text(row, 1, kind == GROUP_KINDS ? "" : kinds[kind], -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, (int64_t)before);
        sqlite3_bind_int64(row, 3, (int64_t)most);
    }
    while (!code && (code = store_step(row, err)) == 1)
        code = read_group(customers, row, arena, &(*groups)[found++], err);
    if (row)
        sqlite3_reset(row);
    for (size_t i = 0; !code && i < found; i++)
        code = read_members(customers, &(*groups)[i], arena, db, err);
    store_reader_put(customers->store, db);
    *n = code ? 0 : found;
    return code;
}
