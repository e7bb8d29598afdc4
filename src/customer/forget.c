/*
 * Forgetting: what is left of somebody who asked to be erased is a number without identifiers, and keyed hashes by which
 * they are not taken in again.
 *
 * STATES of an identifier that is erased
 *   known -> suppressed   customers_suppress, before anything is erased: no event can bring the person back meanwhile
 *   suppressed -> allowed customers_allow: it is nobody's, and may become somebody's
 *
 * The records lose the sealed text (kind 0). The set of identities only grows, so the hash is put once more, with ERASED_OWNER for
 * its profile; since fresh keys can be lost with a crash, this is done again at start for each forgotten hash that still
 * leads to an erased profile.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "customer/internal.h"
#include "customer/kinds.h"

enum { CONTACT_MAX_BYTES = 254, PHONE_DIGITS = 9 };

/* ---- who is refused ---- */

bool customers_refuse_any(const struct customers *customers) {
    return atomic_load_explicit(&customers->n_refused, memory_order_relaxed) != 0;
}

static bool refuses(const struct customers *customers, struct key128 key) {
    return key_map_get(&customers->refused, key) == 1;
}

bool forget_hides(struct customers *customers, struct key128 key) {
    if (!customers_refuse_any(customers))
        return false;
    pthread_mutex_lock(&customers->lock);
    bool hidden = refuses(customers, key);
    pthread_mutex_unlock(&customers->lock);
    return hidden;
}

static bool is_new(const struct customers *customers, const struct identifiers *identifiers) {
    struct key128 key =
        identifiers->user_id.p ? identifiers->user_hash : identifiers->anonymous_hash;
    uint32_t value = keys_get(customers->keys, key);
    return value == MAP_NONE || value == ERASED_OWNER;
}

/* A device goes from hand to hand: that one of its users was erased keeps nobody else out. */
static bool is_of_a_person(const struct customers *customers, const struct identity *identity) {
    return !slice_is(identity->external_type, "device") ||
           kind_of(kinds_of(customers), identity)->joins;
}

/* What takes the place of an identifier that was erased (privacy/erase_rest.c), in a file that waits to be imported, too. */
static const char ERASED[] = "[erased]";

bool customers_refuses(const struct customers *customers, const struct identifiers *identifiers,
                       const struct key128 *contacts, size_t n_contacts) {
    if (!customers_refuse_any(customers))
        return false;
    if (slice_is(identifiers->user_id, ERASED) || slice_is(identifiers->anonymous_id, ERASED))
        return true;
    if ((identifiers->user_id.p && refuses(customers, identifiers->user_hash)) ||
        (identifiers->anonymous_id.p && refuses(customers, identifiers->anonymous_hash)))
        return true;
    bool shared = false; /* a family's phone is no reason to refuse the others */
    for (size_t i = 0; i < identifiers->n_external; i++)
        shared = shared || (is_of_a_person(customers, &identifiers->external[i]) &&
                            refuses(customers, identifiers->external_hashes[i]));
    for (size_t i = 0; i < n_contacts; i++)
        shared = shared || refuses(customers, contacts[i]);
    return shared && is_new(customers, identifiers);
}

static void set_refused(struct customers *customers, struct key128 key, uint32_t value) {
    pthread_mutex_lock(&customers->lock);
    uint32_t before = key_map_put(&customers->refused, key, value);
    pthread_mutex_unlock(&customers->lock);
    if (value == 1 && before != 1)
        atomic_fetch_add(&customers->n_refused, 1);
    if (value != 1 && before == 1)
        atomic_fetch_sub(&customers->n_refused, 1);
}

void forget_settle(struct customers *customers, bool rolled_back) {
    for (size_t i = 0; rolled_back && i < customers->n_refusing; i++)
        set_refused(customers, customers->refusing[i], 0);
    customers->n_refusing = 0;
}

static int record_forgotten(struct key128 key, uint64_t erasure, bool refuses, sqlite3 *db,
                            struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(
        db, "INSERT OR REPLACE INTO forgotten(hash, erasure, refuses) VALUES (?, ?, ?)", err);
    if (!statement)
        return err->code;
    sqlite3_bind_blob(statement, 1, &key, sizeof key, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)erasure);
    sqlite3_bind_int(statement, 3, refuses);
    return store_step(statement, err);
}

int customers_suppress(struct customers *customers, uint64_t erasure, const struct key128 *hashes,
                       size_t n, sqlite3 *db, struct err *err) {
    int code = 0;
    customers->refusing =
        realloc(customers->refusing, (customers->n_refusing + n + 1) * sizeof *customers->refusing);
    if (!customers->refusing)
        abort();
    for (size_t i = 0; !code && i < n; i++) {
        code = record_forgotten(hashes[i], erasure, true, db, err);
        if (code || refuses(customers, hashes[i]))
            continue;
        customers->refusing[customers->n_refusing++] = hashes[i];
        set_refused(customers, hashes[i], 1);
    }
    return code;
}

