/*
 * A secret as text: sealed by the vault, in base64, as settings keep passwords of other services.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_CUSTOMER_VAULT_TEXT_H
#define SENDA_CUSTOMER_VAULT_TEXT_H

#include "base/arena.h"
#include "customer/vault.h"

enum { VAULT_TEXT_MAX = 500 }; /* bytes of a secret */

/* In the arena; "" of "". */
const char *vault_seal_text(const struct vault *vault, const char *secret, struct arena *arena);
/* *secret: in the arena, "" of "". E_CORRUPT: damaged, or sealed under another key. */
must_use int vault_unseal_text(const struct vault *vault, const char *text, struct arena *arena,
                               const char **secret, struct err *err);

#endif
