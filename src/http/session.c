/*
 * Sign-in and sessions.
 *
 * A session is found by the hash of its cookie; its last use is written at most once an hour, so that reading a page
 * costs no commit. A wrong address and a wrong password take the same time and get the same words.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/account_internal.h"

enum { AGENT_MAX = 200, SESSIONS_PER_USER = 50, HOUR_MS = 3600 * 1000, PENDING_MS = 5 * 60 * 1000 };

struct beginning {
    uint64_t user;
    unsigned char hash[HASH_BYTES];
    const char *address, *agent;
    int64_t now_ms;
};

static int insert_session(void *context, sqlite3 *db, struct err *err) {
    struct beginning *beginning = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "INSERT INTO session(token_hash, user, address, agent, "
                      "created_ms, seen_ms) VALUES(?1, ?2, sealed(?3), sealed(?4), ?5, ?5)",
                      err);
    if (!statement)
        return E_IO;
    sqlite3_bind_blob(statement, 1, beginning->hash, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)beginning->user);
    bind_text(statement, 3, beginning->address);
    bind_text(statement, 4, beginning->agent);
    sqlite3_bind_int64(statement, 5, beginning->now_ms);
    int code = store_run(statement, err);
    statement =
        code ? NULL : STORE_PREPARE(db, "UPDATE user SET signed_in_ms = ? WHERE id = ?", err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, beginning->now_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)beginning->user);
    code = store_run(statement, err);
    /* Old ones go: past their time, or beyond what one person may have. */
    statement = code ? NULL
                     : STORE_PREPARE(db,
                                     "DELETE FROM session WHERE seen_ms < ?1 OR id IN (SELECT id "
                                     "FROM session WHERE user = ?2 ORDER BY seen_ms DESC"
                                     " LIMIT -1 OFFSET ?3)",
                                     err);
    if (!statement)
        return code ? code : E_IO;
    sqlite3_bind_int64(statement, 1, beginning->now_ms - (int64_t)SESSION_DAYS * DAY_MS);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)beginning->user);
    sqlite3_bind_int(statement, 3, SESSIONS_PER_USER);
    return store_run(statement, err);
}

/* Behind https no other host or path can plant it: the browser refuses what bears this prefix and is not ours alone. */
const char *session_cookie(const struct request *request) {
    return request->private->https ? "__Host-" SESSION_COOKIE : SESSION_COOKIE;
}

static void set_csrf(struct request *request, const char *token) {
    unsigned char hash[HASH_BYTES];
    char text[48];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)token, strlen(token),
                       app_accounts(request->app)->csrf_key, HASH_BYTES);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    request->csrf = arena_text(request->arena, slice_of(text));
}

int session_begin(struct request *request, struct response *response, uint64_t user,
                  struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    char token[TOKEN_TEXT_BYTES];
    const char *agent = request_header(request, "User-Agent");
    token_make("", token);
    struct beginning beginning = {
        .user = user, .address = request->peer, .now_ms = request->received_ms};
    beginning.agent = agent ? arena_format(request->arena, "%.*s", AGENT_MAX, agent) : "";
    token_hash(token, beginning.hash);
    int code = store_write(accounts->folder->store, insert_session, &beginning, err);
    if (code)
        return code;
    response_header(request, response, "Set-Cookie",
                    arena_format(request->arena,
                                 "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s",
                                 session_cookie(request), token, SESSION_DAYS * DAY_S,
                                 request->private->https ? "; Secure" : ""));
    set_csrf(request, token);
    sodium_memzero(token, sizeof token);
    return 0;
}

/* Tries are counted by address, by address and account, and, with much more room, by account from everywhere: so a stranger who
 * guesses does not keep the owner out, and many strangers together still do not get far. */
