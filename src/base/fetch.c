/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int fetch(const struct fetch *fetch, long *status, struct buf *answer, struct err *err) {
    pthread_once(&once, start);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(fetch);
    buf_init(answer, FETCH_BYTES);
    *status = 0;
    if (!curl)
        abort();
    prepare(curl, fetch, headers, answer);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result == CURLE_OK ? 0
                              : err_set(err, E_BUSY, "the other server did not answer: %s",
                                        curl_easy_strerror(result));
}
