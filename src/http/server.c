/*
 * The server: listeners, start and orderly stop.
 *
 * STOP  No new connections; what is under way is finished (streams of events are ended, slow senders get DRAIN_S);
 * then nothing more is begun, and libmicrohttpd is stopped with no connection suspended.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logger.h"
#include "http/network.h"

enum { BACKLOG = 1024, THREADS_MAX = 8, CONNECTION_MEMORY_BYTES = LIMIT_HEADER_BYTES };

/* "host:port", "[::1]:port", ":port" → host and port. */
static int split_listen(const char *listen, char host[256], char port[8], struct err *err) {
    const char *colon = strrchr(listen, ':');
    size_t n = colon ? (size_t)(colon - listen) : 0;
    if (!colon || n >= 256 || strlen(colon + 1) > 5 || !colon[1] ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return err_set(err, E_USAGE, "the address to listen on must be HOST:PORT");
    const char *start = listen;
    if (n >= 2 && start[0] == '[' && start[n - 1] == ']')
        start++, n -= 2;
    snprintf(host, 256, "%.*s", (int)n, start);
    snprintf(port, 8, "%s", colon + 1);
    return 0;
}

static int open_tcp(const char *listen_on, int *fd, int *port, struct err *err) {
    char host[256] = "", service[8] = "";
    int code = split_listen(listen_on, host, service, err);
    if (code)
        return code;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    if (getaddrinfo(host[0] ? host : NULL, service, &hints, &found) != 0 || !found)
        return err_set(err, E_USAGE, "unknown address to listen on: %.100s", listen_on);
    int one = 1, zero = 0;
    *fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd >= 0) {
        setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (found->ai_family == AF_INET6)
            setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    }
    bool bound =
        *fd >= 0 && bind(*fd, found->ai_addr, found->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0;
    int reason = errno;
    freeaddrinfo(found);
    if (!bound)
        return err_set(err, E_CONFLICT, "cannot listen on %.100s: %s", listen_on,
                       reason == EADDRINUSE ? ERR_WORDS("another program does")
                                            : ERR_WORDS("the system says no"));
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } own = {.v6 = {0}};
    socklen_t n = sizeof own;
    if (getsockname(*fd, &own.any, &n) == 0)
        *port = ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port);
    return 0;
}

/* Socket paths are short: a long folder is reached through /proc/self/fd. */
static int open_local(const char *path, int *fd, struct err *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(path, '/');
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int dir = open(folder[0] ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%.80s", dir,
             slash ? slash + 1 : path);
    unlink(address.sun_path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    bool bound = dir >= 0 && *fd >= 0 &&
                 bind(*fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                 listen(*fd, BACKLOG) == 0;
    umask(before);
    if (dir >= 0)
        close(dir);
    return bound ? 0 : err_set(err, E_IO, "cannot make the local socket of the data folder");
}

static int start_daemon(struct listener *listener, int fd, unsigned threads, struct err *err) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, LIMIT_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    listener->daemon =
        MHD_start_daemon(flags, 0, connection_may, listener, exchange_handle, listener,
                         MHD_OPTION_ARRAY, options, MHD_OPTION_NOTIFY_CONNECTION, connection_notify,
                         listener, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, listener,
                         MHD_OPTION_URI_LOG_CALLBACK, exchange_uri, listener, MHD_OPTION_END);
    return listener->daemon ? 0 : err_set(err, E_INTERNAL, "cannot start the HTTP server");
}

static unsigned thread_count(unsigned wanted) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = wanted ? wanted : processors > 0 ? (unsigned)processors : 1;
    return threads > THREADS_MAX ? THREADS_MAX : threads;
}

static int start(struct server *server, struct err *err) {
    const struct server_options *options = &server->options;
    int code = workers_start(server, err);
    if (!code)
        code = watcher_start(server, err);
    if (!code && options->listen)
        code = open_tcp(options->listen, &server->tcp_fd, &server->port, err);
    if (!code && options->socket_path)
        code = open_local(options->socket_path, &server->local_fd, err);
    if (!code && options->listen)
        code = start_daemon(&server->tcp, server->tcp_fd, thread_count(options->threads), err);
    if (!code && options->socket_path)
        code = start_daemon(&server->local, server->local_fd, 1, err);
    return code;
}

int server_start(struct server **out, struct app *app, const struct server_options *options,
                 struct err *err) {
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->app = app;
    server->options = *options;
    server->request_s = options->request_s ? options->request_s : LIMIT_REQUEST_S;
    server->trusted_proxy = options->trusted_proxy ? strdup(options->trusted_proxy) : NULL;
    server->socket_path = options->socket_path ? strdup(options->socket_path) : NULL;
    server->tcp = (struct listener){.server = server};
    server->local = (struct listener){.server = server, .local = true};
    for (size_t i = 0; i < LINGER_MAX; i++)
        server->farewells[i].fd = -1;
    pthread_mutex_init(&server->watch_lock, NULL);
    server->tcp_fd = server->local_fd = server->epoll = -1;
    server->addresses = calloc(ADDRESS_SLOTS, sizeof *server->addresses);
    if (!server->addresses)
        abort();
    pthread_mutex_init(&server->connections_lock, NULL);
    pthread_mutex_init(&server->jobs_lock, NULL);
    pthread_cond_init(&server->jobs_changed, NULL);
    server->last_job = &server->first_job;
    pthread_mutex_init(&server->exchanges_lock, NULL);
    int code = start(server, err);
    if (code) {
        server_stop(server);
        return code;
    }
    *out = server;
    return 0;
}

int server_port(const struct server *server) { return server->port; }

static void wait_under_way(struct server *server, int64_t until_us) {
    const struct timespec moment = {.tv_nsec = 5000000};
    while (atomic_load(&server->under_way) > 0 && clock_monotonic_us() < until_us)
        nanosleep(&moment, NULL);
}

static void stop_listener(struct listener *listener, int fd) {
    if (listener->daemon)
        MHD_stop_daemon(listener->daemon);
    if (fd >= 0)
        close(fd);
}

void server_stop(struct server *server) {
    atomic_store(&app_metrics(server->app)->stopping, true);
    atomic_store(&server->stopping, true);
    if (server->tcp.daemon)
        (void)MHD_quiesce_daemon(server->tcp.daemon);
    if (server->local.daemon)
        (void)MHD_quiesce_daemon(server->local.daemon);
    wait_under_way(server, clock_monotonic_us() + DRAIN_S * INT64_C(1000000));
    /* Whoever still sends or does not read is shut down; what is suspended completes. */
    atomic_store(&server->closed, true);
    if (atomic_load(&server->under_way) > 0) {
        log_warn("http", "%d requests were cut off", atomic_load(&server->under_way));
        for (uint32_t i = 0; i < server->n_exchanges; i++)
            atomic_store(&server->exchanges[i]->private.cancelled, true);
        connections_shut(server);
        wait_under_way(server, INT64_MAX);
    }
    atomic_store(&server->ended, true);
    watcher_stop(server);
    stop_listener(&server->tcp, server->tcp_fd);
    stop_listener(&server->local, server->local_fd);
    if (server->socket_path)
        unlink(server->socket_path);
    workers_stop(server);
    exchanges_free(server);
    pthread_mutex_destroy(&server->exchanges_lock);
    pthread_mutex_destroy(&server->connections_lock);
    free(server->addresses);
    free(server->trusted_proxy);
    free(server->socket_path);
    free(server);
}
