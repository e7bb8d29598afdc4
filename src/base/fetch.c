/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/fetch.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

bool fetch_is_safe(const char *url) {
    static const char *const own[] = {"localhost", "127.0.0.1", "[::1]"};
    if (begins(url, "https://"))
        return url[8] != 0;
    if (!begins(url, "http://"))
        return false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (begins(url + 7, own[i]) && strchr(":/", url[7 + strlen(own[i])]))
            return true; /* ':', '/' or the end */
    return false;
}

static size_t receive(char *bytes, size_t size, size_t n, void *context) {
    struct buf *answer = context;
    if (answer->n + size * n > FETCH_BYTES)
        return 0;
    buf_add(answer, bytes, size * n);
    return size * n;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value) {
    char *line;
    if (asprintf(&line, "%s: %s", name, value) < 0)
        abort();
    list = curl_slist_append(list, line);
    free(line);
    return list;
}

static struct curl_slist *headers_of(const struct fetch *fetch) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    list = add_header(list, "Accept", "application/json");
    if (fetch->body)
        list = add_header(list, "Content-Type", fetch->type ? fetch->type : "application/json");
    for (size_t i = 0; fetch->headers && fetch->headers[i]; i++)
        list = curl_slist_append(list, fetch->headers[i]);
    return list;
}

static void prepare(CURL *curl, const struct fetch *fetch, const struct curl_slist *headers,
                    struct buf *answer) {
    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)FETCH_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "Senda");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (fetch->body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->body);
    if (fetch->user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, fetch->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, fetch->password ? fetch->password : "");
    }
    if (fetch->bearer) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, fetch->bearer);
    }
}

/* An address that is nobody else's: this machine, a private or local network, none, many (RFC 6890). */
static bool is_private_v4(uint32_t address) {
    static const struct {
        uint32_t net, bits;
    } nets[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},
                {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24},
                {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24},
                {0xE0000000, 3}};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        if ((address ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static bool is_private(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return is_private_v4(ntohl(v4.sin_addr.s_addr));
    }
    struct sockaddr_in6 v6;
    if (address->sa_family != AF_INET6)
        return true;
    memcpy(&v6, address, sizeof v6);
    const unsigned char *b = v6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return is_private_v4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 |
                             b[15]);
    return (b[0] & 0xE0) != 0x20 || /* not global unicast */
           (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */ ||
           (b[0] == 0x20 && b[1] == 0x01 && b[2] < 2) /* Teredo and the like */;
}

/* After the name is resolved, so that no name leads inside. */
static curl_socket_t open_public(void *context, curlsocktype purpose, struct curl_sockaddr *to) {
    bool *refused = context;
    (void)purpose;
    if (is_private(&to->addr)) {
        *refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

int fetch(const struct fetch *fetch, long *status, struct buf *answer, struct err *err) {
    pthread_once(&once, start);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(fetch);
    buf_init(answer, FETCH_BYTES);
    *status = 0;
    if (!curl)
        abort();
    bool refused = false;
    prepare(curl, fetch, headers, answer);
    if (fetch->public_only) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &refused);
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* it would be asked in place of the address */
    }
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (refused && result != CURLE_OK)
        return err_set(err, E_REFUSED, "this server has a private address");
    return result == CURLE_OK ? 0
                              : err_set(err, E_BUSY, "the other server did not answer: %s",
                                        curl_easy_strerror(result));
}
