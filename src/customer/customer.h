/*
 * WHO: profiles and the identifiers that lead to them.
 *
 * IN:  identifiers of events (userId, anonymousId, previousId, external ids)
 * OUT: profile numbers for the log; the overlay of redirected profiles for the timeline
 *
 * A profile is born with the first event of an unknown identifier and never dies. Identifiers are stored once,
 * sealed, in the records and found through a keyed blind hash (set "identity" of timeline/keys.h).
 *
 * An identifier that has no rows of its own yet (an anonymousId that arrives beside a userId, an external id) is only
 * attached to the user's profile; it gets a profile of its own, redirected there, with the first event that bears it
 * alone. So its rows can always be told apart, and five million userIds with an anonymousId each redirect nothing.
 *
 * RULES
 *  1. An event with a userId belongs to the user's profile; else to the profile of its anonymousId.
 *  2. userId and anonymousId together: the anonymousId's profile is redirected to the user's while it belongs to
 *     nobody (its past becomes the user's). If it belongs to another user, its past stays there and the
 *     anonymousId gets a new profile that belongs to this user.
 *  3. alias(previousId, userId): the profile of previousId (user or anonymous) is redirected to the user's.
 *  4. Two userIds merge only by alias or by hand.
 *  5. An external id belongs to the first profile that came with it. Asked for without its type, the first of any
 *     type that has the value is found.
 *  6. alias of a previousId that nobody has attaches it as userId and as anonymousId.
 *  7. Merges are edges of a forest between the two profiles that were meant; taking one back removes that edge alone, so
 *     in any order what remains is what the other merges say, also about who the owner is: each merge gives its target's
 *     owner the other one's, in the order in which they were made. Rows stay with the profile that they came to.
 *  8. Whose past was separated from a user by hand is nobody's no more: events with both attach it (rule 2).
 *  9. An attached identifier that is separated gets a profile of its own, without rows, and rule 8 holds for it.
 * 10. External ids in the order of their kinds' priorities: one that nobody has is attached (rule 5). One that somebody has, of a kind
 *     that joins, makes the event's profile and its owner one while either belongs to nobody; where both have a user they stay two,
 *     and it is a proposal to merge.
 * 11. Values that stand for nobody are not there (kinds.h). A value that more customers shared than its kind's limit drops
 *     out: it joins and leads nobody any more (dropped.h). An event left without either id belongs to its first external id of a
 *     kind that joins; where all of those dropped out, too, it is nobody's and refused.
 * 12. A customer that has as many values of a kind as its limit takes nothing more through it (full.h): the value is not attached, and
 *     of two customers who would have more together none becomes the other's. By hand they may.
 *
 * THREADS  resolve, alias, commit and rollback in the writer's thread; find and show from anywhere; maintain from one
 * thread at a time.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_CUSTOMER_H
#define SENDA_CUSTOMER_CUSTOMER_H

#include <stdatomic.h>

#include "timeline/keys.h"
#include "timeline/overlay.h"

struct customers;
struct vault; /* keys that seal and hash; customer/vault.h */

must_use int customers_open(struct customers **customers, struct store *store, struct vault *vault,
                            const char *dir, struct err *err);
void customers_close(struct customers *customers);

enum identity_kind { IDENTITY_USER = 1, IDENTITY_ANONYMOUS = 2, IDENTITY_EXTERNAL = 3 };

struct identity {
    enum identity_kind kind;
    struct slice external_type; /* IDENTITY_EXTERNAL: "email", "loyalty", … */
    struct slice value;
};

/* The blind hash of an identifier: any thread, ahead of the writer. */
struct key128 customers_hash(const struct customers *customers, const struct identity *identity);

/* What the writer needs to know about an event's person. A hash counts only where its text is present. */
struct identifiers {
    struct slice user_id, anonymous_id;
    struct key128 user_hash, anonymous_hash;
    const struct identity *external;
    const struct key128 *external_hashes; /* [n_external] */
    size_t n_external;
};
/* Writer: the profile for an event's identifiers (rules 1, 2, 5); creates and redirects as needed. */
must_use int customers_resolve_hashed(struct customers *customers,
                                      const struct identifiers *identifiers, uint32_t *profile,
                                      sqlite3 *db, struct err *err);
