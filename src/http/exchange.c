/*
 * One request and its answer on a connection of libmicrohttpd: network.h tells the states.
 *
 * Refusals before the whole body is there (doubtful framing, too large) are refuse.c's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "http/network.h"

/* ---- memory ---- */

static struct exchange *take(struct listener *listener) {
    struct server *server = listener->server;
    pthread_mutex_lock(&server->exchanges_lock);
    struct exchange *exchange = server->free_exchanges;
    if (exchange) {
        server->free_exchanges = exchange->next;
    } else {
        exchange = calloc(1, sizeof *exchange);
        struct exchange **all =
            server->n_exchanges % 64 == 0
                ? realloc(server->exchanges, (server->n_exchanges + 64) * sizeof(struct exchange *))
                : server->exchanges;
        if (!exchange || !all)
            abort();
        server->exchanges = all;
        exchange->index = server->n_exchanges;
        exchange->body.fd = -1;
        server->exchanges[server->n_exchanges++] = exchange;
    }
    exchange->generation++;
    pthread_mutex_unlock(&server->exchanges_lock);
    exchange->server = server;
    exchange->listener = listener;
    exchange->begun = exchange->counted = false;
    exchange->job.run = NULL;
    exchange->stream = NULL;
    exchange->timed = 0;
    atomic_store(&exchange->users, 1);
    atomic_store(&exchange->phase, PHASE_READING);
    return exchange;
}

struct exchange *exchange_new(struct listener *listener, struct MHD_Connection *connection,
                              struct connection *peer) {
    struct exchange *exchange = take(listener);
    atomic_fetch_add(&listener->server->under_way, 1);
    exchange->connection = connection;
    exchange->peer = peer;
    exchange->uri = "/";
    request_init(&exchange->request, &exchange->private, listener->server->app);
    exchange->private.local = listener->local;
    exchange->request.peer = peer->address;
    peer->exchange = exchange;
    return exchange;
}

void exchange_release(struct exchange *exchange) {
    if (atomic_fetch_sub(&exchange->users, 1) != 1)
        return;
    struct server *server = exchange->server;
    struct arena arena = exchange->private.arena;
    response_release(&exchange->private.response);
    body_release(&exchange->body);
    arena_clear(&arena);
    if (arena.chunk && (size_t)(arena.end - arena.next) > KEPT_BYTES)
        arena_release(&arena);
    /* The headers' array is large and needs no clearing. */
    size_t after = offsetof(struct request_private, n_headers);
    memset((char *)&exchange->private + after, 0, sizeof exchange->private - after);
    memset(&exchange->request, 0, sizeof exchange->request);
    exchange->private.arena = arena;
    pthread_mutex_lock(&server->exchanges_lock);
    exchange->next = server->free_exchanges;
    server->free_exchanges = exchange;
    pthread_mutex_unlock(&server->exchanges_lock);
    atomic_fetch_sub(&server->under_way, 1);
}

void exchanges_free(struct server *server) {
    for (uint32_t i = 0; i < server->n_exchanges; i++) {
        arena_release(&server->exchanges[i]->private.arena);
        buf_release(&server->exchanges[i]->body.bytes);
        free(server->exchanges[i]);
    }
    free(server->exchanges);
}

static void set_deadline(struct exchange *exchange, int64_t seconds) {
    atomic_store_explicit(&exchange->peer->deadline_us,
                          seconds ? clock_monotonic_us() + seconds * INT64_C(1000000) : 0,
                          memory_order_relaxed);
}

/* ---- completion ---- */

/* From any thread: the response is in private.response. */
static void complete(struct request *request) {
    struct exchange *exchange = (struct exchange *)request;
    struct MHD_Connection *connection = exchange->connection;
    if (atomic_exchange(&exchange->phase, PHASE_COMPLETED) == PHASE_PARKED)
        MHD_resume_connection(connection);
}

void *exchange_uri(void *context, const char *uri, struct MHD_Connection *connection) {
    struct listener *listener = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!info || !info->socket_context)
        return NULL;
    struct exchange *exchange = exchange_new(listener, connection, info->socket_context);
    exchange->private.completed = complete;
    exchange->private.transport = exchange;
    exchange->uri = arena_text(exchange->request.arena, slice_of(uri));
    set_deadline(exchange, listener->server->request_s);
    return exchange;
}

