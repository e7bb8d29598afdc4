/*
 * TWICE: customers who may be one person, found by what is alike, for a person to confirm or reject.
 *
 * IN:  identifiers, traits (names, e-mails, phones, national ids, birth dates, addresses), identifiers that two customers shared
 * OUT: proposals to merge, best first, each with its reasons; nothing is ever merged without a person
 *
 * Names alone say nothing: a hundred people are called Carmen García. A pair needs a reason to be looked at; then the names
 * make it likelier or not:
 *
 *   reason                 names equal  alike  unknown  different     (percent)
 *   same national id            97        95      90       65
 *   same e-mail                 95        85      70       45
 *   same phone                  92        80      55       30
 *   shared identifier           92        82      65       45
 *   e-mail typed wrong          85        72      50       20
 *   phone typed wrong           78        60       0        0
 *   same birth date             80         –       –        –
 *   same address                75         –       –        –
 *
 * A name with an initial in place of a word (José L. Pérez) is alike. Several reasons add up as 1 − Π(1 − p). From DUPLICATE_LEAST on it is a
 * proposal. Typed wrong: one letter missing, added, changed or two swapped, found by the texts that are left when one letter is taken away (SymSpell's symmetric deletes, W. Garbe 2012); two e-mails that
 * differ in digits alone are two. A value that more than SHARED_MOST have is nobody's.
 *
 * STATES of a proposal: open -> merged, rejected. A rejected pair is not proposed again; an open one that no longer holds goes.
 *
 * COST  Memory: texts and 24 bytes each, and an eighth of the deletes at a time.
 *
 * THREADS  all from anywhere; one search at a time (the job).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_DUPLICATE_DUPLICATE_H
#define SENDA_DUPLICATE_DUPLICATE_H

#include "jobs/jobs.h"

enum { DUPLICATE_LEAST = 60, DUPLICATES_MAX = 5000, SHARED_MOST = 20 };

/* X(reason, name in the API) */
#define DUPLICATE_REASONS(X)                                                                       \
    X(NATIONAL_ID, "national_id")                                                                  \
    X(EMAIL, "email")                                                                              \
    X(PHONE, "phone")                                                                              \
    X(SHARED, "shared_identifier")                                                                 \
    X(EMAIL_TYPO, "email_typo")                                                                    \
    X(PHONE_TYPO, "phone_typo")                                                                    \
    X(BIRTH, "birth_date")                                                                         \
    X(ADDRESS, "address")                                                                          \
    X(NAME, "name")                                                                                \
    X(NAME_ALIKE, "name_alike")

enum duplicate_reason {
#define X(reason, name) DUPLICATE_##reason,
    DUPLICATE_REASONS(X)
#undef X
        DUPLICATE_REASON_COUNT
};
const char *duplicate_reason_name(enum duplicate_reason reason);

struct duplicate {
    uint64_t number;
    uint32_t one, other;     /* owners when it was found */
    unsigned score, reasons; /* percent; bits */
    const char *state, *decided_by;
    int64_t found_ms, decided_ms;
};
/* Of a state, best first, without the first `skip`; at most *n, which becomes how many. Texts in the arena. */
must_use int duplicate_list(struct folder *folder, const char *state, size_t skip,
                            struct arena *arena, struct duplicate **list, size_t *n,
                            struct err *err);
must_use int duplicate_find(struct folder *folder, uint64_t number, struct arena *arena,
                            struct duplicate *duplicate, struct err *err); /* E_NOT_FOUND */
/* Open ones of a customer. */
must_use int duplicate_of(struct folder *folder, uint32_t owner, struct arena *arena,
                          struct duplicate **list, size_t *n, struct err *err);
/* state: "merged" or "rejected". E_CONFLICT: it is decided. */
must_use int duplicate_decide(struct folder *folder, uint64_t number, const char *state,
                              const char *who, struct err *err);

extern const struct job job_duplicates; /* "customer.duplicates" */

#endif
