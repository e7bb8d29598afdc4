/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "mail/bounce.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

enum { DEPTH = 6, PARTS = 60, FIELDS_MAX = 400, FIELD_BYTES = 1000, TEXT_SCANNED = 20000 };

static const char *const words[] = {
#define X(name, word) word,
    MAIL_RETURNS(X)
#undef X
};
const char *mail_return_word(enum mail_return kind) { return words[kind]; }

struct reading {
    struct arena *arena;
    struct mail_report *report;
    size_t parts;
    bool from_mailer, answered_by_machine;
};

static bool is_word(struct slice text, const char *word) {
    return text.n == strlen(word) && strncasecmp(text.p, word, text.n) == 0;
}

static bool begins(struct slice text, const char *with) {
    size_t n = strlen(with);
    return text.n >= n && strncasecmp(text.p, with, n) == 0;
}

static struct slice trimmed(struct slice text) {
    while (text.n && isspace((unsigned char)*text.p))
        text.p++, text.n--;
    while (text.n && isspace((unsigned char)text.p[text.n - 1]))
        text.n--;
    return text;
}

/* ---- fields ---- */

/* The next line without its end; false at the end. */
static bool next_line(struct slice *rest, struct slice *line) {
    if (!rest->n)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n, taken = end ? n + 1 : n;
    *line = (struct slice){rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n};
    rest->p += taken;
    rest->n -= taken;
    return true;
}

/* Fields up to an empty line, continued lines joined; each goes to `take`. rest is then what follows. */
static void read_fields(struct reading *reading, struct slice *rest,
                        void (*take)(struct reading *reading, struct slice name, struct slice value,
                                     void *context),
                        void *context) {
    char value[FIELD_BYTES];
    struct slice line, name = {"", 0};
    size_t n = 0;
    for (size_t fields = 0; fields < FIELDS_MAX;) {
        bool any = next_line(rest, &line);
        if (any && line.n && (*line.p == ' ' || *line.p == '\t') && name.n) {
            line = trimmed(line);
            size_t more = line.n < FIELD_BYTES - n ? line.n : FIELD_BYTES - n;
            if (n && n < FIELD_BYTES && more && more < FIELD_BYTES - n)
                value[n++] = ' ';
            memcpy(value + n, line.p, more);
            n += more;
            continue;
        }
        if (name.n)
            take(reading, name, (struct slice){value, n}, context);
        fields++;
        if (!any || !line.n)
            return;
        const char *colon = memchr(line.p, ':', line.n);
        name = colon ? trimmed((struct slice){line.p, (size_t)(colon - line.p)})
                     : (struct slice){"", 0};
        struct slice said =
            colon ? trimmed((struct slice){colon + 1, line.n - (size_t)(colon + 1 - line.p)})
                  : (struct slice){"", 0};
        n = said.n < FIELD_BYTES ? said.n : FIELD_BYTES;
        memcpy(value, said.p, n);
    }
}

/* "multipart/report; report-type=delivery-status; boundary=\"x\"": a parameter, "" if absent. */
static struct slice parameter(struct slice value, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i + n < value.n; i++) {
        if (value.p[i] != ';')
            continue;
        struct slice rest = trimmed((struct slice){value.p + i + 1, value.n - i - 1});
        if (!begins(rest, name) || rest.n <= n || rest.p[n] != '=')
            continue;
        rest = trimmed((struct slice){rest.p + n + 1, rest.n - n - 1});
        bool quoted = rest.n && *rest.p == '"';
        const char *end =
            quoted ? memchr(rest.p + 1, '"', rest.n - 1) : memchr(rest.p, ';', rest.n);
        if (quoted)
            return end ? (struct slice){rest.p + 1, (size_t)(end - rest.p - 1)}
                       : (struct slice){"", 0};
        return trimmed((struct slice){rest.p, end ? (size_t)(end - rest.p) : rest.n});
    }
    return (struct slice){"", 0};
}

/* ---- tokens: DIGITS-HEX ---- */

static bool is_token(struct slice text) {
    size_t i = 0, digits;
    while (i < text.n && isdigit((unsigned char)text.p[i]))
        i++;
    digits = i;
    if (!digits || i == text.n || text.p[i++] != '-' || i == text.n)
        return false;
    while (i < text.n && isxdigit((unsigned char)text.p[i]))
        i++;
    return i == text.n && text.n < BOUNCE_TOKEN_BYTES;
}

