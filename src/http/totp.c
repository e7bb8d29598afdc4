/*
 * The second factor: codes by time (RFC 6238, six digits, 30 s, SHA-1 as every authenticator has it), and recovery codes.
 *
 * STATES of a person  without → begun (the secret is known to the browser only, in a sealed token that totp_confirm takes back
 * with a code) → with. Nothing is stored before the code proves that the authenticator has it.
 *
 * INVARIANTS
 *  1. A time step is used once: the last one stands in the record and is raised in the transaction that accepts a code.
 *  2. A recovery code is used once: it is deleted in the transaction that accepts it. Kept as a BLAKE2b hash of
 *     some 50 random bits.
 *  3. Wrong codes are throttled by person, whatever the address.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <liboath/oath.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/account_internal.h"
#include "http/router.h"

enum { SECRET_BYTES = 20, STEP_S = 30, WINDOW = 1, PENDING_MS = 15 * 60 * 1000, TOKEN_MAX = 1024 };

/* ---- sealed tokens ---- */

const char *token_seal(struct accounts *accounts, const char *purpose, uint64_t user,
                       int64_t expires_ms, struct slice more, struct arena *arena) {
    struct buf plain, sealed;
    buf_init(&plain, TOKEN_MAX);
    buf_init(&sealed, (size_t)TOKEN_MAX + VAULT_EXTRA_BYTES);
    buf_add_format(&plain, "%s %llu %lld ", purpose, (unsigned long long)user,
                   (long long)expires_ms);
    buf_add_slice(&plain, more);
    vault_seal(accounts->folder->vault, buf_slice(&plain), &sealed);
    size_t size = sodium_base64_encoded_len(sealed.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_get(arena, size);
    sodium_bin2base64(text, size, (const unsigned char *)sealed.p, sealed.n,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(plain.p, plain.n);
    buf_release(&plain);
    buf_release(&sealed);
    return text;
}

bool token_unseal(struct accounts *accounts, const char *purpose, const char *token, int64_t now_ms,
                  uint64_t *user, struct slice *more, struct arena *arena) {
    unsigned char sealed[TOKEN_MAX + VAULT_EXTRA_BYTES];
    struct err ignored = {0};
    struct buf plain;
    size_t n = 0;
    *user = 0;
    *more = (struct slice){"", 0};
    int at = 0;
    char known[24] = "";
    unsigned long long number;
    long long expires_ms;
    if (!token || sodium_base642bin(sealed, sizeof sealed, token, strlen(token), NULL, &n, NULL,
                                    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    buf_init(&plain, TOKEN_MAX + 1);
    bool good = vault_unseal(accounts->folder->vault, (struct slice){(char *)sealed, n}, &plain,
                             &ignored) == 0;
    if (good) {
        const char *text = arena_text(arena, buf_slice(&plain));
        good = sscanf(text, "%23s %llu %lld %n", known, &number, &expires_ms, &at) == 3 &&
               strcmp(known, purpose) == 0 && expires_ms >= now_ms;
        *user = good ? number : 0;
        *more = slice_of(good ? text + at : "");
    }
    buf_release(&plain);
    return good;
}

/* ---- the record ---- */

struct factor {
    uint64_t user;
    struct slice secret; /* sealed; empty: none */
    uint64_t step;
    unsigned recovery_left;
};

static int read_factor(struct accounts *accounts, uint64_t user, struct arena *arena,
                       struct factor *factor, struct err *err) {
    *factor = (struct factor){.user = user};
    sqlite3 *db = store_reader_get(accounts->folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(
        db,
        "SELECT totp, totp_step, (SELECT count(*) FROM recovery_code r WHERE r.user = u.id) FROM "
        "user u WHERE id = ?",
        err);
    if (statement)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)user);
    int code = statement ? store_step(statement, err) : E_IO;
    if (code == 1) {
        struct slice sealed = {sqlite3_column_blob(statement, 0),
                               (size_t)sqlite3_column_bytes(statement, 0)};
        factor->secret = sealed.n ? arena_copy(arena, sealed) : (struct slice){0};
        factor->step = (uint64_t)sqlite3_column_int64(statement, 1);
        factor->recovery_left = (unsigned)sqlite3_column_int(statement, 2);
        sqlite3_reset(statement);
    }
    store_reader_put(accounts->folder->store, db);
    return code == 1 ? 0 : code ? code : err_set(err, E_NOT_FOUND, "no such person");
}

bool totp_is_required(struct accounts *accounts, enum role role) {
    char least[32];
    struct err none = {0};
    sqlite3 *db = store_reader_get(accounts->folder->store);
    int code = store_setting_get(db, TOTP_SETTING, least, sizeof least, &none);
    store_reader_put(accounts->folder->store, db);
    enum role wanted = code ? ROLE_NONE : role_of(least);
    return wanted != ROLE_NONE && role >= wanted;
}

int totp_state(struct accounts *accounts, uint64_t user, struct totp_state *state,
               struct err *err) {
    struct arena arena;
    struct factor factor;
    struct user known;
    arena_init(&arena);
    int code = read_factor(accounts, user, &arena, &factor, err);
    if (!code)
        code = user_get(accounts, user, &arena, &known, err);
    if (!code)
        *state = (struct totp_state){.enabled = factor.secret.n > 0,
                                     .required = totp_is_required(accounts, known.role),
                                     .recovery_left = factor.recovery_left};
    arena_release(&arena);
    return code;
}

/* ---- enrolment ---- */

int totp_begin(struct accounts *accounts, const struct user *user, int64_t now_ms,
               struct arena *arena, struct totp_enrolment *enrolment, struct err *err) {
    unsigned char random[SECRET_BYTES];
    char *base32 = NULL;
    size_t n = 0;
    randombytes_buf(random, sizeof random);
    if (oath_base32_encode((const char *)random, sizeof random, &base32, &n) != OATH_OK)
        return err_set(err, E_INTERNAL, "no secret could be made");
    struct buf uri;
    buf_init(&uri, 2048);
    const char *issuer = accounts->folder->name[0] ? accounts->folder->name : "Senda";
    buf_add_text(&uri, "otpauth://totp/");
    url_encode(slice_of(issuer), &uri);
    buf_add_char(&uri, ':');
    url_encode(slice_of(user->email), &uri);
    buf_add_format(&uri, "?secret=%s&issuer=", base32);
    url_encode(slice_of(issuer), &uri);
    enrolment->secret = arena_text(arena, slice_of(base32));
    enrolment->uri = arena_text(arena, buf_slice(&uri));
    enrolment->pending =
        token_seal(accounts, "enrol", user->id, now_ms + PENDING_MS, slice_of(base32), arena);
    sodium_memzero(base32, n);
    free(base32);
    buf_release(&uri);
    return 0;
}

/* The time step that a code belongs to, 0 if it is wrong. */
static uint64_t step_of(struct slice base32, const char *code, int64_t now_ms) {
    char *secret = NULL;
    size_t n = 0;
    uint64_t step = 0;
    if (!base32.n || strlen(code) != 6 || strspn(code, "0123456789") != 6 ||
        oath_base32_decode(base32.p, base32.n, &secret, &n) != OATH_OK)
        return 0;
    int found = oath_totp_validate4(secret, n, (time_t)(now_ms / 1000), STEP_S, 0, WINDOW, NULL,
                                    &step, 0, code);
    sodium_memzero(secret, n);
    free(secret);
    return found >= 0 ? step : 0;
}

struct enrolling {
    uint64_t user, step;
    struct slice sealed; /* empty: only recovery codes, or nothing any more */
    bool keep_secret;
    unsigned char hashes[RECOVERY_CODES][HASH_BYTES];
    bool codes;
};

static int write_codes(const struct enrolling *enrolling, sqlite3 *db, struct err *err) {
    sqlite3_stmt *statement = STORE_PREPARE(db, "DELETE FROM recovery_code WHERE user = ?", err);
    if (!statement)
        return E_IO;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)enrolling->user);
    int code = store_run(statement, err);
    for (size_t i = 0; i < RECOVERY_CODES && enrolling->codes && !code; i++) {
        statement = STORE_PREPARE(db, "INSERT INTO recovery_code(user, hash) VALUES(?, ?)", err);
        if (!statement)
            return E_IO;
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)enrolling->user);
        sqlite3_bind_blob(statement, 2, enrolling->hashes[i], HASH_BYTES, SQLITE_TRANSIENT);
        code = store_run(statement, err);
    }
    return code;
}

