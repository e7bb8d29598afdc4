/*
 * Who has an identifier, and which identifiers somebody has: see customer.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>

#include "customer/internal.h"
#include "customer/kinds.h"

enum { DIGITS = 10, PAGE_ROWS = 5000, SEEK_GAP = 64 };

void customer_id_format(uint32_t owner, char text[CUSTOMER_ID_BYTES]) {
    snprintf(text, CUSTOMER_ID_BYTES, "c_%010u", owner);
}

static uint32_t root_of(struct customers *customers, uint32_t profile) {
    pthread_mutex_lock(&customers->lock);
    uint32_t owner = redirects_root(&customers->redirects, profile);
    pthread_mutex_unlock(&customers->lock);
    return owner;
}

/* "c_0000000042"; 0 if it is not one. */
static uint64_t number_of(struct slice id) {
    if (id.n != 2 + DIGITS || id.p[0] != 'c' || id.p[1] != '_')
        return 0;
    uint64_t number = 0;
    for (size_t i = 2; i < id.n; i++) {
        if (id.p[i] < '0' || id.p[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(id.p[i] - '0');
    }
    return number;
}

static uint32_t profile_of(struct customers *customers, const struct identity *identity) {
    struct key128 key = customers_hash(customers, identity);
    uint32_t value = forget_hides(customers, key) ? MAP_NONE : keys_find(customers->keys, key);
    if (identity->kind == IDENTITY_EXTERNAL && identity_dropped(customers, key))
        return 0;
    uint32_t profile = value == MAP_NONE ? 0 : value & ~ATTACHED;
    return profile <= customers_count(customers) ? profile : 0;
}

bool identity_leads(struct customers *customers, const struct identity *identity,
                    uint32_t profile) {
    uint32_t value = keys_find(customers->keys, customers_hash(customers, identity));
    uint32_t leads = value == MAP_NONE ? 0 : value & ~ATTACHED; /* also while it is hidden */
    return leads && (leads == profile || root_of(customers, leads) == root_of(customers, profile));
}

/* By a value as it came, or in the normal form of its kind. */
static uint32_t profile_of_value(struct customers *customers, struct slice type,
                                 struct slice value) {
    const struct identifier_kinds *kinds = kinds_of(customers);
    struct identity identity = {IDENTITY_EXTERNAL, type, value};
    char normal[FORM_BYTES];
    uint32_t profile = profile_of(customers, &identity);
    size_t n =
        profile ? 0 : form_normal(kind_of(kinds, &identity)->form, value, kinds->country, normal);
    identity.value = (struct slice){normal, n};
    return n ? profile_of(customers, &identity) : profile;
}

/* "type:value", or a value of any type. */
static uint32_t profile_of_external(struct customers *customers, struct slice id) {
    const char *colon = memchr(id.p, ':', id.n);
    size_t type = colon ? (size_t)(colon - id.p) : 0;
    uint32_t profile = colon ? profile_of_value(customers, (struct slice){id.p, type},
                                                (struct slice){colon + 1, id.n - type - 1})
                             : 0;
    const struct identifier_kinds *kinds = kinds_of(customers);
    if (!profile)
        profile = profile_of(customers, &(struct identity){.kind = IDENTITY_EXTERNAL, .value = id});
    for (size_t i = KIND_OTHER + 1; !profile && i < kinds->n; i++)
        if (kinds->kinds[i].form != FORM_TEXT)
            profile = profile_of_value(customers, slice_of(kinds->kinds[i].name), id);
    return profile;
}

int customers_find_profile(struct customers *customers, struct slice id, uint32_t *found,
                           struct err *err) {
    uint32_t profile = 0;
    uint64_t number = number_of(id);
    if (number && number <= customers_count(customers))
        profile = (uint32_t)number;
    for (int kind = IDENTITY_USER; !profile && id.n && kind <= IDENTITY_ANONYMOUS; kind++)
        profile = profile_of(customers,
                             &(struct identity){.kind = (enum identity_kind)kind, .value = id});
    if (!profile && id.n)
        profile = profile_of_external(customers, id);
    if (!profile && keys_hurt(customers->keys)) {
        err_set(err, E_BUSY, "a damaged index of identifiers is being rebuilt");
        return err_hint(err, "Try again in a moment.");
    }
    if (!profile)
        return err_set(err, E_NOT_FOUND, "no such customer");
    *found = profile;
    return 0;
}

int customers_find(struct customers *customers, struct slice id, uint32_t *owner, struct err *err) {
    uint32_t profile = 0;
    int code = customers_find_profile(customers, id, &profile, err);
    if (!code)
        *owner = root_of(customers, profile);
    return code;
}

size_t customers_members(struct customers *customers, uint32_t owner, size_t most,
                         struct arena *arena, uint32_t **members) {
    size_t n = 1, capacity = 16;
    uint32_t *all = ARENA_ARRAY(arena, uint32_t, capacity);
    all[0] = owner;
    pthread_mutex_lock(&customers->lock);
    for (size_t at = 0; at < n; at++)
        for (uint32_t child = redirects_child(&customers->redirects, all[at]); child && n < most;
             child = redirects_sibling(&customers->redirects, child)) {
            if (n == capacity) {
                uint32_t *larger = ARENA_ARRAY(arena, uint32_t, capacity * 2);
                memcpy(larger, all, n * sizeof *all);
                all = larger;
                capacity *= 2;
            }
            all[n++] = child;
        }
    pthread_mutex_unlock(&customers->lock);
    *members = all;
    return n;
}

size_t customers_family(struct customers *customers, uint32_t profile, struct arena *arena,
                        uint32_t **members) {
    return customers_members(customers, root_of(customers, profile), MEMBERS_MAX, arena, members);
}

uint32_t customers_who(struct customers *customers, const struct identifiers *identifiers) {
    struct key128 key =
        identifiers->user_id.p ? identifiers->user_hash : identifiers->anonymous_hash;
    uint32_t value = identity_lookup(customers, key);
    return value == MAP_NONE ? 0 : value & ~ATTACHED;
}

struct collecting {
    struct customers *customers;
    struct arena *arena;
    struct known_identity *identities;
    size_t n, capacity;
    struct key_map seen; /* each is given once */
};

static void collect(struct collecting *collecting, const struct known_identity *known) {
    if (collecting->n == collecting->capacity) {
        size_t capacity = collecting->capacity ? collecting->capacity * 2 : 8;
        struct known_identity *larger =
            ARENA_ARRAY(collecting->arena, struct known_identity, capacity);
        if (collecting->n)
            memcpy(larger, collecting->identities, collecting->n * sizeof *larger);
        collecting->identities = larger;
        collecting->capacity = capacity;
    }
    collecting->identities[collecting->n++] = *known;
}

/* Rows of kind, sealed, whether it is attached, and since when. */
static int collect_rows(struct collecting *collecting, sqlite3_stmt *statement, uint32_t profile,
                        struct err *err) {
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        if (sqlite3_column_int(statement, 0) == KIND_ERASED)
            continue;
        struct known_identity known = {.profile = profile,
                                       .attached = sqlite3_column_int(statement, 2),
                                       .attached_ms = sqlite3_column_int64(statement, 3)};
        code =
            identity_unseal(collecting->customers, sqlite3_column_int(statement, 0),
                            sqlite3_column_blob(statement, 1), sqlite3_column_bytes(statement, 1),
                            collecting->arena, &known.identity, err);
        if (code)
            return code;
        struct key128 key = customers_hash(collecting->customers, &known.identity);
        if (key_map_put(&collecting->seen, key, 1) == MAP_NONE)
            collect(collecting, &known);
    }
    return code;
}

static int collect_all(struct collecting *collecting, uint32_t owner, struct err *err) {
    struct customers *customers = collecting->customers;
    uint32_t *members;
    size_t n = customers_members(customers, owner, MEMBERS_MAX, collecting->arena, &members);
    key_map_init(&collecting->seen);
    sqlite3 *db = store_reader_get(customers->store);
    int code = db ? 0 : err_set(err, E_IO, "the records could not be read");
    for (size_t i = 0; !code && i < n; i++) {
        code = collect_rows(
            collecting,
            STORE_PREPARE(db, "SELECT kind, sealed, 0, 0 FROM profile WHERE number = ?", err),
            members[i], err);
        if (!code)
            code = collect_rows(collecting,
                                STORE_PREPARE(db,
                                              "SELECT kind, sealed, 1, at_ms FROM attached"
                                              " WHERE profile = ? ORDER BY number",
                                              err),
                                members[i], err);
    }
    store_reader_put(customers->store, db);
    key_map_release(&collecting->seen);
    return code;
}

int customers_identities(struct customers *customers, uint32_t owner, struct arena *arena,
                         struct identity **identities, size_t *n, struct err *err) {
    struct collecting collecting = {.customers = customers, .arena = arena};
    int code = collect_all(&collecting, owner, err);
    *identities = ARENA_ARRAY(arena, struct identity, collecting.n + 1);
    for (size_t i = 0; i < collecting.n; i++)
        (*identities)[i] = collecting.identities[i].identity;
    *n = collecting.n;
    return code;
}

int customers_known_identities(struct customers *customers, uint32_t owner, struct arena *arena,
                               struct known_identity **identities, size_t *n, struct err *err) {
    struct collecting collecting = {.customers = customers, .arena = arena};
    int code = collect_all(&collecting, owner, err);
    size_t kept = 0;
    for (size_t i = 0; !code && i < collecting.n; i++) {
        struct known_identity *known = &collecting.identities[i];
        known->leads_here = identity_leads(customers, &known->identity, owner);
        known->dropped = identity_dropped(customers, customers_hash(customers, &known->identity));
        if (known->leads_here || known->dropped || !known->attached)
            collecting.identities[kept++] = *known;
    }
    *identities = collecting.identities;
    *n = kept;
    return code;
}

/* Any userId of somebody whose own profile was not born with one. */
static int other_user_id(struct customers *customers, uint32_t owner, struct arena *arena,
                         struct slice *user_id, struct err *err) {
    pthread_mutex_lock(&customers->lock);
    bool alone = !redirects_child(&customers->redirects, owner);
    pthread_mutex_unlock(&customers->lock);
    if (alone)
        return 0;
    struct identity *identities;
    size_t n;
    int code = customers_identities(customers, owner, arena, &identities, &n, err);
    for (size_t i = 0; !code && i < n; i++)
        if (identities[i].kind == IDENTITY_USER) {
            *user_id = identities[i].value;
            break;
        }
    return code;
}

/* Owners [0, n) in one short read: rows are walked where owners lie close, sought otherwise. */
static int page_user_ids(struct customers *customers, const uint32_t *owners, size_t n,
                         struct arena *arena, struct slice *user_ids, struct err *err) {
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT number, kind, sealed FROM profile WHERE number >= ? ORDER BY number", err);
    int code = statement ? 0 : err->code;
    uint32_t at = 0; /* number of the current row */
    for (size_t i = 0; code >= 0 && i < n; i++) {
        if (!at || owners[i] > at + SEEK_GAP) {
            sqlite3_reset(statement);
            sqlite3_bind_int64(statement, 1, owners[i]);
            at = 0;
        }
        while (at < owners[i] && (code = store_step(statement, err)) == 1)
            at = (uint32_t)sqlite3_column_int64(statement, 0);
        if (code != 1)
            break;
        struct identity identity = {0};
        if (at == owners[i] && sqlite3_column_int(statement, 1) == IDENTITY_USER) {
            int failed =
                identity_unseal(customers, IDENTITY_USER, sqlite3_column_blob(statement, 2),
                                sqlite3_column_bytes(statement, 2), arena, &identity, err);
            code = failed ? failed : code;
        }
        user_ids[i] = identity.value;
    }
    store_reader_put(customers->store, db);
    return code < 0 ? code : 0;
}

int customers_user_ids(struct customers *customers, const uint32_t *owners, size_t n,
                       struct arena *arena, struct slice *user_ids, struct err *err) {
    memset(user_ids, 0, n * sizeof *user_ids);
    int code = 0;
    for (size_t i = 0; !code && i < n; i += PAGE_ROWS) {
        size_t page = n - i < PAGE_ROWS ? n - i : PAGE_ROWS;
        code = page_user_ids(customers, owners + i, page, arena, user_ids + i, err);
    }
    for (size_t i = 0; !code && i < n; i++)
        if (!user_ids[i].p)
            code = other_user_id(customers, owners[i], arena, &user_ids[i], err);
    return code;
}

/* ---- verify ---- */

static int verify_page(struct customers *customers, sqlite3 *db, uint32_t *next, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "SELECT number, kind, sealed FROM profile WHERE number >= ? ORDER BY number LIMIT ?",
        err);
    if (!statement)
        return err->code;
    struct arena arena;
    arena_init(&arena);
    sqlite3_bind_int64(statement, 1, *next);
    sqlite3_bind_int(statement, 2, PAGE_ROWS);
    int code;
    while ((code = store_step(statement, err)) == 1) {
        uint32_t number = (uint32_t)sqlite3_column_int64(statement, 0);
        struct identity identity;
        bool erased = sqlite3_column_int(statement, 1) == KIND_ERASED;
        arena_clear(&arena);
        code = erased ? 0
                      : identity_unseal(customers, sqlite3_column_int(statement, 1),
                                        sqlite3_column_blob(statement, 2),
                                        sqlite3_column_bytes(statement, 2), &arena, &identity, err);
        if (!code && number != *next)
            code = err_set(err, E_CORRUPT, "profile %u is missing", *next);
        if (!code && !erased &&
            keys_find(customers->keys, customers_hash(customers, &identity)) == MAP_NONE)
            code = err_set(err, E_CORRUPT, "the identifier of profile %u is not found", number);
        if (code)
            break;
        *next = number + 1;
    }
    sqlite3_reset(statement);
    arena_release(&arena);
    return code;
}

