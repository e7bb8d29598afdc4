/*
 * Kinds of identifiers: user_id, anonymous_id, email, phone (E.164), loyalty, device, national_id, what the organisation adds, and `other`
 * for types that nobody set up. Each has
 *
 *   limit     how many customers one value may be shared by; beyond it the value drops out by itself (dropped.h) and
 *             identifies nobody: the shop's tablet, the till's e-mail address. 0: none
 *   values    how many values of the kind one customer may have; a customer that has them is full of it: nothing more joins
 *             through the kind by itself (full.h). 0: no limit
 *   priority  which of several identifiers of an event decides first, 1 before 2
 *   joins     whether who comes with it, without a userId, belongs to the customer that has it (rule 10 of customer.h)
 *   form      its normal form (forms.h)
 *   traits    names of traits that carry it
 *   blocked   values that stand for nobody, in any case: null, anonymous; all zeros always are
 *
 * What the organisation changed lies in the records (table identifier_kind), over the standard below.
 *
 * THREADS  kinds_of from anywhere; what it gives stays valid until customers_close, so an event is read by one version.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_KINDS_H
#define SENDA_CUSTOMER_KINDS_H

#include "customer/customer.h"
#include "customer/forms.h"

enum { KINDS_MAX = 40, KIND_TEXTS_MAX = 100, KIND_LIMIT_MAX = 100000, KIND_PRIORITY_MAX = 100 };
enum { KIND_USER = 0, KIND_ANONYMOUS = 1, KIND_OTHER = 2 }; /* places that are always there */

struct identifier_kind {
    const char *name;
    unsigned limit, values, priority;
    bool joins, standard, changed; /* changed: it has a row in the records */
    enum form form;
    const char *const *traits, *const *blocked; /* ended by NULL */
};
struct identifier_kinds {
    struct identifier_kind kinds[KINDS_MAX];
    size_t n;
    char country[3];
};

const struct identifier_kinds *kinds_of(const struct customers *customers);
/* By the type of an external id, or "user_id", "anonymous_id"; NULL: none set up. */
const struct identifier_kind *kind_find(const struct identifier_kinds *kinds, struct slice name);
const struct identifier_kind *kind_of(const struct identifier_kinds *kinds,
                                      const struct identity *identity);
bool kind_blocks(const struct identifier_kind *kind, struct slice value);
/* Which kind a trait carries, NULL: none. */
const struct identifier_kind *kind_of_trait(const struct identifier_kinds *kinds,
                                            struct slice name);

/* Reads kinds and the organisation's country again. */
must_use int kinds_load(struct customers *customers, struct err *err);
/* Stores one kind; name: of one there is, or a new one. E_REFUSED: no room. */
must_use int kinds_put(struct customers *customers, const struct identifier_kind *kind,
                       struct err *err);
/* Back to the standard, or gone if it is none. E_NOT_FOUND. */
must_use int kinds_reset(struct customers *customers, const char *name, struct err *err);

#endif
