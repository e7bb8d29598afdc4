/*
 * TELL: programs and people learn what happened, by signed requests (Standard Webhooks) or by mail.
 *
 * A webhook is a JSON document: {"name", "target": "https://…" or "mailto:someone@…", "events": [words of WEBHOOK_EVENTS],
 * "enabled", "unit"}; with a unit it is told only of what happens there and below. As it is read also id, reason (why it was disabled by itself), author, created_at, changed_at.
 *
 * MESSAGE  POST {"type", "timestamp", "data"} with webhook-id, webhook-timestamp and webhook-signature (base/signed.h). 2xx: taken. 410: the
 * webhook is disabled. Else tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, each with some chance, then given up.
 * The same for mail, whose relay's 5xx disables.
 *
 * INVARIANTS
 *  1. What happened and its messages are written in one transaction with the place in the log: each once, also after a crash.
 *  2. No message goes to a private address (RFC 6890), whatever its name resolves to, unless the operator allows it
 *     (SENDA_PRIVATE_TARGETS=1), nor over plain http.
 *  3. The secret is shown once; the log of deliveries holds neither it nor what the other server answered.
 *
 * IN:  interactions of the log, the state of opinion screens
 * OUT: requests and mails, a log of deliveries
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_WEBHOOK_WEBHOOK_H
#define SENDA_WEBHOOK_WEBHOOK_H

#include <jansson.h>

#include "base/signed.h"
#include "folder/folder.h"
#include "jobs/jobs.h"

enum { WEBHOOKS_MAX = 100, WEBHOOK_PAGE = 50 };

/* X(name, word, interaction that tells of it, or "") */
#define WEBHOOK_EVENTS(X)                                                                          \
    X(KIOSK_SILENT, "kiosk.silent", "")                                                            \
    X(KIOSK_BACK, "kiosk.back", "")                                                                \
    X(SURVEY_RESPONDED, "survey.responded", "Survey Responded")                                    \
    X(REVIEW_WRITTEN, "review.written", "Product Reviewed")                                        \
    X(PROMISE_BROKEN, "promise.broken", "Promise Broken")
enum webhook_event {
#define X(name, word, interaction) WEBHOOK_##name,
    WEBHOOK_EVENTS(X)
#undef X
        WEBHOOK_EVENTS_N
};
const char *webhook_event_word(enum webhook_event event);

enum webhook_state { WEBHOOK_WAITING, WEBHOOK_DELIVERED, WEBHOOK_FAILED };

/* New references. E_NOT_FOUND. */
must_use int webhooks_list(struct folder *folder, json_t **list, struct err *err);
must_use int webhook_find(struct folder *folder, uint64_t id, json_t **webhook, struct err *err);
/* Checks and keeps a document: a new one (*id 0, set then, with its secret) or the present text of one (secret unchanged).
 * E_INVALID with the pointer; E_NOT_FOUND; E_REFUSED beyond WEBHOOKS_MAX. */
must_use int webhook_put(struct folder *folder, uint64_t *id, const json_t *document,
                         const char *author, char secret[SIGNED_SECRET_BYTES], struct err *err);
/* A new secret; the old one signs no more. E_NOT_FOUND. */
must_use int webhook_rekey(struct folder *folder, uint64_t id, char secret[SIGNED_SECRET_BYTES],
                           struct err *err);
/* With what waits for it. */
must_use int webhook_remove(struct folder *folder, uint64_t id, struct err *err);

/* A message of type "webhook.test", now. E_NOT_FOUND. */
must_use int webhook_test(struct folder *folder, uint64_t id, struct err *err);
/* [{"id", "message", "type", "state": "waiting" "delivered" "failed", "attempts", "status", "error", "due_at", "created_at",
 * "ended_at", "body"}], newest first, ids below `before` (0: all), at most WEBHOOK_PAGE. New reference. */
must_use int webhook_deliveries(struct folder *folder, uint64_t webhook, uint64_t before,
                                json_t **list, struct err *err);
/* Sends it again, with the same webhook-id. E_NOT_FOUND. */
must_use int webhook_replay(struct folder *folder, uint64_t webhook, uint64_t delivery,
                            struct err *err);

extern const struct job job_webhook_watch, job_webhook_kiosks, job_webhook_send;

#endif
