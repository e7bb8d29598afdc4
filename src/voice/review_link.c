/*
 * Signed links: who has one writes a review as the customer that it was made for.
 *
 * FORMAT  base64 for addresses of what the vault sealed: "1", then fields, each ended by a line break: subject, customer,
 * invited_ms, expires_ms, months, id in hexadecimal. Nothing in it can be read or changed outside.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "voice/internal.h"

enum { LINK_FIELDS = 6, LINK_BYTES = 1024, TOKEN_BYTES = 2048 };
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

int review_link_make(struct folder *folder, const struct review_link *link, struct arena *arena,
                     const char **token, struct err *err) {
    struct review_link made = *link;
    struct buf plain, sealed;
    char id[2 * REVIEW_LINK_BYTES + 1];
    uint32_t owner;
    struct review_subject subject;
    int code = subject_find(folder, link->subject, arena, &subject, err);
    if (!code)
        code = customers_find(folder->customers, slice_of(link->customer), &owner, err);
    if (code)
        return code;
    randombytes_buf(made.id, sizeof made.id);
    sodium_bin2hex(id, sizeof id, made.id, sizeof made.id);
    buf_init(&plain, LINK_BYTES);
    buf_init(&sealed, LINK_BYTES + VAULT_EXTRA_BYTES);
    buf_add_format(&plain, "1%s\n%s\n%lld\n%lld\n%u\n%s\n", made.subject, made.customer,
                   (long long)made.invited_ms, (long long)made.expires_ms, made.months, id);
    if (plain.full)
        code = err_set(err, E_INVALID, "the names are too long for a link");
    else
        vault_seal(folder->vault, buf_slice(&plain), &sealed);
    if (!code) {
        char *text = arena_get(arena, TOKEN_BYTES);
        sodium_bin2base64(text, TOKEN_BYTES, (const unsigned char *)sealed.p, sealed.n, VARIANT);
        *token = text;
    }
    buf_release(&plain);
    buf_release(&sealed);
    return code;
}

static int wrong(struct err *err) {
    err_at(err, E_INVALID, "/link", "this link is not valid");
    return err_hint(err, "Copy the whole address, or ask for another link.");
}

static bool read_fields(struct slice plain, struct arena *arena, struct review_link *link) {
    char *fields[LINK_FIELDS], *at = arena_text(arena, plain);
    size_t n = 0;
    if (*at++ != '1')
        return false;
    for (char *end; n < LINK_FIELDS && (end = strchr(at, '\n')); at = end + 1) {
        *end = 0;
        fields[n++] = at;
    }
    if (n != LINK_FIELDS || *at)
        return false;
    *link = (struct review_link){.subject = fields[0],
                                 .customer = fields[1],
                                 .invited_ms = strtoll(fields[2], NULL, 10),
                                 .expires_ms = strtoll(fields[3], NULL, 10),
                                 .months = (unsigned)strtoul(fields[4], NULL, 10)};
    size_t bytes = 0;
    return sodium_hex2bin(link->id, sizeof link->id, fields[5], strlen(fields[5]), NULL, &bytes,
                          NULL) == 0 &&
           bytes == sizeof link->id;
}

int review_link_check_unused(struct folder *folder, const unsigned char *id, struct err *err) {
    sqlite3 *db = store_reader_get(folder->store);
    sqlite3_stmt *statement = STORE_PREPARE(db, "SELECT 1 FROM review WHERE link = ?", err);
    int code = E_IO;
    if (statement) {
        sqlite3_bind_blob(statement, 1, id, REVIEW_LINK_BYTES, SQLITE_STATIC);
        code = store_has_row(statement, err);
    }
    store_reader_put(folder->store, db);
    return code == 1 ? err_at(err, E_CONFLICT, "/link", "this link was used for a review already")
                     : code;
}

int review_link_open(struct folder *folder, const char *token, int64_t now_ms, struct arena *arena,
                     struct review_link *link, struct err *err) {
    unsigned char bytes[TOKEN_BYTES];
    size_t n = 0, length = strlen(token);
    struct buf plain;
    struct err none = {0};
    uint32_t owner;
    if (length >= TOKEN_BYTES ||
        sodium_base642bin(bytes, sizeof bytes, token, length, NULL, &n, NULL, VARIANT) != 0)
        return wrong(err);
    buf_init(&plain, LINK_BYTES);
    int code = vault_unseal(folder->vault, (struct slice){(const char *)bytes, n}, &plain, &none);
    bool read = !code && read_fields(buf_slice(&plain), arena, link);
    buf_release(&plain);
    if (!read)
        return wrong(err);
    if (link->expires_ms <= now_ms) {
        err_at(err, E_INVALID, "/link", "this link is too old");
        return err_hint(err, "Ask for another link.");
    }
    if (customers_find(folder->customers, slice_of(link->customer), &owner, &none) != 0)
        return wrong(err);
    return review_link_check_unused(folder, link->id, err);
}
