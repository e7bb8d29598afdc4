/*
 * What an OpenID provider says about who signed in: an ID token (a signed JWT), checked as OpenID Connect Core 1.0 §3.1.3.7 says.
 *
 * Accepted are signatures by public keys only (RS, PS, ES): a token signed with a shared secret or not at all is refused, whatever
 * its header says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_ID_TOKEN_H
#define SENDA_HTTP_ID_TOKEN_H

#include <jansson.h>

#include "base/err.h"

struct id_token_expected {
    const char *issuer, *client_id, *nonce;
    int64_t now_ms;
};

/* keys: the provider's {"keys":[…]}. *claims: a new reference to what it says. E_NOT_FOUND: signed by a key that is not among
 * keys; E_UNAUTHORIZED: not to be believed. */
must_use int id_token_check(const char *token, const json_t *keys,
                            const struct id_token_expected *expected, json_t **claims,
                            struct err *err);

#endif
