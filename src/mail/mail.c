/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "mail/mail.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/bounce.h"

enum {
    TIMEOUT_S = 30,
    ADDRESS_MAX = 254,
    SMTP_PERMANENT = 500,
    WORD_BYTES = 42,
    MESSAGES_A_LINE = 100,
    ANSWER_BYTES = 512
};

bool mail_is_address(const char *text) {
    const char *at = strchr(text, '@');
    size_t n = strlen(text);
    if (!at || at == text || !at[1] || strchr(at + 1, '@') || n > ADDRESS_MAX)
        return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127 || strchr("<>,;:\"\\()[]", *c))
            return false;
    return at[1] != '.' && text[n - 1] != '.';
}

/* ---- header fields ---- */

static __attribute__((format(printf, 2, 3))) struct curl_slist *add(struct curl_slist *list,
                                                                    const char *format, ...) {
    char *line;
    va_list args;
    va_start(args, format);
    if (vasprintf(&line, format, args) < 0)
        abort();
    va_end(args);
    list = curl_slist_append(list, line);
    free(line);
    return list;
}

/* Text as a header bears it (RFC 2047, words of at most 75 bytes); free() it. Line ends become blanks: no text adds a field. */
static char *encoded(const char *text) {
    size_t n = strlen(text), used = 0;
    char *out = malloc(n * 4 + 80);
    if (!out)
        abort();
    for (size_t from = 0; from < n;) {
        size_t to = from + WORD_BYTES < n ? from + WORD_BYTES : n;
        while (to < n && to > from && ((unsigned char)text[to] & 0xC0) == 0x80)
            to--; /* not within a character */
        char word[80], plain[WORD_BYTES + 1];
        for (size_t i = from; i < to; i++)
            plain[i - from] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
        sodium_bin2base64(word, sizeof word, (const unsigned char *)plain, to - from,
                          sodium_base64_VARIANT_ORIGINAL);
        used += (size_t)sprintf(out + used, "%s=?UTF-8?B?%s?=", from ? "\r\n " : "", word);
        from = to;
    }
    out[used] = 0;
    return out;
}

static struct curl_slist *fields_of(const struct mail_relay *relay,
                                    const struct mail_message *message) {
    char date[64];
    struct tm now;
    time_t seconds = time(NULL);
    const char *domain = strchr(relay->from, '@');
    gmtime_r(&seconds, &now);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &now);
    char *name = encoded(relay->from_name), *subject = encoded(message->subject);
    struct curl_slist *list = add(NULL, "Date: %s", date);
    list = add(list, "From: %s%s<%s>", name, name[0] ? " " : "", relay->from);
    list = add(list, "To: <%s>", message->to);
    if (relay->reply_to[0])
        list = add(list, "Reply-To: <%s>", relay->reply_to);
    list = add(list, "Subject: %s", subject);
    list = add(list, "Message-ID: <%s%s>", message->id, domain ? domain : "@senda");
    list = add(list, "Auto-Submitted: auto-generated");
    if (message->token)
        list = add(list, MAIL_TOKEN_FIELD ": %s", message->token);
    if (message->unsubscribe) {
        list = add(list, "List-Unsubscribe: <%s>", message->unsubscribe);
        list = add(list, "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    }
    free(name);
    free(subject);
    return list;
}

/* ---- the body ---- */

static void add_part(curl_mime *mime, const char *text, const char *type) {
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_data(part, text, CURL_ZERO_TERMINATED);
    curl_mime_type(part, type);
    curl_mime_encoder(part, "quoted-printable");
}

static curl_mime *body_of(CURL *curl, const struct mail_message *message) {
    curl_mime *alternatives = curl_mime_init(curl);
    add_part(alternatives, message->text, "text/plain; charset=utf-8");
    if (!message->html)
        return alternatives;
    add_part(alternatives, message->html, "text/html; charset=utf-8");
    curl_mime *whole = curl_mime_init(curl);
    curl_mimepart *part = curl_mime_addpart(whole);
    curl_mime_subparts(part, alternatives);
    curl_mime_type(part, "multipart/alternative");
    return whole;
}

static void set_relay(CURL *curl, const struct mail_relay *relay) {
    char url[300];
    snprintf(url, sizeof url, "%s://%.255s:%d", relay->security == MAIL_TLS ? "smtps" : "smtp",
             relay->host, relay->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     (long)(relay->security == MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (relay->user[0]) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, relay->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, relay->password);
    }
}

static int judge(CURLcode result, long answer, struct err *err) {
    if (result == CURLE_OK)
        return 0;
    bool about_message = result != CURLE_LOGIN_DENIED && answer >= SMTP_PERMANENT;
    return about_message ? err_set(err, E_REFUSED, "the relay refuses the message (%ld)", answer)
           : answer      ? err_set(err, E_BUSY, "the relay did not take the message: %s (%ld)",
                                   curl_easy_strerror(result), answer)
                         : err_set(err, E_BUSY, "the relay did not take the message: %s",
                                   curl_easy_strerror(result));
}

struct mail_line {
    const struct mail_relay *relay;
    CURL *curl; /* keeps its connection from one message to the next */
    int sent;   /* over it */
    char answer
        [ANSWER_BYTES]; /* the last line in which the relay refused something, with its code */
};

/* Each line of the relay's answers. */
static size_t listen_to(char *bytes, size_t size, size_t n, void *context) {
    struct mail_line *line = context;
    size_t kept = size * n < ANSWER_BYTES - 1 ? size * n : ANSWER_BYTES - 1;
    if (!kept || (*bytes != '4' && *bytes != '5'))
        return size * n;
    memcpy(line->answer, bytes, kept);
    line->answer[kept] = 0;
    return size * n;
}

bool mail_line_says_gone(const struct mail_line *line) {
    return !line->answer[0] || mail_refusal(slice_of(line->answer)) == RETURN_FIRM;
}

struct mail_line *mail_open(const struct mail_relay *relay) {
    struct mail_line *line = calloc(1, sizeof *line);
    if (!line || !(line->curl = curl_easy_init()))
        abort();
    line->relay = relay;
    set_relay(line->curl, relay);
    curl_easy_setopt(line->curl, CURLOPT_HEADERFUNCTION, listen_to);
    curl_easy_setopt(line->curl, CURLOPT_HEADERDATA, line);
    return line;
}

void mail_close(struct mail_line *line) {
    if (!line)
        return;
    curl_easy_cleanup(line->curl);
    free(line);
}

int mail_line_send(struct mail_line *line, const struct mail_message *message, struct err *err) {
    CURL *curl = line->curl;
    line->answer[0] = 0;
    if (!mail_is_address(message->to))
        return err_set(err, E_REFUSED, "this is no e-mail address");
    struct curl_slist *fields = fields_of(line->relay, message),
                      *to = curl_slist_append(NULL, message->to);
    curl_mime *body = body_of(curl, message);
    long answer = 0;
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM,
                     message->bounces ? message->bounces : line->relay->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, body);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, (long)(line->sent >= MESSAGES_A_LINE));
    line->sent = line->sent >= MESSAGES_A_LINE ? 1 : line->sent + 1;
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(body);
    curl_slist_free_all(fields);
    curl_slist_free_all(to);
    return judge(result, answer, err);
}

int mail_send(const struct mail_relay *relay, const struct mail_message *message, struct err *err) {
    struct mail_line *line = mail_open(relay);
    int code = mail_line_send(line, message, err);
    mail_close(line);
    return code;
}
