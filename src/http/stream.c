/*
 * Streamed answers: exports and server-sent events.
 *
 * Chunks are made by a worker while the connection is suspended, so that a slow producer never holds a network
 * thread. A stream that has nothing to say (server-sent events) waits in a list; the watcher asks again four times a second,
 * and a comment goes out every 15 seconds so that a client that left is noticed.
 *
 * STATES  idle → (the connection wants bytes) working → ready → idle … → ended
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "base/clock.h"
#include "http/network.h"

enum { CHUNK_BYTES = 64 * 1024, CHUNK_MAX_BYTES = 64 * 1024 * 1024, PING_US = 15 * 1000 * 1000 };

struct stream {
    struct task job;
    struct exchange *exchange;
    pthread_mutex_t lock;
    struct buf ready;
    size_t sent;
    bool working, ended, events;
    int64_t spoke_us;
    struct stream *next; /* in server->waiting */
    int (*make)(void *context, struct buf *chunk);
    void (*done)(void *context);
    void *context;
};

static void wake(struct stream *stream) {
    struct MHD_Connection *connection = stream->exchange->connection;
    stream->working = false;
    pthread_mutex_unlock(&stream->lock);
    MHD_resume_connection(connection);
}

static void wait_for_more(struct stream *stream) {
    struct server *server = stream->exchange->server;
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_lock(&server->jobs_lock);
    stream->next = server->waiting;
    server->waiting = stream;
    pthread_mutex_unlock(&server->jobs_lock);
}

/* In a worker. */
static void make_chunk(struct task *job) {
    struct stream *stream = (struct stream *)job;
    struct server *server = stream->exchange->server;
    pthread_mutex_lock(&stream->lock);
    buf_clear(&stream->ready);
    stream->sent = 0;
    int more = 1;
    while (more == 1 && stream->ready.n < CHUNK_BYTES)
        more = stream->make(stream->context, &stream->ready);
    bool closing = atomic_load(&server->stopping) && stream->events;
    if (more == 0 || more < 0 || closing)
        stream->ended = true;
    int64_t now_us = clock_monotonic_us();
    if (more == 2 && !stream->ready.n && now_us - stream->spoke_us > PING_US && stream->events)
        buf_add_text(&stream->ready, ":\n\n");
    if (stream->ready.n)
        stream->spoke_us = now_us;
    if (stream->ready.n || stream->ended)
        wake(stream);
    else
        wait_for_more(stream);
}

void streams_wake(struct server *server, int64_t now_us, bool all) {
    (void)now_us, (void)all;
    pthread_mutex_lock(&server->jobs_lock);
    struct stream *waiting = server->waiting;
    server->waiting = NULL;
    pthread_mutex_unlock(&server->jobs_lock);
    while (waiting) {
        struct stream *next = waiting->next;
        workers_add(server, &waiting->job, true);
        waiting = next;
    }
}

static ssize_t read_chunk(void *context, uint64_t position, char *to, size_t max) {
    struct stream *stream = context;
    (void)position;
    pthread_mutex_lock(&stream->lock);
    size_t left = stream->ready.n - stream->sent;
    if (left) {
        size_t n = left < max ? left : max;
        memcpy(to, stream->ready.p + stream->sent, n);
        stream->sent += n;
        pthread_mutex_unlock(&stream->lock);
        return (ssize_t)n;
    }
    bool ended = stream->ended;
    if (!ended && !stream->working) {
        stream->working = true;
        MHD_suspend_connection(stream->exchange->connection);
        workers_add(stream->exchange->server, &stream->job, true);
    }
    pthread_mutex_unlock(&stream->lock);
    return ended ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

static void end_stream(void *context) {
    struct stream *stream = context;
    struct exchange *exchange = stream->exchange;
    if (stream->done)
        stream->done(stream->context);
    atomic_fetch_sub(&app_metrics(exchange->server->app)->streams, 1);
    buf_release(&stream->ready);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
    exchange_release(exchange);
}

struct MHD_Response *stream_response(struct exchange *exchange, struct response *response) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    pthread_mutex_init(&stream->lock, NULL);
    stream->job.run = make_chunk;
    stream->exchange = exchange;
    stream->make = response->stream;
    stream->done = response->stream_done;
    stream->context = response->stream_context;
    stream->events = response->type && strncmp(response->type, "text/event-stream", 17) == 0;
    stream->spoke_us = clock_monotonic_us();
    stream->ready = response->body; /* sent first */
    if (!stream->ready.max)
        buf_init(&stream->ready, CHUNK_MAX_BYTES);
    response->body = (struct buf){0};
    response->stream = NULL;
    response->stream_done = NULL;
    atomic_fetch_add(&exchange->users, 1);
    atomic_fetch_add(&app_metrics(exchange->server->app)->streams, 1);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK_BYTES, read_chunk, stream,
                                             end_stream);
}
