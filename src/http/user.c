/*
 * People: their records.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/account_internal.h"

enum { EMAIL_MAX = 254, NAME_MAX_BYTES = 120 };

struct change {
    struct accounts *accounts;
    struct user user;
    const char *units, *password;
    uint64_t keep;             /* session that stays */
    const unsigned char *link; /* hash of the link that changes the password; NULL: none */
};

static int check_fields(const struct user *user, struct err *err) {
    const char *at = user->email ? strchr(user->email, '@') : NULL;
    if (!at || at == user->email || !at[1] || strchr(at + 1, '@') ||
        strlen(user->email) > EMAIL_MAX || strpbrk(user->email, " \t\r\n<>\""))
        return err_at(err, E_INVALID, "/email", "not an e-mail address");
    if (!user->name || !user->name[0] || strlen(user->name) > NAME_MAX_BYTES)
        return err_at(err, E_INVALID, "/name", "a name of at most %d bytes is needed",
                      NAME_MAX_BYTES);
    if (user->role == ROLE_NONE)
        return err_at(err, E_INVALID, "/role", "unknown role");
    bool known = !user->language || !user->language[0] || strcmp(user->language, "es") == 0 ||
                 strcmp(user->language, "en") == 0;
    if (!known)
        return err_at(err, E_INVALID, "/language", "the language is es or en");
    if (user->units && user->role >= ROLE_ADMIN)
        return err_at(err, E_INVALID, "/units", "an administrator is not limited to units");
    return 0;
}

static int insert_user(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT 1 FROM user WHERE email_key = hashed(lower(?))", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, change->user.email);
    int code = store_step(statement, err);
    if (code == 1) {
        sqlite3_reset(statement);
        return err_at(err, E_CONFLICT, "/email", "somebody has this e-mail address already");
    }
    if (code < 0)
        return code;
    statement = STORE_PREPARE(db,
                              "INSERT INTO user(email, email_key, name, role, units, language, "
                              "password, disabled, created_ms, signed_in_ms) VALUES(sealed(?1), "
                              "hashed(lower(?1)), sealed(?2), ?3, ?4, ?5, ?6, 0, ?7, 0)",
                              err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, change->user.email);
    bind_text(statement, 2, change->user.name);
    bind_text(statement, 3, role_name(change->user.role));
    bind_text(statement, 4, change->units);
    bind_text(statement, 5, change->user.language);
    bind_text(statement, 6, change->password);
    sqlite3_bind_int64(statement, 7, clock_now_ms());
    code = store_run(statement, err);
    if (!code)
        change->user.id = (uint64_t)sqlite3_last_insert_rowid(db);
    return code;
}

/* Only an owner makes or changes owners. */
static int check_owner_rule(const struct principal *by, enum role before, enum role after,
                            struct err *err) {
    bool owner = by->role == ROLE_OWNER || (by->user == 0 && by->key == 0);
    if (owner || (before != ROLE_OWNER && after != ROLE_OWNER))
        return 0;
    return err_at(err, E_FORBIDDEN, "/role", "only an owner makes or changes owners");
}

int user_check_owner(const struct principal *by, const struct user *user, struct err *err) {
    return check_owner_rule(by, user->role, user->role, err);
}

int user_add(struct accounts *accounts, const struct principal *by, struct user *user,
             const char *password, struct err *err) {
    char hash[crypto_pwhash_STRBYTES] = "";
    struct arena arena;
    int code = check_fields(user, err);
    if (!code)
        code = check_owner_rule(by, ROLE_NONE, user->role, err);
    if (!code && password)
        code = password_is_fit(password, user->email, err);
    if (!code && password)
        code = password_hash(accounts, password, hash, sizeof hash, err);
    if (code)
        return code;
    arena_init(&arena);
    struct change change = {.accounts = accounts,
                            .user = *user,
                            .password = hash,
                            .units = units_to_text(user->units, user->n_units, &arena)};
    code = store_write(accounts->folder->store, insert_user, &change, err);
    arena_release(&arena);
    sodium_memzero(hash, sizeof hash);
    if (code)
        return code;
    user->id = change.user.id;
    atomic_fetch_add(&accounts->users, 1);
    audit_write(accounts, by, "", "user.add", user->email, role_name(user->role));
    return 0;
}

/* Columns as read_user takes them. */
#define USER_SELECT                                                                                \
    "SELECT id, opened(email), opened(name), role, units, language, disabled, created_ms, "        \
    "signed_in_ms, password "                                                                      \
    "= '', totp IS NOT NULL, EXISTS (SELECT 1 FROM user_identity WHERE user_identity.user = "      \
    "user.id) FROM user"

