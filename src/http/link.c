/*
 * Links that an administrator hands over: an invitation for who has no password yet, or a new password for who lost it.
 *
 * A link is 256 random bits, kept as a hash, one a person, good once and for a time; setting the password takes it, ends the
 * person's sessions and counts as a change of password.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>

#include "base/clock.h"
#include "http/account_internal.h"

enum { INVITATION_MS = 7 * 24 * 3600 * 1000, RESET_MS = 24 * 3600 * 1000 };

struct linking {
    uint64_t user;
    unsigned char hash[HASH_BYTES];
    int64_t now_ms, expires_ms;
    bool invited; /* has no password yet */
};

static int put_link(void *context, sqlite3 *db, struct err *err) {
    const struct linking *linking = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM link WHERE user = ?1 OR expires_ms < ?2", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)linking->user);
    sqlite3_bind_int64(statement, 2, linking->now_ms);
    int code = store_run(statement, err);
    statement =
        code ? NULL
             : STORE_PREPARE(db, "INSERT INTO link(token_hash, user, expires_ms) VALUES(?, ?, ?)",
                             err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_blob(statement, 1, linking->hash, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)linking->user);
    sqlite3_bind_int64(statement, 3, linking->expires_ms);
    return store_run(statement, err);
}

int link_make(struct accounts *accounts, const struct principal *by, const struct user *user,
              char token[TOKEN_TEXT_BYTES], int64_t *expires_ms, struct err *err) {
    struct linking linking = {.user = user->id, .now_ms = clock_now_ms()};
    int code = user_check_owner(by, user, err);
    if (!code && user->disabled)
        code = err_set(err, E_REFUSED, "this person is switched off");
    if (code)
        return code;
    token_make("", token);
    token_hash(token, linking.hash);
    *expires_ms = linking.expires_ms =
        linking.now_ms + (int64_t)(user->invited ? INVITATION_MS : RESET_MS);
    code = store_write(accounts->folder->store, put_link, &linking, err);
    if (!code)
        audit_write(accounts, by, "", user->invited ? "user.invite" : "user.link", user->email, "");
    return code;
}

int link_find(struct accounts *accounts, const char *token, int64_t now_ms, struct arena *arena,
              struct user *user, struct err *err) {
    unsigned char hash[HASH_BYTES];
    uint64_t id = 0;
    token_hash(token ? token : "", hash);
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "SELECT user FROM link WHERE token_hash = ? AND expires_ms >= ?", err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_blob(statement, 1, hash, HASH_BYTES, SQLITE_TRANSIENT);
        sqlite3_bind_int64(statement, 2, now_ms);
        code = store_step(statement, err);
    }
    if (code == 1) {
        id = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    if (code < 0)
        return code;
    code = id ? user_get(accounts, id, arena, user, err) : E_NOT_FOUND;
    if (code == E_NOT_FOUND || (!code && user->disabled))
        return err_at(err, E_INVALID, "/token", "this link is used or too old: ask for another");
    return code;
}

int link_use(struct request *request, const char *token, const char *password, struct user *user,
             struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    int code = link_find(accounts, token, request->received_ms, request->arena, user, err);
    if (code)
        return code;
    unsigned char hash[HASH_BYTES];
    token_hash(token, hash);
    struct principal self = {.user = user->id, .name = user->email, .role = user->role};
    return user_put_password(accounts, &self, user->id, password, 0, hash, err);
}