static struct key128 column_hash(sqlite3_stmt *row, int column) {
    struct key128 key = {0};
    if (sqlite3_column_bytes(row, column) == sizeof key)
        memcpy(&key, sqlite3_column_blob(row, column), sizeof key);
    return key;
}

int customers_allow(struct customers *customers, uint64_t erasure, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT hash FROM forgotten WHERE erasure = ? AND refuses = 1", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)erasure);
    int code;
    while ((code = store_step(statement, err)) == 1)
        set_refused(customers, column_hash(statement, 0), 0);
    if (code)
        return code;
    statement = STORE_PREPARE(db, "UPDATE forgotten SET refuses = 0 WHERE erasure = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)erasure);
    return store_step(statement, err);
}

/* ---- erasing ---- */

struct forgetting {
    struct customers *customers;
    const uint32_t *members; /* [n] */
    size_t n;
    uint64_t *identifiers;
    sqlite3 *db;
};

/* The hash leads to one of the members, and not to somebody who has the identifier by now. */
static bool is_theirs(const struct forgetting *forgetting, struct key128 key) {
    uint32_t value = identity_lookup(forgetting->customers, key);
    for (size_t i = 0; value != MAP_NONE && i < forgetting->n; i++)
        if (forgetting->members[i] == (value & ~ATTACHED))
            return true;
    return false;
}

static int let_go_of(const struct forgetting *forgetting, struct key128 key, struct err *err) {
    if (!is_theirs(forgetting, key))
        return 0;
    identity_put(forgetting->customers, key, ERASED_OWNER);
    return refuses(forgetting->customers, key)
               ? 0
               : record_forgotten(key, 0, false, forgetting->db, err);
}

/* The identifier of the row (kind, sealed) is nobody's from now on. */
static int let_go(const struct forgetting *forgetting, sqlite3_stmt *row, struct arena *arena,
                  struct err *err) {
    struct customers *customers = forgetting->customers;
    struct identity identity;
    int code = identity_unseal(customers, sqlite3_column_int(row, 0), sqlite3_column_blob(row, 1),
                               sqlite3_column_bytes(row, 1), arena, &identity, err);
    if (code)
        return code;
    ++*forgetting->identifiers;
    code = dropped_forget(customers, customers_hash(customers, &identity), forgetting->db, err);
    if (!code)
        code = let_go_of(forgetting, customers_hash(customers, &identity), err);
    return code || identity.kind != IDENTITY_EXTERNAL
               ? code
               : let_go_of(forgetting, external_value_hash(customers, &identity), err);
}

static int let_go_rows(const struct forgetting *forgetting, sqlite3_stmt *rows, uint32_t profile,
                       struct err *err) {
    struct arena arena;
    if (!rows)
        return err->code;
    arena_init(&arena);
    sqlite3_bind_int64(rows, 1, profile);
    int code = 0, failed = 0;
    while (!failed && (code = store_step(rows, err)) == 1)
        failed = let_go(forgetting, rows, &arena, err);
    sqlite3_reset(rows);
    arena_release(&arena);
    return failed ? failed : code;
}

static int blank(sqlite3_stmt *statement, uint32_t profile, struct err *err) {
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, profile);
    return store_step(statement, err);
}

/* Notes on the profile, and its place in groups. A group of nobody else goes, and a contract goes with its holder. */
static int forget_beside(const struct forgetting *forgetting, uint32_t profile, struct err *err) {
    sqlite3 *db = forgetting->db;
    int code = blank(STORE_PREPARE(db, "DELETE FROM note WHERE profile = ?", err), profile, err);
    if (!code)
        code =
            blank(STORE_PREPARE(db, "DELETE FROM full_kind WHERE profile = ?", err), profile, err);
    if (!code)
        code = blank(
            STORE_PREPARE(db,
                          "DELETE FROM customer_group WHERE number IN (SELECT mine.customer_group"
                          " FROM group_member mine WHERE mine.profile = ?1 AND"
                          " ((kind = 'contract' AND mine.role = 'holder') OR NOT EXISTS"
                          " (SELECT 1 FROM group_member other WHERE other.customer_group = number"
                          " AND other.profile <> ?1)))",
                          err),
            profile, err);
    if (!code)
        code = blank(STORE_PREPARE(db,
                                   "DELETE FROM group_member WHERE profile = ? OR customer_group"
                                   " NOT IN (SELECT number FROM customer_group)",
                                   err),
                     profile, err);
    return code;
}

static int forget_one(const struct forgetting *forgetting, uint32_t profile, struct err *err) {
    sqlite3 *db = forgetting->db;
    int code = let_go_rows(
        forgetting,
        STORE_PREPARE(db, "SELECT kind, sealed FROM profile WHERE number = ? AND kind <> 0", err),
        profile, err);
    if (!code)
        code = let_go_rows(
            forgetting,
            STORE_PREPARE(db, "SELECT kind, sealed FROM attached WHERE profile = ? AND kind <> 0",
                          err),
            profile, err);
    if (!code)
        code = blank(
            STORE_PREPARE(db, "UPDATE profile SET kind = 0, sealed = x'' WHERE number = ?", err),
            profile, err);
    if (!code)
        code = blank(
            STORE_PREPARE(db, "UPDATE attached SET kind = 0, sealed = x'' WHERE profile = ?", err),
            profile, err);
    if (!code)
        code =
            blank(STORE_PREPARE(
                      db, "UPDATE redirect SET why = NULL WHERE profile = ?1 OR target = ?1", err),
                  profile, err);
    if (!code)
        code =
            blank(STORE_PREPARE(
                      db, "UPDATE separated SET why = NULL WHERE profile = ?1 OR target = ?1", err),
                  profile, err);
    return code;
}

