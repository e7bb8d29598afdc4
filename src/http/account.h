/*
 * Who may do what: people with roles, their sessions, API keys, units, the audit.
 *
 * SECRETS  Passwords are kept as Argon2id hashes (at most two computed at a time), session tokens, API keys and the
 * setup token as BLAKE2b hashes; each is shown once.
 * SESSIONS 256 random bits in the cookie "senda_session" (HttpOnly, SameSite=Lax, Secure behind https), valid
 * SESSION_DAYS after the last use. The CSRF token is a keyed hash of the session's.
 * ROLES    owner and administrator do everything (only an owner changes owners); analyst asks, imports and manages
 * sources and rules; a manager of units, an agent and a viewer ask within their units.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ACCOUNT_H
#define SENDA_HTTP_ACCOUNT_H

#include "http/http.h"

enum { SESSION_DAYS = 14, PASSWORD_MIN = 10, PASSWORD_MAX = 1024, TOKEN_TEXT_BYTES = 64 };
#define SESSION_COOKIE "senda_session"

struct accounts;
must_use int accounts_open(struct accounts **accounts, struct folder *folder, struct err *err);
void accounts_close(struct accounts *accounts);

const char *role_name(enum role role); /* "owner" */
enum role role_of(const char *name);   /* ROLE_NONE if unknown */
unsigned role_scopes(enum role role);  /* bits of enum scope */
/* What an asker limited to units may do of `scopes`: ask and send. Whatever manages, imports or administers concerns every
 * unit, so it needs somebody who sees them all. */
unsigned scopes_within_units(unsigned scopes);
enum { FLOOR_STANDARD = 5, FLOOR_MAX = 1000 };
#define FLOOR_SETTING "privacy.floor"
/* The least customers that a number shown to viewers and on public pages is about. At least 1. */
unsigned accounts_floor(struct accounts *accounts);
const char *scope_name(enum scope scope);
unsigned scope_of(const char *name); /* 0 if unknown */

struct user {
    uint64_t id;
    const char *email, *name, *language; /* language: "es", "en" or "" (by browser) */
    enum role role;
    const char **units; /* names; NULL: all */
    size_t n_units;
    bool disabled;
    bool invited;                     /* has no password yet */
    bool totp;                        /* has a second factor */
    bool sso;                         /* comes in through the provider of single sign-on */
    int64_t created_ms, signed_in_ms; /* 0: never */
};

/* true while there is no user: the interface offers the first-run setup. */
bool accounts_need_setup(struct accounts *accounts);
/* A fresh setup token (shown in admin_url as /setup?token=…). The very first and the newest are good, until the first user
 * exists. */
must_use int accounts_setup_token(struct accounts *accounts, char token[TOKEN_TEXT_BYTES],
                                  struct err *err);
bool accounts_setup_token_valid(struct accounts *accounts, const char *token);

/* by: who does it, for the audit. password NULL: they are invited. New users get their id. E_CONFLICT: the address is taken; E_INVALID with pointer. */
must_use int user_add(struct accounts *accounts, const struct principal *by, struct user *user,
                      const char *password, struct err *err);
/* Changes name, language, role, units, disabled of user->id. E_NOT_FOUND; E_INVALID with the pointer; the last owner stays one
 * (E_REFUSED). */
must_use int user_change(struct accounts *accounts, const struct principal *by,
                         const struct user *user, struct err *err);
/* Ends their sessions but `keep` (0: all) and takes back what links they have. E_INVALID at /password, E_NOT_FOUND. */
must_use int user_set_password(struct accounts *accounts, const struct principal *by, uint64_t id,
                               const char *password, uint64_t keep, struct err *err);
/* Only an owner changes an owner: E_FORBIDDEN. */
must_use int user_check_owner(const struct principal *by, const struct user *user, struct err *err);
/* E_UNAUTHORIZED, E_NOT_FOUND. COST one Argon2id hash. */
must_use int user_check_password(struct accounts *accounts, uint64_t id, const char *password,
                                 struct err *err);
/* With sessions, links and second factor. E_NOT_FOUND; E_REFUSED for the last owner. */
must_use int user_remove(struct accounts *accounts, const struct principal *by, uint64_t id,
                         struct err *err);
/* By number or address (capitals do not matter). Texts are the arena's. E_NOT_FOUND. */
must_use int user_get(struct accounts *accounts, uint64_t id, struct arena *arena,
                      struct user *user, struct err *err);
must_use int user_find(struct accounts *accounts, const char *email, struct arena *arena,
                       struct user *user, struct err *err);
/* All, by address. */
must_use int user_list(struct accounts *accounts, struct arena *arena, struct user **users,
                       size_t *n, struct err *err);

