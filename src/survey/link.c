/*
 * Personal links: who was asked, by which invitation, in the token of an address.
 *
 * FORMAT  base64url of the fields, each with a line feed behind it, then 16 bytes: their keyed hash. What it says is no secret
 * (a number of a customer, the name of a centre), but nobody else makes one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey/internal.h"

enum { FIELDS = 7, LINK_BYTES = 1200, TAG_BYTES = 16 };

static struct key128 sign(struct folder *folder, struct slice text) {
    struct slice parts[] = {SLICE_LITERAL("survey link"), text};
    return hash_keyed(vault_token_key(folder->vault), parts, 2);
}

const char *survey_link_make(struct folder *folder, const struct survey_link *link,
                             struct arena *arena) {
    const char *text =
        arena_format(arena, "%llu\n%u\n%lld\n%s\n%s\n%s\n%s\n", (unsigned long long)link->survey,
                     link->customer, (long long)link->expires_ms,
                     link->invitation ? link->invitation : "", link->channel ? link->channel : "",
                     link->touchpoint ? link->touchpoint : "", link->unit ? link->unit : "");
    size_t n = strlen(text), room;
    struct key128 tag = sign(folder, slice_of(text));
    unsigned char *bytes = arena_get(arena, n + TAG_BYTES);
    memcpy(bytes, text, n);
    memcpy(bytes + n, &tag, TAG_BYTES);
    room = sodium_base64_encoded_len(n + TAG_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *token = arena_get(arena, room);
    sodium_bin2base64(token, room, bytes, n + TAG_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return token;
}

static void read_fields(char *text, struct survey_link *link) {
    char *fields[FIELDS], *at = text;
    for (size_t i = 0; i < FIELDS; i++) {
        size_t n = strcspn(at, "\n");
        fields[i] = at;
        at += n + (at[n] != 0);
        fields[i][n] = 0;
    }
    *link = (struct survey_link){.survey = strtoull(fields[0], NULL, 10),
                                 .customer = (uint32_t)strtoul(fields[1], NULL, 10),
                                 .expires_ms = strtoll(fields[2], NULL, 10),
                                 .invitation = fields[3],
                                 .channel = fields[4],
                                 .touchpoint = fields[5],
                                 .unit = fields[6]};
}

int survey_link_read(struct folder *folder, const struct survey *survey, const char *token,
                     int64_t now_ms, struct arena *arena, struct survey_link *link,
                     char *submission, struct err *err) {
    unsigned char *bytes = arena_get(arena, LINK_BYTES + 1);
    size_t n = 0;
    struct key128 tag = {0}, right;
    bool ours = strlen(token) < LINK_BYTES &&
                sodium_base642bin(bytes, LINK_BYTES, token, strlen(token), NULL, &n, NULL,
                                  sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
                n > TAG_BYTES;
    if (ours) {
        memcpy(&tag, bytes + n - TAG_BYTES, TAG_BYTES);
        bytes[n - TAG_BYTES] = 0;
        right = sign(folder, (struct slice){(char *)bytes, n - TAG_BYTES});
        ours = sodium_memcmp(&tag, &right, TAG_BYTES) == 0;
    }
    if (ours) {
        read_fields((char *)bytes, link);
        ours = link->survey == survey->number;
    }
    if (!ours)
        return err_at(err, E_NOT_FOUND, "/t", "this link is not complete: copy all of it");
    if (link->expires_ms && now_ms >= link->expires_ms)
        return err_at(err, E_REFUSED, "/t", "this link has expired");
    /* Whoever uses it, however often, is one respondent; so are the links of an invitation and of its reminders. */
    const char *who = *link->invitation
                          ? arena_format(arena, "%llu\n%u\n%s", (unsigned long long)link->survey,
                                         link->customer, link->invitation)
                          : token;
    struct slice parts[] = {SLICE_LITERAL("survey submission"), slice_of(who)};
    struct key128 id = hash_keyed(vault_token_key(folder->vault), parts, 2);
    snprintf(submission, SURVEY_SUBMISSION_BYTES + 1, "p%016llx%016llx", (unsigned long long)id.a,
             (unsigned long long)id.b);
    return 0;
}