static const char *lowered(struct slice text, struct arena *arena) {
    char *copy = arena_text(arena, text);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

const char *mail_report_token(struct slice address, struct arena *arena) {
    const char *plus = address.n ? memchr(address.p, '+', address.n) : NULL;
    while (plus) {
        size_t left = address.n - (size_t)(plus + 1 - address.p), n = 0;
        while (n < left && plus[1 + n] != '@' && plus[1 + n] != '>' && plus[1 + n] != '+')
            n++;
        struct slice token = {plus + 1, n};
        if (is_token(token))
            return lowered(token, arena);
        plus = memchr(plus + 1, '+', left);
    }
    return "";
}

static void keep_token(struct reading *reading, const char *token) {
    if (!reading->report->token[0])
        reading->report->token = token;
}

/* ---- status ---- */

static bool is_class(char c) { return c == '2' || c == '4' || c == '5'; }

static bool is_code(struct slice text, size_t i) {
    return i + 3 <= text.n && is_class(text.p[i]) && isdigit((unsigned char)text.p[i + 1]) &&
           isdigit((unsigned char)text.p[i + 2]) &&
           (i + 3 == text.n || !isalnum((unsigned char)text.p[i + 3]));
}

/* The first "5.1.1" in a text; "" without one. */
static struct slice status_in(struct slice text) {
    for (size_t i = 0; i + 5 <= text.n; i++) {
        size_t at = i + 2, dots = 1;
        bool apart = !i || !(isalnum((unsigned char)text.p[i - 1]) || text.p[i - 1] == '.');
        if (!apart || !is_class(text.p[i]) || text.p[i + 1] != '.')
            continue;
        while (at < text.n && at - i < 10 &&
               (isdigit((unsigned char)text.p[at]) ||
                (text.p[at] == '.' && dots == 1 && text.p[at - 1] != '.')))
            dots += text.p[at++] == '.';
        bool ended = at == text.n || !(isalnum((unsigned char)text.p[at]) || text.p[at] == '-');
        if (dots == 2 && ended && text.p[at - 1] != '.')
            return (struct slice){text.p + i, at - i};
    }
    return (struct slice){"", 0};
}

/* The first reply code of SMTP in a text: 550 …; 0. */
static int code_in(struct slice text) {
    for (size_t i = 0; i + 3 <= text.n; i++)
        if ((!i || !(isalnum((unsigned char)text.p[i - 1]) || text.p[i - 1] == '.')) &&
            is_code(text, i) && text.p[i] != '2' && (i + 3 == text.n || text.p[i + 3] != '.'))
            return (text.p[i] - '0') * 100 + (text.p[i + 1] - '0') * 10 + text.p[i + 2] - '0';
    return 0;
}

/* Of something that failed. */
static enum mail_return judge(struct slice status, int code) {
    static const char *const firm[] = {"5.2.1", "5.4.1", "5.4.4"};
    if (status.n > 1 && *status.p != '5')
        return RETURN_SOFT;
    for (size_t i = 0; i < sizeof firm / sizeof *firm; i++)
        if (is_word(status, firm[i]))
            return RETURN_FIRM;
    if (begins(status, "5.1.")) /* 5.1.7 and 5.1.8 are of the sender's address */
        return is_word(status, "5.1.7") || is_word(status, "5.1.8") ? RETURN_SOFT : RETURN_FIRM;
    bool unsaid = !status.n || is_word(status, "5.0.0");
    return unsaid && (code == 550 || code == 551 || code == 553) ? RETURN_FIRM : RETURN_SOFT;
}

enum mail_return mail_refusal(struct slice answer) {
    return judge(status_in(answer), code_in(answer));
}

struct recipient {
    struct slice action, status, diagnostic;
    char kept[3][FIELD_BYTES];
    bool any;
};

static void keep(struct slice value, char kept[FIELD_BYTES], struct slice *to) {
    memcpy(kept, value.p, value.n);
    *to = (struct slice){kept, value.n};
}

/* "rfc822; someone@example.org" */
static void keep_address(struct reading *reading, struct slice value) {
    const char *semicolon = memchr(value.p, ';', value.n);
    struct mail_report *report = reading->report;
    if (semicolon)
        value = (struct slice){semicolon + 1, value.n - (size_t)(semicolon + 1 - value.p)};
    value = trimmed(value);
    if (value.n > 1 && *value.p == '<' && value.p[value.n - 1] == '>')
        value = (struct slice){value.p + 1, value.n - 2};
    if (value.n && memchr(value.p, '@', value.n) && !memchr(value.p, 0, value.n) &&
        report->n_addresses < BOUNCE_ADDRESSES)
        report->addresses[report->n_addresses++] = arena_text(reading->arena, value);
}

static void take_status(struct reading *reading, struct slice name, struct slice value,
                        void *context) {
    struct recipient *recipient = context;
    if (is_word(name, "Action"))
        keep(value, recipient->kept[0], &recipient->action);
    else if (is_word(name, "Status"))
        keep(value, recipient->kept[1], &recipient->status);
    else if (is_word(name, "Diagnostic-Code"))
        keep(value, recipient->kept[2], &recipient->diagnostic);
    else if (is_word(name, "Final-Recipient") || is_word(name, "Original-Recipient"))
        keep_address(reading, value);
    else
        return;
    recipient->any = true;
}

static enum mail_return kind_of(const struct recipient *recipient, struct slice *status) {
    struct slice within = status_in(recipient->diagnostic);
    *status = status_in(recipient->status);
    if (within.n && (!status->n || is_word(*status, "5.0.0") || is_word(*status, "4.0.0")))
        *status = within; /* servers that pass on what another said */
    if (begins(recipient->action, "delayed"))
        return RETURN_DELAYED;
    if (begins(recipient->action, "delivered") || begins(recipient->action, "relayed") ||
        begins(recipient->action, "expanded"))
        return RETURN_DELIVERED;
    return begins(recipient->action, "failed") || status->n
               ? judge(*status, code_in(recipient->diagnostic))
               : RETURN_NONE;
}

/* More than one recipient never is in what we send: the gravest counts. */
static void add_kind(struct reading *reading, enum mail_return kind, struct slice status) {
    static const int weight[MAIL_RETURNS_N] = {[RETURN_NONE] = 0,
                                               [RETURN_DELIVERED] = 1,
                                               [RETURN_DELAYED] = 2,
                                               [RETURN_SOFT] = 3,
                                               [RETURN_FIRM] = 4};
    if (weight[kind] <= weight[reading->report->kind])
        return;
    reading->report->kind = kind;
    reading->report->status = arena_text(reading->arena, status);
}

static void read_status(struct reading *reading, struct slice rest) {
    while (rest.n) {
        struct recipient recipient = {.action = {"", 0}, .status = {"", 0}, .diagnostic = {"", 0}};
        struct slice status;
        read_fields(reading, &rest, take_status, &recipient);
        enum mail_return kind = recipient.any ? kind_of(&recipient, &status) : RETURN_NONE;
        if (kind != RETURN_NONE)
            add_kind(reading, kind, status);
    }
}

/* ---- parts ---- */

struct head {
    struct slice type, encoding;
    char kept[2][FIELD_BYTES];
    bool outer;
};

static void take_head(struct reading *reading, struct slice name, struct slice value,
                      void *context) {
    struct head *head = context;
    if (is_word(name, "Content-Type"))
        keep(value, head->kept[0], &head->type);
    else if (is_word(name, "Content-Transfer-Encoding"))
        keep(value, head->kept[1], &head->encoding);
    else if (is_word(name, MAIL_TOKEN_FIELD) && is_token(value))
        keep_token(reading, lowered(value, reading->arena));
    if (!head->outer)
        return;
    if (is_word(name, "Message-ID"))
        reading->report->id = arena_text(reading->arena, value);
    else if (is_word(name, "To") || is_word(name, "Delivered-To") || is_word(name, "X-Original-To"))
        keep_token(reading, mail_report_token(value, reading->arena));
    else if (is_word(name, "From") || is_word(name, "Return-Path"))
        reading->from_mailer |= is_word(value, "<>") ||
                                memmem(value.p, value.n, "MAILER-DAEMON", 13) ||
                                memmem(value.p, value.n, "mailer-daemon", 13) ||
                                memmem(value.p, value.n, "ostmaster@", 10);
    else if (is_word(name, "Auto-Submitted"))
        reading->answered_by_machine = begins(value, "auto-replied");
}

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* A part's bytes as they were meant. */
static struct slice decoded(struct reading *reading, struct slice body, struct slice encoding) {
    bool base64 = is_word(encoding, "base64"), quoted = is_word(encoding, "quoted-printable");
    size_t n = 0;
    if (!base64 && !quoted)
        return body;
    char *out = arena_get(reading->arena, body.n + 1);
    if (base64)
        return sodium_base642bin((unsigned char *)out, body.n, body.p, body.n, "\r\n \t", &n, NULL,
                                 sodium_base64_VARIANT_ORIGINAL) == 0 ||
                       n
                   ? (struct slice){out, n}
                   : (struct slice){"", 0};
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] != '=' || i + 1 >= body.n) {
            out[n++] = body.p[i];
        } else if (body.p[i + 1] == '\n') {
            i++;
        } else if (i + 2 < body.n && body.p[i + 1] == '\r' && body.p[i + 2] == '\n') {
            i += 2;
        } else {
            int high = hex_of(body.p[i + 1]), low = i + 2 < body.n ? hex_of(body.p[i + 2]) : -1;
            out[n++] = high < 0 || low < 0 ? '=' : (char)(high * 16 + low);
            i += high < 0 || low < 0 ? 0 : 2;
        }
    }
    return (struct slice){out, n};
}