/* Signs in: checks the throttle and the password, makes a session, adds Set-Cookie to the response, writes the audit.
 * E_UNAUTHORIZED (same message for an unknown address and a wrong password), E_RATE with Retry-After set. Of who has a
 * second factor, code is checked as well; without it *pending is a token for session_second (else NULL) and the answer
 * E_UNAUTHORIZED at "/code". */
must_use int session_sign_in(struct request *request, struct response *response, const char *email,
                             const char *password, const char *code, const char **pending,
                             struct err *err);
/* The second step: E_INVALID at "/pending" when it took too long. */
must_use int session_second(struct request *request, struct response *response, const char *pending,
                            const char *code, struct err *err);
/* Lets in who has shown who they are in another way (single sign-on): a session, or *pending where they have a second factor. */
must_use int session_admit(struct request *request, struct response *response,
                           const struct user *user, const char **pending, struct err *err);
/* The same without a password, for the person who just did the setup. */
must_use int session_begin(struct request *request, struct response *response, uint64_t user,
                           struct err *err);
must_use int session_sign_out(struct request *request, struct response *response, struct err *err);
struct session {
    uint64_t id, user;
    const char *address, *agent;
    int64_t created_ms, seen_ms;
    bool current;
};
/* Those of a person that hold, the last used first; texts are the request's. */
must_use int session_list(struct request *request, uint64_t user, struct session **sessions,
                          size_t *n, struct err *err);
/* E_NOT_FOUND: they have no such session. */
must_use int session_revoke(struct accounts *accounts, uint64_t user, uint64_t id, struct err *err);
/* All of a person but `keep` (0: all). */
must_use int session_revoke_all(struct accounts *accounts, const struct principal *by,
                                const struct user *user, uint64_t keep, struct err *err);
uint64_t session_of(const struct request *request); /* its number; 0: no session */

/* ---- the second factor (totp.c) ---- */

#define TOTP_SETTING "totp_required" /* the least role that needs one, or nothing */
enum { RECOVERY_CODES = 10, RECOVERY_BYTES = 12 };
struct totp_state {
    bool enabled, required;
    unsigned recovery_left;
};
/* Of people with this role, by the organisation's setting. */
bool totp_is_required(struct accounts *accounts, enum role role);
must_use int totp_state(struct accounts *accounts, uint64_t user, struct totp_state *state,
                        struct err *err);
struct totp_enrolment {
    const char *secret, *uri; /* base32; otpauth://… for a QR code */
    const char *pending;      /* to give back with a code, within 15 minutes */
};
/* A new secret; nothing is kept until totp_confirm. Texts are the arena's. */
must_use int totp_begin(struct accounts *accounts, const struct user *user, int64_t now_ms,
                        struct arena *arena, struct totp_enrolment *enrolment, struct err *err);
/* by: the person. codes: for recovery, shown this once. E_INVALID at /pending or /code. */
must_use int totp_confirm(struct accounts *accounts, const struct principal *by,
                          const char *pending, const char *code, int64_t now_ms,
                          char codes[RECOVERY_CODES][RECOVERY_BYTES], struct err *err);
/* In place of the codes that are left. E_REFUSED: there is no second factor. */
must_use int totp_renew_codes(struct accounts *accounts, const struct principal *by,
                              char codes[RECOVERY_CODES][RECOVERY_BYTES], struct err *err);
/* One's own, or another's; only an owner takes an owner's: E_FORBIDDEN. */
must_use int totp_remove(struct accounts *accounts, const struct principal *by,
                         const struct user *user, struct err *err);
/* A code of now or a recovery code, each good once. E_UNAUTHORIZED at /code, E_RATE with *retry_s. */
must_use int totp_check(struct accounts *accounts, uint64_t user, const char *code, int64_t now_ms,
                        int *retry_s, struct err *err);

/* ---- links (link.c) ---- */

/* An invitation (7 days) or a link for a new password (a day), in place of what the person has. */
must_use int link_make(struct accounts *accounts, const struct principal *by,
                       const struct user *user, char token[TOKEN_TEXT_BYTES], int64_t *expires_ms,
                       struct err *err);
/* Whose link is it? E_INVALID at /token. */
must_use int link_find(struct accounts *accounts, const char *token, int64_t now_ms,
                       struct arena *arena, struct user *user, struct err *err);
/* Sets the password, ends all sessions of the person, and the link is used. E_INVALID at /token or /password. */
must_use int link_use(struct request *request, const char *token, const char *password,
                      struct user *user, struct err *err);

