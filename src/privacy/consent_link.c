/*
 * Links to a person's own page of consents.
 *
 * FORMAT  base64url of: u32 profile, i64 expires (UTC ms), 16 bytes keyed hash of both.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>

#include "privacy/privacy.h"

enum { TAG_BYTES = 16 };

struct link {
    uint32_t profile;
    int64_t expires_ms;
    struct key128 tag;
} __attribute__((packed));

static struct key128 sign(struct folder *folder, const struct link *link) {
    struct slice parts[] = {SLICE_LITERAL("consent link"),
                            {(const char *)link, sizeof *link - TAG_BYTES}};
    return hash_keyed(vault_token_key(folder->vault), parts, 2);
}

void consent_link_make(struct folder *folder, uint32_t profile, int64_t expires_ms,
                       char token[CONSENT_LINK_BYTES]) {
    struct link link = {.profile = profile, .expires_ms = expires_ms};
    link.tag = sign(folder, &link);
    sodium_bin2base64(token, CONSENT_LINK_BYTES, (const unsigned char *)&link, sizeof link,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int consent_link_read(struct folder *folder, const char *token, int64_t now_ms, uint32_t *profile,
                      int64_t *expires_ms, struct err *err) {
    struct link link;
    size_t n = 0;
    uint32_t owner;
    uint64_t erasure = 0;
    char id[CUSTOMER_ID_BYTES];
    struct err none = {0};
    bool ours = strlen(token) < CONSENT_LINK_BYTES &&
                sodium_base642bin((unsigned char *)&link, sizeof link, token, strlen(token), NULL,
                                  &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
                n == sizeof link;
    if (ours) {
        struct key128 right = sign(folder, &link), given = link.tag;
        ours = sodium_memcmp(&right, &given, TAG_BYTES) == 0;
    }
    if (!ours)
        return err_set(err, E_NOT_FOUND, "this link is not complete: copy all of it");
    if (now_ms >= link.expires_ms)
        return err_set(err, E_NOT_FOUND, "this link has expired");
    customer_id_format(link.profile, id);
    if (customers_find(folder->customers, slice_of(id), &owner, &none) ||
        erasure_of(folder, owner, &erasure, &none) || erasure)
        return err_set(err, E_NOT_FOUND, "this link leads to nobody any more");
    *profile = link.profile;
    *expires_ms = link.expires_ms;
    return 0;
}