static int check_throttle(struct request *request, struct response *response, const char *email,
                          struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    int retry_s = 0;
    bool allowed =
        throttle_take(accounts->by_address, request->peer, request->received_ms, &retry_s);
    char *key = arena_text(request->arena, slice_of(email));
    for (char *c = key; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    const char *pair = arena_format(request->arena, "%s %s", request->peer, key);
    allowed = allowed && throttle_take(accounts->by_pair, pair, request->received_ms, &retry_s) &&
              throttle_take(accounts->by_email, key, request->received_ms, &retry_s);
    if (allowed)
        return 0;
    response_header(request, response, "Retry-After", arena_format(request->arena, "%d", retry_s));
    return err_set(err, E_RATE, "too many attempts to sign in");
}

/* Takes as long as a real check. */
static int refuse_unknown(struct accounts *accounts, const char *password, struct err *err) {
    char hash[crypto_pwhash_STRBYTES];
    int code = password_hash(accounts, password, hash, sizeof hash, err);
    return code ? code
                : err_set(err, E_UNAUTHORIZED, "the e-mail address or the password is wrong");
}

/* The person of an address and a password; takes as long where there is none. */
static int find_person(struct accounts *accounts, const char *email, const char *password,
                       struct arena *arena, struct user *user, struct err *err) {
    struct err found = {0};
    int code = user_find(accounts, email, arena, user, &found);
    if (code && code != E_NOT_FOUND) {
        *err = found;
        return code;
    }
    return code || user->disabled || user->invited
               ? refuse_unknown(accounts, password, err)
               : user_check_password(accounts, user->id, password, err);
}

static int check_second(struct request *request, struct response *response, uint64_t user,
                        const char *code, struct err *err) {
    int retry_s = 0;
    int result =
        totp_check(app_accounts(request->app), user, code, request->received_ms, &retry_s, err);
    if (result == E_RATE)
        response_header(request, response, "Retry-After",
                        arena_format(request->arena, "%d", retry_s));
    return result;
}

/* For the audit: what was typed only where it is somebody's address, not a password in the wrong field. */
static const char *known_email(struct accounts *accounts, const char *email, struct arena *arena) {
    struct err ignored = {0};
    struct user user;
    return user_find(accounts, email, arena, &user, &ignored) ? "" : user.email;
}

static int begin_of(struct request *request, struct response *response, const struct user *user,
                    struct err *err) {
    struct principal who = {.name = user->email};
    int code = session_begin(request, response, user->id, err);
    if (!code)
        audit_write(app_accounts(request->app), &who, request->peer, "session.begin", user->email,
                    "");
    return code;
}

/* A token for session_second. */
static const char *second_step(struct request *request, uint64_t user) {
    struct accounts *accounts = app_accounts(request->app);
    return token_seal(accounts, "second", user, request->received_ms + PENDING_MS,
                      slice_of(password_mark(accounts, user, request->arena)), request->arena);
}

int session_sign_in(struct request *request, struct response *response, const char *email,
                    const char *password, const char *second, const char **pending,
                    struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct principal nobody = {.name = ""};
    struct user user;
    *pending = NULL;
    if (!email || !password || strlen(password) > PASSWORD_MAX || strlen(email) > 254)
        return err_set(err, E_UNAUTHORIZED, "the e-mail address or the password is wrong");
    int code = check_throttle(request, response, email, err);
    if (code)
        return code;
    code = find_person(accounts, email, password, request->arena, &user, err);
    if (!code && user.totp && !(second && second[0])) {
        *pending = second_step(request, user.id);
        return err_at(err, E_UNAUTHORIZED, "/code", "a code of the second factor is needed");
    }
    if (!code && user.totp)
        code = check_second(request, response, user.id, second, err);
    if (code == E_UNAUTHORIZED)
        audit_write(accounts, &nobody, request->peer, "session.refused",
                    known_email(accounts, email, request->arena), "");
    return code ? code : begin_of(request, response, &user, err);
}

int session_admit(struct request *request, struct response *response, const struct user *user,
                  const char **pending, struct err *err) {
    *pending = NULL;
    if (user->disabled)
        return err_set(err, E_FORBIDDEN, "this person is switched off");
    if (!user->totp)
        return begin_of(request, response, user, err);
    *pending = second_step(request, user->id);
    return err_at(err, E_UNAUTHORIZED, "/code", "a code of the second factor is needed");
}

int session_second(struct request *request, struct response *response, const char *pending,
                   const char *second, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    struct principal nobody = {.name = ""};
    struct user user;
    struct slice mark;
    uint64_t id;
    if (!token_unseal(accounts, "second", pending, request->received_ms, &id, &mark,
                      request->arena) ||
        !slice_equal(mark, slice_of(password_mark(accounts, id, request->arena))))
        return err_at(err, E_INVALID, "/pending", "signing in took too long: begin again");
    int code = user_get(accounts, id, request->arena, &user, err);
    if (!code && user.disabled)
        code = err_set(err, E_UNAUTHORIZED, "the e-mail address or the password is wrong");
    if (!code)
        code = check_second(request, response, id, second ? second : "", err);
    if (code == E_UNAUTHORIZED)
        audit_write(accounts, &nobody, request->peer, "session.refused", user.email, "");
    return code ? code : begin_of(request, response, &user, err);
}

struct removal {
    uint64_t user, id;
    int removed;
};

static int delete_session(void *context, sqlite3 *db, struct err *err) {
    struct removal *removal = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM session WHERE user = ? AND id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)removal->user);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)removal->id);
    int code = store_run(statement, err);
    removal->removed = sqlite3_changes(db);
    return code;
}

