/*
 * Everything that handlers share, for the life of the process: the folder, sources, people and sessions, assets,
 * routes. With a server or without one (commands without a server use the same app in their own process).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_APP_H
#define SENDA_HTTP_APP_H

#include "collect/source.h"
#include "http/account.h"
#include "http/assets.h"
#include "http/http.h"
#include "jobs/jobs.h"

struct app_options {
    const struct route_table *const *tables; /* all route tables */
    size_t n_tables;
    const struct job *const *jobs; /* scheduled work, NULL at the end; NULL: none */
    const char *public_url;        /* "https://senda.example.org", NULL: from the Host header */
    /* Renders an error for a browser (Accept: text/html) in place of the problem document, which response already
     * holds; NULL: problem documents for all. */
    int (*error_page)(struct request *request, struct response *response, const struct err *err);
    /* Puts what an error says into a language; for problem documents of those who ask for one. NULL: English for all. */
    void (*translate)(const char *language, struct err *err);
    int rate_per_s; /* API requests a second of one key or person; 0: 200; negative: no limit */
};

/* The folder must outlive the app. app_close waits for jobs under way. */
must_use int app_open(struct app **app, struct folder *folder, const struct app_options *options,
                      struct err *err);
void app_close(struct app *app);

struct folder *app_folder(struct app *app);
struct sources *app_sources(struct app *app);
struct accounts *app_accounts(struct app *app);
struct jobs *app_jobs(struct app *app);
const struct app_options *app_options(const struct app *app);

/* A value that a page or API keeps for the life of the app (caches): created once by `make`, freed by `release`
 * at app_close. key: a static string, compared by address. Thread safe. */
void *app_keep(struct app *app, const char *key, void *(*make)(struct app *app),
               void (*release)(void *));

/* Counters for /metrics and live views. */
struct app_metrics {
    atomic_uint_least64_t requests, requests_5xx, requests_4xx, events_accepted, events_duplicate,
        events_rejected;
    atomic_uint_least64_t latency_us_sum;
    atomic_uint_least64_t
        latency_bucket[12]; /* <= 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 ms, more */
    atomic_uint_least64_t connections, streams;
    atomic_bool stopping; /* readyz says no */
};
struct app_metrics *app_metrics(struct app *app);
void app_count_request(struct app *app, int status, int64_t elapsed_us);

#endif
