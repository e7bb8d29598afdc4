/*
 * Customers that belong together without being one: households, companies, contracts with their holder, users and payer.
 *
 * A group has an id of the organisation, a kind, attributes (name; of a contract its line, address, product, dates …) and members, each in
 * a role. Events of type group bring them (groupId; traits `type` household, company or contract, `role`, the rest are attributes), and the
 * API. Ids and attributes are sealed at rest. Members are profiles, so they follow merges and their undoing.
 *
 * THREADS  groups_join in the writer's thread; the rest from anywhere.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_GROUPS_H
#define SENDA_CUSTOMER_GROUPS_H

#include "customer/customer.h"

enum {
    GROUP_MAX_BYTES = 8 * 1024,
    GROUP_MEMBERS_MAX = 1000,
    GROUPS_MAX = 100,
    GROUPS_LOOKED_AT = 100000
};

enum group_kind { GROUP_PLAIN, GROUP_HOUSEHOLD, GROUP_COMPANY, GROUP_CONTRACT, GROUP_KINDS };
const char *group_kind_name(enum group_kind kind); /* "group" "household" "company" "contract" */
bool group_kind_find(struct slice name, enum group_kind *kind);

/* The writer's: an event says that a profile belongs to a group. document: JSON object with "id" and the attributes that the event
 * brings, in place of those before; bare: it brings none, those before stay. role "": member. Nothing is written while nothing
 * is new. */
struct group_word {
    struct slice id, role, document;
    enum group_kind kind;
    bool bare;
};
must_use int groups_join(struct customers *customers, uint32_t profile,
                         const struct group_word *word, sqlite3 *db, struct err *err);

struct group_member {
    uint32_t owner; /* today's */
    const char *role;
    int64_t since_ms;
};
struct group {
    uint64_t number;
    enum group_kind kind;
    const char *document;         /* JSON object */
    struct group_member *members; /* each owner and role once */
    size_t n_members;
    int64_t changed_ms;
};
/* E_NOT_FOUND. */
must_use int groups_find(struct customers *customers, struct slice id, struct arena *arena,
                         struct group *group, struct err *err);
/* Those that a customer belongs to, at most GROUPS_MAX. */
must_use int groups_of(struct customers *customers, uint32_t owner, struct arena *arena,
                       struct group **groups, size_t *n, struct err *err);
/* Those of a kind (GROUP_KINDS: any) with a number below before (0: all) that match (NULL: each), the newest first. */
struct groups_ask {
    enum group_kind kind;
    uint64_t before;
    bool (*matches)(void *context, uint64_t number, const char *document);
    void *context;
};
/* At most *n; *next: where the next call goes on (before), 0 at the end. After GROUPS_LOOKED_AT that do not match it stops with
 * what was found until then, so that a search of millions never keeps others waiting. */
must_use int groups_list(struct customers *customers, const struct groups_ask *filter,
                         struct arena *arena, struct group **groups, size_t *n, uint64_t *next,
                         struct err *err);
/* Makes or replaces one; of several owners each role once. Who stays in a role keeps since when. */
enum group_put {
    GROUP_WHOLE,     /* with the members given */
    GROUP_WORDS,     /* kind and document; members stay */
    GROUP_NEW_WHOLE, /* E_CONFLICT where there is one of that id */
};
must_use int groups_put(struct customers *customers, struct slice id, const struct group *group,
                        enum group_put how, struct err *err);
must_use int groups_remove(struct customers *customers, struct slice id, struct err *err);
/* E_NOT_FOUND: no such group, or (drop) not in it; E_REFUSED: it is full. */
must_use int groups_add_member(struct customers *customers, struct slice id, uint32_t owner,
                               const char *role, struct err *err);
/* role NULL: in every role. */
must_use int groups_drop_member(struct customers *customers, struct slice id, uint32_t owner,
                                const char *role, struct err *err);

#endif