static void read_user(sqlite3_stmt *statement, struct arena *arena, struct user *user) {
    *user = (struct user){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                          .email = column_text(statement, 1, arena),
                          .name = column_text(statement, 2, arena),
                          .role = role_of(column_text(statement, 3, arena)),
                          .language = column_text(statement, 5, arena),
                          .disabled = sqlite3_column_int(statement, 6) != 0,
                          .created_ms = sqlite3_column_int64(statement, 7),
                          .signed_in_ms = sqlite3_column_int64(statement, 8),
                          .invited = sqlite3_column_int(statement, 9) != 0,
                          .totp = sqlite3_column_int(statement, 10) != 0,
                          .sso = sqlite3_column_int(statement, 11) != 0};
    units_from_text(column_text(statement, 4, arena), arena, &user->units, &user->n_units);
}

static int read_one(struct accounts *accounts, sqlite3 *db, sqlite3_stmt *statement,
                    struct arena *arena, struct user *user, struct err *err) {
    int code = statement ? store_step(statement, err) : E_IO;
    if (code == 1) {
        read_user(statement, arena, user);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such person");
}

int user_get(struct accounts *accounts, uint64_t id, struct arena *arena, struct user *user,
             struct err *err) {
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, USER_SELECT " WHERE id = ?", err);
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    return read_one(accounts, db, statement, arena, user, err);
}

int user_find(struct accounts *accounts, const char *email, struct arena *arena, struct user *user,
              struct err *err) {
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, USER_SELECT " WHERE email_key = hashed(lower(?))", err);
    if (statement)
        bind_text(statement, 1, email);
    return read_one(accounts, db, statement, arena, user, err);
}

int user_list(struct accounts *accounts, struct arena *arena, struct user **users, size_t *n,
              struct err *err) {
    size_t capacity = (size_t)atomic_load(&accounts->users) + 16;
    *users = ARENA_ARRAY(arena, struct user, capacity);
    *n = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, USER_SELECT " ORDER BY opened(email) COLLATE NOCASE", err);
    int code = statement ? 1 : E_IO;
    while (code == 1 && (code = store_step(statement, err)) == 1)
        if (*n < capacity)
            read_user(statement, arena, &(*users)[(*n)++]);
    store_reader_put(accounts->folder->store, db);
    return code;
}

/* Would this change leave nobody who owns the place? */
static int check_last_owner(sqlite3 *db, uint64_t id, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT count(*) FILTER (WHERE id = ?1), count(*) FILTER (WHERE id <> ?1)"
                      " FROM user WHERE role = 'owner' AND NOT disabled",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    int code = store_step(statement, err);
    if (code != 1)
        return code ? code : E_INTERNAL;
    int this_one = sqlite3_column_int(statement, 0), others = sqlite3_column_int(statement, 1);
    sqlite3_reset(statement);
    return this_one && !others ? err_set(err, E_REFUSED, "the last owner cannot go") : 0;
}

static int end_sessions(sqlite3 *db, uint64_t id, uint64_t keep, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM session WHERE user = ? AND id <> ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)keep);
    return store_run(statement, err);
}

static int forget_links(sqlite3 *db, uint64_t id, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM link WHERE user = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    return store_run(statement, err);
}

static int update_user(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    const struct user *user = &change->user;
    bool owns = user->role == ROLE_OWNER && !user->disabled;
    int code = owns ? 0 : check_last_owner(db, user->id, err);
    if (code)
        return code;
    sqlite3_stmt *statement = STORE_PREPARE(db,
                                            "UPDATE user SET name = sealed(?), role = ?, units = "
                                            "?, language = ?, disabled = ? WHERE id = ?",
                                            err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, user->name);
    bind_text(statement, 2, role_name(user->role));
    bind_text(statement, 3, change->units);
    bind_text(statement, 4, user->language);
    sqlite3_bind_int(statement, 5, user->disabled);
    sqlite3_bind_int64(statement, 6, (sqlite3_int64)user->id);
    code = store_run(statement, err);
    if (!code && user->disabled)
        code = end_sessions(db, user->id, 0, err);
    return code || !user->disabled ? code : forget_links(db, user->id, err);
}

int user_change(struct accounts *accounts, const struct principal *by, const struct user *user,
                struct err *err) {
    struct arena arena;
    struct user before = {0};
    arena_init(&arena);
    int code = check_fields(user, err);
    if (!code)
        code = user_get(accounts, user->id, &arena, &before, err);
    if (!code)
        code = check_owner_rule(by, before.role, user->role, err);
    if (!code) {
        struct change change = {.accounts = accounts,
                                .user = *user,
                                .units = units_to_text(user->units, user->n_units, &arena)};
        code = store_write(accounts->folder->store, update_user, &change, err);
    }
    if (!code)
        audit_write(accounts, by, "", "user.change", before.email, role_name(user->role));
    arena_release(&arena);
    return code;
}

