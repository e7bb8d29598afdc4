/*
 * One e-mail to one person through a relay (SMTP, libcurl). DKIM, queues and delivery over days are the relay's.
 *
 * IN:  a message, a relay
 * OUT: the relay's answer
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_MAIL_MAIL_H
#define SENDA_MAIL_MAIL_H

#include <stdbool.h>

#include "base/err.h"

enum mail_security { MAIL_PLAIN, MAIL_STARTTLS, MAIL_TLS };

struct mail_relay {
    const char *host;
    int port;
    enum mail_security security;
    const char *user, *password;      /* "": without */
    const char *from;                 /* address; also where the relay sends bounces */
    const char *from_name, *reply_to; /* "": none */
};

struct mail_message {
    const char *to, *subject; /* UTF-8 */
    const char *text, *html;  /* html NULL: text only */
    const char *id;           /* left of the @ of its Message-ID: the same at every try */
    const char
        *unsubscribe; /* https address for List-Unsubscribe (RFC 8058, one click); NULL: none */
    const char
        *bounces;      /* where the relay sends it back to (return path); NULL: the relay's from */
    const char *token; /* that a report of it names (header Senda-Invitation); NULL: none */
};

/* One @ with something on both sides, no blank, control or angle character, at most 254 bytes. */
bool mail_is_address(const char *text);

/* 0: the relay took it. E_REFUSED: it never will (5xx for this address or message). E_BUSY: later perhaps (4xx, no connection,
 * wrong password). The message says what the relay said, without the address. */
must_use int mail_send(const struct mail_relay *relay, const struct mail_message *message,
                       struct err *err);

/* The same, several over one connection; of one thread. The relay lives as long. */
struct mail_line;
struct mail_line *mail_open(const struct mail_relay *relay);
must_use int mail_line_send(struct mail_line *line, const struct mail_message *message,
                            struct err *err);
/* After E_REFUSED: the address is no more; else it is the message or the sender that the relay does not want. */
bool mail_line_says_gone(const struct mail_line *line);
void mail_close(struct mail_line *line); /* NULL is allowed */

#endif
