/*
 * Between the files of single sign-on: the provider as it describes itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_SSO_INTERNAL_H
#define SENDA_HTTP_SSO_INTERNAL_H

#include "http/account_internal.h"
#include "http/sso.h"

/* Its description (/.well-known/openid-configuration), checked. New reference. E_REFUSED with what is wrong. */
must_use int provider_read(const struct sso_settings *settings, json_t **description,
                           struct err *err);
must_use int provider_keys(const json_t *description, json_t **keys, struct err *err);

struct provider_exchange {
    const char *code, *verifier, *return_url, *nonce;
    int64_t now_ms;
};
/* A code for what the provider says about the person: claims of the ID token, with those of the userinfo endpoint where it
 * lacks an address. New reference. */
must_use int provider_exchange(const struct sso_settings *settings, const json_t *description,
                               const struct provider_exchange *exchange, json_t **claims,
                               struct err *err);

#endif
