/*
 * What a mail server tells of a message that it could not deliver: delivery status notifications (RFC 3464), and the plain
 * reports of programs that write none.
 *
 * FORM   multipart/report with a part message/delivery-status: groups of fields, the second and later ones each of a recipient with
 *        Action (failed delayed delivered relayed expanded), Status (RFC 3463: "5.1.1"), Diagnostic-Code; and a part with the message
 *        or its header, where our field Senda-Invitation stands. Texts for people are not read, so the language does not matter. Of
 *        a report without such a part, from a mailer, the first status code in its text decides.
 * FIRM   what says that the address is no more (5.1.x, 5.2.1, 5.4.1, 5.4.4, 550, 551, 553 without a status); full mailboxes, policies,
 *        spam, size and time that ran out are not the address's.
 *
 * A report comes from anywhere: all is bounded (parts, depth, length of lines), nothing of it is believed but with our own token.
 *
 * IN:  a message as it came (RFC 5322), up to BOUNCE_BYTES
 * OUT: whose, and what became of it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_MAIL_BOUNCE_H
#define SENDA_MAIL_BOUNCE_H

#include "base/arena.h"
#include "base/slice.h"

enum { BOUNCE_BYTES = 1 << 20, BOUNCE_TOKEN_BYTES = 48, BOUNCE_ADDRESSES = 4 };
#define MAIL_TOKEN_FIELD "Senda-Invitation"

/* X(name, word) */
#define MAIL_RETURNS(X)                                                                            \
    X(NONE, "no_bounce")      /* something else: an answer of a person, a notice of holidays */    \
    X(FIRM, "failed")         /* the address is no more */                                         \
    X(SOFT, "soft")           /* not taken now, or not this message */                             \
    X(DELAYED, "delayed")     /* the server goes on trying */                                      \
    X(DELIVERED, "delivered") /* it arrived, or was passed on */
enum mail_return {
#define X(name, word) RETURN_##name,
    MAIL_RETURNS(X)
#undef X
        MAIL_RETURNS_N
};
const char *mail_return_word(enum mail_return kind);

struct mail_report {
    enum mail_return kind;
    const char *status; /* "5.1.1", "" */
    const char *token;  /* of the field, or of the return path NAME+TOKEN@…; "" */
    const char *id;     /* its own Message-ID, "" */
    const char *addresses[BOUNCE_ADDRESSES]; /* of the recipients that it names */
    size_t n_addresses;
};

/* What a server's refusal says, "550 5.1.1 no such user": RETURN_FIRM or RETURN_SOFT. */
enum mail_return mail_refusal(struct slice answer);
/* Texts in the arena. Whatever the bytes are, there is an answer. */
void mail_report_read(struct slice message, struct arena *arena, struct mail_report *report);
/* "bounces+12-ab@example.org": the token, in the arena; "" without one. */
const char *mail_report_token(struct slice address, struct arena *arena);

#endif
