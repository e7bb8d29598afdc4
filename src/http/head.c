/*
 * The head of a request: its fields, and what of them is doubtful.
 *
 * What libmicrohttpd 0.9.75 lets through and is refused here: repeated Content-Length, Transfer-Encoding or Host,
 * both together, other codings than chunked, folded ones (whose continuation it glues to the name, so that they are
 * no framing to it), header names with blanks, several hosts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <string.h>
#include <strings.h>

#include "http/network.h"

static bool is_token(const char *name) {
    if (!name[0])
        return false;
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", *c))
            return false;
    return true;
}

/* libmicrohttpd glues the continuation of a folded header to its name: "Content-Length5". */
static bool is_folded(const char *name, const char *framing) {
    size_t n = strlen(framing);
    return strncasecmp(name, framing, n) == 0 && name[n];
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
    struct head *head = context;
    struct request_private *private = &head->exchange->private;
    (void)kind;
    if (!value)
        value = "";
    if (!is_token(name) || is_folded(name, "Content-Length") ||
        is_folded(name, "Transfer-Encoding"))
        head->bad = true;
    if (private->n_headers == REQUEST_HEADERS) {
        head->many = true;
        return MHD_NO;
    }
    private->headers[private->n_headers++] = (struct request_pair){.name = name, .value = value};
    if (strcasecmp(name, "Content-Length") == 0)
        head->length = value, head->lengths++;
    else if (strcasecmp(name, "Transfer-Encoding") == 0)
        head->coding = value, head->codings++;
    else if (strcasecmp(name, "Content-Encoding") == 0)
        head->packing = value;
    else if (strcasecmp(name, "Host") == 0)
        head->hosts++;
    return MHD_YES;
}

void head_take(struct head *head, struct exchange *exchange) {
    *head = (struct head){.exchange = exchange};
    exchange->private.n_headers = 0;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, head);
}

int head_check(const struct head *head, const char *version, struct err *err) {
    if (head->many)
        return err_set(err, E_HEADERS, "more than %d header fields", REQUEST_HEADERS);
    if (head->bad)
        return err_set(err, E_MALFORMED, "a header field has no proper name");
    if (head->lengths > 1)
        return err_set(err, E_MALFORMED, "Content-Length is given more than once");
    if (head->codings > 1)
        return err_set(err, E_MALFORMED, "Transfer-Encoding is given more than once");
    if (head->lengths && head->codings)
        return err_set(err, E_MALFORMED, "Content-Length and Transfer-Encoding are both given");
    if (head->lengths) {
        size_t n = strspn(head->length, "0123456789");
        if (n == 0 || head->length[n] || n > 18)
            return err_set(err, E_MALFORMED, "Content-Length is not a number");
    }
    bool http11 = strcmp(version, "HTTP/1.1") == 0;
    if (head->codings && !http11)
        return err_set(err, E_MALFORMED, "Transfer-Encoding needs HTTP/1.1");
    if (head->hosts > 1 || (http11 && head->hosts == 0))
        return err_set(err, E_MALFORMED, "exactly one Host is needed");
    if (head->codings && strcasecmp(head->coding, "chunked") != 0)
        return err_set(err, E_UNSUPPORTED, "only the transfer coding chunked is understood");
    return 0;
}
