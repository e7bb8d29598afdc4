/*
 * The network side of http/: what server.c, connection.c, exchange.c, stream.c and workers.c share. The only header
 * that knows libmicrohttpd.
 *
 * THREADS  libmicrohttpd's pool runs the callbacks of exchange.c; workers run handlers that may block and produce
 * chunks of streams; one watcher thread looks after time, clients that leave and sockets that linger.
 *
 * STATES of an exchange (one request and its answer)
 *   reading    head and body arrive
 *   running    an inline handler runs in the connection's thread
 *   parked     the connection is suspended; a worker or the writer will complete it
 *   completed  the answer is there (request_complete); the connection was resumed if it was parked
 *   answering  the response is with libmicrohttpd
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_HTTP_NETWORK_H
#define SENDA_HTTP_NETWORK_H

#include <microhttpd.h>
#include <pthread.h>

#include "http/internal.h"

enum {
    WORKERS = 8,
    WORKER_QUEUE_MAX = 1024,
    ADDRESS_SLOTS = 16384,
    ADDRESS_TEXT_BYTES = 64,
    IDLE_S = 75,   /* between requests of a connection */
    LINGER_S = 30, /* how long a refused body is drained */
    LINGER_MAX = 512,
    DRAIN_S = 30,                   /* at the end: how long requests under way may take */
    SPOOL_STEP_BYTES = 1024 * 1024, /* a large upload brings this much before each deadline */
    KEPT_BYTES = 64 * 1024          /* memory that an idle exchange keeps */
};

enum phase { PHASE_READING, PHASE_RUNNING, PHASE_PARKED, PHASE_COMPLETED, PHASE_ANSWERING };

struct listener {
    struct server *server;
    bool local; /* the Unix socket */
    struct MHD_Daemon *daemon;
};

struct connection {
    struct connection *before, *after; /* in server->connections */
    struct listener *listener;
    struct exchange *exchange; /* under way, NULL: none */
    int fd;
    atomic_int_least64_t deadline_us; /* 0: none */
    char address[ADDRESS_TEXT_BYTES];
    bool counted, proxy, loopback;
};

enum { BODY_KEY_BYTES = 32 };
struct body {
    struct buf bytes;
    size_t limit, declared; /* declared: Content-Length, 0 if unknown */
    bool gzip, sniff;
    int fd; /* of the spool, -1: in memory */
    size_t spooled;
    unsigned char key[BODY_KEY_BYTES]; /* of this spool, in memory only */
    void *mapped;
};

struct task {
    struct task *next;
    void (*run)(struct task *job);
};

struct exchange {
    struct request request; /* first: request_free's rule */
    struct request_private private;
    struct server *server;
    struct listener *listener;
    struct connection *peer;
    struct MHD_Connection *connection;
    struct body body;
    atomic_int phase;
    atomic_int users; /* the request, its worker, and its stream */
    bool begun;       /* headers were seen */
    bool counted;     /* in the forwarded address' count */
    struct task job;
    uint32_t index, generation; /* names it to the watcher */
    bool watched;
    size_t timed; /* of a spooled body: bytes that had come when the deadline was set anew */
    struct stream *stream;
    struct exchange *next; /* in the free list */
    const char *uri;       /* as sent */
};

struct server {
    struct app *app;
    struct server_options options;
    struct listener tcp, local;
    int port, tcp_fd, local_fd, request_s;
    char *socket_path, *trusted_proxy;

    atomic_bool stopping, closed,
        ended; /* no new connections; no new requests; nothing under way */
    atomic_int under_way;

    pthread_mutex_t connections_lock;
    struct connection *connections;
    struct address {
        char text[ADDRESS_TEXT_BYTES];
        int count;
    } * addresses;

    pthread_mutex_t exchanges_lock;
    struct exchange **exchanges, *free_exchanges;
    uint32_t n_exchanges;

    pthread_mutex_t jobs_lock;
    pthread_cond_t jobs_changed;
    struct task *first_job, **last_job;
    size_t n_jobs;
    bool jobs_end;
    pthread_t workers[WORKERS];
    size_t n_workers;

    int epoll;
    pthread_mutex_t watch_lock;
    struct farewell {
        int fd;
        int64_t until_us;
    } farewells[LINGER_MAX];
    struct stream *waiting; /* streams that had nothing to say */
    pthread_t watcher;
    bool has_watcher;
};

/* connection.c */
enum MHD_Result connection_may(void *server, const struct sockaddr *address, socklen_t n);
void connection_notify(void *listener, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code);
/* An address as a proxy says it, in the form in which addresses are counted (IPv6 by /64); false: it is none. */
bool address_read(const char *said, char text[ADDRESS_TEXT_BYTES]);
/* Counts one more for the address; false: it has its share. */
bool address_take(struct server *server, const char *text);
void address_give(struct server *server, const char *text);
void connections_check(struct server *server, int64_t now_us); /* shuts late ones down */
void connections_shut(struct server *server);

/* exchange.c */
struct exchange *exchange_new(struct listener *listener, struct MHD_Connection *connection,
                              struct connection *peer);
void *exchange_uri(void *listener, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *listener, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_n, void **context);
void exchange_end(void *listener, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode code);
void exchange_release(struct exchange *exchange); /* one user less */
void exchanges_free(struct server *server);

/* head.c */
struct head {
    struct exchange *exchange;
    const char *length, *coding, *packing;
    int lengths, codings, hosts;
    bool bad, many;
};
void head_take(struct head *head,
               struct exchange *exchange); /* its fields are the request's then */
must_use int head_check(const struct head *head, const char *version, struct err *err);

/* refuse.c */
/* Answers on the socket, now, and has what still comes drained; MHD_NO, which closes the connection. */
enum MHD_Result exchange_refuse(struct exchange *exchange, const struct err *err);
/* The library's MHD_queue_response. */
enum MHD_Result response_queue(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response);

/* body.c */
void body_begin(struct body *body, size_t limit, size_t declared, bool gzip, bool sniff);
must_use int body_add(struct body *body, const char *dir, const char *bytes, size_t n,
                      struct err *err);
/* The whole body, inflated: valid until body_release. */
must_use int body_finish(struct body *body, struct slice *whole, struct err *err);
void body_release(struct body *body);

/* stream.c */
struct MHD_Response *stream_response(struct exchange *exchange, struct response *response);
void streams_wake(struct server *server, int64_t now_us, bool all);

/* workers.c */
must_use int workers_start(struct server *server, struct err *err);
void workers_stop(struct server *server);
/* false: the queue is full. */
bool workers_add(struct server *server, struct task *job, bool always);

/* watcher.c */
must_use int watcher_start(struct server *server, struct err *err);
void watcher_stop(struct server *server);
void watch_begin(struct exchange *exchange); /* cancels it when the client leaves */
void watch_end(struct exchange *exchange);
void linger(struct server *server,
            int fd); /* takes a duplicate of the socket: reads what still comes */

#endif
