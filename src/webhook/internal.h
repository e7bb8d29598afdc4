/*
 * Between the files of webhooks.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_WEBHOOK_INTERNAL_H
#define SENDA_WEBHOOK_INTERNAL_H

#include "webhook/webhook.h"

#define MAIL_SCHEME "mailto:"
#define TEST_TYPE "webhook.test"

/* A message to those that want this type where data["unit"] is, or to the one webhook (0: all that want it). Writer's transaction. data: not taken. */
must_use int outbox_add(sqlite3 *db, uint64_t webhook, const char *type, const json_t *data,
                        int64_t now_ms, struct err *err);
/* Some webhook wants this type. */
must_use int outbox_wants(struct folder *folder, const char *type, bool *wants, struct err *err);
/* May messages go to private addresses and over plain http? */
bool private_targets_allowed(void);
/* "" for 0. */
json_t *webhook_instant(int64_t ms);

#endif
