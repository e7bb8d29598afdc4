/*
 * What the files of people, sessions, keys and units share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ACCOUNT_INTERNAL_H
#define SENDA_HTTP_ACCOUNT_INTERNAL_H

#include <semaphore.h>

#include "http/internal.h"

enum { HASH_BYTES = 32, SIGN_IN_WAITERS = 16 };

struct accounts {
    struct folder *folder;
    atomic_int users; /* how many; -1: not counted yet */
    sem_t hashing;    /* Argon2id computations under way */
    atomic_int waiting;
    struct throttle *by_address, *by_pair, *by_email, *by_second; /* tries to sign in (session.c) */
    unsigned char csrf_key[HASH_BYTES], audit_key[HASH_BYTES];
};

/* BLAKE2b-256 of a secret token. */
void token_hash(const char *token, unsigned char hash[HASH_BYTES]);
/* prefix and 43 characters of 256 random bits. */
void token_make(const char *prefix, char token[TOKEN_TEXT_BYTES]);
/* Argon2id within the bound; E_BUSY when too many wait. */
must_use int password_hash(struct accounts *accounts, const char *password, char *hash, size_t size,
                           struct err *err);
must_use int password_check(struct accounts *accounts, const char *hash, const char *password,
                            struct err *err);
/* email: of whose password it becomes. E_INVALID at /password. */
must_use int password_is_fit(const char *password, const char *email, struct err *err);

/* "purpose user expires more", sealed by the vault, as text: for what a browser keeps between two steps. */
const char *token_seal(struct accounts *accounts, const char *purpose, uint64_t user,
                       int64_t expires_ms, struct slice more, struct arena *arena);
bool token_unseal(struct accounts *accounts, const char *purpose, const char *token, int64_t now_ms,
                  uint64_t *user, struct slice *more, struct arena *arena);

/* Names of units as a JSON list, "" for all (units NULL); and back. */
const char *units_to_text(const char **units, size_t n, struct arena *arena);
void units_from_text(const char *text, struct arena *arena, const char ***units, size_t *n);

/* What everybody of this role sees less of: the floor of viewers (setting "privacy.floor"). */
unsigned role_floor(struct accounts *accounts, enum role role);

/* user_set_password by a link (its hash, HASH_BYTES), which is taken: E_INVALID at /token if it is gone. link NULL: without. */
must_use int user_put_password(struct accounts *accounts, const struct principal *by, uint64_t id,
                               const char *password, uint64_t keep, const unsigned char *link,
                               struct err *err);
/* The name of the session's cookie. */
const char *session_cookie(const struct request *request);
/* Changes with the password: what was begun with the old one ends. */
const char *password_mark(struct accounts *accounts, uint64_t user, struct arena *arena);

/* Fill request->principal from a cookie or a key. An unknown session is nobody; an unknown key is E_UNAUTHORIZED. */
must_use int session_identify(struct request *request, const char *token, struct err *err);
must_use int api_key_identify(struct request *request, const char *secret, struct err *err);

/* Column as a C string of the arena; "" for NULL. */
const char *column_text(sqlite3_stmt *statement, int column, struct arena *arena);
void bind_text(sqlite3_stmt *statement, int column, const char *text);

#endif