/* The link is taken in the transaction that changes the password, so that it is good once. */
static int take_link(sqlite3 *db, const struct change *change, struct err *err) {
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM link WHERE token_hash = ? AND user = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, change->link, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)change->user.id);
    int code = store_run(statement, err);
    return code || sqlite3_changes(db)
               ? code
               : err_at(err, E_INVALID, "/token", "this link is used or too old: ask for another");
}

static int update_password(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    int taken = change->link ? take_link(db, change, err) : 0;
    if (taken)
        return taken;
    sqlite3_stmt *statement = STORE_PREPARE(db, "UPDATE user SET password = ? WHERE id = ?", err);
    if (!statement)
        return E_IO;
    bind_text(statement, 1, change->password);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)change->user.id);
    int code = store_run(statement, err);
    if (!code)
        code = forget_links(db, change->user.id, err);
    return code ? code : end_sessions(db, change->user.id, change->keep, err);
}

int user_set_password(struct accounts *accounts, const struct principal *by, uint64_t id,
                      const char *password, uint64_t keep, struct err *err) {
    return user_put_password(accounts, by, id, password, keep, NULL, err);
}

int user_put_password(struct accounts *accounts, const struct principal *by, uint64_t id,
                      const char *password, uint64_t keep, const unsigned char *link,
                      struct err *err) {
    char hash[crypto_pwhash_STRBYTES];
    struct arena arena;
    struct user user = {0};
    arena_init(&arena);
    int code = user_get(accounts, id, &arena, &user, err);
    if (!code && by->user != id)
        code = check_owner_rule(by, user.role, user.role, err);
    if (!code)
        code = password_is_fit(password, user.email, err);
    if (!code)
        code = password_hash(accounts, password, hash, sizeof hash, err);
    struct change change = {
        .accounts = accounts, .user = {.id = id}, .password = hash, .keep = keep, .link = link};
    if (!code)
        code = store_write(accounts->folder->store, update_password, &change, err);
    if (!code)
        audit_write(accounts, by, "", "user.password", user.email, "");
    arena_release(&arena);
    return code;
}

static int read_password(struct accounts *accounts, uint64_t id, char hash[crypto_pwhash_STRBYTES],
                         struct err *err) {
    hash[0] = 0;
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT password FROM user WHERE id = ?", err);
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
    int code = statement ? store_step(statement, err) : E_IO;
    if (code == 1) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (text && strlen(text) < crypto_pwhash_STRBYTES)
            memcpy(hash, text, strlen(text) + 1);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    return code;
}

const char *password_mark(struct accounts *accounts, uint64_t user, struct arena *arena) {
    char hash[crypto_pwhash_STRBYTES], text[2 * HASH_BYTES + 1];
    unsigned char mark[HASH_BYTES];
    struct err ignored = {0};
    if (read_password(accounts, user, hash, &ignored) < 0)
        return "";
    crypto_generichash(mark, sizeof mark, (const unsigned char *)hash, strlen(hash),
                       accounts->csrf_key, HASH_BYTES);
    sodium_memzero(hash, sizeof hash);
    sodium_bin2hex(text, sizeof text, mark, sizeof mark);
    return arena_text(arena, slice_of(text));
}

int user_check_password(struct accounts *accounts, uint64_t id, const char *password,
                        struct err *err) {
    char hash[crypto_pwhash_STRBYTES];
    int code = read_password(accounts, id, hash, err);
    if (code < 0)
        return code;
    if (code == 0)
        return err_set(err, E_NOT_FOUND, "no such person");
    return password_check(accounts, hash, password, err);
}

static int delete_user(void *context, sqlite3 *db, struct err *err) {
    struct change *change = context;
    int code = check_last_owner(db, change->user.id, err);
    if (!code)
        code = end_sessions(db, change->user.id, 0, err);
    if (!code)
        code = forget_links(db, change->user.id, err);
    sqlite3_stmt *statement =
        code ? NULL : STORE_PREPARE(db, "DELETE FROM recovery_code WHERE user = ?", err);
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->user.id);
        code = store_run(statement, err);
    }
    statement = code ? NULL : STORE_PREPARE(db, "DELETE FROM user_identity WHERE user = ?", err);
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->user.id);
        code = store_run(statement, err);
    }
    statement = code ? NULL : STORE_PREPARE(db, "DELETE FROM user WHERE id = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)change->user.id);
    return store_run(statement, err);
}

int user_remove(struct accounts *accounts, const struct principal *by, uint64_t id,
                struct err *err) {
    struct arena arena;
    struct change change = {.accounts = accounts};
    arena_init(&arena);
    int code = user_get(accounts, id, &arena, &change.user, err);
    if (!code)
        code = check_owner_rule(by, change.user.role, change.user.role, err);
    if (!code)
        code = store_write(accounts->folder->store, delete_user, &change, err);
    if (!code) {
        atomic_fetch_sub(&accounts->users, 1);
        audit_write(accounts, by, "", "user.remove", change.user.email, "");
    }
    arena_release(&arena);
    return code;
}