/* Writer: the userId or anonymousId was erased and suppressed, or, where the person is new, an external id or a contact. Costs nothing
 * while nobody was erased. */
bool customers_refuses(const struct customers *customers, const struct identifiers *identifiers,
                       const struct key128 *contacts, size_t n_contacts);
/* Any thread: somebody is suppressed, so that it is worth asking. */
bool customers_refuse_any(const struct customers *customers);
/* Writer: the event bears something that may lead to somebody (rule 11). */
bool customers_may_resolve(struct customers *customers, const struct identifiers *identifiers);
/* Brings what resolving will read closer: call it some events ahead. */
void customers_prefetch(const struct customers *customers, const struct identifiers *identifiers);
must_use int customers_alias(struct customers *customers, struct slice previous_id,
                             struct slice user_id, sqlite3 *db, struct err *err);
/* Any thread: if profiles were redirected since the last call, the new overlay (caller owns: one free()), else NULL. Cost
 * about 80 ns a redirected profile. */
struct overlay *customers_take_overlay(struct customers *customers);
struct overlay *customers_load_overlay(struct customers *customers); /* at start: always one */
/* More keys wait to be written than memory should hold, or a file of them must be rebuilt: customers_relieve does it. */
bool customers_pressed(const struct customers *customers);

uint32_t customers_count(const struct customers *customers); /* profiles */

/* Any thread: owner profile for "c_0000000042", a userId, an anonymousId, or "type:value" of an external id.
 * E_NOT_FOUND if nobody has it. */
must_use int customers_find(struct customers *customers, struct slice id, uint32_t *owner,
                            struct err *err);

/* The same, but the profile itself, before it was merged. */
must_use int customers_find_profile(struct customers *customers, struct slice id, uint32_t *profile,
                                    struct err *err);

enum merge_reason { MERGE_IDENTIFIED = 1, MERGE_ALIAS = 2, MERGE_BY_HAND = 3 };

struct merge {
    uint64_t number;
    uint32_t profile, target; /* the two that it made one; the first belonged to the second */
    enum merge_reason reason;
    int64_t at_ms, separated_ms;          /* 0: it holds */
    const char *who, *why, *separated_by; /* "" where nobody said */
};

/* Makes the customers of two profiles one by hand; that of `into` stays the owner. who: for the history. E_CONFLICT when
 * they are one already. Waits for the commit. */
must_use int customers_unite(struct customers *customers, uint32_t profile, uint32_t into,
                             const char *who, const char *why, struct merge *merge,
                             struct err *err);
/* Takes a merge of the customer of `profile` back: the one of that number; 0: the last by hand or alias that `profile`
 * itself took part in, else the last one of its customer. Texts in the arena. E_NOT_FOUND when there is none. */
must_use int customers_separate(struct customers *customers, uint32_t profile, uint64_t number,
                                const char *who, struct arena *arena, struct merge *merge,
                                struct err *err);
/* Gives an identifier of the customer of `profile` back to itself: takes back the merge by which its own profile came, or makes
 * one and separates it at once (rule 9). E_NOT_FOUND: the customer has no such identifier; E_CONFLICT: the customer is its
 * profile, what came to it is separated instead. */
must_use int customers_separate_identity(struct customers *customers, uint32_t profile,
                                         const struct identity *identity, const char *who,
                                         struct arena *arena, struct merge *merge, struct err *err);
/* What holds a customer together and what did so before, newest first: the newest *n with a number below `before` (0: of
 * all); *n becomes how many. */
must_use int customers_merges(struct customers *customers, uint32_t owner, uint64_t before,
                              struct arena *arena, struct merge **merges, size_t *n,
                              struct err *err);

/* ---- erasure and suppression (forget.c) ---- */

/* All profiles of a customer, at most `most`: the owner's first, then in the order of their numbers within each level. Any
 * thread. */
enum { MEMBERS_MAX = 10000 };
size_t customers_members(struct customers *customers, uint32_t owner, size_t most,
                         struct arena *arena, uint32_t **members);
