/*
 * Shared inside customer/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_INTERNAL_H
#define SENDA_CUSTOMER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "customer/full.h"
#include "customer/redirects.h"
#include "customer/vault.h"

enum { MEMOS = 8192 };
#define ATTACHED UINT32_C(0x80000000)
#define ERASED_OWNER ATTACHED /* in the identity set: of an identifier that was erased */
#define PROFILES_MAX UINT32_C(0x7ffffffe)
enum { KIND_ERASED = 0 }; /* in the tables profile and attached, in place of enum identity_kind */

struct memo {
    struct key128 key;
    uint32_t value;
};

struct edge_change {
    uint32_t profile, target;
    bool removed;
};

struct customers {
    struct store *store;
    struct vault *vault;
    struct keys *keys; /* set "identity" */

    /* the writer's */
    uint32_t profiles, attached; /* with those of the open transaction */
    uint32_t attached_committed;
    struct memo *found;  /* [MEMOS] recent answers of the set */
    struct memo *joined; /* [MEMOS] anonymous hash: the user that it was last found to belong to */
    struct key128 *dropping; /* identifiers that the open transaction drops (dropped.c) */
    size_t n_dropping, dropping_capacity;
    struct edge_change *undo; /* edges of the open transaction */
    size_t n_undo, undo_capacity;
    uint64_t merges; /* highest number of a merge */
    struct buf plain, sealed;
    struct full full; /* how many values customers have (full.h) */

    atomic_uint_least32_t committed;     /* profiles that anybody may see */
    atomic_uint_least32_t attached_seen; /* and attached identifiers */
    atomic_uint_least64_t version;       /* of the redirects */
    struct kinds_version *_Atomic kinds; /* kinds.c */
    atomic_uint_least32_t n_dropped;
    pthread_mutex_t lock;       /* of what follows */
    struct redirects redirects; /* changed by the writer alone */
    uint64_t taken;             /* version of the newest overlay that was made */
    struct key_map dropped;     /* 1: that identifier is, 0: it was */
    struct key_map refused;  /* hash: 1 suppressed, 0 not any more; changed by the writer alone */
    struct key128 *refusing; /* [n_refusing] put by the open transaction */
    size_t n_refusing;
    atomic_uint_least32_t n_refused;
};

void kinds_release(struct customers *customers);

/* dropped.c */
must_use int dropped_load(struct customers *customers, sqlite3 *db, struct err *err);
void dropped_rollback(struct customers *customers);
/* The writer's: an erased identifier leaves no trace here. */
must_use int dropped_forget(struct customers *customers, struct key128 key, sqlite3 *db,
                            struct err *err);
bool identity_dropped(struct customers *customers, struct key128 key); /* any thread */
/* The writer's: an identifier was seen with two profiles. *dropped: that was beyond the limit of its kind. */
must_use int identity_shared(struct customers *customers, const struct identity *identity,
                             struct key128 key, uint32_t one, uint32_t other, bool *dropped,
                             sqlite3 *db, struct err *err);

void customers_commit(void *context);
void customers_rollback(void *context);

/* merging.c, the writer's: the edge profile -> target, where nothing else leads from the target to the profile. Where the
 * profile leads somewhere already, the way from it to its root is turned round first. who and why: NULL unless by hand. */
must_use int merge_edge(struct customers *customers, uint32_t profile, uint32_t target,
                        enum merge_reason reason, const char *who, const char *why, sqlite3 *db,
                        struct err *err);
/* *belongs: whether a customer has a userId, or was separated from one by hand (rule 8). root: its owner. */
must_use int merge_belongs(struct customers *customers, uint32_t root, bool *belongs, sqlite3 *db,
                           struct err *err);
void merge_rollback(struct customers *customers);
/* customer.c, the writer's: the profile that an identifier's own rows bear, made when it has none. */
must_use int identity_own(struct customers *customers, const struct identity *identity,
                          struct key128 key, uint32_t *profile, sqlite3 *db, struct err *err);
/* Whether new interactions with the identifier alone are the customer's of that profile. Any thread. */
bool identity_leads(struct customers *customers, const struct identity *identity, uint32_t profile);
/* The value of the identity set, MAP_NONE if unknown. */
uint32_t identity_lookup(struct customers *customers, struct key128 key);

/* forget.c: at start, and with the transaction. */
must_use int forget_load(struct customers *customers, sqlite3 *db, struct err *err);
void forget_settle(struct customers *customers, bool rolled_back);
/* Any thread. */
bool forget_hides(struct customers *customers, struct key128 key);
/* customer.c, the writer's. */
void identity_put(struct customers *customers, struct key128 key, uint32_t value);

/* groups.c */
struct group;
struct key128 group_hash(const struct customers *customers, struct slice id);
/* groups_read.c: the members of group->number. */
must_use int group_read_members(struct customers *customers, struct group *group,
                                struct arena *arena, sqlite3 *db, struct err *err);

/* The key that finds an external id by its value alone. */
static inline struct key128 external_value_hash(const struct customers *customers,
                                                const struct identity *identity) {
    return customers_hash(customers,
                          &(struct identity){.kind = IDENTITY_EXTERNAL, .value = identity->value});
}
/* An identifier as stored: the value; an external one as u8 length of its type, type, value. */
struct slice identity_seal(struct customers *customers,
                           const struct identity *identity); /* the writer's */
must_use int identity_unseal(const struct customers *customers, int kind, const void *sealed, int n,
                             struct arena *arena, struct identity *identity, struct err *err);

#endif
