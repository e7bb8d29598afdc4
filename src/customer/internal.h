/*
 * Shared inside customer/.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_INTERNAL_H
#define SENDA_CUSTOMER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "customer/customer.h"
#include "customer/redirects.h"
#include "customer/vault.h"

enum { MEMOS = 8192 };
#define ATTACHED UINT32_C(0x80000000)
#define PROFILES_MAX UINT32_C(0x7ffffffe)

struct memo {
    struct key128 key;
    uint32_t value;
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
    uint32_t *undo;      /* profiles redirected in the open transaction */
    size_t n_undo, undo_capacity;
    struct buf plain, sealed;

    atomic_uint_least32_t committed; /* profiles that anybody may see */
    atomic_uint_least64_t version;   /* of the redirects */
    pthread_mutex_t lock;            /* of what follows */
    struct redirects redirects;      /* changed by the writer alone */
    uint64_t taken;                  /* version of the newest overlay that was made */
};

void customers_commit(void *context);
void customers_rollback(void *context);

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