static void read_part(struct reading *reading, struct slice bytes, int depth);

/* A line "--BOUNDARY" or "--BOUNDARY--". */
static bool is_boundary(struct slice line, struct slice boundary, bool *last) {
    if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
        memcmp(line.p + 2, boundary.p, boundary.n) != 0)
        return false;
    struct slice rest = trimmed((struct slice){line.p + boundary.n + 2, line.n - boundary.n - 2});
    *last = is_word(rest, "--");
    return !rest.n || *last;
}

static void read_parts(struct reading *reading, struct slice body, struct slice boundary,
                       int depth) {
    struct slice line, rest = body;
    const char *begin = NULL;
    bool last = false;
    while (!last && next_line(&rest, &line)) {
        if (!is_boundary(line, boundary, &last))
            continue;
        if (begin)
            read_part(reading, (struct slice){begin, (size_t)(line.p - begin)}, depth);
        begin = rest.p;
    }
    if (begin && !last) /* cut short */
        read_part(reading, (struct slice){begin, (size_t)(body.p + body.n - begin)}, depth);
}

/* A report without a part for machines: what its text says. */
static void read_text(struct reading *reading, struct slice text) {
    if (!reading->from_mailer || reading->answered_by_machine || reading->report->kind)
        return;
    text.n = text.n < TEXT_SCANNED ? text.n : TEXT_SCANNED;
    struct slice status = status_in(text);
    int code = code_in(text);
    if (status.n || code)
        add_kind(reading, status.n && *status.p == '2' ? RETURN_DELIVERED : judge(status, code),
                 status);
}