int session_revoke(struct accounts *accounts, uint64_t user, uint64_t id, struct err *err) {
    struct removal removal = {.user = user, .id = id};
    int code = store_write(accounts->folder->store, delete_session, &removal, err);
    return !code && !removal.removed ? err_set(err, E_NOT_FOUND, "no such session") : code;
}

static int delete_sessions(void *context, sqlite3 *db, struct err *err) {
    const struct removal *removal = context;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "DELETE FROM session WHERE user = ? AND id <> ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)removal->user);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)removal->id);
    return store_run(statement, err);
}

int session_revoke_all(struct accounts *accounts, const struct principal *by,
                       const struct user *user, uint64_t keep, struct err *err) {
    struct removal removal = {.user = user->id, .id = keep};
    int code = by->user == user->id ? 0 : user_check_owner(by, user, err);
    if (!code)
        code = store_write(accounts->folder->store, delete_sessions, &removal, err);
    if (!code)
        audit_write(accounts, by, "", "session.end_all", user->email, "");
    return code;
}

uint64_t session_of(const struct request *request) {
    return request->private->auth == AUTH_SESSION ? request->private->session : 0;
}

int session_sign_out(struct request *request, struct response *response, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    response_header(request, response, "Set-Cookie",
                    arena_format(request->arena, "%s=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0%s",
                                 session_cookie(request),
                                 request->private->https ? "; Secure" : ""));
    response_header(request, response, "Clear-Site-Data", "\"cache\"");
    if (request->private->auth != AUTH_SESSION)
        return 0;
    int code = session_revoke(accounts, request->principal.user, request->private->session, err);
    if (code == E_NOT_FOUND)
        code = 0;
    if (!code)
        audit_act(request, "session.end", request->principal.name, "");
    return code;
}