/* The same of the customer that a profile belongs to. */
size_t customers_family(struct customers *customers, uint32_t profile, struct arena *arena,
                        uint32_t **members);
/* Writer: the profile that the event's first identifier leads to, 0 when nobody has it. Makes nothing. */
uint32_t customers_who(struct customers *customers, const struct identifiers *identifiers);
/* Writer: from this transaction on, events that bear one of these hashes are refused (customers_refuses). */
must_use int customers_suppress(struct customers *customers, uint64_t erasure,
                                const struct key128 *hashes, size_t n, sqlite3 *db,
                                struct err *err);
/* Writer: the hashes of an erasure refuse no more: the person may come back, as somebody new. */
must_use int customers_allow(struct customers *customers, uint64_t erasure, sqlite3 *db,
                             struct err *err);
/* Writer: the profiles keep their number and nothing else: identifiers, notes, groups and reasons of merges go. *identifiers: how many. */
must_use int customers_forget(struct customers *customers, const uint32_t *members, size_t n,
                              uint64_t *identifiers, sqlite3 *db, struct err *err);
/* How a way to reach somebody is known again in any writing: an e-mail address in small letters, a phone by its last nine
 * digits. name: of the trait or type of the identifier. False: it is none. */
bool customers_contact_hash(const struct customers *customers, struct slice name,
                            struct slice value, struct key128 *hash);

/* "c_" and ten digits, so that text order is number order. */
enum { CUSTOMER_ID_BYTES = 16 };
void customer_id_format(uint32_t owner, char text[CUSTOMER_ID_BYTES]);

/* Identifiers of a profile and of those redirected to it, unsealed into the arena. */
must_use int customers_identities(struct customers *customers, uint32_t owner, struct arena *arena,
                                  struct identity **identities, size_t *n, struct err *err);
/* The same, with how each came. One that was attached here and leads to somebody else by now is left out. */
struct known_identity {
    struct identity identity;
    uint32_t profile;    /* that bears it, or that it was attached to */
    bool attached;       /* it has no interactions of its own */
    bool leads_here;     /* new interactions with it alone are this customer's */
    bool dropped;        /* too many share it (dropped.h): it identifies nobody any more */
    int64_t attached_ms; /* 0: not attached, or nobody wrote it down */
};
must_use int customers_known_identities(struct customers *customers, uint32_t owner,
                                        struct arena *arena, struct known_identity **identities,
                                        size_t *n, struct err *err);
/* First userId of each owner (absent slice if none), for lists: owners ascending. */
must_use int customers_user_ids(struct customers *customers, const uint32_t *owners, size_t n,
                                struct arena *arena, struct slice *user_ids, struct err *err);

/* How far somebody has read the identifiers; zero: nothing yet. */
struct customers_cursor {
    uint32_t profiles, attached;
};
bool customers_cursor_behind(const struct customers *customers,
                             const struct customers_cursor *cursor);
/* Every identifier committed since, unsealed for the length of the call, with the profile that it was given to (not
 * its owner), but those that were attached and lead to somebody else by now; moves the cursor. Reads are short. cancelled
 * (NULL: never): then E_CANCELLED soon, with the cursor behind what was given. */
must_use int customers_each(struct customers *customers, struct customers_cursor *cursor,
                            void (*take)(void *context, uint32_t profile,
                                         const struct identity *identity),
                            void *context, const atomic_bool *cancelled, struct err *err);

/* Rebuilds files of keys that are hurt, and writes a full table of keys out; force: all fresh keys. customers_flush: only a
 * table of at least that many. */
must_use int customers_flush(struct customers *customers, size_t least, struct err *err);
must_use int customers_relieve(struct customers *customers, struct err *err);
must_use int customers_maintain(struct customers *customers, bool force, struct err *err);
/* Merges files of keys when due: long. Returns 1 if more is due. */
must_use int customers_merge(struct customers *customers, struct err *err);
must_use int customers_verify(struct customers *customers, struct err *err);
/* Rebuilds damaged files of keys from the records; *mended grows by their number. */
must_use int customers_mend(struct customers *customers, unsigned *mended, struct err *err);

#endif