void exchange_end(void *context, struct MHD_Connection *connection, void **own,
                  enum MHD_RequestTerminationCode code) {
    struct exchange *exchange = *own;
    (void)context, (void)connection, (void)code;
    if (!exchange)
        return;
    *own = NULL;
    exchange->peer->exchange = NULL;
    if (exchange->begun) {
        const struct response *response = &exchange->private.response;
        app_count_request(exchange->server->app, response->status,
                          clock_monotonic_us() - exchange->private.began_us);
    }
    if (exchange->job.run)
        watch_end(exchange); /* of a handler that suspended */
    if (exchange->counted)
        address_give(exchange->server, exchange->request.peer);
    set_deadline(exchange, IDLE_S);
    exchange_release(exchange);
}

/* ---- the beginning ---- */

/* The last address that our proxy vouches for. */
static void take_forwarded(struct exchange *exchange) {
    struct request *request = &exchange->request;
    const char *list = request_header(request, "X-Forwarded-For");
    const char *public_url = app_options(request->app)->public_url;
    request->private->https = public_url && strncmp(public_url, "https:", 6) == 0;
    if (!exchange->peer->proxy) {
        request->private->loopback = exchange->peer->loopback && !list;
        return;
    }
    if (list) {
        const char *last = strrchr(list, ',');
        last = last ? last + 1 : list;
        last += strspn(last, " ");
        size_t n = strcspn(last, " ");
        char text[ADDRESS_TEXT_BYTES];
        if (address_read(arena_text(request->arena, (struct slice){last, n}), text))
            request->peer = arena_text(request->arena, slice_of(text));
    }
    const char *scheme = request_header(request, "X-Forwarded-Proto");
    if (scheme)
        request->private->https = strcmp(scheme, "https") == 0;
}

static int check_packing(const char *packing, bool *gzip, struct err *err) {
    *gzip = false;
    if (!packing || strcasecmp(packing, "identity") == 0 || !packing[0])
        return 0;
    *gzip = strcasecmp(packing, "gzip") == 0 || strcasecmp(packing, "x-gzip") == 0;
    if (*gzip)
        return 0;
    err_set(err, E_MEDIA, "this Content-Encoding is not understood");
    return err_hint(err, "Send the body as it is, or with gzip.");
}

static enum MHD_Result begin(struct exchange *exchange, const char *method, const char *version) {
    struct request *request = &exchange->request;
    struct head head;
    struct err err = {0};
    exchange->begun = true;
    head_take(&head, exchange);
    take_forwarded(exchange);
    request_begin(request, method, exchange->uri);
    if (head_check(&head, version, &err)) {
        request->private->refusal = err; /* before any other */
        return exchange_refuse(exchange, &err);
    }
    if (exchange->peer->proxy) {
        exchange->counted = address_take(exchange->server, request->peer);
        if (!exchange->counted) {
            err_set(&err, E_RATE, "too many connections from this address");
            return exchange_refuse(exchange, &err);
        }
    }
    bool gzip;
    size_t limit = router_body_limit(request);
    size_t declared = head.length ? strtoull(head.length, NULL, 10) : 0;
    if (check_packing(head.packing, &gzip, &err))
        return exchange_refuse(exchange, &err);
    if (declared > limit) {
        err_set(&err, E_TOO_LARGE, "the body is over %zu bytes", limit);
        return exchange_refuse(exchange, &err);
    }
    const struct route *route = request->route;
    body_begin(&exchange->body, limit, declared, gzip, route && route->access == ACCESS_WRITE_KEY);
    if (limit > LIMIT_BATCH_BYTES && (declared > LIMIT_BATCH_BYTES || head.codings) &&
        router_check_early(request, &err))
        return exchange_refuse(exchange, &err);
    /* A large upload may take its time: 1 MB a second at least. */
    if (declared > LIMIT_BATCH_BYTES)
        set_deadline(exchange, exchange->server->request_s + (int64_t)(declared >> 20));
    return MHD_YES;
}

/* ---- answers ---- */