int session_list(struct request *request, uint64_t user, struct session **sessions, size_t *n,
                 struct err *err) {
    struct store *store = app_folder(request->app)->store;
    *sessions = ARENA_ARRAY(request->arena, struct session, SESSIONS_PER_USER);
    *n = 0;
    sqlite3 *db = store_reader_get(store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT id, opened(address), opened(agent), created_ms, seen_ms FROM "
                      "session WHERE user = ? AND seen_ms >= ?"
                      " ORDER BY seen_ms DESC LIMIT ?",
                      err);
    int code = statement ? 1 : E_IO;
    if (statement) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)user);
        sqlite3_bind_int64(statement, 2, request->received_ms - (int64_t)SESSION_DAYS * DAY_MS);
        sqlite3_bind_int(statement, 3, SESSIONS_PER_USER);
    }
    while (code == 1 && (code = store_step(statement, err)) == 1) {
        if (*n == SESSIONS_PER_USER)
            continue;
        struct session *session = &(*sessions)[(*n)++];
        *session = (struct session){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                    .user = user,
                                    .address = column_text(statement, 1, request->arena),
                                    .agent = column_text(statement, 2, request->arena),
                                    .created_ms = sqlite3_column_int64(statement, 3),
                                    .seen_ms = sqlite3_column_int64(statement, 4)};
        session->current = session->id == request->private->session;
    }
    store_reader_put(store, db);
    return code;
}

struct touch {
    uint64_t id;
    int64_t now_ms;
};

static int touch_session(void *context, sqlite3 *db, struct err *err) {
    struct touch *touch = context;
    sqlite3_stmt *statement = STORE_PREPARE(db, "UPDATE session SET seen_ms = ? WHERE id = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, touch->now_ms);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)touch->id);
    return store_run(statement, err);
}

int session_identify(struct request *request, const char *token, struct err *err) {
    struct accounts *accounts = app_accounts(request->app);
    unsigned char hash[HASH_BYTES];
    token_hash(token, hash);
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement =
        STORE_PREPARE(db,
                      "SELECT s.id, s.seen_ms, u.id, opened(u.email), u.role, "
                      "u.units, u.language, u.disabled, u.totp IS NULL "
                      "FROM session s"
                      " JOIN user u ON u.id = s.user WHERE s.token_hash = ?",
                      err);
    int code = E_IO;
    int64_t seen_ms = 0;
    const char *units_text = "";
    if (statement) {
        sqlite3_bind_blob(statement, 1, hash, HASH_BYTES, SQLITE_TRANSIENT);
        code = store_step(statement, err);
    }
    bool known = code == 1;
    if (known) {
        seen_ms = sqlite3_column_int64(statement, 1);
        known = !sqlite3_column_int(statement, 7) &&
                seen_ms >= request->received_ms - (int64_t)SESSION_DAYS * DAY_MS;
        request->private->session = (uint64_t)sqlite3_column_int64(statement, 0);
        const char *language = column_text(statement, 6, request->arena);
        if (known && language[0]) {
            request->language = language;
            request->private->language_asked = true;
        }
        request->principal =
            (struct principal){.user = (uint64_t)sqlite3_column_int64(statement, 2),
                               .name = column_text(statement, 3, request->arena),
                               .role = role_of(column_text(statement, 4, request->arena))};
        request->principal.scopes = role_scopes(request->principal.role);
        units_text = column_text(statement, 5, request->arena);
        request->private->unenrolled = sqlite3_column_int(statement, 8) != 0;
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    if (code < 0)
        return code;
    if (!known) {
        request->principal = (struct principal){0};
        return 0;
    }
    request->private->auth = AUTH_SESSION;
    if (request->private->unenrolled)
        request->private->unenrolled = totp_is_required(accounts, request->principal.role);
    set_csrf(request, token);
    const char **units;
    size_t n;
    units_from_text(units_text, request->arena, &units, &n);
    code = units ? unit_codes(accounts, units, n, request->arena, &request->principal.units,
                              &request->principal.n_units, err)
                 : 0;
    request->principal.floor = role_floor(accounts, request->principal.role);
    if (units)
        request->principal.scopes = scopes_within_units(request->principal.scopes);
    if (!code && request->received_ms - seen_ms > HOUR_MS) {
        struct touch touch = {request->private->session, request->received_ms};
        struct err ignored = {0};
        (void)!store_write(accounts->folder->store, touch_session, &touch, &ignored);
    }
    return code;
}
