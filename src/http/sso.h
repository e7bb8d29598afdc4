/*
 * Single sign-on: people come in through the organisation's OpenID Connect provider (authorization code, PKCE).
 *
 * FLOW     /sign-in/sso sends the browser to the provider with a fresh state, nonce and code verifier, which the browser keeps
 *          sealed in a cookie for ten minutes; the provider sends it back to /sign-in/return with a code; the code is exchanged
 *          here, server to server, for an ID token (id_token.h), and a session begins as after a password.
 * WHO      A person is known by (issuer, subject). At the first time by e-mail address, which the provider must have verified
 *          unless the organisation vouches for it (trust_email); who is not there yet is added where a role is set for them.
 * SECOND   Who has a second factor here is asked for it here as well.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_SSO_H
#define SENDA_HTTP_SSO_H

#include "http/account.h"

struct sso_settings {
    const char *issuer, *client_id;
    const char *secret;   /* of the client; "" for a public one */
    const char *label;    /* what the button says, as "Google" */
    const char **domains; /* of addresses that may come in; NULL: all */
    size_t n_domains;
    enum role role;   /* of who is not there yet; ROLE_NONE: they stay outside */
    bool trust_email; /* take addresses that the provider does not call verified */
};

/* In the arena. E_NOT_FOUND: there is none. */
must_use int sso_settings_get(struct accounts *accounts, struct arena *arena,
                              struct sso_settings *settings, struct err *err);
/* E_INVALID with the pointer. */
must_use int sso_settings_put(struct accounts *accounts, const struct principal *by,
                              const struct sso_settings *settings, struct err *err);
must_use int sso_settings_remove(struct accounts *accounts, const struct principal *by,
                                 struct err *err);

/* Asks the provider for its description and keys: E_REFUSED with what is wrong. */
must_use int sso_check(const struct sso_settings *settings, struct err *err);
/* Where the provider sends people back to: to be registered there. */
const char *sso_return_url(struct request *request);

/* *location: at the provider. next: address in the interface for afterwards. */
must_use int sso_begin(struct request *request, struct response *response, const char *next,
                       const char **location, struct err *err);
/* Signs in who comes back. *next as given to sso_begin. *pending as of session_sign_in. E_UNAUTHORIZED and E_FORBIDDEN with
 * words for the person. */
must_use int sso_return(struct request *request, struct response *response, const char **next,
                        const char **pending, struct err *err);

#endif