struct api_key {
    uint64_t id;
    const char *name, *hint; /* last four characters */
    unsigned scopes;
    const char **units;
    size_t n_units;
    int64_t created_ms, used_ms, expires_ms; /* 0: never */
};
/* name, scopes, units and expires_ms are given, the rest is filled. secret: shown this once. E_INVALID with the pointer. */
must_use int api_key_add(struct accounts *accounts, const struct principal *by, struct api_key *key,
                         char secret[TOKEN_TEXT_BYTES], struct err *err);
/* All, in the order in which they were made; texts are the arena's. */
must_use int api_key_list(struct accounts *accounts, struct arena *arena, struct api_key **keys,
                          size_t *n, struct err *err);
/* A new secret in place of the present one, which stops working. E_NOT_FOUND. */
must_use int api_key_rotate(struct accounts *accounts, const struct principal *by, uint64_t id,
                            char secret[TOKEN_TEXT_BYTES], struct err *err);
must_use int api_key_remove(struct accounts *accounts, const struct principal *by, uint64_t id,
                            struct err *err);

/* Units: centres, in several hierarchies; name is what events say in context.unit. */
struct unit_parent {
    const char *hierarchy, *parent; /* parent "": none any more */
};
struct unit {
    const char *name, *title; /* title NULL or "": as it is, of a new one the name */
    const struct unit_parent *parents;
    size_t n_parents;
};
/* Makes or changes a unit; in hierarchies that are not named it stays where it is. E_INVALID with the pointer of an unknown
 * hierarchy or parent, or of a parent that stands below the unit. */
must_use int unit_put(struct accounts *accounts, const struct principal *by,
                      const struct unit *unit, struct err *err);
/* All or none; pointers begin with "/units/INDEX". */
must_use int unit_put_all(struct accounts *accounts, const struct principal *by,
                          const struct unit *units, size_t n, struct err *err);
/* E_REFUSED: there are units below it. Its interactions keep its name. */
must_use int unit_remove(struct accounts *accounts, const struct principal *by, const char *name,
                         struct err *err);
must_use int unit_list(struct accounts *accounts, struct arena *arena, struct unit **units,
                       size_t *n, struct err *err);
struct hierarchy {
    const char *name, *title; /* title "": the program's own words */
};
must_use int hierarchy_put(struct accounts *accounts, const struct principal *by,
                           const struct hierarchy *hierarchy, struct err *err);
/* E_REFUSED: units are ordered by it. */
must_use int hierarchy_remove(struct accounts *accounts, const struct principal *by,
                              const char *name, struct err *err);
must_use int hierarchy_list(struct accounts *accounts, struct arena *arena,
                            struct hierarchy **hierarchies, size_t *n, struct err *err);
/* Codes of the named units and all their descendants, ascending. */
must_use int unit_codes(struct accounts *accounts, const char **names, size_t n_names,
                        struct arena *arena, const uint16_t **codes, size_t *n, struct err *err);

/* The audit: append only. */
struct audit_entry {
    uint64_t id;
    int64_t time_ms;
    const char *who, *address, *what, *about, *detail; /* what: "user.add", "session.refused", … */
};
/* Waits until it is written; a failure is logged. by NULL, address "", about "", detail "": nothing to say. */
void audit_write(struct accounts *accounts, const struct principal *by, const char *address,
                 const char *what, const char *about, const char *detail);
/* The same, of whoever asked. */
void audit_act(const struct request *request, const char *what, const char *about,
               const char *detail);
/* The same of what has a number: names and texts that people give may be about customers, who are to be gone when they are erased. */
void audit_act_number(const struct request *request, const char *what, uint64_t number);
/* Somebody saw somebody: written with the next commit, without waiting. about: a customer's number, never an identifier. */
void audit_note(const struct request *request, const char *what, const char *about,
                const char *detail);
struct audit_filter {
    const char *who, *what, *about; /* NULL or "": all; what "user" means "user.add" … too */
    int64_t from_ms, to_ms;         /* half-open; to_ms 0: no end */
    uint64_t before, after;         /* ids between these; 0: no bound */
    bool oldest_first;
};
must_use int audit_list(struct accounts *accounts, const struct audit_filter *filter, size_t limit,
                        struct arena *arena, struct audit_entry **entries, size_t *n,
                        struct err *err);
/* The newest about one customer, by what they did. about is not "". */
must_use int audit_about(struct accounts *accounts, const char *about, size_t limit,
                         struct arena *arena, struct audit_entry **entries, size_t *n,
                         struct err *err);
/* Follows the chain: how many entries it has, and the id of the first that does not fit (0: all do). */
must_use int audit_check(struct accounts *accounts, uint64_t *entries, uint64_t *broken,
                         struct err *err);

/* http/'s own: fills request->principal, language and csrf from socket, Authorization or cookie. */
must_use int accounts_identify(struct request *request, struct err *err);

#endif