static int verify_redirects(struct customers *customers, struct err *err) {
    sqlite3 *db = store_reader_get(customers->store);
    if (!db)
        return err_set(err, E_IO, "the records could not be read");
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT count(*) FROM redirect WHERE profile = target OR profile < 1 OR target < 1"
        " OR profile > (SELECT max(number) FROM profile)"
        " OR target > (SELECT max(number) FROM profile)",
        err);
    int code = statement ? store_step(statement, err) : err->code;
    if (code == 1)
        code = sqlite3_column_int64(statement, 0)
                   ? err_set(err, E_CORRUPT, "a merged profile leads nowhere")
                   : 0;
    store_reader_put(customers->store, db);
    return code;
}

int customers_verify(struct customers *customers, struct err *err) {
    int code = keys_verify(customers->keys, err);
    uint32_t count = customers_count(customers), next = 1;
    while (!code && next <= count) {
        uint32_t before = next;
        sqlite3 *db = store_reader_get(customers->store);
        code = db ? verify_page(customers, db, &next, err)
                  : err_set(err, E_IO, "the records could not be read");
        store_reader_put(customers->store, db);
        if (!code && next == before)
            code = err_set(err, E_CORRUPT, "profile %u is missing", next);
    }
    return code ? code : verify_redirects(customers, err);
}
