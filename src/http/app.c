/*
 * The app: opens what handlers share, in order, and closes it in reverse.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "http/app.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/internal.h"

enum { KEPT_MAX = 32, RATE_STANDARD = 200, PUBLIC_BURST = 60 };

struct app {
    struct folder *folder;
    struct app_options options;
    struct sources *sources;
    struct accounts *accounts;
    struct jobs *jobs;
    struct routes *routes;
    struct throttle *throttle, *public_throttle;
    struct app_metrics metrics;
    pthread_mutex_t kept_lock;
    struct kept {
        const char *key;
        void *value;
        void (*release)(void *);
    } kept[KEPT_MAX];
    size_t n_kept;
};

int app_open(struct app **out, struct folder *folder, const struct app_options *options,
             struct err *err) {
    struct app *app = calloc(1, sizeof *app);
    if (!app)
        abort();
    app->folder = folder;
    app->options = *options;
    pthread_mutex_init(&app->kept_lock, NULL);
    int code = sources_open(&app->sources, folder->store, folder->vault, err);
    if (!code)
        code = accounts_open(&app->accounts, folder, err);
    if (!code)
        code = jobs_open(&app->jobs, folder, options->jobs, err);
    if (code) {
        app_close(app);
        return code;
    }
    app->routes = routes_new(options->tables, options->n_tables);
    int rate = options->rate_per_s ? options->rate_per_s : RATE_STANDARD;
    if (rate > 0)
        app->throttle = throttle_new(rate, 5 * rate);
    if (rate > 0)
        app->public_throttle = throttle_new(1, PUBLIC_BURST);
    *out = app;
    return 0;
}

void app_close(struct app *app) {
    if (!app)
        return;
    jobs_close(app->jobs);
    while (app->n_kept) {
        struct kept *kept = &app->kept[--app->n_kept];
        if (kept->release)
            kept->release(kept->value);
    }
    throttle_free(app->throttle);
    throttle_free(app->public_throttle);
    routes_free(app->routes);
    accounts_close(app->accounts);
    sources_close(app->sources);
    pthread_mutex_destroy(&app->kept_lock);
    free(app);
}

struct folder *app_folder(struct app *app) {
    return app->folder;
}
struct sources *app_sources(struct app *app) {
    return app->sources;
}
struct accounts *app_accounts(struct app *app) {
    return app->accounts;
}
struct jobs *app_jobs(struct app *app) {
    return app->jobs;
}
const struct app_options *app_options(const struct app *app) { return &app->options; }
const struct routes *app_routes(const struct app *app) { return app->routes; }
struct throttle *app_throttle(struct app *app) {
    return app->throttle;
}
struct throttle *app_public_throttle(struct app *app) {
    return app->public_throttle;
}
struct app_metrics *app_metrics(struct app *app) {
    return &app->metrics;
}

void *app_keep(struct app *app, const char *key, void *(*make)(struct app *),
               void (*release)(void *)) {
    void *value = NULL;
    pthread_mutex_lock(&app->kept_lock);
    size_t i = 0;
    while (i < app->n_kept && app->kept[i].key != key)
        i++;
    if (i == app->n_kept) {
        if (i == KEPT_MAX)
            abort();
        app->kept[app->n_kept++] = (struct kept){key, make(app), release};
    }
    value = app->kept[i].value;
    pthread_mutex_unlock(&app->kept_lock);
    return value;
}

void app_count_request(struct app *app, int status, int64_t elapsed_us) {
    static const int64_t bounds_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000};
    struct app_metrics *metrics = &app->metrics;
    size_t bucket = 0, n = sizeof bounds_ms / sizeof *bounds_ms;
    while (bucket < n && elapsed_us > bounds_ms[bucket] * 1000)
        bucket++;
    atomic_fetch_add_explicit(&metrics->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_us_sum, (uint64_t)elapsed_us, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_bucket[bucket], 1, memory_order_relaxed);
    if (status >= 500)
        atomic_fetch_add_explicit(&metrics->requests_5xx, 1, memory_order_relaxed);
    else if (status >= 400)
        atomic_fetch_add_explicit(&metrics->requests_4xx, 1, memory_order_relaxed);
}
