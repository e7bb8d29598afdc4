/*
 * /healthz (it runs), /readyz (it takes requests), /metrics (Prometheus text).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"

enum { METRICS_MAX_BYTES = 256 * 1024 };

static int healthz(struct request *request, struct response *response, struct err *err) {
    (void)request, (void)err;
    response->static_body = SLICE_LITERAL("{\"status\":\"ok\"}");
    return HANDLED;
}

static int readyz(struct request *request, struct response *response, struct err *err) {
    struct store_stats stats;
    store_stats(app_folder(request->app)->store, &stats);
    if (atomic_load(&app_metrics(request->app)->stopping))
        return err_set(err, E_BUSY, "stopping");
    if (stats.broken)
        return err_set(err, E_BUSY, "nothing can be written");
    int code = store_check_space(app_folder(request->app)->store, err);
    if (code)
        return code;
    response->static_body = SLICE_LITERAL("{\"status\":\"ready\"}");
    return HANDLED;
}

static void metric(struct buf *out, const char *name, const char *type, const char *help,
                   double value) {
    buf_add_format(out, "# HELP senda_%s %s\n# TYPE senda_%s %s\nsenda_%s %.15g\n", name, help,
                   name, type, name, value);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value) {
    metric(out, name, "counter", help, (double)value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value) {
    metric(out, name, "gauge", help, value);
}

static void latency(struct buf *out, struct app_metrics *metrics) {
    static const char *const bounds[] = {"0.001", "0.002", "0.005", "0.01", "0.02", "0.05",
                                         "0.1",   "0.2",   "0.5",   "1",    "5",    "+Inf"};
    uint64_t sum = 0;
    buf_add_text(
        out,
        "# HELP senda_request_seconds Time from the head of a request to the end of its answer.\n"
        "# TYPE senda_request_seconds histogram\n");
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        sum += atomic_load(&metrics->latency_bucket[i]);
        buf_add_format(out, "senda_request_seconds_bucket{le=\"%s\"} %llu\n", bounds[i],
                       (unsigned long long)sum);
    }
    buf_add_format(out, "senda_request_seconds_sum %.6f\nsenda_request_seconds_count %llu\n",
                   (double)atomic_load(&metrics->latency_us_sum) / 1e6, (unsigned long long)sum);
}

/* RssAnon of this process, bytes. */
static double memory_bytes(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double bytes = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "RssAnon:", 8) == 0)
            bytes = strtod(line + 8, NULL) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

static void add_http(struct buf *out, struct app_metrics *metrics) {
    counter(out, "events_accepted_total", "Events stored.", atomic_load(&metrics->events_accepted));
    counter(out, "events_duplicate_total", "Events that were there already.",
            atomic_load(&metrics->events_duplicate));
    counter(out, "events_rejected_total", "Events refused.",
            atomic_load(&metrics->events_rejected));
    counter(out, "requests_total", "Requests answered.", atomic_load(&metrics->requests));
    counter(out, "requests_client_error_total", "Requests answered 4xx.",
            atomic_load(&metrics->requests_4xx));
    counter(out, "requests_server_error_total", "Requests answered 5xx.",
            atomic_load(&metrics->requests_5xx));
    gauge(out, "connections", "Open connections.", (double)atomic_load(&metrics->connections));
    gauge(out, "streams", "Streamed answers under way.", (double)atomic_load(&metrics->streams));
    latency(out, metrics);
}

static int get_metrics(struct request *request, struct response *response, struct err *err) {
    (void)err;
    struct folder *folder = app_folder(request->app);
    struct store_stats store;
    struct timeline_stats timeline;
    struct buf *out = &response->body;
    buf_init(out, METRICS_MAX_BYTES);
    add_http(out, app_metrics(request->app));
    store_stats(folder->store, &store);
    counter(out, "commits_total", "Transactions committed.", store.commits);
    counter(out, "writer_jobs_total", "Jobs of the writer.", store.jobs);
    gauge(out, "writer_queue_bytes", "Memory of waiting jobs.", (double)store.queue_bytes);
    gauge(out, "wal_bytes", "Size of the write-ahead log.", (double)store.wal_bytes);
    gauge(out, "commit_last_seconds", "The last commit, begin to durable.",
          (double)store.last_commit_us / 1e6);
    gauge(out, "commit_longest_seconds", "The longest commit so far.",
          (double)store.longest_commit_us / 1e6);
    gauge(out, "store_broken", "1 when nothing can be written any more.", store.broken != 0);
    timeline_stats(folder->timeline, &timeline);
    gauge(out, "interactions", "Rows of the timeline.", (double)timeline.rows);
    gauge(out, "head_rows", "Rows not yet in a part.", (double)timeline.head_rows);
    gauge(out, "parts", "Parts of the timeline.", timeline.parts);
    gauge(out, "parts_bytes", "Size of the parts.", (double)timeline.bytes);
    gauge(out, "customers", "Profiles.", customers_count(folder->customers));
    gauge(out, "memory_bytes", "Private memory (RssAnon).", memory_bytes());
    gauge(out, "heap_bytes", "Memory in use by malloc.", (double)mallinfo2().uordblks);
    response->type = "text/plain; version=0.0.4; charset=utf-8";
    return HANDLED;
}

static const struct route routes[] = {
    {METHOD_GET, "/healthz", ACCESS_LOCAL, .handle = healthz, .summary = "It runs"},
    {METHOD_GET, "/readyz", ACCESS_LOCAL, .handle = readyz, .summary = "It takes requests"},
    {METHOD_GET, "/metrics", ACCESS_LOCAL, .handle = get_metrics,
     .summary = "Figures for Prometheus"},
};
const struct route_table api_health_routes = ROUTE_TABLE(routes);
