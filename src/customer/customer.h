/*
 * WHO: profiles and the identifiers that lead to them.
 *
 * IN:  identifiers of events (userId, anonymousId, previousId, external ids)
 * OUT: profile numbers for the log; the overlay of redirected profiles for the timeline
 *
 * A profile is born with the first event of an unknown identifier and never dies. Identifiers are stored once,
 * sealed, in the records and found through a keyed blind hash (set "identity" of timeline/keys.h).
 *
 * RULES
 *  1. An event with a userId belongs to the user's profile; else to the profile of its anonymousId.
 *  2. userId and anonymousId together: the anonymousId's profile is redirected to the user's while it belongs to
 *     nobody (its past becomes the user's). If it belongs to another user, its past stays there and the
 *     anonymousId gets a new profile that belongs to this user.
 *  3. alias(previousId, userId): the profile of previousId (user or anonymous) is redirected to the user's.
 *  4. Two userIds merge only by alias or by hand.
 *
 * THREADS  resolve and alias in the writer's transaction; find and show from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_CUSTOMER_H
#define SENDA_CUSTOMER_CUSTOMER_H

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

/* Writer: the profile for an event's identifiers (rules 1 and 2); creates and redirects as needed. */
must_use int customers_resolve(struct customers *customers, struct slice user_id, struct slice anonymous_id,
                               const struct identity *external, size_t n_external, uint32_t *profile,
                               sqlite3 *db, struct err *err);
must_use int customers_alias(struct customers *customers, struct slice previous_id, struct slice user_id,
                             sqlite3 *db, struct err *err);
/* Writer: if profiles were redirected since the last call, the new overlay (caller owns), else NULL. */
struct overlay *customers_take_overlay(struct customers *customers);
struct overlay *customers_load_overlay(struct customers *customers); /* at start */

uint32_t customers_count(const struct customers *customers); /* profiles */

/* Any thread: owner profile for "c_0000000042", a userId, an anonymousId, or "type:value" of an external id.
 * E_NOT_FOUND if nobody has it. */
must_use int customers_find(struct customers *customers, struct slice id, uint32_t *owner, struct err *err);

/* "c_" and ten digits, so that text order is number order. */
enum { CUSTOMER_ID_BYTES = 16 };
void customer_id_format(uint32_t owner, char text[CUSTOMER_ID_BYTES]);

/* Identifiers of a profile and of those redirected to it, unsealed into the arena. */
must_use int customers_identities(struct customers *customers, uint32_t owner, struct arena *arena,
                                  struct identity **identities, size_t *n, struct err *err);
/* First userId of each owner (absent slice if none), for lists: owners ascending. */
must_use int customers_user_ids(struct customers *customers, const uint32_t *owners, size_t n,
                                struct arena *arena, struct slice *user_ids, struct err *err);

must_use int customers_maintain(struct customers *customers, bool force, struct err *err);
must_use int customers_verify(struct customers *customers, struct err *err);

#endif