static enum MHD_Result answer(struct exchange *exchange) {
    struct request *request = &exchange->request;
    struct response *response = &exchange->private.response;
    struct MHD_Response *reply;
    atomic_store(&exchange->phase, PHASE_ANSWERING);
    router_finish(request, response);
    response_pack(request, response);
    if (response->stream && request->method != METHOD_HEAD) {
        reply = stream_response(exchange, response);
    } else if (response->static_body.p) {
        union {
            const char *from;
            void *to;
        } bytes = {.from = response->static_body.p};
        reply = MHD_create_response_from_buffer(response->static_body.n, bytes.to,
                                                MHD_RESPMEM_PERSISTENT);
    } else {
        reply = MHD_create_response_from_buffer(response->body.n, response->body.p,
                                                MHD_RESPMEM_MUST_FREE);
        response->body = (struct buf){0};
    }
    if (!reply)
        return MHD_NO;
    if (response->status != 204 && response->status != 304)
        MHD_add_response_header(reply, "Content-Type", response->type);
    for (size_t i = 0; i < response->n_headers; i++)
        MHD_add_response_header(reply, response->headers[i].name, response->headers[i].value);
    if (atomic_load_explicit(&exchange->server->stopping, memory_order_relaxed))
        MHD_add_response_header(reply, "Connection", "close");
    enum MHD_Result result =
        response_queue(exchange->connection, (unsigned)response->status, reply);
    MHD_destroy_response(reply);
    return result;
}

/* Holds the exchange: what suspended may be answered, by another thread, before its handler returns here. */
static void run_in_worker(struct task *job) {
    struct exchange *exchange =
        (struct exchange *)(void *)((char *)job - offsetof(struct exchange, job));
    struct response response = {0};
    int code = atomic_load(&exchange->private.cancelled)
                   ? HANDLED
                   : router_run(&exchange->request, &response);
    if (code != SUSPENDED) {
        watch_end(exchange);
        request_complete(&exchange->request, &response);
    }
    exchange_release(exchange);
}

static enum MHD_Result run(struct exchange *exchange) {
    struct request *request = &exchange->request;
    const struct route *route = request->route;
    if (exchange->private.refusal.code || !route || route->inline_handler) {
        atomic_store(&exchange->phase, PHASE_RUNNING);
        if (router_run(request, &exchange->private.response) == HANDLED)
            return answer(exchange);
        /* Completion may come at any instant: whoever is second resumes. */
        MHD_suspend_connection(exchange->connection);
        int running = PHASE_RUNNING;
        if (!atomic_compare_exchange_strong(&exchange->phase, &running, PHASE_PARKED))
            MHD_resume_connection(exchange->connection);
        return MHD_YES;
    }
    atomic_store(&exchange->phase, PHASE_PARKED);
    MHD_suspend_connection(exchange->connection);
    exchange->job.run = run_in_worker;
    watch_begin(exchange);
    atomic_fetch_add(&exchange->users, 1);
    if (workers_add(exchange->server, &exchange->job, exchange->listener->local))
        return MHD_YES;
    atomic_fetch_sub(&exchange->users, 1);
    watch_end(exchange);
    struct err err = {0};
    struct response response = {0};
    err_set(&err, E_BUSY, "too many requests are waiting");
    response_problem(request, &response, &err);
    request_complete(request, &response);
    return MHD_YES;
}

static enum MHD_Result end_of_body(struct exchange *exchange) {
    struct err err = {0};
    set_deadline(exchange, 0);
    if (atomic_load(&exchange->server->closed))
        return MHD_NO;
    if (body_finish(&exchange->body, &exchange->request.body, &err) &&
        !exchange->private.refusal.code)
        exchange->private.refusal = err;
    return run(exchange);
}

enum MHD_Result exchange_handle(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **own) {
    struct listener *listener = context;
    struct exchange *exchange = *own;
    (void)connection, (void)url;
    if (!exchange)
        return MHD_NO;
    if (!exchange->begun)
        return begin(exchange, method, version);
    if (*upload_n) {
        struct err err = {0};
        if (body_add(&exchange->body, app_folder(listener->server->app)->dir, upload, *upload_n,
                     &err))
            return exchange_refuse(exchange, &err);
        if (exchange->body.fd >= 0 && exchange->body.spooled - exchange->timed > SPOOL_STEP_BYTES) {
            exchange->timed = exchange->body.spooled;
            set_deadline(exchange, listener->server->request_s);
        }
        *upload_n = 0;
        return MHD_YES;
    }
    if (atomic_load(&exchange->phase) == PHASE_COMPLETED)
        return answer(exchange);
    return end_of_body(exchange);
}
