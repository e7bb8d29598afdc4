/*
 * A data folder, an app with the given routes and, where wanted, a server on a free port; and a plain socket to talk to it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SENDA_TESTS_HTTP_WORLD_H
#define SENDA_TESTS_HTTP_WORLD_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "../scratch.h"
#include "http/app.h"
#include "http/router.h"

struct http_world {
    char *dir;
    struct folder *folder;
    struct app *app;
    struct server *server;
};

static inline void world_open(struct http_world *world, const struct route_table *const *tables,
                              size_t n) {
    struct err err = {0};
    world->dir = scratch_make("http");
    struct app_options options = {.tables = tables, .n_tables = n, .rate_per_s = -1};
    if (folder_create(world->dir, NULL, &err) || folder_open(&world->folder, world->dir, &err) ||
        app_open(&world->app, world->folder, &options, &err))
        fail_msg("%s", err.message);
}

static inline void world_serve(struct http_world *world, const struct server_options *options) {
    struct err err = {0};
    if (server_start(&world->server, world->app, options, &err))
        fail_msg("%s", err.message);
}

static inline void world_close(struct http_world *world) {
    if (world->server)
        server_stop(world->server);
    app_close(world->app);
    folder_close(world->folder);
    scratch_remove(world->dir);
    free(world->dir);
}

static inline int world_connect(const struct http_world *world) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(world->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void world_send(int fd, const void *bytes, size_t n) {
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Everything until the server closes. */
static inline char *world_read(int fd) {
    size_t n = 0, capacity = 1 << 20;
    char *text = calloc(1, capacity);
    ssize_t got;
    while (n + 1 < capacity && (got = recv(fd, text + n, capacity - n - 1, 0)) > 0)
        n += (size_t)got;
    return text;
}

/* Sends bytes on a connection of its own; the whole answer, free() it. */
static inline char *world_ask(const struct http_world *world, const char *bytes) {
    int fd = world_connect(world);
    world_send(fd, bytes, strlen(bytes));
    char *answer = world_read(fd);
    close(fd);
    return answer;
}

static inline int status_of(const char *answer) {
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

#endif