static int write_factor(void *context, sqlite3 *db, struct err *err) {
    const struct enrolling *enrolling = context;
    int code = write_codes(enrolling, db, err);
    if (code || enrolling->keep_secret)
        return code;
    sqlite3_stmt *statement =
        STORE_PREPARE(db, "UPDATE user SET totp = ?, totp_step = ? WHERE id = ?", err);
    if (!statement)
        return E_IO;
    if (enrolling->sealed.n)
        sqlite3_bind_blob(statement, 1, enrolling->sealed.p, (int)enrolling->sealed.n,
                          SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, 1);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)enrolling->step);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)enrolling->user);
    return store_run(statement, err);
}

/* "abcde-fghij": letters and digits that are not taken for one another, 50 bits. */
static void make_codes(struct enrolling *enrolling, char codes[RECOVERY_CODES][RECOVERY_BYTES]) {
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        for (size_t k = 0; k < RECOVERY_BYTES - 1; k++)
            codes[i][k] = k == 5 ? '-' : letters[randombytes_uniform(sizeof letters - 1)];
        codes[i][RECOVERY_BYTES - 1] = 0;
        token_hash(codes[i], enrolling->hashes[i]);
    }
    enrolling->codes = true;
}

int totp_confirm(struct accounts *accounts, const struct principal *by, const char *pending,
                 const char *code, int64_t now_ms, char codes[RECOVERY_CODES][RECOVERY_BYTES],
                 struct err *err) {
    struct arena arena;
    struct buf sealed;
    struct slice secret = {"", 0};
    uint64_t user = 0;
    int result = 0;
    arena_init(&arena);
    buf_init(&sealed, 512);
    if (!token_unseal(accounts, "enrol", pending, now_ms, &user, &secret, &arena) ||
        user != by->user)
        result = err_at(err, E_INVALID, "/pending", "the enrolment took too long: begin again");
    struct enrolling enrolling = {.user = by->user};
    enrolling.step = result ? 0 : step_of(secret, code, now_ms);
    if (!result && !enrolling.step)
        result = err_at(err, E_INVALID, "/code", "this is not the code of now");
    if (!result) {
        vault_seal(accounts->folder->vault, secret, &sealed);
        enrolling.sealed = buf_slice(&sealed);
        make_codes(&enrolling, codes);
        result = store_write(accounts->folder->store, write_factor, &enrolling, err);
    }
    if (!result)
        audit_write(accounts, by, "", "totp.enable", by->name, "");
    buf_release(&sealed);
    arena_release(&arena);
    return result;
}

