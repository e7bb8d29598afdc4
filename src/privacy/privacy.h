/*
 * RIGHTS: what a customer may ask of the organisation about the own data.
 *
 * IN:  a customer and who asks
 * OUT: erasures with their proof; nothing of the person in log, index, records, refusals and files
 *
 * ERASURE  The customer stays as a number: its interactions keep their instant, event, channel, unit, touchpoint, numbers and
 * the texts that at least FEW other customers share in the same property, so that counts, sums and scores stay what they
 * were. Identifiers, traits, all other texts, nested values, message ids (their hash stays) and properties that identify by
 * their name go, from the log itself; then the index is built again where it held them. Identifiers that stand in the
 * texts of others, in records, among refusals and in files of imports are replaced. docs/privacy.md says it for people.
 *
 * STATES of an erasure
 *   waiting -> running   erase_run; the person is suppressed since it waits (customer/forget.c)
 *   running -> cleaning  log and index are clean; in one transaction the records lose the identifiers and what was sought
 *   cleaning -> done     the records are written anew, and everything is searched once more
 *   waiting, running -> failed   an error; the next run of the job tries again
 * An error is kept in the report ("failure": reason, time, tries, next_try) until it is done, also of cleaning.
 * A crash repeats the state that it interrupted.
 *
 * THREADS  Everything from anywhere; erase_run in the job's thread.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_PRIVACY_PRIVACY_H
#define SENDA_PRIVACY_PRIVACY_H

#include "jobs/jobs.h"

enum { WHY_MAX_BYTES = 500, FEW = 5 };

struct erasure {
    uint64_t number;
    uint32_t customer;
    const char *state, *who, *why;
    int64_t asked_ms, ended_ms, allowed_ms;
    const char *report; /* JSON, "" until there is one */
};

/* What erasing a customer would take and leave. */
struct erasure_preview {
    uint64_t profiles, identifiers, traits, interactions, answers;
};
must_use int privacy_preview(struct folder *folder, uint32_t owner, struct arena *arena,
                             struct erasure_preview *preview, struct err *err);

/* Suppresses the customer and queues the erasure; the job privacy.erase does the rest. E_CONFLICT: it was erased or is to be. */
must_use int erasure_begin(struct folder *folder, uint32_t owner, const char *who, const char *why,
                           uint64_t *number, struct err *err);
/* Newest first, below `before` (0: all). Texts in the arena. */
must_use int erasure_list(struct folder *folder, uint64_t before, size_t limit, struct arena *arena,
                          struct erasure **erasures, size_t *n, struct err *err);
must_use int erasure_get(struct folder *folder, uint64_t number, struct arena *arena,
                         struct erasure *erasure, struct err *err); /* E_NOT_FOUND */
/* That of a customer; number 0: none. */
must_use int erasure_of(struct folder *folder, uint32_t owner, uint64_t *number, struct err *err);
/* Lifts the suppression: whoever bears the identifiers may come back as somebody new. */
must_use int erasure_allow(struct folder *folder, uint64_t number, struct err *err);

extern const struct job job_erase;

/* ---- the person's own page (consent_link.c) ---- */

enum { CONSENT_LINK_BYTES = 64, CONSENT_LINK_DAYS = 30 };
/* The token of /c/{token}: who it is and until when, signed. */
void consent_link_make(struct folder *folder, uint32_t profile, int64_t expires_ms,
                       char token[CONSENT_LINK_BYTES]);
/* E_NOT_FOUND: not ours, too old, or the person was erased. */
must_use int consent_link_read(struct folder *folder, const char *token, int64_t now_ms,
                               uint32_t *profile, int64_t *expires_ms, struct err *err);

#endif
