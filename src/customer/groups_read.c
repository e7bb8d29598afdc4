/*
 * Groups of customers, read: see groups.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "customer/groups.h"

#include "customer/internal.h"

/* Columns number, kind, sealed, changed_ms. */
static int read_group(struct customers *customers, sqlite3_stmt *row, struct arena *arena,
                      struct group *group, struct err *err) {
    struct buf plain;
    struct slice sealed = {sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2)};
    buf_init(&plain, (size_t)GROUP_MAX_BYTES * 2);
    int code = vault_unseal(customers->vault, sealed, &plain, err);
    *group = (struct group){.number = (uint64_t)sqlite3_column_int64(row, 0),
                            .document = code ? "{}" : arena_text(arena, buf_slice(&plain)),
                            .changed_ms = sqlite3_column_int64(row, 3)};
    group_kind_find(slice_of((const char *)sqlite3_column_text(row, 1)), &group->kind);
    buf_release(&plain);
    return code;
}

int group_read_members(struct customers *customers, struct group *group, struct arena *arena,
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
    group->n_members = 0;
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
    struct key128 hash = group_hash(customers, id);
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
        code = group_read_members(customers, group, arena, db, err);
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
        code = group_read_members(customers, &(*groups)[i], arena, db, err);
    store_reader_put(customers->store, db);
    return code;
}

/* Whether the row matches; what it says is in the scratch arena then. */
static int look_at(struct customers *customers, const struct groups_ask *filter, sqlite3_stmt *row,
                   struct arena *scratch, bool *matches, struct err *err) {
    struct group group;
    arena_clear(scratch);
    int code = read_group(customers, row, scratch, &group, err);
    *matches = !code && filter->matches(filter->context, group.number, group.document);
    return code;
}

static int list_rows(struct customers *customers, const struct groups_ask *filter,
                     sqlite3_stmt *row, size_t most, struct arena *arena, struct group *groups,
                     size_t *n, uint64_t *next, struct err *err) {
    struct arena scratch;
    uint64_t last = 0;
    size_t looked_at = 0;
    int code = 0;
    arena_init(&scratch);
    while (!code && (code = store_step(row, err)) == 1) {
        bool matches = true;
        code = 0;
        if (*n == most || looked_at == GROUPS_LOOKED_AT) {
            *next = last;
            break;
        }
        last = (uint64_t)sqlite3_column_int64(row, 0);
        if (filter->matches)
            code = look_at(customers, filter, row, &scratch, &matches, err);
        looked_at += !matches;
        if (!code && matches)
            code = read_group(customers, row, arena, &groups[(*n)++], err);
    }
    arena_release(&scratch);
    return code;
}

int groups_list(struct customers *customers, const struct groups_ask *filter, struct arena *arena,
                struct group **groups, size_t *n, uint64_t *next, struct err *err) {
    size_t most = *n;
    *groups = ARENA_ARRAY(arena, struct group, most + 1);
    *n = 0;
    *next = 0;
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *row = STORE_PREPARE(db,
                                      "SELECT number, kind, sealed, changed_ms FROM customer_group"
                                      " WHERE (?1 = '' OR kind = ?1) AND (?2 = 0 OR number < ?2)"
                                      " ORDER BY number DESC",
                                      err);
    int code = row ? 0 : err->code;
    if (row) {
        sqlite3_bind_text(row, 1, filter->kind == GROUP_KINDS ? "" : group_kind_name(filter->kind),
                          -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 2, (int64_t)filter->before);
        code = list_rows(customers, filter, row, most, arena, *groups, n, next, err);
        sqlite3_reset(row);
    }
    for (size_t i = 0; !code && i < *n; i++)
        code = group_read_members(customers, &(*groups)[i], arena, db, err);
    store_reader_put(customers->store, db);
    return code;
}
