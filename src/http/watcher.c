/*
 * The watcher: one thread that cancels requests whose client left, reads what a refused client still sends (so that
 * the refusal is not lost in a reset), shuts late connections down, and wakes streams that had nothing to say.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/network.h"

enum { EVENTS = 64, TICK_MS = 250 };

/* epoll data: a lingering slot is its number with the top bit, an exchange is index and generation. */
static const uint64_t LINGER_BIT = UINT64_C(1) << 63;

static void end_linger(struct server *server, size_t slot) {
    close(server->farewells[slot].fd); /* leaves epoll with the last descriptor of the socket */
    server->farewells[slot].fd = -1;
}

void linger(struct server *server, int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    shutdown(fd, SHUT_WR);
    if (copy < 0)
        return;
    pthread_mutex_lock(&server->watch_lock);
    size_t slot = 0;
    while (slot < LINGER_MAX && server->farewells[slot].fd >= 0)
        slot++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = LINGER_BIT | slot};
    if (slot < LINGER_MAX && epoll_ctl(server->epoll, EPOLL_CTL_ADD, copy, &event) == 0) {
        server->farewells[slot] =
            (struct farewell){copy, clock_monotonic_us() + LINGER_S * INT64_C(1000000)};
        copy = -1;
    }
    pthread_mutex_unlock(&server->watch_lock);
    if (copy >= 0)
        close(copy);
}

static void drain(struct server *server, size_t slot) {
    char bytes[64 * 1024];
    if (server->farewells[slot].fd < 0)
        return;
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(server->farewells[slot].fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0)
            continue;
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->farewells[slot].fd, NULL);
            end_linger(server, slot);
        }
        return;
    }
}

static void end_late_lingers(struct server *server, int64_t now_us) {
    for (size_t slot = 0; slot < LINGER_MAX; slot++)
        if (server->farewells[slot].fd >= 0 && server->farewells[slot].until_us < now_us) {
            epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->farewells[slot].fd, NULL);
            end_linger(server, slot);
        }
}

void watch_begin(struct exchange *exchange) {
    struct server *server = exchange->server;
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT,
                                .data.u64 = (uint64_t)exchange->generation << 32 | exchange->index};
    event.data.u64 &= ~LINGER_BIT;
    pthread_mutex_lock(&server->watch_lock);
    exchange->watched = epoll_ctl(server->epoll, EPOLL_CTL_ADD, exchange->peer->fd, &event) == 0;
    pthread_mutex_unlock(&server->watch_lock);
}

void watch_end(struct exchange *exchange) {
    struct server *server = exchange->server;
    pthread_mutex_lock(&server->watch_lock);
    if (exchange->watched)
        epoll_ctl(server->epoll, EPOLL_CTL_DEL, exchange->peer->fd, NULL);
    exchange->watched = false;
    pthread_mutex_unlock(&server->watch_lock);
}

static void client_left(struct server *server, uint64_t data) {
    pthread_mutex_lock(&server->exchanges_lock);
    uint32_t index = (uint32_t)data;
    struct exchange *exchange = index < server->n_exchanges ? server->exchanges[index] : NULL;
    pthread_mutex_unlock(&server->exchanges_lock);
    if (!exchange || !exchange->watched || (exchange->generation & 0x7fffffffU) != data >> 32)
        return;
    atomic_store(&exchange->private.cancelled, true);
    atomic_bool *flag = atomic_load(&exchange->private.watched_flag);
    if (flag)
        atomic_store(flag, true);
}

static void *watch(void *context) {
    struct server *server = context;
    struct epoll_event events[EVENTS];
    while (!atomic_load(&server->ended)) {
        int n = epoll_wait(server->epoll, events, EVENTS, TICK_MS);
        int64_t now_us = clock_monotonic_us();
        pthread_mutex_lock(&server->watch_lock);
        for (int i = 0; i < n; i++) {
            uint64_t data = events[i].data.u64;
            if (data & LINGER_BIT)
                drain(server, (size_t)(data & 0xffffffffU));
            else
                client_left(server, data);
        }
        end_late_lingers(server, now_us);
        pthread_mutex_unlock(&server->watch_lock);
        connections_check(server, now_us);
        streams_wake(server, now_us, atomic_load(&server->stopping));
    }
    return NULL;
}

int watcher_start(struct server *server, struct err *err) {
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || pthread_create(&server->watcher, NULL, watch, server) != 0)
        return err_set(err, E_INTERNAL, "cannot start a thread");
    server->has_watcher = true;
    return 0;
}

void watcher_stop(struct server *server) {
    if (server->has_watcher)
        pthread_join(server->watcher, NULL);
    server->has_watcher = false;
    for (size_t slot = 0; slot < LINGER_MAX; slot++)
        if (server->farewells[slot].fd >= 0)
            end_linger(server, slot);
    if (server->epoll >= 0)
        close(server->epoll);
    pthread_mutex_destroy(&server->watch_lock);
}