int totp_renew_codes(struct accounts *accounts, const struct principal *by,
                     char codes[RECOVERY_CODES][RECOVERY_BYTES], struct err *err) {
    struct totp_state state;
    struct enrolling enrolling = {.user = by->user, .keep_secret = true};
    int code = totp_state(accounts, by->user, &state, err);
    if (!code && !state.enabled)
        code = err_set(err, E_REFUSED, "there is no second factor");
    if (!code) {
        make_codes(&enrolling, codes);
        code = store_write(accounts->folder->store, write_factor, &enrolling, err);
    }
    if (!code)
        audit_write(accounts, by, "", "totp.codes", by->name, "");
    return code;
}

int totp_remove(struct accounts *accounts, const struct principal *by, const struct user *user,
                struct err *err) {
    struct enrolling enrolling = {.user = user->id};
    int code = by->user == user->id ? 0 : user_check_owner(by, user, err);
    if (!code)
        code = store_write(accounts->folder->store, write_factor, &enrolling, err);
    if (!code)
        audit_write(accounts, by, "", "totp.disable", user->email, "");
    return code;
}

/* ---- checking ---- */

struct using {
    uint64_t user, step; /* step 0: a recovery code */
    unsigned char hash[HASH_BYTES];
    int changed;
};

static int use_code(void *context, sqlite3 *db, struct err *err) {
    struct using *using = context;
    sqlite3_stmt *statement =
        using->step
            ? STORE_PREPARE(db, "UPDATE user SET totp_step = ?1 WHERE id = ?2 AND totp_step < ?1",
                            err)
            : STORE_PREPARE(db, "DELETE FROM recovery_code WHERE hash = ?1 AND user = ?2", err);
    if (!statement)
        return E_IO;
    if (using->step)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64) using->step);
    else
        sqlite3_bind_blob(statement, 1, using->hash, HASH_BYTES, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64) using->user);
    int code = store_run(statement, err);
    using->changed = sqlite3_changes(db);
    return code;
}

/* As people type it: capitals, blanks, without the dash. false: it cannot be one. */
static bool read_recovery(const char *typed, char code[RECOVERY_BYTES]) {
    size_t n = 0;
    for (; *typed; typed++) {
        if (*typed == ' ' || *typed == '-')
            continue;
        if (n == RECOVERY_BYTES - 1)
            return false;
        if (n == 5)
            code[n++] = '-';
        code[n++] = (char)(*typed >= 'A' && *typed <= 'Z' ? *typed + 32 : *typed);
    }
    code[n < RECOVERY_BYTES ? n : RECOVERY_BYTES - 1] = 0;
    return n == RECOVERY_BYTES - 1;
}

int totp_check(struct accounts *accounts, uint64_t user, const char *code, int64_t now_ms,
               int *retry_s, struct err *err) {
    struct arena arena;
    struct factor factor;
    struct using using = {.user = user};
    struct buf secret;
    char key[24];
    snprintf(key, sizeof key, "%llu", (unsigned long long)user);
    if (!throttle_take(accounts->by_second, key, now_ms, retry_s))
        return err_set(err, E_RATE, "too many attempts to sign in");
    arena_init(&arena);
    buf_init(&secret, 256);
    int result = read_factor(accounts, user, &arena, &factor, err);
    if (!result && factor.secret.n)
        result = vault_unseal(accounts->folder->vault, factor.secret, &secret, err);
    char recovery[RECOVERY_BYTES];
    bool possible = read_recovery(code, recovery);
    if (possible)
        token_hash(recovery, using.hash);
    else if (!result && secret.n)
        possible = (using.step = step_of(buf_slice(&secret), code, now_ms)) != 0;
    if (!result && possible)
        result = store_write(accounts->folder->store, use_code, &using, err);
    if (!result && !using.changed)
        result = err_at(err, E_UNAUTHORIZED, "/code", "the code is wrong or was used already");
    if (secret.p)
        sodium_memzero(secret.p, secret.n);
    buf_release(&secret);
    arena_release(&arena);
    return result;
}
