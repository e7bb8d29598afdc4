/*
 * Connections: who is connected, how many from each address, and until when something must have happened.
 *
 * A deadline stands for the whole of head and body, so that a client that drips cannot hold a place; libmicrohttpd's
 * own timeout is about silence only.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "http/network.h"

/* IPv6 counts by /64: whoever has one address there has them all. */
static void v6_text(struct in6_addr v6, char text[ADDRESS_TEXT_BYTES]) {
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        inet_ntop(AF_INET, &v6.s6_addr[12], text, ADDRESS_TEXT_BYTES);
        return;
    }
    if (!IN6_IS_ADDR_LOOPBACK(&v6))
        memset(&v6.s6_addr[8], 0, 8);
    inet_ntop(AF_INET6, &v6, text, ADDRESS_TEXT_BYTES);
}

bool address_read(const char *said, char text[ADDRESS_TEXT_BYTES]) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, said, &v4) == 1)
        return inet_ntop(AF_INET, &v4, text, ADDRESS_TEXT_BYTES) != NULL;
    if (inet_pton(AF_INET6, said, &v6) != 1)
        return false;
    v6_text(v6, text);
    return true;
}

static void address_text(const struct sockaddr *address, char text[ADDRESS_TEXT_BYTES]) {
    text[0] = 0;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, ADDRESS_TEXT_BYTES);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        v6_text(v6.sin6_addr, text);
    }
}

static struct address *find_address(struct server *server, const char *text, bool add) {
    size_t at = hash_bytes(text, strlen(text)) % ADDRESS_SLOTS;
    struct address *empty = NULL;
    for (size_t i = 0; i < 64; i++) {
        struct address *address = &server->addresses[(at + i) % ADDRESS_SLOTS];
        if (address->count && strcmp(address->text, text) == 0)
            return address;
        if (!address->count && !empty)
            empty = address;
    }
    if (add && empty)
        snprintf(empty->text, sizeof empty->text, "%s", text);
    return add ? empty : NULL;
}

bool address_take(struct server *server, const char *text) {
    pthread_mutex_lock(&server->connections_lock);
    struct address *address = find_address(server, text, true);
    bool taken = address && address->count < LIMIT_CONNECTIONS_PER_ADDRESS;
    if (taken)
        address->count++;
    pthread_mutex_unlock(&server->connections_lock);
    return taken;
}

void address_give(struct server *server, const char *text) {
    pthread_mutex_lock(&server->connections_lock);
    struct address *address = find_address(server, text, false);
    if (address)
        address->count--;
    pthread_mutex_unlock(&server->connections_lock);
}

enum MHD_Result connection_may(void *context, const struct sockaddr *address, socklen_t n) {
    struct listener *listener = context;
    (void)n;
    if (listener->local || !address)
        return MHD_YES;
    if (atomic_load(&listener->server->stopping))
        return MHD_NO;
    char text[ADDRESS_TEXT_BYTES];
    address_text(address, text);
    if (listener->server->trusted_proxy && strcmp(listener->server->trusted_proxy, text) == 0)
        return MHD_YES;
    pthread_mutex_lock(&listener->server->connections_lock);
    const struct address *known = find_address(listener->server, text, false);
    bool may = !known || known->count < LIMIT_CONNECTIONS_PER_ADDRESS;
    pthread_mutex_unlock(&listener->server->connections_lock);
    return may ? MHD_YES : MHD_NO;
}

static struct connection *begin(struct listener *listener, struct MHD_Connection *connection) {
    struct server *server = listener->server;
    struct connection *peer = calloc(1, sizeof *peer);
    if (!peer)
        abort();
    peer->listener = listener;
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    peer->fd = fd ? fd->connect_fd : -1;
    if (!listener->local) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        if (info && info->client_addr)
            address_text(info->client_addr, peer->address);
        peer->loopback =
            strncmp(peer->address, "127.", 4) == 0 || strcmp(peer->address, "::1") == 0;
        peer->proxy = server->trusted_proxy && strcmp(server->trusted_proxy, peer->address) == 0;
        peer->counted = !peer->proxy && address_take(server, peer->address);
    }
    atomic_store(&peer->deadline_us, clock_monotonic_us() + server->request_s * INT64_C(1000000));
    pthread_mutex_lock(&server->connections_lock);
    peer->after = server->connections;
    if (peer->after)
        peer->after->before = peer;
    server->connections = peer;
    pthread_mutex_unlock(&server->connections_lock);
    atomic_fetch_add(&app_metrics(server->app)->connections, 1);
    return peer;
}

static void end(struct server *server, struct connection *peer) {
    pthread_mutex_lock(&server->connections_lock);
    if (peer->before)
        peer->before->after = peer->after;
    else
        server->connections = peer->after;
    if (peer->after)
        peer->after->before = peer->before;
    pthread_mutex_unlock(&server->connections_lock);
    if (peer->counted)
        address_give(server, peer->address);
    atomic_fetch_sub(&app_metrics(server->app)->connections, 1);
    free(peer);
}

void connection_notify(void *context, struct MHD_Connection *connection, void **own,
                       enum MHD_ConnectionNotificationCode code) {
    struct listener *listener = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *own = begin(listener, connection);
    } else if (*own) {
        end(listener->server, *own);
        *own = NULL;
    }
}

/* The socket is closed only after end() left the list, so it is ours while we hold the lock. */
void connections_check(struct server *server, int64_t now_us) {
    pthread_mutex_lock(&server->connections_lock);
    for (struct connection *peer = server->connections; peer; peer = peer->after) {
        int64_t deadline_us = atomic_load_explicit(&peer->deadline_us, memory_order_relaxed);
        if (deadline_us && deadline_us < now_us)
            shutdown(peer->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->connections_lock);
}

void connections_shut(struct server *server) { connections_check(server, INT64_MAX); }