int customers_forget(struct customers *customers, const uint32_t *members, size_t n,
                     uint64_t *identifiers, sqlite3 *db, struct err *err) {
    struct forgetting forgetting = {customers, members, n, identifiers, db};
    int code = 0;
    *identifiers = 0;
    for (size_t i = 0; !code && i < n; i++) {
        code = forget_one(&forgetting, members[i], err);
        if (!code)
            code = forget_beside(&forgetting, members[i], err);
    }
    memset(customers->joined, 0, MEMOS * sizeof *customers->joined);
    return code;
}

/* ---- at start ---- */

/* Does the set still lead from the hash to a profile that was erased? */
static int leads_to_erased(struct customers *customers, struct key128 key, bool *leads, sqlite3 *db,
                           struct err *err) {
    uint32_t value = keys_get(customers->keys, key);
    *leads = false;
    if (value == MAP_NONE || value == ERASED_OWNER)
        return 0;
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT kind FROM profile WHERE number = ?", err);
    if (!statement)
        return err->code;
    sqlite3_bind_int64(statement, 1, value & ~ATTACHED);
    int code = store_step(statement, err);
    *leads = code == 1 && sqlite3_column_int(statement, 0) == KIND_ERASED;
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

int forget_load(struct customers *customers, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT hash, refuses FROM forgotten", err);
    if (!statement)
        return err->code;
    int code, failed = 0;
    while (!failed && (code = store_step(statement, err)) == 1) {
        struct key128 key = column_hash(statement, 0);
        bool leads;
        set_refused(customers, key, (uint32_t)sqlite3_column_int(statement, 1));
        failed = leads_to_erased(customers, key, &leads, db, err);
        if (!failed && leads) {
            keys_put(customers->keys, key, ERASED_OWNER,
                     (uint64_t)customers->profiles << 32 | customers->attached);
            keys_commit(customers->keys);
        }
    }
    sqlite3_reset(statement);
    return failed ? failed : code;
}

/* ---- ways to reach somebody ---- */

static bool names(struct slice name, const char *const *parts, size_t n) {
    char folded[CONTACT_MAX_BYTES + 1];
    size_t length = name.n < CONTACT_MAX_BYTES ? name.n : CONTACT_MAX_BYTES;
    for (size_t i = 0; i < length; i++)
        folded[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 32 : name.p[i]);
    folded[length] = 0;
    for (size_t i = 0; i < n; i++)
        if (strstr(folded, parts[i]))
            return true;
    return false;
}

static struct slice mail_normal(struct slice value, char out[CONTACT_MAX_BYTES]) {
    size_t n = 0;
    bool at = false;
    for (size_t i = 0; i < value.n && n < CONTACT_MAX_BYTES; i++) {
        char c = value.p[i];
        at = at || c == '@';
        if (c != ' ' && c != '\t')
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
    }
    return at && n > 3 ? (struct slice){out, n} : (struct slice){NULL, 0};
}

static struct slice phone_normal(struct slice value, char out[CONTACT_MAX_BYTES]) {
    size_t n = 0;
    for (size_t i = 0; i < value.n && n < CONTACT_MAX_BYTES; i++) {
        char c = value.p[i];
        if (c >= '0' && c <= '9')
            out[n++] = c;
        else if (!strchr(" +-.()/", c))
            return (struct slice){NULL, 0};
    }
    return n < PHONE_DIGITS ? (struct slice){NULL, 0}
                            : (struct slice){out + n - PHONE_DIGITS, PHONE_DIGITS};
}

bool customers_contact_hash(const struct customers *customers, struct slice name,
                            struct slice value, struct key128 *hash) {
    static const char *const MAIL[] = {"mail", "correo", "user"}, *const PHONE[] = {
                                                                      "phone", "telefono", "tel",
                                                                      "movil", "mobile",   "msisdn",
                                                                      "line"};
    char text[CONTACT_MAX_BYTES];
    struct slice normal = {NULL, 0};
    if (names(name, MAIL, sizeof MAIL / sizeof *MAIL))
        normal = mail_normal(value, text);
    else if (names(name, PHONE, sizeof PHONE / sizeof *PHONE))
        normal = phone_normal(value, text);
    if (!normal.n)
        return false;
    *hash = customers_hash(customers, &(struct identity){.kind = IDENTITY_EXTERNAL,
                                                         .external_type = {"(contact)", 9},
                                                         .value = normal});
    return true;
}
