/*
 * Signatures of Standard Webhooks (standardwebhooks.com): what is sent to others' servers proves who sent it.
 *
 * FORMAT  secret "whsec_" and base64 of 16 to 64 bytes; webhook-signature: "v1," and base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_BASE_SIGNED_H
#define SENDA_BASE_SIGNED_H

#include <stdint.h>

#include "base/slice.h"

enum { SIGNED_BYTES = 64, SIGNED_SECRET_BYTES = 100 };

bool signed_secret_is_good(const char *secret);
/* A new one, of 24 random bytes. */
void signed_secret_make(char secret[SIGNED_SECRET_BYTES]);
/* "v1,…"; of a bad secret that of an empty key. */
void signed_make(const char *secret, const char *id, int64_t timestamp_s, const char *body,
                 char text[SIGNED_BYTES]);

#endif