static void read_part(struct reading *reading, struct slice bytes, int depth) {
    struct head head = {.type = {"", 0}, .encoding = {"", 0}, .outer = depth == 0};
    if (depth > DEPTH || reading->parts++ >= PARTS)
        return;
    read_fields(reading, &bytes, take_head, &head);
    struct slice boundary = parameter(head.type, "boundary");
    if (begins(head.type, "multipart/") && boundary.n) {
        read_parts(reading, bytes, boundary, depth + 1);
        return;
    }
    struct slice body = decoded(reading, bytes, head.encoding);
    if (begins(head.type, "message/delivery-status") ||
        begins(head.type, "message/global-delivery-status"))
        read_status(reading, body);
    else if (begins(head.type, "message/rfc822") || begins(head.type, "message/global") ||
             begins(head.type, "text/rfc822-headers"))
        read_part(reading, body, depth + 1);
    else if (!head.type.n || begins(head.type, "text/"))
        read_text(reading, body);
}

/* Our field, wherever it is quoted: some servers put the header into their text. */
static void find_token(struct reading *reading, struct slice bytes) {
    struct slice line;
    while (!reading->report->token[0] && next_line(&bytes, &line)) {
        line = trimmed(line);
        while (line.n && (*line.p == '>' || *line.p == ' '))
            line.p++, line.n--;
        if (!begins(line, MAIL_TOKEN_FIELD ":"))
            continue;
        struct slice value = trimmed(
            (struct slice){line.p + sizeof MAIL_TOKEN_FIELD, line.n - sizeof MAIL_TOKEN_FIELD});
        if (is_token(value))
            keep_token(reading, lowered(value, reading->arena));
    }
}

void mail_report_read(struct slice message, struct arena *arena, struct mail_report *report) {
    struct reading reading = {.arena = arena, .report = report};
    *report = (struct mail_report){.status = "", .token = "", .id = ""};
    if (message.n > BOUNCE_BYTES)
        message.n = BOUNCE_BYTES;
    struct slice line, rest = message; /* a pipe's "From someone Sat Nov …" */
    if (begins(message, "From ") && next_line(&rest, &line))
        message = rest;
    read_part(&reading, message, 0);
    find_token(&reading, message);
}
