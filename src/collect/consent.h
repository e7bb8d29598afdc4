/*
 * Consent: what data are used for, and what each person said about it, when, where and to which wording.
 *
 * IN:  context.consent.categoryPreferences of events, the person's own page, staff
 * OUT: what may be collected and used; traits "consent.PURPOSE" (true or false), so that segments, lists and exports ask for
 *      them like for any other
 *
 * RULES
 *  1. The newest word counts, by the time at which it was said, of all profiles of the customer.
 *  2. Who said nothing is used for a purpose of basis `interest` or `contract`, and not for one of basis `consent`.
 *  3. `contract` cannot be refused: the word is kept, and the use goes on.
 *  4. A source that serves a purpose takes only events of those who are used for it; an event's own word comes first. What it
 *     refuses (no_consent) is not kept anywhere; a known person's refusal itself is.
 *  5. A word that repeats the one that counted at its time is not written again; a late one takes its place in the history.
 *
 * COST  Nothing for events without preferences from sources without a purpose; else some microseconds a purpose.
 *
 * THREADS  Purposes from anywhere; words are written in the writer's transaction.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_COLLECT_CONSENT_H
#define SENDA_COLLECT_CONSENT_H

#include "collect/event.h"
#include "store/store.h"

enum {
    PURPOSES_MAX = 64,
    PURPOSE_NAME_BYTES = 64,
    PURPOSE_TITLE_BYTES = 120,
    PURPOSE_TEXT_BYTES = 2000
};

enum purpose_basis { BASIS_CONSENT, BASIS_INTEREST, BASIS_CONTRACT, BASES };
extern const char *const PURPOSE_BASES[BASES]; /* "consent", "interest", "contract" */

struct purpose {
    const char *name;
    enum purpose_basis basis;
    const char *title_es, *title_en, *text_es, *text_en;
    unsigned wording;
};

struct consents;
must_use int consents_open(struct consents **consents, struct store *store, struct err *err);
void consents_close(struct consents *consents);

/* In the order of showing; texts are the arena's. */
void purposes_list(struct consents *consents, struct arena *arena, struct purpose **list,
                   size_t *n);
/* Without regard to ASCII case; false if there is none. Texts stay valid until consents_close. */
bool purpose_find(struct consents *consents, struct slice name, struct purpose *purpose);
/* Adds or changes; other titles or texts make a new wording (purpose->wording is set). E_INVALID with the pointer, E_REFUSED: no room. */
must_use int purpose_put(struct consents *consents, struct purpose *purpose, struct err *err);
/* What was said about it stays. E_NOT_FOUND. */
must_use int purpose_remove(struct consents *consents, const char *name, struct err *err);

/* What somebody said. */
struct consent {
    const char *purpose;
    bool granted;
    int64_t at_ms;
    const char *via, *who;
    unsigned wording;
};
/* All that the profiles said, newest first; texts are the arena's. */
must_use int consents_history(struct store *store, const uint32_t *members, size_t n_members,
                              struct arena *arena, struct consent **list, size_t *n,
                              struct err *err);
/* May the data of the customer with these profiles be used for the purpose? An unknown purpose: no. */
must_use int consent_allows(struct consents *consents, const uint32_t *members, size_t n_members,
                            const char *purpose, bool *allowed, struct err *err);

/* ---- the writer's ---- */

struct consent_writing {
    struct consents *consents;
    struct customers *customers;
    struct dictionary *dictionary;
    struct log *log;
    sqlite3 *db;
};
/* Writes what a profile said, with its trait, unless it counts already. *written may be NULL. */
must_use int consent_write(const struct consent_writing *writing, uint32_t profile,
                           const struct consent *consent, uint16_t source, bool *written,
                           struct err *err);
/* Is the event of a source that serves `purpose` to be refused? profile 0: nobody knows the person yet. */
must_use int consent_refuses(const struct consent_writing *writing, const struct event *event,
                             struct slice purpose, uint32_t profile, bool *refused,
                             struct err *err);
/* Everything that these profiles said goes. */
must_use int consents_forget(sqlite3 *db, const uint32_t *members, size_t n, struct err *err);

#endif
